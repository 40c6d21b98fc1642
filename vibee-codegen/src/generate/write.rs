//! Changing files: each by a rename, all new contents on disk before the first rename.
//!
//! Order of [`apply`]: the manifest that is to be true goes beside the one that is (the journal),
//! then every new file goes beside its place, then all are renamed, stale ones removed, and the
//! journal renamed to the manifest. Until the renames begin, a failure changes nothing. A run that
//! is killed later leaves the journal, and the next one knows from it which files are its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::manifest;
use super::plan::{Change, Plan, manifest_path};
use crate::project::stamp::{Digest, Stamp};

/// Makes the changes, conflicts or not. Returns the stamps of new files, each taken right after the
/// rename: `None` for removed ones.
///
/// # Errors
/// The first file that cannot be written, and whether anything was changed.
pub fn apply(plan: &Plan) -> Result<Vec<Option<Stamp>>> {
    let at = manifest_path(&plan.out);
    let journal = at.with_file_name(manifest::JOURNAL);
    if plan.changes.is_empty() && plan.manifest.old == plan.manifest.new {
        if plan.journal.is_some() {
            sweep(&plan.out);
            remove(&journal)?;
        }
        return Ok(vec![]);
    }
    let made = folders(plan).context("nothing was changed")?;
    // Whatever earlier runs left half done stays known until this one is through.
    let intent = format!("{}{}", plan.manifest.new, plan.journal.as_deref().unwrap_or_default());
    if let Err(error) = replace(&journal, &intent).and_then(|()| stage(plan)) {
        if plan.journal.is_none() {
            let _ = fs::remove_file(&journal);
        }
        made.iter().for_each(|f| drop(fs::remove_dir(f)));
        return Err(error.context("nothing was changed"));
    }
    let done = AtomicUsize::new(0);
    let all: Result<Vec<Option<Stamp>>> = plan
        .changes
        .par_iter()
        .map(|change| {
            let stamp = settle(plan, change)?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(stamp)
        })
        .collect();
    all.and_then(|stamps| {
        let stale = plan.changes.iter().filter(|c| c.new.is_none());
        stale.for_each(|c| remove_empty_folders(&plan.out, &plan.out.join(&c.path)));
        if plan.journal.is_some() {
            sweep(&plan.out);
            replace(&journal, &plan.manifest.new)?;
        }
        fs::rename(&journal, &at).with_context(|| format!("cannot write {}", at.display()))?;
        Ok(stamps)
    })
    .with_context(|| {
        let (done, all) = (done.load(Ordering::Relaxed), plan.changes.len());
        format!("{done} of {all} files were changed; run `vibee gen` again to finish")
    })
}

/// Makes the folders of new files; those that were not there are returned, deepest first.
fn folders(plan: &Plan) -> Result<Vec<PathBuf>> {
    let new = plan.changes.iter().filter(|c| c.new.is_some());
    let mut wanted: BTreeSet<PathBuf> =
        new.filter_map(|c| plan.out.join(&c.path).parent().map(Path::to_path_buf)).collect();
    wanted.extend(manifest_path(&plan.out).parent().map(Path::to_path_buf));
    let mut made = Vec::new();
    for folder in wanted.iter().filter(|f| !f.as_os_str().is_empty()) {
        let missing = folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists());
        let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        if let Err(e) = fs::create_dir_all(folder) {
            made.iter().chain(&missing).for_each(|f: &PathBuf| drop(fs::remove_dir(f)));
            return Err(e).with_context(|| format!("cannot create {}", folder.display()));
        }
        made.splice(0..0, missing);
    }
    Ok(made)
}

/// Writes every new file beside its place. On failure none of them stays.
fn stage(plan: &Plan) -> Result<()> {
    let written = plan.changes.par_iter().try_for_each(|change| match &change.new {
        Some(text) => stage_one(&plan.out.join(&change.path), text),
        None => Ok(()),
    });
    written.inspect_err(|_| {
        for change in &plan.changes {
            let _ = fs::remove_file(beside(&plan.out.join(&change.path)));
        }
    })
}

fn stage_one(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let temporary = beside(path);
    let open = || fs::OpenOptions::new().write(true).create_new(true).open(&temporary);
    // What a killed run left there is in the way. It is never written through: it may be a link.
    let file = open().or_else(|_| fs::remove_file(&temporary).and_then(|()| open()));
    let mut file = file.with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    if let Ok(old) = fs::metadata(path) {
        anyhow::ensure!(old.is_file(), "cannot write {}: it is a folder", path.display());
        file.set_permissions(old.permissions()).with_context(failed)?;
    }
    Ok(())
}

fn settle(plan: &Plan, change: &Change) -> Result<Option<Stamp>> {
    let path = plan.out.join(&change.path);
    if change.new.is_some() {
        fs::rename(beside(&path), &path).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(fs::metadata(&path).ok().map(|m| Stamp::of(&m)));
    }
    remove(&path)?;
    Ok(None)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

const TEMPORARY: (&str, &str) = (".vibee-", ".tmp");

/// The temporary name of a file: always the same, so that what is left behind is found again, and
/// short, because names have a longest length.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let short = &Digest::of(name.as_bytes()).to_string()[..16];
    path.with_file_name(format!("{}{short}{}", TEMPORARY.0, TEMPORARY.1))
}

/// Removes temporary files that an interrupted run left in the output folder and beside the manifest.
fn sweep(out: &Path) {
    sweep_folder(out, true);
    if let Some(folder) = manifest_path(out).parent() {
        sweep_folder(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }, false);
    }
}

fn sweep_folder(folder: &Path, deep: bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && deep => sweep_folder(&entry.path(), true),
            Ok(_) if name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1) => {
                let _ = fs::remove_file(entry.path());
            }
            _ => {}
        }
    }
}

/// Removes the folders that a removed file leaves empty, up to the output folder.
fn remove_empty_folders(out: &Path, removed: &Path) {
    for folder in removed.ancestors().skip(1).take_while(|f| *f != out && f.starts_with(out)) {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

/// Writes one file outside of any plan so that readers see the old or the new contents, never a part.
///
/// # Errors
/// When the folder cannot be made or the file cannot be written.
pub fn replace(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY.0)
        .suffix(TEMPORARY.1)
        .tempfile_in(folder)
        .with_context(failed)?;
    file.write_all(contents.as_ref()).with_context(failed)?;
    #[cfg(unix)]
    {
        // Temporary files are private; sources are as readable as any other new file.
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::metadata(path).map(|m| m.permissions());
        let permissions = permissions.unwrap_or_else(|_| fs::Permissions::from_mode(0o644));
        file.as_file().set_permissions(permissions).with_context(failed)?;
    }
    file.persist(path).map_err(|e| e.error).with_context(failed)?;
    Ok(())
}
