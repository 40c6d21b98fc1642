//! Products whose rows sum over ranges of their own: what a causal or windowed guard on a sum becomes.
//!
//! The terms that all rows have are an ordinary product; what sticks out on either side is added row by row.
//! Nothing outside of a row's range is read, so what lies there, NaN included, does not matter.

use core::ops::Range;

use super::mat::{Mat, MatMut};
use super::{Rhs, gemm};
use crate::isa::Isa;
use crate::lanes::{Lanes, Row, RowMut};
use crate::scratch::Scratch;

/// `C[m, n] = Σ_k A[m, k] · B[n, k]` over the `k` in `range(m)` alone, on the calling thread. Ranges are cut to
/// what there is; an empty one sums to 0. They should be alike: rows of a block of a causal guard are.
///
/// # Panics
/// If the shapes disagree, or `scratch` has less than [`gemm_scratch`](super::gemm_scratch) bytes.
#[inline(always)]
pub fn gemm_within<'a, S: Isa>(
    s: S,
    a: Mat<'a>,
    b: Mat<'a>,
    mut c: MatMut<'a>,
    range: impl Fn(usize) -> Range<usize>,
    scratch: &mut Scratch<'_>,
) {
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    let range = |row: usize| {
        let Range { start, end } = range(row);
        let end = end.min(k);
        start.min(end)..end
    };
    let common = common((0..m).map(range));
    // SAFETY: the block is gone when the product is finished, before `c` is used again.
    let block = unsafe { c.block(&(0..m), &(0..n)) };
    gemm(s, a.terms(&common), Rhs::Plain(b.terms(&common)), block, &(), scratch);
    for row in 0..m {
        let Range { start, end } = range(row);
        // Ranges that share nothing have an empty middle anywhere: all terms are before it or behind it.
        let (before, behind) = (start..common.start.clamp(start, end), common.end.clamp(start, end)..end);
        for terms in [before, behind] {
            if !terms.is_empty() {
                add(s, &a, &b, &mut c, row, terms);
            }
        }
    }
}

/// What all ranges have in common.
#[inline(always)]
fn common(ranges: impl Iterator<Item = Range<usize>>) -> Range<usize> {
    let all = ranges.reduce(|x, y| x.start.max(y.start)..x.end.min(y.end)).unwrap_or(0..0);
    all.start..all.end.max(all.start)
}

/// Adds some terms to a row of C.
#[inline(always)]
fn add<S: Isa>(s: S, a: &Mat<'_>, b: &Mat<'_>, c: &mut MatMut<'_>, row: usize, terms: Range<usize>) {
    let n = c.cols();
    let sums = c.segment(row, 0..n);
    if b.columns_are_runs() {
        for part in s.parts::<4>(0, n) {
            for j in part {
                let mut sum = sums.load(j);
                for k in terms.clone() {
                    sum = s.splat::<4>(a.at(row, k)).mul_add(b.column(k).load(j), sum);
                }
                sums.store(j, sum);
            }
        }
    } else {
        for (j, sum) in sums.iter_mut().enumerate() {
            for k in terms.clone() {
                *sum += a.at(row, k) * b.at(j, k);
            }
        }
    }
}
