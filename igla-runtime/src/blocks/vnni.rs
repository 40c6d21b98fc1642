//! [`Tiles`] with AVX-512's products of bytes: four of them and their sum in one instruction, on 64 bytes.
//!
//! ```text
//! two strips, the same four numbers of K of 16 rows     x: four bytes, sixteen times
//! └ 32 bytes of one ┴ 32 bytes of the other ┘     ×     └ read with the instruction ┘     →   16 sums
//! ```
//! A chunk takes eight such products for each row of x, and three more instructions that scale its sums. Sums
//! are the whole numbers that the other levels compute, scaled in the same order, so no bit differs from AVX2.
//! Used by the AVX-512 level where the CPU has the instruction; it is not a level of its own, as nothing else
//! would be compiled for it.

use core::arch::x86_64::*;

use super::strips::{STRIP, Scales, Shape, StripsRef};
use super::tiles::Tiles;
use super::{CHUNK, Int8Rows};

/// Bytes that strips are asked for ahead of their use, from memory.
const AHEAD: usize = 4096;

/// Whether this CPU has the instructions.
#[inline]
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512vnni")
}

/// Computes tiles.
///
/// # Safety
/// The CPU has the AVX-512 level, and [`is_available`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) unsafe fn compute(tiles: &mut Tiles<'_>) {
    match (tiles.strips.shape.bits, tiles.strips.shape.depth) {
        (2, _) => rows::<2, false>(tiles),
        (4, _) => rows::<4, false>(tiles),
        (_, 1) => rows::<8, true>(tiles),
        _ => rows::<8, false>(tiles),
    }
}

/// Rows of x in groups; how they are grouped changes no bit.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
fn rows<const BITS: usize, const SIGNED: bool>(tiles: &mut Tiles<'_>) {
    let rows = tiles.xs.len();
    let mut first = 0;
    while first < rows {
        first += match rows - first {
            8.. => column::<BITS, SIGNED, 8>(tiles, first),
            4.. => column::<BITS, SIGNED, 4>(tiles, first),
            2.. => column::<BITS, SIGNED, 2>(tiles, first),
            _ => column::<BITS, SIGNED, 1>(tiles, first),
        };
    }
}

/// Rows `first..first + M` of x with every strip, two at a time; a last one alone meets itself.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
fn column<const BITS: usize, const SIGNED: bool, const M: usize>(
    tiles: &mut Tiles<'_>,
    first: usize,
) -> usize {
    let chunks = tiles.x.chunks();
    let StripsRef { shape, codes, scales } = tiles.strips;
    let (bytes, floats) = (chunks * shape.bytes(), chunks * shape.floats());
    let strips = tiles.count.div_ceil(STRIP);
    for n in (0..strips).step_by(2) {
        let mut pair = [tiles.strips; 2];
        for (part, n) in pair.iter_mut().zip([n, (n + 1).min(strips - 1)]) {
            part.codes = &codes[n * bytes..][..bytes];
            part.scales = match scales {
                Scales::Single(scales) => Scales::Single(&scales[n * floats..][..floats]),
                Scales::Half(scales) => Scales::Half(&scales[n * floats..][..floats]),
            };
        }
        let sums = tile::<BITS, SIGNED, M>(&tiles.x, tiles.xs.start + first, pair);
        let j = n * STRIP;
        let columns = (2 * STRIP).min(tiles.count - j);
        for (i, sums) in sums.iter().enumerate() {
            tiles.out[(first + i) * tiles.count + j..][..columns].copy_from_slice(&sums[..columns]);
        }
    }
    M
}

/// Register `J` of a chunk of two strips, as unsigned codes. `pair` is where the chunks begin.
///
/// # Safety
/// Both chunks can be read.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
unsafe fn register<const BITS: usize, const SIGNED: bool, const J: usize>(pair: [*const u8; 2]) -> __m512i {
    let at = CHUNK
        * match BITS {
            2 => J / 4,
            4 => J % 4,
            _ => J,
        };
    // SAFETY: the caller's: 32 bytes of each chunk.
    let codes = unsafe {
        let low = _mm256_loadu_si256(pair[0].add(at).cast());
        let high = _mm256_loadu_si256(pair[1].add(at).cast());
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    };
    match (BITS, J) {
        // Bytes are shifted in pairs; what comes from the neighbour is cleared.
        (2, _) => {
            let shifted = match J % 4 {
                0 => codes,
                1 => _mm512_srli_epi16::<2>(codes),
                2 => _mm512_srli_epi16::<4>(codes),
                _ => _mm512_srli_epi16::<6>(codes),
            };
            _mm512_and_si512(shifted, _mm512_set1_epi8(3))
        }
        (4, 0..4) => _mm512_and_si512(codes, _mm512_set1_epi8(15)),
        (4, _) => _mm512_and_si512(_mm512_srli_epi16::<4>(codes), _mm512_set1_epi8(15)),
        _ if SIGNED => _mm512_xor_si512(codes, _mm512_set1_epi8(-128)),
        _ => codes,
    }
}

