//! One-value operators on bits: fields of integers, and floats as the bits that store them.
//!
//! For lanes see [`crate::I32::field`] and what stands beside it.

use crate::isa::half_bits;

/// `count` bits of `x` from bit `from` up, as a number that is not negative unless it has 32 bits.
#[inline(always)]
pub fn field(x: i32, from: i32, count: i32) -> i32 {
    // In 64 bits no shift by up to 32 is out of range.
    ((x as i64 >> (from & 63)) & ((1 << (count & 63)) - 1)) as i32
}

/// The lowest `count` bits of `x` as a two's complement number.
#[inline(always)]
pub fn signed(x: i32, count: i32) -> i32 {
    let unused = (32 - count) & 31;
    x << unused >> unused
}

/// The lowest `width` bits of `low`, and `high` above them.
#[inline(always)]
pub fn join(low: i32, high: i32, width: i32) -> i32 {
    field(low, 0, width) | (high as i64).wrapping_shl(width as u32) as i32
}

/// The `f16` with these bits.
#[inline(always)]
pub fn f16_from(bits: i32) -> f32 {
    half_bits::f16_to_f32(bits as u16)
}

/// The `bf16` with these bits.
#[inline(always)]
pub fn bf16_from(bits: i32) -> f32 {
    half_bits::bf16_to_f32(bits as u16)
}

/// The `f32` with these bits.
#[inline(always)]
pub fn f32_from(bits: i32) -> f32 {
    f32::from_bits(bits as u32)
}

/// The 8-bit float with 4 exponent bits, 3 fraction bits and no infinities that has these bits.
#[inline(always)]
pub fn e4m3_from(bits: i32) -> f32 {
    let sign = (bits as u32 & 0x80) << 24;
    let magnitude = (bits as u32 & 0x7f) << 20;
    // Multiplying by 2^120 moves the exponent from bias 7 to bias 127 and normalises subnormals.
    let finite = f32::from_bits(magnitude) * f32::from_bits((127 + 120) << 23);
    let value = if bits & 0x7f == 0x7f { f32::NAN } else { finite };
    f32::from_bits(sign | value.to_bits())
}

/// The bits of the nearest `f16`.
#[inline(always)]
pub fn f16_bits(x: f32) -> i32 {
    i32::from(half_bits::f32_to_f16(x))
}

/// The bits of the nearest `bf16`.
#[inline(always)]
pub fn bf16_bits(x: f32) -> i32 {
    i32::from(half_bits::f32_to_bf16(x))
}

/// The bits of an `f32`.
#[inline(always)]
pub fn f32_bits(x: f32) -> i32 {
    x.to_bits() as i32
}

/// The bits of the nearest 8-bit float with 4 exponent bits; the largest beyond its range.
#[inline(always)]
pub fn e4m3_bits(x: f32) -> i32 {
    let sign = (x.to_bits() >> 24 & 0x80) as i32;
    if x.is_nan() {
        return sign | 0x7f;
    }
    // Adding a power of two leaves the fraction rounded to nearest, ties to even, in the low bits.
    let magnitude = x.abs().min(448.0);
    let exponent = ((magnitude.to_bits() >> 23) as i32 - 127).max(-6);
    let shift = f32::from_bits(((exponent + 20 + 127) as u32) << 23);
    let units = ((magnitude + shift).to_bits() - shift.to_bits()) as i32;
    sign | (((exponent + 6) << 3) + units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_integers() {
        assert_eq!(field(0xa7, 4, 4), 0xa);
        assert_eq!(field(-1, 28, 4), 15);
        assert_eq!(field(-2, 0, 32), -2);
        assert_eq!([signed(0xff, 8), signed(0x17f, 8), signed(5, 3), signed(-7, 32)], [-1, 127, -3, -7]);
        assert_eq!(join(0x1ff, 0x12, 8), 0x12ff);
        assert_eq!(join(0, 0xffff, 16) as u32, 0xffff_0000);
    }

    #[test]
    fn small_floats_read_back() {
        for bits in (0..256).filter(|b| b & 0x7f != 0x7f) {
            assert_eq!(e4m3_bits(e4m3_from(bits)), bits, "{bits:#x}");
        }
        assert!(e4m3_from(0x7f).is_nan() && e4m3_from(0xff).is_nan());
        assert_eq!([e4m3_from(1), e4m3_from(8), e4m3_from(0x7e)], [0.001_953_125, 0.015_625, 448.0]);
        for bits in 0..=i32::from(u16::MAX) {
            let (half, brain) = (f16_from(bits), bf16_from(bits));
            assert!(half.is_nan() || f16_bits(half) == bits);
            assert!(brain.is_nan() || bf16_bits(brain) == bits);
        }
    }

    #[test]
    fn small_floats_round_to_the_nearest_and_to_even() {
        let largest = 0x7e;
        for bits in 0..largest {
            let (a, b) = (e4m3_from(bits), e4m3_from(bits + 1));
            let middle = (a + b) / 2.0;
            let even = bits + (bits & 1);
            assert_eq!([e4m3_bits(middle), e4m3_bits(-middle)], [even, even | 0x80]);
            assert_eq!(e4m3_bits(middle.next_down()), bits);
            assert_eq!(e4m3_bits(middle.next_up()), bits + 1);
        }
        assert_eq!([e4m3_bits(464.0), e4m3_bits(f32::INFINITY), e4m3_bits(-1e30)], [0x7e, 0x7e, 0xfe]);
        assert_eq!(e4m3_bits(f32::NAN) & 0x7f, 0x7f);
    }
}
