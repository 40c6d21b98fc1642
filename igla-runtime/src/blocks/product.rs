//! Products of [`Int8Rows`] with affine weights: which way they go, and how they are cut among threads.
//!
//! Weights in blocks meet up to [`FEW`] rows of x in registers (`dots`); for more, strips are unpacked once for all
//! rows (`tiles`) if the format has them. Which of the two depends on the whole product, and neither depends
//! on threads or neighbours, so no bit of a result does.

use core::fmt;
use core::ops::Range;

use super::dots::Dots;
use super::strips::{STRIP, Scales, Shape, Strips, StripsRef, Unpack};
use super::tiles::Tiles;
use super::{Affine, BlockMat, Int8Rows};
use crate::ctx::Par;
use crate::gemm::{Epilogue, MatMut};
use crate::isa::{self, Isa};
use crate::level::Level;
use crate::scratch::Scratch;
use crate::task::Task;

/// Most rows of x for which unpacking strips does not pay.
const FEW: usize = 4;
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
pub(super) trait Weights: Sync + fmt::Debug {
    fn rows(&self) -> usize;
    fn cols(&self) -> usize;
    /// How the weights lie in strips, or would; `None` if they cannot.
    fn shape(&self) -> Option<Shape>;
    /// The strips of `rows`, if the weights lie in strips already.
    fn strips(&self, rows: Range<usize>) -> Option<StripsRef<'_>>;
    /// Unpacks `rows` into strips with codes in bytes.
    fn unpack(&self, level: Level, rows: Range<usize>, codes: &mut [u8], scales: &mut [f32]);
    /// `out[i * rows.len() + j]` for rows `xs` of x and `rows` of weights that lie in blocks.
    fn dots(&self, level: Level, x: &Int8Rows<'_>, xs: Range<usize>, rows: Range<usize>, out: &mut [f32]);
}

impl<F: Affine> Weights for BlockMat<'_, F> {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn cols(&self) -> usize {
        self.cols()
    }

    fn shape(&self) -> Option<Shape> {
        const { Shape::of::<F>() }
    }

    fn strips(&self, _: Range<usize>) -> Option<StripsRef<'_>> {
        None
    }

    fn unpack(&self, level: Level, rows: Range<usize>, codes: &mut [u8], scales: &mut [f32]) {
        isa::dispatch_bytes(level, Unpack { w: *self, rows, bits: 8, codes, scales });
    }

    fn dots(&self, level: Level, x: &Int8Rows<'_>, xs: Range<usize>, rows: Range<usize>, out: &mut [f32]) {
        isa::dispatch_bytes(level, Dots { w: *self, x: *x, xs, rows, out });
    }
}

impl Weights for Strips {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn cols(&self) -> usize {
        self.cols()
    }

    fn shape(&self) -> Option<Shape> {
        None
    }

    fn strips(&self, rows: Range<usize>) -> Option<StripsRef<'_>> {
        Some(self.part(rows))
    }

    fn unpack(&self, _: Level, _: Range<usize>, _: &mut [u8], _: &mut [f32]) {
        unreachable!("strips are not unpacked again");
    }

    fn dots(&self, _: Level, _: &Int8Rows<'_>, _: Range<usize>, _: Range<usize>, _: &mut [f32]) {
        unreachable!("strips have products of their own");
    }
}

/// Weights of any affine format, in blocks ([`BlockMat`]) or rearranged ([`Strips`]), as the right-hand side of a
/// product of bytes.
#[derive(Clone, Copy, Debug)]
pub struct AnyAffine<'a>(&'a dyn Weights);

impl<'a> AnyAffine<'a> {
    pub(super) fn new(w: &'a dyn Weights) -> Self {
        AnyAffine(w)
    }
}

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
        // Strips unpacked by a task stay in cache; otherwise a task has as many columns as are worth it.
        let unpacked = w.shape().filter(|_| m > FEW).map(Shape::in_bytes);
        let width = if unpacked.is_some() {
            (STRIPS / k.max(1) / STRIP * STRIP).clamp(STRIP, WIDEST)
        } else {
            n.div_ceil(2 * self.threads()).next_multiple_of(STRIP).min(COLUMNS)
        };
        let task = Columns { x: *x, w, c, epilogue, width, unpacked };
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
    /// The shape of the strips that a task unpacks, if it does.
    unpacked: Option<Shape>,
}

impl<E> Columns<'_, E> {
    /// Bytes and floats of a task's strips.
    fn sizes(&self) -> (usize, usize) {
        self.unpacked.map_or((0, 0), |shape| shape.sizes(self.width, self.x.cols()))
    }
}

impl<E: Epilogue> Task<1> for Columns<'_, E> {
    type Out<'o> = ();

    fn scratch(&self) -> usize {
        let (codes, scales) = self.sizes();
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
        let (codes, scales) = self.sizes();
        let (codes, scales) = (scratch.take::<u8>(codes), scratch.take::<f32>(scales));
        let strips = match self.unpacked {
            Some(shape) => {
                self.w.unpack(S::LEVEL, rows.clone(), codes, scales);
                Some(StripsRef { shape, codes, scales: Scales::Single(scales) })
            }
            None => self.w.strips(rows.clone()),
        };
        let mut sums = [0.0; if FEW * COLUMNS > ROWS * WIDEST { FEW * COLUMNS } else { ROWS * WIDEST }];
        let at_once = (sums.len() / count).min(ROWS);
        for first in (0..m).step_by(at_once) {
            let xs = first..m.min(first + at_once);
            let sums = &mut sums[..xs.len() * count];
            match strips {
                Some(strips) => {
                    Tiles { strips, count, x: self.x, xs: xs.clone(), out: sums }.compute(S::LEVEL);
                }
                None => self.w.dots(S::LEVEL, &self.x, xs.clone(), rows.clone(), sums),
            }
            for (r, sums) in xs.zip(sums.chunks_exact(count)) {
                let row = c.segment(r, 0..count);
                row.copy_from_slice(sums);
                self.epilogue.row(s, r, rows.start, row);
            }
        }
    }
}
