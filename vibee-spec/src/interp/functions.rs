//! What elementwise functions do to a value and its bound.
//!
//! Functions are bounded by evaluating them at both ends of what their argument can be, which
//! is rigorous wherever they are monotone; no derivative is trusted across a pole.

use super::ops::WAVE_LIMIT;
use super::real::{Precision, Real};

/// Shape of a function of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Non-decreasing or non-increasing on each side of nothing: the hull is at the ends.
    Monotone,
    /// `|f'| <= 1`, values within ±1.
    Wave,
}

/// A function of one argument and the accuracy that the runtime promises for it.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Value in `f64`.
    pub f: fn(f64) -> f64,
    /// How it moves.
    pub shape: Shape,
    /// Error of the `f32` implementation, in units in the last place of the result.
    pub ulps: f64,
    /// Results below this may be flushed to zero.
    pub flush: f64,
}

impl Function {
    /// Applies it.
    #[must_use]
    pub fn apply(&self, x: Real, p: &Precision) -> Real {
        let y = (self.f)(x.v);
        if !x.is_known() {
            return Real::unknown(y);
        }
        match self.shape {
            Shape::Monotone => {
                if self.ulps == 0.5 && x.slack() == 0.0 && y.mul_add(y, -x.v) == 0.0 && p.represents(y) {
                    return Real::exact(y); // a square root that comes out even
                }
                let mirrored = if x.unsure_sign() { -x.v } else { x.v };
                let ends = [(self.f)(x.lo()), (self.f)(x.hi()), (self.f)(mirrored)];
                finish(y, &ends, p.ulps(self.ulps), self.flush, p)
            }
            Shape::Wave if y.is_nan() => Real::exact(y),
            Shape::Wave if x.magnitude() > WAVE_LIMIT => Real::unknown(y),
            Shape::Wave => {
                let m = (y.abs() + x.slack()).min(1.0);
                if m == 0.0 {
                    return Real::exact(y);
                }
                let e = x.slack().min(2.0) + p.ulps(self.ulps) * m + self.flush;
                Real::hull(y, y - e, y + e)
            }
        }
    }
}

/// How far beyond the largest value a result must lie to be surely infinite, whatever the error.
const SURE_OVERFLOW: f64 = 1.001;

/// The result `y` of a correctly bounded function whose values at the extremes of the arguments
/// are `ends`.
fn finish(y: f64, ends: &[f64], relative: f64, flush: f64, p: &Precision) -> Real {
    if y.is_nan() || ends.iter().any(|v| v.is_nan()) {
        let all = y.is_nan() && ends.iter().all(|v| v.is_nan());
        return if all { Real::exact(y) } else { Real::unknown(y) };
    }
    let lo = ends.iter().copied().fold(y, f64::min);
    let hi = ends.iter().copied().fold(y, f64::max);
    if lo == hi && lo.is_infinite() {
        return Real::exact(y);
    }
    if lo > p.max * SURE_OVERFLOW {
        return Real::exact(f64::INFINITY);
    }
    if hi < -p.max * SURE_OVERFLOW {
        return Real::exact(f64::NEG_INFINITY);
    }
    let m = lo.abs().max(hi.abs());
    if m > p.max {
        return Real::unknown(y);
    }
    let tiny = if m < 2.0 * p.least_normal && m > 0.0 { p.tiny } else { 0.0 };
    let e = if m > 0.0 && relative > 0.0 { relative * m + flush + tiny } else { 0.0 };
    Real::hull(y, lo - e, hi + e)
}

