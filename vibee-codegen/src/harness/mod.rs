//! Compiled kernels under test: builds what the compiler emits and calls it with any values.
//!
//! | step | file |
//! |---|---|
//! | a program that calls every kernel | [`driver`] |
//! | the package around it, built by cargo | [`package`] |
//! | calls and answers as bytes | [`wire`] |
//! | the running program | [`process`] |
//!
//! The program is a process of its own: whatever a kernel does (panics, hangs, crashes) is a result
//! of one call, never the end of the run. The harness knows arguments and shapes, not what is right.

pub mod driver;
pub mod package;
pub mod process;
pub mod wire;

pub use package::{Build, Target};
pub use process::{Driver, Reply};
pub use wire::{Call, Layout};
