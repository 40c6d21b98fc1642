//! The emulator of AMX (or the CPU, if it has AMX) does what the manual says: all forms of addresses, shapes, and sums
//! worked out by hand.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod amx;

use std::arch::asm;

/// A configuration: rows and bytes of a row of each tile.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

const fn config(tiles: [(u8, u16); 4]) -> Config {
    let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
    let mut i = 0;
    while i < tiles.len() {
        (rows[i], row_bytes[i]) = tiles[i];
        i += 1;
    }
    Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
}

/// Whether tiles may be used here.
fn has_tiles() -> bool {
    amx::ctx(1).is_some()
}

/// Rows move to where the addresses say, whatever the form of the address, and only so many bytes.
#[test]
fn tiles_are_loaded_and_stored_where_addresses_say() {
    static SHAPES: Config = config([(3, 20), (16, 64), (2, 64), (0, 0)]);
    if !has_tiles() {
        return;
    }
    let words: Vec<u32> = (0..4096).collect();
    let mut out = vec![u32::MAX; 1024];
    // SAFETY: rows of the shapes lie in the vectors: of tile 0 from word 8 on, 32 words apart; of tile 1 from word 256
    // on, 64 apart, so until word 1280; of tile 2 twice at word 5.
    unsafe {
        asm!(
            "ldtilecfg [rip + {shapes}]",
            "tileloadd tmm0, [r13 + r12*8 - 4096]",
            "tileloaddt1 tmm1, [r9 + r10*2 + 1024]",
            "tileloadd tmm2, [r9 + 20]",
            "tilestored [r8 + r11*4], tmm0",
            "tilestored [r8 + r11*4 + 256], tmm2",
            "tilezero tmm0",
            "tilestored [r8 + r11*4 + 512], tmm0",
            "tilestored [r8 + r12*4 + 1024], tmm1",
            "tilerelease",
            shapes = sym SHAPES,
            in("r13") words.as_ptr().add(8).byte_add(4096),
            in("r12") 16_usize,
            in("r9") words.as_ptr(),
            in("r10") 128_usize,
            in("r8") out.as_mut_ptr(),
            in("r11") 20_usize,
            out("tmm0") _, out("tmm1") _, out("tmm2") _,
            options(nostack),
        );
    }
    assert!(!amx::has_tiles());
    let mut wanted = vec![u32::MAX; 1024];
    for row in 0..16 {
        let word = |first: usize| first as u32;
        for j in 0..16 {
            if row < 3 && j < 5 {
                wanted[20 * row + j] = word(8 + 32 * row + j);
                wanted[128 + 20 * row + j] = 0;
            }
            if row < 2 {
                wanted[64 + 20 * row + j] = word(5 + j);
            }
            wanted[256 + 16 * row + j] = word(256 + 64 * row + j);
        }
    }
    assert_eq!(out, wanted);
}

/// Pairs of `bf16`, the first in the low half.
fn pair(low: f32, high: f32) -> u32 {
    low.to_bits() >> 16 | high.to_bits() & 0xffff_0000
}

/// `c` after one product of a row of two words with two rows of one word.
fn product(c: f32, a: [[f32; 2]; 2], b: [[f32; 2]; 2]) -> f32 {
    static SHAPES: Config = config([(1, 4), (1, 8), (2, 4), (0, 0)]);
    let mut sum = c;
    let words = |x: [[f32; 2]; 2]| x.map(|[low, high]| pair(low, high));
    let (a, b) = (words(a), words(b));
    // SAFETY: one word of the sum, two of A in a row, two of B in two rows.
    unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tileloadd tmm0, [{c} + {row}]",
            "tileloadd tmm1, [{a} + {row}]",
            "tileloadd tmm2, [{b} + {row}]",
            "tdpbf16ps tmm0, tmm1, tmm2",
            "tilestored [{c} + {row}], tmm0",
            "tilerelease",
            shapes = in(reg) &raw const SHAPES,
            c = in(reg) &raw mut sum,
            a = in(reg) a.as_ptr(),
            b = in(reg) b.as_ptr(),
            row = in(reg) 4_usize,
            out("tmm0") _, out("tmm1") _, out("tmm2") _,
            options(nostack),
        );
    }
    sum
}

