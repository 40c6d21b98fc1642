//! Sizes to measure at: those that were asked for, the rest so that data lies in a cache or in memory.

use vibee_spec::interp::SizeProfile;

use super::callable::Callable;
use super::work::Work;

/// Bytes that stay in a core's first cache, in its second, and in none.
pub const FOOTPRINTS: [f64; 3] = [24.0 * 1024.0, 384.0 * 1024.0, 48.0 * 1024.0 * 1024.0];

/// Sizes that data has.
const COMMON: SizeProfile = SizeProfile {
    dims: &[1, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512, 768, 1024, 2048, 4096, 8192],
    zeros: false,
    elements: 1 << 27,
    // Counted by the caller, and exactly.
    work: u64::MAX,
    specials: false,
};

/// Numbers that are drawn for one call at most: they take some 24 bytes each until the call is made.
const MOST: u64 = 1 << 28;
/// Draws of sizes for each dim, of which the best is taken.
const DRAWS: u64 = 300;
/// What sizes that are apart count, against data larger or smaller than wanted by as much: of equal footprints the
/// one of like sizes is the most telling.
const SPREAD: f64 = 0.2;
/// Sizes whose data is larger or smaller than wanted by more than this factor are none.
const NEAR: f64 = 3.0;
/// Calls with more operations than this take too long to be repeated; a function counts as ten.
const LONGEST: f64 = 5e8;

/// Sizes of all dims, and what a call with them does.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// In the order of [`Callable::dims`].
    pub dims: Vec<i64>,
    /// What there is to do.
    pub work: Work,
}

/// Points to measure: one if all dims are given, else one for each footprint that a call can have.
///
/// # Errors
/// Why there is none.
pub fn points(what: Callable<'_>, fixed: &[Option<i64>]) -> Result<Vec<Point>, String> {
    if let Some(broken) = what.broken(fixed) {
        return Err(broken);
    }
    if !fixed.is_empty() && fixed.iter().all(Option::is_some) {
        return given(what, fixed.iter().copied().flatten().collect()).map(|point| vec![point]);
    }
    let mut drawn = within(COMMON, what, fixed)?;
    if drawn.is_empty() {
        // What was given leaves no smaller call.
        drawn = within(SizeProfile { elements: u64::MAX, ..COMMON }, what, fixed)?;
    }
    let quick = |p: &Point| p.work.flops + 10.0 * p.work.functions <= LONGEST;
    if drawn.iter().any(quick) {
        drawn.retain(quick);
    } else {
        // What was given leaves no shorter call.
        let shortest = drawn.into_iter().min_by(|a, b| a.work.flops.total_cmp(&b.work.flops));
        drawn = shortest.into_iter().collect();
    }
    let mut out: Vec<Point> = Vec::new();
    for footprint in FOOTPRINTS {
        let off = |p: &Point| (p.work.bytes / footprint).ln().abs();
        let worth = |p: &Point| off(p) + SPREAD * spread(&p.dims[..what.own()]);
        let best = drawn.iter().min_by(|a, b| worth(a).total_cmp(&worth(b)));
        if let Some(best) = best.filter(|p| off(p) <= NEAR.ln() && !out.contains(p)) {
            out.push(best.clone());
        }
    }
    if out.is_empty() {
        // Few bytes, or many: the most that a call can have.
        out.extend(drawn.into_iter().max_by(|a, b| a.work.bytes.total_cmp(&b.work.bytes)));
    }
    if out.is_empty() { Err("no sizes satisfy its conditions".to_owned()) } else { Ok(out) }
}

/// Points within a profile, as many as are found.
///
/// # Errors
/// When all of them are too large to be drawn.
fn within(profile: SizeProfile, what: Callable<'_>, fixed: &[Option<i64>]) -> Result<Vec<Point>, String> {
    let (mut out, mut fewest) = (Vec::new(), None);
    for seed in 0..DRAWS * what.dims().len().max(1) as u64 {
        let Some(dims) = what.sizes(fixed, seed, profile) else { continue };
        let Some(numbers) = what.numbers(&dims) else { continue };
        if numbers <= MOST {
            out.extend(what.work(&dims).map(|work| Point { dims, work }));
        } else {
            fewest = fewest.into_iter().chain([numbers]).min();
        }
    }
    fewest.filter(|_| out.is_empty()).map_or(Ok(out), |numbers| Err(too_large(numbers)))
}

/// The point of given sizes.
fn given(what: Callable<'_>, dims: Vec<i64>) -> Result<Point, String> {
    match what.numbers(&dims) {
        Some(numbers) if numbers <= MOST => {}
        Some(numbers) => return Err(too_large(numbers)),
        None => return Err(UNKNOWN.to_owned()),
    }
    let work = what.work(&dims).ok_or(UNKNOWN)?;
    Ok(Point { dims, work })
}

const UNKNOWN: &str = "a size is negative or too large";

fn too_large(numbers: u64) -> String {
    format!("too large to be drawn: {numbers} numbers")
}

/// How far apart sizes are, as a logarithm.
fn spread(dims: &[i64]) -> f64 {
    let (least, most) = dims.iter().fold((i64::MAX, 1), |(l, m), d| (l.min(*d), m.max(*d)));
    (most as f64 / least.clamp(1, most) as f64).ln()
}
