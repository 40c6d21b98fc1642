//! The right-hand side: packed ahead of time, or on the fly.

use super::PANEL;
use super::mat::Mat;
use super::pack::pack;
use crate::Level;

/// B, packed once for any number of products on any level.
///
/// ```text
///   panel 0: columns 0..32 of C          panel 1: columns 32..64     last panel
///   k=0: b₀ b₁ … b₃₁                     k=0: b₃₂ …                  … zeros after column N−1
///   k=1: b₀ b₁ … b₃₁                     k=1: b₃₂ …
///   ⋮                                    ⋮
/// ```
/// 32 columns are two registers of AVX-512, four of AVX2, eight of SSE: each level's microkernel
/// takes the slice of a panel it has registers for.
pub struct PackedB {
    data: Vec<f32>,
    skip: usize,
    n: usize,
    k: usize,
}

/// Panels start at a cache line.
const LINE: usize = 64 / size_of::<f32>();

impl PackedB {
    /// Packs `b`, whose rows are the columns of C (N) and whose columns are K.
    ///
    /// # Panics
    /// If the packed size overflows `usize`.
    pub fn new(b: Mat<'_>) -> Self {
        let (n, k) = (b.rows(), b.cols());
        let len = n
            .checked_next_multiple_of(PANEL)
            .and_then(|n| n.checked_mul(k))
            .and_then(|len| len.checked_add(LINE));
        let mut data = vec![0.0; len.expect("the size of a packed operand overflows")];
        let skip = data.as_ptr().align_offset(64).min(LINE);
        for (panel, first) in (0..n).step_by(PANEL).enumerate() {
            let rows = first..n.min(first + PANEL);
            // SAFETY: rows and columns are in range; `len` covers every panel after `skip ≤ LINE`;
            // every CPU has the scalar level.
            unsafe {
                pack(
                    Level::Scalar,
                    &b,
                    &rows,
                    &(0..k),
                    data.as_mut_ptr().add(skip + panel * PANEL * k),
                    PANEL,
                )
            }
        }
        Self { data, skip, n, k }
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
        self.data[self.skip..].as_ptr()
    }
}

impl core::fmt::Debug for PackedB {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PackedB").field("n", &self.n).field("k", &self.k).finish_non_exhaustive()
    }
}

impl Clone for PackedB {
    fn clone(&self) -> Self {
        // The copy's allocation may be aligned differently, so the panels move to its own start.
        let used = &self.data[self.skip..self.data.len() - (LINE - self.skip)];
        let mut data = vec![0.0; self.data.len()];
        let skip = data.as_ptr().align_offset(64).min(LINE);
        data[skip..skip + used.len()].copy_from_slice(used);
        Self { data, skip, n: self.n, k: self.k }
    }
}

/// What a product accepts as B.
#[derive(Clone, Copy, Debug)]
pub enum Rhs<'a> {
    /// An operand in any layout, packed during the product (or used as it is, when that is faster).
    Plain(Mat<'a>),
    /// An operand packed before.
    Packed(&'a PackedB),
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

impl Rhs<'_> {
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
