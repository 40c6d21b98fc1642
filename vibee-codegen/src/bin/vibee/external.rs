//! Commands that are programs of their own: `vibee NAME` runs `vibee-NAME`, as cargo and git do.
//!
//! Heavy commands live outside the compiler, which must not depend on them. This file knows none by name. A
//! program is looked for beside this one and on PATH. If this one was built in a cargo workspace and a member has
//! the program, cargo runs it: it may have changed since it was last built.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::CommandFactory;

use crate::ui::{Color, Ui};

/// Runs a program with the rest of the command line. Its exit code is ours.
///
/// # Errors
/// When there is no such program, or it cannot be started.
pub fn run(words: &[OsString], ui: &Ui) -> Result<ExitCode> {
    let [name, args @ ..] = words else { bail!("no command is given") };
    let Some(text) = name.to_str().filter(|n| is_name(n)) else {
        bail!("`{}` is no name of a command", name.to_string_lossy())
    };
    let mut command = find(&format!("vibee-{text}")).with_context(|| unknown(text))?;
    command.args(args);
    match ui.wanted_color {
        Color::Auto => &mut command,
        Color::Always => command.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR"),
        Color::Never => command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE"),
    };
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot run {shown}"))?;
    // A program ended by a signal has no code.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::from(2), ExitCode::from))
}

/// A name never leads out of the folders that are searched.
fn is_name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && !text.starts_with('-') && text.chars().all(inside)
}

/// The program, ready to be given arguments.
fn find(program: &str) -> Option<Command> {
    let exe = std::env::current_exe().ok();
    let folder = exe.as_deref().and_then(Path::parent);
    if let Some(manifest) = folder.and_then(workspace).filter(|m| has_program(m, program)) {
        let mut cargo = cargo();
        cargo.args(["run", "--quiet", "--manifest-path"]).arg(manifest).args(["--bin", program, "--"]);
        return Some(cargo);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside = folder.map(Path::to_path_buf).into_iter();
    // An empty entry of PATH means the current folder, where nobody expects programs.
    let folders = beside.chain(std::env::split_paths(&path)).filter(|f| f.is_absolute());
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    folders.map(|f| f.join(&file)).find(|f| is_program(f)).map(Command::new)
}

/// The manifest of the workspace that this program was built in: cargo puts it into `target/PROFILE`.
fn workspace(folder: &Path) -> Option<PathBuf> {
    let target = folder.parent().filter(|t| t.file_name() == Some(OsStr::new("target")))?;
    let manifest = target.parent()?.join("Cargo.toml");
    manifest.is_file().then_some(manifest)
}

/// Whether a member of the workspace has a program of this name.
fn has_program(manifest: &Path, program: &str) -> bool {
    let mut cargo = cargo();
    cargo
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(manifest);
    let Ok(output) = cargo.stderr(Stdio::null()).output() else { return false };
    let Ok(found) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else { return false };
    let packages = found["packages"].as_array().into_iter().flatten();
    let mut targets = packages.flat_map(|p| p["targets"].as_array().into_iter().flatten());
    targets.any(|t| t["name"] == program && t["kind"][0] == "bin")
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// What to say when there is no such command. More than a third of the letters wrong is no slip.
fn unknown(name: &str) -> String {
    let cli = crate::Cli::command();
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let mut text =
        format!("there is no command `{name}`, and no program `vibee-{name}` beside vibee or on PATH");
    let rated = known
        .iter()
        .map(|k| (strsim::osa_distance(name, k), k))
        .filter(|(d, _)| *d <= (name.len() / 3).max(1));
    match rated.min() {
        Some((_, near)) => text += &format!("; did you mean `{near}`?"),
        None => text += "; `vibee --help` lists commands",
    }
    text
}
