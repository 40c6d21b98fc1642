//! What the last run knew: digests and stamps of everything it read and wrote.
//!
//! The cache is kept in the user's cache folder, one file for each output folder, beside the lock.
//! Not in the project: nothing there has to be ignored by version control, nothing is copied along
//! with a checkout (stamps hold on one machine only), and a missing cache costs time, nothing else.
//!
//! A cache of another compiler, of other specs or options, of another form, or with a wrong checksum
//! is as good as none. Errors in writing it are no errors of the run.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::write::replace;
use crate::harness::package;
use crate::project::stamp::{self, Digest, Stamp};

/// Identity of this compiler: a hash of its sources and of the versions of what it is built with.
pub const BUILD: &str = env!("VIBEE_BUILD");

/// First bytes of a cache; the number is that of the form.
const MAGIC: &[u8] = b"vibee gen cache 1\n";

/// Everything a run knew.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cache<'a> {
    /// Compiler, options and paths that it holds for.
    pub key: &'a str,
    /// Specs, in the order in which they are found.
    #[serde(borrow)]
    pub specs: Vec<Known<'a>>,
    /// Places where imports were looked for.
    #[serde(borrow)]
    pub imports: Vec<Import<'a>>,
    /// Files that were made, in path order.
    #[serde(borrow)]
    pub files: Vec<Made<'a>>,
    /// The manifest.
    pub manifest: Seen,
}

/// A file as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its contents.
    pub digest: Digest,
    /// Its stamp, if that can be trusted.
    pub stamp: Option<Stamp>,
}

impl Seen {
    /// What may be remembered of a file that was seen after `now`.
    #[must_use]
    pub fn settled(seen: &stamp::Seen, now: SystemTime) -> Seen {
        Seen { digest: seen.digest, stamp: seen.stamp.settled(now) }
    }
}

/// A spec.
#[derive(Debug, Serialize, Deserialize)]
pub struct Known<'a> {
    /// Position of the path under which it was found.
    pub root: u32,
    /// Its path below that.
    pub module: &'a str,
    /// The file.
    pub seen: Seen,
    /// Positions in [`Cache::imports`] of everything that it imports, directly or not.
    pub imports: Vec<u32>,
    /// How many warnings it has.
    pub warnings: u32,
    /// Position in [`Cache::files`] of its Rust.
    pub file: Option<u32>,
}

/// A place where an import was looked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Import<'a> {
    /// Where, from the root of the file system.
    pub path: &'a str,
    /// The file there, if there was one.
    pub seen: Option<Seen>,
}

/// A file that was made.
#[derive(Debug, Serialize, Deserialize)]
pub struct Made<'a> {
    /// Below the output folder.
    pub path: &'a str,
    /// The file.
    pub seen: Seen,
}

/// Where the cache and the lock of an output folder are.
#[derive(Clone, Debug)]
pub struct Place {
    /// The cache.
    pub cache: PathBuf,
    /// The lock.
    pub lock: PathBuf,
}

impl Place {
    /// The place for an output folder; makes the folder around it, if that is possible.
    #[must_use]
    pub fn of(out: &Path) -> Place {
        let name = Digest::of(real(out).to_string_lossy().as_bytes()).to_string();
        let folder = package::cache().join("gen");
        let _ = std::fs::create_dir_all(&folder);
        Place { cache: folder.join(format!("{name}.cache")), lock: folder.join(format!("{name}.lock")) }
    }
}

/// A path without links, also of a folder that is still to be made: whichever way a folder is
/// reached, it has one lock.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let there = absolute.ancestors().find_map(|a| Some((a, std::fs::canonicalize(a).ok()?)));
    let Some((folder, real)) = there else { return absolute };
    match absolute.strip_prefix(folder) {
        Ok(rest) => real.components().chain(rest.components()).collect(),
        Err(_) => absolute,
    }
}

/// The bytes of a cache whose checksum is right.
#[must_use]
pub fn load(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = std::fs::read(path).ok()?;
    let (head, body) = bytes.split_at_checked(MAGIC.len() + 16)?;
    let sum = head.strip_prefix(MAGIC)?;
    if sum != Digest::of(body).0.to_le_bytes() {
        return None;
    }
    bytes.drain(..MAGIC.len() + 16);
    Some(bytes)
}

/// The cache in these bytes, if it holds for `key` and its parts fit together.
#[must_use]
pub fn read<'a>(bytes: &'a [u8], key: &str) -> Option<Cache<'a>> {
    let cache: Cache<'a> = postcard::from_bytes(bytes).ok()?;
    let known = |n: &u32, len: usize| (*n as usize) < len;
    let fits = |k: &Known<'_>| {
        k.imports.iter().all(|n| known(n, cache.imports.len()))
            && k.file.iter().all(|n| known(n, cache.files.len()))
    };
    (cache.key == key && cache.specs.iter().all(fits)).then_some(cache)
}

/// Writes a cache; without it the next run takes longer.
pub fn save(path: &Path, cache: &Cache<'_>) {
    let Ok(body) = postcard::to_allocvec(cache) else { return };
    let mut bytes = MAGIC.to_vec();
    bytes.extend(Digest::of(&body).0.to_le_bytes());
    bytes.extend(body);
    let _ = replace(path, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Seen {
        Seen { digest: Digest::of(bytes), stamp: None }
    }

    fn example(file: u32) -> Cache<'static> {
        let known = Known {
            root: 0,
            module: "nn/a",
            seen: seen(b"a"),
            imports: vec![0],
            warnings: 2,
            file: Some(file),
        };
        Cache {
            key: "k",
            specs: vec![known],
            imports: vec![Import { path: "/b.vibee", seen: None }],
            files: vec![Made { path: "nn/a.rs", seen: seen(b"b") }],
            manifest: seen(b"c"),
        }
    }

    #[test]
    fn only_what_was_written_whole_for_the_same_key_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.cache");
        assert!(load(&path).is_none());
        save(&path, &example(0));
        let bytes = load(&path).expect("a cache");
        assert!(read(&bytes, "k").is_some_and(|c| c.specs[0].module == "nn/a"));
        assert!(read(&bytes, "another compiler").is_none());
        let whole = std::fs::read(&path).expect("bytes");
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            std::fs::write(&path, &broken).expect("a file");
            assert!(load(&path).is_none(), "byte {at}");
            std::fs::write(&path, &whole[..at]).expect("a file");
            assert!(load(&path).is_none(), "cut at {at}");
        }
        // A checksum proves no sense.
        save(&path, &example(7));
        assert!(read(&load(&path).expect("a cache"), "k").is_none());
    }
}
