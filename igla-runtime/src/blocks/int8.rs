//! Rows of floats as signed bytes, made once and multiplied with any number of matrices.
//!
//! Of each 32 consecutive numbers the largest in size becomes ±127: `scale = max |x| / 127`,
//! `q = x / scale` rounded to nearest, ties to even. So `|x − scale · q| ≤ scale / 2` up to rounding, the same
//! bits on every level, and −128 never occurs. Numbers below [`TINY`] in size all become 0. A chunk with a NaN or
//! an infinity has bytes 0 and a NaN for its scale, so that every sum with it is NaN.

use super::CHUNK;
use crate::ctx::Par;
use crate::cut::Tile;
use crate::gemm::Mat;
use crate::isa::Isa;
use crate::scratch::Scratch;
use crate::task::Task;
use crate::view::ViewMut;

/// Chunks that do not reach this become 0: their scale would lose bits.
pub const TINY: f32 = 127.0 * f32::MIN_POSITIVE;

/// Rows of numbers as bytes with a scale for every 32, and the sums of the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Int8Rows<'a> {
    rows: usize,
    chunks: usize,
    /// Per chunk: the bytes, …
    pub(super) bytes: &'a [[u8; CHUNK]],
    /// … the sums of fours of them, …
    pub(super) fours: &'a [[i32; 8]],
    /// … of all of them, …
    pub(super) totals: &'a [i32],
    /// … and the scale.
    pub(super) scales: &'a [f32],
}

impl<'a> Int8Rows<'a> {
    /// Bytes of scratch for so many rows and columns; saturates.
    pub fn scratch(rows: usize, cols: usize) -> usize {
        let chunks = rows.saturating_mul(cols / CHUNK);
        Scratch::bytes_of::<u8>(chunks.saturating_mul(CHUNK))
            .saturating_add(Scratch::bytes_of::<i32>(chunks.saturating_mul(8)))
            .saturating_add(Scratch::bytes_of::<i32>(chunks))
            .saturating_add(Scratch::bytes_of::<f32>(chunks))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row.
    pub fn cols(&self) -> usize {
        self.chunks * CHUNK
    }

    /// Number of chunks in a row.
    pub(super) fn chunks(&self) -> usize {
        self.chunks
    }

    /// What bytes and scales stand for, to see what was lost.
    pub fn value(&self, row: usize, col: usize) -> f32 {
        let chunk = row * self.chunks + col / CHUNK;
        self.scales[chunk] * f32::from(self.bytes[chunk][col % CHUNK] as i8)
    }
}

impl Par<'_> {
    /// Rounds the rows of `a` to bytes, into `scratch`.
    ///
    /// # Panics
    /// If the columns of `a` are not a multiple of [`CHUNK`], or `scratch` has less than [`Int8Rows::scratch`] bytes.
    pub fn int8_rows<'s>(&mut self, a: Mat<'_>, scratch: &mut Scratch<'s>) -> Int8Rows<'s> {
        let (rows, cols) = (a.rows(), a.cols());
        assert!(cols.is_multiple_of(CHUNK), "rows of {cols} numbers are not made of chunks of {CHUNK}");
        let chunks = cols / CHUNK;
        let count = rows * chunks;
        let bytes = scratch.take::<u8>(count * CHUNK);
        let fours = scratch.take::<i32>(count * 8);
        let (totals, scales) = (scratch.take::<i32>(count), scratch.take::<f32>(count));
        // One chunk after the other, whatever row it is in; a task does as many as are worth one.
        const AT_ONCE: usize = 64;
        let cut = [Tile(0, AT_ONCE)];
        let view = "slices are as long as they were asked to be";
        let outputs = (
            ViewMut::new(&mut *bytes, [count, CHUNK]).expect(view).cut(cut),
            ViewMut::new(&mut *fours, [count, 8]).expect(view).cut(cut),
            ViewMut::new(&mut *totals, [count]).expect(view).cut(cut),
            ViewMut::new(&mut *scales, [count]).expect(view).cut(cut),
        );
        self.run([count.div_ceil(AT_ONCE)], outputs, &Round { a, chunks, at_once: AT_ONCE });
        Int8Rows { rows, chunks, bytes: bytes.as_chunks().0, fours: fours.as_chunks().0, totals, scales }
    }
}

struct Round<'a> {
    a: Mat<'a>,
    chunks: usize,
    at_once: usize,
}

impl Task<1> for Round<'_> {
    type Out<'o> = (ViewMut<'o, u8, 2>, ViewMut<'o, i32, 2>, ViewMut<'o, i32, 1>, ViewMut<'o, f32, 1>);

    fn cost(&self) -> usize {
        self.at_once * CHUNK
    }

    #[inline(always)]
    fn run<S: Isa>(
        &self,
        s: S,
        [task]: [usize; 1],
        (mut bytes, mut fours, mut totals, mut scales): Self::Out<'_>,
        _: Scratch<'_>,
    ) {
        let (totals, scales) = (totals.row_mut([]), scales.row_mut([]));
        let mut x = [0.0; CHUNK];
        for i in 0..totals.len() {
            let chunk = task * self.at_once + i;
            self.a.read(chunk / self.chunks, chunk % self.chunks * CHUNK, &mut x);
            let (q, sums, scale) = round(s, &x);
            bytes.row_mut([i]).copy_from_slice(&q);
            fours.row_mut([i]).copy_from_slice(&sums);
            totals[i] = sums.iter().sum();
            scales[i] = scale;
        }
    }
}

/// A chunk's bytes, the sums of fours of them, and the scale.
#[inline(always)]
fn round<S: Isa>(s: S, x: &[f32; CHUNK]) -> ([u8; CHUNK], [i32; 8], f32) {
    let mut v = [s.splat_e(0.0); 4];
    for (p, v) in v.iter_mut().enumerate() {
        // SAFETY: the array has four times eight values.
        *v = unsafe { s.load_e(x.as_ptr().add(8 * p)) };
    }
    let larger = |a, b| s.max_e(s.abs_e(a), b);
    let most = s.reduce_max_e(larger(v[0], larger(v[1], larger(v[2], s.abs_e(v[3])))));
    // Zero times a number is zero, times anything else NaN.
    let mut check = s.splat_e(0.0);
    for v in v {
        check = s.add_e(check, s.mul_e(v, s.splat_e(0.0)));
    }
    let finite = s.sum_e(check) == 0.0;
    if !finite || most < TINY {
        return ([0; CHUNK], [0; 8], if finite { 0.0 } else { f32::NAN });
    }
    let scale = most / 127.0;
    for v in &mut v {
        *v = s.div_e(*v, s.splat_e(scale));
    }
    let q = s.round_b(v);
    let sums = s.sum_h(s.pairs_b(s.splat_b(1), q));
    let (mut bytes, mut fours) = ([0; CHUNK], [0; 8]);
    // SAFETY: arrays of 32 bytes and of 8 values.
    unsafe {
        s.store_b(bytes.as_mut_ptr(), q);
        s.store_p(fours.as_mut_ptr(), sums);
    }
    (bytes, fours, scale)
}
