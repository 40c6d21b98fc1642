//! Accuracy of the transcendental functions at every level, against f64 (and, for erf, our own f64).

use igla_runtime::isa::{Isa, Kernel, dispatch};
use igla_runtime::math::{self, ulp};
use igla_runtime::math64;
use igla_runtime::prelude::*;

/// Applies a function to a slice with lanes.
struct Map<'a, F> {
    x: &'a [f32],
    y: &'a [f32],
    out: &'a mut [f32],
    f: F,
}

/// A lane function; a trait because closures cannot be generic.
trait Function: Copy {
    fn lanes<S: Isa>(self, x: F32<S, 2>, y: F32<S, 2>) -> F32<S, 2>;
    fn one(self, x: f32, y: f32) -> f32;
    fn exact(self, x: f64, y: f64) -> f64;
    fn bound(self) -> f64;
}

impl<F: Function> Kernel for Map<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        for part in s.parts::<2>(0, self.x.len()) {
            for d in part {
                self.out.store(d, self.f.lanes(self.x.load(d), self.y.load(d)));
            }
        }
    }
}

macro_rules! function {
    ($name:ident, $method:ident, $bound:ident, |$x:ident| $exact:expr) => {
        #[derive(Clone, Copy)]
        struct $name;
        impl Function for $name {
            #[inline(always)]
            fn lanes<S: Isa>(self, x: F32<S, 2>, _y: F32<S, 2>) -> F32<S, 2> {
                x.$method()
            }
            fn one(self, x: f32, _y: f32) -> f32 {
                math::$method(x)
            }
            fn exact(self, $x: f64, _y: f64) -> f64 {
                $exact
            }
            fn bound(self) -> f64 {
                ulp::$bound
            }
        }
    };
}
function!(Exp, exp, EXP, |x| x.exp());
function!(Log, log, LOG, |x| x.ln());
function!(Tanh, tanh, TANH, |x| x.tanh());
function!(Erf, erf, ERF, |x| math64::erf(x));
function!(Sigmoid, sigmoid, SIGMOID, |x| math64::sigmoid(x));
function!(Sin, sin, SIN, |x| x.sin());
function!(Cos, cos, COS, |x| x.cos());
function!(Rsqrt, rsqrt, RSQRT, |x| 1.0 / x.sqrt());

#[derive(Clone, Copy)]
struct Pow;
impl Function for Pow {
    #[inline(always)]
    fn lanes<S: Isa>(self, x: F32<S, 2>, y: F32<S, 2>) -> F32<S, 2> {
        x.pow(y)
    }
    fn one(self, x: f32, y: f32) -> f32 {
        math::pow(x, y)
    }
    fn exact(self, x: f64, y: f64) -> f64 {
        x.powf(y)
    }
    fn bound(self) -> f64 {
        ulp::POW
    }
}

