//! The model: loops over arrays, one line per operation.

use super::{BYTES, ByteIsa};
use crate::isa::half_bits::{bf16_to_f32, f16_to_f32};
use crate::isa::portable::{Portable, round_one};

/// `[f(0), f(1), …]` without a closure, so that nothing is left to inline.
macro_rules! lanes {
    ($n:expr, $zero:expr, |$i:ident| $value:expr) => {{
        let mut out = [$zero; $n];
        let mut $i = 0;
        while $i < $n {
            out[$i] = $value;
            $i += 1;
        }
        out
    }};
}

/// Operations on values only.
macro_rules! values {
    ($(fn $name:ident $(<const $k:ident: $kt:ty>)? ($($a:ident: $t:ty),*) -> $r:ty = $e:expr;)*) => {$(
        #[inline(always)]
        fn $name $(<const $k: $kt>)? (self, $($a: $t),*) -> $r {
            $e
        }
    )*};
}

/// Operations on memory.
macro_rules! memory {
    ($(fn $name:ident($($a:ident: $t:ty),*) $(-> $r:ty)? = $e:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name(self, $($a: $t),*) $(-> $r)? {
            // SAFETY: the caller vouches for the memory.
            unsafe { $e }
        }
    )*};
}

type B = [u8; BYTES];
type H = [i16; 16];
type P = [i32; 8];
type E = [f32; 8];

impl<const N: usize> ByteIsa for Portable<N> {
    type B = B;
    type H = H;
    type P = P;
    type E = E;

