//! The state of a thread's tiles and what instructions do to it, after the pseudocode of Intel's manual (volume 2,
//! TDPBF16PS, TDPBSSD and the others). What raises an exception there ends the process here, and so does what a CPU would do but
//! nobody can mean: multiplying a tile that nothing was put in.

use super::decode::Words;
use super::refuse;

/// The tiles of one thread.
pub struct Machine {
    configured: bool,
    tiles: [Tile; 8],
}

#[derive(Clone, Copy)]
struct Tile {
    rows: usize,
    words: usize,
    /// Whether it was loaded or made zero since it got its shape.
    filled: bool,
    data: [[u32; 16]; 16],
}

/// What is configured, as it lies in memory.
#[derive(Clone, Copy)]
#[repr(C)]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Machine {
    pub const NEW: Machine = Machine { configured: false, tiles: [Tile::NEW; 8] };

    pub fn is_configured(&self) -> bool {
        self.configured
    }

    /// # Safety
    /// If the address is not one of 64 readable bytes, the process ends as it would with the instruction.
    pub unsafe fn configure(&mut self, at: usize) {
        // SAFETY: by the contract.
        let config = unsafe { (at as *const Config).read_unaligned() };
        let Config { palette, start_row, reserved, row_bytes, rows } = config;
        if palette != 1 || start_row != 0 || reserved != [0; 14] {
            refuse("a configuration of no palette, or that starts in the middle");
        }
        if row_bytes[8..] != [0; 8] || rows[8..] != [0; 8] {
            refuse("more than eight tiles");
        }
        for (i, tile) in self.tiles.iter_mut().enumerate() {
            let (rows, bytes) = (usize::from(rows[i]), usize::from(row_bytes[i]));
            if rows > 16 || bytes > 64 || (rows == 0) != (bytes == 0) || bytes % 4 != 0 {
                refuse("a tile of a shape that there is not");
            }
            *tile = Tile { rows, words: bytes / 4, ..Tile::NEW };
        }
        self.configured = true;
    }

    pub fn release(&mut self) {
        *self = Machine::NEW;
    }

    pub fn zero(&mut self, tile: usize) {
        let tile = self.tile(tile);
        *tile = Tile { filled: true, data: Tile::NEW.data, ..*tile };
    }

    /// # Safety
    /// As [`Machine::configure`], for all rows of the tile.
    pub unsafe fn load(&mut self, tile: usize, (at, stride): (usize, usize)) {
        let tile = self.tile(tile);
        *tile = Tile { filled: true, data: Tile::NEW.data, ..*tile };
        for (i, row) in tile.data.iter_mut().enumerate().take(tile.rows) {
            let from = at.wrapping_add(stride.wrapping_mul(i)) as *const u32;
            for (j, word) in row.iter_mut().enumerate().take(tile.words) {
                // SAFETY: by the contract.
                *word = unsafe { from.wrapping_add(j).read_unaligned() };
            }
        }
    }

    /// # Safety
    /// As [`Machine::load`].
    pub unsafe fn store(&mut self, tile: usize, (at, stride): (usize, usize)) {
        let tile = self.filled(tile);
        for (i, row) in tile.data.iter().enumerate().take(tile.rows) {
            let to = at.wrapping_add(stride.wrapping_mul(i)) as *mut u32;
            for (j, word) in row.iter().enumerate().take(tile.words) {
                // SAFETY: by the contract.
                unsafe { to.wrapping_add(j).write_unaligned(*word) }
            }
        }
    }

    pub fn multiply(&mut self, words: Words, c: usize, a: usize, b: usize) {
        if c == a || c == b || a == b {
            refuse("a product of a tile with itself");
        }
        let (x, y) = (self.filled(a), self.filled(b));
        let mut sums = self.filled(c);
        if sums.rows != x.rows || sums.words != y.words || x.words != y.rows {
            refuse("a product of tiles that do not fit together");
        }
        for (sums, x) in sums.data.iter_mut().zip(&x.data).take(x.rows) {
            match words {
                // SAFETY: contexts are only made on CPUs with AVX-512.
                Words::Pairs => unsafe { row(sums, &x[..y.rows], &y.data, y.words) },
                Words::Fours => row_of_fours(sums, &x[..y.rows], &y.data, y.words),
            }
        }
        self.tiles[c].data = sums.data;
    }

    /// A tile that is configured.
    fn tile(&mut self, tile: usize) -> &mut Tile {
        if !self.configured || self.tiles[tile].rows == 0 {
            refuse("a tile that is not configured");
        }
        &mut self.tiles[tile]
    }

    fn filled(&mut self, tile: usize) -> Tile {
        let tile = *self.tile(tile);
        if !tile.filled {
            refuse("a tile that nothing was put in");
        }
        tile
    }
}

impl Tile {
    const NEW: Tile = Tile { rows: 0, words: 0, filled: false, data: [[0; 16]; 16] };
}

/// A row of sums: even and odd steps are added up apart, from zero, and the sum of both is added to the row.
///
/// # Safety
/// The CPU has FMA.
#[target_feature(enable = "fma")]
unsafe fn row(sums: &mut [u32; 16], x: &[u32], y: &[[u32; 16]; 16], words: usize) {
    let mut parts = [[0.0_f32; 2]; 16];
    for (x, y) in x.iter().zip(y) {
        for (part, y) in parts.iter_mut().zip(y).take(words) {
            part[0] = flush(flush_bits(x << 16).mul_add(flush_bits(y << 16), part[0]));
            part[1] = flush(flush_bits(x & 0xffff_0000).mul_add(flush_bits(y & 0xffff_0000), part[1]));
        }
    }
    for (sum, part) in sums.iter_mut().zip(parts).take(words) {
        *sum = flush(flush_bits(*sum) + flush(part[0] + part[1])).to_bits();
    }
}

/// A row of sums: the four products of each word's bytes are added, wrapping.
fn row_of_fours(sums: &mut [u32; 16], x: &[u32], y: &[[u32; 16]; 16], words: usize) {
    for (x, y) in x.iter().zip(y) {
        for (sum, y) in sums.iter_mut().zip(y).take(words) {
            for (x, y) in x.to_le_bytes().into_iter().zip(y.to_le_bytes()) {
                let product = i32::from(x.cast_signed()) * i32::from(y.cast_signed());
                *sum = sum.wrapping_add(product.cast_unsigned());
            }
        }
    }
}

fn flush_bits(bits: u32) -> f32 {
    flush(f32::from_bits(bits))
}

/// Subnormal numbers are zeros of their sign, before and after each operation.
#[inline(always)]
fn flush(x: f32) -> f32 {
    if x.is_subnormal() { 0.0_f32.copysign(x) } else { x }
}
