//! The sampler: exact distributions against their definitions, drawn tokens by a χ² test, what is refused,
//! and the same results on every level.

mod chi_square;
mod definition;
mod draws;
mod planted;
mod refused;
mod settled;

use igla::sampler::{Sampler, SamplerConfig};

/// The defaults with some settings.
fn config(set: impl FnOnce(&mut SamplerConfig)) -> SamplerConfig {
    let mut config = SamplerConfig::default();
    set(&mut config);
    config
}

/// Configurations that use each filter alone and with others.
fn configurations() -> Vec<(&'static str, SamplerConfig)> {
    vec![
        ("nothing", config(|_| ())),
        ("cold", config(|c| c.temperature = 0.5)),
        ("hot", config(|c| c.temperature = 2.5)),
        ("top-k", config(|c| c.top_k = 5)),
        ("top-p", config(|c| c.top_p = 0.6)),
        ("min-p", config(|c| c.min_p = 0.1)),
        ("penalty", config(|c| c.repetition_penalty = 1.8)),
        ("reward", config(|c| c.repetition_penalty = 0.6)),
        ("penalty in a window", config(|c| (c.repetition_penalty, c.repetition_window) = (1.8, 2))),
        ("top-k, then top-p", config(|c| (c.top_k, c.top_p) = (6, 0.7))),
        ("hot top-p, then min-p", config(|c| (c.temperature, c.top_p, c.min_p) = (1.7, 0.95, 0.2))),
        (
            "everything",
            config(|c| {
                (c.temperature, c.top_k, c.top_p, c.min_p) = (0.8, 9, 0.9, 0.05);
                (c.repetition_penalty, c.repetition_window) = (1.3, 3);
            }),
        ),
    ]
}

/// Scores of both signs with a tie, a token that cannot come and one that hardly can.
const LOGITS: [f32; 14] =
    [2.0, -1.0, 0.5, 2.5, f32::NEG_INFINITY, -0.25, 1.75, 1.75, -3.0, 0.0, 1.0, -60.0, 2.25, -0.5];

/// Tokens so far; the last two are 1 and 3.
const HISTORY: [u32; 6] = [0, 8, 9, 3, 1, 3];

/// The distribution as a list over all tokens.
fn distribution(sampler: &mut Sampler, logits: &[f32], history: &[u32], config: &SamplerConfig) -> Vec<f64> {
    let mut all = vec![0.0; logits.len()];
    let kept = sampler.distribution(logits, history, config).expect("a distribution");
    kept.for_each(|(token, probability)| all[token as usize] = probability);
    all
}
