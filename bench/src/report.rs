//! Results as a table for people and JSON for machines.

use std::num::NonZero;
use std::process::Command;

use anyhow::Result;
use serde_json::{Value, json};

use crate::measure::{Seconds, median};
use crate::workload::Workload;

/// Candle's two ways of using threads, then the first engine again; behind it are iGLA's other ways to keep weights.
const CANDLE: std::ops::Range<usize> = 1..3;
const TWIN: usize = 3;

/// How many times faster than the better candle an engine is, round by round.
fn ratio(seconds: &[Vec<f64>], engine: usize) -> f64 {
    let best = CANDLE
        .min_by(|&a, &b| median(seconds[a].iter().copied()).total_cmp(&median(seconds[b].iter().copied())))
        .unwrap_or(engine);
    over(seconds, best, engine)
}

fn over(seconds: &[Vec<f64>], slow: usize, fast: usize) -> f64 {
    median(seconds[slow].iter().zip(&seconds[fast]).map(|(slow, fast)| slow / fast))
}

fn sentences_per_second(workload: &Workload, seconds: &[f64]) -> f64 {
    workload.texts.len() as f64 / median(seconds.iter().copied())
}

/// Prints medians; `×` is the first engine over the better candle, `A/A` is it over itself, and then the others follow.
pub fn table(names: &[&str], workloads: &[Workload], seconds: &Seconds) {
    println!("sentences a second, median");
    print!("{:16} {:>5}", "texts", "batch");
    for name in names {
        print!("  {name:>w$}", w = name.len().max(8));
    }
    print!("  {:>6}  {:>6}", "×", "A/A");
    names[TWIN + 1..].iter().for_each(|name| print!("  {:>w$}", format!("× {name}"), w = name.len() + 2));
    println!();
    for (workload, seconds) in workloads.iter().zip(seconds) {
        print!("{:16} {:>5}", workload.name, workload.batch);
        for (name, seconds) in names.iter().zip(seconds) {
            print!("  {:>w$.1}", sentences_per_second(workload, seconds), w = name.len().max(8));
        }
        print!("  {:>6.2}  {:>6.2}", ratio(seconds, 0), over(seconds, TWIN, 0));
        for (n, name) in names.iter().enumerate().skip(TWIN + 1) {
            print!("  {:>w$.2}", ratio(seconds, n), w = name.len() + 2);
        }
        println!();
    }
}

/// What is compared with onnxruntime, round by round: with its weights of the same width, bf16 with f32.
const AGAINST_ONNX: [(&str, &str); 3] =
    [("igla", "onnxruntime f32"), ("igla bf16", "onnxruntime f32"), ("igla int8", "onnxruntime int8")];

/// Prints how many times faster than onnxruntime iGLA is, of the engines that took part.
pub fn against_onnx(names: &[&str], workloads: &[Workload], seconds: &Seconds) {
    let at = |wanted: &str| names.iter().position(|name| *name == wanted);
    let pairs: Vec<_> = (AGAINST_ONNX.iter())
        .filter_map(|(fast, slow)| Some((format!("{fast} / {slow}"), at(fast)?, at(slow)?)))
        .collect();
    if pairs.is_empty() {
        return;
    }
    print!("\ntimes as fast as onnxruntime\n{:16} {:>5}", "texts", "batch");
    pairs.iter().for_each(|(title, ..)| print!("  {title}"));
    println!();
    for (workload, seconds) in workloads.iter().zip(seconds) {
        print!("{:16} {:>5}", workload.name, workload.batch);
        for (title, fast, slow) in &pairs {
            print!("  {:>w$.2}", over(seconds, *slow, *fast), w = title.len());
        }
        println!();
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
            let (first, control) = (ratio(seconds, 0), over(seconds, TWIN, 0));
            let engines: Vec<Value> = names
                .iter()
                .zip(seconds)
                .enumerate()
                .map(|(n, (name, own))| {
                    json!({ "engine": name, "sentences_per_second": sentences_per_second(workload, own),
                            "ratio": ratio(seconds, n), "seconds": own })
                })
                .collect();
            json!({ "texts": workload.name, "count": workload.texts.len(), "batch": workload.batch,
                    "ratio": first, "control": control, "engines": engines })
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
