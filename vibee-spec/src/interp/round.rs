//! Exact rounding of `f64` values to the storage types, to nearest and ties to even.
//!
//! Knows bits, not bounds: [`super::real`] decides what a rounding does to an error.

use crate::term::DType;

/// To `f32`.
#[must_use]
pub fn round_f32(v: f64) -> f64 {
    f64::from(v as f32)
}

/// To IEEE half: 11 significant bits, largest 65504.
#[must_use]
pub fn round_f16(v: f64) -> f64 {
    round_to(v, 11, -14, 65504.0)
}

/// To bfloat16: 8 significant bits, the exponents of `f32`.
#[must_use]
pub fn round_bf16(v: f64) -> f64 {
    round_to(v, 8, -126, f64::from(f32::from_bits(0x7f7f_0000)))
}

/// To a float type's values; other types leave `v` alone.
#[must_use]
pub fn round_float(v: f64, dtype: &DType) -> f64 {
    match dtype {
        DType::F32 => round_f32(v),
        DType::F16 => round_f16(v),
        DType::BF16 => round_bf16(v),
        _ => v,
    }
}

/// Rounds to `precision` significant bits with least normal exponent `emin`; beyond `max` is infinite.
pub(super) fn round_to(v: f64, precision: i32, emin: i32, max: f64) -> f64 {
    if v == 0.0 || !v.is_finite() {
        return v;
    }
    let biased = (v.to_bits() >> 52 & 0x7ff) as i32;
    // The spacing of representable values around v, constant below the least normal.
    let quantum = (biased - 1023).max(emin) - (precision - 1);
    // Scaling by a power of two is exact: quanta lie far inside the f64 range.
    let r = (v * power_of_two(-quantum)).round_ties_even() * power_of_two(quantum);
    if r.abs() > max { f64::INFINITY.copysign(v) } else { r }
}

/// `2^k` for normal results.
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(u64::try_from(1023 + k).expect("normal power") << 52)
}

/// Exponent of the lowest set bit of a finite non-zero value: `v` is an odd multiple of `2^result`.
pub(super) fn lowest_bit(v: f64) -> i32 {
    let bits = v.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let biased = (bits >> 52 & 0x7ff) as i32;
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    exponent + mantissa.trailing_zeros() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_even_and_overflow() {
        assert_eq!(round_f16(2049.0), 2048.0);
        assert_eq!(round_f16(2051.0), 2052.0);
        assert_eq!(round_f16(65519.9), 65504.0);
        assert_eq!(round_f16(65520.0), f64::INFINITY);
        assert_eq!(round_f16(-1e300), f64::NEG_INFINITY);
        let least = 2f64.powi(-24);
        assert_eq!(round_f16(least * 0.5), 0.0);
        assert_eq!(round_f16(least * 0.51), least);
        assert_eq!(round_f16(least * 2.5), least * 2.0);
    }

    #[test]
    fn bf16_keeps_what_truncated_f32_holds() {
        // Every bf16 is an f32 with a zero lower half; rounding must fix exactly those.
        for high in (0u32..0x7f80).step_by(7) {
            let v = f64::from(f32::from_bits(high << 16));
            assert_eq!(round_bf16(v), v);
            let above = f64::from(f32::from_bits((high << 16) | 0x7fff));
            assert_eq!(round_bf16(above), v, "just under the midpoint goes down");
            let tie = f64::from(f32::from_bits((high << 16) | 0x8000));
            let even = f64::from(f32::from_bits((high + (high & 1)) << 16));
            assert_eq!(round_bf16(tie), even);
        }
    }

    #[test]
    fn lowest_bits() {
        assert_eq!(lowest_bit(1.0), 0);
        assert_eq!(lowest_bit(-12.0), 2);
        assert_eq!(lowest_bit(0.375), -3);
        assert_eq!(lowest_bit(5e-324), -1074);
    }
}
