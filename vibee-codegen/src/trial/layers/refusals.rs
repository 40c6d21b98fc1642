//! Weights, configurations, sizes and arguments that are slightly wrong: what the interpreter refuses,
//! compiled code refuses with an error, never with a panic or a result; what the interpreter accepts
//! (a missing key that has a default), compiled code computes.

use anyhow::Result;
use vibee_spec::interp::draw::{self, DrawnLayer};
use vibee_spec::interp::rng::Rng;
use vibee_spec::interp::{SizeProfile, Tensor, solve_dims};
use vibee_spec::term::{Atom, DType, Int};

use super::{Meaning, Subject};
use crate::harness::{Layout, NotLoaded, Reply};
use crate::trial::Effort;
use crate::trial::refusals::{small, spoil};
use crate::trial::tally::Place;
use crate::values::Arguments;

/// Sizes of what is made wrong.
const SIZES: SizeProfile =
    SizeProfile { elements: 1 << 14, work: 100_000, zeros: false, ..SizeProfile::SMALL };

/// A way to make a layer wrong; false if it has nothing of that kind.
type Spoiler = fn(&mut Rng, &mut DrawnLayer) -> bool;

/// All of them.
const SPOILERS: &[(&str, Spoiler)] = &[
    ("a missing tensor", missing_tensor),
    ("a misshapen tensor", misshapen_tensor),
    ("a missing key", missing_key),
    ("another size", other_size),
    ("a changed argument", changed_argument),
];

/// Tries wrong ones, each kind in turn.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn run(subject: &mut Subject<'_>, effort: Effort) -> Result<()> {
    for n in 0..effort.cases {
        let seed = effort.seed_of(n);
        let level = (n / SPOILERS.len() as u64 % subject.levels().end as u64) as usize;
        let at = Place { level, threads: 1, layout: Layout::default() };
        if n % 4 == 3
            && let Ok(drawn) = draw::lawless_layer(subject.of, subject.model, seed, SIZES)
            && matches!(subject.meaning(&drawn), Meaning::NotLoaded(_))
        {
            one(subject, "with sizes that break a constraint", &drawn, at)?;
        }
        let Ok(mut drawn) = draw::layer(subject.of, subject.model, seed, SIZES) else { continue };
        let (kind, spoiler) = SPOILERS[(n % SPOILERS.len() as u64) as usize];
        if spoiler(&mut Rng::new(!seed), &mut drawn) {
            one(subject, &format!("with {kind}"), &drawn, at)?;
        }
    }
    Ok(())
}

/// Tries one.
fn one(subject: &mut Subject<'_>, trial: &str, drawn: &DrawnLayer, at: Place) -> Result<()> {
    let what = match subject.meaning(drawn) {
        Meaning::Unknown => None,
        Meaning::Values(outputs) => return accepted(subject, trial, drawn, &outputs, at),
        Meaning::Broken(why) => {
            subject.fail(trial, drawn, None, why);
            return Ok(());
        }
        Meaning::NotLoaded(fault) => match subject.compiled(drawn, &empty_outputs(subject), at)? {
            Err(NotLoaded(_)) => {
                subject.tally.refused += 1;
                None
            }
            Ok(Reply::Inexpressible) => None,
            Ok(Reply::Failed(text)) => Some(format!("instead of an error of load ({fault}): {text}")),
            Ok(_) => Some(format!("it is loaded, but {fault}")),
        },
        Meaning::Refused(why) => match subject.compiled(drawn, &wanted_outputs(subject, drawn), at)? {
            Ok(Reply::Refused(_)) => {
                subject.tally.refused += 1;
                None
            }
            Ok(Reply::Inexpressible) => None,
            Ok(Reply::Failed(text)) => Some(format!("instead of an error ({why}): {text}")),
            Ok(Reply::Done(_)) => Some(format!("the call is accepted, but {why}")),
            Err(NotLoaded(text)) => Some(format!("it is not loaded: {text}")),
        },
    };
    if let Some(what) = what {
        subject.fail(trial, drawn, Some(at), what);
    }
    Ok(())
}

/// Outputs without elements: nothing is written to them.
fn empty_outputs(subject: &Subject<'_>) -> Vec<Vec<usize>> {
    let forward = &subject.of.layer.forward;
    forward.outputs.iter().map(|o| vec![0; forward.values[o.index()].shape.len()]).collect()
}

