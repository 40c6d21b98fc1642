//! The interpreter: what a kernel means, in `f64`, with a bound on how far any allowed `f32`
//! evaluation may be from it. It is the oracle of every other part of the project.
//!
//! A compiler may reassociate the sums and products of a fold, fuse multiplications with
//! additions, evaluate both branches of an `if`, share or repeat subexpressions and skip what a
//! guard excludes. It may not turn a division into a multiplication or reorder anything else.
//! Tests compare within the bound that follows from these freedoms ([`compare`]), never within a
//! tuned tolerance; where the freedoms leave a decision open (a comparison, an `argmax`, a
//! rounding) the result is marked and skipped.
//!
//! Must not know loops, lanes, generated code or the runtime: it shares nothing with what it
//! judges but the term IR and the table of promised accuracies ([`ops::ulps`]).
//!
//! Map: [`entry`](solve_dims) solves sizes and checks the call; `plan` prepares expressions;
//! `run` evaluates them with the arithmetic of `real`, `functions`, `fold` and the table in
//! [`ops`] and `bits`; [`draw()`] makes arguments, [`packed`] those in a format.

pub mod bits;
mod compare;
pub mod draw;
mod entry;
mod error;
mod fold;
mod functions;
pub mod layers;
mod operand;
pub mod ops;
pub mod packed;
mod plan;
mod real;
pub mod rng;
mod round;
mod run;
mod tensor;
mod value;

pub use compare::{Approx, Verdict, compare, near};
pub use draw::{Drawn, SizeProfile, draw};
pub use entry::{dim_arguments, solve_dims};
pub use error::{EvalError, Violation};
pub use functions::{Function, Shape, erf, rsqrt, sigmoid, sign};
pub use operand::{Computed, Operand};
pub use real::{Precision, Real};
pub use round::{round_bf16, round_f16, round_f32, round_float};
pub use tensor::{Tensor, TensorData};
pub use value::{Truth, Value, Whole};

use crate::term::{DType, Kernel};

/// Limits of an evaluation; hostile sizes must end in an error, not in exhaustion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Evaluated expressions.
    pub steps: u64,
    /// Elements of all definitions together.
    pub elements: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { steps: 2_000_000_000, elements: 1 << 26 }
    }
}

/// One output of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// As written.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Extents.
    pub dims: Vec<usize>,
    /// Elements in row-major order.
    pub values: Vec<Approx>,
}

impl Output {
    fn new(name: &str, made: Computed) -> Output {
        let values = made.values.into_iter().map(Approx::from).collect();
        Output { name: name.to_owned(), dtype: made.dtype, dims: made.dims, values }
    }
}

/// Evaluates a call of `kernel`. `dims` are the sizes passed as numbers, in the order of
/// [`dim_arguments`]; `inputs` the others in order.
///
/// # Errors
/// Arguments that do not fit, a violated entry condition, a limit, or a wrong term.
pub fn eval(
    kernel: &Kernel,
    dims: &[i64],
    inputs: &[Tensor],
    options: &Options,
) -> Result<Vec<Output>, EvalError> {
    let made = evaluate(kernel, dims, &Operand::given(inputs), &mut options.clone())?;
    Ok(kernel.outputs.iter().zip(made).map(|(o, c)| Output::new(&o.name, c)).collect())
}

/// As [`eval`], of arguments that may carry bounds; what it uses is taken from `left`.
fn evaluate(
    kernel: &Kernel,
    dims: &[i64],
    inputs: &[Operand<'_>],
    left: &mut Options,
) -> Result<Vec<Computed>, EvalError> {
    let dims = enter(kernel, dims, inputs)?;
    let shapes = def_shapes(kernel, &dims, inputs, left)?;
    let plan = plan::Plan::new(kernel, &dims, inputs)?;
    let arrays = run::run(kernel, &plan, inputs, &shapes, &mut left.steps)?;
    // An integer scalar decides positions; one that may be another makes all values doubtful.
    let sure = inputs.iter().all(|i| !i.dims().is_empty() || i.scalar().is_none_or(|w| w.sure));
    Ok(kernel
        .outputs
        .iter()
        .map(|o| {
            let array = &arrays[o.def.index()];
            let values = array.values.iter().flatten();
            let values = values.map(|v| if sure { *v } else { v.doubted() }).collect();
            Computed { dtype: kernel.def(o.def).dtype.clone(), dims: array.dims.clone(), values }
        })
        .collect())
}

/// Solves the sizes of a call and checks everything that it must satisfy.
fn enter(kernel: &Kernel, dims: &[i64], inputs: &[Operand<'_>]) -> Result<Vec<i64>, EvalError> {
    let shapes: Vec<Vec<usize>> = inputs.iter().map(|t| t.dims().to_vec()).collect();
    let dims = solve_dims(kernel, dims, &shapes)?;
    for (input, operand) in kernel.inputs.iter().zip(inputs) {
        if let Some(text) = operand.fault(&input.dtype) {
            return Err(EvalError::Arguments(format!("{}: {text}", input.name)));
        }
    }
    entry::check(kernel, &dims, inputs)?;
    Ok(dims)
}

/// Extents of every definition, within the limit, which they are taken from.
fn def_shapes(
    kernel: &Kernel,
    dims: &[i64],
    inputs: &[Operand<'_>],
    left: &mut Options,
) -> Result<Vec<Vec<usize>>, EvalError> {
    let mut total = 0u64;
    let mut shapes = Vec::with_capacity(kernel.defs.len());
    for def in &kernel.defs {
        let mut shape = Vec::with_capacity(def.shape.len());
        let mut count = 1u64;
        let mut empty = false;
        for int in &def.shape {
            let v = entry::size(kernel, int, dims, inputs)?;
            let v = u64::try_from(v)
                .map_err(|_| EvalError::Check(Violation::Size(format!("an axis of {} is {v}", def.name))))?;
            empty |= v == 0;
            count = count.saturating_mul(v.max(1));
            shape.push(usize::try_from(v).unwrap_or(usize::MAX));
        }
        total = total.saturating_add(if empty { 0 } else { count });
        if total > left.elements {
            return Err(EvalError::Limit(format!("definitions exceed {} elements", left.elements)));
        }
        shapes.push(shape);
    }
    left.elements -= total;
    Ok(shapes)
}
