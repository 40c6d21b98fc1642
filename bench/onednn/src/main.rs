//! Products of f32, bf16 and bytes: igla-runtime's against oneDNN's, one process, in turns.
//!
//! ```text
//! cd bench/onednn && cargo run --release -- [THREADS]
//! ```
//! Needs oneDNN (Debian's libdnnl-dev). `C[m, n] = Σ_k A[m, k] · B[n, k]`, B packed by both beforehand. iGLA is given A in
//! f32 and rounds it in its turn; oneDNN is given A as bf16 or bytes. Bytes: signed ones with whole sums on both sides, to
//! the same bits; then with an A that is never negative, which oneDNN is given as unsigned bytes, its better case. Blocks are no equal terms: iGLA's are 32 bytes
//! with scales of their own, summed in f32 (q8_0), oneDNN's unsigned A and signed B have no scale at all.

#[allow(dead_code)]
#[path = "../../../igla-runtime/tests/block_formats/mod.rs"]
mod block_formats;

use std::ffi::{c_int, c_long, c_void};
use std::time::Instant;

use block_formats::{Q8_0, random};
use igla_runtime::blocks::{BlockMat, Int8Rows, Strips};
use igla_runtime::{Ctx, Level, Mat, MatMut, PackedB, PackedBf16, PackedI8, View, bf16, ceiling};

const ROUNDS: usize = 15;
/// Seconds of a turn.
const TURN: f64 = 0.03;
const SHAPES: [[usize; 3]; 5] =
    [[512, 512, 512], [1024, 1024, 1024], [512, 4096, 4096], [128, 1536, 384], [16, 1024, 1024]];

/// A product of oneDNN's, see `onednn.cpp`.
#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn onednn_version() -> c_int;
    #[allow(clippy::too_many_arguments)]
    fn onednn_new(
        kind: c_int,
        m: c_long,
        n: c_long,
        k: c_long,
        threads: c_int,
        a: *mut c_void,
        b: *mut c_void,
        c: *mut c_void,
    ) -> *mut Opaque;
    fn onednn_run(product: *mut Opaque);
    fn onednn_free(product: *mut Opaque);
}

/// Its operands must stay where they are.
struct Theirs(*mut Opaque);

impl Theirs {
    fn new<A, C>(kind: c_int, [m, n, k]: [usize; 3], threads: usize, a: &mut [A], b: &mut [A], c: &mut [C]) -> Self {
        let long = |v: usize| c_long::try_from(v).expect("it fits");
        assert!(a.len() == m * k && b.len() == n * k && c.len() == m * n);
        let threads = c_int::try_from(threads).expect("a few threads");
        let (a, b, c) = (a.as_mut_ptr().cast(), b.as_mut_ptr().cast(), c.as_mut_ptr().cast());
        // SAFETY: operands of these extents and of the kind's types.
        Self(unsafe { onednn_new(kind, long(m), long(n), long(k), threads, a, b, c) })
    }

