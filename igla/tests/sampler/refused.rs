//! What cannot be sampled is refused with its reason, and uses up no point.

use igla::sampler::{Sampler, SamplerConfig};

use crate::config;

fn reason(logits: &[f32], history: &[u32], config: &SamplerConfig) -> String {
    let (mut sampler, mut fresh) = (Sampler::new(4), Sampler::new(4));
    let reason = sampler.sample(logits, history, config).expect_err("a refusal").to_string();
    assert_eq!(sampler.next_point(), fresh.next_point(), "{reason}");
    reason
}

#[test]
fn scores() {
    let plain = SamplerConfig::default();
    assert_eq!(reason(&[], &[], &plain), "there are no scores to choose from");
    assert_eq!(reason(&[1.0, f32::NAN], &[], &plain), "the score of token 1 is NaN");
    assert_eq!(reason(&[f32::INFINITY, 1.0], &[], &plain), "the score of token 0 is inf");
    assert_eq!(reason(&[f32::NEG_INFINITY; 3], &[], &plain), "no token is possible: all 3 scores are -inf");
    let greedy = config(|c| c.temperature = 0.0);
    assert_eq!(reason(&[1.0, f32::NAN], &[], &greedy), "the score of token 1 is NaN");
    let tiny = config(|c| c.repetition_penalty = 1e-30);
    assert_eq!(reason(&[0.0, 1e30], &[1], &tiny), "the score of token 1 is inf");
}

#[test]
fn histories() {
    let wanted = "token 2 at position 1 of the history has none of the 2 scores";
    assert_eq!(reason(&[0.0, 1.0], &[0, 2], &SamplerConfig::default()), wanted);
}

#[test]
fn settings() {
    type Set = fn(&mut SamplerConfig);
    let cases: [(Set, &str); 13] = [
        (|c| c.temperature = -1.0, "temperature must be at least 0 and finite, not -1"),
        (|c| c.temperature = f64::NAN, "temperature must be at least 0 and finite, not NaN"),
        (|c| c.temperature = f64::INFINITY, "temperature must be at least 0 and finite, not inf"),
        (|c| c.top_k = -1, "top_k must be at least 0, not -1"),
        (|c| c.top_p = -0.1, "top_p must be at least 0 and at most 1, not -0.1"),
        (|c| c.top_p = 1.5, "top_p must be at least 0 and at most 1, not 1.5"),
        (|c| c.top_p = f64::NAN, "top_p must be at least 0 and at most 1, not NaN"),
        (|c| c.min_p = -0.5, "min_p must be at least 0 and at most 1, not -0.5"),
        (|c| c.min_p = 2.0, "min_p must be at least 0 and at most 1, not 2"),
        (|c| c.repetition_penalty = 0.0, "repetition_penalty must be above 0 and finite, not 0"),
        (|c| c.repetition_penalty = -1.0, "repetition_penalty must be above 0 and finite, not -1"),
        (|c| c.repetition_penalty = f64::NAN, "repetition_penalty must be above 0 and finite, not NaN"),
        (|c| c.repetition_window = -2, "repetition_window must be at least 0, not -2"),
    ];
    for (set, wanted) in cases {
        assert_eq!(reason(&[0.0, 1.0], &[], &config(set)), wanted);
    }
}

#[test]
fn points() {
    let mut sampler = Sampler::new(0);
    for point in [-0.1, 1.0, f64::NAN] {
        let refused = sampler.pick(&[0.0], &[], &SamplerConfig::default(), point).expect_err("a refusal");
        assert_eq!(refused.to_string(), format!("a point must be at least 0 and below 1, not {point}"));
    }
}
