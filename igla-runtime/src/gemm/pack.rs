//! Packing: rearranging a slab of an operand into the order the microkernel reads it in.
//!
//! A slab is up to [`PANEL`] rows of an operand and a range of its columns (K). Packed, all rows'
//! elements of one `k` are adjacent: `dst[k·ld + row]`. Both operands use this one routine: A with
//! `ld` = the slab's height, B with `ld` = [`PANEL`] and the missing rows zero.
//!
//! ```text
//!   source, K adjacent in memory            packed (ld = 4)
//!   row 0:  a0 a1 a2 a3 …                   a0 b0 c0 d0 │ a1 b1 c1 d1 │ a2 b2 c2 d2 │ …
//!   row 1:  b0 b1 b2 b3 …            ──►
//!   row 2:  c0 c1 c2 c3 …                   the microkernel reads this strictly forwards,
//!   row 3:  d0 d1 d2 d3 …                   whatever the strides of the source were
//! ```
//!
//! Three cases, decided once per slab and stretch of K: K adjacent (a transposition in registers,
//! 8×8 or 4×4), rows adjacent (a copy), neither (element by element). Packing must not know about
//! tiles, caches or products, nor what is in a word: sources of bytes have their words at any address.

#[cfg(target_arch = "aarch64")]
use core::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;
use core::ops::Range;

use super::PANEL;
use super::mat::Mat;
use crate::level::Level;

/// Packs `rows` (at most [`PANEL`]) × `cols` of `src` to `dst`, `ld` elements per column.
///
/// # Safety
/// `rows` and `cols` are in range of `src`; `dst` is valid for `cols.len() * ld` writes and
/// overlaps no operand; `rows.len() <= ld`; the CPU has `level`.
pub(super) unsafe fn pack(
    level: Level,
    src: &Mat<'_>,
    rows: &Range<usize>,
    cols: &Range<usize>,
    dst: *mut f32,
    ld: usize,
) {
    let height = rows.len();
    let mut at = [0; PANEL];
    let at = &mut at[..height];
    src.row_axis().offsets(rows.start, at);
    let adjacent = at.windows(2).all(|w| w[1] == w[0] + 1);
    let step = src.col_axis().step();
    let mut first = [core::ptr::null(); PANEL];
    let first = &mut first[..height];
    let mut dst = dst;
    for (offset, count) in src.col_axis().runs(cols.clone()) {
        // SAFETY: `offset + at[i] + p * step` are offsets of elements of `src` for all `p < count`;
        // `dst` has `ld` elements for each of the `count` columns of this run.
        unsafe {
            let base = src.data().add(offset);
            for (first, at) in first.iter_mut().zip(&*at) {
                *first = base.add(*at);
            }
            if step == 1 && ld == 1 {
                core::ptr::copy_nonoverlapping(first[0], dst, count);
            } else if adjacent && (height > 1 || step != 1) {
                copy(first[0], step, height, count, dst, ld);
            } else if step == 1 {
                transpose(level, first, count, dst, ld);
            } else {
                elements(first, step, 0..count, dst, ld);
            }
            clear(height, count, dst, ld);
            dst = dst.add(count * ld);
        }
    }
}

/// Rows of `count` adjacent words from anywhere, aligned or not: `dst[p * ld + i]` is word `p` of `rows[i]`.
///
/// # Safety
/// As [`pack`]: all these words are readable.
pub(super) unsafe fn transpose(level: Level, rows: &[*const f32], count: usize, dst: *mut f32, ld: usize) {
    // SAFETY: the same contract.
    unsafe {
        match level.code() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 | Level::Avx512 => transpose8(rows, count, dst, ld),
            _ => transpose4(rows, count, dst, ld),
        }
    }
}

/// Zeros where there are no rows.
///
/// # Safety
/// As [`pack`].
pub(super) unsafe fn clear(height: usize, count: usize, dst: *mut f32, ld: usize) {
    if ld > height {
        for p in 0..count {
            // SAFETY: the caller's contract.
            unsafe { dst.add(p * ld + height).write_bytes(0, ld - height) }
        }
    }
}

/// Rows adjacent: `count` copies of `height` elements.
///
/// # Safety
/// As [`pack`], for one run: `src[p * step + i]` is readable for `p < count`, `i < height`.
unsafe fn copy(src: *const f32, step: usize, height: usize, count: usize, dst: *mut f32, ld: usize) {
    for p in 0..count {
        // SAFETY: the caller's contract.
        unsafe {
            let (src, dst) = (src.add(p * step), dst.add(p * ld));
            match height {
                // Constant lengths are moves, not calls; the last piece overlaps the one before it.
                PANEL => core::ptr::copy_nonoverlapping(src, dst, PANEL),
                8.. => pieces::<8>(src, dst, height),
                4.. => pieces::<4>(src, dst, height),
                _ => pieces::<1>(src, dst, height),
            }
        }
    }
}

/// # Safety
/// `N <= count`; `count` elements are readable at `src` and writable at `dst`.
#[inline(always)]
unsafe fn pieces<const N: usize>(src: *const f32, dst: *mut f32, count: usize) {
    for i in (0..count).step_by(N) {
        let i = i.min(count - N);
        // SAFETY: the caller's contract, `i + N <= count`.
        unsafe { core::ptr::copy_nonoverlapping(src.add(i), dst.add(i), N) }
    }
}

