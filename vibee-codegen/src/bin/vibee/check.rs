//! `vibee check`: finds mistakes, writes nothing.

use std::path::PathBuf;

use anyhow::Result;
use vibee_codegen::compile;

use crate::ui::{Outcome, Ui, count};

/// Check specs: grammar, names, types, shapes, ranges.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee check specs/
  vibee check my.vibee --message-format json")]
pub struct Args {
    /// Specs, or folders of specs.
    #[arg(default_value = "specs", value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(args.jobs, || {
        let Some(project) = ui.load(&args.paths)? else { return Ok(Outcome::Findings) };
        let bar = ui.progress(project.asked as u64, "checking");
        let checked = compile::check_all(&project, &|| bar.inc(1));
        bar.finish_and_clear();
        let counts = ui.report(&project, &checked);
        let errors = count(counts.errors, "error");
        let warnings = count(counts.warnings, "warning");
        ui.note(&format!("{}: {errors}, {warnings}", count(checked.len(), "spec")));
        Ok(if counts.errors == 0 { Outcome::Clean } else { Outcome::Findings })
    })?
}
