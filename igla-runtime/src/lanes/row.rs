//! Loads and stores of lane values from and to slices.
//!
//! Bounds are checked against the slice: of full blocks those of all blocks of their part at once, so that the check is
//! the same for each and leaves the loop; otherwise only active lanes count. Only active lanes are touched.
//! A failed check panics out of line. This is the only file through which generated code reaches memory.

use half::{bf16, f16};

use crate::isa::{Isa, MAX_WIDTH};
use crate::lanes::{Block, F32, I32, Mask};
use crate::tensor::Element;

use memory::Memory;

/// Elements with a lane form: `f32`, `f16`, `bf16` become [`F32`]; `i32`, `i8`, `u8`, `u32` (by its bits)
/// become [`I32`]; `bool` becomes [`Mask`].
pub trait Lane: Element + Memory {
    /// The lane form.
    type Lanes<S: Isa, const U: usize>: Copy;

    #[doc(hidden)]
    fn pack<S: Isa, const U: usize>(s: S, v: [Self::Register<S>; U]) -> Self::Lanes<S, U>;
    #[doc(hidden)]
    fn unpack<S: Isa, const U: usize>(v: Self::Lanes<S, U>) -> [Self::Register<S>; U];
}

/// Loading lane values from a slice.
pub trait Row<T: Lane> {
    /// Lane `l` is `x[start + l]`; inactive lanes are 0.
    fn load<S: Isa, const U: usize>(&self, d: Block<S, U>) -> T::Lanes<S, U>;
    /// Lane `l` is `x[start + l + offset]`; inactive lanes are 0.
    fn load_at<S: Isa, const U: usize>(&self, d: Block<S, U>, offset: isize) -> T::Lanes<S, U>;
    /// Lane `l` is `x[base + (start + l) * stride]`; inactive lanes are 0.
    fn load_strided<S: Isa, const U: usize>(
        &self,
        d: Block<S, U>,
        base: usize,
        stride: usize,
    ) -> T::Lanes<S, U>;
    /// Lane `l` is `x[start + l + offset]` if that is in the slice, else lane `l` of `outside`.
    /// Inactive lanes hold either 0 or `outside`.
    fn load_or<S: Isa, const U: usize>(
        &self,
        d: Block<S, U>,
        offset: isize,
        outside: T::Lanes<S, U>,
    ) -> T::Lanes<S, U>;
}

/// Storing lane values to a slice.
pub trait RowMut<T: Lane>: Row<T> {
    /// `x[start + l]` becomes lane `l`, for active lanes.
    fn store<S: Isa, const U: usize>(&mut self, d: Block<S, U>, v: T::Lanes<S, U>);
    /// `x[start + l + offset]` becomes lane `l`, for active lanes.
    fn store_at<S: Isa, const U: usize>(&mut self, d: Block<S, U>, offset: isize, v: T::Lanes<S, U>);
}

#[cold]
#[inline(never)]
fn outside_slice(begin: usize, span: usize, len: usize) -> ! {
    panic!("{span} lanes from position {} do not fit a slice of {len}", begin as isize)
}

#[cold]
#[inline(never)]
fn stride_outside(base: usize, index: usize, stride: usize, len: usize) -> ! {
    panic!("position {base} + {index} * {stride} is outside a slice of {len}")
}

/// Whether positions `begin..begin + span` are in a slice; `begin` may be a wrapped negative number.
#[inline(always)]
fn fits(begin: usize, span: usize, len: usize) -> bool {
    span <= len && begin <= len - span
}

/// Panics unless all active lanes, counted from position `begin`, are in a slice of `len`.
#[inline(always)]
fn check<S: Isa, const U: usize>(d: Block<S, U>, begin: usize, len: usize) {
    if fits(begin, d.span(), len) {
        return;
    }
    if !d.is_sparse() {
        outside_slice(begin, d.span(), len);
    }
    let masks = d.masks();
    for_each!(U, |u| {
        let bits = d.isa().mask_bits(masks[u]);
        if bits != 0 {
            let base = begin as isize + (u * S::WIDTH) as isize;
            let first = base + bits.trailing_zeros() as isize;
            let last = base + (31 - bits.leading_zeros()) as isize;
            if first < 0 || last >= len as isize {
                outside_slice(begin, d.span(), len);
            }
        }
    });
}

