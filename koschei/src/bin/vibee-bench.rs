//! `vibee bench`: how fast kernels are, against what the machine can do and against what they were.
//!
//! Parses flags, compiles kernels, has them measured, prints. Data goes to standard output, findings and progress to
//! standard error; exit codes are those of `vibee`: 0 measured, 1 findings, 2 cannot be done.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use koschei::bench::measure::{self, Effort, Subject};
use koschei::bench::saved::{self, Saved};
use koschei::bench::sizes::{self, Point};
use koschei::bench::{Row, Run, report, roofline};
use koschei::terminal;
use vibee_codegen::harness::{Driver, package};
use vibee_codegen::project::{Project, Unreadable};
use vibee_codegen::{compile, files};
use vibee_spec::term::{Kernel, Module};

/// Measure kernels: time of a call, operations and bytes a second, and how much of what the machine can do that is.
///
/// Kernels are compiled as for `vibee test` and called with drawn arguments. Operations and bytes are counted in
/// the equations: each distinct value once for each combination of the indices that it depends on, functions such
/// as exp apart; bytes are those of inputs that are read and of outputs, each once. A call includes making views of its
/// arguments, some 0.1 µs.
#[derive(Debug, Parser)]
#[command(
    name = "vibee bench",
    bin_name = "vibee bench",
    version,
    after_help = "Examples:
  vibee bench specs/nn/rmsnorm.vibee
  vibee bench softmax_rows --dims T=512,D=4096 --threads 2
  vibee bench specs/nn --svg roofline.svg --json > run.json
  vibee bench rmsnorm --save before.json     # then change the compiler or the spec
  vibee bench rmsnorm --against before.json  # both programs, turn by turn

Needs cargo. Compiled code is kept in $VIBEE_CACHE (default: the user's cache folder).
Exit codes: 0 measured, 1 findings (a spec with errors, a kernel that cannot be measured), 2 usage or input/output."
)]
struct Args {
    /// Specs, folders of specs, or names of kernels of the specs below `specs`.
    #[arg(required = true, value_name = "SPEC|KERNEL")]
    what: Vec<String>,
    /// Sizes of dims, for kernels that have them; other sizes are chosen so that data lies in a cache, or in none.
    #[arg(long, value_name = "NAME=SIZE,…", value_delimiter = ',', value_parser = size)]
    dims: Vec<(String, i64)>,
    /// Instruction-set level: scalar, neon, avx2, avx512, amx [default: the machine's best].
    #[arg(long, value_name = "LEVEL")]
    isa: Option<String>,
    /// Threads.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Turns at timing each kernel.
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Milliseconds of a turn.
    #[arg(long, default_value_t = 20, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    turn: u32,
    /// Keep the run and its program, to compare with later.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Take turns with the program of a run that was kept.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Draw the roofline.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Print errors only, no progress.
    #[arg(short, long)]
    quiet: bool,
}

