//! A change as a unified diff, the way version control shows it.

use similar::TextDiff;

use super::plan::Change;

/// The diff of one file; `shown` is the path that people see.
#[must_use]
pub fn unified(change: &Change, shown: &str) -> String {
    let shown = shown.trim_start_matches('/');
    let old = change.old.as_deref().unwrap_or("");
    let new = change.new.as_deref().unwrap_or("");
    let from = if change.old.is_some() { format!("a/{shown}") } else { "/dev/null".into() };
    let to = if change.new.is_some() { format!("b/{shown}") } else { "/dev/null".into() };
    TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(&from, &to).to_string()
}