/// Outputs of the extents that a call asks for, so that they are no reason to refuse it; empty ones if
/// it asks for none, or for too much.
fn wanted_outputs(subject: &Subject<'_>, drawn: &DrawnLayer) -> Vec<Vec<usize>> {
    let (of, forward) = (&subject.of, &subject.of.layer.forward);
    let given: Vec<Vec<usize>> = drawn.inputs.iter().map(|t| t.dims.clone()).collect();
    let extents = || -> Option<Vec<Vec<usize>>> {
        let dims = solve_dims(&of.signature, &subject.sizes(drawn)?, &given).ok()?;
        let dim = |a: &Atom| if let Atom::Dim(d) = a { dims.get(d.index()).copied() } else { None };
        let extent = |e: &Int| usize::try_from(e.eval(&dim)?).ok();
        forward.outputs.iter().map(|o| forward.values[o.index()].shape.iter().map(extent).collect()).collect()
    };
    extents().filter(|all| all.iter().all(|s| small(s))).unwrap_or_else(|| empty_outputs(subject))
}

/// Still a layer and a call: then it has to work.
fn accepted(
    subject: &mut Subject<'_>,
    trial: &str,
    drawn: &DrawnLayer,
    outputs: &[vibee_spec::interp::Output],
    at: Place,
) -> Result<()> {
    let shapes: Vec<Vec<usize>> = outputs.iter().map(|o| o.dims.clone()).collect();
    if !shapes.iter().all(|s| small(s)) {
        return Ok(());
    }
    let reply = subject.compiled(drawn, &shapes, at)?;
    if let Some(what) = subject.judge(drawn, outputs, reply) {
        subject.fail(trial, drawn, Some(at), what);
    }
    Ok(())
}

fn missing_tensor(rng: &mut Rng, drawn: &mut DrawnLayer) -> bool {
    let names: Vec<String> = drawn.tensors.keys().cloned().collect();
    if names.is_empty() {
        return false;
    }
    drawn.tensors.remove(rng.pick(&names));
    true
}

/// One more or less along an axis, another order of the axes, or another rank.
fn misshapen_tensor(rng: &mut Rng, drawn: &mut DrawnLayer) -> bool {
    let names: Vec<String> = drawn.tensors.keys().cloned().collect();
    if names.is_empty() {
        return false;
    }
    let name = rng.pick(&names);
    let old = &drawn.tensors[name];
    let mut dims = old.dims.clone();
    match rng.below(4) {
        0 => dims.reverse(),
        1 => dims.push(1),
        _ if dims.is_empty() => dims.push(2),
        2 => {
            let axis = rng.below(dims.len() as u64) as usize;
            dims[axis] += 1;
        }
        _ => {
            let axis = rng.below(dims.len() as u64) as usize;
            dims[axis] = dims[axis].saturating_sub(1);
        }
    }
    if dims == old.dims {
        return false;
    }
    let values = vec![0.5; dims.iter().product()];
    drawn.tensors.insert(name.clone(), Tensor::float(DType::F32, &dims, &values));
    true
}

fn missing_key(rng: &mut Rng, drawn: &mut DrawnLayer) -> bool {
    let keys: Vec<String> = drawn.config.keys().cloned().collect();
    if keys.is_empty() {
        return false;
    }
    drawn.config.remove(rng.pick(&keys));
    true
}

fn other_size(rng: &mut Rng, drawn: &mut DrawnLayer) -> bool {
    let change = |v: i64, rng: &mut Rng| *rng.pick(&[0, v + 1, (v - 1).max(0), 2 * v + 1, 1 << 16]);
    if drawn.config.is_empty() {
        let sizes = &mut drawn.configured.sizes;
        if sizes.is_empty() {
            return false;
        }
        let at = rng.below(sizes.len() as u64) as usize;
        sizes[at] = change(sizes[at], rng);
        return true;
    }
    // A key of a scalar gets another whole number.
    let keys: Vec<String> = drawn.config.keys().cloned().collect();
    let key = rng.pick(&keys).clone();
    let old = drawn.config[&key] as i64;
    let new = change(old, rng) as f64;
    drawn.config.insert(key, new);
    true
}

fn changed_argument(rng: &mut Rng, drawn: &mut DrawnLayer) -> bool {
    let mut call = Arguments { dims: vec![], inputs: std::mem::take(&mut drawn.inputs) };
    let changed = spoil(rng, &mut call);
    drawn.inputs = call.inputs;
    changed
}
