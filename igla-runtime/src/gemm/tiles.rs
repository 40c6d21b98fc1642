//! The microkernel of AMX: 32 × 32 of C in four tiles, from pairs of `bf16` or fours of bytes.
//!
//! ```text
//!                   b: 16 rows of a panel: 32 or 64             a tile is 16 rows of 64 bytes: 16 words
//!                   ┌──────────┬──────────┐ steps of K
//!                   │  tile 6  │  tile 7  │                    of C, a word is an f32 or i32
//!        ┌────────┐ ├──────────┼──────────┤
//!  a: 16 │ tile 4 │ │  tile 0  │  tile 1  │                    of A and B, it is a pair or four: a row of A's tile
//!  words │ tile 5 │ │  tile 2  │  tile 3  │                    meets 16 rows of the panel
//!        └────────┘ └──────────┴──────────┘
//! ```
//! Panels are as they are for all levels: a row of 32 words, of which the left and the right tile have one half each.
//! One product of tiles is 16 × 16 × 32 or 64 multiply-adds and takes 16 cycles, loading a tile takes 8; of four tiles each is
//! used twice, and four sums hide the latency of 52 cycles. Strips of one tile's height have two sums, and wait for them;
//! but B's two kilobytes take about as long to come from the second cache (by Intel's figures: none of this was measured).
//! Fewer rows are tiles of fewer rows, and a last part of K is tiles of fewer words: nothing is padded, so nothing outside
//! of an operand is read, and no 0 of a padding meets an infinity.
//!
//! Of pairs, each tile product adds up its even steps and its odd ones, from zero, and adds the sum of both to C; all with
//! subnormal numbers taken as 0. K is cut at multiples of a tile, so where it is cut changes no bit. Sums of bytes are
//! whole numbers, wrapping.

use core::arch::asm;
use core::ops::Range;

use super::PANEL;
use super::fours;
use super::kernel::{Kernel, Strip};
use super::mat::Mat;
use super::pairs::x86::round_apart;
use super::pairs::{WIDE, row_part};
use super::sweep::{KU, TALLEST};
use crate::isa::amx::{Config, ROWS, WORDS, release};
use crate::level::Level;

/// Rows of C for which tiles are not worth it. A product of tiles takes as long for one row as for 16, and AVX-512 BF16
/// needs 8 to 16 cycles a row for it: already three rows cost more there. But so few rows wait for B's bytes on either
/// unit, and tiles cost some hundred cycles to set up, for every strip and 256 columns.
pub(super) const FEW: usize = 4;

/// Rows of a strip: two tiles.
pub(super) const TALL: usize = 2 * ROWS;

/// A kernel for each height, which is the same one.
pub(super) static PAIRS: [Kernel; TALL] = [strip::<false>; TALL];
/// The same of bytes.
pub(super) static FOURS: [Kernel; TALL] = [strip::<true>; TALL];

/// Steps of K that a row of a tile of pairs has.
const STEPS: usize = 2 * WORDS;
/// Bytes of a row of a tile.
const BYTES: usize = fours::STEPS * WORDS;

const _: () = assert!(PANEL == 2 * WORDS && WIDE.is_multiple_of(STEPS) && fours::WIDE.is_multiple_of(BYTES));
// Where K is cut changes no bit, and the sweep has room for the rows.
const _: () = assert!(KU.is_multiple_of(BYTES) && TALL <= TALLEST);

/// Packs `rows` (at most [`TALL`]) × `ks` of A, each rounded to the nearest `bf16`, subnormal numbers to 0. For every
/// 32 steps of K, 16 words of each row; what is left of K is as many words of each row as it takes:
///
/// ```text
///   steps 0..32 of row 0   16 words ┐
///   steps 0..32 of row 1   16 words │ two tiles
///   ⋮                               ┘
///   steps 32..64 of row 0  16 words
///   ⋮
///   last steps of row 0    words for them, the last one's other half 0
/// ```
///
/// # Safety
/// `rows` and `ks` are in range of `src`; `dst` is valid for `ks.len().div_ceil(2) * rows.len()` writes and overlaps no
/// operand; the CPU has `level` and AVX-512 BF16.
pub(super) unsafe fn pack_tiles(
    level: Level,
    src: &Mat<'_>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
) {
    let height = rows.len();
    let (whole, rest) = (ks.len() / STEPS, (ks.len() % STEPS).div_ceil(2));
    let mut buffer = [0.0_f32; WIDE];
    // Whole rows, if they are read where they are.
    let wide = if src.col_axis().is_unit() { ks.len().max(1) } else { WIDE };
    for i in 0..height {
        for first in (0..ks.len()).step_by(wide) {
            let cols = ks.start + first..ks.end.min(ks.start + first + wide);
            // SAFETY: row and columns are in range, by the contract; `wide` is a multiple of a tile's steps, or all. Before
            // this row's words are those of `first` steps of all rows, and of 32 steps of `i` rows. The last ones follow
            // those of all whole tiles. The CPU has the instructions, by the contract.
            unsafe {
                let numbers = row_part(level, src, rows.start + i, &cols, &mut buffer);
                let words = dst.add(first / STEPS * height * WORDS + i * WORDS);
                let last = dst.add(whole * height * WORDS + i * rest);
                round_apart(numbers, words, height * WORDS, last);
            }
        }
    }
}

