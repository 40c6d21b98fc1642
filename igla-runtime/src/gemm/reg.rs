//! One vector register of `f32` per level: the few instructions the microkernels are written in.
//!
//! These take raw pointers because a microkernel's operands are packed buffers and tile rows whose
//! bounds were checked once, for the whole product. Nothing else should use them: kernels work on
//! the checked lanes of this crate.

/// A register of [`Reg::WIDTH`] lanes.
///
/// # Safety
/// All functions: the CPU has the level, and the caller is inlined into a function compiled for
/// it; a pointer is valid for the lanes that are read or written.
pub(super) trait Reg: Copy {
    /// Lanes in the register; a divisor of the panel width.
    const WIDTH: usize;
    unsafe fn zero() -> Self;
    /// The element at `p` in all lanes.
    unsafe fn splat(p: *const f32) -> Self;
    /// The elements from `p` on, which may be any address.
    unsafe fn load(p: *const f32) -> Self;
    /// The first `n < WIDTH` lanes; the others are zero and their memory is not touched.
    unsafe fn load_first(p: *const f32, n: usize) -> Self;
    unsafe fn store(self, p: *mut f32);
    /// Writes the first `n < WIDTH` lanes; the memory of the others is not touched.
    unsafe fn store_first(self, p: *mut f32, n: usize);
    /// `self + a·b`, fused where the level has it.
    unsafe fn fma(self, a: Self, b: Self) -> Self;
    /// Adds `a[i]·x` to row `i` of a tile, for all of its rows.
    #[inline(always)]
    unsafe fn outer<const MR: usize, const NV: usize>(
        acc: &mut [[Self; NV]; MR],
        a: *const f32,
        x: [Self; NV],
    ) {
        for (i, acc) in acc.iter_mut().enumerate() {
            // SAFETY: the contract; `MR` numbers are readable at `a`.
            unsafe {
                let y = Self::splat(a.add(i));
                for (acc, x) in acc.iter_mut().zip(x) {
                    *acc = acc.fma(y, x);
                }
            }
        }
    }
    /// Lanes' low 16 bits as `bf16`.
    unsafe fn low_half(self) -> Self;
    /// Lanes' high 16 bits as `bf16`.
    unsafe fn high_half(self) -> Self;
    /// Lanes' bytes 0 and 2, signed, as two halves of 16 bits.
    unsafe fn even_bytes(self) -> Self;
    /// Lanes' bytes 1 and 3, signed, as two halves of 16 bits.
    unsafe fn odd_bytes(self) -> Self;
    /// `self + low(a)·low(b) + high(a)·high(b)` of whole numbers, halves of 16 bits and sums of 32, wrapping.
    unsafe fn add_halves(self, a: Self, b: Self) -> Self;
    /// Sums lanes that are equal modulo 4.
    unsafe fn fold4(self) -> [f32; 4];
    /// The sums of all lanes of each register, of whole numbers, wrapping, as words.
    #[inline(always)]
    unsafe fn whole_sums(x: &[Self; 4]) -> [f32; 4] {
        let mut sums = [0.0; 4];
        for (sum, x) in sums.iter_mut().zip(x) {
            let mut lanes = [0.0_f32; 16];
            // SAFETY: the contract; no register has more lanes.
            unsafe { x.store(lanes.as_mut_ptr()) };
            *sum = f32::from_bits(lanes.iter().fold(0, |sum, x| x.to_bits().wrapping_add(sum)));
        }
        sums
    }
}

/// The bits of a lane's high half.
const HIGH: u32 = 0xffff_0000;

/// The register of the scalar level.
#[cfg(target_arch = "x86_64")]
pub(super) use x86::Xmm as Baseline;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use Quad as Baseline;

/// Four lanes for the compiler to find registers for. It finds fewer than intrinsics use: on x86-64
/// tiles of these run at three quarters of the speed of [`Baseline`], dot products at a fifth.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
pub(super) struct Quad([f32; 4]);

/// Two whole numbers as the halves of a lane.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn halves(low: i16, high: i16) -> f32 {
    f32::from_bits(u32::from(low.cast_unsigned()) | u32::from(high.cast_unsigned()) << 16)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
impl Reg for Quad {
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 4])
    }

    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self([*p; 4]) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(p.cast::<[f32; 4]>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        // SAFETY: each element read is one of the first `n`.
        let lane = |i: usize| if i < n { unsafe { *p.add(i) } } else { 0.0 };
        Self([lane(0), lane(1), lane(2), lane(3)])
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { *p.cast() = self.0 }
    }

    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        for (i, x) in self.0.iter().enumerate().take(n) {
            // SAFETY: one of the first `n`.
            unsafe { *p.add(i) = *x }
        }
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        let lane = |i: usize| self.0[i] + a.0[i] * b.0[i];
        Self([lane(0), lane(1), lane(2), lane(3)])
    }

    #[inline(always)]
    unsafe fn low_half(self) -> Self {
        Self(self.0.map(|x| f32::from_bits(x.to_bits() << 16)))
    }

    #[inline(always)]
    unsafe fn high_half(self) -> Self {
        Self(self.0.map(|x| f32::from_bits(x.to_bits() & HIGH)))
    }

    #[inline(always)]
    unsafe fn even_bytes(self) -> Self {
        Self(self.0.map(|x| {
            let [a, _, b, _] = x.to_bits().to_le_bytes();
            halves(i16::from(a.cast_signed()), i16::from(b.cast_signed()))
        }))
    }

    #[inline(always)]
    unsafe fn odd_bytes(self) -> Self {
        Self(self.0.map(|x| {
            let [_, a, _, b] = x.to_bits().to_le_bytes();
            halves(i16::from(a.cast_signed()), i16::from(b.cast_signed()))
        }))
    }

    #[inline(always)]
    unsafe fn add_halves(self, a: Self, b: Self) -> Self {
        let half = |x: f32, shift: u32| i32::from((x.to_bits() >> shift) as i16);
        let lane = |i: usize| {
            let [a, b] = [a.0[i], b.0[i]];
            let sum = (half(a, 0) * half(b, 0)).wrapping_add(half(a, 16) * half(b, 16));
            f32::from_bits(self.0[i].to_bits().wrapping_add(sum.cast_unsigned()))
        };
        Self([lane(0), lane(1), lane(2), lane(3)])
    }

    #[inline(always)]
    unsafe fn fold4(self) -> [f32; 4] {
        self.0
    }
}

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
pub(super) use neon::Vreg;

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Ymm, Zmm};

#[cfg(target_arch = "x86_64")]
mod x86 {
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
                let high =
                    _mm512_and_si512(_mm512_castps_si512(self.0), _mm512_set1_epi32(HIGH.cast_signed()));
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
                let high =
                    _mm256_and_si256(_mm256_castps_si256(self.0), _mm256_set1_epi32(HIGH.cast_signed()));
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
}
