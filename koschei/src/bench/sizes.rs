//! Sizes to measure a kernel at: those that were asked for, the rest so that its data lies in a cache or in memory.

use vibee_spec::interp::SizeProfile;
use vibee_spec::interp::draw;
use vibee_spec::term::Kernel;

use super::work::{self, Work};

/// Bytes that stay in a core's first cache, in its second, and in none.
pub const FOOTPRINTS: [f64; 3] = [24.0 * 1024.0, 384.0 * 1024.0, 48.0 * 1024.0 * 1024.0];

/// Sizes that data has.
const COMMON: SizeProfile = SizeProfile {
    dims: &[4, 8, 16, 32, 64, 128, 256, 384, 512, 768, 1024, 2048, 4096, 8192],
    zeros: false,
    elements: 1 << 27,
    // Counted by the caller, and exactly.
    work: u64::MAX,
    specials: false,
};

/// Draws of sizes, of which the best is taken.
const DRAWS: u64 = 600;
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
    /// In the kernel's order.
    pub dims: Vec<i64>,
    /// What there is to do.
    pub work: Work,
}

/// Points to measure: one if all dims are given, else one for each footprint that the kernel can have. None if no
/// sizes satisfy its conditions.
#[must_use]
pub fn points(kernel: &Kernel, fixed: &[Option<i64>]) -> Vec<Point> {
    let counted = |dims: Vec<i64>| {
        let work = work::count(kernel, &dims)?;
        Some(Point { dims, work })
    };
    if !fixed.is_empty() && fixed.iter().all(Option::is_some) {
        return counted(fixed.iter().copied().flatten().collect()).into_iter().collect();
    }
    let drawn: Vec<Point> = (0..DRAWS)
        .filter_map(|seed| counted(draw::sizes(kernel, fixed, seed, COMMON)?))
        .filter(|p| p.work.flops + 10.0 * p.work.functions <= LONGEST)
        .collect();
    let mut out: Vec<Point> = Vec::new();
    for footprint in FOOTPRINTS {
        let off = |p: &Point| (p.work.bytes / footprint).ln().abs();
        let worth = |p: &Point| off(p) + SPREAD * spread(&p.dims);
        let best = drawn.iter().min_by(|a, b| worth(a).total_cmp(&worth(b)));
        if let Some(best) = best.filter(|p| off(p) <= NEAR.ln() && !out.contains(p)) {
            out.push(best.clone());
        }
    }
    if out.is_empty() {
        // A kernel of few bytes: the most that it can have.
        out.extend(drawn.into_iter().max_by(|a, b| a.work.bytes.total_cmp(&b.work.bytes)));
    }
    out
}

/// How far apart sizes are, as a logarithm.
fn spread(dims: &[i64]) -> f64 {
    let (least, most) = dims.iter().fold((i64::MAX, 1), |(l, m), d| (l.min(*d), m.max(*d)));
    (most as f64 / least.clamp(1, most) as f64).ln()
}
