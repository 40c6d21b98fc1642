//! Views: strided windows on memory, shared and exclusive.
//!
//! Every constructor checks that all positions are in the memory and, for [`ViewMut`], that no two
//! indices share a position. Everything else relies on that. Axes may have any strides except the last,
//! which has stride 1 in views that users make. Allocating does not belong here.

use std::fmt;
use std::marker::PhantomData;

use crate::error::ShapeError;
use crate::tensor::Element;

/// The number of elements, if it fits; zero if any extent is, whatever the others are.
pub(crate) fn volume(dims: &[usize]) -> Option<usize> {
    if dims.contains(&0) {
        return Some(0);
    }
    dims.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim))
}

fn row_major<const R: usize>(dims: [usize; R]) -> [usize; R] {
    let mut strides = [1; R];
    if dims.contains(&0) {
        return strides;
    }
    for axis in (1..R).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(dims[axis]);
    }
    strides
}

/// Checks that every position of the view is in a slice of `len`.
fn check_bounds<const R: usize>(dims: [usize; R], strides: [usize; R], len: usize) -> Result<(), ShapeError> {
    let error = |problem| Err(ShapeError::view(&dims, &strides, len, problem));
    if R > 0 && dims[R - 1] > 1 && strides[R - 1] != 1 {
        return error("the last axis must have stride 1");
    }
    if dims.contains(&0) {
        return Ok(());
    }
    let last = dims.iter().zip(&strides).try_fold(0_usize, |last, (&dim, &stride)| {
        (dim - 1).checked_mul(stride).and_then(|reach| last.checked_add(reach))
    });
    match last {
        Some(last) if last < len => Ok(()),
        Some(_) => error("its last element is outside"),
        None => error("its last position overflows"),
    }
}

