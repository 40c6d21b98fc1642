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
use crate::cache::entry::Field;
use crate::cache::{Content, Entry, EntryError, Part};
use crate::isa::{self, Isa, Kernel};
use crate::level::Level;
use crate::tensor::{Element, Tensor};

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

    /// What an entry of a cache says of strips; the sizes of its parts say the rest.
    fn description(&self, rows: usize, cols: usize) -> [Field; 8] {
        [
            ("form", u64::from_le_bytes(*b"strips\0\0")),
            ("rows", rows as u64),
            ("numbers in a row", cols as u64),
            ("rows in a strip", STRIP as u64),
            ("bits of a code", self.bits as u64),
            ("products in 16 bits", self.depth as u64),
            ("offset of codes", i64::from(self.offset) as u64),
            ("minima", u64::from(self.min)),
        ]
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
/// All of them are the same on every level, so strips can be kept in a file ([`Strips::content`]) for any machine that
/// orders bytes in the same way.
#[derive(Clone)]
pub struct Strips {
    rows: usize,
    cols: usize,
    shape: Shape,
    codes: Held<u8>,
    scales: HeldScales,
}

/// Numbers in memory of their own, or where an entry of a cache has them.
#[derive(Clone)]
enum Held<T: Element> {
    Own(Tensor<T, 1>),
    Kept(Part<T>),
}

impl<T: Element + bytemuck::Pod> Held<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Held::Own(numbers) => numbers.as_slice(),
            Held::Kept(numbers) => numbers.as_slice(),
        }
    }
}

/// [`Scales`] with their memory.
#[derive(Clone)]
enum HeldScales {
    Single(Held<f32>),
    Half(Held<f16>),
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
        Strips::at(Level::available().last().copied().unwrap_or(Level::Scalar), w)
    }

    /// As [`Strips::new`], on a level.
    fn at<F: Affine>(level: Level, w: &BlockMat<'_, F>) -> Option<Self> {
        let shape = const { Shape::of::<F>() }?;
        let (rows, cols) = (w.rows(), w.cols());
        let (codes, floats) = shape.sizes(rows, cols);
        let size = "the size of rearranged weights overflows";
        let mut codes = Tensor::<u8, 1>::zeros([codes]).expect(size);
        let mut single = Tensor::<f32, 1>::zeros([floats]).expect(size);
        let unpack = Unpack {
            w: *w,
            rows: 0..rows,
            bits: shape.bits,
            codes: codes.as_mut_slice(),
            scales: single.as_mut_slice(),
        };
        isa::dispatch_bytes(level, unpack);
        let exact = |x: &f32| f16::from_f32(*x).to_f32().to_bits() == x.to_bits();
        let scales = if single.as_slice().iter().all(exact) {
            let mut half = Tensor::<f16, 1>::zeros([floats]).expect(size);
            for (half, single) in half.as_mut_slice().iter_mut().zip(single.as_slice()) {
                *half = f16::from_f32(*single);
            }
            HeldScales::Half(Held::Own(half))
        } else {
            HeldScales::Single(Held::Own(single))
        };
        Some(Strips { rows, cols, shape, codes: Held::Own(codes), scales })
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
        self.codes.as_slice().len() + self.scale_bytes().len()
    }

    /// The strips as what a cache keeps, for `keep`.
    pub fn content<R>(&self, keep: impl FnOnce(&Content<'_>) -> R) -> R {
        let parts = [self.codes.as_slice(), self.scale_bytes()];
        keep(&Content { description: &self.shape.description(self.rows, self.cols), parts })
    }

    /// Strips from an entry of a cache, used where it has them.
    ///
    /// # Errors
    /// When the entry does not have the strips of a matrix of this format and of these dims, in numbers.
    pub fn kept<F: Affine>(entry: &Entry, [rows, cols]: [usize; 2]) -> Result<Self, EntryError> {
        let Some(shape) = (const { Shape::of::<F>() }) else {
            let found = (CHUNK / F::GROUP) as u64;
            return Err(EntryError::Other { what: "groups in a chunk", expected: 1, found });
        };
        if !cols.is_multiple_of(F::NUMBERS) {
            let expected = cols.next_multiple_of(F::NUMBERS) as u64;
            return Err(EntryError::Other { what: "numbers in a row", expected, found: cols as u64 });
        }
        Strips::of_shape(shape, entry, rows, cols)
    }

    fn of_shape(shape: Shape, entry: &Entry, rows: usize, cols: usize) -> Result<Self, EntryError> {
        entry.expect(&shape.description(rows, cols))?;
        let (codes, floats) = shape.sizes(rows, cols);
        let length = |expected: usize, found: usize| {
            let (expected, found) = (expected as u64, found as u64);
            if expected == found { Ok(()) } else { Err(EntryError::Length { expected, found }) }
        };
        length(codes, entry.bytes(0).len())?;
        let scales = if entry.bytes(1).len() == floats.saturating_mul(size_of::<f16>()) {
            HeldScales::Half(Held::Kept(entry.part(1)?))
        } else {
            length(floats.saturating_mul(size_of::<f32>()), entry.bytes(1).len())?;
            HeldScales::Single(Held::Kept(entry.part(1)?))
        };
        Ok(Strips { rows, cols, shape, codes: Held::Kept(entry.part(0)?), scales })
    }

    fn scale_bytes(&self) -> &[u8] {
        match &self.scales {
            HeldScales::Single(scales) => bytemuck::cast_slice(scales.as_slice()),
            HeldScales::Half(scales) => bytemuck::cast_slice(scales.as_slice()),
        }
    }

    /// The strips of `rows`, which start with a strip.
    pub(super) fn part(&self, rows: Range<usize>) -> StripsRef<'_> {
        debug_assert!(rows.start.is_multiple_of(STRIP));
        let ((b0, f0), (b1, f1)) =
            (self.shape.sizes(rows.start, self.cols), self.shape.sizes(rows.end, self.cols));
        let scales = match &self.scales {
            HeldScales::Single(scales) => Scales::Single(&scales.as_slice()[f0..f1]),
            HeldScales::Half(scales) => Scales::Half(&scales.as_slice()[f0..f1]),
        };
        StripsRef { shape: self.shape, codes: &self.codes.as_slice()[b0..b1], scales }
    }
}

