//! The spec's conformance suite: the sampler passes it, and so do the definitions; each planted mistake fails.

use generated::llm::llm_sampler::{LlmSampler, SamplerConfig, conformance};
use igla::sampler::{Points, Sampler};
use igla_runtime::conformance::{Failure, Report};

use crate::definition::{Mistake, by_definition};

/// A way of getting something else wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Definition(Mistake),
    NanIsImpossible,
    NegativeTemperatureIsZero,
    TokensWithoutScoreAreIgnored,
    PickByRank,
    PointOneIsTheLast,
    SeedIsIgnored,
    BestTokenUsesNoPoint,
    RefusalUsesAPoint,
}

/// Planted mistakes besides those of the definitions.
const OTHERS: [Wrong; 8] = [
    Wrong::NanIsImpossible,
    Wrong::NegativeTemperatureIsZero,
    Wrong::TokensWithoutScoreAreIgnored,
    Wrong::PickByRank,
    Wrong::PointOneIsTheLast,
    Wrong::SeedIsIgnored,
    Wrong::BestTokenUsesNoPoint,
    Wrong::RefusalUsesAPoint,
];

/// A sampler made of the definitions.
struct Defined {
    wrong: Option<Wrong>,
    points: Points,
}

impl Defined {
    fn new(wrong: Option<Wrong>) -> Self {
        Defined { wrong, points: Points::new(0) }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }
}

impl LlmSampler for Defined {
    fn probabilities(
        &mut self,
        logits: &[f64],
        history: &[i64],
        config: &SamplerConfig,
    ) -> Result<Vec<f64>, Failure> {
        let mut config = config.clone();
        let mut logits = logits.to_vec();
        let mut history = history.to_vec();
        if self.is(Wrong::NanIsImpossible) {
            logits.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = f64::NEG_INFINITY);
        }
        if self.is(Wrong::NegativeTemperatureIsZero) {
            config.temperature = config.temperature.max(0.0);
        }
        let has_score = |t: &i64| usize::try_from(*t).is_ok_and(|t| t < logits.len());
        if self.is(Wrong::TokensWithoutScoreAreIgnored) {
            history.retain(has_score);
        }
        let share = 0.0..=1.0;
        let fine = logits.iter().all(|x| *x < f64::INFINITY)
            && logits.iter().any(|x| x.is_finite())
            && history.iter().all(has_score)
            && (0.0..f64::INFINITY).contains(&config.temperature)
            && config.repetition_penalty > 0.0
            && config.repetition_penalty.is_finite()
            && share.contains(&config.top_p)
            && share.contains(&config.min_p)
            && config.top_k >= 0
            && config.repetition_window >= 0;
        let mistake = match self.wrong {
            Some(Wrong::Definition(mistake)) => Some(mistake),
            _ => None,
        };
        fine.then(|| by_definition(&logits, &history, &config, mistake)).ok_or_else(|| "refused".into())
    }

    fn pick(
        &mut self,
        logits: &[f64],
        history: &[i64],
        config: &SamplerConfig,
        point: f64,
    ) -> Result<i64, Failure> {
        let p = self.probabilities(logits, history, config)?;
        let highest = if self.is(Wrong::PointOneIsTheLast) { 1.0 } else { 1.0f64.next_down() };
        if !(0.0..=highest).contains(&point) {
            return Err("refused".into());
        }
        let mut order: Vec<usize> = (0..p.len()).filter(|t| p[*t] > 0.0).collect();
        if self.is(Wrong::PickByRank) {
            order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        }
        let mut passed = 0.0;
        let found = order.iter().find(|t| {
            passed += p[**t];
            passed > point
        });
        found.or(order.last()).map(|t| *t as i64).ok_or_else(|| "nothing".into())
    }

    fn reseed(&mut self, seed: i64) {
        self.points = Points::new(if self.is(Wrong::SeedIsIgnored) { 0 } else { seed as u64 });
    }

    fn next_point(&mut self) -> f64 {
        self.points.next().unwrap_or_default()
    }

    fn sample(&mut self, logits: &[f64], history: &[i64], config: &SamplerConfig) -> Result<i64, Failure> {
        if self.is(Wrong::BestTokenUsesNoPoint) && config.temperature == 0.0 {
            return self.pick(logits, history, config, 0.0);
        }
        if !self.is(Wrong::RefusalUsesAPoint) {
            self.probabilities(logits, history, config)?;
        }
        let point = self.next_point();
        self.pick(logits, history, config, point)
    }
}

#[test]
fn the_sampler_passes() {
    let report = conformance(|| Sampler::new(0));
    println!("{report}");
    report.assert();
}

#[test]
fn the_definitions_pass() {
    conformance(|| Defined::new(None)).assert();
}

#[test]
fn every_planted_mistake_is_caught() {
    println!("{:<52} {:>6}  first", "planted mistake", "failed");
    let mut missed = vec![];
    for wrong in Mistake::ALL.into_iter().map(Wrong::Definition).chain(OTHERS) {
        let report: Report = conformance(|| Defined::new(Some(wrong)));
        let first = report.failed().next().map_or("none: MISSED", |f| f.name.as_str());
        println!("{:<52} {:>6}  {first}", format!("{wrong:?}"), report.failed().count());
        if report.is_green() {
            missed.push(wrong);
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
