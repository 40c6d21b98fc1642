//! Right-hand sides of 8 and 16 bits that are summed over rows: `C[m, n] = Σ_k A[m, k] · B[k, n]`.
//!
//! Neighbours of a row of B are neighbours of a row of a panel, so nothing is transposed. See [`super::halves`] for
//! those that are summed along rows.

use core::ops::Range;

use half::{bf16, f16};

use crate::isa::{Isa, Kernel};
use crate::lanes::{Lanes, Row, RowMut};
use crate::tensor::Element;
use crate::view::View;

/// A few rows of x times columns of B.
pub(super) struct Sums<'a, T: Element> {
    pub b: View<'a, T, 2>,
    pub x: &'a [&'a [f32]],
    pub columns: Range<usize>,
    pub out: &'a mut [f32],
}

/// Numbers of `columns` of B's rows `ks`, widened, and zeros up to the width.
pub(super) struct Panel<'a, T: Element> {
    pub b: View<'a, T, 2>,
    pub columns: Range<usize>,
    pub ks: Range<usize>,
    pub width: usize,
    pub out: &'a mut [f32],
}

macro_rules! across {
    ($t:ty, |$v:ident| $widened:expr) => {
        impl Kernel for Sums<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn run<S: Isa>(self, s: S) {
                let count = self.columns.len();
                for (i, x) in self.x.iter().enumerate() {
                    let out = &mut self.out[i * count..][..count];
                    for part in s.parts::<4>(0, count) {
                        for j in part {
                            let mut sum = s.splat::<4>(0.0);
                            for (k, x) in x.iter().enumerate() {
                                let $v = self.b.row([k])[self.columns.clone()].load(j);
                                sum = s.splat::<4>(*x).mul_add($widened, sum);
                            }
                            out.store(j, sum);
                        }
                    }
                }
            }
        }

        impl Kernel for Panel<'_, $t> {
            type Output = ();

            #[inline(always)]
            fn run<S: Isa>(self, s: S) {
                let count = self.columns.len();
                for (k, out) in self.ks.zip(self.out.chunks_exact_mut(self.width)) {
                    let row = &self.b.row([k])[self.columns.clone()];
                    for part in s.parts::<2>(0, count) {
                        for j in part {
                            let $v = row.load(j);
                            out.store(j, $widened);
                        }
                    }
                    out[count..].fill(0.0);
                }
            }
        }
    };
}
across!(bf16, |v| v);
across!(f16, |v| v);
across!(i8, |v| v.to_f32());
across!(u8, |v| v.to_f32());
