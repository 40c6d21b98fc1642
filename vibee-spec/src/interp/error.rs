//! Why an evaluation gives no values.

use std::fmt;

/// A failed evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// The caller's mistake: wrong number, rank, type or payload of arguments.
    Arguments(String),
    /// The call breaks the kernel's entry conditions; generated code returns a `ShapeError`.
    Check(Violation),
    /// An access outside an array that nothing excluded, or a definition that does not fill its
    /// array: the checker let a wrong term pass.
    OutOfRange(String),
    /// Too large or too long for the given [`super::Options`].
    Limit(String),
}

/// Which entry condition, and with which values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An axis has another extent than its symbol demands.
    Axis {
        /// Tensor.
        input: String,
        /// Axis.
        axis: usize,
        /// Demanded.
        expected: i64,
        /// Given.
        found: i64,
    },
    /// An extent from which no size of 0 or more can be solved exactly.
    Inexact {
        /// The size.
        dim: String,
        /// Tensor.
        input: String,
        /// Axis.
        axis: usize,
        /// Given extent.
        found: i64,
    },
    /// A `where` constraint does not hold, or a divisor is zero.
    Where {
        /// As written.
        text: String,
        /// Value of the left side.
        lhs: i64,
        /// Value of the right side.
        rhs: i64,
    },
    /// An access reaches outside its array.
    InRange {
        /// The access as written.
        text: String,
        /// Smallest position.
        low: i64,
        /// Largest position.
        high: i64,
        /// Extent of the axis.
        extent: i64,
    },
    /// An index or length argument exceeds its bound.
    Index {
        /// Argument.
        input: String,
        /// Place in row-major order.
        place: usize,
        /// Value there.
        value: i64,
        /// Least value that is too large.
        bound: i64,
    },
    /// A size that cannot be computed: negative, overflowing or divided by zero.
    Size(String),
}

impl std::error::Error for EvalError {}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::Arguments(text) => write!(f, "arguments: {text}"),
            EvalError::Check(v) => v.fmt(f),
            EvalError::OutOfRange(text) => write!(f, "out of range: {text}"),
            EvalError::Limit(text) => write!(f, "limit: {text}"),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Axis { input, axis, expected, found } => {
                write!(f, "axis {axis} of {input} is {found}, not {expected}")
            }
            Violation::Inexact { dim, input, axis, found } => {
                write!(f, "axis {axis} of {input} is {found}, which gives no {dim}")
            }
            Violation::Where { text, lhs, rhs } => write!(f, "{text} does not hold: {lhs} and {rhs}"),
            Violation::InRange { text, low, high, extent } => {
                write!(f, "{text} reaches {low}..={high} of an axis of {extent}")
            }
            Violation::Index { input, place, value, bound } => {
                write!(f, "element {place} of {input} is {value}, not below {bound}")
            }
            Violation::Size(text) => write!(f, "size: {text}"),
        }
    }
}
