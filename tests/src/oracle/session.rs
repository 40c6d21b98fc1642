//! Many random specs: made, built in batches, compared, counted.

use std::fmt;
use std::io;
use std::ops::Range;
use std::time::Duration;

use super::build::Workshop;
use super::compile::{self, Refusal};
use super::judge::Tally;
use super::run::{self, Plan};
use crate::random::{self, Coverage};

/// Something wrong with a seed's spec.
#[derive(Clone, Debug)]
pub struct Defect {
    /// The seed.
    pub seed: u64,
    /// Its spec.
    pub text: String,
    /// What happened.
    pub what: String,
}

/// What was tried so far.
#[derive(Debug, Default)]
pub struct Session {
    /// Specs made.
    pub specs: usize,
    /// Kernels compared, called ones included.
    pub kernels: usize,
    /// Comparisons.
    pub tally: Tally,
    /// In how many specs that were compared each construct occurs.
    pub coverage: Coverage,
    /// What went wrong.
    pub defects: Vec<Defect>,
    /// Time that rustc took.
    pub build: Duration,
}

impl Session {
    /// Makes and judges the specs of some seeds.
    ///
    /// # Errors
    /// See [`run::run`].
    pub fn batch(&mut self, workshop: &Workshop, seeds: Range<u64>, plan: &Plan) -> io::Result<()> {
        let mut units = Vec::new();
        let mut made = Vec::new();
        for seed in seeds {
            let spec = random::spec(seed);
            self.specs += 1;
            match compile::unit(&format!("random_{seed}"), &spec.text) {
                Ok(unit) => {
                    for construct in spec.coverage.keys() {
                        *self.coverage.entry(construct).or_default() += 1;
                    }
                    units.push(unit);
                    made.push(spec);
                }
                Err(refusal) => {
                    let what = match refusal {
                        Refusal::Rejected(findings) => format!("rejected: {findings}"),
                        Refusal::Panicked(text) => format!("the compiler panicked: {text}"),
                    };
                    self.defects.push(Defect { seed, text: spec.text, what });
                }
            }
        }
        let report = run::run(workshop, &units, plan)?;
        self.kernels += report.compared;
        self.tally.add(&report.tally);
        self.build += report.build;
        for f in report.failures {
            let spec = &made[f.unit];
            let what = format!("{}: {}", f.kernel, f.what);
            self.defects.push(Defect { seed: spec.seed, text: spec.text.clone(), what });
        }
        Ok(())
    }

    /// One line.
    #[must_use]
    pub fn figures(&self) -> String {
        format!(
            "{} specs, {} kernels compared, {} calls, {} elements within their bound (worst {:.3} of it), \
             {} decisions skipped, {} defects, {:.1} s of rustc",
            self.specs,
            self.kernels,
            self.tally.calls,
            self.tally.elements,
            self.tally.worst,
            self.tally.skipped,
            self.defects.len(),
            self.build.as_secs_f64()
        )
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "specs with each construct:")?;
        for (construct, count) in &self.coverage {
            writeln!(f, "  {count:6}  {construct}")?;
        }
        for d in &self.defects {
            writeln!(f, "\nseed {}: {}", d.seed, d.what)?;
        }
        writeln!(f, "\n{}", self.figures())
    }
}
