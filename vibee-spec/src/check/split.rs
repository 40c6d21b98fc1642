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
    let one = Int::constant(1);
    let mut stride = one.clone();
    while !digits.is_empty() {
        let mut fitting = (0..digits.len()).filter(|n| facts.same(&digits[*n].1, &stride));
        let first = fitting.next()?;
        // A letter that is always 0 leaves the stride to the next one.
        let next = [first]
            .into_iter()
            .chain(fitting)
            .find(|n| facts.same(&extent(digits[*n].0), &one))
            .unwrap_or(first);
        let (i, _) = digits.remove(next);
        stride = stride.mul(&extent(i));
    }
    Some(stride)
}
