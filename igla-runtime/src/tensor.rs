//! Element types and tensors that own their memory.

use std::fmt;

use half::{bf16, f16};

use crate::error::ShapeError;
use crate::scratch::{ALIGNMENT, Line};
use crate::view::{View, ViewMut, volume};

mod sealed {
    /// Unsafe code relies on the listed types being plain memory, for which zero bits are a value.
    pub trait Sealed {}
}

/// Types that tensors hold: plain memory without padding, for which all-zero bits are a value.
pub trait Element: Copy + Default + PartialEq + fmt::Debug + Send + Sync + sealed::Sealed + 'static {
    /// Whether any bit pattern is a value.
    const ANY_BITS: bool;
    /// The type's name in specifications.
    const NAME: &'static str;
}

macro_rules! elements {
    ($($t:ty, $name:literal, $any:literal;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const ANY_BITS: bool = $any;
            const NAME: &'static str = $name;
        }
    )*};
}
elements! {
    f32, "f32", true;
    f64, "f64", true;
    f16, "f16", true;
    bf16, "bf16", true;
    i32, "i32", true;
    i8, "i8", true;
    u8, "u8", true;
    u32, "idx", true;
    bool, "bool", false;
}

/// A tensor that owns its memory: row-major, contiguous, aligned to 64 bytes.
#[derive(Clone)]
pub struct Tensor<T: Element, const R: usize> {
    lines: Vec<Line>,
    dims: [usize; R],
    len: usize,
    element: std::marker::PhantomData<T>,
}

impl<T: Element, const R: usize> Tensor<T, R> {
    /// All zeros (false). Extents may be zero.
    pub fn zeros(dims: [usize; R]) -> Result<Self, ShapeError> {
        let len = volume(&dims).filter(|&len| len <= isize::MAX as usize / size_of::<T>());
        let len = len.ok_or_else(|| ShapeError::view(&dims, &[], 0, "the number of elements overflows"))?;
        let lines = vec![Line([0; ALIGNMENT]); (len * size_of::<T>()).div_ceil(ALIGNMENT)];
        Ok(Tensor { lines, dims, len, element: std::marker::PhantomData })
    }

    /// A copy of `data` in row-major order.
    pub fn from_slice(data: &[T], dims: [usize; R]) -> Result<Self, ShapeError> {
        if volume(&dims) != Some(data.len()) {
            return Err(ShapeError::view(
                &dims,
                &[],
                data.len(),
                "the slice must hold exactly the elements of the dims",
            ));
        }
        let mut tensor = Self::zeros(dims)?;
        tensor.as_mut_slice().copy_from_slice(data);
        Ok(tensor)
    }

    /// The extents.
    pub fn dims(&self) -> [usize; R] {
        self.dims
    }

    /// All elements in row-major order.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: the lines hold `len` elements, initialised to zero and written only as `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// All elements in row-major order.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// A view of everything.
    pub fn view(&self) -> View<'_, T, R> {
        View::contiguous(self.as_slice(), self.dims)
    }

    /// A mutable view of everything.
    pub fn view_mut(&mut self) -> ViewMut<'_, T, R> {
        let dims = self.dims;
        ViewMut::contiguous(self.as_mut_slice(), dims)
    }
}

impl<T: Element, const R: usize> fmt::Debug for Tensor<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tensor").field("dims", &self.dims).field("data", &self.as_slice()).finish()
    }
}

impl<T: Element, const R: usize> PartialEq for Tensor<T, R> {
    fn eq(&self, other: &Self) -> bool {
        self.dims == other.dims && self.as_slice() == other.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_aligned_and_zero() {
        let tensor = Tensor::<f32, 2>::zeros([3, 7]).unwrap();
        assert_eq!(tensor.as_slice(), [0.0; 21]);
        assert_eq!(tensor.as_slice().as_ptr() as usize % ALIGNMENT, 0);
        assert!(Tensor::<bool, 1>::zeros([0]).unwrap().as_slice().is_empty());
        assert_eq!(Tensor::<f64, 0>::zeros([]).unwrap().as_slice(), [0.0]);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        assert!(Tensor::<f32, 2>::zeros([usize::MAX, 2]).is_err());
        assert!(Tensor::<f32, 1>::zeros([isize::MAX as usize]).is_err());
        assert!(Tensor::<f32, 3>::zeros([usize::MAX, 2, 0]).unwrap().as_slice().is_empty());
        assert!(Tensor::from_slice(&[1.0_f32; 5], [2, 3]).is_err());
    }
}