/// The same of bytes: as [`pack_tiles`], with 64 steps of K for every 32.
///
/// # Safety
/// `rows` and `ks` are in range of `src`; `dst` is valid for `ks.len().div_ceil(4) * rows.len()` writes and overlaps no
/// operand.
pub(super) unsafe fn pack_tiles_of_fours(
    src: &Mat<'_, i8>,
    rows: &Range<usize>,
    ks: &Range<usize>,
    dst: *mut f32,
) {
    let height = rows.len();
    let (whole, last) = (ks.len() / BYTES, ks.len() % BYTES);
    let rest = last.div_ceil(fours::STEPS);
    let each = |start: usize, count: usize, rows: &[*const i8]| {
        for (i, row) in rows.iter().enumerate() {
            // SAFETY: each row has these columns, whole tiles before the last ones. Before this row's words are those of the
            // tiles before, and of `i` rows; the last ones follow those of all whole tiles.
            unsafe {
                for tile in 0..count / BYTES {
                    let words = dst.add(((start / BYTES + tile) * height + i) * WORDS);
                    words.cast::<i8>().copy_from_nonoverlapping(row.add(tile * BYTES), BYTES);
                }
                if !count.is_multiple_of(BYTES) {
                    let words = dst.add(whole * height * WORDS + i * rest);
                    words.add(rest - 1).write(0.0);
                    words.cast::<i8>().copy_from_nonoverlapping(row.add(count / BYTES * BYTES), last);
                }
            }
        }
    };
    // SAFETY: the caller's contract.
    unsafe { fours::stretches(src, rows, ks, each) }
}

/// Sums of a panel's columns, where C cannot be the tiles' memory.
#[repr(align(64))]
struct Sums([[f32; PANEL]; TALL]);

/// Part of K of a strip: tiles of one shape.
struct Pass {
    /// The first row of the panels.
    first: usize,
    /// Tiles, one after the other along K.
    tiles: usize,
    /// Words of A's tiles' rows, and rows of B's tiles.
    words: usize,
    /// Whether to add to C instead of overwriting it.
    add: bool,
}

/// Computes a strip of any height. Rows of B are adjacent.
///
/// # Safety
/// As [`Kernel`]: the process may use tiles, and the strip is packed by [`pack_tiles`], or [`pack_tiles_of_fours`].
unsafe fn strip<const FOURS: bool>(s: &Strip) {
    debug_assert!(s.b_step == PANEL && s.excess.is_null());
    let (whole, rest) = (s.steps / WORDS, s.steps % WORDS);
    // SAFETY: the rows of the panels are cut in two; what the first pass leaves in C, the second adds to. Nothing else
    // runs before the tiles are released.
    unsafe {
        if whole > 0 || rest == 0 {
            pass::<FOURS>(s, &Pass { first: 0, tiles: whole, words: WORDS, add: s.add });
        }
        if rest > 0 {
            let pass_of = Pass { first: whole * WORDS, tiles: 1, words: rest, add: s.add || whole > 0 };
            pass::<FOURS>(s, &pass_of);
        }
        release();
    }
}

/// # Safety
/// As [`strip`], whose caller then releases the tiles.
unsafe fn pass<const FOURS: bool>(s: &Strip, p: &Pass) {
    let low = s.height.min(ROWS);
    let high = s.height - low;
    let config = Config::new().tiles(0..2, low, WORDS).tiles(2..4, high, WORDS);
    let config = config.tiles(4..5, low, p.words).tiles(5..6, high, p.words).tiles(6..8, p.words, WORDS);
    // SAFETY: a strip has an offset for each row.
    let rows = unsafe { core::slice::from_raw_parts(s.rows, s.height) };
    let step = rows.get(1).map_or(0, |row| row.wrapping_sub(rows[0]));
    let even = rows.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    let multiply = if FOURS { multiply_fours } else { multiply_pairs };
    // SAFETY: the panels have the pass's rows, of whole tiles; A has the words before and in it; rows of C have the
    // columns from `j` on that are read and written, and those of `sums` have all.
    unsafe {
        config.load();
        let a = s.a.add(p.first * s.height);
        for j in (0..s.cols).step_by(PANEL) {
            let b = s.b.add(j / PANEL * s.b_panel + p.first * PANEL);
            let cols = PANEL.min(s.cols - j);
            let c = |i: usize| s.c.wrapping_add(rows[i].wrapping_add(j));
            if even && cols == PANEL {
                multiply(p, s.height, a, b, c(0), step);
                continue;
            }
            let mut sums = Sums([[0.0; PANEL]; TALL]);
            if p.add {
                for (i, sums) in sums.0.iter_mut().take(s.height).enumerate() {
                    sums.as_mut_ptr().copy_from_nonoverlapping(c(i), cols);
                }
            }
            multiply(p, s.height, a, b, sums.0.as_mut_ptr().cast(), PANEL);
            for (i, sums) in sums.0.iter().take(s.height).enumerate() {
                c(i).copy_from_nonoverlapping(sums.as_ptr(), cols);
            }
        }
    }
}

