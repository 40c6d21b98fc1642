//! Meaning of the operators on bits: fields of integers, and floats as the bits that store them.
//!
//! Exact: a result is either the same for all that the bounds leave open, or not promised.

use super::real::Real;
use super::round::{round_bf16, round_f16, round_f32, round_to};
use super::value::{Value, Whole, wrap};
use crate::term::Op;

/// The value of an operator on bits; `None` for other operators.
///
/// # Panics
/// If the arguments are not those of the operator: the checker types expressions.
#[must_use]
pub fn apply(op: Op, args: &[Value]) -> Option<Value> {
    let whole = |k: usize| args[k].whole();
    let int = |v: i64, of: Whole| Some(Value::Whole(Whole { v: wrap(v), sure: of.sure }));
    match op {
        Op::Bits => int(field(whole(0).v, whole(1).v, whole(2).v), whole(0)),
        Op::Signed => {
            let (x, count) = (whole(0), whole(1).v.clamp(1, 32));
            let low = field(x.v, 0, count);
            int(if low >> (count - 1) & 1 == 1 { low - (1 << count) } else { low }, x)
        }
        Op::Join => {
            let (low, high, width) = (whole(0), whole(1), whole(2).v.clamp(0, 31));
            let v = field(low.v, 0, width) | high.v << width;
            int(v, Whole { sure: low.sure && high.sure, ..low })
        }
        _ => {
            let float = FLOATS.iter().find(|f| f.from == op || f.bits == op)?;
            Some(if float.from == op { float.decode(whole(0)) } else { float.encode(args[0].real()) })
        }
    }
}

/// `count` bits from bit `from` up.
fn field(x: i64, from: i64, count: i64) -> i64 {
    (x >> from.clamp(0, 62)) & ((1 << count.clamp(0, 32)) - 1)
}

/// A float type by its bits.
struct Float {
    from: Op,
    bits: Op,
    /// Bits of the fraction.
    fraction: u32,
    /// Bits of the exponent.
    exponent: u32,
    /// The nearest value of the type.
    round: fn(f64) -> f64,
    /// Whether the largest exponent means infinity or NaN; otherwise only all ones are NaN.
    infinite: bool,
}

const FLOATS: &[Float] = &[
    Float {
        from: Op::F16From,
        bits: Op::F16Bits,
        fraction: 10,
        exponent: 5,
        round: round_f16,
        infinite: true,
    },
    Float {
        from: Op::Bf16From,
        bits: Op::Bf16Bits,
        fraction: 7,
        exponent: 8,
        round: round_bf16,
        infinite: true,
    },
    Float {
        from: Op::F32From,
        bits: Op::F32Bits,
        fraction: 23,
        exponent: 8,
        round: round_f32,
        infinite: true,
    },
    Float {
        from: Op::E4m3From,
        bits: Op::E4m3Bits,
        fraction: 3,
        exponent: 4,
        round: round_e4m3,
        infinite: false,
    },
];

/// To the 8-bit float with 4 exponent bits, saturating.
fn round_e4m3(v: f64) -> f64 {
    round_to(v.clamp(-448.0, 448.0), 4, -6, 448.0)
}

impl Float {
    fn width(&self) -> u32 {
        1 + self.exponent + self.fraction
    }

    fn bias(&self) -> i64 {
        (1 << (self.exponent - 1)) - 1
    }

    fn decode(&self, bits: Whole) -> Value {
        let v = self.value(bits.v);
        Value::Real(if bits.sure { Real::exact(v) } else { Real::unknown(v) })
    }

    /// The value of the lowest bits.
    fn value(&self, bits: i64) -> f64 {
        let fraction = field(bits, 0, self.fraction.into());
        let exponent = field(bits, self.fraction.into(), self.exponent.into());
        let sign = if field(bits, i64::from(self.width()) - 1, 1) == 1 { -1.0 } else { 1.0 };
        let top = exponent == (1 << self.exponent) - 1;
        let ones = top && fraction == (1 << self.fraction) - 1;
        let magnitude = match (self.infinite, top) {
            (true, true) if fraction == 0 => f64::INFINITY,
            (true, true) => f64::NAN,
            (false, _) if ones => f64::NAN,
            _ => {
                let (implied, exponent) = if exponent == 0 { (0, 1) } else { (1 << self.fraction, exponent) };
                let power = exponent - self.bias() - i64::from(self.fraction);
                (implied + fraction) as f64 * 2f64.powi(power as i32)
            }
        };
        magnitude.copysign(sign)
    }

