//! `vibee test`: are kernels what their specs say?

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use vibee_codegen::harness::package::{self, DoesNotBuild};
use vibee_codegen::harness::{Build, Driver, Target};
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::results::{Results, facts};
use vibee_codegen::trial::report::{KernelReport, LawReport, Report, SpecReport};
use vibee_codegen::trial::tally::{Failure, Tally};
use vibee_codegen::trial::{self, Effort, laws};
use vibee_codegen::{compile, emit};
use vibee_spec::check::Law;
use vibee_spec::span::Source;
use vibee_spec::term::Module;

use crate::one::place;
use crate::ui::{Outcome, Ui, print};

/// Test specs: their cases and laws, and compiled code against the interpreter.
///
/// Every kernel is compiled and called with drawn sizes (zero, one, odd, large) and values, aligned
/// and not, on every instruction-set level of this machine. Its results must be within the bound that
/// the interpreter derives; values that the numerics contract leaves open are skipped and counted.
/// Calls that must be refused are tried, too.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee test specs/
  vibee test my.vibee --filter softmax --cases 500
  vibee test specs/ --json > result.json
  vibee test specs/ --record specs/results.json

Columns: test cases that hold; drawn calls; calls refused as they must be; values compared; values
skipped; largest share of the allowed error that was used.
Needs cargo. Compiled code is kept in $VIBEE_CACHE (default: the user's cache folder).")]
pub struct Args {
    /// Specs, or folders of specs.
    #[arg(default_value = "specs", value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Keep the results of these specs in a file, for `vibee modules` and `vibee tree`.
    #[arg(long, value_name = "FILE", conflicts_with = "filter")]
    record: Option<PathBuf>,
    /// Drawn calls of each kernel.
    #[arg(long, default_value_t = 32, value_name = "N")]
    cases: u64,
    /// Start of the draws; a failure is repeated with the same seed.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Only kernels and laws whose name contains this.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(args.jobs, || test(args, ui))?
}

/// A spec under test.
struct Subject<'a> {
    shown: String,
    path: String,
    source: &'a Source,
    checked: &'a Checked,
    /// Kernels that are compiled.
    units: Vec<Unit>,
    /// Kernels that cannot be compiled, and why.
    given_up: Vec<(usize, String)>,
}

/// A kernel in a module of its own, so that what rustc refuses is known to be its.
struct Unit {
    /// Position in the spec.
    kernel: usize,
    module: String,
    terms: Module,
}

