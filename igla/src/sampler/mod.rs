//! The next token from a model's scores: `specs/llm/llm_sampler.vibee`, implemented.
//!
//! In this order, each step working on what the one before left:
//!
//! 1. **Repetition penalty** (CTRL, [arXiv:1909.05858](https://arxiv.org/abs/1909.05858), section 4.1): tokens
//!    that occurred get smaller scores, positive ones by division, negative ones by multiplication.
//! 2. **Temperature**: scores are divided by it; 0 takes the best token and skips the rest.
//! 3. **Top-k**: the k best tokens stay.
//! 4. **Top-p** (nucleus sampling, [arXiv:1904.09751](https://arxiv.org/abs/1904.09751)): the fewest best tokens
//!    stay that hold at least p of the probability that is left, the one that crosses p included.
//! 5. **Min-p** ([arXiv:2407.01082](https://arxiv.org/abs/2407.01082)): tokens stay that are at least min-p times
//!    as likely as the best.
//! 6. **Choice**: tokens that stay share the probability and are laid end to end by number; the one at a
//!    random point between 0 and 1 is it.
//!
//! Among equal scores the token with the lowest number is better. The best token always stays.
//!
//! Results are the same on every machine: what the kernels do here (comparing, subtracting, multiplying,
//! dividing) is exact to the bit on every instruction-set level, and exponentials, which are not, come from the
//! `libm` crate in `f64`. After the first call with a vocabulary no call allocates. This module must not know
//! where scores come from.

mod config;
mod contract;
mod filter;
mod points;

use generated::llm::llm_sampler as kernels;
use igla_runtime::{Ctx, Level, ShapeError, View, ViewMut};

pub use config::SamplerError;
pub use generated::llm::llm_sampler::SamplerConfig;
pub use points::Points;

use config::Settings;
use filter::Candidate;

/// Chooses tokens; owns the buffers and the source of randomness.
pub struct Sampler {
    ctx: Ctx,
    points: Points,
    /// Which tokens occurred.
    seen: Vec<bool>,
    /// Scores, then penalised scores, then tempered ones.
    scores: Vec<f32>,
    /// The same, one step earlier.
    before: Vec<f32>,
    /// What stays, ordered by token between steps.
    kept: Vec<Candidate>,
}

