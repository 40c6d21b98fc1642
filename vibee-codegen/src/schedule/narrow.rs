//! Leaves out what nobody reads: where all readers of a definition read a range of one of its axes, the loop or
//! product that makes it need not make more. Guards that became loop bounds travel to producers in this way.
//!
//! Only loops that make nothing else are narrowed. What they make then needs no condition that always holds there.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::check::Known;
use vibee_spec::term::{DefId, ExprId, Exprs, IndexId, Int, Node as Expr, Op, Pos, Source};

use super::tree::{Node, definitions};
use crate::passes::{Program, as_nonneg, conjuncts, loads, rebuild, substitute_int};

/// Narrows loops and products, readers before what they read.
pub fn run(program: &mut Program, forest: &mut [Node]) {
    let inner = program.live().map(|(id, _)| id).filter(|id| !program.is_output(*id));
    let inner: Vec<DefId> = inner.collect();
    for id in inner.into_iter().rev() {
        for axis in 0..program.def(id).free.len() {
            if let Some(range) = needed(program, forest, id, axis) {
                let mut narrowed = false;
                for n in forest.iter_mut() {
                    narrowed |= narrow(program, n, id, axis, &range, &mut Vec::new());
                }
                if narrowed {
                    drop_conditions(program, id, axis, &range);
                }
            }
        }
    }
}

/// First element and one past the last.
type Range = (Int, Int);

/// The range of an axis that readers read, in the definition's own letters; `None` if it may be everything.
fn needed(program: &Program, forest: &[Node], id: DefId, axis: usize) -> Option<Range> {
    let mut reads = Reads { program, id, axis, found: Some(Vec::new()) };
    for n in forest {
        reads.walk(n, &mut Vec::new());
    }
    let ranges = reads.found?.into_iter();
    ranges.reduce(|(lo, hi), (l, h)| (lo.minimum(&l), hi.maximum(&h)))
}

struct Reads<'a> {
    program: &'a Program,
    id: DefId,
    axis: usize,
    /// Ranges read; nothing if some read may be of everything.
    found: Option<Vec<Range>>,
}

impl Reads<'_> {
    fn walk(&mut self, n: &Node, around: &mut Vec<(IndexId, Range)>) {
        match n {
            Node::Loop(l) => {
                around.push((l.index, (l.lo.clone(), l.hi.clone())));
                l.body.iter().for_each(|n| self.walk(n, around));
                around.pop();
            }
            Node::Def(d) => self.reader(*d, around),
            Node::Gemm(g) => {
                let depth = around.len();
                if let (Some(terms), [k]) = (&g.terms, &g.k[..]) {
                    around.push((*k, terms.clone()));
                }
                self.reader(g.def, around);
                around.truncate(depth);
                if let Some(e) = g.epilogue {
                    self.reader(e, around);
                }
            }
        }
    }

    fn reader(&mut self, reader: DefId, around: &[(IndexId, Range)]) {
        let program = self.program;
        for root in program.roots(reader) {
            for (_, from, at) in loads(&program.kernel.exprs, root) {
                if from == Source::Def(self.id) {
                    let range = self.range(&at, around);
                    match (&mut self.found, range) {
                        (Some(found), Some(range)) => found.push(range),
                        (found, _) => *found = None,
                    }
                }
            }
        }
    }

    /// What one read reads of the axis, in the letters of what is read.
    fn range(&self, at: &[Pos], around: &[(IndexId, Range)]) -> Option<Range> {
        let letter = |p: &Pos| if let Pos::At(i) = p { i.as_index() } else { None };
        let i = letter(&at[self.axis])?;
        let (_, range) = around.iter().find(|(l, _)| *l == i)?;
        let (lo, hi) = range;
        let free = &self.program.def(self.id).free;
        let own: BTreeMap<IndexId, Int> =
            (at.iter().zip(free)).filter_map(|(p, f)| Some((letter(p)?, Int::index(*f)))).collect();
        let letters: Vec<IndexId> = own.keys().copied().collect();
        let whole = *lo == Int::default() && *hi == *self.program.extent(i);
        (!whole && over(range, &letters)).then(|| (substitute_int(lo, &own), substitute_int(hi, &own)))
    }
}

/// Narrows what makes the axis, if it makes nothing else and the range is known there; whether a loop is narrower
/// then.
fn narrow(
    program: &Program,
    n: &mut Node,
    id: DefId,
    axis: usize,
    range: &Range,
    outer: &mut Vec<IndexId>,
) -> bool {
    let letter = program.def(id).free[axis];
    match n {
        Node::Loop(l) if l.index == letter => {
            let narrower = definitions(&l.body) == [id] && l.is_whole(program) && over(range, outer);
            if narrower {
                (l.lo, l.hi) = range.clone();
            }
            narrower
        }
        Node::Loop(l) => {
            outer.push(l.index);
            let mut narrower = false;
            for n in &mut l.body {
                narrower |= narrow(program, n, id, axis, range, outer);
            }
            outer.pop();
            narrower
        }
        Node::Gemm(g) if g.target() == id && g.n == [letter] => {
            let rows: Vec<IndexId> = outer.iter().chain(&g.m).copied().collect();
            if over(range, &rows) {
                g.columns = Some(range.clone());
            }
            false
        }
        Node::Gemm(_) | Node::Def(_) => false,
    }
}

/// Takes the value that is selected everywhere in the range.
fn drop_conditions(program: &mut Program, id: DefId, axis: usize, (lo, hi): &Range) {
    let known = Known::of(&program.kernel);
    let def = program.def(id).clone();
    let scope: Vec<(IndexId, Int)> = def.free.iter().map(|i| (*i, program.extent(*i).clone())).collect();
    let (i, one) = (Int::index(def.free[axis]), Int::constant(1));
    let inside = [i.sub(lo), hi.sub(&one).sub(&i)];
    let proved = |e: &Int| known.nonneg(e, &scope, &inside);
    let holds = |exprs: &Exprs, condition: ExprId| {
        let mut all = conjuncts(exprs, condition).into_iter();
        all.all(|c| as_nonneg(exprs, c, true).is_some_and(|says| says.iter().all(proved)))
    };
    let value =
        rebuild(&mut program.kernel.exprs, def.value, &mut HashMap::new(), &mut |exprs, node, dtype| {
            match &node {
                Expr::Op(Op::Select, args) if holds(exprs, args[0]) => args[1],
                _ => exprs.intern(node, dtype),
            }
        });
    program.defs[id.index()].value = value;
}

/// Whether a range mentions no other letters than these.
fn over((lo, hi): &Range, letters: &[IndexId]) -> bool {
    lo.mentions_only(letters) && hi.mentions_only(letters)
}
