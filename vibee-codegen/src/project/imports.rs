//! Imported files, each read and parsed once however many specs import it.
//!
//! An import that leads nowhere is remembered like one that leads somewhere: both decide what the
//! importing spec becomes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use vibee_spec::ast;
use vibee_spec::diag::Diags;
use vibee_spec::parse::Mode;
use vibee_spec::span::Source;

use super::stamp::Seen;
use super::{Meaning, Spec, Unreadable, import_path, read};

/// An imported file, or nothing where there is none.
type Slot = Arc<OnceLock<Option<Arc<Spec>>>>;

/// All imported files of a run.
#[derive(Debug)]
pub struct Library {
    /// By path with links resolved.
    files: Mutex<HashMap<PathBuf, Slot>>,
    /// How strictly files are read: those that import and those that are imported.
    mode: Mode,
}

/// A place where an import was looked for, and what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Where.
    pub path: PathBuf,
    /// The file there, if there is one.
    pub found: Option<Seen>,
}

/// A spec with everything it imports, directly or not.
#[derive(Debug)]
pub struct Unit {
    /// The spec.
    pub spec: Spec,
    /// What it imports.
    pub imports: Vec<Arc<Spec>>,
    /// Everywhere imports were looked for, the imports' own included.
    pub probes: Vec<Probe>,
    /// What each of those places holds: 0 is the spec, others count `imports` from 1.
    targets: HashMap<PathBuf, usize>,
}

impl Library {
    /// No file yet; `mode` is for all files.
    #[must_use]
    pub fn new(mode: Mode) -> Library {
        Library { files: Mutex::default(), mode }
    }

    /// The spec at a path; `None` if there is none or it cannot be read.
    fn get(&self, real: &Path, path: &Path) -> Option<Arc<Spec>> {
        let slot = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(files.entry(real.to_path_buf()).or_default())
        };
        slot.get_or_init(|| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            read(path, stem, self.mode).ok().map(Arc::new)
        })
        .clone()
    }

    /// Every file that was imported, in path order.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Spec>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = files.values().filter_map(|slot| slot.get()?.clone()).collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }

    /// Adds what a spec imports to it.
    #[must_use]
    pub fn unit(&self, spec: Spec) -> Unit {
        let mut unit = Unit { spec, imports: vec![], probes: vec![], targets: HashMap::new() };
        if unit.spec.file.imports.is_empty() {
            return unit;
        }
        let mut known = HashMap::from([(real(&unit.spec.path), 0)]);
        let mut at = 0;
        while let Some(from) = if at == 0 { Some(&unit.spec) } else { unit.imports.get(at - 1).map(|s| &**s) }
        {
            let wanted: Vec<PathBuf> =
                from.file.imports.iter().map(|i| import_path(&from.path, &i.name)).collect();
            for path in wanted {
                if unit.targets.contains_key(&path) || unit.probes.iter().any(|p| p.path == path) {
                    continue;
                }
                let real = real(&path);
                let found = match known.get(&real) {
                    Some(&n) => Some(n),
                    None => self.get(&real, &path).map(|spec| {
                        unit.imports.push(spec);
                        known.insert(real, unit.imports.len());
                        unit.imports.len()
                    }),
                };
                let seen = found.map(|n| match n {
                    0 => unit.spec.seen,
                    n => unit.imports[n - 1].seen,
                });
                unit.targets.extend(found.map(|n| (path.clone(), n)));
                unit.probes.push(Probe { path, found: seen });
            }
            at += 1;
        }
        unit
    }

    /// A spec and what it imports, read from disk.
    ///
    /// # Errors
    /// When the spec itself cannot be read.
    pub fn load(&self, path: &Path, module: String) -> Result<Unit, Unreadable> {
        Ok(self.unit(read(path, module, self.mode)?))
    }
}

impl Unit {
    /// Checks the spec.
    #[must_use]
    pub fn check(&self) -> Meaning {
        Meaning::of(&self.spec, &|from: &Source, name: &str| self.resolve(from, name))
    }

    /// What the lints find in the spec.
    #[must_use]
    pub fn lint(&self) -> Diags {
        let Spec { file, source, .. } = &self.spec;
        vibee_spec::lint::lint(file, source, &|name| Some(self.resolve(source, name)?.0))
    }

    /// What the spec uses of its imports: where each is, with links resolved, and the names of its functions and
    /// constants that stand in the spec.
    #[must_use]
    pub fn uses(&self) -> Vec<(PathBuf, Vec<String>)> {
        let Spec { file, source, path, .. } = &self.spec;
        let one = |import: &ast::Ident| {
            let names = vibee_spec::lint::uses(file, source, self.resolve(source, &import.name)?.0);
            (!names.is_empty()).then(|| (real(&import_path(path, &import.name)), names))
        };
        file.imports.iter().filter_map(one).collect()
    }

    fn resolve(&self, from: &Source, name: &str) -> Option<(&ast::File, &Source)> {
        let target = match self.targets.get(&import_path(Path::new(&from.path), name))? {
            0 => &self.spec,
            n => self.imports.get(n - 1)?,
        };
        Some((&target.file, &target.source))
    }
}

/// A path without links, or the path itself if nothing is there.
pub(crate) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
