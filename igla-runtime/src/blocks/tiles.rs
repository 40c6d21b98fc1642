//! Products of rows of bytes with strips of codes.
//!
//! ```text
//! x:  four bytes, eight times   ×  register j of a strip  →  pairs, added over j at 16 bits while they cannot overflow
//! ```
//! That takes two instructions for 32 products, and five more for each chunk of each row of x. Codes that are signed
//! bytes take four for 32, as the sign of each goes to the byte of x that it meets.
//! Nothing here depends on formats: all is compiled once.

use core::ops::Range;

#[cfg(target_arch = "aarch64")]
use super::dotprod;
use super::strips::{STRIP, Scales, Shape, StripsRef};
#[cfg(target_arch = "x86_64")]
use super::vnni;
use super::{CHUNK, Int8Rows, plain};
use crate::isa::{self, Isa, Kernel};
use crate::level::Level;

/// Bytes that strips are asked for ahead of their use, from memory.
const AHEAD: usize = 1024;

/// Cache lines of a chunk of a strip.
const fn lines(bits: usize) -> usize {
    STRIP * CHUNK * bits / 8 / 64
}

/// `out[i * count + j]` for rows `xs` of x and the `count` rows of the strips.
pub(super) struct Tiles<'a> {
    pub strips: StripsRef<'a>,
    pub count: usize,
    pub x: Int8Rows<'a>,
    pub xs: Range<usize>,
    pub out: &'a mut [f32],
}

