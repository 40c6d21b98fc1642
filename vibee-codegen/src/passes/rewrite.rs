//! Shared ways to walk and rewrite expressions.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::term::{Atom, DType, ExprId, Exprs, IndexId, Int, Kernel, Node, Op, Pos, Source};

/// Calls `f` on `e` and everything below it, each distinct expression once.
pub fn visit(exprs: &Exprs, e: ExprId, f: &mut dyn FnMut(ExprId, &Node)) {
    let mut seen = std::collections::HashSet::new();
    let mut stack = vec![e];
    while let Some(id) = stack.pop() {
        if seen.insert(id) {
            f(id, exprs.node(id));
            let mut children = exprs.children(id);
            children.reverse();
            stack.extend(children);
        }
    }
}

/// Rebuilds `e` bottom-up: `f` gets each node with its operands already rewritten and returns
/// the replacement. Integer positions inside nodes are the callback's business.
pub fn rebuild(
    exprs: &mut Exprs,
    e: ExprId,
    memo: &mut HashMap<ExprId, ExprId>,
    f: &mut dyn FnMut(&mut Exprs, Node, DType) -> ExprId,
) -> ExprId {
    if let Some(&done) = memo.get(&e) {
        return done;
    }
    let dtype = exprs.dtype(e).clone();
    let mut go = |exprs: &mut Exprs, id: ExprId| rebuild(exprs, id, memo, f);
    let node = match exprs.node(e).clone() {
        Node::Load { from, at, outside } => Node::Load {
            from,
            at: at
                .into_iter()
                .map(|p| match p {
                    Pos::Data(d) => Pos::Data(go(exprs, d)),
                    at @ Pos::At(_) => at,
                })
                .collect(),
            outside: outside.map(|o| go(exprs, o)),
        },
        Node::Op(op, args) => Node::Op(op, args.into_iter().map(|a| go(exprs, a)).collect()),
        Node::Cast(to, a) => Node::Cast(to, go(exprs, a)),
        Node::Fold { op, over, guard, body } => {
            Node::Fold { op, over, guard: guard.map(|g| go(exprs, g)), body: go(exprs, body) }
        }
        leaf @ (Node::Float(..) | Node::Bool(_) | Node::Int(_)) => leaf,
    };
    let out = f(exprs, node, dtype);
    memo.insert(e, out);
    out
}

/// Replaces indices by integer expressions, binders of inner folds included when they are
/// renamed to another index.
pub fn substitute(exprs: &mut Exprs, e: ExprId, map: &BTreeMap<IndexId, Int>) -> ExprId {
    if map.is_empty() {
        return e;
    }
    rebuild(exprs, e, &mut HashMap::new(), &mut |exprs, node, dtype| {
        exprs.intern(substitute_node(node, map), dtype)
    })
}

/// [`substitute`] for the integers of one node.
fn substitute_node(node: Node, map: &BTreeMap<IndexId, Int>) -> Node {
    match node {
        Node::Int(i) => Node::Int(substitute_int(&i, map)),
        Node::Load { from, at, outside } => Node::Load {
            from,
            at: at
                .into_iter()
                .map(|p| match p {
                    Pos::At(i) => Pos::At(substitute_int(&i, map)),
                    data @ Pos::Data(_) => data,
                })
                .collect(),
            outside,
        },
        Node::Fold { op, over, guard, body } => Node::Fold {
            op,
            over: over.into_iter().map(|i| map.get(&i).and_then(Int::as_index).unwrap_or(i)).collect(),
            guard,
            body,
        },
        other => other,
    }
}

/// Replaces indices in an integer expression.
#[must_use]
pub fn substitute_int(i: &Int, map: &BTreeMap<IndexId, Int>) -> Int {
    i.substitute(&|a| match a {
        Atom::Index(x) => map.get(x).cloned(),
        _ => None,
    })
}

/// Indices an expression mentions and does not bind, in order of first occurrence.
#[must_use]
pub fn free_indices(exprs: &Exprs, e: ExprId) -> Vec<IndexId> {
    let mut found = Vec::new();
    let mut bound = Vec::new();
    visit(exprs, e, &mut |_, node| {
        let mut add = |i: &Int| {
            i.visit_leaves(&mut |a| {
                if let Atom::Index(x) = a
                    && !found.contains(x)
                {
                    found.push(*x);
                }
            });
        };
        match node {
            Node::Int(i) => add(i),
            Node::Load { at, .. } => at.iter().for_each(|p| {
                if let Pos::At(i) = p {
                    add(i);
                }
            }),
            Node::Fold { over, .. } => bound.extend(over.iter().copied()),
            _ => {}
        }
    });
    // Binders are unique, so a bound index never also occurs free.
    found.retain(|i| !bound.contains(i));
    found
}

