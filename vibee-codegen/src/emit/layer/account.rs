//! What a layer takes: bytes of scratch, numbers of parameters.

use proc_macro2::{Literal, TokenStream, TokenTree};
use quote::quote;
use vibee_spec::term::{Arg, DimBind, DimId, InputId, Int};

use super::Cx;
use super::collect::collect_calls;
use crate::emit::body::storage;
use crate::emit::kernel::mentions;
use crate::emit::names::{ident, snake};

impl<'a> Cx<'a> {
    pub(super) fn scratch_bytes(&self) -> TokenStream {
        let layer = &self.layer.name;
        let plan = self.plan();
        let mut own = Vec::new();
        for v in &plan.stored {
            let value = &self.layer.forward.values[v.index()];
            let ty = storage(&value.dtype);
            let dims: Vec<TokenStream> = value.shape.iter().map(|d| self.exact(d)).collect();
            own.push(quote!(check::bytes::<#ty>(#layer, &[#(#dims),*])?));
        }
        let mut inner: Vec<TokenStream> = Vec::new();
        for c in &self.steps {
            let bytes = c.arena(&self.top());
            if !bytes.is_empty() {
                inner.push(bytes);
            }
        }
        let mut calls = Vec::new();
        collect_calls(&self.layer.forward.steps, &mut calls);
        for (sublayer, args) in calls {
            let s = &self.layer.sublayers[sublayer];
            let field = ident(&snake(&s.name));
            let sizes: Vec<TokenStream> = args
                .iter()
                .filter(|a| self.is_array(**a))
                .map(|a| {
                    let shape = match a {
                        Arg::Value(v) => &self.layer.forward.values[v.index()].shape,
                        Arg::Weight(w) => &self.layer.weights[*w].shape,
                        Arg::Scalar(_) => unreachable!("scalars are no arrays"),
                    };
                    let dims: Vec<TokenStream> = shape.iter().map(|d| self.exact(d)).collect();
                    quote!([#(#dims),*])
                })
                .collect();
            inner.push(if s.count.is_some() {
                quote!(match self.#field.first() {
                    Some(#field) => #field.scratch_bytes(#(#sizes),*)?,
                    None => 0,
                })
            } else {
                quote!(self.#field.scratch_bytes(#(#sizes),*)?)
            });
        }
        let mut it = inner.into_iter();
        let largest = match it.next() {
            Some(first) => it.fold(first, |a, b| quote!((#a).max(#b))),
            None => quote!(0),
        };
        let total = own.into_iter().fold(largest, |a, b| quote!(#a + #b));
        let code = result(total);
        let mut binds = TokenStream::new();
        for (n, d) in self.layer.forward.dims.iter().enumerate() {
            let name = self.names.dim(DimId(n as u32));
            if let DimBind::Axis { input, axis, offset, factor, .. } = &d.bind
                && mentions(&code, &name)
            {
                let (x, a) = (self.names.input(*input), Literal::usize_unsuffixed(*axis));
                binds.extend(if *offset == Int::default() && factor.as_const() == Some(1) {
                    quote!(let #name = #x[#a];)
                } else {
                    let what = format!("axis {axis} of {}", self.layer.forward.inputs[input.index()].name);
                    let (offset, factor) = (self.wide(offset), self.wide(factor));
                    quote!(let #name = check::solve(#layer, #what, #x[#a], #offset, #factor)?;)
                });
            }
        }
        let body = quote!(#binds #code);
        let open = self.open(&body);
        let mut params = Vec::new();
        for (n, i) in self.layer.forward.inputs.iter().enumerate() {
            if !i.shape.is_empty() {
                let name = crate::emit::kernel::unused(&self.names.input(InputId(n as u32)), &body);
                let rank = Literal::usize_unsuffixed(i.shape.len());
                params.push(quote!(#name: [usize; #rank]));
            }
        }
        for (n, d) in self.layer.forward.dims.iter().enumerate() {
            if d.bind == DimBind::Argument {
                let name = crate::emit::kernel::unused(&self.names.dim(DimId(n as u32)), &body);
                params.push(quote!(#name: usize));
            }
        }
        quote! {
            /// Bytes of scratch that a forward of arguments with these extents takes.
            ///
            /// # Errors
            /// [`ShapeError`] if that is more than memory can hold.
            pub fn scratch_bytes(&self, #(#params),*) -> Result<usize, ShapeError> {
                #open
                #body
            }
        }
    }

    pub(super) fn parameters(&self) -> TokenStream {
        let mut terms = Vec::new();
        for w in &self.layer.weights {
            let count = w.shape.iter().fold(Int::constant(1), |p, d| p.mul(d));
            terms.push(self.exact(&count));
        }
        for s in &self.layer.sublayers {
            let (field, ty) = (ident(&snake(&s.name)), self.sublayer_type(s));
            terms.push(if s.count.is_some() {
                quote!(self.#field.iter().map(#ty::parameters).sum::<usize>())
            } else {
                quote!(self.#field.parameters())
            });
        }
        let mut it = terms.into_iter();
        let first = it.next().unwrap_or_else(|| quote!(0));
        let sum = it.fold(first, |a, b| quote!(#a + #b));
        let open = self.open(&sum);
        quote! {
            /// How many parameters there are.
            #[must_use]
            pub fn parameters(&self) -> usize {
                #open
                #sum
            }
        }
    }
}

/// A number as a result, which a single number that may fail is already.
fn result(total: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = total.clone().into_iter().collect();
    let is = |t: &TokenTree, sign: char| matches!(t, TokenTree::Punct(p) if p.as_char() == sign);
    match tokens.split_last() {
        Some((last, rest)) if is(last, '?') && !rest.iter().any(|t| is(t, '+') || is(t, '?')) => {
            rest.iter().cloned().collect()
        }
        _ => quote!(Ok(#total)),
    }
}
