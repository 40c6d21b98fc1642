//! Products of bytes: the sums of three loops, to the last bit, at every level, in every layout, on any number of threads,
//! and nothing read or written outside.

mod guard;
mod int8_support;

use std::sync::atomic::{AtomicUsize, Ordering};

use guard::{Guarded, Side};
use igla_runtime::isa::dispatch;
use igla_runtime::{
    Ctx, EpilogueI8, Isa, Kernel, Level, Mat, MatMut, PackedI8, RhsI8, Scratch, View, ViewMut,
    gemm_i8_columns, gemm_i8_scratch,
};
use int8_support::{LAYOUTS, Layout, model, noise};

struct Product<'a, 's> {
    a: Mat<'a, i8>,
    b: RhsI8<'a>,
    c: MatMut<'a, i32>,
    columns: std::ops::Range<usize>,
    scratch: &'a mut Scratch<'s>,
}

impl Kernel for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        gemm_i8_columns(s, self.a, self.b, self.c, self.columns, &(), self.scratch);
    }
}

/// Columns of a product on this thread, with exactly the scratch it asks for.
fn product<'a>(
    level: Level,
    a: Mat<'a, i8>,
    b: RhsI8<'a>,
    c: MatMut<'a, i32>,
    columns: std::ops::Range<usize>,
) {
    let bytes = gemm_i8_scratch(c.rows(), c.cols(), a.cols(), matches!(b, RhsI8::Packed(_)));
    let mut ctx = Ctx::with(level, 1);
    let (mut scratch, _) = ctx.frame(bytes);
    dispatch(level, Product { a, b, c, columns, scratch: &mut scratch });
}

/// Both sides of heights of tiles, of panels, of words, of dot products, of blocks of rows, columns and K.
const SHAPES: [[usize; 3]; 23] = [
    [1, 1, 1],
    [1, 600, 200],
    [2, 33, 128],
    [11, 6, 191],
    [16, 34, 321],
    [1, 300, 70],
    [2, 5, 3],
    [3, 33, 64],
    [4, 17, 65],
    [5, 260, 31],
    [6, 9, 1030],
    [7, 31, 4],
    [13, 64, 129],
    [14, 40, 127],
    [15, 65, 2],
    [16, 32, 63],
    [17, 20, 66],
    [30, 31, 513],
    [67, 32, 600],
    [300, 3, 1],
    [3, 700, 8],
    [20, 40, 2049],
    [18, 3, 4100],
];

#[test]
fn products_are_the_sums_of_three_loops() {
    for [m, n, k] in SHAPES {
        let (a, b) = (noise(m * k, 3), noise(n * k, 7));
        let wanted = model(m, n, k, &a, &b);
        for (i, of_a) in LAYOUTS.into_iter().enumerate() {
            for (j, of_b) in LAYOUTS.into_iter().enumerate() {
                let (a, b) = (of_a.place(&a, m, k), of_b.place(&b, n, k));
                let (a, b) = (of_a.mat(&a, m, k), of_b.mat(&b, n, k));
                let packed = PackedI8::new(b);
                assert_eq!((packed.n(), packed.k()), (n, k));
                for &level in Level::available() {
                    for b in [RhsI8::from(b), RhsI8::from(&packed)] {
                        let mut c = vec![i32::MIN + (i + j) as i32; m * n];
                        product(level, a, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), 0..n);
                        assert!(c == wanted, "{level} {m} × {n} × {k}, {of_a:?} by {of_b:?}, {b:?}");
                    }
                }
            }
        }
    }
}

/// The largest products of either sign, and sums that wrap.
#[test]
fn extremes_are_exact_and_sums_wrap() {
    for [x, y] in [[-128_i8, -128], [-128, 127], [127, -128], [127, 127], [0, -128], [-128, 0]] {
        for [m, n, k] in [[1, 33, 67], [5, 40, 256], [20, 33, 1000], [2, 3, 140_000], [17, 3, 140_000]] {
            let (a, b) = (vec![x; m * k], vec![y; n * k]);
            let sum = (i64::from(x) * i64::from(y)).wrapping_mul(k as i64) as i32;
            let (a, b) = (Layout::Rows.place(&a, m, k), Layout::Rows.place(&b, n, k));
            let (a, b) = (Layout::Rows.mat(&a, m, k), Layout::Rows.mat(&b, n, k));
            let packed = PackedI8::new(b);
            for &level in Level::available() {
                for b in [RhsI8::from(b), RhsI8::from(&packed)] {
                    let mut c = vec![1; m * n];
                    product(level, a, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), 0..n);
                    assert!(c.iter().all(|c| *c == sum), "{level} {x} · {y}, {m} × {n} × {k}, {b:?}");
                }
            }
        }
    }
}

