//! Index of the largest or smallest value: lowest index on ties, NaN never wins, 0 for nothing.

use crate::isa::{Isa, MAX_WIDTH};
use crate::lanes::{Block, F32, I32, MAX_UNROLL};

/// The largest index that lanes can hold.
const LIMIT: usize = i32::MAX as usize;

#[cold]
#[inline(never)]
fn too_far(index: usize) -> ! {
    panic!("argmax and argmin reach indices up to {LIMIT} only, not {index}")
}

/// The best values so far, lane by lane, with their indices; index −1 is "none yet".
///
/// Lanes are compared as `f32` or, after the first `update_i32`, as `i32` bits in the same registers.
#[derive(Clone, Copy)]
struct Best<S: Isa, const U: usize> {
    s: S,
    value: [S::I; U],
    index: [S::I; U],
    integers: bool,
}

impl<S: Isa, const U: usize> Best<S, U> {
    #[inline(always)]
    fn new(s: S) -> Self {
        Best { s, value: [s.splat_i(0); U], index: [s.splat_i(-1); U], integers: false }
    }

    /// Index lanes of `d`, checked.
    #[inline(always)]
    fn indices(d: Block<S, U>) -> [S::I; U] {
        if d.start() > LIMIT - Block::<S, U>::LEN {
            too_far(d.start());
        }
        d.iota().registers()
    }

    /// Takes `v` where active, a number, and beyond the best so far (`sign` −1 turns smallest into largest).
    #[inline(always)]
    fn update<const LARGEST: bool>(&mut self, d: Block<S, U>, v: F32<S, U>) {
        let (s, v, masks, at) = (self.s, v.registers(), d.masks(), Self::indices(d));
        let (value, index) = (self.value, self.index);
        let wins = array_of!(U, |u| {
            let best = s.from_bits(value[u]);
            let beyond = if LARGEST { s.lt(best, v[u]) } else { s.lt(v[u], best) };
            let first = s.and_m(s.lt_i(index[u], s.splat_i(0)), s.eq(v[u], v[u]));
            let wins = s.or_m(beyond, first);
            if d.is_full() { wins } else { s.and_m(wins, masks[u]) }
        });
        self.value = array_of!(U, |u| s.select_i(wins[u], s.to_bits(v[u]), value[u]));
        self.index = array_of!(U, |u| s.select_i(wins[u], at[u], index[u]));
    }

    #[inline(always)]
    fn update_i32<const LARGEST: bool>(&mut self, d: Block<S, U>, v: I32<S, U>) {
        let (s, v, masks, at) = (self.s, v.registers(), d.masks(), Self::indices(d));
        let (value, index) = (self.value, self.index);
        let wins = array_of!(U, |u| {
            let beyond = if LARGEST { s.lt_i(value[u], v[u]) } else { s.lt_i(v[u], value[u]) };
            let wins = s.or_m(beyond, s.lt_i(index[u], s.splat_i(0)));
            if d.is_full() { wins } else { s.and_m(wins, masks[u]) }
        });
        self.value = array_of!(U, |u| s.select_i(wins[u], v[u], value[u]));
        self.index = array_of!(U, |u| s.select_i(wins[u], at[u], index[u]));
        self.integers = true;
    }

    #[inline(always)]
    fn finish<const LARGEST: bool>(self) -> usize {
        let mut values = [0_i32; MAX_WIDTH * MAX_UNROLL];
        let mut indices = [-1_i32; MAX_WIDTH * MAX_UNROLL];
        for u in 0..U {
            // SAFETY: `u < U <= MAX_UNROLL`, and each register has at most `MAX_WIDTH` lanes.
            unsafe {
                self.s.store_i32(values.as_mut_ptr().add(u * S::WIDTH), self.value[u]);
                self.s.store_i32(indices.as_mut_ptr().add(u * S::WIDTH), self.index[u]);
            }
        }
        let lanes = U * S::WIDTH;
        winner::<LARGEST>(&values[..lanes], &indices[..lanes], self.integers)
    }
}

/// The lowest index among the lanes with the best value.
#[inline]
fn winner<const LARGEST: bool>(values: &[i32], indices: &[i32], integers: bool) -> usize {
    let mut best: Option<(i32, i32)> = None;
    for (&value, &index) in values.iter().zip(indices) {
        if index < 0 {
            continue;
        }
        let better = match best {
            None => true,
            Some((other, at)) => {
                let (new, old) = if LARGEST { (value, other) } else { (other, value) };
                let beyond = if integers { new > old } else { as_f32(new) > as_f32(old) };
                let equal = if integers { new == old } else { as_f32(new) == as_f32(old) };
                beyond || equal && index < at
            }
        };
        if better {
            best = Some((value, index));
        }
    }
    best.map_or(0, |(_, index)| index as usize)
}

#[inline(always)]
fn as_f32(bits: i32) -> f32 {
    f32::from_bits(bits as u32)
}

macro_rules! arg {
    ($name:ident, $largest:literal, $what:literal) => {
        #[doc = concat!("Finds the index of the ", $what, " value: lowest index on ties, NaN never wins.")]
        #[derive(Clone, Copy)]
        pub struct $name<S: Isa, const U: usize>(Best<S, U>);

        impl<S: Isa, const U: usize> $name<S, U> {
            #[inline(always)]
            pub(super) fn new(s: S) -> Self {
                $name(Best::new(s))
            }

            /// Considers `v` at the active indices of `d`, which must not repeat and must ascend from call
            /// to call. One search takes either `f32` or `i32` values, not both.
            ///
            /// # Panics
            /// When indices exceed `i32::MAX`.
            #[inline(always)]
            pub fn update(&mut self, d: Block<S, U>, v: F32<S, U>) {
                self.0.update::<$largest>(d, v);
            }

            #[doc = concat!("As [`", stringify!($name), "::update`], for `i32`.")]
            #[inline(always)]
            pub fn update_i32(&mut self, d: Block<S, U>, v: I32<S, U>) {
                self.0.update_i32::<$largest>(d, v);
            }

            /// The index found; 0 if nothing was considered or all of it was NaN.
            #[inline(always)]
            pub fn finish(self) -> usize {
                self.0.finish::<$largest>()
            }
        }
    };
}
arg!(ArgMax, true, "largest");
arg!(ArgMin, false, "smallest");
