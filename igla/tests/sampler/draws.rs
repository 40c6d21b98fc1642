//! Drawn tokens: their frequencies, and what a seed promises.

use igla::sampler::{Sampler, SamplerConfig};
use igla_runtime::Level;

use crate::chi_square::accepts;
use crate::definition::distribution_by_definition;
use crate::{HISTORY, LOGITS, config, configurations};

const DRAWS: usize = 20_000;

/// How often each token is drawn.
fn counts(sampler: &mut Sampler, config: &SamplerConfig) -> Vec<u64> {
    let mut counts = vec![0; LOGITS.len()];
    for _ in 0..DRAWS {
        let token = sampler.sample(&LOGITS, &HISTORY, config).expect("a token");
        counts[token as usize] += 1;
    }
    counts
}

#[test]
fn frequencies_are_probabilities() {
    for (seed, (name, config)) in (1..).zip(configurations()) {
        let counts = counts(&mut Sampler::new(seed), &config);
        let exact = distribution_by_definition(&LOGITS, &HISTORY, &config);
        assert!(accepts(&counts, &exact), "{name}: {counts:?} are not draws of {exact:?}");
    }
}

/// The test has power: draws of every configuration are told from every other one's distribution.
#[test]
fn frequencies_of_other_settings_are_noticed() {
    let all = configurations();
    let exact: Vec<Vec<f64>> =
        all.iter().map(|(_, c)| distribution_by_definition(&LOGITS, &HISTORY, c)).collect();
    for (seed, (n, (name, config))) in (1..).zip(all.iter().enumerate()) {
        let counts = counts(&mut Sampler::new(seed), config);
        for (other, _) in exact.iter().enumerate().filter(|(other, _)| *other != n) {
            assert!(!accepts(&counts, &exact[other]), "draws of {name} pass as those of {}", all[other].0);
        }
    }
}

/// A difference of 5 % in temperature shows.
#[test]
fn small_differences_are_noticed() {
    let counts = counts(&mut Sampler::new(1), &config(|c| c.temperature = 1.05));
    let exact = distribution_by_definition(&LOGITS, &HISTORY, &SamplerConfig::default());
    assert!(!accepts(&counts, &exact));
}

fn sequence(sampler: &mut Sampler, count: usize) -> Vec<u32> {
    let mut history = vec![];
    for _ in 0..count {
        let config = config(|c| (c.temperature, c.repetition_penalty, c.top_p) = (1.3, 1.2, 0.95));
        history.push(sampler.sample(&LOGITS, &history, &config).expect("a token"));
    }
    history
}

#[test]
fn a_seed_is_a_sequence() {
    let first = sequence(&mut Sampler::new(5), 200);
    assert_eq!(first, sequence(&mut Sampler::new(5), 200));
    assert_ne!(first, sequence(&mut Sampler::new(6), 200));
    let mut used = Sampler::new(9);
    let _ = sequence(&mut used, 50);
    used.reseed(5);
    assert_eq!(first, sequence(&mut used, 200));
}

/// On every level, with scores whose quotients and exponentials are inexact.
#[test]
fn levels_do_not_matter() {
    let logits: Vec<f32> = (0..1_003).map(|n| ((n * 7_919) % 1_003) as f32 / 97.0 - 5.1).collect();
    for (_, config) in configurations() {
        let mut sequences = Level::available().iter().map(|level| {
            let mut sampler = Sampler::with(*level, 3);
            let kept: Vec<(u32, u64)> = sampler
                .distribution(&logits, &HISTORY, &config)
                .expect("a distribution")
                .map(|(token, p)| (token, p.to_bits()))
                .collect();
            let tokens: Vec<u32> =
                (0..50).map(|_| sampler.sample(&logits, &HISTORY, &config).expect("a token")).collect();
            (kept, tokens)
        });
        let lowest = sequences.next().expect("a level");
        assert!(sequences.all(|other| other == lowest));
    }
}

/// Points of an implementation of ChaCha8 by another hand, in Python, checked against the vectors of RFC 7539
/// (20 rounds) and of the estream test set (8 rounds).
#[test]
fn points_are_those_of_the_cipher() {
    let seeds = [
        (0, [0.8369197568826472, 0.6314244940665231, 0.23241584346674848, 0.11759101961149943]),
        (1, [0.381489413238261, 0.2949273257816749, 0.7982542473815959, 0.9161532197396027]),
        (u64::MAX, [0.7043231858719469, 0.23282402791716683, 0.650697880891254, 0.41639486031500494]),
    ];
    for (seed, points) in seeds {
        let mut sampler = Sampler::new(seed);
        assert_eq!(points.map(|_| sampler.next_point()), points, "seed {seed}");
    }
    // The tenth point lies in the second block of the stream.
    let mut sampler = Sampler::new(0);
    assert_eq!((0..10).map(|_| sampler.next_point()).last(), Some(0.6783133748511824));
}
