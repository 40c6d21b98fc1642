//! `vibee gen`: writes the Rust of specs.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use vibee_codegen::compile::{self, Findings};
use vibee_codegen::config::Config;
use vibee_codegen::generate::plan::{Conflict, Plan, manifest_path};
use vibee_codegen::generate::run::{self, Mode, Progress, Report, Request};
use vibee_codegen::generate::{diff, plan};

use crate::ui::{Outcome, Ui, count, print};
use crate::watch;

/// Generate Rust from specs: one module a spec, in a module tree like the specs' folders.
///
/// All specs of the crate are given at once. Nothing is written if any spec has an error; files are
/// written only if they change; files whose spec is gone are removed; files edited by hand are
/// neither replaced nor removed without --force.
///
/// Only specs that changed since the last run, and those that import them, are compiled again.
/// Findings of the others are not repeated; `vibee check` shows all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee gen                              specs/ to generated/src
  vibee gen kernels/ --out src/kernels
  vibee gen specs/ --check               fail with a diff if something is stale (for CI)
  vibee gen specs/ --watch               again whenever a spec changes, until Ctrl-C

What is not given here is taken from vibee.toml, in this folder or above: specs, out, jobs.")]
pub struct Args {
    /// Specs, or folders of specs [default: specs].
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Where the module tree goes [default: generated/src].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write nothing; show what would change and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
    /// Replace or remove files even if they were edited by hand.
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Stay, and generate again whenever a spec changes.
    #[arg(long, conflicts_with_all = ["check", "force"])]
    watch: bool,
    /// Print as JSON what was done and how long it took.
    #[arg(long)]
    timings: bool,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Flags and settings taken together.
pub struct Job<'a> {
    /// Specs, or folders of specs.
    pub paths: Vec<PathBuf>,
    out: PathBuf,
    mode: Mode,
    timings: bool,
    /// What the user would type to get this job again.
    command: String,
    ui: &'a Ui,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let config = Config::here()?;
    let out = args.out.clone().or_else(|| config.out.clone()).unwrap_or_else(|| "generated/src".into());
    let mode = match (args.check, args.force) {
        (true, _) => Mode::Check,
        (_, true) => Mode::Force,
        _ => Mode::Write,
    };
    let command = command(args, &config);
    let job = Job { paths: config.specs(&args.paths), out, mode, timings: args.timings, command, ui };
    compile::on_pool(args.jobs.or(config.jobs), || if args.watch { watch::run(&job, ui) } else { job.run() })?
}

