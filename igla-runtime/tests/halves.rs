//! Products with right-hand sides of 8 and 16 bits, at every level: within the bound of the sum of exact numbers, the same
//! bits whatever the threads and neighbours, and nothing read outside.

mod gemm_support;
mod guard;

use gemm_support::{noise, product, reference};
use guard::{Guarded, Side};
use igla_runtime::{Ctx, Element, HalfMat, Level, Mat, MatMut, Rhs, View, bf16, f16};

/// What a product takes.
trait Half: Element {
    fn from(x: f32) -> Self;
    fn wide(self) -> f32;
    fn rhs<'a>(mat: &'a HalfMat<'a, Self>) -> Rhs<'a>;
}

macro_rules! half {
    ($($t:ty),*) => {$(
        impl Half for $t {
            fn from(x: f32) -> Self {
                <$t>::from_f32(x)
            }
            fn wide(self) -> f32 {
                self.to_f32()
            }
            fn rhs<'a>(mat: &'a HalfMat<'a, Self>) -> Rhs<'a> {
                mat.into()
            }
        }
    )*};
}
half!(bf16, f16);

macro_rules! byte {
    ($($t:ty),*) => {$(
        impl Half for $t {
            fn from(x: f32) -> Self {
                (x * 100.0) as $t
            }
            fn wide(self) -> f32 {
                f32::from(self)
            }
            fn rhs<'a>(mat: &'a HalfMat<'a, Self>) -> Rhs<'a> {
                mat.into()
            }
        }
    )*};
}
byte!(i8, u8);

fn weights<T: Half>(count: usize) -> Vec<T> {
    noise(count, 9).into_iter().map(T::from).collect()
}

