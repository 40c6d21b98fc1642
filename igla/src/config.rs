//! A model's `config.json`: numbers by key, with errors that name the key.
//!
//! Must not know which keys a model needs: the generated code asks for them.

use std::io::Read;
use std::path::Path;

use igla_runtime::{LoadError, weights};
use serde_json::{Map, Value};

use crate::error::Error;

/// Real configurations are a few kilobytes.
const MAX_LEN: u64 = 1 << 24;
/// Up to here every whole number is exact as a float.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// An opened `config.json`.
#[derive(Debug)]
pub struct Config {
    values: Map<String, Value>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When it cannot be read, is unreasonably large or is no JSON object.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::read(path).map_err(|problem| Error::file(path, problem))
    }

    fn read(path: &Path) -> Result<Self, String> {
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        let mut text = Vec::new();
        file.take(MAX_LEN + 1).read_to_end(&mut text).map_err(|e| e.to_string())?;
        if text.len() as u64 > MAX_LEN {
            return Err(format!("is larger than {} MiB, which no configuration is", MAX_LEN >> 20));
        }
        match serde_json::from_slice(&text) {
            Ok(Value::Object(values)) => Ok(Self { values }),
            Ok(other) => Err(format!("holds {}, expected an object {{…}}", shown(&other))),
            Err(e) => Err(format!("is not JSON: {e}")),
        }
    }

    /// A text; `None` if the key is missing or holds anything else.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    /// `null` counts as missing, so that a model's default applies.
    fn value(&self, key: &str) -> Result<&Value, LoadError> {
        let value = self.values.get(key).filter(|v| !v.is_null());
        value.ok_or_else(|| LoadError::MissingKey { key: key.to_owned() })
    }
}

impl weights::Config for Config {
    fn int(&self, key: &str) -> Result<usize, LoadError> {
        let value = self.value(key)?;
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64()?;
            // In range and integral, so the conversion is exact.
            (float.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&float)).then_some(float as u64)
        });
        whole.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| wrong(key, "a whole number ≥ 0", value))
    }

    fn float(&self, key: &str) -> Result<f64, LoadError> {
        let value = self.value(key)?;
        value.as_f64().filter(|n| n.is_finite()).ok_or_else(|| wrong(key, "a number", value))
    }
}

fn wrong(key: &str, expected: &str, value: &Value) -> LoadError {
    LoadError::Value { key: key.to_owned(), expected: expected.to_owned(), found: shown(value) }
}

/// A value in a message: numbers and booleans as they are, the rest by what it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(_) => "a text".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}
