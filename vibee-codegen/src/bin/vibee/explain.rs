//! `vibee explain`: what a diagnostic code means.

use anyhow::{Result, bail};
use vibee_spec::codes;

use crate::ui::{Outcome, Ui, print};

/// Explain a diagnostic code with an example and its fix; without a code, list all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee explain V0102
  vibee explain            list all codes")]
pub struct Args {
    /// A code such as V0102.
    code: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let bold = |text: &str| if ui.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
    let Some(wanted) = &args.code else {
        let mut all: Vec<_> = codes::all().collect();
        all.sort_by_key(|c| c.code);
        for c in all {
            print(&format!("{}  {}\n", bold(c.code), c.title));
        }
        return Ok(Outcome::Clean);
    };
    let Some(c) = codes::find(wanted) else {
        bail!("there is no code {wanted}; `vibee explain` lists all");
    };
    print(&format!("{}\n\n{}\n", bold(&format!("{}: {}", c.code, c.title)), c.explanation));
    for (head, text) in [("Example", c.example), ("Fixed", c.fix)] {
        if !text.is_empty() {
            print(&format!("\n{}:\n\n{}", bold(head), indented(text)));
        }
    }
    Ok(Outcome::Clean)
}

fn indented(text: &str) -> String {
    let line = |l: &str| if l.is_empty() { "\n".to_owned() } else { format!("    {l}\n") };
    text.trim_matches('\n').lines().map(line).collect()
}
