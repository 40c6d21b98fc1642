//! Generated kernels against loops written by hand in AVX-512 intrinsics, one thread, in turns.
//!
//! ```text
//! cd bench/intrinsics && cargo run --release
//! ```
//! Results are compared first. Each kernel takes part twice (A/A); memory's rate is what only reading as many bytes
//! reaches. Cosines and sines of the rotation are made beforehand for the loop by hand, and by the kernel in its call.

mod hand;

use std::time::Instant;

use generated::nn::{glu, rmsnorm, rope, softmax};
use igla_runtime::{Ctx, Level, MatMut, Tensor, View, ViewMut, ceiling};

const ROUNDS: usize = 21;
/// Seconds of a turn.
const TURN: f64 = 0.02;

fn turn(work: &mut dyn FnMut()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0u32);
    while calls == 0 || start.elapsed().as_secs_f64() < TURN {
        work();
        calls += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

/// Times both and prints a row; `bytes` are read and written.
fn compare(name: &str, bytes: f64, ours: &mut dyn FnMut(), theirs: &mut dyn FnMut()) {
    ours();
    theirs();
    let mut reader = Ctx::with(Level::best(), 1);
    let memory = vec![1u8; (bytes as usize).max(64)];
    let mut seconds = [const { Vec::new() }; 3];
    let mut reading = 0.0f64;
    for _ in 0..ROUNDS {
        seconds[0].push(turn(ours));
        seconds[1].push(turn(theirs));
        seconds[2].push(turn(ours));
        reading = reading.max(ceiling::reading(&mut reader, &memory));
    }
    let over = |n: usize| median(seconds[n].iter().zip(&seconds[0]).map(|(a, b)| a / b).collect());
    let took = median(seconds[0].clone());
    println!(
        "{name:32} {:9.2} µs │ × by hand {:.3} │ A/A {:.3} │ {:5.1} GB/s, {:3.0} % of reading",
        took * 1e6,
        over(1),
        over(2),
        bytes / took / 1e9,
        100.0 * bytes / took / reading
    );
}

#[track_caller]
fn near(a: &[f32], b: &[f32]) {
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-4 * (1.0 + b.abs()), "{a} is not {b}");
    }
}

fn fill(count: usize, step: usize) -> Vec<f32> {
    (0..count).map(|i| (i * step % 1009) as f32 / 252.0 - 2.0).collect()
}

fn rows(t: usize, d: usize, ctx: &mut Ctx) {
    let (x, w) = (fill(t * d, 37), fill(d, 11));
    let (mut a, mut b) = (vec![0.0; t * d], vec![0.0; t * d]);
    let bytes = (2 * t * d * 4) as f64;
    let view = |x| View::new(x, [t, d]).expect("it fits");
    softmax::softmax_rows(ctx, view(&x), ViewMut::new(&mut a, [t, d]).expect("it fits")).expect("shapes fit");
    // SAFETY: main looked for the instructions.
    unsafe { hand::softmax(&x, &mut b, d) };
    near(&a, &b);
    compare(
        &format!("softmax {t} × {d}"),
        bytes,
        &mut || {
            let y = ViewMut::new(&mut a, [t, d]).expect("it fits");
            softmax::softmax_rows(ctx, view(&x), y).expect("shapes fit");
        },
        // SAFETY: as above.
        &mut || unsafe { hand::softmax(&x, &mut b, d) },
    );
    let wide = View::new(&w[..], [d]).expect("it fits");
    rmsnorm::rmsnorm(ctx, view(&x), wide, 1e-5, ViewMut::new(&mut a, [t, d]).expect("it fits"))
        .expect("shapes fit");
    // SAFETY: as above.
    unsafe { hand::rmsnorm(&x, &w, 1e-5, &mut b, d) };
    near(&a, &b);
    compare(
        &format!("rmsnorm {t} × {d}"),
        bytes,
        &mut || {
            let y = ViewMut::new(&mut a, [t, d]).expect("it fits");
            rmsnorm::rmsnorm(ctx, view(&x), wide, 1e-5, y).expect("shapes fit");
        },
        // SAFETY: as above.
        &mut || unsafe { hand::rmsnorm(&x, &w, 1e-5, &mut b, d) },
    );
}