/// Rows `first..first + M` of x with two strips of the same shape.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
fn tile<const BITS: usize, const SIGNED: bool, const M: usize>(
    x: &Int8Rows<'_>,
    first: usize,
    strips: [StripsRef<'_>; 2],
) -> [[f32; 2 * STRIP]; M] {
    let chunks = x.chunks();
    let Shape { offset, min, .. } = strips[0].shape;
    // Signed codes become unsigned ones, 128 larger.
    let offset = if SIGNED { offset - 128 } else { offset };
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
    let mut acc = [_mm512_setzero_ps(); M];
    // No closure takes a register: if it is not inlined, registers go through memory.
    let (low, high) = (&strips[0].codes[..chunks * size], &strips[1].codes[..chunks * size]);
    for at in 0..chunks {
        let scale = sixteen(strips, at * floats);
        let pair = [low[at * size..].as_ptr(), high[at * size..].as_ptr()];
        for line in (0..size).step_by(64) {
            _mm_prefetch::<_MM_HINT_T0>(pair[0].wrapping_add(AHEAD + line).cast());
            _mm_prefetch::<_MM_HINT_T0>(pair[1].wrapping_add(AHEAD + line).cast());
        }
        // One sum a row would wait for itself if there are few of them.
        let mut sums = [[_mm512_setzero_si512(); 2]; M];
        for i in 0..M {
            sums[i][0] = _mm512_set1_epi32(totals[i][at].wrapping_mul(offset));
        }
        macro_rules! each {
            ($($j:literal)*) => {$({
                // SAFETY: both slices have `size` bytes from here on.
                let w = unsafe { register::<BITS, SIGNED, $j>(pair) };
                for i in 0..M {
                    // SAFETY: a chunk has eight fours of bytes.
                    let x = unsafe { bytes[i][at].as_ptr().cast::<i32>().add($j).read_unaligned() };
                    let x = _mm512_set1_epi32(x);
                    let way = if M <= 2 { $j % 2 } else { 0 };
                    sums[i][way] = _mm512_dpbusd_epi32(sums[i][way], w, x);
                }
            })*};
        }
        each!(0 1 2 3 4 5 6 7);
        for i in 0..M {
            let sum = if M <= 2 { _mm512_add_epi32(sums[i][0], sums[i][1]) } else { sums[i][0] };
            let weight = _mm512_mul_ps(scale, _mm512_set1_ps(dx[i][at]));
            acc[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), weight, acc[i]);
        }
    }
    if min {
        for at in 0..chunks {
            let least = sixteen(strips, at * floats + STRIP);
            for i in 0..M {
                let weight = totals[i][at] as f32 * dx[i][at];
                acc[i] = _mm512_fmadd_ps(least, _mm512_set1_ps(weight), acc[i]);
            }
        }
    }
    let mut out = [[0.0; 2 * STRIP]; M];
    for i in 0..M {
        // SAFETY: the array has sixteen values.
        unsafe { _mm512_storeu_ps(out[i].as_mut_ptr(), acc[i]) };
    }
    out
}

/// Eight scales or minima of each of two strips.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
fn sixteen(strips: [StripsRef<'_>; 2], at: usize) -> __m512 {
    let (low, high) = (eight(strips[0].scales, at), eight(strips[1].scales, at));
    _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high)
}

/// Eight scales or minima.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
fn eight(scales: Scales<'_>, at: usize) -> __m256 {
    match scales {
        Scales::Single(scales) => {
            let eight = &scales[at..][..STRIP];
            // SAFETY: the slice has eight values.
            unsafe { _mm256_loadu_ps(eight.as_ptr()) }
        }
        Scales::Half(scales) => {
            let eight = &scales[at..][..STRIP];
            // SAFETY: the slice has eight values of 16 bits.
            _mm256_cvtph_ps(unsafe { _mm_loadu_si128(eight.as_ptr().cast()) })
        }
    }
}
