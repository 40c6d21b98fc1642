//! The NEON level: four lanes, with fused multiply-add and conversions of binary16.
//!
//! Masks are full registers (all ones for true). There are no masked accesses: lanes that are not active read a
//! constant and write to a place of their own.

use std::arch::aarch64::*;

use super::{Isa, Kernel, Sealed};
use crate::level::Level;

/// Token: this CPU has the NEON level.
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

impl Neon {
    /// The token, if this CPU has the level.
    #[inline]
    pub fn new() -> Option<Self> {
        Level::Neon.is_available().then_some(Neon(()))
    }
}

/// Work with this level's features enabled: a method of the work for the reason given at [`super::Kernel`].
trait Features: Kernel + Sized {
    /// # Safety
    /// The CPU must have the NEON level.
    #[inline(never)]
    #[target_feature(enable = "neon")]
    unsafe fn with_features(self, s: Neon) -> Self::Output {
        self.run(s)
    }
}

impl<K: Kernel> Features for K {}

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
            // SAFETY: `self` exists, so this CPU has the instructions; the caller vouches for the memory; of masked accesses, for that of active lanes.
            unsafe { $e }
        }
    )*};
}

type F = float32x4_t;
type I = int32x4_t;
type M = uint32x4_t;
type D = [float64x2_t; 2];

/// `[values…]` in a register.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn lanes(values: [u32; 4]) -> M {
    // SAFETY: the caller's; the array has four values.
    unsafe { vld1q_u32(values.as_ptr()) }
}

/// The lanes, one by one.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn each(a: M) -> [u32; 4] {
    // SAFETY: the caller's.
    unsafe {
        [vgetq_lane_u32::<0>(a), vgetq_lane_u32::<1>(a), vgetq_lane_u32::<2>(a), vgetq_lane_u32::<3>(a)]
    }
}

/// Active lanes from memory, 0 elsewhere, by choosing addresses: no lane waits for a branch.
///
/// # Safety
/// The CPU has NEON. Values of active lanes must be readable.
#[inline(always)]
unsafe fn load_active(m: M, p: *const u32) -> M {
    let mut values = [0; 4];
    // SAFETY: each lane is active, so the caller says its value is readable, or its place is a constant.
    unsafe {
        let active = each(m);
        for i in 0..4 {
            let place = if active[i] != 0 { p.wrapping_add(i) } else { &0 };
            values[i] = place.read_unaligned();
        }
        lanes(values)
    }
}

/// Active lanes to memory, by choosing addresses.
///
/// # Safety
/// The CPU has NEON. Values of active lanes must be writable.
#[inline(always)]
unsafe fn store_active(m: M, p: *mut u32, v: M) {
    let mut unused = [0; 4];
    // SAFETY: each lane is active, so the caller says its value is writable, or its place is ours.
    unsafe {
        let (active, values) = (each(m), each(v));
        for i in 0..4 {
            let place = if active[i] != 0 { p.wrapping_add(i) } else { &raw mut unused[i] };
            place.write_unaligned(values[i]);
        }
    }
}

/// `2^n` for whole `n` in −126..=127.
///
/// # Safety
/// The CPU has NEON.
#[inline(always)]
unsafe fn power_of_two(n: I) -> F {
    // SAFETY: the caller's.
    unsafe { vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127)))) }
}

impl Sealed for Neon {}

