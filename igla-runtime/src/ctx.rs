//! The context of kernel calls: the level, the threads and the scratch memory.
//!
//! Results never depend on the number of threads: a task call sees only its grid index.
//! Parallelism is outside and dispatch inside: each worker enters the level's features once per chunk of
//! consecutive grid indices, so no lane value ever crosses a call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::cut::Cuts;
use crate::isa::{self, Isa, Kernel};
use crate::level::Level;
use crate::scratch::{Arena, Scratch};
use crate::task::Task;

/// Below this total cost, one thread is faster than waking others.
const PARALLEL_COST: usize = 64 * 1024;
/// Chunks cost at least this much, so that taking one is cheap in comparison.
const CHUNK_COST: usize = 16 * 1024;
/// Chunks per thread at most: enough to even out, few enough to keep indices together.
const CHUNKS_PER_THREAD: usize = 8;

/// Level, threads and scratch memory for kernel calls.
pub struct Ctx {
    level: Level,
    pool: Option<ThreadPool>,
    arena: Arena,
    /// One per thread, the calling thread's first.
    workers: Vec<Mutex<Arena>>,
}

impl Ctx {
    /// The best level (see [`Level::best`]) and every core.
    ///
    /// # Panics
    /// When `IGLA_ISA` is bad or threads cannot be started.
    pub fn new() -> Self {
        Ctx::with(Level::best(), std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// A given level and number of threads (at least one, the calling thread included).
    ///
    /// # Panics
    /// When this CPU lacks the level or threads cannot be started.
    pub fn with(level: Level, threads: usize) -> Self {
        assert!(level.is_available(), "this CPU does not have the level {level}");
        // SAFETY: it has.
        unsafe { Ctx::with_unchecked(level, threads) }
    }

    /// As [`Ctx::with`], for tests of levels that this CPU lacks.
    ///
    /// # Safety
    /// Instructions of the level are executed: whoever calls this sees to it that they do what they should, by an
    /// emulator if not by the CPU.
    ///
    /// # Panics
    /// When threads cannot be started.
    #[doc(hidden)]
    pub unsafe fn with_unchecked(level: Level, threads: usize) -> Self {
        let threads = threads.max(1);
        let pool = (threads > 1).then(|| {
            let builder = ThreadPoolBuilder::new().num_threads(threads - 1);
            let builder = builder.thread_name(|index| format!("igla-{}", index + 1));
            builder.build().unwrap_or_else(|error| panic!("cannot start {threads} threads: {error}"))
        });
        let workers = (0..threads).map(|_| Mutex::default()).collect();
        Ctx { level, pool, arena: Arena::default(), workers }
    }

    /// The level in use.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// Makes `bytes` of scratch available now, so that later frames of at most that size do not allocate.
    pub fn reserve(&mut self, bytes: usize) {
        self.arena.reserve(bytes);
    }

    /// Scratch of at least `bytes` and the means to run tasks, for one kernel call.
    /// Allocates only when `bytes` exceeds every earlier frame and reservation.
    pub fn frame(&mut self, bytes: usize) -> (Scratch<'_>, Par<'_>) {
        self.arena.reserve(bytes);
        let par = Par { level: self.level, pool: self.pool.as_ref(), workers: &self.workers };
        (self.arena.scratch(), par)
    }
}

impl Default for Ctx {
    fn default() -> Self {
        Ctx::new()
    }
}

/// The means to run tasks in parallel. Tasks do not get one, so parallel runs never nest.
pub struct Par<'a> {
    level: Level,
    pool: Option<&'a ThreadPool>,
    workers: &'a [Mutex<Arena>],
}

impl Par<'_> {
    /// The level in use.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }

    /// Runs a kernel once, here, compiled for the level.
    #[inline]
    pub fn dispatch<K: Kernel>(&mut self, kernel: K) -> K::Output {
        isa::dispatch(self.level, kernel)
    }

    /// Calls `task` once per index of the grid, each with its part of the outputs, in parallel when the
    /// total cost is worth it. The first call of a task that needs more worker scratch allocates it.
    ///
    /// # Panics
    /// When the grid does not visit every part of every output exactly once, or a task panics.
    pub fn run<const N: usize, C, T>(&mut self, grid: [usize; N], outputs: C, task: &T)
    where
        C: Cuts<N>,
        T: for<'o> Task<N, Out<'o> = C::Part<'o>>,
    {
        outputs.check(grid);
        let Some(total) = crate::view::volume(&grid) else { grid_overflows(&grid) };
        if total == 0 {
            return;
        }
        let cost = total.saturating_mul(task.cost().max(1));
        let threads = self.workers.len().min(total);
        let chunks = (cost / CHUNK_COST).clamp(1, threads * CHUNKS_PER_THREAD).min(total);
        let run = Run { grid, outputs: &outputs, task, level: self.level };
        // SAFETY: the grid was checked, and has `total` indices.
        unsafe { self.share(&run, total, chunks, cost >= PARALLEL_COST) };
    }

