//! Diagnostics for people (text) and for programs (JSON, SARIF, workflow commands).
//!
//! Text out of a spec is shown, never trusted: characters that control a terminal or reorder a line
//! are replaced, and long lines are cut around the place in question. Nothing here decides what is
//! an error.

use crate::diag::{Diagnostic, Severity};
use crate::span::{Source, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer as Backend, Snippet};
use serde_json::{Value, json};

mod excerpt;
mod github;
mod sarif;

use excerpt::Excerpt;
pub use sarif::Sarif;

/// Characters of one message, label, note or hint that are shown.
const MAX_TEXT: usize = 400;

/// Renders the diagnostics of one source.
#[derive(Debug)]
pub struct Renderer<'s> {
    source: &'s Source,
    /// Byte offset of every line.
    starts: Vec<usize>,
}

impl<'s> Renderer<'s> {
    /// Indexes the lines of `source` once for all its diagnostics.
    #[must_use]
    pub fn new(source: &'s Source) -> Self {
        let ends = source.text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at + 1);
        Renderer { source, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// As text with an excerpt of the spec, without a line end.
    #[must_use]
    pub fn text(&self, d: &Diagnostic, colour: bool) -> String {
        let level = match d.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = clean(&self.source.path);
        let primary = self.place(d.span);
        let mut places: Vec<_> =
            d.related.iter().map(|(span, label)| (self.place(*span), clean(label))).collect();
        let label = clean(&d.label);

        let mut group = Group::with_title(level.primary_title(clean(&d.message)).id(d.code));
        // Places near each other share an excerpt; a far one gets its own.
        let near = |line: usize| line.abs_diff(primary.0) <= excerpt::MAX_DISTANCE;
        let (close, far): (Vec<_>, Vec<_>) = places.drain(..).partition(|((line, _), _)| near(*line));
        let mut marks = vec![(primary, label, AnnotationKind::Primary)];
        marks.extend(close.into_iter().map(|(place, label)| (place, label, AnnotationKind::Context)));
        let groups = std::iter::once(marks)
            .chain(far.into_iter().map(|(place, label)| vec![(place, label, AnnotationKind::Context)]));
        for marks in groups {
            let lines: Vec<_> = marks.iter().map(|((line, span), ..)| (*line, *span)).collect();
            let excerpt = Excerpt::new(&self.source.text, &self.starts, &lines);
            let mut snippet = Snippet::source(excerpt.text.clone())
                .line_start(excerpt.first + 1)
                .path(path.clone())
                .fold(true);
            for ((_, span), label, kind) in &marks {
                let mark = kind.span(excerpt.range(*span));
                snippet = snippet.annotation(if label.is_empty() { mark } else { mark.label(label.clone()) });
            }
            group = group.element(snippet);
            // The column shown counts from where the line was cut.
            let start = marks[0].0.1.start as usize;
            if excerpt.cuts_before(start) {
                let note = format!("this is column {} of a long line", self.position(start).1);
                group = group.element(Level::NOTE.message(note));
            }
        }
        group = group.elements(d.notes.iter().map(|note| Level::NOTE.message(clean(note))));
        group = group.elements(d.hint.iter().map(|hint| Level::HELP.message(clean(hint))));
        let backend = if colour { Backend::styled() } else { Backend::plain() };
        backend.render(&[group])
    }

    /// As JSON: `code`, `severity`, `message`, `path`, `span`, `label`, `related`, `notes`, `hint`.
    #[must_use]
    pub fn json(&self, d: &Diagnostic) -> Value {
        let related: Vec<_> = d
            .related
            .iter()
            .map(|(span, label)| json!({"span": self.json_span(*span), "label": label}))
            .collect();
        json!({
            "code": d.code,
            "severity": match d.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "message": d.message,
            "path": self.source.path,
            "span": self.json_span(d.span),
            "label": d.label,
            "related": related,
            "notes": d.notes,
            "hint": d.hint,
        })
    }

    /// As a workflow command of GitHub, without a line end.
    #[must_use]
    pub fn github(&self, d: &Diagnostic) -> String {
        github::command(self, d)
    }

    /// Byte offsets, and lines and columns counted from 1 in characters.
    fn json_span(&self, span: Span) -> Value {
        let (start, end) = (self.boundary(span.start as usize), self.boundary(span.end as usize));
        let (line, column) = self.position(start);
        let (end_line, end_column) = self.position(end);
        json!({
            "start": start, "end": end,
            "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        })
    }

    /// Line and column of a byte offset, counted from 1; columns in characters.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        let at = self.boundary(at);
        let line = self.line(at);
        (line + 1, self.source.text[self.starts[line]..at].chars().count() + 1)
    }

    /// The line, counted from 0, that byte `at` is on.
    fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|&start| start <= at).saturating_sub(1)
    }

    /// The line a span starts on, and its part on that line.
    fn place(&self, span: Span) -> (usize, Span) {
        let start = self.boundary(span.start as usize);
        let line = self.line(start);
        let line_end = self.starts.get(line + 1).map_or(self.source.text.len(), |next| next - 1);
        let end = self.boundary(span.end as usize).clamp(start, line_end.max(start));
        (line, Span::new(start, end))
    }

    /// The nearest character boundary at or before `at`, inside the text.
    fn boundary(&self, at: usize) -> usize {
        self.source.text.floor_char_boundary(at.min(self.source.text.len()))
    }
}

/// Text made harmless and of bounded length.
fn clean(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.by_ref().take(MAX_TEXT).map(harmless).collect();
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// A character that neither controls a terminal nor reorders a line.
fn harmless(c: char) -> char {
    match c {
        '\n' | '\t' => ' ',
        _ if c.is_control() || crate::scan::is_reordering(c) => '\u{FFFD}',
        _ => c,
    }
}
