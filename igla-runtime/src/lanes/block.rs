//! Blocks of consecutive indices and the split of a range into them.

use crate::isa::Isa;
use crate::lanes::{I32, Mask};

/// `U` registers' worth of consecutive indices, of which the active ones are to be computed.
///
/// A full block has every lane active; its loads and stores need no masks.
#[derive(Clone, Copy)]
pub struct Block<S: Isa, const U: usize> {
    s: S,
    start: usize,
    span: usize,
    /// The indices of all blocks of the part, this one among them.
    part: (usize, usize),
    full: bool,
    /// Whether active lanes may be fewer than the first `span`.
    sparse: bool,
    masks: [S::M; U],
}

impl<S: Isa, const U: usize> Block<S, U> {
    /// Indices per block.
    pub const LEN: usize = U * S::WIDTH;

    /// The index of lane 0.
    #[inline(always)]
    pub fn start(self) -> usize {
        self.start
    }

    /// `start + lane` in each lane, wrapping beyond `i32::MAX`.
    #[inline(always)]
    pub fn iota(self) -> I32<S, U> {
        let s = self.s;
        let first = self.start as i32;
        I32::new(s, array_of!(U, |u| s.add_i(s.iota(), s.splat_i(first.wrapping_add((u * S::WIDTH) as i32)))))
    }

    /// The active lanes.
    #[inline(always)]
    pub fn mask(self) -> Mask<S, U> {
        Mask::new(self.s, self.masks)
    }

    /// The same indices with only those active that are so already and in `mask`.
    #[inline(always)]
    pub fn only(self, mask: Mask<S, U>) -> Self {
        let (s, a, b) = (self.s, self.masks, mask.registers());
        Block { full: false, sparse: true, masks: array_of!(U, |u| s.and_m(a[u], b[u])), ..self }
    }

    /// Whether the block is known to have every lane active; the same for all blocks of one part.
    #[inline(always)]
    pub fn is_full(self) -> bool {
        self.full
    }

    /// The token.
    #[inline(always)]
    pub fn isa(self) -> S {
        self.s
    }

    #[inline(always)]
    pub(crate) fn masks(self) -> [S::M; U] {
        self.masks
    }

    /// Active lanes lie in `0..span`.
    #[inline(always)]
    pub(crate) fn span(self) -> usize {
        self.span
    }

    /// Whether active lanes may be fewer than the first `span`.
    #[inline(always)]
    pub(crate) fn is_sparse(self) -> bool {
        self.sparse
    }

    /// The indices of the part that the block is of: a check of them is the same for all its blocks, so it leaves the
    /// loop over them.
    #[inline(always)]
    pub(crate) fn part(self) -> (usize, usize) {
        self.part
    }

    /// The first of the blocks of `start..end`.
    #[inline(always)]
    fn full(s: S, start: usize, end: usize) -> Self {
        Block {
            s,
            start,
            span: Self::LEN,
            part: (start, end),
            full: true,
            sparse: false,
            masks: array_of!(U, |_u| s.splat_m(true)),
        }
    }

    #[inline(always)]
    fn tail(s: S, start: usize, span: usize) -> Self {
        let masks = array_of!(U, |u| s.mask_prefix(span, u * S::WIDTH));
        Block { s, start, span, part: (start, start + span), full: false, sparse: false, masks }
    }
}

/// The parts of a range: full blocks first, then the tail.
#[derive(Clone, Copy)]
pub struct Parts<S: Isa, const U: usize> {
    s: S,
    next: usize,
    hi: usize,
}

impl<S: Isa, const U: usize> Parts<S, U> {
    #[inline(always)]
    pub(super) fn new(s: S, lo: usize, hi: usize) -> Self {
        if hi > isize::MAX as usize {
            range_too_long(hi);
        }
        Parts { s, next: lo, hi }
    }
}

#[cold]
#[inline(never)]
fn range_too_long(hi: usize) -> ! {
    panic!("index range ends at {hi}, beyond any slice")
}

impl<S: Isa, const U: usize> Iterator for Parts<S, U> {
    type Item = Part<S, U>;

    #[inline(always)]
    fn next(&mut self) -> Option<Part<S, U>> {
        if self.next >= self.hi {
            return None;
        }
        let (start, count) = (self.next, self.hi - self.next);
        let blocks = count / Block::<S, U>::LEN;
        if blocks > 0 {
            self.next = start + blocks * Block::<S, U>::LEN;
            Some(Part { block: Block::full(self.s, start, self.next), end: self.next })
        } else {
            self.next = self.hi;
            Some(Part { block: Block::tail(self.s, start, count), end: self.hi })
        }
    }
}

/// Consecutive blocks with the same mask.
#[derive(Clone, Copy)]
pub struct Part<S: Isa, const U: usize> {
    block: Block<S, U>,
    end: usize,
}

impl<S: Isa, const U: usize> Iterator for Part<S, U> {
    type Item = Block<S, U>;

    #[inline(always)]
    fn next(&mut self) -> Option<Block<S, U>> {
        if self.block.start >= self.end {
            return None;
        }
        let block = self.block;
        self.block.start += Block::<S, U>::LEN;
        Some(block)
    }
}
