//! The AVX-512 level: sixteen lanes, masks in mask registers.

use std::arch::x86_64::*;

use super::{Isa, Kernel, Sealed};
use crate::level::Level;

/// Token: this CPU has the AVX-512 level.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The token, if this CPU has the level.
    #[inline]
    pub fn new() -> Option<Self> {
        Level::Avx512.is_available().then_some(Avx512(()))
    }
}

/// Work with this level's features enabled: a method of the work for the reason given at [`super::Kernel`].
trait Features: Kernel + Sized {
    /// # Safety
    /// The CPU must have the AVX-512 level.
    #[inline(never)]
    #[target_feature(
        enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
    )]
    unsafe fn with_features(self, s: Avx512) -> Self::Output {
        self.run(s)
    }
}

impl<K: Kernel> Features for K {}

/// Operations on values only.
macro_rules! values {
    ($(fn $name:ident $(<const $k:ident: $kt:ty>)? ($($a:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        #[allow(unused_unsafe, reason = "mask operations of some levels are plain integer operations")]
        fn $name $(<const $k: $kt>)? (self, $($a: $t),*) -> $r {
            // SAFETY: `self` exists, so this CPU has AVX-512 F, BW, DQ and VL; no memory is touched.
            unsafe { $e }
        }
    )*};
}

/// Operations on memory.
macro_rules! memory {
    ($(fn $name:ident($($a:ident: $t:ty),*) $(-> $r:ty)? = $e:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name(self, $($a: $t),*) $(-> $r)? {
            // SAFETY: `self` exists, so this CPU has the instructions; the caller vouches for the memory,
            // and masked instructions touch active lanes only.
            unsafe { $e }
        }
    )*};
}

type F = __m512;
type I = __m512i;
type M = __mmask16;
type D = [__m512d; 2];

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

/// All but the exponent's work of rounding `v` to bfloat16; the result is in the low half of each lane.
#[inline(always)]
unsafe fn bf16_words(v: F) -> I {
    // SAFETY: only called by `Avx512`'s operations; no memory is touched.
    unsafe {
        let bits = _mm512_castps_si512(v);
        let high = _mm512_srli_epi32::<16>(bits);
        let odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
        let bias = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
        let rounded = _mm512_srli_epi32::<16>(_mm512_add_epi32(bits, bias));
        let quiet = _mm512_or_si512(high, _mm512_set1_epi32(0x40));
        _mm512_mask_blend_epi32(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v), rounded, quiet)
    }
}

impl Sealed for Avx512 {}

impl Isa for Avx512 {
    const LEVEL: Level = Level::Avx512;
    const WIDTH: usize = 16;
    type F = F;
    type I = I;
    type M = M;
    type D = D;

    #[inline]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` exists, so this CPU has the level.
        unsafe { kernel.with_features(self) }
    }

    values! {
        fn splat_f(a: f32) -> F = _mm512_set1_ps(a);
        fn add(a: F, b: F) -> F = _mm512_add_ps(a, b);
        fn sub(a: F, b: F) -> F = _mm512_sub_ps(a, b);
        fn mul(a: F, b: F) -> F = _mm512_mul_ps(a, b);
        fn div(a: F, b: F) -> F = _mm512_div_ps(a, b);
        fn mul_add(a: F, b: F, c: F) -> F = _mm512_fmadd_ps(a, b, c);
        fn neg_mul_add(a: F, b: F, c: F) -> F = _mm512_fnmadd_ps(a, b, c);
        fn max_or_second(a: F, b: F) -> F = _mm512_max_ps(a, b);
        fn min_or_second(a: F, b: F) -> F = _mm512_min_ps(a, b);
        fn sqrt(a: F) -> F = _mm512_sqrt_ps(a);
        fn floor(a: F) -> F = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a);
        fn ceil(a: F) -> F = _mm512_roundscale_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a);
        fn round(a: F) -> F = _mm512_roundscale_ps::<NEAREST>(a);
        fn trunc(a: F) -> F = _mm512_roundscale_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a);
        fn lt(a: F, b: F) -> M = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        fn le(a: F, b: F) -> M = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
        fn eq(a: F, b: F) -> M = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
        fn ne(a: F, b: F) -> M = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(a, b);
        fn swap<const D: usize>(a: F) -> F = match D {
            1 => _mm512_permute_ps::<0b10_11_00_01>(a),
            2 => _mm512_permute_ps::<0b01_00_11_10>(a),
            4 => _mm512_shuffle_f32x4::<0b10_11_00_01>(a, a),
            _ => _mm512_shuffle_f32x4::<0b01_00_11_10>(a, a),
        };
        fn first(a: F) -> f32 = _mm512_cvtss_f32(a);
        fn scale(a: F, n: F) -> F = _mm512_scalef_ps(a, n);
        fn to_i32(a: F) -> I = {
            // The instruction gives 0x8000_0000 for everything out of range.
            let raw = _mm512_cvttps_epi32(a);
            let large = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, _mm512_set1_ps(2_147_483_648.0));
            let saturated = _mm512_mask_mov_epi32(raw, large, _mm512_set1_epi32(i32::MAX));
            _mm512_maskz_mov_epi32(_mm512_cmp_ps_mask::<_CMP_ORD_Q>(a, a), saturated)
        };
        fn to_i32_in_range(a: F) -> I = _mm512_cvttps_epi32(a);
        fn to_bits(a: F) -> I = _mm512_castps_si512(a);
        fn from_bits(a: I) -> F = _mm512_castsi512_ps(a);

        fn splat_i(a: i32) -> I = _mm512_set1_epi32(a);
        fn iota() -> I = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        fn add_i(a: I, b: I) -> I = _mm512_add_epi32(a, b);
        fn sub_i(a: I, b: I) -> I = _mm512_sub_epi32(a, b);
        fn mul_i(a: I, b: I) -> I = _mm512_mullo_epi32(a, b);
        fn max_i(a: I, b: I) -> I = _mm512_max_epi32(a, b);
        fn min_i(a: I, b: I) -> I = _mm512_min_epi32(a, b);
        fn and_i(a: I, b: I) -> I = _mm512_and_si512(a, b);
        fn or_i(a: I, b: I) -> I = _mm512_or_si512(a, b);
        fn xor_i(a: I, b: I) -> I = _mm512_xor_si512(a, b);
        fn shl_i<const K: u32>(a: I) -> I = _mm512_slli_epi32::<K>(a);
        fn sar_i<const K: u32>(a: I) -> I = _mm512_srai_epi32::<K>(a);
        fn sar_by_i(a: I, by: i32) -> I = _mm512_sra_epi32(a, _mm_cvtsi32_si128(by));
        fn lt_i(a: I, b: I) -> M = _mm512_cmplt_epi32_mask(a, b);
        fn eq_i(a: I, b: I) -> M = _mm512_cmpeq_epi32_mask(a, b);
        fn to_f32(a: I) -> F = _mm512_cvtepi32_ps(a);

        fn splat_m(a: bool) -> M = (a as M).wrapping_neg();
        fn mask_from_bits(bits: u32) -> M = bits as M;
        fn mask_prefix(span: usize, first: usize) -> M = _bzhi_u32(0xffff, span.saturating_sub(first) as u32) as M;
        fn mask_bits(m: M) -> u32 = m as u32;
        fn and_m(a: M, b: M) -> M = a & b;
        fn or_m(a: M, b: M) -> M = a | b;
        fn not_m(a: M) -> M = !a;
        fn select(m: M, a: F, b: F) -> F = _mm512_mask_blend_ps(m, b, a);
        fn select_i(m: M, a: I, b: I) -> I = _mm512_mask_blend_epi32(m, b, a);

        fn widen(a: F) -> D = [
            _mm512_cvtps_pd(_mm512_castps512_ps256(a)),
            _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(a)),
        ];
        fn narrow(a: D) -> F = {
            let low = _mm512_castps256_ps512(_mm512_cvtpd_ps(a[0]));
            _mm512_insertf32x8::<1>(low, _mm512_cvtpd_ps(a[1]))
        };
        fn splat_d(a: f64) -> D = [_mm512_set1_pd(a); 2];
        fn add_d(a: D, b: D) -> D = [_mm512_add_pd(a[0], b[0]), _mm512_add_pd(a[1], b[1])];
        fn sub_d(a: D, b: D) -> D = [_mm512_sub_pd(a[0], b[0]), _mm512_sub_pd(a[1], b[1])];
        fn mul_d(a: D, b: D) -> D = [_mm512_mul_pd(a[0], b[0]), _mm512_mul_pd(a[1], b[1])];
        fn div_d(a: D, b: D) -> D = [_mm512_div_pd(a[0], b[0]), _mm512_div_pd(a[1], b[1])];
        fn round_d(a: D) -> D =
            [_mm512_roundscale_pd::<NEAREST>(a[0]), _mm512_roundscale_pd::<NEAREST>(a[1])];
        fn residual_d(a: D, b: D, c: D) -> D =
            [_mm512_fnmadd_pd(a[0], b[0], c[0]), _mm512_fnmadd_pd(a[1], b[1], c[1])];
    }

    memory! {
        fn load_f32(p: *const f32) -> F = _mm512_loadu_ps(p);
        fn store_f32(p: *mut f32, v: F) = _mm512_storeu_ps(p, v);
        fn load_f32_masked(m: M, p: *const f32) -> F = _mm512_maskz_loadu_ps(m, p);
        fn store_f32_masked(m: M, p: *mut f32, v: F) = _mm512_mask_storeu_ps(p, m, v);
        fn load_i32(p: *const i32) -> I = _mm512_loadu_si512(p.cast());
        fn store_i32(p: *mut i32, v: I) = _mm512_storeu_si512(p.cast(), v);
        fn load_i32_masked(m: M, p: *const i32) -> I = _mm512_maskz_loadu_epi32(m, p);
        fn store_i32_masked(m: M, p: *mut i32, v: I) = _mm512_mask_storeu_epi32(p, m, v);
        fn load_f16(p: *const u16) -> F = _mm512_cvtph_ps(_mm256_loadu_si256(p.cast()));
        fn store_f16(p: *mut u16, v: F) =
            _mm256_storeu_si256(p.cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v));
        fn load_bf16(p: *const u16) -> F = {
            let bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits))
        };
        fn store_bf16(p: *mut u16, v: F) =
            _mm256_storeu_si256(p.cast(), _mm512_cvtepi32_epi16(bf16_words(v)));
        fn load_i8(p: *const u8) -> I = _mm512_cvtepi8_epi32(_mm_loadu_si128(p.cast()));
        fn store_i8(p: *mut u8, v: I) = _mm_storeu_si128(p.cast(), _mm512_cvtsepi32_epi8(v));
        fn load_u8(p: *const u8) -> I = _mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast()));
        fn store_u8(p: *mut u8, v: I) = {
            let positive = _mm512_max_epi32(v, _mm512_setzero_si512());
            _mm_storeu_si128(p.cast(), _mm512_cvtusepi32_epi8(positive))
        };
    }
}
