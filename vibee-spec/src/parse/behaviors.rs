//! Entries of `behaviors:`.

use super::callees::Callees;
use super::{case, node};
use crate::ast::{Behavior, Ident, Node};
use crate::diag::Diagnostic;
use crate::scan::Sink;
use std::collections::HashMap;

/// All behaviours of the section's value.
pub(super) fn behaviors(
    key: &Ident,
    value: &Node,
    source: &str,
    callees: Option<&Callees>,
    sink: &mut Sink,
) -> Vec<Behavior> {
    let mut found = Vec::new();
    for item in node::items(key, value, sink) {
        let Some(entries) = node::entries(key, item, sink) else { continue };
        found.extend(behavior(entries, item, source, callees, sink));
    }
    found
}

fn behavior(
    entries: &[(Ident, Node)],
    item: &Node,
    source: &str,
    callees: Option<&Callees>,
    sink: &mut Sink,
) -> Option<Behavior> {
    let Some(name) = node::get(entries, "name").and_then(node::ident) else {
        sink.push(
            Diagnostic::error("V0015", item.span, "the behaviour has no name")
                .label("starts here")
                .hint("add `name: what_it_does`"),
        );
        return None;
    };
    let mut behavior = Behavior {
        name,
        given: None,
        when: None,
        then: None,
        test_cases: Vec::new(),
        laws: Vec::new(),
        other: Vec::new(),
        span: item.span,
    };
    let mut written = HashMap::new();
    for (key, value) in entries {
        // Published specs often write `When`.
        let canonical = if key.name == "When" { "when" } else { key.name.as_str() };
        if let Some(first) = written.insert(canonical, key.span).filter(|_| canonical == "when") {
            sink.push(
                Diagnostic::error("V0013", key.span, "`when` is written twice")
                    .label("second time")
                    .also(first, "first time")
                    .hint("`When` and `when` are the same key; merge the two"),
            );
        }
        match canonical {
            "name" => {}
            "given" => behavior.given = node::prose(value, source),
            "when" => behavior.when = node::prose(value, source),
            "then" => behavior.then = node::prose(value, source),
            "test_cases" => behavior.test_cases = case::cases(key, value, callees, sink),
            "laws" => match callees {
                Some(callees) => {
                    let (of_kernels, of_behaviors) = case::split_laws(value, callees);
                    behavior.laws = case::laws(key, &of_kernels, sink);
                    behavior.other.extend(of_behaviors.map(|laws| (key.clone(), laws)));
                }
                None => behavior.other.push((key.clone(), value.clone())),
            },
            _ => behavior.other.push((key.clone(), value.clone())),
        }
    }
    Some(behavior)
}
