//! Compiled kernels against the interpreter.
//!
//! Kernels are built in batches ([`build`]) and called at every level, with one and two threads,
//! on aligned and misaligned, dense and padded arrays; every value is judged within the bound
//! that the interpreter gives it ([`judge`]).

pub mod build;
pub mod compile;
mod glue;
pub mod judge;
mod run;
mod session;

pub use compile::{Refusal, Unit, unit};
pub use run::{Failure, Plan, Report, run};
pub use session::{Defect, Session};
