//! Formats as a compiler writes them from equations, and the equations themselves as the oracle.
//!
//! Each format has unpacking that an affine or table form needs: whole bytes, nibbles, high-bit planes,
//! scales of parts of a chunk, digits of base 3, fields across bytes, a table of floats.

#![allow(dead_code, reason = "not every test file uses every format")]

use igla_runtime::blocks::{Affine, Blocks, Bytes, Floats, Scales, affine, part};
use igla_runtime::{Isa, f16};

/// What a test needs besides the format: the equations on one number, and plausible bytes.
pub trait Oracle: Blocks {
    const NAME: &'static str;
    const BYTES: usize = size_of::<Self::Block>();
    /// Number `j` of a block, computed in f32 in the order of the equation.
    fn number(block: &[u8], j: usize) -> f32;
    /// Positions of binary16 fields, which tests fill with numbers of moderate size.
    const HALVES: &'static [usize];
}

/// An affine format: the whole number that stands for number `j`.
pub trait IntOracle: Oracle + Affine {
    fn int(block: &[u8], j: usize) -> i32;

    /// The minimum of number `j`.
    fn min(_block: &[u8], _j: usize) -> f32 {
        0.0
    }

    /// Makes scales that are whole numbers so small that sums of a thousand products stay below 2^24.
    fn tame(_block: &mut [u8]) {}
}

fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

macro_rules! decode_affine {
    () => {
        #[inline(always)]
        fn decode<S: Isa>(s: S, block: &Self::Block, chunk: usize) -> Floats<S> {
            affine::<Self, S>(s, block, chunk)
        }
    };
}

/// `qs: i8[32]`, `decode[j]: d * qs[j]`.
pub struct Q8_0;

impl Blocks for Q8_0 {
    type Block = [u8; 34];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for Q8_0 {
    const LOW: i32 = -128;
    const HIGH: i32 = 127;
    const GROUP: usize = 32;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 34], _chunk: usize) -> Bytes<S> {
        Bytes::load(s, part(block, 2)) ^ Bytes::splat(s, 128)
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 34], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 0))
    }
}

impl Oracle for Q8_0 {
    const NAME: &'static str = "q8_0";
    const HALVES: &'static [usize] = &[0];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 0) * Self::int(block, j) as f32
    }
}

impl IntOracle for Q8_0 {
    fn int(block: &[u8], j: usize) -> i32 {
        i32::from(block[2 + j] as i8)
    }
}

/// `q[j] = bits(qs[j % 16], 4 * (j // 16), 4)`, `decode[j]: d * (q[j] - 8)`.
pub struct Q4_0;

#[inline(always)]
fn nibbles<S: Isa>(s: S, qs: &[u8; 16]) -> Bytes<S> {
    let qs = Bytes::twice(s, qs);
    qs.low_high(qs.shr::<4>()) & Bytes::splat(s, 15)
}

impl Blocks for Q4_0 {
    type Block = [u8; 18];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for Q4_0 {
    const LOW: i32 = -8;
    const HIGH: i32 = 7;
    const GROUP: usize = 32;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 18], _chunk: usize) -> Bytes<S> {
        nibbles(s, part(block, 2))
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 18], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 0))
    }
}

impl Oracle for Q4_0 {
    const NAME: &'static str = "q4_0";
    const HALVES: &'static [usize] = &[0];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 0) * Self::int(block, j) as f32
    }
}

impl IntOracle for Q4_0 {
    fn int(block: &[u8], j: usize) -> i32 {
        i32::from(block[2 + j % 16] >> (4 * (j / 16)) & 15) - 8
    }
}

/// `decode[j]: d * q[j] + m`, nibbles as before.
pub struct Q4_1;

impl Blocks for Q4_1 {
    type Block = [u8; 20];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for Q4_1 {
    const LOW: i32 = 0;
    const HIGH: i32 = 15;
    const GROUP: usize = 32;
    const HAS_MIN: bool = true;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 20], _chunk: usize) -> Bytes<S> {
        nibbles(s, part(block, 4))
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 20], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 0))
    }

    #[inline(always)]
    fn mins<S: Isa>(s: S, block: &[u8; 20], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 2))
    }
}

