//! Generated kernels against Rust loops that rustc vectorises by itself, one thread, interleaved.
//!
//! Two rivals a kernel: `plain`, the loop as everybody writes it, and `chunked`, the same with sums kept
//! in sixteen accumulators so that the compiler is allowed to vectorise them. Results are compared before
//! anything is timed. Built for the native CPU by this folder's cargo configuration.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use generated::nn::{activations, attention, layer_norm, rmsnorm, softmax};
use igla_runtime::{Ctx, Level, Tensor};

const ROUNDS: usize = 41;
const LANES: usize = 16;

/// Rows and columns: what fits the first cache, MiniLM's hidden size, and a wide model's.
const SHAPES: [(usize, usize); 3] = [(32, 128), (128, 384), (64, 4096)];

type Run<'a> = Box<dyn FnMut() -> Vec<f32> + 'a>;

fn main() -> Result<()> {
    let mut ratios = Vec::new();
    println!("{:<34}{:>12}{:>10}{:>10}", "kernel", "µs", "plain", "chunked");
    for (rows, cols) in SHAPES {
        let x = values(rows * cols, 1);
        let (w, b) = (values(cols, 2), values(cols, 3));
        let x_t = Tensor::from_slice(&x, [rows, cols])?;
        let (w_t, b_t) = (Tensor::from_slice(&w, [cols])?, Tensor::from_slice(&b, [cols])?);
        let mut ctx = Ctx::with(Level::best(), 1);
        let mut y = Tensor::<f32, 2>::zeros([rows, cols])?;

        let mut ours = || {
            rmsnorm::rmsnorm(&mut ctx, x_t.view(), w_t.view(), 1e-6, y.view_mut()).expect("shapes fit");
            vec![]
        };
        let rivals: [Run<'_>; 2] = [
            Box::new(|| plain::rmsnorm(&x, &w, cols, plain::sum_of_squares)),
            Box::new(|| plain::rmsnorm(&x, &w, cols, chunked::sum_of_squares)),
        ];
        ratios.push(race(&format!("rmsnorm {rows}x{cols}"), &mut ours, rivals)?);
        check(y.as_slice(), &plain::rmsnorm(&x, &w, cols, plain::sum_of_squares), 1e-4)?;

        let mut ours = || {
            layer_norm::layer_norm(&mut ctx, x_t.view(), w_t.view(), b_t.view(), 1e-6, y.view_mut())
                .expect("shapes fit");
            vec![]
        };
        let rivals: [Run<'_>; 2] = [
            Box::new(|| plain::layer_norm(&x, &w, &b, cols, plain::sum, plain::sum_of_squares)),
            Box::new(|| plain::layer_norm(&x, &w, &b, cols, chunked::sum, chunked::sum_of_squares)),
        ];
        ratios.push(race(&format!("layer norm {rows}x{cols}"), &mut ours, rivals)?);
        check(y.as_slice(), &plain::layer_norm(&x, &w, &b, cols, plain::sum, plain::sum_of_squares), 1e-3)?;

        let mut ours = || {
            softmax::softmax_rows(&mut ctx, x_t.view(), y.view_mut()).expect("shapes fit");
            vec![]
        };
        let rivals: [Run<'_>; 2] = [
            Box::new(|| plain::softmax(&x, cols, plain::max, plain::sum)),
            Box::new(|| plain::softmax(&x, cols, chunked::max, chunked::sum)),
        ];
        ratios.push(race(&format!("softmax {rows}x{cols}"), &mut ours, rivals)?);
        check(y.as_slice(), &plain::softmax(&x, cols, plain::max, plain::sum), 1e-5)?;

        let mut ours = || {
            activations::gelu_tanh_rows(&mut ctx, x_t.view(), y.view_mut()).expect("shapes fit");
            vec![]
        };
        // The loop has no sum to chunk: both rivals are the same.
        let rivals: [Run<'_>; 2] = [Box::new(|| plain::gelu(&x)), Box::new(|| plain::gelu(&x))];
        ratios.push(race(&format!("gelu (tanh) {rows}x{cols}"), &mut ours, rivals)?);
        check(y.as_slice(), &plain::gelu(&x), 1e-5)?;
    }
    for t in [16, 64, 256] {
        let (heads, c) = (12, 32);
        let (q, k, v) = (values(t * heads * c, 4), values(t * heads * c, 5), values(t * heads * c, 6));
        let tensor = |x: &[f32]| Tensor::from_slice(x, [1, t, heads * c]);
        let (q_t, k_t, v_t) = (tensor(&q)?, tensor(&k)?, tensor(&v)?);
        let mask = Tensor::from_slice(&vec![1.0f32; t], [1, t])?;
        let mut ctx = Ctx::with(Level::best(), 1);
        let mut y = Tensor::<f32, 3>::zeros([1, t, heads * c])?;
        let mut ours = || {
            let (q, k, v) = (q_t.view(), k_t.view(), v_t.view());
            attention::masked_attention(&mut ctx, q, k, v, mask.view(), heads, y.view_mut()).expect("shapes fit");
            vec![]
        };
        let rivals: [Run<'_>; 2] = [
            Box::new(|| plain::attention(&q, &k, &v, t, heads, c, plain::dot)),
            Box::new(|| plain::attention(&q, &k, &v, t, heads, c, chunked::dot)),
        ];
        ratios.push(race(&format!("attention {heads} heads, {t} tokens"), &mut ours, rivals)?);
        check(y.as_slice(), &plain::attention(&q, &k, &v, t, heads, c, plain::dot), 1e-4)?;
    }
    let mean = |n: usize| (ratios.iter().map(|r| r[n].ln()).sum::<f64>() / ratios.len() as f64).exp();
    println!("{:<46}{:>10.2}{:>10.2}", "geometric mean", mean(0), mean(1));
    Ok(())
}

/// Times ours and both rivals in turn; returns how many times faster ours is than each.
fn race(name: &str, ours: &mut dyn FnMut() -> Vec<f32>, mut rivals: [Run<'_>; 2]) -> Result<[f64; 2]> {
    let mut seconds = [const { Vec::new() }; 3];
    // Enough calls a turn that the clock's resolution does not matter.
    let repeat = {
        let start = Instant::now();
        black_box(ours());
        (2e-4 / start.elapsed().as_secs_f64().max(1e-7)).ceil().clamp(1.0, 2000.0) as usize
    };
    for round in 0..ROUNDS {
        for turn in 0..3 {
            let engine = (turn + round) % 3;
            let start = Instant::now();
            for _ in 0..repeat {
                match engine {
                    0 => drop(black_box(ours())),
                    n => drop(black_box(rivals[n - 1]())),
                }
            }
            seconds[engine].push(start.elapsed().as_secs_f64() / repeat as f64);
        }
    }
    let [a, b, c] = seconds.map(|mut s| {
        s.sort_by(f64::total_cmp);
        s[s.len() / 2]
    });
    println!("{name:<34}{:>12.1}{:>10.2}{:>10.2}", a * 1e6, b / a, c / a);
    Ok([b / a, c / a])
}

fn check(ours: &[f32], theirs: &[f32], tol: f32) -> Result<()> {
    ensure!(ours.len() == theirs.len(), "lengths differ");
    for (a, b) in ours.iter().zip(theirs) {
        ensure!((a - b).abs() <= tol * b.abs().max(1.0), "{a} is not {b}");
    }
    Ok(())
}

/// Deterministic values in -2..2.
fn values(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 4_194_304.0 - 2.0
    };
    (0..n).map(|_| next()).collect()
}

/// The loops as everybody writes them.
mod plain {
    pub fn sum(x: &[f32]) -> f32 {
        x.iter().sum()
    }

    pub fn sum_of_squares(x: &[f32]) -> f32 {
        x.iter().map(|v| v * v).sum()
    }

    pub fn max(x: &[f32]) -> f32 {
        x.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    pub fn rmsnorm(x: &[f32], w: &[f32], cols: usize, squares: fn(&[f32]) -> f32) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact_mut(cols)) {
            let scale = 1.0 / (squares(x) / cols as f32 + 1e-6).sqrt();
            for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
                *y = x * scale * w;
            }
        }
        y
    }

    pub fn layer_norm(
        x: &[f32],
        w: &[f32],
        b: &[f32],
        cols: usize,
        sum: fn(&[f32]) -> f32,
        squares: fn(&[f32]) -> f32,
    ) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact_mut(cols)) {
            let mean = sum(x) / cols as f32;
            for (y, x) in y.iter_mut().zip(x) {
                *y = x - mean;
            }
            let scale = 1.0 / (squares(y) / cols as f32 + 1e-6).sqrt();
            for ((y, w), b) in y.iter_mut().zip(w).zip(b) {
                *y = *y * scale * w + b;
            }
        }
        y
    }

    pub fn softmax(x: &[f32], cols: usize, max: fn(&[f32]) -> f32, sum: fn(&[f32]) -> f32) -> Vec<f32> {
        let mut y = vec![0.0; x.len()];
        for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact_mut(cols)) {
            let most = max(x);
            for (y, x) in y.iter_mut().zip(x) {
                *y = (x - most).exp();
            }
            let scale = 1.0 / sum(y);
            for y in y {
                *y *= scale;
            }
        }
        y
    }

    pub fn gelu(x: &[f32]) -> Vec<f32> {
        x.iter().map(|&e| 0.5 * e * (1.0 + (0.797_884_6 * (e + 0.044_715 * e * e * e)).tanh())).collect()
    }

    pub fn attention(
        q: &[f32],
        k: &[f32],
        v: &[f32],
        t: usize,
        heads: usize,
        c: usize,
        dot: fn(&[f32], &[f32]) -> f32,
    ) -> Vec<f32> {
        let mut y = vec![0.0; q.len()];
        let mut p = vec![0.0; t];
        let at = |row: usize, h: usize| (row * heads + h) * c..(row * heads + h + 1) * c;
        for h in 0..heads {
            for i in 0..t {
                for (s, p) in p.iter_mut().enumerate() {
                    *p = dot(&q[at(i, h)], &k[at(s, h)]) / (c as f32).sqrt();
                }
                let most = max(&p);
                for p in &mut p {
                    *p = (*p - most).exp();
                }
                let total: f32 = p.iter().sum();
                for (s, p) in p.iter().enumerate() {
                    for (y, v) in y[at(i, h)].iter_mut().zip(&v[at(s, h)]) {
                        *y += p / total * v;
                    }
                }
            }
        }
        y
    }
}

