//! `vibee gen` and `vibee check` on a synthetic corpus, against prost-build on the same types.
//!
//! Builds vibee and the corpus, writes a .proto file for each spec, and lets the two take turns.
//! Commands run as processes, as people run them. prost-build runs as in a build script, with protoc
//! from the package protoc-bin-vendored, and formats its output. Files of inputs are in memory; new
//! files are made in new folders and not forced to disk, by none of the two.

mod measure;
mod proto;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use vibee_spec::diag::Diags;
use vibee_spec::parse::{self, Mode};

use measure::Taken;
use proto::Size;

/// Time and memory of `vibee gen` and `vibee check`, against prost-build.
#[derive(Debug, Parser)]
struct Args {
    /// Specs.
    #[arg(long, default_value_t = 20_000)]
    specs: u64,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seed of the corpus.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads of vibee.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Where everything goes; made anew.
    #[arg(long, default_value = "target/corpus")]
    dir: PathBuf,
}

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Cold,
    Unchanged,
    Edit,
    Check,
    ProstCold,
    ProstUnchanged,
}

/// In this order, because each finds what the one before left.
const TASKS: [(Task, &str); 6] = [
    (Task::Cold, "vibee gen, cold"),
    (Task::Unchanged, "vibee gen, nothing changed"),
    (Task::Edit, "vibee gen, one spec edited"),
    (Task::Check, "vibee check"),
    (Task::ProstCold, "prost-build, cold"),
    (Task::ProstUnchanged, "prost-build, nothing changed"),
];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("measured") => measure::around(&args[1..]),
        Some("prost") => prost(Path::new(&args[1]), Path::new(&args[2])),
        _ => bench(&Args::parse()),
    }
}

fn bench(args: &Args) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let _ = fs::remove_dir_all(&args.dir);
    fs::create_dir_all(&args.dir)?;
    let dir = args.dir.canonicalize()?;
    cargo(&root, &["build", "--release", "-p", "vibee-codegen"])?;
    let vibee = root.join("target/release/vibee");
    let vibee = vibee.to_str().context("a path that is no text")?;
    // A few specs of a corpus have errors in declarations, which parsing does not see.
    let (all, seed) = ((args.specs + args.specs / 5 + 20).to_string(), args.seed.to_string());
    let specs = dir.join("specs");
    let specs_text = specs.to_str().context("a path that is no text")?;
    let corpus = ["run", "-q", "-p", "vibee-tests", "--bin", "corpus", "--"];
    cargo(&root, &[&corpus[..], &[&all, specs_text, "--seed", &seed, "--well-formed"]].concat())?;
    let (bytes, size) = prepare(&dir, &specs, args.specs as usize)?;
    println!(
        "{} specs, {:.1} MB; {} types, {} fields",
        args.specs,
        bytes as f64 / 1e6,
        size.types,
        size.fields
    );

    let me = std::env::current_exe()?;
    let me = me.to_str().context("a path that is no text")?;
    let jobs = args.jobs.to_string();
    let check = [vibee, "check", "-q", "-A", "warnings", "--jobs", &jobs];
    let cache = dir.join("cache");
    let run = |command: &[&str]| measure::run(&dir, &cache, command);
    let mut taken: Vec<Vec<Taken>> = vec![vec![]; TASKS.len()];
    // The first round only warms up.
    for round in 0..=args.rounds {
        // Other folders each round: a file system that has just removed as many files is slow to make new ones.
        let (out, peers) = (format!("made/{round}/src"), format!("made/{round}/prost"));
        let r#gen = [vibee, "gen", "-q", "-A", "warnings", "--jobs", &jobs, "--out", &out];
        let peer = [me, "prost", "proto", &peers];
        for (n, (task, name)) in TASKS.iter().enumerate() {
            eprintln!("round {round}: {name}");
            if *task == Task::Edit {
                edit(&specs, round)?;
            }
            // What was just written is not yet believed to be done with.
            std::thread::sleep(Duration::from_millis(100));
            let command = match task {
                Task::Cold | Task::Edit => &r#gen[..],
                Task::Unchanged => {
                    run(&r#gen)?;
                    &r#gen[..]
                }
                Task::Check => &check[..],
                Task::ProstCold | Task::ProstUnchanged => &peer[..],
            };
            let result = run(command)?;
            if round > 0 {
                taken[n].push(result);
            }
        }
    }
    report(args, &taken);
    Ok(())
}

