//! The language's functions on `f64`, by the standard library where it has them.
//!
//! Kernels typed `f64` are for accuracy, not speed.

pub use crate::math64::{erf, sigmoid};

/// Largest integer not above `x`.
#[inline]
pub fn floor(x: f64) -> f64 {
    x.floor()
}

/// Smallest integer not below `x`.
#[inline]
pub fn ceil(x: f64) -> f64 {
    x.ceil()
}

/// Nearest integer, halves to even.
#[inline]
pub fn round(x: f64) -> f64 {
    x.round_ties_even()
}

/// Integer part.
#[inline]
pub fn trunc(x: f64) -> f64 {
    x.trunc()
}

/// -1 or 1; zeros and NaN stay what they are.
#[inline]
pub fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// e^x.
#[inline]
pub fn exp(x: f64) -> f64 {
    x.exp()
}

/// Natural logarithm.
#[inline]
pub fn log(x: f64) -> f64 {
    x.ln()
}

/// Hyperbolic tangent.
#[inline]
pub fn tanh(x: f64) -> f64 {
    x.tanh()
}

/// Sine.
#[inline]
pub fn sin(x: f64) -> f64 {
    x.sin()
}

/// Cosine.
#[inline]
pub fn cos(x: f64) -> f64 {
    x.cos()
}

/// x^y.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}

/// 1/√x.
#[inline]
pub fn rsqrt(x: f64) -> f64 {
    1.0 / x.sqrt()
}
