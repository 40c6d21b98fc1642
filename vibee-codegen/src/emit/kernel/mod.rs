//! A kernel as Rust items: its function, its scratch size, one task per stage.

mod checks;
mod fields;
mod function;
mod task;

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{DType, InputId};

use super::body::Body;
use super::formats::StandIns;
use super::ints::Leaves;
use super::names::{Names, camel};
use crate::loops::{LoopProgram, Stmt};
use function::{framed, function, split_output};
use task::task;

pub use checks::{arena_bytes, checks};
pub use fields::{argument_type, fields, mentions, unused};
pub use function::step_dims;

/// The Rust of one kernel.
pub struct KernelCode {
    /// Items, in reading order.
    pub items: Vec<TokenStream>,
}

/// Leaves named at the level of the kernel's own function.
pub struct Top<'a> {
    /// Names.
    pub names: &'a Names,
    /// The kernel.
    pub loops: &'a LoopProgram,
}

impl Leaves for Top<'_> {
    fn leaf(&self, a: &vibee_spec::term::Atom) -> TokenStream {
        use vibee_spec::term::Atom;
        match a {
            Atom::Dim(d) => {
                let name = self.names.dim(*d);
                quote!(#name)
            }
            Atom::Scalar(i) => {
                let name = self.names.input(*i);
                match self.loops.program.kernel.input(*i).dtype {
                    DType::Idx(_) | DType::Len(_) => quote!(#name),
                    _ => quote!((#name as usize)),
                }
            }
            _ => unreachable!("no index is bound outside of loops"),
        }
    }
}

/// How a kernel's function is made: a public one with checks, or a step of a layer.
pub struct Style<'a> {
    /// The function's name.
    pub name: Ident,
    /// What its task types are named after.
    pub base: String,
    /// Checks and binds sizes itself.
    pub public: bool,
    /// Weights given in packed form.
    pub packed: &'a BTreeSet<InputId>,
    /// Weights in a format, given as bytes rearranged for products.
    pub strips: &'a BTreeSet<InputId>,
    /// Stand-ins of operands in a format: the bytes, and the type that decodes them.
    pub decoded: &'a StandIns,
}

impl Style<'_> {
    /// Whether a step looks at bytes as blocks, which might not be whole.
    pub fn is_fallible(&self) -> bool {
        self.decoded.values().any(|s| !self.strips.contains(&s.bytes))
    }
}

impl KernelCode {
    /// Names of the types among the items.
    pub fn types(&self) -> BTreeSet<String> {
        let name = |t: &TokenStream| {
            let mut it = t.clone().into_iter().skip_while(|t| t.to_string() != "struct");
            it.nth(1).map(|n| n.to_string())
        };
        self.items.iter().filter_map(name).collect()
    }
}

/// A kernel for fixed sizes.
pub struct Variant {
    /// The sizes.
    pub sizes: Vec<(vibee_spec::term::DimId, i64)>,
    /// Its own schedule.
    pub loops: LoopProgram,
}

/// Emits a kernel, and what it runs instead for the sizes it is specialised for.
pub fn kernel(loops: &LoopProgram, style: &Style<'_>, variants: &[Variant]) -> KernelCode {
    let base = &style.base;
    let general = calls(loops, style, base);
    let mut items = Vec::new();
    let mut special = TokenStream::new();
    // Outputs that some variant writes as they are given.
    let mut whole = BTreeSet::new();
    for v in variants {
        let suffix: String = v
            .sizes
            .iter()
            .map(|(d, n)| format!("{}{n}", camel(&loops.program.kernel.dims[d.index()].name)))
            .collect();
        let calls = calls(&v.loops, style, &format!("{base}{suffix}"));
        let names = Names::new(&v.loops);
        let conditions = v.sizes.iter().map(|(d, n)| {
            let (d, n) = (names.dim(*d), Literal::i64_unsuffixed(*n));
            quote!(#d == #n)
        });
        let body = framed(&v.loops, &calls.names, style, &calls.code);
        // Merged axes have other digits here than in the general kernel.
        let mut splits = TokenStream::new();
        for (n, o) in v.loops.program.outputs.iter().enumerate() {
            let top = Top { names: &calls.names, loops: &v.loops };
            let split = split_output(&top, &v.loops, o, &calls.names.buffer(o.def));
            if split.is_empty() {
                whole.insert(n);
            }
            splits.extend(split);
        }
        special.extend(quote!(if #(#conditions)&&* { #splits #body return Ok(()); }));
        items.extend(calls.items);
    }
    let function = function(loops, &general.names, style, (&special, &whole), &general.code);
    items.splice(0..0, general.items);
    items.insert(0, function);
    KernelCode { items }
}

/// The stages of a kernel: what runs them, and the items they are.
struct Calls {
    items: Vec<TokenStream>,
    names: Names,
    code: TokenStream,
}

fn calls(loops: &LoopProgram, style: &Style<'_>, base: &str) -> Calls {
    let mut names = Names::new(loops);
    let mut items = Vec::new();
    let mut code = TokenStream::new();
    let mut rounded = Vec::new();
    for stage in &loops.stages {
        let mut body = Body::new(loops, names.clone(), stage);
        body.rounded = std::mem::take(&mut rounded);
        body.packed = style.packed.clone();
        body.strips = style.strips.clone();
        body.decoded = style.decoded.clone();
        body.base = base.to_owned();
        let call = match stage.body.as_slice() {
            [Stmt::Gemm(g)] if stage.grid.is_empty() => {
                body.top = true;
                let text = &loops.program.def(g.target()).text;
                let comment = if text.is_empty() { quote!() } else { quote!(__comment!(#text);) };
                let call = crate::emit::gemm::as_stage(&mut body, g);
                quote!(#comment #call)
            }
            _ => task(&mut body, stage, &style.name, loops.stages.len() > 1, &mut items),
        };
        rounded = std::mem::take(&mut body.rounded);
        items.append(&mut body.items);
        names.adopt(&body.names);
        code.extend(call);
    }
    Calls { items, names, code }
}
