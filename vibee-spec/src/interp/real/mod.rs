//! Floats with a running error bound.
//!
//! A [`Real`] is the `f64` value `v` of an expression and a bound `e`: every evaluation the
//! numerics contract allows (any association of a fold, fused multiply-add or not) computes a
//! value within `e` of `v`. Four states, told apart by the fields alone:
//!
//! | `v` | `e` | meaning |
//! |---|---|---|
//! | finite | finite | computed value is finite and within `e` |
//! | ±inf | 0 | computed value is this infinity |
//! | NaN | 0 | computed value is NaN |
//! | any | inf | unknown: nothing is promised, comparisons skip it |
//!
//! Nothing here may look at what an expression is; only at the bounds of its operands.

mod arithmetic;

use super::round::round_f32;
use crate::term::DType;

/// Bound of a zero whose value is exact but whose sign depends on the evaluation order.
/// Only division by it (and `rsqrt`) can tell.
const SIGN_ONLY: f64 = 5e-324;

/// Absorbs the roundings of the bound's own arithmetic, a few units of 2^-53.
const SLACK: f64 = 1.0 + 1.0 / (1u64 << 40) as f64;

/// A value and its bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real {
    /// Value in `f64`.
    pub v: f64,
    /// Bound on the distance of a computed value.
    pub e: f64,
}

/// The arithmetic that generated code uses for a type.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    /// Which: `F32` or `F64`.
    wide: bool,
    /// Bound on the relative error of one rounded operation.
    pub u: f64,
    /// Largest finite value.
    pub max: f64,
    /// Least normal value.
    pub least_normal: f64,
    /// Absolute error of an operation whose result is subnormal.
    pub tiny: f64,
}

/// Arithmetic in `f32`. The unit roundoff carries a thousandth extra that covers this
/// interpreter's own `f64` roundings.
pub const F32: Precision = Precision {
    wide: false,
    u: 1.001 / (1u64 << 24) as f64,
    max: f32::MAX as f64,
    least_normal: f32::MIN_POSITIVE as f64,
    tiny: 1.401_298_464_324_817e-45,
};

/// Arithmetic in `f64`. Interpreter and generated code both round, so the unit is doubled.
pub const F64: Precision = Precision {
    wide: true,
    u: 1.001 / (1u64 << 52) as f64,
    max: f64::MAX,
    least_normal: f64::MIN_POSITIVE,
    tiny: 1e-323,
};

impl Precision {
    /// Of the type of an expression.
    #[must_use]
    pub fn of(dtype: &DType) -> &'static Precision {
        if *dtype == DType::F64 { &F64 } else { &F32 }
    }

    /// Relative error of `ulps` units in the last place. Library functions in `f64` are not
    /// ours to bound tightly: at least four.
    #[must_use]
    pub fn ulps(&self, ulps: f64) -> f64 {
        let ulps = if self.wide && ulps >= 1.0 { ulps.max(4.0) } else { ulps };
        2.0 * self.u * ulps
    }

    /// Significant bits.
    pub(super) fn bits(&self) -> i32 {
        if self.wide { 53 } else { 24 }
    }

    pub(super) fn represents(&self, v: f64) -> bool {
        self.wide || round_f32(v) == v
    }
}

impl Real {
    /// A value every evaluation computes.
    #[must_use]
    pub fn exact(v: f64) -> Real {
        Real { v, e: 0.0 }
    }

    /// Nothing is known; `v` is the `f64` value, for messages.
    #[must_use]
    pub fn unknown(v: f64) -> Real {
        Real { v, e: f64::INFINITY }
    }

    /// Zero, of either sign.
    pub(super) fn unsigned_zero() -> Real {
        Real { v: 0.0, e: SIGN_ONLY }
    }

    /// Something is promised.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.e < f64::INFINITY
    }

    /// Surely NaN.
    #[must_use]
    pub fn is_nan(self) -> bool {
        self.v.is_nan() && self.is_known()
    }

    /// Surely finite.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.v.is_finite() && self.is_known()
    }

    /// The bound, without the mark of an unsure sign.
    pub(super) fn slack(self) -> f64 {
        if self.e <= SIGN_ONLY { 0.0 } else { self.e }
    }

    pub(super) fn unsure_sign(self) -> bool {
        self.e == SIGN_ONLY
    }

    /// Least value that can be computed.
    pub(super) fn lo(self) -> f64 {
        let e = self.slack();
        if e == 0.0 { self.v } else { (self.v - e).next_down() }
    }

    /// Largest value that can be computed.
    pub(super) fn hi(self) -> f64 {
        let e = self.slack();
        if e == 0.0 { self.v } else { (self.v + e).next_up() }
    }

    /// Largest magnitude that can be computed.
    pub(super) fn magnitude(self) -> f64 {
        self.v.abs() + self.slack()
    }

    /// Exactly zero, of whatever sign.
    pub(super) fn is_zero(self) -> bool {
        self.v == 0.0 && self.slack() == 0.0
    }

    /// Exactly plus or minus a normal power of two: multiplying by it does not round.
    pub(super) fn is_power_of_two(self) -> bool {
        self.e == 0.0 && self.v.is_normal() && self.v.to_bits() & ((1 << 52) - 1) == 0
    }

    /// Can be zero (or is of an unsure sign) without being a plain exact zero.
    pub(super) fn straddles_zero(self) -> bool {
        self.e > 0.0 && self.v.abs() <= self.e
    }

    /// `v` with a bound that reaches both ends of what can be computed.
    pub(super) fn hull(v: f64, lo: f64, hi: f64) -> Real {
        if lo == v && hi == v {
            return Real::exact(v);
        }
        let e = (hi - v).max(v - lo) * SLACK;
        if v.is_finite() && e.is_finite() { Real { v, e } } else { Real::unknown(v) }
    }

    /// Either of the two is computed; `self` is the `f64` choice.
    pub(super) fn either(self, other: Real) -> Real {
        if self.is_nan() && other.is_nan() {
            return self;
        }
        if !self.is_known() || !other.is_known() || self.v.is_nan() || other.v.is_nan() {
            return Real::unknown(self.v);
        }
        let r = Real::hull(self.v, self.lo().min(other.lo()), self.hi().max(other.hi()));
        let signs = self.v == 0.0 && (self.v.is_sign_negative() != other.v.is_sign_negative());
        r.with_sign_of_zero(signs || self.unsure_sign() || other.unsure_sign())
    }

    /// Marks an exact zero whose sign is not determined.
    pub(super) fn with_sign_of_zero(self, unsure: bool) -> Real {
        if unsure && self.v == 0.0 && self.e == 0.0 { Real::unsigned_zero() } else { self }
    }
}

/// `γ_n = n u / (1 - n u)`: relative error of `n` roundings in any order; infinite when out of reach.
#[must_use]
pub fn gamma(n: usize, p: &Precision) -> f64 {
    let nu = n as f64 * p.u;
    if nu < 0.5 { nu / (1.0 - nu) } else { f64::INFINITY }
}
