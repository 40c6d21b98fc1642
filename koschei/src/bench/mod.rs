//! How fast kernels, layers and models are: against what the machine can do, and against what they were.
//!
//! | step | file |
//! |---|---|
//! | what was asked for, and its number in the driver | [`units`] |
//! | kernels and layers as things to call | [`callable`] |
//! | what a call has to do, counted in terms | [`work`] |
//! | sizes at which to measure | [`sizes`] |
//! | turns at timing | [`measure`] |
//! | medians and intervals | [`stats`] |
//! | a run as a file | [`saved`] |
//! | tables | [`report`] |
//! | the roofline as a picture | [`roofline`] |
//!
//! Knows nothing by name. It measures what the compiler makes of a spec; whether that is right is `vibee test`'s
//! to say.

pub mod callable;
pub mod measure;
pub mod report;
pub mod roofline;
pub mod saved;
pub mod sizes;
pub mod stats;
pub mod units;
pub mod work;

use measure::Measured;
use sizes::Point;

/// A kernel, layer or model at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The spec as generated code names it.
    pub spec: String,
    /// `kernel`, `layer` or `model`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its number in the driver.
    pub number: u32,
    /// Its dims' names.
    pub names: Vec<String>,
    /// Sizes and work.
    pub point: Point,
    /// What was measured.
    pub measured: Measured,
}

impl Row {
    /// `T=8 D=384`.
    #[must_use]
    pub fn sizes(&self) -> String {
        let one = |(name, size): (&String, &i64)| format!("{name}={size}");
        self.names.iter().zip(&self.point.dims).map(one).collect::<Vec<_>>().join(" ")
    }

    /// Operations a second that the nearer roof allows, and whether that is the one of arithmetic.
    #[must_use]
    pub fn roof(&self) -> (f64, bool) {
        let streamed = self.point.work.intensity() * self.measured.reading;
        if streamed < self.measured.peak { (streamed, false) } else { (self.measured.peak, true) }
    }

    /// Operations a second.
    #[must_use]
    pub fn flops(&self) -> f64 {
        self.point.work.flops / self.measured.ns.value * 1e9
    }

    /// Bytes a second.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        self.point.work.bytes / self.measured.ns.value * 1e9
    }

    /// The part of the nearer roof that is reached. Without arithmetic the roof is that of memory.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.point.work.flops == 0.0 {
            return self.bytes() / self.measured.reading;
        }
        self.flops() / self.roof().0
    }
}

/// All that one command measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Instruction-set level.
    pub level: String,
    /// Threads.
    pub threads: u32,
    /// Kernels in the order of specs, then layers and models.
    pub rows: Vec<Row>,
}
