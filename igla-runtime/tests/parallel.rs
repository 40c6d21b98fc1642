//! Parallel runs: every part is visited once, results do not depend on threads, bad grids are refused.

use std::panic::{AssertUnwindSafe, catch_unwind};

use igla_runtime::prelude::*;

/// Writes the grid index into each part, using scratch on the way.
struct Mark {
    scratch: usize,
}

impl Task<2> for Mark {
    type Out<'o> = (ViewMut<'o, f32, 2>, ViewMut<'o, i32, 1>);

    fn scratch(&self) -> usize {
        Scratch::bytes_of::<f32>(self.scratch)
    }

    fn cost(&self) -> usize {
        1 << 20
    }

    #[inline(always)]
    fn run<S: Isa>(
        &self,
        _s: S,
        [i, j]: [usize; 2],
        (mut a, mut b): Self::Out<'_>,
        mut scratch: Scratch<'_>,
    ) {
        let buffer = scratch.take::<f32>(self.scratch);
        buffer.fill((i * 100 + j) as f32);
        for r in 0..a.dim(0) {
            let row = a.row_mut([r]);
            for (c, value) in row.iter_mut().enumerate() {
                *value += buffer[c % self.scratch] + 0.25;
            }
        }
        for value in b.row_mut([]) {
            *value += (i * 100 + j) as i32 + 1;
        }
    }
}