/// What pairs and fours have in common, which is all but the instruction.
macro_rules! multiply {
    ($name:ident, $product:literal) => {
        /// 32 columns of `height` rows at `c`, one `step` of elements apart.
        ///
        /// # Safety
        /// The tiles are those of the pass; `a` and `b` are its first, which are followed by the others; `c` is valid for reads
        /// and writes of 32 elements of each row.
        #[inline(always)]
        unsafe fn $name(p: &Pass, height: usize, a: *const f32, b: *const f32, c: *mut f32, step: usize) {
            // Bytes. Offsets that do not fit are those of rows that are not there, or wrap as the CPU's addresses do.
            let (a_row, c_row) = (4 * p.words, step.wrapping_mul(4));
            let (a_tile, b_tile) = (a_row * height, 4 * PANEL * p.words);
            // SAFETY: by the contract; instructions read and write whole rows of the tiles, and nothing else.
            unsafe {
                if height <= ROWS {
                    asm!(
                        "test {add:e}, {add:e}",
                        "jz 2f",
                        "tileloadd tmm0, [{c} + {c_row} * 1]",
                        "tileloadd tmm1, [{c} + {c_row} * 1 + 64]",
                        "jmp 3f",
                        "2:",
                        "tilezero tmm0",
                        "tilezero tmm1",
                        "3:",
                        "test {tiles}, {tiles}",
                        "jz 5f",
                        "4:",
                        "tileloadd tmm4, [{a} + {a_row} * 1]",
                        "tileloadd tmm6, [{b} + {b_row} * 1]",
                        "tileloadd tmm7, [{b} + {b_row} * 1 + 64]",
                        "add {a}, {a_tile}",
                        "add {b}, {b_tile}",
                        concat!($product, " tmm0, tmm4, tmm6"),
                        concat!($product, " tmm1, tmm4, tmm7"),
                        "dec {tiles}",
                        "jnz 4b",
                        "5:",
                        "tilestored [{c} + {c_row} * 1], tmm0",
                        "tilestored [{c} + {c_row} * 1 + 64], tmm1",
                        add = in(reg) u32::from(p.add),
                        tiles = inout(reg) p.tiles => _,
                        a = inout(reg) a => _,
                        b = inout(reg) b => _,
                        c = in(reg) c,
                        a_row = in(reg) a_row,
                        b_row = in(reg) 4 * PANEL,
                        c_row = in(reg) c_row,
                        a_tile = in(reg) a_tile,
                        b_tile = in(reg) b_tile,
                        out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                        out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                        options(nostack),
                    );
                    return;
                }
                asm!(
                    "test {add:e}, {add:e}",
                    "jz 2f",
                    "tileloadd tmm0, [{c} + {c_row} * 1]",
                    "tileloadd tmm1, [{c} + {c_row} * 1 + 64]",
                    "tileloadd tmm2, [{d} + {c_row} * 1]",
                    "tileloadd tmm3, [{d} + {c_row} * 1 + 64]",
                    "jmp 3f",
                    "2:",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "3:",
                    "test {tiles}, {tiles}",
                    "jz 5f",
                    "4:",
                    "tileloadd tmm4, [{a} + {a_row} * 1]",
                    "tileloadd tmm6, [{b} + {b_row} * 1]",
                    "tileloadd tmm7, [{b} + {b_row} * 1 + 64]",
                    concat!($product, " tmm0, tmm4, tmm6"),
                    "tileloadd tmm5, [{e} + {a_row} * 1]",
                    concat!($product, " tmm1, tmm4, tmm7"),
                    "add {a}, {a_tile}",
                    "add {e}, {a_tile}",
                    "add {b}, {b_tile}",
                    concat!($product, " tmm2, tmm5, tmm6"),
                    concat!($product, " tmm3, tmm5, tmm7"),
                    "dec {tiles}",
                    "jnz 4b",
                    "5:",
                    "tilestored [{c} + {c_row} * 1], tmm0",
                    "tilestored [{c} + {c_row} * 1 + 64], tmm1",
                    "tilestored [{d} + {c_row} * 1], tmm2",
                    "tilestored [{d} + {c_row} * 1 + 64], tmm3",
                    add = in(reg) u32::from(p.add),
                    tiles = inout(reg) p.tiles => _,
                    a = inout(reg) a => _,
                    e = inout(reg) a.add(ROWS * p.words) => _,
                    b = inout(reg) b => _,
                    c = in(reg) c,
                    d = in(reg) c.wrapping_add(step.wrapping_mul(ROWS)),
                    a_row = in(reg) a_row,
                    b_row = in(reg) 4 * PANEL,
                    c_row = in(reg) c_row,
                    a_tile = in(reg) a_tile,
                    b_tile = in(reg) b_tile,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
    };
}
multiply!(multiply_pairs, "tdpbf16ps");
multiply!(multiply_fours, "tdpbssd");
