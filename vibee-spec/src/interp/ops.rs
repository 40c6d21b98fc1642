//! What every operator means and how accurately it is computed: one row each, in the order of
//! [`crate::term::Op`]. Evaluation asks the row, never the name.

use super::functions::{self, Function, Shape};
use super::real::{Precision, Real};
use super::value::{Truth, Value, Whole, wrap};
use crate::term::Op;

/// Accuracy of the runtime's `f32` functions, in units in the last place of the result, over all
/// arguments. These are promises that `igla-runtime` measures (`math/ulp.rs`), not guesses to tune:
/// a test that fails with them has found a defect in one of the two crates.
pub mod ulps {
    /// Correctly rounded by IEEE 754.
    pub const SQRT: f64 = 0.5;
    /// Polynomial after argument reduction in two parts.
    pub const EXP: f64 = 1.25;
    /// Polynomial in the mantissa; the exponent is added in two parts.
    pub const LOG: f64 = 1.0;
    /// A quotient of expressions in `exp`.
    pub const TANH: f64 = 3.0;
    /// Piecewise polynomials.
    pub const ERF: f64 = 1.5;
    /// `exp`, an addition and a division.
    pub const SIGMOID: f64 = 2.75;
    /// Sine and cosine, reduced modulo π/2 in double precision.
    pub const WAVE: f64 = 2.0;
    /// `2^(b log2 a)` with the logarithm and product in double precision.
    pub const POW: f64 = 1.5;
    /// Half a unit each from root and quotient, the former up to doubled.
    pub const RSQRT: f64 = 1.5;
}

/// Sine and cosine promise nothing beyond: 2^40.
pub(super) const WAVE_LIMIT: f64 = 1_099_511_627_776.0;

/// Results below the least normal `f32` may come out as zero: functions that scale by powers of
/// two flush there, and nothing downstream may depend on it.
const FLUSH: f64 = f32::MIN_POSITIVE as f64;

/// The float meaning of an operator.
#[derive(Clone, Copy)]
pub enum FloatRule {
    /// Not defined on floats.
    None,
    /// Exact: no rounding, and distances do not grow.
    Exact(fn(Real) -> Real),
    /// One argument, bounded by its values at the ends.
    Function(Function),
    /// Two arguments, with its own bound.
    Binary(fn(Real, Real, &Precision) -> Real),
    /// A comparison.
    Compare(Outcome),
}

/// The value of a comparison in each of the four ways two floats can stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    less: bool,
    equal: bool,
    greater: bool,
    unordered: bool,
}

/// The integer meaning of an operator, on `i32` values.
#[derive(Clone, Copy)]
pub enum IntRule {
    /// Not defined on integers.
    None,
    /// One argument; the result is wrapped.
    Unary(fn(i64) -> i64),
    /// Two arguments; the result is wrapped.
    Binary(fn(i64, i64) -> i64),
    /// A comparison.
    Compare(fn(&i64, &i64) -> bool),
}

/// One row.
#[derive(Clone, Copy)]
pub struct Meaning {
    /// The operator.
    pub op: Op,
    /// On floats.
    pub float: FloatRule,
    /// On integers.
    pub int: IntRule,
}

const fn number(op: Op, float: FloatRule, int: IntRule) -> Meaning {
    Meaning { op, float, int }
}
const fn function(op: Op, f: fn(f64) -> f64, ulps: f64, flush: f64) -> Meaning {
    let function = Function { f, shape: Shape::Monotone, ulps, flush };
    Meaning { op, float: FloatRule::Function(function), int: IntRule::None }
}
const fn wave(op: Op, f: fn(f64) -> f64) -> Meaning {
    let function = Function { f, shape: Shape::Wave, ulps: ulps::WAVE, flush: FLUSH };
    Meaning { op, float: FloatRule::Function(function), int: IntRule::None }
}
const fn integer(op: Op, f: fn(i64, i64) -> i64) -> Meaning {
    Meaning { op, float: FloatRule::None, int: IntRule::Binary(f) }
}
/// `when` tells the outcome for less, equal, greater and unordered.
const fn compare(op: Op, when: [bool; 4], int: fn(&i64, &i64) -> bool) -> Meaning {
    let [less, equal, greater, unordered] = when;
    let outcome = Outcome { less, equal, greater, unordered };
    Meaning { op, float: FloatRule::Compare(outcome), int: IntRule::Compare(int) }
}
/// Boolean operators and `Select` are control, not arithmetic: the evaluator decides which
/// operands it needs.
const fn control(op: Op) -> Meaning {
    Meaning { op, float: FloatRule::None, int: IntRule::None }
}

