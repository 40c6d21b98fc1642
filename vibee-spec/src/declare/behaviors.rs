//! Behaviours → methods: one each, in file order, with its signature if it has one.
//!
//! In a spec with kernels, functions, layers or models, behaviours describe those and are methods
//! only if they have a `signature`. In any other spec every behaviour is a method: something that
//! somebody implements.

use super::infer;
use super::signature::{self, Signature};
use super::units::Cx;
use super::{Interface, Method, Type, names};
use crate::ast::{Behavior, Node, NodeKind};
use crate::diag::Diagnostic;

/// Keys of a behaviour that become documentation, and the word in front of each.
const DOCUMENTED: &[(&str, &str)] = &[
    ("formula", "Formula"),
    ("complexity", "Complexity"),
    ("scientific_basis", "Basis"),
    ("papers", "Papers"),
    ("sources", "Sources"),
    ("source", "Source"),
    ("benchmark", "Benchmark"),
];

/// Keys whose values describe the result of a signature that could not be read.
const TYPED: &[(&str, &str)] = &[("params", "Arguments"), ("returns", "Returns")];

/// Resolves the behaviours that are methods.
pub(super) fn behaviors(cx: &mut Cx<'_, '_>) {
    let file = cx.files[0].file;
    let describes = cx.out.units[0].computes || !file.functions.is_empty();
    let methods: Vec<&Behavior> = file
        .behaviors
        .iter()
        .filter(|b| !b.name.name.trim().is_empty())
        .filter(|b| !describes || find(b, "signature").is_some())
        .collect();
    if methods.is_empty() {
        return;
    }
    cx.once(methods.iter().map(|b| &b.name), names::snake, "behaviour");
    let name = file.module.as_ref().or(file.name.as_ref()).map_or("spec", |n| n.name.as_str());
    cx.out.interface = Interface { name: name.to_owned(), methods: vec![] };
    for b in methods {
        let method = method(cx, b);
        cx.out.interface.methods.push(method);
    }
}

fn find<'b>(b: &'b Behavior, key: &str) -> Option<&'b Node> {
    b.other.iter().find(|(k, _)| k.name == key).map(|(_, v)| v)
}

fn method(cx: &mut Cx<'_, '_>, b: &Behavior) -> Method {
    let written = find(b, "signature");
    let signature = match written {
        Some(node) => signature::written(cx, &b.name, node),
        None => signature::listed(cx, b).or_else(|| infer::signature(cx, b)),
    };
    let typed = signature.is_some();
    let none = || Signature { params: vec![], result: Type::Tuple(vec![]), fallible: false };
    let Signature { params, result, fallible } = signature.unwrap_or_else(none);
    let text = |text: &Option<String>| text.as_deref().map(one_line).filter(|t| !t.is_empty());
    let mut facts = vec![];
    for (word, text) in [("Given", text(&b.given)), ("When", text(&b.when)), ("Then", text(&b.then))] {
        facts.extend(text.map(|t| (word, t)));
    }
    let listed = if typed { &[] } else { TYPED };
    for (key, word) in listed.iter().chain(DOCUMENTED) {
        facts.extend(find(b, key).and_then(prose).map(|t| (*word, t)));
    }
    Method {
        name: b.name.name.clone(),
        doc: find(b, "description").and_then(prose),
        facts,
        params,
        result,
        fallible,
        typed,
        span: b.name.span,
    }
}

/// Text, or a list of texts, on one line.
pub(super) fn prose(node: &Node) -> Option<String> {
    let text = match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) | NodeKind::Block(text) => one_line(text),
        NodeKind::Seq(items) => items.iter().filter_map(prose).collect::<Vec<_>>().join("; "),
        NodeKind::Map(entries) => {
            let pair = |(k, v): &(crate::ast::Ident, Node)| prose(v).map(|v| format!("{}: {v}", k.name));
            entries.iter().filter_map(pair).collect::<Vec<_>>().join(", ")
        }
        NodeKind::Empty => String::new(),
    };
    (!text.is_empty()).then_some(text)
}

fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Warns once about behaviours that nothing is asserted of; `asserted` has a flag for each method.
pub(super) fn unasserted(cx: &mut Cx<'_, '_>, asserted: &[bool]) {
    let file = cx.files[0].file;
    let Some(section) = file.sections.iter().find(|s| s.key.name == "behaviors") else { return };
    let silent: Vec<String> = cx
        .out
        .interface
        .methods
        .iter()
        .zip(asserted)
        .filter(|(_, asserted)| !**asserted)
        .map(|(m, _)| format!("`{}`", m.name))
        .collect();
    if silent.is_empty() {
        return;
    }
    let all = silent.len() == asserted.len();
    let (shown, more) = silent.split_at(silent.len().min(6));
    let and_more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let message = if all {
        "nothing can be run against these behaviours".to_owned()
    } else {
        format!("nothing can be run against {} of {} behaviours", silent.len(), asserted.len())
    };
    let d = Diagnostic::warning("V0722", section.key.span, message)
        .label(format!("{}{and_more}", shown.join(", ")))
        .hint("give them a `signature`, and cases with `call` and `expect`, or laws");
    cx.report(d, "");
}
