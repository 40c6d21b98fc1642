//! Random well-typed specs: graphs of definitions over a few sizes, using every construct of the
//! language, with values kept moderate so that the interpreter's bounds mean something.
//!
//! A seed gives one spec text, always the same. Every construct written is counted, so that a run
//! can show what it covered. A spec that the checker rejects is a defect here or there.
//!
//! | file | writes |
//! |---|---|
//! | `state` | sizes, letters, tensors, the text around the body |
//! | `load` | reads of tensors: bare, shifted, gathered, with outside values |
//! | `value` | elementwise expressions of all types |
//! | `fold` | folds, guards |
//! | `define` | definitions: one function per kind |
//! | `call` | functions and kernels called |

mod call;
mod define;
mod fold;
mod load;
mod state;
mod value;

use std::collections::BTreeMap;

/// How often each construct was written.
pub type Coverage = BTreeMap<&'static str, u32>;

/// A random spec.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What it was made from.
    pub seed: u64,
    /// The text.
    pub text: String,
    /// Constructs in it.
    pub coverage: Coverage,
}

/// Writes the spec of a seed.
#[must_use]
pub fn spec(seed: u64) -> Spec {
    let mut state = state::State::new(seed);
    let count = 3 + state.rng.below(6) as usize;
    while state.definitions() < count {
        define::one(&mut state);
    }
    state.finish(seed)
}
