//! The table of all modules, in Markdown. What it says is decided in [`super::status`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Results;
use super::facts::{self, Facts};
use super::status::{State, Status};
use crate::emit;
use crate::project::{Checked, Project};

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Path of the module, `nn/rmsnorm`.
    pub module: String,
    /// The spec's file.
    pub spec: PathBuf,
    /// The generated file, if there is one.
    pub generated: Option<PathBuf>,
    /// What may be said.
    pub status: Status,
}

/// Rows of all specs that were asked for, in path order. `results` come with their file's place.
#[must_use]
pub fn rows(
    project: &Project,
    checked: &[Checked],
    results: (&Path, &Results),
    generated: &Path,
) -> Vec<Row> {
    let result = |spec: &Path| results.1.specs.get(&facts::key(results.0, spec)?);
    let row = |c: &Checked| {
        let spec = &project.specs[c.spec];
        let file: Vec<String> = spec.module.split('/').map(emit::module_ident).collect();
        let file = generated.join(file.join("/")).with_extension("rs");
        Row {
            module: spec.module.clone(),
            spec: spec.path.clone(),
            generated: file.is_file().then_some(file),
            status: Status::of(&Facts::of(project, c), result(&spec.path)),
        }
    };
    checked.iter().map(row).collect()
}

const HEAD: &str = "\
# Modules

<!-- Made by `vibee modules`; do not edit. -->

Every spec, what is generated from it, and what was run. The last column is computed from recorded results of
the spec's present text: a spec that was changed since is *untested*, whatever it was before. *Tested* means
that all its kernels, compiled for every level named, agreed with the interpreter within its bound, and that
its cases and laws hold; or that an implementation passed its conformance suite. *Declared* means that it has
nothing that runs.

```sh
cargo vibee test specs/ --record specs/results.json      # test, and keep the results
cargo vibee modules specs/ --out docs/MODULES.md         # make this page from them
```
";

/// The page, with links from the folder it will lie in.
#[must_use]
pub fn markdown(rows: &[Row], folder: &Path) -> String {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for r in rows {
        let group = r.module.rsplit_once('/').map_or("", |(group, _)| group);
        groups.entry(group).or_default().push(r);
    }
    let mut out = HEAD.to_owned();
    out += "\n";
    for state in [State::Tested, State::Declared, State::Untested, State::Failing] {
        let n = rows.iter().filter(|r| r.status.state == state).count();
        out += &format!("{}{n} {}", if state == State::Tested { "" } else { ", " }, state.word());
    }
    out += &format!(", {} in all.\n", rows.len());
    for (group, rows) in groups {
        let title = if group.is_empty() { "specs" } else { group };
        out += &format!(
            "\n## {title}\n\n| module | spec | generated | state | what ran |\n|---|---|---|---|---|\n"
        );
        for r in rows {
            let name = r.module.rsplit('/').next().unwrap_or_default();
            let generated = r.generated.as_ref().map_or("–".to_owned(), |g| link(folder, g));
            let (state, text) = (r.status.state.word(), r.status.text());
            out += &format!("| {name} | {} | {generated} | {state} | {text} |\n", link(folder, &r.spec));
        }
    }
    out
}

/// `[rmsnorm.vibee](../specs/nn/rmsnorm.vibee)`.
fn link(folder: &Path, to: &Path) -> String {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    format!("[{name}]({})", facts::relative(folder, to))
}
