//! How close the matrix products come to what the multiply-add units can do.
//!
//! ```text
//! cargo run --release -p igla-runtime --features measure --example gemm_peak [LEVEL …]
//! ```
//! The peak is measured, not computed from a clock: a loop of independent multiply-adds on
//! registers, on one thread and on all at once. Peak and products take turns, and the best turn
//! of each counts, so that a machine that changes speed meanwhile changes both. Products of bytes are in a table of their
//! own, as shares of what products of fours of bytes reach on registers.

use std::time::Instant;

use igla_runtime::gemm::{Mat, MatMut, PackedB, PackedBf16, PackedI8, Rhs, RhsI8, gemm, gemm_scratch};
use igla_runtime::isa::{Isa, Kernel, dispatch};
use igla_runtime::{Ctx, Level, Par, Scratch, View, bf16, ceiling};

const ROUNDS: usize = 7;
/// Seconds per turn.
const TURN: f64 = 0.02;

const SHAPES: [[usize; 3]; 20] = [
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [512, 4096, 4096],
    [128, 384, 384],
    [128, 1536, 384],
    [128, 384, 1536],
    [512, 384, 384],
    [512, 1536, 384],
    [512, 384, 1536],
    [1, 384, 384],
    [4, 384, 384],
    [8, 384, 384],
    [16, 384, 384],
    [8, 8, 32],
    [32, 32, 32],
    [128, 128, 32],
    [256, 256, 32],
    [32, 32, 256],
    [256, 32, 256],
];

/// One product on the calling thread.
struct Product<'a, 's> {
    a: Mat<'a>,
    b: Rhs<'a>,
    c: MatMut<'a>,
    scratch: &'a mut Scratch<'s>,
}

impl Kernel for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        gemm(s, self.a, self.b, self.c, &(), self.scratch);
    }
}

/// Which product: B packed before, K adjacent, or N adjacent; packed as `bf16`, and A rounded to it.
#[derive(Clone, Copy)]
enum Right {
    Packed,
    Rows,
    Columns,
    Pairs,
    Rounded,
}

const SERIAL: [Right; 5] = [Right::Packed, Right::Rows, Right::Columns, Right::Pairs, Right::Rounded];

struct Case {
    shape: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    packed: PackedB,
    pairs: PackedBf16,
}

impl Case {
    fn new(shape: [usize; 3]) -> Self {
        let [m, n, k] = shape;
        let fill =
            |len: usize, step: usize| (0..len).map(|i| (i * step % 17) as f32 - 8.0).collect::<Vec<_>>();
        let (a, b) = (fill(m * k, 5), fill(n * k, 7));
        let packed = PackedB::new(Mat::strided(&b, &[(n, k)], &[(k, 1)]).expect("it fits"));
        let halves: Vec<bf16> = b.iter().map(|x| bf16::from_f32(*x)).collect();
        let pairs = PackedBf16::new(View::new(&halves, [n, k]).expect("it fits"));
        Self { shape, a, b, c: vec![0.0; m * n], packed, pairs }
    }

    fn flops(&self) -> f64 {
        2.0 * self.shape.iter().product::<usize>() as f64
    }

    fn operands(&mut self, right: Right) -> (Mat<'_>, Rhs<'_>, MatMut<'_>) {
        let [m, n, k] = self.shape;
        let a = Mat::strided(&self.a, &[(m, k)], &[(k, 1)]).expect("it fits");
        let b = match right {
            Right::Packed => Rhs::from(&self.packed),
            Right::Pairs => Rhs::from(&self.pairs),
            Right::Rounded => self.pairs.rounding(),
            Right::Rows => Mat::strided(&self.b, &[(n, k)], &[(k, 1)]).expect("it fits").into(),
            Right::Columns => Mat::strided(&self.b, &[(n, 1)], &[(k, n)]).expect("it fits").into(),
        };
        (a, b, MatMut::strided(&mut self.c, &[(m, n)], n).expect("it fits"))
    }

    fn serial(&mut self, level: Level, right: Right, scratch: &mut Scratch<'_>) {
        let (a, b, c) = self.operands(right);
        dispatch(level, Product { a, b, c, scratch });
    }

    fn shared(&mut self, right: Right, par: &mut Par<'_>) {
        let (a, b, c) = self.operands(right);
        par.gemm(a, b, c, &());
    }
}

/// The peak of products of pairs, in tiles if the level has them; 0 without either.
fn pairs(ctx: &mut Ctx) -> f64 {
    ceiling::tiles(ctx).or_else(|| ceiling::pairs(ctx)).unwrap_or(0.0)
}

/// Gigaflops of `work`, which does `flops` a call, over one turn, with its operands in the caches that
/// hold them.
fn turn(flops: f64, mut work: impl FnMut()) -> f64 {
    work();
    let calls = (TURN * 50e9 / flops).clamp(2.0, 1e5) as usize;
    let start = Instant::now();
    for _ in 0..calls {
        work();
    }
    flops * calls as f64 / start.elapsed().as_secs_f64() / 1e9
}

