//! Operations on 32 bytes, and on what 32 bytes become: 16 sums of pairs, 8 sums of fours, 8 `f32`.
//!
//! Unlike the registers of [`super::Isa`], these have one size on every level, so that what is laid out in
//! memory for them suits all levels. Each operation means the same to the last bit at every level, except
//! [`ByteIsa::mul_add_e`], which rounds once or twice as [`super::Isa::mul_add`] does; `portable` is the
//! model that the others are tested against. The AVX-512 level uses the instructions of AVX2.
//! This folder must not know about blocks, formats or products.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::Sealed;

/// Bytes of [`ByteIsa::B`].
pub const BYTES: usize = 32;

/// 32 bytes and what becomes of them, on one level.
///
/// `B` holds 32 bytes, `H` 16 `i16` (lane `i` belongs to bytes `2i..2i + 2`), `P` 8 `i32` and `E` 8 `f32`
/// (lane `i` belongs to bytes `4i..4i + 4`).
pub trait ByteIsa: Copy + Send + Sync + Sealed + 'static {
    /// 32 bytes.
    type B: Copy;
    /// 16 `i16`.
    type H: Copy;
    /// 8 `i32`.
    type P: Copy;
    /// 8 `f32`.
    type E: Copy;

    // ---- bytes ----

    /// `a` in every lane.
    fn splat_b(self, a: u8) -> Self::B;
    /// Bitwise and.
    fn and_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// Bitwise or.
    fn or_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// Bitwise exclusive or.
    fn xor_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a + b`, wrapping.
    fn add_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a - b`, wrapping.
    fn sub_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// 255 where equal, else 0.
    fn eq_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a` where the highest bit of `m` is set, else `b`.
    fn select_b(self, m: Self::B, a: Self::B, b: Self::B) -> Self::B;
    /// Shifts left by `K` in 0..=7.
    fn shl_b<const K: i32>(self, a: Self::B) -> Self::B;
    /// Shifts right by `K` in 0..=7, filling with zeros.
    fn shr_b<const K: i32>(self, a: Self::B) -> Self::B;
    /// In each half of 16: lane `i` is the lane `index[i] % 16` of `a`, or 0 if `index[i] > 127`.
    fn shuffle_b(self, a: Self::B, index: Self::B) -> Self::B;
    /// The low byte of each product.
    fn mul_low_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// Bits 8 to 15 of the product of lane `2i` with `even[i]` and of lane `2i + 1` with `odd[i]`.
    fn mul_high_b(self, a: Self::B, even: Self::H, odd: Self::H) -> Self::B;
    /// `|a|` of signed bytes; that of −128 is 128.
    fn abs_b(self, a: Self::B) -> Self::B;
    /// `a` with the sign of `by` applied, both signed: `a`, 0 or `-a` (wrapping).
    fn sign_b(self, a: Self::B, by: Self::B) -> Self::B;

    // ---- sums ----

    /// Products of unsigned `u` with signed `s`, added in pairs, saturating.
    fn pairs_b(self, u: Self::B, s: Self::B) -> Self::H;
    /// `acc` and the sums of pairs that [`ByteIsa::pairs_b`] gives, of which none may saturate: any values otherwise.
    #[inline(always)]
    fn add_pairs_b(self, acc: Self::H, u: Self::B, s: Self::B) -> Self::H {
        self.add_h(acc, self.pairs_b(u, s))
    }
    /// `a` in every lane.
    fn splat_h(self, a: i16) -> Self::H;
    /// `a + b`, wrapping.
    fn add_h(self, a: Self::H, b: Self::H) -> Self::H;
    /// The sums of pairs.
    fn sum_h(self, a: Self::H) -> Self::P;
    /// `a` in every lane.
    fn splat_p(self, a: i32) -> Self::P;
    /// `a + b`, wrapping.
    fn add_p(self, a: Self::P, b: Self::P) -> Self::P;
    /// `a - b`, wrapping.
    fn sub_p(self, a: Self::P, b: Self::P) -> Self::P;
    /// `a * b`, wrapping.
    fn mul_p(self, a: Self::P, b: Self::P) -> Self::P;
    /// Lanes `8 * PART..8 * PART + 8` of unsigned bytes.
    fn widen_u<const PART: usize>(self, a: Self::B) -> Self::P;
    /// Lanes `8 * PART..8 * PART + 8` of signed bytes.
    fn widen_s<const PART: usize>(self, a: Self::B) -> Self::P;
    /// Nearest `f32`.
    fn to_e(self, a: Self::P) -> Self::E;
    /// The 8 fours of bytes as they lie in memory.
    fn fours(self, a: Self::B) -> Self::P;
    /// The bytes of 8 `i32` as they lie in memory.
    fn bytes(self, a: Self::P) -> Self::B;
    /// Lane `i` of result `j` is lane `j` of `a[i]`.
    fn transpose_p(self, a: [Self::P; 8]) -> [Self::P; 8];

    // ---- f32 ----

    /// `a` in every lane.
    fn splat_e(self, a: f32) -> Self::E;
    /// The value of these binary16 bits in every lane.
    fn splat_f16_e(self, bits: u16) -> Self::E;
    /// The value of these bfloat16 bits in every lane.
    fn splat_bf16_e(self, bits: u16) -> Self::E;
    /// `a + b`.
    fn add_e(self, a: Self::E, b: Self::E) -> Self::E;
    /// `a - b`.
    fn sub_e(self, a: Self::E, b: Self::E) -> Self::E;
    /// `a * b`.
    fn mul_e(self, a: Self::E, b: Self::E) -> Self::E;
    /// `a / b`.
    fn div_e(self, a: Self::E, b: Self::E) -> Self::E;
    /// `a * b + c`, rounded once where the level has the instruction.
    fn mul_add_e(self, a: Self::E, b: Self::E, c: Self::E) -> Self::E;
    /// The larger, or `b` if either is NaN.
    fn max_e(self, a: Self::E, b: Self::E) -> Self::E;
    /// `|a|`.
    fn abs_e(self, a: Self::E) -> Self::E;
    /// Lanes 0 to 3 are lane `2 * PART` of `a`, the others lane `2 * PART + 1`.
    fn spread_e<const PART: usize>(self, a: Self::E) -> Self::E;
    /// The lanes added as `((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7))`.
    fn sum_e(self, a: Self::E) -> f32;
    /// The largest of all lanes, none of which is NaN.
    fn reduce_max_e(self, a: Self::E) -> f32;
    /// The lanes' bits.
    fn to_bits_e(self, a: Self::E) -> Self::P;
    /// Lanes of these bits.
    fn of_bits_e(self, a: Self::P) -> Self::E;
    /// Entry `index % 16` of the table whose first half is `low`.
    fn lookup_e(self, low: Self::E, high: Self::E, index: Self::P) -> Self::E;
    /// Nearest signed bytes, ties to even, for lanes in −127..=127; any bytes for others.
    fn round_b(self, a: [Self::E; 4]) -> Self::B;

    // ---- memory: every pointer may be unaligned ----

    /// Loads 32 bytes.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn load_b(self, p: *const u8) -> Self::B;
    /// 16 bytes from `low`, then 16 from `high`.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn load_halves_b(self, low: *const u8, high: *const u8) -> Self::B;
    /// 4 bytes, eight times.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn splat_four_b(self, p: *const u8) -> Self::B;
    /// Stores 32 bytes.
    ///
    /// # Safety
    /// They must be writable.
    unsafe fn store_b(self, p: *mut u8, v: Self::B);
    /// Loads 16 `i16`.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn load_h(self, p: *const i16) -> Self::H;
    /// Loads 8 `i32`.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn load_p(self, p: *const i32) -> Self::P;
    /// Stores 8 `i32`.
    ///
    /// # Safety
    /// They must be writable.
    unsafe fn store_p(self, p: *mut i32, v: Self::P);
    /// Loads 8 `f32`.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn load_e(self, p: *const f32) -> Self::E;
    /// Loads 8 binary16 values.
    ///
    /// # Safety
    /// They must be readable.
    unsafe fn load_f16_e(self, p: *const u16) -> Self::E;
    /// Stores 8 `f32`.
    ///
    /// # Safety
    /// They must be writable.
    unsafe fn store_e(self, p: *mut f32, v: Self::E);
    /// Lane `i` from `p[index[i]]`.
    ///
    /// # Safety
    /// No index may be negative, and those values must be readable.
    unsafe fn gather_e(self, p: *const f32, index: Self::P) -> Self::E;
    /// Asks for the cache line at `p`, which may be any address.
    fn prefetch(self, p: *const u8);
}

/// `[table[0], table[2], …]` and `[table[1], table[3], …]`: what [`ByteIsa::mul_high_b`] takes.
#[inline(always)]
pub const fn even_odd(table: &[u16; BYTES]) -> [[i16; 16]; 2] {
    let mut out = [[0; 16]; 2];
    let mut i = 0;
    while i < BYTES {
        out[i % 2][i / 2] = table[i] as i16;
        i += 1;
    }
    out
}
