//! Left positions that merge axes: `h*C + c`.

use super::facts::Facts;
use crate::term::{IndexId, Int};

/// The extent of the merged axis if `position` counts through `indices` in mixed radix, each
/// value once; `None` otherwise.
pub(super) fn mixed_radix(
    position: &Int,
    indices: &[IndexId],
    facts: &Facts,
    extent: &dyn Fn(IndexId) -> Int,
) -> Option<Int> {
    let mut digits = vec![];
    let mut rest = position.clone();
    for i in indices {
        let (coefficient, without) = rest.linear_in(*i)?;
        digits.push((*i, coefficient));
        rest = without;
    }
    if rest != Int::default() || digits.is_empty() {
        return None;
    }
    let mut stride = Int::constant(1);
    while !digits.is_empty() {
        let next = digits.iter().position(|(_, c)| facts.same(c, &stride))?;
        let (i, _) = digits.remove(next);
        stride = stride.mul(&extent(i));
    }
    Some(stride)
}
