//! [`Tiles`] with ARM's products of bytes: four of them and their sum in one instruction, on 16 bytes.
//!
//! ```text
//! half a strip, the same four numbers of K of 4 rows     x: 16 bytes, of which the instruction picks four
//! └ 16 bytes ┘                                     ×     └ k 0..4 ┴ k 4..8 ┴ … ┘     →   4 sums
//! ```
//! Codes are signed bytes, or no larger than 64, so both operands are signed. Sums are the whole numbers that NEON
//! computes without the extension, scaled in the same order, so no bit differs. Used by the NEON level where the CPU
//! has the instruction; it is not a level of its own, as nothing else would be compiled for it. The instruction is
//! written as such, since the compiler offers no function for it yet.

use core::arch::aarch64::*;
use core::arch::asm;

use super::strips::{STRIP, Scales, Shape, StripsRef};
use super::tiles::Tiles;
use super::{CHUNK, Int8Rows};

/// Whether this CPU has the instruction.
#[inline]
pub(super) fn is_available() -> bool {
    std::arch::is_aarch64_feature_detected!("dotprod")
}

/// Computes tiles.
///
/// # Safety
/// The CPU has the NEON level, and [`is_available`].
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn compute(tiles: &mut Tiles<'_>) {
    match tiles.strips.shape.bits {
        2 => rows::<2>(tiles),
        4 => rows::<4>(tiles),
        _ => rows::<8>(tiles),
    }
}

/// Rows of x in groups, with the more strips at a time the fewer they are; neither changes a bit.
#[target_feature(enable = "neon,dotprod")]
fn rows<const BITS: usize>(tiles: &mut Tiles<'_>) {
    let rows = tiles.xs.len();
    let mut first = 0;
    while first < rows {
        first += match rows - first {
            4.. => column::<BITS, 4, 1>(tiles, first),
            2.. => column::<BITS, 2, 2>(tiles, first),
            _ => column::<BITS, 1, 4>(tiles, first),
        };
    }
}

/// Rows `first..first + M` of x with every strip, `R` at a time; where there are fewer, the last meets itself.
#[target_feature(enable = "neon,dotprod")]
fn column<const BITS: usize, const M: usize, const R: usize>(tiles: &mut Tiles<'_>, first: usize) -> usize {
    let chunks = tiles.x.chunks();
    let StripsRef { shape, codes, scales } = tiles.strips;
    let (bytes, floats) = (chunks * shape.bytes(), chunks * shape.floats());
    let strips = tiles.count.div_ceil(STRIP);
    for n in (0..strips).step_by(R) {
        let mut parts = [tiles.strips; R];
        for (r, part) in parts.iter_mut().enumerate() {
            let n = (n + r).min(strips - 1);
            part.codes = &codes[n * bytes..][..bytes];
            part.scales = match scales {
                Scales::Single(scales) => Scales::Single(&scales[n * floats..][..floats]),
                Scales::Half(scales) => Scales::Half(&scales[n * floats..][..floats]),
            };
        }
        let sums = tile::<BITS, M, R>(&tiles.x, tiles.xs.start + first, parts);
        for (r, sums) in sums.iter().enumerate().take(strips - n) {
            let j = (n + r) * STRIP;
            let columns = STRIP.min(tiles.count - j);
            for (i, sums) in sums.iter().enumerate() {
                tiles.out[(first + i) * tiles.count + j..][..columns].copy_from_slice(&sums[..columns]);
            }
        }
    }
    M
}

/// `acc` and the sums of fours of `w`, each times the four `I` of `x`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const I: usize>(acc: int32x4_t, w: uint8x16_t, x: uint8x16_t) -> int32x4_t {
    let mut sum = acc;
    // SAFETY: the caller has the instruction, which touches registers only.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {w:v}.16b, {x:v}.4b[{i}]",
            sum = inout(vreg) sum,
            w = in(vreg) w,
            x = in(vreg) x,
            i = const I,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

/// Register `J` of a chunk of a strip, which begins at `codes`.
///
/// # Safety
/// The chunk can be read.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn register<const BITS: usize, const J: usize>(codes: *const u8) -> [uint8x16_t; 2] {
    let at = CHUNK
        * match BITS {
            2 => J / 4,
            4 => J % 4,
            _ => J,
        };
    // SAFETY: the caller's: 32 bytes of the chunk.
    let halves = unsafe { [vld1q_u8(codes.add(at)), vld1q_u8(codes.add(at + 16))] };
    let mut out = halves;
    for half in 0..2 {
        let codes = halves[half];
        out[half] = match (BITS, J) {
            (2, _) => {
                let shifted = match J % 4 {
                    0 => codes,
                    1 => vshrq_n_u8::<2>(codes),
                    2 => vshrq_n_u8::<4>(codes),
                    _ => vshrq_n_u8::<6>(codes),
                };
                vandq_u8(shifted, vdupq_n_u8(3))
            }
            (4, 0..4) => vandq_u8(codes, vdupq_n_u8(15)),
            (4, _) => vshrq_n_u8::<4>(codes),
            _ => codes,
        };
    }
    out
}