fn test(args: &Args, ui: &Ui) -> Result<Outcome> {
    let Some((project, checked)) = ui.checked(&args.paths)? else { return Ok(Outcome::Findings) };
    let mut subjects: Vec<Subject<'_>> = checked.iter().map(|c| subject(args, &project, c)).collect();
    let effort = Effort { cases: args.cases, seed: args.seed };
    let build = build(args, ui, &mut subjects)?;
    let specs: Vec<package::Spec<'_>> = subjects.iter().flat_map(Subject::specs).collect();
    let targets = package::targets(&specs);
    let owners: Vec<(&Subject<'_>, usize)> =
        subjects.iter().flat_map(|s| s.units.iter().map(move |u| (s, u.kernel))).collect();
    let bar = ui.progress(targets.len() as u64, "testing");
    let one = |(number, target): (usize, &Target<'_>)| -> Result<Tally> {
        let Some(build) = &build else { return Ok(Tally::default()) };
        let mut driver = Driver::start(&build.program)?;
        let (s, kernel) = &owners[number];
        let cases: Vec<_> = s.checked.tests.cases.iter().filter(|c| c.kernel == *kernel).collect();
        let tally = trial::kernel(&mut driver, u32::try_from(number)?, target, &cases, effort);
        bar.inc(1);
        tally
    };
    let tallies: Vec<Tally> = targets.par_iter().enumerate().map(one).collect::<Result<_>>()?;
    let mut tallies = tallies.into_iter();
    let reports: Vec<SpecReport> = subjects.iter().map(|s| s.report(args, effort, &mut tallies)).collect();
    bar.finish_and_clear();
    let levels = match &build {
        Some(build) => Driver::start(&build.program)?.levels().to_vec(),
        None => vec![],
    };
    let specs: Vec<_> = reports.into_iter().filter(|r| !r.kernels.is_empty() || !r.laws.is_empty()).collect();
    let report = Report { seed: args.seed, levels, specs };
    if let Some(file) = &args.record {
        record(file, &project, &checked, &report)?;
    }
    if args.json {
        print(&format!("{:#}\n", report.json()));
    } else if !ui.quiet || report.failures() > 0 {
        print(&report.text(ui.color));
    }
    if report.specs.is_empty() {
        ui.error("nothing was tested: there are no such kernels");
        return Ok(Outcome::Findings);
    }
    Ok(if report.failures() == 0 { Outcome::Clean } else { Outcome::Findings })
}

/// Puts a run's results into a file of results.
fn record(file: &Path, project: &Project, checked: &[Checked], report: &Report) -> Result<()> {
    let mut results = Results::read(file)?;
    for c in checked {
        let path = &project.specs[c.spec].path;
        let Some(key) = facts::key(file, path) else {
            bail!("{} does not lie below the folder of {}", path.display(), file.display());
        };
        match report.specs.iter().find(|r| Path::new(&r.path) == path) {
            Some(tested) => results.record(&key, &facts::fingerprint(project, c.spec), report, tested),
            None => results.forget(&key),
        }
    }
    std::fs::write(file, results.text()?).with_context(|| format!("cannot write {}", file.display()))
}

fn wanted(args: &Args, name: &str) -> bool {
    args.filter.as_ref().is_none_or(|f| name.contains(f.as_str()))
}

/// Picks a spec's kernels; those that the compiler gives up on are failures, not the end.
fn subject<'a>(args: &Args, project: &'a Project, checked: &'a Checked) -> Subject<'a> {
    let (module, shown) = place(project, checked.spec);
    let source = &project.specs[checked.spec].source;
    let (mut units, mut given_up) = (Vec::new(), Vec::new());
    for (kernel, k) in checked.module.kernels.iter().enumerate().filter(|(_, k)| wanted(args, &k.name)) {
        let terms = Module { kernels: vec![k.clone()], ..Module::default() };
        let module = format!("{module}/k{kernel}");
        match compile::module(&terms, &shown, &module) {
            Ok(_) => units.push(Unit { kernel, module, terms }),
            Err(why) => given_up.push((kernel, format!("the compiler gives up (a bug in vibee): {why}"))),
        }
    }
    Subject { shown, path: source.path.clone(), source, checked, units, given_up }
}

/// Builds all kernels; those whose code rustc refuses are set aside and the rest is built.
fn build(args: &Args, ui: &Ui, subjects: &mut [Subject<'_>]) -> Result<Option<Build>> {
    let paths: Vec<String> = subjects
        .iter()
        .map(|s| std::path::absolute(&s.path).unwrap_or_default().display().to_string())
        .collect();
    let key = format!("test {} {}", args.filter.as_deref().unwrap_or(""), paths.join("\n"));
    let bar = ui.progress(1, "compiling");
    loop {
        let specs: Vec<package::Spec<'_>> = subjects.iter().flat_map(Subject::specs).collect();
        if specs.is_empty() {
            return Ok(None);
        }
        let error = match package::build(&key, &specs) {
            Ok(build) => {
                bar.finish_and_clear();
                return Ok(Some(build));
            }
            Err(error) => error,
        };
        let Some(broken) = error.downcast_ref::<DoesNotBuild>() else { return Err(error) };
        let set_aside = subjects.iter_mut().map(|s| s.set_aside(broken)).filter(|any| *any).count();
        if set_aside == 0 {
            return Err(error);
        }
    }
}

impl Subject<'_> {
    fn specs(&self) -> impl Iterator<Item = package::Spec<'_>> {
        self.units.iter().map(|u| package::Spec { module: &u.module, shown: &self.shown, terms: &u.terms })
    }

    /// Gives up the kernels whose modules have errors; whether there are any.
    fn set_aside(&mut self, broken: &DoesNotBuild) -> bool {
        let before = self.units.len();
        for u in std::mem::take(&mut self.units) {
            let file = u.module.split('/').map(emit::module_ident).collect::<Vec<_>>().join("/");
            match broken.first_error(&file) {
                None => self.units.push(u),
                Some(error) => {
                    let why = format!("the generated code does not compile (a bug in vibee): {error}");
                    self.given_up.push((u.kernel, why));
                }
            }
        }
        self.units.len() < before
    }

    /// This spec's report; takes the tallies of its compiled kernels.
    fn report(&self, args: &Args, effort: Effort, tallies: &mut impl Iterator<Item = Tally>) -> SpecReport {
        let tests = &self.checked.tests;
        let laws: Vec<&Law> = tests.laws.iter().filter(|l| wanted(args, &l.name)).collect();
        let mut kernels = Vec::new();
        for (n, k) in self.checked.module.kernels.iter().enumerate().filter(|(_, k)| wanted(args, &k.name)) {
            let cases = tests.cases.iter().filter(|c| c.kernel == n).count();
            let in_law = tests.laws.iter().any(|l| calls(&self.source.text[l.span.range()], &k.name));
            let tally = match self.given_up.iter().find(|(at, _)| *at == n) {
                None => tallies.next().unwrap_or_default(),
                Some((_, why)) => {
                    let mut tally = Tally::default();
                    let (trial, what) = ("compiling".to_owned(), why.clone());
                    tally.fail(Failure { trial, place: String::new(), what, input: None });
                    tally
                }
            };
            kernels.push(KernelReport { name: k.name.clone(), cases, asserted: cases > 0 || in_law, tally });
        }
        // Laws of different behaviours may share a name.
        let unique = |l: &Law| tests.laws.iter().filter(|o| o.name == l.name).count() == 1;
        let name = |l: &Law| if unique(l) { l.name.clone() } else { format!("{}.{}", l.behavior, l.name) };
        let laws = laws.par_iter().map(|l| LawReport { name: name(l), outcome: laws::run(l, effort) });
        SpecReport { path: self.path.clone(), kernels, laws: laws.collect() }
    }
}

/// Whether a law's text calls a kernel.
fn calls(text: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(inside) && text[at + name.len()..].trim_start().starts_with('('))
}