/// Panics unless all blocks of a full block's part, moved by `offset`, are in a slice of `len`.
#[inline(always)]
fn check_part<S: Isa, const U: usize>(d: Block<S, U>, offset: isize, len: usize) {
    let (from, to) = d.part();
    let begin = from.wrapping_add_signed(offset);
    if !fits(begin, to - from, len) {
        outside_slice(begin, to - from, len);
    }
}

#[inline(always)]
fn load_from<T: Lane, S: Isa, const U: usize>(x: &[T], d: Block<S, U>, offset: isize) -> T::Lanes<S, U> {
    let s = d.isa();
    let begin = d.start().wrapping_add_signed(offset);
    let p = x.as_ptr().wrapping_add(begin);
    if d.is_full() {
        check_part(d, offset, x.len());
        // SAFETY: `begin..begin + LEN` is a block of the part, which is in the slice.
        return T::pack(s, array_of!(U, |u| unsafe { T::load(s, p.wrapping_add(u * S::WIDTH)) }));
    }
    let fits_whole = fits(begin, Block::<S, U>::LEN, x.len());
    let masks = d.masks();
    if !T::MASKED && fits_whole {
        return T::pack(
            s,
            array_of!(U, |u| {
                // SAFETY: `begin..begin + LEN` is in the slice.
                let all = unsafe { T::load(s, p.wrapping_add(u * S::WIDTH)) };
                T::select(s, masks[u], all, T::zero(s))
            }),
        );
    }
    check(d, begin, x.len());
    // SAFETY: the positions of all active lanes are in the slice.
    T::pack(s, array_of!(U, |u| unsafe { T::load_masked(s, masks[u], p.wrapping_add(u * S::WIDTH)) }))
}

#[inline(always)]
fn store_to<T: Lane, S: Isa, const U: usize>(x: &mut [T], d: Block<S, U>, offset: isize, v: T::Lanes<S, U>) {
    let (s, v) = (d.isa(), T::unpack(v));
    let begin = d.start().wrapping_add_signed(offset);
    let p = x.as_mut_ptr().wrapping_add(begin);
    if d.is_full() {
        check_part(d, offset, x.len());
        // SAFETY: `begin..begin + LEN` is a block of the part, which is in the slice.
        for_each!(U, |u| unsafe { T::store(s, p.wrapping_add(u * S::WIDTH), v[u]) });
    } else {
        check(d, begin, x.len());
        let masks = d.masks();
        // SAFETY: the positions of all active lanes are in the slice.
        for_each!(U, |u| unsafe { T::store_masked(s, masks[u], p.wrapping_add(u * S::WIDTH), v[u]) });
    }
}

impl<T: Lane> Row<T> for [T] {
    #[inline(always)]
    fn load<S: Isa, const U: usize>(&self, d: Block<S, U>) -> T::Lanes<S, U> {
        load_from(self, d, 0)
    }

    #[inline(always)]
    fn load_at<S: Isa, const U: usize>(&self, d: Block<S, U>, offset: isize) -> T::Lanes<S, U> {
        load_from(self, d, offset)
    }

    #[inline(always)]
    fn load_strided<S: Isa, const U: usize>(
        &self,
        d: Block<S, U>,
        base: usize,
        stride: usize,
    ) -> T::Lanes<S, U> {
        let (s, masks) = (d.isa(), d.masks());
        T::pack(
            s,
            array_of!(U, |u| {
                let bits = s.mask_bits(masks[u]);
                let mut values = [T::default(); MAX_WIDTH];
                let mut lane = 0;
                while lane < S::WIDTH {
                    if d.is_full() || bits >> lane & 1 == 1 {
                        let index = d.start() + u * S::WIDTH + lane;
                        let position = index.checked_mul(stride).and_then(|at| at.checked_add(base));
                        match position.and_then(|at| self.get(at)) {
                            Some(&value) => values[lane] = value,
                            None => stride_outside(base, index, stride, self.len()),
                        }
                    }
                    lane += 1;
                }
                // SAFETY: the array has at least `WIDTH` values.
                unsafe { T::load(s, values.as_ptr()) }
            }),
        )
    }

