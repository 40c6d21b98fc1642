//! Products with weights in blocks, igla-runtime's against ggml's: the same bytes, x and threads, in turns.
//!
//! ```text
//! RUSTFLAGS="-C target-cpu=native" cargo run --release
//! ```
//! needs cmake and libclang (both also come from PyPI: `cmake`, `libclang`; then `LIBCLANG_PATH` and
//! `BINDGEN_EXTRA_CLANG_ARGS=-I<gcc's include folder>`). ggml is asked twice: with the bytes as they are, as a
//! mapped file has them, and with bytes that it rearranged beforehand, where it can. Its results and ours
//! are compared first. Both round x to bytes inside what is timed.

#[path = "../../../igla-runtime/tests/block_formats/mod.rs"]
mod block_formats;
mod ggml;

use std::time::Instant;

use block_formats::{IntOracle, Q4_0, Q8_0, Ternary2, random};
use ggml::Product;
use igla_runtime::blocks::{AnyAffine, BlockMat, Int8Rows, Strips};
use igla_runtime::{Ctx, Level, Mat, MatMut};

const ROUNDS: usize = 5;
/// Seconds per turn.
const TURN: f64 = 0.03;
/// Rows of x, rows of weights, numbers in each.
const SHAPES: [[usize; 3]; 6] = [
    [1, 128, 4096],
    [1, 1024, 4096],
    [4, 1024, 4096],
    [1, 65536, 8192],
    [128, 2048, 4096],
    [512, 2048, 4096],
];

/// Seconds of processor time of this thread: with one thread, waiting for others' turns does not count.
fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is writable; the clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Seconds of the best of a turn's calls, after one that does not count: the thread's own if there is one, else the
/// clock's.
fn turn(threads: usize, mut work: impl FnMut()) -> f64 {
    work();
    let (begin, mut best, mut calls) = (Instant::now(), f64::INFINITY, 0);
    while calls < 1 || begin.elapsed().as_secs_f64() < TURN {
        let (start, own) = (Instant::now(), thread_seconds());
        work();
        let took = if threads == 1 { thread_seconds() - own } else { start.elapsed().as_secs_f64() };
        best = best.min(took);
        calls += 1;
    }
    best
}

fn compare<F: IntOracle>(kind: u32, threads: usize) {
    for [m, n, k] in SHAPES {
        let row = k / F::NUMBERS * F::BYTES;
        let some = random::<F>(k / F::NUMBERS * n.min(64), 1);
        let bytes: Vec<u8> = some.iter().copied().cycle().take(n * row).collect();
        let x: Vec<f32> = (0..m * k).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
        let w = BlockMat::<F>::new(&bytes, n, k).expect("whole rows");
        let mut ctx = Ctx::with(Level::best(), threads);
        let mut c = vec![0.0; m * n];
        let strips = Strips::new(&w);
        let mut ours = |w: AnyAffine<'_>, c: &mut [f32]| {
            let a = Mat::strided(&x, &[(m, k)], &[(k, 1)]).expect("it fits");
            let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(m, k));
            let rows = par.int8_rows(a, &mut scratch);
            par.gemm_int8(&rows, w, MatMut::strided(c, &[(m, n)], n).expect("it fits"), &());
        };
        let mut theirs = Product::new(kind, [m, n, k], &bytes, &x, threads, false);
        let mut rearranged = Product::new(kind, [m, n, k], &bytes, &x, threads, true);
        // Ours with blocks and with strips; ggml's with the bytes as they are and rearranged.
        let mut best = [f64::INFINITY; 4];
        for _ in 0..ROUNDS {
            best[0] = best[0].min(turn(threads, || ours((&w).into(), &mut c)));
            if let Some(strips) = &strips {
                best[1] = best[1].min(turn(threads, || ours(strips.into(), &mut c)));
            }
            for (best, product) in best[2..].iter_mut().zip([&mut theirs, &mut rearranged]) {
                if let Some(product) = product {
                    *best = best.min(turn(threads, || product.run()));
                }
            }
        }
        // ggml rounds x to bytes with a scale in 16 bits, so results agree only roughly.
        for product in [&theirs, &rearranged].into_iter().flatten() {
            let found = product.result();
            let (mut error, mut size) = (0.0, 0.0);
            for (found, ours) in found.iter().zip(&c) {
                error += f64::from(found - ours).powi(2);
                size += f64::from(*ours).powi(2);
            }
            let relative = (error / size).sqrt();
            assert!(relative < 0.02, "{} {m} × {n} × {k}: results differ by {relative}", F::NAME);
        }
        let rate = |seconds: f64| (m * n * k) as f64 / seconds / 1e9;
        println!(
            "{:16} {m:4} × {n:5} × {k} {:7.1} MB │ G multiply-adds/s: blocks {:6.1} strips {:6.1} │ ggml {:6.1}, rearranged {:6.1} │ × {:5.2} blocks, × {:5.2} strips against its better {:5.2}",
            F::NAME,
            bytes.len() as f64 / 1e6,
            rate(best[0]),
            rate(best[1]),
            rate(best[2]),
            rate(best[3]),
            best[2] / best[0],
            best[2] / best[1],
            best[2].min(best[3]) / best[0].min(best[1]),
        );
    }
}

fn main() {
    println!("{}, ggml with {}", Level::best(), ggml::features());
    for threads in [1, std::thread::available_parallelism().map_or(1, usize::from)] {
        println!("{threads} threads");
        compare::<Q4_0>(ggml::Q4_0, threads);
        compare::<Q8_0>(ggml::Q8_0, threads);
        compare::<Ternary2>(ggml::TQ2_0, threads);
    }
}
