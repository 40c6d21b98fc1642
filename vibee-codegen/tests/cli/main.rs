//! The `vibee` command as users meet it: transcripts, exit codes, files on disk.

mod accidents;
mod documented;
mod eval;
mod external;
mod fmt;
mod formats;
mod generate;
mod guide;
mod harness;
mod incremental;
mod layers;
mod look;
mod mutants;
mod settings;
mod starters;
mod support;
mod transcripts;
mod watch;
