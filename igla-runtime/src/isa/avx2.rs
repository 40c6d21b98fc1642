//! The AVX2 level: eight lanes, with FMA and F16C.
//!
//! Masks are full registers (all ones for true). Memory masks of 16-bit and 8-bit values do not exist
//! here; callers go through a buffer for those.

use std::arch::x86_64::*;

use super::{Isa, Kernel, Sealed};
use crate::lanes::MAX_UNROLL;
use crate::level::Level;

/// Token: this CPU has the AVX2 level.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// The token, if this CPU has the level.
    #[inline]
    pub fn new() -> Option<Self> {
        Level::Avx2.is_available().then_some(Avx2(()))
    }
}

/// Work with this level's features enabled: a method of the work for the reason given at [`super::Kernel`].
trait Features: Kernel + Sized {
    /// # Safety
    /// The CPU must have the AVX2 level.
    #[inline(never)]
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn with_features(self, s: Avx2) -> Self::Output {
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
            // SAFETY: `self` exists, so this CPU has the instructions; the caller vouches for the memory,
            // and masked instructions touch active lanes only.
            unsafe { $e }
        }
    )*};
}

/// Bits to shift so that bit `i` of a mask becomes the sign of lane `i`.
const SHIFTS: [i32; 8] = [31, 30, 29, 28, 27, 26, 25, 24];

/// Length of [`PREFIXES`].
const WINDOW: usize = 2 * 8 * MAX_UNROLL;

/// All ones, then as many zeros: eight entries from the right place are the mask of a prefix.
static PREFIXES: [i32; WINDOW] = {
    let mut window = [0; WINDOW];
    let mut i = 0;
    while i < WINDOW / 2 {
        window[i] = -1;
        i += 1;
    }
    window
};

impl Sealed for Avx2 {}

impl Isa for Avx2 {
    const LEVEL: Level = Level::Avx2;
    const WIDTH: usize = 8;
    type F = __m256;
    type I = __m256i;
    type M = __m256i;
    type D = [__m256d; 2];

