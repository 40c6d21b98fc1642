//! What an expression evaluates to, and the conversions between types.

use super::real::Real;
use super::round::{round_f32, round_float};
use crate::term::DType;

/// An integer: exact, or not determined by the numerics contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Value; an `i32`'s, or that of a narrower type.
    pub v: i64,
    /// Every evaluation computes it.
    pub sure: bool,
}

/// A truth value: exact, or not determined by the numerics contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Value.
    pub v: bool,
    /// Every evaluation computes it.
    pub sure: bool,
}

/// Any value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// `f32` or `f64`.
    Real(Real),
    /// `i32` or an index.
    Whole(Whole),
    /// `bool`.
    Truth(Truth),
}

impl Value {
    /// As the condition of something.
    ///
    /// # Panics
    /// If it is not a truth value: the checker types expressions.
    #[must_use]
    pub fn truth(self) -> Truth {
        let Value::Truth(t) = self else { unreachable!("{self:?} is not a truth value") };
        t
    }

    /// As an integer.
    ///
    /// # Panics
    /// If it is not one.
    #[must_use]
    pub fn whole(self) -> Whole {
        let Value::Whole(w) = self else { unreachable!("{self:?} is not an integer") };
        w
    }

    /// As a float.
    ///
    /// # Panics
    /// If it is not one.
    #[must_use]
    pub fn real(self) -> Real {
        let Value::Real(r) = self else { unreachable!("{self:?} is not a float") };
        r
    }

    /// The same value, but nothing is promised.
    #[must_use]
    pub fn doubted(self) -> Value {
        match self {
            Value::Real(r) => Value::Real(Real::unknown(r.v)),
            Value::Whole(w) => Value::Whole(Whole { sure: false, ..w }),
            Value::Truth(t) => Value::Truth(Truth { sure: false, ..t }),
        }
    }

    /// One of the two is computed; `self` is the choice in `f64`.
    #[must_use]
    pub fn either(self, other: Value) -> Value {
        match (self, other) {
            (Value::Real(a), Value::Real(b)) => Value::Real(a.either(b)),
            (Value::Whole(a), Value::Whole(b)) => {
                Value::Whole(Whole { sure: a.sure && b.sure && a.v == b.v, ..a })
            }
            (Value::Truth(a), Value::Truth(b)) => {
                Value::Truth(Truth { sure: a.sure && b.sure && a.v == b.v, ..a })
            }
            _ => unreachable!("branches have one type"),
        }
    }
}

/// Two's complement `i32`.
#[must_use]
pub fn wrap(v: i64) -> i64 {
    i64::from(v as i32)
}

/// Converts a value to another type than it has. `limit` is the evaluated bound of `idx` and `len`.
#[must_use]
pub fn convert(value: Value, to: &DType, limit: Option<i64>) -> Value {
    match (value, to) {
        (Value::Truth(_), _) => value,
        (Value::Real(r), to) if to.is_float() => Value::Real(rounded_to(r, to)),
        (Value::Whole(w), to) if to.is_float() => {
            let v = if *to == DType::F64 { w.v as f64 } else { round_f32(w.v as f64) };
            let r = if w.sure { Real::exact(v) } else { Real::unknown(v) };
            Value::Real(rounded_to(r, to))
        }
        (Value::Real(r), to) => {
            let (low, high) = range(to, limit);
            let whole = |v: f64| (i64::from(v as i32)).clamp(low, high);
            let v = whole(r.v);
            // Truncation is monotone, so equal ends decide everything between them.
            let sure = r.is_nan() || r.is_known() && whole(r.lo()) == v && whole(r.hi()) == v;
            Value::Whole(Whole { v, sure })
        }
        (Value::Whole(w), to) => {
            let (low, high) = range(to, limit);
            Value::Whole(Whole { v: w.v.clamp(low, high), ..w })
        }
    }
}

/// Least and largest value of an integer type.
fn range(dtype: &DType, limit: Option<i64>) -> (i64, i64) {
    match dtype {
        DType::I8 => (-128, 127),
        DType::U8 => (0, 255),
        DType::Idx(_) => (0, limit.map_or(0, |n| (n - 1).max(0))),
        DType::Len(_) => (0, limit.map_or(0, |n| n.max(0))),
        _ => (i64::from(i32::MIN), i64::from(i32::MAX)),
    }
}

/// Rounding to a storage type, which is monotone: the ends of what can be computed decide.
fn rounded_to(r: Real, to: &DType) -> Real {
    if !r.is_known() || r.v.is_nan() || *to == DType::F64 {
        return r;
    }
    let v = round_float(r.v, to);
    if v == 0.0 && r.unsure_sign() {
        return r;
    }
    Real::hull(v, round_float(r.lo(), to), round_float(r.hi(), to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Int;

    fn real(v: f64, e: f64) -> Value {
        Value::Real(Real { v, e })
    }

    #[test]
    fn floats_to_integers_truncate_saturate_and_doubt() {
        let whole = |x, to: &DType| convert(x, to, Some(4)).whole();
        assert_eq!(whole(real(-2.9, 0.0), &DType::I32), Whole { v: -2, sure: true });
        assert_eq!(whole(real(2.9, 0.2), &DType::I32), Whole { v: 2, sure: false });
        assert_eq!(whole(real(1e30, 1e20), &DType::I32).v, i64::from(i32::MAX));
        assert_eq!(whole(real(f64::NAN, 0.0), &DType::I32), Whole { v: 0, sure: true });
        assert_eq!(whole(real(300.0, 1.0), &DType::U8), Whole { v: 255, sure: true });
        assert_eq!(whole(real(9.0, 1.0), &DType::Idx(Int::constant(4))), Whole { v: 3, sure: true });
    }

    #[test]
    fn storage_rounding_keeps_what_the_computed_value_can_become() {
        let r = convert(real(1.0, 1e-6), &DType::BF16, None).real();
        assert_eq!(r, Real::exact(1.0), "both ends round to 1");
        let tie = 1.0 + 1.0 / 256.0;
        let r = convert(real(tie, 1e-6), &DType::BF16, None).real();
        assert_eq!(r.v, 1.0);
        assert!(r.e >= 1.0 / 128.0 && r.e < 1.01 / 128.0, "the next value is reachable: {r:?}");
        assert!(!convert(real(65519.0, 2.0), &DType::F16, None).real().is_known());
        assert_eq!(convert(real(7e4, 2.0), &DType::F16, None).real().v, f64::INFINITY);
    }
}
