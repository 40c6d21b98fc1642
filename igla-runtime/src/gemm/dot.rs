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
//! Bytes go the same way, four to a lane, with sums of `i32` ([`Terms`]).

use core::ops::Range;

use super::fours::lines;
use super::kernel::Numbers;
use super::mat::{Mat, MatMut};
use super::pack::pack;
#[cfg(target_arch = "aarch64")]
use super::reg::Vreg;
use super::reg::{Baseline, Reg};
#[cfg(target_arch = "x86_64")]
use super::reg::{Ymm, Zmm};
#[cfg(target_arch = "x86_64")]
use super::terms::OffsetBytes;
use super::terms::{Bytes, Floats, Terms};
use crate::level::Level;
use crate::tensor::Element;

/// Most rows that are worth it.
pub(super) const ROWS: usize = 16;

/// Sums shorter than this spend their time adding up lanes.
const SHORT: usize = 32;

/// Whether the product of an `m`-row A with `b`, of so many elements a lane, goes this way.
pub(super) fn suits<T: Element>(m: usize, b: &Mat<'_, T>, each: usize) -> bool {
    m <= ROWS && b.cols() >= SHORT * each && b.col_axis().is_unit()
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

/// Computes some columns.
///
/// # Safety
/// The CPU has the level that this is for; the columns are in range.
type Columns<T> = unsafe fn(&mut Dots<'_, T>, &Range<usize>);

/// A product on its way; [`Dots::next`] computes the next block.
pub(super) struct Dots<'a, T> {
    columns: Columns<T>,
    a: [*const T; ROWS],
    /// What each row's sums start from, if not from zero.
    start: [f32; ROWS],
    b: Mat<'a, T>,
    pub(super) c: MatMut<'a>,
    done: usize,
}

impl<'a> Dots<'a, f32> {
    /// `buffer` holds A if its K is not adjacent.
    ///
    /// # Safety
    /// `b` suits; the shapes agree; `c` overlaps no operand; the CPU has `level`; `buffer` is
    /// valid for `a.rows() * a.cols()` floats for `'a`, unless A's K is adjacent.
    pub(super) unsafe fn new(level: Level, a: Mat<'a>, b: Mat<'a>, c: MatMut<'a>, buffer: *mut f32) -> Self {
        let columns: Columns<f32> = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::<Floats, 4>,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::<Floats, 3>,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => neon::<Floats, 4>,
            // Including levels that this architecture never has.
            _ => portable::<Floats, 2>,
        };
        // SAFETY: the contract is the same.
        let rows = unsafe { rows_of(level, &a, buffer) };
        Self { columns, a: rows, start: [0.0; ROWS], b, c, done: 0 }
    }
}

impl<'a> Dots<'a, i8> {
    /// The same of bytes; words of `c` are whole sums.
    ///
    /// # Safety
    /// As for floats, but that `buffer` is valid for as many bytes.
    pub(super) unsafe fn of_bytes(
        level: Level,
        a: Mat<'a, i8>,
        b: Mat<'a, i8>,
        c: MatMut<'a>,
        buffer: *mut f32,
    ) -> Self {
        let offset = Numbers::fours(level, 1) == Numbers::OffsetFours;
        let columns: Columns<i8> = match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if offset => avx512_vnni::<OffsetBytes, 4>,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512::<Bytes, 4>,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::<Bytes, 2>,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => neon::<Bytes, 2>,
            // Including levels that this architecture never has.
            _ => portable::<Bytes, 2>,
        };
        // SAFETY: the contract is the same.
        let rows = unsafe { lines(&a, buffer.cast()) };
        let mut start = [0.0; ROWS];
        if offset {
            for (start, row) in start.iter_mut().zip(rows).take(a.rows()) {
                // SAFETY: each row has its K elements; without any, an address will do.
                let row = unsafe { core::slice::from_raw_parts(row, a.cols()) };
                let sum = row.iter().fold(0_i32, |sum, x| sum.wrapping_add(i32::from(*x)));
                *start = f32::from_bits(sum.wrapping_mul(-128).cast_unsigned());
            }
        }
        Self { columns, a: rows, start, b, c, done: 0 }
    }
}

impl<T: Element> Dots<'_, T> {
    /// The rows and columns of C that were just finished. Its one call is of what the level is, so there is nothing to gain
    /// from a copy of it in each caller.
    #[inline(never)]
    pub(super) fn next(&mut self) -> Option<(Range<usize>, Range<usize>)> {
        let (m, n) = (self.c.rows(), self.c.cols());
        if self.done == n || m == 0 {
            return None;
        }
        // A short last chunk goes with the one before it.
        let end = if n - self.done < 2 * CHUNK { n } else { self.done + CHUNK };
        let cols = self.done..end;
        self.done = end;
        // SAFETY: the CPU has the level, by the contract of `new`.
        unsafe { (self.columns)(self, &cols) }
        Some((0..m, cols))
    }
}

