//! Where the time of a run goes and how much it does, for people who tune it and for tests that
//! must know that nothing was done.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::compile::Clock;

/// Parts of a run, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Listing folders, reading the cache.
    Find,
    /// Looking at every file.
    Compare,
    /// Reading, parsing, checking, emitting.
    Compile,
    /// Parents and `lib.rs`.
    LayOut,
    /// Comparing with what is on disk.
    Plan,
    /// Writing files.
    Write,
    /// Writing the cache.
    Remember,
}

/// All stages, in order, with their names.
const STAGES: [(Stage, &str); 7] = [
    (Stage::Find, "find"),
    (Stage::Compare, "compare"),
    (Stage::Compile, "compile"),
    (Stage::LayOut, "lay_out"),
    (Stage::Plan, "plan"),
    (Stage::Write, "write"),
    (Stage::Remember, "remember"),
];

/// What was counted and measured.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    /// Specs that were found.
    pub specs: usize,
    /// Known files that were opened, because their stamps were not those remembered.
    pub opened: usize,
    /// Specs that were opened, parsed and compiled.
    pub compiled: usize,
    /// Files that were written.
    pub written: usize,
    /// Files that were removed.
    pub removed: usize,
    stages: [Duration; STAGES.len()],
    /// Parsing, checking, emitting: summed over threads.
    threads: [Duration; 3],
}

impl Timings {
    /// Adds the time since `began` to a stage.
    pub fn stage(&mut self, stage: Stage, began: Instant) {
        self.stages[stage as usize] += began.elapsed();
    }

    /// Adds the times of a compilation.
    pub fn clock(&mut self, clock: &Clock) {
        for (sum, counter) in self.threads.iter_mut().zip([&clock.parse, &clock.check, &clock.emit]) {
            *sum += Duration::from_nanos(counter.load(Ordering::Relaxed));
        }
    }

    /// Counts, milliseconds of each stage, and of the parts of compiling summed over threads.
    #[must_use]
    pub fn json(&self) -> Value {
        let ms = |d: &Duration| (d.as_secs_f64() * 1e5).round() / 1e2;
        let stages =
            STAGES.iter().map(|(stage, name)| ((*name).to_owned(), ms(&self.stages[*stage as usize]).into()));
        let parts = ["parse", "check", "emit"].iter().zip(&self.threads);
        json!({
            "specs": self.specs,
            "opened": self.opened,
            "compiled": self.compiled,
            "written": self.written,
            "removed": self.removed,
            "milliseconds": Value::Object(stages.collect()),
            "milliseconds_of_threads": Value::Object(parts.map(|(name, d)| ((*name).to_owned(), ms(d).into())).collect()),
        })
    }
}
