//! Which axis gives each size its value.
//!
//! Bare axes (`D`) bind first; then any axis that is linear in one size still unknown
//! (`H*C` with `H` known). Every other axis is a check at entry.

use crate::term::{Atom, Check, DimBind, DimId, Input, InputId, Int};

/// The outcome of solving.
pub(super) struct Solution {
    /// Dims in the order in which they can be solved, with their binding.
    pub order: Vec<(DimId, DimBind)>,
    /// Axes that bind nothing.
    pub checks: Vec<Check>,
    /// Dims no axis determines.
    pub unknown: Vec<DimId>,
}

/// Solves the dims of some inputs; `given` are bound already (arguments, a layer's dims).
pub(super) fn solve(count: usize, given: &[(DimId, DimBind)], inputs: &[Input]) -> Solution {
    let mut order: Vec<(DimId, DimBind)> = given.to_vec();
    let mut known = vec![false; count];
    for (d, _) in given {
        known[d.index()] = true;
    }
    let mut axes: Vec<(InputId, usize, Int)> = vec![];
    for (id, input) in (0u32..).zip(inputs) {
        for (axis, extent) in input.shape.iter().enumerate() {
            axes.push((InputId(id), axis, extent.clone()));
        }
    }
    let mut used = vec![false; axes.len()];
    for bare_only in [true, false] {
        loop {
            let mut progress = false;
            for (k, (input, axis, extent)) in axes.iter().enumerate() {
                if used[k] {
                    continue;
                }
                let Some((d, factor, offset)) = one_unknown(extent, &known) else { continue };
                if bare_only && (factor.as_const() != Some(1) || offset != Int::default()) {
                    continue;
                }
                known[d.index()] = true;
                used[k] = true;
                progress = true;
                order.push((d, DimBind::Axis { input: *input, axis: *axis, offset, factor, blocks: None }));
            }
            if !progress {
                break;
            }
        }
    }
    let checks = axes
        .into_iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|((input, axis, expect), _)| Check::Axis { input, axis, expect })
        .collect();
    let unknown = (0u32..).zip(&known).filter(|(_, k)| !**k).map(|(d, _)| DimId(d)).collect();
    Solution { order, checks, unknown }
}

/// `extent = factor * d + offset` with `d` the only unknown.
fn one_unknown(extent: &Int, known: &[bool]) -> Option<(DimId, Int, Int)> {
    let mut unknown: Option<DimId> = None;
    let mut single = true;
    extent.visit_leaves(&mut |a| {
        if let Atom::Dim(d) = a
            && !known.get(d.index()).copied().unwrap_or(true)
        {
            single &= unknown.is_none_or(|u| u == *d);
            unknown = Some(*d);
        }
    });
    let d = unknown.filter(|_| single)?;
    let target = Atom::Dim(d);
    let (mut factor, mut offset) = (Int::default(), Int::default());
    for (m, c) in extent.terms() {
        let times = m.iter().filter(|a| **a == target).count();
        let rest: Vec<Atom> = m.iter().filter(|a| **a != target).cloned().collect();
        match times {
            0 => offset = offset.add(&super::facts::monomial(&rest, c)),
            1 => factor = factor.add(&super::facts::monomial(&rest, c)),
            _ => return None,
        }
    }
    let mut hidden = false;
    for e in [&factor, &offset] {
        e.visit_leaves(&mut |a| hidden |= *a == target);
    }
    (!hidden && factor != Int::default()).then_some((d, factor, offset))
}
