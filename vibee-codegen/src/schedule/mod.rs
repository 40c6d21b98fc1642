//! Flat definitions → loops: which loops there are, which definitions share them, which loop runs in
//! lanes, where values live, what is parallel. All decisions are by structure and cost, none by name.

mod arrange;
mod bounds;
mod contract;
mod lanes;
mod lower;
mod narrow;
mod operands;
mod rows;
mod tree;

use crate::loops::{self, LoopProgram};
use crate::passes::Program;

/// Schedules a kernel. Builds with debug assertions verify the result.
#[must_use]
pub fn run(mut program: Program) -> LoopProgram {
    operands::run(&mut program);
    let mut forest = tree::build(&mut program);
    contract::drop_permissions(&mut program);
    narrow::run(&mut program, &mut forest);
    for root in &mut forest {
        lanes::choose(&program, root);
    }
    let loops = lower::run(program, forest);
    if cfg!(debug_assertions)
        && let Err(e) = loops::verify(&loops)
    {
        unreachable!("{}, scheduled: {e}", loops.program.kernel.name);
    }
    loops
}
