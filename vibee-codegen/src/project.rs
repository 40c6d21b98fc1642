//! Spec files on disk: finding them, reading them, resolving imports.
//!
//! A module's path is its spec's path below the root, so `specs/nn/rmsnorm.vibee` becomes
//! `nn/rmsnorm`. Nothing here knows what specs mean.
//!
//! | step | file |
//! |---|---|
//! | folders → spec files | [`find`] |
//! | unchanged or not | [`stamp`] |
//! | a spec with what it imports | [`imports`] |
//!
//! A [`Project`] holds all its specs at once; commands that only pass over them take one
//! [`imports::Unit`] at a time, because trees of twenty thousand specs are hundreds of megabytes.

pub mod find;
pub mod imports;
pub mod stamp;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use vibee_spec::ast;
use vibee_spec::check::{Imports, Tests};
use vibee_spec::diag::{Diagnostic, Diags};
use vibee_spec::parse::{self, Mode};
use vibee_spec::span::Source;
use vibee_spec::term::Module;

use find::{Found, Naming, find};
use stamp::Seen;

/// One spec file, parsed.
#[derive(Debug)]
pub struct Spec {
    /// Where it is.
    pub path: PathBuf,
    /// Path below the root without extension, `/`-separated: where its Rust goes.
    pub module: String,
    /// Its text.
    pub source: Source,
    /// How the file was seen.
    pub seen: Seen,
    /// Its tree.
    pub file: ast::File,
    /// Findings of the parser.
    pub diags: Diags,
}

/// What the checker makes of a spec.
#[derive(Debug)]
pub struct Meaning {
    /// Its meaning; definitions with errors are missing.
    pub module: Module,
    /// What it asserts about its kernels.
    pub tests: Tests,
    /// All findings, the parser's first.
    pub diags: Diags,
}

/// A spec of a project with what the checker made of it.
#[derive(Debug)]
pub struct Checked {
    /// The spec.
    pub spec: usize,
    /// Its meaning; definitions with errors are missing.
    pub module: Module,
    /// What it asserts about its kernels.
    pub tests: Tests,
    /// All findings, the parser's first.
    pub diags: Diags,
}

/// A set of specs.
#[derive(Debug, Default)]
pub struct Project {
    /// In path order: first those asked for, then imports from elsewhere.
    pub specs: Vec<Spec>,
    /// How many were asked for.
    pub asked: usize,
    /// How generated code names those asked for.
    shown: Vec<String>,
    /// What imports, joined to the importing file's folder, lead to.
    imports: HashMap<PathBuf, usize>,
}

/// A file or folder that cannot be read. A file that is no text is read: as an empty spec with a finding.
#[derive(Debug)]
pub struct Unreadable {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub why: std::io::Error,
}

impl Unreadable {
    fn new(path: &Path, why: std::io::Error) -> Self {
        Unreadable { path: path.to_path_buf(), why }
    }
}

impl Project {
    /// Reads and parses specs and everything they import.
    ///
    /// # Errors
    /// The first file that cannot be read at all.
    pub fn load(paths: &[PathBuf]) -> Result<Project, Unreadable> {
        Project::load_as(paths, Mode::Strict)
    }

    /// As [`Project::load`]; `mode` is for all files.
    ///
    /// # Errors
    /// As [`Project::load`].
    pub fn load_as(paths: &[PathBuf], mode: Mode) -> Result<Project, Unreadable> {
        let found = find(paths)?;
        let naming = Naming::new(paths);
        let one = |f: Found| (naming.shown(&f), read(&f.path, f.module, mode));
        let specs: Vec<_> = found.into_par_iter().map(one).collect();
        let mut project = Project::default();
        for (shown, spec) in specs {
            project.shown.push(shown);
            project.specs.push(spec?);
        }
        project.asked = project.specs.len();
        project.resolve_imports(mode);
        Ok(project)
    }

    /// Imports from outside the paths asked for are read too, but not reported on.
    fn resolve_imports(&mut self, mode: Mode) {
        if self.specs.iter().all(|s| s.file.imports.is_empty()) {
            return;
        }
        let mut known: HashMap<PathBuf, usize> = HashMap::new();
        for (n, s) in self.specs.iter().enumerate() {
            known.entry(imports::real(&s.path)).or_insert(n);
        }
        let mut n = 0;
        while n < self.specs.len() {
            let from = &self.specs[n];
            let wanted: Vec<PathBuf> =
                from.file.imports.iter().map(|i| import_path(&from.path, &i.name)).collect();
            for path in wanted {
                if self.imports.contains_key(&path) {
                    continue;
                }
                let real = imports::real(&path);
                if let Some(&target) = known.get(&real) {
                    self.imports.insert(path, target);
                } else if path.is_file() {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    if let Ok(spec) = read(&path, stem, mode) {
                        known.insert(real, self.specs.len());
                        self.imports.insert(path, self.specs.len());
                        self.specs.push(spec);
                    }
                }
            }
            n += 1;
        }
    }

    /// A spec's path as generated code names it.
    #[must_use]
    pub fn shown(&self, n: usize) -> &str {
        self.shown.get(n).map_or(&self.specs[n].source.path, String::as_str)
    }

    /// The specs that one imports directly, as far as they exist.
    #[must_use]
    pub fn imports(&self, n: usize) -> Vec<usize> {
        self.specs[n].file.imports.iter().filter_map(|i| self.import(n, &i.name)).collect()
    }

    /// The spec that one imports under this name.
    #[must_use]
    pub fn import(&self, from: usize, name: &str) -> Option<usize> {
        self.imports.get(&import_path(&self.specs[from].path, name)).copied()
    }

    /// Checks one spec.
    #[must_use]
    pub fn check(&self, n: usize) -> Checked {
        let resolve = |from: &Source, name: &str| {
            let target = &self.specs[*self.imports.get(&import_path(Path::new(&from.path), name))?];
            Some((&target.file, &target.source))
        };
        let Meaning { module, tests, diags } = Meaning::of(&self.specs[n], &resolve);
        Checked { spec: n, module, tests, diags }
    }
}

impl Meaning {
    /// Checks a spec.
    fn of<'a>(spec: &'a Spec, resolve: &Imports<'a>) -> Meaning {
        let (mut diags, mut of_tests) = (spec.diags.clone(), Diags::default());
        let module = vibee_spec::check::check(&spec.file, &spec.source, resolve, &mut diags);
        let tests = vibee_spec::check::cases(&spec.file, &spec.source, resolve, &module, &mut of_tests);
        // Both read the headers of the file; what they both find is said once.
        let new = |d: &Diagnostic| diags.list.iter().all(|o| o.code != d.code || o.span != d.span);
        let new: Vec<Diagnostic> = of_tests.list.drain(..).filter(new).collect();
        diags.list.extend(new);
        Meaning { module, tests, diags }
    }
}

fn read(path: &Path, module: String, mode: Mode) -> Result<Spec, Unreadable> {
    let shown = path.to_string_lossy().replace('\\', "/");
    let (bytes, seen) = stamp::read(path).map_err(|e| Unreadable::new(path, e))?;
    let mut diags = Diags::default();
    let (source, file) = parse::read(&shown, &bytes, mode, &mut diags);
    Ok(Spec { path: path.to_path_buf(), module, source, seen, file, diags })
}

/// `functions` or `../nn/functions`, beside the importing file.
fn import_path(from: &Path, name: &str) -> PathBuf {
    let name = name.strip_suffix(".vibee").unwrap_or(name);
    from.parent().unwrap_or(Path::new("")).join(format!("{name}.vibee"))
}
