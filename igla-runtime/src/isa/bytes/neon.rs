//! NEON instructions: 32 bytes, and all that they become, are two registers.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{BYTES, ByteIsa};
use crate::isa::Neon;

/// Operations on values only.
macro_rules! values {
    ($(fn $name:ident $(<const $k:ident: $kt:ty>)? ($($a:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        fn $name $(<const $k: $kt>)? (self, $($a: $t),*) -> $r {
            // SAFETY: `self` exists, so this CPU has NEON; no memory but constants is touched.
            unsafe { $e }
        }
    )*};
}

/// Operations on memory.
macro_rules! memory {
    ($(fn $name:ident($($a:ident: $t:ty),*) $(-> $r:ty)? = $e:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name(self, $($a: $t),*) $(-> $r)? {
            // SAFETY: `self` exists, so this CPU has the instructions; the caller vouches for the memory.
            unsafe { $e }
        }
    )*};
}

/// The same for both registers.
macro_rules! both {
    (|$i:ident| $e:expr) => {
        [
            {
                let $i = 0_usize;
                $e
            },
            {
                let $i = 1_usize;
                $e
            },
        ]
    };
}

type B = [uint8x16_t; 2];
type H = [int16x8_t; 2];
type P = [int32x4_t; 2];
type E = [float32x4_t; 2];

const _: () = assert!(size_of::<B>() == BYTES);
// Registers are taken for lanes of other sizes as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"));

/// Lane `i` of result `j` is lane `j` of register `HALF` of row `ROW + i`.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn square<const ROW: usize, const HALF: usize>(rows: &[P; 8]) -> [int32x4_t; 4] {
    // SAFETY: the caller's.
    unsafe {
        let (a, b) = (rows[ROW][HALF], rows[ROW + 1][HALF]);
        let (c, d) = (rows[ROW + 2][HALF], rows[ROW + 3][HALF]);
        // Pairs of rows exchange lanes, then pairs of lanes.
        let (even, odd) = (vreinterpretq_s64_s32(vtrn1q_s32(a, b)), vreinterpretq_s64_s32(vtrn2q_s32(a, b)));
        let (even2, odd2) =
            (vreinterpretq_s64_s32(vtrn1q_s32(c, d)), vreinterpretq_s64_s32(vtrn2q_s32(c, d)));
        [
            vreinterpretq_s32_s64(vtrn1q_s64(even, even2)),
            vreinterpretq_s32_s64(vtrn1q_s64(odd, odd2)),
            vreinterpretq_s32_s64(vtrn2q_s64(even, even2)),
            vreinterpretq_s32_s64(vtrn2q_s64(odd, odd2)),
        ]
    }
}

/// The low halves of eight numbers, rounded: what is out of range may become anything.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn round(a: E) -> uint8x16_t {
    // SAFETY: the caller's.
    unsafe {
        let [low, high] = both!(|i| vreinterpretq_s16_s32(vcvtnq_s32_f32(a[i])));
        vreinterpretq_u8_s16(vuzp1q_s16(low, high))
    }
}

/// Bytes 0, 2, … and 1, 3, … as words.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn even_odd_u(a: uint8x16_t) -> [int16x8_t; 2] {
    // SAFETY: the caller's.
    unsafe {
        let words = vreinterpretq_u16_u8(a);
        let (even, odd) = (vandq_u16(words, vdupq_n_u16(255)), vshrq_n_u16::<8>(words));
        [vreinterpretq_s16_u16(even), vreinterpretq_s16_u16(odd)]
    }
}

/// As [`even_odd_u`], of signed bytes.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn even_odd_s(a: uint8x16_t) -> [int16x8_t; 2] {
    // SAFETY: the caller's.
    unsafe {
        let words = vreinterpretq_s16_u8(a);
        [vshrq_n_s16::<8>(vshlq_n_s16::<8>(words)), vshrq_n_s16::<8>(words)]
    }
}

impl ByteIsa for Neon {
    type B = B;
    type H = H;
    type P = P;
    type E = E;

