//! Codes in strips of eight rows, in which a register has four numbers of each row, so that lanes of sums are rows
//! of weights: how they lie in memory, and how they get there.
//!
//! ```text
//! strip, per chunk:   register 0: row 0: k 0..4 │ row 1: k 0..4 │ … │ row 7: k 0..4
//!                     ⋮
//!                     register 7: row 0: k 28..32 │ …           scales: row 0 │ … │ row 7   (minima likewise)
//! ```
//! At 4 bits, registers `j` and `j + 4` share their bytes; at 2 bits, registers 0 to 3 and 4 to 7 do. Strips are
//! unpacked for a product of many rows, or once for all products ([`Strips`]).

use core::ops::Range;

use half::f16;

use super::{Affine, AnyAffine, BlockMat, CHUNK, each_chunk};
use crate::isa::{self, Isa, Kernel};
use crate::level::Level;
use crate::tensor::Tensor;

/// Rows in a strip.
pub(super) const STRIP: usize = 8;

/// What codes in strips mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// Bits of a code: 2, 4 or 8.
    pub bits: usize,
    /// How many products of pairs fit 16 bits: 8, 4 or 2; 1 if codes are signed bytes.
    pub depth: usize,
    /// What is missing from a code to the whole number that it stands for.
    pub offset: i32,
    /// Whether there are minima.
    pub min: bool,
}

impl Shape {
    /// The shape of a format's strips, `None` if its chunks have several groups.
    pub const fn of<F: Affine>() -> Option<Shape> {
        if F::GROUP < CHUNK {
            return None;
        }
        let range = F::HIGH - F::LOW;
        let pair = 2 * 127 * range;
        let (mut depth, mut offset) = (8, F::LOW);
        while depth > 1 && depth * pair >= 1 << 15 {
            depth /= 2;
        }
        if depth == 1 {
            offset += 128;
        }
        let bits = if range < 4 {
            2
        } else if range < 16 {
            4
        } else {
            8
        };
        Some(Shape { bits, depth: depth as usize, offset, min: F::HAS_MIN })
    }

    /// Codes as they are unpacked for one product: in bytes, so that each is unpacked once only.
    pub const fn in_bytes(self) -> Shape {
        Shape { bits: 8, ..self }
    }

    /// Bytes of a chunk of a strip.
    pub const fn bytes(&self) -> usize {
        STRIP * CHUNK * self.bits / 8
    }

    /// Scales and minima of a chunk of a strip.
    pub const fn floats(&self) -> usize {
        if self.min { 2 * STRIP } else { STRIP }
    }

    /// Bytes and floats of so many rows; saturates.
    pub fn sizes(&self, rows: usize, cols: usize) -> (usize, usize) {
        let chunks = rows.div_ceil(STRIP).saturating_mul(cols / CHUNK);
        (chunks.saturating_mul(self.bytes()), chunks.saturating_mul(self.floats()))
    }
}

/// Scales and minima, in 16 bits if that loses nothing.
#[derive(Clone, Copy)]
pub(super) enum Scales<'a> {
    Single(&'a [f32]),
    Half(&'a [f16]),
}

/// Strips in memory.
#[derive(Clone, Copy)]
pub(super) struct StripsRef<'a> {
    pub shape: Shape,
    pub codes: &'a [u8],
    pub scales: Scales<'a>,
}

/// Unpacks `rows` into strips of the format's shape, with codes of so many bits; rows that there are not repeat the last.
pub(super) struct Unpack<'a, F: Affine> {
    pub w: BlockMat<'a, F>,
    pub rows: Range<usize>,
    pub bits: usize,
    pub codes: &'a mut [u8],
    pub scales: &'a mut [f32],
}

