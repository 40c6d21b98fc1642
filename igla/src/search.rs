//! Ranking by score. Must not know what the scores mean.

/// One ranked item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its position among the items.
    pub index: usize,
    /// Its score.
    pub score: f32,
}

/// The `top` highest scores, best first; equal ones in order of position; NaN is never a hit.
#[must_use]
pub fn rank(scores: &[f32], top: usize) -> Vec<Hit> {
    let mut hits: Vec<Hit> = scores
        .iter()
        .enumerate()
        .filter(|(_, score)| !score.is_nan())
        .map(|(index, &score)| Hit { index, score })
        .collect();
    // A stable sort keeps equal scores in order of position.
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    hits.truncate(top);
    hits
}
