//! `vibee runtime`: the sources of the crate that generated code stands on.

use std::borrow::Cow;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use vibee_codegen::{files, harness};

use crate::ui::{Outcome, Ui, count};

/// Write the sources of igla-runtime, the one dependency of generated code.
///
/// They are those that this command was built with, so that generated code and runtime fit.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee runtime vendor/igla-runtime

and in Cargo.toml:

  [dependencies]
  igla-runtime = { path = \"vendor/igla-runtime\" }")]
pub struct Args {
    /// Where the crate goes: a new folder, or one that this command made.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    let shown = args.folder.display();
    let manifest = args.folder.join("Cargo.toml");
    let is_ours =
        || std::fs::read_to_string(&manifest).is_ok_and(|text| text.contains("name = \"igla-runtime\""));
    let is_empty = || std::fs::read_dir(&args.folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty() && !is_ours() {
        bail!("{shown} is not empty and holds something else; nothing was written");
    }
    let mut written = 0;
    for (path, text) in harness::package::runtime_crate() {
        let text = if path == "Cargo.toml" { with_features(text) } else { text.into() };
        let path = args.folder.join(path);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        let folder = path.parent().unwrap_or(&args.folder);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        files::write(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
        written += 1;
    }
    ui.note(&format!("{} written in {shown}", count(written, "file")));
    Ok(Outcome::Clean)
}

/// The manifest of kernels alone, with what declared types and mapped weights need.
fn with_features(manifest: &str) -> Cow<'_, str> {
    let (memmap2, serde) = (env!("VIBEE_MEMMAP2"), env!("VIBEE_SERDE"));
    let features =
        format!("{memmap2}\n{serde}\n\n[features]\nmap = [\"dep:memmap2\"]\nserde = [\"dep:serde\"]");
    manifest.replace("\n[features]\nmap = []\nserde = []", &features).into()
}
