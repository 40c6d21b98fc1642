//! Places definitions in one tree of loops: each goes as deep into the last nest as its reads allow,
//! so that folds over one axis share a pass and elementwise values are used while they are hot.

use std::collections::BTreeMap;

use vibee_spec::term::{DefId, ExprId, IndexId, Int, Pos, Source};

use super::bounds::tighten;
use super::contract::{self, Contraction};
use crate::loops::Gemm;
use crate::passes::{Program, conjoin, loads, substitute, substitute_int};

/// A loop of the tree.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Bound here.
    pub index: IndexId,
    /// First value.
    pub lo: Int,
    /// One past the last.
    pub hi: Int,
    /// Runs in lanes of this many registers.
    pub lanes: Option<u32>,
    /// In order.
    pub body: Vec<Node>,
}

impl Loop {
    /// Whether it leaves nothing of its index out.
    pub fn is_whole(&self, program: &Program) -> bool {
        self.lo == Int::default() && self.hi == *program.extent(self.index)
    }
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub enum Node {
    /// A loop.
    Loop(Loop),
    /// A definition's evaluation; for folds, one update.
    Def(DefId),
    /// A matrix product over indices that are not loops of the tree.
    Gemm(Box<Gemm>),
}

/// Builds the forest for all live definitions. Indices of definitions are renamed to their loops'.
pub fn build(program: &mut Program) -> Vec<Node> {
    let mut roots: Vec<Node> = Vec::new();
    let ids: Vec<DefId> = program.live().map(|(id, _)| id).collect();
    let mut fused = Vec::new();
    for id in ids {
        if fused.contains(&id) {
            continue;
        }
        match contract::recognise(program, id) {
            Some(c) => {
                if let Some(e) = c.epilogue {
                    fused.push(e);
                }
                insert_gemm(program, &mut roots, c);
            }
            None => insert(program, &mut roots, id),
        }
    }
    roots
}

/// Adds an ordinary definition.
fn insert(program: &mut Program, roots: &mut Vec<Node>, id: DefId) {
    let (free, over) = {
        let d = program.def(id);
        (d.free.clone(), d.fold.iter().flat_map(|f| f.over.clone()).collect::<Vec<_>>())
    };
    let mapping = share(program, roots, id, &free, &over);
    rename(program, id, &mapping);
    let d = program.def(id).clone();
    let shared: Vec<IndexId> = mapping.iter().map(|(_, l)| *l).collect();
    for n in 0..shared.len() {
        // A shared loop's range already is what part of the guard says.
        if let Some((.., residual)) = tighten(program, program.def(id).guard, shared[n], &shared[..n])
            && may_tighten(program, id, shared[n])
        {
            keep_guard(program, id, residual);
        }
    }
    let over: Vec<IndexId> = d.fold.iter().flat_map(|f| f.over.clone()).collect();
    let rest: Vec<IndexId> = d.free.iter().chain(&over).copied().filter(|i| !shared.contains(i)).collect();
    let mut outer = shared.clone();
    let mut node = Vec::new();
    for i in rest {
        // Guards become loop bounds where they can.
        let full = (Int::default(), program.extent(i).clone());
        let guard = program.def(id).guard;
        let (lo, hi) = match tighten(program, guard, i, &outer) {
            Some((lo, hi, residual)) if may_tighten(program, id, i) => {
                keep_guard(program, id, residual);
                (lo, hi)
            }
            _ => full,
        };
        outer.push(i);
        node.push((i, lo, hi));
    }
    let mut new = Node::Def(id);
    for (index, lo, hi) in node.into_iter().rev() {
        new = Node::Loop(Loop { index, lo, hi, lanes: None, body: vec![new] });
    }
    body_at(roots, shared.len()).push(new);
}

/// Leaves a definition with these conditions.
fn keep_guard(program: &mut Program, id: DefId, conditions: Vec<ExprId>) {
    let exprs = &mut program.kernel.exprs;
    let guard = conditions.into_iter().fold(None, |all, c| conjoin(exprs, all, Some(c)));
    program.defs[id.index()].guard = guard;
}

/// Adds a matrix product; only its batch indices are loops.
fn insert_gemm(program: &mut Program, roots: &mut Vec<Node>, c: Contraction) {
    // With what makes its columns inside, its rows could not be cut into blocks, which others may then join.
    let columns = loads(&program.kernel.exprs, c.gemm.b.load);
    let last = roots.last().map_or(vec![], |n| definitions(std::slice::from_ref(n)));
    let makes_columns = columns.iter().any(|(_, from, _)| matches!(from, Source::Def(d) if last.contains(d)));
    let mapping = if makes_columns { Vec::new() } else { share(program, roots, c.gemm.def, &c.batch, &[]) };
    let target = c.gemm.target();
    rename(program, c.gemm.def, &mapping);
    let map: BTreeMap<IndexId, Int> = mapping.iter().map(|(i, l)| (*i, Int::index(*l))).collect();
    if c.epilogue.is_some() {
        // The epilogue's own letters become the contraction's, then the loops'.
        rename(program, target, &c.epilogue_indices);
        rename(program, target, &mapping);
    }
    let batch: Vec<IndexId> =
        c.batch.iter().map(|i| map.get(i).and_then(Int::as_index).unwrap_or(*i)).collect();
    let gemm = contract::operands(program, c, &map);
    let shared = mapping.len();
    let mut new = Node::Gemm(Box::new(gemm));
    for index in batch.iter().rev().filter(|i| !mapping.iter().any(|(_, l)| l == *i)) {
        let hi = program.extent(*index).clone();
        new = Node::Loop(Loop { index: *index, lo: Int::default(), hi, lanes: None, body: vec![new] });
    }
    body_at(roots, shared).push(new);
}

/// The body at a depth of the last nest's spine; 0 is the forest itself.
fn body_at(roots: &mut Vec<Node>, depth: usize) -> &mut Vec<Node> {
    let mut body = roots;
    for _ in 0..depth {
        let Some(Node::Loop(l)) = body.last_mut() else { unreachable!("share() followed this spine") };
        body = &mut l.body;
    }
    body
}

/// How deep `id` may go: pairs (its index, the loop that will run it), from the outside in.
fn share(
    program: &Program,
    roots: &[Node],
    id: DefId,
    free: &[IndexId],
    over: &[IndexId],
) -> Vec<(IndexId, IndexId)> {
    let mut mapping: Vec<(IndexId, IndexId)> = Vec::new();
    let reads: Vec<(Source, Vec<Pos>)> = program
        .roots(id)
        .iter()
        .flat_map(|r| loads(&program.kernel.exprs, *r))
        .map(|(_, from, at)| (from, at))
        .collect();
    let mut body = roots;
    while let Some(Node::Loop(l)) = body.last() {
        let Some(i) = candidate(program, l, &reads, free, over, &mapping) else { break };
        let folding = over.contains(&i);
        if !bounds_agree(program, l, id, i, &mapping) || (folding && has_gemm(&l.body)) {
            break;
        }
        mapping.push((i, l.index));
        body = &l.body;
    }
    mapping
}

/// Which index of the definition can run on this loop.
fn candidate(
    program: &Program,
    l: &Loop,
    reads: &[(Source, Vec<Pos>)],
    free: &[IndexId],
    over: &[IndexId],
    mapping: &[(IndexId, IndexId)],
) -> Option<IndexId> {
    let mut wanted: Option<IndexId> = None;
    let inside = definitions(&l.body);
    let unmapped = |i: IndexId| !mapping.iter().any(|(m, _)| *m == i);
    for (from, at) in reads {
        let Source::Def(p) = from else { continue };
        if !inside.contains(p) {
            continue;
        }
        let producer = program.def(*p);
        // A fold over this loop is complete only after it.
        let axis = producer.free.iter().position(|f| *f == l.index)?;
        // Elsewhere than at this iteration's element: not available yet.
        let Pos::At(position) = &at[axis] else { return None };
        let i = position.as_index()?;
        if wanted.is_some_and(|w| w != i) {
            return None;
        }
        wanted = Some(i);
    }
    let extent = program.extent(l.index);
    let fits = |i: &IndexId| unmapped(*i) && program.extent(*i) == extent;
    let all_free_mapped = free.iter().all(|f| !unmapped(*f));
    let allowed = |i: &IndexId| fits(i) && (free.contains(i) || (all_free_mapped && over.contains(i)));
    match wanted {
        Some(i) => allowed(&i).then_some(i),
        None => {
            // Nothing it reads is made here: share the pass only with relatives.
            let related = inside.iter().any(|d| related(program, *d, reads));
            let mut pool = free.iter().chain(over);
            if related { pool.find(|i| allowed(i)).copied() } else { None }
        }
    }
}

/// Whether a definition reads something that `reads` also reads.
fn related(program: &Program, d: DefId, reads: &[(Source, Vec<Pos>)]) -> bool {
    program.roots(d).iter().flat_map(|r| loads(&program.kernel.exprs, *r)).any(|(_, from, at)| {
        !at.is_empty() && reads.iter().any(|(f, other)| *f == from && other.len() == at.len())
    })
}

/// Every definition below these nodes.
pub fn definitions(nodes: &[Node]) -> Vec<DefId> {
    let mut out = Vec::new();
    for n in nodes {
        match n {
            Node::Def(d) => out.push(*d),
            Node::Gemm(g) => out.push(g.target()),
            Node::Loop(l) => out.extend(definitions(&l.body)),
        }
    }
    out
}

fn has_gemm(nodes: &[Node]) -> bool {
    nodes.iter().any(|n| match n {
        Node::Gemm(_) => true,
        Node::Loop(l) => has_gemm(&l.body),
        Node::Def(_) => false,
    })
}

/// Whether the loop's range is the one this definition wants for index `i`.
fn bounds_agree(program: &Program, l: &Loop, id: DefId, i: IndexId, mapping: &[(IndexId, IndexId)]) -> bool {
    let map: BTreeMap<IndexId, Int> =
        mapping.iter().map(|(a, b)| (*a, Int::index(*b))).chain([(i, Int::index(l.index))]).collect();
    let outer: Vec<IndexId> = mapping.iter().map(|(a, _)| *a).collect();
    let full = (Int::default(), program.extent(i).clone());
    let wanted = match tighten(program, program.def(id).guard, i, &outer) {
        Some((lo, hi, _)) if may_tighten(program, id, i) => {
            (substitute_int(&lo, &map), substitute_int(&hi, &map))
        }
        _ => full,
    };
    wanted == (l.lo.clone(), l.hi.clone())
}

/// Only a fold's own indices, or the only use of a guarded elementwise value, may skip elements.
fn may_tighten(program: &Program, id: DefId, i: IndexId) -> bool {
    let d = program.def(id);
    match &d.fold {
        Some(f) => f.over.contains(&i),
        None => !program.is_output(id),
    }
}

/// Renames a definition's indices.
pub fn rename(program: &mut Program, id: DefId, mapping: &[(IndexId, IndexId)]) {
    let map: BTreeMap<IndexId, Int> = mapping.iter().map(|(a, b)| (*a, Int::index(*b))).collect();
    let index = |i: &IndexId| map.get(i).and_then(Int::as_index).unwrap_or(*i);
    let mut d = program.def(id).clone();
    d.free = d.free.iter().map(index).collect();
    if let Some(f) = &mut d.fold {
        f.over = f.over.iter().map(index).collect();
    }
    let exprs = &mut program.kernel.exprs;
    d.value = substitute(exprs, d.value, &map);
    d.guard = d.guard.map(|g| substitute(exprs, g, &map));
    program.defs[id.index()] = d;
}