/// # Safety
/// As [`columns`].
unsafe fn portable<P: Terms<Baseline>, const GROUP: usize>(
    d: &mut Dots<'_, P::Element>,
    cols: &Range<usize>,
) {
    // SAFETY: the same contract; there are no features to have.
    unsafe { columns::<Baseline, P, GROUP>(d, cols) }
}

/// A level's code.
macro_rules! level {
    ($name:ident, $reg:ty, $arch:literal, $features:literal) => {
        /// # Safety
        /// As [`columns`]; the CPU has these features.
        #[cfg(target_arch = $arch)]
        #[target_feature(enable = $features)]
        unsafe fn $name<P: Terms<$reg>, const GROUP: usize>(
            d: &mut Dots<'_, P::Element>,
            cols: &Range<usize>,
        ) {
            // SAFETY: the same contract.
            unsafe { columns::<$reg, P, GROUP>(d, cols) }
        }
    };
}
level!(neon, Vreg, "aarch64", "neon");
level!(avx2, Ymm, "x86_64", "avx2,fma");
level!(avx512, Zmm, "x86_64", "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");
level!(avx512_vnni, Zmm, "x86_64", "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma");

/// The columns `cols` of C, four at a time, and of those `GROUP ≤ 4` rows at a time, so that
/// four rows of B stay near while all of A passes by.
///
/// # Safety
/// The CPU has `R`'s level, and this is inlined into a function compiled for it; `cols` are in
/// range.
#[inline(always)]
unsafe fn columns<R: Reg, P: Terms<R>, const GROUP: usize>(
    d: &mut Dots<'_, P::Element>,
    cols: &Range<usize>,
) {
    let m = d.c.rows();
    for j in cols.clone().step_by(4) {
        let cols = j..cols.end.min(j + 4);
        for i in (0..m).step_by(GROUP) {
            // SAFETY: the rows and columns are in range.
            unsafe {
                match GROUP.min(m - i) {
                    1 => quad::<R, P, 1>(d, i, &cols),
                    2 => quad::<R, P, 2>(d, i, &cols),
                    3 => quad::<R, P, 3>(d, i, &cols),
                    _ => quad::<R, P, GROUP>(d, i, &cols),
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
unsafe fn quad<R: Reg, P: Terms<R>, const M: usize>(
    d: &mut Dots<'_, P::Element>,
    i: usize,
    cols: &Range<usize>,
) {
    let k = d.b.cols();
    let first = if k == 0 { 0 } else { d.b.col_axis().offset(0) };
    let a: [*const P::Element; M] = core::array::from_fn(|r| d.a[i + r]);
    let start: [f32; M] = core::array::from_fn(|r| d.start[i + r]);
    // Only dereferenced if there are elements.
    let b: [*const P::Element; 4] = core::array::from_fn(|j| {
        let row = d.b.row_axis().offset((cols.start + j).min(cols.end - 1));
        d.b.data().wrapping_add(row).wrapping_add(first)
    });
    // SAFETY: rows of A and B have `k` adjacent elements; the target features are the caller's.
    let parts = unsafe { block::<R, P, M>(k, a, b, &start) };
    for (r, parts) in parts.into_iter().enumerate() {
        let c = d.c.segment(i + r, cols.clone());
        for (c, parts) in c.iter_mut().zip(parts) {
            *c = P::word(parts);
        }
    }
}

/// `M` × 4 dot products of `k` elements.
///
/// # Safety
/// As [`columns`]; `a` and `b` are readable for `k` elements.
#[inline(always)]
unsafe fn block<R: Reg, P: Terms<R>, const M: usize>(
    k: usize,
    a: [*const P::Element; M],
    b: [*const P::Element; 4],
    start: &[f32; M],
) -> [[P::Parts; 4]; M] {
    // No closure or `map` may take a register: if it is not inlined, registers go through memory.
    // SAFETY: the first `k` elements of each row, masked at the end.
    unsafe {
        let mut acc = [[R::zero(); 4]; M];
        for i in 0..M {
            acc[i] = [P::start(&start[i]); 4];
        }
        let mut x = [R::zero(); M];
        let full = k - k % P::WIDTH;
        let mut p = 0;
        while p < full {
            for i in 0..M {
                x[i] = P::load(a[i].add(p));
            }
            for j in 0..4 {
                let y = P::load(b[j].add(p));
                for i in 0..M {
                    acc[i][j] = P::add(acc[i][j], x[i], y);
                }
            }
            p += P::WIDTH;
        }
        if p < k {
            for i in 0..M {
                x[i] = P::load_first(a[i].add(p), k - p);
            }
            for j in 0..4 {
                let y = P::load_first(b[j].add(p), k - p);
                for i in 0..M {
                    acc[i][j] = P::add(acc[i][j], x[i], y);
                }
            }
        }
        let mut parts = [[P::Parts::default(); 4]; M];
        for i in 0..M {
            parts[i] = P::parts(&acc[i]);
        }
        parts
    }
}
