//! Entry checks of generated kernels: each either passes or names what is wrong.
//!
//! Sizes come from callers, so arithmetic on them is checked or done in `i64` on sizes below 2^31.

use crate::error::ShapeError;
use crate::scratch::Scratch;
use crate::tensor::Element;
use crate::view::View;

/// An axis has the extent that its symbol has.
#[inline]
pub fn dim(
    kernel: &'static str,
    tensor: &'static str,
    axis: usize,
    want: &'static str,
    expected: i64,
    found: usize,
) -> Result<(), ShapeError> {
    match usize::try_from(expected) {
        Ok(expected) if expected == found => Ok(()),
        Ok(expected) => Err(ShapeError::dim(kernel, tensor, axis, want, expected, found)),
        Err(_) => Err(ShapeError::size(kernel, format!("{want} is {expected}, which is not a size"))),
    }
}

/// A size argument is small enough that positions fit 32-bit integers.
#[inline]
pub fn size(kernel: &'static str, name: &'static str, value: usize) -> Result<(), ShapeError> {
    if value > i32::MAX as usize {
        return Err(ShapeError::size(kernel, format!("{name} = {value} exceeds 2^31 - 1")));
    }
    Ok(())
}

/// Solves `extent = factor * D + offset` for the size D, which must be a whole number.
#[inline]
pub fn solve(
    kernel: &'static str,
    axis: &'static str,
    extent: usize,
    offset: i64,
    factor: i64,
) -> Result<usize, ShapeError> {
    let rest = i64::try_from(extent).ok().and_then(|e| e.checked_sub(offset));
    match rest {
        Some(rest) if factor > 0 && rest >= 0 && rest % factor == 0 => Ok((rest / factor) as usize),
        _ => Err(ShapeError::size(
            kernel,
            format!("{axis} is {extent}, which is not {offset} plus a multiple of {factor}"),
        )),
    }
}

/// The numbers in an axis that counts the bytes of whole blocks.
#[inline]
pub fn numbers(
    kernel: &'static str,
    axis: &'static str,
    extent: usize,
    bytes: usize,
    numbers: usize,
) -> Result<usize, ShapeError> {
    let found = extent.checked_div(bytes).filter(|blocks| blocks * bytes == extent);
    match found.and_then(|blocks| blocks.checked_mul(numbers)).filter(|n| *n <= i32::MAX as usize) {
        Some(n) => Ok(n),
        None => {
            Err(ShapeError::size(kernel, format!("{axis} is {extent}, no whole blocks of {bytes} bytes")))
        }
    }
}

/// The bytes of whole blocks of numbers; nothing if these are no whole blocks or too many.
#[must_use]
pub fn block_bytes(numbers: usize, block: usize, bytes: usize) -> Option<usize> {
    let blocks = numbers.checked_div(block).filter(|blocks| blocks * block == numbers)?;
    blocks.checked_mul(bytes)
}

/// Floor division in a check; by zero, -1: no valid size.
#[inline]
pub fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return -1;
    }
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}

/// Remainder of [`floor_div`]; by zero, -1: no valid remainder.
#[inline]
pub fn floor_mod(a: i64, b: i64) -> i64 {
    if b == 0 { -1 } else { a.wrapping_sub(b.wrapping_mul(floor_div(a, b))) }
}

/// A constraint holds.
#[inline]
pub fn holds(
    kernel: &'static str,
    text: &'static str,
    holds: bool,
    values: impl FnOnce() -> String,
) -> Result<(), ShapeError> {
    if holds { Ok(()) } else { Err(ShapeError::constraint(kernel, text, values())) }
}

/// Positions `low..=high` are inside an axis of `extent`, unless the loops around are empty.
#[inline]
pub fn in_range(
    kernel: &'static str,
    access: &'static str,
    empty: bool,
    low: i64,
    high: i64,
    extent: i64,
) -> Result<(), ShapeError> {
    if empty || (0 <= low && high < extent) {
        return Ok(());
    }
    let text = format!("`{access}` reads positions {low} to {high} of an axis of {extent}");
    Err(ShapeError::size(kernel, text))
}

