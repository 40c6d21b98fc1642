//! The ownership manifest: which files `vibee gen` made, from what, with which contents.
//!
//! A file may be replaced or removed only if it is listed here and its hash is still the same.
//! The text form is one line a file, sorted by path, so that merges are line merges.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::project::stamp::Digest;

/// A file that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Hash of the contents as made.
    pub hash: Digest,
    /// Spec it was made from.
    pub spec: Option<&'a str>,
}

/// Files by path below the output folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest<'a> {
    /// The files.
    pub files: BTreeMap<&'a str, Entry<'a>>,
    /// Which hash the entries hold.
    hashes: Hashes,
}

/// Hashes that manifests have been written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hashes {
    /// Today's.
    #[default]
    Xxh3,
    /// Before 0.2: slow, one byte at a time. Such a manifest is still believed, and rewritten by
    /// the first run that writes.
    Fnv1a,
}

/// Name of the manifest's file.
pub const NAME: &str = ".vibee-manifest";

/// Name of the manifest that a run is about to make true. Left behind, it says that the run was
/// interrupted: files may be as in either of the two.
pub const JOURNAL: &str = ".vibee-manifest.new";

const HEADER: &str = "# Files made by `vibee gen`: XXH3 hash, path, spec. Checked in; do not edit.\n";

/// The text form of files in path order.
#[must_use]
pub fn write<'a>(files: impl Iterator<Item = (&'a str, Entry<'a>)>) -> String {
    let mut out = HEADER.to_owned();
    for (path, e) in files {
        let _ = write!(out, "{} {path}", e.hash);
        if let Some(spec) = e.spec {
            out += " < ";
            out += spec;
        }
        out.push('\n');
    }
    out
}

/// Reads the text form back.
///
/// # Errors
/// The number of the first line that is not an entry.
pub fn read(text: &str) -> Result<Manifest<'_>, usize> {
    let hashes = match text.lines().next().is_some_and(|l| l.starts_with('#') && !l.contains("XXH3")) {
        true => Hashes::Fnv1a,
        false => Hashes::Xxh3,
    };
    let mut files = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if !line.is_empty() && !line.starts_with('#') {
            files.push(entry(line).ok_or(n + 1)?);
        }
    }
    Ok(Manifest { files: files.into_iter().collect(), hashes })
}

/// The entries of a journal. A path may be listed more than once, if more than one run was killed;
/// half a line is left out.
#[must_use]
pub fn read_journal(text: &str) -> BTreeMap<&str, Vec<Entry<'_>>> {
    let mut files: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for (path, e) in text.lines().filter_map(entry) {
        files.entry(path).or_default().push(e);
    }
    files
}

fn entry(line: &str) -> Option<(&str, Entry<'_>)> {
    let (hash, rest) = line.split_once(' ')?;
    let (path, spec) = match rest.split_once(" < ") {
        Some((path, spec)) => (path, Some(spec)),
        None => (rest, None),
    };
    // A path that leaves the output folder must never be followed.
    let inside = path.split('/').all(|c| !matches!(c, "" | "." | ".."));
    let plain = hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let hash = Digest(u128::from_str_radix(hash, 16).ok()?);
    (plain && inside && !path.contains('\\')).then_some((path, Entry { hash, spec }))
}

impl Manifest<'_> {
    /// Whether a listed file still has the contents that were made.
    #[must_use]
    pub fn is_as_made(&self, entry: &Entry<'_>, contents: &[u8]) -> bool {
        match self.hashes {
            Hashes::Xxh3 => entry.hash == Digest::of(contents),
            Hashes::Fnv1a => entry.hash.0 == fnv_1a(contents),
        }
    }
}

fn fnv_1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |h, b| (h ^ u128::from(*b)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_round_trip() {
        let hash = Digest::of(b"a");
        let files = [
            ("a/b.rs", Entry { hash, spec: Some("specs/a b.vibee") }),
            ("lib.rs", Entry { hash, spec: None }),
        ];
        let text = write(files.into_iter());
        let m = read(&text).expect("it reads what it writes");
        assert_eq!(m.files.iter().map(|(p, e)| (*p, *e)).collect::<Vec<_>>(), files);
        assert!(m.is_as_made(&m.files["lib.rs"], b"a"));
        assert!(!m.is_as_made(&m.files["lib.rs"], b"b"));
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for path in ["../x.rs", "/etc/x", "a//b", "a/./b", "a\\b"] {
            let text = format!("# x\n{} {path}\n", Digest::of(b""));
            assert_eq!(read(&text), Err(2), "{path}");
        }
        assert_eq!(read("+123456789abcdef0123456789abcdef x.rs\n"), Err(1));
    }

    #[test]
    fn manifests_with_the_old_hash_are_believed() {
        let text = "# Files made by `vibee gen`: hash, path, spec. Checked in; do not edit.\n\
                    d228cb696f1a8caf78912b704e4a8964 a.rs\n";
        let m = read(text).expect("it is readable");
        assert!(m.is_as_made(&m.files["a.rs"], b"a"));
        assert!(!m.is_as_made(&m.files["a.rs"], b"b"));
    }
}
