//! A kernel at given sizes, prepared for evaluation: index expressions become affine tables, and
//! each expression knows which indices it depends on and whether its value is worth keeping.
//!
//! Changes how fast an evaluation is, never what it gives.

use std::collections::HashMap;

use super::entry::size;
use super::error::EvalError;
use super::operand::Operand;
use crate::term::{Atom, DType, ExprId, IndexId, Int, Kernel, Node, Op, Pos};

/// Deepest nesting of expressions: evaluation recurses.
const DEEPEST: usize = 1000;

/// Places in all tables of kept folds together.
const TABLE_PLACES: usize = 1 << 21;

/// An integer over indices alone.
pub(super) enum Affine {
    /// `base + Σ coefficient · index`.
    Linear { base: i64, terms: Vec<(usize, i64)> },
    /// Anything else.
    Other(Int),
}

/// How the value of an expression is kept between evaluations.
pub(super) enum Keep {
    /// Recomputed.
    No,
    /// The latest, while none of its indices moved.
    Latest,
    /// One for every value of its indices: their strides, and the number of places.
    Table(Vec<(usize, usize)>, usize),
}

/// What the evaluator needs beside the node itself.
pub(super) struct Facts {
    /// Indices on which the value depends.
    pub free: Vec<usize>,
    /// The integers of the node, in order: known positions of a load, or the one of a value.
    pub ints: Vec<Affine>,
    /// Whether to keep it.
    pub keep: Keep,
    depth: usize,
}

/// The prepared kernel.
pub(super) struct Plan {
    /// Extent of every index.
    pub extents: Vec<i64>,
    /// By expression.
    pub facts: Vec<Facts>,
    /// By definition: where an element is stored.
    pub stores: Vec<Vec<Affine>>,
    /// Bounds of `idx` and `len` types.
    pub limits: HashMap<Int, i64>,
}

impl Plan {
    /// Prepares a kernel whose entry checks have passed.
    pub(super) fn new(kernel: &Kernel, dims: &[i64], inputs: &[Operand<'_>]) -> Result<Plan, EvalError> {
        let extents: Vec<i64> = (kernel.indices.iter())
            .map(|i| Ok(size(kernel, &i.extent, dims, inputs)?.max(0)))
            .collect::<Result<_, EvalError>>()?;
        let mut plan = Plan { extents, facts: Vec::new(), stores: Vec::new(), limits: HashMap::new() };
        let known = |a: &Atom| match a {
            Atom::Dim(d) => dims.get(d.index()).copied().map(Int::constant),
            Atom::Scalar(i) => Some(Int::constant(inputs.get(i.index())?.scalar()?.v)),
            _ => None,
        };
        let mut uses = vec![0usize; kernel.exprs.len()];
        for i in 0..kernel.exprs.len() {
            let id = ExprId(u32::try_from(i).expect("expressions are counted in u32"));
            for child in kernel.exprs.children(id) {
                uses[child.index()] += 1;
            }
            let ints = node_ints(kernel, id).into_iter().map(|int| affine(int, &known)).collect();
            if let Node::Cast(to, _) = kernel.exprs.node(id) {
                plan.limit(kernel, to, dims, inputs)?;
            }
            let (free, depth) = plan.free_indices(kernel, id);
            if depth > DEEPEST {
                return Err(EvalError::Limit(format!("expressions nest deeper than {DEEPEST}")));
            }
            plan.facts.push(Facts { free, ints, keep: Keep::No, depth });
        }
        for def in &kernel.defs {
            plan.stores.push(def.store.iter().map(|int| affine(int, &known)).collect());
            plan.limit(kernel, &def.dtype, dims, inputs)?;
        }
        let mut room = TABLE_PLACES;
        for (i, uses) in uses.into_iter().enumerate() {
            plan.facts[i].keep = plan.keep(kernel, ExprId(i as u32), uses, &mut room);
        }
        Ok(plan)
    }

    fn limit(
        &mut self,
        kernel: &Kernel,
        dtype: &DType,
        dims: &[i64],
        inputs: &[Operand<'_>],
    ) -> Result<(), EvalError> {
        if let DType::Idx(n) | DType::Len(n) = dtype {
            let v = size(kernel, n, dims, inputs)?;
            self.limits.insert(n.clone(), v);
        }
        Ok(())
    }

    /// Free indices of an expression, whose children (older, so with smaller ids) are known.
    fn free_indices(&self, kernel: &Kernel, id: ExprId) -> (Vec<usize>, usize) {
        let mut free: Vec<usize> = Vec::new();
        for int in node_ints(kernel, id) {
            int.visit_leaves(&mut |a| {
                if let Atom::Index(i) = a {
                    free.push(i.index());
                }
            });
        }
        let mut depth = 0;
        for child in kernel.exprs.children(id) {
            let facts = &self.facts[child.index()];
            free.extend(&facts.free);
            depth = depth.max(facts.depth);
        }
        if let Node::Fold { over, .. } = kernel.exprs.node(id) {
            free.retain(|i| !over.iter().any(|o: &IndexId| o.index() == *i));
        }
        free.sort_unstable();
        free.dedup();
        (free, depth + 1)
    }

    fn keep(&self, kernel: &Kernel, id: ExprId, uses: usize, room: &mut usize) -> Keep {
        let facts = &self.facts[id.index()];
        match kernel.exprs.node(id) {
            Node::Fold { .. } => {
                let mut places = 1usize;
                let mut strides = Vec::new();
                for i in facts.free.iter().rev() {
                    strides.push((*i, places));
                    places = places.saturating_mul(self.extents[*i] as usize);
                }
                if places > *room {
                    return Keep::Latest;
                }
                *room -= places;
                Keep::Table(strides, places)
            }
            Node::Op(op, _) if uses > 1 || op.info().cost >= 4 && *op != Op::Select => Keep::Latest,
            Node::Load { .. } | Node::Op(..) | Node::Cast(..) if uses > 2 => Keep::Latest,
            _ => Keep::No,
        }
    }
}

/// The integers that stand in a node itself.
fn node_ints(kernel: &Kernel, id: ExprId) -> Vec<&Int> {
    match kernel.exprs.node(id) {
        Node::Int(int) => vec![int],
        Node::Load { at, .. } => {
            at.iter().filter_map(|p| if let Pos::At(int) = p { Some(int) } else { None }).collect()
        }
        _ => vec![],
    }
}

fn affine(int: &Int, known: &dyn Fn(&Atom) -> Option<Int>) -> Affine {
    let int = int.substitute(known);
    let (mut base, mut terms) = (0, Vec::new());
    for (monomial, c) in int.terms() {
        match monomial {
            [] => base = c,
            [Atom::Index(i)] => terms.push((i.index(), c)),
            _ => return Affine::Other(int.clone()),
        }
    }
    Affine::Linear { base, terms }
}