fn table(level: Level) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut cases: Vec<Case> = SHAPES.map(Case::new).into();
    let bytes = SHAPES.iter().map(|&[m, n, k]| gemm_scratch(m, n, k, false)).max().unwrap_or(0);
    let (mut one, mut all) = (Ctx::with(level, 1), Ctx::with(level, threads));
    let mut peaks = [0.0_f64; 2];
    let mut pair_peaks = [0.0_f64; 2];
    let mut best = vec![[0.0_f64; 7]; cases.len()];
    for _ in 0..ROUNDS {
        for (case, best) in cases.iter_mut().zip(&mut best) {
            peaks[0] = peaks[0].max(ceiling::multiply_adds(&mut one) / 1e9);
            pair_peaks[0] = pair_peaks[0].max(pairs(&mut one) / 1e9);
            let flops = case.flops();
            let (mut scratch, mut par) = one.frame(bytes);
            for (best, right) in best.iter_mut().zip(SERIAL) {
                *best = best.max(turn(flops, || match right {
                    // Tiles are those of the context, not of the code.
                    Right::Rounded => case.shared(right, &mut par),
                    _ => case.serial(level, right, &mut scratch),
                }));
            }
            peaks[1] = peaks[1].max(ceiling::multiply_adds(&mut all) / 1e9);
            pair_peaks[1] = pair_peaks[1].max(pairs(&mut all) / 1e9);
            let (_, mut par) = all.frame(bytes);
            for (best, right) in best[SERIAL.len()..].iter_mut().zip([Right::Packed, Right::Rounded]) {
                *best = best.max(turn(flops, || case.shared(right, &mut par)));
            }
        }
    }
    println!("{level}: peak {:.0} Gflop/s on one thread, {:.0} on {threads}", peaks[0], peaks[1]);
    println!(
        "{level}: peak of pairs {:.0} Gflop/s on one thread, {:.0} on {threads}",
        pair_peaks[0], pair_peaks[1]
    );
    println!("Shares of the peak, in per cent; A rounded: of the peak of pairs in brackets.");
    println!(
        "    M     N     K │ packed  K adjacent  N adjacent  bf16   A rounded │ {threads} threads: packed   A rounded"
    );
    for (case, best) in cases.iter().zip(best) {
        let [m, n, k] = case.shape;
        let share = |i: usize, peak: f64| if peak > 0.0 { 100.0 * best[i] / peak } else { 0.0 };
        println!(
            "{m:5} {n:5} {k:5} │ {:6.1} {:11.1} {:11.1} {:5.1} {:6.1} ({:2.0}) │ {:17.1} {:6.1} ({:2.0})",
            share(0, peaks[0]),
            share(1, peaks[0]),
            share(2, peaks[0]),
            share(3, peaks[0]),
            share(4, peaks[0]),
            share(4, pair_peaks[0]),
            share(5, peaks[1]),
            share(6, peaks[1]),
            share(6, pair_peaks[1]),
        );
    }
}

/// Products of bytes: B packed before, K adjacent, N adjacent.
struct Bytes {
    shape: [usize; 3],
    a: Vec<i8>,
    b: Vec<i8>,
    c: Vec<i32>,
    packed: PackedI8,
}

impl Bytes {
    fn new(shape: [usize; 3]) -> Self {
        let [m, n, k] = shape;
        let fill =
            |len: usize, step: usize| (0..len).map(|i| (i * step % 255) as u8 as i8).collect::<Vec<_>>();
        let (a, b) = (fill(m * k, 5), fill(n * k, 7));
        let packed = PackedI8::new(Mat::strided(&b, &[(n, k)], &[(k, 1)]).expect("it fits"));
        Self { shape, a, b, c: vec![0; m * n], packed }
    }

    fn multiply(&mut self, right: Right, par: &mut Par<'_>) {
        let [m, n, k] = self.shape;
        let a = Mat::strided(&self.a, &[(m, k)], &[(k, 1)]).expect("it fits");
        let strided = |row, col| Mat::strided(&self.b, &[(n, row)], &[(k, col)]).expect("it fits");
        let b = match right {
            Right::Rows => RhsI8::from(strided(k, 1)),
            Right::Columns => strided(1, n).into(),
            _ => RhsI8::from(&self.packed),
        };
        par.gemm_i8(a, b, MatMut::strided(&mut self.c, &[(m, n)], n).expect("it fits"), &());
    }
}

/// Of one thread and of all; as shares of multiply-adds of f32 where the CPU has no products of fours.
fn bytes(level: Level) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut cases: Vec<Bytes> = SHAPES.map(Bytes::new).into();
    let (mut one, mut all) = (Ctx::with(level, 1), Ctx::with(level, threads));
    let peak = |ctx: &mut Ctx| ceiling::fours(ctx).unwrap_or_else(|| ceiling::multiply_adds(ctx)) / 1e9;
    let mut peaks = [0.0_f64; 2];
    let mut best = vec![[0.0_f64; 4]; cases.len()];
    for _ in 0..ROUNDS {
        for (case, best) in cases.iter_mut().zip(&mut best) {
            let work = 2.0 * case.shape.iter().product::<usize>() as f64;
            peaks[0] = peaks[0].max(peak(&mut one));
            peaks[1] = peaks[1].max(peak(&mut all));
            for (best, right) in best.iter_mut().zip([Right::Packed, Right::Rows, Right::Columns]) {
                let mut par = one.frame(0).1;
                *best = best.max(turn(work, || case.multiply(right, &mut par)));
            }
            let mut par = all.frame(0).1;
            best[3] = best[3].max(turn(work, || case.multiply(Right::Packed, &mut par)));
        }
    }
    println!("{level}: peak of bytes {:.0} Gop/s on one thread, {:.0} on {threads}", peaks[0], peaks[1]);
    println!("    M     N     K │ packed  K adjacent  N adjacent │ {threads} threads: packed");
    for (case, best) in cases.iter().zip(best) {
        let [m, n, k] = case.shape;
        let share = |i: usize| 100.0 * best[i] / peaks[i / 3];
        println!(
            "{m:5} {n:5} {k:5} │ {:6.1} {:11.1} {:11.1} │ {:17.1}",
            share(0),
            share(1),
            share(2),
            share(3)
        );
    }
}

fn main() {
    let named: Vec<String> = std::env::args().skip(1).collect();
    for &level in Level::available() {
        if named.is_empty() || named.contains(&level.to_string()) {
            table(level);
            bytes(level);
        }
    }
}
