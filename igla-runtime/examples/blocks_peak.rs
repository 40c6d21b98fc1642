//! How close products with weights in blocks come to what memory and the multiply-add units can do.
//!
//! ```text
//! cargo run --release -p igla-runtime --features measure --example blocks_peak [LEVEL …] [cached|memory|many …]
//! ```
//! Products with one row of activations read every weight once, so they are compared with a loop that only
//! reads the same number of bytes, for weights that stay in the second cache, in the third, and in neither.
//! Products with many rows are compared with f32 products of the same shape and with the peak of fused
//! multiply-adds. All take turns, and the best turn of each counts.

#[path = "../tests/block_formats/mod.rs"]
mod block_formats;

use std::time::Instant;

use block_formats::{IntOracle, IntTable, Q4_0, Q6K, Q8_0, Ternary2, Three, random};
use igla_runtime::blocks::{AnyAffine, BlockMat, Int8Rows, Strips};
use igla_runtime::{Ctx, Level, Mat, MatMut, PackedB, ceiling};

const ROUNDS: usize = 5;
/// Seconds per turn.
const TURN: f64 = 0.03;
/// Numbers in a row of weights.
const COLS: usize = 4096;
/// Bytes of weights: in the second cache, in the third, in neither.
const FOOTPRINTS: [usize; 3] = [256 << 10, 8 << 20, 384 << 20];
/// Rows of activations in the products that are bound by arithmetic, and the rows of their weights.
const PREFILL: (usize, usize) = (512, 2048);

/// Seconds of processor time of this thread: with one thread, waiting for others' turns does not count.
fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Seconds of the best of a turn's calls, at least two: the thread's own if there is one, else the clock's.
fn turn(threads: usize, mut work: impl FnMut()) -> f64 {
    let (begin, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 2 || begin.elapsed().as_secs_f64() < TURN {
        let (start, own) = (Instant::now(), thread_seconds());
        work();
        let took = if threads == 1 { thread_seconds() - own } else { start.elapsed().as_secs_f64() };
        best = best.min(took);
        calls += 1;
    }
    best
}

/// Numbers of moderate size.
fn activations(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect()
}

/// Blocks of a format that fill about `bytes`, in rows of `cols`.
fn weights<F: IntOracle>(bytes: usize, cols: usize) -> (Vec<u8>, usize) {
    let row = cols / F::NUMBERS * F::BYTES;
    let rows = (bytes / row).max(8) / 8 * 8;
    let some = random::<F>(cols / F::NUMBERS * rows.min(64), 1);
    (some.iter().copied().cycle().take(rows * row).collect(), rows)
}

/// One row of x on one and on all threads, with bytes and exactly; gigabytes of weights a second.
fn streaming<F: IntOracle>(level: Level, footprint: usize) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cols = COLS / F::NUMBERS * F::NUMBERS;
    let (bytes, n) = weights::<F>(footprint, cols);
    let w = BlockMat::<F>::new(&bytes, n, cols).expect("whole rows");
    let x = activations(8 * cols);
    let mut contexts = [Ctx::with(level, 1), Ctx::with(level, threads)];
    let mut c = vec![0.0; 8 * n];
    let strips = Strips::new(&w);
    let ways: [(Option<AnyAffine<'_>>, usize); 6] = [
        (Some((&w).into()), 1),
        (Some((&w).into()), 4),
        (Some((&w).into()), 8),
        (strips.as_ref().map(Into::into), 1),
        (strips.as_ref().map(Into::into), 4),
        (strips.as_ref().map(Into::into), 8),
    ];
    // Reading; exact with 1 row; the ways.
    let mut best = [[f64::INFINITY; 8]; 2];
    for _ in 0..ROUNDS {
        for (ctx, best) in contexts.iter_mut().zip(&mut best) {
            let threads = ctx.threads();
            best[0] = best[0].min(turn(threads, || ceiling::read_once(ctx, &bytes)));
            let a = Mat::strided(&x[..cols], &[(1, cols)], &[(cols, 1)]).expect("it fits");
            best[1] = best[1].min(turn(threads, || {
                let c = MatMut::strided(&mut c, &[(1, n)], n).expect("it fits");
                ctx.frame(0).1.gemm(a, &w, c, &());
            }));
            for (best, (w, m)) in best[2..].iter_mut().zip(ways) {
                let Some(w) = w else { continue };
                let a = Mat::strided(&x, &[(m, cols)], &[(cols, 1)]).expect("it fits");
                let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(m, cols));
                let rows = par.int8_rows(a, &mut scratch);
                *best = best.min(turn(threads, || {
                    par.gemm_int8(&rows, w, MatMut::strided(&mut c, &[(m, n)], n).expect("it fits"), &());
                }));
            }
        }
    }
    for (ctx, best) in contexts.iter().zip(best) {
        // Nothing for what a format does not have.
        let speed = |seconds: f64| bytes.len() as f64 / seconds / 1e9;
        let share = |seconds: f64| 100.0 * best[0] / seconds;
        println!(
            "{:27} {:6.1} MB {} thr │ read {:5.1} GB/s │ exact {:5.1} ({:3.0} %) │ blocks {:5.1} ({:3.0} %) 4 rows {:5.1} 8 rows {:5.1} │ strips {:5.1} ({:3.0} %) 4 rows {:5.1} 8 rows {:5.1}",
            F::NAME,
            bytes.len() as f64 / 1e6,
            ctx.threads(),
            speed(best[0]),
            speed(best[1]),
            share(best[1]),
            speed(best[2]),
            share(best[2]),
            speed(best[3]),
            speed(best[4]),
            speed(best[5]),
            share(best[5]),
            speed(best[6]),
            speed(best[7]),
        );
    }
}

