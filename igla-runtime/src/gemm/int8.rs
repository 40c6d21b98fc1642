//! Products of bytes: `C[m, n] = Σ_k A[m, k] · B[n, k]` of `i8` with sums of `i32`, wrapping.
//!
//! Wrapping sums may be added up in any order, so all levels, paths and numbers of threads give the same bits: those of
//! three loops. Loops, blocks and threads are those of the products of f32; only words differ (see
//! [`fours`](super::fours)). C's memory keeps partial sums meanwhile, so its elements are words of 32 bits; what they
//! are in the end is the epilogue's to say.

use core::ops::Range;

use super::job::{Job, Work};
use super::mat::{Mat, MatMut};
use super::packed_i8::RhsI8;
use super::{Finish, dot, fours, run, sweep};
use crate::isa::Isa;
use crate::scratch::Scratch;
use crate::tensor::Element;

/// Sums that an epilogue gets at a time.
const SEGMENT: usize = 256;

/// Elements of a C whose words hold whole sums meanwhile.
pub trait Word: Element + bytemuck::Pod {}

impl Word for f32 {}
impl Word for i32 {}

/// What becomes of a row of whole sums.
pub trait EpilogueI8<T: Word>: Sync {
    /// Writes `row` from `sums`, the finished sums of row `r` and columns `j0..j0 + row.len()`, as many as `row` has
    /// elements. What `row` holds before are the bits of the sums. Called exactly once for every element of C, in no
    /// particular order; implementations are `#[inline(always)]`.
    fn row<S: Isa>(&self, s: S, r: usize, j0: usize, sums: &[i32], row: &mut [T]);
}

/// Leaves the sums as they are.
impl EpilogueI8<i32> for () {
    #[inline(always)]
    fn row<S: Isa>(&self, _: S, _: usize, _: usize, _: &[i32], _: &mut [i32]) {}
}

/// Bytes of scratch that [`gemm_i8`] takes.
///
/// # Panics
/// If the number overflows.
pub fn gemm_i8_scratch(m: usize, n: usize, k: usize, packed: bool) -> usize {
    let (a, b) = sweep::buffers_of_bytes(m, n, k, packed);
    // Dot products keep whole rows of A.
    let a = if packed || m > dot::ROWS {
        a
    } else {
        a.max(m.checked_mul(k).expect("the rows of a product overflow").div_ceil(fours::STEPS))
    };
    Scratch::bytes_of::<f32>(a)
        .checked_add(Scratch::bytes_of::<f32>(b))
        .expect("the scratch of a product overflows")
}

/// `C[m, n] = Σ_k A[m, k] · B[n, k]` on the calling thread, then `epilogue` on every finished row segment.
///
/// # Panics
/// If the shapes disagree, or `scratch` has less than [`gemm_i8_scratch`] bytes.
#[inline(always)]
pub fn gemm_i8<'a, S: Isa, T: Word, E: EpilogueI8<T>>(
    s: S,
    a: Mat<'a, i8>,
    b: impl Into<RhsI8<'a>>,
    c: MatMut<'a, T>,
    epilogue: &E,
    scratch: &mut Scratch<'_>,
) {
    let columns = 0..c.cols();
    gemm_i8_columns(s, a, b, c, columns, epilogue, scratch);
}

/// As [`gemm_i8`], for some columns of C; a few around them may be computed too, others are left as they are.
/// Columns beyond the last one do not count.
///
/// # Panics
/// As [`gemm_i8`].
#[inline(always)]
pub fn gemm_i8_columns<'a, S: Isa, T: Word, E: EpilogueI8<T>>(
    s: S,
    a: Mat<'a, i8>,
    b: impl Into<RhsI8<'a>>,
    c: MatMut<'a, T>,
    columns: Range<usize>,
    epilogue: &E,
    scratch: &mut Scratch<'_>,
) {
    let job = Job::of_bytes(S::LEVEL, a, b.into(), c.words());
    run(s, &job, columns, &Sums::new(epilogue), scratch);
}

/// Gives whole sums to an epilogue.
pub(super) struct Sums<'e, E, T> {
    epilogue: &'e E,
    elements: core::marker::PhantomData<fn(T)>,
}

impl<'e, E, T> Sums<'e, E, T> {
    pub(super) fn new(epilogue: &'e E) -> Self {
        Self { epilogue, elements: core::marker::PhantomData }
    }
}

impl<T: Word, E: EpilogueI8<T>> Finish for Sums<'_, E, T> {
    #[inline(always)]
    fn finish<S: Isa>(&self, s: S, mut work: Work<'_>) {
        let mut sums = [0_i32; SEGMENT];
        while let Some((rows, cols)) = work.next() {
            for r in rows {
                let (r, mut j0, row) = work.segment(r, &cols);
                for row in row.chunks_mut(SEGMENT) {
                    let sums = &mut sums[..row.len()];
                    sums.copy_from_slice(bytemuck::cast_slice(row));
                    self.epilogue.row(s, r, j0, sums, bytemuck::cast_slice_mut(row));
                    j0 += sums.len();
                }
            }
        }
    }
}
