//! Error function.
//!
//! Near zero `x + x p(x^2)`, so that results near zero are accurate; further out `1 - exp(-x q(x))`.
//! Both polynomials are minimax fits for f32.

use crate::isa::Isa;
use crate::lanes::{F32, Lanes};
use crate::math::polynomial;

/// Where the two forms meet.
const MEETING: f32 = 0.927_734_4;

impl<S: Isa, const U: usize> F32<S, U> {
    /// The error function; accuracy in [`crate::math`].
    #[inline(always)]
    pub fn erf(self) -> Self {
        let s = self.isa();
        // Beyond 4 the result is 1; NaN passes.
        let size = self.abs().clamp(s.splat(0.0), s.splat(4.0));
        let square = size * size;
        let near = polynomial!(
            s, square; 0.128_379_17, -0.376_125_34, 0.112_819_925, -0.026_768_135, 0.004_991_194_2,
            -0.000_596_761_7
        );
        let near = near.mul_add(size, size);

        let far = polynomial!(
            s, size; -0.128_717_51, -0.634_846_7, -0.106_777_88, 0.024_254_622, -0.003_883_964_4,
            0.000_383_197_13, -1.728_534_7e-5
        );
        let far = s.splat(1.0) - far.mul_add(size, -size).exp();
        size.gt(s.splat(MEETING)).select(far, near).copysign(self)
    }
}