fn turned(t: usize, heads: usize, half: usize, ctx: &mut Ctx) {
    let d = heads * 2 * half;
    let x = fill(t * d, 37);
    let (mut a, mut b) = (vec![0.0; t * d], vec![0.0; t * d]);
    let angle = |i: usize| (i / half) as f64 * 10000f64.powf(-((i % half) as f64) / half as f64);
    let cos: Vec<f32> = (0..t * half).map(|i| angle(i).cos() as f32).collect();
    let sin: Vec<f32> = (0..t * half).map(|i| angle(i).sin() as f32).collect();
    let view = View::new(&x[..], [t, d]).expect("it fits");
    let y = ViewMut::new(&mut a, [t, d]).expect("it fits");
    rope::rope_halves(ctx, view, heads, 0, 10000.0, y).expect("shapes fit");
    // SAFETY: main looked for the instructions.
    unsafe { hand::rope_halves(&x, &mut b, heads, half, &cos, &sin) };
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() <= 1e-3, "{a} is not {b}");
    }
    compare(
        &format!("rope {t} × {heads} heads of {}", 2 * half),
        (2 * t * d * 4) as f64,
        &mut || {
            let y = ViewMut::new(&mut a, [t, d]).expect("it fits");
            rope::rope_halves(ctx, view, heads, 0, 10000.0, y).expect("shapes fit");
        },
        // SAFETY: as above.
        &mut || unsafe { hand::rope_halves(&x, &mut b, heads, half, &cos, &sin) },
    );
}

fn gated(t: usize, d: usize, f: usize, ctx: &mut Ctx) {
    let x = Tensor::from_slice(&fill(t * d, 37), [t, d]).expect("it fits");
    let small = |step| fill(f * d, step).iter().map(|v| v / 32.0).collect::<Vec<f32>>();
    let (gate, up) = (
        Tensor::from_slice(&small(53), [f, d]).expect("it fits"),
        Tensor::from_slice(&small(71), [f, d]).expect("it fits"),
    );
    let mut a = Tensor::<f32, 2>::zeros([t, f]).expect("it fits");
    let (mut g, mut u) = (vec![0.0; t * f], vec![0.0; t * f]);
    let mut other = Ctx::with(Level::best(), 1);
    let mut by_hand = |g: &mut Vec<f32>, u: &mut Vec<f32>| {
        for (w, out) in [(&gate, &mut *g), (&up, &mut *u)] {
            let (x, w) = (x.view().mat([0], [1]), w.view().mat([0], [1]));
            let out = MatMut::strided(out, &[(t, f)], f).expect("it fits");
            other.frame(0).1.gemm(x, w, out, &());
        }
        // SAFETY: main looked for the instructions.
        unsafe { hand::silu_times(g, u) };
    };
    glu::swiglu(ctx, x.view(), gate.view(), up.view(), a.view_mut()).expect("shapes fit");
    by_hand(&mut g, &mut u);
    near(a.as_slice(), &u);
    compare(
        &format!("swiglu {t} × {d} × {f}"),
        ((t * d + 2 * f * d + t * f) * 4) as f64,
        &mut || glu::swiglu(ctx, x.view(), gate.view(), up.view(), a.view_mut()).expect("shapes fit"),
        &mut || by_hand(&mut g, &mut u),
    );
}

fn main() {
    assert!(is_x86_feature_detected!("avx512f"), "this needs AVX-512");
    let mut ctx = Ctx::with(Level::best(), 1);
    for (t, d) in [(32, 128), (128, 384), (64, 4096), (8192, 4096)] {
        rows(t, d, &mut ctx);
    }
    for (t, heads, half) in [(1, 32, 64), (128, 32, 64), (4096, 32, 64)] {
        turned(t, heads, half, &mut ctx);
    }
    for (t, d, f) in [(1, 1024, 2816), (16, 1024, 2816), (256, 1024, 2816)] {
        gated(t, d, f, &mut ctx);
    }
}
