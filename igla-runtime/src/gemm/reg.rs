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
mod x86;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Ymm, Zmm};
