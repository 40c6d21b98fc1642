//! A batch of units from Rust text to verdicts.

use std::io;
use std::time::Duration;

use igla_runtime::prelude::Level;
use vibee_spec::interp::SizeProfile;

use super::build::{Request, Workshop};
use super::compile::Unit;
use super::judge::{self, Call, Tally};

/// What is tried on each kernel.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of all arguments.
    pub seed: u64,
    /// Sizes and how often each profile is drawn from.
    pub draws: Vec<(SizeProfile, u32)>,
}

impl Plan {
    /// A few small and medium calls.
    #[must_use]
    pub fn standard(seed: u64) -> Plan {
        // Interpreting is the slow part: sizes around one and two blocks of lanes, little work.
        let medium = SizeProfile { work: 300_000, elements: 1 << 15, ..SizeProfile::MEDIUM };
        let small = SizeProfile { work: 100_000, ..SizeProfile::SMALL };
        Plan { seed, draws: vec![(small, 3), (medium, 3), (medium.with_specials(), 1)] }
    }

    /// Many calls of few kernels.
    #[must_use]
    pub fn thorough(seed: u64) -> Plan {
        let medium = SizeProfile { work: 1_000_000, ..SizeProfile::MEDIUM };
        Plan { seed, draws: vec![(SizeProfile::SMALL, 16), (medium, 12), (medium.with_specials(), 4)] }
    }
}

/// One kernel that is wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Position of its unit in the batch.
    pub unit: usize,
    /// The kernel's name.
    pub kernel: String,
    /// What happened and where, in one line.
    pub what: String,
}

/// The outcome of a batch.
#[derive(Debug, Default)]
pub struct Report {
    /// All comparisons.
    pub tally: Tally,
    /// The first failure of each kernel.
    pub failures: Vec<Failure>,
    /// Kernels compared at least once.
    pub compared: usize,
    /// How long rustc took.
    pub build: Duration,
}

/// Longest time for a driver to answer all requests of a batch.
const LIMIT: Duration = Duration::from_secs(300);

/// Builds units and compares every kernel.
///
/// # Errors
/// When the scratch crate cannot be built or run for reasons outside the units.
pub fn run(workshop: &Workshop, units: &[Unit], plan: &Plan) -> io::Result<Report> {
    let built = workshop.build(units)?;
    let mut report = Report { build: built.time, ..Report::default() };
    for (unit, words) in &built.refused {
        let what = format!("rustc: {words}");
        report.failures.push(Failure { unit: *unit, kernel: "*".to_owned(), what });
    }
    let mut calls: Vec<(usize, usize, Call)> = Vec::new();
    for (n, unit) in units.iter().enumerate().filter(|(n, _)| built.first[*n].is_some()) {
        for (k, kernel) in unit.kernels.iter().enumerate() {
            let before = calls.len();
            let profiles = plan.draws.iter().flat_map(|(p, times)| (0..*times).map(move |_| *p));
            for (draw, profile) in profiles.enumerate() {
                let seed = plan.seed.wrapping_mul(1_000_000).wrapping_add((n * 512 + k * 64 + draw) as u64);
                match judge::call(kernel, seed, profile) {
                    Ok(Some(call)) => calls.push((n, k, call)),
                    Ok(None) => {}
                    Err(what) => {
                        report.failures.push(Failure { unit: n, kernel: kernel.name.clone(), what });
                        break;
                    }
                }
            }
            report.compared += usize::from(calls.len() > before);
        }
    }
    let mut requests = Vec::new();
    for (c, (n, k, call)) in calls.iter().enumerate() {
        let body = judge::body(&units[*n].kernels[*k], call);
        for level in 0..Level::available().len() as u8 {
            // Each call meets each level once; threads and layouts alternate over calls and levels.
            let threads = 1 + ((c as u8) ^ level) % 2;
            let layout = ((c as u8 / 2).wrapping_add(level)) % 4;
            let kernel = built.first[*n].unwrap_or_default() + k;
            requests.push(Request { kernel, level, threads, layout, body: body.clone() });
        }
    }
    let answers = built.run(&requests, LIMIT)?;
    let levels = Level::available().len();
    for (at, answer) in answers.iter().enumerate() {
        let (n, k, call) = &calls[at / levels];
        let name = &units[*n].kernels[*k].name;
        if let Err(what) = judge::judge(call, answer, &mut report.tally)
            && !report.failures.iter().any(|f| f.unit == *n && f.kernel == *name)
        {
            let r = &requests[at];
            let level = Level::available()[r.level as usize];
            let inputs: Vec<String> = call.drawn.inputs.iter().map(|t| format!("{:?}", t.dims)).collect();
            let what = format!(
                "{level}, {} threads, layout {}, seed {}, sizes {:?} {}: {what}",
                r.threads,
                r.layout,
                call.seed,
                call.drawn.dims,
                inputs.join(" ")
            );
            report.failures.push(Failure { unit: *n, kernel: name.clone(), what });
        }
    }
    Ok(report)
}
