//! The small declarative sections: names, imports, constants, creation patterns.

use super::{literal, node};
use crate::ast::{Constant, CreationPattern, File, Ident, Node, NodeKind, Section, TextConstant};
use crate::scan::Sink;

/// Takes the section into `file` if it is one of those.
pub(super) fn section(section: &Section, file: &mut File, sink: &mut Sink) {
    let value = &section.value;
    match section.key.name.as_str() {
        "name" => file.name = node::ident(value),
        "module" => file.module = node::ident(value),
        "description" => file.description = node::text(value).map(str::to_owned),
        "imports" => {
            let items = node::items(&section.key, value, sink);
            file.imports.extend(items.iter().filter_map(node::ident));
        }
        "constants" => {
            for (name, value) in named(value) {
                match constant(&name, value) {
                    Some(Either::Number(constant)) => file.constants.push(constant),
                    Some(Either::Text(constant)) => file.text_constants.push(constant),
                    None => {}
                }
            }
        }
        "sacred_constants" => {
            for (name, value) in named(value) {
                if let Some(Either::Number(constant)) = constant(&name, value) {
                    file.sacred_constants.push(constant);
                }
            }
        }
        "creation_pattern" => file.creation_patterns.extend(pattern(None, value)),
        "creation_patterns" => {
            let patterns = named(value).into_iter().filter_map(|(name, value)| pattern(Some(name), value));
            file.creation_patterns.extend(patterns);
        }
        _ => {}
    }
}

/// The entries of a map, or of a list whose items have a `name`.
fn named(value: &Node) -> Vec<(Ident, &Node)> {
    match &value.kind {
        NodeKind::Map(entries) => entries.iter().map(|(name, value)| (name.clone(), value)).collect(),
        NodeKind::Seq(items) => items.iter().filter_map(item).collect(),
        _ => Vec::new(),
    }
}

/// `- name: X` with further keys, or `- X: …`.
fn item(item: &Node) -> Option<(Ident, &Node)> {
    let NodeKind::Map(entries) = &item.kind else { return None };
    match (node::get(entries, "name").and_then(node::ident), &entries[..]) {
        (Some(name), _) => Some((name, item)),
        (None, [(name, value)]) => Some((name.clone(), value)),
        _ => None,
    }
}

/// A constant that has one value.
enum Either {
    Number(Constant),
    Text(TextConstant),
}

/// `NAME: 3` or `NAME: {value: 3, description: …}`. Lists and maps have no single value and stay
/// metadata.
fn constant(name: &Ident, value: &Node) -> Option<Either> {
    let (name, mut inner, mut doc) = (name.clone(), value, None);
    if let NodeKind::Map(entries) = &value.kind {
        inner = node::get(entries, "value")?;
        doc = node::get(entries, "description").and_then(node::text).map(str::to_owned);
    }
    let doc = doc.or_else(|| inner.comment.clone());
    if let NodeKind::Raw(text) = &inner.kind
        && let Some(value) = literal::constant(text, inner.span)
    {
        return Some(Either::Number(Constant { name, value, doc }));
    }
    let quoted = matches!(inner.kind, NodeKind::Quoted(_));
    Some(Either::Text(TextConstant { name, value: node::ident(inner)?, quoted, doc }))
}

/// `source`, `transformer`, `result`; a text alone is what comes out.
fn pattern(name: Option<Ident>, value: &Node) -> Option<CreationPattern> {
    let span = name.as_ref().map_or(value.span, |name| name.span.to(value.span));
    let (mut source, mut transformer, mut result) = (None, None, None);
    let mut other = Vec::new();
    match &value.kind {
        NodeKind::Map(entries) => {
            for (key, value) in entries {
                match key.name.as_str() {
                    "name" if name.as_ref().is_some_and(|name| name.span == value.span) => {}
                    "source" => source = node::ident(value),
                    "transformer" => transformer = node::ident(value),
                    "result" => result = node::ident(value),
                    _ => other.push((key.clone(), value.clone())),
                }
            }
        }
        _ => result = Some(node::ident(value)?),
    }
    Some(CreationPattern { name, source, transformer, result, other, span })
}