/// Checks that no two indices share a position, by the sufficient rule that each axis steps over
/// everything that axes of smaller stride reach.
fn check_alias<const R: usize>(dims: [usize; R], strides: [usize; R], len: usize) -> Result<(), ShapeError> {
    let mut axes: Vec<(usize, usize)> = strides.into_iter().zip(dims).filter(|&(_, dim)| dim > 1).collect();
    axes.sort_unstable();
    let mut reach = 0;
    for (stride, dim) in axes {
        if stride <= reach {
            return Err(ShapeError::view(&dims, &strides, len, "two indices may share an element"));
        }
        reach += (dim - 1) * stride;
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn bad_index(axis: usize, index: usize, dim: usize) -> ! {
    panic!("index {index} of axis {axis} is outside 0..{dim}")
}

#[cold]
#[inline(never)]
fn bad_range(axis: usize, start: usize, len: usize, dim: usize) -> ! {
    panic!("{len} indices from {start} of axis {axis} are outside 0..{dim}")
}

#[cold]
#[inline(never)]
fn bad_row(row: usize, dims: &[usize]) -> ! {
    panic!("row {row} is outside a view of dims {dims:?}")
}

#[cold]
#[inline(never)]
fn not_a_row(stride: usize) -> ! {
    panic!("the last axis has stride {stride}, so its elements are not a slice")
}

/// Pointer, extents and strides: what both kinds of view are.
#[derive(Clone, Copy)]
pub(crate) struct Layout<const R: usize> {
    pub dims: [usize; R],
    pub strides: [usize; R],
}

impl<const R: usize> Layout<R> {
    /// Empty views get stride 0: none of their positions may be computed outside the memory.
    fn new(dims: [usize; R], strides: [usize; R]) -> Self {
        if dims.contains(&0) { Layout { dims, strides: [0; R] } } else { Layout { dims, strides } }
    }

    /// The position of leading indices, checked.
    #[inline(always)]
    fn position<const N: usize>(&self, at: [usize; N]) -> usize {
        let mut position = 0;
        for_each!(N, |axis| {
            if at[axis] >= self.dims[axis] {
                bad_index(axis, at[axis], self.dims[axis]);
            }
            position += at[axis] * self.strides[axis];
        });
        position
    }

    /// The position of row `r`, counting rows in row-major order of the leading axes.
    #[inline(always)]
    fn row_position(&self, r: usize) -> usize {
        const { assert!(R >= 1, "a view of rank 0 has no rows") };
        let (mut rest, mut position) = (r, 0);
        let mut axis = R - 1;
        while axis > 1 {
            axis -= 1;
            let dim = self.dims[axis];
            if dim == 0 {
                bad_row(r, &self.dims);
            }
            position += rest % dim * self.strides[axis];
            rest /= dim;
        }
        let rows = if const { R > 1 } { self.dims[0] } else { 1 };
        if rest >= rows {
            bad_row(r, &self.dims);
        }
        if const { R > 1 } { position + rest * self.strides[0] } else { position }
    }

    /// The length of rows, checked to be slices.
    #[inline(always)]
    fn row_len(&self) -> usize {
        if self.strides[R - 1] != 1 && self.dims[R - 1] > 1 && !self.dims.contains(&0) {
            not_a_row(self.strides[R - 1]);
        }
        self.dims[R - 1]
    }

    #[inline(always)]
    fn sub<const N: usize, const Q: usize>(&self, at: [usize; N]) -> (usize, Layout<Q>) {
        const { assert!(N + Q == R, "the indices fixed and the axes left must add up to the rank") };
        let mut sub = Layout { dims: [0; Q], strides: [0; Q] };
        for_each!(Q, |axis| {
            sub.dims[axis] = self.dims[N + axis];
            sub.strides[axis] = self.strides[N + axis];
        });
        (self.position(at), sub)
    }

    #[inline(always)]
    pub(crate) fn narrow(mut self, axis: usize, start: usize, len: usize) -> (usize, Self) {
        let dim = self.dims[axis];
        if start > dim || len > dim - start {
            bad_range(axis, start, len, dim);
        }
        self.dims[axis] = len;
        // An empty view points at its own start: a start beyond the memory must not be computed.
        let position = if self.dims.contains(&0) { 0 } else { start * self.strides[axis] };
        (position, self)
    }

    fn is_contiguous(&self) -> bool {
        let mut step = 1;
        for axis in (0..R).rev() {
            if self.dims[axis] > 1 && self.strides[axis] != step {
                return self.dims.contains(&0);
            }
            step = self.dims[axis].saturating_mul(step);
        }
        true
    }

    fn len(&self) -> usize {
        volume(&self.dims).unwrap_or(usize::MAX)
    }
}

/// A shared view of rank `R`.
#[derive(Clone, Copy)]
pub struct View<'a, T: Element, const R: usize> {
    pointer: *const T,
    layout: Layout<R>,
    memory: PhantomData<&'a [T]>,
}

// SAFETY: a view is a shared borrow of elements, which are Sync.
unsafe impl<T: Element, const R: usize> Send for View<'_, T, R> {}
// SAFETY: as above.
unsafe impl<T: Element, const R: usize> Sync for View<'_, T, R> {}

/// The methods that both kinds of view share.
macro_rules! common {
    () => {
        /// The extent of an axis.
        #[inline(always)]
        pub fn dim(&self, axis: usize) -> usize {
            self.layout.dims[axis]
        }

        /// All extents.
        #[inline(always)]
        pub fn dims(&self) -> [usize; R] {
            self.layout.dims
        }

        /// The stride of an axis, in elements.
        #[inline(always)]
        pub fn stride(&self, axis: usize) -> usize {
            self.layout.strides[axis]
        }

        /// All strides, in elements.
        #[inline(always)]
        pub fn strides(&self) -> [usize; R] {
            self.layout.strides
        }

        /// The number of elements.
        #[inline]
        pub fn len(&self) -> usize {
            self.layout.len()
        }

        /// Whether there are no elements.
        #[inline]
        pub fn is_empty(&self) -> bool {
            self.layout.dims.contains(&0)
        }

        /// The element at an index.
        ///
        /// # Panics
        /// When the index is out of range.
        #[inline(always)]
        pub fn at(&self, at: [usize; R]) -> T {
            // SAFETY: `position` checks every index, and all positions of a view are in its memory.
            unsafe { *self.pointer.add(self.layout.position(at)) }
        }
    };
}

impl<'a, T: Element, const R: usize> View<'a, T, R> {
    /// A row-major view of exactly the slice.
    pub fn new(data: &'a [T], dims: [usize; R]) -> Result<Self, ShapeError> {
        if volume(&dims) != Some(data.len()) {
            return Err(ShapeError::view(&dims, &row_major(dims), data.len(), "the element counts differ"));
        }
        Ok(Self::contiguous(data, dims))
    }

    /// A view with these strides (in elements). The last axis must have stride 1; others may be anything,
    /// even 0, that stays inside the slice.
    pub fn strided(data: &'a [T], dims: [usize; R], strides: [usize; R]) -> Result<Self, ShapeError> {
        check_bounds(dims, strides, data.len())?;
        Ok(View { pointer: data.as_ptr(), layout: Layout::new(dims, strides), memory: PhantomData })
    }

    /// As `new`, for a slice known to have the right length.
    pub(crate) fn contiguous(data: &'a [T], dims: [usize; R]) -> Self {
        debug_assert_eq!(volume(&dims), Some(data.len()));
        let layout = Layout::new(dims, row_major(dims));
        View { pointer: data.as_ptr(), layout, memory: PhantomData }
    }

    common!();

    /// The last axis at leading indices.
    ///
    /// # Panics
    /// When an index is out of range.
    #[inline(always)]
    pub fn row<const N: usize>(&self, at: [usize; N]) -> &'a [T] {
        const { assert!(N + 1 == R, "a row needs one index for every axis but the last") };
        self.row_at(self.layout.position(at))
    }

    /// Row `r`, counting rows in row-major order of the leading axes.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline(always)]
    pub fn flat_row(&self, r: usize) -> &'a [T] {
        self.row_at(self.layout.row_position(r))
    }

    #[inline(always)]
    fn row_at(&self, position: usize) -> &'a [T] {
        let len = self.layout.row_len();
        // SAFETY: the position is that of a row's first element and the row is contiguous in the memory,
        // which is borrowed for 'a; wrapping covers empty rows, whose position may be outside.
        unsafe { std::slice::from_raw_parts(self.pointer.wrapping_add(position), len) }
    }

    /// The view that leading indices leave.
    ///
    /// # Panics
    /// When an index is out of range.
    #[inline(always)]
    pub fn sub<const N: usize, const Q: usize>(&self, at: [usize; N]) -> View<'a, T, Q> {
        let (position, layout) = self.layout.sub(at);
        View { pointer: self.pointer.wrapping_add(position), layout, memory: PhantomData }
    }

    /// Indices `start..start + len` of an axis.
    ///
    /// # Panics
    /// When those are out of range.
    #[inline(always)]
    pub fn narrow(&self, axis: usize, start: usize, len: usize) -> View<'a, T, R> {
        let (position, layout) = self.layout.narrow(axis, start, len);
        View { pointer: self.pointer.wrapping_add(position), layout, memory: PhantomData }
    }

    /// All elements in row-major order.
    pub fn elements(&self) -> Elements<'a, T, R> {
        let done = self.is_empty();
        Elements { view: *self, next: [0; R], done }
    }

    /// All elements as a slice, if they are contiguous and in row-major order.
    pub fn flat(&self) -> Option<&'a [T]> {
        // SAFETY: contiguous views cover exactly `len` elements from their pointer on.
        self.layout.is_contiguous().then(|| unsafe { std::slice::from_raw_parts(self.pointer, self.len()) })
    }

    #[inline(always)]
    pub(crate) fn into_parts(self) -> (*const T, Layout<R>) {
        (self.pointer, self.layout)
    }

    /// # Safety
    /// Every position must be in memory that is borrowed for 'a.
    #[inline(always)]
    pub(crate) unsafe fn from_parts(pointer: *const T, layout: Layout<R>) -> Self {
        View { pointer, layout, memory: PhantomData }
    }

    /// The first element; valid for every position of the view.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *const T {
        self.pointer
    }
}

