//! One set of register operations, and one instance of it per instruction-set level.
//!
//! Algorithms are written once against [`Isa`] and compiled once per level. An `Isa` value is a token:
//! it can only be had on a CPU that has the level, so every operation that takes it is safe to execute.
//! All operations are `#[inline(always)]`: they become instructions only after being inlined into a
//! function that enables the level's features, which is what [`Isa::vectorize`] provides.
//! This folder must not know about blocks, slices or tasks.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod bytes;
pub mod half_bits;
#[cfg(target_arch = "aarch64")]
pub mod neon;
pub mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use bytes::ByteIsa;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::{Portable, Scalar};

use crate::level::Level;

mod sealed {
    /// Keeps [`super::Isa`] implementable here only: unsafe code relies on its instances.
    pub trait Sealed {}
}
pub(crate) use sealed::Sealed;

/// The widest register of any level, in 32-bit lanes.
pub const MAX_WIDTH: usize = 16;

/// Work to be compiled for one level: what [`Isa::vectorize`] and [`dispatch`] run.
///
/// The functions that enable a level's features are methods of the work, because rustc compiles a method with the
/// module of its type, or of the first one in a tuple, and a function with its own module: tasks begin with what
/// the generated module defines, so that one kernel changed is one module compiled, and modules are compiled side
/// by side.
pub trait Kernel {
    /// What the work returns.
    type Output;

    /// Does the work. Must be `#[inline(always)]`, as must everything it calls with lane values.
    fn run<S: Isa>(self, s: S) -> Self::Output;
}

/// Runs `kernel` compiled for `level`; for AMX that is AVX-512.
///
/// # Panics
/// When this CPU lacks the level.
#[inline]
pub fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        Level::Scalar => Scalar::new().vectorize(kernel),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => match Avx2::new() {
            Some(s) => s.vectorize(kernel),
            None => missing(level),
        },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Amx => match Avx512::new() {
            Some(s) => s.vectorize(kernel),
            None => missing(level),
        },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => match Neon::new() {
            Some(s) => s.vectorize(kernel),
            None => missing(level),
        },
        // Those of other architectures.
        _ => missing(level),
    }
}

/// As [`dispatch`] for work on bytes ([`ByteIsa`]): levels beyond AVX2 use its code, since they have the same
/// instructions for it, and code for one level less is compiled.
#[inline]
pub(crate) fn dispatch_bytes<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        Level::Scalar => Scalar::new().vectorize(kernel),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 | Level::Amx => match Avx2::new() {
            Some(s) => s.vectorize(kernel),
            None => missing(level),
        },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => match Neon::new() {
            Some(s) => s.vectorize(kernel),
            None => missing(level),
        },
        // Those of other architectures.
        _ => missing(level),
    }
}

#[cold]
#[inline(never)]
fn missing(level: Level) -> ! {
    panic!("this CPU does not have the level {level}")
}

/// The registers and instructions of one level.
///
/// `F` holds [`Isa::WIDTH`] `f32` lanes, `I` as many `i32`, `M` as many truth values and `D` as many `f64`.
#[expect(clippy::wrong_self_convention, reason = "`from_bits` mirrors `f32::from_bits`; `self` is the token")]
pub trait Isa: ByteIsa {
    /// The level these instructions belong to.
    const LEVEL: Level;
    /// Lanes per register, a power of two of at most [`MAX_WIDTH`].
    const WIDTH: usize;
    /// A register of `f32`.
    type F: Copy;
    /// A register of `i32`.
    type I: Copy;
    /// A register of truth values.
    type M: Copy;
    /// `WIDTH` lanes of `f64`, in as many registers as that takes.
    type D: Copy;

    /// Runs `kernel` inside a function that has this level's CPU features enabled.
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output;

    // ---- f32 ----

