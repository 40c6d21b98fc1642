//! A tree, or what keeps modules from being one, for programs.

use serde_json::{Value, json};

use super::{View, look};
use crate::tree::{Problem, ProblemKind};

/// A planned tree.
#[must_use]
pub fn json(view: &View<'_>) -> Value {
    let layer = |name: &String| view.layers.iter().position(|l| l.contains(name));
    let module = |m: &crate::tree::Module| {
        json!({
            "name": m.name,
            "requires": m.requires,
            "effort": m.effort,
            "status": look(m.status).word,
            "reasons": view.reasons.get(m.name.as_str()),
            "layer": layer(&m.name),
        })
    };
    json!({
        "modules": view.tree.modules().map(module).collect::<Vec<_>>(),
        "layers": view.layers,
        "frontier": view.frontier,
        "critical_path": { "modules": view.critical.modules, "effort": view.critical.effort },
    })
}

/// Problems instead of a tree.
#[must_use]
pub fn problems(problems: &[Problem]) -> Value {
    let problem = |p: &Problem| json!({ "kind": kind(p.kind), "path": p.path, "suggestion": p.suggestion });
    json!({ "problems": problems.iter().map(problem).collect::<Vec<_>>() })
}

/// As the spec calls it.
fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Duplicate => "duplicate",
        ProblemKind::Effort => "effort",
        ProblemKind::Missing => "missing",
        ProblemKind::Cycle => "cycle",
    }
}
