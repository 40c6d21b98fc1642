//! A model's sizes and scalars from named numbers.

use std::collections::BTreeMap;

use super::load::{LARGEST_SIZE, LoadFault};
use crate::term::Model;

/// What a configuration makes of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Configured {
    /// The layer's sizes, in order.
    pub sizes: Vec<i64>,
    /// Its scalars, in order.
    pub scalars: Vec<f64>,
}

/// Reads a configuration as the model's `load` does.
///
/// # Errors
/// A key without value or default, and what is no size.
pub fn configure(model: &Model, given: &BTreeMap<String, f64>) -> Result<Configured, LoadFault> {
    let layer = &model.layer;
    let mut out = Configured { sizes: vec![0; layer.dims.len()], scalars: vec![0.0; layer.scalars.len()] };
    for entry in &model.config {
        let found = entry.key.as_ref().and_then(|k| given.get(k)).copied().or(entry.value);
        let Some(v) = found else {
            return Err(LoadFault::Key { key: entry.key.clone().unwrap_or_default() });
        };
        if let Some(at) = layer.scalars.iter().position(|s| *s == entry.name) {
            out.scalars[at] = v;
            continue;
        }
        let fits = v.fract() == 0.0 && (0.0..=LARGEST_SIZE as f64).contains(&v);
        if !fits {
            return Err(LoadFault::Size { what: entry.name.clone(), value: Some(v as i64) });
        }
        if let Some(at) = layer.dims.iter().position(|d| *d == entry.name) {
            out.sizes[at] = v as i64;
        }
    }
    Ok(out)
}
