//! `vibee bench`: how fast kernels, layers and models are, against what the machine can do and against what they were.
//!
//! Parses flags, compiles what was asked for, has it measured, prints. Data goes to standard output, findings and progress to
//! standard error; exit codes are those of `vibee`: 0 measured, 1 findings, 2 cannot be done.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use koschei::bench::measure::{self, Effort, Subject};
use koschei::bench::saved::{self, Saved};
use koschei::bench::sizes;
use koschei::bench::units::{self, Unit, Units};
use koschei::bench::{Row, Run, report, roofline};
use koschei::terminal;
use vibee_codegen::harness::{Driver, package};
use vibee_codegen::project::{Checked, Project, Unreadable};
use vibee_codegen::{compile, files};

/// Measure kernels, layers and models: time of a call, operations and bytes a second, and how much of what the machine
/// can do that is.
///
/// They are compiled as for `vibee test` and called with drawn arguments; layers and models are loaded once with drawn
/// weights, and a call is one of `forward`. Operations and bytes are counted in the equations: each distinct value once
/// for each combination of the indices that it depends on, functions such as exp apart; bytes are those of arguments
/// and weights that are read, as they are stored, and of outputs, each once. What a layer does is what all of its steps
/// do, as often as they are taken. A call includes making views of its arguments, some 0.1 µs.
#[derive(Debug, Parser)]
#[command(
    name = "vibee bench",
    bin_name = "vibee bench",
    version,
    after_help = "Examples:
  vibee bench specs/nn/rmsnorm.vibee
  vibee bench softmax_rows --dims T=512,D=4096 --threads 2
  vibee bench BertLayer --dims D=384,H=12,C=32,F=1536,B=1  # all instances; T is chosen
  vibee bench specs/nn --svg roofline.svg --json > run.json
  vibee bench rmsnorm --save before.json     # then change the compiler or the spec
  vibee bench rmsnorm --against before.json  # both programs, turn by turn

