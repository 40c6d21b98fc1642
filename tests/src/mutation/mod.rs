//! Seeded miscompilations: what a wrong compiler could do, one change at a time, and who notices.
//!
//! A mutation changes compiled kernels where the mistake would be made: in loops, or in emitted Rust
//! for what only emission decides. It takes the first place that fits and knows no kernel. The
//! oracle that judges real kernels must catch every one, on random kernels with its ordinary plan.
//!
//! To add one: a function in `value` (expressions), `shape` (loops and storage) or `text` (Rust) and
//! a row in [`MUTATIONS`].

mod judge;
mod shape;
mod text;
mod value;

use vibee_codegen::loops::LoopProgram;

pub use judge::{Finding, HEAD, Trial, control, trial};

/// A kind of mistake.
#[derive(Clone, Copy)]
pub struct Mutation {
    /// What the compiler does wrong.
    pub name: &'static str,
    /// How it is done to a compiled kernel.
    pub seed: Seed,
}

/// Where a mistake is made.
#[derive(Clone, Copy)]
pub enum Seed {
    /// In the loops; `false` if the kernel has no place for it.
    Loops(fn(&mut LoopProgram) -> bool),
    /// In the Rust; `None` if there is no place for it.
    Rust(fn(&str) -> Option<String>),
}

const fn loops(name: &'static str, seed: fn(&mut LoopProgram) -> bool) -> Mutation {
    Mutation { name, seed: Seed::Loops(seed) }
}

const fn rust(name: &'static str, seed: fn(&str) -> Option<String>) -> Mutation {
    Mutation { name, seed: Seed::Rust(seed) }
}

/// All of them.
pub const MUTATIONS: &[Mutation] = &[
    loops("a loop starts one late", shape::starts_late),
    loops("a loop ends one early", shape::ends_early),
    loops("a fold forgets its guard", shape::forgets_guard),
    loops("an accumulator is not started anew", shape::starts_once),
    loops("a buffer's extents are swapped", shape::swaps_extents),
    loops("a rounding to storage is dropped", shape::drops_rounding),
    loops("a value is applied before its sum is complete", value::applies_early),
    loops("another definition is read", value::reads_another),
    loops("a difference is turned around", value::turns_difference),
    loops("two letters of a load change places", value::swaps_letters),
    loops("the outside of an array is its nearest element", value::clamps_outside),
    loops("a gather takes its index from another axis", value::gathers_elsewhere),
    loops("less becomes less or equal", value::includes_equal),
    loops("a maximum keeps a NaN", value::keeps_nan),
    loops("a division becomes a product", value::multiplies_by_inverse),
    rust("a sum starts at one", text::sum_starts_at_one),
    rust("a maximum starts at zero", text::max_starts_at_zero),
    rust("lanes of a sum are combined by maximum", text::combines_by_maximum),
    rust("the last lanes are left out", text::drops_tail),
    rust("the last of equal maxima wins", text::takes_last),
    rust("a small integer wraps", text::wraps),
];
