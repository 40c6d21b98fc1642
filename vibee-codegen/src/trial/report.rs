//! Results for people (a table a spec) and for programs (JSON).

use std::fmt::Write;

use serde_json::{Value, json};

use super::laws;
use super::tally::{Failure, Tally};

/// A kernel's result.
#[derive(Clone, Debug)]
pub struct KernelReport {
    /// The kernel.
    pub name: String,
    /// Test cases it has.
    pub cases: usize,
    /// Whether a case or law says anything about it.
    pub asserted: bool,
    /// What trying it found.
    pub tally: Tally,
}

/// A law's result.
#[derive(Clone, Debug)]
pub struct LawReport {
    /// The law.
    pub name: String,
    /// How it fared.
    pub outcome: laws::Outcome,
}

/// A spec's result.
#[derive(Clone, Debug)]
pub struct SpecReport {
    /// The spec as given.
    pub path: String,
    /// In file order.
    pub kernels: Vec<KernelReport>,
    /// In file order.
    pub laws: Vec<LawReport>,
}

/// The whole run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Seed of all draws.
    pub seed: u64,
    /// Levels of this machine, lowest first.
    pub levels: Vec<String>,
    /// Specs with kernels.
    pub specs: Vec<SpecReport>,
}

impl KernelReport {
    fn failed(&self) -> bool {
        !self.tally.failures.is_empty()
    }

    fn status(&self) -> &'static str {
        match () {
            () if self.failed() => "FAILED",
            () if !self.asserted => "asserts nothing",
            () => "ok",
        }
    }
}

impl Report {
    /// Kernels and laws with failures.
    #[must_use]
    pub fn failures(&self) -> usize {
        let kernels = self.specs.iter().flat_map(|s| &s.kernels).filter(|k| k.failed()).count();
        kernels + self.specs.iter().flat_map(|s| &s.laws).filter(|l| l.outcome.failure.is_some()).count()
    }

    /// For people.
    #[must_use]
    pub fn text(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| match colour {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        };
        let mut out = String::new();
        for s in &self.specs {
            let _ = writeln!(out, "{}", paint("1", &s.path));
            let wide = s.kernels.iter().map(|k| k.name.len()).chain(s.laws.iter().map(|l| l.name.len() + 4));
            let wide = wide.max().unwrap_or(0).max(6);
            let _ = writeln!(
                out,
                "  {:wide$}  {:>7} {:>6} {:>8} {:>10} {:>8} {:>11}",
                "kernel", "cases", "draws", "refused", "values", "skipped", "error/bound"
            );
            for k in &s.kernels {
                let t = &k.tally;
                let cases = format!("{}/{}", t.cases, k.cases);
                let status = match k.status() {
                    "ok" => paint("32", "ok"),
                    "FAILED" => paint("1;31", "FAILED"),
                    other => paint("33", other),
                };
                let _ = writeln!(
                    out,
                    "  {:wide$}  {cases:>7} {:>6} {:>8} {:>10} {:>8} {:>11.3}  {status}",
                    k.name, t.calls, t.refused, t.values, t.skipped, t.worst
                );
                for f in &t.failures {
                    out += &failure(f);
                }
                if t.more > 0 {
                    let _ = writeln!(out, "    and {} more", t.more);
                }
            }
            for l in &s.laws {
                let o = &l.outcome;
                let status = if o.failure.is_some() { paint("1;31", "FAILED") } else { paint("32", "ok") };
                let name = format!("law {}", l.name);
                let _ = writeln!(
                    out,
                    "  {name:wide$}  {:>7} {:>6} {:>8} {:>10} {:>8} {:>11}  {status}",
                    "", o.draws, "", o.values, o.skipped, ""
                );
                if let Some(what) = &o.failure {
                    let _ = writeln!(out, "    {what}");
                }
            }
            out.push('\n');
        }
        out + &self.summary() + "\n"
    }

    /// One line.
    #[must_use]
    pub fn summary(&self) -> String {
        let kernels = || self.specs.iter().flat_map(|s| &s.kernels);
        let count = kernels().count();
        let plural = if count == 1 { "" } else { "s" };
        let sum = |f: &dyn Fn(&Tally) -> u64| kernels().map(|k| f(&k.tally)).sum::<u64>();
        let worst = kernels().map(|k| k.tally.worst).fold(0.0, f64::max);
        let silent = kernels().filter(|k| !k.asserted).count();
        let silent = if silent == 0 { String::new() } else { format!(", {silent} assert nothing") };
        format!(
            "{count} kernel{plural} on {}: {} failed{silent}; {} values compared, {} skipped, worst error/bound {worst:.3}; seed {}",
            self.levels.join(", "),
            self.failures(),
            sum(&|t| t.values),
            sum(&|t| t.skipped),
            self.seed
        )
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let kernel = |k: &KernelReport| {
            let t = &k.tally;
            json!({
                "kernel": k.name, "status": k.status().to_lowercase(), "cases": k.cases, "cases_passed": t.cases,
                "draws": t.calls, "refused": t.refused, "values": t.values, "skipped": t.skipped,
                "worst": t.worst, "failures": t.failures.iter().map(failure_json).collect::<Vec<_>>(),
                "more_failures": t.more,
            })
        };
        let law = |l: &LawReport| {
            let o = &l.outcome;
            json!({
                "law": l.name, "status": if o.failure.is_some() { "failed" } else { "ok" }, "draws": o.draws,
                "values": o.values, "skipped": o.skipped, "failure": o.failure,
            })
        };
        let spec = |s: &SpecReport| {
            json!({
                "spec": s.path,
                "kernels": s.kernels.iter().map(kernel).collect::<Vec<_>>(),
                "laws": s.laws.iter().map(law).collect::<Vec<_>>(),
            })
        };
        json!({
            "seed": self.seed, "levels": self.levels, "failures": self.failures(),
            "specs": self.specs.iter().map(spec).collect::<Vec<_>>(),
        })
    }
}

fn failure(f: &Failure) -> String {
    let place = if f.place.is_empty() { String::new() } else { format!(" ({})", f.place) };
    let mut out = format!("    {}: {}{place}\n", f.trial, f.what);
    if let Some(input) = &f.input {
        let _ = writeln!(out, "      input: {input}");
    }
    out
}

fn failure_json(f: &Failure) -> Value {
    json!({"trial": f.trial, "place": f.place, "what": f.what, "input": f.input})
}
