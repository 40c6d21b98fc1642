//! Results as a table for people and JSON for machines.

use std::num::NonZero;
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};

use crate::measure::{Seconds, median};
use crate::workload::Workload;

/// The first engine over the best of the others, and over the last, which is its twin.
fn ratios(seconds: &[Vec<f64>]) -> (f64, f64) {
    let rounds = || 0..seconds[0].len();
    let twin = seconds.len() - 1;
    let best = (1..twin)
        .min_by(|&a, &b| median(seconds[a].iter().copied()).total_cmp(&median(seconds[b].iter().copied())))
        .unwrap_or(0);
    let against = |engine: usize| median(rounds().map(|round| seconds[engine][round] / seconds[0][round]));
    (against(best), against(twin))
}

fn sentences_per_second(workload: &Workload, seconds: &[f64]) -> f64 {
    workload.texts.len() as f64 / median(seconds.iter().copied())
}

/// Prints medians; `×` is the first engine over the best of the others, `A/A` is it over itself.
pub fn table(names: &[&str], workloads: &[Workload], seconds: &Seconds) {
    println!("sentences a second, median");
    print!("{:16} {:>5}", "texts", "batch");
    for name in names {
        print!("  {name:>w$}", w = name.len().max(8));
    }
    println!("  {:>6}  {:>6}", "×", "A/A");
    for (workload, seconds) in workloads.iter().zip(seconds) {
        print!("{:16} {:>5}", workload.name, workload.batch);
        for (name, seconds) in names.iter().zip(seconds) {
            print!("  {:>w$.1}", sentences_per_second(workload, seconds), w = name.len().max(8));
        }
        let (ratio, control) = ratios(seconds);
        println!("  {ratio:>6.2}  {control:>6.2}");
    }
}

/// Everything measured, with what it was measured on.
pub fn json(
    names: &[&str],
    workloads: &[Workload],
    seconds: &Seconds,
    threads: NonZero<usize>,
) -> Result<String> {
    let results: Vec<Value> = workloads
        .iter()
        .zip(seconds)
        .map(|(workload, seconds)| {
            let (ratio, control) = ratios(seconds);
            let engines: Vec<Value> = names
                .iter()
                .zip(seconds)
                .map(|(name, seconds)| {
                    json!({ "engine": name, "sentences_per_second": sentences_per_second(workload, seconds), "seconds": seconds })
                })
                .collect();
            json!({ "texts": workload.name, "count": workload.texts.len(), "batch": workload.batch,
                    "ratio": ratio, "control": control, "engines": engines })
        })
        .collect();
    let report = json!({
        "cpu": cpu(), "threads": threads, "rustc": output("rustc", &["--version"]),
        "commit": output("git", &["rev-parse", "HEAD"]), "date": output("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
        "level": igla_runtime::Level::best().name(), "results": results,
    });
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

fn cpu() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
