//! Spec files on disk: finding them, reading them, resolving imports.
//!
//! A module's path is its spec's path below the root, so `specs/nn/rmsnorm.vibee` becomes
//! `nn/rmsnorm`. Nothing here knows what specs mean.

use std::path::{Path, PathBuf};

use vibee_spec::ast;
use vibee_spec::check::Tests;
use vibee_spec::diag::{Diagnostic, Diags};
use vibee_spec::parse::{self, Mode};
use vibee_spec::span::Source;
use vibee_spec::term::Module;

/// One spec file, parsed.
#[derive(Debug)]
pub struct Spec {
    /// Where it is.
    pub path: PathBuf,
    /// Path below the root without extension, `/`-separated: where its Rust goes.
    pub module: String,
    /// Its text.
    pub source: Source,
    /// Its tree.
    pub file: ast::File,
    /// Findings of the parser.
    pub diags: Diags,
}

/// A spec with what the checker made of it.
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
}

/// A file that cannot be read. One that is no text is read: as an empty spec with a finding.
#[derive(Debug)]
pub struct Unreadable {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub why: std::io::Error,
}

/// All `.vibee` files below `paths`, sorted, each with the root it was found under.
///
/// # Errors
/// When a path does not exist or a folder cannot be listed.
pub fn find(paths: &[PathBuf]) -> Result<Vec<(PathBuf, PathBuf)>, Unreadable> {
    let mut out = Vec::new();
    for p in paths {
        let fail = |why| Unreadable { path: p.clone(), why };
        let meta = std::fs::metadata(p).map_err(fail)?;
        if meta.is_dir() {
            walk(p, p, &mut out, 0)?;
        } else {
            out.push((p.parent().map(Path::to_path_buf).unwrap_or_default(), p.clone()));
        }
    }
    out.sort_by(|a, b| a.1.cmp(&b.1));
    out.dedup_by(|a, b| a.1 == b.1);
    Ok(out)
}

/// Folders deeper than this are not specs but a loop of links.
const MAX_DEPTH: usize = 64;

fn walk(root: &Path, dir: &Path, out: &mut Vec<(PathBuf, PathBuf)>, depth: usize) -> Result<(), Unreadable> {
    let fail = |why| Unreadable { path: dir.to_path_buf(), why };
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(fail)?;
        if kind.is_dir() && depth < MAX_DEPTH {
            walk(root, &path, out, depth + 1)?;
        } else if path.extension().is_some_and(|e| e == "vibee") && !kind.is_dir() {
            out.push((root.to_path_buf(), path));
        }
    }
    Ok(())
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
        let mut project = Project::default();
        for (root, path) in find(paths)? {
            let module = path.strip_prefix(&root).unwrap_or(&path).with_extension("");
            let module = module.components().map(|c| c.as_os_str().to_string_lossy().into_owned());
            project.specs.push(read(&path, module.collect::<Vec<_>>().join("/"), mode)?);
        }
        project.asked = project.specs.len();
        // Imports from outside the paths asked for are read too, but not reported on.
        let mut n = 0;
        while n < project.specs.len() {
            let wanted: Vec<PathBuf> = project.specs[n]
                .file
                .imports
                .iter()
                .map(|i| import_path(&project.specs[n].path, &i.name))
                .collect();
            for path in wanted {
                if project.position(&path).is_none() && path.is_file() {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                    if let Ok(spec) = read(&path, stem, mode) {
                        project.specs.push(spec);
                    }
                }
            }
            n += 1;
        }
        Ok(project)
    }

    fn position(&self, path: &Path) -> Option<usize> {
        let wanted = canonical(path);
        self.specs.iter().position(|s| canonical(&s.path) == wanted)
    }

    /// The specs that one imports directly, as far as they exist.
    #[must_use]
    pub fn imports(&self, n: usize) -> Vec<usize> {
        self.specs[n].file.imports.iter().filter_map(|i| self.import(n, &i.name)).collect()
    }

    /// The spec that one imports under this name.
    #[must_use]
    pub fn import(&self, from: usize, name: &str) -> Option<usize> {
        self.position(&import_path(&self.specs[from].path, name))
    }

    /// The tree of what spec `n` imports as `name`.
    #[must_use]
    pub fn imported(&self, n: usize, name: &str) -> Option<&ast::File> {
        let target = self.position(&import_path(Path::new(&self.specs[n].source.path), name))?;
        Some(&self.specs[target].file)
    }

    /// Checks one spec.
    #[must_use]
    pub fn check(&self, n: usize) -> Checked {
        let spec = &self.specs[n];
        let (mut diags, mut of_tests) = (spec.diags.clone(), Diags::default());
        let resolve = |from: &Source, name: &str| {
            let target = self.position(&import_path(Path::new(&from.path), name))?;
            Some((&self.specs[target].file, &self.specs[target].source))
        };
        let module = vibee_spec::check::check(&spec.file, &spec.source, &resolve, &mut diags);
        let tests = vibee_spec::check::cases(&spec.file, &spec.source, &resolve, &module, &mut of_tests);
        // Both read the headers of the file; what they both find is said once.
        let new = |d: &Diagnostic| diags.list.iter().all(|o| o.code != d.code || o.span != d.span);
        let new: Vec<Diagnostic> = of_tests.list.drain(..).filter(new).collect();
        diags.list.extend(new);
        Checked { spec: n, module, tests, diags }
    }
}

fn read(path: &Path, module: String, mode: Mode) -> Result<Spec, Unreadable> {
    let shown = path.to_string_lossy().replace('\\', "/");
    let bytes = std::fs::read(path).map_err(|why| Unreadable { path: path.to_path_buf(), why })?;
    let mut diags = Diags::default();
    let (source, file) = parse::read(&shown, &bytes, mode, &mut diags);
    Ok(Spec { path: path.to_path_buf(), module, source, file, diags })
}

/// `functions` or `../nn/functions`, beside the importing file.
fn import_path(from: &Path, name: &str) -> PathBuf {
    let name = name.strip_suffix(".vibee").unwrap_or(name);
    from.parent().unwrap_or(Path::new("")).join(format!("{name}.vibee"))
}

fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
