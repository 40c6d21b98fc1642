//! Conversions between `f32` and the bits of binary16 and bfloat16, without CPU support and without calls.
//!
//! Used by the portable level and by one-value code. Must stay branch-light so that it vectorises.

/// The value of binary16 bits.
#[inline(always)]
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = (bits as u32 & 0x8000) << 16;
    let magnitude = (bits as u32 & 0x7fff) << 13;
    // Multiplying by 2^112 moves the exponent from bias 15 to bias 127 and normalises subnormals.
    let finite = (f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23)).to_bits();
    let special = if magnitude > 0x0f80_0000 { magnitude | 0x7fc0_0000 } else { magnitude | 0x7f80_0000 };
    let value = if magnitude >= 0x0f80_0000 { special } else { finite };
    f32::from_bits(sign | value)
}

/// The nearest binary16, ties to even; NaN stays NaN (quiet), overflow becomes infinity.
#[inline(always)]
pub fn f32_to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    let nan = 0x7e00 | ((magnitude >> 13) & 0x3ff);
    // Below the smallest normal: adding 0.5 leaves the rounded subnormal in the low bits.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let odd = (magnitude >> 13) & 1;
    let normal = magnitude.wrapping_sub(112 << 23).wrapping_add(0xfff + odd) >> 13;
    let finite = if magnitude < 113 << 23 { subnormal } else { normal };
    let number = if magnitude >= 0x4780_0000 { 0x7c00 } else { finite };
    let result = if magnitude > 0x7f80_0000 { nan } else { number };
    (sign | result) as u16
}

/// The value of bfloat16 bits.
#[inline(always)]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits((bits as u32) << 16)
}

/// The nearest bfloat16, ties to even; NaN stays NaN (quiet).
#[inline(always)]
pub fn f32_to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    let nan = (bits >> 16) | 0x40;
    (if value.is_nan() { nan } else { rounded }) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    #[test]
    fn every_f16_decodes() {
        for bits in 0..=u16::MAX {
            let (ours, theirs) = (f16_to_f32(bits), f16::from_bits(bits).to_f32_const());
            assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(), "{bits:#x}");
        }
    }

    #[test]
    fn encoding_matches_around_every_boundary() {
        let near = |bits: u32| (bits.saturating_sub(2)..=bits.saturating_add(2)).collect::<Vec<_>>();
        let mut samples: Vec<u32> = (0..=u16::MAX as u32).flat_map(|top| near(top << 16)).collect();
        for bits in 0..0x7c00_u16 {
            // The middle between two neighbours, where ties are decided.
            let (a, b) = (f16_to_f32(bits), f16_to_f32(bits + 1));
            samples.extend(near(((a as f64 + b as f64) / 2.0).min(65520.0).to_bits_f32()));
            samples.extend(near(a.to_bits()));
        }
        for bits in samples.into_iter().flat_map(|bits| [bits, bits | 0x8000_0000]) {
            let value = f32::from_bits(bits);
            let (ours, theirs) = (f32_to_f16(value), f16::from_f32_const(value));
            assert!(ours == theirs.to_bits() || value.is_nan() && theirs.is_nan(), "{value:e} {bits:#x}");
            let (ours, theirs) = (f32_to_bf16(value), bf16::from_f32_const(value));
            assert!(ours == theirs.to_bits() || value.is_nan() && theirs.is_nan(), "{value:e} {bits:#x}");
        }
    }

    trait ToBits32 {
        fn to_bits_f32(self) -> u32;
    }
    impl ToBits32 for f64 {
        fn to_bits_f32(self) -> u32 {
            (self as f32).to_bits()
        }
    }
}
