//! Executable cases and laws of a block, evaluated by the interpreter.

use vibee_spec::check::{Case, Data, Expected, Law, Tests};
use vibee_spec::interp::packed::encode;
use vibee_spec::interp::{
    EvalError, Options, Output, SizeProfile, Tensor, TensorData, draw, eval, near, rng::Rng,
};
use vibee_spec::term::{DType, Input, InputId, Kernel, Module};

/// Draws per law.
const DRAWS: u64 = 16;

/// Runs all cases and laws; their number, or the first that fails.
pub fn run(module: &Module, tests: &Tests) -> Result<usize, String> {
    for case in &tests.cases {
        judge(&module.kernels[case.kernel], case)
            .map_err(|why| format!("the case `{}`: {why}", case.name))?;
    }
    for law in &tests.laws {
        holds(law).map_err(|why| format!("the law `{}`: {why}", law.name))?;
    }
    Ok(tests.cases.len() + tests.laws.len())
}

fn judge(kernel: &Kernel, case: &Case) -> Result<(), String> {
    let one = |(n, (input, data)): (u32, (&Input, &Data))| match kernel.packed(InputId(n)) {
        Some(p) => encode(&p.format, &data.dims, &data.values),
        None => Ok(tensor(&input.dtype, data)),
    };
    let inputs: Result<Vec<Tensor>, EvalError> =
        (0..).zip(kernel.inputs.iter().zip(&case.inputs)).map(one).collect();
    let outputs = inputs.and_then(|inputs| eval(kernel, &case.dims, &inputs, &Options::default()));
    for e in &case.expects {
        match (e, &outputs) {
            (Expected::Error, Err(EvalError::Check(_))) => {}
            (Expected::Error, outputs) => return Err(format!("gives {outputs:?}, no violated check")),
            (_, Err(error)) => return Err(format!("is refused: {error:?}")),
            (Expected::Near { output, want, tol }, Ok(o)) => same(&o[*output], want, Some(*tol))?,
            (Expected::Equal { output, want }, Ok(o)) => same(&o[*output], want, None)?,
        }
    }
    Ok(())
}

fn tensor(dtype: &DType, data: &Data) -> Tensor {
    let Data { dims, values } = data;
    match dtype {
        DType::Bool => Tensor::bool(dims, &values.iter().map(|v| *v != 0.0).collect::<Vec<_>>()),
        t if t.is_float() => Tensor::float(dtype.clone(), dims, values),
        t => Tensor::int(t.clone(), dims, &values.iter().map(|v| *v as i64).collect::<Vec<_>>()),
    }
}

/// The oracle computes in `f64`, so that an exact claim is about exactly computable values.
fn same(output: &Output, want: &Data, tol: Option<f64>) -> Result<(), String> {
    let found: Vec<f64> = output.values.iter().map(|v| v.value).collect();
    let close = |a: f64, b: f64| near(a, b, tol.unwrap_or(0.0));
    // An empty list says nothing about the axes inside it.
    let dims = output.dims == want.dims || (found.is_empty() && want.values.is_empty());
    if dims && found.iter().zip(&want.values).all(|(a, b)| close(*a, *b)) {
        return Ok(());
    }
    Err(format!("`{}` is {:?} {found:?}", output.name, output.dims))
}

fn holds(law: &Law) -> Result<(), String> {
    let mut tried = 0;
    for seed in 0..DRAWS {
        let mut drawn = draw(&law.lhs, seed, SizeProfile::SMALL).map_err(|e| format!("{e:?}"))?;
        let mut rng = Rng::new(seed);
        for (var, input) in law.vars.iter().zip(&mut drawn.inputs) {
            let value = var.low + (var.high - var.low) * rng.unit();
            match &mut input.data {
                TensorData::Int(v) => v.fill(value.round() as i64),
                _ => *input = Tensor::float(input.dtype.clone(), &[], &[value]),
            }
        }
        let side = |kernel| eval(kernel, &drawn.dims, &drawn.inputs, &Options::default());
        let (Ok(lhs), Ok(rhs)) = (side(&law.lhs), side(&law.rhs)) else { continue };
        tried += 1;
        let values = rhs[0].values.iter().map(|v| v.value).collect();
        same(&lhs[0], &Data { dims: rhs[0].dims.clone(), values }, law.tol)?;
    }
    if tried > 0 { Ok(()) } else { Err("no draw satisfies the checks".into()) }
}
