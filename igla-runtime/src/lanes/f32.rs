//! `f32` lanes: arithmetic, comparison, rounding, reductions and accumulation.
//!
//! Transcendental functions are in [`crate::math`].

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::isa::Isa;
use crate::lanes::{Block, I32, Mask};

/// `U` registers of `f32`.
#[derive(Clone, Copy)]
pub struct F32<S: Isa, const U: usize> {
    s: S,
    v: [S::F; U],
}

/// Lane-by-lane operations of one operand.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident -> $out:ident = |$s:ident, $a:ident| $value:expr;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(self) -> $out<S, U> {
            let $s = self.s;
            $out::new($s, array_of!(U, |u| { let $a = self.v[u]; $value }))
        }
    )*};
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

/// Folds registers pairwise, then lanes pairwise.
macro_rules! reduce {
    ($self:ident, |$s:ident, $a:ident, $b:ident| $combine:expr) => {{
        let $s = $self.s;
        let mut v = $self.v;
        macro_rules! fold {
            ($i:literal, $j:literal) => {
                if const { $j < U } {
                    let ($a, $b) = (v[$i], v[$j]);
                    v[$i] = $combine;
                }
            };
        }
        fold!(0, 4);
        fold!(1, 5);
        fold!(2, 6);
        fold!(3, 7);
        fold!(0, 2);
        fold!(1, 3);
        fold!(0, 1);
        let mut $a = v[0];
        macro_rules! halve {
            ($d:literal) => {
                if const { S::WIDTH > $d } {
                    let $b = $s.swap::<$d>($a);
                    $a = $combine;
                }
            };
        }
        halve!(8);
        halve!(4);
        halve!(2);
        halve!(1);
        $s.first($a)
    }};
}

impl<S: Isa, const U: usize> F32<S, U> {
    #[inline(always)]
    pub(crate) fn new(s: S, v: [S::F; U]) -> Self {
        F32 { s, v }
    }

    #[inline(always)]
    pub(crate) fn registers(self) -> [S::F; U] {
        self.v
    }

    #[inline(always)]
    pub(crate) fn isa(self) -> S {
        self.s
    }

    /// Lane 0.
    #[inline(always)]
    pub fn first(self) -> f32 {
        self.s.first(self.v[0])
    }

    unary! {
        /// Absolute value.
        abs -> F32 = |s, a| s.from_bits(s.and_i(s.to_bits(a), s.splat_i(i32::MAX)));
        /// Square root, correctly rounded.
        sqrt -> F32 = |s, a| s.sqrt(a);
        /// `1 / sqrt(x)` by division: at most 1.5 ulp.
        rsqrt -> F32 = |s, a| s.div(s.splat_f(1.0), s.sqrt(a));
        /// Rounds down.
        floor -> F32 = |s, a| s.floor(a);
        /// Rounds up.
        ceil -> F32 = |s, a| s.ceil(a);
        /// Rounds to nearest, ties to even.
        round -> F32 = |s, a| s.round(a);
        /// Rounds towards zero.
        trunc -> F32 = |s, a| s.trunc(a);
        /// Truncates, saturates, and maps NaN to 0: exactly `as i32`.
        to_i32 -> I32 = |s, a| s.to_i32(a);
        /// The lanes' bits.
        to_bits -> I32 = |s, a| s.to_bits(a);
    }

    binary! {
        /// The larger; a NaN operand is ignored. Which zero wins among zeros of both signs is unspecified.
        max -> F32 = |s, a, b| s.select(s.ne(b, b), a, s.max_or_second(a, b));
        /// The smaller; a NaN operand is ignored.
        min -> F32 = |s, a, b| s.select(s.ne(b, b), a, s.min_or_second(a, b));
        /// `self < other`.
        lt -> Mask = |s, a, b| s.lt(a, b);
        /// `self <= other`.
        le -> Mask = |s, a, b| s.le(a, b);
        /// `self > other`.
        gt -> Mask = |s, a, b| s.lt(b, a);
        /// `self >= other`.
        ge -> Mask = |s, a, b| s.le(b, a);
        /// `self == other`.
        eq -> Mask = |s, a, b| s.eq(a, b);
        /// `self != other`; true where either is NaN.
        ne -> Mask = |s, a, b| s.ne(a, b);
    }

