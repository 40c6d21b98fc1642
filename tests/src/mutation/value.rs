//! Mistakes in what is computed and read.

use std::collections::HashMap;

use vibee_codegen::loops::{LoopProgram, Stmt};
use vibee_codegen::passes::rebuild;
use vibee_spec::term::{DType, DefId, Exprs, FoldOp, IndexId, Int, Node, Op, Pos, Source};

/// What a change may look at.
struct Place<'a> {
    /// The program before the change.
    p: &'a LoopProgram,
    /// The definition whose value is changed.
    def: DefId,
}

type Change<'c> = &'c mut dyn FnMut(&Place<'_>, &mut Exprs, &Node, &DType) -> Option<Node>;

/// Replaces the first node of a value or guard, in order of definitions, for which `f` has another.
fn change(p: &mut LoopProgram, f: Change<'_>) -> bool {
    change_some(p, true, f)
}

/// Products are left alone: their operands are not evaluated as expressions.
fn change_some(p: &mut LoopProgram, once: bool, f: Change<'_>) -> bool {
    let mut any = false;
    let before = p.clone();
    let mut products = Vec::new();
    for s in &before.stages {
        collect_products(&s.body, &mut products);
    }
    for (def, d) in before.program.live().filter(|(d, _)| !products.contains(d)) {
        let mut done = false;
        let place = Place { p: &before, def };
        let exprs = &mut p.program.kernel.exprs;
        let mut go = |e| {
            rebuild(exprs, e, &mut HashMap::new(), &mut |exprs, node, dtype| {
                let new = if done && once { None } else { f(&place, exprs, &node, &dtype) };
                done |= new.is_some();
                exprs.intern(new.unwrap_or(node), dtype)
            })
        };
        let (value, guard) = (go(d.value), d.guard.map(&mut go));
        if done {
            let d = &mut p.program.defs[def.index()];
            (d.value, d.guard) = (value, guard);
            any = true;
            if once {
                break;
            }
        }
    }
    any
}

fn collect_products(body: &[Stmt], out: &mut Vec<DefId>) {
    for s in body {
        match s {
            Stmt::Gemm(g) => out.push(g.def),
            Stmt::Loop { body, .. } => collect_products(body, out),
            _ => {}
        }
    }
}

pub fn turns_difference(p: &mut LoopProgram) -> bool {
    change(p, &mut |_, _, node, _| match node {
        Node::Op(Op::Sub, a) if a[0] != a[1] => Some(Node::Op(Op::Sub, vec![a[1], a[0]])),
        _ => None,
    })
}

pub fn includes_equal(p: &mut LoopProgram) -> bool {
    change(p, &mut |_, _, node, _| match node {
        Node::Op(Op::Lt, a) => Some(Node::Op(Op::Le, a.clone())),
        Node::Op(Op::Gt, a) => Some(Node::Op(Op::Ge, a.clone())),
        _ => None,
    })
}

/// `max(a, b)` as `if a < b then b else a`, which is `a` when either is NaN.
pub fn keeps_nan(p: &mut LoopProgram) -> bool {
    change_some(p, false, &mut |_, exprs, node, dtype| match node {
        Node::Op(Op::Max, a) if *dtype == DType::F32 => {
            let less = exprs.intern(Node::Op(Op::Lt, a.clone()), DType::Bool);
            Some(Node::Op(Op::Select, vec![less, a[1], a[0]]))
        }
        _ => None,
    })
}

/// `a / b` as `a * (1 / b)`, everywhere.
pub fn multiplies_by_inverse(p: &mut LoopProgram) -> bool {
    change_some(p, false, &mut |_, exprs, node, dtype| match node {
        Node::Op(Op::Div, a) if *dtype == DType::F32 => {
            let one = exprs.f32(1.0);
            let inverse = exprs.intern(Node::Op(Op::Div, vec![one, a[1]]), DType::F32);
            Some(Node::Op(Op::Mul, vec![a[0], inverse]))
        }
        _ => None,
    })
}

fn bare(p: &Pos) -> Option<IndexId> {
    if let Pos::At(i) = p { i.as_index() } else { None }
}

pub fn swaps_letters(p: &mut LoopProgram) -> bool {
    change(p, &mut |_, _, node, _| {
        let Node::Load { from, at, outside } = node else { return None };
        let letters: Vec<usize> = (0..at.len()).filter(|n| bare(&at[*n]).is_some()).collect();
        let [.., a, b] = letters.as_slice() else { return None };
        if at[*a] == at[*b] {
            return None;
        }
        let mut at = at.clone();
        at.swap(*a, *b);
        Some(Node::Load { from: *from, at, outside: *outside })
    })
}

pub fn clamps_outside(p: &mut LoopProgram) -> bool {
    change(p, &mut |place, _, node, _| {
        let Node::Load { from, at, outside: Some(_) } = node else { return None };
        let program = &place.p.program;
        let at = at.iter().enumerate().map(|(axis, p)| {
            let Pos::At(i) = p else { return p.clone() };
            let extent = match from {
                Source::Input(x) => program.kernel.input(*x).shape[axis].clone(),
                Source::Def(d) => program.extent(program.def(*d).free[axis]).clone(),
            };
            let zero = Int::default();
            Pos::At(i.minimum(&extent.sub(&Int::constant(1))).maximum(&zero))
        });
        Some(Node::Load { from: *from, at: at.collect(), outside: None })
    })
}

/// `table[i[t], d]` reads `i` at another letter.
pub fn gathers_elsewhere(p: &mut LoopProgram) -> bool {
    change(p, &mut |place, exprs, node, _| {
        let Node::Load { from, at, outside } = node else { return None };
        let letters = place.p.program.def(place.def).all_indices();
        let mut at = at.clone();
        for p in &mut at {
            let Pos::Data(e) = p else { continue };
            let Node::Load { from: Source::Input(i), at: inner, outside: None } = exprs.node(*e).clone()
            else {
                continue;
            };
            let other = inner.first().and_then(bare).and_then(|i| letters.iter().find(|l| **l != i));
            let (Some(other), 1) = (other, inner.len()) else { continue };
            let dtype = exprs.dtype(*e).clone();
            let moved = vec![Pos::At(Int::index(*other))];
            *p = Pos::Data(
                exprs.intern(Node::Load { from: Source::Input(i), at: moved, outside: None }, dtype),
            );
            return Some(Node::Load { from: *from, at, outside: *outside });
        }
        None
    })
}

/// A load reads another definition of the same type and extents, stored like the right one.
pub fn reads_another(p: &mut LoopProgram) -> bool {
    change(p, &mut |place, _, node, _| {
        let Node::Load { from: Source::Def(d), at, outside } = node else { return None };
        let program = &place.p.program;
        let extents =
            |d: DefId| -> Vec<&Int> { program.def(d).free.iter().map(|i| program.extent(*i)).collect() };
        let alike = |other: DefId| {
            other != *d
                && program.def(other).dtype == program.def(*d).dtype
                && extents(other) == extents(*d)
                && place.p.place(other).buffer.is_some()
                && place.p.place(*d).buffer.is_some()
        };
        let other = program.live().map(|(o, _)| o).take_while(|o| o < d).find(|o| alike(*o))?;
        Some(Node::Load { from: Source::Def(other), at: at.clone(), outside: *outside })
    })
}

/// `f(sum[k](e))` becomes `sum[k](f(e))`.
pub fn applies_early(p: &mut LoopProgram) -> bool {
    let mut found = None;
    let changed = change(p, &mut |place, exprs, node, _| {
        let Node::Op(op, a) = node else { return None };
        let [a] = a.as_slice() else { return None };
        let Node::Load { from: Source::Def(d), .. } = exprs.node(*a).clone() else { return None };
        let fold = place.p.program.def(d).fold.as_ref()?;
        let fits = fold.op == FoldOp::Sum && *exprs.dtype(*a) == DType::F32 && *op != Op::Neg;
        let product = place.p.stages.iter().any(|s| {
            let mut products = Vec::new();
            collect_products(&s.body, &mut products);
            products.contains(&d)
        });
        if !fits || product || place.p.program.is_output(d) {
            return None;
        }
        found = Some((d, *op));
        Some(exprs.node(*a).clone())
    });
    if let Some((d, op)) = found {
        let value = p.program.def(d).value;
        let early = p.program.kernel.exprs.intern(Node::Op(op, vec![value]), DType::F32);
        p.program.defs[d.index()].value = early;
    }
    changed
}
