//! The pest grammar of executable lines. Only [`crate::parse`] uses it; nobody else sees pest.

/// Parses one logical line, never a whole file.
#[derive(pest_derive::Parser)]
#[grammar = "grammar.pest"]
pub(crate) struct Grammar;
