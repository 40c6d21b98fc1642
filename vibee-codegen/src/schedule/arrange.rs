//! Computes a sum of products in an order of axes in which it is a contraction, and copies it from there.
//!
//! `y[o, t] = sum[i](x[t, i] * w[o, i])` has weights on the left, where blocks of a format cannot be;
//! `y[t, h, c] = sum[i](x[t, i] * w[h*C + c, i])` has columns that are one axis of `w` and two of what the caller gives.
//! Both are products with another result, from which each element is copied once: little beside the sum that it is.
//!
//! Must not change what is computed, and leaves alone what is a contraction as it stands.

use std::collections::BTreeMap;

use vibee_spec::term::{DType, DefId, FoldOp, IndexId, Int, Node, Pos, Source};

use super::contract;
use crate::passes::{Definition, Program, free_indices, insert, substitute, unused_name};

/// The program with such a result before the sum `id`, which is a copy of it then.
pub fn arranged(program: &Program, id: DefId) -> Option<Program> {
    let d = program.def(id);
    let fold = d.fold.as_ref().filter(|f| f.op == FoldOp::Sum)?;
    if !matches!(d.dtype, DType::F32 | DType::I32) || d.guard.is_some() {
        return None;
    }
    let exprs = &program.kernel.exprs;
    let [(a, _), (b, _)] = contract::factors(exprs, d.value)?;
    let (in_a, in_b) = (free_indices(exprs, a), free_indices(exprs, b));
    if !fold.over.iter().all(|i| in_a.contains(i) && in_b.contains(i)) {
        return None;
    }
    orders(&d.free, &in_a, &in_b).into_iter().find_map(|order| {
        let mut changed = program.clone();
        copy(&mut changed, id, &order);
        contract::recognise(&changed, id).is_some().then_some(changed)
    })
}

/// Orders to try, the best first: as it is, then loops around, rows and columns, with as few loops as possible.
fn orders(free: &[IndexId], in_a: &[IndexId], in_b: &[IndexId]) -> Vec<Vec<IndexId>> {
    let pick = |keep: &dyn Fn(&IndexId) -> bool| -> Vec<IndexId> {
        free.iter().filter(|i| keep(i)).copied().collect()
    };
    let both = pick(&|i| in_a.contains(i) && in_b.contains(i));
    let only_a = pick(&|i| !in_b.contains(i));
    let only_b = pick(&|i| !in_a.contains(i));
    let mut out = vec![free.to_vec()];
    for around in 0..only_a.len().max(only_b.len()) {
        for (rows, columns) in [(&only_a, &only_b), (&only_b, &only_a)] {
            if let Some((around, columns)) = columns.split_at_checked(around).filter(|(_, c)| !c.is_empty()) {
                out.push([&both, around, rows, columns].concat());
            }
        }
    }
    out.retain(|order| order.len() == free.len());
    out
}

/// Moves the sum into a definition with this order of axes, and makes the old one a copy.
fn copy(program: &mut Program, id: DefId, order: &[IndexId]) {
    let d = program.def(id).clone();
    let summed = d.fold.iter().flat_map(|f| f.over.iter());
    let mut own = BTreeMap::new();
    let mut letters = BTreeMap::new();
    for i in order.iter().chain(summed) {
        let index = program.kernel.indices[i.index()].clone();
        let fresh = program.kernel.fresh_index(index.name, index.extent);
        own.insert(*i, Int::index(fresh));
        letters.insert(*i, fresh);
    }
    let mut fold = d.fold;
    for i in fold.iter_mut().flat_map(|f| f.over.iter_mut()) {
        *i = letters[i];
    }
    let sum = Definition {
        name: unused_name(program, &format!("{}_sum", d.name)),
        text: d.text,
        dtype: d.dtype.clone(),
        free: order.iter().map(|i| letters[i]).collect(),
        fold,
        guard: None,
        value: substitute(&mut program.kernel.exprs, d.value, &own),
        dead: false,
    };
    insert(program, id.index(), sum);
    let at = order.iter().map(|i| Pos::At(Int::index(*i))).collect();
    let load = Node::Load { from: Source::Def(id), at, outside: None };
    let value = program.kernel.exprs.intern(load, d.dtype);
    let reader = &mut program.defs[id.index() + 1];
    (reader.value, reader.fold) = (value, None);
}