    /// `a` in every lane.
    fn splat_f(self, a: f32) -> Self::F;
    /// `a + b`.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the level has the instruction.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a * b`, rounded once where the level has the instruction.
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger, or `b` if either is NaN.
    fn max_or_second(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller, or `b` if either is NaN.
    fn min_or_second(self, a: Self::F, b: Self::F) -> Self::F;
    /// Square root, correctly rounded.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// Rounds down.
    fn floor(self, a: Self::F) -> Self::F;
    /// Rounds up.
    fn ceil(self, a: Self::F) -> Self::F;
    /// Rounds to nearest, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// Rounds towards zero.
    fn trunc(self, a: Self::F) -> Self::F;
    /// `a < b`.
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a <= b`.
    fn le(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a == b`.
    fn eq(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a != b`, true for NaN.
    fn ne(self, a: Self::F, b: Self::F) -> Self::M;
    /// Lane `i` takes lane `i ^ D`; `D` is a power of two below [`Isa::WIDTH`].
    fn swap<const D: usize>(self, a: Self::F) -> Self::F;
    /// Lane 0.
    fn first(self, a: Self::F) -> f32;
    /// `a * 2^n`, rounded once, for whole `n` in −252..=254.
    fn scale(self, a: Self::F, n: Self::F) -> Self::F;
    /// Truncates, saturates and maps NaN to 0, as `as i32` does.
    fn to_i32(self, a: Self::F) -> Self::I;
    /// Truncates; any value for what does not fit.
    fn to_i32_in_range(self, a: Self::F) -> Self::I;
    /// The lanes' bits.
    fn to_bits(self, a: Self::F) -> Self::I;
    /// Lanes of these bits.
    fn from_bits(self, a: Self::I) -> Self::F;

    // ---- i32 ----

    /// `a` in every lane.
    fn splat_i(self, a: i32) -> Self::I;
    /// 0, 1, 2, …
    fn iota(self) -> Self::I;
    /// `a + b`, wrapping.
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a - b`, wrapping.
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a * b`, wrapping.
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// The larger.
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// The smaller.
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise and.
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise or.
    fn or_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise exclusive or.
    fn xor_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Shifts left by `K`.
    fn shl_i<const K: u32>(self, a: Self::I) -> Self::I;
    /// Shifts right by `K`, filling with the sign.
    fn sar_i<const K: u32>(self, a: Self::I) -> Self::I;
    /// Shifts right by `by` of 0 to 31, the same in all lanes, filling with the sign.
    fn sar_by_i(self, a: Self::I, by: i32) -> Self::I;
    /// `a < b`.
    fn lt_i(self, a: Self::I, b: Self::I) -> Self::M;
    /// `a == b`.
    fn eq_i(self, a: Self::I, b: Self::I) -> Self::M;
    /// Nearest `f32`.
    fn to_f32(self, a: Self::I) -> Self::F;

    // ---- masks ----

    /// `a` in every lane.
    fn splat_m(self, a: bool) -> Self::M;
    /// Lane `i` is bit `i`.
    fn mask_from_bits(self, bits: u32) -> Self::M;
    /// Lane `i` is `first + i < span`, for `span` of at most `8 * WIDTH` and `first` below that.
    fn mask_prefix(self, span: usize, first: usize) -> Self::M;
    /// Bit `i` is lane `i`.
    fn mask_bits(self, m: Self::M) -> u32;
    /// `a && b`.
    fn and_m(self, a: Self::M, b: Self::M) -> Self::M;
    /// `a || b`.
    fn or_m(self, a: Self::M, b: Self::M) -> Self::M;
    /// `!a`.
    fn not_m(self, a: Self::M) -> Self::M;
    /// `a` where `m`, else `b`.
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;
    /// `a` where `m`, else `b`.
    fn select_i(self, m: Self::M, a: Self::I, b: Self::I) -> Self::I;

    // ---- f64, for the few places where f32 is too coarse ----

    /// Exact conversion.
    fn widen(self, a: Self::F) -> Self::D;
    /// Nearest `f32`.
    fn narrow(self, a: Self::D) -> Self::F;
    /// `a` in every lane.
    fn splat_d(self, a: f64) -> Self::D;
    /// `a + b`.
    fn add_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a - b`.
    fn sub_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a * b`.
    fn mul_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a / b`.
    fn div_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// Nearest whole number for `|a| < 2^51`; ties to even.
    fn round_d(self, a: Self::D) -> Self::D;
    /// `c - a * b` with at most one rounding of the product's error, for `c` close to `a * b`.
    fn residual_d(self, a: Self::D, b: Self::D, c: Self::D) -> Self::D;

    // ---- memory: every pointer may be unaligned ----

    /// Loads `WIDTH` consecutive values.
    ///
    /// # Safety
    /// All of them must be readable.
    unsafe fn load_f32(self, p: *const f32) -> Self::F;
    /// Stores `WIDTH` consecutive values.
    ///
    /// # Safety
    /// All of them must be writable.
    unsafe fn store_f32(self, p: *mut f32, v: Self::F);
    /// Loads the values of active lanes, 0 elsewhere; touches nothing else.
    ///
    /// # Safety
    /// Values of active lanes must be readable.
    unsafe fn load_f32_masked(self, m: Self::M, p: *const f32) -> Self::F;
    /// Stores the values of active lanes; touches nothing else.
    ///
    /// # Safety
    /// Values of active lanes must be writable.
    unsafe fn store_f32_masked(self, m: Self::M, p: *mut f32, v: Self::F);
    /// Lane `i` from `p[i * stride]` where active, 0 elsewhere.
    ///
    /// # Safety
    /// Values of active lanes must be readable.
    #[inline(always)]
    unsafe fn load_f32_strided(self, m: Self::M, p: *const f32, stride: usize) -> Self::F {
        let bits = self.mask_bits(m);
        let mut buffer = [0.0; MAX_WIDTH];
        for (lane, value) in buffer.iter_mut().enumerate().take(Self::WIDTH) {
            if bits >> lane & 1 == 1 {
                // SAFETY: the caller says values of active lanes are readable.
                *value = unsafe { p.wrapping_add(lane.wrapping_mul(stride)).read() };
            }
        }
        // SAFETY: the buffer has at least `WIDTH` values.
        unsafe { self.load_f32(buffer.as_ptr()) }
    }
    /// Loads `WIDTH` consecutive values.
    ///
    /// # Safety
    /// All of them must be readable.
    unsafe fn load_i32(self, p: *const i32) -> Self::I;
    /// Stores `WIDTH` consecutive values.
    ///
    /// # Safety
    /// All of them must be writable.
    unsafe fn store_i32(self, p: *mut i32, v: Self::I);
    /// Loads the values of active lanes, 0 elsewhere; touches nothing else.
    ///
    /// # Safety
    /// Values of active lanes must be readable.
    unsafe fn load_i32_masked(self, m: Self::M, p: *const i32) -> Self::I;
    /// Stores the values of active lanes; touches nothing else.
    ///
    /// # Safety
    /// Values of active lanes must be writable.
    unsafe fn store_i32_masked(self, m: Self::M, p: *mut i32, v: Self::I);

    /// Loads `WIDTH` consecutive binary16 values.
    ///
    /// # Safety
    /// All of them must be readable.
    unsafe fn load_f16(self, p: *const u16) -> Self::F;
    /// Stores `WIDTH` consecutive values as binary16, rounded to nearest even.
    ///
    /// # Safety
    /// All of them must be writable.
    unsafe fn store_f16(self, p: *mut u16, v: Self::F);
    /// Loads `WIDTH` consecutive bfloat16 values.
    ///
    /// # Safety
    /// All of them must be readable.
    unsafe fn load_bf16(self, p: *const u16) -> Self::F;
    /// Stores `WIDTH` consecutive values as bfloat16, rounded to nearest even.
    ///
    /// # Safety
    /// All of them must be writable.
    unsafe fn store_bf16(self, p: *mut u16, v: Self::F);
    /// Loads `WIDTH` consecutive signed bytes.
    ///
    /// # Safety
    /// All of them must be readable.
    unsafe fn load_i8(self, p: *const u8) -> Self::I;
    /// Stores `WIDTH` consecutive values as signed bytes, saturating.
    ///
    /// # Safety
    /// All of them must be writable.
    unsafe fn store_i8(self, p: *mut u8, v: Self::I);
    /// Loads `WIDTH` consecutive unsigned bytes.
    ///
    /// # Safety
    /// All of them must be readable.
    unsafe fn load_u8(self, p: *const u8) -> Self::I;
    /// Stores `WIDTH` consecutive values as unsigned bytes, saturating.
    ///
    /// # Safety
    /// All of them must be writable.
    unsafe fn store_u8(self, p: *mut u8, v: Self::I);
}
