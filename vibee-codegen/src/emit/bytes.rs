//! Products whose left operand is rounded: which are, what is rounded to bytes, and the scratch it takes.
//!
//! A header's `allow` permits it; it is done where the runtime multiplies bytes with the right operand's blocks, or
//! `bf16` with `bf16` if the CPU can.

use proc_macro2::TokenStream;
use quote::quote;
use vibee_spec::term::{Atom, DType, ExprId, IndexId, Int, Kernel, Node, Source};

use super::formats::StandIns;
use super::ints::{Leaves, Mode, int};
use crate::loops::{Gemm, LoopProgram, OperandAxis, Rounding, Stmt};

/// A left operand, however its letters are called.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    from: Source,
    /// Each axis: first position, and how many there are.
    axes: Vec<(Int, Int)>,
    /// Rows.
    count: Int,
    /// Numbers of a row.
    width: Int,
}

/// Leaves the permission only to products that use it.
pub fn settle(loops: &mut LoopProgram, stand_ins: &StandIns) {
    let mut taken = Vec::new();
    for stage in &loops.stages {
        let [Stmt::Gemm(g)] = stage.body.as_slice() else { continue };
        let affine = match loops.program.kernel.exprs.node(g.b.load) {
            Node::Load { from: Source::Input(i), .. } => {
                stand_ins.get(i).is_some_and(|s| s.decoder.is_affine)
            }
            _ => false,
        };
        if stage.grid.is_empty() && affine && !g.b.is_across() && rows(loops, g).is_some() {
            taken.push(g.def);
        }
    }
    for stage in &mut loops.stages {
        each(&mut stage.body, &mut |g| {
            let used = match g.rounding {
                Some(Rounding::I8) => taken.contains(&g.def),
                Some(Rounding::Bf16) => g.terms.is_none() && is_bf16(&loops.program.kernel, g.b.load),
                None => false,
            };
            if !used {
                g.rounding = None;
            }
        });
    }
}

/// Whether an operand is an argument kept as `bf16`.
fn is_bf16(kernel: &Kernel, operand: ExprId) -> bool {
    matches!(kernel.exprs.node(operand), Node::Load { from: Source::Input(i), .. }
        if kernel.input(*i).dtype == DType::BF16)
}

fn each(stmts: &mut [Stmt], f: &mut dyn FnMut(&mut Gemm)) {
    for s in stmts {
        match s {
            Stmt::Gemm(g) => f(g),
            Stmt::Loop { body, .. } => each(body, f),
            _ => {}
        }
    }
}

/// What a product rounds. Numbers share a scale with neighbours counted from the first of the summed axes, the last
/// ones, as if they were one: so rows are those axes, from their start, whole but for the first.
pub fn rows(loops: &LoopProgram, g: &Gemm) -> Option<Rows> {
    if g.rounding != Some(Rounding::I8) {
        return None;
    }
    let program = &loops.program;
    let Node::Load { from, .. } = program.kernel.exprs.node(g.a.load) else { return None };
    let extent = |of: &[IndexId]| of.iter().fold(Int::constant(1), |p, i| p.mul(program.extent(*i)));
    let whole = |axis: usize| match from {
        Source::Input(i) => program.kernel.input(*i).shape[axis].clone(),
        Source::Def(d) => program.extent(program.def(*d).free[axis]).clone(),
    };
    let mut axes = Vec::new();
    let mut summed = 0;
    for (n, axis) in g.a.axes.iter().enumerate() {
        axes.push(match axis {
            OperandAxis::At(p) if summed == 0 => (p.clone(), Int::constant(1)),
            OperandAxis::Rows(start, i) if summed == 0 => (start.clone(), extent(i)),
            OperandAxis::Cols(start, i) if *start == Int::default() => {
                if summed > 0 && extent(i) != whole(n) {
                    return None;
                }
                summed += 1;
                (start.clone(), extent(i))
            }
            // An index taken apart: all of these axes.
            OperandAxis::ColsPart(_) => {
                summed += 1;
                (Int::default(), whole(n))
            }
            _ => return None,
        });
    }
    let known = |i: &Int| {
        let mut known = true;
        i.visit_leaves(&mut |a| known &= !matches!(a, Atom::Index(_)));
        known
    };
    let all_known = axes.iter().all(|(start, extent)| known(start) && known(extent));
    all_known.then(|| Rows { from: *from, axes, count: extent(&g.m), width: extent(&g.k) })
}

/// Bytes of scratch for everything that is rounded, each once.
pub fn scratch(leaves: &dyn Leaves, loops: &LoopProgram) -> Vec<TokenStream> {
    let mut made: Vec<Rows> = Vec::new();
    for stage in &loops.stages {
        if let [Stmt::Gemm(g)] = stage.body.as_slice()
            && let Some(rows) = rows(loops, g)
            && !made.contains(&rows)
        {
            made.push(rows);
        }
    }
    made.iter()
        .map(|r| {
            let (count, width) = (int(leaves, &r.count, Mode::Exact), int(leaves, &r.width, Mode::Exact));
            quote!(Int8Rows::scratch(#count, #width))
        })
        .collect()
}
