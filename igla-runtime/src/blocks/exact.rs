//! Products with decoded numbers, for a right-hand side of [`crate::gemm()`].
//!
//! Few rows of A meet numbers that are decoded in registers and used at once; otherwise panels are decoded
//! as the sweep asks for them. Either is reached through [`Weights`], so that the products' loops are not
//! compiled once per format.

use core::fmt;
use core::ops::Range;

use super::{BlockMat, Blocks, CHUNK, Floats, ahead, each_chunk, groups, narrow, plain};
use crate::isa::{self, Isa, Kernel};
use crate::level::Level;

/// Most rows of A that meet numbers decoded in registers.
pub(crate) const MOST_ROWS: usize = 8;

/// A matrix of weights of any format, as products see it.
pub(crate) trait Weights: Sync + fmt::Debug {
    /// N of the product.
    fn rows(&self) -> usize;
    /// K of the product.
    fn cols(&self) -> usize;
    /// `out[i * rows.len() + j] = Σ_k x[i][k] · w[rows.start + j, k]` for at most [`MOST_ROWS`] rows of K numbers.
    fn dots(&self, level: Level, x: &[&[f32]], rows: Range<usize>, out: &mut [f32]);
    /// Numbers `ks` (chunks) of the weights' `rows`, at most `width` of them: `out[k * width + r]`, zeros
    /// for rows that there are not.
    fn panel(&self, level: Level, rows: Range<usize>, ks: Range<usize>, width: usize, out: &mut [f32]);
    /// Whether all numbers are `bf16` and A may be rounded to `bf16` too.
    fn rounds(&self) -> bool {
        false
    }
}

/// A [`BlockMat`] of any format, as the right-hand side of a product.
#[derive(Clone, Copy, Debug)]
pub struct AnyBlocks<'a>(&'a dyn Weights);

impl<'a> AnyBlocks<'a> {
    pub(crate) fn new(w: &'a dyn Weights) -> Self {
        AnyBlocks(w)
    }

    pub(crate) fn weights(self) -> &'a dyn Weights {
        self.0
    }
}

impl<'a, F: Blocks> From<&'a BlockMat<'a, F>> for AnyBlocks<'a> {
    fn from(w: &'a BlockMat<'a, F>) -> Self {
        AnyBlocks(w)
    }
}

impl<F: Blocks> Weights for BlockMat<'_, F> {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn cols(&self) -> usize {
        self.cols()
    }

    fn dots(&self, level: Level, x: &[&[f32]], rows: Range<usize>, out: &mut [f32]) {
        isa::dispatch_bytes(level, Dots { w: *self, x, rows, out });
    }

    fn panel(&self, level: Level, rows: Range<usize>, ks: Range<usize>, width: usize, out: &mut [f32]) {
        isa::dispatch_bytes(level, Panel { w: *self, rows, ks, width, out });
    }
}

struct Dots<'a, F: Blocks> {
    w: BlockMat<'a, F>,
    x: &'a [&'a [f32]],
    rows: Range<usize>,
    out: &'a mut [f32],
}

impl<F: Blocks> Kernel for Dots<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(mut self, s: S) {
        for (first, count) in groups::<S>(self.x.len()) {
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

impl<F: Blocks> Dots<'_, F> {
    /// Rows `first..first + M` of x with all rows of the weights, `R` at a time. Fewer are computed as `R`,
    /// repeating the last, so that no sum depends on its neighbours.
    #[inline(always)]
    fn group<S: Isa, const M: usize, const R: usize>(&mut self, s: S, first: usize) {
        let count = self.rows.len();
        let k = self.w.cols();
        let mut x: [&[[f32; CHUNK]]; M] = [&[]; M];
        for (i, x) in x.iter_mut().enumerate() {
            *x = self.x[first + i].as_chunks().0;
        }
        for j in (0..count).step_by(R) {
            let mut w: [&[F::Block]; R] = [&[]; R];
            for (r, w) in w.iter_mut().enumerate() {
                *w = self.w.row(self.rows.start + (j + r).min(count - 1));
            }
            let sums = block::<F, S, M, R>(s, k / F::NUMBERS, x, w);
            for (i, sums) in sums.iter().enumerate() {
                for (r, sum) in sums.iter().enumerate().take(count - j) {
                    self.out[(first + i) * count + j + r] = *sum;
                }
            }
        }
    }
}

/// `M` × `R` dot products over `blocks` blocks.
#[inline(always)]
fn block<F: Blocks, S: Isa, const M: usize, const R: usize>(
    s: S,
    blocks: usize,
    x: [&[[f32; CHUNK]]; M],
    mut w: [&[F::Block]; R],
) -> [[f32; R]; M] {
    let mut acc = [[s.splat_e(0.0); R]; M];
    for w in &mut w {
        *w = &w[..blocks];
    }
    for b in 0..blocks {
        for w in w {
            ahead::<F, S>(s, w, b, R);
        }
        each_chunk!(F, |c| {
            let at = b * (F::NUMBERS / CHUNK) + c;
            let mut xs = [[s.splat_e(0.0); 4]; M];
            for i in 0..M {
                xs[i] = Floats::load(s, &x[i][at]).registers();
            }
            for r in 0..R {
                let ws = F::decode(s, &w[r][b], c).registers();
                for i in 0..M {
                    let mut sum = acc[i][r];
                    for p in 0..4 {
                        sum = s.mul_add_e(ws[p], xs[i][p], sum);
                    }
                    acc[i][r] = sum;
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

struct Panel<'a, F: Blocks> {
    w: BlockMat<'a, F>,
    rows: Range<usize>,
    ks: Range<usize>,
    width: usize,
    out: &'a mut [f32],
}

impl<F: Blocks> Kernel for Panel<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        debug_assert!(self.ks.start.is_multiple_of(CHUNK) && self.ks.len().is_multiple_of(CHUNK));
        for j in (0..self.width).step_by(8) {
            let left = self.rows.len().saturating_sub(j);
            if left == 0 {
                for k in 0..self.ks.len() {
                    self.out[k * self.width + j..][..8].fill(0.0);
                }
                continue;
            }
            for b in self.ks.start / F::NUMBERS..self.ks.end.div_ceil(F::NUMBERS) {
                each_chunk!(F, |c| {
                    let at = b * F::NUMBERS + c * CHUNK;
                    if self.ks.contains(&at) {
                        let mut rows = [[s.splat_e(0.0); 4]; 8];
                        for (r, row) in rows.iter_mut().enumerate().take(left) {
                            let block = &self.w.row(self.rows.start + j + r)[b];
                            *row = F::decode(s, block, c).registers();
                        }
                        for p in 0..4 {
                            let mut part = [s.splat_p(0); 8];
                            for r in 0..8 {
                                part[r] = s.to_bits_e(rows[r][p]);
                            }
                            let part = s.transpose_p(part);
                            for (i, row) in part.into_iter().enumerate() {
                                let k = at - self.ks.start + 8 * p + i;
                                let out = &mut self.out[k * self.width + j..][..8];
                                // SAFETY: the slice has eight values.
                                unsafe { s.store_e(out.as_mut_ptr(), s.of_bits_e(row)) };
                            }
                        }
                    }
                });
            }
        }
    }
}
