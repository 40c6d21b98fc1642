//! Folds, in any order that a compiler may choose.
//!
//! Every element comes with the truth of its guard. A guard that is unsure makes the element
//! optional: the accumulator then covers the fold with it and without it.

mod choice;
mod sums;

use super::real::Precision;
use super::value::{Truth, Value, Whole, wrap};
use crate::term::FoldOp;
use choice::{Arg, Extreme};
use sums::{Prod, Sum};

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
            FoldOp::ArgMax | FoldOp::ArgMin => Fold::Arg(Arg::new(op == FoldOp::ArgMin)),
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
    use super::super::real::{F32, Real};
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
