//! What becomes of warnings: nothing, a warning, an error.

use super::{find, suppress};
use crate::codes;
use crate::diag::{Diags, Severity};
use crate::span::Source;
use std::collections::BTreeMap;

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It is not shown.
    Allow,
    /// It is shown.
    Warn,
    /// It is an error.
    Deny,
}

/// There is no lint or code of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLint(
    /// As it was written.
    pub String,
);

/// Levels that somebody asked for; everything else has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    asked: BTreeMap<&'static str, Level>,
    /// For warnings that nobody named.
    others: Option<Level>,
}

impl Levels {
    /// Asks for a level. `name` is a code, a lint's name, or `warnings` for everything that would be
    /// a warning. What is said later wins over what was said before about the same.
    ///
    /// # Errors
    /// When there is no such lint or code.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), UnknownLint> {
        if name == "warnings" {
            self.others = Some(level);
            return Ok(());
        }
        let code = code(name).ok_or_else(|| UnknownLint(name.to_owned()))?;
        self.asked.insert(code, level);
        Ok(())
    }

    /// The level of a warning's code.
    #[must_use]
    pub fn of(&self, code: &str) -> Level {
        let default = find(code).map_or(Level::Warn, |lint| lint.level);
        match (self.asked.get(code), self.others) {
            (Some(level), _) => *level,
            (None, Some(level)) if default == Level::Warn => level,
            (None, _) => default,
        }
    }

    /// Settles the warnings of a spec: comments in it allow, deny or warn, then these levels hold.
    /// If the findings of all lints are among `diags` (`linted`), adds those about comments that name
    /// nothing or change nothing.
    pub fn apply(&self, source: &Source, diags: &mut Diags, linted: bool) {
        let mut settled = suppress::apply(source, diags, linted);
        diags.list.retain_mut(|d| d.severity == Severity::Error || settle(d, self.of(d.code)));
        diags.list.append(&mut settled);
        diags.list.sort_by_key(|d| d.span.start);
    }
}

/// Gives a warning its level; whether it is kept.
pub(super) fn settle(d: &mut crate::diag::Diagnostic, level: Level) -> bool {
    if level == Level::Deny {
        d.severity = Severity::Error;
    }
    level != Level::Allow
}

/// The code that `name` means.
pub(super) fn code(name: &str) -> Option<&'static str> {
    find(name).map(|lint| lint.code).or_else(|| codes::find(name).map(|row| row.code))
}
