//! Arguments of an evaluation: arrays whose values are already those of their storage type.

use super::round::round_float;
use crate::term::DType;

/// Payload of a [`Tensor`], row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// Of any float type.
    Float(Vec<f64>),
    /// Of any integer type.
    Int(Vec<i64>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl TensorData {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            TensorData::Float(v) => v.len(),
            TensorData::Int(v) => v.len(),
            TensorData::Bool(v) => v.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An argument: a tensor, or a scalar when `dims` is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Element type; the bound of `idx` and `len` is taken from the kernel, not from here.
    pub dtype: DType,
    /// Extents.
    pub dims: Vec<usize>,
    /// Values, each representable in `dtype`.
    pub data: TensorData,
}

impl Tensor {
    /// Floats, rounded to `dtype`.
    ///
    /// # Panics
    /// If the number of values is not the product of `dims`.
    #[must_use]
    pub fn float(dtype: DType, dims: &[usize], values: &[f64]) -> Self {
        assert_eq!(dims.iter().product::<usize>(), values.len(), "values fill the shape");
        let data = TensorData::Float(values.iter().map(|v| round_float(*v, &dtype)).collect());
        Tensor { dtype, dims: dims.to_vec(), data }
    }

    /// Integers.
    ///
    /// # Panics
    /// If the number of values is not the product of `dims`.
    #[must_use]
    pub fn int(dtype: DType, dims: &[usize], values: &[i64]) -> Self {
        assert_eq!(dims.iter().product::<usize>(), values.len(), "values fill the shape");
        Tensor { dtype, dims: dims.to_vec(), data: TensorData::Int(values.to_vec()) }
    }

    /// Truth values.
    ///
    /// # Panics
    /// If the number of values is not the product of `dims`.
    #[must_use]
    pub fn bool(dims: &[usize], values: &[bool]) -> Self {
        assert_eq!(dims.iter().product::<usize>(), values.len(), "values fill the shape");
        Tensor { dtype: DType::Bool, dims: dims.to_vec(), data: TensorData::Bool(values.to_vec()) }
    }

    /// What is wrong with the payload for its type, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let count = self.dims.iter().try_fold(1usize, |a, d| a.checked_mul(*d));
        if count != Some(self.data.len()) {
            return Some(format!("{} values do not fill {:?}", self.data.len(), self.dims));
        }
        match &self.data {
            TensorData::Float(values) if self.dtype.is_float() => {
                let off = values.iter().find(|v| !v.is_nan() && round_float(**v, &self.dtype) != **v)?;
                Some(format!("{off} is not a value of {:?}", self.dtype))
            }
            TensorData::Int(values) if self.dtype.is_int() => {
                let (low, high) = match self.dtype {
                    DType::I8 => (-128, 127),
                    DType::U8 => (0, 255),
                    DType::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
                    // Against their bound these are checked at entry, as the runtime does.
                    _ => (i64::MIN, i64::MAX),
                };
                let off = values.iter().find(|v| !(low..=high).contains(*v))?;
                Some(format!("{off} is not a value of {:?}", self.dtype))
            }
            TensorData::Bool(_) if self.dtype == DType::Bool => None,
            _ => Some(format!("payload does not hold {:?}", self.dtype)),
        }
    }
}
