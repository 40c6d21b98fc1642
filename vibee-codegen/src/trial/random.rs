//! Drawn calls: compiled code agrees with the interpreter on every level, whatever the sizes, the
//! values and the way arguments lie in memory, and does not depend on the number of threads.

use anyhow::Result;
use vibee_spec::interp::{SizeProfile, draw};

use super::tally::Place;
use super::{Effort, Meaning, Subject, meaning};
use crate::harness::{Layout, Reply};
use crate::values::Arguments;

/// Layouts besides plain ones, by turns.
pub(super) const LAYOUTS: [Layout; 4] = [
    Layout { offset: 1, pad: 0 },
    Layout { offset: 3, pad: 5 },
    Layout { offset: 0, pad: 1 },
    Layout { offset: 7, pad: 16 },
];

/// Sizes of draw `n`: mostly small, some around blocks of lanes, few beyond a tile.
fn profile(n: u64) -> SizeProfile {
    let sizes = match n % 8 {
        7 => SizeProfile { work: 8_000_000, elements: 1 << 18, ..SizeProfile::LARGE },
        2 | 5 => SizeProfile { work: 2_000_000, ..SizeProfile::MEDIUM },
        _ => SizeProfile { work: 400_000, ..SizeProfile::SMALL },
    };
    if n % 3 == 1 { sizes.with_specials() } else { sizes }
}

/// Draws and compares calls.
///
/// # Errors
/// When the driver cannot be restarted after a crash.
pub fn run(subject: &mut Subject<'_>, effort: Effort) -> Result<()> {
    for n in 0..effort.cases {
        let seed = effort.seed_of(n);
        // Kernels whose conditions need large sizes still get small ones, and the reverse.
        let drawn = draw(subject.kernel, seed, profile(n))
            .or_else(|_| draw(subject.kernel, seed, SizeProfile::LARGE));
        let Ok(drawn) = drawn else {
            let none = Arguments { dims: vec![], inputs: vec![] };
            if subject.tally.calls == 0 && n + 1 == effort.cases {
                subject.fail(
                    "drawn calls",
                    &none,
                    None,
                    "no sizes satisfy the kernel's conditions; nothing was compared",
                );
            }
            continue;
        };
        let call = Arguments { dims: drawn.dims, inputs: drawn.inputs };
        compare(subject, &format!("drawn call {n}"), &call, n)?;
    }
    if subject.tally.failures.iter().any(|f| f.input.is_none() && !f.place.is_empty()) {
        shrink(subject, effort)?;
    }
    Ok(())
}

/// Sizes that people can read.
const TINY: SizeProfile =
    SizeProfile { dims: &[1, 2, 3], work: 10_000, elements: 1 << 8, ..SizeProfile::SMALL };

/// Looks for a small call that fails, too, and puts it first.
fn shrink(subject: &mut Subject<'_>, effort: Effort) -> Result<()> {
    let found = std::mem::take(&mut subject.tally.failures);
    for n in 0..200 {
        let sizes = if n % 2 == 1 { TINY.with_specials() } else { TINY };
        let Ok(drawn) = draw(subject.kernel, effort.seed_of(n), sizes) else { break };
        let call = Arguments { dims: drawn.dims, inputs: drawn.inputs };
        compare(subject, "small call", &call, n)?;
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
pub fn compare(subject: &mut Subject<'_>, trial: &str, call: &Arguments, n: u64) -> Result<()> {
    let outputs = match meaning(subject.kernel, call) {
        Meaning::Values(outputs) => outputs,
        Meaning::Unknown => return Ok(()),
        Meaning::Refused(why) | Meaning::Broken(why) => {
            subject.fail(trial, call, None, format!("by the interpreter: {why}"));
            return Ok(());
        }
    };
    subject.tally.calls += 1;
    let shapes: Vec<Vec<usize>> = outputs.iter().map(|o| o.dims.clone()).collect();
    let turned = LAYOUTS[(n % LAYOUTS.len() as u64) as usize];
    let best = subject.levels().end - 1;
    for level in subject.levels() {
        let plain = Place { level, threads: 1, layout: Layout::default() };
        let mut places = vec![plain, Place { layout: turned, ..plain }];
        if level == best {
            places.push(Place { threads: 3, ..plain });
        }
        let mut single = None;
        for at in places {
            let what = match subject.compiled(call, &shapes, at)? {
                Reply::Done(numbers) => {
                    let different = subject.tally.judge(&outputs, &numbers);
                    let bits: Vec<u64> =
                        numbers.iter().map(|v| if v.is_nan() { 0 } else { v.to_bits() }).collect();
                    let changed = at.threads > 1 && single.as_ref().is_some_and(|s| *s != bits);
                    single.get_or_insert(bits);
                    different
                        .or_else(|| changed.then(|| "the result depends on the number of threads".to_owned()))
                }
                Reply::Refused(why) => Some(format!("the call is refused: {why}")),
                Reply::Failed(why) => Some(why),
                Reply::Inexpressible => None,
            };
            if let Some(what) = what {
                subject.fail(trial, call, Some(at), what);
                return Ok(());
            }
        }
    }
    Ok(())
}