fn within_the_bound<T: Half>() {
    // Both sides of the most rows that are met in registers, of panels, of what is widened at a time, of blocks of K.
    let shapes = [
        (1, 1, 1),
        (1, 37, 70),
        (2, 5, 33),
        (3, 33, 64),
        (4, 260, 31),
        (5, 9, 1030),
        (8, 7, 129),
        (9, 40, 65),
        (23, 65, 600),
        (40, 3, 1),
    ];
    for (m, n, k) in shapes {
        let (x, w) = (noise(m * k, 3), weights::<T>(n * (k + 3)));
        let wanted = reference(m, n, k, |i, p| x[i * k + p], |j, p| w[j * (k + 3) + p].wide());
        // Rows apart, and at an odd place.
        let view = View::strided(&w, [n, k], [k + 3, 1]).unwrap();
        let b = HalfMat::new(view);
        for &level in Level::available() {
            let mut c = vec![f32::NAN; m * n];
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            product(level, a, T::rhs(&b), MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
            for (i, found) in c.into_iter().enumerate() {
                wanted.check(i / n, i % n, found, || format!("{} {level} {m}×{n}×{k}", T::NAME));
            }
        }
    }
    for &level in Level::available() {
        for (m, n, k) in [(2, 3, 0), (20, 3, 0), (0, 3, 5), (2, 0, 5)] {
            let (x, w) = (noise(m * k, 3), weights::<T>(n * k));
            let b = HalfMat::new(View::new(&w, [n, k]).unwrap());
            let mut c = vec![f32::NAN; m * n];
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            product(level, a, T::rhs(&b), MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
            assert!(k > 0 || c.iter().all(|&c| c == 0.0), "{} {level}", T::NAME);
        }
    }
}

fn independent<T: Half>() {
    let (n, k) = (4 * 256 + 5, 515);
    let (x, w) = (noise(12 * k, 5), weights::<T>(n * k));
    let b = HalfMat::new(View::new(&w, [n, k]).unwrap());
    for &level in Level::available() {
        let run = |threads: usize, m: usize| {
            let mut c = vec![0.0; m * n];
            let a = Mat::strided(&x[..m * k], &[(m, k)], &[(k, 1)]).unwrap();
            let mut ctx = Ctx::with(level, threads);
            ctx.frame(0).1.gemm(a, T::rhs(&b), MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
            c
        };
        let (few, many) = (run(1, 8), run(1, 12));
        assert_eq!(few, run(3, 8), "{} {level}", T::NAME);
        assert_eq!(many, run(3, 12), "{} {level}", T::NAME);
        for m in 1..8 {
            assert_eq!(few[..m * n], run(2, m), "{} {level}: {m} rows of 8", T::NAME);
        }
    }
}

fn bordered<T: Half>() {
    let (n, k) = (5, 77);
    let w = weights::<T>(n * k);
    for side in [Side::Start, Side::End] {
        let guarded = Guarded::new(&w, side);
        let b = HalfMat::new(View::new(guarded.get(), [n, k]).unwrap());
        for &level in Level::available() {
            for m in [1, 9] {
                let x = Guarded::new(&noise(m * k, 8), side);
                let mut c = vec![0.0; m * n];
                let a = Mat::strided(x.get(), &[(m, k)], &[(k, 1)]).unwrap();
                product(level, a, T::rhs(&b), MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                assert!(c.iter().all(|c| c.is_finite()));
            }
        }
    }
}

/// Sums over rows, which are apart: few and many rows of x, part of a panel and several, more K than is packed at
/// once; the same bits whatever the threads and neighbours, and nothing read outside.
fn across<T: Half>() {
    for (m, n, k) in
        [(1, 1, 1), (2, 70, 37), (5, 33, 3), (8, 129, 70), (9, 40, 65), (23, 65, 600), (3, 5, 0), (20, 5, 0)]
    {
        let stride = n + 3;
        let (x, w) = (noise(m * k, 3), weights::<T>((k * stride).saturating_sub(3)));
        let wanted = reference(m, n, k, |i, p| x[i * k + p], |j, p| w[p * stride + j].wide());
        let guarded = Guarded::new(&w, if m % 2 == 0 { Side::Start } else { Side::End });
        let b = HalfMat::new(View::strided(guarded.get(), [k, n], [stride, 1]).unwrap()).across();
        for &level in Level::available() {
            let run = |threads: usize, rows: usize| {
                let mut c = vec![f32::NAN; rows * n];
                let a = Mat::strided(&x[..rows * k], &[(rows, k)], &[(k, 1)]).unwrap();
                let mut ctx = Ctx::with(level, threads);
                ctx.frame(0).1.gemm(a, T::rhs(&b), MatMut::strided(&mut c, &[(rows, n)], n).unwrap(), &());
                c
            };
            let c = run(1, m);
            for (i, &found) in c.iter().enumerate() {
                wanted.check(i / n, i % n, found, || format!("{} {level} {m}×{n}×{k}", T::NAME));
            }
            assert_eq!(c, run(3, m), "{} {level}", T::NAME);
            for rows in 1..m.min(8) {
                assert!(m > 8 || c[..rows * n] == run(2, rows), "{} {level}: {rows} rows of {m}", T::NAME);
            }
        }
    }
}

/// NaN, infinities and subnormals come through as they are.
fn special<T: Half>() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 6e-8, -0.0] {
        let (k, mut w) = (70, vec![T::from(0.5); 2 * 70]);
        w[70 + 69] = T::from(value);
        let b = HalfMat::new(View::new(&w, [2, k]).unwrap());
        let x = vec![1.0; 9 * k];
        for &level in Level::available() {
            for m in [1, 9] {
                let mut c = vec![0.0; m * 2];
                let a = Mat::strided(&x[..m * k], &[(m, k)], &[(k, 1)]).unwrap();
                product(level, a, T::rhs(&b), MatMut::strided(&mut c, &[(m, 2)], 2).unwrap(), &());
                let sum = 34.5 + T::from(value).wide();
                for c in c.chunks(2) {
                    assert_eq!(c[0], 35.0, "{} {level}", T::NAME);
                    assert!(
                        c[1] == sum || c[1].is_nan() && sum.is_nan(),
                        "{} {level}: {} {sum}",
                        T::NAME,
                        c[1]
                    );
                }
            }
        }
    }
}

macro_rules! all {
    ($($name:ident = $test:ident;)*) => {$(
        #[test]
        fn $name() {
            $test::<bf16>();
            $test::<f16>();
            $test::<i8>();
            $test::<u8>();
        }
    )*};
}

all! {
    products_are_within_their_bounds = within_the_bound;
    sums_over_rows_are_within_their_bounds = across;
    threads_and_neighbours_change_no_bit = independent;
    nothing_is_read_outside = bordered;
}

#[test]
fn specials_come_through() {
    special::<bf16>();
    special::<f16>();
}
