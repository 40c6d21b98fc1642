//! Truth values in lanes.

use std::ops::{BitAnd, BitOr, Not};

use crate::isa::Isa;
use crate::lanes::{Block, F32, I32};

/// `U` registers of truth values.
#[derive(Clone, Copy)]
pub struct Mask<S: Isa, const U: usize> {
    s: S,
    v: [S::M; U],
}

impl<S: Isa, const U: usize> Mask<S, U> {
    #[inline(always)]
    pub(crate) fn new(s: S, v: [S::M; U]) -> Self {
        Mask { s, v }
    }

    #[inline(always)]
    pub(crate) fn isa(self) -> S {
        self.s
    }

    #[inline(always)]
    pub(crate) fn registers(self) -> [S::M; U] {
        self.v
    }

    /// `a` where true, `b` where false.
    #[inline(always)]
    pub fn select(self, a: F32<S, U>, b: F32<S, U>) -> F32<S, U> {
        let (s, a, b) = (self.s, a.registers(), b.registers());
        F32::new(s, array_of!(U, |u| s.select(self.v[u], a[u], b[u])))
    }

    /// `a` where true, `b` where false.
    #[inline(always)]
    pub fn select_i32(self, a: I32<S, U>, b: I32<S, U>) -> I32<S, U> {
        let (s, a, b) = (self.s, a.registers(), b.registers());
        I32::new(s, array_of!(U, |u| s.select_i(self.v[u], a[u], b[u])))
    }

    /// `a` where true, `b` where false.
    #[inline(always)]
    pub fn select_mask(self, a: Self, b: Self) -> Self {
        (self & a) | (!self & b)
    }

    /// Lanes where the two differ.
    #[inline(always)]
    pub fn ne(self, other: Self) -> Self {
        (self & !other) | (!self & other)
    }

    /// Lanes where the two agree.
    #[inline(always)]
    pub fn eq(self, other: Self) -> Self {
        !self.ne(other)
    }

    /// Whether any lane is true. Inactive lanes count: combine with a block's mask where that matters.
    #[inline(always)]
    pub fn any(self) -> bool {
        let mut all = self.v[0];
        for_each!(U, |u| all = self.s.or_m(all, self.v[u]));
        self.s.mask_bits(all) != 0
    }

    /// Whether every lane is true. Inactive lanes count.
    #[inline(always)]
    pub fn all(self) -> bool {
        let mut all = self.v[0];
        for_each!(U, |u| all = self.s.and_m(all, self.v[u]));
        self.s.mask_bits(all) == ((1u64 << S::WIDTH) - 1) as u32
    }

    /// Combines by "or" where `d` is active.
    #[inline(always)]
    pub fn or_in(self, d: Block<S, U>, m: Self) -> Self {
        if d.is_full() { self | m } else { self | (m & d.mask()) }
    }

    /// Combines by "and" where `d` is active.
    #[inline(always)]
    pub fn and_in(self, d: Block<S, U>, m: Self) -> Self {
        if d.is_full() { self & m } else { self & (m | !d.mask()) }
    }
}

impl<S: Isa, const U: usize> BitAnd for Mask<S, U> {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Mask { s: self.s, v: array_of!(U, |u| self.s.and_m(self.v[u], other.v[u])) }
    }
}

impl<S: Isa, const U: usize> BitOr for Mask<S, U> {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Mask { s: self.s, v: array_of!(U, |u| self.s.or_m(self.v[u], other.v[u])) }
    }
}

impl<S: Isa, const U: usize> Not for Mask<S, U> {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Mask { s: self.s, v: array_of!(U, |u| self.s.not_m(self.v[u])) }
    }
}
