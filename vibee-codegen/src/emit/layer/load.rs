//! `load`: sizes and configuration checked, tensors taken by name.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{Atom, Check, Cmp, DType, DimId, Int, ModelConfig, Sublayer, WeightTensor};

use super::Cx;
use crate::emit::body::storage;
use crate::emit::expr::ends_with_cast;
use crate::emit::names::{ident, snake};

impl<'a> Cx<'a> {
    pub(super) fn load_layer(&self) -> TokenStream {
        let dims = self.own_dims();
        let checks: TokenStream = self.layer.checks.iter().map(|c| self.load_check(c)).collect();
        let body = self.load_fields(&quote!(prefix));
        let (source, prefix) = match self.loads_nothing() {
            true => (quote!(_source), quote!(_prefix)),
            false => (quote!(source), quote!(prefix)),
        };
        quote! {
            /// Reads the weights, whose names start with `prefix`.
            ///
            /// # Errors
            /// [`LoadError`] for missing or misshapen tensors.
            pub fn load(#source: &dyn weights::Source, #prefix: &str, #(#dims: usize),*) -> Result<Self, LoadError> {
                #checks
                #body
            }
        }
    }

    pub(super) fn load_model(&self, config: &[ModelConfig]) -> TokenStream {
        let mut binds = TokenStream::new();
        let mut reads_config = false;
        for c in config {
            reads_config |= c.key.is_some();
            let dim = self.layer.dims.iter().position(|d| *d == c.name);
            let value = match (dim, &c.key, c.value) {
                (Some(_), Some(k), Some(v)) => {
                    let v = Literal::i64_unsuffixed(v as i64);
                    quote!(weights::or(config.int(#k), #v)?)
                }
                (Some(_), Some(k), None) => quote!(config.int(#k)?),
                (Some(_), None, v) => {
                    let v = Literal::i64_unsuffixed(v.unwrap_or(0.0) as i64);
                    quote!(#v)
                }
                (None, Some(k), Some(v)) => {
                    let v = Literal::f64_unsuffixed(v);
                    quote!(weights::or(config.float(#k), #v)? as f32)
                }
                (None, Some(k), None) => quote!(config.float(#k)? as f32),
                (None, None, v) => {
                    let v = Literal::f64_unsuffixed(v.unwrap_or(0.0));
                    quote!(#v)
                }
            };
            match dim {
                Some(n) => {
                    let (name, text) = (self.names.dim(DimId(n as u32)), &c.name);
                    binds.extend(quote!(let #name: usize = #value;));
                    binds.extend(quote!(weights::size(#text, #name as i64)?;));
                }
                None => {
                    let name = ident(&snake(&c.name));
                    binds.extend(quote!(let #name: f32 = #value;));
                }
            }
        }
        let checks: TokenStream = self.layer.checks.iter().map(|c| self.load_check(c)).collect();
        let body = self.load_fields(&quote!(""));
        let config = if reads_config { quote!(config) } else { quote!(_config) };
        let source = if self.loads_nothing() { quote!(_source) } else { quote!(source) };
        quote! {
            /// Reads sizes from the configuration and weights from a file of named tensors.
            ///
            /// # Errors
            /// [`LoadError`] for missing keys and missing or misshapen tensors.
            pub fn load(#source: &dyn weights::Source, #config: &dyn weights::Config) -> Result<Self, LoadError> {
                #binds
                #checks
                #body
            }
        }
    }

    /// Whether the layer has no tensor, not even in sublayers.
    fn loads_nothing(&self) -> bool {
        self.layer.weights.is_empty() && self.layer.sublayers.is_empty()
    }

    pub(super) fn load_check(&self, c: &Check) -> TokenStream {
        let layer = &self.layer.name;
        match c {
            Check::Where { text, lhs, cmp, rhs } => {
                let (l, r) = (self.wide(lhs), self.wide(rhs));
                let cmp = comparison(*cmp);
                quote!(weights::holds(#layer, #text, (#l) #cmp (#r))?;)
            }
            Check::InRange { text, domain, low, high, extent } => {
                // Over nothing nothing is read.
                if domain.iter().any(|d| d.as_const() == Some(0)) {
                    return quote!();
                }
                let empty = domain.iter().filter(|d| d.as_const().is_none()).map(|d| self.wide(d));
                let empty: Vec<TokenStream> = empty.collect();
                let (least, high, extent) = (self.wide(low), self.wide(high), self.wide(extent));
                // A cast before `<` would begin a list of types.
                let high = if ends_with_cast(&high) { quote!((#high)) } else { high };
                let below = quote!(#high < #extent);
                let inside = match (low.as_const(), empty.is_empty()) {
                    (Some(0..), _) => below,
                    (_, true) => quote!(0 <= #least && #below),
                    (_, false) => quote!((0 <= #least && #below)),
                };
                quote!(weights::holds(#layer, #text, #(#empty == 0 ||)* #inside)?;)
            }
            Check::Axis { .. } => quote!(),
        }
    }

    pub(super) fn load_fields(&self, prefix: &TokenStream) -> TokenStream {
        let dims = self.kept_dims();
        let scalars: Vec<Ident> = self.layer.scalars.iter().map(|s| ident(&snake(s))).collect();
        let mut fields = Vec::new();
        for (n, w) in self.layer.weights.iter().enumerate() {
            let (field, value) = (ident(&snake(&w.name)), self.load_weight(n, w, prefix));
            fields.push(quote!(#field: #value));
        }
        for s in &self.layer.sublayers {
            let (field, value) = (ident(&snake(&s.name)), self.load_sublayer(s, prefix));
            fields.push(quote!(#field: #value));
        }
        quote!(Ok(Self { #(#dims,)* #(#scalars,)* #(#fields),* }))
    }

    pub(super) fn load_weight(&self, n: usize, w: &WeightTensor, prefix: &TokenStream) -> TokenStream {
        let dims: Vec<TokenStream> = w.shape.iter().map(|d| self.size(d)).collect();
        let tensor = &w.tensor;
        let name =
            if prefix.to_string() == "\"\"" { quote!(#tensor) } else { quote!(&[#prefix, #tensor].concat()) };
        if let Some(stored) = &w.stored {
            let module = self.module_path(stored.module.as_deref());
            let format = ident(&snake(&stored.format.name));
            let load = match self.rearranged.get(&n) {
                Some(decoder) => quote!(weights::strips::<#decoder>),
                None => quote!(weights::blocks),
            };
            return quote!(#load(source, #name, [#(#dims),*], &#module #format::FORMAT)?);
        }
        let (ty, rank) = (storage(&w.dtype), Literal::usize_unsuffixed(w.shape.len()));
        let load = quote!(Tensor::<#ty, #rank>::load(source, #name, [#(#dims),*])?);
        match self.packed.get(&n) {
            Some(_) if w.dtype == DType::BF16 => quote!(PackedBf16::new(#load.view())),
            Some(true) => quote!(PackedB::new(#load.view().mat([0], [1]))),
            Some(false) => quote!(PackedB::new(#load.view().mat([1], [0]))),
            None => load,
        }
    }

    /// A size of a weight or sublayer; composite ones are checked.
    pub(super) fn size(&self, i: &Int) -> TokenStream {
        if matches!(i.as_atom(), Some(Atom::Dim(_))) || i.as_const().is_some_and(|c| c >= 0) {
            return self.exact(i);
        }
        let text = crate::emit::docs::int(&self.signature.program.kernel, i);
        let wide = self.wide(i);
        quote!(weights::size(#text, #wide)?)
    }

    pub(super) fn load_sublayer(&self, s: &Sublayer, prefix: &TokenStream) -> TokenStream {
        let ty = self.sublayer_type(s);
        let dims: Vec<TokenStream> = s.dims.iter().map(|d| self.size(d)).collect();
        let empty = prefix.to_string() == "\"\"";
        let Some(count) = &s.count else {
            let p = &s.prefix;
            let name = if empty { quote!(#p) } else { quote!(&[#prefix, #p].concat()) };
            return quote!(#ty::load(source, #name, #(#dims),*)?);
        };
        let count = self.size(count);
        // The number is put where the spec has `{i}`.
        let mut pieces: Vec<TokenStream> = if empty { vec![] } else { vec![quote!(#prefix)] };
        for (n, piece) in s.prefix.split("{i}").enumerate() {
            if n > 0 {
                pieces.push(quote!(&i.to_string()));
            }
            if !piece.is_empty() {
                pieces.push(quote!(#piece));
            }
        }
        quote! {
            (0..#count)
                .map(|i| #ty::load(source, &[#(#pieces),*].concat(), #(#dims),*))
                .collect::<Result<Vec<_>, _>>()?
        }
    }
}

pub(super) fn comparison(c: Cmp) -> TokenStream {
    match c {
        Cmp::Eq => quote!(==),
        Cmp::Ne => quote!(!=),
        Cmp::Lt => quote!(<),
        Cmp::Le => quote!(<=),
    }
}
