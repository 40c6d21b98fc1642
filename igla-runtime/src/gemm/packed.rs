//! The right-hand side: packed ahead of time, on the fly, or decoded.

use super::PANEL;
use super::mat::Mat;
use super::pack::pack;
use super::pairs::PackedBf16;
use crate::blocks::{Across, AnyBlocks, BlockMat, Blocks};
use crate::level::Level;
use crate::tensor::Tensor;

/// B, packed once for any number of products on any level.
///
/// ```text
///   panel 0: columns 0..32 of C          panel 1: columns 32..64     last panel
///   k=0: b₀ b₁ … b₃₁                     k=0: b₃₂ …                  … zeros after column N−1
///   k=1: b₀ b₁ … b₃₁                     k=1: b₃₂ …
///   ⋮                                    ⋮
/// ```
/// 32 columns are two registers of AVX-512, four of AVX2, eight of SSE and NEON: each level's microkernel
/// takes the slice of a panel it has registers for.
#[derive(Clone)]
pub struct PackedB {
    /// The panels, one after the other; memory of a tensor starts at a cache line.
    data: Tensor<f32, 1>,
    n: usize,
    k: usize,
}

impl PackedB {
    /// Packs `b`, whose rows are the columns of C (N) and whose columns are K.
    ///
    /// # Panics
    /// If the packed size overflows `usize`.
    pub fn new(b: Mat<'_>) -> Self {
        let (n, k) = (b.rows(), b.cols());
        let len = n.checked_next_multiple_of(PANEL).and_then(|n| n.checked_mul(k));
        let data = len.and_then(|len| Tensor::zeros([len]).ok());
        let mut data = data.expect("the size of a packed operand overflows");
        let level = Level::available().last().copied().unwrap_or(Level::Scalar);
        for (i, panel) in data.as_mut_slice().chunks_exact_mut((PANEL * k).max(1)).enumerate() {
            let rows = i * PANEL..n.min((i + 1) * PANEL);
            // SAFETY: rows and columns are in range, a panel has `PANEL` elements for each column,
            // and the CPU has every available level.
            unsafe { pack(level, &b, &rows, &(0..k), panel.as_mut_ptr(), PANEL) }
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

    /// The first panel.
    pub(super) fn data(&self) -> *const f32 {
        self.data.as_slice().as_ptr()
    }
}

impl core::fmt::Debug for PackedB {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PackedB").field("n", &self.n).field("k", &self.k).finish_non_exhaustive()
    }
}

/// What a product accepts as B.
#[derive(Clone, Copy, Debug)]
pub enum Rhs<'a> {
    /// An operand in any layout, packed during the product (or used as it is, when that is faster).
    Plain(Mat<'a>),
    /// An operand packed before.
    Packed(&'a PackedB),
    /// The same of `bf16`. A may be rounded to `bf16` too, if `rounds`.
    PackedBf16 {
        /// The operand.
        b: &'a PackedBf16,
        /// Whether A may be rounded.
        rounds: bool,
    },
    /// Weights in blocks, decoded during the product.
    Blocks(AnyBlocks<'a>),
}

impl<'a> From<Mat<'a>> for Rhs<'a> {
    fn from(b: Mat<'a>) -> Self {
        Self::Plain(b)
    }
}

impl<'a> From<&'a PackedB> for Rhs<'a> {
    fn from(b: &'a PackedB) -> Self {
        Self::Packed(b)
    }
}

impl<'a, F: Blocks> From<&'a BlockMat<'a, F>> for Rhs<'a> {
    fn from(b: &'a BlockMat<'a, F>) -> Self {
        Self::Blocks(b.into())
    }
}

impl<'a, F: Blocks> From<&'a Across<'a, F>> for Rhs<'a> {
    fn from(b: &'a Across<'a, F>) -> Self {
        Self::Blocks(b.into())
    }
}

impl Rhs<'_> {
    /// Whether nothing is left to be packed during a product.
    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_) | Self::PackedBf16 { .. })
    }

    /// Columns of the product.
    pub fn n(&self) -> usize {
        match self {
            Self::Plain(b) => b.rows(),
            Self::Packed(b) => b.n(),
            Self::PackedBf16 { b, .. } => b.n(),
            Self::Blocks(b) => b.weights().rows(),
        }
    }

    /// Extent of the sum.
    pub fn k(&self) -> usize {
        match self {
            Self::Plain(b) => b.cols(),
            Self::Packed(b) => b.k(),
            Self::PackedBf16 { b, .. } => b.k(),
            Self::Blocks(b) => b.weights().cols(),
        }
    }
}
