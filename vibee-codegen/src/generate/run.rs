//! One run from specs to files: look, compile what has to be, plan, write, remember.
//!
//! Prints nothing; what happened is in the [`Report`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::Result;
use rayon::prelude::*;
use vibee_spec::parse;

use super::cache::{self, Cache, Place, Seen};
use super::compare::{Comparison, Trust, compare};
use super::lock::Lock;
use super::manifest;
use super::patch;
use super::plan::{Plan, manifest_path, plan};
use super::remember;
use super::timings::{Stage, Timings};
use super::tree::{self, Body, Emitted, Files, rust_file};
use super::write;
use crate::compile::{self, Clock, Compiled, Findings};
use crate::project::Unreadable;
use crate::project::find::{Found, Naming, find};
use crate::project::imports::Library;
use crate::project::stamp::{Digest, Stamp};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Specs, or folders of specs.
    pub paths: &'a [PathBuf],
    /// Where the module tree goes.
    pub out: &'a Path,
    /// How strictly specs are read.
    pub reading: parse::Mode,
    /// Everything else that output or findings depend on, as text: a cache made with other options
    /// is no cache.
    pub options: &'a str,
    /// What to do with differences.
    pub mode: Mode,
}

/// What to do with differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Write, unless something speaks against it.
    Write,
    /// Write even over files edited by hand.
    Force,
    /// Only tell. Every file is read, no stamp is believed.
    Check,
}

/// Who is told how it goes, from any thread.
pub trait Progress: Sync {
    /// Another run has the lock.
    fn waiting(&self);
    /// This many specs are about to be compiled.
    fn compiling(&self, specs: usize);
    /// One of them has been.
    fn compiled(&self);
    /// Whether these findings forbid writing: there are errors, or warnings that are to be errors.
    fn forbids(&self, findings: &Findings) -> bool;
}

/// What happened.
#[derive(Debug, Default)]
pub struct Report {
    /// Findings about what was compiled, in spec order.
    pub findings: Vec<Findings>,
    /// Specs on which the compiler gave up, and why.
    pub bugs: Vec<String>,
    /// Pairs of specs that would get the same file.
    pub clashes: Vec<String>,
    /// Whether findings forbid writing.
    pub forbidden: bool,
    /// Warnings of specs that were not compiled again.
    pub old_warnings: usize,
    /// What differs on disk; `None` if that was not found out because of errors, or if nothing does.
    pub plan: Option<Plan>,
    /// Files that are as they should be.
    pub unchanged: usize,
    /// Whether the differences are gone now.
    pub written: bool,
    /// Where the time went, and how much was done.
    pub timings: Timings,
}

impl Report {
    /// Whether there is anything that forbids writing, other than files edited by hand.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        !self.bugs.is_empty() || !self.clashes.is_empty() || self.forbidden
    }
}

/// Does what is asked for.
///
/// # Errors
/// When something cannot be read or written.
pub fn run(request: &Request<'_>, progress: &dyn Progress) -> Result<Report> {
    let mut report = Report::default();
    let began = Instant::now();
    let place = Place::of(request.out);
    let _lock = Lock::take(&place.lock, request.mode != Mode::Check, &|| progress.waiting());
    let start = SystemTime::now();
    let key = key(request);
    let bytes = cache::load(&place.cache);
    let (found, old) =
        rayon::join(|| find(request.paths), || bytes.as_deref().and_then(|b| cache::read(b, &key)));
    let found = found.map_err(cannot_read)?;
    report.timings.specs = found.len();
    report.timings.stage(Stage::Find, began);
    let began = Instant::now();
    let at = manifest_path(request.out);
    let trust = if request.mode == Mode::Check { Trust::Contents } else { Trust::Stamps };
    let compared = match &old {
        Some(old) => compare(&found, old, request.out, &at, trust),
        None => Comparison { current: vec![None; found.len()], ..Comparison::default() },
    };
    report.timings.opened = compared.opened;
    report.timings.stage(Stage::Compare, began);
    let mut work = Work { request, progress, found, old, compared, start, done: HashMap::new() };
    if let Some(old) = &work.old {
        report.old_warnings =
            work.compared.current.iter().flatten().map(|n| old.specs[*n].warnings as usize).sum();
    }
    if work.nothing_to_do(&at) {
        report.unchanged = work.compared.files.len();
        report.written = true;
        if work.compared.restamped && request.mode != Mode::Check {
            let began = Instant::now();
            cache::save(&place.cache, &remember::stamps(&work, &key));
            report.timings.stage(Stage::Remember, began);
        }
        return Ok(report);
    }
    let stale = (0..work.found.len()).filter(|n| work.compared.current[*n].is_none()).collect();
    work.compile(stale, &mut report)?;
    if report.has_errors() {
        return Ok(report);
    }
    let mut began = Instant::now();
    let plan = match work.patch(&at) {
        Some(plan) => plan,
        None => {
            let Some(files) = work.lay_out(&mut report)? else { return Ok(report) };
            if report.has_errors() {
                return Ok(report);
            }
            began = Instant::now();
            work.plan(files)?
        }
    };
    report.unchanged = plan.unchanged;
    report.timings.stage(Stage::Plan, began);
    let clean = plan.is_clean();
    let allowed = match request.mode {
        Mode::Check => false,
        Mode::Force => true,
        Mode::Write => plan.conflicts.is_empty(),
    };
    if allowed {
        let began = Instant::now();
        let stamps = write::apply(&plan)?;
        report.timings.written = plan.changes.iter().filter(|c| c.new.is_some()).count();
        report.timings.removed = plan.changes.len() - report.timings.written;
        report.timings.stage(Stage::Write, began);
        let began = Instant::now();
        let written = work.written(&plan, &stamps);
        cache::save(&place.cache, &remember::all(&work, &key, &plan, &written));
        report.timings.stage(Stage::Remember, began);
    }
    report.written = clean || allowed;
    report.plan = Some(plan);
    Ok(report)
}

