//! How to choose, checked, and what can be wrong with it.

use generated::llm::llm_sampler::SamplerConfig;
use igla_runtime::ShapeError;

/// Why no token can be chosen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SamplerError {
    /// A setting is out of range.
    #[error("{name} must be {range}, not {value}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Where it may be.
        range: &'static str,
        /// What it is.
        value: f64,
    },
    /// There are no scores.
    #[error("there are no scores to choose from")]
    NoScores,
    /// A score is NaN or infinite, or became so by the penalty.
    #[error("the score of token {token} is {score}")]
    Score {
        /// The first such token.
        token: usize,
        /// Its score.
        score: f32,
    },
    /// All scores are negative infinity.
    #[error("no token is possible: all {count} scores are -inf")]
    Impossible {
        /// How many scores.
        count: usize,
    },
    /// Tokens have 32 bits.
    #[error("{count} scores are more than tokens can count")]
    Vocabulary {
        /// How many scores.
        count: usize,
    },
    /// The history has a token that the scores do not know.
    #[error("token {token} at position {at} of the history has none of the {count} scores")]
    History {
        /// Its position.
        at: usize,
        /// The token.
        token: i64,
        /// How many scores.
        count: usize,
    },
    /// A point is outside.
    #[error("a point must be at least 0 and below 1, not {point}")]
    Point {
        /// The point.
        point: f64,
    },
    /// A kernel refused its arguments.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl SamplerError {
    /// Why scores are not usable.
    pub(super) fn scores(scores: &[f32]) -> Self {
        let bad = scores.iter().position(|s| s.is_nan() || *s == f32::INFINITY);
        match bad {
            _ if scores.is_empty() => SamplerError::NoScores,
            Some(token) => SamplerError::Score { token, score: scores[token] },
            None => SamplerError::Impossible { count: scores.len() },
        }
    }
}

/// A checked configuration, in the types that are computed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// `None`: the best token.
    pub temperature: Option<f32>,
    /// As many as there are tokens: all.
    pub top_k: usize,
    /// Within 0 and 1.
    pub top_p: f64,
    /// Within 0 and 1.
    pub min_p: f64,
    /// Positive.
    pub penalty: f32,
    /// As long as any history: all of it.
    pub window: usize,
}

impl Settings {
    pub fn new(config: &SamplerConfig) -> Result<Self, SamplerError> {
        let within = |name, range, value: f64, holds: bool| match holds {
            true => Ok(value),
            false => Err(SamplerError::Setting { name, range, value }),
        };
        let share =
            |name, value: f64| within(name, "at least 0 and at most 1", value, (0.0..=1.0).contains(&value));
        // What counts is the f32 that scores meet: 1e-50 is 0 there, 1e50 infinite.
        let (heat, penalty) = (config.temperature as f32, config.repetition_penalty as f32);
        let heat_holds = heat >= 0.0 && heat.is_finite();
        within("temperature", "at least 0 and finite", config.temperature, heat_holds)?;
        let penalty_holds = penalty > 0.0 && penalty.is_finite();
        within("repetition_penalty", "above 0 and finite", config.repetition_penalty, penalty_holds)?;
        Ok(Settings {
            temperature: (heat > 0.0).then_some(heat),
            top_k: all_if_zero("top_k", config.top_k)?,
            top_p: share("top_p", config.top_p)?,
            min_p: share("min_p", config.min_p)?,
            penalty,
            window: all_if_zero("repetition_window", config.repetition_window)?,
        })
    }
}

/// A count, or no limit for 0.
fn all_if_zero(name: &'static str, count: i64) -> Result<usize, SamplerError> {
    match usize::try_from(count) {
        Ok(0) => Ok(usize::MAX),
        Ok(count) => Ok(count),
        Err(_) if count > 0 => Ok(usize::MAX),
        Err(_) => Err(SamplerError::Setting { name, range: "at least 0", value: count as f64 }),
    }
}
