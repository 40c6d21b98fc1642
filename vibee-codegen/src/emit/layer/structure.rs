//! The struct of a layer: its sizes, weights and sublayers.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{Arg, DimId, Step, Sublayer};

use super::Cx;
use crate::emit::body::storage;
use crate::emit::kernel::mentions;
use crate::emit::names::{ident, snake, type_ident};

impl<'a> Cx<'a> {
    /// The sizes that something after loading needs.
    pub(super) fn kept_dims(&self) -> Vec<Ident> {
        let code = [self.forward_in(), self.scratch_bytes(), self.parameters()];
        let used = |d: &Ident| code.iter().any(|c| mentions(c, d));
        self.own_dims().into_iter().filter(used).collect()
    }

    pub(super) fn structure(&self) -> TokenStream {
        let name = self.name();
        let docs = crate::emit::docs::layer(self.layer);
        let docs = docs.iter().map(|l| quote!(#[doc = #l]));
        let mut fields = Vec::new();
        for (n, d) in self.layer.dims.iter().enumerate() {
            let (field, doc) = (self.names.dim(DimId(n as u32)), format!(" `{d}`."));
            if !self.kept_dims().contains(&field) {
                continue;
            }
            fields.push(quote!(#[doc = #doc] #field: usize));
        }
        for s in &self.layer.scalars {
            let (field, doc) = (ident(&snake(s)), format!(" `{s}`."));
            fields.push(quote!(#[doc = #doc] #field: f32));
        }
        for (n, w) in self.layer.weights.iter().enumerate() {
            let field = ident(&snake(&w.name));
            let k = &self.signature.program.kernel;
            let text = crate::emit::docs::weight(k, w);
            let (doc, ty) = if self.packed.contains_key(&n) {
                let packed = crate::emit::gemm::packed_struct(&w.dtype);
                (format!(" `{text}`, packed for products."), quote!(#packed))
            } else if self.rearranged.contains_key(&n) {
                (format!(" `{text}`, rearranged for products of bytes."), quote!(Strips))
            } else {
                let (ty, rank) = (storage(&w.kept_dtype()), Literal::usize_unsuffixed(w.shape.len()));
                (format!(" `{text}`."), quote!(Tensor<#ty, #rank>))
            };
            // Loading it is part of what the spec says; the checker has warned.
            let unread = (!self.reads(Arg::Weight(n))).then(|| quote!(#[allow(dead_code)]));
            fields.push(quote!(#[doc = #doc] #unread #field: #ty));
        }
        for (n, s) in self.layer.sublayers.iter().enumerate() {
            let (field, ty) = (ident(&snake(&s.name)), self.sublayer_type(s));
            let doc = format!(" `{}`.", s.layer);
            let ty = if s.count.is_some() { quote!(Vec<#ty>) } else { ty };
            let unread = (!self.calls(n)).then(|| quote!(#[allow(dead_code)]));
            fields.push(quote!(#[doc = #doc] #unread #field: #ty));
        }
        quote! {
            #(#docs)*
            pub struct #name { #(#fields),* }
        }
    }

    /// Whether a step of the forward takes this.
    fn reads(&self, what: Arg) -> bool {
        self.any_step(
            &|s| matches!(s, Step::Compute { args, .. } | Step::Call { args, .. } if args.contains(&what)),
        )
    }

    /// Whether a step of the forward calls this sublayer.
    fn calls(&self, n: usize) -> bool {
        self.any_step(&|s| matches!(s, Step::Call { sublayer, .. } if *sublayer == n))
    }

    fn any_step(&self, wanted: &dyn Fn(&Step) -> bool) -> bool {
        let mut open: Vec<&Step> = self.layer.forward.steps.iter().collect();
        while let Some(s) = open.pop() {
            if wanted(s) {
                return true;
            }
            if let Step::Loop { body, .. } = s {
                open.extend(body);
            }
        }
        false
    }

    /// `BertLayer`, or its path from another module.
    pub(super) fn sublayer_type(&self, s: &Sublayer) -> TokenStream {
        let name = type_ident(&s.layer);
        let module = self.module_path(s.module.as_deref());
        quote!(#module #name)
    }

    /// `crate::models::bert::` before what an imported spec declares; nothing for this one.
    pub(super) fn module_path(&self, module: Option<&str>) -> TokenStream {
        let Some(module) = module else { return quote!() };
        // Imports are relative to the importing spec's folder.
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for p in module.trim_end_matches(".vibee").split('/') {
            match p {
                ".." => {
                    parts.pop();
                }
                "." | "" => {}
                p => parts.push(p),
            }
        }
        let parts = parts.iter().map(|p| ident(&crate::emit::module_ident(p)));
        quote!(crate::#(#parts::)*)
    }

    pub(super) fn implementation(&self, load: TokenStream) -> TokenStream {
        let name = self.name();
        let (forward, within, scratch, parameters) =
            (self.forward(), self.forward_in(), self.scratch_bytes(), self.parameters());
        quote! {
            impl #name {
                #load
                #forward
                #within
                #scratch
                #parameters
            }
        }
    }
}
