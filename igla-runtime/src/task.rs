//! Work that is done once per index of a grid, in parallel when that pays.

use crate::isa::Isa;
use crate::scratch::Scratch;

/// The body of a kernel for one grid index. See [`crate::ctx::Par::run`].
pub trait Task<const N: usize>: Sync {
    /// What one call writes: a `ViewMut`, a tuple of them, or `()`, as [`crate::cut`] hands out.
    type Out<'o>;

    /// Bytes of scratch that one call takes.
    fn scratch(&self) -> usize {
        0
    }

    /// Roughly the elements that one call touches, to choose chunks and whether threads pay.
    fn cost(&self) -> usize {
        4096
    }

    /// Does the work at one grid index. Must be `#[inline(always)]`.
    fn run<S: Isa>(&self, s: S, at: [usize; N], out: Self::Out<'_>, scratch: Scratch<'_>);
}
