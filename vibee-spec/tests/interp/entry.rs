//! Calls fail exactly where the language says so.

use vibee_spec::interp::{EvalError, Options, Tensor, Violation, dim_arguments, eval, solve_dims};
use vibee_spec::term::{Atom, Check, Cmp, DType, Int, Kernel};

use crate::build::{Build, d, i, n};
use crate::kernels;

fn floats(dims: &[usize]) -> Tensor {
    Tensor::float(DType::F32, dims, &vec![1.0; dims.iter().product()])
}

fn violation(k: &Kernel, dims: &[i64], inputs: &[Tensor]) -> Violation {
    match eval(k, dims, inputs, &Options::default()) {
        Err(EvalError::Check(v)) => v,
        other => panic!("{other:?}"),
    }
}

#[test]
fn axes_and_constraints() {
    let k = kernels::matmul(DType::F32);
    let v = violation(&k, &[], &[floats(&[2, 3]), floats(&[2, 4])]);
    assert_eq!(v, Violation::Axis { input: "w".into(), axis: 1, expected: 3, found: 4 });
    let k = kernels::router();
    let v = violation(&k, &[], &[floats(&[2, 3]), floats(&[0, 3])]);
    assert_eq!(v, Violation::Where { text: "0 < E".into(), lhs: 0, rhs: 0 });
}

#[test]
fn affine_axes_solve_exactly_or_not_at_all() {
    let k = kernels::rope();
    assert_eq!(solve_dims(&k, &[], &[vec![5, 6]]), Ok(vec![5, 3]));
    let v = violation(&k, &[], &[floats(&[5, 7])]);
    assert_eq!(v, Violation::Inexact { dim: "C".into(), input: "x".into(), axis: 1, found: 7 });
}

#[test]
fn gathers_are_checked_once() {
    let k = kernels::gather();
    let emb = Tensor::float(DType::F16, &[3, 2], &[1.0; 6]);
    let tok = |v: &[i64]| Tensor::int(DType::Idx(n(0)), &[v.len()], v);
    assert!(eval(&k, &[], &[tok(&[0, 2]), emb.clone()], &Options::default()).is_ok());
    for bad in [3, -1, i64::MAX] {
        let v = violation(&k, &[], &[tok(&[0, bad]), emb.clone()]);
        assert_eq!(v, Violation::Index { input: "tok".into(), place: 1, value: bad, bound: 3 });
    }
}

/// `y[t] = cache[pos + t]`, `pos: len<S>`, `K: dim` rows.
fn cached() -> Kernel {
    let mut b = Build::new("cached");
    let k = b.arg_dim("K");
    let s = b.axis_dim("S", 0, 0);
    let cache = b.input("cache", DType::F32, &[d(s)]);
    let pos = b.input("pos", DType::Len(d(s)), &[]);
    let it = b.index("t", d(k));
    let start = Int::atom(Atom::Scalar(pos));
    b.check(Check::InRange {
        text: "cache[pos + t]".into(),
        domain: vec![d(k)],
        low: start.clone(),
        high: start.add(&d(k)).sub(&n(1)),
        extent: d(s),
    });
    let e = b.load(cache, &[start.add(&i(it))]);
    let y = b.def("y", &[it], DType::F32, e);
    b.output(y)
}

#[test]
fn scalars_take_part_in_obligations() {
    let k = cached();
    assert_eq!(dim_arguments(&k).len(), 1);
    let pos = |v| Tensor::int(DType::Len(n(0)), &[], &[v]);
    let call = |rows, at| eval(&k, &[rows], &[floats(&[4]), pos(at)], &Options::default());
    assert_eq!(call(2, 2).unwrap()[0].dims, [2]);
    assert_eq!(call(0, 4).unwrap()[0].dims, [0]);
    let v = violation(&k, &[2], &[floats(&[4]), pos(3)]);
    assert_eq!(v, Violation::InRange { text: "cache[pos + t]".into(), low: 3, high: 4, extent: 4 });
    let v = violation(&k, &[2], &[floats(&[4]), pos(5)]);
    assert_eq!(v, Violation::Index { input: "pos".into(), place: 0, value: 5, bound: 5 });
}

#[test]
fn callers_mistakes_are_told_apart() {
    let k = cached();
    let pos = Tensor::int(DType::Len(n(0)), &[], &[0]);
    for (dims, inputs) in [
        (vec![], vec![floats(&[4]), pos.clone()]),
        (vec![1], vec![floats(&[4])]),
        (vec![1], vec![floats(&[2, 2]), pos.clone()]),
        (vec![1], vec![Tensor::float(DType::F64, &[4], &[0.0; 4]), pos.clone()]),
    ] {
        let got = eval(&k, &dims, &inputs, &Options::default());
        assert!(matches!(got, Err(EvalError::Arguments(_))), "{got:?}");
    }
    let mut x = floats(&[4]);
    x.data = vibee_spec::interp::TensorData::Float(vec![0.1; 4]); // not an f32
    assert!(matches!(eval(&k, &[1], &[x, pos], &Options::default()), Err(EvalError::Arguments(_))));
    let negative =
        eval(&k, &[-1], &[floats(&[4]), Tensor::int(DType::Len(n(0)), &[], &[0])], &Options::default());
    assert!(matches!(negative, Err(EvalError::Check(Violation::Size(_)))), "{negative:?}");
}

#[test]
fn divisors_that_vanish() {
    let mut b = Build::new("groups");
    let (h, g) = (b.axis_dim("H", 0, 0), b.arg_dim("G"));
    let x = b.input("x", DType::F32, &[d(h)]);
    let rest = d(h).floor_mod(&d(g));
    b.check(Check::Where { text: "H % G == 0".into(), lhs: rest, cmp: Cmp::Eq, rhs: n(0) });
    let it = b.index("h", d(h));
    let e = b.load(x, &[i(it)]);
    let y = b.def("y", &[it], DType::F32, e);
    let k = b.output(y);
    assert!(eval(&k, &[2], &[floats(&[4])], &Options::default()).is_ok());
    assert!(matches!(violation(&k, &[3], &[floats(&[4])]), Violation::Where { lhs: 1, rhs: 0, .. }));
    assert!(matches!(violation(&k, &[0], &[floats(&[4])]), Violation::Size(_)));
}