    #[inline(always)]
    fn load_or<S: Isa, const U: usize>(
        &self,
        d: Block<S, U>,
        offset: isize,
        outside: T::Lanes<S, U>,
    ) -> T::Lanes<S, U> {
        let begin = d.start().wrapping_add_signed(offset);
        if fits(begin, Block::<S, U>::LEN, self.len()) {
            if !d.is_full() {
                return load_from(self, d, offset);
            }
            let (s, p) = (d.isa(), self.as_ptr().wrapping_add(begin));
            // SAFETY: `begin..begin + LEN` is in the slice.
            return T::pack(s, array_of!(U, |u| unsafe { T::load(s, p.wrapping_add(u * S::WIDTH)) }));
        }
        let (s, masks, outside) = (d.isa(), d.masks(), T::unpack(outside));
        let p = self.as_ptr().wrapping_add(begin);
        T::pack(
            s,
            array_of!(U, |u| {
                // Lanes `low..high` of this register are in the slice.
                let position = begin.wrapping_add(u * S::WIDTH) as isize;
                let low = position.saturating_neg().clamp(0, S::WIDTH as isize) as u32;
                let high = (self.len() as isize).saturating_sub(position).clamp(0, S::WIDTH as isize) as u32;
                let bits = ((1u64 << high) - 1) & !((1u64 << low) - 1);
                let inside = s.and_m(s.mask_from_bits(bits as u32), masks[u]);
                // SAFETY: lanes of `inside` are at positions in the slice.
                let loaded = unsafe { T::load_masked(s, inside, p.wrapping_add(u * S::WIDTH)) };
                T::select(s, inside, loaded, outside[u])
            }),
        )
    }
}

impl<T: Lane> RowMut<T> for [T] {
    #[inline(always)]
    fn store<S: Isa, const U: usize>(&mut self, d: Block<S, U>, v: T::Lanes<S, U>) {
        store_to(self, d, 0, v);
    }

    #[inline(always)]
    fn store_at<S: Isa, const U: usize>(&mut self, d: Block<S, U>, offset: isize, v: T::Lanes<S, U>) {
        store_to(self, d, offset, v);
    }
}

/// How each element type gets from memory to a register and back.
mod memory {
    use super::*;

    /// Private so that only the implementations below exist.
    pub trait Memory: Element + Default {
        type Register<S: Isa>: Copy;
        /// Whether the levels have masked instructions for this size; otherwise a buffer is used.
        const MASKED: bool;

