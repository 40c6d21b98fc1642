//! What feeds an input: a tensor of the caller, whose values are exact, or values that an earlier
//! computation left with their bounds.

use super::real::Real;
use super::tensor::{Tensor, TensorData};
use super::value::{Truth, Value, Whole};
use crate::term::DType;

/// An array of values with bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    /// Element type.
    pub dtype: DType,
    /// Extents.
    pub dims: Vec<usize>,
    /// Elements in row-major order.
    pub values: Vec<Value>,
}

/// An argument of an evaluation.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// Exact values.
    Given(&'a Tensor),
    /// Values within bounds.
    Computed(&'a Computed),
}

impl<'a> Operand<'a> {
    /// A caller's tensors.
    pub(super) fn given(tensors: &'a [Tensor]) -> Vec<Operand<'a>> {
        tensors.iter().map(Operand::Given).collect()
    }

    pub(super) fn dims(&self) -> &'a [usize] {
        match self {
            Operand::Given(t) => &t.dims,
            Operand::Computed(c) => &c.dims,
        }
    }

    /// The same values as an array of their own.
    pub(super) fn computed(&self) -> Computed {
        let count = self.dims().iter().product();
        let values = (0..count).map(|place| self.element(place)).collect();
        Computed { dtype: self.dtype().clone(), dims: self.dims().to_vec(), values }
    }

    fn dtype(&self) -> &'a DType {
        match self {
            Operand::Given(t) => &t.dtype,
            Operand::Computed(c) => &c.dtype,
        }
    }

    /// The element at a place in row-major order, which must be inside.
    pub(super) fn element(&self, place: usize) -> Value {
        match self {
            Operand::Given(t) => match &t.data {
                TensorData::Float(v) => Value::Real(Real::exact(v[place])),
                TensorData::Int(v) => Value::Whole(Whole { v: v[place], sure: true }),
                TensorData::Bool(v) => Value::Truth(Truth { v: v[place], sure: true }),
            },
            Operand::Computed(c) => c.values[place],
        }
    }

    /// The value of an integer scalar.
    pub(super) fn scalar(&self) -> Option<Whole> {
        match self {
            Operand::Given(Tensor { data: TensorData::Int(v), .. }) => {
                v.first().map(|v| Whole { v: *v, sure: true })
            }
            Operand::Computed(c) => match c.values.first() {
                Some(Value::Whole(w)) => Some(*w),
                _ => None,
            },
            Operand::Given(_) => None,
        }
    }

    /// The first element outside `0..bound`, if these are integers: its place and value.
    pub(super) fn beyond(&self, bound: i64) -> Option<(usize, i64)> {
        let off = |v: i64| !(0..bound).contains(&v);
        match self {
            Operand::Given(Tensor { data: TensorData::Int(v), .. }) => {
                v.iter().enumerate().find(|(_, v)| off(**v)).map(|(place, v)| (place, *v))
            }
            Operand::Computed(c) => c.values.iter().enumerate().find_map(|(place, v)| match v {
                Value::Whole(w) if off(w.v) => Some((place, w.v)),
                _ => None,
            }),
            Operand::Given(_) => None,
        }
    }

    /// What is wrong with it as an argument of type `wanted`, if anything.
    pub(super) fn fault(&self, wanted: &DType) -> Option<String> {
        // The bound of an index type is the kernel's business, so only the kind must agree.
        // A number of a layer may become a position of its sublayer: it is checked there like any other.
        let position = matches!(wanted, DType::Idx(_) | DType::Len(_));
        if position && self.dims().is_empty() && *self.dtype() == DType::I32 {
            return None;
        }
        if std::mem::discriminant(wanted) != std::mem::discriminant(self.dtype()) {
            return Some(format!("has type {:?}", self.dtype()));
        }
        match self {
            Operand::Given(t) => t.fault(),
            Operand::Computed(c) => {
                let count = c.dims.iter().try_fold(1usize, |a, d| a.checked_mul(*d));
                let full = count == Some(c.values.len());
                (!full).then(|| format!("{} values do not fill {:?}", c.values.len(), c.dims))
            }
        }
    }
}
