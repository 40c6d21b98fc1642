//! The sampler as the trait of its spec, in the types that specs have: scores in `f64`, tokens in `i64`.
//!
//! For conformance suites and other callers that know the trait only; models call [`Sampler`] directly, which
//! copies nothing.

use generated::llm::llm_sampler::LlmSampler;
use igla_runtime::conformance::Failure;

use super::{Sampler, SamplerConfig, SamplerError};

impl LlmSampler for Sampler {
    fn probabilities(
        &mut self,
        logits: &[f64],
        history: &[i64],
        config: &SamplerConfig,
    ) -> Result<Vec<f64>, Failure> {
        let history = tokens(history, logits.len())?;
        let mut all = vec![0.0; logits.len()];
        for (token, probability) in self.distribution(logits, &history, config)? {
            all[token as usize] = probability;
        }
        Ok(all)
    }

    fn pick(
        &mut self,
        logits: &[f64],
        history: &[i64],
        config: &SamplerConfig,
        point: f64,
    ) -> Result<i64, Failure> {
        let history = tokens(history, logits.len())?;
        Ok(Sampler::pick(self, logits, &history, config, point)?.into())
    }

    fn reseed(&mut self, seed: i64) {
        Sampler::reseed(self, seed.cast_unsigned());
    }

    fn next_point(&mut self) -> f64 {
        Sampler::next_point(self)
    }

    fn sample(&mut self, logits: &[f64], history: &[i64], config: &SamplerConfig) -> Result<i64, Failure> {
        let history = tokens(history, logits.len())?;
        Ok(Sampler::sample(self, logits, &history, config)?.into())
    }
}

/// Tokens in the type that models have.
fn tokens(history: &[i64], count: usize) -> Result<Vec<u32>, SamplerError> {
    let token = |(at, token): (usize, &i64)| {
        u32::try_from(*token).map_err(|_| SamplerError::History { at, token: *token, count })
    };
    history.iter().enumerate().map(token).collect()
}
