//! Fuses elementwise chains: an elementwise definition is written out in its readers when that saves
//! storage without repeating much work.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::term::{DType, DefId, ExprId, FoldOp, IndexId, Int, Node, Op, Pos, Source};

use super::flat::Program;
use super::rewrite::{cost, loads, rebuild, substitute};

/// Operators worth repeating rather than storing, when several definitions read the value.
const CHEAP: u32 = 2;

/// Inlines definitions in order, so that chains collapse.
pub fn run(program: &mut Program) {
    for n in 0..program.defs.len() {
        let id = DefId(n as u32);
        if should_inline(program, id) {
            inline(program, id);
        }
    }
}

/// One reader of a definition.
struct Use {
    reader: DefId,
    /// Positions are distinct bare indices of the reader.
    pointwise: bool,
    /// The reader computes more elements than the definition has.
    repeats: bool,
    /// Every position is known from indices and lies inside: substitution is possible.
    plain: bool,
}

fn uses(program: &Program, id: DefId) -> Vec<Use> {
    let mut out = Vec::new();
    for (reader, d) in program.live() {
        let all = d.all_indices();
        for root in program.roots(reader) {
            for (load, from, at) in loads(&program.kernel.exprs, root) {
                if from == Source::Def(id) {
                    let plain = at.iter().all(|p| matches!(p, Pos::At(_)))
                        && matches!(program.kernel.exprs.node(load), Node::Load { outside: None, .. });
                    let bare: Vec<IndexId> = at
                        .iter()
                        .filter_map(|p| if let Pos::At(i) = p { i.as_index() } else { None })
                        .collect();
                    let distinct = (1..bare.len()).all(|k| !bare[..k].contains(&bare[k]));
                    let pointwise = bare.len() == at.len() && distinct;
                    out.push(Use { reader, pointwise, repeats: all.len() > at.len(), plain });
                }
            }
        }
    }
    out
}

fn should_inline(program: &Program, id: DefId) -> bool {
    let def = program.def(id);
    // A stored type other than the computed one is a rounding point; it stays.
    let rounds = def.dtype != def.dtype.computed() || def.dtype != *program.kernel.exprs.dtype(def.value);
    if def.dead || def.fold.is_some() || program.is_output(id) || rounds {
        return false;
    }
    let uses = uses(program, id);
    if def.dtype == DType::Bool && loads(&program.kernel.exprs, def.value).is_empty() {
        // Conditions on indices alone are written out, so that guards can become loop bounds.
        return uses.iter().all(|u| u.plain);
    }
    let work = cost(&program.kernel.exprs, def.value);
    if def.free.is_empty() {
        // A scalar is computed once and kept in a variable, unless it is only a name for another.
        return work == 0;
    }
    if uses.iter().any(|u| !u.plain) || uses.iter().any(|u| breaks_contraction(program, id, u.reader)) {
        return false;
    }
    // Data-dependent reads are kept apart so that a gather happens once per element.
    let pointwise = uses.iter().all(|u| u.pointwise);
    let repeats = uses.iter().any(|u| u.repeats);
    let mut readers: Vec<DefId> = uses.iter().map(|u| u.reader).collect();
    readers.dedup();
    match (pointwise, repeats) {
        (true, false) => readers.len() == 1 || work <= CHEAP,
        (true, true) | (false, _) => work == 0,
    }
}

/// Whether writing the definition out would turn a product of two arrays into something else.
fn breaks_contraction(program: &Program, id: DefId, reader: DefId) -> bool {
    let r = program.def(reader);
    let is_sum = r.fold.as_ref().is_some_and(|f| f.op == FoldOp::Sum);
    let exprs = &program.kernel.exprs;
    let exact = |e: ExprId| match exprs.node(e) {
        Node::Op(Op::NearI8 | Op::NearBf16, args) => args[0],
        _ => e,
    };
    let product = matches!(exprs.node(exact(r.value)), Node::Op(Op::Mul, args)
        if args.iter().all(|a| matches!(exprs.node(exact(*a)), Node::Load { .. })));
    let renames =
        matches!(program.kernel.exprs.node(program.def(id).value), Node::Load { outside: None, .. });
    is_sum && product && !renames
}

fn inline(program: &mut Program, id: DefId) {
    let (free, value) = (program.def(id).free.clone(), program.def(id).value);
    for n in id.index() + 1..program.defs.len() {
        let before = program.defs[n].value;
        program.defs[n].value = write_out(program, before, id, &free, value);
        if let Some(g) = program.defs[n].guard {
            program.defs[n].guard = Some(write_out(program, g, id, &free, value));
        }
    }
    program.defs[id.index()].dead = true;
}

fn write_out(program: &mut Program, e: ExprId, id: DefId, free: &[IndexId], value: ExprId) -> ExprId {
    rebuild(&mut program.kernel.exprs, e, &mut HashMap::new(), &mut |exprs, node, dtype| match node {
        Node::Load { from: Source::Def(d), at, .. } if d == id => {
            let map: BTreeMap<IndexId, Int> = free
                .iter()
                .zip(&at)
                .filter_map(|(i, p)| if let Pos::At(x) = p { Some((*i, x.clone())) } else { None })
                .collect();
            debug_assert_eq!(map.len(), free.len(), "data positions are never inlined");
            substitute(exprs, value, &map)
        }
        other => exprs.intern(other, dtype),
    })
}
