//! `vibee modules`: every spec, what is generated from it, and what was run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use vibee_codegen::results::{Results, table};

use crate::ui::{Outcome, Ui, count, print};

/// Make a table of all modules from recorded test results.
///
/// A status is computed from what `vibee test --record` has seen of the spec's present text; a spec that
/// was changed since then is untested.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee test specs/ --record specs/results.json
  vibee modules specs/ --out docs/MODULES.md
  vibee modules specs/ --out docs/MODULES.md --check")]
pub struct Args {
    /// Specs, or folders of specs.
    #[arg(default_value = "specs", value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Recorded results [default: specs/results.json, if there is one].
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Where `vibee gen` writes.
    #[arg(long, default_value = "generated/src", value_name = "DIR")]
    generated: PathBuf,
    /// Write the page here instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write nothing; fail if the page is not up to date.
    #[arg(long, requires = "out")]
    check: bool,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let file = args.results.clone().unwrap_or_else(|| "specs/results.json".into());
    // Without results everything is untested, which is not what a misspelt name should say.
    if args.results.is_some() && !file.exists() {
        bail!("there are no results at {}", file.display());
    }
    let results = Results::read(&file)?;
    let Some((project, checked)) = ui.checked(&args.paths)? else { return Ok(Outcome::Findings) };
    let rows = table::rows(&project, &checked, (&file, &results), &args.generated);
    let Some(out) = &args.out else {
        print(&table::markdown(&rows, Path::new("")));
        return Ok(Outcome::Clean);
    };
    let page = table::markdown(&rows, out.parent().unwrap_or(Path::new("")));
    let old = std::fs::read_to_string(out).unwrap_or_default();
    if old == page {
        ui.note(&format!("{} is up to date", out.display()));
        return Ok(Outcome::Clean);
    }
    if args.check {
        let shown = out.display().to_string();
        let diff = similar::TextDiff::from_lines(&old, &page);
        print(&diff.unified_diff().header(&shown, &shown).to_string());
        ui.error(&format!("{shown} is stale; run `vibee modules … --out {shown}`"));
        return Ok(Outcome::Findings);
    }
    std::fs::write(out, page).with_context(|| format!("cannot write {}", out.display()))?;
    ui.note(&format!("{}: {}", out.display(), count(rows.len(), "module")));
    Ok(Outcome::Clean)
}