        fn zero<S: Isa>(s: S) -> Self::Register<S>;
        fn select<S: Isa>(s: S, m: S::M, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
        /// # Safety
        /// `WIDTH` values must be readable.
        unsafe fn load<S: Isa>(s: S, p: *const Self) -> Self::Register<S>;
        /// # Safety
        /// `WIDTH` values must be writable.
        unsafe fn store<S: Isa>(s: S, p: *mut Self, v: Self::Register<S>);

        /// # Safety
        /// Values of active lanes must be readable.
        #[inline(always)]
        unsafe fn load_masked<S: Isa>(s: S, m: S::M, p: *const Self) -> Self::Register<S> {
            let bits = s.mask_bits(m);
            let mut values = [Self::default(); MAX_WIDTH];
            for (lane, value) in values.iter_mut().enumerate().take(S::WIDTH) {
                if bits >> lane & 1 == 1 {
                    // SAFETY: the lane is active.
                    *value = unsafe { p.wrapping_add(lane).read() };
                }
            }
            // SAFETY: the array has at least `WIDTH` values.
            unsafe { Self::load(s, values.as_ptr()) }
        }

        /// # Safety
        /// Values of active lanes must be writable.
        #[inline(always)]
        unsafe fn store_masked<S: Isa>(s: S, m: S::M, p: *mut Self, v: Self::Register<S>) {
            let bits = s.mask_bits(m);
            let mut values = [Self::default(); MAX_WIDTH];
            // SAFETY: the array has at least `WIDTH` values.
            unsafe { Self::store(s, values.as_mut_ptr(), v) };
            for (lane, value) in values.into_iter().enumerate().take(S::WIDTH) {
                if bits >> lane & 1 == 1 {
                    // SAFETY: the lane is active.
                    unsafe { p.wrapping_add(lane).write(value) };
                }
            }
        }
    }
}

/// The common part of [`Memory`] and [`Lane`] for one kind of register.
macro_rules! kind {
    (F) => {
        type Register<S: Isa> = S::F;
        #[inline(always)]
        fn zero<S: Isa>(s: S) -> S::F {
            s.splat_f(0.0)
        }
        #[inline(always)]
        fn select<S: Isa>(s: S, m: S::M, a: S::F, b: S::F) -> S::F {
            s.select(m, a, b)
        }
    };
    (I) => {
        type Register<S: Isa> = S::I;
        #[inline(always)]
        fn zero<S: Isa>(s: S) -> S::I {
            s.splat_i(0)
        }
        #[inline(always)]
        fn select<S: Isa>(s: S, m: S::M, a: S::I, b: S::I) -> S::I {
            s.select_i(m, a, b)
        }
    };
    (M) => {
        type Register<S: Isa> = S::M;
        #[inline(always)]
        fn zero<S: Isa>(s: S) -> S::M {
            s.splat_m(false)
        }
        #[inline(always)]
        fn select<S: Isa>(s: S, m: S::M, a: S::M, b: S::M) -> S::M {
            s.or_m(s.and_m(m, a), s.and_m(s.not_m(m), b))
        }
    };
}

/// A type with its lane form and its register loads and stores.
macro_rules! lane {
    ($t:ty, $kind:tt, $reg:ident, $lanes:ident, |$s:ident, $p:ident| $load:expr, |$q:ident, $v:ident| $store:expr
     $(, masked $load_masked:ident $store_masked:ident $raw:ty)?) => {
        impl Memory for $t {
            kind!($kind);
            const MASKED: bool = lane!(@masked $($load_masked)?);
            #[inline(always)]
            unsafe fn load<S: Isa>($s: S, $p: *const Self) -> S::$reg {
                // SAFETY: the caller says `WIDTH` values are readable.
                unsafe { $load }
            }
            #[inline(always)]
            unsafe fn store<S: Isa>($s: S, $q: *mut Self, $v: S::$reg) {
                // SAFETY: the caller says `WIDTH` values are writable.
                unsafe { $store }
            }
            $(
                #[inline(always)]
                unsafe fn load_masked<S: Isa>(s: S, m: S::M, p: *const Self) -> S::$reg {
                    // SAFETY: the caller says values of active lanes are readable.
                    unsafe { s.$load_masked(m, p.cast::<$raw>()) }
                }
                #[inline(always)]
                unsafe fn store_masked<S: Isa>(s: S, m: S::M, p: *mut Self, v: S::$reg) {
                    // SAFETY: the caller says values of active lanes are writable.
                    unsafe { s.$store_masked(m, p.cast::<$raw>(), v) }
                }
            )?
        }

        impl Lane for $t {
            type Lanes<S: Isa, const U: usize> = $lanes<S, U>;
            #[inline(always)]
            fn pack<S: Isa, const U: usize>(s: S, v: [S::$reg; U]) -> $lanes<S, U> {
                $lanes::new(s, v)
            }
            #[inline(always)]
            fn unpack<S: Isa, const U: usize>(v: $lanes<S, U>) -> [S::$reg; U] {
                v.registers()
            }
        }
    };
    (@masked) => { false };
    (@masked $name:ident) => { true };
}

lane!(f32, F, F, F32, |s, p| s.load_f32(p), |q, v| s.store_f32(q, v), masked load_f32_masked store_f32_masked f32);
lane!(i32, I, I, I32, |s, p| s.load_i32(p), |q, v| s.store_i32(q, v), masked load_i32_masked store_i32_masked i32);
lane!(u32, I, I, I32, |s, p| s.load_i32(p.cast()), |q, v| s.store_i32(q.cast(), v),
      masked load_i32_masked store_i32_masked i32);
lane!(f16, F, F, F32, |s, p| s.load_f16(p.cast()), |q, v| s.store_f16(q.cast(), v));
lane!(bf16, F, F, F32, |s, p| s.load_bf16(p.cast()), |q, v| s.store_bf16(q.cast(), v));
lane!(i8, I, I, I32, |s, p| s.load_i8(p.cast()), |q, v| s.store_i8(q.cast(), v));
lane!(u8, I, I, I32, |s, p| s.load_u8(p), |q, v| s.store_u8(q, v));
lane!(bool, M, M, Mask, |s, p| s.not_m(s.eq_i(s.load_u8(p.cast()), s.splat_i(0))), |q, v| s
    .store_u8(q.cast(), s.select_i(v, s.splat_i(1), s.splat_i(0))));
