//! The small declarative sections: names, imports, constants.

use super::{literal, node};
use crate::ast::{Constant, Expr, File, Ident, Node, NodeKind, Section};
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
        "constants" => constants(value, file),
        _ => {}
    }
}

/// Numbers become constants; strings and lists stay metadata.
fn constants(value: &Node, file: &mut File) {
    match &value.kind {
        NodeKind::Map(entries) => {
            file.constants.extend(entries.iter().filter_map(|(name, value)| constant(name, value)));
        }
        NodeKind::Seq(items) => {
            for item in items {
                let NodeKind::Map(entries) = &item.kind else { continue };
                let Some(name) = node::get(entries, "name").and_then(node::ident) else { continue };
                file.constants.extend(constant(&name, item));
            }
        }
        _ => {}
    }
}

/// `NAME: 3` or `NAME: {value: 3, description: …}`.
fn constant(name: &Ident, value: &Node) -> Option<Constant> {
    if let NodeKind::Map(entries) = &value.kind {
        let inner = node::get(entries, "value")?;
        let doc = node::get(entries, "description").and_then(node::text).map(str::to_owned);
        let doc = doc.or_else(|| inner.comment.clone());
        return Some(Constant { name: name.clone(), value: number(inner)?, doc });
    }
    Some(Constant { name: name.clone(), value: number(value)?, doc: value.comment.clone() })
}

/// An unquoted number, perhaps with a sign.
fn number(node: &Node) -> Option<Expr> {
    let NodeKind::Raw(text) = &node.kind else { return None };
    literal::constant(text, node.span)
}