/// Any strides.
///
/// # Safety
/// As [`pack`], for the columns `cols` of one run.
#[inline(always)]
unsafe fn elements(rows: &[*const f32], step: usize, cols: Range<usize>, dst: *mut f32, ld: usize) {
    for p in cols {
        for (i, row) in rows.iter().enumerate() {
            // SAFETY: the caller's contract.
            unsafe { *dst.add(p * ld + i) = row.add(p * step).read_unaligned() }
        }
    }
}

/// K adjacent, in blocks of 4 × 16, a cache line of every row; a last partial block of rows
/// overlaps the one before it.
///
/// # Safety
/// As [`transpose`].
unsafe fn transpose4(all: &[*const f32], count: usize, dst: *mut f32, ld: usize) {
    let full = if all.len() < 4 { 0 } else { count & !3 };
    for line in (0..full).step_by(16) {
        for i in (0..all.len()).step_by(4) {
            let i = i.min(all.len() - 4);
            let rows: [*const f32; 4] = core::array::from_fn(|r| all[i + r]);
            for p in (line..full.min(line + 16)).step_by(4) {
                // SAFETY: rows `i..i + 4` and columns `p..p + 4` are in range on both sides.
                unsafe { square(rows.map(|row| row.add(p)), dst.add(p * ld + i), ld) }
            }
        }
    }
    // SAFETY: the rest of the columns.
    unsafe { elements(all, 1, full..count, dst, ld) }
}

/// Four columns of four rows.
///
/// # Safety
/// Four elements are readable from each row on; `dst[q * ld + r]` is writable for all `q` and `r` below 4.
#[cfg(not(target_arch = "aarch64"))]
#[inline(always)]
unsafe fn square(rows: [*const f32; 4], dst: *mut f32, ld: usize) {
    // SAFETY: the caller's contract; arrays need no more alignment than their elements.
    unsafe {
        let row = |r: usize| rows[r].cast::<[f32; 4]>().read_unaligned();
        let [a, b, c, d] = [row(0), row(1), row(2), row(3)];
        for q in 0..4 {
            *dst.add(q * ld).cast() = [a[q], b[q], c[q], d[q]];
        }
    }
}

/// The same in registers, at all levels: every CPU has the instructions, and the compiler does not find them.
///
/// # Safety
/// As the other.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn square(rows: [*const f32; 4], dst: *mut f32, ld: usize) {
    // SAFETY: the caller's contract; NEON is part of the target.
    unsafe {
        let (a, b) = (vld1q_f32(rows[0]), vld1q_f32(rows[1]));
        let (c, d) = (vld1q_f32(rows[2]), vld1q_f32(rows[3]));
        // Pairs of rows exchange elements, then pairs of elements.
        let (even, odd) = (vreinterpretq_f64_f32(vtrn1q_f32(a, b)), vreinterpretq_f64_f32(vtrn2q_f32(a, b)));
        let (even2, odd2) =
            (vreinterpretq_f64_f32(vtrn1q_f32(c, d)), vreinterpretq_f64_f32(vtrn2q_f32(c, d)));
        vst1q_f32(dst, vreinterpretq_f32_f64(vtrn1q_f64(even, even2)));
        vst1q_f32(dst.add(ld), vreinterpretq_f32_f64(vtrn1q_f64(odd, odd2)));
        vst1q_f32(dst.add(2 * ld), vreinterpretq_f32_f64(vtrn2q_f64(even, even2)));
        vst1q_f32(dst.add(3 * ld), vreinterpretq_f32_f64(vtrn2q_f64(odd, odd2)));
    }
}

/// As [`transpose4`] in blocks of 8 × 16; fewer than eight rows go by fours.
///
/// # Safety
/// As [`transpose4`]; the CPU has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose8(all: &[*const f32], count: usize, dst: *mut f32, ld: usize) {
    if all.len() < 8 {
        // SAFETY: the same contract.
        return unsafe { transpose4(all, count, dst, ld) };
    }
    let full = count & !3;
    for line in (0..full).step_by(16) {
        for i in (0..all.len()).step_by(8) {
            let i = i.min(all.len() - 8);
            let rows: [*const f32; 8] = core::array::from_fn(|r| all[i + r]);
            for p in (line..full.min(line + 16)).step_by(4) {
                // SAFETY: rows `i..i + 8` and columns `p..p + 4` are in range on both sides.
                unsafe {
                    // Rows r and r + 4 share a register, so the shuffles stay inside 128-bit lanes.
                    let pair = |r: usize| {
                        let low = _mm256_castps128_ps256(_mm_loadu_ps(rows[r].add(p)));
                        _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(rows[r + 4].add(p)))
                    };
                    let [a, b, c, d] = [pair(0), pair(1), pair(2), pair(3)];
                    let (ab_lo, ab_hi) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                    let (cd_lo, cd_hi) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                    let out = [
                        _mm256_shuffle_ps::<0b01_00_01_00>(ab_lo, cd_lo),
                        _mm256_shuffle_ps::<0b11_10_11_10>(ab_lo, cd_lo),
                        _mm256_shuffle_ps::<0b01_00_01_00>(ab_hi, cd_hi),
                        _mm256_shuffle_ps::<0b11_10_11_10>(ab_hi, cd_hi),
                    ];
                    for (q, x) in out.into_iter().enumerate() {
                        _mm256_storeu_ps(dst.add((p + q) * ld + i), x);
                    }
                }
            }
        }
    }
    // SAFETY: the rest of the columns.
    unsafe { elements(all, 1, full..count, dst, ld) }
}