    /// Does a run's indices, in parallel if that is `worth` it. Not generic: every kernel has tasks of its own,
    /// and compiling the threads' code for each took a seventh of all.
    ///
    /// # Safety
    /// `run` has `total` indices, and `chunks` is at least 1 and at most `total`.
    unsafe fn share(&self, run: &dyn Ranges, total: usize, chunks: usize, worth: bool) {
        match self.pool {
            Some(pool) if worth && chunks > 1 => {
                let chunks = Chunks { run, total, count: chunks, next: AtomicUsize::new(0) };
                let helpers = self.workers.len().min(chunks.count) - 1;
                pool.in_place_scope(|scope| {
                    for arena in &self.workers[1..=helpers] {
                        let chunks = &chunks;
                        scope.spawn(move |_| chunks.work(arena));
                    }
                    chunks.work(&self.workers[0]);
                });
            }
            // SAFETY: this is the only range.
            _ => unsafe { run.range(0, total, &self.workers[0]) },
        }
    }
}

#[cold]
#[inline(never)]
fn grid_overflows(grid: &[usize]) -> ! {
    panic!("a grid of extents {grid:?} has too many indices")
}

/// The chunks of a run, taken by whichever thread is free.
struct Chunks<'a> {
    run: &'a dyn Ranges,
    total: usize,
    count: usize,
    next: AtomicUsize,
}

impl Chunks<'_> {
    /// Takes and does chunks until none is left.
    fn work(&self, arena: &Mutex<Arena>) {
        loop {
            let chunk = self.next.fetch_add(1, Ordering::Relaxed);
            if chunk >= self.count {
                return;
            }
            // Chunk sizes differ by at most one; the first `longer` are the longer ones.
            let (size, longer) = (self.total / self.count, self.total % self.count);
            let begin = chunk * size + chunk.min(longer);
            let end = begin + size + usize::from(chunk < longer);
            // SAFETY: the counter gives each chunk out once, and chunks are disjoint.
            unsafe { self.run.range(begin, end, arena) };
        }
    }
}

/// Work that can be done in ranges of its indices, from any thread.
trait Ranges: Sync {
    /// Does indices `begin..end`, with an arena that nobody else uses meanwhile.
    ///
    /// # Safety
    /// No index may be given out twice, and all must be those of the work.
    unsafe fn range(&self, begin: usize, end: usize, arena: &Mutex<Arena>);
}

/// One run of a task over its grid.
struct Run<'a, const N: usize, C, T> {
    grid: [usize; N],
    outputs: &'a C,
    task: &'a T,
    level: Level,
}

impl<const N: usize, C, T> Ranges for Run<'_, N, C, T>
where
    C: Cuts<N>,
    T: for<'o> Task<N, Out<'o> = C::Part<'o>>,
{
    /// Does grid indices `begin..end` in row-major order.
    unsafe fn range(&self, begin: usize, end: usize, arena: &Mutex<Arena>) {
        // A panic in a task leaves an arena with unspecified contents, which is what it has anyway.
        let mut arena = arena.lock().unwrap_or_else(PoisonError::into_inner);
        arena.reserve(self.task.scratch());
        let mut at = [0; N];
        let mut rest = begin;
        for axis in (0..N).rev() {
            at[axis] = rest % self.grid[axis];
            rest /= self.grid[axis];
        }
        let scratch = arena.scratch();
        let indices = Indices { grid: self.grid, at, count: end - begin, scratch };
        isa::dispatch(self.level, (self.task, indices, self.outputs));
    }
}

/// Consecutive grid indices and the scratch to do them with.
struct Indices<'a, const N: usize> {
    grid: [usize; N],
    at: [usize; N],
    count: usize,
    scratch: Scratch<'a>,
}

/// The loop over grid indices, inside dispatch. The task comes first: see [`Kernel`].
impl<const N: usize, C, T> Kernel for (&T, Indices<'_, N>, &C)
where
    C: Cuts<N>,
    T: for<'o> Task<N, Out<'o> = C::Part<'o>>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        let (task, Indices { grid, mut at, count, mut scratch }, outputs) = self;
        for _ in 0..count {
            // SAFETY: the grid was checked, and each index is given out once.
            let part = unsafe { outputs.part(at) };
            task.run(s, at, part, scratch.reborrow());
            let mut axis = N;
            while axis > 0 {
                axis -= 1;
                at[axis] += 1;
                if at[axis] < grid[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
    }
}
