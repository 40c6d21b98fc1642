//! Products of many rows of bytes with codes: codes are unpacked once into strips of eight rows, in which a
//! register has four numbers of each row, so that lanes of sums are rows of weights.
//!
//! ```text
//! strip, per chunk:   register 0: row 0: k 0..4 │ row 1: k 0..4 │ … │ row 7: k 0..4
//!                     ⋮
//!                     register 7: row 0: k 28..32 │ …           scales: row 0 │ … │ row 7
//!
//! x:  four bytes, eight times   ×  register j  →  pairs, added over j at 16 bits while they cannot overflow
//! ```
//! That takes two instructions for 32 products, and five more for each chunk of each row of x. It needs codes of
//! few bits ([`depth`]) and one group a chunk; other formats are left to `dots`.

use core::marker::PhantomData;
use core::ops::Range;

use super::{Affine, BlockMat, CHUNK, Int8Rows, each_chunk, plain};
use crate::isa::{Isa, Kernel};

/// Rows in a strip.
pub(super) const STRIP: usize = 8;
/// Rows of x that meet a strip at a time: as many sums in floats and at 16 bits stay in registers.
const WIDE: usize = 4;

/// How many products of pairs fit 16 bits: 8, 4, 2, or 0 if strips do not suit the format.
pub(super) const fn depth<F: Affine>() -> usize {
    let pair = 2 * 127 * (F::HIGH - F::LOW);
    if F::GROUP < CHUNK {
        0
    } else if 8 * pair < 1 << 15 {
        8
    } else if 4 * pair < 1 << 15 {
        4
    } else if 2 * pair < 1 << 15 {
        2
    } else {
        0
    }
}

/// Bytes and floats of so many rows in strips.
pub(super) fn sizes<F: Affine>(rows: usize, cols: usize) -> (usize, usize) {
    let numbers = rows.next_multiple_of(STRIP).saturating_mul(cols);
    let floats = if F::HAS_MIN { 2 } else { 1 };
    (numbers, numbers / CHUNK * floats)
}

/// Unpacks `rows` into strips; rows that there are not repeat the last.
pub(super) struct Unpack<'a, F: Affine> {
    pub w: BlockMat<'a, F>,
    pub rows: Range<usize>,
    pub codes: &'a mut [u8],
    pub scales: &'a mut [f32],
}

impl<F: Affine> Kernel for Unpack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        const { super::check::<F>() };
        let chunks = self.w.cols() / CHUNK;
        let floats = if F::HAS_MIN { 2 * STRIP } else { STRIP };
        let count = self.rows.len();
        let (codes, _) = self.codes.as_chunks_mut::<{ STRIP * CHUNK }>();
        for (strip, first) in (0..count).step_by(STRIP).enumerate() {
            let mut w: [&[F::Block]; STRIP] = [&[]; STRIP];
            for (r, w) in w.iter_mut().enumerate() {
                *w = self.w.row(self.rows.start + (first + r).min(count - 1));
            }
            for b in 0..self.w.cols() / F::NUMBERS {
                each_chunk!(F, |c| {
                    let at = strip * chunks + b * (F::NUMBERS / CHUNK) + c;
                    let mut rows = [s.splat_p(0); STRIP];
                    let scales = &mut self.scales[at * floats..][..floats];
                    for r in 0..STRIP {
                        let block = &w[r][b];
                        rows[r] = s.fours(F::codes(s, block, c).register());
                        scales[r] = F::scales(s, block, c).first();
                        if F::HAS_MIN {
                            scales[STRIP + r] = F::mins(s, block, c).first();
                        }
                    }
                    for (register, out) in
                        s.transpose_p(rows).into_iter().zip(codes[at].chunks_exact_mut(CHUNK))
                    {
                        // SAFETY: the slice has 32 bytes.
                        unsafe { s.store_b(out.as_mut_ptr(), s.bytes(register)) };
                    }
                });
            }
        }
    }
}

/// `out[i * count + j]` for rows `xs` of x and the `count` rows of the strips.
pub(super) struct Tiles<'a, F: Affine> {
    pub format: PhantomData<F>,
    pub codes: &'a [u8],
    pub scales: &'a [f32],
    pub count: usize,
    pub x: Int8Rows<'a>,
    pub xs: Range<usize>,
    pub out: &'a mut [f32],
}