/// Elements of a view in row-major order.
pub struct Elements<'a, T: Element, const R: usize> {
    view: View<'a, T, R>,
    next: [usize; R],
    done: bool,
}

impl<T: Element, const R: usize> Iterator for Elements<'_, T, R> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.done {
            return None;
        }
        let value = self.view.at(self.next);
        self.done = true;
        for axis in (0..R).rev() {
            self.next[axis] += 1;
            if self.next[axis] < self.view.dim(axis) {
                self.done = false;
                break;
            }
            self.next[axis] = 0;
        }
        Some(value)
    }
}

/// An exclusive view of rank `R`: no two indices share an element.
pub struct ViewMut<'a, T: Element, const R: usize> {
    pointer: *mut T,
    layout: Layout<R>,
    memory: PhantomData<&'a mut [T]>,
}

// SAFETY: a mutable view is an exclusive borrow of elements, which are Send.
unsafe impl<T: Element, const R: usize> Send for ViewMut<'_, T, R> {}
// SAFETY: sharing one gives shared access only, and elements are Sync.
unsafe impl<T: Element, const R: usize> Sync for ViewMut<'_, T, R> {}

impl<'a, T: Element, const R: usize> ViewMut<'a, T, R> {
    /// A row-major view of exactly the slice.
    pub fn new(data: &'a mut [T], dims: [usize; R]) -> Result<Self, ShapeError> {
        if volume(&dims) != Some(data.len()) {
            return Err(ShapeError::view(&dims, &row_major(dims), data.len(), "the element counts differ"));
        }
        Ok(Self::contiguous(data, dims))
    }

    /// A view with these strides (in elements). The last axis must have stride 1, all positions must be
    /// inside the slice, and each axis must step over all that axes of smaller stride reach.
    pub fn strided(data: &'a mut [T], dims: [usize; R], strides: [usize; R]) -> Result<Self, ShapeError> {
        check_bounds(dims, strides, data.len())?;
        if !dims.contains(&0) {
            check_alias(dims, strides, data.len())?;
        }
        Ok(ViewMut { pointer: data.as_mut_ptr(), layout: Layout::new(dims, strides), memory: PhantomData })
    }

