//! The `vibee` command as users meet it: transcripts, exit codes, files on disk.

mod documented;
mod eval;
mod external;
mod fmt;
mod formats;
mod generate;
mod guide;
mod harness;
mod layers;
mod look;
mod mutants;
mod starters;
mod support;
mod transcripts;
