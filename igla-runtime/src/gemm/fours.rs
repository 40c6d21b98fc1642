//! Words of four bytes: four steps of K of a row or a column, the first in the lowest byte.
//!
//! ```text
//!   panel 0: columns 0..32 of C          a word
//!   excess:  e₀ e₁ … e₃₁                 ┌ k = 3 ┬ k = 2 ┬ k = 1 ┬ k = 0 ┐
//!   k=0..4:  b₀ b₁ … b₃₁                 each byte is a signed number; beyond the last k, 0
//!   k=4..8:  b₀ b₁ … b₃₁
//! ```
//! Everything else is as in panels of f32 (see [`super::PackedB`]), and words are moved as if they were f32. Sums are
//! `i32`, wrapping, so any order gives the same ones, and any level.
//!
//! AVX-512 multiplies unsigned bytes with signed ones. There A is packed 128 larger than it is, which makes each sum
//! larger by 128 times the sum of the column of B: its *excess*, which is subtracted first. So B has one form for all
//! levels, and the loop over K nothing but products.

use core::ops::Range;
use core::ptr::null;

use super::PANEL;
use super::kernel::{Numbers, Strip, kernels};
use super::mat::Mat;
use super::pack::{clear, transpose};
#[cfg(target_arch = "x86_64")]
use super::tiles::pack_tiles_of_fours;
use crate::level::Level;

/// Steps of K in a word.
pub(super) const STEPS: usize = 4;

/// Steps of K that are copied at a time where K is not adjacent.
pub(super) const WIDE: usize = 128;

/// What is added to a signed byte to make it unsigned, in all bytes of a word: added or flipped is the same.
#[cfg(target_arch = "x86_64")]
const OFFSET: u32 = 0x8080_8080;

/// Words of a panel with its row of excesses.
pub(super) fn panel_words(k: usize) -> usize {
    PANEL * (1 + k.div_ceil(STEPS))
}

/// Packs `rows` (at most [`PANEL`]) × `ks` of B, and in front of them their excesses for these `ks`, if they are `wanted`.
///
/// # Safety
/// `rows` and `ks` are in range of `src`; `dst` is valid for [`panel_words`] writes and overlaps no operand; the CPU has
/// `level`, which is one of code.
pub(super) unsafe fn pack_panel(
    level: Level,
    src: &Mat<'_, i8>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
    wanted: bool,
) {
    // SAFETY: the caller's contract: behind the excesses there is a row for each word of steps.
    unsafe {
        let words = dst.add(PANEL);
        pack_words(level, src, rows, ks, words, PANEL);
        if wanted {
            sum(level, words, ks.len().div_ceil(STEPS), dst);
        }
    }
}

/// 128 times the sums of a panel's columns: what a row of A of nothing but 128 makes of them.
///
/// # Safety
/// `words` has so many rows of a panel, `dst` one for the sums; the CPU has `level`, which is one of code.
unsafe fn sum(level: Level, words: *const f32, total: usize, dst: *mut f32) {
    const AT_ONCE: usize = 64;
    static BYTES: [u32; AT_ONCE] = [0x8080_8080; AT_ONCE];
    static HALVES: [u32; 2 * AT_ONCE] = [0x0080_0080; 2 * AT_ONCE];
    static ROWS: [usize; 1] = [0];
    let numbers = Numbers::fours(level, 1);
    let a = if numbers == Numbers::Fours { HALVES.as_ptr() } else { BYTES.as_ptr() };
    for first in (0..total.max(1)).step_by(AT_ONCE) {
        let strip = Strip {
            steps: AT_ONCE.min(total - first),
            height: 1,
            a: a.cast(),
            b: words.wrapping_add(first * PANEL),
            b_step: PANEL,
            b_panel: 0,
            excess: null(),
            c: dst,
            rows: ROWS.as_ptr(),
            cols: PANEL,
            add: first > 0,
        };
        // SAFETY: the kernel is the level's for one row; there are so many steps of both operands, and 32 columns.
        unsafe { kernels(level, numbers)[0](&strip) }
    }
}

