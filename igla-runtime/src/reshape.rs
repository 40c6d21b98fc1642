//! Views with axes fixed or split: pure index arithmetic on the same memory.

use crate::scratch::Scratch;
use crate::tensor::Element;
use crate::view::{Layout, View, ViewMut, volume};

/// A layout without one axis.
#[inline(always)]
fn without<const R: usize, const Q: usize>(layout: Layout<R>, axis: usize) -> Layout<Q> {
    const { assert!(Q + 1 == R, "fixing an axis leaves one axis fewer") };
    let mut out = Layout { dims: [0; Q], strides: [0; Q] };
    let mut n = 0;
    while n < Q {
        let from = if n < axis { n } else { n + 1 };
        out.dims[n] = layout.dims[from];
        out.strides[n] = layout.strides[from];
        n += 1;
    }
    out
}

/// A layout with one axis written as two.
///
/// # Panics
/// When the axis does not exist or `outer * inner` is not its extent.
#[inline]
fn split<const R: usize, const Q: usize>(
    layout: Layout<R>,
    axis: usize,
    outer: usize,
    inner: usize,
) -> Layout<Q> {
    const { assert!(R + 1 == Q, "splitting an axis adds one axis") };
    assert!(
        axis < R && outer.checked_mul(inner) == Some(layout.dims[axis]),
        "axis {axis} of {:?} cannot be split in {outer} times {inner}",
        layout.dims
    );
    let mut out = Layout { dims: [0; Q], strides: [0; Q] };
    for n in 0..Q {
        let from = if n <= axis { n } else { n - 1 };
        out.dims[n] = layout.dims[from];
        out.strides[n] = layout.strides[from];
    }
    out.dims[axis] = outer;
    out.dims[axis + 1] = inner;
    out.strides[axis] = layout.strides[axis].saturating_mul(inner);
    out
}

impl<'a, T: Element, const R: usize> View<'a, T, R> {
    /// The view with one axis written as two, `outer` times `inner`: `Q` is `R + 1`.
    ///
    /// # Panics
    /// When the axis does not exist or `outer * inner` is not its extent.
    #[inline]
    pub fn split_axis<const Q: usize>(&self, axis: usize, outer: usize, inner: usize) -> View<'a, T, Q> {
        let (pointer, layout) = self.into_parts();
        // SAFETY: index (o, i) is position o * inner + i of the old axis.
        unsafe { View::from_parts(pointer, split(layout, axis, outer, inner)) }
    }

    /// The view at index `i` of one axis, which disappears: `Q` is `R - 1`.
    ///
    /// # Panics
    /// When the axis does not exist or the index is out of range.
    #[inline(always)]
    pub fn fix<const Q: usize>(&self, axis: usize, i: usize) -> View<'a, T, Q> {
        let (pointer, layout) = self.narrow(axis, i, 1).into_parts();
        // SAFETY: the axis has extent 1 there, so the positions without it are the narrowed view's.
        unsafe { View::from_parts(pointer, without(layout, axis)) }
    }
}

impl<'a, T: Element, const R: usize> ViewMut<'a, T, R> {
    /// The view at index `i` of one axis, which disappears: `Q` is `R - 1`.
    ///
    /// # Panics
    /// When the axis does not exist or the index is out of range.
    #[inline(always)]
    pub fn fix_mut<const Q: usize>(&mut self, axis: usize, i: usize) -> ViewMut<'_, T, Q> {
        let (pointer, layout) = self.narrow_mut(axis, i, 1).into_parts();
        // SAFETY: as in `View::fix`; the exclusive borrow goes over to the result.
        unsafe { ViewMut::from_parts(pointer, without(layout, axis)) }
    }

    /// Overwrites all elements with another view's.
    ///
    /// # Panics
    /// When the extents differ.
    pub fn copy_from(&mut self, from: View<'_, T, R>) {
        assert_eq!(self.dims(), from.dims(), "only views of equal extents can be copied");
        let dims = self.dims();
        let mut at = [0; R];
        for value in from.elements() {
            self.set(at, value);
            for axis in (0..R).rev() {
                at[axis] += 1;
                if at[axis] < dims[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
    }

    /// The view with one axis written as two, `outer` times `inner`: `Q` is `R + 1`.
    ///
    /// # Panics
    /// When the axis does not exist or `outer * inner` is not its extent.
    #[inline]
    pub fn split_axis<const Q: usize>(self, axis: usize, outer: usize, inner: usize) -> ViewMut<'a, T, Q> {
        let (pointer, layout) = self.into_parts();
        // SAFETY: index (o, i) is position o * inner + i of the old axis, each exactly once.
        unsafe { ViewMut::from_parts(pointer, split(layout, axis, outer, inner)) }
    }

    /// The view with its last two axes as one: `Q` is `R - 1`.
    ///
    /// # Panics
    /// When the rows of the last axis do not follow one another in memory.
    #[inline]
    pub fn merge_last<const Q: usize>(&mut self) -> ViewMut<'_, T, Q> {
        const { assert!(R == Q + 1 && Q >= 1, "merging the last axes removes one axis") };
        let (pointer, layout) = self.reborrow().into_parts();
        let (outer, inner) = (layout.dims[R - 2], layout.dims[R - 1]);
        let adjacent = inner <= 1 || layout.strides[R - 1] == 1;
        assert!(
            adjacent && (outer <= 1 || layout.strides[R - 2] == inner) || layout.dims.contains(&0),
            "the last axes of {:?} with strides {:?} are not one",
            layout.dims,
            layout.strides
        );
        let mut out = Layout { dims: [0; Q], strides: [0; Q] };
        out.dims.copy_from_slice(&layout.dims[..Q]);
        out.strides.copy_from_slice(&layout.strides[..Q]);
        out.dims[Q - 1] = outer.saturating_mul(inner);
        out.strides[Q - 1] = 1;
        // SAFETY: position o * inner + i is index (o, i) of the old axes, each exactly once, and
        // nothing is reached if there is no element.
        unsafe { ViewMut::from_parts(pointer, out) }
    }
}

