//! Values with names of their own: what does not change in a loop is computed before it, what is
//! used twice in a statement once.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::TokenStream;
use quote::quote;
use vibee_spec::term::{DefId, ExprId, IndexId, Node, Op, Pos, Source};

use super::{Body, Shape};
use crate::emit::names::snake;
use crate::loops::{LoopProgram, Stmt};
use crate::passes::cost;

/// Cost from which a value is computed before a plain loop: a division or a root.
pub(super) const EXPENSIVE: u32 = 4;

impl<'a> Body<'a> {
    /// Computes before a loop what does not change in it and costs at least `least`.
    pub(super) fn hoist(&mut self, body: &[Stmt], inner: &[IndexId], least: u32) -> TokenStream {
        let mut roots = Vec::new();
        collect_roots(self.p, body, &mut roots);
        self.hoist_roots(&roots, inner, least)
    }

    /// [`Self::hoist`] for one value.
    pub fn hoist_value(&mut self, d: DefId, value: ExprId, inner: &[IndexId]) -> TokenStream {
        self.hoist_roots(&[(d, value)], inner, 0)
    }

    pub(super) fn hoist_roots(
        &mut self,
        roots: &[(DefId, ExprId)],
        inner: &[IndexId],
        least: u32,
    ) -> TokenStream {
        let made: Vec<DefId> = roots.iter().map(|(d, _)| *d).collect();
        let mut out = TokenStream::new();
        // What is used twice is looked at once: a chain of squares doubles with every step.
        let mut seen = BTreeSet::new();
        for (_, root) in roots {
            let mut stack = vec![*root];
            while let Some(e) = stack.pop() {
                if !seen.insert(e) || self.bound.contains_key(&e) {
                    continue;
                }
                let node = self.p.program.kernel.exprs.node(e).clone();
                let changes = self.indices(e).iter().any(|i| inner.contains(i))
                    || self.reads(e).iter().any(|d| made.contains(d));
                let worth = matches!(&node, Node::Op(op, _) if *op != Op::Select)
                    && cost(&self.p.program.kernel.exprs, e) >= least;
                if worth && !changes && !self.is_risky(e) && !self.reads_written(e) {
                    let base = noun(self, e);
                    let value = self.scalar(e).code;
                    let name = self.fresh(&base);
                    out.extend(quote!(let #name = #value;));
                    self.bound.insert(e, (name, Shape::One));
                } else if !matches!(node, Node::Op(Op::Select, _)) {
                    let mut children = self.p.program.kernel.exprs.children(e);
                    children.reverse();
                    stack.extend(children);
                }
            }
        }
        out
    }

    /// Whether an expression reads memory that this task also writes.
    pub(super) fn reads_written(&self, e: ExprId) -> bool {
        self.reads(e).iter().any(|d| !self.variables.contains_key(d))
    }

    /// Gives names to subexpressions that a value uses more than once.
    pub fn share(&mut self, root: ExprId) {
        let program = &self.p.program;
        let mut counts: HashMap<ExprId, u32> = HashMap::new();
        let mut order = Vec::new();
        let mut stack = vec![(root, false)];
        let mut done = BTreeSet::new();
        while let Some((e, leave)) = stack.pop() {
            if leave {
                order.push(e);
                continue;
            }
            if self.bound.contains_key(&e) || !done.insert(e) {
                continue;
            }
            stack.push((e, true));
            for c in program.kernel.exprs.children(e) {
                *counts.entry(c).or_default() += 1;
                stack.push((c, false));
            }
        }
        for e in order {
            let reads_variable =
                |from: &Source| matches!(from, Source::Def(d) if self.variables.contains_key(d));
            let worth = match program.kernel.exprs.node(e) {
                Node::Op(..) | Node::Cast(..) => true,
                Node::Load { from, at, .. } => !at.is_empty() && !reads_variable(from),
                _ => false,
            };
            if counts.get(&e).copied().unwrap_or(0) < 2 || !worth || self.is_risky(e) {
                continue;
            }
            let base = noun(self, e);
            let v = self.value(e);
            let name = self.fresh(&base);
            let code = v.code;
            self.pending.push(quote!(let #name = #code;));
            self.bound.insert(e, (name, if v.lanes { Shape::Lanes } else { Shape::One }));
        }
    }
}

/// What to call a value: `x_td` for `x[t, d]`, the operator's noun otherwise.
pub(super) fn noun(body: &Body<'_>, e: ExprId) -> String {
    let program = &body.p.program;
    match program.kernel.exprs.node(e) {
        Node::Load { from, at, .. } => {
            let name = match from {
                Source::Input(i) => program.kernel.input(*i).name.clone(),
                Source::Def(d) => program.def(*d).name.clone(),
            };
            let letters: String = at
                .iter()
                .filter_map(|p| if let Pos::At(i) = p { i.as_index() } else { None })
                .map(|i| program.kernel.indices[i.index()].name.clone())
                .collect();
            if letters.is_empty() { snake(&name) } else { format!("{}_{}", snake(&name), snake(&letters)) }
        }
        Node::Cast(..) => "converted".to_owned(),
        Node::Op(op, args) => {
            let first = match program.kernel.exprs.node(args[0]) {
                Node::Load { from: Source::Input(i), at, .. } if at.is_empty() => {
                    Some(program.kernel.input(*i).name.clone())
                }
                Node::Load { from: Source::Def(d), .. } => Some(program.def(*d).name.clone()),
                _ => None,
            };
            let word = match op {
                Op::Add => "sum",
                Op::Sub => "difference",
                Op::Mul => "product",
                Op::Div => "quotient",
                Op::Rsqrt => "inverse_root",
                Op::Sqrt => "root",
                Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne | Op::And | Op::Or | Op::Not => "holds",
                other => other.info().name,
            };
            match first {
                Some(f) if args.len() == 1 => format!("{word}_{}", snake(&f)),
                _ => word.to_owned(),
            }
        }
        _ => "value".to_owned(),
    }
}

/// Expressions evaluated by statements, with the definition each belongs to.
pub(super) fn collect_roots(p: &LoopProgram, stmts: &[Stmt], out: &mut Vec<(DefId, ExprId)>) {
    for s in stmts {
        match s {
            Stmt::Update { def } | Stmt::Let { def } | Stmt::Store { def } => {
                let d = p.program.def(*def);
                for e in d.guard.iter().copied().chain([d.value]) {
                    if !out.contains(&(*def, e)) {
                        out.push((*def, e));
                    }
                }
            }
            Stmt::Loop { body, .. } => collect_roots(p, body, out),
            _ => {}
        }
    }
}
