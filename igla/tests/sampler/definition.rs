//! Distributions written down token by token, from the definitions: a token is better than another if its score
//! is higher, or equal and its number lower; what a filter keeps depends on the tokens that are better. Shares
//! no code with the sampler, sorts nothing, and takes quadratic time.
//!
//! Each [`Mistake`] changes one place of a definition; `planted` shows that the spec's suite notices.

use igla::sampler::{Sampler, SamplerConfig};

use crate::{HISTORY, LOGITS, config, configurations, distribution};

/// A way of getting a definition wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    PenaltyDividesNegativeScores,
    PenaltyPerOccurrence,
    WindowFromTheStart,
    BestBeforePenalty,
    TiesToTheHighestNumber,
    TemperatureAfterFilters,
    TopKKeepsOneMore,
    TopPDropsTheTokenThatCrosses,
    TopPCountsRemovedTokens,
    MinPRelativeToOne,
    MinPBeforeTopP,
}

impl Mistake {
    /// Every mistake.
    pub const ALL: [Mistake; 11] = [
        Mistake::PenaltyDividesNegativeScores,
        Mistake::PenaltyPerOccurrence,
        Mistake::WindowFromTheStart,
        Mistake::BestBeforePenalty,
        Mistake::TiesToTheHighestNumber,
        Mistake::TemperatureAfterFilters,
        Mistake::TopKKeepsOneMore,
        Mistake::TopPDropsTheTokenThatCrosses,
        Mistake::TopPCountsRemovedTokens,
        Mistake::MinPRelativeToOne,
        Mistake::MinPBeforeTopP,
    ];
}

/// The probability of each token.
pub fn by_definition(
    logits: &[f64],
    history: &[i64],
    config: &SamplerConfig,
    mistake: Option<Mistake>,
) -> Vec<f64> {
    let wrong = |m| mistake == Some(m);
    let tokens = 0..logits.len();
    let window = match usize::try_from(config.repetition_window).expect("a window") {
        0 => history.len(),
        window => window.min(history.len()),
    };
    let counted = match wrong(Mistake::WindowFromTheStart) {
        true => &history[..window],
        false => &history[history.len() - window..],
    };
    let score = |token: usize| {
        let (x, occurred) = (logits[token], counted.iter().filter(|h| **h == token as i64).count());
        let times = if wrong(Mistake::PenaltyPerOccurrence) { occurred } else { occurred.min(1) };
        let penalty = config.repetition_penalty.powi(times as i32);
        if x > 0.0 || wrong(Mistake::PenaltyDividesNegativeScores) { x / penalty } else { x * penalty }
    };
    let lower = |a: usize, b: usize| if wrong(Mistake::TiesToTheHighestNumber) { a > b } else { a < b };
    let better = |a: usize, b: usize| score(a) > score(b) || (score(a) == score(b) && lower(a, b));
    let best = |t: usize| tokens.clone().all(|o| !better(o, t));
    if config.temperature == 0.0 {
        let raw_best = |t: usize| tokens.clone().all(|o| o == t || (logits[t], o) > (logits[o], t));
        let is_best = |t: usize| if wrong(Mistake::BestBeforePenalty) { raw_best(t) } else { best(t) };
        return tokens.clone().map(|t| f64::from(is_best(t))).collect();
    }
    let normal = |weights: Vec<f64>| -> Vec<f64> {
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    };
    let late = wrong(Mistake::TemperatureAfterFilters);
    let temperature = if late { 1.0 } else { config.temperature };
    let highest = tokens.clone().map(score).fold(f64::NEG_INFINITY, f64::max);
    let all = normal(tokens.clone().map(|t| ((score(t) - highest) / temperature).exp()).collect());
    let keep = |p: &[f64], holds: &dyn Fn(usize) -> bool| -> Vec<f64> {
        normal(tokens.clone().map(|t| if holds(t) { p[t] } else { 0.0 }).collect())
    };
    let k = match usize::try_from(config.top_k).expect("a count") {
        0 => usize::MAX,
        k if wrong(Mistake::TopKKeepsOneMore) => k + 1,
        k => k,
    };
    let top_k = |p: &[f64]| keep(p, &|t| tokens.clone().filter(|o| better(*o, t)).count() < k);
    let top_p = |p: &[f64]| {
        let counted = if wrong(Mistake::TopPCountsRemovedTokens) { &all } else { p };
        let held_by_better =
            |t: usize| tokens.clone().filter(|o| better(*o, t)).map(|o| counted[o]).sum::<f64>();
        let within = |t: usize| match wrong(Mistake::TopPDropsTheTokenThatCrosses) {
            true => held_by_better(t) + counted[t] <= config.top_p,
            false => held_by_better(t) < config.top_p,
        };
        keep(p, &|t| best(t) || config.top_p >= 1.0 || within(t))
    };
    let min_p = |p: &[f64]| {
        let largest = p.iter().copied().fold(0.0, f64::max);
        let scale = if wrong(Mistake::MinPRelativeToOne) { 1.0 } else { largest };
        keep(p, &|t| best(t) || p[t] >= config.min_p * scale)
    };
    let p = top_k(&all);
    let p = if wrong(Mistake::MinPBeforeTopP) { top_p(&min_p(&p)) } else { min_p(&top_p(&p)) };
    if late { normal(p.iter().map(|p| p.powf(1.0 / config.temperature)).collect()) } else { p }
}

