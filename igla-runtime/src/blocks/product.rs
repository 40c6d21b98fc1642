//! Products of [`Int8Rows`] with affine weights: which way they go, and how they are cut among threads.
//!
//! Up to [`FEW`] rows of x meet codes unpacked in registers (`dots`); for more, strips are unpacked once for all
//! rows (`tiles`) if the format suits. Which of the two depends on the whole product, and neither depends
//! on threads or neighbours, so no bit of a result does.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

use super::dots::Dots;
use super::tiles::{self, STRIP, Tiles, Unpack};
use super::{Affine, BlockMat, Int8Rows};
use crate::ctx::Par;
use crate::gemm::{Epilogue, MatMut};
use crate::isa::{self, Isa};
use crate::level::Level;
use crate::scratch::Scratch;
use crate::task::Task;

/// Most rows of x for which unpacking strips does not pay.
const FEW: usize = 8;
/// Columns of C between two epilogues, with few rows.
const COLUMNS: usize = 256;
/// Numbers in the strips of a task: a quarter of a megabyte stays in the second cache.
const STRIPS: usize = 1 << 18;
/// Rows of x between two epilogues, with many rows.
const ROWS: usize = 32;
/// Most columns of a task with strips.
const WIDEST: usize = 64;
/// Multiply-adds that take as long as touching an element does elsewhere.
const PER_ELEMENT: usize = 16;

/// A matrix of weights of any affine format, as products see it.
trait Weights: Sync + fmt::Debug {
    fn rows(&self) -> usize;
    fn cols(&self) -> usize;
    /// `out[i * rows.len() + j]` for rows `xs` of x and `rows` of the weights.
    fn dots(&self, level: Level, x: &Int8Rows<'_>, xs: Range<usize>, rows: Range<usize>, out: &mut [f32]);
    /// Bytes and floats of so many rows in strips; `None` if strips do not suit the format.
    fn strips(&self, rows: usize) -> Option<(usize, usize)>;
    fn unpack(&self, level: Level, rows: Range<usize>, codes: &mut [u8], scales: &mut [f32]);
    /// As `dots`, with the `count` rows unpacked before.
    fn tiles(&self, level: Level, strips: Strips<'_>, x: &Int8Rows<'_>, xs: Range<usize>, out: &mut [f32]);
}

/// What [`Weights::unpack`] wrote.
struct Strips<'a> {
    codes: &'a [u8],
    scales: &'a [f32],
    count: usize,
}

impl<F: Affine> Weights for BlockMat<'_, F> {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn cols(&self) -> usize {
        self.cols()
    }

    fn dots(&self, level: Level, x: &Int8Rows<'_>, xs: Range<usize>, rows: Range<usize>, out: &mut [f32]) {
        isa::dispatch_bytes(level, Dots { w: *self, x: *x, xs, rows, out });
    }

    fn strips(&self, rows: usize) -> Option<(usize, usize)> {
        const { tiles::depth::<F>() > 0 }.then(|| tiles::sizes::<F>(rows, self.cols()))
    }

    fn unpack(&self, level: Level, rows: Range<usize>, codes: &mut [u8], scales: &mut [f32]) {
        isa::dispatch_bytes(level, Unpack { w: *self, rows, codes, scales });
    }

    fn tiles(&self, level: Level, strips: Strips<'_>, x: &Int8Rows<'_>, xs: Range<usize>, out: &mut [f32]) {
        let Strips { codes, scales, count } = strips;
        isa::dispatch_bytes(level, Tiles { format: PhantomData::<F>, codes, scales, count, x: *x, xs, out });
    }
}

/// A [`BlockMat`] of any affine format, as the right-hand side of a product of bytes.
#[derive(Clone, Copy, Debug)]
pub struct AnyAffine<'a>(&'a dyn Weights);

impl<'a, F: Affine> From<&'a BlockMat<'a, F>> for AnyAffine<'a> {
    fn from(w: &'a BlockMat<'a, F>) -> Self {
        AnyAffine(w)
    }
}

