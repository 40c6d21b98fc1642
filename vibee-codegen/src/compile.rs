//! Checking and emitting every spec of a project, on all cores, with results in spec order.
//!
//! Does not read or write files. A panic of the emitter is caught and becomes a finding about its
//! spec, so that one compiler bug never hides the rest.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use vibee_spec::diag::Diags;
use vibee_spec::term::Module;

use crate::emit;
use crate::project::{Checked, Project};

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

/// What the lints find in a spec.
#[must_use]
pub fn lint(project: &Project, n: usize) -> Diags {
    let spec = &project.specs[n];
    vibee_spec::lint::lint(&spec.file, &spec.source, &|name| project.imported(n, name))
}

/// Rust of a spec, nothing if it says nothing that becomes Rust, or why the compiler gave up.
pub fn rust(project: &Project, checked: &Checked) -> Result<Option<String>, String> {
    let m = &checked.module;
    if m.kernels.is_empty() && m.layers.is_empty() && m.models.is_empty() && m.declarations.is_empty() {
        return Ok(None);
    }
    module(m, &shown_path(project, checked.spec), &project.specs[checked.spec].module).map(Some)
}

/// Rust of a module, as [`emit::module`], or why the compiler gave up.
pub fn module(m: &Module, shown: &str, path: &str) -> Result<String, String> {
    catch_unwind(AssertUnwindSafe(|| emit::module(m, shown, path))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason").to_owned()
    })
}

/// Rust of every checked spec, as [`rust`], in the same order.
pub fn emit_all(
    project: &Project,
    checked: &[Checked],
    step: &(dyn Fn() + Sync),
) -> Vec<Result<Option<String>, String>> {
    let one = |c: &Checked| {
        let code = rust(project, c);
        step();
        code
    };
    checked.par_iter().map(one).collect()
}

/// A spec's path as generated code names it: from the folder that was asked for, whatever the
/// current folder is, so that output does not depend on where the command ran.
#[must_use]
pub fn shown_path(project: &Project, n: usize) -> String {
    let spec = &project.specs[n];
    let depth = spec.module.split('/').count();
    let absolute = std::path::absolute(&spec.path).unwrap_or_else(|_| spec.path.clone());
    let root = absolute.ancestors().nth(depth).and_then(|r| r.file_name());
    let file = format!("{}.vibee", spec.module);
    root.map_or(file.clone(), |r| format!("{}/{file}", r.to_string_lossy()))
}