/// `a^b` with the given accuracy.
#[must_use]
pub fn pow(a: Real, b: Real, p: &Precision, ulps: f64) -> Real {
    let v = a.v.powf(b.v);
    if !a.is_known() || !b.is_known() {
        return Real::unknown(v);
    }
    let sure = a.slack() == 0.0 && b.slack() == 0.0;
    if sure && (a.v == 0.0 || !a.v.is_finite() || !b.v.is_finite() || v.is_nan()) {
        if v == 1.0 {
            return finish(v, &[], p.ulps(ulps), 0.0, p); // x^0 and 1^y are promised no better than others
        }
        // An odd negative power of a zero whose sign is open has an open sign too.
        return if a.unsure_sign() && v.is_infinite() { Real::unknown(v) } else { Real::exact(v) };
    }
    if !a.v.is_finite() || !b.v.is_finite() {
        return Real::unknown(v);
    }
    let whole = b.slack() == 0.0 && b.v.fract() == 0.0;
    let ends =
        |xs: &[f64]| -> Vec<f64> { xs.iter().flat_map(|x| [x.powf(b.lo()), x.powf(b.hi())]).collect() };
    let (lo, hi) = (a.lo(), a.hi());
    if lo > 0.0 || whole && hi < 0.0 {
        // Monotone in each argument alone, so extremes are at the corners.
        return finish(v, &ends(&[lo, hi]), p.ulps(ulps), p.least_normal, p);
    }
    if hi < 0.0 && b.slack() == 0.0 {
        return Real::exact(f64::NAN); // not a whole power
    }
    if whole && b.v > 0.0 {
        return finish(v, &ends(&[lo, hi, 0.0]), p.ulps(ulps), p.least_normal, p);
    }
    Real::unknown(v)
}

/// `1 / (1 + exp(-x))` without overflow.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let t = x.exp();
        t / (1.0 + t)
    }
}

/// `1 / sqrt(x)`.
#[must_use]
pub fn rsqrt(x: f64) -> f64 {
    1.0 / x.sqrt()
}

/// -1, 0 or 1; NaN stays.
#[must_use]
pub fn sign(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() { x } else { x.signum() }
}

/// The error function, to a few units of `f64`.
///
/// `erf(x) = 2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!`: all terms are positive, nothing cancels.
#[must_use]
pub fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() >= 6.0 {
        return 1f64.copysign(x); // erfc(6) = 2e-17
    }
    let square = x * x;
    let lost = x.mul_add(x, -square);
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-17 {
        term *= 2.0 * square / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    (std::f64::consts::FRAC_2_SQRT_PI * (-square).exp() * (1.0 - lost) * sum).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::real::F32;
    use super::*;

    #[test]
    fn erf_matches_known_values() {
        // Abramowitz & Stegun, table 7.1, and Mathematica digits.
        for (x, want) in [
            (0.0, 0.0),
            (1e-10, 1.128_379_167_095_512_6e-10),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
            (-1.5, -0.966_105_146_475_310_7),
        ] {
            let got = erf(x);
            assert!((got - want).abs() <= 4e-16 * want.abs(), "erf({x}) = {got}, not {want}");
        }
        assert_eq!(erf(f64::INFINITY), 1.0);
    }

    #[test]
    fn poles_and_domains() {
        let log = Function { f: f64::ln, shape: Shape::Monotone, ulps: 2.0, flush: 0.0 };
        assert_eq!(log.apply(Real::exact(0.0), &F32), Real::exact(f64::NEG_INFINITY));
        assert!(log.apply(Real::exact(-1.0), &F32).is_nan());
        assert!(!log.apply(Real { v: 1e-3, e: 1e-2 }, &F32).is_known());
        let exp = Function { f: f64::exp, shape: Shape::Monotone, ulps: 2.0, flush: 0.0 };
        assert_eq!(exp.apply(Real::exact(100.0), &F32), Real::exact(f64::INFINITY));
        assert!(!exp.apply(Real { v: 88.7, e: 0.1 }, &F32).is_known());
        assert_eq!(exp.apply(Real::exact(f64::NEG_INFINITY), &F32), Real::exact(0.0));
    }

    #[test]
    fn powers_of_negative_bases() {
        let of = |a, b| pow(a, b, &F32, 16.0);
        let cube = of(Real { v: -2.0, e: 0.01 }, Real::exact(3.0));
        assert!((cube.v + 8.0).abs() < 1e-12 && cube.e > 0.11 && cube.e < 0.13);
        assert!(of(Real::exact(-2.0), Real::exact(0.5)).is_nan());
        assert!(!of(Real::exact(-2.0), Real { v: 2.0, e: 0.1 }).is_known());
        let square = of(Real { v: 0.1, e: 0.2 }, Real::exact(2.0));
        assert!(square.is_known() && square.hi() >= 0.09 && square.lo() <= 0.0);
        assert_eq!(of(Real::exact(0.0), Real::exact(-1.0)), Real::exact(f64::INFINITY));
    }
}