    /// `self * b + c`, rounded once where the level can (twice at the scalar level).
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        F32 { s: self.s, v: array_of!(U, |u| self.s.mul_add(self.v[u], b.v[u], c.v[u])) }
    }

    /// `c - self * b`, rounded as [`F32::mul_add`].
    #[inline(always)]
    pub fn neg_mul_add(self, b: Self, c: Self) -> Self {
        F32 { s: self.s, v: array_of!(U, |u| self.s.neg_mul_add(self.v[u], b.v[u], c.v[u])) }
    }

    /// At least `lo`, then at most `hi`; NaN stays NaN.
    #[inline(always)]
    pub fn clamp(self, lo: Self, hi: Self) -> Self {
        let s = self.s;
        F32 { s, v: array_of!(U, |u| s.min_or_second(hi.v[u], s.max_or_second(lo.v[u], self.v[u]))) }
    }

    /// The size of `self` with the sign of `sign`.
    #[inline(always)]
    pub fn copysign(self, sign: Self) -> Self {
        let s = self.s;
        F32 {
            s,
            v: array_of!(U, |u| {
                let size = s.and_i(s.to_bits(self.v[u]), s.splat_i(i32::MAX));
                let sign = s.and_i(s.to_bits(sign.v[u]), s.splat_i(i32::MIN));
                s.from_bits(s.or_i(size, sign))
            }),
        }
    }

    /// Adds where `d` is active.
    #[inline(always)]
    pub fn add_in(self, d: Block<S, U>, v: Self) -> Self {
        let sum = self + v;
        if d.is_full() { sum } else { d.mask().select(sum, self) }
    }

    /// Multiplies where `d` is active.
    #[inline(always)]
    pub fn mul_in(self, d: Block<S, U>, v: Self) -> Self {
        let product = self * v;
        if d.is_full() { product } else { d.mask().select(product, self) }
    }

    /// Takes the larger where `d` is active, ignoring NaN in `v`. An accumulator that starts as NaN stays so.
    #[inline(always)]
    pub fn max_in(self, d: Block<S, U>, v: Self) -> Self {
        let s = self.s;
        let larger = F32 { s, v: array_of!(U, |u| s.max_or_second(v.v[u], self.v[u])) };
        if d.is_full() { larger } else { d.mask().select(larger, self) }
    }

    /// Takes the smaller where `d` is active, ignoring NaN in `v`. An accumulator that starts as NaN stays so.
    #[inline(always)]
    pub fn min_in(self, d: Block<S, U>, v: Self) -> Self {
        let s = self.s;
        let smaller = F32 { s, v: array_of!(U, |u| s.min_or_second(v.v[u], self.v[u])) };
        if d.is_full() { smaller } else { d.mask().select(smaller, self) }
    }

    /// `self + a * b` where `d` is active, rounded as [`F32::mul_add`].
    #[inline(always)]
    pub fn fma_in(self, d: Block<S, U>, a: Self, b: Self) -> Self {
        let sum = a.mul_add(b, self);
        if d.is_full() { sum } else { d.mask().select(sum, self) }
    }

    /// The sum of all lanes, inactive ones included.
    #[inline(always)]
    pub fn reduce_add(self) -> f32 {
        reduce!(self, |s, a, b| s.add(a, b))
    }

    /// The product of all lanes.
    #[inline(always)]
    pub fn reduce_mul(self) -> f32 {
        reduce!(self, |s, a, b| s.mul(a, b))
    }

    /// The largest lane, ignoring NaN; NaN only if every lane is.
    #[inline(always)]
    pub fn reduce_max(self) -> f32 {
        reduce!(self, |s, a, b| s.select(s.ne(b, b), a, s.max_or_second(a, b)))
    }

    /// The smallest lane, ignoring NaN; NaN only if every lane is.
    #[inline(always)]
    pub fn reduce_min(self) -> f32 {
        reduce!(self, |s, a, b| s.select(s.ne(b, b), a, s.min_or_second(a, b)))
    }
}

/// Operators.
macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<S: Isa, const U: usize> $trait for F32<S, U> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                F32 { s: self.s, v: array_of!(U, |u| self.s.$method(self.v[u], other.v[u])) }
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<S: Isa, const U: usize> Neg for F32<S, U> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        let s = self.s;
        F32 { s, v: array_of!(U, |u| s.from_bits(s.xor_i(s.to_bits(self.v[u]), s.splat_i(i32::MIN)))) }
    }
}
