//! Where weights and configuration values come from. Reading files is the application's business.

pub use crate::error::LoadError;

mod formats;

pub use formats::{Encode, Format, blocks, strips};

use half::{bf16, f16};

use crate::cache::Cache;
use crate::tensor::{Element, Tensor};

/// A set of named tensors, such as a safetensors file.
pub trait Source {
    /// The elements of a tensor of these dims in row-major order, converted from f32, f16 or bf16.
    fn f32_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError>;

    /// As [`Source::f32_tensor`] in binary16: exact if stored so, otherwise rounded.
    fn f16_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f16>, LoadError> {
        Ok(self.f32_tensor(name, dims)?.into_iter().map(f16::from_f32).collect())
    }

    /// As [`Source::f32_tensor`] in bfloat16: exact if stored so, otherwise rounded.
    fn bf16_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<bf16>, LoadError> {
        Ok(self.f32_tensor(name, dims)?.into_iter().map(bf16::from_f32).collect())
    }

    /// The bytes of a tensor of these dims, counted in numbers, that is stored in that very format: its blocks in
    /// row-major order. Nothing if it is stored as floats; then [`blocks`] encodes it.
    fn blocks(&self, _name: &str, _dims: &[usize], _format: &Format) -> Result<Option<Vec<u8>>, LoadError> {
        Ok(None)
    }

    /// Where to keep what is made of this source's tensors, and to look for it first; nowhere if there is none.
    fn cache(&self) -> Option<&dyn Cache> {
        None
    }
}

/// A set of configuration values, such as a `config.json`.
pub trait Config {
    /// A non-negative whole number.
    fn int(&self, key: &str) -> Result<usize, LoadError>;
    /// A number.
    fn float(&self, key: &str) -> Result<f64, LoadError>;
}

/// Element types that weights are loaded as.
pub trait Weight: Element {
    /// Asks `source` for a tensor of this type.
    fn read<W: Source + ?Sized>(source: &W, name: &str, dims: &[usize]) -> Result<Vec<Self>, LoadError>;
}

macro_rules! weight {
    ($t:ty, $method:ident) => {
        impl Weight for $t {
            fn read<W: Source + ?Sized>(
                source: &W,
                name: &str,
                dims: &[usize],
            ) -> Result<Vec<$t>, LoadError> {
                source.$method(name, dims)
            }
        }
    };
}
weight!(f32, f32_tensor);
weight!(f16, f16_tensor);
weight!(bf16, bf16_tensor);

impl<T: Weight, const R: usize> Tensor<T, R> {
    /// The named tensor of these dims.
    pub fn load<W: Source + ?Sized>(source: &W, name: &str, dims: [usize; R]) -> Result<Self, LoadError> {
        let data = T::read(source, name, &dims)?;
        Tensor::from_slice(&data, dims)
            .map_err(|error| LoadError::Data { name: name.to_owned(), problem: error.to_string() })
    }
}

/// A configuration value, or its default where the key is missing.
///
/// # Errors
/// Every other error of the value.
pub fn or<T>(value: Result<T, LoadError>, default: T) -> Result<T, LoadError> {
    match value {
        Err(LoadError::MissingKey { .. }) => Ok(default),
        other => other,
    }
}

/// A size computed from configured ones.
///
/// # Errors
/// When it is not one: negative, or from a division by zero.
pub fn size(what: &'static str, value: i64) -> Result<usize, LoadError> {
    match usize::try_from(value) {
        Ok(v) if v <= i32::MAX as usize => Ok(v),
        _ => Err(LoadError::Data {
            name: what.to_owned(),
            problem: format!("its value {value} is not a size"),
        }),
    }
}

/// A constraint between configured sizes.
///
/// # Errors
/// When it does not hold.
pub fn holds(layer: &'static str, text: &'static str, holds: bool) -> Result<(), LoadError> {
    if holds {
        return Ok(());
    }
    Err(LoadError::Data { name: layer.to_owned(), problem: format!("`{text}` does not hold for its sizes") })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    impl Source for One {
        fn f32_tensor(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError> {
            match name {
                "a" => Ok(vec![1.0, 2.5, 3.0e-8]),
                _ => Err(LoadError::Shape { name: name.into(), expected: dims.into(), found: vec![3] }),
            }
        }
    }

    #[test]
    fn weights_load_as_each_type() {
        assert_eq!(Tensor::<f32, 1>::load(&One, "a", [3]).unwrap().as_slice(), [1.0, 2.5, 3.0e-8]);
        let half = Tensor::<f16, 1>::load(&One, "a", [3]).unwrap();
        assert_eq!(half.as_slice()[1], f16::from_f32(2.5));
        let source: &dyn Source = &One;
        assert_eq!(Tensor::<bf16, 2>::load(source, "a", [1, 3]).unwrap().dims(), [1, 3]);
    }

    #[test]
    fn sizes_and_defaults() {
        let missing = || Err(LoadError::MissingKey { key: "k".into() });
        assert_eq!(or(missing(), 7), Ok(7));
        assert_eq!(or(Ok(3), 7), Ok(3));
        assert!(or(Err(LoadError::MissingTensor { name: "t".into() }), 7).is_err());
        assert_eq!(size("D", 4), Ok(4));
        assert!(size("D // H", -1).is_err());
        assert!(holds("L", "H % G == 0", true).is_ok() && holds("L", "H % G == 0", false).is_err());
    }

    #[test]
    fn sources_that_give_the_wrong_count_are_caught() {
        let error = Tensor::<f32, 1>::load(&One, "a", [4]).unwrap_err();
        assert!(error.to_string().starts_with("`a` cannot be read"), "{error}");
        assert!(Tensor::<f32, 1>::load(&One, "b", [4]).is_err());
    }
}
