//! Lanes taken apart: one lane of a block as a single value.
//!
//! For what has no lane form; a block of these costs a store and reloads.

use crate::isa::{Isa, MAX_WIDTH};
use crate::lanes::{F32, I32, Mask};

impl<S: Isa, const U: usize> F32<S, U> {
    /// Lane `i`, counted from the block's start.
    ///
    /// # Panics
    /// When the block has no such lane.
    #[inline(always)]
    pub fn lane(self, i: usize) -> f32 {
        let mut values = [0.0; MAX_WIDTH];
        // SAFETY: the array has at least `WIDTH` values.
        unsafe { self.isa().store_f32(values.as_mut_ptr(), self.registers()[i / S::WIDTH]) };
        values[i % S::WIDTH]
    }
}

impl<S: Isa, const U: usize> I32<S, U> {
    /// Lane `i`, counted from the block's start.
    ///
    /// # Panics
    /// When the block has no such lane.
    #[inline(always)]
    pub fn lane(self, i: usize) -> i32 {
        let mut values = [0; MAX_WIDTH];
        // SAFETY: the array has at least `WIDTH` values.
        unsafe { self.isa().store_i32(values.as_mut_ptr(), self.registers()[i / S::WIDTH]) };
        values[i % S::WIDTH]
    }
}

impl<S: Isa, const U: usize> Mask<S, U> {
    /// Lane `i`, counted from the block's start.
    ///
    /// # Panics
    /// When the block has no such lane.
    #[inline(always)]
    pub fn lane(self, i: usize) -> bool {
        self.isa().mask_bits(self.registers()[i / S::WIDTH]) >> (i % S::WIDTH) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use crate::isa::{Isa, Kernel, dispatch};
    use crate::{Lanes, Level};

    struct TakeApart;

    impl Kernel for TakeApart {
        type Output = ();

        fn run<S: Isa>(self, s: S) {
            for part in s.parts::<2>(3, 3 + 2 * S::WIDTH) {
                for d in part {
                    let (i, half) = (d.iota(), s.splat_i32::<2>(S::WIDTH as i32));
                    for n in 0..2 * S::WIDTH {
                        assert_eq!(i.lane(n), 3 + n as i32);
                        assert_eq!(i.to_f32().lane(n), 3.0 + n as f32);
                        assert_eq!(i.lt(half).lane(n), 3 + n < S::WIDTH);
                    }
                }
            }
        }
    }

    #[test]
    fn lanes_come_out_in_order_at_every_level() {
        for &level in Level::available() {
            dispatch(level, TakeApart);
        }
    }
}
