//! Products of rows of bytes with strips of codes.
//!
//! ```text
//! x:  four bytes, eight times   ×  register j of a strip  →  pairs, added over j at 16 bits while they cannot overflow
//! ```
//! That takes two instructions for 32 products, and five more for each chunk of each row of x. Codes that are signed
//! bytes take four for 32, as the sign of each goes to the byte of x that it meets.
//! Nothing here depends on formats: all is compiled once.

use core::ops::Range;

use half::f16;

use super::strips::{STRIP, Scales, Shape, StripsRef};
use super::{CHUNK, Int8Rows, plain};
use crate::isa::{Isa, Kernel};

/// `out[i * count + j]` for rows `xs` of x and the `count` rows of the strips.
pub(super) struct Tiles<'a> {
    pub strips: StripsRef<'a>,
    pub count: usize,
    pub x: Int8Rows<'a>,
    pub xs: Range<usize>,
    pub out: &'a mut [f32],
}

impl Kernel for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(mut self, s: S) {
        let Shape { bits, depth, .. } = self.strips.shape;
        match (bits, depth) {
            (2, _) => self.rows::<S, 2, 8>(s),
            (4, _) => self.rows::<S, 4, 8>(s),
            (_, 8) => self.rows::<S, 8, 8>(s),
            (_, 4) => self.rows::<S, 8, 4>(s),
            (_, 2) => self.rows::<S, 8, 2>(s),
            _ => self.rows::<S, 8, 1>(s),
        }
    }
}

impl Tiles<'_> {
    #[inline(always)]
    fn rows<S: Isa, const BITS: usize, const DEPTH: usize>(&mut self, s: S) {
        let rows = self.xs.len();
        let mut first = 0;
        while first < rows {
            first += match rows - first {
                4.. if !plain::<S>() => self.column::<S, BITS, DEPTH, 4>(s, first),
                2.. if !plain::<S>() => self.column::<S, BITS, DEPTH, 2>(s, first),
                _ => self.column::<S, BITS, DEPTH, 1>(s, first),
            };
        }
    }

    /// Rows `first..first + M` of x with every strip.
    #[inline(always)]
    fn column<S: Isa, const BITS: usize, const DEPTH: usize, const M: usize>(
        &mut self,
        s: S,
        first: usize,
    ) -> usize {
        let chunks = self.x.chunks();
        let StripsRef { shape, codes, scales } = self.strips;
        let (bytes, floats) = (chunks * shape.bytes(), chunks * shape.floats());
        for strip in 0..self.count.div_ceil(STRIP) {
            let part = StripsRef {
                shape,
                codes: &codes[strip * bytes..][..bytes],
                scales: match scales {
                    Scales::Single(scales) => Scales::Single(&scales[strip * floats..][..floats]),
                    Scales::Half(scales) => Scales::Half(&scales[strip * floats..][..floats]),
                },
            };
            let sums = tile::<S, BITS, DEPTH, M>(s, &self.x, self.xs.start + first, part);
            let (j, count) = (strip * STRIP, self.count);
            for (i, sums) in sums.iter().enumerate() {
                let columns = STRIP.min(count - j);
                self.out[(first + i) * count + j..][..columns].copy_from_slice(&sums[..columns]);
            }
        }
        M
    }
}

/// Register `J` of a chunk of a strip.
#[inline(always)]
fn register<S: Isa, const BITS: usize, const J: usize>(s: S, codes: &[u8]) -> S::B {
    let at = match BITS {
        2 => J / 4,
        4 => J % 4,
        _ => J,
    };
    let codes = &codes[CHUNK * at..][..CHUNK];
    // SAFETY: the slice has 32 bytes.
    let codes = unsafe { s.load_b(codes.as_ptr()) };
    match (BITS, J) {
        (2, _) => {
            let shifted = match J % 4 {
                0 => codes,
                1 => s.shr_b::<2>(codes),
                2 => s.shr_b::<4>(codes),
                _ => s.shr_b::<6>(codes),
            };
            s.and_b(shifted, s.splat_b(3))
        }
        (4, 0..4) => s.and_b(codes, s.splat_b(15)),
        (4, _) => s.shr_b::<4>(codes),
        _ => codes,
    }
}

