//! Operands that a header allows to round: what rounding makes of them is within the bound, and outside of it without
//! the permission.

use vibee_spec::check::check;
use vibee_spec::diag::Diags;
use vibee_spec::interp::{Options, SizeProfile, Tensor, TensorData, draw, eval};
use vibee_spec::parse::parse;
use vibee_spec::span::Source;
use vibee_spec::term::Kernel;

use crate::bounds::run;

/// A product with weights that are kept as they are, in the form that a permission is about.
fn kernel(w: &str, allow: &str) -> Kernel {
    let text = format!(
        "name: t\nlanguage: rust\n\nformats:\n  kept:\n    block: 1\n    fields:\n      v: f32\n    decode[j]: v\n    \
         encode:\n      v = x[0]\n\nkernels:\n  project(x: f32[T, I], w: {w}[O, I]) -> (y: f32[T, O], z: f32[T, I]){allow}:\n    \
         y[t, o] = sum[i](x[t, i] * w[o, i])\n    z[t, i] = x[t, i] + x[t, i]\n"
    );
    let mut diags = Diags::default();
    let source = Source { path: String::new(), text };
    let file = parse(&source, &mut diags);
    let module = check(&file, &source, &|_, _| None, &mut diags);
    assert!(!diags.has_errors(), "{:?}", diags.list);
    module.kernels[0].clone()
}

/// Whole numbers from -127 to 127 times a scale for 32 neighbours, in `f32`.
fn to_i8(row: &[f64]) -> Vec<f64> {
    let chunk = |c: &[f64]| {
        let scale = c.iter().fold(0.0f32, |m, v| m.max((*v as f32).abs())) / 127.0;
        let one = |v: &f64| {
            if scale == 0.0 { 0.0 } else { f64::from(scale * (*v as f32 / scale).round_ties_even()) }
        };
        c.iter().map(one).collect::<Vec<f64>>()
    };
    row.chunks(32).flat_map(chunk).collect()
}

/// The upper half of an `f32`'s bits, to nearest, ties to even.
fn to_bf16(row: &[f64]) -> Vec<f64> {
    let one = |v: &f64| {
        let bits = (*v as f32).to_bits();
        f64::from(f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000))
    };
    row.iter().map(one).collect()
}

/// Numbers, or the bytes of `f32` as numbers.
fn floats(t: &Tensor) -> Vec<f64> {
    match &t.data {
        TensorData::Float(v) => v.clone(),
        TensorData::Int(bytes) => bytes
            .chunks(4)
            .map(|b| f64::from(f32::from_le_bytes(std::array::from_fn(|n| b[n] as u8))))
            .collect(),
        TensorData::Bool(_) => unreachable!(),
    }
}

#[test]
fn rounding_stays_within_what_is_allowed() {
    type Round = fn(&[f64]) -> Vec<f64>;
    for (w, allow, round) in [("kept", " allow x: i8", to_i8 as Round), ("bf16", " allow x: bf16", to_bf16)] {
        let (rounded, exact) = (kernel(w, allow), kernel(w, ""));
        let profile = SizeProfile { dims: &[1, 3, 32, 33, 70, 96], zeros: false, ..SizeProfile::SMALL };
        let (mut needed, mut worst) = (0, 0.0f64);
        for seed in 0..60 {
            let call = draw(&rounded, seed, profile).expect("a call");
            let with = eval(&rounded, &call.dims, &call.inputs, &Options::default()).expect("values");
            let without = eval(&exact, &call.dims, &call.inputs, &Options::default()).expect("values");
            let (width, columns) = (call.inputs[0].dims[1], call.inputs[1].dims[0]);
            let (x, w) = (floats(&call.inputs[0]), floats(&call.inputs[1]));
            for (t, row) in x.chunks(width).enumerate() {
                let row = round(row);
                for o in 0..columns {
                    let terms = row.iter().zip(&w[o * width..]).map(|(a, b)| a * b);
                    let sum: f64 = terms.sum();
                    let (may, must) = (&with[0].values[t * columns + o], &without[0].values[t * columns + o]);
                    let distance = (sum - may.value).abs();
                    assert!(distance <= may.bound, "{allow}: {sum} is not {may:?} (seed {seed})");
                    worst = worst.max(distance / may.bound.max(f64::MIN_POSITIVE));
                    needed += usize::from(distance > must.bound);
                }
            }
            // Other readers see the tensor as it is.
            let other =
                |of: &[vibee_spec::interp::Output]| of[1].values.iter().map(|a| a.bound).collect::<Vec<_>>();
            assert_eq!(other(&with), other(&without));
        }
        assert!(needed > 500 && worst > 0.5, "{allow}: needed {needed} times, at most {worst} of the bound");
        // Any evaluation within the distances, where the naive one knows how the other factor is kept.
        if w == "bf16" {
            let tally = run(&rounded, 60, profile, 0.0);
            assert!(tally.ratios.last().is_some_and(|worst| *worst > 0.5));
        }
    }
}

/// Instructions for `bf16` take what is below 2^-126 for 0: factors, products and sums.
#[test]
fn small_numbers_may_vanish() {
    let kernel = kernel("bf16", " allow x: bf16");
    let profile = SizeProfile { dims: &[4], zeros: false, ..SizeProfile::SMALL };
    let vanish = |v: f64| if v.abs() < f64::from(f32::MIN_POSITIVE) { 0.0 } else { v };
    let mut call = draw(&kernel, 0, profile).expect("a call");
    let numbers = [1e30, -1.0, 1e-10, 1e-30, 1e-39, 3e-45, 0.0];
    for large in numbers {
        for small in numbers {
            let set = |t: &mut Tensor, v: f64| {
                if let TensorData::Float(all) = &mut t.data {
                    all.fill(v);
                }
            };
            let kept = to_bf16(&[small])[0];
            set(&mut call.inputs[0], f64::from(large as f32));
            set(&mut call.inputs[1], kept);
            let found = eval(&kernel, &call.dims, &call.inputs, &Options::default()).expect("values");
            let term = vanish(vanish(to_bf16(&[large])[0]) * vanish(kept));
            let sum = (0..4).fold(0.0, |sum, _| vanish(sum + term));
            let may = &found[0].values[0];
            assert!((sum - may.value).abs() <= may.bound, "{large} * {small}: {sum} is not {may:?}");
        }
    }
}
