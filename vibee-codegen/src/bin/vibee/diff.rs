//! `vibee diff`: what a change of specs means for those who use them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use vibee_codegen::compile;
use vibee_codegen::project::{Checked, Project};
use vibee_spec::compare::{Change, Effect, Spec, compare};

use crate::ui::{Outcome, Ui, count, print};

/// Compare two versions of specs by meaning: what breaks users, weights and results.
///
/// Types, traits, kernels, layers and models are compared, not text: neither the look nor names
/// inside kernels matter. Exits with 1 if anything breaks users or files of weights.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  vibee diff old.vibee new.vibee
  vibee diff ../released/specs specs
  vibee diff --git v1.0.0               specs/ as it is against a revision
  vibee diff --git HEAD~1 specs/nn --message-format json")]
pub struct Args {
    /// Two specs or two folders of specs; with --git what is to be compared [default: specs].
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Take the old version from this revision.
    #[arg(long, value_name = "REV")]
    git: Option<String>,
}

/// A change in a spec.
struct Found {
    spec: String,
    change: Change,
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<Outcome> {
    compile::on_pool(None, || match &args.git {
        Some(rev) => revision(rev, args, ui),
        None => match args.paths.as_slice() {
            [old, new] => between(old, new, ui),
            _ => bail!("give two specs or two folders: vibee diff OLD NEW"),
        },
    })?
}

fn between(old: &Path, new: &Path, ui: &Ui) -> Result<Outcome> {
    if old.is_dir() != new.is_dir() {
        bail!("compare a spec with a spec, or a folder with a folder");
    }
    let Some((old_project, old_checked)) = ui.checked(&[old.to_path_buf()])? else {
        return Ok(Outcome::Findings);
    };
    let Some((new_project, new_checked)) = ui.checked(&[new.to_path_buf()])? else {
        return Ok(Outcome::Findings);
    };
    let mut found = Vec::new();
    if new.is_dir() {
        let (before, after) = (by_module(&old_project, &old_checked), by_module(&new_project, &new_checked));
        let all: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for module in all {
            pair(
                &format!("{module}.vibee"),
                before.get(module).copied(),
                after.get(module).copied(),
                &mut found,
            );
        }
    } else {
        let (before, after) = (by_module(&old_project, &old_checked), by_module(&new_project, &new_checked));
        let shown = new.to_string_lossy().replace('\\', "/");
        pair(&shown, before.values().next().copied(), after.values().next().copied(), &mut found);
    }
    Ok(report(&found, ui))
}

fn by_module<'a>(project: &'a Project, checked: &'a [Checked]) -> BTreeMap<&'a str, Spec<'a>> {
    let spec = |c: &'a Checked| {
        let spec = &project.specs[c.spec];
        (spec.module.as_str(), Spec { file: &spec.file, module: &c.module })
    };
    checked.iter().map(spec).collect()
}

/// Compares a spec with what it became; what is missing is empty.
fn pair(shown: &str, old: Option<Spec<'_>>, new: Option<Spec<'_>>, found: &mut Vec<Found>) {
    let (file, module) = Default::default();
    let nothing = Spec { file: &file, module: &module };
    let changes = compare(old.unwrap_or(nothing), new.unwrap_or(nothing));
    // A new spec has new traits, which nobody implements yet.
    let settle = |mut change: Change| {
        if old.is_none() {
            change.effect = Effect::Compatible;
            change.what = "is new".to_owned();
        }
        change
    };
    found.extend(changes.into_iter().map(|c| Found { spec: shown.to_owned(), change: settle(c) }));
}

fn report(found: &[Found], ui: &Ui) -> Outcome {
    let mut last = "";
    for Found { spec, change } in found {
        if ui.is_for_programs() {
            let object = serde_json::json!({
                "spec": spec,
                "effect": change.effect.word(),
                "kind": change.kind,
                "name": change.name,
                "what": change.what,
            });
            print(&format!("{object}\n"));
            continue;
        }
        if spec != last {
            print(&format!("{}{spec}\n", if last.is_empty() { "" } else { "\n" }));
            last = spec;
        }
        print(&format!("  {:<11} {} {}: {}\n", change.effect.word(), change.kind, change.name, change.what));
    }
    let with = |effect: Effect| found.iter().filter(|f| f.change.effect == effect).count();
    ui.note(&format!(
        "{}: {} break users, {} break weights, {} change results, {} compatible",
        count(found.len(), "change"),
        with(Effect::Breaks),
        with(Effect::Weights),
        with(Effect::Results),
        with(Effect::Compatible)
    ));
    let is_bad = with(Effect::Breaks) + with(Effect::Weights) > 0;
    if is_bad { Outcome::Findings } else { Outcome::Clean }
}

/// Compares the files of now with those of a revision.
fn revision(rev: &str, args: &Args, ui: &Ui) -> Result<Outcome> {
    let path = match args.paths.as_slice() {
        [] => Path::new("specs"),
        [path] => path.as_path(),
        _ => bail!("with --git give one spec or folder"),
    };
    if rev.starts_with('-') {
        bail!("`{rev}` is no revision");
    }
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let git = |args: &[&str]| -> Result<Vec<u8>> {
        let output =
            Command::new("git").arg("-C").arg(folder).args(args).output().context("cannot run git")?;
        if !output.status.success() {
            bail!("git: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(output.stdout)
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let root = PathBuf::from(text(git(&["rev-parse", "--show-toplevel"])?).trim_end());
    // Imports may lead anywhere in the repository, so all of its specs come along.
    let scratch = tempfile::tempdir().context("cannot make a scratch folder")?;
    for name in git(&["ls-tree", "-r", "-z", "--full-tree", "--name-only", rev])?.split(|b| *b == 0) {
        let name = String::from_utf8_lossy(name).into_owned();
        let is_inside = !Path::new(&name).components().any(|c| matches!(c, std::path::Component::ParentDir));
        if !name.ends_with(".vibee") || !is_inside {
            continue;
        }
        let target = scratch.path().join(&name);
        std::fs::create_dir_all(target.parent().unwrap_or(scratch.path()))?;
        std::fs::write(&target, git(&["show", &format!("{rev}:{name}")])?)?;
    }
    let here = std::fs::canonicalize(path).with_context(|| format!("cannot read {}", path.display()))?;
    let below =
        here.strip_prefix(std::fs::canonicalize(&root)?).context("the path is outside the repository")?;
    let old = scratch.path().join(below);
    if !old.exists() {
        bail!("{} does not exist in {rev}", below.display());
    }
    between(&old, path, ui)
}
