//! Functions that call themselves, directly or through others.
//!
//! Checked on the names alone, before anything is expanded.

use super::globals::{Cx, Global};
use super::visit;
use crate::ast;
use crate::diag::Diagnostic;

/// The functions a function's text calls.
fn callees(cx: &Cx<'_>, file: usize, at: usize) -> Vec<(usize, usize)> {
    let unit = &cx.units[file];
    let f: &ast::Function = &unit.file.functions[at];
    let mut out = vec![];
    for e in f.lets.iter().map(|(_, e)| e).chain([&f.body]) {
        visit::all(e, &mut |e| {
            if let ast::ExprKind::Call { callee, .. } = &e.kind
                && let Some((Global::Function(file, at), _)) = unit.names.get(callee.name.as_str())
                && !out.contains(&(*file, *at))
            {
                out.push((*file, *at));
            }
        });
    }
    out
}

/// A path from a function back to itself, if there is one.
fn cycle(cx: &Cx<'_>, start: (usize, usize)) -> Option<Vec<(usize, usize)>> {
    let mut seen = vec![start];
    let mut open = vec![vec![start]];
    while let Some(path) = open.pop() {
        let last = *path.last()?;
        for next in callees(cx, last.0, last.1) {
            if next == start {
                return Some(path);
            }
            if !seen.contains(&next) {
                seen.push(next);
                let mut longer = path.clone();
                longer.push(next);
                open.push(longer);
            }
        }
    }
    None
}

/// Whether expanding a function would come back to it.
pub(super) fn on_cycle(cx: &mut Cx<'_>, file: usize, at: usize) -> bool {
    if let Some(known) = cx.cyclic.get(&(file, at)) {
        return *known;
    }
    // A function that only calls into a cycle does not come back to itself, but expanding it
    // would not end either: the functions on the cycle stop it.
    let found = cycle(cx, (file, at)).is_some();
    cx.cyclic.insert((file, at), found);
    found
}

/// Reports every cycle of the file being checked, once.
pub(super) fn report(cx: &mut Cx<'_>) {
    let file: &ast::File = cx.units[0].file;
    let mut told: Vec<(usize, usize)> = vec![];
    for (at, f) in file.functions.iter().enumerate() {
        if !matches!(cx.units[0].names.get(f.name.name.as_str()), Some((Global::Function(0, own), _)) if *own == at)
        {
            continue;
        }
        let Some(path) = cycle(cx, (0, at)) else { continue };
        if path.iter().any(|p| told.contains(p)) {
            continue;
        }
        told.extend(&path);
        let name = |p: &(usize, usize)| cx.units[p.0].file.functions[p.1].name.name.clone();
        let mut names: Vec<String> = path.iter().map(name).collect();
        names.push(f.name.name.clone());
        let mut d = Diagnostic::error(
            "V0213",
            f.name.span,
            format!("the function `{}` calls itself", f.name.name),
        )
        .note(format!("the cycle is {}", names.join(" → ")))
        .hint("functions are expanded where they stand, so they cannot recurse; a fold may say the same");
        for p in path.iter().skip(1).filter(|p| p.0 == 0) {
            d = d.also(file.functions[p.1].name.span, "through this function");
        }
        cx.report(0, d);
    }
}
