//! Single calls with one right answer.

use igla::sampler::{Sampler, SamplerConfig};

use crate::{config, distribution};

/// Scores whose weights are 8, 4, 2, 1, 1 sixteenths, but for rounding.
fn sixteenths() -> [f32; 5] {
    [8.0f32, 4.0, 2.0, 1.0, 1.0].map(f32::ln)
}

fn kept(logits: &[f32], config: &SamplerConfig) -> Vec<usize> {
    let all = distribution(&mut Sampler::new(0), logits, &[], config);
    all.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(token, _)| token).collect()
}

#[test]
fn the_token_that_crosses_top_p_stays() {
    for (p, count) in [(0.0, 1), (0.45, 1), (0.55, 2), (0.74, 2), (0.76, 3), (0.9, 4), (0.97, 5), (1.0, 5)] {
        assert_eq!(kept(&sixteenths(), &config(|c| c.top_p = p)).len(), count, "top-p {p}");
    }
}

#[test]
fn min_p_is_relative_to_the_best() {
    for (p, count) in [(0.0, 5), (0.1, 5), (0.2, 3), (0.3, 2), (0.6, 1), (1.0, 1)] {
        assert_eq!(kept(&sixteenths(), &config(|c| c.min_p = p)).len(), count, "min-p {p}");
    }
}

#[test]
fn top_p_counts_what_top_k_left() {
    // 8 and 4 sixteenths of all are 2/3 and 1/3 of the two best: 0.6 needs one of them, of all it needs two.
    assert_eq!(kept(&sixteenths(), &config(|c| (c.top_k, c.top_p) = (2, 0.6))), [0]);
    assert_eq!(kept(&sixteenths(), &config(|c| c.top_p = 0.6)), [0, 1]);
}

#[test]
fn the_lower_number_wins_ties() {
    let logits = [1.0, 3.0, 3.0, 2.0, 3.0];
    assert_eq!(kept(&logits, &config(|c| c.temperature = 0.0)), [1]);
    assert_eq!(kept(&logits, &config(|c| c.top_k = 2)), [1, 2]);
    assert_eq!(kept(&logits, &config(|c| c.top_p = 0.4)), [1, 2]);
    // 0 and -0 are equal.
    assert_eq!(kept(&[-0.0, 0.0], &config(|c| c.top_k = 1)), [0]);
    assert_eq!(kept(&[0.0, -0.0], &config(|c| c.top_k = 1)), [0]);
    assert_eq!(kept(&[-0.0, 0.0], &config(|c| c.temperature = 0.0)), [0]);
}

#[test]
fn penalties_make_tokens_less_likely_whatever_the_sign() {
    let mut sampler = Sampler::new(0);
    let penalty = config(|c| c.repetition_penalty = 2.0);
    for logits in [[2.0, 2.0], [-2.0, -2.0]] {
        let p = distribution(&mut sampler, &logits, &[0, 0, 0], &penalty);
        let odds = if logits[0] > 0.0 { 1.0f64 } else { 2.0 };
        assert!((p[1] / p[0] / odds.exp() - 1.0).abs() < 1e-12, "{p:?}");
    }
}

#[test]
fn a_point_is_a_place_among_tokens_laid_end_to_end() {
    let mut sampler = Sampler::new(0);
    // Weights 1, 1, 1 and none: thirds.
    let logits = [0.0, 0.0, f32::NEG_INFINITY, 0.0];
    let below_one = 1.0 - f64::EPSILON / 2.0;
    for (point, token) in [(0.0, 0), (0.33, 0), (0.34, 1), (0.66, 1), (0.67, 3), (below_one, 3)] {
        assert_eq!(sampler.pick(&logits, &[], &SamplerConfig::default(), point), Ok(token), "{point}");
    }
}

#[test]
fn extremes_leave_a_token() {
    let mut sampler = Sampler::new(0);
    let cases: [(&[f32], SamplerConfig); 7] = [
        (&[f32::MAX, f32::MIN], config(|c| c.temperature = 1e-30)),
        (&[f32::MIN, f32::MAX], config(|c| c.temperature = 1e30)),
        (&[1e-45, 0.0], config(|c| c.temperature = 1e-45)),
        // As an f32 this temperature is 0.
        (&[1.0, 2.0], config(|c| c.temperature = 1e-60)),
        (&[f32::NEG_INFINITY, -5.0], config(|c| (c.top_p, c.min_p, c.top_k) = (0.0, 1.0, 1))),
        (&[1.0, 1.0], config(|c| c.top_k = i64::MAX)),
        (&[3.0], config(|c| c.repetition_window = i64::MAX)),
    ];
    for (logits, config) in cases {
        for point in [0.0, 0.5, 1.0 - f64::EPSILON / 2.0] {
            let token = sampler.pick(logits, &[], &config, point).expect("a token");
            assert!(logits[token as usize] > f32::NEG_INFINITY, "{logits:?} {config:?}");
        }
    }
}
