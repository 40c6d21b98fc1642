//! Who is called in a case or law: a kernel, whose values are tensors, or a behaviour, whose values
//! are those of its signature. The two have grammars of their own.

use super::node;
use crate::ast::{File, Node, NodeKind, Section};
use std::collections::HashSet;

/// The names that cases of a file may call.
pub(super) struct Callees {
    kernels: HashSet<String>,
    generic: Vec<String>,
    behaviors: HashSet<String>,
    /// Whether any behaviour has a signature.
    signed: bool,
}

impl Callees {
    /// The kernels that were read, and the names under `behaviors:`.
    pub(super) fn new(sections: &[Section], file: &File) -> Self {
        let mut callees = Callees {
            kernels: file.kernels.iter().map(|k| k.name.name.clone()).collect(),
            generic: file
                .kernels
                .iter()
                .filter(|k| !k.generics.is_empty())
                .map(|k| k.name.name.clone())
                .collect(),
            behaviors: HashSet::new(),
            signed: false,
        };
        let section = sections.iter().find(|s| s.key.name == "behaviors");
        if let Some(NodeKind::Seq(items)) = section.map(|s| &s.value.kind) {
            for item in items {
                let NodeKind::Map(entries) = &item.kind else { continue };
                callees.signed |= node::get(entries, "signature").is_some();
                callees.behaviors.extend(node::get(entries, "name").and_then(node::ident).map(|i| i.name));
            }
        }
        callees
    }

    /// Whether an expression calls behaviours and no kernel.
    pub(super) fn is_of_behaviors(&self, value: &Node) -> bool {
        let (NodeKind::Raw(text) | NodeKind::Quoted(text)) = &value.kind else { return false };
        let names = called(text);
        // Where nothing else can be called, an unknown name is a behaviour's.
        !names.iter().any(|name| self.is_kernel(name))
            && (self.signed && self.kernels.is_empty()
                || names.iter().any(|name| self.behaviors.contains(*name)))
    }

    fn is_kernel(&self, name: &str) -> bool {
        let instance = |k: &String| name.strip_prefix(k.as_str()).is_some_and(|rest| rest.starts_with('_'));
        self.kernels.contains(name) || self.generic.iter().any(instance)
    }
}

/// Names with `(` behind them.
fn called(text: &str) -> Vec<&str> {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = vec![];
    for (at, _) in text.match_indices('(') {
        let before = text[..at].trim_end();
        let start = before.char_indices().rev().take_while(|(_, c)| inside(*c)).last();
        if let Some((start, _)) = start {
            found.push(&before[start..]);
        }
    }
    found
}