/// Rows `first..first + M` of x with a strip.
#[inline(always)]
fn tile<S: Isa, const BITS: usize, const DEPTH: usize, const M: usize>(
    s: S,
    x: &Int8Rows<'_>,
    first: usize,
    strip: StripsRef<'_>,
) -> [[f32; STRIP]; M] {
    let chunks = x.chunks();
    let Shape { offset, min, .. } = strip.shape;
    let mut bytes: [&[[u8; CHUNK]]; M] = [&[]; M];
    let mut totals: [&[i32]; M] = [&[]; M];
    let mut dx: [&[f32]; M] = [&[]; M];
    for i in 0..M {
        let row = (first + i) * chunks..(first + i + 1) * chunks;
        bytes[i] = &x.bytes[row.clone()];
        totals[i] = &x.totals[row.clone()];
        dx[i] = &x.scales[row];
    }
    let mut acc = [s.splat_e(0.0); M];
    let chunk_bytes = const { STRIP * CHUNK * BITS / 8 };
    for (at, codes) in strip.codes.chunks_exact(chunk_bytes).enumerate().take(chunks) {
        s.prefetch(codes.as_ptr().wrapping_add(1024));
        if BITS > 2 {
            s.prefetch(codes.as_ptr().wrapping_add(1024 + 64));
        }
        if BITS > 4 {
            s.prefetch(codes.as_ptr().wrapping_add(1024 + 128));
            s.prefetch(codes.as_ptr().wrapping_add(1024 + 192));
        }
        let mut sums = [s.splat_p(0); M];
        macro_rules! several {
            ($($j:literal)*) => {{
                let mut pairs = [s.splat_h(0); M];
                $(
                    let w = register::<S, BITS, $j>(s, codes);
                    let size = s.abs_b(w);
                    for i in 0..M {
                        // SAFETY: a chunk has eight fours.
                        let four = unsafe { s.splat_four_b(bytes[i][at].as_ptr().add(4 * $j)) };
                        let product = if const { DEPTH == 1 } {
                            s.pairs_b(size, s.sign_b(four, w))
                        } else {
                            s.pairs_b(w, four)
                        };
                        pairs[i] = s.add_h(pairs[i], product);
                    }
                )*
                for i in 0..M {
                    sums[i] = s.add_p(sums[i], s.sum_h(pairs[i]));
                }
            }};
        }
        match DEPTH {
            8 => several!(0 1 2 3 4 5 6 7),
            4 => {
                several!(0 1 2 3);
                several!(4 5 6 7);
            }
            2 => {
                several!(0 1);
                several!(2 3);
                several!(4 5);
                several!(6 7);
            }
            _ => {
                several!(0);
                several!(1);
                several!(2);
                several!(3);
                several!(4);
                several!(5);
                several!(6);
                several!(7);
            }
        }
        let floats = strip.shape.floats();
        let (scale, least) = match strip.scales {
            Scales::Single(scales) => {
                let scales = &scales[at * floats..][..floats];
                (single(s, scales, 0), if min { single(s, scales, STRIP) } else { s.splat_e(0.0) })
            }
            Scales::Half(scales) => {
                let scales = &scales[at * floats..][..floats];
                (half(s, scales, 0), if min { half(s, scales, STRIP) } else { s.splat_e(0.0) })
            }
        };
        for i in 0..M {
            let total = totals[i][at];
            let sum = s.add_p(sums[i], s.splat_p(total.wrapping_mul(offset)));
            acc[i] = s.mul_add_e(s.to_e(sum), s.mul_e(scale, s.splat_e(dx[i][at])), acc[i]);
            if min {
                acc[i] = s.mul_add_e(least, s.splat_e(total as f32 * dx[i][at]), acc[i]);
            }
        }
    }
    let mut out = [[0.0; STRIP]; M];
    for i in 0..M {
        // SAFETY: the array has eight values.
        unsafe { s.store_e(out[i].as_mut_ptr(), acc[i]) };
    }
    out
}

/// Eight scales.
#[inline(always)]
fn single<S: Isa>(s: S, scales: &[f32], at: usize) -> S::E {
    let scales = &scales[at..][..STRIP];
    // SAFETY: the slice has eight values.
    unsafe { s.load_e(scales.as_ptr()) }
}

/// Eight scales of 16 bits.
#[inline(always)]
fn half<S: Isa>(s: S, scales: &[f16], at: usize) -> S::E {
    let scales = &scales[at..][..STRIP];
    // SAFETY: the slice has eight values of 16 bits.
    unsafe { s.load_f16_e(scales.as_ptr().cast()) }
}
