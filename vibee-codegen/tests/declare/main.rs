//! Declarations as Rust: goldens of every form, and crates of them that rustc accepts.

mod builds;
mod forms;
mod hostile;
mod imports;
mod suites;
mod support;
