//! What has to change on disk.
//!
//! [`plan`] reads and decides. A file is replaced or removed only if the manifest says that it was
//! made here and it still is as it was made, or if the user forces it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::manifest::{self, Entry, Manifest};
use super::tree::{Body, File, Files};
use crate::project::stamp::{self, Digest, Seen, Stamp};

/// One file that differs from what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Below the output folder.
    pub path: String,
    /// Whether there is a file now.
    pub exists: bool,
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
    /// The manifest's text, before and after.
    pub manifest: Rewrite,
    /// Every file that is to be there, in path order.
    pub files: Vec<Wanted>,
    /// The journal of a run that was killed while it wrote.
    pub journal: Option<String>,
}

/// The text of a file, before and after.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// Before; empty if there was none.
    pub old: String,
    /// After.
    pub new: String,
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

/// Who made the files of a folder.
struct Owners<'a> {
    manifest: Manifest<'a>,
    /// Of runs that were killed.
    journal: BTreeMap<&'a str, Vec<Entry<'a>>>,
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    AsMade,
    Edited,
    Foreign,
}

impl Owners<'_> {
    fn of(&self, path: &str, contents: &[u8]) -> Owner {
        let listed = self.manifest.files.get(path);
        let written = self.journal.get(path).into_iter().flatten();
        match listed {
            Some(e) if self.manifest.is_as_made(e, contents) => Owner::AsMade,
            _ if written.map(|e| e.hash).any(|hash| hash == Digest::of(contents)) => Owner::AsMade,
            Some(_) => Owner::Edited,
            // What only the journal lists had not been written yet.
            None => Owner::Foreign,
        }
    }

    fn spec(&self, path: &str) -> Option<&str> {
        self.manifest.files.get(path).or_else(|| self.journal.get(path)?.first())?.spec
    }
}

/// Compares the files wanted with the files there. `exists` tells whether a spec, named as
/// generated code names it, exists although it was not given.
///
/// # Errors
/// When a file cannot be read or the manifest is damaged.
pub fn plan(out: &Path, files: Files, exists: &(dyn Fn(&str) -> bool + Sync)) -> Result<Plan> {
    let at = manifest_path(out);
    let old = text(&at)?.unwrap_or_default();
    let journal = text(&at.with_file_name(manifest::JOURNAL))?;
    let owners = Owners {
        manifest: manifest::read(&old).map_err(|line| {
            anyhow::anyhow!(
                "{}:{line}: damaged manifest; restore it from version control, or remove it and run `vibee gen --force`",
                at.display()
            )
        })?,
        journal: manifest::read_journal(journal.as_deref().unwrap_or_default()),
    };
    let stale: BTreeMap<&str, ()> = owners
        .manifest
        .files
        .keys()
        .chain(owners.journal.keys())
        .filter(|path| !files.contains_key(**path))
        .map(|path| (*path, ()))
        .collect();
    let mut found: Vec<(Option<Change>, Option<Conflict>)> =
        stale.into_par_iter().map(|(path, ())| removal(out, path, &owners, exists)).collect::<Result<_>>()?;
    let wanted: Vec<(Wanted, _)> =
        files.into_par_iter().map(|(path, file)| one(out, path, file, &owners)).collect::<Result<_>>()?;
    let mut listed = Vec::with_capacity(wanted.len());
    for (entry, difference) in wanted {
        listed.push(entry);
        found.extend(difference);
    }
    let (changes, conflicts): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let mut changes: Vec<Change> = changes.into_iter().flatten().collect();
    let mut conflicts: Vec<Conflict> = conflicts.into_iter().flatten().collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    conflicts.sort_by(|a, b| a.path().cmp(b.path()));
    let entries = listed.iter().map(|w| (w.path.as_str(), Entry { hash: w.digest, spec: w.spec.as_deref() }));
    let new = manifest::write(entries);
    let unchanged = listed.len() - changes.iter().filter(|c| c.new.is_some()).count();
    drop(owners);
    let manifest = Rewrite { old, new };
    Ok(Plan { out: out.to_owned(), changes, conflicts, unchanged, manifest, files: listed, journal })
}

impl Conflict {
    fn path(&self) -> &str {
        match self {
            Conflict::Edited(path) | Conflict::Foreign(path) | Conflict::Missing(path, _) => path,
        }
    }
}

/// A file that is to be there.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Below the output folder.
    pub path: String,
    /// Its contents.
    pub digest: Digest,
    /// The spec that it is from.
    pub spec: Option<String>,
    /// Its stamp, if it was read now and is as it should be.
    pub stamp: Option<Stamp>,
}

/// What differs and what speaks against changing it.
type Difference = (Option<Change>, Option<Conflict>);

fn one(out: &Path, path: String, file: File, owners: &Owners<'_>) -> Result<(Wanted, Option<Difference>)> {
    let new = match file.body {
        Body::Kept(digest) => return Ok((Wanted { path, digest, spec: file.spec, stamp: None }, None)),
        Body::Text(text) => text,
    };
    let digest = Digest::of(new.as_bytes());
    let mut wanted = Wanted { path: path.clone(), digest, spec: file.spec, stamp: None };
    let old = seen(&out.join(&path))?;
    let conflict = match &old {
        Some((old, seen)) if old == new.as_bytes() => {
            wanted.stamp = Some(seen.stamp);
            return Ok((wanted, None));
        }
        Some((old, _)) => match owners.of(&path, old) {
            Owner::AsMade => None,
            Owner::Edited => Some(Conflict::Edited(path.clone())),
            Owner::Foreign => Some(Conflict::Foreign(path.clone())),
        },
        None => None,
    };
    let change = Change { path, exists: old.is_some(), new: Some(new) };
    Ok((wanted, Some((Some(change), conflict))))
}

fn removal(
    out: &Path,
    path: &str,
    owners: &Owners<'_>,
    exists: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Difference> {
    let Some(old) = bytes(&out.join(path))? else { return Ok((None, None)) };
    let conflict = match owners.of(path, &old) {
        Owner::Foreign => return Ok((None, None)),
        Owner::Edited => Some(Conflict::Edited(path.to_owned())),
        Owner::AsMade => owners
            .spec(path)
            .filter(|spec| exists(spec))
            .map(|spec| Conflict::Missing(path.to_owned(), spec.to_owned())),
    };
    Ok((Some(Change { path: path.to_owned(), exists: true, new: None }), conflict))
}

/// Contents of a file; `None` if there is none.
///
/// # Errors
/// When there is one that cannot be read.
pub fn bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    Ok(seen(path)?.map(|(bytes, _)| bytes))
}

fn seen(path: &Path) -> Result<Option<(Vec<u8>, Seen)>> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match stamp::read(path) {
        Ok(read) => Ok(Some(read)),
        Err(e) if matches!(e.kind(), NotFound | NotADirectory) => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Text of a file; what is no text is replaced, which makes it differ from everything generated.
fn text(path: &Path) -> Result<Option<String>> {
    Ok(bytes(path)?.map(|b| String::from_utf8_lossy(&b).into_owned()))
}
