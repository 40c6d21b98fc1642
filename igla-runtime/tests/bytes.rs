//! Every operation on bytes, sums of bytes and eights of floats: bit by bit what the portable model says, for
//! 100,000 inputs a level, extremes among them.

use igla_runtime::Level;
use igla_runtime::isa::{ByteIsa, Isa, Kernel, Scalar, dispatch};

/// Inputs of one round: four of bytes; floats are these bytes' bits.
type Input = [[u8; 32]; 4];

struct Operations<'a>(&'a [Input]);

impl Kernel for Operations<'_> {
    type Output = Vec<(&'static str, [u8; 32])>;

    #[inline(always)]
    fn run<S: Isa>(self, s: S) -> Self::Output {
        let mut out = Vec::new();
        for input in self.0 {
            all(s, input, &mut out);
        }
        out
    }
}

/// As bytes; a NaN as any NaN.
#[inline(always)]
fn floats<S: Isa>(s: S, e: S::E) -> [u8; 32] {
    let mut values = [0.0f32; 8];
    // SAFETY: the array has eight values.
    unsafe { s.store_e(values.as_mut_ptr(), e) };
    bytes_of(values)
}

fn bytes_of(values: [f32; 8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (out, value) in out.chunks_exact_mut(4).zip(values) {
        out.copy_from_slice(&if value.is_nan() { f32::NAN } else { value }.to_le_bytes());
    }
    out
}

#[inline(always)]
fn stored<S: Isa>(s: S, b: S::B) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: the array has 32 bytes.
    unsafe { s.store_b(out.as_mut_ptr(), b) };
    out
}

