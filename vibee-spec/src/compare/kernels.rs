//! Kernels: signatures, constraints, equations.

use super::Changes;
use super::Effect::{Breaks, Compatible, Results};
use crate::term::{Check, Def, Int, Kernel, Module, Names, Node, ParamRef, text};
use std::collections::HashSet;

pub(super) fn kernels(old: &Module, new: &Module, changes: &mut Changes) {
    for (old, new) in changes.pairs("kernel", &old.kernels, &new.kernels, |k: &Kernel| &k.name) {
        kernel(old, new, "kernel", changes);
    }
}

fn kernel(old: &Kernel, new: &Kernel, kind: &'static str, changes: &mut Changes) {
    let name = new.name.as_str();
    let (was, is) = (anonymous(old), anonymous(new));
    let fits =
        lists(&params(old), &params(&was), &params(new), &params(&is), "argument", kind, name, changes)
            & lists(
                &outputs(old),
                &outputs(&was),
                &outputs(new),
                &outputs(&is),
                "output",
                kind,
                name,
                changes,
            );
    if !fits {
        return;
    }
    constraints((old, &was), (new, &is), kind, name, changes);
    if body(&was) != body(&is) {
        changes.add(Results, kind, name, "computes something else");
    } else if old.specialise != new.specialise {
        changes.add(Compatible, kind, name, "is specialised for other sizes");
    }
}

/// A part of a signature: its name and its type.
type Part = (String, String);

/// Compares arguments or outputs. `was` and `is` have the types with sizes called by number.
#[allow(clippy::too_many_arguments, reason = "two kernels in two forms, and where to report")]
fn lists(
    old: &[Part],
    was: &[Part],
    new: &[Part],
    is: &[Part],
    what: &str,
    kind: &'static str,
    name: &str,
    changes: &mut Changes,
) -> bool {
    if old.len() != new.len() {
        let shown = |list: &[Part]| {
            let parts: Vec<_> = list.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
            parts.join(", ")
        };
        let what = format!("the {what}s are `{}`, they were `{}`", shown(new), shown(old));
        changes.add(Breaks, kind, name, what);
        return false;
    }
    let names = |list: &[Part]| list.iter().map(|part| part.0.clone()).collect::<Vec<_>>();
    let (mut before, mut after) = (names(old), names(new));
    let is_other_order = before != after && {
        before.sort();
        after.sort();
        before == after
    };
    if is_other_order {
        changes.add(Breaks, kind, name, format!("the {what}s are in another order"));
        return false;
    }
    let mut fits = true;
    for n in 0..old.len() {
        let (old_name, new_name) = (&old[n].0, &new[n].0);
        if old_name != new_name {
            let what = format!("the {what} `{old_name}` is called `{new_name}`; uses by name break");
            changes.add(Breaks, kind, name, what);
        }
        if was[n].1 != is[n].1 {
            let what = format!("the {what} `{new_name}` is `{}`, it was `{}`", new[n].1, old[n].1);
            changes.add(Breaks, kind, name, what);
            fits = false;
        }
    }
    fits
}

fn params(k: &Kernel) -> Vec<Part> {
    let names = Names::of(k);
    let part = |param: &ParamRef| match param {
        ParamRef::Input(i) => {
            let input = k.input(*i);
            (input.name.clone(), names.tensor(&input.dtype, &input.shape))
        }
        ParamRef::Dim(d) => (k.dims[d.index()].name.clone(), "dim".to_owned()),
    };
    k.params.iter().map(part).collect()
}

fn outputs(k: &Kernel) -> Vec<Part> {
    let names = Names::of(k);
    let part = |o: &crate::term::Output| {
        let def = k.def(o.def);
        (o.name.clone(), names.tensor(&def.dtype, &def.shape))
    };
    k.outputs.iter().map(part).collect()
}

/// Constraints that came or went.
fn constraints(
    (old, was): (&Kernel, &Kernel),
    (new, is): (&Kernel, &Kernel),
    kind: &'static str,
    name: &str,
    changes: &mut Changes,
) {
    let (before, after) = (checks(was), checks(is));
    for (n, _) in after.iter().enumerate().filter(|(_, check)| !before.contains(check)) {
        let what = format!("refuses more: {}", shown(new, n));
        changes.add(Breaks, kind, name, what);
    }
    for (n, _) in before.iter().enumerate().filter(|(_, check)| !after.contains(check)) {
        let what = format!("no longer refuses: {}", shown(old, n));
        changes.add(Compatible, kind, name, what);
    }
}

fn checks(k: &Kernel) -> Vec<String> {
    (0..k.checks.len()).map(|n| shown(k, n)).collect()
}

fn shown(k: &Kernel, n: usize) -> String {
    let mut one = k.clone();
    one.checks = vec![k.checks[n].clone()];
    one.defs.clear();
    one.outputs.clear();
    let text = text::kernel(&one);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("check "));
    line.unwrap_or_default().to_owned()
}

/// What a kernel computes, names apart.
pub(super) fn body(anonymous: &Kernel) -> String {
    let defs: Vec<_> = anonymous.defs.iter().map(|def| definition(anonymous, def)).collect();
    let outputs: Vec<_> = anonymous.outputs.iter().map(|o| anonymous.def(o.def).name.clone()).collect();
    format!("{}\n{}", defs.join("\n"), outputs.join(", "))
}

/// One definition; its letters are numbered anew, since several may share one.
fn definition(k: &Kernel, def: &Def) -> String {
    let mut letters = def.indices.clone();
    let mut open = vec![def.body];
    let mut seen = HashSet::new();
    while let Some(expr) = open.pop() {
        if !seen.insert(expr) {
            continue;
        }
        if let Node::Fold { over, .. } = k.exprs.node(expr) {
            letters.extend(over);
        }
        open.extend(k.exprs.children(expr));
    }
    let mut k = k.clone();
    for (n, letter) in letters.iter().enumerate() {
        k.indices[letter.index()].name = format!("i{n}");
    }
    text::def(&k, def)
}

/// The kernel with everything called by its number.
pub(super) fn anonymous(k: &Kernel) -> Kernel {
    let mut k = k.clone();
    k.dims.iter_mut().enumerate().for_each(|(n, dim)| dim.name = format!("N{n}"));
    k.inputs.iter_mut().enumerate().for_each(|(n, input)| input.name = format!("a{n}"));
    k.defs.iter_mut().enumerate().for_each(|(n, def)| def.name = format!("d{n}"));
    k.indices.iter_mut().enumerate().for_each(|(n, index)| index.name = format!("i{n}"));
    for check in &mut k.checks {
        if let Check::InRange { text, domain, .. } = check {
            *text = format!("an access in {} loops", domain.iter().filter(|e| **e != Int::default()).count());
        }
    }
    k
}
