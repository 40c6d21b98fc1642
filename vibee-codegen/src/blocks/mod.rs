//! Formats as the runtime's block traits: found by algebra on `decode`, never by a format's name.
//!
//! | step | file |
//! |---|---|
//! | what number `j` of a block is, over its bytes | [`tree`] |
//! | scale · whole number + minimum, or scale · table\[code\] | [`affine`] |
//! | 32 codes at a time with operations on bytes | [`codes`] |
//! | one expression for all chunks | [`choice`] |
//! | the implementation as Rust | [`imp`] |
//! | products with an operand in a format | [`product`] |
//!
//! What is not of this form has no implementation here; kernels then decode number by number.

mod affine;
mod choice;
mod codes;
mod imp;
mod product;
mod tree;

pub use imp::{has_form, implementation};
pub use product::{Decoded, decoded, meets_one_row, not_only_products};

/// Numbers that are decoded at a time, as in igla-runtime.
const CHUNK: usize = 32;

/// Most chunks of a block: the runtime unrolls that many.
const CHUNKS: usize = 8;