#[inline(always)]
fn all<S: Isa>(s: S, input: &Input, out: &mut Vec<(&'static str, [u8; 32])>) {
    // SAFETY: every pointer is to 32 bytes.
    let [a, b, c] = unsafe { [0, 1, 2].map(|i: usize| s.load_b(input[i].as_ptr())) };
    macro_rules! bytes {
        ($($name:literal = $e:expr;)*) => { $(out.push(($name, stored(s, $e)));)* };
    }
    macro_rules! eights {
        ($($name:literal = $e:expr;)*) => { $(out.push(($name, floats(s, $e)));)* };
    }
    // SAFETY: 16 values of 2 bytes, and 8 of 4, at any address.
    let (h, g, p) = unsafe {
        (
            s.load_h(input[1].as_ptr().cast()),
            s.load_h(input[2].as_ptr().cast()),
            s.load_p(input[3].as_ptr().cast()),
        )
    };
    let q = s.fours(a);
    let (e, f, d) = (s.of_bits_e(s.fours(b)), s.of_bits_e(s.fours(c)), s.of_bits_e(p));
    bytes! {
        "splat_b" = s.splat_b(input[0][5]);
        "and_b" = s.and_b(a, b);
        "or_b" = s.or_b(a, b);
        "xor_b" = s.xor_b(a, b);
        "add_b" = s.add_b(a, b);
        "sub_b" = s.sub_b(a, b);
        "eq_b" = s.eq_b(a, b);
        "select_b" = s.select_b(c, a, b);
        "shl_b 0" = s.shl_b::<0>(a);
        "shl_b 1" = s.shl_b::<1>(a);
        "shl_b 4" = s.shl_b::<4>(a);
        "shl_b 7" = s.shl_b::<7>(a);
        "shr_b 0" = s.shr_b::<0>(a);
        "shr_b 1" = s.shr_b::<1>(a);
        "shr_b 3" = s.shr_b::<3>(a);
        "shr_b 7" = s.shr_b::<7>(a);
        "shuffle_b" = s.shuffle_b(a, b);
        "mul_low_b" = s.mul_low_b(a, b);
        "mul_high_b" = s.mul_high_b(a, h, g);
        "abs_b" = s.abs_b(a);
        "sign_b" = s.sign_b(a, b);
        "pairs_b" = s.bytes(s.sum_h(s.pairs_b(a, b)));
        "splat_h" = s.bytes(s.sum_h(s.splat_h(i16::from_le_bytes([input[0][0], input[0][1]]))));
        "add_h" = s.bytes(s.sum_h(s.add_h(h, g)));
        "sum_h" = s.bytes(s.sum_h(h));
        "splat_p" = s.bytes(s.splat_p(i32::from_le_bytes([input[0][0], input[0][1], input[0][2], input[0][3]])));
        "add_p" = s.bytes(s.add_p(p, q));
        "sub_p" = s.bytes(s.sub_p(p, q));
        "mul_p" = s.bytes(s.mul_p(p, q));
        "widen_u 0" = s.bytes(s.widen_u::<0>(a));
        "widen_u 1" = s.bytes(s.widen_u::<1>(a));
        "widen_u 2" = s.bytes(s.widen_u::<2>(a));
        "widen_u 3" = s.bytes(s.widen_u::<3>(a));
        "widen_s 0" = s.bytes(s.widen_s::<0>(a));
        "widen_s 1" = s.bytes(s.widen_s::<1>(a));
        "widen_s 2" = s.bytes(s.widen_s::<2>(a));
        "widen_s 3" = s.bytes(s.widen_s::<3>(a));
        "to_bits_e" = s.bytes(s.to_bits_e(e));
    }
    eights! {
        "to_e" = s.to_e(p);
        "splat_e" = s.splat_e(f32::from_le_bytes([input[0][0], input[0][1], input[0][2], input[0][3]]));
        "splat_f16_e" = s.splat_f16_e(u16::from_le_bytes([input[0][0], input[0][1]]));
        "splat_bf16_e" = s.splat_bf16_e(u16::from_le_bytes([input[0][0], input[0][1]]));
        "add_e" = s.add_e(e, f);
        "sub_e" = s.sub_e(e, f);
        "mul_e" = s.mul_e(e, f);
        "div_e" = s.div_e(e, f);
        "max_e" = s.max_e(e, f);
        "abs_e" = s.abs_e(e);
        "spread_e 0" = s.spread_e::<0>(e);
        "spread_e 1" = s.spread_e::<1>(e);
        "spread_e 2" = s.spread_e::<2>(e);
        "spread_e 3" = s.spread_e::<3>(e);
        "lookup_e" = s.lookup_e(e, f, p);
        "sum_e" = s.splat_e(s.sum_e(d));
    }
    // Rounding and the maximum are for numbers in range and numbers at all.
    let small = s.splat_e(127.0 / 2_147_483_648.0);
    let x = s.mul_e(s.to_e(p), small);
    let y = s.mul_e(s.to_e(q), small);
    let half = s.splat_e(0.5);
    bytes! {
        "round_b" = s.round_b([x, y, s.add_e(s.to_e(s.widen_s::<1>(s.sign_b(a, s.splat_b(0)))), half), half]);
    }
    // Pairs that do not saturate: what products of codes with rounded numbers are.
    let codes = s.and_b(a, s.splat_b(127));
    bytes! {
        "add_pairs_b" = s.bytes(s.sum_h(s.add_pairs_b(h, codes, b)));
        "add_pairs_b 128" = s.bytes(s.sum_h(s.add_pairs_b(g, s.abs_b(a), s.shr_b::<1>(b))));
    }
    eights! {
        "reduce_max_e" = s.splat_e(s.reduce_max_e(x));
    }
    // Every lane's own table.
    let mut rows = [p; 8];
    for (i, row) in rows.iter_mut().enumerate() {
        *row = s.add_p(p, s.splat_p(i as i32));
    }
    for row in s.transpose_p(rows) {
        out.push(("transpose_p", stored(s, s.bytes(row))));
    }
    let table: [f32; 256] = std::array::from_fn(|i| i as f32 + f32::from(input[0][0]));
    // SAFETY: bytes are positions in the table; the other pointers are to 16, 16 and 4 of 32 bytes.
    unsafe {
        eights! { "gather_e" = s.gather_e(table.as_ptr(), s.widen_u::<2>(a)); }
        bytes! {
            "load_halves_b" = s.load_halves_b(input[0].as_ptr().add(3), input[1].as_ptr().add(7));
            "splat_four_b" = s.splat_four_b(input[0].as_ptr().add(5));
        }
        let mut sums = [0; 8];
        s.store_p(sums.as_mut_ptr(), p);
        bytes! { "store_p" = s.bytes(s.load_p(sums.as_ptr())); }
        eights! { "load_f16_e" = s.load_f16_e(input[1].as_ptr().add(3).cast()); }
        eights! { "load_e" = s.load_e(table.as_ptr().add(usize::from(input[0][0]) % 248)); }
    }
}

/// Random bytes, with runs of extremes as bytes, words and floats.
fn inputs(count: usize, seed: u64) -> Vec<Input> {
    const WORDS: [u32; 14] = [
        0,
        0x8000_0000,
        1,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0x7f7f_ffff,
        0x0080_0000,
        0x807f_ffff,
        0x7f7f_7f7f,
        0x8080_8080,
        0xffff_ffff,
        0x8000_7fff,
        0x3f80_0000,
    ];
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut register = || {
        let mut out = [0; 32];
        let kind = next() % 4;
        for four in out.chunks_exact_mut(4) {
            let random = next();
            let word = match (kind, random >> 60) {
                (0, _) => random as u32,
                (1, 0..8) | (2, _) => WORDS[(random % WORDS.len() as u64) as usize],
                (3, n) => u32::from_le_bytes([[0, 127, 128, 255, 1, 129, 16, 15][n as usize % 8]; 4]),
                _ => (random >> 8) as u32,
            };
            four.copy_from_slice(&word.to_le_bytes());
        }
        out
    };
    (0..count).map(|_| [register(), register(), register(), register()]).collect()
}

#[test]
fn every_operation_equals_its_model() {
    for round in 0..100 {
        let inputs = inputs(1000, 0x5eed + round);
        let model = Scalar::new().vectorize(Operations(&inputs));
        for &level in &Level::available()[1..] {
            let found = dispatch(level, Operations(&inputs));
            assert_eq!(found.len(), model.len());
            let each = model.len() / inputs.len();
            for (i, (found, model)) in found.iter().zip(&model).enumerate() {
                assert_eq!(found, model, "{level}, input {:02x?}", inputs[i / each]);
            }
        }
    }
}

#[test]
fn the_model_means_what_its_documentation_says() {
    let s = Scalar::new();
    let table: [u8; 32] = std::array::from_fn(|i| 100 + i as u8);
    let picked = s.shuffle_b(table, [17; 32]);
    assert_eq!((picked[0], picked[16]), (101, 117));
    assert_eq!(s.shuffle_b(table, [128; 32]), [0; 32]);
    // Saturation in both directions, and its absence for what products use.
    assert_eq!(s.pairs_b([255; 32], [127; 32]), [32767; 16]);
    assert_eq!(s.pairs_b([255; 32], [128; 32]), [-32768; 16]);
    assert_eq!(s.pairs_b([128; 32], [127; 32]), [2 * 128 * 127; 16]);
    assert_eq!(s.pairs_b([128; 32], [129; 32]), [-2 * 128 * 127; 16]);
    assert_eq!(s.sign_b([5; 32], [200; 32]), [251; 32]);
    assert_eq!(s.abs_b([128; 32]), [128; 32]);
    assert_eq!(s.mul_high_b([200; 32], [256; 16], [3; 16])[..2], [200, (600 >> 8) as u8]);
    assert_eq!(s.round_b([[0.5; 8], [1.5; 8], [-126.6; 8], [127.0; 8]])[7..9], [0, 2]);
    assert_eq!(s.transpose_p(std::array::from_fn(|i| [i as i32; 8]))[3], [0, 1, 2, 3, 4, 5, 6, 7]);
}
