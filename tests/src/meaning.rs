//! Whether a kernel keeps its meaning on the way to loops, pass by pass.
//!
//! What every pass leaves behind is evaluated on drawn arguments and compared with the kernel as it
//! was checked, within the interpreter's bound: as a kernel, by the interpreter, and at last as loops, by the
//! [`machine`]. Nothing is emitted and nothing of the runtime runs.

use std::fmt;

use vibee_codegen::loops::LoopProgram;
use vibee_codegen::passes::{self, Form};
use vibee_codegen::schedule;
use vibee_spec::interp::{self, EvalError, Options, Output, SizeProfile, Verdict};
use vibee_spec::term::Kernel;

use crate::machine;
use crate::oracle::judge::{self, Call, Tally};

/// What the loops are called among the passes.
pub const SCHEDULE: &str = "schedule";

/// A kernel after every pass, and scheduled.
#[derive(Clone, Debug)]
pub struct Stages {
    /// As checked.
    pub kernel: Kernel,
    /// After each pass, under its name.
    pub forms: Vec<(&'static str, Form)>,
    /// Its loops.
    pub loops: LoopProgram,
}

impl Stages {
    /// Compiles a kernel and keeps everything.
    #[must_use]
    pub fn of(kernel: &Kernel) -> Stages {
        let mut forms = Vec::new();
        let program = passes::each(kernel.clone(), &mut |pass, form| forms.push((pass, form())));
        Stages { kernel: kernel.clone(), forms, loops: schedule::run(program) }
    }
}

/// A change of meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The pass after which it shows first.
    pub pass: &'static str,
    /// How, in one line.
    pub how: String,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after `{}`: {}", self.pass, self.how)
    }
}

/// Sizes of draw `n`: around one block of the machine's lanes, some larger, some with special values.
fn profile(n: u64) -> SizeProfile {
    let sizes = SizeProfile { work: 20_000, ..SizeProfile::SMALL };
    if n % 3 == 2 { sizes.with_specials() } else { sizes }
}

/// Steps of one evaluation.
const STEPS: u64 = 2_000_000;

/// Compares every stage with the kernel on `draws` calls.
///
/// # Errors
/// The first pass after which a value is another.
pub fn compare(stages: &Stages, seed: u64, draws: u64, tally: &mut Tally) -> Result<(), Changed> {
    for n in 0..draws {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(n);
        let call = judge::call(&stages.kernel, seed, profile(n));
        let call = call.map_err(|how| Changed { pass: "check", how })?;
        let Some(call) = call else { continue };
        one(stages, &call, tally)?;
    }
    Ok(())
}

fn one(stages: &Stages, call: &Call, tally: &mut Tally) -> Result<(), Changed> {
    for (pass, form) in &stages.forms {
        let changed = |how: String| Changed { pass, how: format!("{}: {how}", sizes(call)) };
        let options = Options { steps: 10 * STEPS, ..Options::default() };
        let outputs = match interp::eval(&form.kernel(), &call.drawn.dims, &call.drawn.inputs, &options) {
            Ok(outputs) => outputs,
            Err(EvalError::Limit(_)) => continue,
            Err(e) => return Err(changed(e.to_string())),
        };
        let values: Vec<f64> = outputs.iter().flat_map(values).collect();
        same(call, &values, tally).map_err(changed)?;
    }
    scheduled(&stages.kernel, &stages.loops, call, tally)
}

/// Compares loops alone.
///
/// # Errors
/// The first difference.
pub fn loops(kernel: &Kernel, loops: &LoopProgram, seed: u64, draws: u64) -> Result<(), Changed> {
    for n in 0..draws {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(n);
        if let Ok(Some(call)) = judge::call(kernel, seed, profile(n)) {
            scheduled(kernel, loops, &call, &mut Tally::default())?;
        }
    }
    Ok(())
}

fn scheduled(kernel: &Kernel, loops: &LoopProgram, call: &Call, tally: &mut Tally) -> Result<(), Changed> {
    let changed = |how: String| Changed { pass: SCHEDULE, how: format!("{}: {how}", sizes(call)) };
    let shapes: Vec<Vec<usize>> = call.drawn.inputs.iter().map(|t| t.dims.clone()).collect();
    let dims = interp::solve_dims(kernel, &call.drawn.dims, &shapes);
    let dims = dims.map_err(|e| changed(e.to_string()))?;
    match machine::run(loops, &dims, &call.drawn.inputs, STEPS) {
        Ok(values) => same(call, &values, tally).map_err(changed),
        Err(Some(how)) => Err(changed(how)),
        Err(None) => Ok(()),
    }
}

fn sizes(call: &Call) -> String {
    format!("seed {}, sizes {:?}", call.seed, call.drawn.dims)
}

fn values(o: &Output) -> impl Iterator<Item = f64> {
    o.values.iter().map(|v| v.value)
}

fn same(call: &Call, values: &[f64], tally: &mut Tally) -> Result<(), String> {
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
