//! The registers of x86-64.

use core::arch::x86_64::*;

use super::{HIGH, Reg};

/// What every x86-64 has.
#[derive(Clone, Copy)]
pub(in super::super) struct Xmm(__m128);

impl Reg for Xmm {
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe { Self(_mm_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm_set1_ps(*p)) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm_loadu_ps(p)) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        let mut lanes = [0.0_f32; 4];
        // SAFETY: `n < 4` elements at `p`, and four lanes.
        unsafe {
            core::ptr::copy_nonoverlapping(p, lanes.as_mut_ptr(), n);
            Self(_mm_loadu_ps(lanes.as_ptr()))
        }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm_storeu_ps(p, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        let mut lanes = [0.0_f32; 4];
        // SAFETY: four lanes, of which `n < 4` fit `p`.
        unsafe {
            _mm_storeu_ps(lanes.as_mut_ptr(), self.0);
            core::ptr::copy_nonoverlapping(lanes.as_ptr(), p, n);
        }
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe { Self(_mm_add_ps(self.0, _mm_mul_ps(a.0, b.0))) }
    }

    #[inline(always)]
    unsafe fn low_half(self) -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe { Self(_mm_castsi128_ps(_mm_slli_epi32::<16>(_mm_castps_si128(self.0)))) }
    }

    #[inline(always)]
    unsafe fn high_half(self) -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe {
            let high = _mm_and_si128(_mm_castps_si128(self.0), _mm_set1_epi32(HIGH.cast_signed()));
            Self(_mm_castsi128_ps(high))
        }
    }

    #[inline(always)]
    unsafe fn even_bytes(self) -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe {
            let high = _mm_slli_epi16::<8>(_mm_castps_si128(self.0));
            Self(_mm_castsi128_ps(_mm_srai_epi16::<8>(high)))
        }
    }

    #[inline(always)]
    unsafe fn odd_bytes(self) -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe { Self(_mm_castsi128_ps(_mm_srai_epi16::<8>(_mm_castps_si128(self.0)))) }
    }

    #[inline(always)]
    unsafe fn add_halves(self, a: Self, b: Self) -> Self {
        // SAFETY: the baseline has SSE2.
        unsafe {
            let products = _mm_madd_epi16(_mm_castps_si128(a.0), _mm_castps_si128(b.0));
            Self(_mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(self.0), products)))
        }
    }

    #[inline(always)]
    unsafe fn fold4(self) -> [f32; 4] {
        // SAFETY: four lanes either way.
        unsafe { core::mem::transmute::<__m128, [f32; 4]>(self.0) }
    }
}

/// AVX-512.
#[derive(Clone, Copy)]
pub(in super::super) struct Zmm(__m512);

impl Reg for Zmm {
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_set1_ps(*p)) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_loadu_ps(p)) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        // SAFETY: the trait's contract; lanes outside the mask are not accessed.
        unsafe { Self(_mm512_maskz_loadu_ps((1u16 << n) - 1, p)) }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm512_storeu_ps(p, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        // SAFETY: the trait's contract; lanes outside the mask are not accessed.
        unsafe { _mm512_mask_storeu_ps(p, (1u16 << n) - 1, self.0) }
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_fmadd_ps(a.0, b.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn low_half(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_castps_si512(self.0)))) }
    }

    #[inline(always)]
    unsafe fn high_half(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let high = _mm512_and_si512(_mm512_castps_si512(self.0), _mm512_set1_epi32(HIGH.cast_signed()));
            Self(_mm512_castsi512_ps(high))
        }
    }

    #[inline(always)]
    unsafe fn even_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let high = _mm512_slli_epi16::<8>(_mm512_castps_si512(self.0));
            Self(_mm512_castsi512_ps(_mm512_srai_epi16::<8>(high)))
        }
    }

    #[inline(always)]
    unsafe fn odd_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_castsi512_ps(_mm512_srai_epi16::<8>(_mm512_castps_si512(self.0)))) }
    }

    #[inline(always)]
    unsafe fn add_halves(self, a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let products = _mm512_madd_epi16(_mm512_castps_si512(a.0), _mm512_castps_si512(b.0));
            Self(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(self.0), products)))
        }
    }

    #[inline(always)]
    unsafe fn fold4(self) -> [f32; 4] {
        // SAFETY: the trait's contract.
        unsafe {
            let high = _mm512_extractf32x8_ps::<1>(self.0);
            Ymm(_mm256_add_ps(_mm512_castps512_ps256(self.0), high)).fold4()
        }
    }

    #[inline(always)]
    unsafe fn whole_sums(x: &[Self; 4]) -> [f32; 4] {
        // SAFETY: the trait's contract; four lanes either way.
        unsafe {
            let (a, b) = (_mm512_castps_si512(x[0].0), _mm512_castps_si512(x[1].0));
            let (c, d) = (_mm512_castps_si512(x[2].0), _mm512_castps_si512(x[3].0));
            // Pairs of registers take turns, then pairs of those: each four lanes are parts of the four sums.
            let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
            let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
            let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
            let half = _mm512_extracti64x4_epi64::<1>(all);
            let half = _mm256_add_epi32(_mm512_castsi512_si256(all), half);
            let sums = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
            core::mem::transmute::<__m128i, [f32; 4]>(sums)
        }
    }
}

