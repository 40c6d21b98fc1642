//! Numbers stored in blocks of bytes, and products with matrices of them. No format is known here.
//!
//! # What a format is
//!
//! A type that implements [`Blocks`] says how many bytes hold how many numbers and how to decode 32
//! consecutive numbers (a *chunk*) at a time. If the numbers are affine in small whole numbers, the type
//! also implements [`Affine`], and products may then multiply bytes instead of floats:
//!
//! ```text
//! affine form     value[j] = scale[j / GROUP] · int[j] + min[j / GROUP]
//!                 int[j]   = code[j] + LOW,   0 ≤ code[j] ≤ HIGH − LOW ≤ 255
//! codebook form   value[j] = scale[…] · table[code[j]]     any other expression: only `Blocks`
//! ```
//! A codebook of whole numbers (at most 256 apart) is affine: its codes are `table[…] − LOW`. Decoding an affine
//! format is converting `int` exactly, one multiplication, and one addition if there is a minimum, each
//! rounded to f32; so decoded numbers have the same bits on every level. [`affine`] does that.
//!
//! # What an implementation must guarantee
//!
//! - `Block` is `[u8; N]`; a matrix is rows of such blocks without gaps, at any address.
//! - `NUMBERS` is a positive multiple of [`CHUNK`]. A format of smaller blocks takes several as one.
//! - `GROUP` divides `NUMBERS` and is 4, 8, 16 or a multiple of [`CHUNK`]. Lane `i` of `scales` and `mins` is that
//!   of numbers `4i..4i + 4` of the chunk; from `GROUP >= CHUNK` on, all eight lanes are equal.
//! - Codes are in range *for all bytes a block may hold*. Wrong ones give wrong numbers, never anything worse.
//! - Functions are pure and `#[inline(always)]`. `chunk` is a constant after inlining (for up to 8
//!   chunks a block), so deciding by it is free.
//!
//! # Writing one
//!
//! [`Bytes`] has what unpacking needs: loads, shifts and masks, bytes picked by position (bit planes,
//! interleavings), products (digits in other bases), tables of 16. [`part`] takes fields out of a block.
//!
//! ```
//! use igla_runtime::blocks::{Affine, Blocks, Bytes, Floats, Scales, affine, part};
//! use igla_runtime::Isa;
//!
//! /// `q[j] = bits(qs[j % 16], 4 * (j // 16), 4)`, `decode[j]: d * (q[j] - 8)`.
//! struct Nibbles;
//!
//! impl Blocks for Nibbles {
//!     type Block = [u8; 18];
//!     const NUMBERS: usize = 32;
//!
//!     #[inline(always)]
//!     fn decode<S: Isa>(s: S, block: &[u8; 18], chunk: usize) -> Floats<S> {
//!         affine::<Self, S>(s, block, chunk)
//!     }
//! }
//!
//! impl Affine for Nibbles {
//!     const LOW: i32 = -8;
//!     const HIGH: i32 = 7;
//!     const GROUP: usize = 32;
//!
//!     #[inline(always)]
//!     fn codes<S: Isa>(s: S, block: &[u8; 18], _chunk: usize) -> Bytes<S> {
//!         let qs = Bytes::twice(s, part(block, 2));
//!         qs.low_high(qs.shr::<4>()) & Bytes::splat(s, 15)
//!     }
//!
//!     #[inline(always)]
//!     fn scales<S: Isa>(s: S, block: &[u8; 18], _chunk: usize) -> Scales<S> {
//!         Scales::f16(s, *part(block, 0))
//!     }
//! }
//! ```
//!
//! # Products
//!
//! A [`BlockMat`] is the weights of `C[m, n] = Σ_k A[m, k] · W[n, k]`.
//!
//! - **Exact**: [`crate::gemm()`] and [`crate::Par::gemm`] take `&BlockMat` as their right-hand side. Up to 8 rows of A
//!   meet numbers decoded in registers; for more, panels are decoded once and multiplied as f32. [`BlockMat::across`]
//!   sums over the weights' rows instead: `C[m, n] = Σ_k A[m, k] · W[k, n]`.
//! - **With A rounded to bytes**, where that is allowed: [`crate::Par::int8_rows`] rounds once for any number of
//!   products with affine weights by [`crate::Par::gemm_int8`]. Weights may be rearranged once into [`Strips`], which
//!   take the same room for most formats and fewer instructions, and can be kept in a [cache](crate::cache).
//!
//! Sums of bytes are the same whole numbers on every level; floats differ as their order of summation does. No
//! bit depends on the number of threads.