/// Packs `rows` (at most [`PANEL`]) × `ks` of A for the kernels of `numbers`.
///
/// # Safety
/// As [`pack_words`], for `numbers.words(ks.len()) * rows.len()` writes.
pub(super) unsafe fn pack_strip(
    level: Level,
    numbers: Numbers,
    src: &Mat<'_, i8>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
) {
    #[cfg(target_arch = "x86_64")]
    if numbers == Numbers::FourTiles {
        // SAFETY: the same contract.
        return unsafe { pack_tiles_of_fours(src, rows, ks, dst) };
    }
    let height = rows.len();
    let count = ks.len().div_ceil(STEPS) * height;
    let widened = numbers == Numbers::Fours;
    // SAFETY: the caller's contract; what is widened is packed into the second half first.
    let words = unsafe {
        pack_words(level, src, rows, ks, dst.add(if widened { count } else { 0 }), height);
        core::slice::from_raw_parts_mut(dst.cast::<u32>(), if widened { 2 * count } else { count })
    };
    if widened {
        widen(words, height);
        return;
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: only AVX-512 has such numbers.
    unsafe {
        offset(words);
    }
}

/// Makes all bytes unsigned, 128 larger.
///
/// # Safety
/// The CPU has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn offset(words: &mut [u32]) {
    for word in words {
        *word ^= OFFSET;
    }
}

/// Makes two words of each word in the second half: bytes 0 and 2 of `height` rows, then 1 and 3 of them, as numbers of 16
/// bits.
fn widen(words: &mut [u32], height: usize) {
    let count = words.len() / 2;
    let halves = |low: u8, high: u8| {
        let wide = |x: u8| u32::from(i16::from(x.cast_signed()).cast_unsigned());
        wide(low) | wide(high) << 16
    };
    let mut row = [0; PANEL];
    let row = &mut row[..height];
    // Row by row: the last two rows written are where the last one read was.
    for first in (0..count).step_by(height.max(1)) {
        row.copy_from_slice(&words[count + first..][..height]);
        let (even, odd) = words[2 * first..][..2 * height].split_at_mut(height);
        for ((even, odd), row) in even.iter_mut().zip(odd).zip(&*row) {
            let [a, b, c, d] = row.to_le_bytes();
            (*even, *odd) = (halves(a, c), halves(b, d));
        }
    }
}

/// Packs `rows` (at most [`PANEL`]) × `ks` of `src`: `dst[p * ld + i]` has steps `4p..4p + 4` of row `i`, 0 where there is
/// no step or no row.
///
/// # Safety
/// `rows` and `ks` are in range of `src`; `dst` is valid for `ks.len().div_ceil(4) * ld` writes and overlaps no operand;
/// `rows.len() <= ld`; the CPU has `level`.
unsafe fn pack_words(
    level: Level,
    src: &Mat<'_, i8>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
    ld: usize,
) {
    let height = rows.len();
    if !src.col_axis().is_unit() && src.part(rows).columns_are_runs() {
        // SAFETY: the same contract; rows are adjacent.
        return unsafe { interleave_rows(src, rows, ks, dst, ld) };
    }
    let each = |start: usize, count: usize, rows: &[*const i8]| {
        let (whole, rest) = (count / STEPS, count % STEPS);
        let mut words = [null(); PANEL];
        for (words, row) in words.iter_mut().zip(rows) {
            *words = row.cast::<f32>();
        }
        // SAFETY: each row has these columns; `dst` has words for them.
        unsafe {
            let dst = dst.add(start / STEPS * ld);
            transpose(level, &words[..height], whole, dst, ld);
            if rest > 0 {
                for (i, row) in rows.iter().enumerate() {
                    let mut bytes = [0; STEPS];
                    core::ptr::copy_nonoverlapping(row.add(whole * STEPS).cast(), bytes.as_mut_ptr(), rest);
                    dst.add(whole * ld + i).write(f32::from_bits(u32::from_ne_bytes(bytes)));
                }
            }
            clear(height, count.div_ceil(STEPS), dst, ld);
        }
    };
    // SAFETY: the caller's contract.
    unsafe { stretches(src, rows, ks, each) }
}

/// [`pack_words`] of adjacent rows.
///
/// # Safety
/// As [`pack_words`]; the rows are adjacent.
unsafe fn interleave_rows(
    src: &Mat<'_, i8>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
    ld: usize,
) {
    static NOTHING: [i8; PANEL] = [0; PANEL];
    let height = rows.len();
    let first = src.row_axis().offset(rows.start);
    for (p, start) in (ks.start..ks.end).step_by(STEPS).enumerate() {
        let mut columns = [NOTHING.as_ptr(); STEPS];
        for (column, k) in columns.iter_mut().zip(start..ks.end) {
            // SAFETY: row and column are in range.
            *column = unsafe { src.data().add(first + src.col_axis().offset(k)) };
        }
        // SAFETY: from the first row on there are `height` in each column; `dst` has words for them.
        unsafe { interleave(columns, height, dst.add(p * ld)) }
    }
    // SAFETY: the caller's contract.
    unsafe { clear(height, ks.len().div_ceil(STEPS), dst, ld) }
}

