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
//!            └──┘     └──────────┴──────────┘
//! ```
//! The tile stays in registers over all of K. Its height is bounded by their number (14·2
//! accumulators + 2 of B + 1 broadcast of 32), and must be large enough that loads (MR + 2 a step)
//! do not outnumber what the ports deliver next to 2·MR multiply-adds. Measured on Zen 5 from L2,
//! 6 to 14 rows all run at 95–99 % of the multiply-add peak, and so does 8 × 48, which would not
//! divide the panel; so heights are free to balance: 128 rows are 8 × 13 + 2 × 12, not 9 × 14 + 2.
//! Below six rows two accumulator columns cannot hide the latency of the adder, so flat tiles are
//! wider, up to 1 × 8 registers (four panels side by side).
//!
//! A tile starts from zero or from what C holds, so every element is the plain sum over ascending
//! k, in one accumulator: blocking, height, width and threads cannot change a bit of the result.
//!
//! Kernels must not know about caches, layouts or epilogues. They are compiled once per level and
//! height, and called through a table.

use super::PANEL;
use super::reg::{Baseline, Reg};
#[cfg(target_arch = "x86_64")]
use super::reg::{Ymm, Zmm};
use crate::level::Level;

/// Everything a microkernel needs.
pub(super) struct Strip {
    /// Steps of the sum.
    pub k: usize,
    /// The micro-panel: `a[p * height + i]`.
    pub a: *const f32,
    /// `b[j / PANEL * b_panel + p * b_step + j % PANEL]`, readable up to a multiple of [`PANEL`].
    pub b: *const f32,
    pub b_step: usize,
    pub b_panel: usize,
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

/// The kernels of a level; entry `i` is for `i + 1` rows.
pub(super) fn kernels(level: Level) -> &'static [Kernel] {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => &[
            avx512::<1, 8>,
            avx512::<2, 4>,
            avx512::<3, 4>,
            avx512::<4, 4>,
            avx512::<5, 4>,
            avx512::<6, 2>,
            avx512::<7, 2>,
            avx512::<8, 2>,
            avx512::<9, 2>,
            avx512::<10, 2>,
            avx512::<11, 2>,
            avx512::<12, 2>,
            avx512::<13, 2>,
            avx512::<14, 2>,
        ],
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => &[avx2::<1, 8>, avx2::<2, 4>, avx2::<3, 2>, avx2::<4, 2>, avx2::<5, 2>, avx2::<6, 2>],
        // Including levels that this architecture never has.
        _ => &[
            portable::<1, 8>,
            portable::<2, 4>,
            portable::<3, 2>,
            portable::<4, 2>,
            portable::<5, 2>,
            portable::<6, 2>,
        ],
    }
}

/// # Safety
/// As [`Kernel`].
unsafe fn portable<const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract; there are no features to have.
    unsafe { strip::<Baseline, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Ymm, MR, WIDE>(s) }
}

/// # Safety
/// As [`Kernel`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<const MR: usize, const WIDE: usize>(s: &Strip) {
    // SAFETY: the same contract.
    unsafe { strip::<Zmm, MR, WIDE>(s) }
}

/// Tiles of `WIDE` registers while they fit, then of two, then of one.
///
/// # Safety
/// As [`Kernel`], inlined into a function compiled for `R`.
#[inline(always)]
unsafe fn strip<R: Reg, const MR: usize, const WIDE: usize>(s: &Strip) {
    let mut j = 0;
    // SAFETY: every tile starts before `s.cols`; only its last register may reach beyond.
    unsafe {
        if WIDE > 2 {
            while s.cols - j >= WIDE * R::WIDTH {
                tile::<R, MR, WIDE>(s, j);
                j += WIDE * R::WIDTH;
            }
        }
        while s.cols - j > R::WIDTH {
            tile::<R, MR, 2>(s, j);
            j = s.cols.min(j + 2 * R::WIDTH);
        }
        if j < s.cols {
            tile::<R, MR, 1>(s, j);
        }
    }
}

/// The columns `j..j + NV * WIDTH` of a strip, as far as it has them.
///
/// # Safety
/// As [`strip`]; at least one column of the last of the `NV` registers belongs to the strip.
#[inline(always)]
unsafe fn tile<R: Reg, const MR: usize, const NV: usize>(s: &Strip, j: usize) {
    let left = s.cols - j;
    let full = left >= NV * R::WIDTH;
    let last = left.wrapping_sub((NV - 1) * R::WIDTH);
    let whole = |v: usize| full || v + 1 < NV;
    // SAFETY: columns beyond the strip are neither read nor written in C (`last` of the last
    // register are); B is readable to the end of the panel; `a` has `MR` elements per step.
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
        let mut a = s.a;
        let mut b = s.b.add(j / PANEL * s.b_panel + j % PANEL);
        for _ in 0..s.k {
            let mut x = [R::zero(); NV];
            for (v, x) in x.iter_mut().enumerate() {
                let at = v * R::WIDTH;
                *x = R::load(b.add(at / PANEL * s.b_panel + at % PANEL));
            }
            for (i, acc) in acc.iter_mut().enumerate() {
                let y = R::splat(a.add(i));
                for (acc, x) in acc.iter_mut().zip(x) {
                    *acc = acc.fma(y, x);
                }
            }
            a = a.add(MR);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::reg::Quad;

    /// The registers of other architectures' baseline do as those of this one.
    #[test]
    fn portable_registers_agree_with_the_baseline() {
        fn compute<R: Reg>(cols: usize, add: bool) -> Vec<f32> {
            let a: Vec<f32> = (0..3 * 9).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let b: Vec<f32> = (0..2 * 9 * PANEL).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let mut c = vec![0.5; 3 * 70];
            let (a, b, rows) = (a.as_ptr(), b.as_ptr(), [0, 70, 140]);
            let (b_panel, c_start) = (9 * PANEL, c.as_mut_ptr());
            let strip_of =
                Strip { k: 9, a, b, b_step: PANEL, b_panel, c: c_start, rows: rows.as_ptr(), cols, add };
            // SAFETY: three rows of A for nine steps, two panels of B, three rows of 70 columns of C.
            unsafe { strip::<R, 3, 4>(&strip_of) }
            c
        }
        for cols in 0..=2 * PANEL {
            for add in [false, true] {
                let found = compute::<Quad>(cols, add);
                assert_eq!(found, compute::<Baseline>(cols, add));
                assert!(found.iter().enumerate().all(|(i, &x)| (i % 70 < cols) || x == 0.5));
            }
        }
        // SAFETY: two elements of two.
        let folded = unsafe { Quad::load_first([1.0, 2.0].as_ptr(), 2).fold4() };
        assert_eq!(folded, [1.0, 2.0, 0.0, 0.0]);
    }
}
