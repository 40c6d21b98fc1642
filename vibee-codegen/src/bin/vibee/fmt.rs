//! `vibee fmt`: the one formatting of specs.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use vibee_codegen::project::find::{Found, find};
use vibee_codegen::project::stamp;
use vibee_codegen::{compile, files};
use vibee_spec::diag::{Diagnostic, Diags};
use vibee_spec::span::Source;
use vibee_spec::{fmt, parse};

use crate::ui::{Outcome, Ui, count, print};

/// Format specs: indentation, blanks, blank lines. Text of values and comments stays as it is.
///
/// A file with errors is left alone and its errors are shown. `-` reads standard input and writes
/// the formatted text to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee fmt                    everything below specs/
  vibee fmt specs/ --check     fail with a diff if something is not formatted (for CI)
  vibee fmt - < my.vibee       to standard output, for editors")]
pub struct Args {
    /// Specs, folders of specs, or - for standard input.
    #[arg(default_value = "specs", value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Write nothing; show what would change and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
    /// Threads [default: all cores].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// What became of a file.
struct Formatted {
    /// The path as people gave it.
    shown: String,
    /// Its bytes as text.
    source: Source,
    /// The bytes are the text (no byte order mark was dropped).
    is_whole: bool,
    /// Or why it is left alone.
    formatted: Result<String, Diags>,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        if args.paths.len() > 1 {
            bail!("- stands alone: standard input is one spec");
        }
        return stdin(args, ui);
    }
    compile::on_pool(args.jobs, || all(args, ui))?
}

fn all(args: &Args, ui: &Ui) -> Result<Outcome> {
    let found = find(&args.paths)
        .map_err(|e| anyhow::Error::new(e.why).context(format!("cannot read {}", e.path.display())))?;
    let bar = ui.progress(found.len() as u64, "formatting");
    let read = |found: &Found| {
        let done = read(&found.path);
        bar.inc(1);
        done
    };
    let done: Vec<Result<Formatted>> = found.par_iter().map(read).collect();
    bar.finish_and_clear();
    let (mut changed, mut unchanged, mut broken) = (Vec::new(), 0, 0);
    for (file, Found { path, .. }) in done.into_iter().zip(&found) {
        let file = file?;
        match &file.formatted {
            Err(diags) => {
                ui.findings(&file.source, diags);
                broken += 1;
            }
            Ok(text) if *text == file.source.text && file.is_whole => unchanged += 1,
            Ok(text) => {
                if args.check {
                    if !ui.is_for_programs() {
                        print(&files::diff(&file.source.text, text, &file.shown));
                    }
                    ui.findings(&file.source, &Diags { list: vec![unformatted(&file.source, text)] });
                } else {
                    files::replace(path, text.as_bytes())
                        .with_context(|| format!("cannot write {}", path.display()))?;
                }
                changed.push(file.shown);
            }
        }
    }
    if broken > 0 {
        let were = if broken == 1 { "was" } else { "were" };
        ui.error(&format!("{} with errors {were} left alone", count(broken, "spec")));
    }
    if args.check {
        if changed.is_empty() {
            ui.note(&format!("{} formatted", count(unchanged, "spec")));
        } else {
            let paths: Vec<String> = args.paths.iter().map(|p| p.display().to_string()).collect();
            let what = count(changed.len(), "spec");
            ui.error(&format!("{what} not formatted; run `vibee fmt {}`", paths.join(" ")));
        }
    } else {
        ui.note(&format!("{} formatted, {unchanged} unchanged", changed.len()));
    }
    let clean = broken == 0 && (changed.is_empty() || !args.check);
    Ok(if clean { Outcome::Clean } else { Outcome::Findings })
}

/// Reads and formats one file.
fn read(path: &Path) -> Result<Formatted> {
    let (bytes, _) = stamp::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(format(&path.to_string_lossy().replace('\\', "/"), &bytes))
}

fn format(shown: &str, bytes: &[u8]) -> Formatted {
    let (source, formatted) = match parse::decode(shown, bytes) {
        Ok(source) => {
            let formatted = fmt::format(&source);
            (source, formatted)
        }
        Err(d) => (parse::lossy(shown, bytes), Err(Diags { list: vec![d] })),
    };
    let is_whole = source.text.len() == bytes.len();
    Formatted { shown: shown.to_owned(), source, is_whole, formatted }
}

fn stdin(args: &Args, ui: &Ui) -> Result<Outcome> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
    let file = format("<stdin>", &bytes);
    let text = match &file.formatted {
        Ok(text) => text,
        Err(diags) => {
            ui.findings(&file.source, diags);
            return Ok(Outcome::Findings);
        }
    };
    if !args.check {
        print(text);
        return Ok(Outcome::Clean);
    }
    if *text == file.source.text && file.is_whole {
        return Ok(Outcome::Clean);
    }
    if !ui.is_for_programs() {
        print(&files::diff(&file.source.text, text, "stdin"));
    }
    ui.findings(&file.source, &Diags { list: vec![unformatted(&file.source, text)] });
    ui.error("standard input is not formatted; `vibee fmt -` writes it formatted");
    Ok(Outcome::Findings)
}

/// The finding at the first line that would change.
fn unformatted(source: &Source, formatted: &str) -> Diagnostic {
    let same = |(a, b): &(&str, &str)| a == b;
    let lines = source.text.split_inclusive('\n').zip(formatted.split_inclusive('\n')).take_while(same);
    let start: usize = lines.map(|(a, _)| a.len()).sum();
    let line = source.text[start..].lines().next().unwrap_or("");
    let span = vibee_spec::span::Span::new(start, start + line.len());
    Diagnostic::error("V0801", span, "the spec is not formatted")
        .label("the first line that would change")
        .hint("run `vibee fmt` on it")
}
