//! The loop nest around the microkernels, as an iterator over finished blocks of C.
//!
//! The epilogue must be compiled into its caller (it is generic, and full of registers), while the
//! loop nest must not be compiled once per epilogue. So the nest is turned inside out: it is a
//! state that [`Sweep::next`] advances until the next block of C is finished, and whoever holds it
//! runs the epilogue there.

use core::ops::Range;
use core::ptr::null;

use super::PANEL;
use super::fours::{pack_panel, pack_strip, panel_words};
use super::kernel::{Kernel, Numbers, Strip, kernels};
use super::mat::{Mat, MatMut};
use super::pack::pack;
use super::pairs::{pack_rounded, pair_up};
#[cfg(target_arch = "x86_64")]
use super::tiles::pack_tiles;
use crate::blocks::AnyBlocks;
use crate::level::Level;

/// Steps of the sum in one block: a micro-panel of A of 14 rows is then 28 KB, which stays in L1.
pub(super) const KC: usize = 512;
/// Rows of A packed at once: with KC, 512 KB, read once per [`NC`] columns.
const MC: usize = 256;
/// Steps of bytes in one block, of four to a word: not more than KC words were slower, as C is read and written more often.
/// Twice as many wide words are as many as AVX-512's.
const BYTES: usize = 8 * KC;
const WIDENED: usize = 4 * KC;
/// Columns of C between two epilogues; with KC, 512 KB of B in L2 are used by all rows of a block.
const NC: usize = 256;
/// Columns packed at once when B comes unpacked.
const BC: usize = 512;
/// K is cut at multiples of this, so that packing transposes whole blocks, decodes whole chunks and fills whole tiles.
pub(super) const KU: usize = 64;
/// Rows for which packing B costs more than it saves.
const FEW: usize = 16;
/// The highest micro-panel in registers.
pub(super) const TALL: usize = 14;
/// The highest of all, in tiles.
pub(super) const TALLEST: usize = 32;

/// `0..total` cut into the fewest pieces of at most `size`, all nearly equal, at multiples of `unit`
/// (which divides `size`). Nothing is one empty piece.
#[derive(Clone, Copy)]
struct Cuts {
    total: usize,
    unit: usize,
    pieces: usize,
}

impl Cuts {
    fn new(total: usize, size: usize, unit: usize) -> Self {
        Self { total, unit, pieces: total.div_ceil(size).max(1) }
    }

    fn get(&self, i: usize) -> Range<usize> {
        if self.pieces == 1 {
            return 0..self.total;
        }
        // `units * pieces` cannot overflow: there are at least as many indices as pieces, and
        // what is cut are directions of matrices in memory, of at most 2^61 elements.
        let units = self.total.div_ceil(self.unit) as u128;
        let cut = |i: usize| ((units * i as u128 / self.pieces as u128) as usize * self.unit).min(self.total);
        cut(i)..cut(i + 1)
    }
}

/// A, or some of its rows.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    Floats(Mat<'a>),
    Bytes(Mat<'a, i8>),
}

impl Left<'_> {
    pub(super) fn rows(&self) -> usize {
        match self {
            Left::Floats(a) => a.rows(),
            Left::Bytes(a) => a.rows(),
        }
    }

    pub(super) fn cols(&self) -> usize {
        match self {
            Left::Floats(a) => a.cols(),
            Left::Bytes(a) => a.cols(),
        }
    }

    pub(super) fn part(&self, rows: &Range<usize>) -> Self {
        match self {
            Left::Floats(a) => Left::Floats(a.part(rows)),
            Left::Bytes(a) => Left::Bytes(a.part(rows)),
        }
    }
}

