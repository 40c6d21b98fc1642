//! Products of `bf16` in tiles of AMX, emulated where the CPU has none (see `amx`): the bits of a model, nothing else
//! read or written, and no tiles left behind. Every allocation of operands, packed or on the way, ends at a page that
//! must not be touched.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod amx;
mod gemm_support;
mod guard;

use std::sync::atomic::{AtomicUsize, Ordering};

use amx::border::Bordering;
use gemm_support::{noise, reference};
use guard::{Guarded, Side};
use igla_runtime::{Ctx, Epilogue, HalfMat, Isa, Level, Mat, MatMut, PackedBf16, Rhs, View, bf16, ceiling};

#[global_allocator]
static MEMORY: Bordering = Bordering;

/// C by the model: what the tiles' unit is said to do, for one element at a time.
fn model(m: usize, n: usize, k: usize, x: &[f32], w: &[bf16]) -> Vec<f32> {
    let near: Vec<f32> = x.iter().map(|&x| flushed(bf16::from_f32(flushed(x)).to_f32())).collect();
    let w: Vec<f32> = w.iter().map(|w| flushed(w.to_f32())).collect();
    // SAFETY: contexts of the level are only made on CPUs with AVX-512.
    let element = |i: usize| unsafe { sum(&near[i / n * k..][..k], &w[i % n * k..][..k]) };
    (0..m * n).map(element).collect()
}

/// # Safety
/// The CPU has FMA.
#[target_feature(enable = "fma")]
unsafe fn sum(x: &[f32], w: &[f32]) -> f32 {
    let mut sum = 0.0;
    for (x, w) in x.chunks(32).zip(w.chunks(32)) {
        let mut parts = [0.0_f32; 2];
        for (i, (x, w)) in x.iter().zip(w).enumerate() {
            parts[i % 2] = flushed(x.mul_add(*w, parts[i % 2]));
        }
        sum = flushed(sum + flushed(parts[0] + parts[1]));
    }
    sum
}

fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { x * 0.0 } else { x }
}

fn weights(count: usize) -> Vec<bf16> {
    noise(count, 9).into_iter().map(bf16::from_f32).collect()
}

fn packed(w: &[bf16], n: usize, k: usize) -> PackedBf16 {
    PackedBf16::new(View::new(w, [n, k]).unwrap())
}

/// A row-major or with its rows adjacent, times B, into rows one after the other.
fn multiply(ctx: &mut Ctx, [m, n, k]: [usize; 3], x: &[f32], adjacent: bool, b: Rhs<'_>) -> Vec<f32> {
    let strides = if adjacent { [k, 1] } else { [1, m] };
    let a = Mat::strided(x, &[(m, strides[0])], &[(k, strides[1])]).unwrap();
    let mut c = vec![f32::NAN; m * n];
    ctx.frame(0).1.gemm(a, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
    assert!(!amx::has_tiles(), "tiles are left behind");
    c
}

fn transposed(x: &[f32], m: usize, k: usize) -> Vec<f32> {
    (0..m * k).map(|i| x[i % m * k + i / m]).collect()
}

#[track_caller]
fn same(found: &[f32], wanted: &[f32], what: impl Fn() -> String) {
    assert_eq!(found.len(), wanted.len());
    for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let same = found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan();
        assert!(same, "{}: {found:e} is not {wanted:e}, at {i}", what());
    }
}

/// Both sides of all sizes of tiles.
const SIZES: [usize; 12] = [1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 65, 100];

#[test]
fn products_are_the_models_bits() {
    let before = amx::products();
    for m in [5, 15, 16, 17, 31, 32, 33, 48, 65] {
        for n in SIZES {
            for k in SIZES {
                let (x, w) = (noise(m * k, 3), weights(n * k));
                let Some(mut ctx) = amx::ctx(1) else { return };
                let packed = packed(&w, n, k);
                let adjacent = (m + n + k) % 2 == 0;
                let turned = if adjacent { x.clone() } else { transposed(&x, m, k) };
                let found = multiply(&mut ctx, [m, n, k], &turned, adjacent, packed.rounding());
                same(&found, &model(m, n, k, &x, &w), || format!("{m} × {n} × {k}"));
            }
        }
    }
    if amx::is_emulated() {
        let count = amx::products() - before;
        assert!(count > 10_000, "{count}");
    }
}

