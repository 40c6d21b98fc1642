//! Accumulators, reductions and index searches, for every length around the block boundaries.

use igla_runtime::isa::dispatch;
use igla_runtime::prelude::*;

/// All folds of one slice.
#[derive(Debug, PartialEq)]
struct Folds {
    sum: f32,
    product: f32,
    max: f32,
    min: f32,
    square: f32,
    any: bool,
    all: bool,
    argmax: usize,
    argmin: usize,
    integers: [i32; 4],
    arg_integers: [usize; 2],
}

struct Fold<'a, const U: usize> {
    x: &'a [f32],
    i: &'a [i32],
    lo: usize,
}

impl<const U: usize> Kernel for Fold<'_, U> {
    type Output = Folds;
    #[inline(always)]
    fn run<S: Isa>(self, s: S) -> Folds {
        let (mut sum, mut product, mut square) = (s.splat::<U>(0.0), s.splat::<U>(1.0), s.splat::<U>(0.0));
        let (mut max, mut min) = (s.splat::<U>(f32::NEG_INFINITY), s.splat::<U>(f32::INFINITY));
        let (mut any, mut all) = (s.splat_mask::<U>(false), s.splat_mask::<U>(true));
        let (mut largest, mut smallest) = (s.argmax::<U>(), s.argmin::<U>());
        let (mut isum, mut iproduct) = (s.splat_i32::<U>(0), s.splat_i32::<U>(1));
        let (mut imax, mut imin) = (s.splat_i32::<U>(i32::MIN), s.splat_i32::<U>(i32::MAX));
        let (mut ilargest, mut ismallest) = (s.argmax::<U>(), s.argmin::<U>());
        for part in s.parts::<U>(self.lo, self.x.len()) {
            for d in part {
                let v: F32<S, U> = self.x.load(d);
                sum = sum.add_in(d, v);
                product = product.mul_in(d, v);
                square = square.fma_in(d, v, v);
                max = max.max_in(d, v);
                min = min.min_in(d, v);
                any = any.or_in(d, v.gt(s.splat(3.0)));
                all = all.and_in(d, v.gt(s.splat(-3.0)));
                largest.update(d, v);
                smallest.update(d, v);
                let v: I32<S, U> = self.i.load(d);
                isum = isum.add_in(d, v);
                iproduct = iproduct.mul_in(d, v);
                imax = imax.max_in(d, v);
                imin = imin.min_in(d, v);
                ilargest.update_i32(d, v);
                ismallest.update_i32(d, v);
            }
        }
        Folds {
            sum: sum.reduce_add(),
            product: product.reduce_mul(),
            max: max.reduce_max(),
            min: min.reduce_min(),
            square: square.reduce_add(),
            any: any.any(),
            all: all.all(),
            argmax: largest.finish(),
            argmin: smallest.finish(),
            integers: [isum.reduce_add(), iproduct.reduce_mul(), imax.reduce_max(), imin.reduce_min()],
            arg_integers: [ilargest.finish(), ismallest.finish()],
        }
    }
}

/// The index of the first value that none beats.
fn plain_arg<T: PartialOrd + Copy>(x: &[T], lo: usize, beats: impl Fn(T, T) -> bool) -> usize {
    let mut best: Option<usize> = None;
    for i in lo..x.len() {
        let number = x[i].partial_cmp(&x[i]).is_some();
        if number && best.is_none_or(|at| beats(x[i], x[at])) {
            best = Some(i);
        }
    }
    best.unwrap_or(0)
}

fn expected(x: &[f32], i: &[i32], lo: usize) -> Folds {
    let (tail, whole) = (&x[lo..], &i[lo..]);
    Folds {
        sum: tail.iter().sum(),
        product: tail.iter().product(),
        max: tail.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b)),
        min: tail.iter().fold(f32::INFINITY, |a, &b| a.min(b)),
        square: tail.iter().map(|v| v * v).sum(),
        any: tail.iter().any(|&v| v > 3.0),
        all: tail.iter().all(|&v| v > -3.0),
        argmax: plain_arg(x, lo, |a, b| a > b),
        argmin: plain_arg(x, lo, |a, b| a < b),
        integers: [
            whole.iter().fold(0, |a, &b| a.wrapping_add(b)),
            whole.iter().fold(1, |a, &b| a.wrapping_mul(b)),
            whole.iter().copied().max().unwrap_or(i32::MIN),
            whole.iter().copied().min().unwrap_or(i32::MAX),
        ],
        arg_integers: [plain_arg(i, lo, |a, b| a > b), plain_arg(i, lo, |a, b| a < b)],
    }
}

fn check<const U: usize>(float: impl Fn(usize) -> f32) {
    for len in (0..=4 * 16 * U + 3).step_by(if U > 2 { 3 } else { 1 }) {
        let x: Vec<f32> = (0..len).map(&float).collect();
        let i: Vec<i32> = (0..len).map(|i| (i as i32 * 37 % 11 - 5) | 1).collect();
        for &level in Level::available() {
            for lo in [0, 5.min(len)] {
                let found = dispatch(level, Fold::<U> { x: &x, i: &i, lo });
                let want = expected(&x, &i, lo);
                // Small whole numbers and powers of two: exact in any order. NaN never equals.
                let nan = x[lo..].iter().any(|v| v.is_nan());
                let found = if nan { Folds { sum: 0.0, product: 0.0, square: 0.0, ..found } } else { found };
                let want = if nan { Folds { sum: 0.0, product: 0.0, square: 0.0, ..want } } else { want };
                assert_eq!(found, want, "{level} U {U} len {len} lo {lo}");
            }
        }
    }
}

macro_rules! folds {
    ($($test:ident: $value:expr;)*) => {$(
        #[test]
        fn $test() {
            check::<1>($value);
            check::<2>($value);
            check::<3>($value);
            check::<4>($value);
            check::<8>($value);
        }
    )*};
}
folds! {
    ones_and_twos: |i| if i % 31 == 7 { 2.0 } else if i % 47 == 8 { 0.5 } else { 1.0 };
    signs: |i| if i % 2 == 0 { 1.0 } else { -1.0 };
    rare_large: |i| if i == 40 { 4.0 } else { -1.0 };
    rare_small: |i| if i == 41 { -4.0 } else { 1.0 };
    some_nan: |i| if i % 5 == 0 { f32::NAN } else { (i * 7 % 13) as f32 - 6.0 };
    all_nan: |_| f32::NAN;
    all_lowest: |_| f32::NEG_INFINITY;
    nan_then_lowest: |i| if i < 3 { f32::NAN } else { f32::NEG_INFINITY };
}
