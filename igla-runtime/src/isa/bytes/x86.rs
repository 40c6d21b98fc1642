//! AVX2 instructions, for both levels that have them.

use std::arch::x86_64::*;

use super::{BYTES, ByteIsa};
use crate::isa::{Avx2, Avx512};

/// Operations on values only.
macro_rules! values {
    ($(fn $name:ident $(<const $k:ident: $kt:ty>)? ($($a:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        #[allow(unused_unsafe, reason = "some operations only change what a register is called")]
        fn $name $(<const $k: $kt>)? (self, $($a: $t),*) -> $r {
            // SAFETY: `self` exists, so this CPU has AVX2, FMA and F16C; no memory but constants is touched.
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

type B = __m256i;
type H = __m256i;
type P = __m256i;
type E = __m256;

/// Bytes 0 to 7, …, 24 to 31 as the low 8 bytes of a register.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn part<const PART: usize>(a: B) -> __m128i {
    // SAFETY: the caller's.
    unsafe {
        match PART {
            0 => _mm256_castsi256_si128(a),
            1 => _mm_srli_si128::<8>(_mm256_castsi256_si128(a)),
            2 => _mm256_extracti128_si256::<1>(a),
            _ => _mm_srli_si128::<8>(_mm256_extracti128_si256::<1>(a)),
        }
    }
}

macro_rules! level {
    ($level:ty) => {
        impl ByteIsa for $level {
            type B = B;
            type H = H;
            type P = P;
            type E = E;

            values! {
                fn splat_b(a: u8) -> B = _mm256_set1_epi8(a as i8);
                fn and_b(a: B, b: B) -> B = _mm256_and_si256(a, b);
                fn or_b(a: B, b: B) -> B = _mm256_or_si256(a, b);
                fn xor_b(a: B, b: B) -> B = _mm256_xor_si256(a, b);
                fn add_b(a: B, b: B) -> B = _mm256_add_epi8(a, b);
                fn sub_b(a: B, b: B) -> B = _mm256_sub_epi8(a, b);
                fn eq_b(a: B, b: B) -> B = _mm256_cmpeq_epi8(a, b);
                fn select_b(m: B, a: B, b: B) -> B = _mm256_blendv_epi8(b, a, m);
                // There are no shifts of bytes: shift pairs and clear what came from the neighbour.
                fn shl_b<const K: i32>(a: B) -> B =
                    _mm256_and_si256(_mm256_slli_epi16::<K>(a), _mm256_set1_epi8((255u8 << K) as i8));
                fn shr_b<const K: i32>(a: B) -> B =
                    _mm256_and_si256(_mm256_srli_epi16::<K>(a), _mm256_set1_epi8((255u8 >> K) as i8));
                fn shuffle_b(a: B, index: B) -> B = _mm256_shuffle_epi8(a, index);
                fn mul_low_b(a: B, b: B) -> B = {
                    let low = _mm256_set1_epi16(255);
                    let even = _mm256_and_si256(_mm256_mullo_epi16(a, b), low);
                    // The high byte of `a` times that of `b`, where only the low byte of `b` is missing.
                    let odd = _mm256_mullo_epi16(_mm256_andnot_si256(low, a), _mm256_srli_epi16::<8>(b));
                    _mm256_or_si256(even, odd)
                };
                fn mul_high_b(a: B, even: H, odd: H) -> B = {
                    let low = _mm256_set1_epi16(255);
                    let even = _mm256_mullo_epi16(_mm256_and_si256(a, low), even);
                    let odd = _mm256_mullo_epi16(_mm256_srli_epi16::<8>(a), odd);
                    _mm256_or_si256(_mm256_srli_epi16::<8>(even), _mm256_andnot_si256(low, odd))
                };
                fn abs_b(a: B) -> B = _mm256_abs_epi8(a);
                fn sign_b(a: B, by: B) -> B = _mm256_sign_epi8(a, by);

                fn pairs_b(u: B, s: B) -> H = _mm256_maddubs_epi16(u, s);
                fn splat_h(a: i16) -> H = _mm256_set1_epi16(a);
                fn add_h(a: H, b: H) -> H = _mm256_add_epi16(a, b);
                fn sum_h(a: H) -> P = _mm256_madd_epi16(a, _mm256_set1_epi16(1));
                fn splat_p(a: i32) -> P = _mm256_set1_epi32(a);
                fn add_p(a: P, b: P) -> P = _mm256_add_epi32(a, b);
                fn sub_p(a: P, b: P) -> P = _mm256_sub_epi32(a, b);
                fn mul_p(a: P, b: P) -> P = _mm256_mullo_epi32(a, b);
                fn widen_u<const PART: usize>(a: B) -> P = _mm256_cvtepu8_epi32(part::<PART>(a));
                fn widen_s<const PART: usize>(a: B) -> P = _mm256_cvtepi8_epi32(part::<PART>(a));
                fn to_e(a: P) -> E = _mm256_cvtepi32_ps(a);
                fn fours(a: B) -> P = a;
                fn bytes(a: P) -> B = a;
                fn transpose_p(a: [P; 8]) -> [P; 8] = {
                    // Pairs of rows interleaved by 32, then by 64 bits, then halves exchanged.
                    let [a0, a1, a2, a3, a4, a5, a6, a7] = a;
                    let (b0, b1) = (_mm256_unpacklo_epi32(a0, a1), _mm256_unpackhi_epi32(a0, a1));
                    let (b2, b3) = (_mm256_unpacklo_epi32(a2, a3), _mm256_unpackhi_epi32(a2, a3));
                    let (b4, b5) = (_mm256_unpacklo_epi32(a4, a5), _mm256_unpackhi_epi32(a4, a5));
                    let (b6, b7) = (_mm256_unpacklo_epi32(a6, a7), _mm256_unpackhi_epi32(a6, a7));
                    let (c0, c1) = (_mm256_unpacklo_epi64(b0, b2), _mm256_unpackhi_epi64(b0, b2));
                    let (c2, c3) = (_mm256_unpacklo_epi64(b1, b3), _mm256_unpackhi_epi64(b1, b3));
                    let (c4, c5) = (_mm256_unpacklo_epi64(b4, b6), _mm256_unpackhi_epi64(b4, b6));
                    let (c6, c7) = (_mm256_unpacklo_epi64(b5, b7), _mm256_unpackhi_epi64(b5, b7));
                    [
                        _mm256_permute2x128_si256::<0x20>(c0, c4),
                        _mm256_permute2x128_si256::<0x20>(c1, c5),
                        _mm256_permute2x128_si256::<0x20>(c2, c6),
                        _mm256_permute2x128_si256::<0x20>(c3, c7),
                        _mm256_permute2x128_si256::<0x31>(c0, c4),
                        _mm256_permute2x128_si256::<0x31>(c1, c5),
                        _mm256_permute2x128_si256::<0x31>(c2, c6),
                        _mm256_permute2x128_si256::<0x31>(c3, c7),
                    ]
                };

                fn splat_e(a: f32) -> E = _mm256_set1_ps(a);
                fn splat_f16_e(bits: u16) -> E = _mm256_cvtph_ps(_mm_set1_epi16(bits as i16));
                fn splat_bf16_e(bits: u16) -> E =
                    _mm256_castsi256_ps(_mm256_set1_epi32((u32::from(bits) << 16) as i32));
                fn add_e(a: E, b: E) -> E = _mm256_add_ps(a, b);
                fn sub_e(a: E, b: E) -> E = _mm256_sub_ps(a, b);
                fn mul_e(a: E, b: E) -> E = _mm256_mul_ps(a, b);
                fn div_e(a: E, b: E) -> E = _mm256_div_ps(a, b);
                fn mul_add_e(a: E, b: E, c: E) -> E = _mm256_fmadd_ps(a, b, c);
                fn max_e(a: E, b: E) -> E = _mm256_max_ps(a, b);
                fn abs_e(a: E) -> E =
                    _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX)));
                fn spread_e<const PART: usize>(a: E) -> E = {
                    let half = match PART {
                        0 | 1 => _mm256_permute2f128_ps::<0x00>(a, a),
                        _ => _mm256_permute2f128_ps::<0x11>(a, a),
                    };
                    let at = (PART % 2 * 2) as i32;
                    _mm256_permutevar_ps(half, _mm256_setr_epi32(at, at, at, at, at + 1, at + 1, at + 1, at + 1))
                };
                fn sum_e(a: E) -> f32 = {
                    let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
                    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
                };
                fn reduce_max_e(a: E) -> f32 = {
                    let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
                    let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
                    _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
                };
                fn to_bits_e(a: E) -> P = _mm256_castps_si256(a);
                fn of_bits_e(a: P) -> E = _mm256_castsi256_ps(a);
                fn lookup_e(low: E, high: E, index: P) -> E = {
                    let high_half = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
                    let (low, high) =
                        (_mm256_permutevar8x32_ps(low, index), _mm256_permutevar8x32_ps(high, index));
                    _mm256_blendv_ps(low, high, high_half)
                };
                fn round_b(a: [E; 4]) -> B = {
                    let (x, y) = (
                        _mm256_packs_epi32(_mm256_cvtps_epi32(a[0]), _mm256_cvtps_epi32(a[1])),
                        _mm256_packs_epi32(_mm256_cvtps_epi32(a[2]), _mm256_cvtps_epi32(a[3])),
                    );
                    // Packing works in halves, so fours of bytes come out as 0 2 4 6 1 3 5 7.
                    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
                    _mm256_permutevar8x32_epi32(_mm256_packs_epi16(x, y), order)
                };
            }

            memory! {
                fn load_b(p: *const u8) -> B = _mm256_loadu_si256(p.cast());
                fn load_halves_b(low: *const u8, high: *const u8) -> B = _mm256_loadu2_m128i(high.cast(), low.cast());
                fn splat_four_b(p: *const u8) -> B = _mm256_set1_epi32(p.cast::<i32>().read_unaligned());
                fn store_b(p: *mut u8, v: B) = _mm256_storeu_si256(p.cast(), v);
                fn load_h(p: *const i16) -> H = _mm256_loadu_si256(p.cast());
                fn load_p(p: *const i32) -> P = _mm256_loadu_si256(p.cast());
                fn store_p(p: *mut i32, v: P) = _mm256_storeu_si256(p.cast(), v);
                fn load_e(p: *const f32) -> E = _mm256_loadu_ps(p);
                fn load_f16_e(p: *const u16) -> E = _mm256_cvtph_ps(_mm_loadu_si128(p.cast()));
                fn store_e(p: *mut f32, v: E) = _mm256_storeu_ps(p, v);
                fn gather_e(p: *const f32, index: P) -> E = _mm256_i32gather_ps::<4>(p, index);
            }

            #[inline(always)]
            fn prefetch(self, p: *const u8) {
                // SAFETY: a hint; no address faults.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
            }
        }
    };
}

const _: () = assert!(size_of::<B>() == BYTES);

level!(Avx2);
level!(Avx512);
