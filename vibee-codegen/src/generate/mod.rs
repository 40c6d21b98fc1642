//! `vibee gen` without its command line: specs → a tree of Rust files → the files on disk.
//!
//! | step | file |
//! |---|---|
//! | the whole of it | [`run`] |
//! | one at a time | [`lock`] |
//! | what the last run knew | [`cache`] |
//! | what has changed since | [`compare`] |
//! | modules → files with their parents and `lib.rs` | [`tree`] |
//! | who made which file, and is it still as made | [`manifest`] |
//! | what has to change on disk | [`plan`]; if specs were edited and nothing else, `patch` |
//! | changing it | [`write`] |
//! | what the next run will know | `remember` |
//! | a change as a unified diff | [`diff`] |
//! | where the time went | [`timings`] |
//!
//! Nothing is written before everything is known to be right: conflicts are found by [`plan`],
//! errors in specs earlier. The cache only saves work: a run with it writes what a run without it
//! writes. Must not know what Rust says beyond module declarations.

pub mod cache;
pub mod compare;
pub mod diff;
pub mod lock;
pub mod manifest;
mod patch;
pub mod plan;
mod remember;
pub mod run;
pub mod timings;
pub mod tree;
pub mod write;