impl Tiles<'_> {
    /// Computes them with the best that the level has.
    pub(super) fn compute(self, level: Level) {
        #[cfg(target_arch = "x86_64")]
        if level.code() == Level::Avx512 && Level::Avx512.is_available() && vnni::is_available() {
            let mut this = self;
            // SAFETY: just looked at.
            return unsafe { vnni::compute(&mut this) };
        }
        #[cfg(target_arch = "aarch64")]
        if level == Level::Neon && level.is_available() && dotprod::is_available() {
            let mut this = self;
            // SAFETY: just looked at.
            return unsafe { dotprod::compute(&mut this) };
        }
        isa::dispatch_bytes(level, self);
    }
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
        let strips = self.count.div_ceil(STRIP);
        let mut strip = 0;
        while strip < strips {
            strip += if const { M <= 2 && !plain::<S>() } && strips - strip >= 2 {
                self.meet::<S, BITS, DEPTH, M, 2>(s, first, strip)
            } else {
                self.meet::<S, BITS, DEPTH, M, 1>(s, first, strip)
            };
        }
        M
    }

    /// Rows `first..first + M` of x with `R` strips from `strip` on.
    #[inline(always)]
    fn meet<S: Isa, const BITS: usize, const DEPTH: usize, const M: usize, const R: usize>(
        &mut self,
        s: S,
        first: usize,
        strip: usize,
    ) -> usize {
        let chunks = self.x.chunks();
        let StripsRef { shape, codes, scales } = self.strips;
        let (bytes, floats) = (chunks * shape.bytes(), chunks * shape.floats());
        let mut parts = [self.strips; R];
        for (r, part) in parts.iter_mut().enumerate() {
            part.codes = &codes[(strip + r) * bytes..][..bytes];
            part.scales = match scales {
                Scales::Single(scales) => Scales::Single(&scales[(strip + r) * floats..][..floats]),
                Scales::Half(scales) => Scales::Half(&scales[(strip + r) * floats..][..floats]),
            };
        }
        let sums = tile::<S, BITS, DEPTH, M, R>(s, &self.x, self.xs.start + first, parts);
        for (r, sums) in sums.iter().enumerate() {
            let (j, count) = ((strip + r) * STRIP, self.count);
            for (i, sums) in sums.iter().enumerate() {
                let columns = STRIP.min(count - j);
                self.out[(first + i) * count + j..][..columns].copy_from_slice(&sums[..columns]);
            }
        }
        R
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

/// Rows `first..first + M` of x with `R` strips of the same shape.
#[inline(always)]
fn tile<S: Isa, const BITS: usize, const DEPTH: usize, const M: usize, const R: usize>(
    s: S,
    x: &Int8Rows<'_>,
    first: usize,
    strips: [StripsRef<'_>; R],
) -> [[[f32; STRIP]; M]; R] {
    let chunks = x.chunks();
    let Shape { offset, min, .. } = strips[0].shape;
    let floats = strips[0].shape.floats();
    let mut bytes: [&[[u8; CHUNK]]; M] = [&[]; M];
    let mut totals: [&[i32]; M] = [&[]; M];
    let mut dx: [&[f32]; M] = [&[]; M];
    for i in 0..M {
        let row = (first + i) * chunks..(first + i + 1) * chunks;
        bytes[i] = &x.bytes[row.clone()];
        totals[i] = &x.totals[row.clone()];
        dx[i] = &x.scales[row];
    }
    let mut acc = [[s.splat_e(0.0); M]; R];
    let size = const { STRIP * CHUNK * BITS / 8 };
    for at in 0..chunks {
        // Before the products: what stands behind a branch, loads that feed it do not follow, and registers run out.
        let mut codes: [&[u8]; R] = [&[]; R];
        let mut scale = [s.splat_e(0.0); R];
        for r in 0..R {
            codes[r] = &strips[r].codes[at * size..][..size];
            scale[r] = eight(s, strips[r].scales, at * floats);
            for line in 0..const { lines(BITS) } {
                s.prefetch(codes[r].as_ptr().wrapping_add(AHEAD + 64 * line));
            }
        }
        let mut sums = [[s.splat_p(0); M]; R];
        macro_rules! several {
            ($($j:literal)*) => {{
                let mut pairs = [[s.splat_h(0); M]; R];
                $(
                    let mut fours = [s.splat_b(0); M];
                    for i in 0..M {
                        // SAFETY: a chunk has eight fours.
                        fours[i] = unsafe { s.splat_four_b(bytes[i][at].as_ptr().add(4 * $j)) };
                    }
                    for r in 0..R {
                        let w = register::<S, BITS, $j>(s, codes[r]);
                        let size = s.abs_b(w);
                        for i in 0..M {
                            pairs[r][i] = if const { DEPTH == 1 } {
                                s.add_pairs_b(pairs[r][i], size, s.sign_b(fours[i], w))
                            } else {
                                s.add_pairs_b(pairs[r][i], w, fours[i])
                            };
                        }
                    }
                )*
                for r in 0..R {
                    for i in 0..M {
                        sums[r][i] = s.add_p(sums[r][i], s.sum_h(pairs[r][i]));
                    }
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
        for i in 0..M {
            let shift = s.splat_p(totals[i][at].wrapping_mul(offset));
            let dx = s.splat_e(dx[i][at]);
            for r in 0..R {
                let sum = s.to_e(s.add_p(sums[r][i], shift));
                acc[r][i] = s.mul_add_e(sum, s.mul_e(scale[r], dx), acc[r][i]);
            }
        }
    }
    if min {
        for at in 0..chunks {
            for r in 0..R {
                let least = eight(s, strips[r].scales, at * floats + STRIP);
                for i in 0..M {
                    let weight = totals[i][at] as f32 * dx[i][at];
                    acc[r][i] = s.mul_add_e(least, s.splat_e(weight), acc[r][i]);
                }
            }
        }
    }
    let mut out = [[[0.0; STRIP]; M]; R];
    for r in 0..R {
        for i in 0..M {
            // SAFETY: the array has eight values.
            unsafe { s.store_e(out[r][i].as_mut_ptr(), acc[r][i]) };
        }
    }
    out
}

/// Eight scales or minima.
#[inline(always)]
fn eight<S: Isa>(s: S, scales: Scales<'_>, at: usize) -> S::E {
    match scales {
        Scales::Single(scales) => {
            let scales = &scales[at..][..STRIP];
            // SAFETY: the slice has eight values.
            unsafe { s.load_e(scales.as_ptr()) }
        }
        Scales::Half(scales) => {
            let scales = &scales[at..][..STRIP];
            // SAFETY: the slice has eight values of 16 bits.
            unsafe { s.load_f16_e(scales.as_ptr().cast()) }
        }
    }
}
