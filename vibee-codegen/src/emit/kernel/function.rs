//! The function of a kernel: checks, scratch, then one stage after another.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DType, Int, ParamRef};

use super::checks::{arena, arena_bytes, checks};
use super::fields::{argument_type, mentions, unused};
use super::{Style, Top};
use crate::emit::body::storage;
use crate::emit::ints::{Mode, int};
use crate::emit::names::Names;
use crate::loops::LoopProgram;

/// The kernel's function: before its own stages, what is special for some sizes, and which outputs that writes whole.
pub(super) fn function(
    loops: &LoopProgram,
    names: &Names,
    style: &Style<'_>,
    (special, whole): (&TokenStream, &BTreeSet<usize>),
    calls: &TokenStream,
) -> TokenStream {
    let k = &loops.program.kernel;
    let top = Top { names, loops };
    let name = &style.name;
    let mut params = Vec::new();
    for p in &k.params {
        match p {
            ParamRef::Input(i) => {
                let (n, input) = (names.input(*i), k.input(*i));
                let ty = if style.packed.contains(i) {
                    crate::emit::gemm::packed_type(&input.dtype, &quote!())
                } else if style.strips.contains(i) {
                    quote!(&Strips)
                } else {
                    argument_type(&input.dtype, input.shape.len(), &quote!('_))
                };
                params.push(quote!(#n: #ty));
            }
            ParamRef::Dim(d) => {
                let n = names.dim(*d);
                params.push(quote!(#n: usize));
            }
        }
    }
    if !style.public {
        for d in step_dims(loops) {
            let n = names.dim(d);
            params.push(quote!(#n: usize));
        }
    }
    let mut splits = TokenStream::new();
    for (nth, o) in loops.program.outputs.iter().enumerate() {
        let def = loops.program.def(o.def);
        let (n, ty) = (names.buffer(o.def), storage(&def.dtype));
        let rank = Literal::usize_unsuffixed(o.shape.len());
        let split = split_output(&top, loops, o, &n);
        params.push(if split.is_empty() || whole.contains(&nth) {
            quote!(mut #n: ViewMut<'_, #ty, #rank>)
        } else {
            quote!(#n: ViewMut<'_, #ty, #rank>)
        });
        splits.extend(split);
    }
    let checks = if style.public { checks(&top, loops) } else { quote!() };
    let framed = framed(loops, names, style, calls);
    let body = quote! { #checks #special #splits #framed };
    let docs = if style.public { crate::emit::docs::kernel(loops) } else { crate::emit::docs::step(loops) };
    let docs = docs.iter().map(|l| quote!(#[doc = #l]));
    // Parameters that only shape checks of the caller would use.
    let params: Vec<TokenStream> = params
        .into_iter()
        .map(|p| {
            let mut tokens = p.clone().into_iter();
            let first = tokens.next();
            match first {
                Some(proc_macro2::TokenTree::Ident(i)) if i != "mut" && !mentions(&body, &i) => {
                    let n = format_ident!("_{}", i);
                    let rest: TokenStream = tokens.collect();
                    quote!(#n #rest)
                }
                _ => p,
            }
        })
        .collect();
    if !style.public {
        let scratch = unused(&format_ident!("scratch"), &body);
        // Blocks of a weight are whole, which is looked at where they are taken as a matrix.
        let (result, end) = if style.is_fallible() {
            (quote!(-> Result<(), ShapeError>), quote!(Ok(())))
        } else {
            (quote!(), quote!())
        };
        return quote! {
            #(#docs)*
            fn #name(#scratch: &mut Scratch<'_>, par: &mut Par<'_>, #(#params),*) #result { #body #end }
        };
    }
    quote! {
        #(#docs)*
        pub fn #name(ctx: &mut Ctx, #(#params),*) -> Result<(), ShapeError> { #body Ok(()) }
    }
}

/// The stages with the scratch they share.
pub(super) fn framed(
    loops: &LoopProgram,
    names: &Names,
    style: &Style<'_>,
    calls: &TokenStream,
) -> TokenStream {
    let top = Top { names, loops };
    let arena = arena(&top, loops);
    let bytes = arena_bytes(&top, loops, &style.name.to_string());
    let frame = match (style.public, bytes.is_empty()) {
        (false, _) => quote!(),
        (true, true) => quote!(let (_, mut par) = ctx.frame(0);),
        (true, false) => quote!(let (mut scratch, mut par) = ctx.frame(#bytes);),
    };
    quote! { #frame #arena #calls }
}

/// Sizes that a step's function takes as arguments: those its code can mention.
pub fn step_dims(loops: &LoopProgram) -> Vec<vibee_spec::term::DimId> {
    let mut used = BTreeSet::new();
    let mut visit = |i: &Int| {
        i.visit_leaves(&mut |a| {
            if let vibee_spec::term::Atom::Dim(d) = a {
                used.insert(*d);
            }
        });
    };
    for stage in &loops.stages {
        stage.grid.iter().for_each(|i| visit(loops.program.extent(*i)));
    }
    for (id, d) in loops.program.live() {
        d.all_indices().iter().for_each(|i| visit(loops.program.extent(*i)));
        for root in loops.program.roots(id) {
            crate::passes::visit(&loops.program.kernel.exprs, root, &mut |_, node| match node {
                vibee_spec::term::Node::Int(i) => visit(i),
                vibee_spec::term::Node::Cast(DType::Idx(i) | DType::Len(i), _) => visit(i),
                vibee_spec::term::Node::Load { from, at, outside } => {
                    for p in at {
                        if let vibee_spec::term::Pos::At(i) = p {
                            visit(i);
                        }
                    }
                    if let (Some(_), vibee_spec::term::Source::Input(i)) = (outside, from) {
                        loops.program.kernel.input(*i).shape.iter().for_each(&mut visit);
                    }
                }
                _ => {}
            });
        }
    }
    used.into_iter().collect()
}

/// Writes an output's merged axes as the axes its definition has.
pub(super) fn split_output(
    top: &Top<'_>,
    loops: &LoopProgram,
    o: &crate::passes::Target,
    name: &Ident,
) -> TokenStream {
    let mut parts = Vec::new();
    let def = loops.program.def(o.def);
    let (mut axis, mut rank) = (0usize, o.shape.len());
    for digits in &o.digits {
        for n in 0..digits.saturating_sub(1) {
            let extents: Vec<Int> =
                (0..*digits - n).map(|d| loops.program.extent(def.free[axis + d]).clone()).collect();
            let inner = extents[1..].iter().fold(Int::constant(1), |p, e| p.mul(e));
            rank += 1;
            let (a, r) = (Literal::usize_unsuffixed(axis), Literal::usize_unsuffixed(rank));
            let (outer, inner) = (int(top, &extents[0], Mode::Exact), int(top, &inner, Mode::Exact));
            parts.push(quote!(#name.split_axis::<#r>(#a, #outer, #inner)));
            axis += 1;
        }
        axis += 1;
    }
    let last = parts.len().saturating_sub(1);
    let lets = parts.into_iter().enumerate().map(|(n, split)| {
        let mutable = if n == last { quote!(mut) } else { quote!() };
        quote!(let #mutable #name = #split;)
    });
    lets.collect()
}