impl Sampler {
    /// A sampler on the best instruction-set level of this machine.
    ///
    /// # Panics
    /// When `IGLA_ISA` is bad.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Sampler::with(Level::best(), seed)
    }

    /// A sampler on a given level. The level changes speed, never results.
    ///
    /// # Panics
    /// When this CPU lacks the level.
    #[must_use]
    pub fn with(level: Level, seed: u64) -> Self {
        Sampler {
            ctx: Ctx::with(level, 1),
            points: Points::new(seed),
            seen: vec![],
            scores: vec![],
            before: vec![],
            kept: vec![],
        }
    }

    /// Starts the random points over, as a new sampler with this seed.
    pub fn reseed(&mut self, seed: u64) {
        self.points = Points::new(seed);
    }

    /// The next random point, at least 0 and below 1.
    pub fn next_point(&mut self) -> f64 {
        self.points.next().unwrap_or_default()
    }

    /// Chooses a token at the next random point. `history` are the tokens so far, oldest first. Uses up one
    /// point, also when nothing is left to chance; a refused call uses none.
    ///
    /// # Errors
    /// When nothing can be chosen from the scores, or the configuration or the history makes no sense.
    pub fn sample<T: Score>(
        &mut self,
        logits: &[T],
        history: &[u32],
        config: &SamplerConfig,
    ) -> Result<u32, SamplerError> {
        self.filter(logits, history, config)?;
        let point = self.next_point();
        Ok(filter::at(&self.kept, point))
    }

    /// The token at a given point of the distribution.
    ///
    /// # Errors
    /// As [`Sampler::sample`]; when the point is not at least 0 and below 1.
    pub fn pick<T: Score>(
        &mut self,
        logits: &[T],
        history: &[u32],
        config: &SamplerConfig,
        point: f64,
    ) -> Result<u32, SamplerError> {
        if !(0.0..1.0).contains(&point) {
            return Err(SamplerError::Point { point });
        }
        self.filter(logits, history, config)?;
        Ok(filter::at(&self.kept, point))
    }

    /// The probability of every token that can be chosen, by token.
    ///
    /// # Errors
    /// As [`Sampler::sample`].
    pub fn distribution<T: Score>(
        &mut self,
        logits: &[T],
        history: &[u32],
        config: &SamplerConfig,
    ) -> Result<impl Iterator<Item = (u32, f64)> + '_, SamplerError> {
        self.filter(logits, history, config)?;
        let total = filter::total(&self.kept);
        Ok(self.kept.iter().map(move |c| (c.token, c.weight / total)))
    }

    /// All steps but the choice: afterwards `kept` holds at least one token, in order of their numbers.
    fn filter<T: Score>(
        &mut self,
        logits: &[T],
        history: &[u32],
        config: &SamplerConfig,
    ) -> Result<(), SamplerError> {
        let settings = Settings::new(config)?;
        self.penalize(logits, history, settings)?;
        self.kept.clear();
        let Some(temperature) = settings.temperature else {
            let token = best(&mut self.ctx, &self.scores)?;
            self.kept.push(Candidate { token, score: 0.0, weight: 1.0 });
            return Ok(());
        };
        temper(&mut self.ctx, &mut self.scores, &mut self.before, temperature)?;
        // Tokens are counted in u32, as models do; more scores than that were refused.
        let candidates = (0u32..).zip(&self.scores).filter(|(_, score)| **score > f32::NEG_INFINITY);
        self.kept.extend(candidates.map(|(token, &score)| Candidate { token, score, weight: 0.0 }));
        filter::top_k(&mut self.kept, settings.top_k);
        filter::weigh(&mut self.kept);
        filter::top_p(&mut self.kept, settings.top_p);
        filter::min_p(&mut self.kept, settings.min_p);
        Ok(())
    }

    /// Leaves penalised scores in `scores`; refuses those that nothing can be chosen from.
    fn penalize<T: Score>(
        &mut self,
        logits: &[T],
        history: &[u32],
        settings: Settings,
    ) -> Result<(), SamplerError> {
        let count = logits.len();
        if u32::try_from(count).is_err() {
            return Err(SamplerError::Vocabulary { count });
        }
        self.seen.clear();
        self.seen.resize(count, false);
        let window = &history[history.len() - history.len().min(settings.window)..];
        for (at, &token) in history.iter().enumerate() {
            if token as usize >= count {
                return Err(SamplerError::History { at, token: i64::from(token), count });
            }
        }
        window.iter().for_each(|token| self.seen[*token as usize] = true);
        self.before.clear();
        self.before.extend(logits.iter().map(|score| score.score()));
        self.scores.resize(count, 0.0);
        let seen = View::new(&self.seen, [count])?;
        let before = View::new(&self.before, [count])?;
        let scores = ViewMut::new(&mut self.scores, [count])?;
        kernels::penalize_repeats(&mut self.ctx, before, seen, settings.penalty, scores)?;
        let mut usable = [false];
        let scores = View::new(&self.scores, [count])?;
        kernels::usable_scores(&mut self.ctx, scores, ViewMut::new(&mut usable, [])?)?;
        if usable == [true] { Ok(()) } else { Err(SamplerError::scores(&self.scores)) }
    }
}

/// The best token, the lowest number among equals.
fn best(ctx: &mut Ctx, scores: &[f32]) -> Result<u32, ShapeError> {
    let mut token = [0];
    kernels::best_token(ctx, View::new(scores, [scores.len()])?, ViewMut::new(&mut token, [])?)?;
    Ok(token[0])
}

/// Replaces scores by tempered ones; `before` has their size.
fn temper(
    ctx: &mut Ctx,
    scores: &mut Vec<f32>,
    before: &mut Vec<f32>,
    temperature: f32,
) -> Result<(), ShapeError> {
    std::mem::swap(scores, before);
    let count = before.len();
    let tempered = ViewMut::new(scores, [count])?;
    kernels::temper_scores(ctx, View::new(before, [count])?, temperature, tempered)
}

/// A score as models give it. Scores are used as `f32`.
pub trait Score: Copy {
    /// As `f32`, rounded to nearest.
    fn score(self) -> f32;
}

impl Score for f32 {
    fn score(self) -> f32 {
        self
    }
}

impl Score for f64 {
    fn score(self) -> f32 {
        self as f32
    }
}