/// Sums and maxima in sixteen accumulators.
mod chunked {
    use super::LANES;

    fn fold(x: &[f32], start: f32, lane: fn(f32, f32) -> f32, all: fn(f32, f32) -> f32) -> f32 {
        let mut acc = [start; LANES];
        let (chunks, rest) = x.as_chunks::<LANES>();
        for chunk in chunks {
            for n in 0..LANES {
                acc[n] = lane(acc[n], chunk[n]);
            }
        }
        let tail = rest.iter().copied().fold(start, lane);
        acc.into_iter().fold(tail, all)
    }

    pub fn sum(x: &[f32]) -> f32 {
        fold(x, 0.0, |a, v| a + v, |a, b| a + b)
    }

    pub fn sum_of_squares(x: &[f32]) -> f32 {
        fold(x, 0.0, |a, v| a + v * v, |a, b| a + b)
    }

    pub fn max(x: &[f32]) -> f32 {
        fold(x, f32::NEG_INFINITY, f32::max, f32::max)
    }

    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut acc = [0.0; LANES];
        let ((a, ra), (b, rb)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        for (a, b) in a.iter().zip(b) {
            for n in 0..LANES {
                acc[n] += a[n] * b[n];
            }
        }
        acc.iter().sum::<f32>() + ra.iter().zip(rb).map(|(a, b)| a * b).sum::<f32>()
    }
}
