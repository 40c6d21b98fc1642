//! A change as a unified diff, the way version control shows it.

use std::path::Path;

use anyhow::Result;
use similar::TextDiff;

use super::plan::{Change, bytes};

/// The diff of one file below `out`; `shown` is the path that people see.
///
/// # Errors
/// When the file that is there cannot be read.
pub fn of(change: &Change, out: &Path, shown: &str) -> Result<String> {
    let old = if change.exists { bytes(&out.join(&change.path))? } else { None };
    let old = old.map(|b| String::from_utf8_lossy(&b).into_owned());
    Ok(unified(old.as_deref(), change.new.as_deref(), shown))
}

/// The diff between two texts of a file, either of which may be missing.
#[must_use]
pub fn unified(old: Option<&str>, new: Option<&str>, shown: &str) -> String {
    let shown = shown.trim_start_matches('/');
    let from = if old.is_some() { format!("a/{shown}") } else { "/dev/null".into() };
    let to = if new.is_some() { format!("b/{shown}") } else { "/dev/null".into() };
    let diff = TextDiff::from_lines(old.unwrap_or(""), new.unwrap_or(""));
    diff.unified_diff().context_radius(3).header(&from, &to).to_string()
}