// Loops over constant counts count several arrays at once and unroll.
#![allow(clippy::needless_range_loop)]

mod across;
mod bytes;
#[cfg(target_arch = "aarch64")]
mod dotprod;
mod dots;
mod exact;
mod floats;
mod int8;
mod mat;
mod product;
mod strips;
mod tiles;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub use across::Across;
pub use bytes::Bytes;
pub use exact::AnyBlocks;
pub(crate) use exact::{MOST_ROWS, Weights};
pub use floats::{Floats, Scales};
pub use int8::{Int8Rows, TINY};
pub use mat::BlockMat;
pub use product::AnyAffine;
pub use strips::Strips;

use crate::isa::Isa;
use crate::level::Level;

/// Numbers that are decoded at a time.
pub const CHUNK: usize = 32;

mod sealed {
    pub trait Sealed {}
    impl<const N: usize> Sealed for [u8; N] {}
}

/// `[u8; N]`, the bytes of a block.
pub trait BlockBytes: sealed::Sealed + Copy + Send + Sync + 'static {
    /// Bytes as blocks, and whether that is all of them.
    fn blocks(bytes: &[u8]) -> (&[Self], bool);
}

impl<const N: usize> BlockBytes for [u8; N] {
    #[inline]
    fn blocks(bytes: &[u8]) -> (&[Self], bool) {
        const { assert!(N > 0, "a block has bytes") };
        let (blocks, rest) = bytes.as_chunks();
        (blocks, rest.is_empty())
    }
}

/// A format that stores numbers in blocks. The module's documentation says what must hold.
pub trait Blocks: Send + Sync + 'static {
    /// The bytes of a block, `[u8; N]`.
    type Block: BlockBytes;
    /// Numbers in a block, a multiple of [`CHUNK`].
    const NUMBERS: usize;

    /// Numbers `32 * chunk..32 * chunk + 32` of a block.
    fn decode<S: Isa>(s: S, block: &Self::Block, chunk: usize) -> Floats<S>;
}

/// A format whose numbers are `scale * int + min`. The module's documentation says what must hold.
pub trait Affine: Blocks {
    /// No `int` is smaller.
    const LOW: i32;
    /// No `int` is larger; at most `LOW + 255`.
    const HIGH: i32;
    /// Consecutive numbers that share a scale and a minimum.
    const GROUP: usize;
    /// Whether [`Affine::mins`] are not all 0.
    const HAS_MIN: bool = false;

    /// `int - LOW` of each number of a chunk.
    fn codes<S: Isa>(s: S, block: &Self::Block, chunk: usize) -> Bytes<S>;
    /// The scale of each four numbers of a chunk.
    fn scales<S: Isa>(s: S, block: &Self::Block, chunk: usize) -> Scales<S>;
    /// The minimum of each four numbers of a chunk.
    #[inline(always)]
    fn mins<S: Isa>(s: S, _block: &Self::Block, _chunk: usize) -> Scales<S> {
        Scales::splat(s, 0.0)
    }
}

/// `N` bytes of a block from position `at` on.
///
/// # Panics
/// When the block ends before.
#[inline(always)]
pub fn part<const N: usize>(block: &[u8], at: usize) -> &[u8; N] {
    match block.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(part) => part,
        None => outside(at, N, block.len()),
    }
}

#[cold]
#[inline(never)]
fn outside(at: usize, count: usize, len: usize) -> ! {
    panic!("bytes {at}.. ({count} of them) are not in a block of {len}")
}

