//! Comparing a query with documents and ranking them. Must not know where the vectors come from.

use generated::nn::l2_normalize::cosine;
use igla_runtime::{Ctx, View, ViewMut};

use crate::embed::Embeddings;
use crate::error::Error;

/// Vectors shorter than this count as this long, so that a zero vector has no direction and no NaN.
const SHORTEST: f32 = 1e-12;

/// One ranked item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its position among the items.
    pub index: usize,
    /// Its score.
    pub score: f32,
}

/// The cosine of every document with the first vector of `query`.
///
/// # Errors
/// When the vectors differ in size or `query` is empty.
pub fn scores(ctx: &mut Ctx, query: &Embeddings, documents: &Embeddings) -> Result<Vec<f32>, Error> {
    let count = documents.rows().len();
    let mut scores = vec![0.0; count];
    let query = View::new(query.values(), [query.rows().len(), query.dim()])?.narrow(0, 0, 1);
    let documents = View::new(documents.values(), [count, documents.dim()])?;
    cosine(ctx, query, documents, SHORTEST, ViewMut::new(&mut scores, [1, count])?)?;
    Ok(scores)
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
