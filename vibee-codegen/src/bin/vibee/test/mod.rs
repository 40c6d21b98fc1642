//! `vibee test`: are kernels, layers and models what their specs say?

mod kernels;
mod layers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use vibee_codegen::compile;
use vibee_codegen::config::Config;
use vibee_codegen::harness::package::{self, DoesNotBuild};
use vibee_codegen::harness::{Build, Driver, LayerTarget, Target};
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::results::{Results, facts};
use vibee_codegen::trial::report::{Report, SpecReport};
use vibee_codegen::trial::tally::{Failure, Tally};
use vibee_codegen::trial::{self, Effort};

use crate::ui::{Outcome, Ui, count, print};
use kernels::Subject;
use layers::Layers;

/// Test specs: their cases and laws, and compiled code against the interpreter.
///
/// Every kernel is compiled and called with drawn sizes (zero, one, odd, large) and values, aligned
/// and not, on every instruction-set level of this machine. Its results must be within the bound that
/// the interpreter derives; values that the numerics contract leaves open are skipped and counted.
/// Calls that must be refused are tried, too. Layers and models are loaded with drawn sizes,
/// configurations and weights and called in the same way; missing and misshapen tensors and missing
/// keys must be refused. What is too large to be interpreted is said to be not tested.
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
    /// Specs, or folders of specs [default: specs].
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Keep the results of these specs in a file, for `vibee modules` and `vibee tree`.
    #[arg(long, value_name = "FILE", conflicts_with = "filter")]
    record: Option<PathBuf>,
    /// Drawn calls of each kernel and layer.
    #[arg(long, default_value_t = 32, value_name = "N")]
    cases: u64,
    /// Start of the draws; a failure is repeated with the same seed.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Only kernels, layers, models and laws whose name contains this.
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let config = Config::here()?;
    let paths = config.specs(&args.paths);
    compile::on_pool(args.jobs.or(config.jobs), || test(args, &paths, ui))?
}