/// Every index argument is below its bound.
#[inline]
pub fn indices<const R: usize>(
    kernel: &'static str,
    tensor: &'static str,
    values: View<'_, u32, R>,
    bound: i64,
) -> Result<(), ShapeError> {
    match values.elements().position(|v| i64::from(v) >= bound) {
        None => Ok(()),
        Some(n) => {
            let value = values.elements().nth(n).map_or(0, i64::from);
            Err(ShapeError::index(kernel, tensor, n, value, usize::try_from(bound).unwrap_or(0)))
        }
    }
}

/// An index or length argument is at most `most`.
#[inline]
pub fn at_most(kernel: &'static str, name: &'static str, value: usize, most: i64) -> Result<(), ShapeError> {
    match i64::try_from(value) {
        Ok(v) if v <= most => Ok(()),
        _ => Err(ShapeError::size(kernel, format!("{name} is {value}, but at most {most} is possible"))),
    }
}

/// Scratch bytes of an array; an error if the size overflows.
#[inline]
pub fn bytes<T: Element>(kernel: &'static str, dims: &[usize]) -> Result<usize, ShapeError> {
    let len = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    match len.and_then(|n| n.checked_mul(size_of::<T>())) {
        Some(bytes) if bytes <= isize::MAX as usize / 2 => Ok(Scratch::bytes_of::<T>(bytes / size_of::<T>())),
        _ => Err(ShapeError::size(kernel, format!("scratch of dims {dims:?} does not fit memory"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_extent_names_both_sides() {
        assert!(dim("k", "x", 1, "D", 4, 4).is_ok());
        let e = dim("k", "x", 1, "D", 4, 5).unwrap_err().to_string();
        assert!(
            e.contains('k') && e.contains('x') && e.contains('D') && e.contains('4') && e.contains('5'),
            "{e}"
        );
        assert!(dim("k", "x", 1, "D - 1", -1, 5).is_err());
    }

    #[test]
    fn sizes_are_solved_exactly_or_refused() {
        assert_eq!(solve("k", "x axis 0", 7, 1, 2).unwrap(), 3);
        assert!(solve("k", "x axis 0", 8, 1, 2).is_err());
        assert!(solve("k", "x axis 0", 0, 1, 2).is_err());
        assert!(solve("k", "x axis 0", 8, 0, 0).is_err());
    }

    #[test]
    fn scratch_that_overflows_is_refused() {
        assert!(bytes::<f32>("k", &[1 << 40, 1 << 40]).is_err());
        assert_eq!(bytes::<f32>("k", &[0, 1 << 40]).unwrap(), 0);
    }

    #[test]
    fn indices_beyond_their_bound_are_found() {
        let data = [0u32, 3, 2];
        let view = View::new(&data, [3]).unwrap();
        assert!(indices("k", "tok", view, 4).is_ok());
        assert!(indices("k", "tok", view, 3).is_err());
        assert!(at_most("k", "pos", 3, 3).is_ok());
        assert!(at_most("k", "pos", 4, 3).is_err());
    }

    #[test]
    fn division_by_zero_is_no_valid_size() {
        assert_eq!((floor_div(7, 0), floor_mod(7, 0)), (-1, -1));
        assert_eq!((floor_div(-7, 2), floor_mod(-7, 2)), (-4, 1));
    }

    #[test]
    fn empty_loops_read_nothing() {
        assert!(in_range("k", "x[t + 1]", true, 0, 9, 1).is_ok());
        assert!(in_range("k", "x[t + 1]", false, 0, 9, 1).is_err());
        assert!(in_range("k", "x[t - 1]", false, -1, 0, 1).is_err());
    }
}
