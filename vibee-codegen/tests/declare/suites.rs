//! A generated suite tells a right implementation from wrong ones.

use crate::builds::{cargo, package};
use crate::support::{forms, rust};
use vibee_codegen::generate::tree::Emitted;

/// Implementations of `forms/suites.vibee` and what its suite says of each.
const RUN: &str = r##"
use std::collections::BTreeMap;

use declared_suite::suites::{Overflow, RingBuffer, Settings, Stats, conformance};
use igla_runtime::conformance::Failure;

/// What an implementation does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Bug {
    None,
    NeverFull,
    GivesTheNewest,
    WrongMean,
    AcceptsNothing,
    Panics,
    IgnoresWeights,
    KeepsStateInTheWrongPlace,
}

struct Ring {
    bug: Bug,
    settings: Settings,
    items: Vec<f64>,
}

impl Ring {
    fn new(bug: Bug) -> Self {
        Ring { bug, settings: Settings::default(), items: Vec::new() }
    }
}

impl RingBuffer for Ring {
    fn configure(&mut self, settings: Settings) -> Result<(), Failure> {
        if settings.capacity < 1 && self.bug != Bug::AcceptsNothing {
            return Err("the capacity is below one".into());
        }
        self.settings = settings;
        Ok(())
    }

    fn push(&mut self, value: f64) -> Result<Option<f64>, Failure> {
        if self.bug == Bug::KeepsStateInTheWrongPlace {
            self.items = vec![value];
            return Ok(None);
        }
        let full = self.items.len() as i64 >= self.settings.capacity && self.bug != Bug::NeverFull;
        if full && self.settings.overflow == Overflow::Refuse {
            return Err("full".into());
        }
        let oldest = full.then(|| self.items.remove(if self.bug == Bug::GivesTheNewest { 1 } else { 0 }));
        self.items.push(value);
        Ok(oldest)
    }

    fn stats(&mut self) -> Stats {
        let n = self.items.len();
        if self.bug == Bug::Panics && n == 2 {
            panic!("two is too many");
        }
        let by = if self.bug == Bug::WrongMean { 3.0 } else { n as f64 };
        let mean = (n > 0).then(|| self.items.iter().sum::<f64>() / by);
        Stats { length: n as i64, mean, name: "ring".to_owned() }
    }

    fn weighted(
        &mut self,
        values: &[f64],
        weights: Option<&[f64]>,
        _label: &str,
        _by: &BTreeMap<Overflow, i64>,
    ) -> Vec<f64> {
        match weights {
            Some(weights) if self.bug != Bug::IgnoresWeights => {
                values.iter().zip(weights).map(|(v, w)| v * w).collect()
            }
            _ => values.to_vec(),
        }
    }
}

fn failed(bug: Bug) -> Vec<String> {
    conformance(|| Ring::new(bug)).failed().map(|f| f.name.clone()).collect()
}

#[test]
fn the_right_one_passes() {
    let report = conformance(|| Ring::new(Bug::None));
    report.assert();
    assert_eq!(report.to_string(), "ring_buffer: 10 of 10 hold; 1 in prose were not run");
}

#[test]
fn wrong_ones_are_caught() {
    assert_eq!(failed(Bug::NeverFull), ["push.forgets_the_oldest", "push.refuses_when_told_to"]);
    assert_eq!(failed(Bug::GivesTheNewest), ["push.forgets_the_oldest"]);
    assert_eq!(failed(Bug::WrongMean), ["push.forgets_the_oldest", "push.one_number_stays"]);
    assert_eq!(failed(Bug::AcceptsNothing), ["configure.nothing_fits"]);
    assert_eq!(failed(Bug::Panics), ["push.forgets_the_oldest"]);
    assert_eq!(failed(Bug::IgnoresWeights), ["weighted.by_weights", "weighted.linear"]);
    assert_eq!(failed(Bug::KeepsStateInTheWrongPlace), ["push.forgets_the_oldest", "push.refuses_when_told_to"]);
}

#[test]
fn failures_say_what_came_and_what_was_wanted() {
    let report = conformance(|| Ring::new(Bug::GivesTheNewest)).to_string();
    assert!(report.contains("push.forgets_the_oldest: step 3: push is Some(2.5), wanted Some(1.0)"), "{report}");
    let report = conformance(|| Ring::new(Bug::Panics)).to_string();
    assert!(report.contains("push.forgets_the_oldest: panicked: two is too many"), "{report}");
}

#[test]
fn declared_types_are_written_and_read() {
    let settings: Settings = serde_json::from_str(r#"{"overflow": "Refuse"}"#).unwrap();
    assert_eq!(settings, Settings { overflow: Overflow::Refuse, ..Settings::default() });
    assert_eq!(serde_json::to_string(&settings).unwrap(), r#"{"capacity":2,"overflow":"Refuse"}"#);
}
"##;

#[test]
fn a_suite_catches_wrong_implementations() {
    let (name, text) = forms().into_iter().find(|(name, _)| name == "suites").expect("the form");
    let (code, report) = rust(&text);
    assert!(!report.contains("error"), "{report}");
    let module = Emitted::new(&name, "specs/suites.vibee", code);
    let folder = package("declared_suite", vec![module]);
    std::fs::create_dir_all(folder.join("tests")).expect("a folder");
    std::fs::write(folder.join("tests/run.rs"), RUN).expect("a test file");
    cargo(&folder, &["test"]);
}
