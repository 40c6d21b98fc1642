//! What the programs of this crate say to people: findings of specs, errors, and pages of data.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use vibee_codegen::project::{Checked, Project};
use vibee_spec::diag::Severity;
use vibee_spec::render::Renderer;

/// Whether output is coloured that is not asked to be or not to be: on a terminal without `NO_COLOR`.
#[must_use]
pub fn coloured(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let plain = set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0" && !v.is_empty());
    !plain && (terminal || forced)
}

/// Whether standard error is coloured then.
#[must_use]
pub fn errors_coloured() -> bool {
    coloured(std::io::stderr().is_terminal())
}

/// An error on standard error.
pub fn complain(message: &str, colour: bool) {
    let head = if colour { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
    eprintln!("{head}: {message}");
}

/// Shows the errors of checked specs on standard error; how many there are.
pub fn show_errors(project: &Project, checked: &[Checked], colour: bool) -> usize {
    let mut errors = 0;
    for c in checked {
        let renderer = Renderer::new(&project.specs[c.spec].source);
        for finding in c.diags.list.iter().filter(|d| d.severity == Severity::Error) {
            eprintln!("{}\n", renderer.text(finding, colour));
            errors += 1;
        }
    }
    errors
}

/// Writes a page to standard output. Nobody reading any more (`vibee tree | head`) is no error.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn print(page: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(page.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(e).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
