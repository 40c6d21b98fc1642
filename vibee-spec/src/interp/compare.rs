//! Judging a computed value against the oracle's.

use super::value::Value;
use crate::term::DType;

/// The oracle's word on one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Approx {
    /// Value in `f64`; integers and truth values (0 and 1) as floats.
    pub value: f64,
    /// Largest distance that a correct evaluation can have.
    pub bound: f64,
    /// Anything is promised at all; if not, comparisons skip the element.
    pub sure: bool,
}

impl From<Value> for Approx {
    fn from(value: Value) -> Approx {
        match value {
            Value::Real(r) => Approx { value: r.v, bound: r.slack(), sure: r.is_known() },
            Value::Whole(w) => Approx { value: w.v as f64, bound: 0.0, sure: w.sure },
            Value::Truth(t) => Approx { value: f64::from(u8::from(t.v)), bound: 0.0, sure: t.sure },
        }
    }
}

/// The outcome of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Within the bound; `ratio` is distance over bound, 0 for equal values.
    Ok {
        /// 0 to 1.
        ratio: f64,
    },
    /// The numerics contract does not determine the value.
    Skipped,
    /// Wrong.
    Mismatch {
        /// The computed value.
        actual: f64,
        /// The oracle's.
        expected: f64,
        /// How far apart they may be.
        bound: f64,
    },
}

/// Compares an element, read back as `f64` from an output of type `dtype`.
#[must_use]
pub fn compare(actual: f64, approx: &Approx, dtype: &DType) -> Verdict {
    let Approx { value: expected, bound, sure } = *approx;
    if !sure {
        return Verdict::Skipped;
    }
    let same = actual == expected || actual.is_nan() && expected.is_nan();
    if same {
        return Verdict::Ok { ratio: 0.0 };
    }
    let distance = (actual - expected).abs();
    if dtype.is_float() && distance <= bound {
        return Verdict::Ok { ratio: distance / bound };
    }
    Verdict::Mismatch { actual, expected, bound }
}

/// `a ~ b within tol` of test cases and laws: `|a - b| <= tol·max(1, |b|)`, NaN equals NaN, an
/// infinity only itself.
#[must_use]
pub fn near(a: f64, b: f64, tol: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || b.is_finite() && (a - b).abs() <= tol * b.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_must_agree() {
        let inf = f64::INFINITY;
        let approx = |value, bound| Approx { value, bound, sure: true };
        let is = |a, x| compare(a, &x, &DType::F32);
        assert_eq!(is(f64::NAN, approx(f64::NAN, 0.0)), Verdict::Ok { ratio: 0.0 });
        assert!(matches!(is(f64::NAN, approx(1.0, 1e30)), Verdict::Mismatch { .. }));
        assert!(matches!(is(-inf, approx(inf, 0.0)), Verdict::Mismatch { .. }));
        assert!(matches!(is(inf, approx(1.0, 1e30)), Verdict::Mismatch { .. }));
        assert_eq!(is(1.5, approx(1.0, 1.0)), Verdict::Ok { ratio: 0.5 });
        assert_eq!(is(9.0, Approx { value: 1.0, bound: inf, sure: false }), Verdict::Skipped);
    }

    #[test]
    fn near_is_relative_above_one() {
        assert!(near(100.0, 101.0, 0.01) && !near(0.10, 0.12, 0.01));
        assert!(near(f64::NAN, f64::NAN, 0.0) && !near(f64::NAN, 1.0, 1e9));
        assert!(near(f64::INFINITY, f64::INFINITY, 0.0) && !near(1.0, f64::INFINITY, 1e9));
    }
}
