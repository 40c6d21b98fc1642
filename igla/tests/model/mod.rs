//! The fetched model and its reference values, shared by the tests that need them.

use std::path::PathBuf;

use serde_json::Value;

/// One text of `tests/data/minilm-reference.json`.
#[allow(dead_code, reason = "each test file uses its part")]
pub struct Reference {
    /// The text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Its embedding, computed in f64.
    pub embedding: Vec<f64>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The model's directory, or `None` (after one line that says how to get it) when it has not been
/// fetched. With `IGLA_REQUIRE_MODEL=1` its absence is a failure.
pub fn directory() -> Option<PathBuf> {
    let dir =
        std::env::var_os("IGLA_MODEL").map_or_else(|| root().join("models/all-MiniLM-L6-v2"), PathBuf::from);
    if dir.join("model.safetensors").is_file() {
        return Some(dir);
    }
    let note = format!("skipped: no model in {}; scripts/fetch-minilm.sh fetches it", dir.display());
    assert!(std::env::var_os("IGLA_REQUIRE_MODEL").is_none_or(|v| v != "1"), "{note}");
    eprintln!("{note}");
    None
}

/// The reference values.
#[allow(dead_code, reason = "each test file uses its part")]
pub fn references() -> Vec<Reference> {
    let path = root().join("tests/data/minilm-reference.json");
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let items = file["items"].as_array().unwrap();
    assert_eq!(items.len(), 20);
    items
        .iter()
        .map(|item| Reference {
            text: item["text"].as_str().unwrap().to_owned(),
            tokens: serde_json::from_value(item["tokens"].clone()).unwrap(),
            embedding: serde_json::from_value(item["embedding"].clone()).unwrap(),
        })
        .collect()
}
