//! What a change of a spec means for those who use what is made from it.
//!
//! Two checked specs are compared by meaning: names inside kernels do not count, nor does the look.
//! Nothing here reads files or knows Rust.

mod kernels;
mod layers;
mod types;

use crate::ast::File;
use crate::term::Module;

/// Whom a change concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Code or specs that use it no longer fit.
    Breaks,
    /// Files of weights or configurations no longer fit.
    Weights,
    /// It fits, and gives other results.
    Results,
    /// Nobody has to do anything.
    Compatible,
}

impl Effect {
    /// One word for people and programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Effect::Breaks => "breaks",
            Effect::Weights => "weights",
            Effect::Results => "results",
            Effect::Compatible => "compatible",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whom it concerns.
    pub effect: Effect,
    /// `type`, `trait`, `kernel`, `layer`, `model`.
    pub kind: &'static str,
    /// Of what.
    pub name: String,
    /// In words.
    pub what: String,
}

/// A spec, parsed and checked without errors.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// Its tree.
    pub file: &'a File,
    /// Its meaning.
    pub module: &'a Module,
}

/// All differences, the worst first, those of one kind in the order of the file.
#[must_use]
pub fn compare(old: Spec<'_>, new: Spec<'_>) -> Vec<Change> {
    let mut changes = Changes { list: Vec::new() };
    types::types(old.file, new.file, &mut changes);
    types::behaviors(old.file, new.file, &mut changes);
    kernels::kernels(old.module, new.module, &mut changes);
    layers::layers(old.module, new.module, &mut changes);
    layers::models(old.module, new.module, &mut changes);
    changes.list.sort_by_key(|change| change.effect);
    changes.list
}

struct Changes {
    list: Vec<Change>,
}

impl Changes {
    fn add(&mut self, effect: Effect, kind: &'static str, name: &str, what: impl Into<String>) {
        self.list.push(Change { effect, kind, name: name.to_owned(), what: what.into() });
    }

    /// Reports what is only in one of the two lists; the pairs that are in both.
    fn pairs<'o, 'n, T>(
        &mut self,
        kind: &'static str,
        old: &'o [T],
        new: &'n [T],
        name: impl Fn(&T) -> &str,
    ) -> Vec<(&'o T, &'n T)> {
        for o in old.iter().filter(|o| !new.iter().any(|n| name(n) == name(o))) {
            self.add(Effect::Breaks, kind, name(o), "is gone");
        }
        for n in new.iter().filter(|n| !old.iter().any(|o| name(o) == name(n))) {
            self.add(Effect::Compatible, kind, name(n), "is new");
        }
        old.iter().filter_map(|o| Some((o, new.iter().find(|n| name(n) == name(o))?))).collect()
    }
}
