//! What codes are turned into: the 32 numbers of a chunk, and the scales of its fours.

use std::ops::{Add, Mul, Sub};

use super::Bytes;
use crate::isa::Isa;

/// The 32 numbers of a chunk.
#[derive(Clone, Copy)]
pub struct Floats<S: Isa> {
    s: S,
    v: [S::E; 4],
}

/// Eight numbers, one for every four of a chunk: its scales, or what they are made of.
#[derive(Clone, Copy)]
pub struct Scales<S: Isa> {
    s: S,
    v: S::E,
}

/// `[f(0), …, f(3)]` with constant arguments.
macro_rules! parts {
    (|$p:ident| $value:expr) => {
        [
            {
                const $p: usize = 0;
                $value
            },
            {
                const $p: usize = 1;
                $value
            },
            {
                const $p: usize = 2;
                $value
            },
            {
                const $p: usize = 3;
                $value
            },
        ]
    };
}

impl<S: Isa> Floats<S> {
    #[inline(always)]
    pub(super) fn registers(self) -> [S::E; 4] {
        self.v
    }

    /// `value` in every lane.
    #[inline(always)]
    pub fn splat(s: S, value: f32) -> Self {
        Floats { s, v: [s.splat_e(value); 4] }
    }

    /// These numbers.
    #[inline(always)]
    pub fn load(s: S, values: &[f32; 32]) -> Self {
        // SAFETY: the array has four times eight values.
        Floats { s, v: parts!(|P| unsafe { s.load_e(values.as_ptr().add(8 * P)) }) }
    }

    /// The lanes as an array.
    #[inline(always)]
    pub fn to_array(self) -> [f32; 32] {
        let mut out = [0.0; 32];
        // SAFETY: the array has four times eight values.
        parts!(|P| unsafe { self.s.store_e(out.as_mut_ptr().add(8 * P), self.v[P]) });
        out
    }

    /// The bytes' values, 0 to 255.
    #[inline(always)]
    pub fn unsigned(bytes: Bytes<S>) -> Self {
        let (s, b) = (bytes.isa(), bytes.register());
        Floats { s, v: parts!(|P| s.to_e(s.widen_u::<P>(b))) }
    }

    /// The bytes' values as signed ones, −128 to 127.
    #[inline(always)]
    pub fn signed(bytes: Bytes<S>) -> Self {
        let (s, b) = (bytes.isa(), bytes.register());
        Floats { s, v: parts!(|P| s.to_e(s.widen_s::<P>(b))) }
    }

    /// `table[code % 16]` of each code.
    #[inline(always)]
    pub fn lookup(codes: Bytes<S>, table: &[f32; 16]) -> Self {
        let (s, b) = (codes.isa(), codes.register());
        // SAFETY: the table has twice eight values.
        let (low, high) = unsafe { (s.load_e(table.as_ptr()), s.load_e(table.as_ptr().add(8))) };
        Floats { s, v: parts!(|P| s.lookup_e(low, high, s.widen_u::<P>(b))) }
    }

    /// `table[code]` of each code. One load per lane.
    #[inline(always)]
    pub fn lookup256(codes: Bytes<S>, table: &[f32; 256]) -> Self {
        let (s, b) = (codes.isa(), codes.register());
        // SAFETY: unsigned bytes are positions in the table.
        Floats { s, v: parts!(|P| unsafe { s.gather_e(table.as_ptr(), s.widen_u::<P>(b)) }) }
    }
}

impl<S: Isa> Scales<S> {
    #[inline(always)]
    pub(super) fn register(self) -> S::E {
        self.v
    }

    /// That of the first four numbers.
    #[inline(always)]
    pub(super) fn first(self) -> f32 {
        let mut values = [0.0; 8];
        // SAFETY: the array has eight values.
        unsafe { self.s.store_e(values.as_mut_ptr(), self.v) };
        values[0]
    }

    /// `value` for all.
    #[inline(always)]
    pub fn splat(s: S, value: f32) -> Self {
        Scales { s, v: s.splat_e(value) }
    }

    /// The binary16 number of these bytes, low byte first, for all.
    #[inline(always)]
    pub fn f16(s: S, bytes: [u8; 2]) -> Self {
        Scales { s, v: s.splat_f16_e(u16::from_le_bytes(bytes)) }
    }

    /// The bfloat16 number of these bytes, low byte first, for all.
    #[inline(always)]
    pub fn bf16(s: S, bytes: [u8; 2]) -> Self {
        Scales { s, v: s.splat_bf16_e(u16::from_le_bytes(bytes)) }
    }

    /// The f32 number of these bytes, low byte first, for all.
    #[inline(always)]
    pub fn f32(s: S, bytes: [u8; 4]) -> Self {
        Self::splat(s, f32::from_le_bytes(bytes))
    }

    /// `low` for the first 16 numbers, `high` for the others.
    #[inline(always)]
    pub fn halves(s: S, low: f32, high: f32) -> Self {
        Self::load(s, &[low, low, low, low, high, high, high, high])
    }

    /// One for each eight numbers.
    #[inline(always)]
    pub fn quarters(s: S, [a, b, c, d]: [f32; 4]) -> Self {
        Self::load(s, &[a, a, b, b, c, c, d, d])
    }

    /// One for each four numbers.
    #[inline(always)]
    pub fn load(s: S, values: &[f32; 8]) -> Self {
        // SAFETY: the array has eight values.
        Scales { s, v: unsafe { s.load_e(values.as_ptr()) } }
    }

    /// Each for its four numbers.
    #[inline(always)]
    pub fn spread(self) -> Floats<S> {
        let s = self.s;
        Floats { s, v: parts!(|P| s.spread_e::<P>(self.v)) }
    }

    /// As [`Scales::spread`], if all are the same.
    #[inline(always)]
    pub fn same(self) -> Floats<S> {
        Floats { s: self.s, v: [self.v; 4] }
    }
}

/// Operators.
macro_rules! operator {
    ($trait:ident, $method:ident, $register:ident) => {
        impl<S: Isa> $trait for Floats<S> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Floats { s: self.s, v: parts!(|P| self.s.$register(self.v[P], other.v[P])) }
            }
        }

        impl<S: Isa> $trait for Scales<S> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Scales { s: self.s, v: self.s.$register(self.v, other.v) }
            }
        }
    };
}
operator!(Add, add, add_e);
operator!(Sub, sub, sub_e);
operator!(Mul, mul, mul_e);
