//! The entry of a call: sizes are solved from arguments, then every condition is checked, in the
//! order in which generated code does it.

use super::error::{EvalError, Violation};
use super::operand::Operand;
use crate::term::{Atom, Check, DType, DimBind, DimId, Int, Kernel, ParamRef};

/// Sizes beyond this are refused: polynomials of a few of them must stay inside `i64`.
const LARGEST_DIM: i64 = 1 << 40;

/// The dims that a call passes as numbers, in order: `dim` arguments as written, then those that
/// a layer fixes.
#[must_use]
pub fn dim_arguments(kernel: &Kernel) -> Vec<DimId> {
    let written = kernel.params.iter().filter_map(|p| match p {
        ParamRef::Dim(d) => Some(*d),
        ParamRef::Input(_) => None,
    });
    let mut out: Vec<DimId> = written.collect();
    for (i, dim) in kernel.dims.iter().enumerate() {
        let id = DimId(u32::try_from(i).expect("dims are counted in u32"));
        if !matches!(dim.bind, DimBind::Axis { .. }) && !out.contains(&id) {
            out.push(id);
        }
    }
    out
}

/// Every dim's value, from the passed numbers and the extents of the inputs.
///
/// # Errors
/// A wrong number or rank of arguments, or sizes that cannot be solved.
pub fn solve_dims(kernel: &Kernel, dims: &[i64], shapes: &[Vec<usize>]) -> Result<Vec<i64>, EvalError> {
    let given = dim_arguments(kernel);
    if given.len() != dims.len() || kernel.inputs.len() != shapes.len() {
        let text = format!(
            "{} takes {} sizes and {} inputs, not {} and {}",
            kernel.name,
            given.len(),
            kernel.inputs.len(),
            dims.len(),
            shapes.len()
        );
        return Err(EvalError::Arguments(text));
    }
    for (input, shape) in kernel.inputs.iter().zip(shapes) {
        if input.shape.len() != shape.len() {
            let text = format!("{} has rank {}, not {}", input.name, input.shape.len(), shape.len());
            return Err(EvalError::Arguments(text));
        }
    }
    let mut values: Vec<Option<i64>> = vec![None; kernel.dims.len()];
    for (id, v) in given.iter().zip(dims) {
        values[id.index()] = Some(*v);
    }
    for (i, dim) in kernel.dims.iter().enumerate() {
        if let DimBind::Axis { input, axis, offset, factor, blocks } = &dim.bind {
            let extent = shapes[input.index()].get(*axis).copied().unwrap_or(0);
            let found = i64::try_from(extent).unwrap_or(i64::MAX);
            let known = |a: &Atom| match a {
                Atom::Dim(d) => values[d.index()],
                _ => None,
            };
            let extent = blocks.map_or(Some(found), |b| b.numbers_in(found));
            let solved = extent.and_then(|n| solve_one(n, offset.eval(&known), factor.eval(&known)));
            values[i] = Some(solved.ok_or_else(|| {
                let input = kernel.input(*input).name.clone();
                EvalError::Check(Violation::Inexact { dim: dim.name.clone(), input, axis: *axis, found })
            })?);
        }
        let v = values[i].expect("dims are passed or bound to an axis");
        if !(0..=LARGEST_DIM).contains(&v) {
            return Err(EvalError::Check(Violation::Size(format!("{} = {v}", dim.name))));
        }
    }
    Ok(values.into_iter().flatten().collect())
}

/// `(found - offset) / factor` if exact and not negative.
fn solve_one(found: i64, offset: Option<i64>, factor: Option<i64>) -> Option<i64> {
    let rest = found.checked_sub(offset?)?;
    let factor = factor?;
    (factor != 0 && rest % factor == 0 && rest / factor >= 0).then(|| rest / factor)
}

/// The value of an integer over dims and integer scalars.
pub(super) fn size(
    kernel: &Kernel,
    int: &Int,
    dims: &[i64],
    inputs: &[Operand<'_>],
) -> Result<i64, EvalError> {
    let leaf = |a: &Atom| match a {
        Atom::Dim(d) => dims.get(d.index()).copied(),
        Atom::Scalar(i) => inputs.get(i.index())?.scalar().map(|w| w.v),
        _ => None,
    };
    int.eval(&leaf).ok_or_else(|| {
        let text = format!("an expression over the sizes of {} overflows or divides by zero", kernel.name);
        EvalError::Check(Violation::Size(text))
    })
}

/// Checks everything that a call must satisfy.
pub(super) fn check(kernel: &Kernel, dims: &[i64], inputs: &[Operand<'_>]) -> Result<(), EvalError> {
    // Scalars first: the other conditions may be about them.
    for scalars in [true, false] {
        for (input, operand) in kernel.inputs.iter().zip(inputs) {
            if input.shape.is_empty() == scalars {
                check_values(kernel, &input.name, &input.dtype, *operand, dims, inputs)?;
            }
        }
        if scalars {
            for c in &kernel.checks {
                check_one(kernel, c, dims, inputs)?;
            }
        }
    }
    Ok(())
}

fn check_values(
    kernel: &Kernel,
    name: &str,
    dtype: &DType,
    operand: Operand<'_>,
    dims: &[i64],
    inputs: &[Operand<'_>],
) -> Result<(), EvalError> {
    let (DType::Idx(limit) | DType::Len(limit)) = dtype else { return Ok(()) };
    let bound = size(kernel, limit, dims, inputs)? + i64::from(matches!(dtype, DType::Len(_)));
    match operand.beyond(bound) {
        None => Ok(()),
        Some((place, value)) => {
            let input = name.to_string();
            Err(EvalError::Check(Violation::Index { input, place, value, bound }))
        }
    }
}

fn check_one(kernel: &Kernel, check: &Check, dims: &[i64], inputs: &[Operand<'_>]) -> Result<(), EvalError> {
    let size = |int: &Int| size(kernel, int, dims, inputs);
    let violation = match check {
        Check::Axis { input, axis, expect } => {
            let expected = size(expect)?;
            let found = inputs[input.index()].dims().get(*axis).copied().unwrap_or(0) as i64;
            if found == expected {
                return Ok(());
            }
            Violation::Axis { input: kernel.input(*input).name.clone(), axis: *axis, expected, found }
        }
        Check::Where { text, lhs, cmp, rhs } => {
            let (lhs, rhs) = (size(lhs)?, size(rhs)?);
            if cmp.holds(lhs, rhs) {
                return Ok(());
            }
            Violation::Where { text: text.clone(), lhs, rhs }
        }
        Check::InRange { text, domain, low, high, extent } => {
            for d in domain {
                if size(d)? <= 0 {
                    return Ok(());
                }
            }
            let (low, high, extent) = (size(low)?, size(high)?, size(extent)?);
            if 0 <= low && high < extent {
                return Ok(());
            }
            Violation::InRange { text: text.clone(), low, high, extent }
        }
    };
    Err(EvalError::Check(violation))
}
