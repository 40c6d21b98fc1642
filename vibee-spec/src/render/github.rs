//! Findings as workflow commands, which GitHub shows beside the changed lines.

use super::Renderer;
use crate::diag::{Diagnostic, Severity};

/// One line for one finding, without a line end.
#[must_use]
pub fn command(renderer: &Renderer<'_>, d: &Diagnostic) -> String {
    let level = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let (line, column) = renderer.position(d.span.start as usize);
    let (end_line, end_column) = renderer.position(d.span.end as usize);
    let mut place = format!("file={},line={line},endLine={end_line}", property(&renderer.source.path));
    // Columns are ignored, with a complaint, when a finding has several lines.
    if line == end_line {
        place.push_str(&format!(",col={column},endColumn={}", (end_column - 1).max(column)));
    }
    let parts = [d.message.as_str()].into_iter().chain(d.notes.iter().map(String::as_str));
    let text = parts.chain(d.hint.as_deref()).collect::<Vec<_>>().join("\n");
    format!("::{level} {place},title={}::{}", property(d.code), data(&text))
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value among a command's properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