fn cannot_read(e: Unreadable) -> anyhow::Error {
    anyhow::Error::new(e.why).context(format!("cannot read {}", e.path.display()))
}

/// What a cache must have been made with to be one.
fn key(request: &Request<'_>) -> String {
    let mut key = format!("{}\n{:?}\n{}\n", cache::BUILD, request.reading, request.options);
    for p in request.paths {
        let absolute = std::path::absolute(p).unwrap_or_else(|_| p.clone());
        key += &absolute.to_string_lossy();
        key.push('\n');
    }
    key
}

/// A run under way.
pub(super) struct Work<'a> {
    request: &'a Request<'a>,
    progress: &'a dyn Progress,
    pub found: Vec<Found>,
    pub old: Option<Cache<'a>>,
    pub compared: Comparison,
    /// When the run began: before anything was read.
    pub start: SystemTime,
    /// Specs that were compiled, by position in `found`.
    pub done: HashMap<usize, Done>,
}

/// What is kept of a compiled spec.
pub(super) struct Done {
    pub seen: Seen,
    /// Where imports were looked for, from the root of the file system, and what was there.
    pub probes: Vec<(String, Option<Seen>)>,
    pub warnings: u32,
    /// Its Rust, until that is laid out.
    pub code: Option<String>,
    /// Place of its Rust, without extension.
    pub file: Option<String>,
}

