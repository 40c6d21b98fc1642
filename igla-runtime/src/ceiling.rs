//! What this machine can do at most: multiply-adds on registers, and reading of memory.
//!
//! Measured, never computed from a clock's rate, and each time for a few milliseconds: measurements of kernels take
//! turns with these, so that a machine that changes speed changes both. This file knows nothing of kernels.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::ctx::Ctx;
use crate::isa::{Isa, Kernel};
#[cfg(target_arch = "x86_64")]
use crate::level::Level;
use crate::scratch::Scratch;
use crate::task::Task;

/// How long one measurement takes, at least.
const TURN: Duration = Duration::from_millis(4);

/// Floating-point operations a second in fused multiply-adds (two each) of independent registers, on all threads of
/// `ctx` together. On the scalar level a multiply-add is a product and a sum.
pub fn multiply_adds(ctx: &mut Ctx) -> f64 {
    let operations = 2 * CHAINS * lanes(ctx);
    rate(ctx, operations, 1 << 12, |steps| Registers { steps })
}

/// As [`multiply_adds`] of pairs of `bf16` (four operations a lane): what AVX-512 BF16 can do, where the level and the
/// CPU have it.
pub fn pairs(ctx: &mut Ctx) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if ctx.level().code() == Level::Avx512 && is_x86_feature_detected!("avx512bf16") {
        return Some(rate(ctx, 4 * PAIR_CHAINS * 16, 1 << 12, |steps| PairRegisters { steps }));
    }
    let _ = ctx;
    None
}

/// As [`pairs`] of fours of bytes (eight operations a lane): what AVX-512 VNNI can do, where the level and the CPU have
/// it.
pub fn fours(ctx: &mut Ctx) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if ctx.level().code() == Level::Avx512 && is_x86_feature_detected!("avx512vnni") {
        return Some(rate(ctx, 8 * PAIR_CHAINS * 16, 1 << 12, |steps| FourRegisters { steps }));
    }
    let _ = ctx;
    None
}

/// As [`pairs`] of tiles of them (16 × 16 × 32 multiply-adds a product): what AMX can do, on its level.
pub fn tiles(ctx: &mut Ctx) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if ctx.level() == Level::Amx {
        let operations = 2 * TILE_CHAINS * 16 * 16 * 32;
        return Some(rate(ctx, operations, 1 << 8, |steps| TileRegisters { steps }));
    }
    let _ = ctx;
    None
}

/// Operations a second of tasks that do so many in each of their steps: as many steps as it takes for one turn.
fn rate<T>(ctx: &mut Ctx, operations: usize, mut steps: usize, task: impl Fn(usize) -> T) -> f64
where
    T: for<'o> Task<1, Out<'o> = ()>,
{
    let tasks = 4 * ctx.threads();
    loop {
        let start = Instant::now();
        ctx.frame(0).1.run([tasks], (), &task(steps));
        let took = start.elapsed();
        if took >= TURN {
            return (operations * steps * tasks) as f64 / took.as_secs_f64();
        }
        steps *= 2;
    }
}

/// Bytes a second that all threads of `ctx` together read from `bytes`, over and over; 0 for no bytes.
pub fn reading(ctx: &mut Ctx, bytes: &[u8]) -> f64 {
    if bytes.is_empty() {
        return 0.0;
    }
    let (start, mut read) = (Instant::now(), 0_usize);
    loop {
        read_once(ctx, bytes);
        read = read.saturating_add(bytes.len());
        let took = start.elapsed();
        if took >= TURN {
            return read as f64 / took.as_secs_f64();
        }
    }
}

/// Reads `bytes` once on all threads of `ctx`.
pub fn read_once(ctx: &mut Ctx, bytes: &[u8]) {
    ctx.frame(0).1.run([bytes.len().div_ceil(PIECE)], (), &Read(bytes));
}

