//! Bytes of a tensor as `f32`, read through a small buffer. Must not know names or shapes.

use std::io::{Error, ErrorKind, Read, Result};

use half::{bf16, f16};

use super::{Dtype, TensorInfo};

/// Bytes converted at a time; a multiple of every element size.
const CHUNK: usize = 1 << 16;

/// Reads a tensor of a floating-point type from where the file stands.
pub(super) fn read_floats(file: &mut impl Read, info: &TensorInfo) -> Result<Vec<f32>> {
    match info.dtype {
        Dtype::F32 => read(file, info, f32::from_le_bytes),
        Dtype::F16 => read(file, info, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => read(file, info, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F64 => read(file, info, |b| f64::from_le_bytes(b) as f32),
        other => {
            Err(Error::new(ErrorKind::InvalidData, format!("{} is not a floating-point type", other.name())))
        }
    }
}

fn read<const N: usize>(
    file: &mut impl Read,
    info: &TensorInfo,
    convert: fn([u8; N]) -> f32,
) -> Result<Vec<f32>> {
    let bytes = usize::try_from(info.end - info.begin).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut values = Vec::new();
    values.try_reserve_exact(bytes / N).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut buffer = vec![0; CHUNK.min(bytes)];
    let mut left = bytes;
    while left > 0 {
        let part = &mut buffer[..CHUNK.min(left)];
        file.read_exact(part)?;
        left -= part.len();
        values.extend(part.as_chunks::<N>().0.iter().map(|&b| convert(b)));
    }
    Ok(values)
}
