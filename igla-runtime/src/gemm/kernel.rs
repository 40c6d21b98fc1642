//! The microkernels: a strip of C, as high as a micro-panel of A, from packed operands.
//!
//! ```text
//!                     b: one row of the panel per k, 32 floats
//!                     ┌──────────┬──────────┐
//!                     │  reg 0   │  reg 1   │         AVX-512: up to 14 rows × 2 registers of 16
//!            ┌──┐     ├──────────┼──────────┤         AVX2:    up to  6 rows × 2 registers of 8
//!  a: MR     │a₀│     │ acc[0,0] │ acc[0,1] │         SSE:     up to  6 rows × 2 registers of 4
//!  floats    │a₁│     │ acc[1,0] │ acc[1,1] │
//!  per k     │⋮ │     │    ⋮     │    ⋮     │         per k: 2 loads, MR broadcasts, 2·MR FMAs
//!            └──┘     └──────────┴──────────┘         NEON:    up to 12 rows × 2 registers of 4
//! ```
//! The tile stays in registers over all of K. Its height is bounded by their number (14·2
//! accumulators + 2 of B + 1 broadcast of 32), and must be large enough that loads (MR + 2 a step)
//! do not outnumber what the ports deliver next to 2·MR multiply-adds. Measured on Zen 5 from L2,
//! 6 to 14 rows all run at 95–99 % of the multiply-add peak, and so does 8 × 48, which would not
//! divide the panel; so heights are free to balance: 128 rows are 8 × 13 + 2 × 12, not 9 × 14 + 2.
//! Below six rows two accumulator columns cannot hide the latency of the adder, so flat tiles are
//! wider, up to 1 × 8 registers (four panels side by side).
//!
//! A panel may hold `bf16` numbers instead, two steps of K in a word, or bytes, four steps ([`Numbers`]); loops and tiles
//! are the same.
//!
//! A tile starts from zero or from what C holds, so every element is the plain sum over ascending
//! k, in one accumulator: blocking, height, width and threads cannot change a bit of the result.
//!
//! Kernels must not know about caches, layouts or epilogues. They are compiled once per level and
//! height, and called through a table.

use super::PANEL;
#[cfg(target_arch = "aarch64")]
use super::reg::Vreg;
use super::reg::{Baseline, Reg};
#[cfg(target_arch = "x86_64")]
use super::reg::{Ymm, Zmm};
use super::step::{Fours, Pairs, Single, Step};
#[cfg(target_arch = "x86_64")]
use super::step::{OffsetFours, RoundedPairs};
#[cfg(target_arch = "x86_64")]
use super::tiles;
use crate::level::Level;

/// What the words of a panel's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "others have no tiles"))]
pub(super) enum Numbers {
    /// An `f32`; A has one for each row.
    Single,
    /// Two `bf16`, the first step of K in the low half; A has two `f32` for each row, and nothing is rounded.
    Pairs,
    /// The same, and so are A's: for levels that multiply such pairs, see [`Numbers::rounded`].
    RoundedPairs,
    /// The same, A's in tiles: for the level that multiplies those.
    Tiles,
    /// Four signed bytes, the first step of K in the lowest; C is `i32`. A has two words for each row, of two whole
    /// numbers of 16 bits: bytes 0 and 2, then 1 and 3.
    Fours,
    /// The same bytes, and so are A's, 128 added to make them unsigned: see [`Numbers::fours`].
    OffsetFours,
    /// The same bytes, A's in tiles.
    FourTiles,
}

impl Numbers {
    /// Pairs of a level that multiplies them, where A may be rounded and all of C has `m` rows.
    pub(super) fn rounded(level: Level, m: usize) -> Option<Numbers> {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Amx && m > tiles::FEW {
            return Some(Numbers::Tiles);
        } else if level.code() == Level::Avx512 && is_x86_feature_detected!("avx512bf16") {
            return Some(Numbers::RoundedPairs);
        }
        let _ = (level, m);
        None
    }

