//! Exponential and logistic function.
//!
//! `x = n ln 2 + r` with whole `n` and `|r| <= ln 2 / 2`; `exp r` by a polynomial, then scaled by `2^n`.
//! `n ln 2` is subtracted in two parts, the first of so few bits that its product with `n` is exact.

use crate::isa::Isa;
use crate::lanes::{F32, Lanes};
use crate::math::polynomial;

/// The high part of ln 2: 9 significant bits.
pub(super) const LN2_HIGH: f32 = 0.693_359_4;
/// The rest of ln 2.
pub(super) const LN2_LOW: f32 = -0.000_212_194_44;

/// `(exp(r) - 1 - r) / r^2` for `|r| <= ln 2 / 2`.
#[inline(always)]
fn tail<S: Isa, const U: usize>(s: S, r: F32<S, U>) -> F32<S, U> {
    polynomial!(s, r; 0.5, 0.166_666_66, 0.041_665_796, 0.008_333_452, 0.001_398_199_9, 0.000_198_756_91)
}

impl<S: Isa, const U: usize> F32<S, U> {
    /// `self * 2^n`, rounded once, for whole `n` in −252..=254.
    #[inline(always)]
    pub(super) fn scale(self, n: Self) -> Self {
        let (s, a, n) = (self.isa(), self.registers(), n.registers());
        F32::new(s, array_of!(U, |u| s.scale(a[u], n[u])))
    }

    /// Splits into `n` and `(exp(r) - 1 - r) / r`, giving `(n, r, exp(r) - 1)`.
    #[inline(always)]
    pub(super) fn exp_parts(self) -> (Self, Self) {
        let s = self.isa();
        let n = (self * s.splat(std::f32::consts::LOG2_E)).round();
        let r = n.neg_mul_add(s.splat(LN2_LOW), n.neg_mul_add(s.splat(LN2_HIGH), self));
        (n, tail(s, r).mul_add(r * r, r))
    }

    /// The exponential; accuracy in [`crate::math`].
    #[inline(always)]
    pub fn exp(self) -> Self {
        let s = self.isa();
        // Beyond these, results are infinity and zero; NaN passes.
        let (n, minus_one) = self.clamp(s.splat(-104.0), s.splat(89.0)).exp_parts();
        (minus_one + s.splat(1.0)).scale(n)
    }

    /// The logistic function `1 / (1 + exp(-x))`; accuracy in [`crate::math`].
    #[inline(always)]
    pub fn sigmoid(self) -> Self {
        let (s, one) = (self.isa(), self.isa().splat(1.0));
        // exp of a negative number cannot overflow, and the quotient keeps small results accurate.
        let small = (-self.abs()).exp();
        self.lt(s.splat(0.0)).select(small, one) / (one + small)
    }
}
