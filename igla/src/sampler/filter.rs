//! The steps that decide which tokens stay. Each keeps the best ones, so none can remove the best of all.
//!
//! Candidates come and go in order of their tokens: sums then do not depend on how a step selects. Nothing
//! here allocates.

use std::cmp::Ordering;

/// A token that may be chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Its number.
    pub token: u32,
    /// Tempered score: 0 for the best, below for others, never NaN.
    pub score: f32,
    /// `exp(score)`, its probability relative to the best.
    pub weight: f64,
}

/// Candidates that are sorted at once when it is not known how many are needed.
const FIRST_BLOCK: usize = 64;
/// How many times larger each further block is.
const GROWTH: usize = 4;

/// Better first; the lower token among equals, which 0 and -0 are.
fn better(a: &Candidate, b: &Candidate) -> Ordering {
    b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.token.cmp(&b.token))
}

/// Back to the order of tokens.
fn by_token(kept: &mut [Candidate]) {
    kept.sort_unstable_by_key(|c| c.token);
}

/// The sum of all weights.
pub(super) fn total(kept: &[Candidate]) -> f64 {
    kept.iter().map(|c| c.weight).sum()
}

/// Keeps the `k` best.
pub(super) fn top_k(kept: &mut Vec<Candidate>, k: usize) {
    if k < kept.len() {
        kept.select_nth_unstable_by(k, better);
        kept.truncate(k);
        by_token(kept);
    }
}

/// Fills in weights; tokens too unlikely for any weight go.
pub(super) fn weigh(kept: &mut Vec<Candidate>) {
    for c in kept.iter_mut() {
        c.weight = libm::exp(f64::from(c.score));
    }
    kept.retain(|c| c.weight > 0.0);
}

/// Keeps the fewest best that hold at least `p` of the weight, and at least one.
pub(super) fn top_p(kept: &mut Vec<Candidate>, p: f64) {
    if p >= 1.0 {
        return;
    }
    let wanted = p * total(kept);
    let count = nucleus(kept, wanted);
    kept.truncate(count);
    by_token(kept);
}

/// Moves the best to the front until they hold `wanted`; how many that takes. Mostly few are enough, so they
/// are sorted in blocks, each selected from the rest.
fn nucleus(kept: &mut [Candidate], wanted: f64) -> usize {
    let (mut sorted, mut block, mut held) = (0, FIRST_BLOCK, 0.0);
    while sorted < kept.len() {
        let end = kept.len().min(sorted + block);
        if end < kept.len() {
            kept[sorted..].select_nth_unstable_by(end - sorted, better);
        }
        kept[sorted..end].sort_unstable_by(better);
        for (at, c) in kept[..end].iter().enumerate().skip(sorted) {
            held += c.weight;
            if held >= wanted {
                return at + 1;
            }
        }
        (sorted, block) = (end, block * GROWTH);
    }
    kept.len()
}

/// Keeps those at least `share` times as likely as the best, whose weight is 1.
pub(super) fn min_p(kept: &mut Vec<Candidate>, share: f64) {
    kept.retain(|c| c.weight >= share);
}

/// The token at a point of the distribution.
pub(super) fn at(kept: &[Candidate], point: f64) -> u32 {
    let wanted = point * total(kept);
    let mut passed = 0.0;
    let found = kept.iter().find(|c| {
        passed += c.weight;
        passed > wanted
    });
    // Rounding may put the highest points at the very end, which belongs to the last token.
    found.or(kept.last()).map_or(0, |c| c.token)
}