use FloatRule::{Binary, Exact};

/// One row per operator, in declaration order.
pub const MEANINGS: &[Meaning] = &[
    number(Op::Neg, Exact(Real::negated), IntRule::Unary(|a| -a)),
    number(Op::Add, Binary(Real::add), IntRule::Binary(|a, b| a + b)),
    number(Op::Sub, Binary(Real::sub), IntRule::Binary(|a, b| a - b)),
    number(Op::Mul, Binary(Real::mul), IntRule::Binary(|a, b| a * b)),
    number(Op::Div, Binary(Real::div), IntRule::None),
    number(Op::Pow, Binary(|a, b, p| functions::pow(a, b, p, ulps::POW)), IntRule::None),
    integer(Op::IDiv, floor_div),
    integer(Op::Mod, |a, b| if b == 0 { 0 } else { a - b * floor_div(a, b) }),
    number(Op::Min, Binary(Real::min), IntRule::Binary(i64::min)),
    number(Op::Max, Binary(Real::max), IntRule::Binary(i64::max)),
    number(Op::Abs, Exact(Real::abs), IntRule::Unary(i64::abs)),
    Meaning { int: IntRule::Unary(i64::signum), ..function(Op::Sign, functions::sign, 0.0, 0.0) },
    function(Op::Exp, f64::exp, ulps::EXP, FLUSH),
    function(Op::Log, f64::ln, ulps::LOG, 0.0),
    function(Op::Tanh, f64::tanh, ulps::TANH, FLUSH),
    function(Op::Erf, functions::erf, ulps::ERF, FLUSH),
    function(Op::Sigmoid, functions::sigmoid, ulps::SIGMOID, FLUSH),
    function(Op::Sqrt, f64::sqrt, ulps::SQRT, 0.0),
    function(Op::Rsqrt, functions::rsqrt, ulps::RSQRT, 0.0),
    wave(Op::Sin, f64::sin),
    wave(Op::Cos, f64::cos),
    function(Op::Floor, f64::floor, 0.0, 0.0),
    function(Op::Ceil, f64::ceil, 0.0, 0.0),
    function(Op::Round, f64::round_ties_even, 0.0, 0.0),
    function(Op::Trunc, f64::trunc, 0.0, 0.0),
    compare(Op::Lt, [true, false, false, false], i64::lt),
    compare(Op::Le, [true, true, false, false], i64::le),
    compare(Op::Gt, [false, false, true, false], i64::gt),
    compare(Op::Ge, [false, true, true, false], i64::ge),
    compare(Op::Eq, [false, true, false, false], i64::eq),
    compare(Op::Ne, [true, false, true, true], i64::ne),
    control(Op::And),
    control(Op::Or),
    control(Op::Not),
    control(Op::Select),
    // Several arguments, or a result of another kind than they are: `super::bits`.
    control(Op::Bits),
    control(Op::Signed),
    control(Op::Join),
    control(Op::Pick),
    control(Op::F16From),
    control(Op::Bf16From),
    control(Op::F32From),
    control(Op::E4m3From),
    control(Op::F16Bits),
    control(Op::Bf16Bits),
    control(Op::F32Bits),
    control(Op::E4m3Bits),
    number(Op::NearI8, Binary(Real::near), IntRule::None),
    number(Op::NearBf16, Binary(Real::near), IntRule::None),
];

/// `floor(a / b)`, 0 for a zero divisor.
fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let q = a / b;
    if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}