/// B, or some of its columns.
#[derive(Clone, Copy)]
pub(super) enum Columns<'a> {
    Plain(Mat<'a>),
    Bytes(Mat<'a, i8>),
    /// The first panel, panels being this many words long. Of bytes, its first step; the excesses are in front.
    Packed(*const f32, usize),
    /// Decoded panel by panel, from this row of the weights on.
    Blocks(AnyBlocks<'a>, usize),
}

/// Whether so few rows meet a B whose columns of C are so adjacent that reading it where it is
/// beats packing it: then a row of B already looks like a row of a panel.
fn direct(m: usize, b: &Columns<'_>) -> bool {
    matches!(b, Columns::Plain(b) if m <= FEW && b.row_axis().is_unit() && b.col_axis().is_one_run())
}

/// Elements of the buffers for A and for B.
pub(super) fn buffers(m: usize, n: usize, k: usize, packed: bool) -> (usize, usize) {
    // Pairs need a second number of the last.
    let kc = k.min(KC).next_multiple_of(2);
    let a = m.min(MC) * kc;
    let b = if packed { 0 } else { n.min(BC).next_multiple_of(PANEL) * kc };
    (a, b)
}

/// The same for products of bytes, on any level.
pub(super) fn buffers_of_bytes(m: usize, n: usize, k: usize, packed: bool) -> (usize, usize) {
    // As many of these as wide ones of half the steps; fewer if there are.
    let a = m.min(MC) * Numbers::Fours.words(k.min(WIDENED)).max(Numbers::OffsetFours.words(k.min(BYTES)));
    let b = if packed { 0 } else { n.min(BC).div_ceil(PANEL) * panel_words(k.min(BYTES)) };
    (a, b)
}

/// Where the nest is: which piece of each cut.
#[derive(Clone, Copy, Default)]
struct At {
    wide: usize,
    k: usize,
    block: usize,
    chunk: usize,
    strip: usize,
}

/// Panels as a strip meets them.
struct Panels {
    first: *const f32,
    step: usize,
    length: usize,
    /// See [`Strip::excess`].
    excess: *const f32,
}

/// A product on its way; [`Sweep::next`] computes until the next block of C is finished.
pub(super) struct Sweep<'a> {
    level: Level,
    numbers: Numbers,
    kernels: &'static [Kernel],
    a: Left<'a>,
    b: Columns<'a>,
    /// Whether whole panels of a plain B are used unpacked.
    direct: bool,
    pub(super) c: MatMut<'a>,
    a_buffer: *mut f32,
    b_buffer: *mut f32,
    wides: Cuts,
    ks: Cuts,
    blocks: Cuts,
    at: Option<At>,
}

impl<'a> Sweep<'a> {
    /// # Safety
    /// The shapes agree; `c` overlaps no operand; the CPU has `level`, and its instructions for `numbers`; both operands
    /// are bytes or none is, as `numbers` are; packed panels hold such numbers, and blocks that are decoded to pairs hold
    /// `bf16`; the two buffers have what [`buffers`] or [`buffers_of_bytes`] says for this shape, for `'a`.
    pub(super) unsafe fn new(
        level: Level,
        numbers: Numbers,
        a: Left<'a>,
        b: Columns<'a>,
        c: MatMut<'a>,
        a_buffer: *mut f32,
        b_buffer: *mut f32,
    ) -> Self {
        let (m, n, k) = (a.rows(), c.cols(), a.cols());
        let wide = if let Columns::Packed(..) = b { usize::MAX } else { BC };
        let kc = match numbers {
            // Packed pairs of both operands are two steps a word; what is decoded first is f32.
            Numbers::RoundedPairs if matches!(b, Columns::Packed(..)) => 2 * KC,
            Numbers::Fours => WIDENED,
            Numbers::OffsetFours => BYTES,
            // Strips in tiles are twice as high.
            Numbers::FourTiles => 2 * KC,
            _ => KC,
        };
        Self {
            level,
            numbers,
            kernels: kernels(level, numbers),
            a,
            direct: direct(m, &b),
            b,
            c,
            a_buffer,
            b_buffer,
            wides: Cuts::new(n, wide, PANEL),
            ks: Cuts::new(k, kc, KU),
            blocks: Cuts::new(m, MC, numbers.unit()),
            at: (m > 0 && n > 0).then(At::default),
        }
    }

    /// The rows and columns of C that were just finished.
    pub(super) fn next(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        while let Some(at) = self.at {
            let (wide, ks, block) = (self.wides.get(at.wide), self.ks.get(at.k), self.blocks.get(at.block));
            let far = self.numbers.rows(ks.len()) > KC;
            let chunks = Cuts::new(wide.len(), if far { NC / 2 } else { NC }, PANEL);
            let strips = Cuts::new(block.len(), self.kernels.len(), self.numbers.unit());
            if at.chunk == 0 && at.strip == 0 {
                if at.block == 0 {
                    self.pack_b(&wide, &ks);
                }
                self.pack_a(&block, &ks, &strips);
            }
            let (chunk, strip) = (chunks.get(at.chunk), strips.get(at.strip));
            let rows = block.start + strip.start..block.start + strip.end;
            let cols = wide.start + chunk.start..wide.start + chunk.end;

            self.compute(&rows, &cols, strip.start, &wide, &ks, at.k > 0);

            let mut next = at;
            self.at = self.step(&mut next, chunks.pieces, strips.pieces).then_some(next);
            if at.k + 1 == self.ks.pieces {
                return Some((rows, cols));
            }
        }
        None
    }

    /// One strip, from the packed rows of A that start at row `packed_row` of the buffer.
    fn compute(
        &mut self,
        rows: &Range<usize>,
        cols: &Range<usize>,
        packed_row: usize,
        wide: &Range<usize>,
        ks: &Range<usize>,
        add: bool,
    ) {
        let mut offsets = [0; TALLEST];
        self.c.row_axis().offsets(rows.start, &mut offsets[..rows.len()]);
        let kernel = self.kernels[rows.len() - 1];
        let numbers = self.numbers;
        let offset = numbers == Numbers::OffsetFours;
        let run = |this: &mut Self, b: Panels, cols: Range<usize>| {
            let Panels { first: b, step: b_step, length: b_panel, excess } = b;
            let strip = Strip {
                steps: numbers.rows(ks.len()),
                height: rows.len(),
                a: this.a_buffer.cast_const().wrapping_add(packed_row * numbers.words(ks.len())),
                b,
                b_step,
                b_panel,
                excess,
                c: this.c.data().wrapping_add(cols.start),
                rows: offsets.as_ptr(),
                cols: cols.len(),
                add,
            };
            // SAFETY: the table is the level's and the entry that of the strip's height; the rows
            // and columns are in range of C, which overlaps nothing; A is packed for these steps;
            // so is B, to a multiple of the panel width, or it is read in place, whole panels only.
            unsafe { kernel(&strip) }
        };
        match self.b {
            Columns::Packed(b, len) => {
                let panel = b.wrapping_add(cols.start / PANEL * len);
                let b = panel.wrapping_add(numbers.rows(ks.start) * PANEL);
                // Excesses of packed columns are those of all of K.
                let excess = if offset && !add { panel.wrapping_sub(PANEL) } else { null() };
                run(self, Panels { first: b, step: PANEL, length: len, excess }, cols.clone());
            }
            Columns::Plain(b) if self.direct => {
                let whole = cols.start..cols.end - cols.len() % PANEL;
                if !whole.is_empty() {
                    let first = b.row_axis().offset(whole.start)
                        + if ks.is_empty() { 0 } else { b.col_axis().offset(ks.start) };
                    let first = b.data().wrapping_add(first);
                    let step = b.col_axis().step();
                    run(self, Panels { first, step, length: PANEL, excess: null() }, whole.clone());
                }
                if whole.end < cols.end {
                    let first = self.b_buffer;
                    run(self, Panels { first, step: PANEL, length: 0, excess: null() }, whole.end..cols.end);
                }
            }
            Columns::Plain(_) | Columns::Blocks(..) => {
                let first = self.b_buffer.cast_const().wrapping_add((cols.start - wide.start) * ks.len());
                run(
                    self,
                    Panels { first, step: PANEL, length: ks.len() * PANEL, excess: null() },
                    cols.clone(),
                );
            }
            Columns::Bytes(_) => {
                let length = panel_words(ks.len());
                let panel = self.b_buffer.wrapping_add((cols.start - wide.start) / PANEL * length);
                let excess = if offset { panel.cast_const() } else { null() };
                run(
                    self,
                    Panels { first: panel.wrapping_add(PANEL), step: PANEL, length, excess },
                    cols.clone(),
                );
            }
        }
    }

    /// One step of the nest: strips inside chunks inside blocks of rows inside blocks of K inside
    /// what is packed of B.
    fn step(&self, at: &mut At, chunks: usize, strips: usize) -> bool {
        let steps = [
            (&mut at.strip, strips),
            (&mut at.chunk, chunks),
            (&mut at.block, self.blocks.pieces),
            (&mut at.k, self.ks.pieces),
            (&mut at.wide, self.wides.pieces),
        ];
        for (index, pieces) in steps {
            *index += 1;
            if *index < pieces {
                return true;
            }
            *index = 0;
        }
        false
    }

    fn pack_a(&mut self, block: &Range<usize>, ks: &Range<usize>, strips: &Cuts) {
        for i in 0..strips.pieces {
            let strip = strips.get(i);
            let rows = block.start + strip.start..block.start + strip.end;
            let words = self.numbers.words(ks.len());
            // SAFETY: in range; the buffer holds a block's rows times a block's steps, a strip of them starts after
            // the rows before it; the CPU has the instructions of its numbers.
            unsafe {
                let strip = self.a_buffer.add(strip.start * words);
                let a = match &self.a {
                    Left::Floats(a) => a,
                    Left::Bytes(a) => {
                        pack_strip(self.level, self.numbers, a, &rows, ks, strip);
                        continue;
                    }
                };
                if self.numbers == Numbers::RoundedPairs {
                    pack_rounded(self.level, a, &rows, ks, strip);
                    continue;
                }
                #[cfg(target_arch = "x86_64")]
                if self.numbers == Numbers::Tiles {
                    pack_tiles(self.level, a, &rows, ks, strip);
                    continue;
                }
                pack(self.level, a, &rows, ks, strip, rows.len());
                // A last step of pairs of which there is only half.
                strip.add(ks.len() * rows.len()).write_bytes(0, (words - ks.len()) * rows.len());
            }
        }
    }

    fn pack_b(&mut self, wide: &Range<usize>, ks: &Range<usize>) {
        let b = match self.b {
            Columns::Packed(..) => return,
            Columns::Blocks(b, first) => return self.decode_b(b, first, wide, ks),
            Columns::Bytes(b) => return self.pack_bytes(b, wide, ks),
            Columns::Plain(b) => b,
        };
        // Only a last partial panel, if whole ones are read where they are.
        let start = if self.direct { wide.end - wide.len() % PANEL } else { wide.start };
        for first in (start..wide.end).step_by(PANEL) {
            let rows = first..wide.end.min(first + PANEL);
            // SAFETY: in range; the buffer holds the panels of `wide` for a block's steps.
            unsafe { pack(self.level, &b, &rows, ks, self.b_buffer.add((first - start) * ks.len()), PANEL) }
        }
    }

    fn pack_bytes(&mut self, b: Mat<'a, i8>, wide: &Range<usize>, ks: &Range<usize>) {
        for first in wide.clone().step_by(PANEL) {
            let rows = first..wide.end.min(first + PANEL);
            // SAFETY: in range; the buffer holds the panels of `wide` for a block's steps.
            unsafe {
                let panel = self.b_buffer.add((first - wide.start) / PANEL * panel_words(ks.len()));
                pack_panel(self.level, &b, &rows, ks, panel, self.numbers == Numbers::OffsetFours);
            }
        }
    }

    fn decode_b(&mut self, b: AnyBlocks<'a>, row0: usize, wide: &Range<usize>, ks: &Range<usize>) {
        for first in wide.clone().step_by(PANEL) {
            let rows = row0 + first..row0 + wide.end.min(first + PANEL);
            // SAFETY: the buffer holds the panels of `wide` for a block's steps, and is this sweep's alone.
            let panel = unsafe {
                let start = self.b_buffer.add((first - wide.start) * ks.len());
                core::slice::from_raw_parts_mut(start, PANEL * ks.len())
            };
            b.weights().panel(self.level, rows, ks.clone(), PANEL, panel);
            if self.numbers != Numbers::Single {
                pair_up(panel);
            }
        }
    }
}
