//! Loads and stores: right values, nothing outside the slice, for every length, type, unroll and level.

mod guard;

use std::panic::{AssertUnwindSafe, catch_unwind};

use guard::{Guarded, Side};
use igla_runtime::isa::dispatch;
use igla_runtime::prelude::*;

/// `y[i] = x[i]` for `lo <= i < hi`.
struct Copy<'a, T, const U: usize> {
    x: &'a [T],
    y: &'a mut [T],
    lo: usize,
    hi: usize,
}

impl<T: Lane, const U: usize> Kernel for Copy<'_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        for part in s.parts::<U>(self.lo, self.hi) {
            for d in part {
                self.y.store(d, self.x.load(d));
            }
        }
    }
}

/// `y[i - lo] = x[i - lo]` for `lo <= i < hi`, by offset.
struct Shift<'a, T, const U: usize> {
    x: &'a [T],
    y: &'a mut [T],
    lo: usize,
}

impl<T: Lane, const U: usize> Kernel for Shift<'_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        let offset = -(self.lo as isize);
        for part in s.parts::<U>(self.lo, self.lo + self.x.len()) {
            for d in part {
                self.y.store_at(d, offset, self.x.load_at(d, offset));
            }
        }
    }
}

/// `y[i] = x[base + i * stride]`.
struct Strided<'a, T, const U: usize> {
    x: &'a [T],
    y: &'a mut [T],
    base: usize,
    stride: usize,
}

impl<T: Lane, const U: usize> Kernel for Strided<'_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        for part in s.parts::<U>(0, self.y.len()) {
            for d in part {
                self.y.store(d, self.x.load_strided(d, self.base, self.stride));
            }
        }
    }
}

/// `y[i] = x[i + offset]`, or `outside`.
struct Or<'a, const U: usize> {
    x: &'a [f32],
    y: &'a mut [f32],
    offset: isize,
    outside: f32,
}

impl<const U: usize> Kernel for Or<'_, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        for part in s.parts::<U>(0, self.y.len()) {
            for d in part {
                self.y.store(d, self.x.load_or(d, self.offset, s.splat(self.outside)));
            }
        }
    }
}

/// `y[i] = x[i]` where `i % 3 == 0`, over a range that may exceed the slices by its inactive lanes.
struct Thirds<'a, T, const U: usize> {
    x: &'a [T],
    y: &'a mut [T],
    hi: usize,
}

impl<T: Lane, const U: usize> Kernel for Thirds<'_, T, U> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        let len = self.x.len();
        for part in s.parts::<U>(0, self.hi) {
            for d in part {
                let some = d.only(s.from_fn_mask(d, |i| i % 3 == 0 && i < len));
                assert!(!some.is_full());
                self.y.store(some, self.x.load(some));
            }
        }
    }
}

fn each_length<T: Lane, const U: usize>(value: impl Fn(usize) -> T) {
    for &level in Level::available() {
        for len in 0..=4 * level_width(level) * U + 3 {
            let values: Vec<T> = (0..len).map(&value).collect();
            for side in [Side::Start, Side::End] {
                let x = Guarded::new(&values, side);
                let mut y = Guarded::new(&vec![T::default(); len], side);
                dispatch(level, Copy::<T, U> { x: x.get(), y: y.get_mut(), lo: 0, hi: len });
                assert_eq!(x.get(), y.get(), "{level} {len} {side:?}");

                let lo = 3.min(len);
                y.get_mut().fill(T::default());
                dispatch(level, Copy::<T, U> { x: x.get(), y: y.get_mut(), lo, hi: len - len / 5 });
                for (i, &value) in values.iter().enumerate() {
                    let inside = i >= lo && i < len - len / 5;
                    let want = if inside { value } else { T::default() };
                    assert_eq!(y.get()[i], want, "{level} {len} {i}");
                }

                y.get_mut().fill(T::default());
                dispatch(level, Shift::<T, U> { x: x.get(), y: y.get_mut(), lo: 7 });
                assert_eq!(x.get(), y.get(), "shifted {level} {len} {side:?}");

                y.get_mut().fill(T::default());
                dispatch(level, Thirds::<T, U> { x: x.get(), y: y.get_mut(), hi: len + 21 });
                for (i, &value) in values.iter().enumerate() {
                    let want = if i % 3 == 0 { value } else { T::default() };
                    assert_eq!(y.get()[i], want, "thirds {level} {len} {i}");
                }
            }
        }
    }
}

