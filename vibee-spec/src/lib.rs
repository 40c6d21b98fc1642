//! The vibee language: text → [`ast`] → [`check`] → [`term`] → [`interp`].
//!
//! This crate knows no Rust output, no loops and no instruction sets.

pub mod ast;
pub mod check;
pub mod codes;
pub mod compare;
pub mod declare;
pub mod diag;
pub mod fmt;
mod grammar;
pub mod interp;
pub mod limits;
pub mod lint;
pub mod parse;
pub mod render;
mod scan;
pub mod span;
pub mod term;
