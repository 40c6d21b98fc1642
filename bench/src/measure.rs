//! Timing: engines take turns, and the order of turns rotates, so that none has the warm machine.

use std::hint::black_box;
use std::num::NonZero;
use std::time::Instant;

use anyhow::Result;

use crate::Engine;
use crate::workload::Workload;

/// `seconds[workload][engine][round]`.
pub type Seconds = Vec<Vec<Vec<f64>>>;

/// Runs everything `rounds` times after a round that is not counted.
pub fn run(
    engines: &[(String, Engine)],
    workloads: &[Workload],
    threads: NonZero<usize>,
    rounds: usize,
) -> Result<Seconds> {
    let mut seconds = vec![vec![Vec::with_capacity(rounds); engines.len()]; workloads.len()];
    for (work, workload) in workloads.iter().enumerate() {
        eprintln!("{}, batches of {} …", workload.name, workload.batch);
        for round in 0..=rounds {
            for turn in 0..engines.len() {
                let engine = (turn + round) % engines.len();
                let start = Instant::now();
                black_box(engines[engine].1.embed(&workload.texts, threads, workload.batch)?);
                let elapsed = start.elapsed().as_secs_f64();
                if round > 0 {
                    seconds[work][engine].push(elapsed);
                }
            }
        }
    }
    Ok(seconds)
}

/// The middle value.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