fn level_width(level: Level) -> usize {
    match level {
        Level::Scalar | Level::Neon => 4,
        Level::Avx2 => 8,
        Level::Avx512 | Level::Amx => 16,
    }
}

macro_rules! lengths {
    ($($test:ident: $t:ty = $value:expr;)*) => {$(
        #[test]
        fn $test() {
            let value: fn(usize) -> $t = $value;
            each_length::<$t, 1>(value);
            each_length::<$t, 2>(value);
            each_length::<$t, 4>(value);
        }
    )*};
}
lengths! {
    f32_copies: f32 = |i| i as f32 + 0.5;
    i32_copies: i32 = |i| i as i32 * -7_654_321;
    u32_copies: u32 = |i| u32::MAX - i as u32;
    f16_copies: f16 = |i| f16::from_f32(i as f32 * 0.25 + 1.0);
    bf16_copies: bf16 = |i| bf16::from_f32(i as f32 * -0.5 - 1.0);
    i8_copies: i8 = |i| (i * 37 % 256) as u8 as i8;
    u8_copies: u8 = |i| (i * 37 % 256) as u8;
    bool_copies: bool = |i| i * 7 % 3 == 0;
}

#[test]
fn most_registers_copy_too() {
    each_length::<f32, 8>(|i| i as f32 - 100.0);
}

#[test]
fn strided_loads_reach_the_last_element_only() {
    for &level in Level::available() {
        for stride in [0, 1, 2, 5] {
            for len in [1, 2, 15, 16, 17, 63, 64, 65, 130] {
                let base = 3;
                let values: Vec<f32> = (0..base + (len - 1) * stride + 1).map(|i| i as f32).collect();
                let x = Guarded::new(&values, Side::End);
                let mut y = vec![0.0; len];
                dispatch(level, Strided::<f32, 2> { x: x.get(), y: &mut y, base, stride });
                assert!((0..len).all(|i| y[i] == (base + i * stride) as f32), "{level} {stride} {len}");
                if stride > 0 {
                    let short = Strided::<f32, 2> { x: &values[1..], y: &mut y, base, stride };
                    assert!(catch_unwind(AssertUnwindSafe(|| dispatch(level, short))).is_err());
                }
            }
        }
    }
}