impl Par<'_> {
    /// `C[m, n] = Σ_k x[m, k] · W[n, k]` on all threads if that pays, then `epilogue` on every finished row segment.
    /// The result has the same bits for any number of threads. Scratch comes from the workers' own memory,
    /// which grows with the first product that needs more.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub fn gemm_int8<'a, E: Epilogue>(
        &mut self,
        x: &Int8Rows<'a>,
        w: impl Into<AnyAffine<'a>>,
        c: MatMut<'a>,
        epilogue: &E,
    ) {
        let w = w.into().0;
        let (m, n, k) = (c.rows(), c.cols(), x.cols());
        assert!(
            x.rows() == m && w.rows() == n && w.cols() == k,
            "matrix product: x is {} × {k}, the weights are {} × {}, so C cannot be {m} × {n}",
            x.rows(),
            w.rows(),
            w.cols(),
        );
        if m == 0 || n == 0 {
            return;
        }
        // A task with strips has as many columns as keep them in cache; one without, as many as are worth it.
        let widest = (STRIPS / k.max(1) / STRIP * STRIP).clamp(STRIP, WIDEST);
        let strips = w.strips(n.min(widest)).filter(|_| m > FEW);
        let width = if strips.is_some() {
            widest
        } else {
            (n.div_ceil(2 * self.threads())).next_multiple_of(STRIP).min(COLUMNS)
        };
        let task = Columns { x: *x, w, c, epilogue, width, strips };
        self.run([n.div_ceil(width)], (), &task);
    }
}

/// A product as a task: `width` columns of C per index.
struct Columns<'a, E> {
    x: Int8Rows<'a>,
    w: &'a dyn Weights,
    c: MatMut<'a>,
    epilogue: &'a E,
    width: usize,
    /// Bytes and floats of a task's strips, if there are any.
    strips: Option<(usize, usize)>,
}

impl<E: Epilogue> Task<1> for Columns<'_, E> {
    type Out<'o> = ();

    fn scratch(&self) -> usize {
        let (codes, scales) = self.strips.unwrap_or((0, 0));
        Scratch::bytes_of::<u8>(codes).saturating_add(Scratch::bytes_of::<f32>(scales))
    }

    fn cost(&self) -> usize {
        self.x.rows().saturating_mul(self.width).saturating_mul(self.x.cols()) / PER_ELEMENT
    }

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, [i]: [usize; 1], (): (), mut scratch: Scratch<'_>) {
        let m = self.x.rows();
        let rows = i * self.width..self.c.cols().min((i + 1) * self.width);
        let count = rows.len();
        // SAFETY: tasks run once per index, and columns of different indices do not overlap.
        let mut c = unsafe { self.c.block(&(0..m), &rows) };
        let (codes, scales) = self.strips.unwrap_or((0, 0));
        let (codes, scales) = (scratch.take::<u8>(codes), scratch.take::<f32>(scales));
        if self.strips.is_some() {
            self.w.unpack(S::LEVEL, rows.clone(), codes, scales);
        }
        let mut sums = [0.0; if FEW * COLUMNS > ROWS * WIDEST { FEW * COLUMNS } else { ROWS * WIDEST }];
        let at_once = if self.strips.is_some() { ROWS } else { FEW };
        for first in (0..m).step_by(at_once) {
            let xs = first..m.min(first + at_once);
            let sums = &mut sums[..xs.len() * count];
            if self.strips.is_some() {
                let strips = Strips { codes, scales, count };
                self.w.tiles(S::LEVEL, strips, &self.x, xs.clone(), sums);
            } else {
                self.w.dots(S::LEVEL, &self.x, xs.clone(), rows.clone(), sums);
            }
            for (r, sums) in xs.zip(sums.chunks_exact(count)) {
                let row = c.segment(r, 0..count);
                row.copy_from_slice(sums);
                self.epilogue.row(s, r, rows.start, row);
            }
        }
    }
}
