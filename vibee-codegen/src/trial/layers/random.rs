//! Drawn layers: compiled code agrees with the interpreter on every level, whatever the sizes, the
//! weights, the arguments and the way they lie in memory, and does not depend on the number of threads.

use anyhow::Result;
use vibee_spec::interp::SizeProfile;
use vibee_spec::interp::draw::{self, DrawnLayer, Undrawable};
use vibee_spec::interp::layers::Assembly;

use super::{Meaning, Subject};
use crate::harness::{Layout, Reply};
use crate::trial::Effort;
use crate::trial::random::LAYOUTS;
use crate::trial::tally::Place;

/// How much more is evaluated of a layer with weights in formats: each read decodes, and rows are whole blocks.
const DECODING: u64 = 32;

/// Sizes of draw `n`: mostly small, some around blocks of lanes.
fn profile(of: &Assembly, n: u64) -> SizeProfile {
    let times = if has_formats(of) { DECODING } else { 1 };
    let sizes = match n % 8 {
        7 => SizeProfile { work: times * 6_000_000, ..SizeProfile::MEDIUM },
        2 | 5 => SizeProfile { work: times * 1_500_000, ..SizeProfile::MEDIUM },
        _ => SizeProfile { work: times * 400_000, ..SizeProfile::SMALL },
    };
    if n % 6 == 4 { sizes.with_specials() } else { sizes }
}

fn has_formats(of: &Assembly) -> bool {
    of.layer.weights.iter().any(|w| w.stored.is_some()) || of.parts.iter().any(|p| has_formats(p))
}

/// What a layer may take that has no smaller sizes, because they are fixed.
const AFFORDABLE: SizeProfile = SizeProfile { elements: 1 << 22, work: 120_000_000, ..SizeProfile::LARGE };

/// Draws of such a layer.
const AFFORDED: u64 = 2;

/// Draws and compares.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn run(subject: &mut Subject<'_>, effort: Effort) -> Result<()> {
    let mut refusals = None;
    let mut afforded = 0;
    for n in 0..effort.cases {
        let seed = effort.seed_of(n);
        let mut drawn = draw::layer(subject.of, subject.model, seed, profile(subject.of, n));
        if drawn.is_err() && afforded < AFFORDED {
            afforded += 1;
            drawn = draw::layer(subject.of, subject.model, seed, AFFORDABLE);
        }
        match drawn {
            Ok(drawn) => compare(subject, &format!("drawn call {n}"), &drawn, n)?,
            Err(why) => refusals = Some(smaller(refusals, why)),
        }
    }
    if subject.tally.values == 0 && subject.tally.failures.is_empty() {
        let why = refusals.map_or("all of its outputs are empty".to_owned(), |why| why.to_string());
        subject.tally.untested = Some(why);
    }
    if subject.tally.failures.iter().any(|f| !f.place.is_empty()) {
        shrink(subject, effort)?;
    }
    Ok(())
}

/// The refusal that says more.
fn smaller(known: Option<Undrawable>, new: Undrawable) -> Undrawable {
    match (known, new) {
        (Some(Undrawable::Large { parameters: a }), Undrawable::Large { parameters: b }) => {
            Undrawable::Large { parameters: a.min(b) }
        }
        (Some(known @ Undrawable::Large { .. }), Undrawable::Sizes) => known,
        (_, new) => new,
    }
}

/// Sizes that people can read.
const TINY: SizeProfile =
    SizeProfile { dims: &[1, 2, 3], work: 20_000, elements: 1 << 10, ..SizeProfile::SMALL };

/// Looks for a small call that fails, too, and puts it first.
fn shrink(subject: &mut Subject<'_>, effort: Effort) -> Result<()> {
    let found = std::mem::take(&mut subject.tally.failures);
    for n in 0..100 {
        let Ok(drawn) = draw::layer(subject.of, subject.model, effort.seed_of(n), TINY) else { break };
        compare(subject, "small call", &drawn, n)?;
        if !subject.tally.failures.is_empty() {
            break;
        }
    }
    for f in found {
        subject.tally.fail(f);
    }
    Ok(())
}

/// Compares one accepted call on every level.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn compare(subject: &mut Subject<'_>, trial: &str, drawn: &DrawnLayer, n: u64) -> Result<()> {
    let outputs = match subject.meaning(drawn) {
        Meaning::Values(outputs) => outputs,
        Meaning::Unknown => return Ok(()),
        Meaning::NotLoaded(why) => {
            subject.fail(trial, drawn, None, format!("by the interpreter it is not loaded: {why}"));
            return Ok(());
        }
        Meaning::Refused(why) | Meaning::Broken(why) => {
            subject.fail(trial, drawn, None, format!("by the interpreter: {why}"));
            return Ok(());
        }
    };
    subject.tally.calls += 1;
    let shapes: Vec<Vec<usize>> = outputs.iter().map(|o| o.dims.clone()).collect();
    let turned = LAYOUTS[(n % LAYOUTS.len() as u64) as usize];
    for level in subject.levels() {
        let plain = Place { level, threads: 1, layout: Layout::default() };
        let mut single = None;
        for at in [plain, Place { layout: turned, ..plain }, Place { threads: 2, ..plain }] {
            let reply = subject.compiled(drawn, &shapes, at)?;
            let bits = match &reply {
                Ok(Reply::Done(numbers)) => {
                    numbers.iter().map(|v| if v.is_nan() { 0 } else { v.to_bits() }).collect()
                }
                _ => vec![],
            };
            let changed = at.threads > 1 && single.as_ref().is_some_and(|s| *s != bits);
            single.get_or_insert(bits);
            let what = subject.judge(drawn, &outputs, reply);
            let what =
                what.or_else(|| changed.then(|| "the result depends on the number of threads".to_owned()));
            if let Some(what) = what {
                subject.fail(trial, drawn, Some(at), what);
                return Ok(());
            }
        }
    }
    Ok(())
}
