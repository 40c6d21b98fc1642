//! `i32` lanes: wrapping arithmetic, comparison, reductions and accumulation.

use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Sub};

use crate::isa::Isa;
use crate::lanes::{Block, F32, Mask};

/// `U` registers of `i32`.
#[derive(Clone, Copy)]
pub struct I32<S: Isa, const U: usize> {
    s: S,
    v: [S::I; U],
}

/// Lane-by-lane operations of two operands.
macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident -> $out:ident = |$s:ident, $a:ident, $b:ident| $value:expr;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(self, other: Self) -> $out<S, U> {
            let $s = self.s;
            $out::new($s, array_of!(U, |u| { let ($a, $b) = (self.v[u], other.v[u]); $value }))
        }
    )*};
}

/// Updates of an accumulator where a block is active.
macro_rules! accumulate {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(self, d: Block<S, U>, v: Self) -> Self {
            let updated = self.$method(v);
            if d.is_full() { updated } else { d.mask().select_i32(updated, self) }
        }
    )*};
}

/// Folds registers pairwise, then lanes pairwise.
macro_rules! reduce {
    ($self:ident, $op:ident) => {{
        let s = $self.s;
        let mut a = $self.v[0];
        macro_rules! fold {
            ($i:literal) => {
                if const { $i < U } {
                    a = s.$op(a, $self.v[$i]);
                }
            };
        }
        fold!(1);
        fold!(2);
        fold!(3);
        fold!(4);
        fold!(5);
        fold!(6);
        fold!(7);
        macro_rules! halve {
            ($d:literal) => {
                if const { S::WIDTH > $d } {
                    a = s.$op(a, s.to_bits(s.swap::<$d>(s.from_bits(a))));
                }
            };
        }
        halve!(8);
        halve!(4);
        halve!(2);
        halve!(1);
        s.first(s.from_bits(a)).to_bits() as i32
    }};
}

impl<S: Isa, const U: usize> I32<S, U> {
    #[inline(always)]
    pub(crate) fn new(s: S, v: [S::I; U]) -> Self {
        I32 { s, v }
    }

    #[inline(always)]
    pub(crate) fn isa(self) -> S {
        self.s
    }

    #[inline(always)]
    pub(crate) fn registers(self) -> [S::I; U] {
        self.v
    }

    binary! {
        /// The larger.
        max -> I32 = |s, a, b| s.max_i(a, b);
        /// The smaller.
        min -> I32 = |s, a, b| s.min_i(a, b);
        /// `self < other`.
        lt -> Mask = |s, a, b| s.lt_i(a, b);
        /// `self <= other`.
        le -> Mask = |s, a, b| s.not_m(s.lt_i(b, a));
        /// `self > other`.
        gt -> Mask = |s, a, b| s.lt_i(b, a);
        /// `self >= other`.
        ge -> Mask = |s, a, b| s.not_m(s.lt_i(a, b));
        /// `self == other`.
        eq -> Mask = |s, a, b| s.eq_i(a, b);
        /// `self != other`.
        ne -> Mask = |s, a, b| s.not_m(s.eq_i(a, b));
    }

    /// Absolute value; that of `i32::MIN` wraps to itself.
    #[inline(always)]
    pub fn abs(self) -> Self {
        self.max(-self)
    }

    /// At least `lo`, then at most `hi`.
    #[inline(always)]
    pub fn clamp(self, lo: Self, hi: Self) -> Self {
        self.max(lo).min(hi)
    }

    /// Shifts left by `K`.
    #[inline(always)]
    pub fn shl<const K: u32>(self) -> Self {
        I32 { s: self.s, v: array_of!(U, |u| self.s.shl_i::<K>(self.v[u])) }
    }

    /// Shifts right by `K`, filling with the sign.
    #[inline(always)]
    pub fn sar<const K: u32>(self) -> Self {
        I32 { s: self.s, v: array_of!(U, |u| self.s.sar_i::<K>(self.v[u])) }
    }

    /// The nearest `f32`.
    #[inline(always)]
    pub fn to_f32(self) -> F32<S, U> {
        F32::new(self.s, array_of!(U, |u| self.s.to_f32(self.v[u])))
    }

    /// The `f32` with these bits.
    #[inline(always)]
    pub fn to_f32_from_bits(self) -> F32<S, U> {
        F32::new(self.s, array_of!(U, |u| self.s.from_bits(self.v[u])))
    }

    accumulate! {
        /// Adds where `d` is active, wrapping.
        add_in = add;
        /// Multiplies where `d` is active, wrapping.
        mul_in = mul;
        /// Takes the larger where `d` is active.
        max_in = max;
        /// Takes the smaller where `d` is active.
        min_in = min;
    }

    /// The wrapping sum of all lanes, inactive ones included.
    #[inline(always)]
    pub fn reduce_add(self) -> i32 {
        reduce!(self, add_i)
    }

    /// The wrapping product of all lanes.
    #[inline(always)]
    pub fn reduce_mul(self) -> i32 {
        reduce!(self, mul_i)
    }

    /// The largest lane.
    #[inline(always)]
    pub fn reduce_max(self) -> i32 {
        reduce!(self, max_i)
    }

    /// The smallest lane.
    #[inline(always)]
    pub fn reduce_min(self) -> i32 {
        reduce!(self, min_i)
    }
}

/// Operators.
macro_rules! operator {
    ($trait:ident, $method:ident, $register:ident) => {
        impl<S: Isa, const U: usize> $trait for I32<S, U> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                I32 { s: self.s, v: array_of!(U, |u| self.s.$register(self.v[u], other.v[u])) }
            }
        }
    };
}
operator!(Add, add, add_i);
operator!(Sub, sub, sub_i);
operator!(Mul, mul, mul_i);
operator!(BitAnd, bitand, and_i);
operator!(BitOr, bitor, or_i);
operator!(BitXor, bitxor, xor_i);

impl<S: Isa, const U: usize> Neg for I32<S, U> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        let s = self.s;
        I32 { s, v: array_of!(U, |u| s.sub_i(s.splat_i(0), self.v[u])) }
    }
}
