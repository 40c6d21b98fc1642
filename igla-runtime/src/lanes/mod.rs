//! Lane values in blocks of `U` registers, and the loops over index ranges that produce those blocks.
//!
//! Generated code is written with these types. Every operation is `#[inline(always)]` and works register
//! by register without closures or loops, so that nothing is left to call after inlining.
//! Nothing here may touch memory except [`row`], which checks bounds first.

mod arg;
mod bits;
mod block;
mod f32;
mod i32;
mod mask;
pub mod row;
mod single;
mod table;

pub use arg::{ArgMax, ArgMin};
pub use block::{Block, Part, Parts};
pub use f32::F32;
pub use i32::I32;
pub use mask::Mask;
pub use row::{Lane, Row, RowMut};

use crate::isa::Isa;

/// The most registers a block may have.
pub const MAX_UNROLL: usize = 8;

/// What generated code asks of a token: blocks and lane constants.
#[expect(clippy::wrong_self_convention, reason = "`from_fn` mirrors `array::from_fn`; `self` is the token")]
pub trait Lanes: Isa {
    /// Splits `lo..hi` into at most two parts: the full blocks, then the tail. Empty when `lo >= hi`.
    ///
    /// # Panics
    /// When `hi` exceeds `isize::MAX`, beyond which no slice reaches.
    #[inline(always)]
    fn parts<const U: usize>(self, lo: usize, hi: usize) -> Parts<Self, U> {
        Parts::new(self, lo, hi)
    }

    /// `value` in every lane.
    #[inline(always)]
    fn splat<const U: usize>(self, value: f32) -> F32<Self, U> {
        F32::new(self, array_of!(U, |_u| self.splat_f(value)))
    }

    /// `value` in every lane.
    #[inline(always)]
    fn splat_i32<const U: usize>(self, value: i32) -> I32<Self, U> {
        I32::new(self, array_of!(U, |_u| self.splat_i(value)))
    }

    /// `value` in every lane.
    #[inline(always)]
    fn splat_mask<const U: usize>(self, value: bool) -> Mask<Self, U> {
        Mask::new(self, array_of!(U, |_u| self.splat_m(value)))
    }

    /// `value(i)` in the lane of each active index `i` of `d`, 0 elsewhere. One call per lane: for what
    /// has no lane form, such as gathers.
    #[inline(always)]
    fn from_fn<const U: usize>(self, d: Block<Self, U>, value: impl Fn(usize) -> f32) -> F32<Self, U> {
        table::f32_table(self, d, value)
    }

    /// As [`Lanes::from_fn`], for `i32`.
    #[inline(always)]
    fn from_fn_i32<const U: usize>(self, d: Block<Self, U>, value: impl Fn(usize) -> i32) -> I32<Self, U> {
        table::i32_table(self, d, value)
    }

    /// As [`Lanes::from_fn`], for truth values.
    #[inline(always)]
    fn from_fn_mask<const U: usize>(self, d: Block<Self, U>, value: impl Fn(usize) -> bool) -> Mask<Self, U> {
        let ones = table::i32_table(self, d, |i| value(i) as i32);
        ones.ne(self.splat_i32(0))
    }

    /// Finds the index of the largest value.
    #[inline(always)]
    fn argmax<const U: usize>(self) -> ArgMax<Self, U> {
        ArgMax::new(self)
    }

    /// Finds the index of the smallest value.
    #[inline(always)]
    fn argmin<const U: usize>(self) -> ArgMin<Self, U> {
        ArgMin::new(self)
    }
}

impl<S: Isa> Lanes for S {}