impl Oracle for Q4_1 {
    const NAME: &'static str = "q4_1";
    const HALVES: &'static [usize] = &[0, 2];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 0) * Self::int(block, j) as f32 + half(block, 2)
    }
}

impl IntOracle for Q4_1 {
    fn int(block: &[u8], j: usize) -> i32 {
        i32::from(block[4 + j % 16] >> (4 * (j / 16)) & 15)
    }

    fn min(block: &[u8], _j: usize) -> f32 {
        half(block, 2)
    }
}

/// `q[j] = nibble + 16 * bits(qh[j // 8], j % 8, 1)`, `decode[j]: d * (q[j] - 16)`.
pub struct Q5_0;

/// 0, 0, …, 1, 1, …: eight times each of four bytes.
const EIGHTH: [u8; 32] = {
    let mut at = [0; 32];
    let mut j = 0;
    while j < 32 {
        at[j] = (j / 8) as u8;
        j += 1;
    }
    at
};

/// Bit `j % 8`.
const BIT: [u8; 32] = {
    let mut bit = [0; 32];
    let mut j = 0;
    while j < 32 {
        bit[j] = 1 << (j % 8);
        j += 1;
    }
    bit
};

impl Blocks for Q5_0 {
    type Block = [u8; 22];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for Q5_0 {
    const LOW: i32 = -16;
    const HIGH: i32 = 15;
    const GROUP: usize = 32;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 22], _chunk: usize) -> Bytes<S> {
        let bit = Bytes::load(s, &BIT);
        let plane = Bytes::four(s, part(block, 2)).pick(&EIGHTH) & bit;
        nibbles(s, part(block, 6)) | (plane.equal(bit) & Bytes::splat(s, 16))
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 22], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 0))
    }
}

impl Oracle for Q5_0 {
    const NAME: &'static str = "q5_0";
    const HALVES: &'static [usize] = &[0];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 0) * Self::int(block, j) as f32
    }
}

impl IntOracle for Q5_0 {
    fn int(block: &[u8], j: usize) -> i32 {
        let high = i32::from(block[2 + j / 8] >> (j % 8) & 1);
        i32::from(block[6 + j % 16] >> (4 * (j / 16)) & 15) + 16 * high - 16
    }
}

/// 256 numbers of 6 bits, 4 in `ql` and 2 in `qh`, with an 8-bit scale for every 16.
pub struct Q6K;

impl Blocks for Q6K {
    type Block = [u8; 210];
    const NUMBERS: usize = 256;
    decode_affine!();
}

impl Affine for Q6K {
    const LOW: i32 = -32;
    const HIGH: i32 = 31;
    const GROUP: usize = 16;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 210], chunk: usize) -> Bytes<S> {
        let ql = Bytes::load(s, part(block, 64 * (chunk / 4) + 32 * (chunk % 2)));
        let qh = Bytes::load(s, part(block, 128 + 32 * (chunk / 4)));
        let low = if chunk % 4 < 2 { ql } else { ql.shr::<4>() };
        let high = match chunk % 4 {
            0 => qh.shl::<4>(),
            1 => qh.shl::<2>(),
            2 => qh,
            _ => qh.shr::<2>(),
        };
        low & Bytes::splat(s, 15) | high & Bytes::splat(s, 48)
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 210], chunk: usize) -> Scales<S> {
        let scale = |i: usize| f32::from(block[192 + i] as i8);
        Scales::f16(s, *part(block, 208)) * Scales::halves(s, scale(2 * chunk), scale(2 * chunk + 1))
    }
}

impl Oracle for Q6K {
    const NAME: &'static str = "q6_K";
    const HALVES: &'static [usize] = &[208];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 208) * f32::from(block[192 + j / 16] as i8) * Self::int(block, j) as f32
    }
}

