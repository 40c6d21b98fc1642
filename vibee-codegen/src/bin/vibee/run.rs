//! `vibee run`: a kernel's compiled code on given values.

use anyhow::{Result, bail};
use vibee_codegen::harness::{Call, Driver, Layout, Reply, package};
use vibee_codegen::{compile, values};

use crate::one::{One, Which};
use crate::ui::{Outcome, Ui, print};

/// Compile a kernel and run it on given values.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  echo '{\"x\": [[3, 4]], \"w\": [1, 1], \"eps\": 1e-6}' |
    vibee run rmsnorm --spec specs/nn/rmsnorm.vibee --input -
  vibee run rmsnorm --spec specs/nn/rmsnorm.vibee --input in.json --isa scalar --threads 4

Needs cargo. Compiled code is kept in $VIBEE_CACHE (default: the user's cache folder).")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Instruction-set level: scalar, neon, avx2, avx512, amx [default: the machine's best].
    #[arg(long, value_name = "LEVEL")]
    isa: Option<String>,
    /// Threads.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(Some(1), || execute(args, ui))?
}

fn execute(args: &Args, ui: &Ui) -> Result<Outcome> {
    let Some(one) = One::load(&args.which, ui)? else { return Ok(Outcome::Findings) };
    let kernel = &one.kernel;
    let arguments = values::arguments(kernel, &args.which.input()?)?;
    let spec = std::path::absolute(&args.which.spec)?;
    let alone = one.alone();
    let specs = [package::Spec { module: &one.module, shown: &one.shown, terms: &alone }];
    let key = format!("run {} {}", spec.display(), kernel.name);
    let bar = ui.progress(1, "compiling");
    let build = package::build(&key, &specs)?;
    bar.finish_and_clear();
    let mut driver = Driver::start(&build.program)?;
    let level = driver.level(args.isa.as_deref())?;
    // A call that does not say its outputs' sizes is refused by the kernel itself.
    let shapes = arguments
        .outputs(kernel)
        .unwrap_or_else(|| kernel.outputs.iter().map(|o| vec![0; kernel.def(o.def).shape.len()]).collect());
    let call = Call {
        dims: &arguments.dims,
        inputs: &arguments.inputs,
        outputs: &shapes,
        layout: Layout::default(),
        level,
        threads: args.threads,
        turn: 0,
    };
    let numbers = match driver.call(0, kernel, &call)? {
        Reply::Done(numbers) => numbers,
        Reply::Refused(text) => {
            ui.error(&format!("the call is refused: {text}"));
            return Ok(Outcome::Findings);
        }
        Reply::Inexpressible => bail!("a size or index is negative or beyond 32 bits"),
        Reply::Failed(text) => bail!("a bug in vibee: {}: {text}", kernel.name),
    };
    let mut rest = numbers.as_slice();
    let mut entries = Vec::new();
    for (o, dims) in kernel.outputs.iter().zip(&shapes) {
        let (own, after) = rest.split_at(dims.iter().product());
        rest = after;
        let dtype = &kernel.def(o.def).dtype;
        let list: Vec<_> = own.iter().map(|v| values::element(dtype, *v)).collect();
        entries.push((o.name.clone(), values::nested(dims, &list)));
    }
    print(&values::object(&entries));
    Ok(Outcome::Clean)
}