fn size(text: &str) -> Result<(String, i64), String> {
    let (name, size) = text.split_once('=').ok_or("write NAME=SIZE, such as T=128")?;
    let size: i64 = size.trim().parse().map_err(|_| format!("`{size}` is no size"))?;
    if !(0..=1 << 31).contains(&size) {
        return Err(format!("{size} is no size: it must be at least 0 and at most 2^31"));
    }
    Ok((name.trim().to_owned(), size))
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

fn complain(message: &str) {
    terminal::complain(message, terminal::errors_coloured());
}

/// A kernel to measure, in a module of its own.
struct Unit {
    spec: String,
    module: String,
    terms: Module,
    points: Vec<Point>,
}

impl Unit {
    fn kernel(&self) -> &Kernel {
        &self.terms.kernels[0]
    }
}

/// Whether everything could be measured.
fn run(args: &Args) -> Result<bool> {
    let earlier = args.against.as_deref().map(Saved::read).transpose()?;
    let Some(mut units) = units(args)? else { return Ok(false) };
    let mut clean = true;
    for unit in &mut units {
        unit.points = sizes::points(unit.kernel(), &fixed(args, unit.kernel()));
        if unit.points.is_empty() {
            complain(&format!(
                "{}: no sizes satisfy its conditions and {}",
                unit.kernel().name,
                wanted(args)
            ));
            clean = false;
        }
    }
    units.retain(|u| !u.points.is_empty());
    let specs: Vec<package::Spec<'_>> =
        units.iter().map(|u| package::Spec { module: &u.module, shown: &u.spec, terms: &u.terms }).collect();
    let points = units.iter().map(|u| u.points.len() as u64).sum::<u64>();
    let bar = progress(args, points * u64::from(args.rounds));
    bar.set_message("compiling");
    let here = std::path::absolute(".")?;
    let names: Vec<&str> = units.iter().map(|u| u.module.as_str()).collect();
    let build = package::build(&format!("bench {} {}", here.display(), names.join(" ")), &specs)?;
    let mut driver = Driver::start(&build.program)?;
    let level = driver.level(args.isa.as_deref())?;
    let mut other = earlier.as_ref().map(|e| Driver::start(&e.program)).transpose()?;
    let effort = Effort { rounds: args.rounds, turn: args.turn * 1000, level, threads: args.threads };
    let mut result =
        Run { level: driver.levels()[level as usize].clone(), threads: args.threads, rows: Vec::new() };
    for (n, unit) in units.iter().enumerate() {
        let kernel = unit.kernel();
        bar.set_message(kernel.name.clone());
        let number = earlier.as_ref().and_then(|e| e.number(&unit.spec, &kernel.name));
        if earlier.is_some() && number.is_none() {
            complain(&format!("{} of {} is not in the run to compare with", kernel.name, unit.spec));
            clean = false;
        }
        for point in &unit.points {
            let subject = Subject { driver: &mut driver, number: u32::try_from(n)? };
            let against = number.and_then(|number| Some(Subject { driver: other.as_mut()?, number }));
            match measure::measure(kernel, point, subject, against, effort, &mut || bar.inc(1)) {
                Ok(measured) => result.rows.push(Row {
                    spec: unit.spec.clone(),
                    kernel: kernel.name.clone(),
                    names: kernel.dims.iter().map(|d| d.name.clone()).collect(),
                    point: point.clone(),
                    measured,
                }),
                Err(why) => {
                    complain(&format!("{}: {why:#}", kernel.name));
                    clean = false;
                }
            }
        }
    }
    bar.finish_and_clear();
    if let Some(file) = &args.save {
        let program = keep(&build.program)?;
        // The program numbers all its kernels, also those without a row.
        if result.rows.is_empty() || !clean {
            bail!("not everything was measured, so nothing was saved");
        }
        put(file, &format!("{:#}\n", saved::json(&result, Some(&program))))?;
    }
    if let Some(file) = &args.svg {
        put(file, &roofline::svg(&result))?;
    }
    let page = match args.json {
        true => format!("{:#}\n", saved::json(&result, None)),
        false => report::table(&result),
    };
    terminal::print(&page)?;
    Ok(clean)
}

/// The kernels that were asked for; nothing after errors, which have been shown.
fn units(args: &Args) -> Result<Option<Vec<Unit>>> {
    let (paths, names): (Vec<&String>, Vec<&String>) = args.what.iter().partition(|w| Path::new(w).exists());
    let mut roots: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    if !names.is_empty() && roots.is_empty() {
        roots.push(PathBuf::from("specs"));
        if !roots[0].is_dir() {
            bail!(
                "`{}` is no file or folder, and there is no folder `specs` with a kernel of that name",
                names[0]
            );
        }
    }
    let cannot_read = |e: Unreadable| anyhow!(e.why).context(format!("cannot read {}", e.path.display()));
    let project = Project::load(&roots).map_err(cannot_read)?;
    let checked = compile::check_all(&project, &|| ());
    if terminal::show_errors(&project, &checked, terminal::errors_coloured()) > 0 {
        return Ok(None);
    }
    let mut units = Vec::new();
    let mut known = Vec::new();
    for c in &checked {
        for (n, kernel) in c.module.kernels.iter().enumerate() {
            known.push(kernel.name.as_str());
            if names.is_empty() || names.iter().any(|name| **name == kernel.name) {
                units.push(Unit {
                    spec: compile::shown_path(&project, c.spec),
                    module: format!("{}/k{n}", project.specs[c.spec].module),
                    terms: Module { kernels: vec![kernel.clone()], ..Module::default() },
                    points: Vec::new(),
                });
            }
        }
    }
    for name in &names {
        if !known.contains(&name.as_str()) {
            let near = known.iter().map(|k| (strsim::osa_distance(name, k), k)).min();
            let hint = near.filter(|(far, _)| *far <= name.len() / 3 + 1);
            let hint = hint.map_or(String::new(), |(_, near)| format!("; did you mean `{near}`?"));
            bail!("`{name}` is neither a file or folder nor a kernel of these specs{hint}");
        }
    }
    if units.is_empty() {
        bail!("there is no kernel in {}", args.what.join(" "));
    }
    for (name, _) in &args.dims {
        let has = |u: &Unit| u.kernel().dims.iter().any(|d| d.name == *name);
        if !units.iter().any(has) {
            let mut dims: Vec<&str> =
                units.iter().flat_map(|u| u.kernel().dims.iter().map(|d| d.name.as_str())).collect();
            dims.sort_unstable();
            dims.dedup();
            bail!("no kernel has a dim `{name}`; they have {}", dims.join(", "));
        }
    }
    Ok(Some(units))
}

/// What was asked for, by dim.
fn fixed(args: &Args, kernel: &Kernel) -> Vec<Option<i64>> {
    let given = |name: &str| args.dims.iter().rev().find(|(n, _)| n == name).map(|(_, size)| *size);
    kernel.dims.iter().map(|d| given(&d.name)).collect()
}

fn wanted(args: &Args) -> String {
    let given: Vec<String> = args.dims.iter().map(|(name, size)| format!("{name}={size}")).collect();
    if given.is_empty() { "can be measured".into() } else { given.join(" ") }
}

/// Copies a program to where it stays, named after what it is.
fn keep(program: &Path) -> Result<PathBuf> {
    let folder = package::cache().join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let bytes = std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let digest = vibee_codegen::project::stamp::Digest::of(&bytes).to_string();
    let kept = std::path::absolute(folder.join(&digest[..16]))?;
    if !kept.is_file() {
        std::fs::copy(program, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
    }
    Ok(kept)
}

fn put(file: &Path, text: &str) -> Result<()> {
    files::write(file, text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))
}

/// Progress on a terminal.
fn progress(args: &Args, steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    if args.quiet || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