impl IntOracle for Q6K {
    fn int(block: &[u8], j: usize) -> i32 {
        let (n, q, l) = (j / 128, j / 32 % 4, j % 32);
        let low = block[64 * n + 32 * (q % 2) + l] >> (4 * (q / 2)) & 15;
        let high = block[128 + 32 * n + l] >> (2 * q) & 3;
        i32::from(low) + 16 * i32::from(high) - 32
    }

    fn tame(block: &mut [u8]) {
        block[192..208].iter_mut().for_each(|scale| *scale = (*scale & 7).wrapping_sub(4));
    }
}

/// 256 numbers of two bits, `decode[j]: d * (bits(…) - 1)`.
pub struct Ternary2;

impl Blocks for Ternary2 {
    type Block = [u8; 66];
    const NUMBERS: usize = 256;
    decode_affine!();
}

impl Affine for Ternary2 {
    const LOW: i32 = -1;
    const HIGH: i32 = 2;
    const GROUP: usize = 256;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 66], chunk: usize) -> Bytes<S> {
        let qs = Bytes::load(s, part(block, 32 * (chunk / 4)));
        let shifted = match chunk % 4 {
            0 => qs,
            1 => qs.shr::<2>(),
            2 => qs.shr::<4>(),
            _ => qs.shr::<6>(),
        };
        shifted & Bytes::splat(s, 3)
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 66], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 64))
    }
}

impl Oracle for Ternary2 {
    const NAME: &'static str = "ternary, 2 bits";
    const HALVES: &'static [usize] = &[64];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 64) * Self::int(block, j) as f32
    }
}

impl IntOracle for Ternary2 {
    fn int(block: &[u8], j: usize) -> i32 {
        i32::from(block[32 * (j / 128) + j % 32] >> (2 * (j / 32 % 4)) & 3) - 1
    }
}

/// 160 numbers, five digits of base 3 in a byte that counts 256ths: digit `n` is `(byte * 3^n mod 256) * 3 // 256`.
pub struct Trits;

impl Blocks for Trits {
    type Block = [u8; 34];
    const NUMBERS: usize = 160;
    decode_affine!();
}

impl Affine for Trits {
    const LOW: i32 = -1;
    const HIGH: i32 = 1;
    const GROUP: usize = 160;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 34], chunk: usize) -> Bytes<S> {
        const POWERS: [u8; 5] = [1, 3, 9, 27, 81];
        Bytes::load(s, part(block, 0)).mul_low(&[POWERS[chunk]; 32]).mul_high(&[3; 32])
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 34], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 32))
    }
}

impl Oracle for Trits {
    const NAME: &'static str = "ternary, 5 digits a byte";
    const HALVES: &'static [usize] = &[32];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 32) * Self::int(block, j) as f32
    }
}

impl IntOracle for Trits {
    fn int(block: &[u8], j: usize) -> i32 {
        i32::from(block[j % 32]) * 3i32.pow(j as u32 / 32) % 256 * 3 / 256 - 1
    }
}

/// Three bits each, one after the other across bytes: `q[j] = bits(qs, 3 * j, 3)`, `decode[j]: d * (q[j] - 4)`.
pub struct Three;

/// For each number: the byte it starts in, the next, and its shift.
const STARTS: [[u8; 32]; 3] = {
    let mut out = [[0; 32]; 3];
    let mut j = 0;
    while j < 32 {
        out[0][j] = (3 * j / 8) as u8;
        out[1][j] = (3 * j / 8 + 1) as u8;
        out[2][j] = (3 * j % 8) as u8;
        j += 1;
    }
    out
};

/// What is missing to 8 of the shifts.
const REST: [u8; 32] = {
    let mut out = [0; 32];
    let mut j = 0;
    while j < 32 {
        out[j] = 8 - STARTS[2][j];
        j += 1;
    }
    out
};