/// Every load below `e`.
#[must_use]
pub fn loads(exprs: &Exprs, e: ExprId) -> Vec<(ExprId, Source, Vec<Pos>)> {
    let mut out = Vec::new();
    visit(exprs, e, &mut |id, node| {
        if let Node::Load { from, at, .. } = node {
            out.push((id, *from, at.clone()));
        }
    });
    out
}

/// The terms of a conjunction.
#[must_use]
pub fn conjuncts(exprs: &Exprs, guard: ExprId) -> Vec<ExprId> {
    match exprs.node(guard) {
        Node::Op(Op::And, args) => args.iter().flat_map(|a| conjuncts(exprs, *a)).collect(),
        _ => vec![guard],
    }
}

/// What is not negative exactly if a comparison of integers holds, or if it does not; `None` for other conditions,
/// and for `!=`, which says nothing of this form.
#[must_use]
pub fn as_nonneg(exprs: &Exprs, condition: ExprId, holds: bool) -> Option<Vec<Int>> {
    let Node::Op(op, args) = exprs.node(condition) else { return None };
    let [l, r] = args[..] else { return None };
    let (l, r) = (exprs.whole(l)?, exprs.whole(r)?);
    let (less, more, one) = (r.sub(&l), l.sub(&r), Int::constant(1));
    Some(match (op, holds) {
        (Op::Lt, true) | (Op::Ge, false) => vec![less.sub(&one)],
        (Op::Le, true) | (Op::Gt, false) => vec![less],
        (Op::Gt, true) | (Op::Le, false) => vec![more.sub(&one)],
        (Op::Ge, true) | (Op::Lt, false) => vec![more],
        (Op::Eq, true) | (Op::Ne, false) => vec![more, less],
        _ => return None,
    })
}

/// `a and b`, either possibly absent; what both say is said once.
pub fn conjoin(exprs: &mut Exprs, a: Option<ExprId>, b: Option<ExprId>) -> Option<ExprId> {
    match (a, b) {
        (Some(a), Some(b)) if says(exprs, a, b) => Some(a),
        (Some(a), Some(b)) if says(exprs, b, a) => Some(b),
        (Some(a), Some(b)) => Some(exprs.intern(Node::Op(Op::And, vec![a, b]), DType::Bool)),
        (a, b) => a.or(b),
    }
}

/// Whether each of the conditions that `b` is made of is one of `a`'s.
fn says(exprs: &Exprs, a: ExprId, b: ExprId) -> bool {
    let all = conjuncts(exprs, a);
    conjuncts(exprs, b).iter().all(|c| all.contains(c))
}

/// Sum of the costs of the distinct operators below `e`, folds not entered.
#[must_use]
pub fn cost(exprs: &Exprs, e: ExprId) -> u32 {
    let mut sum = 0;
    visit(exprs, e, &mut |_, node| match node {
        Node::Op(op, _) => sum += op.info().cost,
        Node::Cast(..) => sum += 1,
        Node::Load { at, .. } if at.iter().any(|p| matches!(p, Pos::Data(_))) => sum += 8,
        _ => {}
    });
    sum
}

/// An expression with its indices renumbered by place, and their extents: equal for expressions
/// that are equal up to index names.
pub type Canonical = (ExprId, Vec<Int>);

/// The canonical form of `e`, whose free indices are listed in `free`.
pub fn canonical(kernel: &mut Kernel, e: ExprId, free: &[IndexId]) -> Canonical {
    let mut order = free.to_vec();
    visit(&kernel.exprs, e, &mut |_, node| {
        if let Node::Fold { over, .. } = node {
            order.extend(over.iter().copied());
        }
    });
    // Placeholder ids lie far above real ones; the result is only ever compared.
    let map: BTreeMap<IndexId, Int> =
        order.iter().zip(u32::MAX / 2..).map(|(i, n)| (*i, Int::index(IndexId(n)))).collect();
    let extents = order.iter().map(|i| kernel.indices[i.index()].extent.clone()).collect();
    (substitute(&mut kernel.exprs, e, &map), extents)
}
