//! Cutting outputs into one part per grid index, such that parts of different indices are disjoint.
//!
//! That disjointness is what lets tasks run in parallel without `unsafe`: each grid axis must be used by
//! every output, each names an axis of its own, and grid extents must equal the axes' extents.

use std::fmt;
use std::marker::PhantomData;

use crate::tensor::Element;
use crate::view::{Layout, ViewMut};

pub use Axis::{At, Tile};

/// How a grid axis selects from an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// The grid index fixes this axis of the output; the part does not have it.
    At(usize),
    /// The grid index `i` selects `i * size..min((i + 1) * size, extent)` of this axis, which the part keeps.
    Tile(usize, usize),
}

/// Outputs that can be handed out in parts over a grid of rank `N`.
///
/// Implemented by [`Cut`], by `()` and by tuples of these; unsafe because `part` relies on disjointness.
///
/// # Safety
/// After `check(grid)` returned, parts of different indices of that grid must not overlap.
pub unsafe trait Cuts<const N: usize>: Sync {
    /// What one grid index receives.
    type Part<'o>;

    /// Panics unless this grid visits every part exactly once.
    fn check(&self, grid: [usize; N]);

    /// The part of one grid index.
    ///
    /// # Safety
    /// The index must be in a grid that `check` accepted, no other part of the same index may be in use,
    /// and the part must not be used after `self` is gone.
    unsafe fn part<'o>(&self, at: [usize; N]) -> Self::Part<'o>;
}

/// An output together with how a grid of rank `K` cuts it into parts of rank `Q`.
pub struct Cut<'a, T: Element, const R: usize, const Q: usize, const K: usize> {
    pointer: *mut T,
    layout: Layout<R>,
    axes: [Axis; K],
    /// For each axis of the part, the axis of the output that it is.
    kept: [usize; Q],
    memory: PhantomData<&'a mut [T]>,
}

// SAFETY: a cut hands out disjoint exclusive parts of elements that are Send and Sync.
unsafe impl<T: Element, const R: usize, const Q: usize, const K: usize> Sync for Cut<'_, T, R, Q, K> {}

impl<'a, T: Element, const R: usize> ViewMut<'a, T, R> {
    /// Cuts the view into one part per grid index: one entry of `axes` per grid axis.
    ///
    /// # Panics
    /// When two entries name the same axis, an axis does not exist, a tile is empty, or the rank `Q` of the
    /// parts is not the number of axes left.
    #[inline]
    pub fn cut<const Q: usize, const K: usize>(self, axes: [Axis; K]) -> Cut<'a, T, R, Q, K> {
        let mut fixed = [false; R];
        let mut named = [false; R];
        for spec in axes {
            let axis = match spec {
                At(axis) | Tile(axis, _) => axis,
            };
            if axis >= R || named[axis] || matches!(spec, Tile(_, 0)) {
                bad_axes(&axes, R);
            }
            named[axis] = true;
            fixed[axis] = matches!(spec, At(_));
        }
        let mut kept = [0; Q];
        let mut count = 0;
        for axis in (0..R).filter(|&axis| !fixed[axis]) {
            if count < Q {
                kept[count] = axis;
            }
            count += 1;
        }
        if count != Q {
            bad_rank(&axes, Q, count);
        }
        let (pointer, layout) = self.into_parts();
        Cut { pointer, layout, axes, kept, memory: PhantomData }
    }
}

#[cold]
#[inline(never)]
fn bad_axes(axes: &dyn fmt::Debug, rank: usize) -> ! {
    panic!("{axes:?} must name different axes of a view of rank {rank}, with tiles of at least 1")
}

#[cold]
#[inline(never)]
fn bad_rank(axes: &dyn fmt::Debug, rank: usize, left: usize) -> ! {
    panic!("cutting by {axes:?} leaves {left} axes, but the task takes a part of rank {rank}")
}

#[cold]
#[inline(never)]
fn bad_grid(grid: usize, axis: Axis, extent: usize) -> ! {
    panic!("a grid extent of {grid} does not visit every part of {axis:?} of extent {extent} exactly once")
}

// SAFETY: `check` makes the grid's extents those of the cut axes. Indices that differ do so in some grid
// axis, which fixes or narrows an output axis of its own to disjoint ranges; and no two indices of the
// output share an element, by the invariant of `ViewMut`.
unsafe impl<T: Element, const R: usize, const Q: usize, const N: usize> Cuts<N> for Cut<'_, T, R, Q, N> {
    type Part<'o> = ViewMut<'o, T, Q>;

    fn check(&self, grid: [usize; N]) {
        for (&extent, &spec) in grid.iter().zip(&self.axes) {
            let (axis, parts) = match spec {
                At(axis) => (axis, self.layout.dims[axis]),
                Tile(axis, size) => (axis, self.layout.dims[axis].div_ceil(size)),
            };
            if extent != parts {
                bad_grid(extent, spec, self.layout.dims[axis]);
            }
        }
    }

    #[inline(always)]
    unsafe fn part<'o>(&self, at: [usize; N]) -> ViewMut<'o, T, Q> {
        let (mut layout, mut position) = (self.layout, 0);
        for_each!(N, |k| match self.axes[k] {
            At(axis) => position += at[k] * layout.strides[axis],
            Tile(axis, size) => {
                let start = at[k] * size;
                let left = self.layout.dims[axis] - start;
                layout.dims[axis] = if left < size { left } else { size };
                position += start * layout.strides[axis];
            }
        });
        let mut part = Layout { dims: [0; Q], strides: [0; Q] };
        for_each!(Q, |axis| {
            part.dims[axis] = layout.dims[self.kept[axis]];
            part.strides[axis] = layout.strides[self.kept[axis]];
        });
        // SAFETY: the index is in the checked grid, so the positions are the output's, and no other
        // index's part has any of them; the caller drops the part before `self`, which borrows the output.
        unsafe { ViewMut::from_parts(self.pointer.wrapping_add(position), part) }
    }
}

// SAFETY: there is nothing to overlap.
unsafe impl<const N: usize> Cuts<N> for () {
    type Part<'o> = ();
    fn check(&self, _grid: [usize; N]) {}
    #[inline(always)]
    unsafe fn part<'o>(&self, _at: [usize; N]) -> Self::Part<'o> {}
}

macro_rules! tuple {
    ($($name:ident $index:tt),*) => {
        // SAFETY: each member is disjoint over the grid by itself, and different members are cut from
        // different exclusive borrows.
        unsafe impl<const N: usize, $($name: Cuts<N>),*> Cuts<N> for ($($name,)*) {
            type Part<'o> = ($($name::Part<'o>,)*);
            fn check(&self, grid: [usize; N]) {
                $(self.$index.check(grid);)*
            }
            #[inline(always)]
            unsafe fn part<'o>(&self, at: [usize; N]) -> Self::Part<'o> {
                // SAFETY: the caller's promises hold for each member.
                unsafe { ($(self.$index.part(at),)*) }
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