#[test]
fn nothing_to_add_is_zero_and_nothing_is_nothing() {
    for [m, n, k] in [[2, 3, 0], [20, 40, 0], [0, 3, 5], [20, 0, 5], [0, 0, 0]] {
        let (a, b) = (noise(m * k, 1), noise(n * k, 2));
        let (a, b) =
            (View::new(&a, [m, k]).unwrap().mat([0], [1]), View::new(&b, [n, k]).unwrap().mat([0], [1]));
        let packed = PackedI8::new(b);
        for &level in Level::available() {
            for b in [RhsI8::from(b), RhsI8::from(&packed)] {
                let mut c = vec![9; m * n];
                product(level, a, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), 0..n);
                assert!(c.iter().all(|c| *c == 0), "{level}");
            }
        }
    }
}

/// Operands and C at the borders of what may be touched, at any address.
#[test]
fn nothing_is_touched_outside() {
    for side in [Side::Start, Side::End] {
        for [m, n, k] in
            [[1, 5, 77], [1, 9, 133], [2, 5, 200], [16, 3, 128], [14, 33, 67], [20, 40, 130], [33, 64, 64]]
        {
            let (a, b) = (noise(m * k, 8), noise(n * k, 9));
            let wanted = model(m, n, k, &a, &b);
            for layout in LAYOUTS {
                let (a, b) = (layout.place(&a, m, k), layout.place(&b, n, k));
                let (a, b) = (Guarded::new(&a, side), Guarded::new(&b, side));
                let (a, b) = (layout.mat(a.get(), m, k), layout.mat(b.get(), n, k));
                let packed = PackedI8::new(b);
                for &level in Level::available() {
                    for b in [RhsI8::from(b), RhsI8::from(&packed)] {
                        let mut c = Guarded::new(&vec![5; m * n], side);
                        let into = MatMut::strided(c.get_mut(), &[(m, n)], n).unwrap();
                        product(level, a, b, into, 0..n);
                        assert!(c.get() == wanted, "{level} {m} × {n} × {k}, {layout:?}, {side:?}");
                    }
                }
            }
        }
    }
}

/// K and rows of two merged axes, rows of C anywhere.
#[test]
fn axes_are_merged() {
    let [groups, rows, n, outer, inner] = [3, 7, 45, 5, 9];
    let (m, k) = (groups * rows, outer * inner);
    let (a, b) = (noise(m * k, 4), noise(n * k, 5));
    let wanted = model(m, n, k, &a, &b);
    // A as [outer, group, row, inner], B as [outer, column, inner].
    let mut turned = vec![0; m * k];
    let mut apart = vec![0; n * k];
    for p in 0..k {
        let (o, i) = (p / inner, p % inner);
        for r in 0..m {
            turned[o * m * inner + r * inner + i] = a[r * k + p];
        }
        for j in 0..n {
            apart[o * n * inner + j * inner + i] = b[j * k + p];
        }
    }
    let x = View::new(&turned, [outer, groups, rows, inner]).unwrap().mat([1, 2], [0, 3]);
    let y = View::new(&apart, [outer, n, inner]).unwrap().mat([1], [0, 2]);
    let packed = PackedI8::new(y);
    for &level in Level::available() {
        for b in [RhsI8::from(y), RhsI8::from(&packed)] {
            let mut c = vec![-1; 3000];
            product(level, x, b, MatMut::strided(&mut c, &[(groups, 900), (rows, 60)], n).unwrap(), 0..n);
            let mut expected = vec![-1; 3000];
            for i in 0..m {
                expected[i / rows * 900 + i % rows * 60..][..n].copy_from_slice(&wanted[i * n..][..n]);
            }
            assert!(c == expected, "{level} {b:?}");
        }
    }
}

/// Scales what it gets, and counts.
struct Scaled<'a> {
    rows: &'a [f32],
    columns: &'a [f32],
    seen: AtomicUsize,
}

