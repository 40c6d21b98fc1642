//! Formatting changes no meaning and no generated code: over the repository's specs and random ones.

use std::path::{Path, PathBuf};

use vibee_spec::fmt;
use vibee_spec::span::Source;
use vibee_tests::{corpus, oracle, random};

fn format(path: &str, text: &str) -> String {
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    let formatted = fmt::format(&source).unwrap_or_else(|d| panic!("{path}: {:?}", d.list));
    assert!(fmt::same_text(text, &formatted), "{path} means something else:\n{formatted}");
    let again = Source { path: path.to_owned(), text: formatted.clone() };
    assert_eq!(fmt::format(&again).expect("parsed before"), formatted, "{path}: no fixed point");
    formatted
}

fn specs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of specs") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            specs(&path, found);
        } else if path.extension().is_some_and(|e| e == "vibee") {
            found.push(path);
        }
    }
}

#[test]
fn the_specs_of_the_repository_are_formatted() {
    let mut paths = Vec::new();
    specs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs"), &mut paths);
    assert!(paths.len() >= 15, "only {} specs", paths.len());
    let stale: Vec<_> = paths
        .iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("a readable spec");
            format(&path.display().to_string(), &text) != text
        })
        .collect();
    assert!(stale.is_empty(), "`cargo vibee fmt specs/` formats {stale:?}");
}

/// Files of the dialect: what parses is formatted, what does not is left alone.
#[test]
fn the_corpus_keeps_its_meaning() {
    const SPECS: u64 = 300;
    let plan = corpus::Plan { seed: 7, cover: true, ..corpus::Plan::default() };
    let mut formatted = 0;
    for n in 0..SPECS {
        let entry = corpus::entry(&plan, n);
        let Ok(text) = String::from_utf8(entry.bytes) else { continue };
        if entry.strict == corpus::Verdict::Rejected {
            let source = Source { path: entry.path.clone(), text };
            let diags = fmt::format(&source).expect_err(&entry.path);
            assert!(diags.list.iter().all(|d| d.code != "V0800"), "{}", entry.path);
        } else {
            format(&entry.path, &text);
            formatted += 1;
        }
    }
    assert!(formatted > SPECS / 2, "only {formatted} parse");
}

/// Equations stand in generated documentation as a formatted spec has them.
#[test]
fn random_kernels_generate_the_same_code() {
    const KERNELS: u64 = 40;
    let mut changed = 0;
    for seed in 1..=KERNELS {
        let spec = random::spec(seed);
        let formatted = format(&format!("seed {seed}"), &spec.text);
        changed += usize::from(formatted != spec.text);
        let rust = |text: &str| oracle::unit("random", text).expect("a kernel that compiles").rust;
        assert!(rust(&spec.text) == rust(&formatted), "seed {seed}:\n{}", spec.text);
    }
    assert!(changed > 0, "the generator writes formatted text; this asserts nothing");
}