/// Blocks of rows, columns and K, and all that is between the loops.
#[test]
fn large_products_are_the_models_bits_and_within_their_bound() {
    for [m, n, k] in [[300, 31, 33], [17, 600, 65], [40, 300, 1030], [33, 33, 2049], [6, 1, 5000]] {
        let (x, w) = (noise(m * k, 3), weights(n * k));
        let Some(mut ctx) = amx::ctx(1) else { return };
        let packed = packed(&w, n, k);
        let found = multiply(&mut ctx, [m, n, k], &x, true, packed.rounding());
        same(&found, &model(m, n, k, &x, &w), || format!("{m} × {n} × {k}"));
        let near = |i: usize, p: usize| bf16::from_f32(x[i * k + p]).to_f32();
        let wanted = reference(m, n, k, near, |j, p| w[j * k + p].to_f32());
        for (i, &found) in found.iter().enumerate() {
            wanted.check(i / n, i % n, found, || format!("{m} × {n} × {k}"));
        }
    }
}

/// Weights of 16 bits become panels on the way, and the same sums.
#[test]
fn what_is_decoded_is_multiplied_alike() {
    for [m, n, k] in [[9, 1, 1], [17, 33, 31], [40, 520, 70], [20, 40, 1030], [9, 600, 2]] {
        let (x, w) = (noise(m * k, 3), weights(n * k));
        let plain = HalfMat::new(View::new(&w, [n, k]).unwrap());
        for rounds in [false, true] {
            let Some(mut ctx) = amx::ctx(1) else { return };
            let before = amx::products();
            let b = if rounds { plain.rounding() } else { plain };
            let found = multiply(&mut ctx, [m, n, k], &x, true, Rhs::from(&b));
            if rounds {
                same(&found, &model(m, n, k, &x, &w), || format!("{m} × {n} × {k}"));
            } else {
                let lower = multiply(&mut Ctx::with(Level::Avx512, 1), [m, n, k], &x, true, Rhs::from(&b));
                same(&found, &lower, || format!("{m} × {n} × {k}, exact"));
            }
            assert!(!amx::is_emulated() || rounds == (amx::products() > before));
        }
    }
}

/// What may not be rounded, what has few rows, what other levels do: no tiles, and AVX-512's bits.
#[test]
fn everything_else_is_without_tiles() {
    let before = amx::products();
    for [m, n, k] in [[1, 100, 70], [2, 33, 31], [4, 64, 513], [8, 40, 64]] {
        let (x, w) = (noise(m * k, 3), weights(n * k));
        let single: Vec<f32> = w.iter().map(|w| w.to_f32()).collect();
        let (packed, halves) = (packed(&w, n, k), HalfMat::new(View::new(&w, [n, k]).unwrap()).rounding());
        let plain = Rhs::Plain(Mat::strided(&single, &[(n, k)], &[(k, 1)]).unwrap());
        let few = (m <= 4).then(|| packed.rounding());
        for b in [plain, Rhs::from(&packed), Rhs::from(&halves)].into_iter().chain(few) {
            let Some(mut ctx) = amx::ctx(1) else { return };
            let found = multiply(&mut ctx, [m, n, k], &x, true, b);
            let lower = multiply(&mut Ctx::with(Level::Avx512, 1), [m, n, k], &x, true, b);
            same(&found, &lower, || format!("{m} × {n} × {k}, {b:?}"));
        }
    }
    assert_eq!(amx::products(), before);
}

#[test]
fn nothing_to_add_is_zero_and_nothing_is_nothing() {
    for [m, n, k] in [[20, 3, 0], [40, 100, 0], [0, 3, 5], [20, 0, 5], [0, 0, 0]] {
        let Some(mut ctx) = amx::ctx(1) else { return };
        let w = weights(n * k);
        let packed = packed(&w, n, k);
        let c = multiply(&mut ctx, [m, n, k], &noise(m * k, 3), true, packed.rounding());
        assert!(c.iter().all(|c| c.to_bits() == 0), "{m} × {n} × {k}");
    }
}

