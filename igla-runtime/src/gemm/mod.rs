//! Matrix products: `C[m, n] = Σ_k A[m, k] · B[n, k]` in f32, or of bytes in i32, with an epilogue on finished rows.
//!
//! Contractions of every spec end here: whatever axes they merge or transpose is an index map
//! ([`Mat`]), and whatever they do to each sum before storing it is an [`Epilogue`]. This module
//! must not know about tensors' meaning or kernels by name; it reads two
//! index maps, writes a third, and allocates nothing except in [`PackedB::new`].
//!
//! # Blocking
//!
//! The multiply-add units want 2 × 16 lanes of two operands every cycle. Registers hold
//! a tile of C so that each load feeds many multiply-adds (see `kernel`); the rest is keeping the
//! loads in the nearest cache that has room:
//!
//! ```text
//! for wide  in N by ≤ 512 (all of N if B is packed already)   pack B: wide × ks
//!   for ks    in K by ≤ 512
//!     for block in M by ≤ 256            pack A: block × ks, in strips of ≤ 14 rows   → L2, 512 KB
//!       for chunk in wide by ≤ 256         256 columns of B × ks                      → L2, 512 KB
//!         for strip in block by ≤ 14         one strip of A × ks                      → L1,  28 KB
//!           microkernel: panel by panel        B streams, 32 floats per 14 × 32 multiply-adds
//!           epilogue, if this was the last of K, on ≤ 14 row segments of ≤ 256        C  → L1/L2
//! ```
//! It differs from the textbook in what stays nearest: the strip of A, not the panel of B. Then a
//! strip's row segments are finished together while they are still near, which is what an
//! epilogue wants; the price, B streaming from L2 at 128 bytes per 14 × 32 multiply-adds (14
//! cycles), is a fraction of what L2 delivers. Pieces are balanced everywhere: 130 rows are 10
//! strips of 13, never 9 of 14 and one of 4. The sizes are not delicate: on Zen 5, K by 256 to
//! 1536, M by 64 to 256 and N by 64 to 512 all came within the noise of each other, as did
//! fetching C, B or the next chunk of B ahead by instruction, so none of that is here.
//!
//! A is always packed: the rows of a row-major A are a power of two apart all too often, and then
//! all rows of a strip compete for one cache set. B is packed in panels of 32 columns that suit
//! every level (see [`PackedB`]): ahead of time for weights, on the fly otherwise. With up to 16
//! rows of A, packing B on the fly would be most of the work, so then it is used where it is: with
//! adjacent columns, its rows are rows of panels already; with adjacent K, the product is made
//! of dot products (see `dot`). Weights in blocks ([`crate::blocks`]) are decoded into panels instead of
//! packed, or, for up to 8 rows, into registers (see `rows`). `bf16` operands packed ahead of time stay `bf16`, two
//! steps of K in a word (see `pairs`), and A becomes the same where it may and the CPU multiplies such pairs: one by one, or
//! on the level of AMX in tiles of 16 × 16, if C has more than four rows and the product is one on all threads
//! ([`Par::gemm`](crate::Par::gemm)), which knows the level (see `tiles`). Strips are up to 32 rows high then, and rows
//! are cut at multiples of 16. Products of bytes (see `int8`) go the same way with four steps of K in a word (see `fours`).
//!
//! # Results
//!
//! Each element is summed over ascending k into one accumulator (in `dot`: one per lane), so the
//! result depends on the level and on whether the whole product is one of dot products or of tiles, and on
//! nothing else: not on threads, blocks, or the elements beside it. In tiles each 32 steps of K are added up before
//! they are added to the others. Sums of bytes are whole numbers and depend on nothing at all.

mod across;
mod dot;
mod fours;
mod halves;
mod int8;
mod job;
mod kernel;
mod mat;
mod pack;
mod packed;
mod packed_i8;
mod pairs;
mod par;
mod reg;
mod rows;
mod step;
mod sweep;
mod terms;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod view;
mod within;

pub use halves::HalfMat;
pub use int8::{EpilogueI8, Word, gemm_i8, gemm_i8_columns, gemm_i8_scratch};
pub use mat::{Mat, MatMut};
pub use packed::{PackedB, Rhs};
pub use packed_i8::{PackedI8, RhsI8};
pub use pairs::PackedBf16;
pub use within::gemm_within;

use core::ops::Range;

