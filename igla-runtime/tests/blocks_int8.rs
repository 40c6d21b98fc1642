//! Rows rounded to bytes, and their products with affine formats, at every level.

mod block_formats;
mod gemm_support;
mod guard;

use block_formats::*;
use gemm_support::noise;
use guard::{Guarded, Side};
use igla_runtime::blocks::{AnyAffine, BlockMat, Int8Rows, Strips, TINY};
use igla_runtime::{Ctx, Epilogue, Isa, Level, Mat, MatMut};

/// Runs a generic test for every affine format.
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
        }
    )*};
}

every_format! {
    products_are_within_their_bounds = products;
    sums_of_bytes_are_exact_at_their_extremes = extremes;
    threads_and_neighbours_change_no_bit = independence;
    nothing_is_read_outside_the_bytes = borders;
    nan_stays_in_its_row_and_column = nan;
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

/// The product with weights in blocks and, where the format has them, in strips; and what x was rounded to.
fn product<F: IntOracle, E: Epilogue>(
    ctx: &mut Ctx,
    x: Mat<'_>,
    w: &BlockMat<'_, F>,
    epilogue: &E,
) -> (Vec<Vec<f32>>, Vec<f32>) {
    let (m, n, k) = (x.rows(), w.rows(), x.cols());
    let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(m, k));
    let rows = par.int8_rows(x, &mut scratch);
    assert_eq!((rows.rows(), rows.cols()), (m, k));
    let rounded = (0..m * k).map(|i| rows.value(i / k, i % k)).collect();
    let strips = Strips::new(w);
    assert_eq!(strips.is_some(), F::GROUP >= 32);
    let mut run = |w: AnyAffine<'_>| {
        let mut c = vec![f32::NAN; m * n];
        par.gemm_int8(&rows, w, MatMut::strided(&mut c, &[(m, n)], n).unwrap(), epilogue);
        c
    };
    let mut out = vec![run(w.into())];
    out.extend(strips.iter().map(|strips| run(strips.into())));
    (out, rounded)
}

/// Bytes at an odd address.
fn misaligned(bytes: &[u8]) -> Vec<u8> {
    [&[0x5a], bytes].concat()
}

fn min<F: IntOracle>(bytes: &[u8], cols: usize, r: usize, k: usize) -> f32 {
    let block = (r * cols + k) / F::NUMBERS;
    F::min(&bytes[block * F::BYTES..][..F::BYTES], k % F::NUMBERS)
}

fn products<F: IntOracle>() {
    // Around the sizes of groups of rows, strips, tasks, and the cut between dot products and tiles.
    let shapes =
        [(1, 1, 1), (1, 37, 2), (2, 5, 1), (3, 33, 2), (4, 260, 1), (5, 7, 3), (9, 71, 1), (43, 65, 6)];
    for (m, n, blocks) in shapes {
        let k = blocks * F::NUMBERS;
        let (x, bytes) = (noise(m * k, 3), misaligned(&random::<F>(n * blocks, 4)));
        let w = BlockMat::<F>::new(&bytes[1..], n, k).unwrap();
        for &level in Level::available() {
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            let (c, rounded) = product(&mut Ctx::with(level, 1), a, &w, &());
            // Each of the products' sums is scaled (twice rounded) and added to one lane; the lanes are added
            // last. A minimum doubles that, and what the oracle's number was rounded by is one more.
            let steps = (2 * (k / 32) + 9) as f64 * 2.0_f64.powi(-23);
            for i in 0..m {
                for j in 0..n {
                    let (mut sum, mut size) = (0.0, 0.0);
                    for p in 0..k {
                        let (x, w) = (f64::from(rounded[i * k + p]), number::<F>(&bytes[1..], k, j, p));
                        sum += x * f64::from(w);
                        size += x.abs() * f64::from(w.abs() + 2.0 * min::<F>(&bytes[1..], k, j, p).abs());
                    }
                    let bound = steps / (1.0 - steps) * size;
                    for (form, c) in c.iter().enumerate() {
                        let found = f64::from(c[i * n + j]);
                        assert!(
                            (found - sum).abs() <= bound,
                            "{} {level} {m}×{n}×{k} at ({i}, {j}), form {form}: {found}, not {sum} ± {bound}",
                            F::NAME
                        );
                    }
                }
            }
        }
    }
    for &level in Level::available() {
        for (m, n, k) in [(2, 3, 0), (0, 3, F::NUMBERS), (2, 0, F::NUMBERS), (20, 3, 0), (20, 0, F::NUMBERS)]
        {
            let (x, bytes) = (noise(m * k, 3), random::<F>(n * k / F::NUMBERS, 4));
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
            let (c, _) = product(&mut Ctx::with(level, 2), a, &w, &());
            assert!(k > 0 || c.iter().flatten().all(|&c| c == 0.0), "{} {level}", F::NAME);
        }
    }
}