/// Applies an arithmetic operator or comparison to evaluated arguments, which have one type.
///
/// # Panics
/// If the operator is not defined on them: the checker types expressions.
#[must_use]
pub fn apply(op: Op, a: Value, b: Option<Value>, p: &Precision) -> Value {
    let row = &MEANINGS[op as usize];
    match (a, b) {
        (Value::Real(a), None) => Value::Real(match row.float {
            Exact(f) => f(a),
            FloatRule::Function(f) => f.apply(a, p),
            _ => unreachable!("{op:?} of one float"),
        }),
        (Value::Real(a), Some(Value::Real(b))) => match row.float {
            Binary(f) => Value::Real(f(a, b, p)),
            FloatRule::Compare(outcome) => Value::Truth(outcome.of(a, b)),
            _ => unreachable!("{op:?} of two floats"),
        },
        (Value::Whole(a), None) => match row.int {
            IntRule::Unary(f) => Value::Whole(Whole { v: wrap(f(a.v)), ..a }),
            _ => unreachable!("{op:?} of one integer"),
        },
        (Value::Whole(a), Some(Value::Whole(b))) => {
            let sure = a.sure && b.sure;
            match row.int {
                IntRule::Binary(f) => Value::Whole(Whole { v: wrap(f(a.v, b.v)), sure }),
                IntRule::Compare(f) => Value::Truth(Truth { v: f(&a.v, &b.v), sure }),
                _ => unreachable!("{op:?} of two integers"),
            }
        }
        // Equality of truth values.
        (Value::Truth(a), Some(Value::Truth(b))) => match row.int {
            IntRule::Compare(f) => {
                let v = f(&i64::from(a.v), &i64::from(b.v));
                Value::Truth(Truth { v, sure: a.sure && b.sure })
            }
            _ => unreachable!("{op:?} of two truth values"),
        },
        (a, b) => unreachable!("{op:?} of {a:?} and {b:?}"),
    }
}

impl Outcome {
    fn of(self, a: Real, b: Real) -> Truth {
        let v = match a.v.partial_cmp(&b.v) {
            Some(std::cmp::Ordering::Less) => self.less,
            Some(std::cmp::Ordering::Equal) => self.equal,
            Some(std::cmp::Ordering::Greater) => self.greater,
            None => self.unordered,
        };
        if a.is_nan() || b.is_nan() {
            return Truth { v: self.unordered, sure: true };
        }
        if !a.is_known() || !b.is_known() {
            return Truth { v, sure: false };
        }
        // The result is sure if every order that the bounds leave open gives the same.
        let sure = (v == self.less || a.lo() >= b.hi())
            && (v == self.greater || a.hi() <= b.lo())
            && (v == self.equal || a.hi() < b.lo() || a.lo() > b.hi());
        Truth { v, sure }
    }
}

#[cfg(test)]
mod tests {
    use super::super::real::F32;
    use super::*;
    use crate::term::OpInfo;

    #[test]
    fn rows_stand_in_declaration_order() {
        for (i, row) in MEANINGS.iter().enumerate() {
            let info: &OpInfo = row.op.info();
            assert_eq!(row.op as usize, i);
            assert_eq!(info.op, row.op);
        }
        assert_eq!(MEANINGS.len(), Op::NearBf16 as usize + 1);
    }

    #[test]
    fn comparisons_doubt_what_the_bounds_leave_open() {
        let real = |v, e| Value::Real(Real { v, e });
        let of = |op, a, b| apply(op, a, Some(b), &F32).truth();
        assert_eq!(of(Op::Lt, real(1.0, 0.1), real(2.0, 0.1)), Truth { v: true, sure: true });
        assert_eq!(of(Op::Lt, real(1.0, 0.6), real(2.0, 0.6)), Truth { v: true, sure: false });
        assert_eq!(of(Op::Lt, real(1.0, 0.0), real(1.0, 0.0)), Truth { v: false, sure: true });
        assert_eq!(of(Op::Eq, real(1.0, 1.0), real(1.0, 0.0)), Truth { v: true, sure: false });
        assert_eq!(of(Op::Ne, real(1.0, 0.1), real(2.0, 0.1)), Truth { v: true, sure: true });
        assert_eq!(of(Op::Ne, real(f64::NAN, 0.0), real(2.0, 0.1)), Truth { v: true, sure: true });
        assert_eq!(of(Op::Ge, real(f64::NAN, 0.0), real(2.0, 0.1)), Truth { v: false, sure: true });
        assert_eq!(of(Op::Le, real(0.0, 0.0), real(f64::INFINITY, 0.0)), Truth { v: true, sure: true });
    }

    #[test]
    fn integers_wrap_and_floor() {
        let int = |v| Value::Whole(Whole { v, sure: true });
        let of = |op, a, b| apply(op, int(a), Some(int(b)), &F32).whole().v;
        let (min, max) = (i64::from(i32::MIN), i64::from(i32::MAX));
        assert_eq!(of(Op::Add, max, 1), min);
        assert_eq!(of(Op::Mul, 65536, 65536), 0);
        assert_eq!(of(Op::IDiv, -7, 2), -4);
        assert_eq!(of(Op::Mod, -7, 2), 1);
        assert_eq!(of(Op::IDiv, 5, 0), 0);
        assert_eq!(of(Op::Mod, 5, 0), 0);
        assert_eq!(of(Op::IDiv, min, -1), min);
    }
}
