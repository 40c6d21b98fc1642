//! Nothing is timed that is not right: every engine reproduces the reference embeddings first.

use std::num::NonZero;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Engine;

/// The reference was computed in f64; f32 engines differ by rounding.
const TOLERANCE: f64 = 1e-4;

/// Compares all reference texts, in batches of several sizes.
pub fn reference(name: &str, engine: &Engine, threads: NonZero<usize>, path: &Path) -> Result<()> {
    let file = std::fs::read(path).with_context(|| path.display().to_string())?;
    let file: Value = serde_json::from_slice(&file)?;
    let items = file["items"].as_array().context("no items")?;
    let tokens: Vec<Vec<u32>> =
        items.iter().map(|item| serde_json::from_value(item["tokens"].clone())).collect::<Result<_, _>>()?;
    let expected: Vec<Vec<f64>> = items
        .iter()
        .map(|item| serde_json::from_value(item["embedding"].clone()))
        .collect::<Result<_, _>>()?;
    for batch in [1, 7, 32] {
        let found = engine.embed(&tokens, threads, NonZero::new(batch).context("not zero")?)?;
        let mut worst = 0.0_f64;
        for (row, expected) in found.rows().zip(&expected) {
            ensure!(row.len() == expected.len(), "{name}: vectors of {} numbers", row.len());
            for (a, b) in row.iter().zip(expected) {
                // A NaN fails the comparison below.
                worst =
                    worst.max((f64::from(*a) - b).abs()).max(if a.is_nan() { f64::INFINITY } else { 0.0 });
            }
        }
        ensure!(
            worst <= TOLERANCE,
            "{name}: differs from the reference by {worst:.1e} in batches of {batch}"
        );
    }
    Ok(())
}