#[test]
fn load_or_takes_the_outside_value_beyond_both_ends() {
    for &level in Level::available() {
        for len in [0, 1, 5, 16, 33, 100] {
            let values: Vec<f32> = (0..len).map(|i| i as f32).collect();
            for side in [Side::Start, Side::End] {
                let x = Guarded::new(&values, side);
                for count in [1, 16, 40, 64, 100, 129] {
                    for offset in [-200, -33, -16, -5, -1, 0, 1, 7, 16, 50, 200, isize::MAX, isize::MIN] {
                        let mut y = vec![0.0; count];
                        dispatch(level, Or::<4> { x: x.get(), y: &mut y, offset, outside: -1.0 });
                        for (i, &found) in y.iter().enumerate() {
                            let at = i as i128 + offset as i128;
                            let want = if at >= 0 && at < len as i128 { at as f32 } else { -1.0 };
                            assert_eq!(found, want, "{level} len {len} offset {offset} i {i}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn accesses_outside_a_slice_panic() {
    let x = [1.0_f32; 200];
    for &level in Level::available() {
        for len in 0..200 {
            let mut y = [0.0_f32; 200];
            let short = Copy::<f32, 2> { x: &x[..len], y: &mut y, lo: 0, hi: len + 1 };
            assert!(catch_unwind(AssertUnwindSafe(|| dispatch(level, short))).is_err(), "load {level} {len}");
            let mut y = [0.0_f32; 200];
            let short = Copy::<f32, 2> { x: &x, y: &mut y[..len], lo: 0, hi: len + 1 };
            assert!(
                catch_unwind(AssertUnwindSafe(|| dispatch(level, short))).is_err(),
                "store {level} {len}"
            );
        }
        let mut y = [0.0_f32; 200];
        let endless = Copy::<f32, 2> { x: &x, y: &mut y, lo: usize::MAX - 70, hi: usize::MAX };
        assert!(catch_unwind(AssertUnwindSafe(|| dispatch(level, endless))).is_err());
        let far = Copy::<f32, 2> { x: &x, y: &mut y, lo: isize::MAX as usize - 70, hi: isize::MAX as usize };
        assert!(catch_unwind(AssertUnwindSafe(|| dispatch(level, far))).is_err());
        // Before the start, by an offset; and nothing at all for an empty range.
        let before = Before { x: &x, offset: -1 };
        assert!(catch_unwind(AssertUnwindSafe(|| dispatch(level, before))).is_err());
        dispatch(level, Copy::<f32, 2> { x: &x, y: &mut y, lo: 500, hi: 3 });
    }
}

struct Before<'a> {
    x: &'a [f32],
    offset: isize,
}

impl Kernel for Before<'_> {
    type Output = f32;
    #[inline(always)]
    fn run<S: Isa>(self, s: S) -> f32 {
        let mut sum = s.splat::<2>(0.0);
        for part in s.parts::<2>(0, self.x.len()) {
            for d in part {
                sum = sum.add_in(d, self.x.load_at(d, self.offset));
            }
        }
        sum.reduce_add()
    }
}

/// Conversions on storing: rounding of floats, saturation of integers.
struct Narrow<'a> {
    floats: &'a [f32],
    integers: &'a [i32],
    half: &'a mut [f16],
    brain: &'a mut [bf16],
    signed: &'a mut [i8],
    unsigned: &'a mut [u8],
}

impl Kernel for Narrow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Isa>(self, s: S) {
        for part in s.parts::<2>(0, self.floats.len()) {
            for d in part {
                self.half.store(d, self.floats.load(d));
                self.brain.store(d, self.floats.load(d));
            }
        }
        for part in s.parts::<2>(0, self.integers.len()) {
            for d in part {
                self.signed.store(d, self.integers.load(d));
                self.unsigned.store(d, self.integers.load(d));
            }
        }
    }
}

#[test]
fn narrowing_stores_round_and_saturate() {
    let mut floats: Vec<f32> = (0..=u32::MAX).step_by(65_521).map(f32::from_bits).collect();
    floats.extend([65504.0, 65519.9, 65520.0, 6e-8, 2.98e-8, 2.99e-8, f32::NAN, f32::INFINITY, -0.0]);
    let mut integers: Vec<i32> = (-600..600).collect();
    integers.extend([i32::MIN, i32::MAX, 32767, 32768, -32768, -32769, 65535, 65536]);
    for &level in Level::available() {
        let (mut half, mut brain) = (vec![f16::ZERO; floats.len()], vec![bf16::ZERO; floats.len()]);
        let (mut signed, mut unsigned) = (vec![0; integers.len()], vec![0; integers.len()]);
        dispatch(
            level,
            Narrow {
                floats: &floats,
                integers: &integers,
                half: &mut half,
                brain: &mut brain,
                signed: &mut signed,
                unsigned: &mut unsigned,
            },
        );
        for (i, &v) in floats.iter().enumerate() {
            let want = f16::from_f32_const(v);
            assert!(half[i].to_bits() == want.to_bits() || v.is_nan() && half[i].is_nan(), "{level} {v:e}");
            let want = bf16::from_f32(v);
            assert!(brain[i].to_bits() == want.to_bits() || v.is_nan() && brain[i].is_nan(), "{level} {v:e}");
        }
        for (i, &v) in integers.iter().enumerate() {
            assert_eq!(signed[i], v.clamp(-128, 127) as i8, "{level} {v}");
            assert_eq!(unsigned[i], v.clamp(0, 255) as u8, "{level} {v}");
        }
    }
}
