//! Plain values in `f64`, and their conversions between types.

use vibee_spec::interp::{Precision, Real, Truth, Value, Whole, bits, ops, round_f32, round_float};
use vibee_spec::term::{DType, Op};

/// A value without a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plain {
    Float(f64),
    Int(i64),
    Bool(bool),
}

impl Plain {
    /// As outputs are compared.
    pub fn number(self) -> f64 {
        match self {
            Plain::Float(v) => v,
            Plain::Int(v) => v as f64,
            Plain::Bool(v) => f64::from(u8::from(v)),
        }
    }

    pub fn truth(self) -> bool {
        self == Plain::Bool(true)
    }

    pub fn int(self) -> i64 {
        if let Plain::Int(v) = self { v } else { 0 }
    }

    /// Kept by a definition of a type: intermediate `f32` values stay as exact as the interpreter's.
    pub fn kept(self, to: &DType, limit: i64) -> Plain {
        if matches!(to, DType::F32 | DType::F64) { self } else { self.stored(to, limit) }
    }

    /// Converted from another type; `limit` is the bound of `idx` and `len`.
    pub fn stored(self, to: &DType, limit: i64) -> Plain {
        let within = |v: i64| match to {
            DType::I8 => v.clamp(-128, 127),
            DType::U8 => v.clamp(0, 255),
            DType::Idx(_) => v.clamp(0, (limit - 1).max(0)),
            DType::Len(_) => v.clamp(0, limit.max(0)),
            _ => i64::from(v as i32),
        };
        match self {
            Plain::Bool(_) => self,
            Plain::Float(v) if to.is_float() => Plain::Float(round_float(v, to)),
            Plain::Int(v) if to.is_float() => {
                let v = if *to == DType::F64 { v as f64 } else { round_f32(v as f64) };
                Plain::Float(if matches!(to, DType::F16 | DType::BF16) { round_float(v, to) } else { v })
            }
            Plain::Float(v) => Plain::Int(within(i64::from(v as i32))),
            Plain::Int(v) => Plain::Int(within(v)),
        }
    }
}

/// An operator's value, from the operator table.
pub fn apply(op: Op, args: &[Plain], dtype: &DType) -> Plain {
    let value = |p: &Plain| match p {
        Plain::Float(v) => Value::Real(Real::exact(*v)),
        Plain::Int(v) => Value::Whole(Whole { v: *v, sure: true }),
        Plain::Bool(v) => Value::Truth(Truth { v: *v, sure: true }),
    };
    if op == Op::Pick {
        return args[1 + args[0].int().max(0) as usize];
    }
    let all: Vec<Value> = args.iter().map(value).collect();
    let second = all.get(1).copied();
    match bits::apply(op, &all).unwrap_or_else(|| ops::apply(op, all[0], second, Precision::of(dtype))) {
        Value::Real(r) => Plain::Float(r.v),
        Value::Whole(w) => Plain::Int(w.v),
        Value::Truth(t) => Plain::Bool(t.v),
    }
}
