//! `forward` and `forward_in`: checks, the arena, and the steps.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DimBind, DimId, InputId, Layer};

use super::Cx;
use super::steps::Walk;
use crate::emit::body::storage;
use crate::emit::kernel::{argument_type, checks, mentions};
use crate::loops::LoopProgram;
use crate::passes::Program;

impl<'a> Cx<'a> {
    /// Parameters of a forward: arguments, then outputs.
    pub(super) fn parameters_of(&self, with_outputs: bool) -> (Vec<TokenStream>, Vec<Ident>) {
        let (mut params, mut names) = (Vec::new(), Vec::new());
        for (n, i) in self.layer.forward.inputs.iter().enumerate() {
            let name = self.names.input(InputId(n as u32));
            let ty = argument_type(&i.dtype, i.shape.len(), &quote!('_));
            params.push(quote!(#name: #ty));
            names.push(name);
        }
        for (n, d) in self.layer.forward.dims.iter().enumerate() {
            if d.bind == DimBind::Argument {
                let name = self.names.dim(DimId(n as u32));
                params.push(quote!(#name: usize));
                names.push(name);
            }
        }
        if with_outputs {
            for o in &self.layer.forward.outputs {
                let (name, v) = (&self.values[o.index()], &self.layer.forward.values[o.index()]);
                let (ty, rank) = (storage(&v.dtype), Literal::usize_unsuffixed(v.shape.len()));
                params.push(quote!(#name: ViewMut<'_, #ty, #rank>));
                names.push(name.clone());
            }
        }
        (params, names)
    }

    pub(super) fn forward(&self) -> TokenStream {
        let (params, names) = self.parameters_of(true);
        let sizes = self.size_arguments(|n| quote!(#n.dims()));
        let header = format!(" `{}`", self.layer.forward.header.replace("```", "'''"));
        quote! {
            #[doc = #header]
            ///
            /// # Errors
            /// [`ShapeError`] if the arguments do not fit together.
            pub fn forward(&self, ctx: &mut Ctx, #(#params),*) -> Result<(), ShapeError> {
                let bytes = self.scratch_bytes(#(#sizes),*)?;
                let (scratch, mut par) = ctx.frame(bytes);
                self.forward_in(scratch, &mut par, #(#names),*)
            }
        }
    }

    /// What `scratch_bytes` is called with: extents of tensors, and size arguments.
    pub(super) fn size_arguments(&self, dims: impl Fn(&Ident) -> TokenStream) -> Vec<TokenStream> {
        let mut out = Vec::new();
        for (n, i) in self.layer.forward.inputs.iter().enumerate() {
            if !i.shape.is_empty() {
                out.push(dims(&self.names.input(InputId(n as u32))));
            }
        }
        for (n, d) in self.layer.forward.dims.iter().enumerate() {
            if d.bind == DimBind::Argument {
                let name = self.names.dim(DimId(n as u32));
                out.push(quote!(#name));
            }
        }
        out
    }

    /// Makes the layer's own sizes variables.
    pub(super) fn open(&self, code: &TokenStream) -> TokenStream {
        let used: Vec<Ident> = self.own_dims().into_iter().filter(|d| mentions(code, d)).collect();
        if used.is_empty() { quote!() } else { quote!(let Self { #(#used,)* .. } = *self;) }
    }

    pub(super) fn forward_in(&self) -> TokenStream {
        let (params, _) = self.parameters_of(true);
        let checks = checks(&self.top(), &self.signature);
        let mut outputs = TokenStream::new();
        let layer = &self.layer.name;
        for o in &self.layer.forward.outputs {
            let (name, v) = (&self.values[o.index()], &self.layer.forward.values[o.index()]);
            let text = &v.name;
            for (axis, extent) in v.shape.iter().enumerate() {
                let want = crate::emit::docs::int(&self.signature.program.kernel, extent);
                let (expected, a) = (self.wide(extent), Literal::usize_unsuffixed(axis));
                outputs.extend(quote!(check::dim(#layer, #text, #a, #want, #expected, #name.dim(#a))?;));
            }
        }
        let plan = self.plan();
        let mut lets = TokenStream::new();
        for v in &plan.stored {
            let (name, value) = (plan.name(self, *v), &self.layer.forward.values[v.index()]);
            let (ty, rank) = (storage(&value.dtype), Literal::usize_unsuffixed(value.shape.len()));
            let dims: Vec<TokenStream> = value.shape.iter().map(|d| self.exact(d)).collect();
            lets.extend(quote!(let mut #name = scratch.tensor::<#ty, #rank>([#(#dims),*]);));
        }
        for v in &plan.copied {
            let (name, from) = (plan.name(self, *v), &self.values[v.index()]);
            lets.extend(quote!(#name.copy_from(#from);));
        }
        let mut steps = TokenStream::new();
        self.steps(&plan, &mut Walk::default(), &self.layer.forward.steps, &mut steps);
        for o in &self.layer.forward.outputs {
            if plan.stored.contains(o) {
                let (from, to) = (plan.name(self, *o), &self.values[o.index()]);
                steps.extend(quote!(#to.copy_from(#from.view());));
            }
        }
        let code = quote!(#checks #outputs #lets #steps Ok(()));
        let open = self.open(&code);
        // Outputs are written through reborrows.
        let written: Vec<&Ident> =
            self.layer.forward.outputs.iter().map(|o| &self.values[o.index()]).collect();
        let scratch =
            if mentions(&code, &format_ident!("scratch")) { quote!(mut scratch) } else { quote!(_scratch) };
        let par = if mentions(&code, &format_ident!("par")) { quote!(par) } else { quote!(_par) };
        let params: Vec<TokenStream> = params
            .into_iter()
            .map(|p| {
                let mut it = p.clone().into_iter();
                match it.next() {
                    Some(proc_macro2::TokenTree::Ident(i)) if !mentions(&code, &i) => {
                        let (name, rest): (_, TokenStream) = (format_ident!("_{}", i), it.collect());
                        quote!(#name #rest)
                    }
                    Some(proc_macro2::TokenTree::Ident(i)) if written.contains(&&i) => quote!(mut #p),
                    _ => p,
                }
            })
            .collect();
        quote! {
            /// [`Self::forward`] with the caller's scratch, of at least [`Self::scratch_bytes`].
            ///
            /// # Errors
            /// [`ShapeError`] if the arguments do not fit together.
            pub fn forward_in(
                &self,
                #scratch: Scratch<'_>,
                #par: &mut Par<'_>,
                #(#params),*
            ) -> Result<(), ShapeError> {
                #open
                #code
            }
        }
    }
}

/// A forward's signature as a kernel that computes nothing.
pub(super) fn signature(layer: &Layer) -> LoopProgram {
    LoopProgram {
        program: Program { kernel: layer.signature(), defs: vec![], outputs: vec![] },
        buffers: vec![],
        places: vec![],
        stages: vec![],
    }
}
