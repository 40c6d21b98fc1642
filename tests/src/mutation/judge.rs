//! Trying mutations on random kernels: who notices, and after how many kernels.

use std::fmt;
use std::io;

use vibee_codegen::loops::{self, LoopProgram};
use vibee_codegen::{emit, passes, schedule};
use vibee_spec::term::Kernel;

use super::{MUTATIONS, Mutation, Seed};
use crate::meaning;
use crate::oracle::build::Workshop;
use crate::oracle::{self, Plan, Unit, compile};
use crate::random;

/// How much to try.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// First seed of random specs.
    pub seed: u64,
    /// Specs looked at for places to change.
    pub specs: u64,
    /// Kernels changed by each mutation, in rounds that are built together: mutations that are
    /// caught need no further round.
    pub rounds: &'static [usize],
}

/// What became of one mutation.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// Its name.
    pub name: &'static str,
    /// Kernels that it could be done to, until there were enough.
    pub applicable: usize,
    /// Kernels tried by the oracle.
    pub tried: usize,
    /// The first of them, from 1, at which the oracle reported a difference.
    pub caught_at: Option<usize>,
    /// The oracle's words.
    pub how: String,
    /// Kernels whose changed loops were shown to the verifier, the prover and the loop interpreter.
    pub looked: usize,
    /// Those that the verifier rejects.
    pub by_verifier: usize,
    /// Those with a position that is not proved any more.
    pub by_proofs: usize,
    /// Those that have another value, interpreted.
    pub by_machine: usize,
    /// Changed kernels that are not even Rust; not counted as tried.
    pub not_rust: usize,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.caught_at.map_or("never".to_owned(), |n| n.to_string());
        write!(
            f,
            "{:48} {:>3} {:>5}  {:>3}/{} {:>3}/{} {:>3}/{}  {}",
            self.name,
            self.tried,
            at,
            self.by_verifier,
            self.looked,
            self.by_proofs,
            self.looked,
            self.by_machine,
            self.looked,
            self.how.chars().take(90).collect::<String>()
        )
    }
}

/// The head of a table of findings.
pub const HEAD: &str =
    "mutation, kernels tried, caught at; rejected by the verifier, unproved, by interpreted loops";

/// A kernel compiled with a mistake.
struct Mutant {
    mutation: usize,
    unit: Unit,
}

/// Changed loops of one mutation that are looked at before emission.
const LOOKS: usize = 6;

/// Draws of the loop interpreter for each changed kernel.
const DRAWS: u64 = 6;

/// Tries every mutation.
///
/// # Errors
/// When the scratch crate cannot be built or run.
pub fn trial(workshop: &Workshop, trial: &Trial, plan: &Plan) -> io::Result<Vec<Finding>> {
    let wanted: usize = trial.rounds.iter().sum();
    let mut findings: Vec<Finding> =
        MUTATIONS.iter().map(|m| Finding { name: m.name, ..Finding::default() }).collect();
    let mut mutants: Vec<Vec<Mutant>> = MUTATIONS.iter().map(|_| Vec::new()).collect();
    for seed in trial.seed..trial.seed + trial.specs {
        if mutants.iter().all(|m| m.len() >= wanted) {
            break;
        }
        let spec = random::spec(seed);
        let Ok(module) = compile::check("random", &spec.text) else { continue };
        // The last kernel is the spec's own; others are what it calls.
        let Some(kernel) = module.kernels.last() else { continue };
        let loops = schedule::run(passes::run(kernel.clone()));
        let rust = emit::scheduled(&loops);
        for (n, m) in MUTATIONS.iter().enumerate() {
            if mutants[n].len() >= wanted {
                continue;
            }
            let Some((rust, changed)) = mutate(m, &loops, &rust) else { continue };
            let finding = &mut findings[n];
            finding.applicable += 1;
            if let Some(changed) = changed.filter(|_| finding.looked < LOOKS) {
                look(finding, kernel, &loops, &changed, seed);
            }
            let name = format!("{seed}, {}", m.name);
            let unit = Unit { name, text: spec.text.clone(), kernels: vec![kernel.clone()], rust };
            mutants[n].push(Mutant { mutation: n, unit });
        }
    }
    let mut start = 0;
    for round in trial.rounds {
        let open = mutants.iter().enumerate().filter(|(n, _)| findings[*n].caught_at.is_none());
        let batch: Vec<&Mutant> = open.flat_map(|(_, m)| m.iter().skip(start).take(*round)).collect();
        start += round;
        let units: Vec<Unit> = batch.iter().map(|m| m.unit.clone()).collect();
        if units.is_empty() {
            continue;
        }
        let report = oracle::run(workshop, &units, plan)?;
        for (n, m) in batch.iter().enumerate() {
            let finding = &mut findings[m.mutation];
            let failure = report.failures.iter().find(|f| f.unit == n);
            if failure.is_some_and(|f| f.kernel == "*") {
                finding.not_rust += 1;
                continue;
            }
            if finding.caught_at.is_none() {
                finding.tried += 1;
                if let Some(f) = failure {
                    finding.caught_at = Some(finding.tried);
                    finding.how.clone_from(&f.what);
                }
            }
        }
    }
    Ok(findings)
}

/// The changed Rust, and the changed loops if it was done there.
fn mutate(m: &Mutation, loops: &LoopProgram, rust: &str) -> Option<(String, Option<LoopProgram>)> {
    match m.seed {
        Seed::Rust(f) => f(rust).map(|r| (r, None)),
        Seed::Loops(f) => {
            let mut changed = loops.clone();
            if !f(&mut changed) {
                return None;
            }
            // A change that cannot be emitted is no miscompilation.
            let rust = compile::quietly(|| emit::scheduled(&changed)).ok()?;
            Some((rust, Some(changed)))
        }
    }
}

/// Who notices before anything is emitted.
fn look(finding: &mut Finding, kernel: &Kernel, right: &LoopProgram, wrong: &LoopProgram, seed: u64) {
    finding.looked += 1;
    finding.by_verifier += usize::from(loops::verify(wrong).is_err());
    let unproved =
        |p: &LoopProgram| loops::accesses(p).map_or(0, |all| all.iter().filter(|a| !a.proved).count());
    finding.by_proofs += usize::from(unproved(wrong) > unproved(right));
    finding.by_machine += usize::from(meaning::loops(kernel, wrong, seed, DRAWS).is_err());
}

/// The kernels of some seeds, emitted the same way without a mistake: nothing may be reported.
///
/// # Errors
/// When the scratch crate cannot be built or run.
pub fn control(workshop: &Workshop, seeds: std::ops::Range<u64>, plan: &Plan) -> io::Result<oracle::Report> {
    let mut units = Vec::new();
    for seed in seeds {
        let spec = random::spec(seed);
        let Ok(module) = compile::check("random", &spec.text) else { continue };
        let Some(kernel) = module.kernels.last() else { continue };
        let rust = emit::scheduled(&schedule::run(passes::run(kernel.clone())));
        units.push(Unit { name: seed.to_string(), text: spec.text, kernels: vec![kernel.clone()], rust });
    }
    oracle::run(workshop, &units, plan)
}
