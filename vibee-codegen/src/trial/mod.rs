//! `vibee test` without its command line: are kernels and layers what their specs say, on
//! every level?
//!
//! | step | file |
//! |---|---|
//! | test cases, by the interpreter and by compiled code | [`cases`] |
//! | laws, by the interpreter | [`laws`] |
//! | drawn calls: compiled code against the interpreter | [`random`] |
//! | calls that must be refused | [`refusals`] |
//! | the same of layers and models | [`layers`] |
//! | comparing values, counting, failing | [`tally`] |
//! | tables and JSON | [`report`] |
//!
//! The interpreter is right by definition; agreement is within its bound, never within a tuned
//! tolerance. Nothing here knows any kernel by name; a kernel that asserts nothing and a layer that
//! cannot be tried are said so.

pub mod cases;
pub mod laws;
pub mod layers;
pub mod random;
pub mod refusals;
pub mod report;
pub mod tally;

use anyhow::Result;
use vibee_spec::check::Case;
use vibee_spec::interp::{Options, Output, Tensor, eval};
use vibee_spec::term::{DType, Kernel};

use crate::harness::{Driver, Target};
use crate::values::Arguments;
use tally::Tally;

/// How much to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Drawn calls of each kernel, and draws of each law.
    pub cases: u64,
    /// Where draws start.
    pub seed: u64,
}

impl Effort {
    /// The seed of draw `n`.
    #[must_use]
    pub fn seed_of(self, n: u64) -> u64 {
        // Neighbouring seeds of the generator give unrelated sequences.
        self.seed.wrapping_mul(0x1_0000_0001).wrapping_add(n)
    }
}

/// Limits of one evaluation: a call that needs more is not drawn.
pub const LIMITS: Options = Options { steps: 400_000_000, elements: 1 << 24 };

/// Tries one kernel: its cases, then drawn calls, then calls that must be refused.
///
/// # Errors
/// When the driver cannot be started.
pub fn kernel(
    driver: &mut Driver,
    number: u32,
    target: &Target<'_>,
    cases: &[&Case],
    effort: Effort,
) -> Result<Tally> {
    let mut subject = Subject { driver, number, kernel: target.kernel, tally: Tally::default() };
    for case in cases {
        cases::run(&mut subject, case)?;
    }
    random::run(&mut subject, effort)?;
    refusals::run(&mut subject, effort)?;
    Ok(subject.tally)
}

/// A kernel being tried.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Runs compiled code.
    pub driver: &'a mut Driver,
    /// The kernel's number in the driver.
    pub number: u32,
    /// The kernel.
    pub kernel: &'a Kernel,
    /// What has been found.
    pub tally: Tally,
}

/// What the interpreter makes of a call.
pub enum Meaning {
    /// Its outputs.
    Values(Vec<Output>),
    /// The call breaks an entry condition.
    Refused(String),
    /// Too large or not a call at all: says nothing.
    Unknown,
    /// The interpreter found a wrong term.
    Broken(String),
}

/// Evaluates a call.
#[must_use]
pub fn meaning(kernel: &Kernel, call: &Arguments) -> Meaning {
    use vibee_spec::interp::EvalError;
    match eval(kernel, &call.dims, &call.inputs, &LIMITS) {
        Ok(outputs) => Meaning::Values(outputs),
        Err(EvalError::Check(v)) => Meaning::Refused(v.to_string()),
        Err(EvalError::Limit(_) | EvalError::Arguments(_)) => Meaning::Unknown,
        Err(EvalError::OutOfRange(text)) => Meaning::Broken(text),
    }
}

/// A tensor of numbers, each brought to the element type.
#[must_use]
pub fn tensor(dtype: &DType, dims: &[usize], values: &[f64]) -> Tensor {
    if dtype.is_float() {
        return Tensor::float(dtype.clone(), dims, values);
    }
    if *dtype == DType::Bool {
        return Tensor::bool(dims, &values.iter().map(|v| *v != 0.0).collect::<Vec<_>>());
    }
    Tensor::int(dtype.clone(), dims, &values.iter().map(|v| *v as i64).collect::<Vec<_>>())
}
