//! Specs to begin with: the repository's own, and a corpus of the dialect.

use std::path::{Path, PathBuf};

use crate::corpus::{Plan, entry};

/// Files of the corpus among the seeds.
const CORPUS: u64 = 400;

/// Larger files would make every execution slow and find no more.
const MAX_BYTES: usize = 8 << 10;

/// All seeds, always the same for one state of the repository.
///
/// # Panics
/// If the repository's specs cannot be read.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    for folder in ["specs", "vibee-spec/tests", "tests/data"] {
        find(&root.join(folder), &mut paths);
    }
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|p| std::fs::read(p).expect("a readable spec")).collect();
    // The smallest pieces of every code's example: each is wrong in one way.
    seeds.extend(vibee_spec::codes::all().flat_map(|c| [c.example, c.fix]).map(|t| t.as_bytes().to_vec()));
    let plan = Plan { seed: 9, cover: true, ..Plan::default() };
    seeds.extend((0..CORPUS).map(|n| entry(&plan, n).bytes));
    seeds.retain(|s| !s.is_empty() && s.len() <= MAX_BYTES);
    seeds
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    for path in entries.map(|e| e.expect("a readable entry").path()) {
        if path.is_dir() {
            find(&path, paths);
        } else if path.extension().is_some_and(|e| e == "vibee") {
            paths.push(path);
        }
    }
}
