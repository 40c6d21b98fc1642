//! Natural logarithm.
//!
//! `x = m 2^e` with `m` in `sqrt(1/2)..sqrt(2)`; `log(1 + f)` with `f = m - 1` (exact) by a polynomial, to
//! which `e ln 2` is added in two parts. For `e = 0` nothing is added, so results near zero stay accurate.

use super::exp::{LN2_HIGH, LN2_LOW};
use crate::isa::Isa;
use crate::lanes::{F32, Lanes};
use crate::math::polynomial;

/// Bits of sqrt(1/2).
const SQRT_HALF: i32 = 0x3f35_04f3;

impl<S: Isa, const U: usize> F32<S, U> {
    /// Exponent and mantissa of a positive number: `(e, m)` with `m` in `sqrt(1/2)..sqrt(2)`.
    #[inline(always)]
    pub(super) fn exponent_and_mantissa(self) -> (Self, Self) {
        let s = self.isa();
        let subnormal = self.lt(s.splat(f32::MIN_POSITIVE));
        let normal = subnormal.select(self * s.splat(8_388_608.0), self);
        let bits = normal.to_bits();
        let e = (bits - s.splat_i32(SQRT_HALF)).sar::<23>();
        let m = (bits - e.shl::<23>()).to_f32_from_bits();
        let e = e.to_f32();
        (subnormal.select(e - s.splat(23.0), e), m)
    }

    /// The natural logarithm: −∞ at zero, NaN below; accuracy in [`crate::math`].
    #[inline(always)]
    pub fn log(self) -> Self {
        let s = self.isa();
        let (e, m) = self.exponent_and_mantissa();
        let f = m - s.splat(1.0);
        let square = f * f;
        let series = polynomial!(
            s, f; 0.333_333_3, -0.249_999_94, 0.200_007_16, -0.166_680_57, 0.142_493_23, -0.124_201_41,
            0.116_769_984, -0.115_146_1, 0.070_376_836
        );
        let rest = e.mul_add(s.splat(LN2_LOW), series * (square * f));
        let rest = square.neg_mul_add(s.splat(0.5), rest);
        let result = e.mul_add(s.splat(LN2_HIGH), f + rest);

        let finite = self.lt(s.splat(f32::INFINITY)).select(result, self);
        let zero = s.splat(0.0);
        let lowest = self.eq(zero).select(s.splat(f32::NEG_INFINITY), s.splat(f32::NAN));
        self.gt(zero).select(finite, lowest)
    }
}
