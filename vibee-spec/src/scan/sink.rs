//! Where the parser's findings go: limited in number.

use crate::diag::{Diagnostic, Diags, Severity};
use crate::limits::MAX_DIAGNOSTICS;

/// How many findings there were at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    kept: usize,
    listed: usize,
}

/// A [`Diags`] that stops keeping after [`MAX_DIAGNOSTICS`].
///
/// Hostile input could otherwise turn every byte into a finding.
pub(crate) struct Sink<'d> {
    diags: &'d mut Diags,
    kept: usize,
}

impl<'d> Sink<'d> {
    /// Reports into `diags`.
    pub(crate) fn new(diags: &'d mut Diags) -> Self {
        Sink { diags, kept: 0 }
    }

    /// Whether further findings would not be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.kept > MAX_DIAGNOSTICS
    }

    /// This moment.
    pub(crate) fn mark(&self) -> Mark {
        Mark { kept: self.kept, listed: self.diags.list.len() }
    }

    /// Codes of the errors since.
    pub(crate) fn errors_since(&self, mark: Mark) -> impl Iterator<Item = &'static str> {
        let since = self.diags.list[mark.listed..].iter();
        since.filter(|d| d.severity == Severity::Error).map(|d| d.code)
    }

    /// Forgets the findings since.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.kept = mark.kept;
        self.diags.list.truncate(mark.listed);
    }

    /// Adds a finding, or the note that there are too many.
    pub(crate) fn push(&mut self, d: Diagnostic) {
        self.kept += 1;
        if self.kept <= MAX_DIAGNOSTICS {
            self.diags.push(d);
        } else if self.kept == MAX_DIAGNOSTICS + 1 {
            self.diags.push(
                Diagnostic::error("V0004", d.span, "too many errors; the rest is not shown")
                    .label("the first one left out is here"),
            );
        }
    }
}