/// Decodes a chunk of an affine format: what its [`Blocks::decode`] calls.
#[inline(always)]
pub fn affine<F: Affine, S: Isa>(s: S, block: &F::Block, chunk: usize) -> Floats<S> {
    const { check::<F>() };
    let codes = F::codes(s, block, chunk);
    let ints = if const { F::LOW >= -128 && F::HIGH <= 127 } {
        Floats::signed(codes + Bytes::splat(s, F::LOW as u8))
    } else {
        Floats::unsigned(codes) + Floats::splat(s, F::LOW as f32)
    };
    let spread =
        |scales: Scales<S>| if const { F::GROUP >= CHUNK } { scales.same() } else { scales.spread() };
    let scaled = ints * spread(F::scales(s, block, chunk));
    if F::HAS_MIN { scaled + spread(F::mins(s, block, chunk)) } else { scaled }
}

/// Refuses formats that no product can be right for; a compile-time error in use.
const fn check<F: Affine>() {
    assert!(F::NUMBERS > 0 && F::NUMBERS.is_multiple_of(CHUNK), "blocks are made of chunks of 32");
    assert!(F::LOW <= F::HIGH && F::HIGH - F::LOW <= 255, "codes are bytes");
    assert!(F::LOW >= -(1 << 20) && F::HIGH <= 1 << 20, "sums of products fit 32 bits");
    assert!(
        F::GROUP > 0
            && F::NUMBERS.is_multiple_of(F::GROUP)
            && (F::GROUP.is_multiple_of(CHUNK) || matches!(F::GROUP, 4 | 8 | 16)),
        "groups are 4, 8, 16 or whole chunks"
    );
}

/// Runs a statement for each chunk of a block, unrolled in the source for up to 8 of them.
macro_rules! each_chunk {
    ($F:ident, |$c:ident| $body:expr) => {
        $crate::blocks::each_chunk!(@all $F, $c, $body, 0 1 2 3 4 5 6 7)
    };
    (@all $F:ident, $c:ident, $body:expr, $($n:literal)*) => {
        if const { $F::NUMBERS <= 8 * $crate::blocks::CHUNK } {
            $(if const { $F::NUMBERS > $n * $crate::blocks::CHUNK } {
                let $c: usize = $n;
                $body;
            })*
        } else {
            for $c in 0..$F::NUMBERS / $crate::blocks::CHUNK {
                $body;
            }
        }
    };
}
pub(crate) use each_chunk;

/// Whether a level has so few registers and instructions that grouping rows gains nothing: one way of computing is
/// compiled for it instead of several.
const fn plain<S: Isa>() -> bool {
    matches!(S::LEVEL, Level::Scalar)
}

/// Whether 32 bytes and what becomes of them are two registers of a level, so that half as many sums fit.
const fn narrow<S: Isa>() -> bool {
    matches!(S::LEVEL, Level::Neon)
}

/// Asks for block `b` of the row that is `rows` below, so that weights from memory are there when their turn comes: rows
/// are too short for the processor to see where they go.
#[inline(always)]
fn ahead<F: Blocks, S: Isa>(s: S, row: &[F::Block], b: usize, rows: usize) {
    const LINE: usize = 64;
    let size = size_of::<F::Block>();
    // Of small blocks, one for each line is enough.
    let each = if size * 2 <= LINE { 1 << (LINE / size).ilog2() } else { 1 };
    if b.is_multiple_of(each) {
        let block = row.as_ptr().wrapping_add(b + rows * row.len()).cast::<u8>();
        for line in (0..size).step_by(LINE) {
            s.prefetch(block.wrapping_add(line));
        }
    }
}

/// Rows of x in the groups that meet weights together, as first and count: fours, then a pair and a single one.
/// How rows are grouped changes no bit of any sum.
#[inline(always)]
fn groups<S: Isa>(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let count = match rows - at {
            0 => return None,
            _ if plain::<S>() => 1,
            1 => 1,
            2 | 3 => 2,
            _ => 4,
        };
        at += count;
        Some((at - count, count))
    })
}