/// Words of four bytes, one from each column.
///
/// # Safety
/// `height` bytes of each column are readable, and as many words writable at `dst`.
#[inline(always)]
unsafe fn interleave(columns: [*const i8; STEPS], height: usize, dst: *mut f32) {
    // SAFETY: the caller's contract; the last eight overlap the ones before them.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if height >= 8 {
            use core::arch::x86_64::*;
            for i in (0..height).step_by(8) {
                let i = i.min(height - 8);
                let [a, b, c, d] = columns.map(|column| _mm_loadl_epi64(column.add(i).cast()));
                let (low, high) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
                _mm_storeu_si128(dst.add(i).cast(), _mm_unpacklo_epi16(low, high));
                _mm_storeu_si128(dst.add(i + 4).cast(), _mm_unpackhi_epi16(low, high));
            }
            return;
        }
        for i in 0..height {
            let bytes = columns.map(|column| (*column.add(i)).cast_unsigned());
            dst.add(i).write(f32::from_bits(u32::from_ne_bytes(bytes)));
        }
    }
}

/// Rows of K adjacent bytes: where they are in A, or copied to `buffer`.
///
/// # Safety
/// A has at most `ROWS` rows; `buffer` is valid for `a.rows() * a.cols()` bytes, unless A's K is adjacent.
pub(super) unsafe fn lines<const ROWS: usize>(a: &Mat<'_, i8>, buffer: *mut i8) -> [*const i8; ROWS] {
    let (m, k) = (a.rows(), a.cols());
    let mut out = [a.data(); ROWS];
    let (rows, in_place) = (0..m, a.col_axis().is_unit());
    let each = |start: usize, count: usize, rows: &[*const i8]| {
        for (i, (out, row)) in out.iter_mut().zip(rows).enumerate() {
            if in_place {
                *out = *row;
                continue;
            }
            let line = buffer.wrapping_add(i * k);
            *out = line;
            // SAFETY: the row has the columns, and the buffer a line for it.
            unsafe { line.add(start).copy_from_nonoverlapping(*row, count) }
        }
    };
    // SAFETY: all rows and columns; no more rows than a panel has.
    unsafe { stretches(a, &rows, &(0..k), each) }
    out
}

/// Calls `each` with stretches of `ks`: where a stretch starts, counted from that of `ks` and a multiple of [`WIDE`], how
/// long it is, and where each row has it, in the operand or copied together.
///
/// # Safety
/// `rows` (at most [`PANEL`]) and `ks` are in range of `src`.
pub(super) unsafe fn stretches(
    src: &Mat<'_, i8>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    mut each: impl FnMut(usize, usize, &[*const i8]),
) {
    let mut at = [0; PANEL];
    let at = &mut at[..rows.len()];
    src.row_axis().offsets(rows.start, at);
    let mut first = [null(); PANEL];
    let first = &mut first[..rows.len()];
    if src.col_axis().is_unit() {
        if !ks.is_empty() {
            for (first, at) in first.iter_mut().zip(at) {
                // SAFETY: row and column are in range, by the contract.
                *first = unsafe { src.data().add(*at + src.col_axis().offset(ks.start)) };
            }
            each(0, ks.len(), first);
        }
        return;
    }
    let mut part = [[0_i8; WIDE]; PANEL];
    for start in (0..ks.len()).step_by(WIDE) {
        let cols = ks.start + start..ks.end.min(ks.start + start + WIDE);
        // SAFETY: in range, by the contract.
        unsafe { gather(src, at, &cols, &mut part) }
        for (first, part) in first.iter_mut().zip(&part) {
            *first = part.as_ptr();
        }
        each(start, cols.len(), first);
    }
}

/// Copies columns of rows at `at`, each to a row of `part`.
///
/// # Safety
/// Rows and columns are in range of `src`, at most [`PANEL`] and [`WIDE`].
unsafe fn gather(src: &Mat<'_, i8>, at: &[usize], cols: &Range<usize>, part: &mut [[i8; WIDE]; PANEL]) {
    let step = src.col_axis().step();
    let mut k = 0;
    for (offset, count) in src.col_axis().runs(cols.clone()) {
        for p in 0..count {
            for (part, at) in part.iter_mut().zip(at) {
                // SAFETY: the caller's contract.
                part[k] = unsafe { *src.data().add(offset + p * step + at) };
            }
            k += 1;
        }
    }
}
