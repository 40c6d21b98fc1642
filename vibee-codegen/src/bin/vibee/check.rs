//! `vibee check`: finds mistakes, writes nothing.

use std::path::PathBuf;

use anyhow::Result;
use vibee_codegen::account;
use vibee_codegen::compile::{self, Passed};
use vibee_codegen::config::Config;
use vibee_codegen::project::Unreadable;
use vibee_codegen::project::find::find;
use vibee_codegen::project::imports::Library;
use vibee_spec::term::{Model, Module};

use crate::ui::{Counts, Outcome, Ui, count};

/// Check specs: grammar, names, types, shapes, ranges, and lints.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee check specs/
  vibee check my.vibee -A untested-kernel -D warnings
  vibee check my.vibee --message-format json")]
pub struct Args {
    /// Specs, or folders of specs [default: specs].
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let config = Config::here()?;
    compile::on_pool(args.jobs.or(config.jobs), || {
        let cannot_read =
            |e: Unreadable| anyhow::Error::new(e.why).context(format!("cannot read {}", e.path.display()));
        let found = find(&config.specs(&args.paths)).map_err(cannot_read)?;
        let library = Library::new(ui.mode);
        let bar = ui.progress(found.len() as u64, "checking");
        let passed = compile::check_each(&found, &library, &|| bar.inc(1)).map_err(cannot_read)?;
        bar.finish_and_clear();
        let mut all = Counts::default();
        for f in passed.iter().filter_map(|p| p.findings.as_ref()) {
            // Of a spec with errors only the errors count.
            let counts = ui.settled(&f.source, &f.diags, !f.diags.has_errors());
            all.errors += counts.errors;
            all.warnings += counts.warnings;
        }
        let (errors, warnings) = (count(all.errors, "error"), count(all.warnings, "warning"));
        ui.note(&format!("{}: {errors}, {warnings}", count(passed.len(), "spec")));
        if all.errors == 0 {
            models(&passed, &library, ui);
        }
        Ok(if all.errors == 0 { Outcome::Clean } else { Outcome::Findings })
    })?
}

/// One line a model whose sizes are known: parameters and bytes.
fn models(passed: &[Passed], library: &Library, ui: &Ui) {
    let mut modules: Vec<&Module> = passed.iter().filter_map(|p| p.parts.as_ref()).collect();
    let models: Vec<&Model> = modules.iter().flat_map(|m| &m.models).collect();
    if models.is_empty() {
        return;
    }
    // Sublayers may be declared in specs that were only imported.
    let imported = library.all().into_iter().filter_map(|s| library.load(&s.path, s.module.clone()).ok());
    let imported: Vec<Module> = imported.map(|unit| unit.check().module).collect();
    modules.extend(&imported);
    for m in models {
        if let Some(a) = account::model(&modules, m) {
            let megabytes = a.bytes as f64 / 1e6;
            ui.data(&format!(
                "model {}: {} parameters, {megabytes:.1} MB of weights",
                m.layer.name,
                grouped(a.parameters)
            ));
        }
    }
}

/// `1,234,567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
