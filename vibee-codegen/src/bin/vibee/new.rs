//! `vibee new`: a starter spec.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use vibee_codegen::starter;

use crate::ui::{Outcome, Ui};

/// Write a starter spec that passes its own tests.
///
/// Nothing is overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee new shares                  specs/shares.vibee, a kernel with cases and a law
  vibee new nn/dense --kind layer   specs/nn/dense.vibee
  vibee new shares --dir kernels    kernels/shares.vibee")]
pub struct Args {
    /// Name of the spec and its kernel, perhaps with folders: nn/rms_norm.
    name: String,
    /// What the starter shows.
    #[arg(long, value_enum, default_value_t = Kind::Kernel)]
    kind: Kind,
    /// Folder of specs.
    #[arg(long, default_value = "specs", value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Kernel,
    Types,
    Layer,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let kind = match args.kind {
        Kind::Kernel => starter::Kind::Kernel,
        Kind::Types => starter::Kind::Types,
        Kind::Layer => starter::Kind::Layer,
    };
    let (path, text) = starter::spec(&args.name, kind, &args.dir)?;
    let shown = path.display().to_string();
    let folder = path.parent().unwrap_or(&args.dir);
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = match file {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{shown} exists; nothing was written")
        }
        other => other.with_context(|| format!("cannot write {shown}"))?,
    };
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(|| format!("cannot write {shown}"))?;
    ui.note(&format!("wrote {shown}\n\nNext:"));
    let dir = args.dir.display().to_string();
    let of = |command: &str| if dir == "specs" { command.to_owned() } else { format!("{command} {dir}") };
    for (command, does) in [
        (format!("$EDITOR {shown}"), "say what you want"),
        (of("vibee check"), "mistakes, and what could be better"),
        (of("vibee test"), "cases, laws, compiled code against the interpreter"),
        (format!("{} --out src/kernels", of("vibee gen")), "Rust; docs/guide.md tells how to use it"),
    ] {
        ui.note(&format!("  {command:<36}{does}"));
    }
    Ok(Outcome::Clean)
}
