//! `vibee tree`: what needs what, what has been shown, what can be started.
//!
//! Parses flags, reads specs and results, prints. Data goes to standard output, findings to standard error; exit
//! codes are those of `vibee`: 0 clean, 1 findings, 2 cannot be done.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::{Parser, ValueEnum};
use koschei::gather::{self, Gathered};
use koschei::show::{View, json, svg, text};
use koschei::terminal;
use koschei::tree::{Problem, ProblemKind, Tree};
use vibee_codegen::compile;
use vibee_codegen::project::{Project, Unreadable};
use vibee_codegen::results::Results;

/// Show the technology tree: what needs what, what was tested, what can be started now.
///
/// A module is a spec. It requires the modules that its section `requires:` lists and those that it imports; its
/// section `effort:` says how long it takes (1 if left out). It is done if everything in it that can run has
/// passed, by the results that `vibee test --record` has kept of its present text.
#[derive(Debug, Parser)]
#[command(
    name = "vibee tree",
    bin_name = "vibee tree",
    version,
    after_help = "Examples:
  vibee tree
  vibee tree specs/llm --results specs/results.json
  vibee tree --format svg --out tree.svg

Exit codes: 0 a tree, 1 findings (a cycle, a missing requirement, a spec with errors), 2 usage or input/output."
)]
struct Args {
    /// Specs, or folders of specs.
    #[arg(default_value = "specs", value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Recorded results; without any, nothing counts as tested [default: results.json beside the specs].
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// For terminals, pages or programs.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// Write here instead of printing.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Signs that the tree is drawn with: auto means Unicode unless the locale says otherwise.
    #[arg(long, value_enum, default_value_t = Charset::Auto, value_name = "CHARSET")]
    charset: Charset,
    /// Colour the output: auto means on a terminal without NO_COLOR.
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Print errors only.
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Svg,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Charset {
    Auto,
    Utf8,
    Ascii,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            complain(&args, &format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Whether there is nothing to complain about.
fn run(args: &Args) -> Result<bool> {
    let cannot_read = |e: Unreadable| anyhow!(e.why).context(format!("cannot read {}", e.path.display()));
    let project = Project::load(&args.paths).map_err(cannot_read)?;
    let checked = compile::check_all(&project, &|| ());
    let mut errors =
        terminal::show_errors(&project, &checked, coloured(args, std::io::stderr().is_terminal()));
    let file = args.results.clone().unwrap_or_else(|| beside(&args.paths));
    if args.results.is_some() && !file.is_file() {
        return Err(anyhow!("cannot read {}: there is no such file", file.display()));
    }
    let results = Results::read(&file)?;
    let gathered = gather::gather(&project, &checked, Some((&file, &results)));
    for bad in &gathered.unreadable {
        complain(args, &format!("{}\n --> {}:{}", bad.message, bad.path.display(), bad.line));
        errors += 1;
    }
    let tree = match Tree::new(&gathered.modules) {
        Ok(tree) => tree,
        Err(no_tree) => {
            for problem in &no_tree.problems {
                complain(args, &explained(problem, &gathered));
            }
            if args.format == Format::Json {
                deliver(args, &format!("{:#}\n", json::problems(&no_tree.problems)))?;
            }
            return Ok(false);
        }
    };
    let names = gathered.modules.iter().map(|m| m.name.as_str());
    let reasons: BTreeMap<&str, &str> =
        names.zip(gathered.places.iter().map(|p| p.reasons.as_str())).collect();
    let view = View::new(&tree, reasons);
    let page = match args.format {
        Format::Text => {
            let colour = args.out.is_none() && coloured(args, std::io::stdout().is_terminal());
            text::text(&view, text::Style { colour, ascii: ascii(args.charset) })
        }
        Format::Svg => svg::svg(&view),
        Format::Json => format!("{:#}\n", json::json(&view)),
    };
    deliver(args, &page)?;
    Ok(errors == 0)
}

/// `results.json` in the first folder of specs that was asked for.
fn beside(paths: &[PathBuf]) -> PathBuf {
    let folder = match paths.first() {
        Some(path) if path.is_dir() => path.as_path(),
        Some(path) => path.parent().unwrap_or(Path::new("")),
        None => Path::new(""),
    };
    folder.join("results.json")
}

/// A problem in words, with the lines that cause it and what to do.
fn explained(problem: &Problem, gathered: &Gathered) -> String {
    let path = &problem.path;
    let mut out = match problem.kind {
        ProblemKind::Duplicate => format!("more than one module is called `{}`", path[0]),
        ProblemKind::Effort => format!("the effort of `{}` is negative or no number", path[0]),
        ProblemKind::Missing => {
            format!("`{}` requires `{}`, which is no module", path[0], path[path.len() - 1])
        }
        ProblemKind::Cycle => format!("modules require each other: {}", path.join(" → ")),
    };
    for (path, line) in gathered.places_of(problem) {
        out += &format!("\n --> {}:{line}", path.display());
    }
    match (&problem.suggestion, problem.kind) {
        (Some(name), _) => out += &format!("\n  = help: did you mean `{name}`?"),
        (None, ProblemKind::Cycle) => out += "\n  = help: one of these lines has to go",
        (None, ProblemKind::Duplicate) => out += "\n  = help: give each its own `name:`",
        (None, ProblemKind::Missing) => {
            out += "\n  = help: add a spec of that name, or its folder to the command"
        }
        (None, ProblemKind::Effort) => out += "\n  = help: write a number of at least 0",
    }
    out
}

/// An error on standard error.
fn complain(args: &Args, message: &str) {
    terminal::complain(message, coloured(args, std::io::stderr().is_terminal()));
}

/// Writes the page where it belongs.
fn deliver(args: &Args, page: &str) -> Result<()> {
    if let Some(out) = &args.out {
        std::fs::write(out, page).with_context(|| format!("cannot write {}", out.display()))?;
        if !args.quiet {
            eprintln!("wrote {}", out.display());
        }
        return Ok(());
    }
    terminal::print(page)
}

fn coloured(args: &Args, terminal: bool) -> bool {
    match args.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal::coloured(terminal),
    }
}

/// The first locale variable that is set decides, as for the C library; none means Unicode.
fn ascii(charset: Charset) -> bool {
    match charset {
        Charset::Utf8 => false,
        Charset::Ascii => true,
        Charset::Auto => {
            let set = ["LC_ALL", "LC_CTYPE", "LANG"]
                .iter()
                .filter_map(|v| std::env::var(v).ok())
                .find(|v| !v.is_empty());
            set.is_some_and(|locale| {
                let locale = locale.to_ascii_lowercase();
                !locale.contains("utf-8") && !locale.contains("utf8")
            })
        }
    }
}
