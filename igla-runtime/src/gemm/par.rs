//! Products on all threads.
//!
//! C is cut into blocks, one grid index each; a block is computed as if it were all of C, so no
//! element can tell how many there are.

use super::int8::{EpilogueI8, Sums, Word};
use super::job::Job;
use super::packed::Rhs;
use super::packed_i8::RhsI8;
use super::{Epilogue, Finish, Floats, Mat, MatMut};
use crate::ctx::Par;
use crate::isa::Isa;
use crate::scratch::Scratch;
use crate::task::Task;

/// Blocks per thread, for threads that start late or are slowed down by others.
const BLOCKS_PER_THREAD: usize = 2;

impl Par<'_> {
    /// `C[m, n] = Σ_k A[m, k] · B[n, k]` on all threads if that pays, then `epilogue` on every
    /// finished row segment. The result has the same bits for any number of threads. Scratch comes
    /// from the workers' own memory, which grows with the first product that needs more.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub fn gemm<'a, E: Epilogue>(&mut self, a: Mat<'a>, b: impl Into<Rhs<'a>>, c: MatMut<'a>, epilogue: &E) {
        let job = Job::new(self.level(), a, b.into(), c);
        self.blocks(job, &Floats(epilogue));
    }

    /// The same of bytes, with whole sums: `C[m, n] = Σ_k A[m, k] · B[n, k]` in `i32`, wrapping, then `epilogue` on every
    /// finished row segment. The sums have the same bits for any number of threads and on any level.
    ///
    /// # Panics
    /// If the shapes disagree.
    pub fn gemm_i8<'a, T: Word, E: EpilogueI8<T>>(
        &mut self,
        a: Mat<'a, i8>,
        b: impl Into<RhsI8<'a>>,
        c: MatMut<'a, T>,
        epilogue: &E,
    ) {
        let job = Job::of_bytes(self.level(), a, b.into(), c.words());
        self.blocks(job, &Sums::new(epilogue));
    }

    fn blocks(&mut self, job: Job<'_>, finish: &impl Finish) {
        let blocks = if self.threads() == 1 { 1 } else { self.threads() * BLOCKS_PER_THREAD };
        let grid = job.grid(blocks);
        let buffers = job.buffers();
        self.run([grid.0 * grid.1], (), &Blocks { job, grid, buffers, finish });
    }
}

/// A product as a task: one block of C per index.
struct Blocks<'a, F> {
    job: Job<'a>,
    grid: (usize, usize),
    buffers: (usize, usize),
    finish: &'a F,
}

impl<F: Finish> Task<1> for Blocks<'_, F> {
    type Out<'o> = ();

    fn scratch(&self) -> usize {
        Scratch::bytes_of::<f32>(self.buffers.0).saturating_add(Scratch::bytes_of::<f32>(self.buffers.1))
    }

    fn cost(&self) -> usize {
        self.job.cost() / (self.grid.0 * self.grid.1)
    }

    #[inline(always)]
    fn run<S: Isa>(&self, s: S, [i]: [usize; 1], (): (), mut scratch: Scratch<'_>) {
        let (rows, cols) = self.job.cut(self.grid, i);
        let (x, y) = (scratch.take::<f32>(self.buffers.0), scratch.take::<f32>(self.buffers.1));
        // SAFETY: the context proves the level; tasks run once per index, and blocks of different
        // indices do not overlap; the buffers are as long as the job asked for.
        let work = unsafe { self.job.block(rows, cols, x.as_mut_ptr(), y.as_mut_ptr()) };
        self.finish.finish(s, work);
    }
}
