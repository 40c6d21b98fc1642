//! What a spec has, by its own text: the other half of a claim, next to what was tested.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use crate::project::stamp::Digest;
use crate::project::{Checked, Project};

/// Contents of a spec that a status speaks about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Fingerprint of its text and its imports.
    pub hash: String,
    /// Kernels, instances of generic ones included.
    pub kernels: Vec<String>,
    /// Layers and models, instances of generic ones included.
    pub layers: Vec<String>,
    /// Declared types.
    pub types: usize,
    /// Behaviours.
    pub behaviors: usize,
}

impl Facts {
    /// Facts of a checked spec.
    #[must_use]
    pub fn of(project: &Project, checked: &Checked) -> Facts {
        let file = &project.specs[checked.spec].file;
        let m = &checked.module;
        Facts {
            hash: fingerprint(project, checked.spec),
            kernels: m.kernels.iter().map(|k| k.name.clone()).collect(),
            layers: m
                .layers
                .iter()
                .chain(m.models.iter().map(|m| &m.layer))
                .map(|l| l.name.clone())
                .collect(),
            types: file.types.len(),
            behaviors: file.behaviors.len(),
        }
    }
}

/// Hash of a spec's text and of the texts of all its imports, direct and not: what results depend on
/// besides the compiler. Where files lie does not matter.
#[must_use]
pub fn fingerprint(project: &Project, n: usize) -> String {
    let (mut seen, mut next) = (BTreeSet::new(), vec![n]);
    let mut texts = Vec::new();
    while let Some(n) = next.pop() {
        if seen.insert(n) {
            texts.push(project.specs[n].source.text.as_str());
            next.extend(project.imports(n));
        }
    }
    // The spec comes first; the order in which imports were met does not count.
    texts[1..].sort_unstable();
    let mut all = String::new();
    for text in texts {
        all += &format!("{}\n{text}", text.len());
    }
    Digest::of(all.as_bytes()).to_string()
}

/// The name of a spec in a file of results: its path below the file's folder, without extension.
/// `None` if it lies elsewhere.
#[must_use]
pub fn key(results: &Path, spec: &Path) -> Option<String> {
    let path = relative(results.parent()?, &spec.with_extension(""));
    (!path.starts_with("..")).then_some(path)
}

/// A path as seen from a folder, with `/`.
#[must_use]
pub fn relative(folder: &Path, to: &Path) -> String {
    let parts = |p: &Path| -> Vec<String> {
        let mut out = Vec::new();
        for c in std::path::absolute(p).unwrap_or_else(|_| p.to_path_buf()).components() {
            match c {
                Component::ParentDir => drop(out.pop()),
                c => out.push(c.as_os_str().to_string_lossy().into_owned()),
            }
        }
        out
    };
    // `absolute` refuses an empty path, which means the current folder.
    let (from, to) = (parts(&folder.join(".")), parts(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = vec!["..".to_owned(); from.len() - same];
    [up, to[same..].to_vec()].concat().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_a_folder() {
        let seen = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(seen("docs", "specs/nn/a.vibee"), "../specs/nn/a.vibee");
        assert_eq!(seen("", "specs/a.vibee"), "specs/a.vibee");
        assert_eq!(seen("/a/b/c", "/a/x"), "../../x");
        assert_eq!(seen("specs", "specs/../docs/x.md"), "../docs/x.md");
    }

    #[test]
    fn specs_are_named_from_the_folder_of_the_results() {
        let key = |spec: &str| key(Path::new("specs/results.json"), Path::new(spec));
        assert_eq!(key("specs/nn/rmsnorm.vibee").as_deref(), Some("nn/rmsnorm"));
        assert_eq!(key("./specs/../specs/a.vibee").as_deref(), Some("a"));
        assert_eq!(key("elsewhere/a.vibee"), None);
    }
}
