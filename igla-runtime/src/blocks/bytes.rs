//! 32 bytes in a register: what formats unpack their codes with.
//!
//! All operations are safe and mean the same on every level. Tables are meant to be constants.

use std::ops::{Add, BitAnd, BitOr, BitXor, Sub};

use crate::isa::Isa;
use crate::isa::bytes::even_odd;

/// 32 lanes of bytes. Lanes 0 to 15 are the low half, lanes 16 to 31 the high half.
#[derive(Clone, Copy)]
pub struct Bytes<S: Isa> {
    s: S,
    v: S::B,
}

impl<S: Isa> Bytes<S> {
    #[inline(always)]
    pub(super) fn isa(self) -> S {
        self.s
    }

    #[inline(always)]
    pub(super) fn register(self) -> S::B {
        self.v
    }

    /// These bytes.
    #[inline(always)]
    pub fn load(s: S, bytes: &[u8; 32]) -> Self {
        // SAFETY: the array has 32 bytes.
        Bytes { s, v: unsafe { s.load_b(bytes.as_ptr()) } }
    }

    /// These bytes in the low and again in the high half.
    #[inline(always)]
    pub fn twice(s: S, bytes: &[u8; 16]) -> Self {
        Self::halves(s, bytes, bytes)
    }

    /// The low and the high half.
    #[inline(always)]
    pub fn halves(s: S, low: &[u8; 16], high: &[u8; 16]) -> Self {
        // SAFETY: each array has 16 bytes.
        Bytes { s, v: unsafe { s.load_halves_b(low.as_ptr(), high.as_ptr()) } }
    }

    /// Four bytes, eight times.
    #[inline(always)]
    pub fn four(s: S, bytes: &[u8; 4]) -> Self {
        // SAFETY: the array has 4 bytes.
        Bytes { s, v: unsafe { s.splat_four_b(bytes.as_ptr()) } }
    }

    /// Up to 16 bytes in the low and again in the high half, zeros after them. For fields too short for
    /// [`Bytes::twice`].
    ///
    /// # Panics
    /// If there are more.
    #[inline(always)]
    pub fn short(s: S, bytes: &[u8]) -> Self {
        let mut padded = [0; 16];
        padded[..bytes.len()].copy_from_slice(bytes);
        Self::twice(s, &padded)
    }

    /// `value` in every lane.
    #[inline(always)]
    pub fn splat(s: S, value: u8) -> Self {
        Bytes { s, v: s.splat_b(value) }
    }

    /// The lanes as an array.
    #[inline(always)]
    pub fn to_array(self) -> [u8; 32] {
        let mut out = [0; 32];
        // SAFETY: the array has 32 bytes.
        unsafe { self.s.store_b(out.as_mut_ptr(), self.v) };
        out
    }

    /// Shifts every lane left by `K`, at most 7.
    #[inline(always)]
    pub fn shl<const K: i32>(self) -> Self {
        const { assert!(K >= 0 && K <= 7) };
        Bytes { s: self.s, v: self.s.shl_b::<K>(self.v) }
    }

    /// Shifts every lane right by `K`, at most 7, filling with zeros.
    #[inline(always)]
    pub fn shr<const K: i32>(self) -> Self {
        const { assert!(K >= 0 && K <= 7) };
        Bytes { s: self.s, v: self.s.shr_b::<K>(self.v) }
    }

    /// Shifts lane `i` left by `by[i]`; from 8 on nothing is left of it.
    #[inline(always)]
    pub fn shl_each(self, by: &[u8; 32]) -> Self {
        let mut factors = [0; 32];
        let mut i = 0;
        while i < 32 {
            factors[i] = if by[i] < 8 { 1 << by[i] } else { 0 };
            i += 1;
        }
        self.mul_low(&factors)
    }

    /// Shifts lane `i` right by `by[i]`; from 8 on nothing is left of it. Where few different shifts occur,
    /// [`Bytes::shr`] and [`Bytes::select`] are faster.
    #[inline(always)]
    pub fn shr_each(self, by: &[u8; 32]) -> Self {
        let mut factors = [0; 32];
        let mut i = 0;
        while i < 32 {
            factors[i] = if by[i] < 8 { 256 >> by[i] } else { 0 };
            i += 1;
        }
        self.mul_high(&factors)
    }

    /// The low byte of lane `i` times `factors[i]`.
    #[inline(always)]
    pub fn mul_low(self, factors: &[u8; 32]) -> Self {
        let factors = Self::load(self.s, factors);
        Bytes { s: self.s, v: self.s.mul_low_b(self.v, factors.v) }
    }

    /// Bits 8 to 15 of lane `i` times `factors[i]`, which is meant to be at most 256. With
    /// `⌈256 · 2^k / d⌉` and a shift by `k` this divides by `d`, where that is exact for the lanes at hand.
    #[inline(always)]
    pub fn mul_high(self, factors: &[u16; 32]) -> Self {
        let s = self.s;
        let [even, odd] = even_odd(factors);
        // SAFETY: the arrays have 16 values each.
        let (even, odd) = unsafe { (s.load_h(even.as_ptr()), s.load_h(odd.as_ptr())) };
        Bytes { s, v: s.mul_high_b(self.v, even, odd) }
    }

    /// Lane `i` is the lane `positions[i] % 16` of the same half, or 0 if `positions[i]` exceeds 127.
    /// With [`Bytes::twice`] that picks any of 16 bytes for any lane; pieces from several loads are joined
    /// by `|`.
    #[inline(always)]
    pub fn pick(self, positions: &[u8; 32]) -> Self {
        let positions = Self::load(self.s, positions);
        Bytes { s: self.s, v: self.s.shuffle_b(self.v, positions.v) }
    }

    /// `table[lane % 16]`, or 0 for lanes above 127.
    #[inline(always)]
    pub fn lookup(self, table: &[u8; 16]) -> Self {
        let table = Self::twice(self.s, table);
        Bytes { s: self.s, v: self.s.shuffle_b(table.v, self.v) }
    }

    /// 255 where equal, else 0.
    #[inline(always)]
    pub fn equal(self, other: Self) -> Self {
        Bytes { s: self.s, v: self.s.eq_b(self.v, other.v) }
    }

    /// `a` in lanes above 127, else `b`.
    #[inline(always)]
    pub fn select(self, a: Self, b: Self) -> Self {
        Bytes { s: self.s, v: self.s.select_b(self.v, a.v, b.v) }
    }

    /// The low half of `self` and the high half of `other`.
    #[inline(always)]
    pub fn low_high(self, other: Self) -> Self {
        const HIGH: [u8; 32] = {
            let mut mask = [0; 32];
            let mut i = 16;
            while i < 32 {
                mask[i] = 255;
                i += 1;
            }
            mask
        };
        Self::load(self.s, &HIGH).select(other, self)
    }
}

/// Operators.
macro_rules! operator {
    ($(#[$doc:meta])* $trait:ident, $method:ident, $register:ident) => {
        $(#[$doc])*
        impl<S: Isa> $trait for Bytes<S> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Bytes { s: self.s, v: self.s.$register(self.v, other.v) }
            }
        }
    };
}
operator!(BitAnd, bitand, and_b);
operator!(BitOr, bitor, or_b);
operator!(BitXor, bitxor, xor_b);
operator!(
    /// Wrapping.
    Add, add, add_b
);
operator!(
    /// Wrapping.
    Sub, sub, sub_b
);
