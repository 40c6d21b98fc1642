//! Values that the language fixes exactly.

use std::time::Instant;

use vibee_spec::interp::{Approx, EvalError, Options, Tensor, eval};
use vibee_spec::term::{DType, FoldOp, Kernel, Op, Pos, Source};

use crate::build::{Build, d, i, n};
use crate::kernels;

fn values(k: &Kernel, inputs: &[Tensor]) -> Vec<Approx> {
    eval(k, &[], inputs, &Options::default()).unwrap().remove(0).values
}

fn floats(dims: &[usize], v: &[f64]) -> Tensor {
    Tensor::float(DType::F32, dims, v)
}

#[test]
fn softmax_of_two() {
    for k in [kernels::softmax(), kernels::inline_softmax()] {
        let y = values(&k, &[floats(&[1, 2], &[0.0, 1.0])]);
        let want = 1.0 / (1.0 + 1f64.exp());
        assert!((y[0].value - want).abs() < 1e-15 && y[0].bound < 1e-6 && y[0].sure);
    }
}

#[test]
fn zero_sizes_are_legal() {
    assert!(values(&kernels::softmax(), &[floats(&[0, 3], &[])]).is_empty());
    let y = eval(
        &kernels::matmul(DType::F32),
        &[],
        &[floats(&[2, 0], &[]), floats(&[1, 0], &[])],
        &Options::default(),
    );
    assert!(y.unwrap()[0].values.iter().all(|a| *a == Approx { value: 0.0, bound: 0.0, sure: true }));
}

#[test]
fn small_integers_multiply_exactly() {
    let x = floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let y = values(&kernels::matmul(DType::F32), &[x, floats(&[1, 2], &[5.0, -6.0])]);
    assert_eq!(y.iter().map(|a| (a.value, a.bound)).collect::<Vec<_>>(), [(-7.0, 0.0), (-9.0, 0.0)]);
}

/// `y[t] = if x[t] > 0 then 1/x[t] else x[t-1]`, guarded where `t` is 0: only the needed side counts.
#[test]
fn branches_and_guards_are_lazy() {
    let mut b = Build::new("lazy");
    let t = b.axis_dim("T", 0, 0);
    let x = b.input("x", DType::F32, &[d(t)]);
    let it = b.index("t", d(t));
    let (e, before) = (b.load(x, &[i(it)]), b.load(x, &[i(it).sub(&n(1))]));
    let (ti, one) = (b.int(i(it)), b.int(n(1)));
    let c = b.op(Op::Ge, &[ti, one]);
    let y = b.op(Op::Select, &[c, before, e]);
    let y = b.def("y", &[it], DType::F32, y);
    let k = b.output(y);
    let got = values(&k, &[floats(&[3], &[1.0, 2.0, 3.0])]);
    assert_eq!(got.iter().map(|a| a.value).collect::<Vec<_>>(), [1.0, 1.0, 2.0]);
}

#[test]
fn an_unguarded_access_outside_is_an_error() {
    let mut b = Build::new("outside");
    let t = b.axis_dim("T", 0, 0);
    let x = b.input("x", DType::F32, &[d(t)]);
    let it = b.index("t", d(t));
    let e = b.load(x, &[i(it).add(&n(1))]);
    let y = b.def("y", &[it], DType::F32, e);
    let k = b.output(y);
    let got = eval(&k, &[], &[floats(&[2], &[1.0, 2.0])], &Options::default());
    assert!(matches!(got, Err(EvalError::OutOfRange(_))), "{got:?}");
}

/// A branch decided inside the bound covers both sides; an index picked inside it is not promised.
#[test]
fn doubt_spreads_only_where_it_must() {
    let mut b = Build::new("doubt");
    let t = b.axis_dim("T", 0, 0);
    let x = b.input("x", DType::F32, &[d(t)]);
    let it = b.index("t", d(t));
    let is = b.index("s", d(t));
    let e = b.load(x, &[i(is)]);
    let s = b.fold(FoldOp::Sum, &[is], None, e);
    let zero = b.f(0.0);
    let c = b.op(Op::Gt, &[s, zero]);
    let (p, q) = (b.f(1.0), b.f(1.5));
    let y = b.op(Op::Select, &[c, p, q]);
    let whole = b.op(Op::Floor, &[s]);
    let z = b.op(Op::Add, &[y, whole]);
    let at = b.cast(DType::Idx(d(t)), z);
    let picked = b.load_pos(Source::Input(x), vec![Pos::Data(at)], None);
    let out = b.def("y", &[it], DType::F32, y);
    let at = b.def("at", &[it], DType::Idx(d(t)), at);
    let picked = b.def("picked", &[it], DType::F32, picked);
    let mut k = b.output(out);
    for (name, def) in [("at", at), ("picked", picked)] {
        k.outputs.push(vibee_spec::term::Output { name: name.into(), def });
    }
    // 0.1 + 0.2 - 0.3 in f32, rounded inputs: about 1e-8, far inside the bound.
    let x = floats(&[3], &[0.1, 0.2, -0.3]);
    let out = eval(&k, &[], &[x], &Options::default()).unwrap();
    let y = out[0].values[0];
    assert!(y.sure && y.bound >= 0.5 && y.bound < 0.51, "{y:?}");
    assert!(!out[1].values[0].sure && !out[2].values[0].sure);
    // Clear of the decision, all is sure.
    let out = eval(&k, &[], &[floats(&[3], &[0.1, 0.2, 0.3])], &Options::default()).unwrap();
    assert!(out.iter().all(|o| o.values.iter().all(|a| a.sure)));
    assert_eq!(out[0].values[0].bound, 0.0);
    assert_eq!(out[1].values[0].value, 1.0);
}

#[test]
fn limits_end_hostile_calls() {
    let k = kernels::matmul(DType::F32);
    let huge = [1usize << 30, 0];
    let inputs = [floats(&huge, &[]), floats(&huge, &[])];
    let got = eval(&k, &[], &inputs, &Options::default());
    assert!(matches!(got, Err(EvalError::Limit(_))), "{got:?}");
    let x = floats(&[64, 64], &[1.0; 4096]);
    let few = Options { steps: 1000, ..Options::default() };
    assert!(matches!(eval(&k, &[], &[x.clone(), x], &few), Err(EvalError::Limit(_))));
}

#[test]
fn a_cubic_contraction_is_quick() {
    let x: Vec<f64> = (0..4096).map(|v| f64::from(v % 13) - 6.1).collect();
    let x = floats(&[64, 64], &x);
    let start = Instant::now();
    values(&kernels::matmul(DType::F32), &[x.clone(), x.clone()]);
    let first = start.elapsed();
    let start = Instant::now();
    values(&kernels::inline_softmax(), &[x]);
    println!("64^3 contraction in {first:?}, 64x64 softmax in {:?}", start.elapsed());
    assert!(first.as_secs_f64() < 1.0);
}
