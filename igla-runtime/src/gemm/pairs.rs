//! Panels of pairs: `bf16` numbers of two steps of K in one word, half the bytes of f32.
//!
//! ```text
//!   panel 0: columns 0..32 of C          a word
//!   k=0,1: b₀ b₁ … b₃₁                   ┌ bits 31..16: k = 1 ┬ bits 15..0: k = 0 ┐
//!   k=2,3: b₀ b₁ … b₃₁                   both halves are numbers: a shift or a mask makes f32 of them
//! ```
//! Everything else is as in panels of f32 (see [`super::PackedB`]), and words are moved as if they were f32. CPUs that
//! multiply pairs, one by one or in tiles (see [`super::tiles`]), take the same panels; then A is packed as pairs too, which
//! rounds it.

use core::ops::Range;

use half::bf16;

use super::PANEL;
use super::mat::Mat;
use super::pack::pack;
use super::packed::Rhs;
use super::sweep::TALL;
use crate::level::Level;
use crate::tensor::Tensor;
use crate::view::View;

/// Steps of K that are rounded at a time.
pub(super) const WIDE: usize = 128;

/// B of `bf16`, packed once for any number of products on any level.
#[derive(Clone)]
pub struct PackedBf16 {
    /// Words of the panels, one after the other; memory of a tensor starts at a cache line.
    data: Tensor<f32, 1>,
    n: usize,
    k: usize,
}

impl PackedBf16 {
    /// Packs `b`, whose rows are the columns of C (N) and whose columns are K.
    ///
    /// # Panics
    /// If the packed size overflows `usize`.
    pub fn new(b: View<'_, bf16, 2>) -> Self {
        let [n, k] = b.dims();
        let rows = k.div_ceil(2);
        let len = n.checked_next_multiple_of(PANEL).and_then(|n| n.checked_mul(rows));
        let data = len.and_then(|len| Tensor::zeros([len]).ok());
        let mut data: Tensor<f32, 1> = data.expect("the size of a packed operand overflows");
        let panels = data.as_mut_slice().chunks_exact_mut((PANEL * rows).max(1));
        for (panel, first) in panels.zip((0..n).step_by(PANEL)) {
            for j in first..n.min(first + PANEL) {
                let words = panel[j - first..].iter_mut().step_by(PANEL);
                for (word, pair) in words.zip(b.row([j]).chunks(2)) {
                    let bits = |x: Option<&bf16>| x.map_or(0, |x| u32::from(x.to_bits()));
                    *word = f32::from_bits(bits(pair.first()) | bits(pair.get(1)) << 16);
                }
            }
        }
        Self { data, n, k }
    }

    /// Columns of the product.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Extent of the sum.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The same operand, for products that may round A to `bf16`.
    pub fn rounding(&self) -> Rhs<'_> {
        Rhs::PackedBf16 { b: self, rounds: true }
    }

    /// The first panel.
    pub(super) fn data(&self) -> *const f32 {
        self.data.as_slice().as_ptr()
    }
}

impl core::fmt::Debug for PackedBf16 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PackedBf16").field("n", &self.n).field("k", &self.k).finish_non_exhaustive()
    }
}

impl<'a> From<&'a PackedBf16> for Rhs<'a> {
    fn from(b: &'a PackedBf16) -> Self {
        Self::PackedBf16 { b, rounds: false }
    }
}

/// Makes pairs of a panel of f32 that are `bf16`, in place: the first half of it, rounded up to whole rows.
pub(super) fn pair_up(panel: &mut [f32]) {
    let rows = panel.len() / PANEL;
    for p in 0..rows / 2 {
        for j in 0..PANEL {
            let [low, high] = [panel[2 * p * PANEL + j], panel[(2 * p + 1) * PANEL + j]];
            panel[p * PANEL + j] = f32::from_bits(low.to_bits() >> 16 | high.to_bits() & 0xffff_0000);
        }
    }
    if rows % 2 == 1 {
        for j in 0..PANEL {
            panel[rows / 2 * PANEL + j] = f32::from_bits(panel[(rows - 1) * PANEL + j].to_bits() >> 16);
        }
    }
}

/// Packs `rows` (at most [`TALL`]) × `ks` of A as pairs: `dst[p * rows.len() + i]` has steps `2p` and `2p + 1` of row
/// `i`, each rounded to the nearest `bf16`, subnormal numbers to 0.
///
/// # Safety
/// `rows` and `ks` are in range of `src`; `dst` is valid for `ks.len().div_ceil(2) * rows.len()` writes and overlaps no
/// operand; the CPU has `level` and AVX-512 BF16.
pub(super) unsafe fn pack_rounded(
    level: Level,
    src: &Mat<'_>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
) {
    let height = rows.len();
    let mut words = [0.0_f32; TALL * WIDE / 2];
    let mut row = [0.0_f32; WIDE];
    for first in (0..ks.len()).step_by(WIDE) {
        let cols = ks.start + first..ks.end.min(ks.start + first + WIDE);
        let steps = cols.len().div_ceil(2);
        for (i, words) in words.chunks_exact_mut(WIDE / 2).take(height).enumerate() {
            // SAFETY: in range, by the contract.
            let numbers = unsafe { row_part(level, src, rows.start + i, &cols, &mut row) };
            // SAFETY: the CPU has the instructions, by the contract.
            unsafe { round(numbers, words) }
        }
        let shape = (&[(height, WIDE / 2)][..], &[(steps, 1)][..]);
        let mat = Mat::strided(&words, shape.0, shape.1).expect("a tile of rounded rows");
        // SAFETY: rows and columns are the tile's; `dst` has `height` words for each step from here on.
        unsafe { pack(level, &mat, &(0..height), &(0..steps), dst.add(first / 2 * height), height) }
    }
}

