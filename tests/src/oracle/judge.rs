//! Calls of a kernel: arguments drawn, expected values from the interpreter, answers judged.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vibee_spec::interp::{self, Drawn, EvalError, Options, Output, SizeProfile, TensorData, Verdict};
use vibee_spec::term::{Kernel, ParamRef};

use super::build::Answer;

/// A call and what must come of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The seed it was drawn with.
    pub seed: u64,
    /// Its arguments.
    pub drawn: Drawn,
    /// The interpreter's outputs.
    pub expected: Vec<Output>,
}

/// Draws a call.
///
/// # Errors
/// A wrong term, which is a defect of the checker, or a panic. `Ok(None)`: too large, or no sizes
/// satisfy the kernel's conditions.
pub fn call(kernel: &Kernel, seed: u64, profile: SizeProfile) -> Result<Option<Call>, String> {
    let run = || {
        let drawn = match interp::draw(kernel, seed, profile) {
            Ok(drawn) => drawn,
            Err(_) => return Ok(None),
        };
        let options = Options { steps: 20_000_000, ..Options::default() };
        match interp::eval(kernel, &drawn.dims, &drawn.inputs, &options) {
            Ok(expected) => Ok(Some(Call { seed, drawn, expected })),
            Err(EvalError::Limit(_)) => Ok(None),
            Err(e) => Err(format!("the interpreter refuses a drawn call: {e}")),
        }
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the interpreter panics".to_owned()))
}

/// The call as the driver reads it.
#[must_use]
pub fn body(kernel: &Kernel, call: &Call) -> Vec<u8> {
    let mut out = Vec::new();
    let mut dims = call.drawn.dims.iter();
    for p in &kernel.params {
        match p {
            ParamRef::Dim(_) => {
                let v = dims.next().copied().unwrap_or_default();
                out.extend((v as f64).to_bits().to_le_bytes());
            }
            ParamRef::Input(i) => {
                let t = &call.drawn.inputs[i.index()];
                t.dims.iter().for_each(|d| out.extend((*d as u64).to_le_bytes()));
                let mut put = |v: f64| out.extend(v.to_bits().to_le_bytes());
                match &t.data {
                    TensorData::Float(v) => v.iter().for_each(|v| put(*v)),
                    TensorData::Int(v) => v.iter().for_each(|v| put(*v as f64)),
                    TensorData::Bool(v) => v.iter().for_each(|v| put(f64::from(u8::from(*v)))),
                }
            }
        }
    }
    for o in &call.expected {
        o.dims.iter().for_each(|d| out.extend((*d as u64).to_le_bytes()));
    }
    out
}

/// Comparisons of one kernel or of many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls compared.
    pub calls: u64,
    /// Elements within their bound.
    pub elements: u64,
    /// Elements that the numerics contract leaves open.
    pub skipped: u64,
    /// Largest distance over bound.
    pub worst: f64,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: &Tally) {
        self.calls += other.calls;
        self.elements += other.elements;
        self.skipped += other.skipped;
        self.worst = self.worst.max(other.worst);
    }
}

/// Compares an answer.
///
/// # Errors
/// What is wrong, in one line.
pub fn judge(call: &Call, answer: &Answer, tally: &mut Tally) -> Result<(), String> {
    let values = match answer {
        Answer::Values(v) => v,
        Answer::Refused(e) => return Err(format!("refused: {e}")),
        Answer::Panicked(e) => return Err(format!("panicked: {e}")),
        Answer::Died(e) => return Err(format!("died: {e}")),
    };
    tally.calls += 1;
    let expected: usize = call.expected.iter().map(|o| o.values.len()).sum();
    if values.len() != expected {
        return Err(format!("{} values instead of {expected}", values.len()));
    }
    let mut actual = values.iter();
    for output in &call.expected {
        for (n, (approx, actual)) in output.values.iter().zip(&mut actual).enumerate() {
            match interp::compare(*actual, approx, &output.dtype) {
                Verdict::Ok { ratio } => {
                    tally.elements += 1;
                    tally.worst = tally.worst.max(ratio);
                }
                Verdict::Skipped => tally.skipped += 1,
                Verdict::Mismatch { actual, expected, bound } => {
                    let dims = &output.dims;
                    return Err(format!(
                        "{}[{n}] of {dims:?} is {actual:?}, not {expected:?} ± {bound:e}",
                        output.name
                    ));
                }
            }
        }
    }
    Ok(())
}
