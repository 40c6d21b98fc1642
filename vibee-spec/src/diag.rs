//! Diagnostics: what is wrong, where, why, and what to do about it.
//!
//! Every diagnostic has a stable code listed in [`crate::codes`]. Passes push into a
//! [`Diags`] and go on; the pipeline stops at stage boundaries.

use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look; the spec has a meaning.
    Warning,
    /// The spec has no meaning.
    Error,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable code, `V0001`….
    pub code: &'static str,
    /// Severity.
    pub severity: Severity,
    /// One sentence, lower-case start, no full stop.
    pub message: String,
    /// The place it is about.
    pub span: Span,
    /// What the primary span shows.
    pub label: String,
    /// Other places that matter (the other side of a mismatch).
    pub related: Vec<(Span, String)>,
    /// Facts that explain: a counterexample size, what was inferred.
    pub notes: Vec<String>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            notes: Vec::new(),
            hint: None,
        }
    }

    /// A warning at `span`.
    #[must_use]
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Says what the primary span shows.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Adds an explaining fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The findings of one file, in the order found.
#[derive(Clone, Debug, Default)]
pub struct Diags {
    /// All findings.
    pub list: Vec<Diagnostic>,
}

impl Diags {
    /// Adds a finding.
    pub fn push(&mut self, d: Diagnostic) {
        self.list.push(d);
    }

    /// Whether any is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }
}