impl Isa for Neon {
    const LEVEL: Level = Level::Neon;
    const WIDTH: usize = 4;
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
        fn splat_f(a: f32) -> F = vdupq_n_f32(a);
        fn add(a: F, b: F) -> F = vaddq_f32(a, b);
        fn sub(a: F, b: F) -> F = vsubq_f32(a, b);
        fn mul(a: F, b: F) -> F = vmulq_f32(a, b);
        fn div(a: F, b: F) -> F = vdivq_f32(a, b);
        fn mul_add(a: F, b: F, c: F) -> F = vfmaq_f32(c, a, b);
        fn neg_mul_add(a: F, b: F, c: F) -> F = vfmsq_f32(c, a, b);
        // The instructions for maximum and minimum give NaN for NaN and order the zeros.
        fn max_or_second(a: F, b: F) -> F = vbslq_f32(vcgtq_f32(a, b), a, b);
        fn min_or_second(a: F, b: F) -> F = vbslq_f32(vcltq_f32(a, b), a, b);
        fn sqrt(a: F) -> F = vsqrtq_f32(a);
        fn floor(a: F) -> F = vrndmq_f32(a);
        fn ceil(a: F) -> F = vrndpq_f32(a);
        fn round(a: F) -> F = vrndnq_f32(a);
        fn trunc(a: F) -> F = vrndq_f32(a);
        fn lt(a: F, b: F) -> M = vcltq_f32(a, b);
        fn le(a: F, b: F) -> M = vcleq_f32(a, b);
        fn eq(a: F, b: F) -> M = vceqq_f32(a, b);
        fn ne(a: F, b: F) -> M = vmvnq_u32(vceqq_f32(a, b));
        fn swap<const D: usize>(a: F) -> F = match D {
            1 => vrev64q_f32(a),
            _ => vextq_f32::<2>(a, a),
        };
        fn first(a: F) -> f32 = vgetq_lane_f32::<0>(a);
        fn scale(a: F, n: F) -> F = {
            // Two factors cover −252..=254; the first product is exact or already out of range.
            let n = vcvtq_s32_f32(n);
            let (least, most) = (vdupq_n_s32(-126), vdupq_n_s32(127));
            let half = vmaxq_s32(vshrq_n_s32::<1>(n), least);
            let rest = vminq_s32(vmaxq_s32(vsubq_s32(n, half), least), most);
            let half = vminq_s32(half, most);
            vmulq_f32(vmulq_f32(a, power_of_two(half)), power_of_two(rest))
        };
        fn to_i32(a: F) -> I = vcvtq_s32_f32(a);
        fn to_i32_in_range(a: F) -> I = vcvtq_s32_f32(a);
        fn to_bits(a: F) -> I = vreinterpretq_s32_f32(a);
        fn from_bits(a: I) -> F = vreinterpretq_f32_s32(a);

        fn splat_i(a: i32) -> I = vdupq_n_s32(a);
        fn iota() -> I = vreinterpretq_s32_u32(lanes([0, 1, 2, 3]));
        fn add_i(a: I, b: I) -> I = vaddq_s32(a, b);
        fn sub_i(a: I, b: I) -> I = vsubq_s32(a, b);
        fn mul_i(a: I, b: I) -> I = vmulq_s32(a, b);
        fn max_i(a: I, b: I) -> I = vmaxq_s32(a, b);
        fn min_i(a: I, b: I) -> I = vminq_s32(a, b);
        fn and_i(a: I, b: I) -> I = vandq_s32(a, b);
        fn or_i(a: I, b: I) -> I = vorrq_s32(a, b);
        fn xor_i(a: I, b: I) -> I = veorq_s32(a, b);
        // Shifts by the lanes of a constant become shifts by a constant.
        fn shl_i<const K: u32>(a: I) -> I = vshlq_s32(a, vdupq_n_s32(K as i32));
        fn sar_i<const K: u32>(a: I) -> I = vshlq_s32(a, vdupq_n_s32(-(K as i32)));
        fn sar_by_i(a: I, by: i32) -> I = vshlq_s32(a, vdupq_n_s32(by.wrapping_neg()));
        fn lt_i(a: I, b: I) -> M = vcltq_s32(a, b);
        fn eq_i(a: I, b: I) -> M = vceqq_s32(a, b);
        fn to_f32(a: I) -> F = vcvtq_f32_s32(a);

        fn splat_m(a: bool) -> M = vdupq_n_u32((a as u32).wrapping_neg());
        fn mask_from_bits(bits: u32) -> M = vtstq_u32(vdupq_n_u32(bits), lanes([1, 2, 4, 8]));
        fn mask_prefix(span: usize, first: usize) -> M =
            vcltq_u32(lanes([0, 1, 2, 3]), vdupq_n_u32(span.saturating_sub(first) as u32));
        fn mask_bits(m: M) -> u32 = vaddvq_u32(vandq_u32(m, lanes([1, 2, 4, 8])));
        fn and_m(a: M, b: M) -> M = vandq_u32(a, b);
        fn or_m(a: M, b: M) -> M = vorrq_u32(a, b);
        fn not_m(a: M) -> M = vmvnq_u32(a);
        fn select(m: M, a: F, b: F) -> F = vbslq_f32(m, a, b);
        fn select_i(m: M, a: I, b: I) -> I = vbslq_s32(m, a, b);

