//! Koschei, the loop in which vibee and iGLA improve themselves. Today it holds the technology tree (what needs
//! what, what has been shown, and what can be started now) and the measuring of kernels and layers.
//!
//! Depends on the compiler and on generated code, never the other way round. Heavy commands of `vibee` live here
//! as binaries of their own (`vibee-NAME`), which `vibee NAME` runs.

#![forbid(unsafe_code)]

pub mod bench;
pub mod gather;
pub mod show;
pub mod terminal;
pub mod tree;
