//! Products with weights in blocks that sum over the weights' rows: `C[m, n] = Σ_k A[m, k] · W[k, n]`.
//!
//! What a gradient needs of a layer's weights, and attention of values that are kept in blocks. A chunk is 32 neighbours of a
//! row of a panel then, so nothing is transposed. See `exact` for the products that sum along the weights' rows.

use core::fmt;
use core::ops::Range;

use super::exact::{AnyBlocks, Weights};
use super::{BlockMat, Blocks, CHUNK, each_chunk, groups, narrow, plain};
use crate::isa::{self, Isa, Kernel};
use crate::level::Level;

/// A matrix of blocks whose columns are the columns of C (N), and whose rows are K.
pub struct Across<'a, F: Blocks>(BlockMat<'a, F>);

impl<'a, F: Blocks> BlockMat<'a, F> {
    /// The same numbers, for products that sum over rows.
    pub fn across(self) -> Across<'a, F> {
        Across(self)
    }
}

impl<F: Blocks> fmt::Debug for Across<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Across").field(&self.0).finish()
    }
}

impl<'a, F: Blocks> From<&'a Across<'a, F>> for AnyBlocks<'a> {
    fn from(w: &'a Across<'a, F>) -> Self {
        AnyBlocks::new(w)
    }
}

impl<F: Blocks> Weights for Across<'_, F> {
    fn rows(&self) -> usize {
        self.0.cols()
    }

    fn cols(&self) -> usize {
        self.0.rows()
    }

    fn dots(&self, level: Level, x: &[&[f32]], rows: Range<usize>, out: &mut [f32]) {
        isa::dispatch_bytes(level, Sums { w: self.0, x, columns: rows, out });
    }

    fn panel(&self, level: Level, rows: Range<usize>, ks: Range<usize>, width: usize, out: &mut [f32]) {
        isa::dispatch_bytes(level, Panel { w: self.0, columns: rows, ks, width, out });
    }
}

/// Sums of a few rows of x times the weights' rows. Columns are whole chunks.
struct Sums<'a, F: Blocks> {
    w: BlockMat<'a, F>,
    x: &'a [&'a [f32]],
    columns: Range<usize>,
    out: &'a mut [f32],
}

impl<F: Blocks> Kernel for Sums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(mut self, s: S) {
        debug_assert!(self.columns.start.is_multiple_of(CHUNK) && self.columns.len().is_multiple_of(CHUNK));
        for (first, count) in groups::<S>(self.x.len()) {
            match count {
                4 if const { narrow::<S>() } => {
                    self.group::<S, 2>(s, first);
                    self.group::<S, 2>(s, first + 2);
                }
                4 if !plain::<S>() => self.group::<S, 4>(s, first),
                2 if !plain::<S>() => self.group::<S, 2>(s, first),
                _ => self.group::<S, 1>(s, first),
            }
        }
    }
}

impl<F: Blocks> Sums<'_, F> {
    /// Rows `first..first + M` of x. How rows are grouped changes no bit.
    #[inline(always)]
    fn group<S: Isa, const M: usize>(&mut self, s: S, first: usize) {
        let k = self.w.rows();
        let mut x: [&[f32]; M] = [&[]; M];
        for (i, x) in x.iter_mut().enumerate() {
            *x = &self.x[first + i][..k];
        }
        let count = self.columns.len();
        for j in (0..count).step_by(CHUNK) {
            let column = self.columns.start + j;
            let block = column / F::NUMBERS;
            each_chunk!(F, |c| {
                if column % F::NUMBERS == c * CHUNK {
                    let mut acc = [[s.splat_e(0.0); 4]; M];
                    for k in 0..k {
                        let w = F::decode(s, &self.w.row(k)[block], c).registers();
                        for i in 0..M {
                            let x = s.splat_e(x[i][k]);
                            for p in 0..4 {
                                acc[i][p] = s.mul_add_e(w[p], x, acc[i][p]);
                            }
                        }
                    }
                    for i in 0..M {
                        store(s, acc[i], &mut self.out[(first + i) * count + j..]);
                    }
                }
            });
        }
    }
}

/// Numbers of the weights' rows `ks`, at most a panel's width of them.
struct Panel<'a, F: Blocks> {
    w: BlockMat<'a, F>,
    columns: Range<usize>,
    ks: Range<usize>,
    width: usize,
    out: &'a mut [f32],
}

impl<F: Blocks> Kernel for Panel<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        debug_assert!(self.columns.start.is_multiple_of(CHUNK) && self.columns.len().is_multiple_of(CHUNK));
        for j in (0..self.columns.len()).step_by(CHUNK) {
            let column = self.columns.start + j;
            let block = column / F::NUMBERS;
            each_chunk!(F, |c| {
                if column % F::NUMBERS == c * CHUNK {
                    for (at, k) in self.ks.clone().enumerate() {
                        let numbers = F::decode(s, &self.w.row(k)[block], c).registers();
                        store(s, numbers, &mut self.out[at * self.width + j..]);
                    }
                }
            });
        }
    }
}

/// Writes a chunk's numbers to the beginning of a slice.
#[inline(always)]
fn store<S: Isa>(s: S, numbers: [S::E; 4], out: &mut [f32]) {
    for (numbers, out) in numbers.into_iter().zip(out[..CHUNK].chunks_exact_mut(8)) {
        // SAFETY: the slice has eight values.
        unsafe { s.store_e(out.as_mut_ptr(), numbers) };
    }
}
