//! Layers and models as Rust: a struct of weights, `load`, and `forward` over a planned arena.
//!
//! Straight-line parts of a forward are kernels of their own (functions beside the struct); weights
//! that are only ever the right side of a matrix product are stored packed. Applications add input
//! and output, nothing else.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{
    Arg, Atom, Check, Cmp, DType, DimBind, DimId, Exprs, InputId, Int, Kernel, Layer, Model, ModelConfig,
    ParamRef, Source, Step, Sublayer, ValueId, WeightTensor,
};

use super::body::storage;
use super::ints::{Leaves, Mode, int};
use super::kernel::{Style, Top, argument_type, checks, kernel, mentions};
use super::names::{Names, camel, ident, snake, type_ident};
use crate::loops::{Gemm, LoopProgram, OperandAxis, Stmt};
use crate::passes::{Program, loads};
use crate::{passes, schedule};

/// One straight-line step, scheduled.
struct Compute {
    name: Ident,
    loops: LoopProgram,
    args: Vec<Arg>,
}

/// Everything about a layer that its items need.
struct Cx<'a> {
    layer: &'a Layer,
    /// The forward's signature as a kernel without definitions.
    signature: LoopProgram,
    names: Names,
    steps: Vec<Compute>,
    /// Packed weights, and whether their rows come first.
    packed: BTreeMap<usize, bool>,
    values: Vec<Ident>,
    /// Path of the spec below the root, for sublayers of other modules.
    path: &'a str,
}

/// The items of a layer.
pub fn layer(l: &Layer, path: &str) -> Vec<TokenStream> {
    let cx = Cx::new(l, path);
    let mut items = vec![cx.structure()];
    items.push(cx.implementation(cx.load_layer()));
    items.extend(cx.step_items());
    items
}

/// The items of a model.
pub fn model(m: &Model, path: &str) -> Vec<TokenStream> {
    let cx = Cx::new(&m.layer, path);
    let mut items = vec![cx.structure()];
    items.push(cx.implementation(cx.load_model(&m.config)));
    items.extend(cx.step_items());
    items
}

impl<'a> Cx<'a> {
    fn new(layer: &'a Layer, path: &'a str) -> Self {
        let signature = signature(layer);
        let mut names = Names::new(&signature);
        let mut steps = Vec::new();
        collect_steps(layer, &layer.forward.steps, &mut steps);
        let values = layer
            .forward
            .values
            .iter()
            .enumerate()
            .map(|(n, v)| match layer.forward.inputs.get(n) {
                Some(_) => names.input(InputId(n as u32)),
                None => format_ident!("{}", names.fresh(&snake(&v.name))),
            })
            .collect();
        let packed = packed(layer, &steps);
        Cx { layer, signature, names, steps, packed, values, path }
    }