/// Error of `found` in units of the last place of `exact`; 0 for equal specials, infinity for wrong ones.
fn error_in_ulp(found: f32, exact: f64) -> f64 {
    if exact.is_nan() || found.is_nan() {
        return if exact.is_nan() && found.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let rounded = exact as f32;
    if found.to_bits() == rounded.to_bits() {
        // Overflow to infinity is compared as such; otherwise the usual formula below.
        if found.is_infinite() {
            return 0.0;
        }
    }
    // Sign of zero counts.
    if exact == 0.0 {
        return if found.to_bits() == rounded.to_bits() { 0.0 } else { f64::INFINITY };
    }
    let exponent = exact.abs().log2().floor().clamp(-126.0, 127.0);
    let unit = (exponent - 23.0).exp2();
    let found = if found.is_infinite() { 128_f64.exp2().copysign(found as f64) } else { found as f64 };
    let exact = exact.clamp(-(128_f64.exp2()), 128_f64.exp2());
    (found - exact).abs() / unit
}

/// Checks all samples at every level and one by one; prints the maxima.
fn check<F: Function>(name: &str, f: F, x: &[f32], y: &[f32], limit: f32) {
    let exact: Vec<f64> = x.iter().zip(y).map(|(&x, &y)| f.exact(x as f64, y as f64)).collect();
    let mut out = vec![0.0; x.len()];
    let verify = |label: String, out: &[f32]| {
        let mut worst = (0.0, 0);
        for i in 0..x.len() {
            if x[i].abs() > limit && x[i].is_finite() {
                assert!(out[i].abs() <= 1.0, "{label}({:e}) = {:e}", x[i], out[i]);
                continue;
            }
            let error = error_in_ulp(out[i], exact[i]);
            if error > worst.0 {
                worst = (error, i);
            }
        }
        let (error, i) = worst;
        println!("{label}: {error:.3} ulp at ({:e}, {:e}): {:e}, exact {:e}", x[i], y[i], out[i], exact[i]);
        assert!(
            error <= f.bound(),
            "{label}: {error} ulp at ({:e}, {:e}): {:e}, exact {:e}",
            x[i],
            y[i],
            out[i],
            exact[i]
        );
    };
    for &level in Level::available() {
        dispatch(level, Map { x, y, out: &mut out, f });
        verify(format!("{name} {level}"), &out);
    }
    for i in 0..x.len() {
        out[i] = f.one(x[i], y[i]);
    }
    verify(format!("{name} one value"), &out);
}

/// Every `step`th f32 of each sign, and neighbourhoods of notable values.
fn samples(step: usize) -> Vec<f32> {
    let step = std::env::var("MATH_STEP").ok().and_then(|text| text.parse().ok()).unwrap_or(step);
    let mut bits: Vec<u32> = (0..=u32::MAX).step_by(step).collect();
    let notable = [
        0.0,
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::INFINITY,
        1.0,
        2.0,
        0.5,
        88.722_84,
        89.0,
        87.336_55,
        103.972_08,
        104.0,
        0.927_734_4,
        4.0,
        9.01,
        10.0,
        20.0,
        0.707_106_77,
        std::f32::consts::SQRT_2,
        0.346_573_6,
        1.039_720_8,
        std::f32::consts::FRAC_PI_4,
        std::f32::consts::FRAC_PI_2,
        std::f32::consts::PI,
        1e5,
        8_388_608.0,
        ulp::SIN_COS_LIMIT,
    ];
    for value in notable {
        for offset in -300..=300_i32 {
            let near = value.to_bits().wrapping_add_signed(offset);
            bits.extend([near, near ^ 0x8000_0000]);
        }
    }
    bits.extend([0x7fc0_0000, 0x7f80_0001, 0xffc0_0000]);
    bits.into_iter().map(f32::from_bits).collect()
}

macro_rules! accuracy {
    ($test:ident, $function:ident, $limit:expr) => {
        #[test]
        fn $test() {
            let x = samples(4099);
            check(stringify!($test), $function, &x, &x, $limit);
        }
    };
}
accuracy!(exp, Exp, f32::INFINITY);
accuracy!(log, Log, f32::INFINITY);
accuracy!(tanh, Tanh, f32::INFINITY);
accuracy!(erf, Erf, f32::INFINITY);
accuracy!(sigmoid, Sigmoid, f32::INFINITY);
accuracy!(sin, Sin, ulp::SIN_COS_LIMIT);
accuracy!(cos, Cos, ulp::SIN_COS_LIMIT);
accuracy!(rsqrt, Rsqrt, f32::INFINITY);

#[test]
fn pow() {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let special = [
        0.0,
        1.0,
        0.5,
        2.0,
        3.0,
        2.5,
        1e-40,
        1e-45,
        1e38,
        f32::MAX,
        f32::INFINITY,
        16_777_215.0,
        16_777_216.0,
        1e30,
        8_388_607.5,
        0.999_999_94,
        1.000_000_1,
        1e-30,
        f32::NAN,
    ];
    let signed: Vec<f32> = special.into_iter().flat_map(|v| [v, -v]).collect();
    for &a in &signed {
        for &b in &signed {
            x.push(a);
            y.push(b);
        }
    }
    // Pairs whose results cover the whole range: y = t / log2(x).
    for (i, &a) in samples(20_011).iter().enumerate() {
        let target = (i * 7919 % 30_000) as f32 / 100.0 - 150.0;
        let b = target / a.abs().log2();
        x.extend([a, a, a.abs()]);
        y.extend([b, b.round(), b]);
    }
    check("pow", Pow, &x, &y, f32::INFINITY);
}