        fn widen(a: F) -> D = [vcvt_f64_f32(vget_low_f32(a)), vcvt_high_f64_f32(a)];
        fn narrow(a: D) -> F = vcvt_high_f32_f64(vcvt_f32_f64(a[0]), a[1]);
        fn splat_d(a: f64) -> D = [vdupq_n_f64(a); 2];
        fn add_d(a: D, b: D) -> D = [vaddq_f64(a[0], b[0]), vaddq_f64(a[1], b[1])];
        fn sub_d(a: D, b: D) -> D = [vsubq_f64(a[0], b[0]), vsubq_f64(a[1], b[1])];
        fn mul_d(a: D, b: D) -> D = [vmulq_f64(a[0], b[0]), vmulq_f64(a[1], b[1])];
        fn div_d(a: D, b: D) -> D = [vdivq_f64(a[0], b[0]), vdivq_f64(a[1], b[1])];
        fn round_d(a: D) -> D = [vrndnq_f64(a[0]), vrndnq_f64(a[1])];
        fn residual_d(a: D, b: D, c: D) -> D = [vfmsq_f64(c[0], a[0], b[0]), vfmsq_f64(c[1], a[1], b[1])];
    }

    memory! {
        fn load_f32(p: *const f32) -> F = vld1q_f32(p);
        fn store_f32(p: *mut f32, v: F) = vst1q_f32(p, v);
        fn load_f32_masked(m: M, p: *const f32) -> F = vreinterpretq_f32_u32(load_active(m, p.cast()));
        fn store_f32_masked(m: M, p: *mut f32, v: F) = store_active(m, p.cast(), vreinterpretq_u32_f32(v));
        fn load_i32(p: *const i32) -> I = vld1q_s32(p);
        fn store_i32(p: *mut i32, v: I) = vst1q_s32(p, v);
        fn load_i32_masked(m: M, p: *const i32) -> I = vreinterpretq_s32_u32(load_active(m, p.cast()));
        fn store_i32_masked(m: M, p: *mut i32, v: I) = store_active(m, p.cast(), vreinterpretq_u32_s32(v));
        fn load_f16(p: *const u16) -> F = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
        fn store_f16(p: *mut u16, v: F) = vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
        fn load_bf16(p: *const u16) -> F = vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p)));
        fn store_bf16(p: *mut u16, v: F) = {
            let bits = vreinterpretq_u32_f32(v);
            let high = vshrq_n_u32::<16>(bits);
            let odd = vandq_u32(high, vdupq_n_u32(1));
            let rounded = vaddhn_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
            let quiet = vorr_u16(vmovn_u32(high), vdup_n_u16(0x40));
            vst1_u16(p, vbsl_u16(vmovn_u32(vceqq_f32(v, v)), rounded, quiet))
        };
        fn load_i8(p: *const u8) -> I = {
            let bytes = vreinterpret_s8_u32(vdup_n_u32(p.cast::<u32>().read_unaligned()));
            vmovl_s16(vget_low_s16(vmovl_s8(bytes)))
        };
        fn store_i8(p: *mut u8, v: I) = {
            let words = vqmovn_s32(v);
            let bytes = vqmovn_s16(vcombine_s16(words, words));
            p.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_s8(bytes)))
        };
        fn load_u8(p: *const u8) -> I = {
            let bytes = vreinterpret_u8_u32(vdup_n_u32(p.cast::<u32>().read_unaligned()));
            vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
        };
        fn store_u8(p: *mut u8, v: I) = {
            let words = vqmovun_s32(v);
            let bytes = vqmovn_u16(vcombine_u16(words, words));
            p.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)))
        };
    }
}