impl Job<'_> {
    /// Generates once.
    pub fn run(&self) -> Result<Outcome> {
        let ui = self.ui;
        let options = ui.options();
        let request = Request {
            paths: &self.paths,
            out: &self.out,
            reading: ui.mode,
            options: &options,
            mode: self.mode,
        };
        let bar = Bar { ui, out: &self.out, bar: OnceLock::new() };
        let result = run::run(&request, &bar);
        if let Some(bar) = bar.bar.get() {
            bar.finish_and_clear();
        }
        let mut report = result?;
        if self.timings {
            print(&format!("{:#}\n", report.timings.json()));
        }
        for f in &report.findings {
            ui.findings(&f.source, &f.diags);
        }
        for clash in &report.clashes {
            ui.error(clash);
        }
        if !report.bugs.is_empty() {
            bail!("{}; nothing was written", report.bugs.join("\n"));
        }
        if report.has_errors() {
            ui.error("nothing was written");
            return Ok(Outcome::Findings);
        }
        if report.old_warnings > 0 {
            let warnings = count(report.old_warnings, "warning");
            ui.note(&format!("{warnings} in unchanged specs; `vibee check` shows them"));
        }
        let plan = report.plan.take();
        match (self.mode, plan) {
            (Mode::Check, Some(plan)) if !plan.is_clean() => return self.stale(&plan),
            (Mode::Check, _) => {
                let files = count(report.unchanged, "file");
                ui.note(&format!("{files} up to date in {}", self.out.display()));
            }
            (_, Some(plan)) if !report.written => bail!("{}", self.conflicts(&plan)),
            _ => self.done(&report),
        }
        Ok(Outcome::Clean)
    }

    fn done(&self, report: &Report) {
        self.ui.note(&format!(
            "{} written, {} removed, {} unchanged in {}",
            report.timings.written,
            report.timings.removed,
            report.unchanged,
            self.out.display()
        ));
    }

    /// Shows what is stale: whole differences of some files, names of more, the number of the rest.
    fn stale(&self, plan: &Plan) -> Result<Outcome> {
        let mut lines = 0;
        let mut changes = plan.changes.iter();
        for change in changes.by_ref() {
            let diff = diff::of(change, &plan.out, &shown(&self.out.join(&change.path)))?;
            lines += diff.lines().count();
            print(&diff);
            if lines >= DIFF_LINES {
                break;
            }
        }
        let rest: Vec<&plan::Change> = changes.collect();
        for change in rest.iter().take(NAMES) {
            let what = match (change.exists, &change.new) {
                (false, _) => "missing",
                (true, None) => "stale",
                (true, Some(_)) => "differs",
            };
            print(&format!("{what}: {}\n", shown(&self.out.join(&change.path))));
        }
        if rest.len() > NAMES {
            print(&format!("and {} more\n", rest.len() - NAMES));
        }
        if rest.is_empty() && plan.manifest.old != plan.manifest.new {
            let at = shown(&manifest_path(&self.out));
            let old = Some(plan.manifest.old.as_str()).filter(|old| !old.is_empty());
            print(&diff::unified(old, Some(&plan.manifest.new), &at));
        }
        let force = if plan.conflicts.is_empty() { "" } else { " --force" };
        let stale = count(plan.changes.len().max(1), "file");
        self.ui.error(&format!("{stale} not as the specs say; to update: {}{force}", self.command));
        Ok(Outcome::Findings)
    }

    fn conflicts(&self, plan: &Plan) -> String {
        let mut out = String::from("nothing was written:\n");
        let forceable = !plan.conflicts.iter().any(|c| matches!(c, Conflict::Missing(..)));
        for conflict in plan.conflicts.iter().take(CONFLICTS) {
            let at = |path: &String| shown(&self.out.join(path));
            out += &match conflict {
                Conflict::Edited(path) => format!("  {} was edited by hand\n", at(path)),
                Conflict::Foreign(path) => format!("  {} exists and was not made by vibee gen\n", at(path)),
                Conflict::Missing(path, spec) => {
                    format!("  {} would be removed, but its spec {spec} exists and was not given\n", at(path))
                }
            };
        }
        if plan.conflicts.len() > CONFLICTS {
            out += &format!("  and {} more\n", plan.conflicts.len() - CONFLICTS);
        }
        out += &match forceable {
            true => format!("to give those files up: {} --force", self.command),
            false => "give all specs of the crate at once, or another --out".to_owned(),
        };
        out
    }
}

/// Conflicts that are listed.
const CONFLICTS: usize = 8;

/// After this many lines of differences only names follow.
const DIFF_LINES: usize = 1000;

/// Names of files that follow.
const NAMES: usize = 100;

/// Progress on a terminal.
struct Bar<'a> {
    ui: &'a Ui,
    out: &'a Path,
    bar: OnceLock<ProgressBar>,
}

impl Progress for Bar<'_> {
    fn waiting(&self) {
        self.ui.note(&format!("waiting for another vibee gen into {}", self.out.display()));
    }

    fn compiling(&self, specs: usize) {
        let bar = self.bar.get_or_init(|| self.ui.progress(0, "compiling"));
        bar.inc_length(specs as u64);
    }

    fn compiled(&self) {
        if let Some(bar) = self.bar.get() {
            bar.inc(1);
        }
    }

    fn forbids(&self, findings: &Findings) -> bool {
        self.ui.has_errors(&findings.source, &findings.diags)
    }
}

/// The command that brings the files up to date, as it would be typed here.
fn command(args: &Args, config: &Config) -> String {
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
    let specs =
        if args.paths.is_empty() && config.specs.is_some() { vec![] } else { config.specs(&args.paths) };
    for p in &specs {
        out += &format!(" {}", quoted(p));
    }
    if let Some(dir) = args.out.as_ref().filter(|o| *o != Path::new("generated/src") || config.out.is_some())
    {
        out += &format!(" --out {}", quoted(dir));
    }
    out
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