impl Blocks for Three {
    type Block = [u8; 14];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for Three {
    const LOW: i32 = -4;
    const HIGH: i32 = 3;
    const GROUP: usize = 32;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 14], _chunk: usize) -> Bytes<S> {
        let qs = Bytes::short(s, &block[2..14]);
        let low = qs.pick(&STARTS[0]).shr_each(&STARTS[2]);
        let high = qs.pick(&STARTS[1]).shl_each(&REST);
        (low | high) & Bytes::splat(s, 7)
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 14], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 0))
    }
}

impl Oracle for Three {
    const NAME: &'static str = "3 bits across bytes";
    const HALVES: &'static [usize] = &[0];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 0) * Self::int(block, j) as f32
    }
}

impl IntOracle for Three {
    fn int(block: &[u8], j: usize) -> i32 {
        (0..3).map(|b| i32::from(block[2 + (3 * j + b) / 8] >> ((3 * j + b) % 8) & 1) << b).sum::<i32>() - 4
    }
}

/// A table of whole numbers: `decode[j]: d * table[q[j]]`.
pub struct IntTable;

const INTS: [i32; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// [`INTS`] from 0 on.
const INT_CODES: [u8; 16] = {
    let mut out = [0; 16];
    let mut i = 0;
    while i < 16 {
        out[i] = (INTS[i] + 127) as u8;
        i += 1;
    }
    out
};

impl Blocks for IntTable {
    type Block = [u8; 18];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for IntTable {
    const LOW: i32 = -127;
    const HIGH: i32 = 113;
    const GROUP: usize = 32;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 18], _chunk: usize) -> Bytes<S> {
        nibbles(s, part(block, 2)).lookup(&INT_CODES)
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 18], _chunk: usize) -> Scales<S> {
        Scales::f16(s, *part(block, 0))
    }
}

impl Oracle for IntTable {
    const NAME: &'static str = "table of 16 whole numbers";
    const HALVES: &'static [usize] = &[0];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 0) * Self::int(block, j) as f32
    }
}

impl IntOracle for IntTable {
    fn int(block: &[u8], j: usize) -> i32 {
        INTS[usize::from(block[2 + j % 16] >> (4 * (j / 16)) & 15)]
    }
}

/// Unsigned bytes with a scale and a minimum for every 8: `decode[j]: d[j // 8] * q[j] + m[j // 8]`.
pub struct Bytes8;

impl Blocks for Bytes8 {
    type Block = [u8; 48];
    const NUMBERS: usize = 32;
    decode_affine!();
}

impl Affine for Bytes8 {
    const LOW: i32 = 0;
    const HIGH: i32 = 255;
    const GROUP: usize = 8;
    const HAS_MIN: bool = true;

    #[inline(always)]
    fn codes<S: Isa>(s: S, block: &[u8; 48], _chunk: usize) -> Bytes<S> {
        Bytes::load(s, part(block, 16))
    }

    #[inline(always)]
    fn scales<S: Isa>(s: S, block: &[u8; 48], _chunk: usize) -> Scales<S> {
        Scales::quarters(s, std::array::from_fn(|i| half(block, 2 * i)))
    }

    #[inline(always)]
    fn mins<S: Isa>(s: S, block: &[u8; 48], _chunk: usize) -> Scales<S> {
        Scales::quarters(s, std::array::from_fn(|i| half(block, 8 + 2 * i)))
    }
}

impl Oracle for Bytes8 {
    const NAME: &'static str = "unsigned bytes, groups of 8";
    const HALVES: &'static [usize] = &[0, 2, 4, 6, 8, 10, 12, 14];
    fn number(block: &[u8], j: usize) -> f32 {
        half(block, 2 * (j / 8)) * Self::int(block, j) as f32 + half(block, 8 + 2 * (j / 8))
    }
}

impl IntOracle for Bytes8 {
    fn int(block: &[u8], j: usize) -> i32 {
        i32::from(block[16 + j])
    }

    fn min(block: &[u8], j: usize) -> f32 {
        half(block, 8 + 2 * (j / 8))
    }
}