    #[inline]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        // SAFETY: `self` exists, so this CPU has the level.
        unsafe { kernel.with_features(self) }
    }

    values! {
        fn splat_f(a: f32) -> __m256 = _mm256_set1_ps(a);
        fn add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        fn sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        fn mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        fn div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        fn neg_mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fnmadd_ps(a, b, c);
        fn max_or_second(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        fn min_or_second(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
        fn sqrt(a: __m256) -> __m256 = _mm256_sqrt_ps(a);
        fn floor(a: __m256) -> __m256 = _mm256_floor_ps(a);
        fn ceil(a: __m256) -> __m256 = _mm256_ceil_ps(a);
        fn round(a: __m256) -> __m256 = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        fn trunc(a: __m256) -> __m256 = _mm256_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a);
        fn lt(a: __m256, b: __m256) -> __m256i = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b));
        fn le(a: __m256, b: __m256) -> __m256i = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b));
        fn eq(a: __m256, b: __m256) -> __m256i = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b));
        fn ne(a: __m256, b: __m256) -> __m256i = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_NEQ_UQ>(a, b));
        fn swap<const D: usize>(a: __m256) -> __m256 = match D {
            1 => _mm256_permute_ps::<0b10_11_00_01>(a),
            2 => _mm256_permute_ps::<0b01_00_11_10>(a),
            _ => _mm256_permute2f128_ps::<1>(a, a),
        };
        fn first(a: __m256) -> f32 = _mm256_cvtss_f32(a);
        fn scale(a: __m256, n: __m256) -> __m256 = {
            // Two factors cover −252..=254; the first product is exact or already out of range.
            let n = _mm256_cvtps_epi32(n);
            let half = _mm256_max_epi32(_mm256_srai_epi32::<1>(n), _mm256_set1_epi32(-126));
            let rest = _mm256_max_epi32(_mm256_sub_epi32(n, half), _mm256_set1_epi32(-126));
            let half = _mm256_min_epi32(half, _mm256_set1_epi32(127));
            let rest = _mm256_min_epi32(rest, _mm256_set1_epi32(127));
            let bias = _mm256_set1_epi32(127);
            let first = _mm256_slli_epi32::<23>(_mm256_add_epi32(half, bias));
            let second = _mm256_slli_epi32::<23>(_mm256_add_epi32(rest, bias));
            _mm256_mul_ps(_mm256_mul_ps(a, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second))
        };
        fn to_i32(a: __m256) -> __m256i = {
            // The instruction gives 0x8000_0000 for everything out of range: flip that to the maximum
            // where the value is large, clear it where the value is NaN.
            let raw = _mm256_cvttps_epi32(a);
            let large = _mm256_cmp_ps::<_CMP_GE_OQ>(a, _mm256_set1_ps(2_147_483_648.0));
            let number = _mm256_cmp_ps::<_CMP_ORD_Q>(a, a);
            let saturated = _mm256_xor_si256(raw, _mm256_castps_si256(large));
            _mm256_and_si256(saturated, _mm256_castps_si256(number))
        };
        fn to_i32_in_range(a: __m256) -> __m256i = _mm256_cvttps_epi32(a);
        fn to_bits(a: __m256) -> __m256i = _mm256_castps_si256(a);
        fn from_bits(a: __m256i) -> __m256 = _mm256_castsi256_ps(a);

        fn splat_i(a: i32) -> __m256i = _mm256_set1_epi32(a);
        fn iota() -> __m256i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        fn add_i(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
        fn sub_i(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi32(a, b);
        fn mul_i(a: __m256i, b: __m256i) -> __m256i = _mm256_mullo_epi32(a, b);
        fn max_i(a: __m256i, b: __m256i) -> __m256i = _mm256_max_epi32(a, b);
        fn min_i(a: __m256i, b: __m256i) -> __m256i = _mm256_min_epi32(a, b);
        fn and_i(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
        fn or_i(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
        fn xor_i(a: __m256i, b: __m256i) -> __m256i = _mm256_xor_si256(a, b);
        fn shl_i<const K: u32>(a: __m256i) -> __m256i = _mm256_sll_epi32(a, _mm_cvtsi32_si128(K as i32));
        fn sar_i<const K: u32>(a: __m256i) -> __m256i = _mm256_sra_epi32(a, _mm_cvtsi32_si128(K as i32));
        fn sar_by_i(a: __m256i, by: i32) -> __m256i = _mm256_sra_epi32(a, _mm_cvtsi32_si128(by));
        fn lt_i(a: __m256i, b: __m256i) -> __m256i = _mm256_cmpgt_epi32(b, a);
        fn eq_i(a: __m256i, b: __m256i) -> __m256i = _mm256_cmpeq_epi32(a, b);
        fn to_f32(a: __m256i) -> __m256 = _mm256_cvtepi32_ps(a);

        fn splat_m(a: bool) -> __m256i = _mm256_set1_epi32(-(a as i32));
        fn mask_from_bits(bits: u32) -> __m256i = {
            let shifts = _mm256_loadu_si256(SHIFTS.as_ptr().cast());
            _mm256_srai_epi32::<31>(_mm256_sllv_epi32(_mm256_set1_epi32(bits as i32), shifts))
        };
        fn mask_prefix(span: usize, first: usize) -> __m256i = {
            // Wrapping keeps the address defined; callers keep it inside the table.
            let start = (WINDOW / 2).wrapping_sub(span).wrapping_add(first) % (WINDOW - 7);
            _mm256_loadu_si256(PREFIXES.as_ptr().add(start).cast())
        };
        fn mask_bits(m: __m256i) -> u32 = _mm256_movemask_ps(_mm256_castsi256_ps(m)) as u32;
        fn and_m(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
        fn or_m(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
        fn not_m(a: __m256i) -> __m256i = _mm256_xor_si256(a, _mm256_set1_epi32(-1));
        fn select(m: __m256i, a: __m256, b: __m256) -> __m256 = _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m));
        fn select_i(m: __m256i, a: __m256i, b: __m256i) -> __m256i = _mm256_blendv_epi8(b, a, m);

        fn widen(a: __m256) -> [__m256d; 2] = [
            _mm256_cvtps_pd(_mm256_castps256_ps128(a)),
            _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(a)),
        ];
        fn narrow(a: [__m256d; 2]) -> __m256 = _mm256_set_m128(_mm256_cvtpd_ps(a[1]), _mm256_cvtpd_ps(a[0]));
        fn splat_d(a: f64) -> [__m256d; 2] = [_mm256_set1_pd(a); 2];
        fn add_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
            [_mm256_add_pd(a[0], b[0]), _mm256_add_pd(a[1], b[1])];
        fn sub_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
            [_mm256_sub_pd(a[0], b[0]), _mm256_sub_pd(a[1], b[1])];
        fn mul_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
            [_mm256_mul_pd(a[0], b[0]), _mm256_mul_pd(a[1], b[1])];
        fn div_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
            [_mm256_div_pd(a[0], b[0]), _mm256_div_pd(a[1], b[1])];
        fn round_d(a: [__m256d; 2]) -> [__m256d; 2] = [
            _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a[0]),
            _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a[1]),
        ];
        fn residual_d(a: [__m256d; 2], b: [__m256d; 2], c: [__m256d; 2]) -> [__m256d; 2] =
            [_mm256_fnmadd_pd(a[0], b[0], c[0]), _mm256_fnmadd_pd(a[1], b[1], c[1])];
    }

    memory! {
        fn load_f32(p: *const f32) -> __m256 = _mm256_loadu_ps(p);
        fn store_f32(p: *mut f32, v: __m256) = _mm256_storeu_ps(p, v);
        fn load_f32_masked(m: __m256i, p: *const f32) -> __m256 = _mm256_maskload_ps(p, m);
        fn store_f32_masked(m: __m256i, p: *mut f32, v: __m256) = _mm256_maskstore_ps(p, m, v);
        fn load_i32(p: *const i32) -> __m256i = _mm256_loadu_si256(p.cast());
        fn store_i32(p: *mut i32, v: __m256i) = _mm256_storeu_si256(p.cast(), v);
        fn load_i32_masked(m: __m256i, p: *const i32) -> __m256i = _mm256_maskload_epi32(p, m);
        fn store_i32_masked(m: __m256i, p: *mut i32, v: __m256i) = _mm256_maskstore_epi32(p, m, v);
        fn load_f16(p: *const u16) -> __m256 = _mm256_cvtph_ps(_mm_loadu_si128(p.cast()));
        fn store_f16(p: *mut u16, v: __m256) =
            _mm_storeu_si128(p.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v));
        fn load_bf16(p: *const u16) -> __m256 = {
            let bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits))
        };
        fn store_bf16(p: *mut u16, v: __m256) = {
            let bits = _mm256_castps_si256(v);
            let high = _mm256_srli_epi32::<16>(bits);
            let odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
            let bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
            let rounded = _mm256_srli_epi32::<16>(_mm256_add_epi32(bits, bias));
            let quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
            let words = _mm256_blendv_epi8(rounded, quiet, nan);
            let packed = _mm256_packus_epi32(words, words);
            let ordered = _mm256_permute4x64_epi64::<0b1000>(packed);
            _mm_storeu_si128(p.cast(), _mm256_castsi256_si128(ordered))
        };
        fn load_i8(p: *const u8) -> __m256i = _mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast()));
        fn store_i8(p: *mut u8, v: __m256i) = {
            let words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storel_epi64(p.cast(), _mm_packs_epi16(words, words))
        };
        fn load_u8(p: *const u8) -> __m256i = _mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()));
        fn store_u8(p: *mut u8, v: __m256i) = {
            let words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storel_epi64(p.cast(), _mm_packus_epi16(words, words))
        };
    }
}
