//! `vibee eval`: a kernel's meaning, by the interpreter.

use anyhow::{Result, bail};
use vibee_codegen::{compile, values};
use vibee_spec::interp::{Approx, EvalError, Options, eval};

use crate::one::{One, Which};
use crate::ui::{Outcome, Ui, print};

/// Evaluate a kernel with the interpreter: values in f64, and how far compiled code may be from them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  echo '{\"x\": [[3, 4]], \"w\": [1, 1], \"eps\": 1e-6}' |
    vibee eval rmsnorm --spec specs/nn/rmsnorm.vibee --input -

Input: one entry a parameter; tensors are nested lists or {\"dims\": [0, 3], \"data\": []};
\"inf\", \"-inf\" and \"nan\" are strings. In bounds, null means that nothing is promised.")]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(Some(1), || {
        let Some(one) = One::load(&args.which, ui)? else { return Ok(Outcome::Findings) };
        let call = values::arguments(&one.kernel, &args.which.input()?)?;
        let outputs = match eval(&one.kernel, &call.dims, &call.inputs, &Options::default()) {
            Ok(outputs) => outputs,
            Err(EvalError::Check(violation)) => {
                ui.error(&format!("{} refuses the call: {violation}", one.kernel.name));
                return Ok(Outcome::Findings);
            }
            Err(other) => bail!("{}: {other}", one.kernel.name),
        };
        let mut entries = Vec::new();
        let mut bounds = serde_json::Map::new();
        for o in &outputs {
            let value = |a: &Approx| match o.dtype.is_float() {
                true => values::float(a.value),
                false => values::element(&o.dtype, a.value),
            };
            let bound = |a: &Approx| if a.sure { values::float(a.bound) } else { serde_json::Value::Null };
            let list: Vec<_> = o.values.iter().map(value).collect();
            entries.push((o.name.clone(), values::nested(&o.dims, &list)));
            let list: Vec<_> = o.values.iter().map(bound).collect();
            bounds.insert(o.name.clone(), values::nested(&o.dims, &list));
        }
        entries.push(("bounds".into(), bounds.into()));
        print(&values::object(&entries));
        Ok(Outcome::Clean)
    })?
}
