//! `vibee gen` without its command line: specs → a tree of Rust files → the files on disk.
//!
//! | step | file |
//! |---|---|
//! | modules → files with their parents and `lib.rs` | [`tree`] |
//! | who made which file, and is it still as made | [`manifest`] |
//! | what has to change on disk, and changing it | [`plan`] |
//! | the change as a unified diff | [`diff`] |
//!
//! Nothing is written before everything is known to be right: conflicts are found by [`plan`],
//! errors in specs earlier. Must not know what Rust says beyond module declarations.

pub mod diff;
pub mod manifest;
pub mod plan;
pub mod tree;