impl Zmm {
    /// `self + low(a)·low(b) + high(a)·high(b)` of lanes that are pairs of `bf16`; subnormal numbers count as 0.
    ///
    /// # Safety
    /// As [`Reg`]'s functions; the CPU has AVX-512 BF16.
    #[inline(always)]
    pub(in super::super) unsafe fn add_pairs(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's contract; registers of the same bits.
        unsafe {
            let pairs = |x: __m512| core::mem::transmute::<__m512, __m512bh>(x);
            Self(_mm512_dpbf16_ps(self.0, pairs(a.0), pairs(b.0)))
        }
    }

    /// `self` and the four products of lanes' bytes, `a`'s unsigned and `b`'s signed, wrapping.
    ///
    /// # Safety
    /// As [`Reg`]'s functions; the CPU has AVX-512 VNNI.
    #[inline(always)]
    pub(in super::super) unsafe fn add_fours(self, a: Self, b: Self) -> Self {
        // SAFETY: the caller's contract.
        unsafe {
            let bytes = |x: Self| _mm512_castps_si512(x.0);
            Self(_mm512_castsi512_ps(_mm512_dpbusd_epi32(bytes(self), bytes(a), bytes(b))))
        }
    }

    /// All bytes 128 larger, which makes signed ones unsigned.
    ///
    /// # Safety
    /// As [`Reg`]'s functions.
    #[inline(always)]
    pub(in super::super) unsafe fn offset_bytes(self) -> Self {
        // SAFETY: the caller's contract.
        unsafe {
            let flipped = _mm512_xor_si512(_mm512_castps_si512(self.0), _mm512_set1_epi8(-128));
            Self(_mm512_castsi512_ps(flipped))
        }
    }

    /// `self - a` of whole numbers, wrapping.
    ///
    /// # Safety
    /// As [`Reg`]'s functions.
    #[inline(always)]
    pub(in super::super) unsafe fn sub_whole(self, a: Self) -> Self {
        // SAFETY: the caller's contract.
        unsafe {
            let difference = _mm512_sub_epi32(_mm512_castps_si512(self.0), _mm512_castps_si512(a.0));
            Self(_mm512_castsi512_ps(difference))
        }
    }
}

/// AVX2 with FMA.
#[derive(Clone, Copy)]
pub(in super::super) struct Ymm(__m256);

/// A mask of the first `n ≤ 8` lanes.
///
/// # Safety
/// The CPU has AVX2, and the caller is inlined into a function compiled for it.
#[inline(always)]
unsafe fn first8(n: usize) -> __m256i {
    const EDGE: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: eight integers from any `8 - n` in 0..=8 are inside the table.
    unsafe { _mm256_loadu_si256(EDGE.as_ptr().add(8 - n).cast()) }
}

impl Reg for Ymm {
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_set1_ps(*p)) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_loadu_ps(p)) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        // SAFETY: the trait's contract; lanes outside the mask are not accessed.
        unsafe { Self(_mm256_maskload_ps(p, first8(n))) }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { _mm256_storeu_ps(p, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        // SAFETY: the trait's contract; lanes outside the mask are not accessed.
        unsafe { _mm256_maskstore_ps(p, first8(n), self.0) }
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_fmadd_ps(a.0, b.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn low_half(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_castps_si256(self.0)))) }
    }

    #[inline(always)]
    unsafe fn high_half(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let high = _mm256_and_si256(_mm256_castps_si256(self.0), _mm256_set1_epi32(HIGH.cast_signed()));
            Self(_mm256_castsi256_ps(high))
        }
    }

    #[inline(always)]
    unsafe fn even_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let high = _mm256_slli_epi16::<8>(_mm256_castps_si256(self.0));
            Self(_mm256_castsi256_ps(_mm256_srai_epi16::<8>(high)))
        }
    }

    #[inline(always)]
    unsafe fn odd_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_castsi256_ps(_mm256_srai_epi16::<8>(_mm256_castps_si256(self.0)))) }
    }

    #[inline(always)]
    unsafe fn add_halves(self, a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let products = _mm256_madd_epi16(_mm256_castps_si256(a.0), _mm256_castps_si256(b.0));
            Self(_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(self.0), products)))
        }
    }

    #[inline(always)]
    unsafe fn fold4(self) -> [f32; 4] {
        // SAFETY: the trait's contract.
        unsafe {
            let sums = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            core::mem::transmute::<__m128, [f32; 4]>(sums)
        }
    }

    #[inline(always)]
    unsafe fn whole_sums(x: &[Self; 4]) -> [f32; 4] {
        // SAFETY: the trait's contract; four lanes either way.
        unsafe {
            let (a, b) = (_mm256_castps_si256(x[0].0), _mm256_castps_si256(x[1].0));
            let (c, d) = (_mm256_castps_si256(x[2].0), _mm256_castps_si256(x[3].0));
            let all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
            let sums = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all));
            core::mem::transmute::<__m128i, [f32; 4]>(sums)
        }
    }
}
