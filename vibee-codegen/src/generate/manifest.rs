//! The ownership manifest: which files `vibee gen` made, from what, with which contents.
//!
//! A file may be replaced or removed only if it is listed here and its hash is still the same.
//! The text form is one line a file, sorted by path, so that merges are line merges.

use std::collections::BTreeMap;

/// A file that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Hash of the contents as made.
    pub hash: String,
    /// Spec it was made from.
    pub spec: Option<String>,
}

/// Files by path below the output folder.
pub type Manifest = BTreeMap<String, Entry>;

/// Name of the manifest's file.
pub const NAME: &str = ".vibee-manifest";

const HEADER: &str = "# Files made by `vibee gen`: hash, path, spec. Checked in; do not edit.\n";

/// The text form.
#[must_use]
pub fn write(manifest: &Manifest) -> String {
    let mut out = HEADER.to_owned();
    for (path, e) in manifest {
        out += &e.hash;
        out += " ";
        out += path;
        if let Some(spec) = &e.spec {
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
pub fn read(text: &str) -> Result<Manifest, usize> {
    let mut out = Manifest::new();
    for (n, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (hash, rest) = line.split_once(' ').ok_or(n + 1)?;
        let (path, spec) = match rest.split_once(" < ") {
            Some((path, spec)) => (path, Some(spec.to_owned())),
            None => (rest, None),
        };
        // A path that leaves the output folder must never be followed.
        let inside = path.split('/').all(|c| !matches!(c, "" | "." | ".."));
        if hash.len() != 32 || !inside || path.contains('\\') {
            return Err(n + 1);
        }
        out.insert(path.to_owned(), Entry { hash: hash.to_owned(), spec });
    }
    Ok(out)
}

/// Hash of a file's contents: FNV-1a, 128 bits, the same on every machine. It tells edits from
/// untouched files; it is no defence against forgery.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let h = bytes.iter().fold(OFFSET, |h, b| (h ^ u128::from(*b)).wrapping_mul(PRIME));
    format!("{h:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_round_trip() {
        let entry = |spec: Option<&str>| Entry { hash: hash(b"a"), spec: spec.map(str::to_owned) };
        let m = Manifest::from([
            ("lib.rs".into(), entry(None)),
            ("a/b.rs".into(), entry(Some("specs/a b.vibee"))),
        ]);
        assert_eq!(read(&write(&m)), Ok(m));
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for path in ["../x.rs", "/etc/x", "a//b", "a/./b"] {
            assert_eq!(read(&format!("# x\n{} {path}\n", hash(b""))), Err(2), "{path}");
        }
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(b""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(hash(b"a"), "d228cb696f1a8caf78912b704e4a8964");
    }
}
