//! The `igla` command: reads arguments and texts, calls the library, prints.
//!
//! One file a command; a command is an `Args` struct and a `run`. Nothing here computes.

mod completions;
mod embed;
mod input;
mod model;
mod search;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Language models on CPUs: sentence embeddings and semantic search.
#[derive(Parser)]
#[command(version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
The model is read from --model, else $IGLA_MODEL, else models/all-MiniLM-L6-v2;
scripts/fetch-minilm.sh fetches it.

With --weights int8, what is made of the weights when a model is loaded is kept in
--cache, else $IGLA_CACHE, else igla/ in $XDG_CACHE_HOME or ~/.cache, so that it loads
faster the next time; `off` keeps nothing. The folder may be removed at any time.

Exit status: 0 done, 1 nothing found, 2 wrong usage or unreadable input.";

#[derive(Subcommand)]
enum Command {
    Embed(embed::Args),
    Search(search::Args),
    Completions(completions::Args),
}

/// How a command ended that did not fail.
enum Outcome {
    /// As asked.
    Done,
    /// There was nothing to show.
    Nothing,
}

fn main() -> ExitCode {
    // clap prints usage errors itself and exits with 2.
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Embed(args) => embed::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Nothing) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to try if standard error is closed too.
            let _ = writeln!(std::io::stderr(), "igla: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whoever reads the output has seen enough (`igla embed … | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}
