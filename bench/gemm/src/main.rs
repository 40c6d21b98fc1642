//! Products of f32: igla-runtime's against OpenBLAS and the gemm crate, same operands, one process, in turns.
//!
//! ```text
//! cd bench/gemm && env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE cargo run --release -- [THREADS]
//! ```
//! Needs OpenBLAS (Debian's libopenblas-dev). `C[m, n] = Σ_k A[m, k] · B[n, k]`, rows adjacent: the layout in which
//! weights are stored. Results are compared first. iGLA takes part twice; how far the two differ is how far any
//! difference means nothing.

use std::ffi::{CStr, c_char, c_int};
use std::time::Instant;

use igla_runtime::{Ctx, Level, Mat, MatMut, PackedB, ceiling};

const ROUNDS: usize = 15;
/// Seconds of a turn.
const TURN: f64 = 0.05;
const SHAPES: [[usize; 3]; 6] = [
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [512, 4096, 4096],
    [128, 1536, 384],
    [16, 1024, 1024],
];

unsafe extern "C" {
    fn openblas_set_num_threads(threads: c_int);
    fn openblas_get_corename() -> *const c_char;
    fn openblas_get_config() -> *const c_char;
    #[allow(clippy::too_many_arguments)]
    fn cblas_sgemm(
        order: c_int,
        trans_a: c_int,
        trans_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f32,
        a: *const f32,
        lda: c_int,
        b: *const f32,
        ldb: c_int,
        beta: f32,
        c: *mut f32,
        ldc: c_int,
    );
}

struct Case {
    shape: [usize; 3],
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    packed: PackedB,
}

#[derive(Clone, Copy, PartialEq)]
enum Engine {
    Igla,
    IglaPacked,
    OpenBlas,
    Gemm,
    IglaAgain,
}

const ENGINES: [Engine; 5] =
    [Engine::Igla, Engine::IglaPacked, Engine::OpenBlas, Engine::Gemm, Engine::IglaAgain];

impl Case {
    fn new(shape: [usize; 3]) -> Self {
        let [m, n, k] = shape;
        let fill = |len: usize, step: usize| (0..len).map(|i| (i * step % 17) as f32 - 8.0).collect::<Vec<_>>();
        let (a, b) = (fill(m * k, 5), fill(n * k, 7));
        let packed = PackedB::new(Mat::strided(&b, &[(n, k)], &[(k, 1)]).expect("it fits"));
        Case { shape, a, b, c: vec![0.0; m * n], packed }
    }

    fn run(&mut self, engine: Engine, ctx: &mut Ctx, threads: usize) {
        let [m, n, k] = self.shape;
        let int = |v: usize| c_int::try_from(v).expect("it fits");
        match engine {
            Engine::Igla | Engine::IglaAgain | Engine::IglaPacked => {
                let a = Mat::strided(&self.a, &[(m, k)], &[(k, 1)]).expect("it fits");
                let b = Mat::strided(&self.b, &[(n, k)], &[(k, 1)]).expect("it fits");
                let c = MatMut::strided(&mut self.c, &[(m, n)], n).expect("it fits");
                let (_, mut par) = ctx.frame(0);
                if engine == Engine::IglaPacked {
                    par.gemm(a, &self.packed, c, &());
                } else {
                    par.gemm(a, b, c, &());
                }
            }
            // SAFETY: row-major operands of these extents; 101 rows first, 111 as it is, 112 transposed.
            Engine::OpenBlas => unsafe {
                let (a, b, c) = (self.a.as_ptr(), self.b.as_ptr(), self.c.as_mut_ptr());
                let (m, n, k) = (int(m), int(n), int(k));
                cblas_sgemm(101, 111, 112, m, n, k, 1.0, a, k, b, k, 0.0, c, n);
            },
            // SAFETY: strides of the same operands.
            Engine::Gemm => unsafe {
                let step = |v: usize| v as isize;
                let parallel =
                    if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
                gemm::gemm(
                    m,
                    n,
                    k,
                    self.c.as_mut_ptr(),
                    1,
                    step(n),
                    false,
                    self.a.as_ptr(),
                    1,
                    step(k),
                    self.b.as_ptr(),
                    step(k),
                    1,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    parallel,
                );
            },
        }
    }
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut ctx = Ctx::with(Level::best(), threads);
    // SAFETY: no product runs; the strings live as long as the library.
    let (core, config) = unsafe {
        openblas_set_num_threads(c_int::try_from(threads).expect("a few threads"));
        let text = |p| CStr::from_ptr(p).to_string_lossy().into_owned();
        (text(openblas_get_corename()), text(openblas_get_config()))
    };
    println!("{config}: core {core}; igla on {}; {threads} threads", Level::best());
    println!("m × n × k             peak G   igla  packed  OpenBLAS  gemm  │ packed, unpacked over OpenBLAS, over gemm │ A/A");
    for shape in SHAPES {
        let mut case = Case::new(shape);
        let [m, n, k] = shape;
        let work = 2.0 * (m * n * k) as f64;
        let mut wanted: Option<Vec<f32>> = None;
        for engine in ENGINES {
            case.c.fill(f32::NAN);
            case.run(engine, &mut ctx, threads);
            let first = wanted.get_or_insert_with(|| case.c.clone());
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * (1.0 + b.abs());
            assert!(case.c.iter().zip(first.iter()).all(near), "products differ");
        }
        let mut rates: Vec<Vec<f64>> = vec![vec![]; ENGINES.len()];
        let mut peak = 0.0f64;
        for round in 0..ROUNDS {
            peak = peak.max(ceiling::multiply_adds(&mut ctx));
            for turn in 0..ENGINES.len() {
                let at = (turn + round) % ENGINES.len();
                let (start, mut count) = (Instant::now(), 0.0);
                while count == 0.0 || start.elapsed().as_secs_f64() < TURN {
                    case.run(ENGINES[at], &mut ctx, threads);
                    count += 1.0;
                }
                rates[at].push(count * work / start.elapsed().as_secs_f64() / 1e9);
            }
        }
        let over = |a: usize, b: usize| median(rates[a].iter().zip(&rates[b]).map(|(a, b)| a / b).collect());
        let share = |a: usize| 100.0 * median(rates[a].clone()) / (peak / 1e9);
        println!(
            "{m:5} × {n:5} × {k:5}  {:7.0}  {:4.0} %  {:4.0} %    {:4.0} %  {:4.0} %│ {:5.2} {:5.2}  {:5.2} {:5.2} │ {:.3}",
            peak / 1e9,
            share(0),
            share(1),
            share(2),
            share(3),
            over(1, 2),
            over(0, 2),
            over(1, 3),
            over(0, 3),
            over(4, 0)
        );
    }
}
