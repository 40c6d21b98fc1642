//! Transcendental functions on lanes, and the same functions on one value.
//!
//! Each is one algorithm over [`F32`](crate::F32), compiled for every level and free of calls once inlined. The
//! functions of this module run the same algorithm on one value with the scalar level's arithmetic (each
//! product rounded). Results of different levels may differ within the bounds of [`ulp`].
//!
//! # Accuracy
//! Bounds are relative, in units of the last place of the exact result, and hold for every input including
//! subnormals and results near zero, at every level; a result that overflows or underflows is what rounding
//! the exact result would give, or its neighbour. [`sin`] and [`cos`] are bounded for `|x| <= 2^40` only:
//! beyond, they return some value in −1..=1. One unit is 2^(e−23) for a result in `2^e..2^(e+1)`, and 2^−149 for
//! subnormal ones. NaN gives NaN, except that `pow(1, y)` and `pow(x, 0)` are 1.

mod erf;
mod exp;
mod log;
mod pow;
mod tanh;
mod trig;
pub mod ulp;

use crate::isa::Portable;
use crate::lanes::Lanes;

/// `c0 + x * (c1 + x * (c2 + …))` by Horner's rule.
macro_rules! polynomial {
    ($s:expr, $x:expr; $last:expr) => { $s.splat($last) };
    ($s:expr, $x:expr; $first:expr, $($rest:expr),+) => {
        $crate::math::polynomial!($s, $x; $($rest),+).mul_add($x, $s.splat($first))
    };
}
pub(crate) use polynomial;

macro_rules! one_value {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(x: f32) -> f32 {
            Portable::<1>::new().splat::<1>(x).$name().first()
        }
    )*};
}

one_value! {
    /// The exponential.
    exp;
    /// The natural logarithm: −∞ at zero, NaN below.
    log;
    /// The hyperbolic tangent.
    tanh;
    /// The error function.
    erf;
    /// The logistic function, `1 / (1 + exp(-x))`.
    sigmoid;
    /// The sine; see the module's limits for large arguments.
    sin;
    /// The cosine; see the module's limits for large arguments.
    cos;
    /// `1 / sqrt(x)`.
    rsqrt;
}

/// `x` to the power `y`, with IEEE 754's special cases.
#[inline(always)]
pub fn pow(x: f32, y: f32) -> f32 {
    let s = Portable::<1>::new();
    s.splat::<1>(x).pow(s.splat(y)).first()
}
