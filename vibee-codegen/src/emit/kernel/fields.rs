//! What a task or an epilogue reads from outside, as the fields of a struct.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DType, InputId};

use crate::emit::body::{Body, storage};

/// The fields of a task or epilogue: what its body reads from outside.
pub struct Fields {
    /// `x: View<'a, f32, 2>`.
    pub declarations: Vec<TokenStream>,
    names: Vec<Ident>,
    /// For each field, whether it is a buffer (a view has to be taken of it).
    buffers: Vec<bool>,
    /// `<'a>` or nothing.
    pub generics: TokenStream,
    /// `<'_>` or nothing.
    pub elided: TokenStream,
}

impl Fields {
    /// Adds the value of an index that is bound outside.
    pub fn index(&mut self, name: Ident) {
        self.declarations.push(quote!(#name: usize));
        self.names.push(name);
        self.buffers.push(false);
    }

    /// Values for a struct literal; in a task all fields are variables of the same name.
    pub fn values(&self, in_task: bool) -> Vec<TokenStream> {
        self.names
            .iter()
            .zip(&self.buffers)
            .map(|(n, b)| if *b && !in_task { quote!(#n: #n.view()) } else { quote!(#n) })
            .collect()
    }

    /// Only the fields that some code mentions.
    pub fn retain(mut self, code: &TokenStream) -> Self {
        let keep: Vec<bool> = self.names.iter().map(|n| mentions(code, n)).collect();
        let mut it = keep.iter();
        self.declarations.retain(|_| *it.next().unwrap_or(&true));
        let mut it = keep.iter();
        self.names.retain(|_| *it.next().unwrap_or(&true));
        let mut it = keep.iter();
        self.buffers.retain(|_| *it.next().unwrap_or(&true));
        if !self.declarations.iter().any(|d| d.to_string().contains("'a")) {
            (self.generics, self.elided) = (quote!(), quote!());
        }
        self
    }

    /// Makes the fields that some code mentions variables.
    pub fn open(&self, code: &TokenStream) -> TokenStream {
        let used = self.used_names(code);
        match used.len() {
            0 => quote!(),
            n if n == self.names.len() => quote!(let Self { #(#used),* } = *self;),
            _ => quote!(let Self { #(#used,)* .. } = *self;),
        }
    }

    /// The fields that some code mentions.
    pub(super) fn used_names(&self, code: &TokenStream) -> Vec<Ident> {
        self.names.iter().filter(|n| mentions(code, n)).cloned().collect()
    }
}

/// Whether an identifier occurs in some code.
pub fn mentions(code: &TokenStream, name: &Ident) -> bool {
    code.clone().into_iter().any(|t| match t {
        proc_macro2::TokenTree::Ident(i) => i == *name,
        proc_macro2::TokenTree::Group(g) => mentions(&g.stream(), name),
        _ => false,
    })
}

/// The name, with an underscore if the code does not use it.
pub fn unused(name: &Ident, code: &TokenStream) -> Ident {
    if mentions(code, name) { name.clone() } else { format_ident!("_{}", name) }
}

/// The type of an argument.
pub fn input_type(body: &Body<'_>, i: InputId, life: &TokenStream) -> TokenStream {
    let input = body.p.program.kernel.input(i);
    if body.packed.contains(&i) {
        return crate::emit::gemm::packed_type(&input.dtype, life);
    }
    argument_type(&input.dtype, input.shape.len(), life)
}

/// The type of a tensor or scalar argument.
pub fn argument_type(dtype: &DType, rank: usize, life: &TokenStream) -> TokenStream {
    let ty = storage(dtype);
    match (rank, dtype) {
        (0, DType::Idx(_) | DType::Len(_)) => quote!(usize),
        (0, _) => quote!(#ty),
        (rank, _) => {
            let rank = Literal::usize_unsuffixed(rank);
            quote!(View<#life, #ty, #rank>)
        }
    }
}

/// The fields for what a body used.
pub fn fields(body: &Body<'_>) -> Fields {
    let mut out =
        Fields { declarations: vec![], names: vec![], buffers: vec![], generics: quote!(), elided: quote!() };
    let mut borrowed = false;
    for i in &body.used.inputs {
        let name = body.names.input(*i);
        let ty = input_type(body, *i, &quote!('a));
        borrowed |= !body.p.program.kernel.input(*i).shape.is_empty();
        out.declarations.push(quote!(#name: #ty));
        out.names.push(name);
        out.buffers.push(false);
    }
    for b in &body.used.buffers {
        let buffer = body.p.buffer(*b);
        let def = body.p.program.def(buffer.def);
        let (name, ty) = (body.names.buffer(buffer.def), storage(&def.dtype));
        let rank = Literal::usize_unsuffixed(buffer.dims.len());
        borrowed = true;
        out.declarations.push(quote!(#name: View<'a, #ty, #rank>));
        out.names.push(name);
        out.buffers.push(true);
    }
    for d in &body.used.dims {
        let name = body.names.dim(*d);
        out.declarations.push(quote!(#name: usize));
        out.names.push(name);
        out.buffers.push(false);
    }
    if borrowed {
        out.generics = quote!(<'a>);
        out.elided = quote!(<'_>);
    }
    out
}
