//! Reading declarative values: as text, as entries, as items.

use crate::ast::{Ident, Node, NodeKind};
use crate::diag::Diagnostic;
use crate::scan::Sink;
use crate::span::Span;

/// A value's text, if it is text.
pub(super) fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) | NodeKind::Block(text) => Some(text),
        NodeKind::Empty | NodeKind::Map(_) | NodeKind::Seq(_) => None,
    }
}

/// A value's text as a name with its place.
pub(super) fn ident(node: &Node) -> Option<Ident> {
    text(node).map(|text| Ident { name: text.to_owned(), span: node.span })
}

/// Prose: a value's text, or what was written where there should have been text.
pub(super) fn prose(node: &Node, source: &str) -> Option<String> {
    match &node.kind {
        NodeKind::Empty => None,
        NodeKind::Map(_) | NodeKind::Seq(_) => Some(source[node.span.range()].to_owned()),
        _ => text(node).map(str::to_owned),
    }
}

/// The value of `key` in a map.
pub(super) fn get<'n>(entries: &'n [(Ident, Node)], key: &str) -> Option<&'n Node> {
    entries.iter().find(|(k, _)| k.name == key).map(|(_, value)| value)
}

/// The items of a list; anything else is reported. Nothing at all is an empty list.
pub(super) fn items<'n>(key: &Ident, node: &'n Node, sink: &mut Sink) -> &'n [Node] {
    match &node.kind {
        NodeKind::Seq(items) => items,
        NodeKind::Empty => &[],
        NodeKind::Map(entries) if entries.is_empty() => &[],
        _ => {
            wrong_shape(key, node.span, "a list", "write its entries as `- …` lines", sink);
            &[]
        }
    }
}

/// The entries of a map item in the list below `key`; anything else is reported.
pub(super) fn entries<'n>(key: &Ident, node: &'n Node, sink: &mut Sink) -> Option<&'n [(Ident, Node)]> {
    if let NodeKind::Map(entries) = &node.kind {
        return Some(entries);
    }
    wrong_shape(key, node.span, "entries with keys", "write `- name: …` and its keys below", sink);
    None
}

fn wrong_shape(key: &Ident, span: Span, wanted: &str, hint: &str, sink: &mut Sink) {
    sink.push(
        Diagnostic::error("V0014", span, format!("`{}` takes {wanted}", key.name))
            .label("not of that form")
            .also(key.span, "belongs to this key")
            .hint(hint),
    );
}