#[test]
fn sums_are_those_worked_out_by_hand() {
    if !has_tiles() {
        return;
    }
    let (large, tiny) = (2.0_f32.powi(24), 2.0_f32.powi(-70));
    // 0.5 + (1·5 + 3·7) + (2·6 + 4·8)
    assert_eq!(product(0.5, [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]), 70.5);
    // Even and odd steps apart, each in order: 2^24 + 1 loses its one, 1 − 2^24 does not.
    assert_eq!(product(0.0, [[large, 1.0], [1.0, -large]], [[1.0, 1.0], [1.0, 1.0]]), 1.0);
    assert_eq!(product(0.0, [[large, -large], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]), 1.0);
    assert_eq!(product(0.0, [[large, 1.0], [-large, 1.0]], [[1.0, 1.0], [1.0, 1.0]]), 2.0);
    // A sum is added to C, not started from it: 2^24 + (1 + 1).
    assert_eq!(product(large, [[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]), large + 2.0);
    // Subnormal products, sums, operands and C are zeros, with their signs.
    assert_eq!(product(0.0, [[tiny, 0.0], [0.0, 0.0]], [[tiny, 0.0], [0.0, 0.0]]), 0.0);
    assert_eq!(product(1e-40, [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]), 0.0);
    assert_eq!(product(0.0, [[1e-40, 0.0], [0.0, 0.0]], [[large, 0.0], [0.0, 0.0]]), 0.0);
    let least = f32::MIN_POSITIVE;
    assert_eq!(product(-least, [[1.5, 0.0], [0.0, 0.0]], [[least, 0.0], [0.0, 0.0]]), 0.0);
    // An infinity and its opposite, and no number.
    assert!(product(0.0, [[f32::INFINITY, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]).is_nan());
    assert_eq!(product(1.0, [[f32::INFINITY, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]), f32::INFINITY);
    assert!(!amx::has_tiles());
}

/// `c` after one product of two rows of two words of bytes with two rows of two words.
fn product_of_bytes(c: [[i32; 2]; 2], a: [[i8; 8]; 2], b: [[i8; 8]; 2]) -> [[i32; 2]; 2] {
    static SHAPES: Config = config([(2, 8), (2, 8), (2, 8), (0, 0)]);
    let mut sums = c;
    // SAFETY: two rows of two words each.
    unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tileloadd tmm0, [{c} + {row}]",
            "tileloadd tmm1, [{a} + {row}]",
            "tileloadd tmm2, [{b} + {row}]",
            "tdpbssd tmm0, tmm1, tmm2",
            "tilestored [{c} + {row}], tmm0",
            "tilerelease",
            shapes = in(reg) &raw const SHAPES,
            c = in(reg) sums.as_mut_ptr(),
            a = in(reg) a.as_ptr(),
            b = in(reg) b.as_ptr(),
            row = in(reg) 8_usize,
            out("tmm0") _, out("tmm1") _, out("tmm2") _,
            options(nostack),
        );
    }
    sums
}

#[test]
fn sums_of_bytes_are_those_worked_out_by_hand() {
    if !has_tiles() {
        return;
    }
    // Row i of A and column j of B: words 0 and 1 of the row, word j of rows 0 and 1 of B.
    let a = [[1, 2, 3, 4, 5, 6, 7, 8], [-1, 0, 0, 0, 0, 0, 0, 10]];
    let b = [[1, 1, 1, 1, 2, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, -3]];
    // 10 + 26, 2 − 24; −1 + 10, −2 − 30; on top of what is there.
    assert_eq!(product_of_bytes([[100, 0], [0, 5]], a, b), [[136, -22], [9, -27]]);
    // Both are signed, nothing saturates, and sums wrap.
    let least = [[i8::MIN; 8]; 2];
    let square = 8 * 128 * 128;
    assert_eq!(product_of_bytes([[0; 2]; 2], least, least), [[square; 2]; 2]);
    assert_eq!(product_of_bytes([[i32::MAX; 2]; 2], least, least), [[i32::MAX.wrapping_add(square); 2]; 2]);
    assert_eq!(product_of_bytes([[0; 2]; 2], least, [[127; 8]; 2]), [[-8 * 128 * 127; 2]; 2]);
    assert_eq!(product_of_bytes([[0; 2]; 2], [[127; 8]; 2], least), [[-8 * 128 * 127; 2]; 2]);
    assert!(!amx::has_tiles());
}

/// Runs itself with something wrong, which must end that process.
#[test]
fn what_a_cpu_refuses_ends_the_process() {
    const VARIABLE: &str = "AMX_EMULATOR_WRONG";
    if !has_tiles() || !amx::is_emulated() {
        return;
    }
    if let Ok(wrong) = std::env::var(VARIABLE) {
        wrongly(&wrong);
        return;
    }
    for (wrong, said) in [
        ("nothing", ""),
        ("released", "a tile that is not configured"),
        ("unconfigured", "a tile that is not configured"),
        ("empty", "a tile that nothing was put in"),
        ("shapes", "a product of tiles that do not fit together"),
        ("unknown", "an instruction that neither the CPU nor the emulator knows"),
    ] {
        let program = std::env::current_exe().unwrap();
        let mut program = std::process::Command::new(program);
        let name = "what_a_cpu_refuses_ends_the_process";
        let output = program.args(["--exact", name]).env(VARIABLE, wrong).output().unwrap();
        assert_eq!(output.status.success(), wrong == "nothing", "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(said), "{wrong}: {output:?}");
    }
}

fn wrongly(what: &str) {
    static SHAPES: Config = config([(3, 64), (3, 32), (16, 64), (0, 0)]);
    // SAFETY: no instruction but the configuration has memory operands; the process ends at what the emulator refuses.
    unsafe {
        match what {
            "nothing" => asm!("ldtilecfg [{}]", "tilezero tmm2", "tilerelease", in(reg) &raw const SHAPES),
            "released" => asm!("ldtilecfg [{}]", "tilerelease", "tilezero tmm2", in(reg) &raw const SHAPES),
            "unconfigured" => asm!("ldtilecfg [{}]", "tilezero tmm3", in(reg) &raw const SHAPES),
            "empty" => asm!("ldtilecfg [{}]", "tdpbf16ps tmm0, tmm1, tmm2", in(reg) &raw const SHAPES),
            "shapes" => asm!(
                "ldtilecfg [{}]",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tdpbf16ps tmm0, tmm1, tmm2",
                in(reg) &raw const SHAPES,
            ),
            _ => asm!("ud2"),
        }
    }
}