impl<'a> Scratch<'a> {
    /// Carves a row-major array; contents unspecified.
    ///
    /// # Panics
    /// When the scratch is too small for it.
    #[inline]
    pub fn tensor<T: Element, const R: usize>(&mut self, dims: [usize; R]) -> ViewMut<'a, T, R> {
        let len = volume(&dims).unwrap_or(usize::MAX);
        ViewMut::contiguous(self.take::<T>(len), dims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixing_an_axis_selects_its_slice() {
        let data: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let x = View::new(&data, [2, 3, 4]).unwrap();
        for i in 0..3 {
            let y = x.fix::<2>(1, i);
            assert_eq!(y.dims(), [2, 4]);
            assert_eq!(y.at([1, 2]), x.at([1, i, 2]));
        }
        let mut data = data.clone();
        let mut x = ViewMut::new(&mut data, [2, 3, 4]).unwrap();
        x.fix_mut::<2>(0, 1).set([2, 3], -1.0);
        assert_eq!(data[23], -1.0);
    }

    #[test]
    fn copies_are_in_row_major_order() {
        let data: Vec<f32> = (0..6).map(|v| v as f32).collect();
        let mut out = vec![0.0f32; 6];
        ViewMut::new(&mut out, [2, 3]).unwrap().copy_from(View::new(&data, [2, 3]).unwrap());
        assert_eq!(out, data);
        let mut one = [0.0f32];
        ViewMut::new(&mut one, []).unwrap().copy_from(View::new(&data[5..], []).unwrap());
        assert_eq!(one, [5.0]);
    }

    #[test]
    #[should_panic(expected = "axis")]
    fn fixing_beyond_the_axis_is_refused() {
        let data = [0.0f32; 6];
        let _ = View::new(&data, [2, 3]).unwrap().fix::<1>(1, 3);
    }

    #[test]
    fn splitting_an_axis_keeps_the_memory() {
        let mut data: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let mut y = ViewMut::new(&mut data, [2, 12]).unwrap().split_axis::<3>(1, 3, 4);
        assert_eq!(y.dims(), [2, 3, 4]);
        assert_eq!(y.at([1, 2, 3]), 23.0);
        let shared = y.view();
        assert_eq!(shared.split_axis::<4>(2, 2, 2).at([1, 2, 1, 1]), 23.0);
        y.set([0, 1, 0], 50.0);
        assert_eq!(data[4], 50.0);
    }

    #[test]
    fn merging_the_last_axes_keeps_the_memory() {
        let mut data: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let mut y = ViewMut::new(&mut data, [2, 3, 4]).unwrap();
        let mut merged = y.merge_last::<2>();
        assert_eq!((merged.dims(), merged.at([1, 11])), ([2, 12], 23.0));
        merged.set([0, 5], 50.0);
        assert_eq!(data[5], 50.0);
        let mut none: Vec<f32> = Vec::new();
        assert_eq!(ViewMut::new(&mut none, [2, 0, 4]).unwrap().merge_last::<2>().dims(), [2, 0]);
    }

    #[test]
    #[should_panic(expected = "are not one")]
    fn rows_with_gaps_are_not_merged() {
        let mut data = vec![0.0f32; 24];
        ViewMut::new(&mut data, [6, 4]).unwrap().narrow_mut(1, 0, 3).merge_last::<1>();
    }

    #[test]
    fn splitting_by_nothing_is_empty() {
        let mut data: Vec<f32> = Vec::new();
        let y = ViewMut::new(&mut data, [2, 0]).unwrap().split_axis::<3>(1, 5, 0);
        assert_eq!(y.dims(), [2, 5, 0]);
    }
}
