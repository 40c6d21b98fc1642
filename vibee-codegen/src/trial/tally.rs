//! Comparing results with what they should be, and keeping count.

use vibee_spec::interp::{Output, Verdict, compare};
use vibee_spec::term::Kernel;

use super::Subject;
use crate::harness::{Call, Layout, Reply};
use crate::values::{self, Arguments};

/// What trying a kernel or layer has found.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Test cases that hold, by the interpreter and on every level.
    pub cases: u64,
    /// Drawn calls compared.
    pub calls: u64,
    /// Calls refused as they must be.
    pub refused: u64,
    /// Values compared with the interpreter's.
    pub values: u64,
    /// Values that the numerics contract leaves open.
    pub skipped: u64,
    /// Largest share of the bound that an error took.
    pub worst: f64,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// Failures beyond those kept.
    pub more: u64,
    /// Why nothing could be tried, if so.
    pub untested: Option<String>,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Which trial: `case three_four`, `drawn call 7`.
    pub trial: String,
    /// Where compiled code ran; empty for the interpreter.
    pub place: String,
    /// What happened.
    pub what: String,
    /// The call's arguments as JSON for `vibee run` and `vibee eval`, if short.
    pub input: Option<String>,
}

/// Failures kept of each kernel.
const KEPT: usize = 5;

/// Arguments are shown up to this length.
const SHOWN: usize = 600;

impl Tally {
    /// Notes a failure.
    pub fn fail(&mut self, failure: Failure) {
        if self.failures.len() < KEPT { self.failures.push(failure) } else { self.more += 1 }
    }

    /// Compares numbers with the interpreter's outputs; the first difference as a text.
    pub fn judge(&mut self, outputs: &[Output], numbers: &[f64]) -> Option<String> {
        let wanted: usize = outputs.iter().map(|o| o.values.len()).sum();
        if wanted != numbers.len() {
            return Some(format!("{} values came back instead of {wanted}", numbers.len()));
        }
        let mut first = None;
        let mut wrong = 0u64;
        let mut numbers = numbers.iter();
        for o in outputs {
            for (n, (approx, actual)) in o.values.iter().zip(numbers.by_ref()).enumerate() {
                self.values += 1;
                match compare(*actual, approx, &o.dtype) {
                    Verdict::Ok { ratio } => self.worst = self.worst.max(ratio),
                    Verdict::Skipped => self.skipped += 1,
                    Verdict::Mismatch { actual, expected, bound } => {
                        wrong += 1;
                        let place = place(&o.name, &o.dims, n);
                        first.get_or_insert_with(|| {
                            format!("{place} is {actual:?}, not {expected:?} ± {bound:e}")
                        });
                    }
                }
            }
        }
        let others = if wrong > 1 { format!(" ({wrong} of {wanted} values differ)") } else { String::new() };
        first.map(|text| text + &others)
    }
}

/// `y[3, 0]`.
fn place(name: &str, dims: &[usize], mut n: usize) -> String {
    let mut at = vec![];
    for d in dims.iter().rev() {
        at.push((n % d).to_string());
        n /= d;
    }
    at.reverse();
    if at.is_empty() { name.to_owned() } else { format!("{name}[{}]", at.join(", ")) }
}

/// Where and how compiled code runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Position among the driver's levels.
    pub level: usize,
    /// Threads.
    pub threads: u32,
    /// Arguments in memory.
    pub layout: Layout,
}

impl Place {
    /// For people.
    #[must_use]
    pub fn shown(&self, levels: &[String]) -> String {
        let threads = if self.threads == 1 { String::new() } else { format!(", {} threads", self.threads) };
        let memory = match self.layout {
            Layout { offset: 0, pad: 0 } => String::new(),
            Layout { offset, pad } => {
                format!(", memory offset by {offset} and rows padded by {pad} elements")
            }
        };
        format!("{}{threads}{memory}", levels[self.level])
    }
}

impl Subject<'_> {
    /// Runs compiled code; `outputs` are the extents of the outputs given to it.
    ///
    /// # Errors
    /// When the driver cannot be restarted after a crash.
    pub fn compiled(&mut self, call: &Arguments, outputs: &[Vec<usize>], at: Place) -> anyhow::Result<Reply> {
        let call = Call {
            dims: &call.dims,
            inputs: &call.inputs,
            outputs,
            layout: at.layout,
            level: u32::try_from(at.level)?,
            threads: at.threads,
            turn: 0,
        };
        self.driver.call(self.number, self.kernel, &call)
    }

    /// Notes a failure of compiled code, or of the interpreter without a place.
    pub fn fail(&mut self, trial: &str, call: &Arguments, at: Option<Place>, what: impl Into<String>) {
        let place = at.map_or(String::new(), |at| at.shown(self.driver.levels()));
        let input = json(self.kernel, call).filter(|text| text.len() <= SHOWN);
        self.tally.fail(Failure { trial: trial.to_owned(), place, what: what.into(), input });
    }

    /// Every level of the machine.
    #[must_use]
    pub fn levels(&self) -> std::ops::Range<usize> {
        0..self.driver.levels().len()
    }
}

/// Arguments as the input of `vibee run`; `None` if they are long.
fn json(kernel: &Kernel, call: &Arguments) -> Option<String> {
    let count: usize = call.inputs.iter().map(|t| t.data.len()).sum();
    (count <= SHOWN).then(|| values::write(kernel, call))
}
