//! Hostile input: `fuzz TARGET [COUNT] [SEED]`, with a target of `vibee_tests::fuzz::TARGETS` or `all`.
//!
//! Runs on all cores. A finding's input is written to the target folder and its seed and number are
//! printed; exits 1.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use vibee_tests::fuzz::{self, Figures, Finding, TARGETS, Target};

/// Executions between looks at what other threads found.
const STRETCH: u64 = 1_000;

/// The checker recurses over expressions; the commands give their threads as much.
const STACK_BYTES: usize = 64 << 20;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: u64| args.get(n).and_then(|a| a.parse().ok()).unwrap_or(default);
    let (count, seed) = (number(1, 100_000), number(2, 1));
    let wanted = args.first().map_or("", String::as_str);
    let targets: Vec<&Target> = TARGETS.iter().filter(|t| wanted == "all" || t.name == wanted).collect();
    if targets.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|t| t.name).collect();
        eprintln!("usage: fuzz all|{} [COUNT] [SEED]", names.join("|"));
        return ExitCode::from(2);
    }
    let seeds = fuzz::seeds();
    let mut clean = true;
    for target in targets {
        let (figures, finding) = run(target, &seeds, seed, count);
        let Figures { executions, accepted, bytes, slowest } = figures;
        println!(
            "{}: {executions} executions of seed {seed} on {} specs, {accepted} without errors, {bytes} bytes, \
             slowest {slowest:?}",
            target.name,
            seeds.len()
        );
        if let Some(finding) = finding {
            clean = false;
            report(target, seed, &finding);
        }
    }
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(target: &Target, seeds: &[Vec<u8>], seed: u64, count: u64) -> (Figures, Option<Finding>) {
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let total = Mutex::new((Figures::default(), None::<Finding>));
    let work = || {
        let mut figures = Figures::default();
        let mut found = None;
        while !stop.load(Ordering::Relaxed) && found.is_none() {
            let from = next.fetch_add(STRETCH, Ordering::Relaxed);
            if from >= count {
                break;
            }
            let numbers = from..(from + STRETCH).min(count);
            found = fuzz::run(target, seeds, seed, numbers, &mut figures).err();
        }
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.0.executions += figures.executions;
        total.0.accepted += figures.accepted;
        total.0.bytes += figures.bytes;
        total.0.slowest = total.0.slowest.max(figures.slowest);
        if let Some(finding) = found {
            stop.store(true, Ordering::Relaxed);
            total.1.get_or_insert(*finding);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, work).expect("a thread");
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn report(target: &Target, seed: u64, finding: &Finding) {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let path = folder.join("tmp").join(format!("fuzz_{}_{seed}_{}.vibee", target.name, finding.number));
    println!("{} seed {seed} number {}: {}", target.name, finding.number, finding.what);
    match std::fs::create_dir_all(folder.join("tmp")).and_then(|()| std::fs::write(&path, &finding.input)) {
        Ok(()) => println!("input in {}", path.display()),
        Err(error) => println!("cannot write {}: {error}", path.display()),
    }
}
