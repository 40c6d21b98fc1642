//! Chooses which loop of each nest runs in lanes, by a small cost model: contiguous reads are cheap in
//! lanes, strided ones are not, and a fold across lanes pays once per result.

use vibee_spec::term::{DType, DefId, ExprId, FoldOp, IndexId, Int, Node as Expr, Op, Pos};

use super::tree::{Loop, Node, definitions};
use crate::passes::{Program, free_indices, visit};

/// Size assumed for extents not known at compile time.
const TYPICAL: f64 = 64.0;
/// Lanes assumed when weighing.
const LANES: f64 = 16.0;
/// Combining the lanes of one accumulator.
const REDUCE: f64 = 12.0;

/// Marks at most one loop on every path below `node`.
pub fn choose(program: &Program, node: &mut Node) {
    if let Node::Loop(l) = node {
        best(program, l);
    }
}

/// Marks the cheapest choice and returns its cost.
fn best(program: &Program, l: &mut Loop) -> f64 {
    let here = lanes_cost(program, l);
    let mut below = 0.0;
    let mut trial = l.body.clone();
    for n in &mut trial {
        below += match n {
            Node::Loop(inner) => best(program, inner),
            Node::Def(d) => cost(program, *d, None),
            Node::Gemm(_) => 0.0,
        };
    }
    match here {
        Some(here) if here < below => {
            l.lanes = Some(unroll(program, l));
            here
        }
        _ => {
            l.body = trial;
            below
        }
    }
}

/// Cost with this loop in lanes; `None` where something inside cannot run in lanes.
fn lanes_cost(program: &Program, l: &Loop) -> Option<f64> {
    if !body_allows(&l.body, l.index) {
        return None;
    }
    let mut sum = 0.0;
    for d in definitions(&l.body) {
        let def = program.def(d);
        // Lanes are stored side by side.
        if def.free.contains(&l.index) && def.free.last() != Some(&l.index) {
            return None;
        }
        // A position is counted along the lanes or not in lanes at all.
        let picks = def.fold.as_ref().filter(|f| matches!(f.op, FoldOp::ArgMax | FoldOp::ArgMin));
        if picks.is_some_and(|f| f.over != [l.index]) {
            return None;
        }
        let wide = |e: &ExprId| {
            let mut found = false;
            visit(&program.kernel.exprs, *e, &mut |id, _| {
                found |= *program.kernel.exprs.dtype(id) == DType::F64;
            });
            found
        };
        if def.dtype == DType::F64 || program.roots(d).iter().any(wide) {
            return None;
        }
        sum += cost(program, d, Some(l.index));
    }
    Some(sum)
}

/// No matrix product inside, and no inner loop whose range differs between lanes.
fn body_allows(nodes: &[Node], lanes: IndexId) -> bool {
    nodes.iter().all(|n| match n {
        Node::Gemm(_) => false,
        Node::Loop(l) => !l.lo.mentions(lanes) && !l.hi.mentions(lanes) && body_allows(&l.body, lanes),
        Node::Def(_) => true,
    })
}

fn size(program: &Program, indices: &[IndexId]) -> f64 {
    indices.iter().map(|i| program.extent(*i).as_const().map_or(TYPICAL, |c| c as f64)).product()
}

/// Cost of all iterations of a definition, with a loop in lanes or without.
fn cost(program: &Program, d: DefId, lanes: Option<IndexId>) -> f64 {
    let def = program.def(d);
    let iterations = size(program, &def.all_indices());
    let Some(v) = lanes else {
        let inner = def.all_indices().last().copied();
        let each = program.roots(d).iter().map(|r| work(program, *r, inner, false)).sum::<f64>();
        return iterations * each.max(1.0);
    };
    // A short axis fills few lanes of a block.
    let filled = size(program, &[v]).clamp(1.0, LANES);
    let mut each: f64 = program.roots(d).iter().map(|r| work(program, *r, Some(v), true)).sum();
    each += 1.0 / LANES;
    let mut total = iterations * each * LANES / filled;
    if def.fold.as_ref().is_some_and(|f| f.over.contains(&v)) {
        total += REDUCE * size(program, &def.free);
    }
    total
}

/// Work per element of an expression in a loop over `v`; what does not change with it is free, being
/// computed before the loop.
fn work(program: &Program, e: ExprId, v: Option<IndexId>, lanes: bool) -> f64 {
    let exprs = &program.kernel.exprs;
    let share = if lanes { LANES } else { 1.0 };
    let mut sum = 0.0;
    visit(exprs, e, &mut |id, node| {
        let varies = v.is_some_and(|v| free_indices(exprs, id).contains(&v));
        sum += match node {
            _ if !varies && !matches!(node, Expr::Load { .. }) => 0.0,
            // No lane form.
            Expr::Op(op @ (Op::IDiv | Op::Mod), _) => f64::from(op.info().cost),
            Expr::Op(op, _) => f64::from(op.info().cost) / share,
            Expr::Load { at, .. } => match v.map(|v| access(program, at, v)) {
                Some(Access::Uniform) => 0.5 / share,
                Some(Access::Contiguous) => 1.0 / share,
                Some(Access::Scattered) if lanes => 1.5,
                _ => 1.0,
            },
            Expr::Int(i) if lanes && v.is_some_and(|v| !is_linear(i, v)) => 2.0,
            _ => 0.0,
        };
    });
    sum
}

/// How a load moves with a lanes index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The same element for all lanes.
    Uniform,
    /// Consecutive elements.
    Contiguous,
    /// Anything else.
    Scattered,
}

/// Classifies a load.
#[must_use]
pub fn access(program: &Program, at: &[Pos], v: IndexId) -> Access {
    let mentions = |p: &Pos| match p {
        Pos::At(i) => i.mentions(v),
        Pos::Data(e) => free_indices(&program.kernel.exprs, *e).contains(&v),
    };
    if !at.iter().any(mentions) {
        return Access::Uniform;
    }
    let (last, leading) = at.split_last().expect("a load that mentions an index has positions");
    let unit = matches!(last, Pos::At(i) if i.linear_in(v).is_some_and(|(c, _)| c == Int::constant(1)));
    if unit && !leading.iter().any(mentions) { Access::Contiguous } else { Access::Scattered }
}

fn is_linear(i: &Int, v: IndexId) -> bool {
    i.linear_in(v).is_some_and(|(c, _)| c.as_const().is_some())
}

/// Registers per block: more for light bodies, fewer where each lane does much.
fn unroll(program: &Program, l: &Loop) -> u32 {
    let heavy = definitions(&l.body).iter().flat_map(|d| program.roots(*d)).any(|r| {
        let mut found = false;
        let exprs = &program.kernel.exprs;
        visit(exprs, r, &mut |e, n| {
            // What is the same for all lanes is computed before the loop.
            let varies = || free_indices(exprs, e).contains(&l.index);
            found |= matches!(n, Expr::Op(op, _) if op.info().cost >= 10) && varies();
        });
        found
    });
    let nested = l.body.iter().any(|n| matches!(n, Node::Loop(_)));
    let wanted = if heavy || nested { 2 } else { 4 };
    // A range that is known not to fill so many registers would be a tail at every level.
    match program.extent(l.index).as_const().and_then(|n| u32::try_from(n).ok()) {
        Some(n) => wanted.min((n / LANES as u32).max(1)),
        None => wanted,
    }
}