impl Work<'_> {
    fn nothing_to_do(&self, manifest: &Path) -> bool {
        let c = &self.compared;
        self.old.is_some()
            && c.removed == 0
            && c.current.iter().all(Option::is_some)
            && c.files.iter().all(Option::is_some)
            && c.manifest.is_some()
            && !manifest.with_file_name(manifest::JOURNAL).exists()
    }

    /// Compiles the specs at these positions in `found`.
    fn compile(&mut self, stale: Vec<usize>, report: &mut Report) -> Result<()> {
        if stale.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        self.progress.compiling(stale.len());
        let (library, clock) = (Library::new(self.request.reading), Clock::default());
        let naming = Naming::new(self.request.paths);
        let one = |n: usize| {
            let found = &self.found[n];
            let compiled = compile::one(&found.path, &found.module, &naming.shown(found), &library, &clock);
            self.progress.compiled();
            (n, compiled)
        };
        let all: Vec<(usize, Result<Compiled, Unreadable>)> = stale.into_par_iter().map(one).collect();
        report.timings.compiled += all.len();
        for (n, compiled) in all {
            let compiled = compiled.map_err(cannot_read)?;
            let warnings = compiled.findings.as_ref().map_or(0, |f| f.diags.list.len() as u32);
            report.forbidden |= compiled.findings.as_ref().is_some_and(|f| self.progress.forbids(f));
            report.findings.extend(compiled.findings);
            let code = compiled.code.unwrap_or_else(|why| {
                report.bugs.push(format!("{}: a bug in vibee: {why}", naming.shown(&self.found[n])));
                None
            });
            let file = code.as_ref().map(|_| rust_file(&self.found[n].module));
            let probes = compiled.probes.into_iter().map(|p| {
                let path = std::path::absolute(&p.path).unwrap_or(p.path);
                (path.to_string_lossy().into_owned(), p.found.map(|s| Seen::settled(&s, self.start)))
            });
            let probes = probes.collect();
            let seen = Seen::settled(&compiled.seen, self.start);
            self.done.insert(n, Done { seen, probes, warnings, code, file });
        }
        report.timings.clock(&clock);
        report.timings.stage(Stage::Compile, began);
        Ok(())
    }

    /// Path of the Rust of a spec that was not compiled again, with its digest.
    fn kept(&self, n: usize) -> Option<(&str, Digest)> {
        let old = self.old.as_ref()?;
        let file = &old.files[old.specs[self.compared.current[n]?].file? as usize];
        Some((file.path.strip_suffix(".rs").unwrap_or(file.path), file.seen.digest))
    }

    /// Kept specs that stand beside their folder, if any spec's Rust has come or gone: what they
    /// declare may be different now.
    fn outdated_parents(&self) -> Vec<usize> {
        let Some(old) = &self.old else { return vec![] };
        let current: HashSet<usize> = self.compared.current.iter().flatten().copied().collect();
        let before: BTreeSet<&str> = old
            .specs
            .iter()
            .enumerate()
            .filter(|(n, _)| !current.contains(n))
            .filter_map(|(_, k)| old.files[k.file? as usize].path.strip_suffix(".rs"))
            .collect();
        let after: BTreeSet<&str> = self.done.values().filter_map(|d| d.file.as_deref()).collect();
        let mut folders: HashSet<&str> = HashSet::new();
        for path in before.symmetric_difference(&after) {
            let mut rest = *path;
            while let Some((folder, _)) = rest.rsplit_once('/') {
                folders.insert(folder);
                rest = folder;
            }
        }
        let is_parent = |n: &usize| self.kept(*n).is_some_and(|(path, _)| folders.contains(path));
        (0..self.found.len()).filter(|n| !self.done.contains_key(n)).filter(is_parent).collect()
    }

    /// The tree of all files; `None` if specs clash.
    fn lay_out(&mut self, report: &mut Report) -> Result<Option<Files>> {
        self.compile(self.outdated_parents(), report)?;
        let began = Instant::now();
        let naming = Naming::new(self.request.paths);
        let mut emitted = Vec::with_capacity(self.found.len());
        for n in 0..self.found.len() {
            let spec = || naming.shown(&self.found[n]);
            match self.done.get_mut(&n) {
                Some(Done { code, file: Some(path), .. }) => {
                    let body = Body::Text(code.take().unwrap_or_default());
                    emitted.push(Emitted { path: path.clone(), spec: spec(), body });
                }
                Some(_) => {}
                None => emitted.extend(self.kept(n).map(|(path, digest)| Emitted {
                    path: path.to_owned(),
                    spec: spec(),
                    body: Body::Kept(digest),
                })),
            }
        }
        let mut files = match tree::files(emitted) {
            Ok(files) => files,
            Err(clashes) => {
                report.clashes = clashes;
                return Ok(None);
            }
        };
        // Parents are written anew each time, and mostly to the same text.
        for (path, file) in files.iter_mut().filter(|(_, f)| f.spec.is_none()) {
            let Body::Text(text) = &file.body else { continue };
            let digest = Digest::of(text.as_bytes());
            if self.on_disk(path).is_some_and(|seen| seen.digest == digest) {
                file.body = Body::Kept(digest);
            }
        }
        report.timings.stage(Stage::LayOut, began);
        Ok(Some(files))
    }

    /// How a known file was seen, if it is still as it was.
    pub fn on_disk(&self, path: &str) -> Option<Seen> {
        let n = self.old.as_ref()?.files.binary_search_by(|f| f.path.cmp(path)).ok()?;
        self.compared.files[n]
    }

    /// The plan if only specs were edited.
    fn patch(&mut self, at: &Path) -> Option<Plan> {
        patch::plan(self.request.out, at, self.old.as_ref()?, &self.compared, &mut self.done)
    }

    fn plan(&self, files: Files) -> Result<Plan> {
        let naming = Naming::new(self.request.paths);
        let given: HashSet<String> = self.found.iter().map(|f| naming.shown(f)).collect();
        let roots: Vec<PathBuf> =
            self.request.paths.iter().filter_map(|p| std::path::absolute(p).ok()).collect();
        let exists = |spec: &str| !given.contains(spec) && elsewhere(&roots, spec);
        plan(self.request.out, files, &exists)
    }

    /// How each file that was written may be remembered: not if anything has touched it since.
    fn written<'p>(&self, plan: &'p Plan, stamps: &[Option<Stamp>]) -> Written<'p> {
        let now = SystemTime::now();
        let settled = |path: &Path, stamp: Stamp| {
            let again = Stamp::of(&fs::metadata(path).ok()?);
            (again == stamp).then(|| stamp.settled(now)).flatten()
        };
        let all = plan.changes.par_iter().zip(stamps).with_min_len(64);
        let files = all.filter_map(|(change, stamp)| {
            Some((change.path.as_str(), settled(&self.request.out.join(&change.path), (*stamp)?)?))
        });
        Written { files: files.collect() }
    }
}

/// Stamps of files that were written by this run and not touched since.
pub(super) struct Written<'p> {
    pub files: HashMap<&'p str, Stamp>,
}

/// Whether a spec named in the manifest exists near the paths given now: `specs/nn/rope.vibee`
/// beside `specs/nn` or `specs`.
fn elsewhere(roots: &[PathBuf], spec: &str) -> bool {
    roots.iter().flat_map(|r| r.ancestors()).any(|folder| folder.join(spec).is_file())
}
