//! Entry checks, and the scratch that a call needs.

use std::collections::BTreeSet;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{Check, Cmp, DType, DimBind, InputId, Int};

use super::Top;
use crate::emit::body::storage;
use crate::emit::ints::{Leaves, Mode, int};
use crate::loops::{BufferKind, LoopProgram};

/// Buffers that live as long as the call.
pub(super) fn arena(top: &Top<'_>, loops: &LoopProgram) -> TokenStream {
    let mut buffers = TokenStream::new();
    for b in loops.buffers.iter().filter(|b| b.kind == BufferKind::Arena) {
        let n = top.names.buffer(b.def);
        let ty = storage(&loops.program.def(b.def).dtype);
        let rank = Literal::usize_unsuffixed(b.dims.len());
        let dims: Vec<TokenStream> = b.dims.iter().map(|d| int(top, d, Mode::Exact)).collect();
        buffers.extend(quote!(let mut #n = scratch.tensor::<#ty, #rank>([#(#dims),*]);));
    }
    buffers
}

/// The size of those buffers as an expression that may return an error; nothing if there are none.
pub fn arena_bytes(leaves: &dyn Leaves, loops: &LoopProgram, kernel: &str) -> TokenStream {
    let mut bytes = Vec::new();
    for b in loops.buffers.iter().filter(|b| b.kind == BufferKind::Arena) {
        let ty = storage(&loops.program.def(b.def).dtype);
        let dims: Vec<TokenStream> = b.dims.iter().map(|d| int(leaves, d, Mode::Exact)).collect();
        bytes.push(quote!(check::bytes::<#ty>(#kernel, &[#(#dims),*])?));
    }
    bytes.extend(crate::emit::bytes::scratch(leaves, loops));
    let mut it = bytes.into_iter();
    let first = it.next().unwrap_or_default();
    it.fold(first, |a, b| quote!(#a + #b))
}

/// Binds sizes and checks the arguments.
pub fn checks(top: &Top<'_>, loops: &LoopProgram) -> TokenStream {
    let k = &loops.program.kernel;
    let kernel = &k.name;
    let mut out = TokenStream::new();
    let wide = |i: &Int| int(top, i, Mode::Wide);
    for (n, d) in k.dims.iter().enumerate() {
        let name = top.names.dim(vibee_spec::term::DimId(n as u32));
        match &d.bind {
            DimBind::Argument => {
                let text = &d.name;
                out.extend(quote!(check::size(#kernel, #text, #name)?;));
            }
            DimBind::Layer => {}
            DimBind::Axis { input, axis, offset, factor, blocks } => {
                let (x, a) = (top.names.input(*input), Literal::usize_unsuffixed(*axis));
                let what = format!("axis {axis} of {}", k.input(*input).name);
                let extent = match blocks {
                    None => quote!(#x.dim(#a)),
                    Some(b) => {
                        let bytes = Literal::i64_unsuffixed(b.bytes);
                        let numbers = Literal::i64_unsuffixed(b.numbers);
                        quote!(check::numbers(#kernel, #what, #x.dim(#a), #bytes, #numbers)?)
                    }
                };
                if *offset == Int::default() && factor.as_const() == Some(1) {
                    out.extend(quote!(let #name = #extent;));
                } else {
                    let (offset, factor) = (wide(offset), wide(factor));
                    out.extend(quote!(let #name = check::solve(#kernel, #what, #extent, #offset, #factor)?;));
                }
            }
        }
    }
    for c in &k.checks {
        out.extend(check(top, loops, c));
    }
    for (n, i) in k.inputs.iter().enumerate() {
        let name = top.names.input(InputId(n as u32));
        let text = &i.name;
        match (&i.dtype, i.shape.len()) {
            (DType::Idx(bound), 0) => {
                let most = wide(&bound.sub(&Int::constant(1)));
                out.extend(quote!(check::at_most(#kernel, #text, #name, #most)?;));
            }
            (DType::Len(bound), 0) => {
                let most = wide(bound);
                out.extend(quote!(check::at_most(#kernel, #text, #name, #most)?;));
            }
            (DType::Idx(bound), _) => {
                let bound = wide(bound);
                out.extend(quote!(check::indices(#kernel, #text, #name, #bound)?;));
            }
            _ => {}
        }
    }
    for o in &loops.program.outputs {
        let name = top.names.buffer(o.def);
        let text = &o.name;
        for (axis, extent) in o.shape.iter().enumerate() {
            let (want, expected, a) =
                (crate::emit::docs::int(k, extent), wide(extent), Literal::usize_unsuffixed(axis));
            out.extend(quote!(check::dim(#kernel, #text, #a, #want, #expected, #name.dim(#a))?;));
        }
    }
    out
}

pub(super) fn check(top: &Top<'_>, loops: &LoopProgram, c: &Check) -> TokenStream {
    let k = &loops.program.kernel;
    let kernel = &k.name;
    let wide = |i: &Int| int(top, i, Mode::Wide);
    match c {
        Check::Axis { input, axis, expect } => {
            let (name, text) = (top.names.input(*input), &k.input(*input).name);
            let (want, expected, a) =
                (crate::emit::docs::int(k, expect), wide(expect), Literal::usize_unsuffixed(*axis));
            quote!(check::dim(#kernel, #text, #a, #want, #expected, #name.dim(#a))?;)
        }
        Check::Where { text, lhs, cmp, rhs } => {
            let (l, r) = (wide(lhs), wide(rhs));
            let cmp = match cmp {
                Cmp::Eq => quote!(==),
                Cmp::Ne => quote!(!=),
                Cmp::Lt => quote!(<),
                Cmp::Le => quote!(<=),
            };
            let mut dims = BTreeSet::new();
            for side in [lhs, rhs] {
                side.visit_leaves(&mut |a| {
                    if let vibee_spec::term::Atom::Dim(d) = a {
                        dims.insert(*d);
                    }
                });
            }
            let format: Vec<String> =
                dims.iter().map(|d| format!("{} = {{}}", k.dims[d.index()].name)).collect();
            let format = format.join(", ");
            if dims.is_empty() {
                return quote!(check::holds(#kernel, #text, (#l) #cmp #r, String::new)?;);
            }
            let values = dims.iter().map(|d| top.names.dim(*d));
            // A divisor of 0 is refused by the constraint that guards it, evaluated first.
            quote!(check::holds(#kernel, #text, (#l) #cmp #r, || format!(#format, #(#values),*))?;)
        }
        Check::InRange { text, domain, low, high, extent } => {
            // Over nothing nothing is read.
            if domain.iter().any(|d| d.as_const() == Some(0)) {
                return quote!();
            }
            let empty = domain.iter().filter(|d| d.as_const().is_none()).map(|d| {
                let d = wide(d);
                quote!(#d == 0)
            });
            let mut empty = empty.collect::<Vec<_>>().into_iter();
            let first = empty.next().unwrap_or_else(|| quote!(false));
            let empty = empty.fold(first, |a, b| quote!(#a || #b));
            let (low, high, extent) = (wide(low), wide(high), wide(extent));
            quote!(check::in_range(#kernel, #text, #empty, #low, #high, #extent)?;)
        }
    }
}
