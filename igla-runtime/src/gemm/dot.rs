//! A few rows times a B whose K is adjacent: dot products, nothing packed.
//!
//! Transposing B into panels costs as much as multiplying it by some fifteen rows, so for so few
//! it is most of the work. Here up to 4 rows of A meet 4 rows of B at a
//! time, both streamed forwards along K in registers; lanes are summed at the end, four outputs
//! together.
//!
//! ```text
//!   A  ─ ─ ─ ─ ─►  K            acc[i][j] += A[i][k..k+W] ⊙ B[j][k..k+W]
//!   B  ─ ─ ─ ─ ─►               16 accumulators, 8 loads, 16 FMAs per step
//!      ─ ─ ─ ─ ─►
//! ```
//! The order of the sum depends on the level and K alone. It differs from that of the tiles,
//! so which of the two a product takes depends on the whole product, never on a thread's share.

use core::ops::Range;

use super::mat::{Mat, MatMut};
use super::pack::pack;
#[cfg(target_arch = "aarch64")]
use super::reg::Vreg;
use super::reg::{Baseline, Reg};
#[cfg(target_arch = "x86_64")]
use super::reg::{Ymm, Zmm};
use crate::level::Level;

/// Most rows that are worth it.
pub(super) const ROWS: usize = 16;

/// Sums shorter than this spend their time adding up lanes.
const SHORT: usize = 32;

/// Whether the product of an `m`-row A with `b` goes this way.
pub(super) fn suits(m: usize, b: &Mat<'_>) -> bool {
    m <= ROWS && b.cols() >= SHORT && b.col_axis().is_unit()
}

/// Columns of C between two epilogues.
pub(super) const CHUNK: usize = 256;

/// Where the rows of A are, K adjacent: in place, or copied to `buffer`.
///
/// # Safety
/// A has at most [`ROWS`] rows; the CPU has `level`; `buffer` is valid for `a.rows() * a.cols()` floats, unless
/// A's K is adjacent.
pub(super) unsafe fn rows_of(level: Level, a: &Mat<'_>, buffer: *mut f32) -> [*const f32; ROWS] {
    let k = a.cols();
    let mut rows = [a.data(); ROWS];
    for (r, row) in rows.iter_mut().enumerate().take(if k == 0 { 0 } else { a.rows() }) {
        // SAFETY: row `r` has a first element; otherwise `buffer` has a row of K floats for it.
        unsafe {
            if a.col_axis().is_unit() {
                *row = a.data().add(a.row_axis().offset(r) + a.col_axis().offset(0));
            } else {
                let packed = buffer.add(r * k);
                pack(level, a, &(r..r + 1), &(0..k), packed, 1);
                *row = packed;
            }
        }
    }
    rows
}

/// A product on its way; [`Dots::next`] computes the next block.
pub(super) struct Dots<'a> {
    level: Level,
    a: [*const f32; ROWS],
    b: Mat<'a>,
    pub(super) c: MatMut<'a>,
    done: usize,
}

impl<'a> Dots<'a> {
    /// `buffer` holds A if its K is not adjacent.
    ///
    /// # Safety
    /// `b` suits; the shapes agree; `c` overlaps no operand; the CPU has `level`; `buffer` is
    /// valid for `a.rows() * a.cols()` floats for `'a`, unless A's K is adjacent.
    pub(super) unsafe fn new(level: Level, a: Mat<'a>, b: Mat<'a>, c: MatMut<'a>, buffer: *mut f32) -> Self {
        // SAFETY: the contract is the same.
        let rows = unsafe { rows_of(level, &a, buffer) };
        Self { level, a: rows, b, c, done: 0 }
    }

    /// The rows and columns of C that were just finished.
    pub(super) fn next(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        let (m, n) = (self.c.rows(), self.c.cols());
        if self.done == n || m == 0 {
            return None;
        }
        // A short last chunk goes with the one before it.
        let end = if n - self.done < 2 * CHUNK { n } else { self.done + CHUNK };
        let cols = self.done..end;
        self.done = end;
        // SAFETY: the contract of `new`.
        unsafe {
            match self.level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512(self, &cols),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2(self, &cols),
                #[cfg(target_arch = "aarch64")]
                Level::Neon => neon(self, &cols),
                // Including levels that this architecture never has.
                _ => portable(self, &cols),
            }
        }
        Some((0..m, cols))
    }
}

/// # Safety
/// As [`columns`].
unsafe fn portable(d: &mut Dots<'_>, cols: &Range<usize>) {
    // SAFETY: the same contract; there are no features to have.
    unsafe { columns::<Baseline, 2>(d, cols) }
}