fn test(args: &Args, paths: &[PathBuf], ui: &Ui) -> Result<Outcome> {
    let Some((project, checked)) = ui.checked(paths)? else { return Ok(Outcome::Findings) };
    let mut subjects: Vec<Subject<'_>> =
        checked.iter().map(|c| kernels::subject(args, &project, c)).collect();
    let mut layers = Layers::new(args, &project, &checked);
    let effort = Effort { cases: args.cases, seed: args.seed };
    let build = build(args, ui, &mut subjects, &mut layers)?;
    let specs: Vec<package::Spec<'_>> = all(&subjects, &layers);
    let targets = package::targets(&specs);
    let layer_targets = package::layer_targets(&specs);
    let asked: Vec<(usize, usize, &LayerTarget<'_>)> = layers
        .owners()
        .into_iter()
        .zip(&layer_targets)
        .enumerate()
        .filter(|(_, (spec, t))| Layers::asked(args, &checked, *spec, t))
        .map(|(n, (spec, t))| (targets.len() + n, spec, t))
        .collect();
    let owners: Vec<(&Subject<'_>, usize)> = subjects.iter().flat_map(Subject::compiled).collect();
    // Behind them are what layers encode their weights with.
    let own = &targets[..owners.len().min(targets.len())];
    let bar = ui.progress((own.len() + asked.len()) as u64, "testing");
    let one = |(number, target): (usize, &Target<'_>)| -> Result<Tally> {
        let Some(build) = &build else { return Ok(Tally::default()) };
        let mut driver = Driver::start(&build.program)?;
        let (s, kernel) = &owners[number];
        let cases: Vec<_> = s.checked.tests.cases.iter().filter(|c| c.kernel == *kernel).collect();
        let tally = trial::kernel(&mut driver, u32::try_from(number)?, target, &cases, effort);
        bar.inc(1);
        tally
    };
    let tallies: Vec<Tally> = own.par_iter().enumerate().map(one).collect::<Result<_>>()?;
    let one = |(number, spec, target): &(usize, usize, &LayerTarget<'_>)| -> Result<_> {
        let (Some(build), Some(of)) = (&build, layers.closure().assembly(*spec, &target.layer.name)) else {
            return Ok(None);
        };
        let mut driver = Driver::start(&build.program)?;
        let tally = trial::layers::run(&mut driver, u32::try_from(*number)?, of, target.model, effort);
        bar.inc(1);
        Ok(Some(((*spec, target.layer.name.clone()), tally?)))
    };
    let found: Vec<Option<_>> = asked.par_iter().map(one).collect::<Result<_>>()?;
    let found: BTreeMap<(usize, String), Tally> = found.into_iter().flatten().collect();
    let mut tallies = tallies.into_iter();
    let report = |s: &Subject<'_>| {
        let found = |spec: usize, name: &str| found.get(&(spec, name.to_owned())).cloned();
        let layers = layers.report(args, s.checked, &found);
        s.report(args, effort, &mut tallies, layers)
    };
    let reports: Vec<SpecReport> = subjects.iter().map(report).collect();
    bar.finish_and_clear();
    let levels = match &build {
        Some(build) => Driver::start(&build.program)?.levels().to_vec(),
        None => vec![],
    };
    let specs: Vec<_> = reports.into_iter().filter(|r| !r.is_empty()).collect();
    let report = Report { seed: args.seed, levels, specs };
    if let Some(file) = &args.record {
        record(file, &project, &checked, &report)?;
    }
    if args.json {
        let mut json = report.json();
        json["suites"] = suites(&checked, &project)
            .map(|(path, n, prose)| serde_json::json!({"spec": path, "assertions": n, "prose": prose}))
            .collect();
        print(&format!("{json:#}\n"));
    } else if !ui.quiet || report.failures() > 0 {
        print(&report.text(ui.color));
    }
    for (path, assertions, _) in suites(&checked, &project).filter(|_| !args.json) {
        let assertions = count(assertions, "assertion");
        ui.data(&format!("{path}: trait suite: {assertions}, run it against an implementation"));
    }
    if report.specs.is_empty() {
        ui.error("nothing was tested: there are no such kernels");
    } else if !report.tested() {
        ui.error("nothing was tested");
    }
    Ok(if report.failures() == 0 && report.tested() { Outcome::Clean } else { Outcome::Findings })
}

/// Specs with behaviours to implement: path, what their suites assert, and cases in prose.
fn suites<'a>(checked: &'a [Checked], project: &'a Project) -> impl Iterator<Item = (&'a str, usize, usize)> {
    checked.iter().filter(|c| !c.module.declarations.interface.methods.is_empty()).map(|c| {
        let suite = &c.module.declarations.suite;
        (project.specs[c.spec].source.path.as_str(), suite.assertions(), suite.prose)
    })
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

/// What is said of something that cannot be run.
fn given_up(why: &str) -> Tally {
    let mut tally = Tally::default();
    let (trial, what) = ("compiling".to_owned(), why.to_owned());
    tally.fail(Failure { trial, place: String::new(), what, input: None });
    tally
}

/// All that is built: kernels first.
fn all<'s>(subjects: &'s [Subject<'_>], layers: &'s Layers) -> Vec<package::Spec<'s>> {
    subjects.iter().flat_map(Subject::specs).chain(layers.specs()).collect()
}

/// Builds everything; what rustc refuses is set aside and the rest is built.
fn build(args: &Args, ui: &Ui, subjects: &mut [Subject<'_>], layers: &mut Layers) -> Result<Option<Build>> {
    let paths: Vec<String> = subjects
        .iter()
        .map(|s| std::path::absolute(&s.path).unwrap_or_default().display().to_string())
        .collect();
    let key = format!("test {} {}", args.filter.as_deref().unwrap_or(""), paths.join("\n"));
    let bar = ui.progress(1, "compiling");
    loop {
        let specs = all(subjects, layers);
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
        let kernels = subjects.iter_mut().map(|s| s.set_aside(broken)).filter(|any| *any).count();
        if !layers.set_aside(broken) && kernels == 0 {
            return Err(error);
        }
    }
}
