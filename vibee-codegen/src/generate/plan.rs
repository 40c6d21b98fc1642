//! What has to change on disk, and changing it.
//!
//! [`plan`] reads and decides, [`apply`] writes. A file is replaced or removed only if the manifest
//! says that it was made here and it still is as it was made, or if the user forces it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::manifest::{self, Entry, Manifest};
use super::tree::Files;

/// One file that differs from what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Below the output folder.
    pub path: String,
    /// Contents now; `None` if it does not exist.
    pub old: Option<String>,
    /// Contents wanted; `None` to remove it.
    pub new: Option<String>,
}

/// Why a change must not be made without asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The file was edited after it was made.
    Edited(String),
    /// The file exists and was not made by `vibee gen`.
    Foreign(String),
    /// The file would be removed, but its spec still exists and was not given.
    Missing(String, String),
}

/// Everything that is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where files go.
    pub out: PathBuf,
    /// In path order.
    pub changes: Vec<Change>,
    /// In path order.
    pub conflicts: Vec<Conflict>,
    /// Files that are as they should be.
    pub unchanged: usize,
    /// The manifest's file, before and after.
    pub manifest: Change,
}

impl Plan {
    /// Whether everything on disk is as it should be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.changes.is_empty() && self.manifest.old == self.manifest.new
    }
}

/// Where the manifest of an output folder is: beside a folder named `src`, else inside.
#[must_use]
pub fn manifest_path(out: &Path) -> PathBuf {
    let folder = if out.file_name().is_some_and(|n| n == "src") { out.parent().unwrap_or(out) } else { out };
    folder.join(manifest::NAME)
}

/// Compares the files wanted with the files there. `exists` tells whether a spec, named as
/// generated code names it, exists although it was not given.
///
/// # Errors
/// When a file cannot be read or the manifest is damaged.
pub fn plan(out: &Path, files: &Files, exists: &dyn Fn(&str) -> bool) -> Result<Plan> {
    let at = manifest_path(out);
    let old_manifest = read(&at)?;
    let owned = manifest::read(old_manifest.as_deref().unwrap_or("")).map_err(|line| {
        anyhow::anyhow!(
            "{}:{line}: damaged manifest; restore it from version control, or remove it and run `vibee gen --force`",
            at.display()
        )
    })?;
    let mut plan = Plan {
        out: out.to_owned(),
        changes: vec![],
        conflicts: vec![],
        unchanged: 0,
        manifest: Change { path: manifest::NAME.into(), old: old_manifest, new: None },
    };
    let mut made = Manifest::new();
    let paths: BTreeSet<&String> = files.keys().chain(owned.keys()).collect();
    for path in paths {
        let old = read(&out.join(path))?;
        let new = files.get(path).map(|f| f.text.clone());
        if let Some(f) = files.get(path) {
            let entry = Entry { hash: manifest::hash(f.text.as_bytes()), spec: f.spec.clone() };
            made.insert(path.clone(), entry);
        }
        if old == new {
            plan.unchanged += usize::from(new.is_some());
            continue;
        }
        let entry = owned.get(path);
        if let Some(text) = &old {
            match entry {
                None => plan.conflicts.push(Conflict::Foreign(path.clone())),
                Some(e) if e.hash != manifest::hash(text.as_bytes()) => {
                    plan.conflicts.push(Conflict::Edited(path.clone()));
                }
                Some(Entry { spec: Some(spec), .. }) if new.is_none() && exists(spec) => {
                    plan.conflicts.push(Conflict::Missing(path.clone(), spec.clone()));
                }
                Some(_) => {}
            }
        }
        plan.changes.push(Change { path: path.clone(), old, new });
    }
    plan.manifest.new = Some(manifest::write(&made));
    Ok(plan)
}

/// Makes the changes, each file by a rename in its own folder, then writes the manifest.
///
/// # Errors
/// The first file that cannot be written; everything written so far stays.
pub fn apply(plan: &Plan) -> Result<()> {
    for change in &plan.changes {
        let path = plan.out.join(&change.path);
        match &change.new {
            Some(text) => replace(&path, text)?,
            None => {
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                remove_empty_folders(&plan.out, &path);
            }
        }
    }
    if plan.manifest.old != plan.manifest.new {
        replace(&manifest_path(&plan.out), plan.manifest.new.as_deref().unwrap_or(""))?;
    }
    Ok(())
}

/// Writes a file so that readers see the old or the new contents, never a part.
///
/// # Errors
/// When the folder cannot be made or the file cannot be written.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::Builder::new().prefix(".vibee-").tempfile_in(folder).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    #[cfg(unix)]
    {
        // Temporary files are private; sources are as readable as any other new file.
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::metadata(path).map(|m| m.permissions());
        let permissions = permissions.unwrap_or_else(|_| std::fs::Permissions::from_mode(0o644));
        file.as_file().set_permissions(permissions).with_context(failed)?;
    }
    file.persist(path).map_err(|e| e.error).with_context(failed)?;
    Ok(())
}

/// Removes the folders that a removed file leaves empty, up to the output folder.
fn remove_empty_folders(out: &Path, removed: &Path) {
    for folder in removed.ancestors().skip(1).take_while(|f| *f != out && f.starts_with(out)) {
        if std::fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read(path) {
        // Bytes that are no text differ from everything that is generated, which is enough.
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}