/// Rows `first..first + M` of x with `R` strips of the same shape.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn tile<const BITS: usize, const M: usize, const R: usize>(
    x: &Int8Rows<'_>,
    first: usize,
    strips: [StripsRef<'_>; R],
) -> [[[f32; STRIP]; M]; R] {
    let chunks = x.chunks();
    let Shape { offset, min, .. } = strips[0].shape;
    let floats = strips[0].shape.floats();
    let size = const { STRIP * CHUNK * BITS / 8 };
    let mut bytes: [&[[u8; CHUNK]]; M] = [&[]; M];
    let mut totals: [&[i32]; M] = [&[]; M];
    let mut dx: [&[f32]; M] = [&[]; M];
    for i in 0..M {
        let row = (first + i) * chunks..(first + i + 1) * chunks;
        bytes[i] = &x.bytes[row.clone()];
        totals[i] = &x.totals[row.clone()];
        dx[i] = &x.scales[row];
    }
    let mut acc = [[[vdupq_n_f32(0.0); 2]; M]; R];
    // No closure takes a register: if it is not inlined, registers go through memory.
    for at in 0..chunks {
        let mut sums = [[[vdupq_n_s32(0); 2]; M]; R];
        let mut q = [[vdupq_n_u8(0); 2]; M];
        for i in 0..M {
            // SAFETY: a chunk has 32 bytes.
            q[i] = unsafe { [vld1q_u8(bytes[i][at].as_ptr()), vld1q_u8(bytes[i][at].as_ptr().add(16))] };
            let shift = vdupq_n_s32(totals[i][at].wrapping_mul(offset));
            for r in 0..R {
                sums[r][i] = [shift; 2];
            }
        }
        for r in 0..R {
            let codes = strips[r].codes[at * size..][..size].as_ptr();
            macro_rules! each {
                ($($j:literal)*) => {$({
                    // SAFETY: the slice is a chunk.
                    let w = unsafe { register::<BITS, $j>(codes) };
                    for i in 0..M {
                        for half in 0..2 {
                            let sum = sums[r][i][half];
                            sums[r][i][half] = dot::<{ $j % 4 }>(sum, w[half], q[i][$j / 4]);
                        }
                    }
                })*};
            }
            each!(0 1 2 3 4 5 6 7);
            let scale = eight(strips[r].scales, at * floats);
            for i in 0..M {
                for half in 0..2 {
                    let weight = vmulq_n_f32(scale[half], dx[i][at]);
                    let sum = vcvtq_f32_s32(sums[r][i][half]);
                    acc[r][i][half] = vfmaq_f32(acc[r][i][half], sum, weight);
                }
            }
        }
    }
    if min {
        for at in 0..chunks {
            for r in 0..R {
                let least = eight(strips[r].scales, at * floats + STRIP);
                for i in 0..M {
                    let weight = vdupq_n_f32(totals[i][at] as f32 * dx[i][at]);
                    for half in 0..2 {
                        acc[r][i][half] = vfmaq_f32(acc[r][i][half], least[half], weight);
                    }
                }
            }
        }
    }
    let mut out = [[[0.0; STRIP]; M]; R];
    for r in 0..R {
        for i in 0..M {
            for half in 0..2 {
                // SAFETY: the array has eight values.
                unsafe { vst1q_f32(out[r][i].as_mut_ptr().add(4 * half), acc[r][i][half]) };
            }
        }
    }
    out
}

/// Eight scales or minima.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn eight(scales: Scales<'_>, at: usize) -> [float32x4_t; 2] {
    match scales {
        Scales::Single(scales) => {
            let eight = &scales[at..][..STRIP];
            // SAFETY: the slice has eight values.
            unsafe { [vld1q_f32(eight.as_ptr()), vld1q_f32(eight.as_ptr().add(4))] }
        }
        Scales::Half(scales) => {
            let eight = &scales[at..][..STRIP];
            // SAFETY: the slice has eight values of 16 bits.
            let halves = vreinterpretq_f16_u16(unsafe { vld1q_u16(eight.as_ptr().cast()) });
            [vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::Ctx;
    use crate::gemm::Mat;
    use crate::isa;
    use crate::level::Level;

    #[test]
    fn sums_have_the_bits_of_the_level_without_it() {
        if !is_available() {
            return;
        }
        let mut state = 1_u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let mut ctx = Ctx::with(Level::Neon, 1);
        for (bits, depth) in [(2, 8), (4, 8), (8, 8), (8, 4), (8, 2), (8, 1)] {
            for (m, count, chunks, min) in
                [(1, 1, 1, false), (1, 40, 3, true), (2, 9, 2, true), (3, 24, 5, false), (11, 37, 4, true)]
            {
                let shape = Shape { bits, depth, offset: -3, min };
                let (codes, floats) = shape.sizes(count, chunks * CHUNK);
                // The most that a depth allows; signed bytes of any value.
                let most = [255, 64, 32, 16][(depth as u32).trailing_zeros() as usize];
                let code = |code: u32| if bits == 8 { code % (most + 1) } else { code } as u8;
                let codes: Vec<u8> = (0..codes).map(|_| code(next())).collect();
                let scales: Vec<f32> = (0..floats).map(|_| next() as f32 / 1e6 - 8.0).collect();
                let k = chunks * CHUNK;
                let x: Vec<f32> = (0..m * k).map(|_| next() as f32 / 1e6 - 8.0).collect();
                let (mut scratch, mut par) = ctx.frame(Int8Rows::scratch(m, k));
                let x = par.int8_rows(Mat::strided(&x, &[(m, k)], &[(k, 1)]).unwrap(), &mut scratch);
                let strips = StripsRef { shape, codes: &codes, scales: Scales::Single(&scales) };
                let (mut found, mut wanted) = (vec![0.0; m * count], vec![1.0; m * count]);
                // SAFETY: the CPU has the instruction.
                unsafe { compute(&mut Tiles { strips, count, x, xs: 0..m, out: &mut found }) };
                isa::dispatch_bytes(Level::Neon, Tiles { strips, count, x, xs: 0..m, out: &mut wanted });
                assert_eq!(found, wanted, "{bits} bits, depth {depth}, {m} rows of x with {count}");
            }
        }
    }
}
