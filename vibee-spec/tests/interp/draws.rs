//! Drawn calls pass, repeat and reach the corners.

use std::collections::BTreeSet;

use vibee_spec::interp::{EvalError, Options, SizeProfile, TensorData, draw, eval};
use vibee_spec::term::{Check, Cmp, DType, Kernel};

use crate::build::{Build, d, i};
use crate::kernels;

#[test]
fn draws_are_deterministic_and_pass() {
    for k in kernels::all() {
        for seed in 0..40 {
            let call = draw(&k, seed, SizeProfile::SMALL).unwrap();
            assert_eq!(format!("{call:?}"), format!("{:?}", draw(&k, seed, SizeProfile::SMALL).unwrap()));
            eval(&k, &call.dims, &call.inputs, &Options::default()).unwrap();
        }
    }
}

#[test]
fn sizes_reach_zero_one_and_more() {
    let k = kernels::softmax();
    let seen: BTreeSet<usize> =
        (0..300).flat_map(|s| draw(&k, s, SizeProfile::SMALL).unwrap().inputs[0].dims.clone()).collect();
    assert!([0, 1, 2, 7, 16].iter().all(|v| seen.contains(v)), "{seen:?}");
}

#[test]
fn specials_come_only_when_asked() {
    let k = kernels::softmax();
    let has_nan = |profile| {
        (0..60).any(|s| match &draw(&k, s, profile).unwrap().inputs[0].data {
            TensorData::Float(v) => v.iter().any(|v| !v.is_finite()),
            _ => false,
        })
    };
    assert!(!has_nan(SizeProfile::SMALL) && has_nan(SizeProfile::SMALL.with_specials()));
}

/// `x: f32[D], H: dim, G: dim, C: dim where D == H*C, H % G == 0, G < H`
fn constrained() -> Kernel {
    let mut b = Build::new("constrained");
    let (h, g, c) = (b.arg_dim("H"), b.arg_dim("G"), b.arg_dim("C"));
    let size = b.axis_dim("D", 0, 0);
    let x = b.input("x", DType::F32, &[d(size)]);
    b.check(Check::Where { text: "D == H*C".into(), lhs: d(size), cmp: Cmp::Eq, rhs: d(h).mul(&d(c)) });
    b.check(Check::Where {
        text: "H % G == 0".into(),
        lhs: d(h).floor_mod(&d(g)),
        cmp: Cmp::Eq,
        rhs: vibee_spec::term::Int::default(),
    });
    b.check(Check::Where { text: "G < H".into(), lhs: d(g), cmp: Cmp::Lt, rhs: d(h) });
    let it = b.index("t", d(size));
    let e = b.load(x, &[i(it)]);
    let y = b.def("y", &[it], DType::F32, e);
    b.output(y)
}

#[test]
fn constraints_are_met() {
    let k = constrained();
    let mut different = BTreeSet::new();
    for profile in [SizeProfile::SMALL, SizeProfile::MEDIUM, SizeProfile::LARGE] {
        for seed in 0..60 {
            different.insert(draw(&k, seed, profile).unwrap().dims);
        }
    }
    assert!(different.len() > 40, "{different:?}");
}

#[test]
fn impossible_conditions_end_in_an_error() {
    let mut b = Build::new("impossible");
    let size = b.axis_dim("D", 0, 0);
    let x = b.input("x", DType::F32, &[d(size)]);
    b.check(Check::Where { text: "D < D".into(), lhs: d(size), cmp: Cmp::Lt, rhs: d(size) });
    let it = b.index("t", d(size));
    let e = b.load(x, &[i(it)]);
    let y = b.def("y", &[it], DType::F32, e);
    let k = b.output(y);
    assert!(matches!(draw(&k, 1, SizeProfile::SMALL), Err(EvalError::Limit(_))));
}