    /// Bytes of a level, where all of C has `m` rows.
    pub(super) fn fours(level: Level, m: usize) -> Numbers {
        #[cfg(target_arch = "x86_64")]
        if level == Level::Amx && m > tiles::FEW {
            return Numbers::FourTiles;
        } else if level.code() == Level::Avx512 && is_x86_feature_detected!("avx512vnni") {
            return Numbers::OffsetFours;
        }
        let _ = (level, m);
        Numbers::Fours
    }

    /// Steps of K in a word of a panel.
    pub(super) fn steps(self) -> usize {
        match self {
            Numbers::Single => 1,
            Numbers::Pairs | Numbers::RoundedPairs | Numbers::Tiles => 2,
            Numbers::Fours | Numbers::OffsetFours | Numbers::FourTiles => 4,
        }
    }

    /// Rows at whose multiples C is cut.
    pub(super) fn unit(self) -> usize {
        #[cfg(target_arch = "x86_64")]
        if self.in_tiles() {
            return crate::isa::amx::ROWS;
        }
        1
    }

    /// Whether tiles are multiplied.
    pub(super) fn in_tiles(self) -> bool {
        matches!(self, Numbers::Tiles | Numbers::FourTiles)
    }

    /// Rows of a panel for so many steps of K.
    pub(super) fn rows(self, k: usize) -> usize {
        k.div_ceil(self.steps())
    }

    /// Words of a row of A for so many steps of K.
    pub(super) fn words(self, k: usize) -> usize {
        match self {
            Numbers::Single => k,
            Numbers::Pairs => k.next_multiple_of(2),
            Numbers::Fours => 2 * self.rows(k),
            _ => self.rows(k),
        }
    }
}

/// Everything a microkernel needs.
pub(super) struct Strip {
    /// Rows of the panels.
    pub steps: usize,
    /// Rows of C.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "other kernels know theirs"))]
    pub height: usize,
    /// The micro-panel: `a[p * height + i]`, `p` counting the words of a row; or tiles.
    pub a: *const f32,
    /// `b[j / PANEL * b_panel + p * b_step + j % PANEL]`, readable up to a multiple of [`PANEL`].
    pub b: *const f32,
    pub b_step: usize,
    pub b_panel: usize,
    /// What to subtract from all rows of sums at the start, for [`Numbers::OffsetFours`]: an `i32` for each column, where
    /// `b` has its first row. Null: nothing.
    pub excess: *const f32,
    /// `c[rows[i] + j]`.
    pub c: *mut f32,
    pub rows: *const usize,
    /// Columns to write.
    pub cols: usize,
    /// Whether to add to C instead of overwriting it.
    pub add: bool,
}

/// Computes a strip.
///
/// # Safety
/// The CPU has the table's level; the strip's pointers are valid for what their fields say, for
/// the height the kernel stands for in its table; `c` overlaps neither operand.
pub(super) type Kernel = unsafe fn(&Strip);

/// A kernel for each height.
macro_rules! table {
    ($name:ident, $step:ty: $($height:literal x $wide:literal),*) => {
        &[$($name::<$step, $height, $wide>),*]
    };
}