/// Lanes of the level's registers.
fn lanes(ctx: &mut Ctx) -> usize {
    struct Width;
    impl Kernel for Width {
        type Output = usize;
        #[inline(always)]
        fn run<S: Isa>(self, _: S) -> usize {
            S::WIDTH
        }
    }
    ctx.frame(0).1.dispatch(Width)
}

/// Independent chains of multiply-adds: enough for the latency of any core's.
const CHAINS: usize = 12;

/// Multiply-adds on registers, `steps` times [`CHAINS`] an index.
struct Registers {
    steps: usize,
}

impl Task<1> for Registers {
    type Out<'o> = ();

    fn cost(&self) -> usize {
        self.steps.saturating_mul(CHAINS)
    }

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, _: [usize; 1], (): (), _: Scratch<'_>) {
        let (x, y) = (s.splat_f(black_box(0.999)), s.splat_f(black_box(0.5)));
        let mut chains = [x; CHAINS];
        for _ in 0..self.steps {
            for chain in &mut chains {
                *chain = s.mul_add(*chain, x, y);
            }
        }
        let sum = chains.into_iter().fold(x, |a, b| s.add(a, b));
        black_box(s.first(sum));
    }
}

/// As [`CHAINS`], for products of pairs and of fours, which take longer.
#[cfg(target_arch = "x86_64")]
const PAIR_CHAINS: usize = 24;

/// As [`Registers`], of pairs.
#[cfg(target_arch = "x86_64")]
struct PairRegisters {
    steps: usize,
}

#[cfg(target_arch = "x86_64")]
impl Task<1> for PairRegisters {
    type Out<'o> = ();

    fn cost(&self) -> usize {
        self.steps.saturating_mul(PAIR_CHAINS)
    }

    #[inline(always)]
    fn run<S: Isa>(&self, _: S, _: [usize; 1], (): (), _: Scratch<'_>) {
        // SAFETY: only made where the CPU has the instructions.
        unsafe { pair_chains(self.steps) }
    }
}

/// # Safety
/// The CPU has AVX-512 BF16.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn pair_chains(steps: usize) {
    use core::arch::x86_64::*;
    let (x, y) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.25)));
    let (x, y) = (_mm512_cvtne2ps_pbh(x, x), _mm512_cvtne2ps_pbh(y, y));
    let mut chains = [_mm512_setzero_ps(); PAIR_CHAINS];
    for _ in 0..steps {
        for chain in &mut chains {
            *chain = _mm512_dpbf16_ps(*chain, x, y);
        }
    }
    black_box(chains.into_iter().fold(_mm512_setzero_ps(), |a, b| _mm512_add_ps(a, b)));
}

/// As [`PairRegisters`], of fours of bytes.
#[cfg(target_arch = "x86_64")]
struct FourRegisters {
    steps: usize,
}

#[cfg(target_arch = "x86_64")]
impl Task<1> for FourRegisters {
    type Out<'o> = ();

    fn cost(&self) -> usize {
        self.steps.saturating_mul(PAIR_CHAINS)
    }

    #[inline(always)]
    fn run<S: Isa>(&self, _: S, _: [usize; 1], (): (), _: Scratch<'_>) {
        // SAFETY: only made where the CPU has the instructions.
        unsafe { four_chains(self.steps) }
    }
}

/// # Safety
/// The CPU has AVX-512 VNNI.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn four_chains(steps: usize) {
    use core::arch::x86_64::*;
    let (x, y) = (_mm512_set1_epi8(black_box(3)), _mm512_set1_epi8(black_box(-2)));
    let mut chains = [_mm512_setzero_si512(); PAIR_CHAINS];
    for _ in 0..steps {
        for chain in &mut chains {
            *chain = _mm512_dpbusd_epi32(*chain, x, y);
        }
    }
    black_box(chains.into_iter().fold(_mm512_setzero_si512(), |a, b| _mm512_add_epi32(a, b)));
}

/// Sums of tiles: as many as products of matrices keep, which is enough for the latency.
#[cfg(target_arch = "x86_64")]
const TILE_CHAINS: usize = 4;

/// As [`Registers`], of tiles.
#[cfg(target_arch = "x86_64")]
struct TileRegisters {
    steps: usize,
}

