//! The register of NEON.

use core::arch::aarch64::*;

use super::{HIGH, Reg};

/// What every 64-bit ARM has.
#[derive(Clone, Copy)]
pub(in super::super) struct Vreg(float32x4_t);

impl Reg for Vreg {
    const WIDTH: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(vdupq_n_f32(0.0)) }
    }

    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(vld1q_dup_f32(p)) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(vld1q_f32(p)) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        // Not a copy of `n` elements, which is a call, and would find all registers full.
        // SAFETY: the trait's contract; only the first `n` elements are read.
        unsafe {
            let zero = vdup_n_f32(0.0);
            Self(match n {
                0 => vcombine_f32(zero, zero),
                1 => vcombine_f32(vset_lane_f32::<0>(*p, zero), zero),
                2 => vcombine_f32(vld1_f32(p), zero),
                _ => vcombine_f32(vld1_f32(p), vset_lane_f32::<0>(*p.add(2), zero)),
            })
        }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the trait's contract.
        unsafe { vst1q_f32(p, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        // SAFETY: the trait's contract; only the first `n` elements are written.
        unsafe {
            if n >= 2 {
                vst1_f32(p, vget_low_f32(self.0));
            }
            match n {
                1 => *p = vgetq_lane_f32::<0>(self.0),
                3 => *p.add(2) = vgetq_lane_f32::<2>(self.0),
                _ => (),
            }
        }
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(vfmaq_f32(self.0, a.0, b.0)) }
    }

    /// Four rows of A are one load, and each is a lane that the multiply-add picks: a broadcast takes one of the units
    /// that multiply on many of these CPUs.
    #[inline(always)]
    unsafe fn outer<const MR: usize, const NV: usize>(
        acc: &mut [[Self; NV]; MR],
        a: *const f32,
        x: [Self; NV],
    ) {
        for (i, acc) in acc.iter_mut().enumerate() {
            // SAFETY: the trait's contract; the last four rows, if there are four, overlap those before them.
            unsafe {
                if MR < 4 {
                    let y = Self::splat(a.add(i));
                    for (acc, x) in acc.iter_mut().zip(x) {
                        *acc = acc.fma(y, x);
                    }
                } else {
                    let first = (i / 4 * 4).min(MR - 4);
                    let y = Self::load(a.add(first));
                    for (acc, x) in acc.iter_mut().zip(x) {
                        *acc = acc.fma_lane(x, y, i - first);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn low_half(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(vreinterpretq_f32_u32(vshlq_n_u32::<16>(vreinterpretq_u32_f32(self.0)))) }
    }

    #[inline(always)]
    unsafe fn high_half(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let high = vandq_u32(vreinterpretq_u32_f32(self.0), vdupq_n_u32(HIGH));
            Self(vreinterpretq_f32_u32(high))
        }
    }

    #[inline(always)]
    unsafe fn even_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let high = vshlq_n_s16::<8>(vreinterpretq_s16_f32(self.0));
            Self(vreinterpretq_f32_s16(vshrq_n_s16::<8>(high)))
        }
    }

    #[inline(always)]
    unsafe fn odd_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(vreinterpretq_f32_s16(vshrq_n_s16::<8>(vreinterpretq_s16_f32(self.0)))) }
    }

    #[inline(always)]
    unsafe fn add_halves(self, a: Self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let (a, b) = (vreinterpretq_s16_f32(a.0), vreinterpretq_s16_f32(b.0));
            let low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
            let products = vpaddq_s32(low, vmull_high_s16(a, b));
            Self(vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(self.0), products)))
        }
    }

    #[inline(always)]
    unsafe fn fold4(self) -> [f32; 4] {
        let mut lanes = [0.0_f32; 4];
        // SAFETY: the trait's contract; four lanes.
        unsafe { vst1q_f32(lanes.as_mut_ptr(), self.0) }
        lanes
    }
}

impl Vreg {
    /// `self + x·y[lane]`; the lane is a constant once loops are unrolled.
    ///
    /// # Safety
    /// As [`Reg`]'s functions.
    #[inline(always)]
    unsafe fn fma_lane(self, x: Self, y: Self, lane: usize) -> Self {
        // SAFETY: the caller's contract.
        unsafe {
            Self(match lane {
                0 => vfmaq_laneq_f32::<0>(self.0, x.0, y.0),
                1 => vfmaq_laneq_f32::<1>(self.0, x.0, y.0),
                2 => vfmaq_laneq_f32::<2>(self.0, x.0, y.0),
                _ => vfmaq_laneq_f32::<3>(self.0, x.0, y.0),
            })
        }
    }
}