    fn run(&self) {
        // SAFETY: made by `new`; its operands are still there.
        unsafe { onednn_run(self.0) }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and freed once.
        unsafe { onednn_free(self.0) }
    }
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

/// Times both and prints a row; `peak` is what the instructions reach on registers, if it is known.
fn compare(
    name: &str,
    work: f64,
    ours: &mut dyn FnMut(),
    theirs: &mut dyn FnMut(),
    peak: &mut dyn FnMut() -> Option<f64>,
) {
    let mut rates = [const { Vec::new() }; 3];
    let mut best = 0.0f64;
    for _ in 0..ROUNDS {
        best = best.max(peak().unwrap_or(0.0));
        for (n, rates) in rates.iter_mut().enumerate() {
            let (start, mut count) = (Instant::now(), 0.0);
            while count == 0.0 || start.elapsed().as_secs_f64() < TURN {
                if n == 1 { theirs() } else { ours() }
                count += 1.0;
            }
            rates.push(count * work / start.elapsed().as_secs_f64());
        }
    }
    let over = |a: usize, b: usize| median(rates[a].iter().zip(&rates[b]).map(|(a, b)| a / b).collect());
    let rate = |n: usize| median(rates[n].clone());
    let share = |n: usize| if best > 0.0 { format!("{:3.0} %", 100.0 * rate(n) / best) } else { "    ?".into() };
    println!(
        "{name:28} {:6.0} G/s {} │ oneDNN {:6.0} {} │ × {:.2} │ A/A {:.3}",
        rate(0) / 1e9,
        share(0),
        rate(1) / 1e9,
        share(1),
        over(0, 1),
        over(2, 0)
    );
}

#[track_caller]
fn near(a: &[f32], b: &[f32]) {
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * (1.0 + b.abs());
    assert!(a.iter().zip(b).all(near), "products differ");
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut ctx = Ctx::with(Level::best(), threads);
    let mut measure = Ctx::with(Level::best(), threads);
    // SAFETY: it only answers.
    let version = unsafe { onednn_version() };
    let (major, minor, patch) = (version / 10_000, version / 100 % 100, version % 100);
    println!("oneDNN {major}.{minor}.{patch}; igla on {}; {threads} threads; shares of the measured peak", Level::best());
    for shape @ [m, n, k] in SHAPES {
        let work = 2.0 * (m * n * k) as f64;
        // Whole numbers that are bf16, so that all results are equal.
        let fill = |len: usize, step: usize| (0..len).map(|i| (i * step % 17) as f32 - 8.0).collect::<Vec<_>>();
        let (mut a, mut b) = (fill(m * k, 5), fill(n * k, 7));
        let (mut c, mut d) = (vec![0.0f32; m * n], vec![0.0f32; m * n]);
        let name = |of: &str| format!("{of} {m} × {n} × {k}");
        let narrow = |x: &[f32]| x.iter().map(|x| bf16::from_f32(*x)).collect::<Vec<bf16>>();
        let (mut a16, mut b16) = (narrow(&a), narrow(&b));

        let packed = PackedB::new(Mat::strided(&b, &[(n, k)], &[(k, 1)]).expect("it fits"));
        let given = a.clone();
        let mat = || Mat::strided(&given, &[(m, k)], &[(k, 1)]).expect("it fits");
        let theirs = Theirs::new(0, shape, threads, &mut a, &mut b, &mut d);
        let mut ours = || {
            let c = MatMut::strided(&mut c, &[(m, n)], n).expect("it fits");
            ctx.frame(0).1.gemm(mat(), &packed, c, &());
        };
        ours();
        theirs.run();
        compare(&name("f32"), work, &mut ours, &mut || theirs.run(), &mut || Some(ceiling::multiply_adds(&mut measure)));
        near(&c, &d);

        let packed = PackedBf16::new(View::new(&b16, [n, k]).expect("it fits"));
        let theirs = Theirs::new(1, shape, threads, &mut a16, &mut b16, &mut d);
        c.fill(0.0);
        d.fill(0.0);
        let mut ours = || {
            let c = MatMut::strided(&mut c, &[(m, n)], n).expect("it fits");
            ctx.frame(0).1.gemm(mat(), packed.rounding(), c, &());
        };
        ours();
        theirs.run();
        compare(&name("bf16"), work, &mut ours, &mut || theirs.run(), &mut || ceiling::tiles(&mut measure).or_else(|| ceiling::pairs(&mut measure)));
        near(&c, &d);

        for (kind, of, least) in [(3, "i8, i8", -128), (2, "u8, i8", 0)] {
            let fill = |len: usize, step: usize, least: i32| {
                (0..len).map(|i| ((i * step % 251) as i32 % (128 - least) + least) as i8).collect::<Vec<_>>()
            };
            let (mut a, mut b) = (fill(m * k, 5, least), fill(n * k, 7, -128));
            let (mut c, mut d) = (vec![0i32; m * n], vec![0i32; m * n]);
            let packed = PackedI8::new(Mat::strided(&b, &[(n, k)], &[(k, 1)]).expect("it fits"));
            let given = a.clone();
            let theirs = Theirs::new(kind, shape, threads, &mut a, &mut b, &mut d);
            let mut ours = || {
                let a = Mat::strided(&given, &[(m, k)], &[(k, 1)]).expect("it fits");
                let c = MatMut::strided(&mut c, &[(m, n)], n).expect("it fits");
                ctx.frame(0).1.gemm_i8(a, &packed, c, &());
            };
            ours();
            theirs.run();
            compare(&name(of), work, &mut ours, &mut || theirs.run(), &mut || ceiling::fours(&mut measure));
            assert!(c == d, "products differ");
        }

        let blocks = random::<Q8_0>(n * k / 32, 3);
        let strips = Strips::new(&BlockMat::<Q8_0>::new(&blocks, n, k).expect("it fits")).expect("it can");
        let (mut x, mut w, mut sums) = (vec![3u8; m * k], vec![5u8; n * k], vec![0i32; m * n]);
        let theirs = Theirs::new(2, shape, threads, &mut x, &mut w, &mut sums);
        let bytes = Int8Rows::scratch(m, k);
        let mut ours = || {
            let c = MatMut::strided(&mut c, &[(m, n)], n).expect("it fits");
            let (mut scratch, mut par) = ctx.frame(bytes);
            let rows = par.int8_rows(mat(), scratch.by_ref());
            par.gemm_int8(&rows, &strips, c, &());
        };
        compare(&name("q8_0, u8"), work, &mut ours, &mut || theirs.run(), &mut || None);
    }
}
