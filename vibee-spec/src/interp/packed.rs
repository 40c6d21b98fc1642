//! Arguments that are stored in a format: numbers become bytes by the format's own encoding.

use super::error::{EvalError, Violation};
use super::tensor::{Tensor, TensorData};
use super::{Options, eval};
use crate::term::{DType, Format};

/// The bytes of a tensor of numbers whose extents are `dims`, the last one in whole blocks.
///
/// # Errors
/// If the format has no encoding; as a violated check, if the numbers do not fill whole blocks.
pub fn encode(format: &Format, dims: &[usize], values: &[f64]) -> Result<Tensor, EvalError> {
    let wrong = |text: String| EvalError::Arguments(text);
    let Some((last, lead)) = dims.split_last() else {
        return Err(wrong(format!("a tensor of `{}` has an axis", format.name)));
    };
    let Some(encode) = &format.encode else {
        return Err(wrong(format!("the format `{}` has no `encode`", format.name)));
    };
    let rows = lead.iter().product();
    let block = usize::try_from(format.block).unwrap_or(usize::MAX);
    if last % block != 0 {
        let text = format!("{last} numbers are no whole blocks of {block}");
        return Err(EvalError::Check(Violation::Size(text)));
    }
    let x = Tensor::float(DType::F32, &[rows, *last], values);
    let mut made = eval(encode, &[], &[x], &Options::default())?;
    let bytes = made.swap_remove(0);
    // Where a rounding is open any outcome is an encoding; this is the one in exact arithmetic.
    #[allow(clippy::cast_possible_truncation)]
    let data = TensorData::Int(bytes.values.iter().map(|v| v.value as i64).collect());
    let dims = lead.iter().copied().chain([bytes.dims[1]]).collect();
    Ok(Tensor { dtype: DType::U8, dims, data })
}
