//! Term → term: rewrites that keep a kernel's meaning.
//!
//! Order matters and is fixed in [`run`]: after it every definition is either elementwise or one
//! fold, positions are split into axes, and repeated or trivial work is shared. Passes must not
//! look at names, and must not decide loop order or storage.

mod flat;
mod inline;
mod lift;
mod rewrite;
mod share;
mod split;

pub use flat::{Definition, DefIdx, Fold, Program, Target};
pub use rewrite::{conjuncts, free_indices, loads, substitute, visit};

use vibee_spec::term::Kernel;

/// Runs all passes.
#[must_use]
pub fn run(mut kernel: Kernel) -> Program {
    split::run(&mut kernel);
    lift::run(&mut kernel);
    let mut program = flat::flatten(kernel);
    share::run(&mut program);
    inline::run(&mut program);
    flat::drop_unused(&mut program);
    program
}