/// Enough to be shared, in blocks of rows and of columns.
#[test]
fn threads_change_no_bit() {
    for [m, n, k] in [[170, 517, 1030], [40, 3000, 600]] {
        let (x, w) = (noise(m * k, 5), weights(n * k));
        let (packed, plain) = (packed(&w, n, k), HalfMat::new(View::new(&w, [n, k]).unwrap()).rounding());
        let wanted = model(m, n, k, &x, &w);
        for b in [packed.rounding(), Rhs::from(&plain)] {
            for threads in [1, 2, 3] {
                let Some(mut ctx) = amx::ctx(threads) else { return };
                let found = multiply(&mut ctx, [m, n, k], &x, true, b);
                same(&found, &wanted, || format!("{m} × {n} × {k}, {threads} threads"));
            }
        }
    }
}

/// Rows of C anywhere: apart, merged from two axes, in any order; what is between them stays.
#[test]
fn rows_lie_anywhere() {
    let [groups, rows, n, k] = [3, 11, 70, 40];
    let m = groups * rows;
    let (x, w) = (noise(m * k, 3), weights(n * k));
    let (packed, wanted) = (packed(&w, n, k), model(m, n, k, &x, &w));
    for axes in [[(groups, 900), (rows, 80)], [(groups, 70), (rows, 210)], [(groups, 1000), (rows, 70)]] {
        let Some(mut ctx) = amx::ctx(1) else { return };
        let mut c = vec![0.25; 3000];
        let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
        let into = MatMut::strided(&mut c, &axes, n).unwrap();
        ctx.frame(0).1.gemm(a, packed.rounding(), into, &());
        let mut expected = vec![0.25; 3000];
        for i in 0..m {
            let at = i / rows * axes[0].1 + i % rows * axes[1].1;
            expected[at..at + n].copy_from_slice(&wanted[i * n..][..n]);
        }
        same(&c, &expected, || format!("{axes:?}"));
    }
}

/// Operands and C at the borders of what may be touched.
#[test]
fn nothing_is_touched_outside() {
    for side in [Side::Start, Side::End] {
        for [m, n, k] in [[5, 5, 77], [14, 33, 31], [20, 40, 130], [33, 64, 64]] {
            let (x, w) = (noise(m * k, 8), weights(n * k));
            let (wanted, packed) = (model(m, n, k, &x, &w), packed(&w, n, k));
            let w = Guarded::new(&w, side);
            let plain = HalfMat::new(View::new(w.get(), [n, k]).unwrap()).rounding();
            for (adjacent, x) in [(true, x.clone()), (false, transposed(&x, m, k))] {
                let x = Guarded::new(&x, side);
                let strides = if adjacent { [k, 1] } else { [1, m] };
                let few = m <= 8;
                for b in [packed.rounding()].into_iter().chain((!few).then(|| Rhs::from(&plain))) {
                    let Some(mut ctx) = amx::ctx(1) else { return };
                    let mut c = Guarded::new(&vec![f32::NAN; m * n], side);
                    let a = Mat::strided(x.get(), &[(m, strides[0])], &[(k, strides[1])]).unwrap();
                    let into = MatMut::strided(c.get_mut(), &[(m, n)], n).unwrap();
                    ctx.frame(0).1.gemm(a, b, into, &());
                    same(c.get(), &wanted, || format!("{m} × {n} × {k}, {side:?}"));
                }
            }
        }
    }
}

/// NaN and infinities come through on either side, at both ends of K and beside paddings, and touch nothing else.
#[test]
fn specials_come_through_and_stay_where_they_are() {
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-42, -1e-39, 3e38];
    for [m, n, k] in [[15, 2, 71], [33, 33, 33], [17, 31, 64], [5, 17, 1]] {
        for value in values {
            for (row, step) in [(0, 0), (1, k - 1), (4, k / 2)] {
                for in_weights in [true, false] {
                    let (mut x, mut w) = (vec![1.0; m * k], vec![bf16::from_f32(0.5); n * k]);
                    if in_weights {
                        w[(n - 1 - row % n) * k + step] = bf16::from_f32(value);
                    } else {
                        x[(m - 1 - row) * k + step] = value;
                    }
                    let Some(mut ctx) = amx::ctx(1) else { return };
                    let packed = packed(&w, n, k);
                    let c = multiply(&mut ctx, [m, n, k], &x, true, packed.rounding());
                    let what = || format!("{m} × {n} × {k}, {value} at {row}, {step}, weights: {in_weights}");
                    same(&c, &model(m, n, k, &x, &w), what);
                    for (i, c) in c.iter().enumerate() {
                        let touched =
                            if in_weights { i % n == n - 1 - row % n } else { i / n == m - 1 - row };
                        assert!(touched || *c == 0.5 * k as f32, "{} touches {i}: {c}", what());
                    }
                }
            }
        }
    }
}