    /// As `new`, for a slice known to have the right length.
    pub(crate) fn contiguous(data: &'a mut [T], dims: [usize; R]) -> Self {
        debug_assert_eq!(volume(&dims), Some(data.len()));
        let layout = Layout::new(dims, row_major(dims));
        ViewMut { pointer: data.as_mut_ptr(), layout, memory: PhantomData }
    }

    /// # Safety
    /// Every position must be in memory that is exclusively the view's for 'a, at most once.
    #[inline(always)]
    pub(crate) unsafe fn from_parts(pointer: *mut T, layout: Layout<R>) -> Self {
        ViewMut { pointer, layout, memory: PhantomData }
    }

    common!();

    /// Overwrites the element at an index.
    ///
    /// # Panics
    /// When the index is out of range.
    #[inline(always)]
    pub fn set(&mut self, at: [usize; R], value: T) {
        // SAFETY: `position` checks every index, and all positions of a view are in its memory.
        unsafe { *self.pointer.add(self.layout.position(at)) = value }
    }

    /// The last axis at leading indices.
    ///
    /// # Panics
    /// When an index is out of range.
    #[inline(always)]
    pub fn row<const N: usize>(&self, at: [usize; N]) -> &[T] {
        self.view().row(at)
    }

    /// The last axis at leading indices.
    ///
    /// # Panics
    /// When an index is out of range.
    #[inline(always)]
    pub fn row_mut<const N: usize>(&mut self, at: [usize; N]) -> &mut [T] {
        const { assert!(N + 1 == R, "a row needs one index for every axis but the last") };
        self.row_at_mut(self.layout.position(at))
    }

    /// Row `r`, counting rows in row-major order of the leading axes.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline(always)]
    pub fn flat_row(&self, r: usize) -> &[T] {
        self.view().flat_row(r)
    }

    /// Row `r`, counting rows in row-major order of the leading axes.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline(always)]
    pub fn flat_row_mut(&mut self, r: usize) -> &mut [T] {
        self.row_at_mut(self.layout.row_position(r))
    }

    #[inline(always)]
    fn row_at_mut(&mut self, position: usize) -> &mut [T] {
        let len = self.layout.row_len();
        // SAFETY: as in `View::row_at`; the row is exclusively ours and borrowed through `self`.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.wrapping_add(position), len) }
    }

    /// The same view for a shorter time.
    #[inline(always)]
    pub fn reborrow(&mut self) -> ViewMut<'_, T, R> {
        ViewMut { pointer: self.pointer, layout: self.layout, memory: PhantomData }
    }

    /// The same elements, shared.
    #[inline(always)]
    pub fn view(&self) -> View<'_, T, R> {
        View { pointer: self.pointer, layout: self.layout, memory: PhantomData }
    }

    /// The view that leading indices leave.
    ///
    /// # Panics
    /// When an index is out of range.
    #[inline(always)]
    pub fn sub_mut<const N: usize, const Q: usize>(&mut self, at: [usize; N]) -> ViewMut<'_, T, Q> {
        let (position, layout) = self.layout.sub(at);
        ViewMut { pointer: self.pointer.wrapping_add(position), layout, memory: PhantomData }
    }

    /// Indices `start..start + len` of an axis.
    ///
    /// # Panics
    /// When those are out of range.
    #[inline(always)]
    pub fn narrow_mut(&mut self, axis: usize, start: usize, len: usize) -> ViewMut<'_, T, R> {
        let (position, layout) = self.layout.narrow(axis, start, len);
        ViewMut { pointer: self.pointer.wrapping_add(position), layout, memory: PhantomData }
    }

    /// All elements as a slice, if they are contiguous and in row-major order.
    pub fn flat_mut(&mut self) -> Option<&mut [T]> {
        let len = self.len();
        // SAFETY: contiguous views cover exactly `len` elements from their pointer on, exclusively ours.
        self.layout.is_contiguous().then(|| unsafe { std::slice::from_raw_parts_mut(self.pointer, len) })
    }

    /// Pointer and layout, given up together.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (*mut T, Layout<R>) {
        (self.pointer, self.layout)
    }
}

impl<T: Element, const R: usize> fmt::Debug for View<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { dims, strides } = self.layout;
        f.debug_struct("View").field("dims", &dims).field("strides", &strides).finish()
    }
}

impl<T: Element, const R: usize> fmt::Debug for ViewMut<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { dims, strides } = self.layout;
        f.debug_struct("ViewMut").field("dims", &dims).field("strides", &strides).finish()
    }
}