impl<'a> From<&'a Strips> for AnyAffine<'a> {
    fn from(w: &'a Strips) -> Self {
        AnyAffine::new(w)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Blocks, Bytes, Floats, affine, part};
    use super::*;

    /// Nibbles with a scale of 16 or 32 bits.
    struct Nibbles<const SINGLE: bool>;

    impl<const SINGLE: bool> Blocks for Nibbles<SINGLE> {
        type Block = [u8; 20];
        const NUMBERS: usize = 32;

        #[inline(always)]
        fn decode<S: Isa>(s: S, block: &[u8; 20], chunk: usize) -> Floats<S> {
            affine::<Self, S>(s, block, chunk)
        }
    }

    impl<const SINGLE: bool> Affine for Nibbles<SINGLE> {
        const LOW: i32 = -8;
        const HIGH: i32 = 7;
        const GROUP: usize = 32;

        #[inline(always)]
        fn codes<S: Isa>(s: S, block: &[u8; 20], _: usize) -> Bytes<S> {
            let codes = Bytes::twice(s, part(block, 4));
            codes.low_high(codes.shr::<4>()) & Bytes::splat(s, 15)
        }

        #[inline(always)]
        fn scales<S: Isa>(s: S, block: &[u8; 20], _: usize) -> super::super::Scales<S> {
            if SINGLE {
                super::super::Scales::f32(s, *part(block, 0))
            } else {
                super::super::Scales::f16(s, *part(block, 0))
            }
        }
    }

    fn same_on_every_level<const SINGLE: bool>() {
        let bytes: Vec<u8> = (0..13 * 3 * 20_usize).map(|n| (n * n * 7 + n / 5) as u8).collect();
        let w = BlockMat::<Nibbles<SINGLE>>::new(&bytes, 13, 96).unwrap();
        let written = |strips: &Strips| {
            let mut bytes = Vec::new();
            strips.content(|content| content.write(1, &mut bytes)).unwrap();
            bytes
        };
        let made = Strips::new(&w).unwrap();
        assert_eq!(matches!(made.scales, HeldScales::Single(_)), SINGLE);
        for &level in Level::available() {
            assert_eq!(written(&Strips::at(level, &w).unwrap()), written(&made), "{level}");
        }
    }

    #[test]
    fn strips_are_the_same_on_every_level() {
        same_on_every_level::<false>();
        same_on_every_level::<true>();
    }
}
