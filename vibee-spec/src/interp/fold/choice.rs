//! Folds that pick a term: largest, smallest, and where.

use super::super::real::Real;
use super::super::value::{Truth, Value, Whole};

/// `max`, or `min` by negation; NaN is ignored.
pub(in crate::interp) struct Extreme {
    negate: bool,
    value: f64,
    lo: f64,
    hi: f64,
    unknown: bool,
    /// Zeros of both signs could win.
    zeros: [bool; 2],
}

impl Extreme {
    pub(super) fn new(negate: bool) -> Self {
        let empty = f64::NEG_INFINITY;
        Extreme { negate, value: empty, lo: empty, hi: empty, unknown: false, zeros: [false; 2] }
    }

    pub(super) fn push(&mut self, x: Real, guard: Truth) {
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

    pub(super) fn finish(self) -> Real {
        if self.unknown {
            return Real::unknown(if self.negate { -self.value } else { self.value });
        }
        let r = Real::hull(self.value, self.lo, self.hi);
        let r = if r == Real::exact(0.0) && self.zeros == [true; 2] { Real::unsigned_zero() } else { r };
        if self.negate { r.negated() } else { r }
    }
}

/// `argmax`, or `argmin` by negation: needs every rival, so keeps all.
pub(in crate::interp) struct Arg {
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
    pub(super) fn new(negate: bool) -> Self {
        Arg { negate, seen: Vec::new() }
    }

    pub(super) fn push(&mut self, value: Value, guard: Truth, index: i64) {
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

    pub(super) fn finish(self) -> Whole {
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
