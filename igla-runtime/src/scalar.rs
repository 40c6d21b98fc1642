//! One-value operators of the language that Rust has no operator for, without calls to libm.
//!
//! Transcendental functions are in [`crate::math`].

/// Largest integer not above `x`.
#[inline(always)]
pub fn floor(x: f32) -> f32 {
    let t = trunc(x);
    if t > x { t - 1.0 } else { t }
}

/// Smallest integer not below `x`.
#[inline(always)]
pub fn ceil(x: f32) -> f32 {
    -floor(-x)
}

/// Nearest integer, halves to even.
#[inline(always)]
pub fn round(x: f32) -> f32 {
    // Adding and subtracting 2^23 leaves the integer part in the current (nearest-even) rounding.
    const SHIFT: f32 = 8_388_608.0;
    if x.abs() < SHIFT { ((x.abs() + SHIFT) - SHIFT).copysign(x) } else { x }
}

/// Integer part.
#[inline(always)]
pub fn trunc(x: f32) -> f32 {
    // Beyond 2^23 every float is an integer; NaN compares false and stays.
    if x.abs() < 8_388_608.0 { (x as i32 as f32).copysign(x) } else { x }
}

/// -1 or 1; zeros and NaN stay what they are.
#[inline(always)]
pub fn sign(x: f32) -> f32 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// Floor division; 0 for a zero divisor.
#[inline(always)]
pub fn floor_div(a: i32, b: i32) -> i32 {
    if b == 0 {
        return 0;
    }
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}

/// Remainder of [`floor_div`]; 0 for a zero divisor.
#[inline(always)]
pub fn floor_mod(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b.wrapping_mul(floor_div(a, b))).wrapping_mul(i32::from(b != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_agrees_with_the_standard_library() {
        let mut values = vec![0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 8_388_607.5, 8_388_608.0, 1e30, -1e30];
        values.extend([f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, f32::NAN]);
        values.extend((-4000..4000).map(|i| i as f32 * 0.173));
        for x in values {
            let same = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan());
            assert!(same(floor(x), x.floor()), "floor {x}");
            assert!(same(ceil(x), x.ceil()), "ceil {x}");
            assert!(same(trunc(x), x.trunc()), "trunc {x}");
            assert!(same(round(x), x.round_ties_even()), "round {x}");
        }
    }

    #[test]
    fn division_floors_and_is_total() {
        for a in -7..=7 {
            for b in [-3, -1, 1, 2, 5] {
                assert_eq!(floor_div(a, b), (a as f64 / b as f64).floor() as i32);
                assert_eq!(floor_mod(a, b), a - b * floor_div(a, b));
            }
            assert_eq!((floor_div(a, 0), floor_mod(a, 0)), (0, 0));
        }
        assert_eq!(floor_div(i32::MIN, -1), i32::MIN);
    }
}
