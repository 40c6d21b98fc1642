//! A flat program read back as a kernel, so that the term IR's verifier and interpreter apply to it.
//!
//! For verification and tests; the compiler itself never goes back.

use std::collections::HashMap;

use vibee_spec::term::{DType, Def, ExprId, Exprs, FoldOp, Int, Kernel, Node, Op, Output, Pos};

use super::flat::{Definition, Program};

/// The kernel that a program is. Definitions keep their numbers; dead ones become constants.
///
/// An elementwise value that is read only under its guard is [`POISON`] elsewhere, so that a read
/// that escapes the guard changes a float result. For integers and truth values, which have no NaN,
/// such a read shows only where the substitute differs from what is expected.
#[must_use]
pub fn as_kernel(program: &Program) -> Kernel {
    let mut kernel = program.kernel.clone();
    kernel.defs = program.defs.iter().map(|d| definition(&mut kernel, d)).collect();
    kernel.outputs = program.outputs.iter().map(|o| Output { name: o.name.clone(), def: o.def }).collect();
    kernel
}

/// The same kernel without expressions that no definition uses: passes leave some behind, with
/// placeholders for indices.
#[must_use]
pub fn without_waste(kernel: &Kernel) -> Kernel {
    let mut out = Kernel { exprs: Exprs::default(), ..kernel.clone() };
    let mut memo = HashMap::new();
    for (d, old) in out.defs.iter_mut().zip(&kernel.defs) {
        d.body = copy(&kernel.exprs, &mut out.exprs, old.body, &mut memo);
    }
    out
}

fn copy(from: &Exprs, to: &mut Exprs, e: ExprId, memo: &mut HashMap<ExprId, ExprId>) -> ExprId {
    if let Some(done) = memo.get(&e) {
        return *done;
    }
    let mut go = |id: ExprId| copy(from, to, id, memo);
    let node = match from.node(e).clone() {
        Node::Load { from, at, outside } => {
            let at = at.into_iter().map(|p| match p {
                Pos::Data(d) => Pos::Data(go(d)),
                at @ Pos::At(_) => at,
            });
            Node::Load { from, at: at.collect(), outside: outside.map(&mut go) }
        }
        Node::Op(op, args) => Node::Op(op, args.into_iter().map(go).collect()),
        Node::Cast(t, a) => Node::Cast(t, go(a)),
        Node::Fold { op, over, guard, body } => {
            Node::Fold { op, over, guard: guard.map(&mut go), body: go(body) }
        }
        leaf @ (Node::Float(..) | Node::Bool(_) | Node::Int(_)) => leaf,
    };
    let new = to.intern(node, from.dtype(e).clone());
    memo.insert(e, new);
    new
}

/// What a float definition holds where nobody may read it.
pub const POISON: f64 = f64::NAN;

fn definition(kernel: &mut Kernel, d: &Definition) -> Def {
    let indices = if d.dead { vec![] } else { d.free.clone() };
    let body = if d.dead { placeholder(kernel, &d.dtype.computed()) } else { body(kernel, d) };
    Def {
        name: d.name.clone(),
        shape: indices.iter().map(|i| kernel.indices[i.index()].extent.clone()).collect(),
        store: indices.iter().map(|i| Int::index(*i)).collect(),
        indices,
        dtype: d.dtype.clone(),
        body,
        text: d.text.clone(),
    }
}

fn body(kernel: &mut Kernel, d: &Definition) -> ExprId {
    let of = kernel.exprs.dtype(d.value).clone();
    match (&d.fold, d.guard) {
        (Some(f), guard) => {
            let position = matches!(f.op, FoldOp::ArgMax | FoldOp::ArgMin);
            let first = f.over.first().map(|i| kernel.indices[i.index()].extent.clone());
            let dtype = if position { DType::Idx(first.unwrap_or_default()) } else { of };
            let fold = Node::Fold { op: f.op, over: f.over.clone(), guard, body: d.value };
            kernel.exprs.intern(fold, dtype)
        }
        (None, Some(guard)) => {
            let elsewhere = placeholder(kernel, &of);
            kernel.exprs.intern(Node::Op(Op::Select, vec![guard, d.value, elsewhere]), of)
        }
        (None, None) => d.value,
    }
}

/// A constant of a computed type.
fn placeholder(kernel: &mut Kernel, dtype: &DType) -> ExprId {
    match dtype {
        DType::Bool => kernel.exprs.intern(Node::Bool(false), DType::Bool),
        DType::F32 | DType::F64 => {
            kernel.exprs.intern(Node::Float(POISON.to_bits(), dtype.clone()), dtype.clone())
        }
        DType::I32 => kernel.exprs.int(Int::constant(i64::from(i32::MIN))),
        other => {
            let zero = kernel.exprs.int(Int::default());
            kernel.exprs.intern(Node::Cast(other.clone(), zero), other.clone())
        }
    }
}
