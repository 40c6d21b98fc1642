//! Sine and cosine.
//!
//! `x = n pi/2 + r` is computed in f64 lanes with pi/2 in two parts, each product subtracted with a
//! single rounding; that is accurate for `|x| <= 2^40`. The quadrant `n mod 4` selects sine or cosine
//! of `r` and the sign. Beyond the limit `r` is clamped, so that results stay in −1..=1.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use crate::isa::Isa;
use crate::lanes::{F32, I32, Lanes};
use crate::math::polynomial;

/// pi/2 minus its nearest f64.
const FRAC_PI_2_LOW: f64 = 6.123_233_995_736_766e-17;

/// The quadrant (modulo 4) and the rest of one register.
#[inline(always)]
fn reduce_register<S: Isa>(s: S, x: S::F) -> (S::F, S::I) {
    let x = s.widen(x);
    let n = s.round_d(s.mul_d(x, s.splat_d(FRAC_2_PI)));
    let r = s.residual_d(n, s.splat_d(FRAC_PI_2), x);
    let r = s.residual_d(n, s.splat_d(FRAC_PI_2_LOW), r);
    let whole_turns = s.round_d(s.mul_d(n, s.splat_d(0.25)));
    let quadrant = s.sub_d(n, s.mul_d(whole_turns, s.splat_d(4.0)));
    (s.narrow(r), s.to_i32_in_range(s.narrow(quadrant)))
}

impl<S: Isa, const U: usize> F32<S, U> {
    /// `(r, n mod 4)`.
    #[inline(always)]
    fn reduce_quadrant(self) -> (Self, I32<S, U>) {
        let (s, x) = (self.isa(), self.registers());
        let both = array_of!(U, |u| reduce_register(s, x[u]));
        let r = F32::new(s, array_of!(U, |u| both[u].0));
        let limit = s.splat(std::f32::consts::FRAC_PI_4 * 1.001);
        (r.clamp(-limit, limit), I32::new(s, array_of!(U, |u| both[u].1)))
    }

    /// `sin(r + quadrant pi/2)` for `|r| <= pi/4`.
    #[inline(always)]
    fn sin_in_quadrant(r: Self, quadrant: I32<S, U>) -> Self {
        let s = r.isa();
        let square = r * r;
        let sin = polynomial!(s, square; -0.166_666_55, 0.008_332_161, -0.000_195_152_96);
        let sin = (sin * square).mul_add(r, r);
        let cos = polynomial!(s, square; 0.041_666_646, -0.001_388_731_6, 2.443_315_7e-5);
        let cos = (cos * square).mul_add(square, square.neg_mul_add(s.splat(0.5), s.splat(1.0)));
        let odd = (quadrant & s.splat_i32(1)).eq(s.splat_i32(1));
        let sign = (quadrant & s.splat_i32(2)).shl::<30>();
        (odd.select(cos, sin).to_bits() ^ sign).to_f32_from_bits()
    }

    /// The sine; accuracy and range in [`crate::math`].
    #[inline(always)]
    pub fn sin(self) -> Self {
        let (r, quadrant) = self.reduce_quadrant();
        let result = Self::sin_in_quadrant(r, quadrant);
        // Adding the product with zero parts above has lost the sign of −0.
        self.eq(self.isa().splat(0.0)).select(self, result)
    }

    /// The cosine; accuracy and range in [`crate::math`].
    #[inline(always)]
    pub fn cos(self) -> Self {
        let (r, quadrant) = self.reduce_quadrant();
        Self::sin_in_quadrant(r, quadrant + self.isa().splat_i32(1))
    }
}
