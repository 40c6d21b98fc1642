//! Compiled kernels and layers under test: builds what the compiler emits and calls it with any values.
//!
//! | step | file |
//! |---|---|
//! | a program that calls every kernel and layer | [`driver`] |
//! | the package around it, built by cargo | [`package`] |
//! | calls and answers as bytes | [`wire`] |
//! | the running program | [`process`] |
//!
//! The program is a process of its own: whatever compiled code does (panics, hangs, crashes) is a result
//! of one call, never the end of the run. The harness knows arguments and shapes, not what is right.

pub mod driver;
pub mod package;
pub mod process;
pub mod wire;

pub use package::{Build, LayerTarget, Target};
pub use process::{Driver, NotLoaded, Reply, Turns};
pub use wire::{Call, LayerCall, Layout, Word};