    values! {
        fn splat_b(a: u8) -> B = [a; BYTES];
        fn and_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| a[i] & b[i]);
        fn or_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| a[i] | b[i]);
        fn xor_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| a[i] ^ b[i]);
        fn add_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| a[i].wrapping_add(b[i]));
        fn sub_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| a[i].wrapping_sub(b[i]));
        fn eq_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| if a[i] == b[i] { 255 } else { 0 });
        fn select_b(m: B, a: B, b: B) -> B = lanes!(BYTES, 0, |i| if m[i] > 127 { a[i] } else { b[i] });
        fn shl_b<const K: i32>(a: B) -> B = lanes!(BYTES, 0, |i| a[i] << K);
        fn shr_b<const K: i32>(a: B) -> B = lanes!(BYTES, 0, |i| a[i] >> K);
        fn shuffle_b(a: B, index: B) -> B =
            lanes!(BYTES, 0, |i| if index[i] > 127 { 0 } else { a[i / 16 * 16 + usize::from(index[i] % 16)] });
        fn mul_low_b(a: B, b: B) -> B = lanes!(BYTES, 0, |i| a[i].wrapping_mul(b[i]));
        fn mul_high_b(a: B, even: H, odd: H) -> B = lanes!(BYTES, 0, |i| {
            let factor = if i % 2 == 0 { even[i / 2] } else { odd[i / 2] };
            (u16::from(a[i]).wrapping_mul(factor as u16) >> 8) as u8
        });
        fn abs_b(a: B) -> B = lanes!(BYTES, 0, |i| (a[i] as i8).unsigned_abs());
        fn sign_b(a: B, by: B) -> B = lanes!(BYTES, 0, |i| {
            a[i].wrapping_mul((by[i] as i8).signum() as u8)
        });

        fn pairs_b(u: B, s: B) -> H = lanes!(16, 0, |i| {
            let product = |i: usize| i32::from(u[i]) * i32::from(s[i] as i8);
            (product(2 * i) + product(2 * i + 1)).clamp(-32768, 32767) as i16
        });
        fn splat_h(a: i16) -> H = [a; 16];
        fn add_h(a: H, b: H) -> H = lanes!(16, 0, |i| a[i].wrapping_add(b[i]));
        fn sum_h(a: H) -> P = lanes!(8, 0, |i| i32::from(a[2 * i]) + i32::from(a[2 * i + 1]));
        fn splat_p(a: i32) -> P = [a; 8];
        fn add_p(a: P, b: P) -> P = lanes!(8, 0, |i| a[i].wrapping_add(b[i]));
        fn sub_p(a: P, b: P) -> P = lanes!(8, 0, |i| a[i].wrapping_sub(b[i]));
        fn mul_p(a: P, b: P) -> P = lanes!(8, 0, |i| a[i].wrapping_mul(b[i]));
        fn widen_u<const PART: usize>(a: B) -> P = lanes!(8, 0, |i| i32::from(a[8 * PART + i]));
        fn widen_s<const PART: usize>(a: B) -> P = lanes!(8, 0, |i| i32::from(a[8 * PART + i] as i8));
        fn to_e(a: P) -> E = lanes!(8, 0.0, |i| a[i] as f32);
        fn fours(a: B) -> P =
            lanes!(8, 0, |i| i32::from_le_bytes([a[4 * i], a[4 * i + 1], a[4 * i + 2], a[4 * i + 3]]));
        fn bytes(a: P) -> B = lanes!(BYTES, 0, |i| a[i / 4].to_le_bytes()[i % 4]);
        fn transpose_p(a: [P; 8]) -> [P; 8] = lanes!(8, [0; 8], |j| lanes!(8, 0, |i| a[i][j]));

        fn splat_e(a: f32) -> E = [a; 8];
        fn splat_f16_e(bits: u16) -> E = [f16_to_f32(bits); 8];
        fn splat_bf16_e(bits: u16) -> E = [bf16_to_f32(bits); 8];
        fn add_e(a: E, b: E) -> E = lanes!(8, 0.0, |i| a[i] + b[i]);
        fn sub_e(a: E, b: E) -> E = lanes!(8, 0.0, |i| a[i] - b[i]);
        fn mul_e(a: E, b: E) -> E = lanes!(8, 0.0, |i| a[i] * b[i]);
        fn div_e(a: E, b: E) -> E = lanes!(8, 0.0, |i| a[i] / b[i]);
        fn mul_add_e(a: E, b: E, c: E) -> E = lanes!(8, 0.0, |i| a[i] * b[i] + c[i]);
        fn max_e(a: E, b: E) -> E = lanes!(8, 0.0, |i| if a[i] > b[i] { a[i] } else { b[i] });
        fn abs_e(a: E) -> E = lanes!(8, 0.0, |i| a[i].abs());
        fn spread_e<const PART: usize>(a: E) -> E = lanes!(8, 0.0, |i| a[2 * PART + i / 4]);
        fn sum_e(a: E) -> f32 = ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
        fn reduce_max_e(a: E) -> f32 = {
            let mut most = a[0];
            for value in a {
                most = if value > most { value } else { most };
            }
            most
        };
        fn to_bits_e(a: E) -> P = lanes!(8, 0, |i| a[i].to_bits() as i32);
        fn of_bits_e(a: P) -> E = lanes!(8, 0.0, |i| f32::from_bits(a[i] as u32));
        fn lookup_e(low: E, high: E, index: P) -> E = lanes!(8, 0.0, |i| {
            let (half, at) = (index[i] & 8, (index[i] & 7) as usize);
            if half == 0 { low[at] } else { high[at] }
        });
        fn round_b(a: [E; 4]) -> B = lanes!(BYTES, 0, |i| round_one(a[i / 8][i % 8]) as i8 as u8);
    }

    memory! {
        fn load_b(p: *const u8) -> B = p.cast::<B>().read();
        fn load_halves_b(low: *const u8, high: *const u8) -> B = {
            let halves = [low.cast::<[u8; 16]>().read(), high.cast::<[u8; 16]>().read()];
            lanes!(BYTES, 0, |i| halves[i / 16][i % 16])
        };
        fn splat_four_b(p: *const u8) -> B = {
            let four = p.cast::<[u8; 4]>().read();
            lanes!(BYTES, 0, |i| four[i % 4])
        };
        fn store_b(p: *mut u8, v: B) = p.cast::<B>().write(v);
        fn load_h(p: *const i16) -> H = p.cast::<H>().read_unaligned();
        fn load_p(p: *const i32) -> P = p.cast::<P>().read_unaligned();
        fn store_p(p: *mut i32, v: P) = p.cast::<P>().write_unaligned(v);
        fn load_e(p: *const f32) -> E = p.cast::<E>().read_unaligned();
        fn load_f16_e(p: *const u16) -> E = {
            let bits = p.cast::<[u16; 8]>().read_unaligned();
            lanes!(8, 0.0, |i| f16_to_f32(bits[i]))
        };
        fn store_e(p: *mut f32, v: E) = p.cast::<E>().write_unaligned(v);
        fn gather_e(p: *const f32, index: P) -> E = lanes!(8, 0.0, |i| p.add(index[i] as usize).read_unaligned());
    }

    #[inline(always)]
    fn prefetch(self, _: *const u8) {}
}
