//! A matrix of blocks over memory that somebody else owns.

use core::fmt;
use core::marker::PhantomData;

use super::{BlockBytes, Blocks};
use crate::error::ShapeError;
use crate::view::View;

/// `rows` × `cols` numbers: rows of blocks, one after the other.
pub struct BlockMat<'a, F: Blocks> {
    bytes: View<'a, u8, 2>,
    cols: usize,
    format: PhantomData<F>,
}

impl<F: Blocks> Clone for BlockMat<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Blocks> Copy for BlockMat<'_, F> {}

impl<F: Blocks> fmt::Debug for BlockMat<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockMat")
            .field("rows", &self.rows())
            .field("cols", &self.cols)
            .finish_non_exhaustive()
    }
}

impl<'a, F: Blocks> BlockMat<'a, F> {
    /// These bytes, at any address, as a matrix.
    ///
    /// # Errors
    /// When a row is not a whole number of blocks, or the bytes are not those of all rows.
    pub fn new(bytes: &'a [u8], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        const { assert!(F::NUMBERS > 0 && F::NUMBERS.is_multiple_of(super::CHUNK)) };
        let refuse = |text: String| Err(ShapeError::size("BlockMat::new", text));
        if !cols.is_multiple_of(F::NUMBERS) {
            return refuse(format!("a row of {cols} numbers is not made of blocks of {}", F::NUMBERS));
        }
        let (blocks, whole) = F::Block::blocks(bytes);
        if !whole || rows.checked_mul(cols / F::NUMBERS) != Some(blocks.len()) {
            let size = size_of::<F::Block>();
            return refuse(format!(
                "{rows} × {cols} numbers in blocks of {size} bytes for {} do not take {} bytes",
                F::NUMBERS,
                bytes.len()
            ));
        }
        Self::of(View::new(bytes, [rows, cols / F::NUMBERS * size_of::<F::Block>()])?)
    }

    /// Rows of bytes, which need not be adjacent, as a matrix.
    ///
    /// # Errors
    /// When a row is not a whole number of blocks.
    pub fn of(bytes: View<'a, u8, 2>) -> Result<Self, ShapeError> {
        const { assert!(F::NUMBERS > 0 && F::NUMBERS.is_multiple_of(super::CHUNK)) };
        let (size, row) = (size_of::<F::Block>(), bytes.dim(1));
        match (row / size).checked_mul(F::NUMBERS).filter(|_| row % size == 0) {
            Some(cols) => Ok(BlockMat { bytes, cols, format: PhantomData }),
            None => {
                let text = format!("rows of {row} bytes are not made of blocks of {size}");
                Err(ShapeError::size("BlockMat::of", text))
            }
        }
    }

    /// Rows of bytes that are known to be whole blocks.
    ///
    /// # Panics
    /// When they are not.
    pub fn of_whole(bytes: View<'a, u8, 2>) -> Self {
        match Self::of(bytes) {
            Ok(matrix) => matrix,
            Err(error) => panic!("{error}"),
        }
    }

    /// Rows of the matrix: N of a product.
    pub fn rows(&self) -> usize {
        self.bytes.dim(0)
    }

    /// Numbers in a row: K of a product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The blocks of a row.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn row(&self, r: usize) -> &'a [F::Block] {
        F::Block::blocks(self.bytes.row([r])).0
    }
}
