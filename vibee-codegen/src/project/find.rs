//! Finding spec files: a walk over folders in name order, with the place of each file's Rust.
//!
//! Links to folders are not followed, so a loop of links cannot be entered; pipes, sockets and devices are no
//! specs, whatever they are called. Reads no file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Unreadable;

/// A spec file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is, as it is opened and shown to people.
    pub path: PathBuf,
    /// Position of the path it was found under, among those given.
    pub root: u32,
    /// Path below the root without extension, `/`-separated: where its Rust goes.
    pub module: String,
}

/// Folders deeper than this are no one's specs.
const MAX_DEPTH: usize = 64;

/// All `.vibee` files at or below `paths`: in the order of the paths, each folder in name order.
/// A file that several paths lead to is listed once, under the first.
///
/// # Errors
/// When a path does not exist or a folder cannot be listed.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Found>, Unreadable> {
    let mut out = Vec::new();
    let roots = paths.len();
    for (n, p) in paths.iter().enumerate() {
        let root = n as u32;
        let meta = std::fs::metadata(p).map_err(|e| Unreadable::new(p, e))?;
        if meta.is_dir() {
            out.extend(walk(p, &Walk { root, depth: 0, below: "" })?);
        } else {
            let module = p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            out.push(Found { path: p.clone(), root, module });
        }
    }
    if roots > 1 {
        let mut seen = std::collections::HashSet::new();
        out.retain(|f| seen.insert(f.path.clone()));
    }
    Ok(out)
}

/// Where a walk is.
struct Walk<'a> {
    root: u32,
    depth: usize,
    /// Folders below the root, each with `/` behind it.
    below: &'a str,
}

/// Folders are listed on all cores.
fn walk(folder: &Path, at: &Walk<'_>) -> Result<Vec<Found>, Unreadable> {
    let fail = |e| Unreadable::new(folder, e);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let kind = entry.file_type().map_err(fail)?;
        let name = entry.file_name();
        let is_spec = Path::new(&name).extension().is_some_and(|e| e == "vibee");
        if kind.is_dir() {
            entries.push((name, true));
        } else if is_spec {
            // A link to a folder may be called anything; what a broken link is called, it claims to be.
            let claims = || std::fs::metadata(entry.path()).map_or(true, |m| m.is_file());
            if kind.is_file() || kind.is_symlink() && claims() {
                entries.push((name, false));
            }
        }
    }
    entries.sort_unstable();
    let inside: Vec<Result<Vec<Found>, Unreadable>> = entries
        .par_iter()
        .filter(|(_, is_folder)| *is_folder)
        .map(|(name, _)| below(folder, name, at))
        .collect();
    let mut inside = inside.into_iter();
    let mut out = Vec::with_capacity(entries.len());
    for (name, is_folder) in &entries {
        if *is_folder {
            out.extend(inside.next().transpose()?.unwrap_or_default());
        } else {
            let text = name.to_string_lossy();
            let stem = text.strip_suffix(".vibee").unwrap_or(&text);
            let module = format!("{}{stem}", at.below);
            out.push(Found { path: folder.join(name), root: at.root, module });
        }
    }
    Ok(out)
}

/// The specs of a folder in a folder.
fn below(folder: &Path, name: &OsStr, at: &Walk<'_>) -> Result<Vec<Found>, Unreadable> {
    let path = folder.join(name);
    if at.depth == MAX_DEPTH {
        let why = std::io::Error::other(format!("folders are nested more than {MAX_DEPTH} deep"));
        return Err(Unreadable::new(&path, why));
    }
    let below = format!("{}{}/", at.below, name.to_string_lossy());
    walk(&path, &Walk { root: at.root, depth: at.depth + 1, below: &below })
}

/// How generated code names specs: from the folder that was given, whatever the current folder is,
/// so that output does not depend on where the command ran.
#[derive(Clone, Debug)]
pub struct Naming {
    /// `specs/`, for each path given.
    prefixes: Vec<String>,
}

impl Naming {
    /// Names for what is found under these paths.
    #[must_use]
    pub fn new(paths: &[PathBuf]) -> Self {
        let one = |p: &PathBuf| {
            let absolute = std::path::absolute(p).unwrap_or_else(|_| p.clone());
            let folder = if absolute.is_dir() { Some(absolute.as_path()) } else { absolute.parent() };
            let named = |f: &Path| Some(format!("{}/", f.file_name()?.to_string_lossy()));
            // `..` has no name of its own.
            let real = || folder.and_then(|f| std::fs::canonicalize(f).ok()).and_then(|f| named(&f));
            folder.and_then(named).or_else(real).unwrap_or_default()
        };
        Naming { prefixes: paths.iter().map(one).collect() }
    }

    /// `specs/nn/rope.vibee`.
    #[must_use]
    pub fn shown(&self, found: &Found) -> String {
        let prefix = self.prefixes.get(found.root as usize).map_or("", String::as_str);
        format!("{prefix}{}.vibee", found.module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for f in files {
            let path = folder.path().join(f);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        folder
    }

    fn modules(found: &[Found]) -> Vec<&str> {
        found.iter().map(|f| f.module.as_str()).collect()
    }

    #[test]
    fn files_come_in_name_order_whatever_they_are_called() {
        let folder = folder(&["b.vibee", "a/c.vibee", "a.b.vibee", "φ.vibee", "a/x.txt", "0.vibee"]);
        let found = find(&[folder.path().to_path_buf()]).expect("specs");
        assert_eq!(modules(&found), ["0", "a/c", "a.b", "b", "φ"]);
    }

    #[test]
    fn a_file_given_twice_is_one_spec() {
        let folder = folder(&["a/c.vibee", "b.vibee"]);
        let root = folder.path().to_path_buf();
        let found = find(&[root.clone(), root.join("a")]).expect("specs");
        assert_eq!(modules(&found), ["a/c", "b"]);
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_are_not_entered() {
        let folder = folder(&["a/c.vibee"]);
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(at)).expect("a link");
        };
        link("", "a/up");
        link("", "a/loop.vibee");
        link("a/c.vibee", "d.vibee");
        let found = find(&[folder.path().to_path_buf()]).expect("specs");
        assert_eq!(modules(&found), ["a/c", "d"]);
    }

    #[cfg(unix)]
    #[test]
    fn sockets_are_no_specs() {
        let folder = folder(&["a.vibee"]);
        let _socket =
            std::os::unix::net::UnixListener::bind(folder.path().join("b.vibee")).expect("a socket");
        std::os::unix::fs::symlink("b.vibee", folder.path().join("c.vibee")).expect("a link");
        let found = find(&[folder.path().to_path_buf()]).expect("specs");
        assert_eq!(modules(&found), ["a"]);
    }

    #[test]
    fn folders_nested_without_end_are_said_to_be() {
        let deep = format!("{}x.vibee", "d/".repeat(MAX_DEPTH + 1));
        let folder = folder(&[&deep]);
        let error = find(&[folder.path().to_path_buf()]).expect_err("too deep");
        assert_eq!(error.why.to_string(), "folders are nested more than 64 deep");
    }
}
