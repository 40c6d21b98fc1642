//! Matrices as index maps over memory that somebody else laid out.
//!
//! A product does not care whether its rows are one axis of a tensor or two merged ones
//! (tokens × heads), nor in which order they lie in memory: all it needs is where element
//! `(row, column)` is. [`Axis`] answers that for one direction, [`Mat`] pairs two of them with
//! the memory, [`MatMut`] does so for the output, whose columns are always adjacent.
//!
//! Everything here is checked when it is made, with checked arithmetic; afterwards every offset
//! of an index in range is inside the memory. Nothing here touches elements.

use core::marker::PhantomData;
use core::ops::Range;

use super::int8::Word;
use crate::tensor::Element;

/// Where the indices `0..len` of one direction of a matrix lie: up to two merged tensor axes.
///
/// Index `i` is `(start + i) / inner` along the outer axis and `(start + i) % inner` along the
/// inner one. A single axis, or two that merge into one stride, has `inner` beyond every index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    start: usize,
    len: usize,
    inner: usize,
    outer_step: usize,
    step: usize,
}

impl Axis {
    /// Merges `(extent, stride)` pairs, outermost first. `None` when the extent overflows.
    pub(super) fn new(axes: &[(usize, usize)]) -> Option<Self> {
        let (outer, inner) = match *axes {
            [] => ((1, 0), (1, 0)),
            [one] => ((1, 0), one),
            [outer, inner] => (outer, inner),
            _ => return None,
        };
        let len = outer.0.checked_mul(inner.0)?;
        let single = Self { start: 0, len, inner: usize::MAX, outer_step: 0, step: inner.1 };
        Some(if outer.0 <= 1 || inner.0.checked_mul(inner.1) == Some(outer.1) {
            single
        } else if inner.0 == 1 {
            Self { step: outer.1, ..single }
        } else {
            Self { inner: inner.0.max(1), outer_step: outer.1, ..single }
        })
    }

    /// The largest offset any index has; `None` on overflow. For a non-empty axis.
    fn last(&self) -> Option<usize> {
        let last = self.start.checked_add(self.len)?.checked_sub(1)?;
        let outer = (last / self.inner).checked_mul(self.outer_step)?;
        // With more than one outer index the inner one reaches its end.
        let inner = if last >= self.inner { self.inner - 1 } else { last };
        outer.checked_add(inner.checked_mul(self.step)?)
    }

    /// The indices `range`, renumbered from 0.
    pub(super) fn part(&self, range: &Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len);
        Self { start: self.start + range.start, len: range.end - range.start, ..*self }
    }

    /// Whether neighbours in index are neighbours in memory throughout.
    pub(super) fn is_unit(&self) -> bool {
        self.len <= 1 || (self.step == 1 && self.is_one_run())
    }

    /// Whether all neighbours are [`Axis::step`] apart.
    pub(super) fn is_one_run(&self) -> bool {
        self.start + self.len <= self.inner
    }

    #[inline]
    pub(super) fn offset(&self, i: usize) -> usize {
        let at = self.start + i;
        if at < self.inner {
            at * self.step
        } else {
            at / self.inner * self.outer_step + at % self.inner * self.step
        }
    }

    /// The offsets of `first..first + out.len()`.
    #[inline]
    pub(super) fn offsets(&self, first: usize, out: &mut [usize]) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.offset(first + i);
        }
    }

    /// Cuts `range` into stretches of one stride: `(offset, count)`, in order.
    pub(super) fn runs(self, range: Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        let (mut at, end) = (range.start, range.end);
        core::iter::from_fn(move || {
            (at < end).then(|| {
                let inside = (self.start + at) % self.inner;
                let count = (end - at).min(self.inner - inside);
                let run = (self.offset(at), count);
                at += count;
                run
            })
        })
    }

    /// Elements from one index to the next inside a run.
    pub(super) fn step(&self) -> usize {
        self.step
    }
}

/// A read-only operand: `rows` × `cols` elements of a tensor, in any layout.
///
/// In `C[m, n] = Σ_k A[m, k] · B[n, k]` both operands have K as their columns.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T = f32> {
    data: *const T,
    rows: Axis,
    cols: Axis,
    life: PhantomData<&'a [T]>,
}

// SAFETY: a `Mat` is a `&[T]` with a map of its indices.
unsafe impl<T: Element> Send for Mat<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for Mat<'_, T> {}

impl<'a, T: Element> Mat<'a, T> {
    /// The elements of `data` at a row's offset plus a column's; each direction is up to two
    /// merged axes `(extent, stride)`, outermost first. `None` if an element would be outside `data`.
    pub fn strided(data: &'a [T], rows: &[(usize, usize)], cols: &[(usize, usize)]) -> Option<Self> {
        let (rows, cols) = (Axis::new(rows)?, Axis::new(cols)?);
        if rows.len != 0 && cols.len != 0 && rows.last()?.checked_add(cols.last()?)? >= data.len() {
            return None;
        }
        // SAFETY: just checked.
        Some(unsafe { Self::from_parts(data.as_ptr(), rows, cols) })
    }