/// Keeps as many specs as wanted, all without errors, and writes their types as .proto files.
/// Returns bytes of specs and the size of what was written.
fn prepare(dir: &Path, specs: &Path, wanted: usize) -> Result<(u64, Size)> {
    let mut paths = vec![];
    walk(specs, &mut paths)?;
    paths.sort();
    let protos = dir.join("proto");
    fs::create_dir_all(&protos)?;
    // The one that is edited is among them.
    edit(specs, 0)?;
    paths.insert(0, specs.join("edited.vibee"));
    let (mut kept, mut bytes, mut size) = (0, 0, Size::default());
    for path in paths {
        let mut diags = Diags::default();
        let text = fs::read(&path)?;
        let (source, file) = parse::read(&path.to_string_lossy(), &text, Mode::Strict, &mut diags);
        let module = vibee_spec::check::check(&file, &source, &|_, _| None, &mut diags);
        if kept == wanted || diags.has_errors() {
            fs::remove_file(&path)?;
            continue;
        }
        let package = format!("s{kept}");
        let proto = proto::file(&package, &module.declarations, &mut size);
        fs::write(protos.join(format!("{package}.proto")), proto)?;
        bytes += text.len() as u64;
        kept += 1;
    }
    ensure!(kept == wanted, "only {kept} specs without errors");
    Ok((bytes, size))
}

fn edit(specs: &Path, round: usize) -> Result<()> {
    let text = format!(
        "name: edited\nlanguage: rust\ntypes:\n  Edited:\n    fields:\n      id: Int\n      round_{round}: Float\n"
    );
    Ok(fs::write(specs.join("edited.vibee"), text)?)
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "vibee") {
            out.push(path);
        }
    }
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("cargo").args(arguments).current_dir(root).status()?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

/// What a build script would do.
fn prost(protos: &Path, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    let mut files = vec![];
    for entry in fs::read_dir(protos)? {
        files.push(entry?.path());
    }
    files.sort();
    prost_build::Config::new()
        .protoc_executable(protoc_bin_vendored::protoc_bin_path()?)
        .out_dir(out)
        .compile_protos(&files, &[protos])?;
    Ok(())
}

fn report(args: &Args, taken: &[Vec<Taken>]) {
    let median = |n: usize, of: fn(&Taken) -> f64| {
        let mut values: Vec<f64> = taken[n].iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!("\n| | ms | ms of all threads | µs a spec | peak MB |\n|---|---|---|---|---|");
    for (n, (_, name)) in TASKS.iter().enumerate() {
        let (wall, cpu) = (median(n, |t| t.wall), median(n, |t| t.cpu));
        let memory = taken[n].iter().map(|t| t.memory).fold(0.0, f64::max);
        println!(
            "| {name} | {:.0} | {:.0} | {:.1} | {memory:.0} |",
            wall * 1e3,
            cpu * 1e3,
            wall * 1e6 / args.specs as f64
        );
    }
    let times = |peer: Task, ours: Task| {
        let at = |task: Task| TASKS.iter().position(|(t, _)| *t == task).unwrap_or(0);
        median(at(peer), |t| t.wall) / median(at(ours), |t| t.wall)
    };
    println!("\ncold: {:.1} times faster than prost-build", times(Task::ProstCold, Task::Cold));
    println!(
        "nothing changed: {:.0} times faster than prost-build",
        times(Task::ProstUnchanged, Task::Unchanged)
    );
}
