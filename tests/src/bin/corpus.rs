//! Writes a synthetic corpus of specs: `corpus COUNT DIR [--seed S] [--well-formed] [--cover]`.
//!
//! `DIR/expected.json` tells for every file what a reader must say to it. `--well-formed` leaves out
//! empty and malformed files; `--cover` begins with a file of every malformed class and every form.

use std::path::PathBuf;
use std::process::ExitCode;

use vibee_tests::corpus::{Plan, manifest};

const USAGE: &str = "usage: corpus COUNT DIR [--seed S] [--well-formed] [--cover]";

fn main() -> ExitCode {
    let Some((plan, count, dir)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match manifest::write(&plan, count, &dir) {
        Ok(written) => {
            println!("{} files, {} bytes in {}", written.files, written.bytes, dir.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write {}: {error}", dir.display());
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Option<(Plan, u64, PathBuf)> {
    let mut plan = Plan { seed: 1, ..Plan::default() };
    let (mut count, mut dir) = (None, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seed" => plan.seed = args.next()?.parse().ok()?,
            "--well-formed" => plan.well_formed = true,
            "--cover" => plan.cover = true,
            _ if count.is_none() => count = Some(arg.parse().ok()?),
            _ if dir.is_none() && !arg.starts_with('-') => dir = Some(PathBuf::from(arg)),
            _ => return None,
        }
    }
    Some((plan, count?, dir?))
}