    fn encode(&self, r: Real) -> Value {
        let v = self.code(r.v);
        // Which NaN comes out is not promised; rounding is monotone, so the ends decide the rest.
        let sure = r.is_known()
            && !r.v.is_nan()
            && !r.unsure_sign()
            && self.code(r.lo()) == v
            && self.code(r.hi()) == v;
        Value::Whole(Whole { v: wrap(v), sure })
    }

    /// The bits of the nearest value.
    fn code(&self, v: f64) -> i64 {
        let sign = i64::from(v.is_sign_negative()) << (self.width() - 1);
        let magnitude = (self.round)(v).abs();
        let (one, top) = (1i64 << self.fraction, (1i64 << self.exponent) - 1);
        if magnitude.is_nan() {
            let quiet = if self.infinite { one / 2 } else { one - 1 };
            return sign | top << self.fraction | quiet;
        }
        if magnitude.is_infinite() {
            return sign | top << self.fraction;
        }
        // The exponent of the spacing around it: constant below the least normal.
        let power = if magnitude == 0.0 { i64::MIN / 2 } else { i64::from(exponent_of(magnitude)) };
        let power = power.max(1 - self.bias());
        let units = (magnitude / 2f64.powi((power - i64::from(self.fraction)) as i32)) as i64;
        // A unit beyond the fraction raises the exponent by itself.
        sign | (((power + self.bias() - 1) << self.fraction) + units)
    }
}

/// `floor(log2(v))` of a positive finite value.
fn exponent_of(v: f64) -> i32 {
    // Values of the types above are normal as `f64`.
    (v.to_bits() >> 52 & 0x7ff) as i32 - 1023
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(v: i64) -> Value {
        Value::Whole(Whole { v, sure: true })
    }

    #[test]
    fn fields_of_integers() {
        let of = |op, args: &[i64]| {
            let args: Vec<Value> = args.iter().map(|v| int(*v)).collect();
            apply(op, &args).unwrap().whole().v
        };
        assert_eq!(of(Op::Bits, &[0xa7, 4, 4]), 0xa);
        assert_eq!(of(Op::Bits, &[-1, 28, 4]), 15);
        assert_eq!(of(Op::Bits, &[-2, 0, 32]), -2);
        assert_eq!(of(Op::Signed, &[0xff, 8]), -1);
        assert_eq!(of(Op::Signed, &[0x17f, 8]), 127);
        assert_eq!(of(Op::Signed, &[5, 3]), -3);
        assert_eq!(of(Op::Join, &[0x1ff, 0x12, 8]), 0x12ff);
        assert_eq!(of(Op::Join, &[0, 0xffff, 16]), i64::from(0xffff_0000_u32 as i32));
    }

    #[test]
    fn every_code_reads_back_as_itself() {
        for f in FLOATS.iter().filter(|f| f.width() <= 16) {
            for bits in 0..1i64 << f.width() {
                let v = f.value(bits);
                if !v.is_nan() {
                    assert_eq!(f.code(v), bits, "{:?} {bits:#x} is {v}", f.from);
                }
            }
        }
        let single = &FLOATS[2];
        for v in [0.0f32, -0.0, 1.0, -1.5, 1e-45, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, 0.1] {
            assert_eq!(single.code(v.into()), i64::from(v.to_bits()));
            assert_eq!(single.value(v.to_bits().into()).to_bits(), f64::from(v).to_bits());
        }
    }

    #[test]
    fn roundings_that_are_open_are_doubted() {
        let of = |v, e| apply(Op::F16Bits, &[Value::Real(Real { v, e })]).unwrap().whole();
        assert_eq!(of(1.0, 1e-6), Whole { v: 0x3c00, sure: true });
        assert!(!of(1.0 + 2f64.powi(-11), 1e-6).sure, "a tie");
        assert!(!of(f64::NAN, 0.0).sure);
        let e4m3 = |v| apply(Op::E4m3Bits, &[Value::Real(Real::exact(v))]).unwrap().whole().v;
        assert_eq!([e4m3(448.0), e4m3(1e9), e4m3(-1e9), e4m3(0.0)], [0x7e, 0x7e, 0xfe, 0]);
    }
}
