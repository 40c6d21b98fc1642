//! Decoding, and products with decoded numbers, against the equations, at every level.

mod block_formats;
mod gemm_support;
mod guard;

use block_formats::*;
use gemm_support::{noise, product, reference};
use guard::{Guarded, Side};
use igla_runtime::blocks::{BlockMat, Blocks, CHUNK};
use igla_runtime::isa::{Isa, Kernel, dispatch};
use igla_runtime::{Ctx, Epilogue, Level, Mat, MatMut};

/// Runs a generic test for every format.
macro_rules! every_format {
    ($($name:ident = $test:ident;)*) => {$(
        #[test]
        fn $name() {
            $test::<Q8_0>();
            $test::<Q4_0>();
            $test::<Q4_1>();
            $test::<Q5_0>();
            $test::<Q6K>();
            $test::<Ternary2>();
            $test::<Trits>();
            $test::<Three>();
            $test::<IntTable>();
            $test::<Bytes8>();
            $test::<Nf4>();
            $test::<Fp8>();
        }
    )*};
}

every_format! {
    decoding_has_the_bits_of_the_equations = decoding;
    products_are_within_their_bounds = products;
    threads_and_neighbours_change_no_bit = independence;
    sums_over_rows_are_within_their_bounds = across;
    nothing_is_read_outside_the_bytes = borders;
    special_scales_come_through = special;
}

struct DecodeAll<'a, F: Blocks>(BlockMat<'a, F>);

impl<F: Blocks> Kernel for DecodeAll<'_, F> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Isa>(self, s: S) -> Vec<f32> {
        let mut out = Vec::new();
        for r in 0..self.0.rows() {
            for block in self.0.row(r) {
                for chunk in 0..F::NUMBERS / CHUNK {
                    out.extend(F::decode(s, block, chunk).to_array());
                }
            }
        }
        out
    }
}

fn decoding<F: Oracle>() {
    let (rows, cols) = (97, 3 * F::NUMBERS);
    let bytes = random::<F>(rows * 3, 1);
    for &level in Level::available() {
        let found = dispatch(level, DecodeAll::<F>(BlockMat::new(&bytes, rows, cols).unwrap()));
        for (i, found) in found.into_iter().enumerate() {
            let wanted = number::<F>(&bytes, cols, i / cols, i % cols);
            assert!(
                found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan(),
                "{} {level} number {i}: {found}, not {wanted}",
                F::NAME
            );
        }
    }
}

/// Bytes at an odd address.
fn misaligned(bytes: &[u8]) -> Vec<u8> {
    [&[0x5a], bytes].concat()
}

