//! Products with `bf16` packed in pairs, at every level: exact unless A may be rounded, the same bits whatever the
//! threads, and nothing read outside.

mod gemm_support;
mod guard;

use gemm_support::{Sums, noise, product, reference};
use guard::{Guarded, Side};
use igla_runtime::{Ctx, HalfMat, Level, Mat, MatMut, PackedBf16, Rhs, View, bf16};

fn weights(count: usize) -> Vec<bf16> {
    noise(count, 9).into_iter().map(bf16::from_f32).collect()
}

/// Whether the level rounds where it may.
fn rounds(level: Level) -> bool {
    #[cfg(target_arch = "x86_64")]
    if matches!(level, Level::Avx512 | Level::Amx) {
        return is_x86_feature_detected!("avx512bf16");
    }
    let _ = level;
    false
}

/// Both sides of heights of tiles, of panels, of what is rounded at a time, of blocks of K; even and odd sums.
const SHAPES: [(usize, usize, usize); 12] = [
    (1, 1, 1),
    (1, 300, 70),
    (2, 5, 33),
    (3, 33, 64),
    (5, 260, 31),
    (6, 9, 1030),
    (13, 64, 129),
    (14, 40, 127),
    (15, 65, 2),
    (30, 31, 513),
    (67, 32, 600),
    (300, 3, 1),
];

fn close(wanted: &Sums, n: usize, c: &[f32], what: &str) {
    for (i, &found) in c.iter().enumerate() {
        wanted.check(i / n, i % n, found, || what.to_owned());
    }
}

/// A row-major or with its rows adjacent, times B.
fn multiply(
    level: Level,
    (m, n, k): (usize, usize, usize),
    x: &[f32],
    adjacent: bool,
    b: Rhs<'_>,
) -> Vec<f32> {
    let strides = if adjacent { [k, 1] } else { [1, m] };
    let a = Mat::strided(x, &[(m, strides[0])], &[(k, strides[1])]).unwrap();
    let mut c = vec![f32::NAN; m * n];
    product(level, a, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
    c
}

#[test]
fn products_are_within_their_bounds() {
    for (m, n, k) in SHAPES {
        let (x, w) = (noise(m * k, 3), weights(n * k));
        let view = View::new(&w, [n, k]).unwrap();
        let (packed, plain) = (PackedBf16::new(view), HalfMat::new(view).rounding());
        assert_eq!((packed.n(), packed.k()), (n, k));
        for adjacent in [true, false] {
            let at = |i: usize, p: usize| if adjacent { x[i * k + p] } else { x[p * m + i] };
            let exact = reference(m, n, k, at, |j, p| w[j * k + p].to_f32());
            let near = |i: usize, p: usize| bf16::from_f32(at(i, p)).to_f32();
            let rounded = reference(m, n, k, near, |j, p| w[j * k + p].to_f32());
            for &level in Level::available() {
                let what = format!("{level} {m}×{n}×{k}, adjacent: {adjacent}");
                close(&exact, n, &multiply(level, (m, n, k), &x, adjacent, (&packed).into()), &what);
                let wanted = if rounds(level) { &rounded } else { &exact };
                close(wanted, n, &multiply(level, (m, n, k), &x, adjacent, packed.rounding()), &what);
                // Few rows are multiplied as they are.
                let wanted = if rounds(level) && m > 8 { &rounded } else { &exact };
                close(wanted, n, &multiply(level, (m, n, k), &x, adjacent, (&plain).into()), &what);
            }
        }
    }
}

#[test]
fn nothing_to_add_is_zero() {
    for &level in Level::available() {
        for shape @ (m, n, k) in [(2, 3, 0), (20, 3, 0), (0, 3, 5), (2, 0, 5)] {
            let w = weights(n * k);
            let packed = PackedBf16::new(View::new(&w, [n, k]).unwrap());
            for b in [Rhs::from(&packed), packed.rounding()] {
                let c = multiply(level, shape, &noise(m * k, 3), true, b);
                assert!(k > 0 || c.iter().all(|&c| c == 0.0), "{level}");
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let (m, n, k) = (70, 517, 515);
    let (x, w) = (noise(m * k, 5), weights(n * k));
    let packed = PackedBf16::new(View::new(&w, [n, k]).unwrap());
    for &level in Level::available() {
        for rounding in [false, true] {
            let run = |threads: usize| {
                let mut c = vec![0.0; m * n];
                let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
                let b = if rounding { packed.rounding() } else { Rhs::from(&packed) };
                let mut ctx = Ctx::with(level, threads);
                ctx.frame(0).1.gemm(a, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                c
            };
            assert_eq!(run(1), run(3), "{level} {rounding}");
        }
    }
}

#[test]
fn nothing_is_read_outside() {
    for side in [Side::Start, Side::End] {
        for (m, n, k) in [(1, 5, 77), (14, 33, 31), (20, 40, 130)] {
            let w = Guarded::new(&weights(n * k), side);
            let x = Guarded::new(&noise(m * k, 8), side);
            let view = View::new(w.get(), [n, k]).unwrap();
            let (packed, plain) = (PackedBf16::new(view), HalfMat::new(view).rounding());
            for &level in Level::available() {
                for b in [Rhs::from(&packed), packed.rounding(), Rhs::from(&plain)] {
                    for adjacent in [true, false] {
                        let c = multiply(level, (m, n, k), x.get(), adjacent, b);
                        assert!(c.iter().all(|c| c.is_finite()));
                    }
                }
            }
        }
    }
}

/// NaN and infinities come through on either side; −0 and what rounds to it do no harm.
#[test]
fn specials_come_through() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-42] {
        let (m, n, k) = (15, 2, 71);
        for in_weights in [true, false] {
            let (mut x, mut w) = (vec![1.0; m * k], vec![bf16::from_f32(0.5); n * k]);
            if in_weights {
                w[k + 70] = bf16::from_f32(value);
            } else {
                x[k + 70] = value;
            }
            let packed = PackedBf16::new(View::new(&w, [n, k]).unwrap());
            for &level in Level::available() {
                for b in [Rhs::from(&packed), packed.rounding()] {
                    let c = multiply(level, (m, n, k), &x, true, b);
                    for (i, c) in c.into_iter().enumerate() {
                        let touched = if in_weights { i % n == 1 } else { i / n == 1 };
                        let sum = if !touched { 35.5 } else { 35.0 + value };
                        assert!(c == sum || c.is_nan() && sum.is_nan(), "{level} {value} at {i}: {c} {sum}");
                    }
                }
            }
        }
    }
}