use crate::isa::Isa;
use crate::scratch::Scratch;
use job::{Job, Work};

/// Columns of a panel of B.
const PANEL: usize = 32;

/// What becomes of a row of sums.
pub trait Epilogue: Sync {
    /// Rewrites `row`, the finished sums of row `r` and columns `j0..j0 + row.len()`, in place. Called
    /// exactly once for every element of C, in no particular order; implementations are `#[inline(always)]`.
    fn row<S: Isa>(&self, s: S, r: usize, j0: usize, row: &mut [f32]);
}

/// Leaves the sums as they are.
impl Epilogue for () {
    #[inline(always)]
    fn row<S: Isa>(&self, _: S, _: usize, _: usize, _: &mut [f32]) {}
}

/// Bytes of scratch that [`gemm`] takes (per worker, for [`Par::gemm`](crate::Par::gemm)).
///
/// # Panics
/// If the number overflows.
pub fn gemm_scratch(m: usize, n: usize, k: usize, packed: bool) -> usize {
    let (a, b) = buffers(m, n, k, packed);
    Scratch::bytes_of::<f32>(a)
        .checked_add(Scratch::bytes_of::<f32>(b))
        .expect("the scratch of a product overflows")
}

fn buffers(m: usize, n: usize, k: usize, packed: bool) -> (usize, usize) {
    let (a, b) = sweep::buffers(m, n, k, packed);
    // Dot products keep whole rows of A.
    let a = if packed || m > dot::ROWS {
        a
    } else {
        a.max(m.checked_mul(k).expect("the rows of a product overflow"))
    };
    (a, b)
}

/// `C[m, n] = Σ_k A[m, k] · B[n, k]` on the calling thread, then `epilogue` on every finished row segment.
///
/// # Panics
/// If the shapes disagree, or `scratch` has less than [`gemm_scratch`] bytes.
#[inline(always)]
pub fn gemm<'a, S: Isa, E: Epilogue>(
    s: S,
    a: Mat<'a>,
    b: impl Into<Rhs<'a>>,
    c: MatMut<'a>,
    epilogue: &E,
    scratch: &mut Scratch<'_>,
) {
    let columns = 0..c.cols();
    gemm_columns(s, a, b, c, columns, epilogue, scratch);
}

/// As [`gemm`], for some columns of C; a few around them may be computed too, others are left as they are.
/// Columns beyond the last one do not count.
///
/// # Panics
/// As [`gemm`].
#[inline(always)]
pub fn gemm_columns<'a, S: Isa, E: Epilogue>(
    s: S,
    a: Mat<'a>,
    b: impl Into<Rhs<'a>>,
    c: MatMut<'a>,
    columns: Range<usize>,
    epilogue: &E,
    scratch: &mut Scratch<'_>,
) {
    let job = Job::new(S::LEVEL, a, b.into(), c);
    run(s, &job, columns, &Floats(epilogue), scratch);
}

/// Computes columns of a product on the calling thread.
#[inline(always)]
fn run<S: Isa>(s: S, job: &Job<'_>, columns: Range<usize>, finish: &impl Finish, scratch: &mut Scratch<'_>) {
    let (m, n, _) = job.shape();
    let end = columns.end.min(n);
    let start = columns.start.min(end) / PANEL * PANEL;
    let (x, y) = job.buffers();
    let mut scratch = scratch.reborrow();
    let (x, y) = (scratch.take::<f32>(x), scratch.take::<f32>(y));
    // SAFETY: one block, which starts at a panel; the token proves the level; the buffers are as long as
    // asked for.
    let work = unsafe { job.block(0..m, start..end, x.as_mut_ptr(), y.as_mut_ptr()) };
    finish.finish(s, work);
}

/// Runs blocks to their end, and an epilogue on what they finish.
trait Finish: Sync {
    fn finish<S: Isa>(&self, s: S, work: Work<'_>);
}

/// Gives sums of f32 to an epilogue.
struct Floats<'e, E>(&'e E);

impl<E: Epilogue> Finish for Floats<'_, E> {
    #[inline(always)]
    fn finish<S: Isa>(&self, s: S, mut work: Work<'_>) {
        while let Some((rows, cols)) = work.next() {
            for r in rows {
                let (r, j0, row) = work.segment(r, &cols);
                self.0.row(s, r, j0, row);
            }
        }
    }
}