/// Many rows of x on one thread; billions of multiply-adds a second.
fn many<F: IntOracle>(level: Level) {
    let (m, n) = PREFILL;
    let cols = COLS / F::NUMBERS * F::NUMBERS;
    let (bytes, _) = weights::<F>(n * cols / F::NUMBERS * F::BYTES, cols);
    let w = BlockMat::<F>::new(&bytes, n, cols).expect("whole rows");
    let x = activations(m * cols);
    let plain = activations(n * cols);
    let packed = PackedB::new(Mat::strided(&plain, &[(n, cols)], &[(cols, 1)]).expect("it fits"));
    let a = Mat::strided(&x, &[(m, cols)], &[(cols, 1)]).expect("it fits");
    let mut ctx = Ctx::with(level, 1);
    let mut c = vec![0.0; m * n];
    macro_rules! out {
        () => {
            MatMut::strided(&mut c, &[(m, n)], n).expect("it fits")
        };
    }
    let strips = Strips::new(&w);
    // f32 packed; blocks decoded to f32; bytes with blocks and with strips, rounding of x included.
    let (mut peak, mut best) = (0.0_f64, [f64::INFINITY; 4]);
    for _ in 0..ROUNDS {
        peak = peak.max(ceiling::multiply_adds(&mut ctx) / 2e9);
        best[0] = best[0].min(turn(1, || ctx.frame(0).1.gemm(a, &packed, out!(), &())));
        best[1] = best[1].min(turn(1, || ctx.frame(0).1.gemm(a, &w, out!(), &())));
        let ways: [Option<AnyAffine<'_>>; 2] = [Some((&w).into()), strips.as_ref().map(Into::into)];
        for (best, w) in best[2..].iter_mut().zip(ways) {
            let Some(w) = w else { continue };
            *best = best.min(turn(1, || {
                let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(m, cols));
                let rows = par.int8_rows(a, &mut scratch);
                par.gemm_int8(&rows, w, out!(), &());
            }));
        }
    }
    let speed = |seconds: f64| (m * n * cols) as f64 / seconds / 1e9;
    println!(
        "{:28} {m} × {n} × {cols} │ peak {peak:.0} G multiply-adds/s │ f32 packed {:3.0} %, blocks as f32 {:3.0} %, bytes: blocks {:3.0} %, strips {:3.0} % of it",
        F::NAME,
        100.0 * speed(best[0]) / peak,
        100.0 * speed(best[1]) / peak,
        100.0 * speed(best[2]) / peak,
        100.0 * speed(best[3]) / peak,
    );
}

fn table(level: Level, wanted: impl Fn(&str) -> bool) {
    let [second, third, neither] = FOOTPRINTS;
    if wanted("cached") {
        println!("{level}: weights read once, by one row of activations and by more, from caches");
        for footprint in [second, third] {
            streaming::<Q4_0>(level, footprint);
            streaming::<Q8_0>(level, footprint);
            streaming::<Ternary2>(level, footprint);
        }
        streaming::<Q6K>(level, second);
        streaming::<Three>(level, second);
        streaming::<IntTable>(level, second);
    }
    if wanted("memory") {
        println!("{level}: the same from memory");
        streaming::<Q4_0>(level, neither);
        streaming::<Q8_0>(level, neither);
        streaming::<Ternary2>(level, neither);
    }
    if wanted("many") {
        println!("{level}: many rows of activations, one thread");
        many::<Q4_0>(level);
        many::<Ternary2>(level);
        many::<Q8_0>(level);
    }
}

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let levels: Vec<Level> = named.iter().filter_map(|name| name.parse().ok()).collect();
    let parts: Vec<&String> = named.iter().filter(|name| name.parse::<Level>().is_err()).collect();
    for &level in Level::available() {
        if levels.is_empty() || levels.contains(&level) {
            table(level, |part| parts.is_empty() || parts.iter().any(|name| *name == part));
        }
    }
}