/// # Safety
/// As [`columns`].
#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
unsafe fn neon(d: &mut Dots<'_>, cols: &Range<usize>) {
    // SAFETY: the same contract.
    unsafe { columns::<Vreg, 4>(d, cols) }
}

/// # Safety
/// As [`columns`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(d: &mut Dots<'_>, cols: &Range<usize>) {
    // SAFETY: the same contract.
    unsafe { columns::<Ymm, 3>(d, cols) }
}

/// # Safety
/// As [`columns`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512(d: &mut Dots<'_>, cols: &Range<usize>) {
    // SAFETY: the same contract.
    unsafe { columns::<Zmm, 4>(d, cols) }
}

/// The columns `cols` of C, four at a time, and of those `GROUP ≤ 4` rows at a time, so that
/// four rows of B stay near while all of A passes by.
///
/// # Safety
/// The CPU has `R`'s level, and this is inlined into a function compiled for it; `cols` are in
/// range.
#[inline(always)]
unsafe fn columns<R: Reg, const GROUP: usize>(d: &mut Dots<'_>, cols: &Range<usize>) {
    let m = d.c.rows();
    for j in cols.clone().step_by(4) {
        let cols = j..cols.end.min(j + 4);
        for i in (0..m).step_by(GROUP) {
            // SAFETY: the rows and columns are in range.
            unsafe {
                match GROUP.min(m - i) {
                    1 => quad::<R, 1>(d, i, &cols),
                    2 => quad::<R, 2>(d, i, &cols),
                    3 => quad::<R, 3>(d, i, &cols),
                    _ => quad::<R, GROUP>(d, i, &cols),
                }
            }
        }
    }
}

/// `M` rows × up to 4 columns of C. Fewer are computed as four, repeating the last, so that
/// the sum of an element does not depend on the columns beside it.
///
/// # Safety
/// As [`columns`], for rows `i..i + M`.
#[inline(always)]
unsafe fn quad<R: Reg, const M: usize>(d: &mut Dots<'_>, i: usize, cols: &Range<usize>) {
    let k = d.b.cols();
    let first = if k == 0 { 0 } else { d.b.col_axis().offset(0) };
    let a: [*const f32; M] = core::array::from_fn(|r| d.a[i + r]);
    // Only dereferenced if there are elements.
    let b: [*const f32; 4] = core::array::from_fn(|j| {
        let row = d.b.row_axis().offset((cols.start + j).min(cols.end - 1));
        d.b.data().wrapping_add(row).wrapping_add(first)
    });
    // SAFETY: rows of A and B have `k` adjacent elements; the target features are the caller's.
    unsafe {
        for (r, lanes) in block::<R, M>(k, a, b).into_iter().enumerate() {
            let c = d.c.segment(i + r, cols.clone());
            for (c, x) in c.iter_mut().zip(lanes) {
                *c = (x[0] + x[1]) + (x[2] + x[3]);
            }
        }
    }
}

/// `M` × 4 dot products of `k` elements, each as four partial sums.
///
/// # Safety
/// As [`columns`]; `a` and `b` are readable for `k` elements.
#[inline(always)]
unsafe fn block<R: Reg, const M: usize>(
    k: usize,
    a: [*const f32; M],
    b: [*const f32; 4],
) -> [[[f32; 4]; 4]; M] {
    // No closure or `map` may take a register: if it is not inlined, registers go through memory.
    // SAFETY: the first `k` elements of each row, masked at the end.
    unsafe {
        let mut acc = [[R::zero(); 4]; M];
        let mut x = [R::zero(); M];
        let full = k - k % R::WIDTH;
        let mut p = 0;
        while p < full {
            for i in 0..M {
                x[i] = R::load(a[i].add(p));
            }
            for j in 0..4 {
                let y = R::load(b[j].add(p));
                for i in 0..M {
                    acc[i][j] = acc[i][j].fma(x[i], y);
                }
            }
            p += R::WIDTH;
        }
        if p < k {
            for i in 0..M {
                x[i] = R::load_first(a[i].add(p), k - p);
            }
            for j in 0..4 {
                let y = R::load_first(b[j].add(p), k - p);
                for i in 0..M {
                    acc[i][j] = acc[i][j].fma(x[i], y);
                }
            }
        }
        let mut sums = [[[0.0; 4]; 4]; M];
        for i in 0..M {
            for j in 0..4 {
                sums[i][j] = acc[i][j].fold4();
            }
        }
        sums
    }
}
