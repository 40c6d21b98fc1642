//! The portable level: arrays of `N` lanes in plain Rust.
//!
//! [`Scalar`] (four lanes) is the level every machine has; `Portable<1>` gives the one-value functions
//! of [`crate::math`]. Nothing here may call libm: the baseline has no instruction for rounding or fused
//! multiply-add, so those are written out (and multiply-add rounds twice).

use super::half_bits::{bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16};
use super::{Isa, Kernel, Sealed};
use crate::level::Level;

/// Token for `N` lanes of plain Rust.
#[derive(Clone, Copy, Debug)]
pub struct Portable<const N: usize>(());

/// The level every machine has.
pub type Scalar = Portable<4>;

impl<const N: usize> Portable<N> {
    /// The token; always available.
    #[inline(always)]
    pub fn new() -> Self {
        Portable(())
    }
}

impl<const N: usize> Default for Portable<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// All ones for true.
#[inline(always)]
fn truth(a: bool) -> u32 {
    (a as u32).wrapping_neg()
}

/// Adding and subtracting this rounds `|a| < 2^23` to a whole number.
const WHOLE: f32 = 8_388_608.0;

#[inline(always)]
pub(super) fn round_one(a: f32) -> f32 {
    let size = a.abs();
    let whole = (size + WHOLE) - WHOLE;
    (if size < WHOLE { whole } else { size }).copysign(a)
}

#[inline(always)]
fn floor_one(a: f32) -> f32 {
    let near = round_one(a);
    (if near > a { near - 1.0 } else { near }).copysign(a)
}

/// A small whole number as an integer: it is in the low bits once something large enough is added.
#[inline(always)]
fn whole_to_i32(n: f32) -> i32 {
    const LARGE: f32 = 12_582_912.0;
    (n + LARGE).to_bits().wrapping_sub(LARGE.to_bits()) as i32
}

/// `2^n` for whole `n` in −126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) << 23) as u32)
}

/// `a` as the sum of two numbers of at most 26 bits each (Veltkamp), for `|a| < 2^996`.
#[inline(always)]
fn split(a: f64) -> (f64, f64) {
    let large = a * 134_217_729.0;
    let high = large - (large - a);
    (high, a - high)
}

/// `c - a * b`: the product's rounding error is computed exactly (Dekker) and subtracted too.
#[inline(always)]
fn residual_one(a: f64, b: f64, c: f64) -> f64 {
    let product = a * b;
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    let error = ((ah * bh - product) + ah * bl + al * bh) + al * bl;
    (c - product) - error
}

/// Work at this level, kept apart like the methods of the same name at other levels, so that every level's code can
/// be found and looked at.
trait Features<const N: usize>: Kernel + Sized {
    #[inline(never)]
    fn with_features(self, s: Portable<N>) -> Self::Output {
        self.run(s)
    }
}

impl<K: Kernel, const N: usize> Features<N> for K {}

impl<const N: usize> Sealed for Portable<N> {}

impl<const N: usize> Isa for Portable<N> {
    const LEVEL: Level = Level::Scalar;
    const WIDTH: usize = N;
    type F = [f32; N];
    type I = [i32; N];
    type M = [u32; N];
    type D = [f64; N];

