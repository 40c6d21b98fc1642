//! The right-hand side of products of bytes: packed ahead of time, or on the fly.

use super::PANEL;
use super::fours::{STEPS, pack_panel, panel_words};
use super::mat::Mat;
use crate::level::Level;
use crate::tensor::Tensor;

/// B of `i8`, packed once for any number of products on any level.
#[derive(Clone)]
pub struct PackedI8 {
    /// Words of the panels, one after the other; memory of a tensor starts at a cache line.
    data: Tensor<f32, 1>,
    n: usize,
    k: usize,
}

impl PackedI8 {
    /// Packs `b`, whose rows are the columns of C (N) and whose columns are K.
    ///
    /// # Panics
    /// If the packed size overflows `usize`.
    pub fn new(b: Mat<'_, i8>) -> Self {
        let (n, k) = (b.rows(), b.cols());
        let len = n.checked_next_multiple_of(PANEL).and_then(|n| n.checked_mul(1 + k.div_ceil(STEPS)));
        let data = len.and_then(|len| Tensor::zeros([len]).ok());
        let mut data: Tensor<f32, 1> = data.expect("the size of a packed operand overflows");
        let level = Level::available().last().copied().unwrap_or(Level::Scalar).code();
        for (i, panel) in data.as_mut_slice().chunks_exact_mut(panel_words(k).max(1)).enumerate() {
            let rows = i * PANEL..n.min((i + 1) * PANEL);
            // SAFETY: rows and columns are in range, a panel has its words for them, and the CPU has every available
            // level.
            unsafe { pack_panel(level, &b, &rows, &(0..k), panel.as_mut_ptr(), true) }
        }
        Self { data, n, k }
    }

    /// Columns of the product.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Extent of the sum.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The first panel; each has [`panel_words`].
    pub(super) fn data(&self) -> *const f32 {
        self.data.as_slice().as_ptr()
    }
}

impl core::fmt::Debug for PackedI8 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PackedI8").field("n", &self.n).field("k", &self.k).finish_non_exhaustive()
    }
}

/// What a product of bytes accepts as B.
#[derive(Clone, Copy, Debug)]
pub enum RhsI8<'a> {
    /// An operand in any layout, packed during the product (or used as it is, when that is faster).
    Plain(Mat<'a, i8>),
    /// An operand packed before.
    Packed(&'a PackedI8),
}

impl<'a> From<Mat<'a, i8>> for RhsI8<'a> {
    fn from(b: Mat<'a, i8>) -> Self {
        Self::Plain(b)
    }
}

impl<'a> From<&'a PackedI8> for RhsI8<'a> {
    fn from(b: &'a PackedI8) -> Self {
        Self::Packed(b)
    }
}

impl RhsI8<'_> {
    /// Columns of the product.
    pub fn n(&self) -> usize {
        match self {
            Self::Plain(b) => b.rows(),
            Self::Packed(b) => b.n(),
        }
    }

    /// Extent of the sum.
    pub fn k(&self) -> usize {
        match self {
            Self::Plain(b) => b.cols(),
            Self::Packed(b) => b.k(),
        }
    }
}