/// The kernels of a level; entry `i` is for `i + 1` rows. Rounded pairs are a level's that [`Numbers::rounded`] says;
/// tiles come with any code.
pub(super) fn kernels(level: Level, numbers: Numbers) -> &'static [Kernel] {
    match (level, numbers) {
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Numbers::Single) => table!(avx512, Single:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2, 13 x 2, 14 x 2),
        // Two registers more hold the halves.
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Numbers::Pairs) => table!(avx512, Pairs:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2, 13 x 2),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Numbers::RoundedPairs) => table!(avx512_bf16, RoundedPairs:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2, 13 x 2, 14 x 2),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Numbers::Fours) => table!(avx512, Fours:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2, 13 x 2),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Numbers::OffsetFours) => table!(avx512_vnni, OffsetFours:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2, 13 x 2, 14 x 2),
        #[cfg(target_arch = "x86_64")]
        (_, Numbers::Tiles) => &tiles::PAIRS,
        #[cfg(target_arch = "x86_64")]
        (_, Numbers::FourTiles) => &tiles::FOURS,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, Numbers::Single) => table!(avx2, Single: 1 x 8, 2 x 4, 3 x 2, 4 x 2, 5 x 2, 6 x 2),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, Numbers::Fours) => table!(avx2, Fours: 1 x 4, 2 x 4, 3 x 2, 4 x 2, 5 x 2),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, _) => table!(avx2, Pairs: 1 x 4, 2 x 4, 3 x 2, 4 x 2, 5 x 2),
        // 24 accumulators, 2 of B and 3 of A, of 32 registers. From seven rows on, twice as many columns do not fit.
        #[cfg(target_arch = "aarch64")]
        (Level::Neon, Numbers::Single) => table!(neon, Single:
            1 x 8, 2 x 8, 3 x 4, 4 x 4, 5 x 4, 6 x 4, 7 x 2, 8 x 2, 9 x 2, 10 x 2, 11 x 2, 12 x 2),
        #[cfg(target_arch = "aarch64")]
        (Level::Neon, Numbers::Fours) => table!(neon, Fours:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2),
        // Halves take room, and the compiler does not unroll eleven rows of two steps.
        #[cfg(target_arch = "aarch64")]
        (Level::Neon, _) => table!(neon, Pairs:
            1 x 8, 2 x 4, 3 x 4, 4 x 4, 5 x 4, 6 x 2, 7 x 2, 8 x 2, 9 x 2, 10 x 2),
        // Including levels that this architecture never has.
        (_, Numbers::Single) => table!(portable, Single: 1 x 8, 2 x 4, 3 x 2, 4 x 2, 5 x 2, 6 x 2),
        (_, Numbers::Fours | Numbers::OffsetFours) => {
            table!(portable, Fours: 1 x 4, 2 x 4, 3 x 2, 4 x 2, 5 x 2)
        }
        (_, _) => table!(portable, Pairs: 1 x 4, 2 x 4, 3 x 2, 4 x 2, 5 x 2),
    }
}

