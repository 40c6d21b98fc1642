//! Sizes: random candidates, repaired where an equation names a dim, until every condition on
//! dims alone holds and the work fits.

use super::super::rng::Rng;
use super::SizeProfile;
use crate::term::{Atom, Check, ExprId, Int, Kernel, Node};

/// What sizes must satisfy.
pub(super) struct Wanted<'a> {
    /// How each size is chosen.
    pub dims: &'a [Choice],
    /// Conditions on them.
    pub checks: &'a [Check],
    /// Whether they are small enough; `None` if something cannot be computed.
    pub fits: &'a dyn Fn(&[i64]) -> Option<bool>,
}

/// How a size is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// From the profile.
    Free,
    /// From the smaller half of the profile.
    Small,
    /// From a few small values, 0 among them: a number of copies or rounds.
    Few,
    /// Not at all.
    Fixed(i64),
}

/// Values of a kernel's dims, those that are `fixed` as they are, or nothing if this attempt does not satisfy the
/// conditions. Dims beyond the end of `fixed` are free.
pub(super) fn of_kernel(
    kernel: &Kernel,
    fixed: &[Option<i64>],
    rng: &mut Rng,
    profile: SizeProfile,
    shrink: usize,
) -> Option<Vec<i64>> {
    let choice = |n: usize| fixed.get(n).copied().flatten().map_or(Choice::Free, Choice::Fixed);
    let choices: Vec<Choice> = (0..kernel.dims.len()).map(choice).collect();
    let fits = |dims: &[i64]| fits(kernel, dims, profile);
    draw(&Wanted { dims: &choices, checks: &kernel.checks, fits: &fits }, rng, profile, shrink)
}

/// Values of all dims, or nothing if this attempt does not satisfy the conditions. `shrink`, 0 to
/// 3, draws from ever smaller candidates.
pub(super) fn draw(
    wanted: &Wanted<'_>,
    rng: &mut Rng,
    profile: SizeProfile,
    shrink: usize,
) -> Option<Vec<i64>> {
    // One call in eight has zero sizes, and then only some of its dims.
    let zeros = profile.zeros && rng.once_in(8);
    let candidates = &profile.dims[..(profile.dims.len() >> shrink).max(4).min(profile.dims.len())];
    // Equal dims are a case of their own, and the only way to meet some equations.
    let common = *rng.pick(candidates);
    let mut dims: Vec<i64> = (wanted.dims.iter())
        .map(|choice| match choice {
            Choice::Fixed(v) => *v,
            Choice::Few => *rng.pick(&[0, 1, 1, 2, 2, 3]),
            Choice::Small => *rng.pick(&candidates[..candidates.len().div_ceil(2)]),
            Choice::Free if zeros && rng.once_in(2) => 0,
            Choice::Free if rng.once_in(5) => common,
            Choice::Free => *rng.pick(candidates),
        })
        .collect();
    for _ in 0..wanted.checks.len() {
        if !repair(wanted, &mut dims, rng) {
            break;
        }
    }
    let lawful = wanted.checks.iter().all(|c| holds(c, &dims) != Some(false));
    (lawful && (wanted.fits)(&dims)?).then_some(dims)
}

fn eval(int: &Int, dims: &[i64]) -> Option<i64> {
    int.eval(&|a| if let Atom::Dim(d) = a { dims.get(d.index()).copied() } else { None })
}

/// Whether a condition holds; `None` if it is about more than dims.
fn holds(check: &Check, dims: &[i64]) -> Option<bool> {
    match check {
        Check::Axis { .. } => None, // true by construction: shapes are computed from dims
        Check::Where { lhs, cmp, rhs, .. } => {
            let known = |int: &Int| {
                let mut only_dims = true;
                int.visit_leaves(&mut |a| only_dims &= matches!(a, Atom::Dim(_)));
                only_dims
            };
            if !known(lhs) || !known(rhs) {
                return None;
            }
            // Overflow or a zero divisor fails the call, too.
            let (Some(a), Some(b)) = (eval(lhs, dims), eval(rhs, dims)) else { return Some(false) };
            Some(cmp.holds(a, b))
        }
        Check::InRange { domain, low, high, extent, .. } => {
            if domain.iter().any(|d| eval(d, dims).is_some_and(|v| v <= 0)) {
                return Some(true);
            }
            Some(0 <= eval(low, dims)? && eval(high, dims)? < eval(extent, dims)?)
        }
    }
}

