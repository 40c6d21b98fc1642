//! Weights in a format: taken as they are stored or encoded, and rearranged for products of bytes; or, if the source has
//! a cache, what was made of them before.

use xxhash_rust::xxh3::Xxh3;

use super::Source;
use crate::blocks::{Affine, BlockMat, Strips};
use crate::cache::entry::Field;
use crate::cache::{Content, Entry, EntryError, Label};
use crate::check::block_bytes;
use crate::ctx::Ctx;
use crate::error::{LoadError, ShapeError};
use crate::level::Level;
use crate::tensor::Tensor;
use crate::view::{View, ViewMut};

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
/// floats now or for the source's cache. The last axis of what is returned counts bytes.
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
    if let Some(stored) = stored(source, name, dims, format)? {
        return Ok(stored);
    }
    let make = || encoded(source, name, dims, format);
    let Some(cache) = source.cache() else { return make() };
    let kept = bytes_of(name, dims, format)?;
    let fingerprint = probe_encode(format, Xxh3::new()).digest();
    let label = Label { form: "blocks", name, dims: &dims, format: format.name, fingerprint };
    let read = |entry: &Entry| read_blocks(entry, kept, format);
    if let Some(Ok(blocks)) = cache.find(&label).as_ref().map(read) {
        return Ok(blocks);
    }
    let blocks = make()?;
    let description = description(&kept, format);
    cache.keep(&label, &Content { description: &description, parts: [blocks.as_slice(), &[]] });
    Ok(blocks)
}

/// As [`blocks`], rearranged for products of bytes now or for the source's cache.
///
/// # Errors
/// As of [`blocks`], and when the format cannot be rearranged.
pub fn strips<F: Affine>(
    source: &dyn Source,
    name: &str,
    dims: [usize; 2],
    format: &Format,
) -> Result<Strips, LoadError> {
    let make = || {
        let blocks = match stored(source, name, dims, format)? {
            Some(stored) => stored,
            None => encoded(source, name, dims, format)?,
        };
        let matrix = BlockMat::<F>::of(blocks.view()).map_err(|error| refuse(name, error))?;
        let several = || refuse(name, format!("blocks of `{}` have several groups", format.name));
        Strips::new(&matrix).ok_or_else(several)
    };
    let Some(cache) = source.cache() else { return make() };
    let fingerprint = probe_strips::<F>(format, probe_encode(format, Xxh3::new())).digest();
    let label = Label { form: "strips", name, dims: &dims, format: format.name, fingerprint };
    let read = |entry: &Entry| Strips::kept::<F>(entry, dims);
    if let Some(Ok(strips)) = cache.find(&label).as_ref().map(read) {
        return Ok(strips);
    }
    let strips = make()?;
    strips.content(|content| cache.keep(&label, content));
    Ok(strips)
}

/// The blocks that the source has of a tensor, if it stores it in the format.
fn stored<const R: usize>(
    source: &dyn Source,
    name: &str,
    dims: [usize; R],
    format: &Format,
) -> Result<Option<Tensor<u8, R>>, LoadError> {
    let kept = bytes_of(name, dims, format)?;
    let stored = source.blocks(name, &dims, format)?;
    stored.map(|bytes| Tensor::from_slice(&bytes, kept).map_err(|error| refuse(name, error))).transpose()
}

/// The floats that the source has of a tensor, encoded.
fn encoded<const R: usize>(
    source: &dyn Source,
    name: &str,
    dims: [usize; R],
    format: &Format,
) -> Result<Tensor<u8, R>, LoadError> {
    let wrong = |error: ShapeError| refuse(name, error);
    let Some(encode) = format.encode else {
        return Err(refuse(name, format!("it is stored as floats, and `{}` has no `encode`", format.name)));
    };
    let numbers = source.f32_tensor(name, &dims)?;
    let kept = bytes_of(name, dims, format)?;
    let mut out = Tensor::zeros(kept).map_err(wrong)?;
    let (rows, row) = rows_of(&dims);
    let x = View::new(&numbers, [rows, row]).map_err(wrong)?;
    let to = ViewMut::new(out.as_mut_slice(), [rows, rows_of(&kept).1]).map_err(wrong)?;
    encode(&mut Ctx::with(Level::best(), 1), x, to).map_err(wrong)?;
    Ok(out)
}