#[cfg(target_arch = "x86_64")]
impl Task<1> for TileRegisters {
    type Out<'o> = ();

    fn cost(&self) -> usize {
        self.steps.saturating_mul(TILE_CHAINS * 16)
    }

    #[inline(always)]
    fn run<S: Isa>(&self, _: S, _: [usize; 1], (): (), _: Scratch<'_>) {
        // SAFETY: only made on the level of AMX.
        unsafe { tile_chains(self.steps) }
    }
}

/// # Safety
/// The process may use tiles; `steps` is not 0.
#[cfg(target_arch = "x86_64")]
unsafe fn tile_chains(steps: usize) {
    use crate::isa::amx::{Config, ROWS, WORDS, release};
    // Pairs of a quarter, as bf16.
    let quarters = [[0x3e80_3e80_u32; WORDS]; ROWS];
    // SAFETY: all tiles are whole, and as large as what they are loaded from; nothing else runs before they are released.
    unsafe {
        Config::new().tiles(0..8, ROWS, WORDS).load();
        std::arch::asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "tileloadd tmm4, [{from} + {row} * 1]",
            "tileloadd tmm5, [{from} + {row} * 1]",
            "tileloadd tmm6, [{from} + {row} * 1]",
            "tileloadd tmm7, [{from} + {row} * 1]",
            "2:",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "dec {steps}",
            "jnz 2b",
            steps = inout(reg) steps => _,
            from = in(reg) quarters.as_ptr(),
            row = in(reg) 4 * WORDS,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, readonly),
        );
        release();
    }
}

/// Bytes that one index reads.
const PIECE: usize = 64 << 10;

/// Reads bytes and does next to nothing with them, a piece per index.
struct Read<'a>(&'a [u8]);

impl Task<1> for Read<'_> {
    type Out<'o> = ();

    fn cost(&self) -> usize {
        PIECE / 16
    }

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, [i]: [usize; 1], (): (), _: Scratch<'_>) {
        let bytes = &self.0[i * PIECE..self.0.len().min((i + 1) * PIECE)];
        let mut acc = [s.splat_b(0); 8];
        for lines in bytes.as_chunks::<256>().0 {
            // As the products do: it raises what one thread gets from memory.
            for line in (0..256).step_by(64) {
                s.prefetch(lines.as_ptr().wrapping_add(1024 + line));
            }
            for (acc, bytes) in acc.iter_mut().zip(lines.chunks_exact(32)) {
                // SAFETY: the slice has 32 bytes.
                *acc = s.xor_b(*acc, unsafe { s.load_b(bytes.as_ptr()) });
            }
        }
        let all = acc.into_iter().fold(s.splat_b(0), |a, b| s.xor_b(a, b));
        let mut out = [0; 32];
        // SAFETY: the array has 32 bytes.
        unsafe { s.store_b(out.as_mut_ptr(), all) };
        black_box(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(not(target_arch = "x86_64"))]
    use crate::level::Level;

    #[test]
    fn every_level_and_number_of_threads_has_a_ceiling() {
        for &level in Level::available() {
            for threads in [1, 2] {
                let mut ctx = Ctx::with(level, threads);
                assert!(multiply_adds(&mut ctx) > 1e6, "{level}, {threads} threads");
                assert!(pairs(&mut ctx).is_none_or(|rate| rate > 1e6), "{level}, {threads} threads");
                assert!(fours(&mut ctx).is_none_or(|rate| rate > 1e6), "{level}, {threads} threads");
                assert_eq!(tiles(&mut ctx).is_some(), level == Level::Amx);
                for len in [1, 255, 256, PIECE, PIECE + 1] {
                    assert!(
                        reading(&mut ctx, &vec![1; len]) > 0.0,
                        "{level}, {threads} threads, {len} bytes"
                    );
                }
            }
        }
        assert_eq!(reading(&mut Ctx::with(Level::Scalar, 1), &[]), 0.0);
    }
}
