//! Questions about the steps of a forward.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use vibee_spec::term::{Arg, DType, ExprId, InputId, Layer, Source, Step, ValueId};

use super::Compute;
use crate::loops::{Gemm, OperandAxis, Stmt};
use crate::passes::loads;

/// Weights that are only ever whole right operands of products, and whether rows come first.
pub(super) fn packed(layer: &Layer, steps: &[Compute]) -> BTreeMap<usize, bool> {
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
                .filter(|g| crate::emit::gemm::packed_weight(program, g) == Some(id))
                .map(|g| matches!(g.b.axes.first(), Some(OperandAxis::Rows(..))))
                .collect();
            let agreed = as_right.first().copied().filter(|f| {
                // Numbers of 16 bits are only ever multiplied with rows first.
                as_right.iter().all(|o| o == f)
                    && as_right.len() == readers
                    && matches!(layer.weights[*w].dtype, DType::F32 | DType::BF16)
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

/// Weights in a format that every step only multiplies with bytes, and what decodes them.
pub(super) fn rearranged(steps: &[Compute]) -> BTreeMap<usize, Ident> {
    let mut verdict: BTreeMap<usize, Option<Ident>> = BTreeMap::new();
    for c in steps {
        for (n, a) in c.args.iter().enumerate() {
            let Arg::Weight(w) = a else { continue };
            let found = decoder(c, InputId(n as u32));
            let entry = verdict.entry(*w).or_insert_with(|| found.clone());
            if *entry != found {
                *entry = None;
            }
        }
    }
    verdict.into_iter().filter_map(|(w, v)| Some((w, v?))).collect()
}

/// What decodes an input of bytes, if nothing but products of bytes reads it.
fn decoder(c: &Compute, bytes: InputId) -> Option<Ident> {
    let (numbers, stand_in) = c.decoded.iter().find(|(_, s)| s.bytes == bytes)?;
    let program = &c.loops.program;
    let mut gemms = Vec::new();
    c.loops.stages.iter().for_each(|s| collect_gemms(&s.body, &mut gemms));
    let readers = |of: InputId| {
        let reads = move |r: &ExprId| {
            loads(&program.kernel.exprs, *r).iter().any(|(_, from, _)| *from == Source::Input(of))
        };
        program.live().filter(move |(d, _)| program.roots(*d).iter().any(reads)).map(|(d, _)| d)
    };
    let by_bytes = |d| gemms.iter().any(|g| g.def == d && g.rounding.is_some() && g.b.is_whole(program));
    let fits =
        stand_in.decoder.has_strips && readers(bytes).next().is_none() && readers(*numbers).all(by_bytes);
    fits.then(|| stand_in.decoder.name.clone())
}

pub(super) fn collect_gemms<'a>(stmts: &'a [Stmt], out: &mut Vec<&'a Gemm>) {
    for s in stmts {
        match s {
            Stmt::Gemm(g) => out.push(g),
            Stmt::Loop { body, .. } => collect_gemms(body, out),
            _ => {}
        }
    }
}

pub(super) fn collect_calls(steps: &[Step], out: &mut Vec<(usize, Vec<Arg>)>) {
    for s in steps {
        match s {
            Step::Call { sublayer, args, .. } => out.push((*sublayer, args.clone())),
            Step::Loop { body, .. } => collect_calls(body, out),
            Step::Compute { .. } => {}
        }
    }
}

/// Sublayers whose copy is chosen by the loop with that many loops around it.
pub(super) fn collect_indexed(steps: &[Step], depth: usize, out: &mut Vec<usize>) {
    for s in steps {
        match s {
            Step::Call { sublayer, copy, .. } if *copy == Some(depth) && !out.contains(sublayer) => {
                out.push(*sublayer);
            }
            Step::Loop { body, .. } => collect_indexed(body, depth, out),
            _ => {}
        }
    }
}

pub(super) fn collect_carried(steps: &[Step], out: &mut Vec<ValueId>) {
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