#[test]
fn every_part_is_visited_once_whatever_the_threads() {
    // a[5, 7, 9] is cut by index on axis 1 and by tiles of 2 on axis 0; b[3, 7, 4]: both grid axes by index.
    for &level in Level::available() {
        let mut results = Vec::new();
        for threads in [1, 2, 5] {
            let mut ctx = Ctx::with(level, threads);
            let mut a = Tensor::<f32, 3>::zeros([5, 7, 9]).unwrap();
            let mut b = Tensor::<i32, 3>::zeros([3, 7, 4]).unwrap();
            let (_, mut par) = ctx.frame(0);
            par.run(
                [3, 7],
                (a.view_mut().cut([Tile(0, 2), At(1)]), b.view_mut().cut([At(0), At(1)])),
                &Mark { scratch: 33 },
            );
            for i in 0..5 {
                for j in 0..7 {
                    let want = ((i / 2) * 100 + j) as f32 + 0.25;
                    assert!(a.view().row([i, j]).iter().all(|&v| v == want), "{level} {threads} {i} {j}");
                }
            }
            for i in 0..3 {
                for j in 0..7 {
                    assert_eq!(b.view().row([i, j]), [(i * 100 + j) as i32 + 1; 4]);
                }
            }
            results.push((a, b));
        }
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

/// Adds one to a tile.
struct Increment;

impl Task<1> for Increment {
    type Out<'o> = ViewMut<'o, u32, 1>;
    #[inline(always)]
    fn run<S: Isa>(&self, s: S, _at: [usize; 1], mut y: Self::Out<'_>, _scratch: Scratch<'_>) {
        let y = y.row_mut([]);
        for part in s.parts::<2>(0, y.len()) {
            for d in part {
                let next = y.load(d) + s.splat_i32(1);
                y.store(d, next);
            }
        }
    }
}

#[test]
fn tiles_cover_every_length() {
    for threads in [1, 2] {
        let mut ctx = Ctx::with(Level::best(), threads);
        for len in [0, 1, 63, 64, 65, 1000, 100_000] {
            for tile in [1, 7, 64, 200_000] {
                if len / tile > 10_000 {
                    continue;
                }
                let mut y = Tensor::<u32, 1>::zeros([len]).unwrap();
                ctx.frame(0).1.run([len.div_ceil(tile)], y.view_mut().cut([Tile(0, tile)]), &Increment);
                assert!(y.as_slice().iter().all(|&v| v == 1), "{threads} {len} {tile}");
            }
        }
    }
}

/// A task of a grid without axes, and one without outputs.
struct Once;

impl Task<0> for Once {
    type Out<'o> = ViewMut<'o, f32, 0>;
    #[inline(always)]
    fn run<S: Isa>(&self, s: S, _at: [usize; 0], mut y: Self::Out<'_>, _scratch: Scratch<'_>) {
        y.set([], s.splat::<1>(2.0).reduce_add());
    }
}

struct Nothing(std::sync::atomic::AtomicUsize);

impl Task<3> for Nothing {
    type Out<'o> = ();
    #[inline(always)]
    fn run<S: Isa>(&self, _s: S, [i, j, k]: [usize; 3], (): (), _scratch: Scratch<'_>) {
        self.0.fetch_add(i * 100 + j * 10 + k, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn grids_without_axes_and_outputs() {
    let mut ctx = Ctx::with(Level::Scalar, 2);
    let mut y = Tensor::<f32, 0>::zeros([]).unwrap();
    ctx.frame(0).1.run([], y.view_mut().cut([]), &Once);
    assert_eq!(y.as_slice(), [8.0]);

    let count = Nothing(0.into());
    ctx.frame(0).1.run([4, 3, 2], (), &count);
    let want: usize = (0..24).map(|n| n / 6 * 100 + n / 2 % 3 * 10 + n % 2).sum();
    assert_eq!(count.0.into_inner(), want);
    ctx.frame(0).1.run([4, 0, 2], (), &Nothing(0.into()));
}

#[test]
fn wrong_grids_and_cuts_are_refused() {
    let mut ctx = Ctx::with(Level::Scalar, 1);
    let mut y = Tensor::<u32, 2>::zeros([4, 6]).unwrap();
    let mut refused = |grid: usize, axis: Axis| {
        let y = y.view_mut();
        catch_unwind(AssertUnwindSafe(|| ctx.frame(0).1.run([grid], y.cut([axis]), &Increment))).is_err()
    };
    assert!(!refused(4, At(0)));
    assert!(refused(3, At(0)), "rows would be left out");
    assert!(refused(5, At(0)), "there is no fifth row");
    assert!(refused(2, Tile(0, 2)), "the part has rank 2");
    assert!(refused(4, At(2)), "there is no axis 2");
    assert!(refused(1, Tile(0, 0)), "tiles are empty");

    let mut y = Tensor::<i32, 2>::zeros([3, 3]).unwrap();
    let twice = || y.view_mut().cut::<0, 2>([At(0), At(0)]).check_grid([3, 3]);
    assert!(catch_unwind(AssertUnwindSafe(twice)).is_err(), "both axes are the same");
}

use igla_runtime::{Axis, Cuts};

trait CheckGrid<const N: usize>: Cuts<N> + Sized {
    fn check_grid(self, grid: [usize; N]) {
        self.check(grid);
    }
}
impl<const N: usize, C: Cuts<N>> CheckGrid<N> for C {}

struct Panics;

impl Task<1> for Panics {
    type Out<'o> = ();
    fn scratch(&self) -> usize {
        64
    }
    fn cost(&self) -> usize {
        1 << 20
    }
    #[inline(always)]
    fn run<S: Isa>(&self, _s: S, [i]: [usize; 1], (): (), _scratch: Scratch<'_>) {
        assert_ne!(i, 7, "seven");
    }
}

#[test]
fn a_panicking_task_panics_the_call_and_leaves_the_context_usable() {
    let mut ctx = Ctx::with(Level::best(), 2);
    for _ in 0..3 {
        assert!(catch_unwind(AssertUnwindSafe(|| ctx.frame(0).1.run([64], (), &Panics))).is_err());
        ctx.frame(0).1.run([7], (), &Panics);
    }
}

#[test]
fn frames_reuse_their_memory() {
    let mut ctx = Ctx::with(Level::Scalar, 1);
    ctx.reserve(4096);
    let (first, _) = {
        let (mut scratch, _) = ctx.frame(4096);
        (scratch.take::<u8>(4096).as_ptr() as usize, ())
    };
    let second = ctx.frame(100).0.take::<u8>(100).as_ptr() as usize;
    assert_eq!(first, second);
}
