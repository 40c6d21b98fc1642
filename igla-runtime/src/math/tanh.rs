//! Hyperbolic tangent.
//!
//! `tanh |x| = e / (e + 2)` with `e = exp(2 |x|) - 1`, where the subtraction happens before rounding:
//! `e = 2^n (exp(r) - 1) + (2^n - 1)`. So results near zero keep their relative accuracy.

use crate::isa::Isa;
use crate::lanes::{F32, Lanes};

impl<S: Isa, const U: usize> F32<S, U> {
    /// The hyperbolic tangent; accuracy in [`crate::math`].
    #[inline(always)]
    pub fn tanh(self) -> Self {
        let s = self.isa();
        let size = self.abs();
        // Beyond 10 the result is 1; NaN passes.
        let (n, minus_one) = (size + size).clamp(s.splat(0.0), s.splat(20.0)).exp_parts();
        let power = s.splat(1.0).scale(n);
        let e = minus_one.mul_add(power, power - s.splat(1.0));
        (e / (e + s.splat(2.0))).copysign(self)
    }
}
