//! Hostile input for the parser, the checker and the formatter, made by changing specs that exist.
//!
//! Every execution is known by target, seed and number, so a finding is repeated by its line of
//! output. What a target demands is in `targets`; how inputs are made in `mutate`; nothing here
//! knows what a spec means.

mod mutate;
mod seeds;
pub mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use vibee_spec::interp::rng::Rng;

pub use mutate::mutate;
pub use seeds::seeds;
pub use targets::{TARGETS, Target};

/// An input of a few kilobytes that takes longer is a finding.
const TOO_LONG: Duration = Duration::from_secs(10);

/// What went wrong with one input.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which execution.
    pub number: u64,
    /// What the target demands and did not get.
    pub what: String,
    /// The input.
    pub input: Vec<u8>,
}

/// Figures of a run.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Inputs tried.
    pub executions: u64,
    /// Of them, accepted without errors: what reaches behind the parser.
    pub accepted: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// The slowest input.
    pub slowest: Duration,
}

/// The input of an execution.
#[must_use]
pub fn input(seeds: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    mutate(seeds, &mut rng)
}

/// Tries `numbers` of a seed; stops at the first finding.
///
/// # Errors
/// The finding.
pub fn run(
    target: &Target,
    seeds: &[Vec<u8>],
    seed: u64,
    numbers: std::ops::Range<u64>,
    figures: &mut Figures,
) -> Result<(), Box<Finding>> {
    for number in numbers {
        let input = input(seeds, seed, number);
        let start = Instant::now();
        let found = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took = start.elapsed();
        figures.executions += 1;
        figures.bytes += input.len() as u64;
        figures.slowest = figures.slowest.max(took);
        let what = match found {
            Ok(Ok(accepted)) => {
                figures.accepted += u64::from(accepted);
                if took <= TOO_LONG {
                    continue;
                }
                format!("took {took:?}")
            }
            Ok(Err(what)) => what,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                format!("panics: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?"))
            }
        };
        return Err(Box::new(Finding { number, what, input }));
    }
    Ok(())
}
