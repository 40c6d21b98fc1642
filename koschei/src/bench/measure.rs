//! Turns at timing: the call, the call again, and what the machine can do at most, so that whatever else the machine
//! does meanwhile happens to all of them.

use anyhow::{Context, Result};
use vibee_codegen::harness::{Driver, Word};

use super::callable::Callable;
use super::sizes::Point;
use super::stats::Median;

/// How a call is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Turns of each.
    pub rounds: u32,
    /// Microseconds of a turn.
    pub turn: u32,
    /// Position among the driver's levels.
    pub level: u32,
    /// Threads.
    pub threads: u32,
}

/// What was measured of one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Nanoseconds of a call.
    pub ns: Median,
    /// The same call against itself, turn by turn: how far from 1 a ratio may be that means nothing.
    pub control: Median,
    /// Operations a second in multiply-adds, at most.
    pub peak: f64,
    /// Bytes a second read from as many bytes as the call has, at most.
    pub reading: f64,
    /// Time against that of the program that it was compared with, turn by turn.
    pub against: Option<Median>,
}

/// What is called, in a driver.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The driver that has it.
    pub driver: &'a mut Driver,
    /// Its number there.
    pub number: u32,
}

/// Measures a call, and the same call in another program if one is given.
///
/// # Errors
/// When a driver dies, or a call is refused or fails.
pub fn measure(
    what: Callable<'_>,
    point: &Point,
    subject: Subject<'_>,
    other: Option<Subject<'_>>,
    effort: Effort,
    after: &mut dyn FnMut(),
) -> Result<Measured> {
    let call = what.prepare(&point.dims).context("no call")?;
    let mut own = call.turns(subject.driver, subject.number, effort)?;
    let mut other = other.map(|o| call.turns(o.driver, o.number, effort)).transpose()?;
    let (mut ns, mut control, mut against) = (Vec::new(), Vec::new(), Vec::new());
    let (mut peak, mut reading) = (Vec::new(), Vec::new());
    for round in 0..effort.rounds {
        // A B B A: what drifts during a round hits both alike.
        let first = own.take(Word::Call)?;
        let between = match &mut other {
            Some(other) => Some((other.take(Word::Call)?, other.take(Word::Call)?)),
            None => None,
        };
        let second = own.take(Word::Call)?;
        ns.extend([first, second]);
        control.push(if round % 2 == 0 { first / second } else { second / first });
        against.extend(between.map(|(a, b)| (first * second / (a * b)).sqrt()));
        peak.push(own.take(Word::MultiplyAdds)?);
        reading.push(own.take(Word::Reading(point.work.bytes as u64))?);
        after();
    }
    // What the machine can do is what it did when nothing kept it from that.
    let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let median = |values: &[f64]| Median::of(values).context("nothing was measured");
    Ok(Measured {
        ns: median(&ns)?,
        control: median(&control)?,
        peak: most(&peak),
        reading: most(&reading),
        against: Median::of(&against),
    })
}
