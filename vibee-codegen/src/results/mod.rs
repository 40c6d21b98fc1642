//! What was tested and measured, kept in a file: the memory behind every table that claims something.
//!
//! `vibee test --record FILE` writes it, `vibee modules` and `vibee tree` read it. A result belongs to
//! the text that was tested: it carries a fingerprint of the spec and its imports, and counts for
//! nothing once they have changed. Must not know how anything is tested, nor how tables look.

pub mod facts;
pub mod status;
pub mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::to_string;

use crate::trial::report::{KernelReport, LawReport, LayerReport, Report, SpecReport};

/// Results by module path, `nn/rmsnorm`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// In path order, so that merges are line merges.
    pub specs: BTreeMap<String, SpecResult>,
}

/// What is known of one spec.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecResult {
    /// Fingerprint of what was tested, see [`facts::fingerprint`].
    pub hash: String,
    /// Instruction-set levels that compiled code ran on.
    #[serde(default)]
    pub levels: Vec<String>,
    /// Seed of all draws.
    #[serde(default)]
    pub seed: u64,
    /// Kernels, in file order.
    #[serde(default)]
    pub kernels: Vec<KernelResult>,
    /// Layers and models, in file order.
    #[serde(default)]
    pub layers: Vec<LayerResult>,
    /// Laws, in file order.
    #[serde(default)]
    pub laws: Vec<LawResult>,
    /// Conformance suites that implementations were run against.
    #[serde(default)]
    pub suites: Vec<SuiteResult>,
}

/// How one kernel fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelResult {
    /// The kernel.
    pub name: String,
    /// Its test cases that hold, by the interpreter and on every level.
    pub cases: u64,
    /// Drawn calls compared.
    pub draws: u64,
    /// Calls refused as they must be.
    pub refused: u64,
    /// Values compared with the interpreter's.
    pub values: u64,
    /// Values that the numerics contract leaves open.
    pub skipped: u64,
    /// Things that went wrong.
    pub failures: u64,
    /// Whether a case or law says anything about it.
    pub asserted: bool,
}

/// How one layer or model fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerResult {
    /// The layer.
    pub name: String,
    /// Drawn ones loaded, called and compared.
    pub draws: u64,
    /// Wrong weights, configurations and calls refused as they must be.
    pub refused: u64,
    /// Values compared with the interpreter's.
    pub values: u64,
    /// Values that the numerics contract leaves open.
    pub skipped: u64,
    /// Things that went wrong.
    pub failures: u64,
    /// Why it could not be tested, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<String>,
}

/// How one law fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawResult {
    /// The law.
    pub name: String,
    /// Draws for which it was evaluated.
    pub draws: u64,
    /// Values compared.
    pub values: u64,
    /// Whether it held for all of them.
    pub holds: bool,
}

/// How an implementation fared against a spec's conformance suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteResult {
    /// What was run, as a path: `igla::sampler::Sampler`.
    pub implementation: String,
    /// Assertions evaluated.
    pub assertions: u64,
    /// Assertions that failed.
    pub failures: u64,
}

impl Results {
    /// Reads a file; one that does not exist holds nothing.
    ///
    /// # Errors
    /// When it cannot be read or is no such file.
    pub fn read(path: &Path) -> Result<Results> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Results::default()),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_str(&text).with_context(|| format!("{} is no file of results", path.display()))
    }

    /// Puts the result of a test run in the place of an older one; results of suites stay if the
    /// text is the same.
    pub fn record(&mut self, module: &str, hash: &str, report: &Report, spec: &SpecReport) {
        let old = self.specs.remove(module).filter(|old| old.hash == hash);
        let new = SpecResult {
            hash: hash.to_owned(),
            levels: report.levels.clone(),
            seed: report.seed,
            kernels: spec.kernels.iter().map(KernelResult::from).collect(),
            layers: spec.layers.iter().map(LayerResult::from).collect(),
            laws: spec.laws.iter().map(LawResult::from).collect(),
            suites: old.map(|old| old.suites).unwrap_or_default(),
        };
        self.specs.insert(module.to_owned(), new);
    }

    /// Forgets kernels, layers and laws of a spec that has none any more.
    pub fn forget(&mut self, module: &str) {
        if let Some(spec) = self.specs.get_mut(module) {
            *spec =
                SpecResult { hash: spec.hash.clone(), suites: spec.suites.clone(), ..SpecResult::default() };
        }
        self.specs.retain(|_, s| *s != SpecResult { hash: s.hash.clone(), ..SpecResult::default() });
    }

    /// Puts the result of an implementation in the place of its older one.
    pub fn record_suite(&mut self, module: &str, hash: &str, suite: SuiteResult) {
        let spec = self.specs.entry(module.to_owned()).or_default();
        if spec.hash != hash {
            *spec = SpecResult { hash: hash.to_owned(), ..SpecResult::default() };
        }
        spec.suites.retain(|s| s.implementation != suite.implementation);
        spec.suites.push(suite);
        spec.suites.sort_by(|a, b| a.implementation.cmp(&b.implementation));
    }

    /// The text form: JSON with one kernel, layer, law or suite a line.
    ///
    /// # Errors
    /// Never in practice; passed on from serde.
    pub fn text(&self) -> Result<String> {
        let mut out = "{\n  \"specs\": {".to_owned();
        for (n, (module, s)) in self.specs.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(out, "{comma}\n    {}: {{\n", to_string(module)?)?;
            let (hash, levels) = (to_string(&s.hash)?, to_string(&s.levels)?);
            write!(out, "      \"hash\": {hash}, \"levels\": {levels}, \"seed\": {}", s.seed)?;
            list(&mut out, "kernels", &s.kernels)?;
            list(&mut out, "layers", &s.layers)?;
            list(&mut out, "laws", &s.laws)?;
            list(&mut out, "suites", &s.suites)?;
            out += "\n    }";
        }
        Ok(out + "\n  }\n}\n")
    }
}

