//! The vibee language: text → [`ast`] → [`check`] → [`term`] → [`interp`].
//!
//! This crate knows no Rust output, no loops and no instruction sets.

pub mod ast;
pub mod codes;
pub mod diag;
pub mod limits;
pub mod span;
pub mod term;