    /// # Safety
    /// The sum of any row's and any column's offset is that of an element at `data` that may be
    /// read during `'a`.
    pub(super) unsafe fn from_parts(data: *const T, rows: Axis, cols: Axis) -> Self {
        Self { data, rows, cols, life: PhantomData }
    }

    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows.len
    }

    /// Columns of the matrix; as an operand of a product, its K.
    pub fn cols(&self) -> usize {
        self.cols.len
    }

    /// The elements of row `r` from column `k` on.
    #[inline(always)]
    pub(crate) fn read<const N: usize>(&self, r: usize, k: usize, out: &mut [T; N]) {
        assert!(r < self.rows.len && k <= self.cols.len && N <= self.cols.len - k);
        let row = self.rows.offset(r);
        if N > 0 && self.cols.is_unit() {
            // SAFETY: row and columns are in range, and the columns adjacent.
            *out = unsafe { self.data.add(row + self.cols.offset(k)).cast::<[T; N]>().read() };
            return;
        }
        for (i, out) in out.iter_mut().enumerate() {
            // SAFETY: row and column are in range.
            *out = unsafe { *self.data.add(row + self.cols.offset(k + i)) };
        }
    }

    pub(super) fn row_axis(&self) -> &Axis {
        &self.rows
    }

    pub(super) fn col_axis(&self) -> &Axis {
        &self.cols
    }

    /// Offsets of the axes are relative to this.
    pub(super) fn data(&self) -> *const T {
        self.data
    }

    pub(super) fn part(&self, rows: &Range<usize>) -> Self {
        Self { rows: self.rows.part(rows), ..*self }
    }

    /// All rows, of some columns.
    pub(super) fn terms(&self, cols: &Range<usize>) -> Self {
        Self { cols: self.cols.part(cols), ..*self }
    }

    /// One element.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, col: usize) -> T {
        let mut one = [T::default()];
        self.read(row, col, &mut one);
        one[0]
    }

    /// Whether the elements of a column are adjacent in memory.
    pub(super) fn columns_are_runs(&self) -> bool {
        self.rows.is_unit()
    }

    /// A column, if [`Mat::columns_are_runs`].
    #[inline(always)]
    pub(super) fn column(&self, col: usize) -> &'a [T] {
        assert!(self.rows.is_unit() && col < self.cols.len);
        if self.rows.len == 0 {
            return &[];
        }
        // SAFETY: row 0 and the column are in range, and so are all rows behind it, one element apart.
        unsafe {
            let first = self.data.add(self.rows.offset(0) + self.cols.offset(col));
            core::slice::from_raw_parts(first, self.rows.len)
        }
    }
}

/// The output: every row is a run of adjacent elements, rows lie anywhere but never overlap.
#[derive(Debug)]
pub struct MatMut<'a, T = f32> {
    data: *mut T,
    rows: Axis,
    cols: usize,
    life: PhantomData<&'a mut [T]>,
}

// SAFETY: a `MatMut` is a `&mut [T]` with a map of its indices.
unsafe impl<T: Element> Send for MatMut<'_, T> {}
// SAFETY: a shared one gives no access to elements.
unsafe impl<T: Element> Sync for MatMut<'_, T> {}

impl<'a, T: Element> MatMut<'a, T> {
    /// Rows of `cols` adjacent elements of `data`, starting where the up to two merged `rows` axes
    /// `(extent, stride)` say. `None` if an element would be outside `data` or two rows would overlap.
    pub fn strided(data: &'a mut [T], rows: &[(usize, usize)], cols: usize) -> Option<Self> {
        let axes = match *rows {
            [] => [(1, 0); 2],
            [one] => [(1, 0), one],
            [x, y] if x.1 <= y.1 => [x, y],
            [x, y] => [y, x],
            _ => return None,
        };
        let rows = Axis::new(rows)?;
        if rows.len != 0 && cols != 0 {
            // Counted from the smallest stride up, each axis must step over all below it.
            let mut span = cols;
            for (len, step) in axes {
                if len > 1 && step < span {
                    return None;
                }
                span = (len - 1).checked_mul(step)?.checked_add(span)?;
            }
            if span > data.len() {
                return None;
            }
        }
        // SAFETY: just checked.
        Some(unsafe { Self::from_parts(data.as_mut_ptr(), rows, cols) })
    }

    /// # Safety
    /// From any row's offset on, `cols` elements at `data` belong to that row alone, exclusively
    /// during `'a`.
    pub(super) unsafe fn from_parts(data: *mut T, rows: Axis, cols: usize) -> Self {
        Self { data, rows, cols, life: PhantomData }
    }

    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows.len
    }

    /// Columns of the matrix.
    pub fn cols(&self) -> usize {
        self.cols
    }

    pub(super) fn row_axis(&self) -> &Axis {
        &self.rows
    }

    pub(super) fn data(&mut self) -> *mut T {
        self.data
    }

    /// The elements `cols` of row `r`.
    #[inline]
    pub(crate) fn segment(&mut self, r: usize, cols: Range<usize>) -> &mut [T] {
        assert!(r < self.rows.len && cols.start <= cols.end && cols.end <= self.cols);
        // SAFETY: the constructors checked that row `r` has `self.cols` elements, and `&mut self`
        // is the only way to them while the slice lives.
        unsafe {
            core::slice::from_raw_parts_mut(self.data.add(self.rows.offset(r) + cols.start), cols.len())
        }
    }

    /// The same memory as words, which are moved as if they were f32.
    pub(super) fn words(self) -> MatMut<'a>
    where
        T: Word,
    {
        const { assert!(size_of::<T>() == size_of::<f32>() && align_of::<T>() == align_of::<f32>()) }
        MatMut { data: self.data.cast(), rows: self.rows, cols: self.cols, life: PhantomData }
    }

    /// The block `rows` × `cols` as a matrix of its own.
    ///
    /// # Safety
    /// Blocks alive at the same time must not share an element.
    pub(crate) unsafe fn block(&self, rows: &Range<usize>, cols: &Range<usize>) -> Self {
        assert!(cols.start <= cols.end && cols.end <= self.cols);
        let rows = self.rows.part(rows);
        // An empty block may start one past the last element; it is never dereferenced.
        let data = self.data.wrapping_add(cols.start);
        Self { data, rows, cols: cols.len(), life: PhantomData }
    }
}
