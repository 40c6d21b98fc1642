//! Where weights and configuration values come from. Reading files is the application's business.

pub use crate::error::LoadError;

use half::{bf16, f16};

use crate::blocks::{Affine, BlockMat, Strips};
use crate::check::block_bytes;
use crate::ctx::Ctx;
use crate::error::ShapeError;
use crate::level::Level;
use crate::tensor::{Element, Tensor};
use crate::view::{View, ViewMut};

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
}

/// A storage format, as loading sees it.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name in the spec.
    pub name: &'static str,
    /// Numbers of a block.
    pub numbers: usize,
    /// Bytes of a block.
    pub bytes: usize,
    /// Rows of numbers to rows of blocks; nothing if the spec does not say how.
    pub encode: Option<Encode>,
}

/// What encodes a matrix, row by row.
pub type Encode = fn(&mut Ctx, View<'_, f32, 2>, ViewMut<'_, u8, 2>) -> Result<(), ShapeError>;

/// The named tensor of these dims, counted in numbers, as blocks of a format: as they are stored, or encoded from
/// floats. The last axis of what is returned counts bytes.
///
/// # Errors
/// As of reading floats; when a row is no whole number of blocks; when floats would have to be encoded and the
/// format does not say how.
pub fn blocks<const R: usize>(
    source: &dyn Source,
    name: &str,
    dims: [usize; R],
    format: &Format,
) -> Result<Tensor<u8, R>, LoadError> {
    let refuse = |problem: String| LoadError::Data { name: name.to_owned(), problem };
    let row = dims.last().copied().unwrap_or(0);
    let Some(bytes) = block_bytes(row, format.numbers, format.bytes) else {
        return Err(refuse(format!("a row of {row} numbers is not made of blocks of {}", format.numbers)));
    };
    let mut kept = dims;
    if let Some(last) = kept.last_mut() {
        *last = bytes;
    }
    let wrong = |error: ShapeError| refuse(error.to_string());
    if let Some(stored) = source.blocks(name, &dims, format)? {
        return Tensor::from_slice(&stored, kept).map_err(wrong);
    }
    let Some(encode) = format.encode else {
        return Err(refuse(format!("it is stored as floats, and `{}` has no `encode`", format.name)));
    };
    let numbers = source.f32_tensor(name, &dims)?;
    let rows = dims[..R.saturating_sub(1)].iter().product();
    let mut out = Tensor::zeros(kept).map_err(wrong)?;
    let x = View::new(&numbers, [rows, row]).map_err(wrong)?;
    let to = ViewMut::new(out.as_mut_slice(), [rows, bytes]).map_err(wrong)?;
    encode(&mut Ctx::with(Level::best(), 1), x, to).map_err(wrong)?;
    Ok(out)
}

/// As [`blocks`], rearranged for products of bytes.
///
/// # Errors
/// As of [`blocks`], and when the format cannot be rearranged.
pub fn strips<F: Affine>(
    source: &dyn Source,
    name: &str,
    dims: [usize; 2],
    format: &Format,
) -> Result<Strips, LoadError> {
    let refuse = |problem: String| LoadError::Data { name: name.to_owned(), problem };
    let bytes = blocks(source, name, dims, format)?;
    let matrix = BlockMat::<F>::of(bytes.view()).map_err(|error| refuse(error.to_string()))?;
    Strips::new(&matrix).ok_or_else(|| refuse(format!("blocks of `{}` have several groups", format.name)))
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

    /// Two numbers to their sum's whole part.
    const PAIRS: Format = Format {
        name: "pairs",
        numbers: 2,
        bytes: 1,
        encode: Some(|_, x, mut to| {
            for r in 0..x.dim(0) {
                let sums = x.row([r]).chunks_exact(2).map(|pair| (pair[0] + pair[1]) as u8);
                to.row_mut([r]).iter_mut().zip(sums).for_each(|(to, sum)| *to = sum);
            }
            Ok(())
        }),
    };

    struct Stored;
    impl Source for Stored {
        fn f32_tensor(&self, _: &str, dims: &[usize]) -> Result<Vec<f32>, LoadError> {
            Ok((0..dims.iter().product()).map(|n: usize| n as f32).collect())
        }

        fn blocks(&self, name: &str, _: &[usize], _: &Format) -> Result<Option<Vec<u8>>, LoadError> {
            Ok((name == "blocks").then(|| vec![7; 4]))
        }
    }

    #[test]
    fn blocks_are_taken_as_they_are_or_made() {
        let stored = blocks(&Stored, "blocks", [2, 4], &PAIRS).unwrap();
        assert_eq!((stored.dims(), stored.as_slice()), ([2, 2], &[7; 4][..]));
        let made = blocks(&Stored, "floats", [2, 1, 4], &PAIRS).unwrap();
        assert_eq!((made.dims(), made.as_slice()), ([2, 1, 2], &[1, 5, 9, 13][..]));
        assert!(blocks(&Stored, "floats", [0, 4], &PAIRS).unwrap().as_slice().is_empty());
        for (name, dims) in [("blocks", [1, 4]), ("floats", [2, 3])] {
            assert!(blocks(&Stored, name, dims, &PAIRS).is_err(), "{name} {dims:?}");
        }
        let silent = Format { encode: None, ..PAIRS };
        let error = blocks(&Stored, "floats", [2, 4], &silent).unwrap_err().to_string();
        assert_eq!(error, "`floats` cannot be read: it is stored as floats, and `pairs` has no `encode`");
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
