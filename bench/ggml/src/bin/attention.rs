//! Attention generated from `specs/nn/attention.vibee` against ggml's flash attention, in turns.
//!
//! ```text
//! RUSTFLAGS="-C target-cpu=native" cargo run --release --bin attention -- [THREADS]
//! ```
//! 32 query heads share 4 heads of keys and values, 64 numbers wide; causal. ggml is asked with keys and values in
//! `f16`, as llama.cpp keeps them, and in `f32`, as they are here. Results are compared first.

#[path = "../ggml.rs"]
#[allow(dead_code)]
mod ggml;

use std::time::Instant;

use generated::nn::attention::attention;
use ggml::{Attention, Cache};
use igla_runtime::{Ctx, Level, Tensor};

const HEADS: usize = 32;
const GROUPS: usize = 4;
const WIDTH: usize = 64;
const ROUNDS: usize = 9;
/// Seconds of a turn.
const TURN: f64 = 0.1;
/// Queries, and positions that they see: one token more, and whole texts.
const SHAPES: [[usize; 2]; 6] = [[1, 2048], [1, 8192], [1, 32768], [512, 512], [2048, 2048], [64, 2048]];

/// Seconds of a call.
fn turn(mut work: impl FnMut()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0);
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let threads = std::env::args().nth(1).map_or(Ok(1), |n| n.parse())?;
    println!("{}, ggml with {}; {threads} threads", Level::best(), ggml::features());
    for [t, s] in SHAPES {
        let fill = |count: usize, step: usize| -> Vec<f32> {
            (0..count).map(|i| (i * step % 1009) as f32 / 504.0 - 1.0).collect()
        };
        let q = Tensor::from_slice(&fill(t * HEADS * WIDTH, 37), [t, HEADS * WIDTH])?;
        let k = Tensor::from_slice(&fill(s * GROUPS * WIDTH, 53), [s, GROUPS * WIDTH])?;
        let v = Tensor::from_slice(&fill(s * GROUPS * WIDTH, 71), [s, GROUPS * WIDTH])?;
        let mut y = Tensor::<f32, 2>::zeros([t, HEADS * WIDTH])?;
        let mut ctx = Ctx::with(Level::best(), threads);
        let mut ours = || {
            attention(&mut ctx, q.view(), k.view(), v.view(), HEADS, GROUPS, s, 0, y.view_mut())
                .expect("shapes fit");
        };
        ours();
        let shape = [t, s, HEADS, GROUPS, WIDTH];
        let mut theirs = [Cache::Half, Cache::Single]
            .map(|cache| Attention::new(cache, shape, q.as_slice(), k.as_slice(), v.as_slice(), threads));
        let mut seconds = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            seconds[0].push(turn(&mut ours));
            for (n, product) in theirs.iter_mut().enumerate() {
                seconds[1 + n].push(turn(|| product.run()));
            }
            seconds[3].push(turn(&mut ours));
        }
        for (product, tolerance) in theirs.iter().zip([5e-3, 1e-3]) {
            for (a, b) in product.result().iter().zip(y.as_slice()) {
                assert!((a - b).abs() <= tolerance, "{t} of {s}: {a} is not {b}");
            }
        }
        let over = |n: usize| median(seconds[n].iter().zip(&seconds[0]).map(|(a, b)| a / b).collect());
        println!(
            "{t:4} queries, {s:5} positions: {:9.1} µs │ × ggml f16 {:5.2}, × ggml f32 {:5.2} │ A/A {:.3}",
            median(seconds[0].clone()) * 1e6,
            over(1),
            over(2),
            over(3)
        );
    }
    Ok(())
}