fn products<F: Oracle>() {
    // Around the heights of strips, the widths of panels and chunks of columns, and the cut between rows
    // met in registers and panels.
    let shapes =
        [(1, 1, 1), (1, 37, 2), (2, 5, 1), (3, 33, 2), (4, 260, 1), (8, 7, 3), (9, 40, 1), (23, 65, 6)];
    for (m, n, blocks) in shapes {
        let k = blocks * F::NUMBERS;
        let (x, bytes) = (noise(m * k, 3), random::<F>(n * blocks, 4));
        let wanted = reference(m, n, k, |i, p| x[i * k + p], |j, p| number::<F>(&bytes, k, j, p));
        let odd = misaligned(&bytes);
        let w = BlockMat::<F>::new(&odd[1..], n, k).unwrap();
        // The same x with K not adjacent.
        let turned: Vec<f32> = (0..k * m).map(|i| x[i % m * k + i / m]).collect();
        for &level in Level::available() {
            for (a, form) in [
                (Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap(), "rows"),
                (Mat::strided(&turned, &[(m, 1)], &[(k, m)]).unwrap(), "columns"),
            ] {
                let mut c = vec![f32::NAN; m * n];
                product(level, a, &w, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                for (i, found) in c.into_iter().enumerate() {
                    let what = || format!("{} {level} {m}×{n}×{k} {form}", F::NAME);
                    wanted.check(i / n, i % n, found, what);
                }
            }
        }
    }
    // Nothing to add, nothing to write.
    for &level in Level::available() {
        for (m, n, k) in [(2, 3, 0), (0, 3, F::NUMBERS), (2, 0, F::NUMBERS), (20, 3, 0), (20, 0, F::NUMBERS)]
        {
            let (x, bytes) = (noise(m * k, 3), random::<F>(n * k / F::NUMBERS, 4));
            let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
            let mut c = vec![f32::NAN; m * n];
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            product(level, a, &w, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
            assert!(k > 0 || c.iter().all(|&c| c == 0.0), "{} {level}", F::NAME);
        }
    }
}

/// Sums over the weights' rows: few and many rows of x, one and several chunks, more K than is packed at once, on
/// several threads; the same bits however rows are grouped.
fn across<F: Oracle>() {
    for (m, k, blocks) in
        [(1, 1, 1), (2, 37, 2), (5, 3, 1), (8, 70, 3), (9, 40, 1), (23, 600, 2), (3, 0, 1), (20, 0, 2)]
    {
        let n = blocks * F::NUMBERS;
        let (x, bytes) = (noise(m * k, 11), random::<F>(k * blocks, 12));
        let wanted = reference(m, n, k, |i, p| x[i * k + p], |j, p| number::<F>(&bytes, n, p, j));
        let guarded = Guarded::new(&bytes, if m % 2 == 0 { Side::Start } else { Side::End });
        let w = BlockMat::<F>::new(guarded.get(), k, n).unwrap().across();
        for &level in Level::available() {
            let run = |threads: usize, rows: usize| {
                let mut c = vec![f32::NAN; rows * n];
                let a = Mat::strided(&x[..rows * k], &[(rows, k)], &[(k, 1)]).unwrap();
                let mut ctx = Ctx::with(level, threads);
                ctx.frame(0).1.gemm(a, &w, MatMut::strided(&mut c, &[(rows, n)], n).unwrap(), &());
                c
            };
            let c = run(1, m);
            for (i, &found) in c.iter().enumerate() {
                wanted.check(i / n, i % n, found, || format!("{} {level} {m}×{n}×{k}", F::NAME));
            }
            assert_eq!(c, run(3, m), "{} {level}", F::NAME);
            for rows in 1..m.min(8) {
                assert!(m > 8 || c[..rows * n] == run(2, rows), "{} {level}: {rows} rows of {m}", F::NAME);
            }
        }
    }
}

/// Adds the column's number, to see that epilogues are called.
struct AddColumn;

impl Epilogue for AddColumn {
    #[inline(always)]
    fn row<S: Isa>(&self, _: S, _: usize, j0: usize, row: &mut [f32]) {
        for (j, value) in row.iter_mut().enumerate() {
            *value += (j0 + j) as f32;
        }
    }
}

fn independence<F: Oracle>() {
    let (n, k) = (4 * 256 + 5, 2 * F::NUMBERS.next_multiple_of(256 / gcd(256, F::NUMBERS)));
    let k = k.next_multiple_of(F::NUMBERS);
    let (x, bytes) = (noise(12 * k, 5), random::<F>(n * k / F::NUMBERS, 6));
    let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
    for &level in Level::available() {
        let run = |threads: usize, m: usize| {
            let mut c = vec![0.0; m * n];
            let a = Mat::strided(&x[..m * k], &[(m, k)], &[(k, 1)]).unwrap();
            let mut ctx = Ctx::with(level, threads);
            ctx.frame(0).1.gemm(a, &w, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &AddColumn);
            c
        };
        let (few, many) = (run(1, 8), run(1, 12));
        assert_eq!(few, run(3, 8), "{} {level}", F::NAME);
        assert_eq!(many, run(3, 12), "{} {level}", F::NAME);
        for m in 1..8 {
            assert_eq!(few[..m * n], run(2, m), "{} {level}: {m} rows of 8", F::NAME);
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn borders<F: Oracle>() {
    let (n, k) = (5, 2 * F::NUMBERS);
    let bytes = random::<F>(n * 2, 7);
    for side in [Side::Start, Side::End] {
        let guarded = Guarded::new(&bytes, side);
        let w = BlockMat::<F>::new(guarded.get(), n, k).unwrap();
        for &level in Level::available() {
            for m in [1, 9] {
                let x = Guarded::new(&noise(m * k, 8), side);
                let a = Mat::strided(x.get(), &[(m, k)], &[(k, 1)]).unwrap();
                let mut c = Guarded::new(&vec![0.0f32; m * n], side);
                product(level, a, &w, MatMut::strided(c.get_mut(), &[(m, n)], n).unwrap(), &());
            }
        }
    }
}

fn special<F: Oracle>() {
    let Some(&at) = F::HALVES.first() else { return };
    let (n, k) = (3, F::NUMBERS);
    for (bits, name) in [(0x7e00u16, "NaN"), (0x7c00, "infinity"), (0x0001, "subnormal"), (0x8000, "−0")] {
        if F::NAME == Nf4::NAME && bits & 0x7fff < 2 {
            // The upper half of an f32: numbers would underflow, for which the bound has no term.
            continue;
        }
        let mut bytes = random::<F>(n, 9);
        bytes[F::BYTES + at..][..2].copy_from_slice(&bits.to_le_bytes());
        let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
        for m in [1, 9] {
            let x = noise(m * k, 10);
            let wanted = reference(m, n, k, |i, p| x[i * k + p], |j, p| number::<F>(&bytes, k, j, p));
            for &level in Level::available() {
                let mut c = vec![0.0; m * n];
                let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
                product(level, a, &w, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), &());
                for (i, &found) in c.iter().enumerate() {
                    let special = i % n == 1 && (0x7c00..0x8000).contains(&bits) && F::NAME != Nf4::NAME;
                    if special {
                        assert!(!found.is_finite(), "{} {level} {name}: {found}", F::NAME);
                    } else if found.is_finite() {
                        wanted.check(i / n, i % n, found, || format!("{} {level} {name}", F::NAME));
                    } else {
                        assert!(i % n == 1, "{} {level} {name} reaches other rows", F::NAME);
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_that_do_not_fit_are_refused() {
    let bytes = vec![0; 18 * 6];
    assert!(BlockMat::<Q4_0>::new(&bytes, 3, 64).is_ok());
    assert!(BlockMat::<Q4_0>::new(&bytes, 2, 96).is_ok());
    let refused = |rows, cols| BlockMat::<Q4_0>::new(&bytes, rows, cols).unwrap_err().to_string();
    assert!(refused(3, 48).contains("a row of 48 numbers is not made of blocks of 32"), "{}", refused(3, 48));
    assert!(refused(4, 64).contains("do not take 108 bytes"), "{}", refused(4, 64));
    assert!(refused(usize::MAX, 64).contains("do not take"), "{}", refused(usize::MAX, 64));
    assert!(BlockMat::<Q4_0>::new(&bytes[1..], 3, 64).is_err());
}
