//! Sums and products of floats: bounds that hold for every order of the terms.

use super::super::real::{Precision, Real, gamma};
use super::super::round::lowest_bit;
use super::super::value::Truth;

/// What appeared among the terms of a sum or product that no finite bound describes.
#[derive(Default)]
struct Specials {
    nan: bool,
    unknown: bool,
    positive: bool,
    negative: bool,
}

impl Specials {
    /// Notes a term; `true` if it was special.
    fn note(&mut self, x: Real, guard: Truth) -> bool {
        if x.is_finite() {
            return false;
        }
        if !x.is_known() || !guard.sure {
            self.unknown = true;
        } else if x.v.is_nan() {
            self.nan = true;
        } else if x.v > 0.0 {
            self.positive = true;
        } else {
            self.negative = true;
        }
        true
    }
}

/// `Σ`: at most `n - 1` roundings meet any term, whatever the order.
#[derive(Default)]
pub(in crate::interp) struct Sum {
    value: f64,
    /// `Σ (|v| + e)`.
    magnitude: f64,
    /// `Σ e`.
    error: f64,
    /// Terms that are not exactly zero: adding zeros does not round.
    terms: usize,
    /// Least exponent of any term's lowest set bit, if terms are exact.
    lowest: Option<i32>,
    negative_zero: bool,
    specials: Specials,
}

impl Sum {
    pub(super) fn push(&mut self, x: Real, guard: Truth) {
        if self.specials.note(x, guard) {
            return;
        }
        let e = match (guard.sure, guard.v) {
            (true, _) => x.slack(),
            // Present in `value`, perhaps absent in fact; or the other way round.
            (false, true) => x.magnitude().max(x.slack()),
            (false, false) => x.magnitude(),
        };
        if guard.v {
            self.value += x.v;
        }
        if x.v == 0.0 && x.slack() == 0.0 {
            self.negative_zero |= x.v.is_sign_negative() || x.unsure_sign();
            return;
        }
        self.terms += 1;
        self.magnitude += x.magnitude();
        self.error += e;
        if e == 0.0 {
            let bit = lowest_bit(x.v);
            self.lowest = Some(self.lowest.map_or(bit, |l| l.min(bit)));
        }
    }

    pub(super) fn finish(self, p: &Precision) -> Real {
        let s = self.specials;
        if s.nan || s.positive && s.negative {
            return Real::exact(f64::NAN);
        }
        if s.unknown || self.magnitude * 1.001 > p.max {
            return Real::unknown(self.value);
        }
        if s.positive || s.negative {
            return Real::exact(if s.positive { f64::INFINITY } else { f64::NEG_INFINITY });
        }
        // Multiples of one power of two whose magnitudes fit the mantissa add up exactly.
        let fits = |l: i32| self.magnitude <= 2f64.powi((p.bits() + l).min(1000));
        let g = if self.error == 0.0 && self.lowest.is_none_or(fits) {
            0.0
        } else {
            gamma(self.terms.saturating_sub(1), p)
        };
        let e = self.error + g * self.magnitude;
        if g == 0.0 && self.value == 0.0 && self.error == 0.0 && self.negative_zero {
            return Real::unsigned_zero(); // -0 or, started from 0, +0
        }
        if g == 0.0 && e == 0.0 {
            return Real::exact(self.value);
        }
        // One term, or exact ones, are not rounded; their errors still are sums of roundings.
        if e.is_finite() { Real::rounded(self.value, e, 0.0, p) } else { Real::unknown(self.value) }
    }
}

/// `Π`, with every partial product that some order could form kept in range.
pub(in crate::interp) struct Prod {
    value: f64,
    /// `Π (|v| + e)`.
    magnitude: f64,
    /// Bound on the distance between exact products of computed and of true factors.
    error: f64,
    /// Largest and least partial product over all subsets of factors.
    largest: f64,
    least: f64,
    factors: usize,
    specials: Specials,
    zero: bool,
}

impl Default for Prod {
    fn default() -> Self {
        Prod {
            value: 1.0,
            magnitude: 1.0,
            error: 0.0,
            largest: 1.0,
            least: 1.0,
            factors: 0,
            specials: Specials::default(),
            zero: false,
        }
    }
}

impl Prod {
    pub(super) fn push(&mut self, x: Real, guard: Truth) {
        let one = Real::exact(1.0);
        let x = match (guard.sure, guard.v) {
            (true, _) => x,
            (false, true) => x.either(one),
            (false, false) => one.either(x),
        };
        if self.specials.note(x, Truth { v: true, sure: true }) {
            return;
        }
        if x == one {
            return;
        }
        self.zero |= x.v == 0.0;
        self.error = self.error * x.magnitude() + self.value.abs() * x.slack();
        self.value *= x.v;
        self.magnitude *= x.magnitude();
        self.largest *= x.magnitude().max(1.0);
        self.least *= (x.v.abs() - x.slack()).clamp(0.0, 1.0);
        self.factors += 1;
    }

    pub(super) fn finish(self, p: &Precision) -> Real {
        let s = &self.specials;
        if s.nan {
            return Real::exact(f64::NAN);
        }
        // An infinity times something that may vanish, or may overflow first: leave it open.
        if s.unknown || s.positive || s.negative {
            return Real::unknown(self.value);
        }
        if self.largest.is_nan() || self.largest * 1.001 > p.max {
            return Real::unknown(self.value);
        }
        if self.factors == 0 {
            return Real::exact(1.0);
        }
        if self.zero && self.magnitude == 0.0 {
            return Real::unsigned_zero();
        }
        let g = gamma(self.factors - 1, p);
        let small = self.least < p.least_normal && self.factors > 1;
        let lost = if small { self.factors as f64 * p.tiny * self.largest } else { 0.0 };
        Real::rounded(self.value, self.error + g * self.magnitude + lost, 0.0, p)
    }
}
