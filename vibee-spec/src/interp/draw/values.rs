//! Values: every tensor gets one character (normal, tied, mixed magnitudes, sparse …), because
//! uniform noise finds little.

use super::super::rng::Rng;
use super::super::tensor::{Tensor, TensorData};
use crate::term::{Atom, DType, Format, Input, InputId, Int, Kernel};

/// How far floats go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    /// Ties, sparse and mixed magnitudes; with NaN and infinities on request.
    Wild {
        /// NaN and infinities, too.
        specials: bool,
    },
    /// What data looks like: a deep computation keeps a bound that says something.
    Calm,
}

/// Rows of calm numbers that are encoded; more of them are these again.
const ROWS: usize = 64;

/// Arguments for the given sizes; `None` if some index has no value in its range.
pub(super) fn draw(kernel: &Kernel, dims: &[i64], rng: &mut Rng, temper: Temper) -> Option<Vec<Tensor>> {
    let size = |int: &Int| {
        int.eval(&|a| if let Atom::Dim(d) = a { dims.get(d.index()).copied() } else { None })
            .and_then(|v| usize::try_from(v).ok())
    };
    let one = |(n, input): (u32, &Input)| match kernel.packed(InputId(n)) {
        Some(p) => {
            let dims: Vec<usize> = p.shape.iter().map(&size).collect::<Option<_>>()?;
            blocks(&p.format, dims, rng, temper)
        }
        None => tensor(input, &size, rng, temper),
    };
    (0u32..).zip(&kernel.inputs).map(one).collect()
}

/// Bytes in a format: those of drawn numbers, or any if nothing encodes them.
pub(super) fn blocks(of: &Format, mut dims: Vec<usize>, rng: &mut Rng, temper: Temper) -> Option<Tensor> {
    let count = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    if of.encode.is_some() {
        let rows = count.checked_div(dims.last().copied().unwrap_or(0)).unwrap_or(0);
        return match temper {
            Temper::Calm if rows > ROWS => repeated(of, &dims, rows, rng),
            _ => super::super::packed::encode(of, &dims, &floats(count, false, rng, temper)).ok(),
        };
    }
    let last = dims.last_mut()?;
    *last = usize::try_from(of.bytes).ok()?.checked_mul(*last / usize::try_from(of.block).ok()?)?;
    let count = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    let data = TensorData::Int((0..count).map(|_| rng.between(0, 255)).collect());
    Some(Tensor { dtype: DType::U8, dims, data })
}

/// As many rows, of which only some are encoded: the interpreter does that.
fn repeated(of: &Format, dims: &[usize], rows: usize, rng: &mut Rng) -> Option<Tensor> {
    let columns = *dims.last()?;
    let some = floats(ROWS.checked_mul(columns)?, false, rng, Temper::Calm);
    let encoded = super::super::packed::encode(of, &[ROWS, columns], &some).ok()?;
    let TensorData::Int(bytes) = encoded.data else { return None };
    let width = *encoded.dims.last()?;
    let data = bytes.iter().copied().cycle().take(rows.checked_mul(width)?).collect();
    let mut dims = dims.to_vec();
    *dims.last_mut()? = width;
    Some(Tensor { dtype: encoded.dtype, dims, data: TensorData::Int(data) })
}

fn tensor(
    input: &Input,
    size: &dyn Fn(&Int) -> Option<usize>,
    rng: &mut Rng,
    temper: Temper,
) -> Option<Tensor> {
    let shape: Vec<usize> = input.shape.iter().map(size).collect::<Option<_>>()?;
    let count = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    let scalar = shape.is_empty();
    let data = match &input.dtype {
        DType::F64 | DType::F32 | DType::F16 | DType::BF16 => {
            return Some(Tensor::float(input.dtype.clone(), &shape, &floats(count, scalar, rng, temper)));
        }
        DType::Bool => {
            let often = *rng.pick(&[0, 1, 2, 2, 2, 9]);
            TensorData::Bool((0..count).map(|_| often > 0 && !rng.once_in(often + 1)).collect())
        }
        DType::Idx(bound) => {
            let n = i64::try_from(size(bound)?).ok()?;
            if n == 0 && count > 0 {
                return None;
            }
            TensorData::Int((0..count).map(|_| edge(rng, 0, n - 1)).collect())
        }
        DType::Len(bound) => {
            let n = i64::try_from(size(bound)?).ok()?;
            TensorData::Int((0..count).map(|_| edge(rng, 0, n)).collect())
        }
        DType::I8 => TensorData::Int((0..count).map(|_| edge(rng, -128, 127)).collect()),
        DType::U8 => TensorData::Int((0..count).map(|_| edge(rng, 0, 255)).collect()),
        DType::I32 => {
            let wild = !scalar && rng.once_in(6);
            let (low, high) = if wild { (i64::from(i32::MIN), i64::from(i32::MAX)) } else { (-9, 9) };
            TensorData::Int((0..count).map(|_| edge(rng, low, high)).collect())
        }
    };
    Some(Tensor { dtype: input.dtype.clone(), dims: shape, data })
}

/// Uniform in `low..=high`, the ends more often.
fn edge(rng: &mut Rng, low: i64, high: i64) -> i64 {
    match rng.below(8) {
        0 => low,
        1 => high,
        _ => rng.between(low, high),
    }
}

/// A scalar as parameters are: positive and moderate.
pub(super) fn moderate(rng: &mut Rng) -> f64 {
    if rng.once_in(2) { *rng.pick(&[1e-6, 1e-5, 1e-3, 0.5, 1.0, 2.0]) } else { rng.unit() * 2.0 }
}

fn floats(count: usize, scalar: bool, rng: &mut Rng, temper: Temper) -> Vec<f64> {
    let specials = match temper {
        Temper::Calm if scalar => return vec![moderate(rng); count],
        Temper::Calm => return (0..count).map(|_| rng.normal()).collect(),
        Temper::Wild { specials } => specials,
    };
    if scalar {
        // Mostly what a parameter is: positive and moderate.
        let v = match rng.below(8) {
            0 => 0.0,
            1 => -rng.unit(),
            2 | 3 => *rng.pick(&[1e-6, 1e-5, 1e-3, 0.5, 1.0, 2.0]),
            _ => rng.unit() * 2.0,
        };
        return vec![v; count];
    }
    let character = rng.below(8);
    let constant = rng.normal();
    (0..count)
        .map(|_| {
            if specials && rng.once_in(24) {
                return *rng.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e-40, 3e38]);
            }
            match character {
                // Ties, exact sums and exact zeros.
                0 => rng.between(-3, 3) as f64,
                // Magnitudes over six decades, where cancellation shows.
                1 => rng.normal() * 2f64.powi(rng.between(-14, 6) as i32),
                2 if rng.once_in(2) => 0.0,
                3 => constant,
                4 => rng.unit(),
                5 => rng.normal() * 4.0,
                _ => rng.normal(),
            }
        })
        .collect()
}
