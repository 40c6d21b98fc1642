//! Views as matrices: which axes are rows, which are columns.

use super::mat::{Axis, Mat, MatMut};
use crate::tensor::Element;
use crate::view::{View, ViewMut};

/// Merges axes of a view, outermost first.
///
/// # Panics
/// If an axis is out of range, named twice, or the merged extent overflows.
fn merge<const R: usize, const P: usize>(
    dims: [usize; R],
    strides: [usize; R],
    axes: [usize; P],
    named: &mut [bool; R],
) -> Axis {
    let empty = dims.contains(&0);
    let pairs = axes.map(|axis| {
        assert!(
            axis < R && !named[axis],
            "a matrix of a view of rank {R} must name each axis once, not {axis}"
        );
        named[axis] = true;
        // A view without elements may have any strides; none is ever followed.
        (dims[axis], if empty { 0 } else { strides[axis] })
    });
    Axis::new(&pairs).expect("the extent of merged axes overflows")
}

impl<'a, T: Element, const R: usize> View<'a, T, R> {
    /// The view as a matrix: `rows` and `cols` are at most two axes each, merged with the outermost
    /// first, and together all axes of the view. As an operand of a product, columns are K.
    ///
    /// # Panics
    /// If an axis is named twice or is out of range, or a merged extent overflows.
    #[inline]
    pub fn mat<const P: usize, const Q: usize>(&self, rows: [usize; P], cols: [usize; Q]) -> Mat<'a, T> {
        const { assert!(P <= 2 && Q <= 2 && P + Q == R, "rows and columns are up to two axes each, and all axes") };
        let mut named = [false; R];
        let rows = merge(self.dims(), self.strides(), rows, &mut named);
        let cols = merge(self.dims(), self.strides(), cols, &mut named);
        // SAFETY: every index of the view is in its memory, and the axes were named once each.
        unsafe { Mat::from_parts(self.as_ptr(), rows, cols) }
    }
}

impl<T: Element, const R: usize> ViewMut<'_, T, R> {
    /// The view as the output of a product: columns are the last axis, rows the other one or two,
    /// merged with the outermost first.
    ///
    /// # Panics
    /// If an axis is named twice or is out of range, or a merged extent overflows.
    #[inline]
    pub fn mat_mut<const P: usize>(&mut self, rows: [usize; P]) -> MatMut<'_, T> {
        const { assert!(P <= 2 && P + 1 == R, "rows are up to two axes, and all but the last") };
        let (dims, strides) = (self.dims(), self.strides());
        let mut named = [false; R];
        let rows = merge(dims, strides, rows, &mut named);
        assert!(
            !named[R - 1] && (dims[R - 1] <= 1 || strides[R - 1] == 1 || dims.contains(&0)),
            "the columns of an output are its last axis, with stride 1"
        );
        let (data, _) = self.reborrow().into_parts();
        // SAFETY: no two indices of the view share an element and all are in its memory, which
        // stays borrowed; columns are adjacent.
        unsafe { MatMut::from_parts(data, rows, dims[R - 1]) }
    }
}
