//! Folds, in any order that a compiler may choose.
//!
//! Every element comes with the truth of its guard. A guard that is unsure makes the element
//! optional: the accumulator then covers the fold with it and without it.

use super::real::{Precision, Real, gamma};
use super::round::lowest_bit;
use super::value::{Truth, Value, Whole, wrap};
use crate::term::FoldOp;

/// A running fold.
pub(super) enum Fold {
    Sum(Sum),
    Prod(Prod),
    Extreme(Extreme),
    Arg(Arg),
    Int(IntFold),
    /// `any` (`true`) or `all` (`false`).
    Logic {
        any: bool,
        now: Truth,
    },
}

impl Fold {
    /// An empty fold over floats (`float`), integers or truth values.
    pub(super) fn new(op: FoldOp, float: bool) -> Fold {
        match op {
            FoldOp::Any | FoldOp::All => {
                let any = op == FoldOp::Any;
                Fold::Logic { any, now: Truth { v: !any, sure: true } }
            }
            FoldOp::ArgMax | FoldOp::ArgMin => {
                Fold::Arg(Arg { negate: op == FoldOp::ArgMin, seen: Vec::new() })
            }
            FoldOp::Sum if float => Fold::Sum(Sum::default()),
            FoldOp::Prod if float => Fold::Prod(Prod::default()),
            FoldOp::Max | FoldOp::Min if float => Fold::Extreme(Extreme::new(op == FoldOp::Min)),
            FoldOp::Sum | FoldOp::Prod | FoldOp::Max | FoldOp::Min => Fold::Int(IntFold::new(op)),
        }
    }

    /// Takes the element at `index`.
    pub(super) fn push(&mut self, value: Value, guard: Truth, index: i64) {
        match self {
            Fold::Sum(f) => f.push(value.real(), guard),
            Fold::Prod(f) => f.push(value.real(), guard),
            Fold::Extreme(f) => f.push(value.real(), guard),
            Fold::Arg(f) => f.push(value, guard, index),
            Fold::Int(f) => f.push(value.whole(), guard),
            Fold::Logic { any, now } => {
                let t = value.truth();
                let term = if *any { and(guard, t) } else { or(not(guard), t) };
                *now = if *any { or(*now, term) } else { and(*now, term) };
            }
        }
    }

    /// Whether nothing that follows can change the result.
    pub(super) fn is_decided(&self) -> bool {
        matches!(self, Fold::Logic { any, now } if now.sure && now.v == *any)
    }

    /// The result.
    pub(super) fn finish(self, p: &Precision) -> Value {
        match self {
            Fold::Sum(f) => Value::Real(f.finish(p)),
            Fold::Prod(f) => Value::Real(f.finish(p)),
            Fold::Extreme(f) => Value::Real(f.finish()),
            Fold::Arg(f) => Value::Whole(f.finish()),
            Fold::Int(f) => Value::Whole(f.now),
            Fold::Logic { now, .. } => Value::Truth(now),
        }
    }
}

/// `a and b`; a sure `false` decides.
pub(super) fn and(a: Truth, b: Truth) -> Truth {
    let decided = a.sure && !a.v || b.sure && !b.v;
    Truth { v: a.v && b.v, sure: decided || a.sure && b.sure }
}

/// `a or b`; a sure `true` decides.
pub(super) fn or(a: Truth, b: Truth) -> Truth {
    not(and(not(a), not(b)))
}

