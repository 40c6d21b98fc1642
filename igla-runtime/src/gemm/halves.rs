//! Right-hand sides of 8 and 16 bits: `i8`, `u8`, `bf16` and `f16` are widened, exactly, on their way into registers or
//! panels.
//!
//! Few rows of A meet numbers widened in registers, so that fewer bytes than those of f32 come from memory; for more,
//! panels are widened once as the sweep asks for them. Nothing here rounds.

use core::fmt;
use core::ops::Range;

use half::{bf16, f16};

use super::mat::Mat;
use super::pack::pack;
use super::packed::Rhs;
use super::{PANEL, across};
use crate::blocks::{AnyBlocks, Weights};
use crate::isa::{self, Isa, Kernel};
use crate::lanes::{Lanes, Row, RowMut};
use crate::level::Level;
use crate::tensor::Element;
use crate::view::View;

/// Numbers of each row that are widened at a time.
const WIDE: usize = 64;

/// A matrix of `bf16`, `f16`, `i8` or `u8`: rows are the columns of C (N), columns are K, or the other way round.
#[derive(Clone, Copy)]
pub struct HalfMat<'a, T: Element> {
    view: View<'a, T, 2>,
    rounds: bool,
    across: bool,
}

impl<'a, T: Element> HalfMat<'a, T> {
    /// A view, whose last axis is K.
    pub fn new(view: View<'a, T, 2>) -> Self {
        Self { view, rounds: false, across: false }
    }

    /// The same numbers, for products that sum over rows: K comes first, and the last axis is N.
    #[must_use]
    pub fn across(self) -> Self {
        Self { across: true, ..self }
    }
}

impl HalfMat<'_, bf16> {
    /// The same matrix, for products that may round A to `bf16`. Those of few rows never do.
    #[must_use]
    pub fn rounding(self) -> Self {
        Self { rounds: true, ..self }
    }
}

impl<T: Element> fmt::Debug for HalfMat<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HalfMat").field("type", &T::NAME).field("dims", &self.view.dims()).finish()
    }
}

/// `M` × `R` dot products at a time.
struct Dots<'a, T: Element> {
    w: View<'a, T, 2>,
    x: &'a [&'a [f32]],
    rows: Range<usize>,
    out: &'a mut [f32],
}

/// Numbers of `rows` × `ks`, widened and transposed.
struct Panel<'a, T: Element> {
    level: Level,
    w: View<'a, T, 2>,
    rows: Range<usize>,
    ks: Range<usize>,
    width: usize,
    out: &'a mut [f32],
}

macro_rules! halves {
    ($t:ty, |$v:ident| $widened:expr) => {
        impl<'a> From<&'a HalfMat<'a, $t>> for Rhs<'a> {
            fn from(b: &'a HalfMat<'a, $t>) -> Self {
                Self::Blocks(AnyBlocks::new(b))
            }
        }

        impl Weights for HalfMat<'_, $t> {
            fn rows(&self) -> usize {
                self.view.dim(usize::from(self.across))
            }

            fn cols(&self) -> usize {
                self.view.dim(usize::from(!self.across))
            }

            fn dots(&self, level: Level, x: &[&[f32]], rows: Range<usize>, out: &mut [f32]) {
                if self.across {
                    isa::dispatch(level, across::Sums { b: self.view, x, columns: rows, out });
                } else {
                    isa::dispatch(level, Dots { w: self.view, x, rows, out });
                }
            }

            fn panel(
                &self,
                level: Level,
                rows: Range<usize>,
                ks: Range<usize>,
                width: usize,
                out: &mut [f32],
            ) {
                if self.across {
                    isa::dispatch(level, across::Panel { b: self.view, columns: rows, ks, width, out });
                } else {
                    isa::dispatch(level, Panel { level, w: self.view, rows, ks, width, out });
                }
            }

            fn rounds(&self) -> bool {
                self.rounds
            }
        }

        impl Kernel for Dots<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn run<S: Isa>(mut self, s: S) {
                let mut first = 0;
                while first < self.x.len() {
                    first += match self.x.len() - first {
                        4.. => self.group::<S, 4, 2>(s, first),
                        2.. => self.group::<S, 2, 4>(s, first),
                        _ => self.group::<S, 1, 4>(s, first),
                    };
                }
            }
        }

        impl Dots<'_, $t> {
            /// Rows `first..first + M` of x with all rows of the weights, `R` at a time. Fewer are computed as `R`,
            /// repeating the last, so that no sum depends on its neighbours.
            #[inline(always)]
            fn group<S: Isa, const M: usize, const R: usize>(&mut self, s: S, first: usize) -> usize {
                let count = self.rows.len();
                for j in (0..count).step_by(R) {
                    let mut w: [&[$t]; R] = [&[]; R];
                    for (r, w) in w.iter_mut().enumerate() {
                        *w = self.w.row([self.rows.start + (j + r).min(count - 1)]);
                    }
                    let mut x: [&[f32]; M] = [&[]; M];
                    for (i, x) in x.iter_mut().enumerate() {
                        *x = self.x[first + i];
                    }
                    let mut acc = [[s.splat::<1>(0.0); R]; M];
                    for part in s.parts::<1>(0, self.w.dim(1)) {
                        for k in part {
                            let mut y = [s.splat::<1>(0.0); R];
                            for r in 0..R {
                                let $v = w[r].load(k);
                                y[r] = $widened;
                            }
                            for i in 0..M {
                                let x = x[i].load(k);
                                for r in 0..R {
                                    acc[i][r] = acc[i][r].fma_in(k, x, y[r]);
                                }
                            }
                        }
                    }
                    for i in 0..M {
                        for r in 0..R.min(count - j) {
                            self.out[(first + i) * count + j + r] = acc[i][r].reduce_add();
                        }
                    }
                }
                M
            }
        }

        impl Kernel for Panel<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn run<S: Isa>(self, s: S) {
                let mut wide = [0.0; PANEL * WIDE];
                for first in (0..self.ks.len()).step_by(WIDE) {
                    let count = WIDE.min(self.ks.len() - first);
                    let from = self.ks.start + first;
                    for (row, wide) in self.rows.clone().zip(wide.chunks_exact_mut(WIDE)) {
                        let narrow = &self.w.row([row])[from..from + count];
                        for part in s.parts::<4>(0, count) {
                            for k in part {
                                let $v = narrow.load(k);
                                wide.store(k, $widened);
                            }
                        }
                    }
                    let out = &mut self.out[first * self.width..][..count * self.width];
                    let (rows, cols) = (0..self.rows.len(), 0..count);
                    let shape = (&[(rows.len(), WIDE)][..], &[(count, 1)][..]);
                    let mat = Mat::strided(&wide, shape.0, shape.1).expect("a tile of widened rows");
                    // SAFETY: rows and columns are all of the tile's; `out` has `width` elements for each column
                    // and at least as many as rows; the kernel runs on the level.
                    unsafe { pack(self.level, &mat, &rows, &cols, out.as_mut_ptr(), self.width) }
                }
            }
        }
    };
}
halves!(bf16, |v| v);
halves!(f16, |v| v);
halves!(i8, |v| v.to_f32());
halves!(u8, |v| v.to_f32());
