//! Finds rows that a task's products and loops share, so that a task can take a block of them: what lies between
//! a product and the next one is then as small as a cache, and there are more tasks.
//!
//! Every statement of the task must run over the rows, each row by itself.

use std::collections::BTreeMap;

use vibee_spec::term::{DefId, IndexId, Int, Pos, Source};

use super::tree::{Loop, Node, definitions};
use crate::passes::{Program, loads};

/// The index of each node that runs over the rows; empty if there are no such rows.
pub fn find(program: &Program, body: &[Node]) -> Vec<IndexId> {
    let Some(first) = body.iter().find_map(|n| if let Node::Gemm(g) = n { Some(g) } else { None }) else {
        return Vec::new();
    };
    // Of several row indices the last one: what is shared by rows before it stays in one task.
    first.m.iter().rev().find_map(|i| shared(program, body, program.extent(*i))).unwrap_or_default()
}

/// One index a node, all of this extent.
fn shared(program: &Program, body: &[Node], extent: &Int) -> Option<Vec<IndexId>> {
    let mut found = Vec::new();
    // The index that made each definition's rows.
    let mut made: BTreeMap<DefId, IndexId> = BTreeMap::new();
    for n in body {
        let candidates = match n {
            Node::Def(_) => vec![],
            Node::Loop(l) => nested(program, l),
            Node::Gemm(g) => g.m.iter().copied().filter(|i| g.a.has_row_axis(*i)).collect(),
        };
        let all: Vec<DefId> = match n {
            Node::Gemm(g) => g.epilogue.into_iter().chain([g.def]).collect(),
            _ => definitions(std::slice::from_ref(n)),
        };
        let fits = |i: &IndexId| {
            let own = |d: &DefId| program.def(*d).free.contains(i);
            let row = |d: DefId| if all.contains(&d) { Some(*i) } else { made.get(&d).copied() };
            program.extent(*i) == extent
                && all.iter().all(own)
                && all.iter().all(|d| reads_its_row(program, *d, *i, &row))
        };
        let i = candidates.into_iter().find(fits)?;
        made.extend(all.into_iter().map(|d| (d, i)));
        found.push(i);
    }
    Some(found)
}

/// The loops that are around everything in a loop, itself included, over whole ranges.
fn nested(program: &Program, l: &Loop) -> Vec<IndexId> {
    if !l.is_whole(program) || l.lanes.is_some() {
        return vec![];
    }
    let inner = if let [Node::Loop(inner)] = &l.body[..] { nested(program, inner) } else { vec![] };
    [vec![l.index], inner].concat()
}

/// Whether a definition reads, of what the task has made, its own row only.
fn reads_its_row(program: &Program, d: DefId, i: IndexId, row: &dyn Fn(DefId) -> Option<IndexId>) -> bool {
    program.roots(d).iter().flat_map(|r| loads(&program.kernel.exprs, *r)).all(|(_, from, at)| {
        let Source::Def(p) = from else { return true };
        let Some(made) = row(p) else { return true };
        let axis = program.def(p).free.iter().position(|f| *f == made);
        axis.is_some_and(|axis| at[axis] == Pos::At(Int::index(i)))
    })
}