/// Whole numbers with a scale of one: nothing is ever rounded, so results are exact, on every level and way.
fn extremes<F: IntOracle>() {
    let (n, k) = (19, 2 * F::NUMBERS);
    let fills: [Option<u8>; 6] = [Some(0), Some(255), Some(128), Some(127), Some(0xf0), None];
    let patterns: [fn(usize) -> f32; 5] = [
        |_| 127.0,
        |_| -127.0,
        |i| if i % 2 == 0 { 127.0 } else { -127.0 },
        |i| if i % 4 < 2 { 127.0 } else { -127.0 },
        |i| if i % 32 == 5 { -127.0 } else { (i * 37 % 255) as f32 - 127.0 },
    ];
    for fill in fills {
        let mut bytes = random::<F>(n * 2, 11);
        for block in bytes.chunks_exact_mut(F::BYTES) {
            fill.inspect(|&fill| block.fill(fill));
            F::tame(block);
            for &at in F::HALVES {
                block[at..at + 2].copy_from_slice(&0x3c00u16.to_le_bytes());
            }
        }
        let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
        for m in [1, 2, 3, 4, 5, 8, 11] {
            let x: Vec<f32> = (0..m * k).map(|i| patterns[(i / k) % patterns.len()](i % k)).collect();
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            for &level in Level::available() {
                let (c, rounded) = product(&mut Ctx::with(level, 1), a, &w, &());
                assert_eq!(rounded, x);
                for i in 0..m * n {
                    let number = |p| f64::from(number::<F>(&bytes, k, i % n, p));
                    let sum: f64 = (0..k).map(|p| f64::from(x[i / n * k + p]) * number(p)).sum();
                    for (form, c) in c.iter().enumerate() {
                        let what = || format!("{} {level} {fill:?} {m} rows, {i}, form {form}", F::NAME);
                        assert_eq!(f64::from(c[i]), sum, "{}", what());
                    }
                }
            }
        }
    }
}

fn independence<F: IntOracle>() {
    let (n, k) = (4 * 256 + 5, 256usize.next_multiple_of(F::NUMBERS));
    let (x, bytes) = (noise(40 * k, 5), random::<F>(n * k / F::NUMBERS, 6));
    let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
    // The same x with K not adjacent.
    let turned: Vec<f32> = (0..k * 40).map(|i| x[i % 40 * k + i / 40]).collect();
    for &level in Level::available() {
        let run = |threads: usize, m: usize| {
            let a = Mat::strided(&x[..m * k], &[(m, k)], &[(k, 1)]).unwrap();
            product(&mut Ctx::with(level, threads), a, &w, &AddColumn).0
        };
        let (few, many) = (run(1, 4), run(1, 40));
        assert_eq!(few, run(3, 4), "{} {level}", F::NAME);
        assert_eq!(many, run(3, 40), "{} {level}", F::NAME);
        let a = Mat::strided(&turned, &[(40, 1)], &[(k, 40)]).unwrap();
        assert_eq!(many, product(&mut Ctx::with(level, 2), a, &w, &AddColumn).0, "{} {level}", F::NAME);
        for m in (1..4).chain(5..14) {
            for ((few, many), some) in few.iter().zip(&many).zip(run(2, m)) {
                let all = if m < 4 { few } else { many };
                assert_eq!(all[..m * n], some, "{} {level}: {m} rows", F::NAME);
            }
        }
        // Levels with one rounding for a product and a sum agree: their sums of bytes are the same whole numbers.
        if level != Level::Scalar {
            let a = Mat::strided(&x, &[(40, k)], &[(k, 1)]).unwrap();
            let lower = product(&mut Ctx::with(Level::available()[1], 1), a, &w, &AddColumn).0;
            assert_eq!(many, lower, "{} {level}", F::NAME);
        }
        // In strips there is one way only, however many rows.
        if let (Some(few), Some(many)) = (few.get(1), many.get(1)) {
            assert_eq!(few[..], many[..4 * n], "{} {level}", F::NAME);
        }
    }
}

