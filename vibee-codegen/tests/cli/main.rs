//! The `vibee` command as users meet it: transcripts, exit codes, files on disk.

mod eval;
mod external;
mod fmt;
mod formats;
mod generate;
mod harness;
mod layers;
mod look;
mod mutants;
mod support;