/// Changes one dim towards a condition that fails; `false` if none fails or nothing helps.
fn repair(wanted: &Wanted<'_>, dims: &mut [i64], rng: &mut Rng) -> bool {
    let free = |d: usize| !matches!(wanted.dims[d], Choice::Fixed(_));
    let Some(failing) = wanted.checks.iter().find(|c| holds(c, dims) == Some(false)) else {
        return false;
    };
    let (lhs, rhs) = match failing {
        Check::Where { lhs, rhs, .. } => (lhs, rhs),
        Check::InRange { high, extent, .. } => (high, extent),
        Check::Axis { .. } => return false,
    };
    // `D == H*C` and the like: set the dim that stands alone.
    for (alone, other) in [(lhs, rhs), (rhs, lhs)] {
        if let (Some(Atom::Dim(d)), Some(v)) = (alone.as_atom(), eval(other, dims))
            && (0..=1 << 20).contains(&v)
            && free(d.index())
        {
            dims[d.index()] = v;
            if holds(failing, dims) == Some(true) {
                return true;
            }
        }
    }
    // `D % 256 == 0`: a few of those.
    for (rest, other) in [(lhs, rhs), (rhs, lhs)] {
        if let Some(Atom::Mod(x, n)) = rest.as_atom()
            && let (Some(Atom::Dim(d)), Some(n), Some(0)) = (x.as_atom(), n.as_const(), other.as_const())
            && (1..=1 << 16).contains(&n)
            && free(d.index())
        {
            dims[d.index()] = n * *rng.pick(&[0, 1, 1, 1, 2, 2, 3, 4]);
            return true;
        }
    }
    // Otherwise search one mentioned dim over small values, from a random start.
    let mut mentioned = Vec::new();
    for int in [lhs, rhs] {
        int.visit_leaves(&mut |a| {
            if let Atom::Dim(d) = a
                && free(d.index())
            {
                mentioned.push(d.index());
            }
        });
    }
    if mentioned.is_empty() {
        return false;
    }
    let d = *rng.pick(&mentioned);
    let before = dims[d];
    let start = rng.below(65) as i64;
    for step in 0..65 {
        dims[d] = (start + step) % 65;
        if holds(failing, dims) == Some(true) {
            return true;
        }
    }
    dims[d] = before;
    true // another dim may be picked next time
}

/// Whether arrays and work stay within the profile; `None` for sizes that are negative or overflow.
fn fits(kernel: &Kernel, dims: &[i64], profile: SizeProfile) -> Option<bool> {
    let (elements, work) = kernel_work(kernel, dims)?;
    Some(elements <= profile.elements && work <= profile.work)
}

/// Elements of all inputs and definitions, and roughly the evaluated expressions.
pub(in crate::interp) fn kernel_work(kernel: &Kernel, dims: &[i64]) -> Option<(u64, u64)> {
    let volume = |shape: &mut dyn Iterator<Item = &Int>| -> Option<u64> {
        let mut v = 1u64;
        for int in shape {
            v = v.saturating_mul(u64::try_from(eval(int, dims)?).ok()?);
        }
        Some(v)
    };
    let mut elements = 0u64;
    for shape in kernel.inputs.iter().map(|i| &i.shape).chain(kernel.defs.iter().map(|d| &d.shape)) {
        elements = elements.saturating_add(volume(&mut shape.iter())?);
    }
    let mut work = 0u64;
    for def in &kernel.defs {
        let outer = volume(&mut def.indices.iter().map(|i| &kernel.indices[i.index()].extent))?;
        work = work.saturating_add(outer.saturating_mul(cost(kernel, def.body, dims)?));
    }
    Some((elements, work))
}

/// Steps of one evaluation of an expression, nothing shared.
fn cost(kernel: &Kernel, root: ExprId, dims: &[i64]) -> Option<u64> {
    // Children are older than their parents, so one pass over smaller ids is enough.
    let mut costs = vec![0u64; root.index() + 1];
    for i in 0..=root.index() {
        let id = ExprId(u32::try_from(i).ok()?);
        let children = kernel.exprs.children(id).iter().fold(1u64, |n, c| n.saturating_add(costs[c.index()]));
        costs[i] = match kernel.exprs.node(id) {
            Node::Fold { over, .. } => {
                let mut times = 1u64;
                for o in over {
                    let extent = eval(&kernel.indices[o.index()].extent, dims)?;
                    times = times.saturating_mul(u64::try_from(extent).ok()?);
                }
                children.saturating_mul(times).saturating_add(1)
            }
            _ => children,
        };
    }
    Some(costs[root.index()])
}
