//! Storage formats: how blocks of numbers are kept as bytes, as terms.
//!
//! A format is a pair of kernels over one block's bytes. An operand stored in a format is an
//! input of bytes; reading a number of it is the format's decoding, written out at the read. So
//! nothing behind the checker knows formats: they see bytes and arithmetic.

use std::sync::Arc;

use super::{InputId, Int, Kernel};

/// A storage format.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    /// As written.
    pub name: String,
    /// Comment lines above it.
    pub doc: String,
    /// Numbers of a block.
    pub block: i64,
    /// Bytes of a block.
    pub bytes: i64,
    /// What the bytes are, in their order.
    pub fields: Vec<Field>,
    /// `bytes: u8[BYTES]` to `decode: f32[BLOCK]`.
    pub decode: Kernel,
    /// `x: f32[R, N]` to `bytes: u8[R, N//BLOCK*BYTES]`, row by row.
    pub encode: Option<Kernel>,
}

/// A stored field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As written.
    pub name: String,
    /// Its type as written, `u8[16]`.
    pub ty: String,
    /// Its first byte.
    pub offset: i64,
    /// How many bytes it takes.
    pub bytes: i64,
}

/// An input of bytes that stands for numbers: its last axis counts the bytes of whole blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// The input, of type `u8`.
    pub input: InputId,
    /// Extents in numbers.
    pub shape: Vec<Int>,
    /// What the bytes mean.
    pub format: Arc<Format>,
}

/// Bytes and numbers of a block, for an axis that counts bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Bytes of a block.
    pub bytes: i64,
    /// Numbers of a block.
    pub numbers: i64,
}

impl Blocks {
    /// The numbers that an axis of `bytes` holds, if these are whole blocks.
    #[must_use]
    pub fn numbers_in(self, bytes: i64) -> Option<i64> {
        (self.bytes > 0 && bytes % self.bytes == 0).then(|| (bytes / self.bytes).checked_mul(self.numbers))?
    }
}

impl Format {
    /// Sizes of a block.
    #[must_use]
    pub fn blocks(&self) -> Blocks {
        Blocks { bytes: self.bytes, numbers: self.block }
    }

    /// The extent in bytes of an axis of numbers.
    #[must_use]
    pub fn bytes_of(&self, numbers: &Int) -> Int {
        numbers.floor_div(&Int::constant(self.block)).scale(self.bytes)
    }
}

impl Kernel {
    /// What is known of an input that stands for numbers in a format.
    #[must_use]
    pub fn packed(&self, input: InputId) -> Option<&Packed> {
        self.packed.iter().find(|p| p.input == input)
    }

    /// The shape of an input as the language sees it.
    #[must_use]
    pub fn logical_shape(&self, input: InputId) -> &[Int] {
        self.packed(input).map_or(&self.input(input).shape, |p| &p.shape)
    }
}
