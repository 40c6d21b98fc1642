//! The short way to a plan: specs were edited, and all else is as the last run left it.
//!
//! If the same specs make the same files, and nothing on disk was touched, then parents and `lib.rs`
//! say what they said, every file is as it was made, and the manifest differs in the hashes of what
//! was compiled. Whatever else may be, [`plan`] declines, and the long way is taken; both ways lead
//! to the same plan.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::cache::{Cache, Made};
use super::compare::Comparison;
use super::manifest;
use super::plan::{Change, Plan, Rewrite, Wanted};
use super::run::Done;
use crate::project::stamp::Digest;

/// The plan, if this is the short way. Takes the Rust out of `done`.
pub(super) fn plan(
    out: &Path,
    at: &Path,
    old: &Cache<'_>,
    compared: &Comparison,
    done: &mut HashMap<usize, Done>,
) -> Option<Plan> {
    let same = compared.removed == 0
        && compared.known.iter().all(Option::is_some)
        && compared.files.iter().all(Option::is_some)
        && compared.manifest.is_some()
        && !at.with_file_name(manifest::JOURNAL).exists();
    if !same {
        return None;
    }
    let mut made = HashMap::new();
    for (n, d) in done.iter() {
        let before = old.specs[compared.known[*n]?].file.map(|f| f as usize);
        match (before, &d.file) {
            (None, None) => {}
            (Some(f), Some(path)) if old.files[f].path.strip_suffix(".rs") == Some(path) => {
                if is_parent(&old.files, path) {
                    return None;
                }
                let digest = Digest::of(d.code.as_deref().unwrap_or_default().as_bytes());
                if digest != old.files[f].seen.digest {
                    made.insert(f, (*n, digest));
                }
            }
            _ => return None,
        }
    }
    let text = fs::read_to_string(at).ok()?;
    let new = rewritten(&text, made.iter().map(|(f, (_, digest))| (old.files[*f].path, *digest)).collect())?;
    let mut changes = Vec::with_capacity(made.len());
    let mut files = Vec::with_capacity(old.files.len());
    for (f, file) in old.files.iter().enumerate() {
        let (path, mut digest) = (file.path.to_owned(), file.seen.digest);
        if let Some((n, now)) = made.get(&f) {
            digest = *now;
            let code = done.get_mut(n)?.code.take();
            changes.push(Change { path: path.clone(), exists: true, new: Some(code.unwrap_or_default()) });
        }
        files.push(Wanted { path, digest, spec: None, stamp: None });
    }
    let unchanged = files.len() - changes.len();
    let manifest = Rewrite { old: text, new };
    Some(Plan { out: out.to_owned(), changes, conflicts: vec![], unchanged, manifest, files, journal: None })
}

/// Whether there are files in the folder beside this module: then it declares them.
fn is_parent(files: &[Made<'_>], path: &str) -> bool {
    let folder = format!("{path}/");
    let first = files.partition_point(|f| f.path < folder.as_str());
    files.get(first).is_some_and(|f| f.path.starts_with(&folder))
}

/// The manifest with other hashes for these paths; `None` if one of them is not listed.
fn rewritten(text: &str, mut hashes: HashMap<&str, Digest>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let path = line.split_once(' ').map_or("", |(_, rest)| rest.split(" < ").next().unwrap_or(rest));
        match hashes.remove(path.trim_end_matches('\n')) {
            Some(hash) => {
                out += &hash.to_string();
                out += line.split_once(' ').map_or("", |(hash, _)| &line[hash.len()..]);
            }
            None => out += line,
        }
    }
    hashes.is_empty().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hashes_of_listed_paths_change() {
        let zero = "0".repeat(32);
        let text = format!("# Files\n{zero} a.rs < specs/a.vibee\n{zero} lib.rs\n");
        let hash = Digest::of(b"x");
        let wanted = format!("# Files\n{hash} a.rs < specs/a.vibee\n{zero} lib.rs\n");
        assert_eq!(rewritten(&text, HashMap::from([("a.rs", hash)])), Some(wanted));
        let wanted = format!("# Files\n{zero} a.rs < specs/a.vibee\n{hash} lib.rs\n");
        assert_eq!(rewritten(&text, HashMap::from([("lib.rs", hash)])), Some(wanted));
        assert_eq!(rewritten(&text, HashMap::from([("b.rs", hash)])), None);
    }
}
