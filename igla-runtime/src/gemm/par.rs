//! Products on all threads.
//!
//! C is cut into blocks, one grid index each; a block is computed as if it were all of C, so no
//! element can tell how many there are.

use super::job::Job;
use super::packed::Rhs;
use super::{Epilogue, Mat, MatMut, finish};
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
        let blocks = if self.threads() == 1 { 1 } else { self.threads() * BLOCKS_PER_THREAD };
        let grid = job.grid(blocks);
        let buffers = job.buffers();
        self.run([grid.0 * grid.1], (), &Blocks { job, grid, buffers, epilogue });
    }
}

/// A product as a task: one block of C per index.
struct Blocks<'a, E> {
    job: Job<'a>,
    grid: (usize, usize),
    buffers: (usize, usize),
    epilogue: &'a E,
}

impl<E: Epilogue> Task<1> for Blocks<'_, E> {
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
        finish(s, work, self.epilogue);
    }
}
