//! The types of the spec.

/// What has been shown of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing that runs, or it has not run since the last change.
    #[default]
    Specified,
    /// Something that ran failed.
    Failing,
    /// Nothing in it can run by itself: formulas, constants, types.
    Definition,
    /// Everything in it that can run ran and passed.
    Tested,
    /// Tested, and its speed or quality was measured.
    Measured,
}

/// A node of the tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Modules that must be done before this one can be started.
    pub requires: Vec<String>,
    /// How long it takes, in any unit; not negative.
    pub effort: f64,
    /// What has been shown of it.
    pub status: Status,
}

/// Why modules are no tree, in the order in which problems are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// Two modules have one name.
    Duplicate,
    /// An effort is negative, infinite or no number.
    Effort,
    /// A requirement is no module.
    Missing,
    /// Modules need each other.
    Cycle,
}

/// Something that has to be put right before anything can be planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The module; the module and what it misses; or the cycle, whose first name is also the last.
    pub path: Vec<String>,
    /// The name that may be meant.
    pub suggestion: Option<String>,
}

/// What decides when everything can be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CriticalPath {
    /// Each requires the one before.
    pub modules: Vec<String>,
    /// Of all of them.
    pub effort: f64,
}