impl EpilogueI8<f32> for Scaled<'_> {
    #[inline(always)]
    fn row<S: Isa>(&self, _: S, r: usize, j0: usize, sums: &[i32], row: &mut [f32]) {
        assert_eq!(sums.len(), row.len());
        self.seen.fetch_add(row.len(), Ordering::Relaxed);
        for (j, (sum, y)) in sums.iter().zip(row).enumerate() {
            *y = self.rows[r] * self.columns[j0 + j] * *sum as f32;
        }
    }
}

#[test]
fn threads_change_no_bit_and_epilogues_see_each_sum_once() {
    for [m, n, k] in [[170, 517, 1030], [40, 3000, 600], [3, 4000, 700], [1, 9000, 900]] {
        let (a, b) = (noise(m * k, 5), noise(n * k, 6));
        let wanted = model(m, n, k, &a, &b);
        let (x, y) =
            (View::new(&a, [m, k]).unwrap().mat([0], [1]), View::new(&b, [n, k]).unwrap().mat([0], [1]));
        let packed = PackedI8::new(y);
        let (rows, columns): (Vec<f32>, Vec<f32>) =
            ((0..m).map(|i| 1.0 + i as f32).collect(), (0..n).map(|j| 0.5 - j as f32).collect());
        for &level in Level::available() {
            for b in [RhsI8::from(y), RhsI8::from(&packed)] {
                for threads in [1, 2, 3] {
                    let mut ctx = Ctx::with(level, threads);
                    let what = format!("{level} {m} × {n} × {k}, {threads} threads, {b:?}");
                    let mut c = vec![0; m * n];
                    let mut into = ViewMut::new(&mut c, [m, n]).unwrap();
                    ctx.frame(0).1.gemm_i8(x, b, into.mat_mut([0]), &());
                    assert!(c == wanted, "{what}");

                    let mut scaled = vec![f32::NAN; m * n];
                    let epilogue = Scaled { rows: &rows, columns: &columns, seen: AtomicUsize::new(0) };
                    let mut into = ViewMut::new(&mut scaled, [m, n]).unwrap();
                    ctx.frame(0).1.gemm_i8(x, b, into.mat_mut([0]), &epilogue);
                    assert_eq!(epilogue.seen.into_inner(), m * n, "{what}");
                    let exact = |(i, y): (usize, &f32)| *y == rows[i / n] * columns[i % n] * wanted[i] as f32;
                    assert!(scaled.iter().enumerate().all(exact), "{what}");
                }
            }
        }
    }
}

#[test]
fn some_columns_are_computed_and_others_left() {
    let [m, n, k] = [9, 200, 130];
    let (a, b) = (noise(m * k, 5), noise(n * k, 6));
    let wanted = model(m, n, k, &a, &b);
    let (x, y) = (View::new(&a, [m, k]).unwrap().mat([0], [1]), View::new(&b, [n, k]).unwrap().mat([0], [1]));
    let packed = PackedI8::new(y);
    for &level in Level::available() {
        for b in [RhsI8::from(y), RhsI8::from(&packed)] {
            for columns in [0..0, 0..1, 40..90, 64..128, 190..400, 300..500] {
                let mut c = vec![7; m * n];
                product(level, x, b, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), columns.clone());
                for (i, c) in c.into_iter().enumerate() {
                    let (j, first, end) = (i % n, columns.start.min(n) / 32 * 32, columns.end.min(n));
                    if columns.contains(&j) {
                        assert_eq!(c, wanted[i], "{level} {columns:?} {b:?} at {j}");
                    } else if j < first || j >= end.next_multiple_of(32) {
                        assert_eq!(c, 7, "{level} {columns:?} {b:?} at {j}");
                    }
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "matrix product: A is 2 × 3, B is 4 × 5, so C cannot be 2 × 4")]
fn shapes_must_agree() {
    let (a, b) = (noise(6, 1), noise(20, 1));
    let mut c = vec![0; 8];
    let a = Mat::strided(&a, &[(2, 3)], &[(3, 1)]).unwrap();
    let b = Mat::strided(&b, &[(4, 5)], &[(5, 1)]).unwrap();
    product(Level::Scalar, a, b.into(), MatMut::strided(&mut c, &[(2, 4)], 4).unwrap(), 0..4);
}
