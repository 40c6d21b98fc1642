//! `vibee check`: finds mistakes, writes nothing.

use std::path::PathBuf;

use anyhow::Result;
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::{account, compile};

use crate::ui::{Outcome, Ui, count};

/// Check specs: grammar, names, types, shapes, ranges, and lints.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee check specs/
  vibee check my.vibee -A untested-kernel -D warnings
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
        let project = ui.load(&args.paths)?;
        let bar = ui.progress(project.asked as u64, "checking");
        let mut checked = compile::check_all(&project, &|| bar.inc(1));
        bar.finish_and_clear();
        // Of a spec with errors only the errors count.
        for c in checked.iter_mut().filter(|c| !c.diags.has_errors()) {
            c.diags.list.extend(compile::lint(&project, c.spec).list);
        }
        let counts = ui.report(&project, &checked, true);
        let errors = count(counts.errors, "error");
        let warnings = count(counts.warnings, "warning");
        ui.note(&format!("{}: {errors}, {warnings}", count(checked.len(), "spec")));
        if counts.errors == 0 {
            models(&project, &checked, ui);
        }
        Ok(if counts.errors == 0 { Outcome::Clean } else { Outcome::Findings })
    })?
}

/// One line a model whose sizes are known: parameters and bytes.
fn models(project: &Project, checked: &[Checked], ui: &Ui) {
    if checked.iter().all(|c| c.module.models.is_empty()) {
        return;
    }
    // Sublayers may be declared in specs that were only imported.
    let imported: Vec<Checked> = (project.asked..project.specs.len()).map(|n| project.check(n)).collect();
    let modules: Vec<_> = checked.iter().chain(&imported).map(|c| &c.module).collect();
    for m in checked.iter().flat_map(|c| &c.module.models) {
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
