//! Power.
//!
//! `|x|^y = 2^(y log2 |x|)`: the logarithm and the product need more than f32's precision, so they are
//! computed in f64 lanes; the fraction of the product is small enough for f32 again.

use crate::isa::Isa;
use crate::lanes::{F32, Lanes};
use crate::math::polynomial;

/// `2 / (k ln 2)` for odd k: `log2(m) = sum C[j] s^(2j+1)` with `s = (m - 1) / (m + 1)`.
const SERIES: [f64; 9] = {
    let mut series = [0.0; 9];
    let mut j = 0;
    while j < 9 {
        series[j] = 2.0 * std::f64::consts::LOG2_E / (2 * j + 1) as f64;
        j += 1;
    }
    series
};

/// `y * (e + log2 m)` of one register, split into a whole number and a fraction in −0.5..=0.5.
#[inline(always)]
fn scaled_log2<S: Isa>(s: S, e: S::F, m: S::F, y: S::F) -> (S::F, S::F) {
    let m = s.widen(m);
    let one = s.splat_d(1.0);
    let ratio = s.div_d(s.sub_d(m, one), s.add_d(m, one));
    let square = s.mul_d(ratio, ratio);
    let mut sum = s.splat_d(SERIES[8]);
    macro_rules! terms {
        ($($j:literal)*) => { $(sum = s.add_d(s.mul_d(sum, square), s.splat_d(SERIES[$j]));)* };
    }
    terms!(7 6 5 4 3 2 1 0);
    let log2 = s.add_d(s.widen(e), s.mul_d(sum, ratio));
    let product = s.mul_d(log2, s.widen(y));
    // Clamped in f32, where NaN and overflow have been dealt with by the caller's special cases.
    let coarse = s.narrow(product);
    let inside = s.min_or_second(s.splat_f(200.0), s.max_or_second(s.splat_f(-200.0), coarse));
    let n = s.round(inside);
    let fraction = s.narrow(s.sub_d(product, s.widen(n)));
    let half = s.splat_f(0.501);
    let fraction = s.min_or_second(half, s.max_or_second(s.sub(s.splat_f(0.0), half), fraction));
    (n, fraction)
}

impl<S: Isa, const U: usize> F32<S, U> {
    /// `self` to the power `y`, with IEEE 754's special cases; accuracy in [`crate::math`].
    #[inline(always)]
    pub fn pow(self, y: Self) -> Self {
        let s = self.isa();
        let (zero, one, infinity) = (s.splat(0.0), s.splat(1.0), s.splat(f32::INFINITY));
        let size = self.abs();

        let (e, m) = size.exponent_and_mantissa();
        let (e, m, power) = (e.registers(), m.registers(), y.registers());
        let parts = array_of!(U, |u| scaled_log2(s, e[u], m[u], power[u]));
        let n = F32::new(s, array_of!(U, |u| parts[u].0));
        let f = F32::new(s, array_of!(U, |u| parts[u].1));
        let fraction = polynomial!(
            s, f; 1.0, std::f32::consts::LN_2, 0.240_226_5, 0.055_504_11, 0.009_618_129, 0.001_333_355_8,
            0.000_154_035_3, 1.525_273_4e-5
        );
        let result = fraction.scale(n);

        // Zero and infinity have no logarithm: the result is zero or infinity by the sign of y.
        let grows = size.gt(one).eq(y.gt(zero));
        let extreme = grows.select(infinity, zero);
        let endless = size.eq(zero) | size.eq(infinity) | y.abs().eq(infinity);
        let result = endless.select(extreme, result);
        let result = size.eq(one).select(one, result);

        // A negative base: whole powers only, odd ones keep the sign. Every |y| >= 2^24 is even.
        let whole = y.trunc().eq(y);
        let odd =
            whole & y.abs().lt(s.splat(16_777_216.0)) & (y.to_i32() & s.splat_i32(1)).eq(s.splat_i32(1));
        let sign = self.to_bits() & s.splat_i32(i32::MIN);
        let signed = (result.to_bits() ^ sign).to_f32_from_bits();
        let result = odd.select(signed, result);
        let real = whole | !self.lt(zero) | self.eq(s.splat(f32::NEG_INFINITY));
        let result = real.select(result, s.splat(f32::NAN));

        let number = self.eq(self) & y.eq(y);
        let result = number.select(result, s.splat(f32::NAN));
        (self.eq(one) | y.eq(zero)).select(one, result)
    }
}
