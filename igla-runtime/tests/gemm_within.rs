//! Products whose rows sum over ranges of their own, against sums in f64; what is outside of every range is NaN.

mod gemm_support;

use std::ops::Range;

use gemm_support::{Bordered, noise, reference};
use igla_runtime::gemm::{Mat, MatMut, gemm_scratch, gemm_within};
use igla_runtime::isa::{Isa, Kernel, dispatch};
use igla_runtime::{Ctx, Level, Scratch};

struct Within<'a, 's, F> {
    a: Mat<'a>,
    b: Mat<'a>,
    c: MatMut<'a>,
    range: F,
    scratch: &'a mut Scratch<'s>,
}

impl<F: Fn(usize) -> Range<usize>> Kernel for Within<'_, '_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        gemm_within(s, self.a, self.b, self.c, self.range, self.scratch);
    }
}

/// Ranges of the rows of a matrix with `k` terms.
type Ranges = fn(row: usize, k: usize) -> Range<usize>;

const RANGES: [(&str, Ranges); 8] = [
    ("causal", |row, _| 0..row + 1),
    ("causal behind a past", |row, k| 0..(k / 2 + row)),
    ("window of five", |row, _| row.saturating_sub(4)..row + 1),
    ("wide window", |row, k| (row / 2)..(k / 2 + row + 3)),
    ("all", |_, k| 0..k),
    ("nothing", |row, _| row..row),
    ("apart", |row, k| if row % 2 == 0 { 0..k / 3 } else { k - k / 3..k }),
    ("beyond the end, or backwards", |row, k| {
        (if row == 1 { k } else { k / 2 })..(if row == 1 { 3 } else { usize::MAX })
    }),
];

#[test]
fn rows_sum_their_own_terms_and_nothing_else_is_read() {
    let (mut a_mem, mut b_mem, mut c_mem) =
        (Bordered::new(70 * 300), Bordered::new(70 * 300), Bordered::new(70 * 70));
    for (m, n, k) in [
        (0, 5, 5),
        (1, 1, 1),
        (3, 0, 7),
        (2, 3, 0),
        (1, 64, 40),
        (8, 64, 65),
        (16, 33, 100),
        (17, 64, 100),
        (5, 7, 300),
        (64, 70, 150),
    ] {
        for (name, ranges) in RANGES {
            let range = |row: usize| {
                let Range { start, end } = ranges(row, k);
                start.min(end.min(k))..end.min(k)
            };
            let seen = |p: usize| (0..m).any(|row| range(row).contains(&p));
            let (a, b) = (noise(m * k, 1), noise(n * k, 2));
            let inside = |i: usize, p: usize| if range(i).contains(&p) { a[i * k + p] } else { 0.0 };
            let other = |j: usize, p: usize| if seen(p) { b[j * k + p] } else { 0.0 };
            let expected = reference(m, n, k, inside, other);
            let hidden: Vec<f32> =
                (0..m * k).map(|i| if range(i / k).contains(&(i % k)) { a[i] } else { f32::NAN }).collect();
            for columns_are_runs in [true, false] {
                let number = |i: usize| {
                    let (j, p) = if columns_are_runs { (i % n, i / n) } else { (i / k, i % k) };
                    if seen(p) { b[j * k + p] } else { f32::NAN }
                };
                let right: Vec<f32> = (0..n * k).map(number).collect();
                let strides = if columns_are_runs { [(n, 1), (k, n)] } else { [(n, k), (k, 1)] };
                for &level in Level::available() {
                    let lhs = Mat::strided(a_mem.end(&hidden), &[(m, k)], &[(k, 1)]).unwrap();
                    let rhs = Mat::strided(b_mem.end(&right), &strides[..1], &strides[1..]).unwrap();
                    let c = c_mem.end_filled(m * n, f32::NAN);
                    let mut ctx = Ctx::with(level, 1);
                    let (mut scratch, _) = ctx.frame(gemm_scratch(m, n, k, false));
                    let target = MatMut::strided(c, &[(m, n)], n).unwrap();
                    let range = |row| ranges(row, k);
                    let scratch = &mut scratch;
                    dispatch(level, Within { a: lhs, b: rhs, c: target, range, scratch });
                    for (i, &found) in c.iter().enumerate() {
                        let what = || format!("{level} {m}×{n}×{k} {name}, columns {columns_are_runs}");
                        expected.check(i / n, i % n, found, what);
                    }
                }
            }
        }
    }
}
