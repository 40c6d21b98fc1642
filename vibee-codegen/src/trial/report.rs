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

/// A layer's or model's result. No cases speak of it: it agrees with the interpreter or not.
#[derive(Clone, Debug)]
pub struct LayerReport {
    /// The layer.
    pub name: String,
    /// Whether it is a model.
    pub model: bool,
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
    /// Layers, then models, in file order.
    pub layers: Vec<LayerReport>,
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
    /// Specs with something to test.
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

impl LayerReport {
    fn status(&self) -> &'static str {
        match () {
            () if !self.tally.failures.is_empty() => "FAILED",
            () if self.tally.untested.is_some() => "not tested",
            () => "ok",
        }
    }

    fn kind(&self) -> &'static str {
        if self.model { "model" } else { "layer" }
    }
}

impl SpecReport {
    /// Whether anything of it was to be tested.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kernels.is_empty() && self.layers.is_empty() && self.laws.is_empty()
    }

    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        self.kernels.iter().map(|k| &k.tally).chain(self.layers.iter().map(|l| &l.tally))
    }
}

impl Report {
    /// Whether anything was tested at all.
    #[must_use]
    pub fn tested(&self) -> bool {
        let tried = |l: &LayerReport| l.tally.untested.is_none();
        self.specs.iter().any(|s| !s.kernels.is_empty() || !s.laws.is_empty() || s.layers.iter().any(tried))
    }

    /// Kernels, layers and laws with failures.
    #[must_use]
    pub fn failures(&self) -> usize {
        let failed =
            self.specs.iter().flat_map(SpecReport::tallies).filter(|t| !t.failures.is_empty()).count();
        failed + self.specs.iter().flat_map(|s| &s.laws).filter(|l| l.outcome.failure.is_some()).count()
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
            let names = s.kernels.iter().map(|k| k.name.len());
            let names = names.chain(s.layers.iter().map(|l| l.name.len() + 6));
            let wide = names.chain(s.laws.iter().map(|l| l.name.len() + 4)).max().unwrap_or(0).max(6);
            let _ = writeln!(
                out,
                "  {:wide$}  {:>7} {:>6} {:>8} {:>10} {:>8} {:>11}",
                if s.kernels.is_empty() { "" } else { "kernel" },
                "cases",
                "draws",
                "refused",
                "values",
                "skipped",
                "error/bound"
            );
            let mut row = |name: &str, cases: &str, t: &Tally, status: &str| {
                let status = match status {
                    "ok" => paint("32", "ok"),
                    "FAILED" => paint("1;31", "FAILED"),
                    other => paint("33", other),
                };
                let _ = writeln!(
                    out,
                    "  {name:wide$}  {cases:>7} {:>6} {:>8} {:>10} {:>8} {:>11.3}  {status}",
                    t.calls, t.refused, t.values, t.skipped, t.worst
                );
                t.failures.iter().for_each(|f| out += &failure(f));
                if t.more > 0 {
                    let _ = writeln!(out, "    and {} more", t.more);
                }
                if let Some(why) = &t.untested {
                    let _ = writeln!(out, "    {why}");
                }
            };
            for k in &s.kernels {
                row(&k.name, &format!("{}/{}", k.tally.cases, k.cases), &k.tally, k.status());
            }
            for l in &s.layers {
                row(&format!("{} {}", l.kind(), l.name), "", &l.tally, l.status());
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
        let tallies = || self.specs.iter().flat_map(SpecReport::tallies);
        let kernels = || self.specs.iter().flat_map(|s| &s.kernels);
        let layers = || self.specs.iter().flat_map(|s| &s.layers);
        let count = |n: usize, what: &str| match n {
            0 => None,
            1 => Some(format!("1 {what}")),
            n => Some(format!("{n} {what}s")),
        };
        let kinds = [
            count(kernels().count(), "kernel"),
            count(layers().filter(|l| !l.model).count(), "layer"),
            count(layers().filter(|l| l.model).count(), "model"),
        ];
        let kinds = kinds.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let kinds = if kinds.is_empty() { "0 kernels".to_owned() } else { kinds };
        let note = |n: usize, what: &str| if n == 0 { String::new() } else { format!(", {n} {what}") };
        let silent = note(kernels().filter(|k| !k.asserted).count(), "assert nothing");
        let untested = note(layers().filter(|l| l.status() == "not tested").count(), "not tested");
        format!(
            "{kinds} on {}: {} failed{silent}{untested}; {} values compared, {} skipped, worst error/bound {:.3}; seed {}",
            self.levels.join(", "),
            self.failures(),
            tallies().map(|t| t.values).sum::<u64>(),
            tallies().map(|t| t.skipped).sum::<u64>(),
            tallies().map(|t| t.worst).fold(0.0, f64::max),
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
        let layer = |l: &LayerReport| {
            let t = &l.tally;
            json!({
                "layer": l.name, "kind": l.kind(), "status": l.status().to_lowercase(), "draws": t.calls,
                "refused": t.refused, "values": t.values, "skipped": t.skipped, "worst": t.worst,
                "untested": t.untested, "failures": t.failures.iter().map(failure_json).collect::<Vec<_>>(),
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
                "layers": s.layers.iter().map(layer).collect::<Vec<_>>(),
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
