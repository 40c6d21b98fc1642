//! `vibee gen`: writes the Rust of specs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use vibee_codegen::compile;
use vibee_codegen::generate::diff;
use vibee_codegen::generate::plan::{Conflict, Plan, apply, plan};
use vibee_codegen::generate::tree::{Emitted, files};

use crate::ui::{Outcome, Ui, count, print};

/// Generate Rust from specs: one module a spec, in a module tree like the specs' folders.
///
/// All specs of the crate are given at once. Nothing is written if any spec has an error; files are
/// written only if they change; files whose spec is gone are removed; files edited by hand are
/// neither replaced nor removed without --force.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee gen                              specs/ to generated/src
  vibee gen kernels/ --out src/kernels
  vibee gen specs/ --check               fail with a diff if something is stale (for CI)")]
pub struct Args {
    /// Specs, or folders of specs.
    #[arg(default_value = "specs", value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Where the module tree goes.
    #[arg(long, default_value = "generated/src", value_name = "DIR")]
    out: PathBuf,
    /// Write nothing; show what would change and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
    /// Replace or remove files even if they were edited by hand.
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(args.jobs, || generate(args, ui))?
}

fn generate(args: &Args, ui: &Ui) -> Result<Outcome> {
    let Some((project, checked)) = ui.checked(&args.paths)? else {
        ui.error("nothing was written");
        return Ok(Outcome::Findings);
    };
    let bar = ui.progress(checked.len() as u64, "generating");
    let codes = compile::emit_all(&project, &checked, &|| bar.inc(1));
    bar.finish_and_clear();
    let mut emitted = Vec::new();
    for (c, code) in checked.iter().zip(codes) {
        let spec = compile::shown_path(&project, c.spec);
        match code {
            Ok(None) => {}
            Ok(Some(code)) => {
                emitted.push(Emitted { module: project.specs[c.spec].module.clone(), spec, code });
            }
            Err(why) => bail!("{spec}: a bug in vibee: {why}; nothing was written"),
        }
    }
    let files = files(&emitted).map_err(anyhow::Error::msg)?;
    let given: Vec<String> = checked.iter().map(|c| compile::shown_path(&project, c.spec)).collect();
    let roots: Vec<PathBuf> = args.paths.iter().filter_map(|p| std::path::absolute(p).ok()).collect();
    let exists = |spec: &str| !given.iter().any(|g| g == spec) && elsewhere(&roots, spec);
    let plan = plan(&args.out, &files, &exists)?;
    if args.check {
        return Ok(check(args, &plan, ui));
    }
    if !args.force && !plan.conflicts.is_empty() {
        bail!("{}", conflicts(args, &plan));
    }
    apply(&plan)?;
    let removed = plan.changes.iter().filter(|c| c.new.is_none()).count();
    let written = plan.changes.len() - removed;
    ui.note(&format!(
        "{written} written, {removed} removed, {} unchanged in {}",
        plan.unchanged,
        args.out.display()
    ));
    Ok(Outcome::Clean)
}

/// Whether a spec named in the manifest exists near the paths given now: `specs/nn/rope.vibee`
/// beside `specs/nn` or `specs`.
fn elsewhere(roots: &[PathBuf], spec: &str) -> bool {
    roots.iter().flat_map(|r| r.ancestors()).any(|folder| folder.join(spec).is_file())
}

fn check(args: &Args, plan: &Plan, ui: &Ui) -> Outcome {
    if plan.is_clean() {
        ui.note(&format!("{} up to date in {}", count(plan.unchanged, "file"), args.out.display()));
        return Outcome::Clean;
    }
    for change in &plan.changes {
        print(&diff::unified(change, &shown(&args.out.join(&change.path))));
    }
    if plan.manifest.old != plan.manifest.new {
        let at = vibee_codegen::generate::plan::manifest_path(&args.out);
        print(&diff::unified(&plan.manifest, &shown(&at)));
    }
    let force = if plan.conflicts.is_empty() { "" } else { " --force" };
    let stale = count(plan.changes.len().max(1), "file");
    ui.error(&format!("{stale} not as the specs say; to update: {}{force}", command(args)));
    Outcome::Findings
}

/// Conflicts that are listed.
const SHOWN: usize = 8;

fn conflicts(args: &Args, plan: &Plan) -> String {
    let mut out = String::from("nothing was written:\n");
    let missing = |c: &&Conflict| matches!(c, Conflict::Missing(..));
    let forceable = !plan.conflicts.iter().any(|c| missing(&c));
    for conflict in plan.conflicts.iter().take(SHOWN) {
        let at = |path: &String| shown(&args.out.join(path));
        out += &match conflict {
            Conflict::Edited(path) => format!("  {} was edited by hand\n", at(path)),
            Conflict::Foreign(path) => format!("  {} exists and was not made by vibee gen\n", at(path)),
            Conflict::Missing(path, spec) => {
                format!("  {} would be removed, but its spec {spec} exists and was not given\n", at(path))
            }
        };
    }
    if plan.conflicts.len() > SHOWN {
        out += &format!("  and {} more\n", plan.conflicts.len() - SHOWN);
    }
    out += &match forceable {
        true => format!("to give those files up: {} --force", command(args)),
        false => "give all specs of the crate at once, or another --out".to_owned(),
    };
    out
}

/// The command that brings the files up to date, as it would be typed here.
fn command(args: &Args) -> String {
    let alias = std::fs::read_to_string(".cargo/config.toml").unwrap_or_default();
    let mut out =
        if alias.lines().any(|l| l.starts_with("vibee =")) { "cargo vibee gen" } else { "vibee gen" }
            .to_owned();
    let quoted = |p: &Path| {
        let text = shown(p);
        if text.contains(|c: char| c.is_whitespace() || "'\"$&;()*?".contains(c)) {
            format!("'{}'", text.replace('\'', "'\\''"))
        } else {
            text
        }
    };
    for p in &args.paths {
        out += &format!(" {}", quoted(p));
    }
    if args.out != Path::new("generated/src") {
        out += &format!(" --out {}", quoted(&args.out));
    }
    out
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