/// Some columns of row `r`: where they are, or in the buffer if they are not adjacent, and then at most [`WIDE`].
///
/// # Safety
/// The row and the columns are in range of `src`; the CPU has `level`.
pub(super) unsafe fn row_part<'b>(
    level: Level,
    src: &Mat<'b>,
    r: usize,
    cols: &Range<usize>,
    buffer: &'b mut [f32; WIDE],
) -> &'b [f32] {
    if src.col_axis().is_unit() {
        let start = src.row_axis().offset(r) + src.col_axis().offset(cols.start);
        // SAFETY: in range, by the contract, and adjacent.
        return unsafe { core::slice::from_raw_parts(src.data().add(start), cols.len()) };
    }
    let part = &mut buffer[..cols.len()];
    // SAFETY: in range, by the contract; the part has a number for each column.
    unsafe { pack(level, src, &(r..r + 1), cols, part.as_mut_ptr(), 1) }
    part
}

/// Pairs of numbers as words; the last number may be alone. There is no other way to get here.
///
/// # Safety
/// Never called.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn round(_: &[f32], _: &mut [f32]) {
    unreachable!("pairs are multiplied by AVX-512 BF16 and AMX only")
}

#[cfg(target_arch = "x86_64")]
use x86::round;

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use core::arch::x86_64::*;

    /// Pairs of numbers as words; the last number may be alone.
    ///
    /// # Safety
    /// The CPU has AVX-512 BF16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(in super::super) unsafe fn round(numbers: &[f32], words: &mut [f32]) {
        let (whole, rest) = numbers.as_chunks::<32>();
        let (words, last) = words.split_at_mut(16 * whole.len());
        for (numbers, words) in whole.iter().zip(words.as_chunks_mut::<16>().0) {
            // SAFETY: sixteen words.
            unsafe { _mm512_storeu_ps(words.as_mut_ptr(), pairs(numbers)) }
        }
        if let (false, Some(words)) = (rest.is_empty(), last.first_chunk_mut::<16>()) {
            // SAFETY: sixteen words.
            unsafe { _mm512_storeu_ps(words.as_mut_ptr(), fewer_pairs(rest)) }
        }
    }

    /// As [`round`], 16 words of each `step`, and the last words, if they are fewer, elsewhere.
    ///
    /// # Safety
    /// The CPU has AVX-512 BF16. For each 32 numbers there are 16 words one after the other at `words`, `step` of them
    /// apart; `last` is valid for writes of as many words as there are for what is left.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(in super::super) unsafe fn round_apart(
        numbers: &[f32],
        words: *mut f32,
        step: usize,
        last: *mut f32,
    ) {
        let (whole, rest) = numbers.as_chunks::<32>();
        for (i, numbers) in whole.iter().enumerate() {
            // SAFETY: the caller's contract.
            unsafe { _mm512_storeu_ps(words.add(i * step), pairs(numbers)) }
        }
        if !rest.is_empty() {
            // SAFETY: the caller's contract; no other word is written.
            unsafe { _mm512_mask_storeu_ps(last, first(rest.len().div_ceil(2)), fewer_pairs(rest)) }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn pairs(numbers: &[f32; 32]) -> __m512 {
        // SAFETY: both halves of 32 numbers.
        unsafe { joined(_mm512_loadu_ps(numbers.as_ptr()), _mm512_loadu_ps(numbers.as_ptr().add(16))) }
    }

    /// Of less than 32 numbers; the others are 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn fewer_pairs(numbers: &[f32]) -> __m512 {
        let (low, high) = (numbers.len().min(16), numbers.len().saturating_sub(16));
        // SAFETY: lanes outside of the masks are not read.
        unsafe {
            joined(
                _mm512_maskz_loadu_ps(first(low), numbers.as_ptr()),
                _mm512_maskz_loadu_ps(first(high), numbers.as_ptr().wrapping_add(16)),
            )
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn joined(low: __m512, high: __m512) -> __m512 {
        let pairs = _mm512_cvtne2ps_pbh(high, low);
        // SAFETY: registers of the same bits.
        unsafe { core::mem::transmute::<__m512bh, __m512>(pairs) }
    }

    /// The first `count` of 16 lanes.
    fn first(count: usize) -> __mmask16 {
        ((1_u32 << count) - 1) as __mmask16
    }
}
