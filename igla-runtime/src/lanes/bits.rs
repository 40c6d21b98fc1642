//! Operators on bits, lane by lane. Counts are the same in all lanes.

use crate::isa::{Isa, MAX_WIDTH};
use crate::lanes::{F32, I32};

impl<S: Isa, const U: usize> I32<S, U> {
    /// `value` in every lane.
    #[inline(always)]
    fn all(self, value: i32) -> Self {
        let s = self.isa();
        I32::new(s, array_of!(U, |_u| s.splat_i(value)))
    }

    /// As [`crate::bits::field`].
    #[inline(always)]
    pub fn field(self, from: i32, count: i32) -> Self {
        let s = self.isa();
        let moved = I32::new(s, array_of!(U, |u| s.sar_by_i(self.registers()[u], from)));
        if count >= 32 { moved } else { moved & self.all((1 << count) - 1) }
    }

    /// As [`crate::bits::signed`].
    #[inline(always)]
    pub fn signed(self, count: i32) -> Self {
        let s = self.isa();
        let unused = (32 - count) & 31;
        let raised = self * self.all(1 << unused);
        I32::new(s, array_of!(U, |u| s.sar_by_i(raised.registers()[u], unused)))
    }

    /// As [`crate::bits::join`].
    #[inline(always)]
    pub fn join(self, high: Self, width: i32) -> Self {
        self.field(0, width) | (high * self.all(1i32.wrapping_shl(width as u32)))
    }

    /// As [`crate::bits::f16_from`].
    #[inline(always)]
    pub fn f16_from(self) -> F32<S, U> {
        let sign = (self & self.all(0x8000)).shl::<16>();
        let magnitude = (self & self.all(0x7fff)).shl::<13>();
        let scale = self.all((127 + 112) << 23).to_f32_from_bits();
        let finite = magnitude.to_f32_from_bits() * scale;
        let special = (magnitude | self.all(0x7f80_0000)).to_f32_from_bits();
        let value = magnitude.ge(self.all(0x0f80_0000)).select(special, finite);
        value.copysign(sign.to_f32_from_bits())
    }

    /// As [`crate::bits::bf16_from`].
    #[inline(always)]
    pub fn bf16_from(self) -> F32<S, U> {
        self.shl::<16>().to_f32_from_bits()
    }

    /// As [`crate::bits::e4m3_from`].
    #[inline(always)]
    pub fn e4m3_from(self) -> F32<S, U> {
        let sign = (self & self.all(0x80)).shl::<24>();
        let magnitude = self & self.all(0x7f);
        let scale = self.all((127 + 120) << 23).to_f32_from_bits();
        let finite = magnitude.shl::<20>().to_f32_from_bits() * scale;
        let nan = self.all(0x7fc0_0000).to_f32_from_bits();
        let value = magnitude.eq(self.all(0x7f)).select(nan, finite);
        value.copysign(sign.to_f32_from_bits())
    }

    /// The number at each lane's place in a table; 0 in lanes whose place is outside.
    #[inline(always)]
    pub fn pick<const N: usize>(self, table: &[f32; N]) -> F32<S, U> {
        let s = self.isa();
        F32::new(
            s,
            array_of!(U, |u| {
                let places = self.places(u);
                let mut values = [0.0; MAX_WIDTH];
                for lane in 0..S::WIDTH {
                    values[lane] = table.get(places[lane] as usize).copied().unwrap_or_default();
                }
                // SAFETY: the array has at least `WIDTH` values.
                unsafe { s.load_f32(values.as_ptr()) }
            }),
        )
    }

    /// As [`I32::pick`], of integers.
    #[inline(always)]
    pub fn pick_i32<const N: usize>(self, table: &[i32; N]) -> Self {
        let s = self.isa();
        I32::new(
            s,
            array_of!(U, |u| {
                let places = self.places(u);
                let mut values = [0; MAX_WIDTH];
                for lane in 0..S::WIDTH {
                    values[lane] = table.get(places[lane] as usize).copied().unwrap_or_default();
                }
                // SAFETY: the array has at least `WIDTH` values.
                unsafe { s.load_i32(values.as_ptr()) }
            }),
        )
    }

    #[inline(always)]
    fn places(self, u: usize) -> [i32; MAX_WIDTH] {
        let mut places = [0; MAX_WIDTH];
        // SAFETY: the array has at least `WIDTH` values.
        unsafe { self.isa().store_i32(places.as_mut_ptr(), self.registers()[u]) };
        places
    }
}

#[cfg(test)]
mod tests {
    use crate::isa::{Isa, Kernel, dispatch};
    use crate::{Lanes, Level, bits};

    struct AsOneValue(i32);

    impl Kernel for AsOneValue {
        type Output = ();

        fn run<S: Isa>(self, s: S) {
            const TABLE: [f32; 5] = [0.5, -1.0, 2.0, 0.0, 9.0];
            let n = 2 * S::WIDTH;
            for part in s.parts::<2>(0, n) {
                for d in part {
                    let x = d.iota() * s.splat_i32(0x0101_4d37) + s.splat_i32(self.0);
                    let y = d.iota() * s.splat_i32(-77);
                    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                    for i in 0..n {
                        let (a, b) = (x.lane(i), y.lane(i));
                        for (from, count) in [(0, 1), (0, 32), (4, 4), (13, 19), (31, 1), (7, 8)] {
                            assert_eq!(x.field(from, count).lane(i), bits::field(a, from, count));
                            assert_eq!(x.signed(count).lane(i), bits::signed(a, count));
                            let width = count.min(31);
                            assert_eq!(x.join(y, width).lane(i), bits::join(a, b, width));
                        }
                        assert!(same(x.f16_from().lane(i), bits::f16_from(a)), "f16 {a:#x}");
                        assert!(same(x.bf16_from().lane(i), bits::bf16_from(a)), "bf16 {a:#x}");
                        assert!(same(x.e4m3_from().lane(i), bits::e4m3_from(a)), "e4m3 {a:#x}");
                        let place = x.field(3, 3);
                        let wanted = TABLE.get(place.lane(i) as usize).copied().unwrap_or(0.0);
                        assert_eq!(place.pick(&TABLE).lane(i), wanted);
                    }
                }
            }
        }
    }

    #[test]
    fn lanes_compute_what_one_value_does_at_every_level() {
        for level in Level::available().iter().copied() {
            for start in [0, 1, -1, 0x7c00, 0xfbff, i32::MIN, 0x3f80_1234, 0x0040_7f7f] {
                dispatch(level, AsOneValue(start));
            }
        }
    }
}