impl<F: Affine> Kernel for Unpack<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        const { super::check::<F>() };
        let Some(shape) = (const { Shape::of::<F>() }) else { return };
        let shape = Shape { bits: self.bits, ..shape };
        let chunks = self.w.cols() / CHUNK;
        let count = self.rows.len();
        for (strip, first) in (0..count).step_by(STRIP).enumerate() {
            let mut w: [&[F::Block]; STRIP] = [&[]; STRIP];
            for (r, w) in w.iter_mut().enumerate() {
                *w = self.w.row(self.rows.start + (first + r).min(count - 1));
            }
            for b in 0..self.w.cols() / F::NUMBERS {
                each_chunk!(F, |c| {
                    let at = strip * chunks + b * (F::NUMBERS / CHUNK) + c;
                    let mut rows = [s.splat_p(0); STRIP];
                    let scales = &mut self.scales[at * shape.floats()..][..shape.floats()];
                    for r in 0..STRIP {
                        let block = &w[r][b];
                        let mut codes = F::codes(s, block, c).register();
                        if shape.depth == 1 {
                            codes = s.xor_b(codes, s.splat_b(128));
                        }
                        rows[r] = s.fours(codes);
                        scales[r] = F::scales(s, block, c).first();
                        if shape.min {
                            scales[STRIP + r] = F::mins(s, block, c).first();
                        }
                    }
                    let w = s.transpose_p(rows);
                    let mut out = [s.splat_b(0); 8];
                    for j in 0..8 {
                        out[j] = s.bytes(w[j]);
                    }
                    let used = match self.bits {
                        2 => {
                            for i in 0..2 {
                                let low = s.or_b(out[4 * i], s.shl_b::<2>(out[4 * i + 1]));
                                let high = s.or_b(s.shl_b::<4>(out[4 * i + 2]), s.shl_b::<6>(out[4 * i + 3]));
                                out[i] = s.or_b(low, high);
                            }
                            2
                        }
                        4 => {
                            for j in 0..4 {
                                out[j] = s.or_b(out[j], s.shl_b::<4>(out[j + 4]));
                            }
                            4
                        }
                        _ => 8,
                    };
                    let codes = &mut self.codes[at * shape.bytes()..][..shape.bytes()];
                    for (out, codes) in out[..used].iter().zip(codes.chunks_exact_mut(CHUNK)) {
                        // SAFETY: the slice has 32 bytes.
                        unsafe { s.store_b(codes.as_mut_ptr(), *out) };
                    }
                });
            }
        }
    }
}

/// Weights of an affine format rearranged once into strips, for any number of products by
/// [`crate::Par::gemm_int8`], which need fewer instructions than with the blocks themselves.
///
/// Codes take 2, 4 or 8 bits, whichever is enough, and scales as many as before if they are binary16 numbers, else 32.
#[derive(Clone)]
pub struct Strips {
    rows: usize,
    cols: usize,
    shape: Shape,
    codes: Tensor<u8, 1>,
    /// One of the two.
    half: Option<Tensor<f16, 1>>,
    single: Option<Tensor<f32, 1>>,
}

impl core::fmt::Debug for Strips {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Strips { rows, cols, shape, .. } = self;
        f.debug_struct("Strips")
            .field("rows", rows)
            .field("cols", cols)
            .field("shape", shape)
            .finish_non_exhaustive()
    }
}

impl Strips {
    /// Rearranges weights; `None` if a chunk of the format has several groups.
    ///
    /// # Panics
    /// If the size overflows `usize`.
    pub fn new<F: Affine>(w: &BlockMat<'_, F>) -> Option<Self> {
        let shape = const { Shape::of::<F>() }?;
        let (rows, cols) = (w.rows(), w.cols());
        let (codes, floats) = shape.sizes(rows, cols);
        let size = "the size of rearranged weights overflows";
        let mut codes = Tensor::<u8, 1>::zeros([codes]).expect(size);
        let mut single = Tensor::<f32, 1>::zeros([floats]).expect(size);
        let level = Level::available().last().copied().unwrap_or(Level::Scalar);
        let unpack = Unpack {
            w: *w,
            rows: 0..rows,
            bits: shape.bits,
            codes: codes.as_mut_slice(),
            scales: single.as_mut_slice(),
        };
        isa::dispatch_bytes(level, unpack);
        let exact = |x: &f32| f16::from_f32(*x).to_f32().to_bits() == x.to_bits();
        if !single.as_slice().iter().all(exact) {
            return Some(Strips { rows, cols, shape, codes, half: None, single: Some(single) });
        }
        let mut half = Tensor::<f16, 1>::zeros([floats]).expect(size);
        for (half, single) in half.as_mut_slice().iter_mut().zip(single.as_slice()) {
            *half = f16::from_f32(*single);
        }
        Some(Strips { rows, cols, shape, codes, half: Some(half), single: None })
    }

    /// Rows of the matrix: N of a product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row: K of a product.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes that the weights take.
    pub fn bytes(&self) -> usize {
        let floats = self.shape.sizes(self.rows, self.cols).1;
        self.codes.as_slice().len() + floats * if self.half.is_some() { 2 } else { 4 }
    }

    /// The strips of `rows`, which start with a strip.
    pub(super) fn part(&self, rows: Range<usize>) -> StripsRef<'_> {
        debug_assert!(rows.start.is_multiple_of(STRIP));
        let ((b0, f0), (b1, f1)) =
            (self.shape.sizes(rows.start, self.cols), self.shape.sizes(rows.end, self.cols));
        let scales = match (&self.half, &self.single) {
            (Some(half), _) => Scales::Half(&half.as_slice()[f0..f1]),
            (None, Some(single)) => Scales::Single(&single.as_slice()[f0..f1]),
            (None, None) => Scales::Single(&[]),
        };
        StripsRef { shape: self.shape, codes: &self.codes.as_slice()[b0..b1], scales }
    }
}

impl<'a> From<&'a Strips> for AnyAffine<'a> {
    fn from(w: &'a Strips) -> Self {
        AnyAffine::new(w)
    }
}
