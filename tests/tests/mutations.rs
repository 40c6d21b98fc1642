//! Seeded miscompilations are caught by the oracle that judges real kernels.
//!
//! `VIBEE_MUTATION_SEED` chooses the random kernels; the table is printed with `--nocapture`.

use std::path::Path;

use vibee_tests::mutation::{self, HEAD, MUTATIONS, Trial};
use vibee_tests::oracle::Plan;
use vibee_tests::oracle::build::Workshop;

/// A mutation that changes this many kernels unnoticed is not caught. One first: most need no more.
const ROUNDS: &[usize] = &[1, 4, 15];

#[test]
fn every_miscompilation_is_caught() {
    let seed = std::env::var("VIBEE_MUTATION_SEED").map_or(1, |v| v.parse().expect("a whole number"));
    let workshop = Workshop::new(Path::new(env!("CARGO_TARGET_TMPDIR")), "mutations").expect("a folder");
    let trial = Trial { seed, specs: 250, rounds: ROUNDS };
    let plan = Plan::standard(seed);
    let control = mutation::control(&workshop, seed..seed + 12, &plan).expect("a crate that builds");
    assert!(control.failures.is_empty(), "nothing was changed: {:#?}", control.failures);
    assert_eq!(control.compared, 12);
    let findings = mutation::trial(&workshop, &trial, &plan).expect("a crate that builds");
    println!("{HEAD}");
    findings.iter().for_each(|f| println!("{f}"));
    assert_eq!(findings.len(), MUTATIONS.len());
    let missed: Vec<String> =
        findings.iter().filter(|f| f.caught_at.is_none()).map(ToString::to_string).collect();
    assert!(missed.is_empty(), "not caught:\n{}", missed.join("\n"));
}
