//! Compiled kernels agree with the interpreter: random ones, and those that once did not.
//!
//! `VIBEE_RANDOM_KERNELS` and `VIBEE_RANDOM_SEED` choose how many and which; `.ci/full` asks for 1,000.

use std::fs;
use std::path::{Path, PathBuf};

use vibee_tests::oracle::build::Workshop;
use vibee_tests::oracle::{self, Plan, Session};

/// Kernels tried when nothing else is asked for.
const FEW: u64 = 60;

/// Built at once: more need less of rustc's time each, but keep everything waiting longer.
const BATCH: u64 = 250;

fn workshop(name: &str) -> Workshop {
    Workshop::new(Path::new(env!("CARGO_TARGET_TMPDIR")), name).expect("a folder to build in")
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |v| v.parse().expect("a whole number"))
}

#[test]
fn random_kernels_agree_with_the_interpreter() {
    let (count, seed) = (number("VIBEE_RANDOM_KERNELS", FEW), number("VIBEE_RANDOM_SEED", 1));
    let workshop = workshop("random");
    let mut session = Session::default();
    let mut from = seed;
    while from < seed + count {
        let to = (from + BATCH).min(seed + count);
        session.batch(&workshop, from..to, &Plan::standard(from)).expect("a crate that builds");
        from = to;
    }
    println!("{session}");
    assert!(session.defects.is_empty(), "{} defects, see above", session.defects.len());
    assert!(session.kernels as u64 >= count, "only {} kernels of {count} were compared", session.kernels);
    assert!(session.tally.skipped < session.tally.elements, "more skipped than compared");
    // A construct that the generator no longer writes is no longer tested.
    if count >= FEW && seed == 1 {
        assert!(session.coverage.len() >= 80, "only {} constructs", session.coverage.len());
    }
}

#[test]
fn kernels_that_were_wrong_stay_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/regressions");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let units: Vec<_> = paths
        .iter()
        .map(|p| {
            let name = p.file_stem().unwrap().to_string_lossy();
            oracle::unit(&name, &fs::read_to_string(p).unwrap()).unwrap_or_else(|e| panic!("{name}: {e:?}"))
        })
        .collect();
    let report =
        oracle::run(&workshop("regressions"), &units, &Plan::thorough(1)).expect("a crate that builds");
    let kernels: usize = units.iter().map(|u| u.kernels.len()).sum();
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert_eq!(report.compared, kernels);
}