    values! {
        fn splat_b(a: u8) -> B = [vdupq_n_u8(a); 2];
        fn and_b(a: B, b: B) -> B = both!(|i| vandq_u8(a[i], b[i]));
        fn or_b(a: B, b: B) -> B = both!(|i| vorrq_u8(a[i], b[i]));
        fn xor_b(a: B, b: B) -> B = both!(|i| veorq_u8(a[i], b[i]));
        fn add_b(a: B, b: B) -> B = both!(|i| vaddq_u8(a[i], b[i]));
        fn sub_b(a: B, b: B) -> B = both!(|i| vsubq_u8(a[i], b[i]));
        fn eq_b(a: B, b: B) -> B = both!(|i| vceqq_u8(a[i], b[i]));
        fn select_b(m: B, a: B, b: B) -> B = both!(|i| vbslq_u8(vcltzq_s8(vreinterpretq_s8_u8(m[i])), a[i], b[i]));
        // Shifts by the lanes of a constant become shifts by a constant.
        fn shl_b<const K: i32>(a: B) -> B = both!(|i| vshlq_u8(a[i], vdupq_n_s8(K as i8)));
        fn shr_b<const K: i32>(a: B) -> B = both!(|i| vshlq_u8(a[i], vdupq_n_s8(-K as i8)));
        // Positions beyond the table give 0: all that keep the highest bit are.
        fn shuffle_b(a: B, index: B) -> B = both!(|i| vqtbl1q_u8(a[i], vandq_u8(index[i], vdupq_n_u8(0x8f))));
        fn mul_low_b(a: B, b: B) -> B = both!(|i| vmulq_u8(a[i], b[i]));
        fn mul_high_b(a: B, even: H, odd: H) -> B = both!(|i| {
            let words = vreinterpretq_s16_u8(a[i]);
            let low = vandq_s16(words, vdupq_n_s16(255));
            let high = vreinterpretq_s16_u16(vshrq_n_u16::<8>(vreinterpretq_u16_s16(words)));
            let (even, odd) = (vmulq_s16(low, even[i]), vmulq_s16(high, odd[i]));
            // The high bytes of both, in turns.
            vtrn2q_u8(vreinterpretq_u8_s16(even), vreinterpretq_u8_s16(odd))
        });
        fn abs_b(a: B) -> B = both!(|i| vreinterpretq_u8_s8(vabsq_s8(vreinterpretq_s8_u8(a[i]))));
        fn sign_b(a: B, by: B) -> B = both!(|i| {
            let (a, by) = (vreinterpretq_s8_u8(a[i]), vreinterpretq_s8_u8(by[i]));
            let sign = vmaxq_s8(vminq_s8(by, vdupq_n_s8(1)), vdupq_n_s8(-1));
            vreinterpretq_u8_s8(vmulq_s8(a, sign))
        });

        // No instruction multiplies unsigned by signed bytes. A single product fits 16 bits, so only the sum of a
        // pair saturates.
        fn pairs_b(u: B, s: B) -> H = both!(|i| {
            let (u, s) = (even_odd_u(u[i]), even_odd_s(s[i]));
            vqaddq_s16(vmulq_s16(u[0], s[0]), vmulq_s16(u[1], s[1]))
        });
        fn add_pairs_b(acc: H, u: B, s: B) -> H = both!(|i| {
            let (u, s) = (even_odd_u(u[i]), even_odd_s(s[i]));
            vmlaq_s16(vmlaq_s16(acc[i], u[0], s[0]), u[1], s[1])
        });
        fn splat_h(a: i16) -> H = [vdupq_n_s16(a); 2];
        fn add_h(a: H, b: H) -> H = both!(|i| vaddq_s16(a[i], b[i]));
        fn sum_h(a: H) -> P = both!(|i| vpaddlq_s16(a[i]));
        fn splat_p(a: i32) -> P = [vdupq_n_s32(a); 2];
        fn add_p(a: P, b: P) -> P = both!(|i| vaddq_s32(a[i], b[i]));
        fn sub_p(a: P, b: P) -> P = both!(|i| vsubq_s32(a[i], b[i]));
        fn mul_p(a: P, b: P) -> P = both!(|i| vmulq_s32(a[i], b[i]));
        fn widen_u<const PART: usize>(a: B) -> P = {
            let bytes = a[PART / 2];
            let words = match PART % 2 {
                0 => vmovl_u8(vget_low_u8(bytes)),
                _ => vmovl_high_u8(bytes),
            };
            let (low, high) = (vmovl_u16(vget_low_u16(words)), vmovl_high_u16(words));
            [vreinterpretq_s32_u32(low), vreinterpretq_s32_u32(high)]
        };
        fn widen_s<const PART: usize>(a: B) -> P = {
            let bytes = vreinterpretq_s8_u8(a[PART / 2]);
            let words = match PART % 2 {
                0 => vmovl_s8(vget_low_s8(bytes)),
                _ => vmovl_high_s8(bytes),
            };
            [vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)]
        };
        fn to_e(a: P) -> E = both!(|i| vcvtq_f32_s32(a[i]));
        fn fours(a: B) -> P = both!(|i| vreinterpretq_s32_u8(a[i]));
        fn bytes(a: P) -> B = both!(|i| vreinterpretq_u8_s32(a[i]));
        fn transpose_p(rows: [P; 8]) -> [P; 8] = {
            // Four squares of 4 × 4; the two off the diagonal change places.
            let (a, b) = (square::<0, 0>(&rows), square::<0, 1>(&rows));
            let (c, d) = (square::<4, 0>(&rows), square::<4, 1>(&rows));
            [
                [a[0], c[0]],
                [a[1], c[1]],
                [a[2], c[2]],
                [a[3], c[3]],
                [b[0], d[0]],
                [b[1], d[1]],
                [b[2], d[2]],
                [b[3], d[3]],
            ]
        };

