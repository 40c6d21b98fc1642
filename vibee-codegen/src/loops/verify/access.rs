//! Proofs that positions stay inside their arrays, whatever the sizes.

use std::collections::{BTreeSet, HashSet};

use vibee_spec::check::Known;
use vibee_spec::term::{ExprId, IndexId, Int, Names, Node, Op, Pos, Source};

use super::site::{Site, sites};
use crate::loops::{LoopProgram, Stmt};
use crate::passes::as_nonneg;

/// One position of one read, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The reading definition.
    pub reader: String,
    /// The array.
    pub array: String,
    /// Which axis.
    pub axis: usize,
    /// The position, as in the loop text.
    pub position: String,
    /// Proved to be inside.
    pub proved: bool,
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Access { reader, array, axis, position, proved } = self;
        let verdict = if *proved { "proved" } else { "not proved" };
        write!(f, "`{reader}`: position {position} of axis {axis} of `{array}` is {verdict} to be inside")
    }
}

/// Every position that is known from indices, where the load has no value for the outside.
///
/// # Errors
/// The program does not even have the form of one; see [`super::verify`].
pub fn accesses(p: &LoopProgram) -> Result<Vec<Access>, String> {
    let known = Known::in_layer(&p.program.kernel);
    let mut out = Vec::new();
    for s in sites(p)? {
        let mut prover = Proofs::new(p, &known, &s);
        for (root, guard) in evaluated(p, &s) {
            let depth = prover.conditions.len();
            if let Some(g) = guard {
                prover.expr(g, &mut out);
                prover.assume(g, true);
            }
            prover.expr(root, &mut out);
            prover.conditions.truncate(depth);
        }
    }
    Ok(out)
}

/// Values that a statement computes, with the guards they are computed under.
fn evaluated(p: &LoopProgram, s: &Site<'_>) -> Vec<(ExprId, Option<ExprId>)> {
    let d = p.program.def(s.def());
    match s.stmt {
        Stmt::Update { .. } | Stmt::Let { .. } => vec![(d.value, d.guard)],
        Stmt::Store { def } if !p.place(*def).variable && d.fold.is_none() => vec![(d.value, d.guard)],
        Stmt::Gemm(g) => {
            let epilogue = g.epilogue.map(|e| (p.program.def(e).value, None));
            [(g.a.load, None), (g.b.load, None)].into_iter().chain(epilogue).collect()
        }
        _ => vec![],
    }
}

struct Proofs<'a> {
    p: &'a LoopProgram,
    known: &'a Known,
    reader: String,
    /// Indices in scope with their extents.
    scope: Vec<(IndexId, Int)>,
    /// Each is `>= 0` at the place reached: loop bounds first, then conditions.
    conditions: Vec<Int>,
    done: HashSet<(ExprId, Vec<Int>)>,
}

impl<'a> Proofs<'a> {
    fn new(p: &'a LoopProgram, known: &'a Known, s: &Site<'_>) -> Self {
        let one = Int::constant(1);
        let extent = |i: IndexId| (i, p.program.extent(i).clone());
        let mut scope: Vec<(IndexId, Int)> = s.loops.iter().map(|l| extent(l.index)).collect();
        let mut conditions = Vec::new();
        for l in &s.loops {
            // A range inside `0..extent` tells more than the extent.
            conditions.push(Int::index(l.index).sub(&l.lo));
            conditions.push(l.hi.sub(&one).sub(&Int::index(l.index)));
        }
        if let Stmt::Gemm(g) = s.stmt {
            scope.extend(g.m.iter().chain(&g.n).chain(&g.k).map(|i| extent(*i)));
        }
        let reader = p.program.def(s.def()).name.clone();
        Proofs { p, known, reader, scope, conditions, done: HashSet::new() }
    }

    fn expr(&mut self, e: ExprId, out: &mut Vec<Access>) {
        if !self.done.insert((e, self.conditions.clone())) {
            return;
        }
        let exprs = &self.p.program.kernel.exprs;
        let depth = self.conditions.len();
        match exprs.node(e) {
            Node::Op(Op::Select, a) => {
                self.expr(a[0], out);
                for (branch, holds) in [(a[1], true), (a[2], false)] {
                    self.assume(a[0], holds);
                    self.expr(branch, out);
                    self.conditions.truncate(depth);
                }
            }
            // The second operand is evaluated only if the first does not decide.
            Node::Op(op @ (Op::And | Op::Or), a) => {
                self.expr(a[0], out);
                self.assume(a[0], *op == Op::And);
                self.expr(a[1], out);
                self.conditions.truncate(depth);
            }
            Node::Load { from, at, outside } => {
                for child in exprs.children(e) {
                    self.expr(child, out);
                }
                if outside.is_none() {
                    self.load(*from, at, out);
                }
            }
            _ => exprs.children(e).into_iter().for_each(|c| self.expr(c, out)),
        }
    }

    fn load(&self, from: Source, at: &[Pos], out: &mut Vec<Access>) {
        let program = &self.p.program;
        for (axis, p) in at.iter().enumerate() {
            let Pos::At(position) = p else { continue };
            let (array, extent) = match from {
                Source::Input(i) => {
                    let input = program.kernel.input(i);
                    (&input.name, &input.shape[axis])
                }
                Source::Def(d) => (&program.def(d).name, program.extent(program.def(d).free[axis])),
            };
            let last = extent.sub(&Int::constant(1)).sub(position);
            let proved = self.nonneg(position) && self.nonneg(&last);
            let position = Names::of(&program.kernel).int(position);
            out.push(Access { reader: self.reader.clone(), array: array.clone(), axis, position, proved });
        }
    }

    fn nonneg(&self, e: &Int) -> bool {
        let nonneg = |e: &Int| self.known.nonneg(e, &self.scope, &self.conditions);
        if nonneg(e) {
            return true;
        }
        // Whole numbers: `c*e + c - 1 >= 0` says the same, and is what a condition on `c*k + r` speaks of.
        let terms = self.conditions.iter().flat_map(Int::terms);
        let factors: BTreeSet<i64> =
            terms.map(|(_, count)| count.abs()).filter(|c| (2..=1 << 20).contains(c)).collect();
        factors.into_iter().any(|c| nonneg(&e.scale(c).add(&Int::constant(c - 1))))
    }

    /// Adds what a condition says about integers.
    fn assume(&mut self, condition: ExprId, holds: bool) {
        let exprs = &self.p.program.kernel.exprs;
        match (exprs.node(condition), holds) {
            (Node::Op(Op::Not, a), _) => self.assume(a[0], !holds),
            (Node::Op(Op::And, a), true) | (Node::Op(Op::Or, a), false) => {
                self.assume(a[0], holds);
                self.assume(a[1], holds);
            }
            (Node::Op(Op::Ne, a), true) | (Node::Op(Op::Eq, a), false) => {
                // At one end of a range, another value is one further inside.
                let (Some(l), Some(r)) = (exprs.whole(a[0]), exprs.whole(a[1])) else { return };
                let ends = [l.sub(&r), r.sub(&l)].into_iter().filter(|e| self.nonneg(e));
                let then: Vec<Int> = ends.map(|e| e.sub(&Int::constant(1))).collect();
                self.conditions.extend(then);
            }
            _ => self.conditions.extend(as_nonneg(exprs, condition, holds).unwrap_or_default()),
        }
    }
}
