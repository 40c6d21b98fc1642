//! Formats of any form as the runtime's blocks: each number by itself, as loops would compute it.
//!
//! [`crate::blocks`] knows forms that are unpacked 32 numbers at a time. For all others, a product still decodes a panel
//! of weights once for all rows instead of each number for each row. What takes folds to decode has neither.

use std::collections::HashMap;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DType, DefId, Format, Int, Node, Pos, Source};

use super::body::{Body, Shape};
use super::ints::Mode;
use super::names::Names;
use crate::loops::{LoopProgram, Place, Stage};
use crate::passes::{self, Program, rebuild, substitute};

/// Numbers that the runtime decodes at a time.
const CHUNK: i64 = 32;

/// The type `name`, which decodes blocks of a format; `None` if blocks are not made of chunks or decoding folds.
pub fn implementation(format: &Format, name: &Ident) -> Option<Vec<TokenStream>> {
    if format.block % CHUNK != 0 {
        return None;
    }
    let mut kernel = format.decode.clone();
    "block".clone_into(&mut kernel.inputs.first_mut()?.name);
    let mut program = passes::run(kernel);
    let target = program.outputs.first()?.def;
    let shared = inlined(&mut program, target)?;
    let places = program
        .defs
        .iter()
        .enumerate()
        .map(|(n, _)| Place { variable: shared.contains(&DefId(n as u32)), buffer: None });
    let stage = Stage { grid: vec![], rows: vec![], body: vec![] };
    let loops = LoopProgram { places: places.collect(), program, buffers: vec![], stages: vec![] };
    let (code, parameter) = number(&loops, &stage, &shared, target);
    let (size, count) = (Literal::i64_unsuffixed(format.bytes), Literal::i64_unsuffixed(format.block));
    let doc = format!(" Blocks of the format `{}`, decoded number by number.", format.name);
    Some(vec![
        quote!(#[doc = #doc] struct #name;),
        quote! {
            impl #name {
                #[inline(always)]
                fn number(block: &[u8; #size], #parameter: usize) -> f32 { #code }
            }
        },
        quote! {
            impl Blocks for #name {
                type Block = [u8; #size];
                const NUMBERS: usize = #count;
                #[inline(always)]
                fn decode<S: Isa>(s: S, block: &Self::Block, chunk: usize) -> Floats<S> {
                    let mut numbers = [0.0; 32];
                    for (n, number) in numbers.iter_mut().enumerate() {
                        *number = Self::number(block, 32 * chunk + n);
                    }
                    Floats::load(s, &numbers)
                }
            }
        },
    ])
}

/// Puts definitions that have letters into their readers; those without, which a block has once, are left, in order.
fn inlined(program: &mut Program, target: DefId) -> Option<Vec<DefId>> {
    let ids: Vec<DefId> = program.live().map(|(id, _)| id).collect();
    let mut shared = Vec::new();
    for id in ids {
        let d = program.def(id);
        if d.fold.is_some() || d.guard.is_some() || d.dtype != d.dtype.computed() {
            return None;
        }
        if d.free.is_empty() && id != target {
            shared.push(id);
        }
        let earlier: Vec<_> = program.defs[..id.index()].to_vec();
        let value = program.def(id).value;
        let value =
            rebuild(&mut program.kernel.exprs, value, &mut HashMap::new(), &mut |exprs, node, dtype| {
                if let Node::Load { from: Source::Def(d), at, outside: None } = &node
                    && !at.is_empty()
                {
                    let read = &earlier[d.index()];
                    let at =
                        at.iter().filter_map(|p| if let Pos::At(p) = p { Some(p.clone()) } else { None });
                    let map = read.free.iter().copied().zip(at).collect();
                    return substitute(exprs, read.value, &map);
                }
                exprs.intern(node, dtype)
            });
        program.defs[id.index()].value = value;
    }
    (program.def(target).dtype.computed() == DType::F32).then_some(shared)
}

/// The statements that compute a number, and the name of its place.
fn number(loops: &LoopProgram, stage: &Stage, shared: &[DefId], target: DefId) -> (TokenStream, Ident) {
    let names = Names::new(loops);
    let mut body = Body::new(loops, names, stage);
    body.slices = true;
    let program = &loops.program;
    let mut lets = TokenStream::new();
    for id in shared {
        let value = body.scalar(program.def(*id).value).code;
        let name = body.names.variable(*id);
        lets.extend(quote!(let #name = #value;));
        body.variables.insert(*id, Shape::One);
    }
    let letters = program.def(target).free.clone();
    let names: Vec<Ident> = letters.iter().map(|i| body.scope(*i)).collect();
    let parameter = match &names[..] {
        [only] => only.clone(),
        _ => format_ident!("{}", body.names.fresh("number")),
    };
    if names.len() != 1 {
        // The place is a number whose digits are the letters.
        let mut weight = Int::constant(1);
        for (i, name) in letters.iter().zip(&names).rev() {
            let (by, extent) = (body.int(&weight, Mode::Exact), program.extent(*i).clone());
            let digits = body.int(&extent, Mode::Exact);
            let first = weight == Int::constant(1);
            let divided = if first { quote!(#parameter) } else { quote!(#parameter / #by) };
            let last = *i == letters[0];
            lets.extend(if last {
                quote!(let #name = #divided;)
            } else {
                quote!(let #name = #divided % #digits;)
            });
            weight = weight.mul(&extent);
        }
    }
    let value = body.scalar(program.def(target).value).code;
    let constants = std::mem::take(&mut body.constants);
    let pending = std::mem::take(&mut body.pending);
    (quote!(#constants #lets #(#pending)* #value), parameter)
}
