//! Drawing from tables, by whole numbers only, so that a seed gives the same bytes everywhere.

use vibee_spec::interp::rng::Rng;

/// A generator with what the writers ask of it.
#[derive(Clone, Debug)]
pub(super) struct Draw(Rng);

impl Draw {
    /// The generator of file `n` for `purpose`: each has a sequence of its own.
    pub(super) fn new(seed: u64, n: u64, purpose: u64) -> Draw {
        let mut rng = Rng::new(seed ^ purpose.rotate_left(32));
        Draw(Rng::new(rng.bits() ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// In `0..n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0.below(n as u64) as usize
    }

    /// In `low..=high`.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True `hits` times in `of`.
    pub(super) fn chance(&mut self, hits: u32, of: u32) -> bool {
        self.0.below(u64::from(of)) < u64::from(hits)
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.0.pick(from)
    }

    /// One of several, as often as its count says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let total: u32 = from.iter().map(|&(_, count)| count).sum();
        let mut at = self.0.below(u64::from(total)) as u32;
        for &(value, count) in from {
            if at < count {
                return value;
            }
            at -= count;
        }
        from[from.len() - 1].0
    }

    /// A number of a piecewise linear distribution given by its quantiles in thousandths.
    pub(super) fn quantile(&mut self, table: &[(u64, u64)]) -> usize {
        let at = self.0.below(1_000_000);
        for pair in table.windows(2) {
            let ((p, low), (q, high)) = (pair[0], pair[1]);
            if at < q * 1_000 {
                return (low + (high - low) * (at - p * 1_000) / ((q - p) * 1_000)) as usize;
            }
        }
        table.last().map_or(0, |&(_, high)| high as usize)
    }
}