    fn top(&self) -> Top<'_> {
        Top { names: &self.names, loops: &self.signature }
    }

    fn exact(&self, i: &Int) -> TokenStream {
        int(&self.top(), i, Mode::Exact)
    }

    fn wide(&self, i: &Int) -> TokenStream {
        int(&self.top(), i, Mode::Wide)
    }

    fn name(&self) -> Ident {
        type_ident(&self.layer.name)
    }

    /// Sizes of the layer itself: fields of the struct.
    fn own_dims(&self) -> Vec<Ident> {
        (0..self.layer.dims.len()).map(|n| self.names.dim(DimId(n as u32))).collect()
    }

    /// The sizes that something after loading needs.
    fn kept_dims(&self) -> Vec<Ident> {
        let code = [self.forward_in(), self.scratch_bytes(), self.parameters()];
        let used = |d: &Ident| code.iter().any(|c| mentions(c, d));
        self.own_dims().into_iter().filter(used).collect()
    }

    fn structure(&self) -> TokenStream {
        let name = self.name();
        let docs = super::docs::prose(&self.layer.doc);
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
            let text = super::docs::ty(k, &w.dtype, &w.shape);
            let (doc, ty) = if self.packed.contains_key(&n) {
                (format!(" `{text}`, packed for products."), quote!(PackedB))
            } else {
                let (ty, rank) = (storage(&w.dtype), Literal::usize_unsuffixed(w.shape.len()));
                (format!(" `{text}`."), quote!(Tensor<#ty, #rank>))
            };
            fields.push(quote!(#[doc = #doc] #field: #ty));
        }
        for s in &self.layer.sublayers {
            let (field, ty) = (ident(&snake(&s.name)), self.sublayer_type(s));
            let doc = format!(" `{}`.", s.layer);
            let ty = if s.count.is_some() { quote!(Vec<#ty>) } else { ty };
            fields.push(quote!(#[doc = #doc] #field: #ty));
        }
        quote! {
            #(#docs)*
            pub struct #name { #(#fields),* }
        }
    }

    /// `BertLayer`, or its path from another module.
    fn sublayer_type(&self, s: &Sublayer) -> TokenStream {
        let name = type_ident(&s.layer);
        let Some(module) = &s.module else { return quote!(#name) };
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
        let parts = parts.iter().map(|p| ident(&super::module_ident(p)));
        quote!(crate::#(#parts::)*#name)
    }

    fn implementation(&self, load: TokenStream) -> TokenStream {
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

    fn load_layer(&self) -> TokenStream {
        let dims = self.own_dims();
        let checks: TokenStream = self.layer.checks.iter().map(|c| self.load_check(c)).collect();
        let body = self.load_fields(&quote!(prefix));
        quote! {
            /// Reads the weights, whose names start with `prefix`.
            ///
            /// # Errors
            /// [`LoadError`] for missing or misshapen tensors.
            pub fn load(source: &dyn weights::Source, prefix: &str, #(#dims: usize),*) -> Result<Self, LoadError> {
                #checks
                #body
            }
        }
    }

    fn load_model(&self, config: &[ModelConfig]) -> TokenStream {
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
        quote! {
            /// Reads sizes from the configuration and weights from a file of named tensors.
            ///
            /// # Errors
            /// [`LoadError`] for missing keys and missing or misshapen tensors.
            pub fn load(source: &dyn weights::Source, #config: &dyn weights::Config) -> Result<Self, LoadError> {
                #binds
                #checks
                #body
            }
        }
    }

    fn load_check(&self, c: &Check) -> TokenStream {
        let layer = &self.layer.name;
        match c {
            Check::Where { text, lhs, cmp, rhs } => {
                let (l, r) = (self.wide(lhs), self.wide(rhs));
                let cmp = comparison(*cmp);
                quote!(weights::holds(#layer, #text, (#l) #cmp (#r))?;)
            }
            Check::InRange { text, domain, low, high, extent } => {
                let empty: Vec<TokenStream> = domain.iter().map(|d| self.wide(d)).collect();
                let (low, high, extent) = (self.wide(low), self.wide(high), self.wide(extent));
                quote!(weights::holds(#layer, #text, #(#empty == 0 ||)* (0 <= #low && #high < #extent))?;)
            }
            Check::Axis { .. } => quote!(),
        }
    }

    fn load_fields(&self, prefix: &TokenStream) -> TokenStream {
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

    fn load_weight(&self, n: usize, w: &WeightTensor, prefix: &TokenStream) -> TokenStream {
        let (ty, rank) = (storage(&w.dtype), Literal::usize_unsuffixed(w.shape.len()));
        let dims: Vec<TokenStream> = w.shape.iter().map(|d| self.size(d)).collect();
        let tensor = &w.tensor;
        let name =
            if prefix.to_string() == "\"\"" { quote!(#tensor) } else { quote!(&[#prefix, #tensor].concat()) };
        let load = quote!(Tensor::<#ty, #rank>::load(source, #name, [#(#dims),*])?);
        match self.packed.get(&n) {
            Some(true) => quote!(PackedB::new(#load.view().mat([0], [1]))),
            Some(false) => quote!(PackedB::new(#load.view().mat([1], [0]))),
            None => load,
        }
    }

    /// A size of a weight or sublayer; composite ones are checked.
    fn size(&self, i: &Int) -> TokenStream {
        if matches!(i.as_atom(), Some(Atom::Dim(_))) || i.as_const().is_some_and(|c| c >= 0) {
            return self.exact(i);
        }
        let text = super::docs::int(&self.signature.program.kernel, i);
        let wide = self.wide(i);
        quote!(weights::size(#text, #wide)?)
    }

    fn load_sublayer(&self, s: &Sublayer, prefix: &TokenStream) -> TokenStream {
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

    /// Parameters of a forward: arguments, then outputs.
    fn parameters_of(&self, with_outputs: bool) -> (Vec<TokenStream>, Vec<Ident>) {
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

    fn forward(&self) -> TokenStream {
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
    fn size_arguments(&self, dims: impl Fn(&Ident) -> TokenStream) -> Vec<TokenStream> {
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
    fn open(&self, code: &TokenStream) -> TokenStream {
        let used: Vec<Ident> = self.own_dims().into_iter().filter(|d| mentions(code, d)).collect();
        if used.is_empty() { quote!() } else { quote!(let Self { #(#used,)* .. } = *self;) }
    }

    fn forward_in(&self) -> TokenStream {
        let (params, _) = self.parameters_of(true);
        let checks = checks(&self.top(), &self.signature);
        let mut outputs = TokenStream::new();
        let layer = &self.layer.name;
        for o in &self.layer.forward.outputs {
            let (name, v) = (&self.values[o.index()], &self.layer.forward.values[o.index()]);
            let text = &v.name;
            for (axis, extent) in v.shape.iter().enumerate() {
                let want = super::docs::int(&self.signature.program.kernel, extent);
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
        let mut next = 0;
        self.steps(&plan, &self.layer.forward.steps, &mut next, &mut steps);
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

    fn plan(&self) -> Plan {
        let forward = &self.layer.forward;
        let mut carried = Vec::new();
        collect_carried(&forward.steps, &mut carried);
        let inputs = forward.inputs.len();
        let stored = (0..forward.values.len())
            .map(|n| ValueId(n as u32))
            .filter(|v| {
                let is_input = v.index() < inputs;
                let is_output = forward.outputs.contains(v);
                carried.contains(v) || (!is_input && !is_output)
            })
            .collect();
        let copied = carried.iter().copied().filter(|v| v.index() < inputs).collect();
        Plan { stored, copied }
    }

    fn steps(&self, plan: &Plan, steps: &[Step], next: &mut usize, out: &mut TokenStream) {
        for s in steps {
            match s {
                Step::Compute { outs, .. } => {
                    let c = &self.steps[*next];
                    *next += 1;
                    let name = &c.name;
                    let k = &c.loops.program.kernel;
                    let mut args: Vec<TokenStream> = Vec::new();
                    for p in &k.params {
                        if let ParamRef::Input(i) = p {
                            args.push(self.argument(plan, c.args[i.index()], !k.input(*i).shape.is_empty()));
                        }
                    }
                    args.extend(c.dims_used().iter().map(|d| {
                        let d = self.names.dim(*d);
                        quote!(#d)
                    }));
                    args.extend(outs.iter().map(|o| self.target(plan, *o)));
                    out.extend(quote!(#name(&mut scratch.reborrow(), par, #(#args),*);));
                }
                Step::Call { sublayer, indexed, args, outs } => {
                    let field = ident(&snake(&self.layer.sublayers[*sublayer].name));
                    let receiver = if *indexed { quote!(#field) } else { quote!(self.#field) };
                    let mut values: Vec<TokenStream> =
                        args.iter().map(|a| self.argument(plan, *a, self.is_array(*a))).collect();
                    values.extend(outs.iter().map(|o| self.target(plan, *o)));
                    out.extend(quote!(#receiver.forward_in(scratch.reborrow(), par, #(#values),*)?;));
                }
                Step::Loop { count, body, carried } => {
                    let mut inside = TokenStream::new();
                    self.steps(plan, body, next, &mut inside);
                    for (a, b) in carried {
                        let (a, b) = (plan.name(self, *a), plan.name(self, *b));
                        inside.extend(quote!(std::mem::swap(&mut #a, &mut #b);));
                    }
                    let mut indexed = Vec::new();
                    collect_indexed(body, &mut indexed);
                    let count = self.exact(count);
                    let fields: Vec<Ident> =
                        indexed.iter().map(|s| ident(&snake(&self.layer.sublayers[*s].name))).collect();
                    out.extend(match fields.as_slice() {
                        [] => quote!(for _ in 0..#count { #inside }),
                        [one] => quote!(for #one in self.#one.iter().take(#count) { #inside }),
                        [first, rest @ ..] => {
                            let pattern = rest.iter().fold(quote!(#first), |p, f| quote!((#p, #f)));
                            let zip =
                                rest.iter().fold(quote!(self.#first.iter()), |z, f| quote!(#z.zip(&self.#f)));
                            quote!(for #pattern in #zip.take(#count) { #inside })
                        }
                    });
                }
            }
        }
    }

    fn is_array(&self, a: Arg) -> bool {
        match a {
            Arg::Value(v) => !self.layer.forward.values[v.index()].shape.is_empty(),
            Arg::Weight(w) => !self.layer.weights[w].shape.is_empty(),
            Arg::Scalar(_) => false,
        }
    }

    fn argument(&self, plan: &Plan, a: Arg, array: bool) -> TokenStream {
        match a {
            Arg::Value(v) => {
                let name = plan.name(self, v);
                let given = v.index() < self.layer.forward.inputs.len() && !plan.stored.contains(&v);
                match (given, array) {
                    (true, _) => quote!(#name),
                    (false, true) => quote!(#name.view()),
                    (false, false) => quote!(#name.at([])),
                }
            }
            Arg::Weight(w) => {
                let field = ident(&snake(&self.layer.weights[w].name));
                match (self.packed.contains_key(&w), array) {
                    (true, _) => quote!(&self.#field),
                    (false, true) => quote!(self.#field.view()),
                    (false, false) => quote!(self.#field.view().at([])),
                }
            }
            Arg::Scalar(s) => {
                let field = ident(&snake(&self.layer.scalars[s]));
                quote!(self.#field)
            }
        }
    }

    fn target(&self, plan: &Plan, v: ValueId) -> TokenStream {
        let name = plan.name(self, v);
        quote!(#name.reborrow())
    }

    fn scratch_bytes(&self) -> TokenStream {
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
        let code = quote!(Ok(#total));
        let mut binds = TokenStream::new();
        for (n, d) in self.layer.forward.dims.iter().enumerate() {
            let name = self.names.dim(DimId(n as u32));
            if let DimBind::Axis { input, axis, offset, factor } = &d.bind
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
                let name = super::kernel::unused(&self.names.input(InputId(n as u32)), &body);
                let rank = Literal::usize_unsuffixed(i.shape.len());
                params.push(quote!(#name: [usize; #rank]));
            }
        }
        for (n, d) in self.layer.forward.dims.iter().enumerate() {
            if d.bind == DimBind::Argument {
                let name = super::kernel::unused(&self.names.dim(DimId(n as u32)), &body);
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

    fn parameters(&self) -> TokenStream {
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

    fn step_items(&self) -> Vec<TokenStream> {
        let mut items = Vec::new();
        for c in &self.steps {
            let packed: BTreeSet<InputId> = c
                .args
                .iter()
                .enumerate()
                .filter(|(_, a)| matches!(a, Arg::Weight(w) if self.packed.contains_key(w)))
                .map(|(n, _)| InputId(n as u32))
                .collect();
            let base = camel(&c.name.to_string());
            let style = Style { name: c.name.clone(), base, public: false, packed: &packed };
            items.extend(kernel(&c.loops, &style, &[]).items);
        }
        items
    }
}

impl Compute {
    /// Sizes that the step's function takes.
    fn dims_used(&self) -> Vec<DimId> {
        super::kernel::step_dims(&self.loops)
    }

    /// Bytes of its arena, over the forward's sizes.
    fn arena(&self, leaves: &dyn Leaves) -> TokenStream {
        super::kernel::arena_bytes(leaves, &self.loops, &self.name.to_string())
    }
}

/// Which values have buffers in the arena.
struct Plan {
    stored: Vec<ValueId>,
    /// Arguments that a loop overwrites: copied first.
    copied: Vec<ValueId>,
}

impl Plan {
    /// The variable of a value: its buffer if it has one.
    fn name(&self, cx: &Cx<'_>, v: ValueId) -> Ident {
        let name = &cx.values[v.index()];
        let forward = &cx.layer.forward;
        let shadows = v.index() < forward.inputs.len() || forward.outputs.contains(&v);
        if self.stored.contains(&v) && shadows { format_ident!("{name}_now") } else { name.clone() }
    }
}

/// A forward's signature as a kernel that computes nothing.
fn signature(layer: &Layer) -> LoopProgram {
    let f = &layer.forward;
    let mut params: Vec<ParamRef> = (0..f.inputs.len()).map(|n| ParamRef::Input(InputId(n as u32))).collect();
    params.extend(
        f.dims
            .iter()
            .enumerate()
            .filter(|(_, d)| d.bind == DimBind::Argument)
            .map(|(n, _)| ParamRef::Dim(DimId(n as u32))),
    );
    let kernel = Kernel {
        name: layer.name.clone(),
        doc: layer.doc.clone(),
        header: f.header.clone(),
        dims: f.dims.clone(),
        indices: vec![],
        inputs: f.inputs.clone(),
        params,
        defs: vec![],
        outputs: vec![],
        checks: f.checks.clone(),
        exprs: Exprs::default(),
        specialise: vec![],
    };
    LoopProgram {
        program: Program { kernel, defs: vec![], outputs: vec![] },
        buffers: vec![],
        places: vec![],
        stages: vec![],
    }
}

fn collect_steps(layer: &Layer, steps: &[Step], out: &mut Vec<Compute>) {
    for s in steps {
        match s {
            Step::Compute { kernel, args, outs } => {
                let result = outs.last().map_or("step", |v| layer.forward.values[v.index()].name.as_str());
                let base = format!("{}_{}", snake(&layer.name), snake(result));
                let mut name = base.clone();
                let mut n = 2;
                while out.iter().any(|c| c.name == name) {
                    name = format!("{base}{n}");
                    n += 1;
                }
                let loops = schedule::run(passes::run((**kernel).clone()));
                out.push(Compute { name: ident(&name), loops, args: args.clone() });
            }
            Step::Loop { body, .. } => collect_steps(layer, body, out),
            Step::Call { .. } => {}
        }
    }
}

/// Weights that are only ever whole right operands of products, and whether rows come first.
fn packed(layer: &Layer, steps: &[Compute]) -> BTreeMap<usize, bool> {
    let mut verdict: BTreeMap<usize, Option<bool>> = BTreeMap::new();
    for c in steps {
        let program = &c.loops.program;
        let mut gemms = Vec::new();
        for s in &c.loops.stages {
            collect_gemms(&s.body, &mut gemms);
        }
        for (n, a) in c.args.iter().enumerate() {
            let Arg::Weight(w) = a else { continue };
            let id = InputId(n as u32);
            let readers = program
                .live()
                .filter(|(d, _)| {
                    program.roots(*d).iter().any(|r| {
                        loads(&program.kernel.exprs, *r).iter().any(|(_, from, _)| *from == Source::Input(id))
                    })
                })
                .count();
            let as_right: Vec<bool> = gemms
                .iter()
                .filter(|g| super::gemm::packed_weight(program, g) == Some(id))
                .map(|g| matches!(g.b.axes.first(), Some(OperandAxis::Rows(..))))
                .collect();
            let agreed = as_right.first().copied().filter(|f| {
                as_right.iter().all(|o| o == f)
                    && as_right.len() == readers
                    && layer.weights[*w].dtype == DType::F32
            });
            let entry = verdict.entry(*w).or_insert(agreed);
            if *entry != agreed {
                *entry = None;
            }
        }
    }
    let mut direct = Vec::new();
    collect_calls(&layer.forward.steps, &mut direct);
    for a in direct.iter().flat_map(|(_, args)| args) {
        if let Arg::Weight(w) = a {
            verdict.insert(*w, None);
        }
    }
    verdict.into_iter().filter_map(|(w, v)| Some((w, v?))).collect()
}

fn collect_gemms<'a>(stmts: &'a [Stmt], out: &mut Vec<&'a Gemm>) {
    for s in stmts {
        match s {
            Stmt::Gemm(g) => out.push(g),
            Stmt::Loop { body, .. } => collect_gemms(body, out),
            _ => {}
        }
    }
}

fn collect_calls(steps: &[Step], out: &mut Vec<(usize, Vec<Arg>)>) {
    for s in steps {
        match s {
            Step::Call { sublayer, args, .. } => out.push((*sublayer, args.clone())),
            Step::Loop { body, .. } => collect_calls(body, out),
            Step::Compute { .. } => {}
        }
    }
}

fn collect_indexed(steps: &[Step], out: &mut Vec<usize>) {
    for s in steps {
        match s {
            Step::Call { sublayer, indexed: true, .. } if !out.contains(sublayer) => out.push(*sublayer),
            Step::Loop { body, .. } => collect_indexed(body, out),
            _ => {}
        }
    }
}

fn collect_carried(steps: &[Step], out: &mut Vec<ValueId>) {
    for s in steps {
        if let Step::Loop { body, carried, .. } = s {
            for (a, b) in carried {
                for v in [a, b] {
                    if !out.contains(v) {
                        out.push(*v);
                    }
                }
            }
            collect_carried(body, out);
        }
    }
}

fn comparison(c: Cmp) -> TokenStream {
    match c {
        Cmp::Eq => quote!(==),
        Cmp::Ne => quote!(!=),
        Cmp::Lt => quote!(<),
        Cmp::Le => quote!(<=),
    }
}