impl<F: Affine> Kernel for Tiles<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(mut self, s: S) {
        let rows = self.xs.len();
        let mut first = 0;
        while first < rows {
            if !plain::<S>() && rows - first >= WIDE {
                self.column::<S, WIDE>(s, first);
                first += WIDE;
            } else {
                self.column::<S, 1>(s, first);
                first += 1;
            }
        }
    }
}

impl<F: Affine> Tiles<'_, F> {
    /// Rows `first..first + M` of x with every strip.
    #[inline(always)]
    fn column<S: Isa, const M: usize>(&mut self, s: S, first: usize) {
        let chunks = self.x.chunks();
        let floats = if F::HAS_MIN { 2 * STRIP } else { STRIP };
        let codes = self.codes.as_chunks::<{ STRIP * CHUNK }>().0;
        for strip in 0..self.count.div_ceil(STRIP) {
            let codes = &codes[strip * chunks..][..chunks];
            let scales = &self.scales[strip * chunks * floats..][..chunks * floats];
            let sums = tile::<F, S, M>(s, &self.x, self.xs.start + first, codes, scales);
            let (j, count) = (strip * STRIP, self.count);
            for (i, sums) in sums.iter().enumerate() {
                let columns = STRIP.min(count - j);
                self.out[(first + i) * count + j..][..columns].copy_from_slice(&sums[..columns]);
            }
        }
    }
}

/// Rows `first..first + M` of x with a strip.
#[inline(always)]
fn tile<F: Affine, S: Isa, const M: usize>(
    s: S,
    x: &Int8Rows<'_>,
    first: usize,
    codes: &[[u8; STRIP * CHUNK]],
    scales: &[f32],
) -> [[f32; STRIP]; M] {
    let chunks = codes.len();
    let mut bytes: [&[[u8; CHUNK]]; M] = [&[]; M];
    let mut totals: [&[i32]; M] = [&[]; M];
    let mut dx: [&[f32]; M] = [&[]; M];
    for i in 0..M {
        let row = (first + i) * chunks..(first + i + 1) * chunks;
        bytes[i] = &x.bytes[row.clone()];
        totals[i] = &x.totals[row.clone()];
        dx[i] = &x.scales[row];
    }
    let mut acc = [s.splat_e(0.0); M];
    for at in 0..chunks {
        let codes = &codes[at];
        let mut sums = [s.splat_p(0); M];
        macro_rules! several {
            ($($j:literal)*) => {{
                let mut pairs = [s.splat_h(0); M];
                $(
                    // SAFETY: eight registers of 32 bytes, and eight fours of 32 bytes.
                    let w = unsafe { s.load_b(codes.as_ptr().add(CHUNK * $j)) };
                    for i in 0..M {
                        // SAFETY: as above.
                        let four = unsafe { s.splat_four_b(bytes[i][at].as_ptr().add(4 * $j)) };
                        pairs[i] = s.add_h(pairs[i], s.pairs_b(w, four));
                    }
                )*
                for i in 0..M {
                    sums[i] = s.add_p(sums[i], s.sum_h(pairs[i]));
                }
            }};
        }
        if const { depth::<F>() == 8 } {
            several!(0 1 2 3 4 5 6 7);
        } else if const { depth::<F>() == 4 } {
            several!(0 1 2 3);
            several!(4 5 6 7);
        } else {
            several!(0 1);
            several!(2 3);
            several!(4 5);
            several!(6 7);
        }
        let floats = if F::HAS_MIN { 2 * STRIP } else { STRIP };
        let scales = &scales[at * floats..][..floats];
        // SAFETY: the slice has eight values, or twice eight if there are minima.
        let (scale, min) = unsafe {
            (
                s.load_e(scales.as_ptr()),
                if F::HAS_MIN { s.load_e(scales.as_ptr().add(STRIP)) } else { s.splat_e(0.0) },
            )
        };
        for i in 0..M {
            let total = totals[i][at];
            let sum =
                if F::LOW == 0 { sums[i] } else { s.add_p(sums[i], s.splat_p(total.wrapping_mul(F::LOW))) };
            acc[i] = s.mul_add_e(s.to_e(sum), s.mul_e(scale, s.splat_e(dx[i][at])), acc[i]);
            if F::HAS_MIN {
                acc[i] = s.mul_add_e(min, s.splat_e(total as f32 * dx[i][at]), acc[i]);
            }
        }
    }
    let mut out = [[0.0; STRIP]; M];
    for i in 0..M {
        // SAFETY: the array has eight values.
        unsafe { s.store_e(out[i].as_mut_ptr(), acc[i]) };
    }
    out
}
