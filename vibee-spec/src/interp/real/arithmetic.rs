//! Operations on [`Real`]: what each does to the errors of its operands, and what it adds.

use super::{Precision, Real, SLACK};

/// 2^100.
const LARGEST_ROUNDED: f64 = 1_267_650_600_228_229_401_496_703_205_376.0;

impl Real {
    /// A rounded operation: its value in `f64`, what the operands' errors do to it, and the
    /// relative error of the operation.
    pub(in crate::interp) fn rounded(v: f64, propagated: f64, relative: f64, p: &Precision) -> Real {
        let m = v.abs() + propagated;
        if m.is_nan() || m > p.max {
            return Real::unknown(v);
        }
        let tiny = if m < 2.0 * p.least_normal { p.tiny } else { 0.0 };
        Real { v, e: (propagated + relative * m) * SLACK + tiny }
    }

    /// The operands decide alone, because one is NaN, infinite or unknown.
    fn special(a: Real, b: Real, v: f64, sign_matters: bool) -> Option<Real> {
        if a.is_finite() && b.is_finite() {
            return None;
        }
        Some(if a.is_nan() || b.is_nan() {
            Real::exact(f64::NAN)
        } else if !a.is_known() || !b.is_known() || sign_matters && (a.straddles_zero() || b.straddles_zero())
        {
            Real::unknown(v)
        } else {
            Real::exact(v)
        })
    }

    /// `-a`, exact.
    #[must_use]
    pub fn negated(self) -> Real {
        Real { v: -self.v, e: self.e }
    }

    /// `|a|`, exact.
    #[must_use]
    pub fn abs(self) -> Real {
        let e = if self.unsure_sign() { 0.0 } else { self.e };
        Real { v: self.v.abs(), e }
    }

    /// `a`, or anything within `e` of it. Nothing is promised of what is larger than [`LARGEST_ROUNDED`]: products of
    /// it with parts of a weight may overflow where those with the weight do not.
    #[must_use]
    pub fn near(self, e: Real, _: &Precision) -> Real {
        let by = e.v.abs() + e.e;
        if by == 0.0 || self.is_nan() {
            self
        } else if self.v.abs() + self.e + by <= LARGEST_ROUNDED {
            Real { v: self.v, e: (self.e + by) * SLACK }
        } else {
            Real::unknown(self.v)
        }
    }

    /// `a + b`.
    #[must_use]
    pub fn add(self, b: Real, p: &Precision) -> Real {
        let v = self.v + b.v;
        if let Some(r) = Real::special(self, b, v, false) {
            return r;
        }
        let (ea, eb) = (self.slack(), b.slack());
        if ea == 0.0 && eb == 0.0 && p.represents(v) && sum_is_exact(self.v, b.v, v) {
            return Real::exact(v).with_sign_of_zero(self.unsure_sign() || b.unsure_sign());
        }
        let relative = if self.is_zero() || b.is_zero() { 0.0 } else { p.u };
        Real::rounded(v, ea + eb, relative, p)
    }

    /// `a - b`.
    #[must_use]
    pub fn sub(self, b: Real, p: &Precision) -> Real {
        self.add(b.negated(), p)
    }

    /// `a * b`.
    #[must_use]
    pub fn mul(self, b: Real, p: &Precision) -> Real {
        let v = self.v * b.v;
        if let Some(r) = Real::special(self, b, v, true) {
            return r;
        }
        let (ea, eb) = (self.slack(), b.slack());
        // An exact product is the same inside a fused multiply-add.
        let exact = ea == 0.0 && eb == 0.0 && v != 0.0 && p.represents(v) && self.v.mul_add(b.v, -v) == 0.0;
        if self.is_zero() || b.is_zero() || exact && v.abs() >= p.least_normal && v.abs() <= p.max {
            let sign = self.e != 0.0 || b.e != 0.0;
            return Real::exact(v).with_sign_of_zero(sign);
        }
        let relative = if self.is_power_of_two() || b.is_power_of_two() { 0.0 } else { p.u };
        Real::rounded(v, self.v.abs() * eb + b.v.abs() * ea + ea * eb, relative, p)
    }

    /// `a / b`, a true division.
    #[must_use]
    pub fn div(self, b: Real, p: &Precision) -> Real {
        let v = self.v / b.v;
        if let Some(r) = Real::special(self, b, v, true) {
            return r;
        }
        if b.v == 0.0 && b.e == 0.0 {
            // A pole of known sign: an infinity or NaN, unless the numerator is not surely zero or not.
            return if self.straddles_zero() && self.slack() > 0.0 {
                Real::unknown(v)
            } else {
                Real::exact(v)
            };
        }
        if b.straddles_zero() {
            return Real::unknown(v);
        }
        let (ea, eb) = (self.slack(), b.slack());
        if self.is_zero() {
            return Real::exact(v).with_sign_of_zero(self.unsure_sign());
        }
        if ea == 0.0
            && eb == 0.0
            && p.represents(v)
            && v.abs() >= p.least_normal
            && v.abs() <= p.max
            && v.mul_add(b.v, -self.v) == 0.0
        {
            return Real::exact(v);
        }
        let relative = if b.is_power_of_two() { 0.0 } else { p.u };
        Real::rounded(v, (ea + v.abs() * eb) / (b.v.abs() - eb), relative, p)
    }

    /// The larger; NaN operands are ignored.
    #[must_use]
    pub fn max(self, b: Real, _: &Precision) -> Real {
        self.extreme(b, f64::max)
    }

    /// The smaller; NaN operands are ignored.
    #[must_use]
    pub fn min(self, b: Real, _: &Precision) -> Real {
        self.extreme(b, f64::min)
    }

    fn extreme(self, b: Real, pick: fn(f64, f64) -> f64) -> Real {
        if !self.is_known() || !b.is_known() {
            return Real::unknown(pick(self.v, b.v));
        }
        if self.v.is_nan() {
            return b;
        }
        if b.v.is_nan() {
            return self;
        }
        let r = Real::hull(pick(self.v, b.v), pick(self.lo(), b.lo()), pick(self.hi(), b.hi()));
        let zeros = self.v == 0.0 && b.v == 0.0;
        let signs = zeros && self.v.is_sign_negative() != b.v.is_sign_negative();
        r.with_sign_of_zero(signs || self.unsure_sign() || b.unsure_sign())
    }
}

/// Whether `s = a + b` without rounding (Knuth's two-sum has no error term).
fn sum_is_exact(a: f64, b: f64, s: f64) -> bool {
    let bb = s - a;
    (a - (s - bb)) + (b - bb) == 0.0
}
