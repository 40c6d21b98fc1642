//! A kernel with some sizes fixed: what `specialise C: 32, 64` compiles beside the general one.
//!
//! Only sizes inside the computation change; entry checks and bindings stay the general kernel's.

use std::collections::HashMap;

use vibee_spec::term::{Atom, DType, DimId, Int, Kernel, Node, Pos};

use super::rewrite::rebuild;

/// `kernel` for `dim = value`, for all pairs.
#[must_use]
pub fn fix(kernel: &Kernel, sizes: &[(DimId, i64)]) -> Kernel {
    let mut k = kernel.clone();
    let int = |i: &Int| {
        i.substitute(&|a| match a {
            Atom::Dim(d) => sizes.iter().find(|(s, _)| s == d).map(|(_, v)| Int::constant(*v)),
            _ => None,
        })
    };
    let dtype = |t: &DType| match t {
        DType::Idx(n) => DType::Idx(int(n)),
        DType::Len(n) => DType::Len(int(n)),
        other => other.clone(),
    };
    for i in &mut k.indices {
        i.extent = int(&i.extent);
    }
    for input in &mut k.inputs {
        input.dtype = dtype(&input.dtype);
        input.shape = input.shape.iter().map(int).collect();
    }
    for d in &mut k.defs {
        d.dtype = dtype(&d.dtype);
        d.shape = d.shape.iter().map(int).collect();
        d.store = d.store.iter().map(int).collect();
        d.body = rebuild(&mut k.exprs, d.body, &mut HashMap::new(), &mut |exprs, node, t| {
            let node = match node {
                Node::Int(i) => Node::Int(int(&i)),
                Node::Load { from, at, outside } => {
                    let at = at.into_iter().map(|p| match p {
                        Pos::At(i) => Pos::At(int(&i)),
                        data @ Pos::Data(_) => data,
                    });
                    Node::Load { from, at: at.collect(), outside }
                }
                Node::Cast(to, a) => Node::Cast(dtype(&to), a),
                other => other,
            };
            exprs.intern(node, dtype(&t))
        });
    }
    k
}

/// Combinations of the sizes a kernel asks to be specialised for, most specific first.
#[must_use]
pub fn variants(kernel: &Kernel) -> Vec<Vec<(DimId, i64)>> {
    let mut out: Vec<Vec<(DimId, i64)>> = vec![vec![]];
    for (dim, values) in &kernel.specialise {
        let with = |v: &Vec<(DimId, i64)>, n: i64| v.iter().copied().chain([(*dim, n)]).collect();
        out = out.iter().flat_map(|v| values.iter().map(move |n| with(v, *n))).collect();
    }
    out.retain(|v| !v.is_empty());
    out
}
