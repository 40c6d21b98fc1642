//! A few rows times weights in blocks: numbers are decoded in registers and used at once.
//!
//! Decoding into panels first would write and read eight bytes for each number, for few multiplications.
//! The products themselves are the weights' business (see [`crate::blocks`]).

use core::ops::Range;

use super::dot::{CHUNK, ROWS, rows_of};
use super::mat::{Mat, MatMut};
use crate::blocks::{AnyBlocks, MOST_ROWS};
use crate::level::Level;

const _: () = assert!(MOST_ROWS <= ROWS);

/// A product on its way; [`Rows::next`] computes the next block.
pub(super) struct Rows<'a> {
    level: Level,
    a: [*const f32; ROWS],
    b: AnyBlocks<'a>,
    /// The row of the weights that is column 0 of `c`.
    row0: usize,
    pub(super) c: MatMut<'a>,
    done: usize,
}

impl<'a> Rows<'a> {
    /// `buffer` holds A if its K is not adjacent.
    ///
    /// # Safety
    /// The shapes agree, with at most [`MOST_ROWS`] rows; `c` overlaps no operand; the CPU has `level`; `buffer` is
    /// valid for `a.rows() * a.cols()` floats for `'a`, unless A's K is adjacent.
    pub(super) unsafe fn new(
        level: Level,
        a: Mat<'a>,
        b: AnyBlocks<'a>,
        row0: usize,
        c: MatMut<'a>,
        buffer: *mut f32,
    ) -> Self {
        // SAFETY: the same contract.
        let a = unsafe { rows_of(level, &a, buffer) };
        Self { level, a, b, row0, c, done: 0 }
    }

    /// The rows and columns of C that were just finished.
    pub(super) fn next(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        let (m, n, k) = (self.c.rows(), self.c.cols(), self.b.weights().cols());
        if self.done == n || m == 0 {
            return None;
        }
        let cols = self.done..n.min(self.done + CHUNK);
        self.done = cols.end;
        let mut x: [&[f32]; MOST_ROWS] = [&[]; MOST_ROWS];
        if k > 0 {
            for (x, &row) in x.iter_mut().zip(&self.a).take(m) {
                // SAFETY: each row of A has K adjacent floats, by the contract of `new`.
                *x = unsafe { core::slice::from_raw_parts(row, k) };
            }
        }
        let mut sums = [0.0; MOST_ROWS * CHUNK];
        let sums = &mut sums[..m * cols.len()];
        let rows = self.row0 + cols.start..self.row0 + cols.end;
        self.b.weights().dots(self.level, &x[..m], rows, sums);
        for (i, sums) in sums.chunks_exact(cols.len()).enumerate() {
            self.c.segment(i, cols.clone()).copy_from_slice(sums);
        }
        Some((0..m, cols))
    }
}