/// `not a`.
pub(super) fn not(a: Truth) -> Truth {
    Truth { v: !a.v, ..a }
}

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
pub(super) struct Sum {
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
    fn push(&mut self, x: Real, guard: Truth) {
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

    fn finish(self, p: &Precision) -> Real {
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
        if self.value == 0.0 && self.error == 0.0 && self.negative_zero {
            return Real::unsigned_zero(); // -0 or, started from 0, +0
        }
        // Multiples of one power of two whose magnitudes fit the mantissa add up exactly.
        let fits = |l: i32| self.magnitude <= 2f64.powi((p.bits() + l).min(1000));
        let g = if self.error == 0.0 && self.lowest.is_none_or(fits) {
            0.0
        } else {
            gamma(self.terms.saturating_sub(1), p)
        };
        let e = self.error + g * self.magnitude;
        if g == 0.0 && e == 0.0 {
            return Real::exact(self.value);
        }
        // One term, or exact ones, are not rounded; their errors still are sums of roundings.
        if e.is_finite() { Real::rounded(self.value, e, 0.0, p) } else { Real::unknown(self.value) }
    }
}

/// `Π`, with every partial product that some order could form kept in range.
pub(super) struct Prod {
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
    fn push(&mut self, x: Real, guard: Truth) {
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

    fn finish(self, p: &Precision) -> Real {
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

/// `max`, or `min` by negation; NaN is ignored.
pub(super) struct Extreme {
    negate: bool,
    value: f64,
    lo: f64,
    hi: f64,
    unknown: bool,
    /// Zeros of both signs could win.
    zeros: [bool; 2],
}

impl Extreme {
    fn new(negate: bool) -> Self {
        let empty = f64::NEG_INFINITY;
        Extreme { negate, value: empty, lo: empty, hi: empty, unknown: false, zeros: [false; 2] }
    }

    fn push(&mut self, x: Real, guard: Truth) {
        if !x.is_known() {
            self.unknown = true;
            return;
        }
        if x.v.is_nan() {
            return;
        }
        let x = if self.negate { x.negated() } else { x };
        if x.v == 0.0 {
            self.zeros[usize::from(x.v.is_sign_negative())] = true;
            self.zeros[0] |= x.unsure_sign();
            self.zeros[1] |= x.unsure_sign();
        }
        if guard.v {
            self.value = self.value.max(x.v);
        }
        if guard.sure {
            self.lo = self.lo.max(x.lo());
        }
        self.hi = self.hi.max(x.hi());
    }

    fn finish(self) -> Real {
        if self.unknown {
            return Real::unknown(if self.negate { -self.value } else { self.value });
        }
        let r = Real::hull(self.value, self.lo, self.hi);
        let r = if r == Real::exact(0.0) && self.zeros == [true; 2] { Real::unsigned_zero() } else { r };
        if self.negate { r.negated() } else { r }
    }
}

/// `argmax`, or `argmin` by negation: needs every rival, so keeps all.
pub(super) struct Arg {
    negate: bool,
    seen: Vec<Candidate>,
}

struct Candidate {
    index: i64,
    value: f64,
    lo: f64,
    hi: f64,
    /// Its guard is sure, so it does take part.
    present: bool,
    /// Takes part in the `f64` evaluation.
    counted: bool,
}

impl Arg {
    fn push(&mut self, value: Value, guard: Truth, index: i64) {
        let x = match value {
            Value::Real(r) => r,
            Value::Whole(w) if w.sure => Real::exact(w.v as f64),
            Value::Whole(w) => Real::unknown(w.v as f64),
            Value::Truth(t) => Real::exact(f64::from(u8::from(t.v))),
        };
        if x.is_nan() {
            return;
        }
        let x = if self.negate { x.negated() } else { x };
        let (lo, hi) = if x.is_known() { (x.lo(), x.hi()) } else { (f64::NEG_INFINITY, f64::INFINITY) };
        let present = guard.sure && x.is_known();
        self.seen.push(Candidate { index, value: x.v, lo, hi, present, counted: guard.v && !x.v.is_nan() });
    }

    fn finish(self) -> Whole {
        let mut best: Option<&Candidate> = None;
        for c in self.seen.iter().filter(|c| c.counted) {
            if best.is_none_or(|b| c.value > b.value) {
                best = Some(c);
            }
        }
        let Some(best) = best else {
            return Whole { v: 0, sure: self.seen.is_empty() };
        };
        // Candidates come in index order and the first of equals wins: an earlier rival must be
        // surely smaller, a later one at most equal.
        let beaten = |c: &Candidate| {
            c.index == best.index || if c.index < best.index { c.hi < best.lo } else { c.hi <= best.lo }
        };
        Whole { v: best.index, sure: best.present && self.seen.iter().all(beaten) }
    }
}

/// Integer folds: exact, wrapping.
pub(super) struct IntFold {
    op: FoldOp,
    now: Whole,
}

impl IntFold {
    fn new(op: FoldOp) -> Self {
        let v = match op {
            FoldOp::Prod => 1,
            FoldOp::Max => i64::from(i32::MIN),
            FoldOp::Min => i64::from(i32::MAX),
            _ => 0,
        };
        IntFold { op, now: Whole { v, sure: true } }
    }

    fn push(&mut self, x: Whole, guard: Truth) {
        let with = match self.op {
            FoldOp::Prod => wrap(self.now.v * x.v),
            FoldOp::Max => self.now.v.max(x.v),
            FoldOp::Min => self.now.v.min(x.v),
            _ => wrap(self.now.v + x.v),
        };
        let sure = self.now.sure && x.sure && (guard.sure || with == self.now.v);
        self.now = Whole { v: if guard.v { with } else { self.now.v }, sure };
    }
}

#[cfg(test)]
mod tests {
    use super::super::real::F32;
    use super::*;

    const SURE: Truth = Truth { v: true, sure: true };
    const PERHAPS: Truth = Truth { v: true, sure: false };

    fn fold(op: FoldOp, terms: &[(Real, Truth)]) -> Value {
        let mut f = Fold::new(op, true);
        for (i, (x, g)) in terms.iter().enumerate() {
            f.push(Value::Real(*x), *g, i as i64);
        }
        f.finish(&F32)
    }

    fn exact(op: FoldOp, terms: &[f64]) -> Value {
        let terms: Vec<_> = terms.iter().map(|v| (Real::exact(*v), SURE)).collect();
        fold(op, &terms)
    }

    #[test]
    fn empty_folds() {
        assert_eq!(exact(FoldOp::Sum, &[]), Value::Real(Real::exact(0.0)));
        assert_eq!(exact(FoldOp::Prod, &[]), Value::Real(Real::exact(1.0)));
        assert_eq!(exact(FoldOp::Max, &[]), Value::Real(Real::exact(f64::NEG_INFINITY)));
        assert_eq!(exact(FoldOp::Min, &[]), Value::Real(Real::exact(f64::INFINITY)));
        assert_eq!(exact(FoldOp::ArgMax, &[]), Value::Whole(Whole { v: 0, sure: true }));
    }

    #[test]
    fn small_integers_add_exactly_and_fractions_do_not() {
        assert_eq!(exact(FoldOp::Sum, &[1.0, -5.0, 1024.0]).real(), Real::exact(1020.0));
        assert!(exact(FoldOp::Sum, &[f64::from(0.1f32), 1.0]).real().e > 0.0);
        assert!(exact(FoldOp::Sum, &[16_777_216.0, 1.0]).real().e > 0.0);
    }

    #[test]
    fn an_unsure_guard_covers_both_sides() {
        let r = fold(FoldOp::Sum, &[(Real::exact(1.0), SURE), (Real::exact(4.0), PERHAPS)]).real();
        assert!(r.v == 5.0 && r.lo() <= 1.0);
        let r = fold(FoldOp::Max, &[(Real::exact(1.0), SURE), (Real::exact(4.0), PERHAPS)]).real();
        assert!(r.v == 4.0 && r.lo() <= 1.0);
        let w = fold(FoldOp::ArgMax, &[(Real::exact(1.0), SURE), (Real::exact(4.0), PERHAPS)]).whole();
        assert!(!w.sure);
        let w = fold(FoldOp::ArgMax, &[(Real::exact(4.0), SURE), (Real::exact(1.0), PERHAPS)]).whole();
        assert_eq!(w, Whole { v: 0, sure: true });
    }

    #[test]
    fn argmax_takes_the_first_of_exact_ties_and_never_nan() {
        let nan = f64::NAN;
        assert_eq!(exact(FoldOp::ArgMax, &[nan, 2.0, 2.0]).whole(), Whole { v: 1, sure: true });
        assert_eq!(exact(FoldOp::ArgMin, &[3.0, 2.0, nan, 2.0]).whole(), Whole { v: 1, sure: true });
        let near = [(Real { v: 1.0, e: 1e-6 }, SURE), (Real { v: 1.0, e: 1e-6 }, SURE)];
        assert!(!fold(FoldOp::ArgMax, &near).whole().sure);
    }

    #[test]
    fn infinities_and_nan_in_sums() {
        let inf = f64::INFINITY;
        assert_eq!(exact(FoldOp::Sum, &[1.0, inf]).real().v, inf);
        assert!(exact(FoldOp::Sum, &[inf, -inf]).real().is_nan());
        assert!(!exact(FoldOp::Sum, &[3e38, 3e38, -3e38]).real().is_known(), "some order overflows");
        assert!(exact(FoldOp::Max, &[f64::NAN, 1.0]).real() == Real::exact(1.0));
    }

    #[test]
    fn products_fear_partial_underflow() {
        let r = exact(FoldOp::Prod, &[1e-30, 1e-30, 1e30, 1e30]).real();
        assert!(!r.is_known() || r.e > 0.5, "1e-60 is zero in f32: {r:?}");
        let r = exact(FoldOp::Prod, &[2.0, 3.0, 0.5]).real();
        assert!(r.is_known() && r.e < 1e-6);
    }
}
