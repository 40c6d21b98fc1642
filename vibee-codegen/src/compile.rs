//! Checking and emitting specs on all cores, with results in spec order.
//!
//! Does not write files. A panic of the emitter is caught and becomes a finding about its spec, so
//! that one compiler bug never hides the rest.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use vibee_spec::diag::Diags;
use vibee_spec::lint;
use vibee_spec::span::Source;
use vibee_spec::term::Module;

use crate::emit;
use crate::project::find::Found;
use crate::project::imports::{Library, Probe, Unit, real};
use crate::project::stamp::Seen;
use crate::project::{Checked, Meaning, Project, Spec, Unreadable};

/// Stack of every worker: expressions are trees, and passes recurse over them.
const STACK_BYTES: usize = 64 << 20;

/// Runs `work` on a pool of `jobs` threads (all cores if `None`) with deep stacks.
///
/// # Errors
/// When the system refuses the threads.
pub fn on_pool<T: Send>(
    jobs: Option<usize>,
    work: impl FnOnce() -> T + Send,
) -> Result<T, rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(0)).stack_size(STACK_BYTES);
    Ok(pool.build()?.install(work))
}

/// Checks every spec that was asked for. `step` is called after each, from any thread.
pub fn check_all(project: &Project, step: &(dyn Fn() + Sync)) -> Vec<Checked> {
    let one = |n| {
        let checked = project.check(n);
        step();
        checked
    };
    (0..project.asked).into_par_iter().map(one).collect()
}

/// Rust of a spec that means `m`, nothing if it says nothing that becomes Rust, or why the compiler
/// gave up. `shown` is the spec's path as generated code names it.
pub fn rust(spec: &Spec, m: &Module, shown: &str) -> Result<Option<String>, String> {
    if m.kernels.is_empty() && m.layers.is_empty() && m.models.is_empty() && m.declarations.is_empty() {
        return Ok(None);
    }
    module(m, shown, &spec.module).map(Some)
}

/// Rust of a module, as [`emit::module`], or why the compiler gave up.
pub fn module(m: &Module, shown: &str, path: &str) -> Result<String, String> {
    catch_unwind(AssertUnwindSafe(|| emit::module(m, shown, path))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason").to_owned()
    })
}

/// A spec's path as generated code names it: from the folder that was asked for, whatever the
/// current folder is, so that output does not depend on where the command ran.
#[must_use]
pub fn shown_path(project: &Project, n: usize) -> String {
    project.shown(n).to_owned()
}

/// Findings about one file, with the text to show them in.
#[derive(Debug)]
pub struct Findings {
    /// The file.
    pub source: Source,
    /// What was found.
    pub diags: Diags,
}

/// A spec that was checked; its tree is gone.
#[derive(Debug)]
pub struct Passed {
    /// All findings, if there are any.
    pub findings: Option<Findings>,
    /// Its meaning, if it has layers or models.
    pub parts: Option<Module>,
}

/// Checks and lints files one by one, on all cores: no more trees exist at once than threads. `step` is called
/// after each, from any thread. A function that another of the files uses is not called unused.
///
/// # Errors
/// The first file that cannot be read.
pub fn check_each(
    found: &[Found],
    library: &Library,
    step: &(dyn Fn() + Sync),
) -> Result<Vec<Passed>, Unreadable> {
    let one = |f: &Found| {
        let unit = library.load(&f.path, f.module.clone())?;
        let Meaning { module, mut diags, .. } = unit.check();
        if !diags.has_errors() {
            diags.list.extend(unit.lint().list);
        }
        step();
        let parts = (!module.layers.is_empty() || !module.models.is_empty()).then_some(module);
        let uses = unit.uses();
        Ok((Passed { findings: Findings::of(unit.spec.source, diags), parts }, uses))
    };
    let all: Vec<Result<(Passed, Uses), Unreadable>> = found.par_iter().map(one).collect();
    let all: Vec<(Passed, Uses)> = all.into_iter().collect::<Result<_, _>>()?;
    let mut used: HashMap<PathBuf, HashSet<String>> = HashMap::new();
    let mut passed = Vec::with_capacity(all.len());
    for (one, uses) in all {
        uses.into_iter().for_each(|(path, names)| used.entry(path).or_default().extend(names));
        passed.push(one);
    }
    for (p, f) in passed.iter_mut().zip(found) {
        p.findings = p.findings.take().and_then(|findings| findings.without_used(&f.path, &used));
    }
    Ok(passed)
}

/// What a spec uses of each file that it imports.
type Uses = Vec<(PathBuf, Vec<String>)>;

impl Findings {
    fn of(source: Source, diags: Diags) -> Option<Findings> {
        (!diags.list.is_empty()).then_some(Findings { source, diags })
    }

    /// Those that are still findings where `used` is known to be used of the file at each path.
    fn without_used(self, path: &Path, used: &HashMap<PathBuf, HashSet<String>>) -> Option<Findings> {
        let Findings { source, mut diags } = self;
        if diags.list.iter().any(lint::is_about_use)
            && let Some(names) = used.get(&real(path))
        {
            diags.list.retain(|d| !lint::is_about_use(d) || !names.contains(&source.text[d.span.range()]));
        }
        Findings::of(source, diags)
    }
}

/// What became of one spec.
#[derive(Debug)]
pub struct Compiled {
    /// How the file was seen.
    pub seen: Seen,
    /// Everywhere imports were looked for.
    pub probes: Vec<Probe>,
    /// All findings, if there are any.
    pub findings: Option<Findings>,
    /// Its Rust, nothing if there is none, or why the compiler gave up.
    pub code: Result<Option<String>, String>,
}

/// Time spent in stages, summed over threads.
#[derive(Debug, Default)]
pub struct Clock {
    /// Nanoseconds of reading and parsing.
    pub parse: AtomicU64,
    /// Nanoseconds of checking.
    pub check: AtomicU64,
    /// Nanoseconds of making Rust.
    pub emit: AtomicU64,
}

impl Clock {
    fn time<T>(counter: &AtomicU64, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        counter.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }
}

/// Compiles one file; its tree is gone when this returns.
///
/// # Errors
/// When the file cannot be read.
pub fn one(
    path: &Path,
    module: &str,
    shown: &str,
    library: &Library,
    clock: &Clock,
) -> Result<Compiled, Unreadable> {
    let unit = Clock::time(&clock.parse, || library.load(path, module.to_owned()))?;
    let Meaning { module: terms, diags, .. } = Clock::time(&clock.check, || unit.check());
    let code = match diags.has_errors() {
        true => Ok(None),
        false => Clock::time(&clock.emit, || rust(&unit.spec, &terms, shown)),
    };
    let Unit { spec, probes, .. } = unit;
    Ok(Compiled { seen: spec.seen, probes, findings: Findings::of(spec.source, diags), code })
}