/// # Safety
/// As [`Kernel`].
unsafe fn portable<P: Step<Baseline>, const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract; there are no features to have.
    unsafe { strip::<Baseline, P, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`].
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn neon<P: Step<Vreg>, const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Vreg, P, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<P: Step<Ymm>, const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Ymm, P, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<P: Step<Zmm>, const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Zmm, P, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`]; the CPU has AVX-512 BF16.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
unsafe fn avx512_bf16<P: Step<Zmm>, const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Zmm, P, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`]; the CPU has AVX-512 VNNI.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
unsafe fn avx512_vnni<P: Step<Zmm>, const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Zmm, P, MR, WIDE>(s) }
}

/// Tiles of `WIDE` registers while they fit, then of two, then of one.
///
/// # Safety
/// As [`Kernel`], inlined into a function compiled for `R`.
#[inline(always)]
unsafe fn strip<R: Reg, P: Step<R>, const MR: usize, const WIDE: usize>(s: &Strip) {
    let mut j = 0;
    // SAFETY: every tile starts before `s.cols`; only its last register may reach beyond.
    unsafe {
        if WIDE > 2 {
            while s.cols - j >= WIDE * R::WIDTH {
                tile::<R, P, MR, WIDE>(s, j);
                j += WIDE * R::WIDTH;
            }
        }
        while s.cols - j > R::WIDTH {
            tile::<R, P, MR, 2>(s, j);
            j = s.cols.min(j + 2 * R::WIDTH);
        }
        if j < s.cols {
            tile::<R, P, MR, 1>(s, j);
        }
    }
}

/// The columns `j..j + NV * WIDTH` of a strip, as far as it has them.
///
/// # Safety
/// As [`strip`]; at least one column of the last of the `NV` registers belongs to the strip.
#[inline(always)]
unsafe fn tile<R: Reg, P: Step<R>, const MR: usize, const NV: usize>(s: &Strip, j: usize) {
    let left = s.cols - j;
    let full = left >= NV * R::WIDTH;
    let last = left.wrapping_sub((NV - 1) * R::WIDTH);
    let whole = |v: usize| full || v + 1 < NV;
    // SAFETY: columns beyond the strip are neither read nor written in C (`last` of the last
    // register are); B is readable to the end of the panel; `a` has `MR * WORDS` words per step.
    unsafe {
        let mut acc = [[R::zero(); NV]; MR];
        if s.add {
            for (i, acc) in acc.iter_mut().enumerate() {
                let c = s.c.add(*s.rows.add(i) + j);
                for (v, acc) in acc.iter_mut().enumerate() {
                    let c = c.add(v * R::WIDTH);
                    *acc = if whole(v) { R::load(c) } else { R::load_first(c, last) };
                }
            }
        }
        let first = j / PANEL * s.b_panel + j % PANEL;
        if !s.excess.is_null() {
            P::begin(&mut acc, row(s, s.excess.add(first)), !s.add);
        }
        let mut a = s.a;
        let mut b = s.b.add(first);
        for _ in 0..s.steps {
            P::add(&mut acc, a, row(s, b));
            a = a.add(MR * P::WORDS);
            b = b.add(s.b_step);
        }
        for (i, acc) in acc.iter().enumerate() {
            let c = s.c.add(*s.rows.add(i) + j);
            for (v, acc) in acc.iter().enumerate() {
                let c = c.add(v * R::WIDTH);
                if whole(v) { acc.store(c) } else { acc.store_first(c, last) }
            }
        }
    }
}

/// Registers of a row of panels, as far as the last one's panel goes.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn row<R: Reg, const NV: usize>(s: &Strip, b: *const f32) -> [R; NV] {
    // SAFETY: the caller's contract.
    unsafe {
        let mut x = [R::zero(); NV];
        for (v, x) in x.iter_mut().enumerate() {
            let at = v * R::WIDTH;
            *x = R::load(b.add(at / PANEL * s.b_panel + at % PANEL));
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::reg::Quad;

    /// The registers of other architectures' baseline do as those of this one.
    #[test]
    fn portable_registers_agree_with_the_baseline() {
        fn compute<R: Reg, P: Step<R>>(cols: usize, add: bool) -> Vec<f32> {
            let a: Vec<f32> = (0..3 * 9 * P::WORDS).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            // As pairs, 0 and a number of few bits.
            let b: Vec<f32> = (0..2 * 9 * PANEL).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let mut c = vec![0.5; 3 * 70];
            let (a, b, rows) = (a.as_ptr(), b.as_ptr(), [0, 70, 140]);
            let (b_panel, c_start) = (9 * PANEL, c.as_mut_ptr());
            let strip_of = Strip {
                steps: 9,
                height: 3,
                a,
                b,
                b_step: PANEL,
                b_panel,
                excess: std::ptr::null(),
                c: c_start,
                rows: rows.as_ptr(),
                cols,
                add,
            };
            // SAFETY: three rows of A for nine steps, two panels of B, three rows of 70 columns of C.
            unsafe { strip::<R, P, 3, 4>(&strip_of) }
            c
        }
        for cols in 0..=2 * PANEL {
            for add in [false, true] {
                let found = compute::<Quad, Single>(cols, add);
                assert_eq!(found, compute::<Baseline, Single>(cols, add));
                assert_eq!(compute::<Quad, Pairs>(cols, add), compute::<Baseline, Pairs>(cols, add));
                let bits = |c: Vec<f32>| c.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                let [quad, base] = [compute::<Quad, Fours>(cols, add), compute::<Baseline, Fours>(cols, add)];
                assert_eq!(bits(quad), bits(base));
                assert!(found.iter().enumerate().all(|(i, &x)| (i % 70 < cols) || x == 0.5));
            }
        }
        #[cfg(target_arch = "aarch64")]
        for cols in 0..=2 * PANEL {
            assert_eq!(compute::<Vreg, Single>(cols, true), compute::<Quad, Single>(cols, true));
            assert_eq!(compute::<Vreg, Pairs>(cols, false), compute::<Quad, Pairs>(cols, false));
        }
        // SAFETY: two elements of two.
        let folded = unsafe { Quad::load_first([1.0, 2.0].as_ptr(), 2).fold4() };
        assert_eq!(folded, [1.0, 2.0, 0.0, 0.0]);
    }
}