Needs cargo. Compiled code is kept in $VIBEE_CACHE (default: the user's cache folder).
Exit codes: 0 measured, 1 findings (a spec with errors, something that cannot be measured), 2 usage or input/output."
)]
struct Args {
    /// Specs, folders of specs, or names of kernels, layers and models (of the specs below `specs`, if no spec is
    /// given); a generic one's name means all of its instances.
    #[arg(required = true, value_name = "SPEC|NAME")]
    what: Vec<String>,
    /// Sizes of dims, for all that have them; other sizes are chosen so that data lies in a cache, or in none.
    #[arg(long, value_name = "NAME=SIZE,…", value_delimiter = ',', value_parser = size)]
    dims: Vec<(String, i64)>,
    /// Instruction-set level: scalar, neon, avx2, avx512, amx [default: the machine's best].
    #[arg(long, value_name = "LEVEL")]
    isa: Option<String>,
    /// Threads.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: u32,
    /// Turns at timing each call.
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

/// Whether everything could be measured.
fn run(args: &Args) -> Result<bool> {
    let earlier = args.against.as_deref().map(Saved::read).transpose()?;
    let (paths, names): (Vec<&str>, Vec<&str>) =
        args.what.iter().map(String::as_str).partition(|w| Path::new(w).exists());
    let Some((project, checked)) = checked(&paths, &names)? else { return Ok(false) };
    let layers = units::layers(&project, &checked, &names);
    let units = Units::new(&project, &checked, &layers, &names)?;
    dims_exist(args, &units)?;
    let (mut clean, mut planned) = (true, Vec::new());
    for unit in &units.list {
        let (fixed, given) = fixed(args, unit);
        match sizes::points(unit.what, &fixed) {
            Ok(points) => planned.push((unit, points)),
            Err(why) => {
                complain(&format!("{}{given}: {why}", unit.what.name()));
                clean = false;
            }
        }
    }
    if planned.is_empty() {
        return Ok(false);
    }
    let points = planned.iter().map(|(_, points)| points.len() as u64).sum::<u64>();
    let bar = progress(args, points * u64::from(args.rounds));
    bar.set_message("compiling");
    let specs = units.specs();
    let here = std::path::absolute(".")?;
    let modules: Vec<&str> = specs.iter().map(|s| s.module).collect();
    let build = package::build(&format!("bench {} {}", here.display(), modules.join(" ")), &specs)?;
    let mut driver = Driver::start(&build.program)?;
    let level = driver.level(args.isa.as_deref())?;
    let mut other = earlier.as_ref().map(|e| Driver::start(&e.program)).transpose()?;
    let effort = Effort { rounds: args.rounds, turn: args.turn * 1000, level, threads: args.threads };
    let mut result =
        Run { level: driver.levels()[level as usize].clone(), threads: args.threads, rows: Vec::new() };
    for (Unit { spec, what, number }, points) in planned {
        let name = what.name();
        bar.set_message(name.to_owned());
        let before = earlier.as_ref().and_then(|e| e.number(spec, name));
        if earlier.is_some() && before.is_none() {
            complain(&format!("{name} of {spec} is not in the run to compare with"));
            clean = false;
        }
        for point in points {
            let subject = Subject { driver: &mut driver, number: *number };
            let against = before.and_then(|number| Some(Subject { driver: other.as_mut()?, number }));
            match measure::measure(*what, &point, subject, against, effort, &mut || bar.inc(1)) {
                Ok(measured) => result.rows.push(Row {
                    spec: spec.clone(),
                    kind: what.kind(),
                    name: name.to_owned(),
                    number: *number,
                    names: what.dims().iter().map(|d| d.name.clone()).collect(),
                    point,
                    measured,
                }),
                Err(why) => {
                    complain(&format!("{name}: {why:#}"));
                    clean = false;
                }
            }
        }
    }
    bar.finish_and_clear();
    if result.rows.is_empty() {
        return Ok(false);
    }
    if let Some(file) = &args.save {
        put(file, &format!("{:#}\n", saved::json(&result, Some(&keep(&build.program)?))))?;
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

/// The specs that were asked for; nothing after errors, which have been shown.
fn checked(paths: &[&str], names: &[&str]) -> Result<Option<(Project, Vec<Checked>)>> {
    let mut roots: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    if let ([], [name, ..]) = (paths, names) {
        roots.push(PathBuf::from("specs"));
        if !roots[0].is_dir() {
            bail!("`{name}` is no file or folder, and there is no folder `specs` with anything of that name");
        }
    }
    let cannot_read = |e: Unreadable| anyhow!(e.why).context(format!("cannot read {}", e.path.display()));
    let project = Project::load(&roots).map_err(cannot_read)?;
    let checked = compile::check_all(&project, &|| ());
    let errors = terminal::show_errors(&project, &checked, terminal::errors_coloured());
    Ok((errors == 0).then_some((project, checked)))
}

/// Refuses dims that nothing has.
fn dims_exist(args: &Args, units: &Units<'_>) -> Result<()> {
    let dims = units.list.iter().flat_map(|u| u.what.dims());
    let known: BTreeSet<&str> = dims.map(|d| d.name.as_str()).collect();
    match args.dims.iter().find(|(name, _)| !known.contains(name.as_str())) {
        None => Ok(()),
        Some((name, _)) => {
            let known: Vec<&str> = known.into_iter().collect();
            bail!("nothing that was asked for has a dim `{name}`; there are {}", known.join(", "))
        }
    }
}

/// What was asked for of a unit's dims, and in words.
fn fixed(args: &Args, unit: &Unit<'_>) -> (Vec<Option<i64>>, String) {
    let given = |name: &str| args.dims.iter().rev().find(|(n, _)| n == name).map(|(_, size)| *size);
    let dims = unit.what.dims();
    let fixed: Vec<Option<i64>> = dims.iter().map(|d| given(&d.name)).collect();
    let shown = dims.iter().zip(&fixed).filter_map(|(d, size)| Some(format!("{}={}", d.name, (*size)?)));
    let shown: Vec<String> = shown.collect();
    let shown = if shown.is_empty() { String::new() } else { format!(" with {}", shown.join(" ")) };
    (fixed, shown)
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
