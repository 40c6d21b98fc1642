//! What emission may rely on, checked; and which accesses are proved to stay inside their arrays.
//!
//! A loop program is well-formed if
//! 1. *storage* (`storage`): a buffer belongs to the definition whose place names it; its axes are
//!    the definition's, in order, each with its extent; an output's buffer and one shared between
//!    stages have all axes; every buffer is written by exactly one statement, a task's own buffer is
//!    read in its stage only;
//! 2. *loops* (`paths`): an index is bound once on a path, by the grid, a loop or a product; bounds
//!    mention sizes, integer arguments and indices bound outside; a grid runs over whole ranges and
//!    over axes of everything inside, so that tasks write disjoint parts;
//! 3. *once* (`paths`): every live definition is evaluated by exactly one statement, below loops over
//!    exactly its own indices; an output's axes run over their whole range, so that every element is
//!    written, once;
//! 4. *order* (`order`): a fold starts, is updated and finishes in that order, loops over what it
//!    folds standing between start and update and nowhere else; it starts anew for every result;
//!    a value is bound before it is stored;
//! 5. *reads* (`order`): what a statement reads was finished before: in a variable of a scope around
//!    it, at the very element of this iteration, or in a buffer written in an earlier stage or
//!    earlier in the task, where axes of common loops are read at this iteration's position;
//! 6. *lanes* (`lanes`): at most one loop of a path runs in lanes; no product and no `f64` is inside;
//!    ranges of loops inside do not depend on it; lanes are stored side by side; an accumulator is
//!    in lanes exactly if a lanes loop is around its update, with that loop's unroll, and lanes are
//!    combined exactly if that loop is folded; a position is counted along the lanes;
//! 7. *products* (`product`): a matrix product is an unguarded `f32` sum of a product of two loads;
//!    rows, columns, summed and surrounding indices are the definition's; every axis of an operand
//!    is read where the load says; an epilogue is the sum's only reader, at its own element; ranges of
//!    terms and columns are of one index, known row by row, and an output has all columns;
//! 8. *rows* (`rows`): where tasks take blocks of rows, every statement runs over all rows, each once and
//!    not in lanes, and reads of what its task makes its own row only.
//!
//! Positions ([`accesses`]) are proved with the conditions of the kernel, the bounds of the loops
//! around, guards and the conditions of selections. *Not proved*: a position that is data (its type
//! bounds it), one that is valid only under a condition on data, and one beyond the reach of the
//! prover; such accesses are listed. *Not checked* at all: that loop bounds made of a guard count
//! what the guard counted, and anything about values; the tests interpret loops for that.

mod access;
mod lanes;
mod order;
mod paths;
mod product;
mod rows;
mod site;
mod storage;

use super::LoopProgram;
use site::{Site, sites};

pub use access::{Access, accesses};

/// The first invariant that does not hold.
///
/// # Errors
/// It, with the definition's name.
pub fn verify(p: &LoopProgram) -> Result<(), String> {
    if p.places.len() != p.program.defs.len() {
        return Err(format!("{} places for {} definitions", p.places.len(), p.program.defs.len()));
    }
    let sites = sites(p)?;
    storage::verify(p, &sites)?;
    paths::verify(p, &sites)?;
    order::verify(p, &sites)?;
    lanes::verify(p, &sites)?;
    product::verify(p, &sites)?;
    rows::verify(p, &sites)
}

/// A message about a definition.
fn about(p: &LoopProgram, site: &Site<'_>, what: &str) -> String {
    format!("`{}`: {what}", p.program.def(site.def()).name)
}