/// Numbers so small that products, sums and differences are flushed.
#[test]
fn small_numbers_are_flushed_where_the_model_says() {
    let [m, n, k] = [20, 40, 100];
    let scaled = |seed: u32, count: usize, least: i32| -> Vec<f32> {
        let exponent = noise(count, seed + 1).into_iter().map(|e| least + (e.abs() * 12.0) as i32);
        noise(count, seed).into_iter().zip(exponent).map(|(x, e)| x * 2.0_f32.powi(e)).collect()
    };
    for (left, right) in [(-70, -70), (-130, 0), (0, -132), (-64, -64)] {
        let x = scaled(3, m * k, left);
        let w: Vec<bf16> = scaled(5, n * k, right).into_iter().map(bf16::from_f32).collect();
        let Some(mut ctx) = amx::ctx(1) else { return };
        let packed = packed(&w, n, k);
        let found = multiply(&mut ctx, [m, n, k], &x, true, packed.rounding());
        same(&found, &model(m, n, k, &x, &w), || format!("2^{left}, 2^{right}"));
        for (i, &c) in found.iter().enumerate() {
            assert!(!c.is_subnormal());
            // The bound of the interpreter: rounded sums, factors that may be flushed, and for each term as much as two
            // results that are.
            let (mut sum, mut bound) = (0.0, 0.0);
            for (x, w) in x[i / n * k..][..k].iter().zip(&w[i % n * k..][..k]) {
                let (x, w) = (f64::from(bf16::from_f32(*x).to_f32()), f64::from(w.to_f32()));
                sum += x * w;
                bound +=
                    (k as f64 * 2.0_f64.powi(-24) * x.abs() + 1.6e-36) * w.abs() + (x.abs() + 1.0) * 2.4e-38;
            }
            assert!((f64::from(c) - sum).abs() <= bound, "{c:e} is not {sum:e} ± {bound:e}, at {i}");
        }
    }
}

/// Adds one, and counts.
struct Counting(AtomicUsize);

impl Epilogue for Counting {
    #[inline(always)]
    fn row<S: Isa>(&self, _: S, r: usize, j0: usize, row: &mut [f32]) {
        self.0.fetch_add(row.len(), Ordering::Relaxed);
        for (j, c) in row.iter_mut().enumerate() {
            *c += (r * 1000 + j0 + j) as f32;
        }
    }
}

/// What the ceiling is measured with runs, and on no level that it is not of.
#[test]
fn tiles_have_a_ceiling() {
    let Some(mut ctx) = amx::ctx(1) else { return };
    assert!(ceiling::tiles(&mut ctx).is_some_and(|rate| rate > 1e3));
    assert!(ceiling::pairs(&mut ctx).is_some_and(|rate| rate > 1e6));
    assert!(!amx::has_tiles());
    assert!(ceiling::tiles(&mut Ctx::with(Level::Avx512, 1)).is_none());
}

#[test]
fn epilogues_see_each_element_once_and_finished() {
    let [m, n, k] = [70, 300, 1030];
    let (x, w) = (noise(m * k, 3), weights(n * k));
    let (packed, mut wanted) = (packed(&w, n, k), model(m, n, k, &x, &w));
    for (i, c) in wanted.iter_mut().enumerate() {
        *c += (i / n * 1000 + i % n) as f32;
    }
    for threads in [1, 2] {
        let Some(mut ctx) = amx::ctx(threads) else { return };
        let mut c = vec![f32::NAN; m * n];
        let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
        let counting = Counting(AtomicUsize::new(0));
        ctx.frame(0).1.gemm(a, packed.rounding(), MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &counting);
        assert_eq!(counting.0.into_inner(), m * n);
        same(&c, &wanted, || format!("{threads} threads"));
    }
}
