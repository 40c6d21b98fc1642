//! `igla completions`: completions for a shell.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Cli, Outcome};

/// Print completions for a shell.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  igla completions bash > ~/.local/share/bash-completion/completions/igla")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "igla", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Outcome::Done)
}