    #[inline]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.with_features(self)
    }

    #[inline(always)]
    fn splat_f(self, a: f32) -> Self::F {
        array_of!(N, |_i| a)
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| a[i] * b[i])
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| a[i] / b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        array_of!(N, |i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        array_of!(N, |i| c[i] - a[i] * b[i])
    }
    #[inline(always)]
    fn max_or_second(self, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min_or_second(self, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        array_of!(N, |i| a[i].sqrt())
    }
    #[inline(always)]
    fn floor(self, a: Self::F) -> Self::F {
        array_of!(N, |i| floor_one(a[i]))
    }
    #[inline(always)]
    fn ceil(self, a: Self::F) -> Self::F {
        array_of!(N, |i| -floor_one(-a[i]))
    }
    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        array_of!(N, |i| round_one(a[i]))
    }
    #[inline(always)]
    fn trunc(self, a: Self::F) -> Self::F {
        array_of!(N, |i| floor_one(a[i].abs()).copysign(a[i]))
    }
    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        array_of!(N, |i| truth(a[i] < b[i]))
    }
    #[inline(always)]
    fn le(self, a: Self::F, b: Self::F) -> Self::M {
        array_of!(N, |i| truth(a[i] <= b[i]))
    }
    #[inline(always)]
    fn eq(self, a: Self::F, b: Self::F) -> Self::M {
        array_of!(N, |i| truth(a[i] == b[i]))
    }
    #[inline(always)]
    fn ne(self, a: Self::F, b: Self::F) -> Self::M {
        array_of!(N, |i| truth(a[i] != b[i]))
    }
    #[inline(always)]
    fn swap<const D: usize>(self, a: Self::F) -> Self::F {
        array_of!(N, |i| a[i ^ D])
    }
    #[inline(always)]
    fn first(self, a: Self::F) -> f32 {
        a[0]
    }
    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        // Two factors cover −252..=254; the first product is exact or already out of range.
        array_of!(N, |i| {
            let n = whole_to_i32(n[i]);
            let half = n >> 1;
            let (half, rest) = (half.clamp(-126, 127), (n - half).clamp(-126, 127));
            a[i] * power_of_two(half) * power_of_two(rest)
        })
    }
    #[inline(always)]
    fn to_i32(self, a: Self::F) -> Self::I {
        array_of!(N, |i| a[i] as i32)
    }
    #[inline(always)]
    fn to_i32_in_range(self, a: Self::F) -> Self::I {
        array_of!(N, |i| a[i] as i32)
    }
    #[inline(always)]
    fn to_bits(self, a: Self::F) -> Self::I {
        array_of!(N, |i| a[i].to_bits() as i32)
    }
    #[inline(always)]
    fn from_bits(self, a: Self::I) -> Self::F {
        array_of!(N, |i| f32::from_bits(a[i] as u32))
    }

    #[inline(always)]
    fn splat_i(self, a: i32) -> Self::I {
        array_of!(N, |_i| a)
    }
    #[inline(always)]
    fn iota(self) -> Self::I {
        array_of!(N, |i| i as i32)
    }
    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| a[i].wrapping_add(b[i]))
    }
    #[inline(always)]
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| a[i].wrapping_sub(b[i]))
    }
    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| a[i].wrapping_mul(b[i]))
    }
    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| a[i] & b[i])
    }
    #[inline(always)]
    fn or_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| a[i] | b[i])
    }
    #[inline(always)]
    fn xor_i(self, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| a[i] ^ b[i])
    }
    #[inline(always)]
    fn shl_i<const K: u32>(self, a: Self::I) -> Self::I {
        array_of!(N, |i| a[i] << K)
    }
    #[inline(always)]
    fn sar_i<const K: u32>(self, a: Self::I) -> Self::I {
        array_of!(N, |i| a[i] >> K)
    }
    #[inline(always)]
    fn sar_by_i(self, a: Self::I, by: i32) -> Self::I {
        array_of!(N, |i| a[i] >> (by & 31))
    }
    #[inline(always)]
    fn lt_i(self, a: Self::I, b: Self::I) -> Self::M {
        array_of!(N, |i| truth(a[i] < b[i]))
    }
    #[inline(always)]
    fn eq_i(self, a: Self::I, b: Self::I) -> Self::M {
        array_of!(N, |i| truth(a[i] == b[i]))
    }
    #[inline(always)]
    fn to_f32(self, a: Self::I) -> Self::F {
        array_of!(N, |i| a[i] as f32)
    }

    #[inline(always)]
    fn splat_m(self, a: bool) -> Self::M {
        [truth(a); N]
    }
    #[inline(always)]
    fn mask_from_bits(self, bits: u32) -> Self::M {
        array_of!(N, |i| truth(bits >> i & 1 == 1))
    }
    #[inline(always)]
    fn mask_prefix(self, span: usize, first: usize) -> Self::M {
        array_of!(N, |i| truth(first + i < span))
    }
    #[inline(always)]
    fn mask_bits(self, m: Self::M) -> u32 {
        let mut bits = 0;
        for_each!(N, |i| bits |= (m[i] & 1) << i);
        bits
    }
    #[inline(always)]
    fn and_m(self, a: Self::M, b: Self::M) -> Self::M {
        array_of!(N, |i| a[i] & b[i])
    }
    #[inline(always)]
    fn or_m(self, a: Self::M, b: Self::M) -> Self::M {
        array_of!(N, |i| a[i] | b[i])
    }
    #[inline(always)]
    fn not_m(self, a: Self::M) -> Self::M {
        array_of!(N, |i| !a[i])
    }
    #[inline(always)]
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F {
        array_of!(N, |i| f32::from_bits((a[i].to_bits() & m[i]) | (b[i].to_bits() & !m[i])))
    }
    #[inline(always)]
    fn select_i(self, m: Self::M, a: Self::I, b: Self::I) -> Self::I {
        array_of!(N, |i| (a[i] & m[i] as i32) | (b[i] & !m[i] as i32))
    }

    #[inline(always)]
    fn widen(self, a: Self::F) -> Self::D {
        array_of!(N, |i| a[i] as f64)
    }
    #[inline(always)]
    fn narrow(self, a: Self::D) -> Self::F {
        array_of!(N, |i| a[i] as f32)
    }
    #[inline(always)]
    fn splat_d(self, a: f64) -> Self::D {
        array_of!(N, |_i| a)
    }
    #[inline(always)]
    fn add_d(self, a: Self::D, b: Self::D) -> Self::D {
        array_of!(N, |i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub_d(self, a: Self::D, b: Self::D) -> Self::D {
        array_of!(N, |i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul_d(self, a: Self::D, b: Self::D) -> Self::D {
        array_of!(N, |i| a[i] * b[i])
    }
    #[inline(always)]
    fn div_d(self, a: Self::D, b: Self::D) -> Self::D {
        array_of!(N, |i| a[i] / b[i])
    }
    #[inline(always)]
    fn round_d(self, a: Self::D) -> Self::D {
        const WHOLE: f64 = 6_755_399_441_055_744.0;
        array_of!(N, |i| (a[i] + WHOLE) - WHOLE)
    }
    #[inline(always)]
    fn residual_d(self, a: Self::D, b: Self::D, c: Self::D) -> Self::D {
        array_of!(N, |i| residual_one(a[i], b[i], c[i]))
    }

    #[inline(always)]
    unsafe fn load_f32(self, p: *const f32) -> Self::F {
        // SAFETY: the caller says `N` values are readable; arrays of f32 have their alignment.
        unsafe { p.cast::<[f32; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_f32(self, p: *mut f32, v: Self::F) {
        // SAFETY: the caller says `N` values are writable.
        unsafe { p.cast::<[f32; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_f32_masked(self, m: Self::M, p: *const f32) -> Self::F {
        array_of!(N, |i| {
            let place = if m[i] != 0 { p.wrapping_add(i) } else { &0.0 };
            // SAFETY: the lane is active, so the caller says its value is readable, or its place is a constant.
            unsafe { place.read() }
        })
    }
    #[inline(always)]
    unsafe fn store_f32_masked(self, m: Self::M, p: *mut f32, v: Self::F) {
        let mut unused = v;
        for_each!(N, |i| {
            let place = if m[i] != 0 { p.wrapping_add(i) } else { &raw mut unused[i] };
            // SAFETY: the lane is active, so the caller says its value is writable, or its place is ours.
            unsafe { place.write(v[i]) }
        });
    }
    #[inline(always)]
    unsafe fn load_i32(self, p: *const i32) -> Self::I {
        // SAFETY: the caller says `N` values are readable.
        unsafe { p.cast::<[i32; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_i32(self, p: *mut i32, v: Self::I) {
        // SAFETY: the caller says `N` values are writable.
        unsafe { p.cast::<[i32; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_i32_masked(self, m: Self::M, p: *const i32) -> Self::I {
        array_of!(N, |i| {
            let place = if m[i] != 0 { p.wrapping_add(i) } else { &0 };
            // SAFETY: the lane is active, so the caller says its value is readable, or its place is a constant.
            unsafe { place.read() }
        })
    }
    #[inline(always)]
    unsafe fn store_i32_masked(self, m: Self::M, p: *mut i32, v: Self::I) {
        let mut unused = v;
        for_each!(N, |i| {
            let place = if m[i] != 0 { p.wrapping_add(i) } else { &raw mut unused[i] };
            // SAFETY: the lane is active, so the caller says its value is writable, or its place is ours.
            unsafe { place.write(v[i]) }
        });
    }
    #[inline(always)]
    unsafe fn load_f16(self, p: *const u16) -> Self::F {
        // SAFETY: the caller says `N` values are readable.
        let bits = unsafe { p.cast::<[u16; N]>().read_unaligned() };
        array_of!(N, |i| f16_to_f32(bits[i]))
    }
    #[inline(always)]
    unsafe fn store_f16(self, p: *mut u16, v: Self::F) {
        let bits = array_of!(N, |i| f32_to_f16(v[i]));
        // SAFETY: the caller says `N` values are writable.
        unsafe { p.cast::<[u16; N]>().write_unaligned(bits) }
    }
    #[inline(always)]
    unsafe fn load_bf16(self, p: *const u16) -> Self::F {
        // SAFETY: the caller says `N` values are readable.
        let bits = unsafe { p.cast::<[u16; N]>().read_unaligned() };
        array_of!(N, |i| bf16_to_f32(bits[i]))
    }
    #[inline(always)]
    unsafe fn store_bf16(self, p: *mut u16, v: Self::F) {
        let bits = array_of!(N, |i| f32_to_bf16(v[i]));
        // SAFETY: the caller says `N` values are writable.
        unsafe { p.cast::<[u16; N]>().write_unaligned(bits) }
    }
    #[inline(always)]
    unsafe fn load_i8(self, p: *const u8) -> Self::I {
        // SAFETY: the caller says `N` values are readable.
        let bytes = unsafe { p.cast::<[u8; N]>().read_unaligned() };
        array_of!(N, |i| bytes[i] as i8 as i32)
    }
    #[inline(always)]
    unsafe fn store_i8(self, p: *mut u8, v: Self::I) {
        let bytes = array_of!(N, |i| v[i].clamp(-128, 127) as u8);
        // SAFETY: the caller says `N` values are writable.
        unsafe { p.cast::<[u8; N]>().write_unaligned(bytes) }
    }
    #[inline(always)]
    unsafe fn load_u8(self, p: *const u8) -> Self::I {
        // SAFETY: the caller says `N` values are readable.
        let bytes = unsafe { p.cast::<[u8; N]>().read_unaligned() };
        array_of!(N, |i| bytes[i] as i32)
    }
    #[inline(always)]
    unsafe fn store_u8(self, p: *mut u8, v: Self::I) {
        let bytes = array_of!(N, |i| v[i].clamp(0, 255) as u8);
        // SAFETY: the caller says `N` values are writable.
        unsafe { p.cast::<[u8; N]>().write_unaligned(bytes) }
    }
}
