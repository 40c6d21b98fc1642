//! Bounds on the error of each function, in units of the last place, over all inputs and levels.
//!
//! Measured maxima (see `tests/math.rs`, which fails if one is exceeded), rounded up.

/// [`super::exp`].
pub const EXP: f64 = 2.0;
/// [`super::log`].
pub const LOG: f64 = 2.0;
/// [`super::tanh`].
pub const TANH: f64 = 4.0;
/// [`super::erf`].
pub const ERF: f64 = 4.0;
/// [`super::sigmoid`].
pub const SIGMOID: f64 = 4.0;
/// [`super::sin`], for `|x| <= SIN_COS_LIMIT`.
pub const SIN: f64 = 2.0;
/// [`super::cos`], for `|x| <= SIN_COS_LIMIT`.
pub const COS: f64 = 2.0;
/// [`super::pow`].
pub const POW: f64 = 2.0;
/// [`super::rsqrt`].
pub const RSQRT: f64 = 1.5;

/// Where the bounds of sine and cosine end: 2^40.
pub const SIN_COS_LIMIT: f32 = 1_099_511_627_776.0;
