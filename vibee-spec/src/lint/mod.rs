//! Lints: what a spec may say but probably should not.
//!
//! [`lint`] looks at one parsed spec and reports with the severity of a warning; [`Levels`] decide
//! what becomes of warnings, the parser's and the checker's included; [`suppress`] reads the
//! comments in a spec that say so. Errors are never touched: a spec with an error has no meaning.
//!
//! No lint knows a kernel, spec or type by its name.

mod behaviors;
mod levels;
mod names;
mod sections;
mod suppress;
mod unused;

use crate::ast::File;
use crate::diag::{Diagnostic, Diags};
use crate::span::{Source, Span};

pub use levels::{Level, Levels, UnknownLint};
pub use unused::{is_about_use, uses};

/// One lint.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// Its row in [`crate::codes`].
    pub code: &'static str,
    /// What people call it in flags and comments.
    pub name: &'static str,
    /// What happens if nobody says anything.
    pub level: Level,
}

/// All lints, in order of their codes.
pub const LINTS: &[Lint] = &[
    Lint { code: "V0802", name: "prose-only-behavior", level: Level::Warn },
    Lint { code: "V0803", name: "case-without-assertion", level: Level::Warn },
    Lint { code: "V0804", name: "unknown-section", level: Level::Warn },
    Lint { code: "V0805", name: "misspelt-key", level: Level::Warn },
    Lint { code: "V0806", name: "untyped-field", level: Level::Allow },
    Lint { code: "V0807", name: "unused-import", level: Level::Warn },
    Lint { code: "V0808", name: "unused-function", level: Level::Warn },
    Lint { code: "V0809", name: "unused-constant", level: Level::Warn },
    Lint { code: "V0810", name: "default-in-comment", level: Level::Warn },
    Lint { code: "V0811", name: "name-style", level: Level::Warn },
    Lint { code: "V0812", name: "missing-description", level: Level::Allow },
    Lint { code: "V0813", name: "incomplete-behavior", level: Level::Warn },
    Lint { code: "V0814", name: "duplicate-case", level: Level::Warn },
    Lint { code: "V0815", name: "untested-kernel", level: Level::Warn },
    Lint { code: "V0816", name: "loose-tolerance", level: Level::Warn },
    Lint { code: "V0817", name: "unused-suppression", level: Level::Warn },
    Lint { code: "V0818", name: "unknown-lint", level: Level::Warn },
];

/// The lint of this code or name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code.eq_ignore_ascii_case(name) || lint.name == name)
}

/// Finds the tree of an import.
pub type Resolve<'a> = &'a dyn Fn(&str) -> Option<&'a File>;

/// All findings of all lints about one spec, in the order of the file.
#[must_use]
pub fn lint(file: &File, source: &Source, resolve: Resolve<'_>) -> Diags {
    let mut diags = Diags::default();
    sections::lint(file, &mut diags);
    names::lint(file, &mut diags);
    if file.language.as_ref().is_none_or(|language| language.name == "rust") {
        behaviors::lint(file, source, &mut diags);
        unused::lint(file, source, resolve, &mut diags);
    }
    diags.list.sort_by_key(|d| d.span.start);
    diags
}

/// A finding of the lint called `name`.
fn finding(name: &str, span: Span, message: impl Into<String>) -> Diagnostic {
    let code = find(name).map_or("V0818", |lint| lint.code);
    Diagnostic::warning(code, span, message)
}