fn borders<F: IntOracle>() {
    let (n, k) = (5, 2 * F::NUMBERS);
    let bytes = random::<F>(n * 2, 7);
    for side in [Side::Start, Side::End] {
        let guarded = Guarded::new(&bytes, side);
        let w = BlockMat::<F>::new(guarded.get(), n, k).unwrap();
        for &level in Level::available() {
            for m in [1, 9] {
                let x = Guarded::new(&noise(m * k, 8), side);
                let a = Mat::strided(x.get(), &[(m, k)], &[(k, 1)]).unwrap();
                product(&mut Ctx::with(level, 1), a, &w, &());
            }
        }
    }
}

fn nan<F: IntOracle>() {
    let (n, k) = (10, 2 * F::NUMBERS);
    for m in [4, 12] {
        let (mut x, mut bytes) = (noise(m * k, 8), random::<F>(n * 2, 7));
        (x[k + 3], x[3 * k + 40]) = (f32::NAN, f32::NEG_INFINITY);
        bytes[2 * 3 * F::BYTES + F::HALVES[0]..][..2].copy_from_slice(&0x7e00u16.to_le_bytes());
        let w = BlockMat::<F>::new(&bytes, n, k).unwrap();
        for &level in Level::available() {
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap();
            let (c, _) = product(&mut Ctx::with(level, 1), a, &w, &());
            for (i, c) in c.iter().flat_map(|c| c.iter().enumerate()) {
                let nan = i / n == 1 || i / n == 3 || i % n == 3;
                assert_eq!(c.is_nan(), nan, "{} {level} {m} rows, ({}, {})", F::NAME, i / n, i % n);
            }
        }
    }
}

/// Rounds rows; the bytes' values and the scales they imply.
fn rounded(level: Level, x: &[f32]) -> Vec<f32> {
    let mut ctx = Ctx::with(level, 1);
    let k = x.len();
    let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(1, k));
    let rows = par.int8_rows(Mat::strided(x, &[(1, k)], &[(k, 1)]).unwrap(), &mut scratch);
    (0..k).map(|i| rows.value(0, i)).collect()
}

#[test]
fn rounding_is_to_the_nearest_of_255_steps() {
    let mut chunks: Vec<Vec<f32>> = Vec::new();
    for e in [-126, -119, -100, -20, -1, 0, 1, 60, 127] {
        let size = 2.0_f32.powi(e);
        chunks.push(noise(32, (e + 500) as u32).into_iter().map(|x| x * size).collect());
        chunks.push(vec![size; 32]);
        chunks.push((0..32).map(|i| if i == 7 { -size } else { size / (i + 1) as f32 }).collect());
    }
    // Ties: halves of the scale, which is one.
    chunks.push((0..32).map(|i| if i == 0 { 127.0 } else { i as f32 - 15.5 }).collect());
    chunks.push(vec![f32::MAX / 2.0; 32]);
    chunks.push(vec![0.0; 32]);
    chunks.push(vec![1e-40; 32]);
    chunks.push((0..32).map(|i| if i == 31 { 1e-39 } else { f32::MIN_POSITIVE }).collect());
    for chunk in &chunks {
        let most = chunk.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        let model = rounded(Level::Scalar, chunk);
        let scale = if most < TINY { 0.0 } else { most / 127.0 };
        for (&x, &found) in chunk.iter().zip(&model) {
            let wanted = if scale == 0.0 { 0.0 } else { scale * (x / scale).round_ties_even() };
            assert_eq!(found, wanted, "{x} of at most {most}");
            let bound = f64::from(scale) * 0.500_001 + if scale == 0.0 { f64::from(TINY) } else { 0.0 };
            assert!((f64::from(found) - f64::from(x)).abs() <= bound, "{x}: {found}");
        }
        for &level in Level::available() {
            assert_eq!(rounded(level, chunk), model, "{level}");
        }
    }
    for &level in Level::available() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 9, 17, 31] {
                let mut x = [1.0; 64];
                x[at] = bad;
                let found = rounded(level, &x);
                assert!(
                    found[..32].iter().all(|x| x.is_nan()) && found[32..] == [1.0; 32],
                    "{level} {bad} {at}"
                );
            }
        }
    }
}

#[test]
#[should_panic(expected = "x is 2 × 64, the weights are 3 × 32, so C cannot be 2 × 3")]
fn shapes_that_disagree_are_refused() {
    let bytes = random::<Q4_0>(3, 1);
    product(
        &mut Ctx::with(Level::Scalar, 1),
        Mat::strided(&[0.0; 128], &[(2, 64)], &[(64, 1)]).unwrap(),
        &BlockMat::<Q4_0>::new(&bytes, 3, 32).unwrap(),
        &(),
    );
}