/// The probability of each token, by the definitions as they are.
pub fn distribution_by_definition(logits: &[f32], history: &[u32], config: &SamplerConfig) -> Vec<f64> {
    let logits: Vec<f64> = logits.iter().map(|x| f64::from(*x)).collect();
    let history: Vec<i64> = history.iter().map(|t| i64::from(*t)).collect();
    by_definition(&logits, &history, config, None)
}

/// Scores meet as `f32` in the sampler and as `f64` here: each rounds by 2^-24, scores here are below 64, and an
/// error of a score is a relative error of its probability.
const ROUNDING: f64 = 64.0 * 3.0 / (1 << 24) as f64;

fn assert_close(what: &str, got: &[f64], wanted: &[f64]) {
    for (token, (g, w)) in got.iter().zip(wanted).enumerate() {
        assert!((g - w).abs() <= ROUNDING * w, "{what}: token {token} has {g}, not {w}");
    }
}

#[test]
fn every_filter_keeps_what_its_definition_keeps() {
    let mut sampler = Sampler::new(0);
    for (name, config) in configurations() {
        let got = distribution(&mut sampler, &LOGITS, &HISTORY, &config);
        assert_close(name, &got, &distribution_by_definition(&LOGITS, &HISTORY, &config));
        assert!((got.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{name}");
    }
}

/// A linear congruential generator, for scores that have no pattern (Knuth's MMIX constants).
fn scramble(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

/// Vocabularies around the sizes of blocks and lanes, with many ties (scores are eighths), and configurations at
/// random. A border of top-p or min-p that a probability hits within rounding is rare enough not to occur here.
#[test]
fn random_scores_and_settings_follow_the_definitions() {
    let (mut state, mut sampler) = (11, Sampler::new(0));
    let mut kept_all = 0;
    for round in 0..400 {
        let count = [1, 2, 7, 63, 64, 65, 200, 321][round % 8];
        let logits: Vec<f32> =
            (0..count).map(|_| (scramble(&mut state) * 64.0).floor() as f32 / 8.0 - 4.0).collect();
        let history: Vec<u32> =
            (0..round % 5).map(|_| (scramble(&mut state) * count as f64) as u32).collect();
        let maybe = |state: &mut u64, otherwise: f64| match scramble(state) < 0.5 {
            true => scramble(state),
            false => otherwise,
        };
        let config = SamplerConfig {
            temperature: [0.0, 0.3, 1.0, 4.0][round % 4],
            top_k: (maybe(&mut state, 0.0) * count as f64) as i64,
            top_p: maybe(&mut state, 1.0),
            min_p: maybe(&mut state, 0.0),
            repetition_penalty: 0.5 + scramble(&mut state),
            repetition_window: (round % 3) as i64,
        };
        let got = distribution(&mut sampler, &logits, &history, &config);
        let wanted = distribution_by_definition(&logits, &history, &config);
        assert_close(&format!("round {round}: {config:?}"), &got, &wanted);
        kept_all += usize::from(got.iter().all(|p| *p > 0.0));
    }
    assert!((10..300).contains(&kept_all), "filters did nothing or everything: {kept_all}");
}

/// Mistakes that change nothing would be caught by nothing.
#[test]
fn every_mistake_changes_some_distribution() {
    let logits: Vec<f64> = LOGITS.iter().map(|x| f64::from(*x)).collect();
    let history: Vec<i64> = HISTORY.iter().map(|t| i64::from(*t)).collect();
    let mut configs: Vec<SamplerConfig> = configurations().into_iter().map(|(_, config)| config).collect();
    configs.push(config(|c| (c.temperature, c.repetition_penalty) = (0.0, 10.0)));
    configs.push(config(|c| (c.top_k, c.top_p) = (2, 0.5)));
    configs.push(config(|c| (c.top_p, c.min_p) = (0.6, 0.7)));
    for mistake in Mistake::ALL {
        let changes = |c: &SamplerConfig| {
            by_definition(&logits, &history, c, Some(mistake)) != by_definition(&logits, &history, c, None)
        };
        assert!(configs.iter().any(changes), "{mistake:?}");
    }
}
