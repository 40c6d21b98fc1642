//! How a microkernel multiplies: a row of a panel with the rows of A, by what their words are (`Numbers`, see
//! [`kernel`](super::kernel)).

use super::reg::Reg;
#[cfg(target_arch = "x86_64")]
use super::reg::Zmm;

/// How a row of a panel meets the rows of A.
pub(super) trait Step<R: Reg> {
    /// Words of a row of A.
    const WORDS: usize;
    /// Adds the products of `x`, a row of the panel, with `MR` rows of A.
    ///
    /// # Safety
    /// As [`Reg`]'s functions; `MR * WORDS` words are readable at `a`.
    unsafe fn add<const MR: usize, const NV: usize>(acc: &mut [[R; NV]; MR], a: *const f32, x: [R; NV]);

    /// Subtracts `x`, a row of `Strip::excess`, from the sums before anything is added; `fresh` ones are 0.
    ///
    /// # Safety
    /// As [`Reg`]'s functions.
    #[inline(always)]
    unsafe fn begin<const MR: usize, const NV: usize>(_: &mut [[R; NV]; MR], _: [R; NV], _fresh: bool) {}
}

/// `Numbers::Single`.
pub(super) struct Single;

impl<R: Reg> Step<R> for Single {
    const WORDS: usize = 1;

    #[inline(always)]
    unsafe fn add<const MR: usize, const NV: usize>(acc: &mut [[R; NV]; MR], a: *const f32, x: [R; NV]) {
        // SAFETY: the caller's contract.
        unsafe { R::outer(acc, a, x) }
    }
}

/// `Numbers::Pairs`.
pub(super) struct Pairs;

impl<R: Reg> Step<R> for Pairs {
    const WORDS: usize = 2;

    #[inline(always)]
    unsafe fn add<const MR: usize, const NV: usize>(acc: &mut [[R; NV]; MR], a: *const f32, x: [R; NV]) {
        let mut half = x;
        // SAFETY: the caller's contract, for both halves.
        unsafe {
            for half in &mut half {
                *half = half.low_half();
            }
            <Single as Step<R>>::add(acc, a, half);
            half = x;
            for half in &mut half {
                *half = half.high_half();
            }
            <Single as Step<R>>::add(acc, a.add(MR), half);
        }
    }
}

/// `Numbers::RoundedPairs`.
#[cfg(target_arch = "x86_64")]
pub(super) struct RoundedPairs;

#[cfg(target_arch = "x86_64")]
impl Step<Zmm> for RoundedPairs {
    const WORDS: usize = 1;

    #[inline(always)]
    unsafe fn add<const MR: usize, const NV: usize>(acc: &mut [[Zmm; NV]; MR], a: *const f32, x: [Zmm; NV]) {
        for (i, acc) in acc.iter_mut().enumerate() {
            // SAFETY: the caller's contract.
            unsafe {
                let y = Zmm::splat(a.add(i));
                for (acc, x) in acc.iter_mut().zip(x) {
                    *acc = acc.add_pairs(y, x);
                }
            }
        }
    }
}

/// `Numbers::Fours`.
pub(super) struct Fours;

impl<R: Reg> Step<R> for Fours {
    const WORDS: usize = 2;

    #[inline(always)]
    unsafe fn add<const MR: usize, const NV: usize>(acc: &mut [[R; NV]; MR], a: *const f32, x: [R; NV]) {
        let mut half = x;
        // SAFETY: the caller's contract, for both words of each row.
        unsafe {
            for half in &mut half {
                *half = half.even_bytes();
            }
            add_halves(acc, a, half);
            half = x;
            for half in &mut half {
                *half = half.odd_bytes();
            }
            add_halves(acc, a.add(MR), half);
        }
    }
}

/// Adds the products of `x` with a word of each row.
///
/// # Safety
/// As [`Reg`]'s functions; `MR` words are readable at `a`.
#[inline(always)]
unsafe fn add_halves<R: Reg, const MR: usize, const NV: usize>(
    acc: &mut [[R; NV]; MR],
    a: *const f32,
    x: [R; NV],
) {
    for (i, acc) in acc.iter_mut().enumerate() {
        // SAFETY: the caller's contract.
        unsafe {
            let y = R::splat(a.add(i));
            for (acc, x) in acc.iter_mut().zip(x) {
                *acc = acc.add_halves(y, x);
            }
        }
    }
}

/// `Numbers::OffsetFours`.
#[cfg(target_arch = "x86_64")]
pub(super) struct OffsetFours;

#[cfg(target_arch = "x86_64")]
impl Step<Zmm> for OffsetFours {
    const WORDS: usize = 1;

    #[inline(always)]
    unsafe fn add<const MR: usize, const NV: usize>(acc: &mut [[Zmm; NV]; MR], a: *const f32, x: [Zmm; NV]) {
        for (i, acc) in acc.iter_mut().enumerate() {
            // SAFETY: the caller's contract.
            unsafe {
                let y = Zmm::splat(a.add(i));
                for (acc, x) in acc.iter_mut().zip(x) {
                    *acc = acc.add_fours(y, x);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn begin<const MR: usize, const NV: usize>(acc: &mut [[Zmm; NV]; MR], x: [Zmm; NV], fresh: bool) {
        for i in 0..MR {
            if fresh && i > 0 {
                acc[i] = acc[0];
                continue;
            }
            for (acc, x) in acc[i].iter_mut().zip(x) {
                // SAFETY: the caller's contract.
                *acc = unsafe { acc.sub_whole(x) };
            }
        }
    }
}
