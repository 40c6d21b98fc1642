//! `vibee completions`: scripts that complete the command in a shell.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::ui::{Outcome, print};

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee completions bash > ~/.local/share/bash-completion/completions/vibee
  vibee completions fish > ~/.config/fish/completions/vibee.fish")]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "vibee", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(Outcome::Clean)
}
