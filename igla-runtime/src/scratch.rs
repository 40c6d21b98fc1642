//! Scratch memory: an arena that kernels carve into slices, so that no kernel allocates.

use std::mem;

use crate::tensor::Element;

/// Every carved slice starts at a multiple of this many bytes.
pub const ALIGNMENT: usize = 64;

/// One cache line, so that a vector of them is aligned.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [u8; ALIGNMENT]);

/// Memory that scratch comes from. It grows when asked for more than ever before and never shrinks.
#[derive(Default)]
pub(crate) struct Arena {
    lines: Vec<Line>,
}

impl Arena {
    /// Makes at least `bytes` available. Allocates only when that is more than ever before.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        let lines = bytes.div_ceil(ALIGNMENT);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0; ALIGNMENT]));
        }
    }

    /// All of it.
    pub(crate) fn scratch(&mut self) -> Scratch<'_> {
        let bytes = self.lines.len() * ALIGNMENT;
        // SAFETY: the vector holds exactly this many initialised bytes, borrowed mutably through `self`.
        Scratch { rest: unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), bytes) } }
    }
}

/// Memory to carve slices from, front to back. Its contents are unspecified (but initialised).
pub struct Scratch<'a> {
    rest: &'a mut [u8],
}

impl<'a> Scratch<'a> {
    /// No memory at all.
    pub fn empty() -> Self {
        Scratch { rest: &mut [] }
    }

    /// Bytes that [`Scratch::take`] uses up for `len` values; saturates, so that an impossible size fails there.
    pub const fn bytes_of<T: Element>(len: usize) -> usize {
        let bytes = len.saturating_mul(size_of::<T>());
        bytes.saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Carves a slice of unspecified values, aligned to [`ALIGNMENT`].
    ///
    /// # Panics
    /// When fewer than `bytes_of::<T>(len)` bytes are left: the sizing function and the body disagree.
    #[inline]
    pub fn take<T: Element>(&mut self, len: usize) -> &'a mut [T] {
        let bytes = Scratch::bytes_of::<T>(len);
        if bytes > self.rest.len() || len > isize::MAX as usize / size_of::<T>() {
            exhausted(bytes, self.rest.len());
        }
        let (taken, rest) = mem::take(&mut self.rest).split_at_mut(bytes);
        self.rest = rest;
        if !T::ANY_BITS {
            taken.fill(0);
        }
        // SAFETY: `taken` holds at least `len * size_of::<T>()` bytes, is borrowed for 'a and aligned
        // (arenas start aligned and every piece is a multiple of the alignment); any bits, or zeros as
        // just written, are values of the sealed trait's types.
        unsafe { std::slice::from_raw_parts_mut(taken.as_mut_ptr().cast(), len) }
    }

    /// The same memory for a shorter time, after which it can be carved again.
    #[inline(always)]
    pub fn reborrow(&mut self) -> Scratch<'_> {
        Scratch { rest: self.rest }
    }

    /// Itself, whether it is owned or borrowed: for calls whose results live as long as the memory.
    #[inline(always)]
    pub fn by_ref(&mut self) -> &mut Self {
        self
    }
}

#[cold]
#[inline(never)]
fn exhausted(wanted: usize, left: usize) -> ! {
    panic!("scratch has {left} bytes left, but {wanted} are needed: its size was computed wrongly")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_aligned_disjoint_and_writable() {
        let mut arena = Arena::default();
        arena.reserve(
            Scratch::bytes_of::<f32>(5) + Scratch::bytes_of::<u8>(65) + Scratch::bytes_of::<bool>(3),
        );
        arena.scratch().take::<u8>(128).fill(0xff);
        let mut scratch = arena.scratch();
        let (a, b, c) = (scratch.take::<f32>(5), scratch.take::<u8>(65), scratch.take::<bool>(3));
        assert_eq!(c, [false; 3]);
        a.fill(1.0);
        b.fill(2);
        c.fill(true);
        assert!(a.iter().all(|&x| x == 1.0) && b.iter().all(|&x| x == 2));
        for address in [a.as_ptr() as usize, b.as_ptr() as usize, c.as_ptr() as usize] {
            assert_eq!(address % ALIGNMENT, 0);
        }
        assert_eq!(scratch.remaining(), 0);
        assert_eq!(scratch.take::<f32>(0).len(), 0);
    }

    #[test]
    #[should_panic(expected = "scratch has 64 bytes left, but 128 are needed")]
    fn taking_too_much_panics() {
        let mut arena = Arena::default();
        arena.reserve(64);
        arena.scratch().take::<f32>(17);
    }

    #[test]
    #[should_panic(expected = "scratch has")]
    fn absurd_lengths_panic() {
        Scratch::empty().take::<f32>(usize::MAX);
    }
}
