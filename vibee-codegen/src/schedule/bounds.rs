//! Guards as ranges: comparisons that are affine in an index say where it starts and ends.

use vibee_spec::term::{ExprId, IndexId, Int, Node, Op};

use crate::passes::{Program, conjuncts, free_indices};

/// Range of `i` under a guard, given the indices bound outside, and what is left of the guard.
pub fn tighten(
    program: &Program,
    guard: Option<ExprId>,
    i: IndexId,
    outer: &[IndexId],
) -> Option<(Int, Int, Vec<ExprId>)> {
    let guard = guard?;
    let (mut lo, mut hi) = (Int::default(), program.extent(i).clone());
    let mut residual = Vec::new();
    let mut changed = false;
    for c in conjuncts(&program.kernel.exprs, guard) {
        match bound(program, c, i, outer) {
            Some((below, above)) => {
                changed = true;
                if let Some(b) = below {
                    lo = b.maximum(&lo);
                }
                if let Some(a) = above {
                    hi = a.minimum(&hi);
                }
            }
            None => residual.push(c),
        }
    }
    changed.then_some((lo, hi, residual))
}

/// The half-open bounds a comparison puts on `i`.
fn bound(program: &Program, c: ExprId, i: IndexId, outer: &[IndexId]) -> Option<(Option<Int>, Option<Int>)> {
    let exprs = &program.kernel.exprs;
    let Node::Op(op, args) = exprs.node(c) else { return None };
    let int = |e: ExprId| match exprs.node(e) {
        Node::Int(v) => Some(v.clone()),
        _ => None,
    };
    if args.len() != 2 || !free_indices(exprs, c).iter().all(|x| *x == i || outer.contains(x)) {
        return None;
    }
    // a ∘ b  as  d = a - b ∘ 0,  d = k·i + rest with k = ±1.
    let d = int(args[0])?.sub(&int(args[1])?);
    let (k, rest) = d.linear_in(i)?;
    let k = k.as_const().filter(|k| k.abs() == 1)?;
    let one = Int::constant(1);
    let at = rest.scale(-k); // the value of i where d = 0
    let (below, above) = match op {
        Op::Lt => (None, Some(at.clone())),
        Op::Le => (None, Some(at.add(&one))),
        Op::Gt => (Some(at.add(&one)), None),
        Op::Ge => (Some(at.clone()), None),
        Op::Eq => return Some((Some(at.clone()), Some(at.add(&one)))),
        _ => return None,
    };
    if k == 1 {
        return Some((below, above));
    }
    // -i ∘ …: the comparison turns around.
    Some(match op {
        Op::Lt => (Some(at.add(&one)), None),
        Op::Le => (Some(at), None),
        Op::Gt => (None, Some(at)),
        _ => (None, Some(at.add(&one))),
    })
}