/// The dims of a tensor of blocks, whose last axis counts bytes.
fn bytes_of<const R: usize>(name: &str, dims: [usize; R], format: &Format) -> Result<[usize; R], LoadError> {
    let row = rows_of(&dims).1;
    let Some(bytes) = block_bytes(row, format.numbers, format.bytes) else {
        return Err(refuse(
            name,
            format!("a row of {row} numbers is not made of blocks of {}", format.numbers),
        ));
    };
    let mut kept = dims;
    if let Some(last) = kept.last_mut() {
        *last = bytes;
    }
    Ok(kept)
}

/// How many rows there are, and how long they are; no memory holds so many that this saturates.
fn rows_of(dims: &[usize]) -> (usize, usize) {
    let (row, rows) = dims.split_last().unwrap_or((&0, &[]));
    (rows.iter().fold(1, |product, dim| product.saturating_mul(*dim)), *row)
}

fn refuse(name: &str, problem: impl ToString) -> LoadError {
    LoadError::Data { name: name.to_owned(), problem: problem.to_string() }
}

/// What an entry of a cache says of blocks.
fn description(kept: &[usize], format: &Format) -> [Field; 5] {
    let (rows, row) = rows_of(kept);
    [
        ("form", u64::from_le_bytes(*b"blocks\0\0")),
        ("rows", rows as u64),
        ("bytes in a row", row as u64),
        ("numbers in a block", format.numbers as u64),
        ("bytes in a block", format.bytes as u64),
    ]
}

/// Blocks from an entry of a cache, copied: tensors have memory of their own.
fn read_blocks<const R: usize>(
    entry: &Entry,
    kept: [usize; R],
    format: &Format,
) -> Result<Tensor<u8, R>, EntryError> {
    entry.expect(&description(&kept, format))?;
    let bytes = entry.bytes(0);
    let (rows, row) = rows_of(&kept);
    let expected = rows.saturating_mul(row) as u64;
    Tensor::from_slice(bytes, kept).map_err(|_| EntryError::Length { expected, found: bytes.len() as u64 })
}

/// Rows that a format is tried with: a strip of them, each with at least so many numbers.
const PROBE_ROWS: usize = 8;
const PROBE_NUMBERS: usize = 256;

/// Adds what a format makes of fixed floats of many sizes. Formats of other equations make something else of them, and
/// so does a machine that rounds otherwise.
fn probe_encode(format: &Format, mut hash: Xxh3) -> Xxh3 {
    let Some(encode) = format.encode else { return hash };
    let blocks = PROBE_NUMBERS.div_ceil(format.numbers.max(1));
    let (numbers, bytes) = (blocks * format.numbers, blocks * format.bytes);
    let sizes = [1.0, 1e-3, 30.0, 1e-6];
    let x: Vec<f32> = noise(PROBE_ROWS * numbers)
        .enumerate()
        .map(|(n, bits)| (bits as i32 as f32 / (1_u32 << 31) as f32) * sizes[n / numbers % sizes.len()])
        .collect();
    let mut made = vec![0; PROBE_ROWS * bytes];
    let tried = View::new(&x, [PROBE_ROWS, numbers]).and_then(|x| {
        encode(&mut Ctx::with(Level::best(), 1), x, ViewMut::new(&mut made, [PROBE_ROWS, bytes])?)
    });
    hash.update(&[u8::from(tried.is_ok())]);
    hash.update(&made);
    hash
}

/// Adds the strips of fixed blocks, in which any byte may stand. They tell decoding and arrangements apart.
fn probe_strips<F: Affine>(format: &Format, mut hash: Xxh3) -> Xxh3 {
    let blocks = PROBE_NUMBERS.div_ceil(F::NUMBERS);
    let bytes: Vec<u8> =
        noise(PROBE_ROWS * blocks * size_of::<F::Block>()).map(|bits| (bits >> 24) as u8).collect();
    hash.update(&(format.bytes as u64).to_le_bytes());
    if let Some(strips) =
        BlockMat::<F>::new(&bytes, PROBE_ROWS, blocks * F::NUMBERS).ok().and_then(|m| Strips::new(&m))
    {
        strips.content(|content| content.parts.iter().for_each(|part| hash.update(part)));
    }
    hash
}

/// Numbers without a pattern, always the same (a linear congruence).
fn noise(count: usize) -> impl Iterator<Item = u32> {
    let next = |state: &u64| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(1_u64), next).skip(1).take(count).map(|state| (state >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
