//! Dot products of bytes with the codes of an affine format, a few rows of each at a time.
//!
//! ```text
//! Σ_k x[k] · w[k] = Σ_chunk dx · (scale · (Σ q · code + LOW · Σ q) + min · Σ q)
//! ```
//! for one group a chunk; with more groups the sums are those of the lanes that belong to each. Sums of bytes are
//! exact whole numbers, the same on every level. Products are added in pairs with saturation at 16 bits, so
//! codes must not exceed 128 against bytes of at most 127: `2 · 128 · 127 < 2¹⁵`. Codes of a wider format are
//! turned into signed bytes, and the sign of each goes to the byte of x that it meets.

use core::ops::Range;

use super::{Affine, BlockMat, Bytes, Int8Rows, ahead, each_chunk, groups, narrow, plain};
use crate::isa::{Isa, Kernel};

/// Whether codes are multiplied as they are.
const fn unsigned<F: Affine>() -> bool {
    F::HIGH - F::LOW <= 128
}

/// What is missing from the multiplied bytes to `int`.
const fn offset<F: Affine>() -> i32 {
    if unsigned::<F>() { F::LOW } else { F::LOW + 128 }
}

/// `out[i * rows.len() + j]` for rows `xs` of x and `rows` of the weights.
pub(super) struct Dots<'a, F: Affine> {
    pub w: BlockMat<'a, F>,
    pub x: Int8Rows<'a>,
    pub xs: Range<usize>,
    pub rows: Range<usize>,
    pub out: &'a mut [f32],
}

impl<F: Affine> Kernel for Dots<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(mut self, s: S) {
        const { super::check::<F>() };
        for (first, count) in groups::<S>(self.xs.len()) {
            match count {
                4 if const { narrow::<S>() } => self.group::<S, 4, 1>(s, first),
                2 if const { narrow::<S>() } => self.group::<S, 2, 2>(s, first),
                4 if !plain::<S>() => self.group::<S, 4, 2>(s, first),
                2 if !plain::<S>() => self.group::<S, 2, 4>(s, first),
                _ if !plain::<S>() => self.group::<S, 1, 4>(s, first),
                _ => self.group::<S, 1, 1>(s, first),
            }
        }
    }
}

impl<F: Affine> Dots<'_, F> {
    /// Rows `first..first + M` of x with all rows of the weights, `R` at a time. Fewer are computed as `R`,
    /// repeating the last, so that no sum depends on its neighbours.
    #[inline(always)]
    fn group<S: Isa, const M: usize, const R: usize>(&mut self, s: S, first: usize) {
        let count = self.rows.len();
        for j in (0..count).step_by(R) {
            let mut w: [&[F::Block]; R] = [&[]; R];
            for (r, w) in w.iter_mut().enumerate() {
                *w = self.w.row(self.rows.start + (j + r).min(count - 1));
            }
            let sums = dots::<F, S, M, R>(s, &self.x, self.xs.start + first, w);
            for (i, sums) in sums.iter().enumerate() {
                for (r, sum) in sums.iter().enumerate().take(count - j) {
                    self.out[(first + i) * count + j + r] = *sum;
                }
            }
        }
    }
}

/// Rows `first..first + M` of x with `R` rows of weights.
#[inline(always)]
fn dots<F: Affine, S: Isa, const M: usize, const R: usize>(
    s: S,
    x: &Int8Rows<'_>,
    first: usize,
    mut w: [&[F::Block]; R],
) -> [[f32; R]; M] {
    let chunks = x.chunks();
    let blocks = chunks * super::CHUNK / F::NUMBERS;
    for w in &mut w {
        *w = &w[..blocks];
    }
    let mut acc = [[s.splat_e(0.0); R]; M];
    let mut bytes: [&[[u8; 32]]; M] = [&[]; M];
    let mut fours: [&[[i32; 8]]; M] = [&[]; M];
    let mut scales: [&[f32]; M] = [&[]; M];
    for i in 0..M {
        let row = (first + i) * chunks..(first + i + 1) * chunks;
        bytes[i] = &x.bytes[row.clone()];
        fours[i] = &x.fours[row.clone()];
        scales[i] = &x.scales[row];
    }
    for b in 0..blocks {
        for w in w {
            ahead::<F, S>(s, w, b, R);
        }
        each_chunk!(F, |c| {
            let at = b * (F::NUMBERS / super::CHUNK) + c;
            let mut q = [s.splat_b(0); M];
            let mut shift = [s.splat_p(0); M];
            let mut weight = [s.splat_e(0.0); M];
            let mut dx = [s.splat_e(0.0); M];
            for i in 0..M {
                dx[i] = s.splat_e(scales[i][at]);
                // SAFETY: arrays of 32 bytes and of 8 values.
                let sums = unsafe {
                    q[i] = s.load_b(bytes[i][at].as_ptr());
                    s.load_p(fours[i][at].as_ptr())
                };
                shift[i] = s.mul_p(sums, s.splat_p(const { offset::<F>() }));
                weight[i] = s.mul_e(s.to_e(sums), dx[i]);
            }
            for r in 0..R {
                let block = &w[r][b];
                let codes = F::codes(s, block, c);
                let scale = F::scales(s, block, c).register();
                let signed = (codes ^ Bytes::splat(s, 128)).register();
                let (codes, size) = (codes.register(), s.abs_b(signed));
                for i in 0..M {
                    let pairs = if const { unsigned::<F>() } {
                        s.add_pairs_b(s.splat_h(0), codes, q[i])
                    } else {
                        s.add_pairs_b(s.splat_h(0), size, s.sign_b(q[i], signed))
                    };
                    let mut sums = s.sum_h(pairs);
                    if const { offset::<F>() != 0 } {
                        sums = s.add_p(sums, shift[i]);
                    }
                    acc[i][r] = s.mul_add_e(s.to_e(sums), s.mul_e(scale, dx[i]), acc[i][r]);
                    if F::HAS_MIN {
                        let min = F::mins(s, block, c).register();
                        acc[i][r] = s.mul_add_e(min, weight[i], acc[i][r]);
                    }
                }
            }
        });
    }
    let mut out = [[0.0; R]; M];
    for i in 0..M {
        for r in 0..R {
            out[i][r] = s.sum_e(acc[i][r]);
        }
    }
    out
}