/// A list with one item a line; nothing if it is empty.
fn list<T: Serialize>(out: &mut String, key: &str, items: &[T]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    write!(out, ",\n      \"{key}\": [")?;
    for (n, item) in items.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        write!(out, "{comma}\n        {}", to_string(item)?)?;
    }
    *out += "\n      ]";
    Ok(())
}

impl From<&KernelReport> for KernelResult {
    fn from(k: &KernelReport) -> KernelResult {
        let t = &k.tally;
        KernelResult {
            name: k.name.clone(),
            cases: t.cases,
            draws: t.calls,
            refused: t.refused,
            values: t.values,
            skipped: t.skipped,
            failures: t.failures.len() as u64 + t.more,
            asserted: k.asserted,
        }
    }
}

impl From<&LayerReport> for LayerResult {
    fn from(l: &LayerReport) -> LayerResult {
        let t = &l.tally;
        LayerResult {
            name: l.name.clone(),
            draws: t.calls,
            refused: t.refused,
            values: t.values,
            skipped: t.skipped,
            failures: t.failures.len() as u64 + t.more,
            untested: t.untested.clone(),
        }
    }
}

impl From<&LawReport> for LawResult {
    fn from(l: &LawReport) -> LawResult {
        let o = &l.outcome;
        LawResult { name: l.name.clone(), draws: o.draws, values: o.values, holds: o.failure.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Results {
        let spec = SpecResult {
            hash: "a".into(),
            levels: vec!["scalar".into(), "avx2".into()],
            seed: 1,
            kernels: vec![
                KernelResult { name: "f".into(), cases: 2, ..KernelResult::default() },
                KernelResult { name: "g".into(), failures: 1, ..KernelResult::default() },
            ],
            layers: vec![LayerResult { untested: Some("large".into()), ..LayerResult::default() }],
            laws: vec![LawResult { name: "l \"q\"".into(), draws: 3, values: 4, holds: true }],
            suites: vec![SuiteResult { implementation: "x::Y".into(), assertions: 5, failures: 0 }],
        };
        Results { specs: BTreeMap::from([("nn/a".into(), spec), ("b".into(), SpecResult::default())]) }
    }

    #[test]
    fn the_text_form_is_json_of_the_same_results() {
        let text = some().text().expect("text");
        assert_eq!(serde_json::from_str::<Results>(&text).expect("JSON"), some());
        assert_eq!(text.lines().filter(|l| l.contains("\"name\"")).count(), 4, "{text}");
        let nothing = Results::default().text().expect("text");
        assert_eq!(serde_json::from_str::<Results>(&nothing).expect("JSON"), Results::default());
    }

    #[test]
    fn suites_are_replaced_by_implementation_and_forgotten_with_the_text() {
        let suite =
            |name: &str, failures| SuiteResult { implementation: name.into(), assertions: 9, failures };
        let mut r = some();
        r.record_suite("nn/a", "a", suite("a::B", 0));
        r.record_suite("nn/a", "a", suite("x::Y", 1));
        assert_eq!(r.specs["nn/a"].suites, [suite("a::B", 0), suite("x::Y", 1)]);
        r.record_suite("nn/a", "another text", suite("a::B", 0));
        assert_eq!(r.specs["nn/a"].suites, [suite("a::B", 0)]);
        assert!(r.specs["nn/a"].kernels.is_empty());
    }

    #[test]
    fn a_run_replaces_kernels_and_keeps_suites_of_the_same_text() {
        let report = Report { seed: 7, levels: vec!["scalar".into()], specs: vec![] };
        let spec = SpecReport { path: String::new(), kernels: vec![], layers: vec![], laws: vec![] };
        let mut r = some();
        r.record("nn/a", "a", &report, &spec);
        assert_eq!((r.specs["nn/a"].seed, r.specs["nn/a"].kernels.len()), (7, 0));
        assert_eq!(r.specs["nn/a"].suites.len(), 1);
        r.record("nn/a", "another text", &report, &spec);
        assert!(r.specs["nn/a"].suites.is_empty());
    }
}
