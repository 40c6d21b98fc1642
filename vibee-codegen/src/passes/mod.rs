//! Term → term: rewrites that keep a kernel's meaning.
//!
//! Order matters and is fixed in [`run`]: after it every definition is either elementwise or one
//! fold, positions are split into axes, and repeated or trivial work is shared. Passes must not
//! look at names, and must not decide loop order or storage.

mod fix;
mod flat;
mod inline;
mod lift;
mod rewrite;
mod share;
mod split;

pub use fix::{fix, variants};
pub use flat::{Definition, Fold, Program, Target};
#[doc(hidden)]
pub use rewrite::conjoin;
pub use rewrite::{conjuncts, cost, free_indices, loads, substitute, substitute_int, visit};

use vibee_spec::term::Kernel;

/// Runs all passes.
#[must_use]
pub fn run(mut kernel: Kernel) -> Program {
    let shapes = split::run(&mut kernel);
    lift::run(&mut kernel);
    let targets = kernel.outputs.iter().zip(shapes).map(|(o, s)| Target {
        name: o.name.clone(),
        def: o.def,
        shape: s.shape,
        digits: s.digits,
    });
    let targets = targets.collect();
    let mut program = flat::flatten(kernel, targets);
    share::run(&mut program);
    inline::run(&mut program);
    flat::drop_unused(&mut program);
    program
}
