//! The `vibee` command: specs in, Rust and test results out.
//!
//! Each command is one file and only parses, calls the library and prints. Data goes to stdout,
//! diagnostics to stderr; exit codes are 0 (clean), 1 (findings) and 2 (cannot be done).

mod check;
mod completions;
mod diff;
mod eval;
mod explain;
mod external;
mod fmt;
mod generate;
mod modules;
mod new;
mod one;
mod run;
mod runtime;
mod show;
mod test;
mod ui;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use ui::{Outcome, Ui};
use vibee_codegen::config::Config;

/// Trees of specs are many small pieces: the system's allocator takes a quarter of the time of `check`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compiler from .vibee specs to readable, fast Rust.
#[derive(Debug, Parser)]
#[command(
    name = "vibee",
    version,
    after_help = "Examples:
  vibee new shares                    a starter, specs/shares.vibee
  vibee check specs/                  find mistakes
  vibee gen specs/                    write generated/src
  vibee fmt specs/                    the one formatting
  vibee test specs/                   cases, laws, compiled code against the interpreter
  vibee show rust rmsnorm --spec specs/nn/rmsnorm.vibee
  vibee explain V0201                 what a diagnostic means
  vibee tree specs/                   what needs what, and what can be started
  vibee bench specs/nn/softmax.vibee  how fast kernels and layers are, and could be

Any other command NAME runs the program vibee-NAME, as far as there is one; vibee tree and vibee bench are such.

Exit codes: 0 clean, 1 findings, 2 usage, configuration or input/output."
)]
struct Cli {
    #[command(flatten)]
    ui: ui::Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Gen(generate::Args),
    Check(check::Args),
    Fmt(fmt::Args),
    New(new::Args),
    Diff(diff::Args),
    Runtime(runtime::Args),
    Show(show::Args),
    Eval(eval::Args),
    Run(run::Args),
    Test(test::Args),
    Modules(modules::Args),
    Explain(explain::Args),
    Completions(completions::Args),
    #[command(external_subcommand)]
    External(Vec<OsString>),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match Config::here() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    let ui = match Ui::new(&cli.ui, config.lints) {
        Ok(ui) => ui,
        Err(unknown) => {
            eprintln!("error: there is no lint `{}`; `vibee explain` lists all codes", unknown.0);
            return ExitCode::from(2);
        }
    };
    let failed = |error: anyhow::Error| {
        ui.error(&format!("{error:#}"));
        ExitCode::from(2)
    };
    let outcome = match cli.command {
        Command::Gen(args) => generate::run(&args, &ui),
        Command::Check(args) => check::run(&args, &ui),
        Command::Fmt(args) => fmt::run(&args, &ui),
        Command::New(args) => new::run(&args, &ui),
        Command::Diff(args) => diff::run(&args, &ui),
        Command::Runtime(args) => runtime::run(&args, &ui),
        Command::Show(args) => show::run(&args, &ui),
        Command::Eval(args) => eval::run(&args, &ui),
        Command::Run(args) => run::run(&args, &ui),
        Command::Test(args) => test::run(&args, &ui),
        Command::Modules(args) => modules::run(&args, &ui),
        Command::Explain(args) => explain::run(&args, &ui),
        Command::Completions(args) => completions::run(&args),
        Command::External(words) => return external::run(&words, &ui).unwrap_or_else(failed),
    };
    ui.finish();
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => failed(error),
    }
}
