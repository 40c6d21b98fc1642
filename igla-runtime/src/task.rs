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

/// Rows of a product that keep its registers busy.
const STRIPS: usize = 64;
/// What a task may keep between its products: about half of a second-level cache.
const KEPT: usize = 256 << 10;

/// How many of `rows` a task takes at a time, at least 1: enough for its products, in which each stands for `each`
/// rows, and few enough that what it keeps, `bytes` for each, stays in the cache. Blocks are equally large, but
/// for rounding.
#[must_use]
pub fn block_rows(rows: usize, each: usize, bytes: usize) -> usize {
    let (each, bytes) = (each.max(1), bytes.max(1));
    // A quarter of a full strip is what may be given up for the cache.
    let most = (KEPT / bytes).max(STRIPS / 4 / each).min(STRIPS.div_ceil(each)).max(1);
    rows.div_ceil(rows.div_ceil(most).max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_rows_are_even_and_fit() {
        for rows in 0..300 {
            for (each, bytes) in [(0, 0), (1, 4), (8, 1 << 20), (3, 5000), (usize::MAX, usize::MAX)] {
                let block = block_rows(rows, each, bytes);
                assert!(
                    (1..=STRIPS).contains(&block) && block <= rows.max(1),
                    "{rows} {each} {bytes}: {block}"
                );
            }
        }
        let found = [(512, 1, 2048), (512, 8, 8 * 2048), (512, 1, 1 << 20), (65, 1, 4), (1, 8, 4)];
        assert_eq!(found.map(|(rows, each, bytes)| block_rows(rows, each, bytes)), [64, 8, 16, 33, 1]);
    }
}