/// A table of floats: `decode[j]: table[q[j]] * d`, high nibble first, two chunks to an f32 scale.
pub struct Nf4;

const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_04,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// 0, 0, 1, 1, …
const TWICE_EACH: [u8; 32] = {
    let mut at = [0; 32];
    let mut j = 0;
    while j < 32 {
        at[j] = (j / 2) as u8;
        j += 1;
    }
    at
};

/// 255, 0, 255, 0, …
const EVEN: [u8; 32] = {
    let mut mask = [0; 32];
    let mut j = 0;
    while j < 32 {
        mask[j] = 255;
        j += 2;
    }
    mask
};

impl Blocks for Nf4 {
    type Block = [u8; 36];
    const NUMBERS: usize = 64;

    #[inline(always)]
    fn decode<S: Isa>(s: S, block: &[u8; 36], chunk: usize) -> Floats<S> {
        let qs = Bytes::twice(s, part(block, 4 + 16 * chunk)).pick(&TWICE_EACH);
        let codes = Bytes::load(s, &EVEN).select(qs.shr::<4>(), qs) & Bytes::splat(s, 15);
        Floats::lookup(codes, &NF4) * Scales::f32(s, *part(block, 0)).same()
    }
}

impl Oracle for Nf4 {
    const NAME: &'static str = "nf4";
    const HALVES: &'static [usize] = &[2];
    fn number(block: &[u8], j: usize) -> f32 {
        let d = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        NF4[usize::from(block[4 + j / 2] >> (4 * (1 - j % 2)) & 15)] * d
    }
}

/// 8-bit floats through a table of 256, no scale; a whole number of them is a block.
pub struct Fp8;

/// e4m3: sign, 4 bits of exponent of bias 7, 3 of significand; the largest of each sign is NaN.
const E4M3: [f32; 256] = {
    let mut out = [0.0; 256];
    let mut i = 0;
    while i < 256 {
        let (e, m) = ((i >> 3 & 15) as u32, (i & 7) as u32);
        let size = if i & 127 == 127 {
            f32::NAN
        } else if e == 0 {
            m as f32 / 512.0
        } else {
            f32::from_bits((e + 120) << 23 | m << 20)
        };
        out[i] = if i > 127 { -size } else { size };
        i += 1;
    }
    out
};

impl Blocks for Fp8 {
    type Block = [u8; 32];
    const NUMBERS: usize = 32;

    #[inline(always)]
    fn decode<S: Isa>(s: S, block: &[u8; 32], _chunk: usize) -> Floats<S> {
        Floats::lookup256(Bytes::load(s, block), &E4M3)
    }
}

impl Oracle for Fp8 {
    const NAME: &'static str = "fp8 e4m3";
    const HALVES: &'static [usize] = &[];
    fn number(block: &[u8], j: usize) -> f32 {
        E4M3[usize::from(block[j])]
    }
}

/// Random bytes of `count` blocks whose binary16 fields are numbers of moderate size of both signs (for the
/// f32 of [`Nf4`], its upper half).
pub fn random<F: Oracle>(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut bytes: Vec<u8> = (0..count * F::BYTES).map(|_| (next() >> 11) as u8).collect();
    for block in bytes.chunks_exact_mut(F::BYTES) {
        for &at in F::HALVES {
            let bits = (next() >> 9) as u16 & 0x83ff | (0x2c00 + (next() as u16 & 0x0c00));
            block[at..at + 2].copy_from_slice(&bits.to_le_bytes());
        }
        if F::NAME == Fp8::NAME {
            block.iter_mut().filter(|b| **b & 127 == 127).for_each(|b| *b = 0);
        }
    }
    bytes
}

/// Number `(r, k)` of a matrix.
pub fn number<F: Oracle>(bytes: &[u8], cols: usize, r: usize, k: usize) -> f32 {
    let block = (r * cols + k) / F::NUMBERS;
    F::number(&bytes[block * F::BYTES..][..F::BYTES], k % F::NUMBERS)
}
