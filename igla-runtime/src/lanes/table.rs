//! Lanes computed one index at a time.

use crate::isa::{Isa, MAX_WIDTH};
use crate::lanes::{Block, F32, I32};

#[inline(always)]
pub(super) fn f32_table<S: Isa, const U: usize>(
    s: S,
    d: Block<S, U>,
    value: impl Fn(usize) -> f32,
) -> F32<S, U> {
    F32::new(
        s,
        array_of!(U, |u| {
            let values: [f32; MAX_WIDTH] = one_register(s, d, u, &value);
            // SAFETY: the array has at least `WIDTH` values.
            unsafe { s.load_f32(values.as_ptr()) }
        }),
    )
}

#[inline(always)]
pub(super) fn i32_table<S: Isa, const U: usize>(
    s: S,
    d: Block<S, U>,
    value: impl Fn(usize) -> i32,
) -> I32<S, U> {
    I32::new(
        s,
        array_of!(U, |u| {
            let values: [i32; MAX_WIDTH] = one_register(s, d, u, &value);
            // SAFETY: the array has at least `WIDTH` values.
            unsafe { s.load_i32(values.as_ptr()) }
        }),
    )
}

#[inline(always)]
fn one_register<S: Isa, T: Copy + Default, const U: usize>(
    s: S,
    d: Block<S, U>,
    u: usize,
    value: &impl Fn(usize) -> T,
) -> [T; MAX_WIDTH] {
    let bits = s.mask_bits(d.masks()[u]);
    let first = d.start() + u * S::WIDTH;
    let mut values = [T::default(); MAX_WIDTH];
    let mut lane = 0;
    while lane < S::WIDTH {
        if d.is_full() || bits >> lane & 1 == 1 {
            values[lane] = value(first + lane);
        }
        lane += 1;
    }
    values
}
