//! Random kernels against the interpreter: `oracle COUNT [SEED] [BATCH]`.
//!
//! Prints what was covered, every mismatch with its spec, and figures. Exits 1 on a mismatch.

use std::path::PathBuf;
use std::process::ExitCode;

use vibee_tests::oracle::{self, Plan, Session};

fn main() -> ExitCode {
    let args: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let argument = |n: usize, default: u64| args.get(n).copied().unwrap_or(default);
    let (count, seed, batch) = (argument(0, 1000), argument(1, 1), argument(2, 250));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let workshop = oracle::build::Workshop::new(&target.join("tmp"), "oracle").expect("a folder to build in");
    let mut session = Session::default();
    let mut from = seed;
    while from < seed + count {
        let to = (from + batch).min(seed + count);
        session.batch(&workshop, from..to, &Plan::standard(from)).expect("a scratch crate that builds");
        println!("{from}..{to}: {}", session.figures());
        from = to;
    }
    println!("{session}");
    if session.defects.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
