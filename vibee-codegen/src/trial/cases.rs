//! Test cases: the interpreter meets their expectations, and so does compiled code on every level.

use anyhow::Result;
use vibee_spec::check::{Case, Data, Expected};
use vibee_spec::interp::packed::encode;
use vibee_spec::interp::{Approx, EvalError, near, round_float};
use vibee_spec::term::{DType, InputId, Kernel};

use super::tally::Place;
use super::{Meaning, Subject, meaning, tensor};
use crate::harness::{Layout, Reply};
use crate::values::Arguments;

/// Tries one case.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn run(subject: &mut Subject<'_>, case: &Case) -> Result<()> {
    let trial = format!("case {}", case.name);
    let kernel = subject.kernel;
    let refused = matches!(case.expects.as_slice(), [Expected::Error]);
    let call = match arguments(kernel, case) {
        Ok(call) => call,
        // There is no such operand, so nothing can be called with it.
        Err((_, EvalError::Check(_))) if refused => {
            subject.tally.cases += 1;
            return Ok(());
        }
        Err((name, why)) => {
            let none = Arguments { dims: vec![], inputs: vec![] };
            subject.fail(&trial, &none, None, format!("{name}: {why}"));
            return Ok(());
        }
    };
    let meant = meaning(kernel, &call);
    let broken = match &meant {
        Meaning::Values(_) if refused => Some("the call has values, the case expects an error".to_owned()),
        Meaning::Refused(why) if !refused => Some(format!("the call is refused: {why}")),
        Meaning::Unknown => Some("the call is too large for the interpreter".to_owned()),
        Meaning::Broken(why) => Some(why.clone()),
        Meaning::Values(outputs) => {
            let shapes: Vec<Vec<usize>> = outputs.iter().map(|o| o.dims.clone()).collect();
            let values: Vec<Vec<Approx>> = outputs.iter().map(|o| o.values.clone()).collect();
            unmet(kernel, case, &shapes, &|output, n| values[output][n])
        }
        Meaning::Refused(_) => None,
    };
    if let Some(what) = broken {
        subject.fail(&trial, &call, None, format!("by the interpreter: {what}"));
        return Ok(());
    }
    let failures = subject.tally.failures.len() as u64 + subject.tally.more;
    for level in subject.levels() {
        let at = Place { level, threads: 1, layout: Layout { offset: level as u32, pad: level as u32 } };
        compiled(subject, case, &trial, &call, &meant, at)?;
    }
    if subject.tally.failures.len() as u64 + subject.tally.more == failures {
        subject.tally.cases += 1;
    }
    Ok(())
}

fn compiled(
    subject: &mut Subject<'_>,
    case: &Case,
    trial: &str,
    call: &Arguments,
    meant: &Meaning,
    at: Place,
) -> Result<()> {
    let kernel = subject.kernel;
    let shapes = call.outputs(kernel).unwrap_or_else(|| super::refusals::empty_outputs(kernel));
    let reply = subject.compiled(call, &shapes, at)?;
    let what = match (reply, meant) {
        (Reply::Done(numbers), Meaning::Values(outputs)) => {
            let mut starts = vec![0];
            shapes.iter().for_each(|s| starts.push(starts[starts.len() - 1] + s.iter().product::<usize>()));
            let value = |output: usize, n: usize| Approx {
                value: numbers[starts[output] + n],
                bound: 0.0,
                sure: true,
            };
            let different = subject.tally.judge(outputs, &numbers);
            different.or_else(|| unmet(kernel, case, &shapes, &value))
        }
        (Reply::Done(_), _) => Some("the call is accepted, the case expects an error".to_owned()),
        (Reply::Refused(why), Meaning::Values(_)) => Some(format!("the call is refused: {why}")),
        (Reply::Refused(_) | Reply::Inexpressible, _) => None,
        (Reply::Failed(why), _) => Some(why),
    };
    if let Some(what) = what {
        subject.fail(trial, call, Some(at), what);
    }
    Ok(())
}

fn arguments(kernel: &Kernel, case: &Case) -> std::result::Result<Arguments, (String, EvalError)> {
    let mut inputs = Vec::with_capacity(case.inputs.len());
    for (n, (i, data)) in (0u32..).zip(kernel.inputs.iter().zip(&case.inputs)) {
        inputs.push(match kernel.packed(InputId(n)) {
            Some(p) => encode(&p.format, &data.dims, &data.values).map_err(|e| (i.name.clone(), e))?,
            None => tensor(&i.dtype, &data.dims, &data.values),
        });
    }
    Ok(Arguments { dims: case.dims.clone(), inputs })
}

/// The first expectation that some values do not meet.
fn unmet(
    kernel: &Kernel,
    case: &Case,
    shapes: &[Vec<usize>],
    value: &dyn Fn(usize, usize) -> Approx,
) -> Option<String> {
    case.expects.iter().find_map(|e| match e {
        Expected::Error => None,
        Expected::Near { output, want, tol } => {
            differs(kernel, *output, want, shapes, value, &|a, w, _| near(a, w, *tol))
        }
        Expected::Equal { output, want } => differs(kernel, *output, want, shapes, value, &|a, w, dtype| {
            let (a, w) = (round_float(a, dtype), round_float(w, dtype));
            a == w || a.is_nan() && w.is_nan()
        }),
    })
}

fn differs(
    kernel: &Kernel,
    output: usize,
    want: &Data,
    shapes: &[Vec<usize>],
    value: &dyn Fn(usize, usize) -> Approx,
    agrees: &dyn Fn(f64, f64, &DType) -> bool,
) -> Option<String> {
    let o = &kernel.outputs[output];
    let dtype = &kernel.def(o.def).dtype;
    let found: usize = shapes[output].iter().product();
    // Lists cannot say what is below an empty list.
    if shapes[output] != want.dims && !(found == 0 && want.values.is_empty()) {
        return Some(format!("{} has the shape {:?}, expected is {:?}", o.name, shapes[output], want.dims));
    }
    for (n, w) in want.values.iter().enumerate() {
        let a = value(output, n);
        if a.sure && !agrees(a.value, *w, dtype) {
            return Some(format!("element {n} of {} is {:?}, expected is {w:?}", o.name, a.value));
        }
    }
    None
}
