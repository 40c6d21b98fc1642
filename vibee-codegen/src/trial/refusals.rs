//! Calls that are slightly wrong: what the interpreter refuses, compiled code refuses with an error,
//! never with a panic or a result; what the interpreter accepts, compiled code computes.

use anyhow::Result;
use vibee_spec::interp::rng::Rng;
use vibee_spec::interp::{SizeProfile, Tensor, TensorData, draw};
use vibee_spec::term::{DType, Kernel};

use super::tally::Place;
use super::{Effort, Meaning, Subject, meaning, random};
use crate::harness::{Layout, Reply};
use crate::values::Arguments;

/// Sizes of the calls that are made wrong.
const SIZES: SizeProfile = SizeProfile { elements: 1 << 10, work: 100_000, ..SizeProfile::SMALL };

/// Outputs without elements, for calls that do not say their outputs' sizes.
#[must_use]
pub fn empty_outputs(kernel: &Kernel) -> Vec<Vec<usize>> {
    kernel.outputs.iter().map(|o| vec![0; kernel.def(o.def).shape.len()]).collect()
}

/// Whether an output can be handed over.
pub(super) fn small(shape: &[usize]) -> bool {
    shape.iter().fold(1, |n: usize, d| n.saturating_mul(*d)) < 1 << 20
}

/// Tries wrong calls.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn run(subject: &mut Subject<'_>, effort: Effort) -> Result<()> {
    let kernel = subject.kernel;
    for n in 0..effort.cases {
        let seed = effort.seed_of(n);
        let Ok(drawn) = draw(kernel, seed, SIZES) else { continue };
        let mut rng = Rng::new(!seed);
        let mut call = Arguments { dims: drawn.dims, inputs: drawn.inputs };
        let level = (n % subject.levels().end as u64) as usize;
        let at = Place { level, threads: 1, layout: Layout::default() };
        if rng.once_in(8) {
            outputs(subject, &mut rng, &call, at)?;
            continue;
        }
        if !spoil(&mut rng, &mut call) {
            return Ok(());
        }
        match meaning(kernel, &call) {
            Meaning::Refused(why) => refuses(subject, &call, &why, at)?,
            // Still a call: then it has to work.
            Meaning::Values(_) => random::compare(subject, "call with changed sizes", &call, n)?,
            Meaning::Unknown => {}
            Meaning::Broken(why) => subject.fail("call with changed sizes", &call, None, why),
        }
    }
    Ok(())
}

fn refuses(subject: &mut Subject<'_>, call: &Arguments, why: &str, at: Place) -> Result<()> {
    let shapes = call.outputs(subject.kernel).filter(|all| all.iter().all(|s| small(s)));
    let shapes = shapes.unwrap_or_else(|| empty_outputs(subject.kernel));
    let what = match subject.compiled(call, &shapes, at)? {
        Reply::Refused(_) => {
            subject.tally.refused += 1;
            return Ok(());
        }
        Reply::Inexpressible => return Ok(()),
        Reply::Done(_) => format!("the call is accepted, but {why}"),
        Reply::Failed(text) => format!("instead of an error ({why}): {text}"),
    };
    subject.fail("call that is wrong", call, Some(at), what);
    Ok(())
}

/// An output of a wrong extent.
fn outputs(subject: &mut Subject<'_>, rng: &mut Rng, call: &Arguments, at: Place) -> Result<()> {
    let Some(mut shapes) = call.outputs(subject.kernel) else { return Ok(()) };
    let with_axes: Vec<usize> = (0..shapes.len()).filter(|o| !shapes[*o].is_empty()).collect();
    if with_axes.is_empty() {
        return Ok(());
    }
    let o = *rng.pick(&with_axes);
    let axis = rng.below(shapes[o].len() as u64) as usize;
    shapes[o][axis] = if rng.once_in(2) { shapes[o][axis] + 1 } else { shapes[o][axis].saturating_sub(1) };
    if call.outputs(subject.kernel).as_ref() == Some(&shapes) {
        return Ok(());
    }
    let name = &subject.kernel.outputs[o].name;
    let what = match subject.compiled(call, &shapes, at)? {
        Reply::Refused(_) => {
            subject.tally.refused += 1;
            return Ok(());
        }
        Reply::Inexpressible => return Ok(()),
        Reply::Done(_) => format!("the output {name} of the wrong shape {:?} is accepted", shapes[o]),
        Reply::Failed(text) => format!("the output {name} of the wrong shape {:?}: {text}", shapes[o]),
    };
    subject.fail("call that is wrong", call, Some(at), what);
    Ok(())
}

/// Changes one size or index of a call; false if there is none.
pub(super) fn spoil(rng: &mut Rng, call: &mut Arguments) -> bool {
    let spots: u64 = call.dims.len() as u64
        + call.inputs.iter().map(|t| t.dims.len() as u64 + u64::from(is_index(t))).sum::<u64>();
    if spots == 0 {
        return false;
    }
    let mut spot = rng.below(spots);
    for d in &mut call.dims {
        if spot == 0 {
            *d = *rng.pick(&[0, *d + 1, (*d - 1).max(0), *d * 2 + 1, 1 << 20]);
            return true;
        }
        spot -= 1;
    }
    for t in &mut call.inputs {
        let axes = t.dims.len() as u64;
        if spot < axes {
            let axis = spot as usize;
            let d = t.dims[axis];
            resize(t, axis, *rng.pick(&[0, d + 1, d.saturating_sub(1), d + 2, 2 * d, 1]));
            return true;
        }
        spot -= axes;
        if is_index(t) {
            if spot == 0 {
                if let TensorData::Int(values) = &mut t.data
                    && !values.is_empty()
                {
                    let at = rng.below(values.len() as u64) as usize;
                    values[at] = *rng.pick(&[values[at] + 1, values[at] + 17, 1 << 20, i64::from(u32::MAX)]);
                }
                return true;
            }
            spot -= 1;
        }
    }
    true
}

fn is_index(t: &Tensor) -> bool {
    matches!(t.dtype, DType::Idx(_) | DType::Len(_))
}

/// Gives an axis another extent; elements are repeated or cut.
fn resize(t: &mut Tensor, axis: usize, extent: usize) {
    t.dims[axis] = extent;
    let count: usize = t.dims.iter().product();
    fn cycled<T: Copy + Default>(v: &[T], count: usize) -> Vec<T> {
        (0..count).map(|n| v.get(n % v.len().max(1)).copied().unwrap_or_default()).collect()
    }
    t.data = match &t.data {
        TensorData::Float(v) => TensorData::Float(cycled(v, count)),
        TensorData::Int(v) => TensorData::Int(cycled(v, count)),
        TensorData::Bool(v) => TensorData::Bool(cycled(v, count)),
    };
}