        fn splat_e(a: f32) -> E = [vdupq_n_f32(a); 2];
        fn splat_f16_e(bits: u16) -> E = [vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))); 2];
        fn splat_bf16_e(bits: u16) -> E = [vdupq_n_f32(f32::from_bits(u32::from(bits) << 16)); 2];
        fn add_e(a: E, b: E) -> E = both!(|i| vaddq_f32(a[i], b[i]));
        fn sub_e(a: E, b: E) -> E = both!(|i| vsubq_f32(a[i], b[i]));
        fn mul_e(a: E, b: E) -> E = both!(|i| vmulq_f32(a[i], b[i]));
        fn div_e(a: E, b: E) -> E = both!(|i| vdivq_f32(a[i], b[i]));
        fn mul_add_e(a: E, b: E, c: E) -> E = both!(|i| vfmaq_f32(c[i], a[i], b[i]));
        fn max_e(a: E, b: E) -> E = both!(|i| vbslq_f32(vcgtq_f32(a[i], b[i]), a[i], b[i]));
        fn abs_e(a: E) -> E = both!(|i| vabsq_f32(a[i]));
        fn spread_e<const PART: usize>(a: E) -> E = {
            let four = a[PART / 2];
            match PART % 2 {
                0 => [vdupq_laneq_f32::<0>(four), vdupq_laneq_f32::<1>(four)],
                _ => [vdupq_laneq_f32::<2>(four), vdupq_laneq_f32::<3>(four)],
            }
        };
        fn sum_e(a: E) -> f32 = {
            let four = vaddq_f32(a[0], a[1]);
            vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)))
        };
        fn reduce_max_e(a: E) -> f32 = vmaxvq_f32(vmaxq_f32(a[0], a[1]));
        fn to_bits_e(a: E) -> P = both!(|i| vreinterpretq_s32_f32(a[i]));
        fn of_bits_e(a: P) -> E = both!(|i| vreinterpretq_f32_s32(a[i]));
        fn lookup_e(low: E, high: E, index: P) -> E = {
            let ([a, b], [c, d]) =
                (both!(|i| vreinterpretq_u8_f32(low[i])), both!(|i| vreinterpretq_u8_f32(high[i])));
            both!(|i| {
                // The bytes of entry n are 4n to 4n + 3.
                let entry = vandq_s32(index[i], vdupq_n_s32(15));
                let places = vmlaq_s32(vdupq_n_s32(0x0302_0100), entry, vdupq_n_s32(0x0404_0404));
                vreinterpretq_f32_u8(vqtbl4q_u8(uint8x16x4_t(a, b, c, d), vreinterpretq_u8_s32(places)))
            })
        };
        fn round_b(a: [E; 4]) -> B = [vuzp1q_u8(round(a[0]), round(a[1])), vuzp1q_u8(round(a[2]), round(a[3]))];
    }

    memory! {
        fn load_b(p: *const u8) -> B = [vld1q_u8(p), vld1q_u8(p.add(16))];
        fn load_halves_b(low: *const u8, high: *const u8) -> B = [vld1q_u8(low), vld1q_u8(high)];
        fn splat_four_b(p: *const u8) -> B =
            [vreinterpretq_u8_u32(vdupq_n_u32(p.cast::<u32>().read_unaligned())); 2];
        fn store_b(p: *mut u8, v: B) = {
            vst1q_u8(p, v[0]);
            vst1q_u8(p.add(16), v[1])
        };
        fn load_h(p: *const i16) -> H = [vld1q_s16(p), vld1q_s16(p.add(8))];
        fn load_p(p: *const i32) -> P = [vld1q_s32(p), vld1q_s32(p.add(4))];
        fn store_p(p: *mut i32, v: P) = {
            vst1q_s32(p, v[0]);
            vst1q_s32(p.add(4), v[1])
        };
        fn load_e(p: *const f32) -> E = [vld1q_f32(p), vld1q_f32(p.add(4))];
        fn load_f16_e(p: *const u16) -> E = {
            let halves = vreinterpretq_f16_u16(vld1q_u16(p));
            [vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)]
        };
        fn store_e(p: *mut f32, v: E) = {
            vst1q_f32(p, v[0]);
            vst1q_f32(p.add(4), v[1])
        };
        fn gather_e(p: *const f32, index: P) -> E = {
            let mut at = [0_i32; 8];
            vst1q_s32(at.as_mut_ptr(), index[0]);
            vst1q_s32(at.as_mut_ptr().add(4), index[1]);
            let mut values = [0.0; 8];
            for i in 0..8 {
                values[i] = p.add(at[i] as usize).read_unaligned();
            }
            [vld1q_f32(values.as_ptr()), vld1q_f32(values.as_ptr().add(4))]
        };
    }

    #[inline(always)]
    fn prefetch(self, p: *const u8) {
        // SAFETY: a hint; no address faults.
        unsafe { asm!("prfm pldl1keep, [{p}]", p = in(reg) p, options(nostack, preserves_flags, readonly)) }
    }
}
