//! What dot products multiply and add up in a lane: an f32, or four bytes.

use super::fours;
use super::reg::Reg;
#[cfg(target_arch = "x86_64")]
use super::reg::Zmm;
use crate::tensor::Element;

/// What is multiplied and added up in a lane.
///
/// # Safety
/// All functions: as [`Reg`]'s.
pub(super) trait Terms<R: Reg> {
    type Element: Element;
    /// What is left to be added up of a register.
    type Parts: Copy + Default;
    /// Elements of a register.
    const WIDTH: usize;
    /// Loads [`Terms::WIDTH`] elements.
    unsafe fn load(p: *const Self::Element) -> R;
    /// Loads the first `n < WIDTH` elements; the others are zero and their memory is not touched.
    unsafe fn load_first(p: *const Self::Element, n: usize) -> R;
    /// `acc` and the products of the elements of `x`, of A, with those of `y`.
    unsafe fn add(acc: R, x: R, y: R) -> R;
    /// What the lanes of a sum start from; `word` is that of their row.
    #[inline(always)]
    unsafe fn start(_word: &f32) -> R {
        // SAFETY: the trait's contract.
        unsafe { R::zero() }
    }
    /// Adds up most of four registers.
    unsafe fn parts(acc: &[R; 4]) -> [Self::Parts; 4];
    /// Adds up the rest, to a word of C.
    fn word(parts: Self::Parts) -> f32;
}

pub(super) struct Floats;

impl<R: Reg> Terms<R> for Floats {
    type Element = f32;
    type Parts = [f32; 4];
    const WIDTH: usize = R::WIDTH;

    #[inline(always)]
    unsafe fn load(p: *const f32) -> R {
        // SAFETY: the trait's contract.
        unsafe { R::load(p) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> R {
        // SAFETY: the trait's contract.
        unsafe { R::load_first(p, n) }
    }

    #[inline(always)]
    unsafe fn add(acc: R, x: R, y: R) -> R {
        // SAFETY: the trait's contract.
        unsafe { acc.fma(x, y) }
    }

    #[inline(always)]
    unsafe fn parts(acc: &[R; 4]) -> [[f32; 4]; 4] {
        let mut parts = [[0.0; 4]; 4];
        for (parts, acc) in parts.iter_mut().zip(acc) {
            // SAFETY: the trait's contract.
            *parts = unsafe { acc.fold4() };
        }
        parts
    }

    // Not in registers: shuffling four floats costs more than storing and loading them.
    #[inline(always)]
    fn word(x: [f32; 4]) -> f32 {
        (x[0] + x[1]) + (x[2] + x[3])
    }
}

/// Bytes, widened to 16 bits.
pub(super) struct Bytes;

impl<R: Reg> Terms<R> for Bytes {
    type Element = i8;
    type Parts = f32;
    const WIDTH: usize = fours::STEPS * R::WIDTH;

    #[inline(always)]
    unsafe fn load(p: *const i8) -> R {
        // SAFETY: the trait's contract; registers are loaded from any address.
        unsafe { R::load(p.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const i8, n: usize) -> R {
        let mut bytes = [0_i8; 64];
        // SAFETY: `n` elements at `p`, fewer than a register has, which are at most 64.
        unsafe {
            core::ptr::copy_nonoverlapping(p, bytes.as_mut_ptr(), n);
            R::load(bytes.as_ptr().cast())
        }
    }

    #[inline(always)]
    unsafe fn add(acc: R, x: R, y: R) -> R {
        // SAFETY: the trait's contract.
        unsafe { acc.add_halves(x.even_bytes(), y.even_bytes()).add_halves(x.odd_bytes(), y.odd_bytes()) }
    }

    #[inline(always)]
    unsafe fn parts(acc: &[R; 4]) -> [f32; 4] {
        // SAFETY: the trait's contract.
        unsafe { R::whole_sums(acc) }
    }

    #[inline(always)]
    fn word(sum: f32) -> f32 {
        sum
    }
}

/// Bytes where unsigned ones are multiplied with signed ones: B's are 128 larger, sums start from -128 times A's.
#[cfg(target_arch = "x86_64")]
pub(super) struct OffsetBytes;

#[cfg(target_arch = "x86_64")]
impl Terms<Zmm> for OffsetBytes {
    type Element = i8;
    type Parts = f32;
    const WIDTH: usize = <Bytes as Terms<Zmm>>::WIDTH;

    #[inline(always)]
    unsafe fn load(p: *const i8) -> Zmm {
        // SAFETY: the same contract.
        unsafe { <Bytes as Terms<Zmm>>::load(p) }
    }

    #[inline(always)]
    unsafe fn load_first(p: *const i8, n: usize) -> Zmm {
        // SAFETY: the same contract.
        unsafe { <Bytes as Terms<Zmm>>::load_first(p, n) }
    }

    #[inline(always)]
    unsafe fn add(acc: Zmm, x: Zmm, y: Zmm) -> Zmm {
        // SAFETY: the same contract.
        unsafe { acc.add_fours(y.offset_bytes(), x) }
    }

    #[inline(always)]
    unsafe fn start(word: &f32) -> Zmm {
        // SAFETY: the same contract; there is one word.
        unsafe { Zmm::load_first(word, 1) }
    }

    #[inline(always)]
    unsafe fn parts(acc: &[Zmm; 4]) -> [f32; 4] {
        // SAFETY: the same contract.
        unsafe { <Bytes as Terms<Zmm>>::parts(acc) }
    }

    #[inline(always)]
    fn word(sum: f32) -> f32 {
        sum
    }
}
