//! The vibee compiler: checked terms in, Rust source out.
//!
//! `passes` (term → term) → `schedule` (term → loops) → `emit` (loops → Rust).
//! This crate never depends on the code it generates.

pub mod account;
pub mod blocks;
pub mod compile;
pub mod config;
pub mod emit;
pub mod files;
pub mod generate;
pub mod harness;
pub mod loops;
pub mod passes;
pub mod project;
pub mod results;
pub mod schedule;
pub mod starter;
pub mod trial;
pub mod values;
