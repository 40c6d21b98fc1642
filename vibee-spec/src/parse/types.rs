//! Entries of `types:`: structs, enums and aliases in all forms of the dialect, normalised.

use super::node;
use crate::ast::{Field, Ident, Node, NodeKind, TypeDecl, Variant};
use crate::span::Span;

/// Keys whose value lists an enum's variants; the three mean the same.
const VARIANTS: &[&str] = &["values", "enum", "variants"];

/// Keys whose value holds a struct's fields.
const FIELDS: &[&str] = &["fields", "struct"];

/// Keys whose value names the type an alias stands for.
const ALIAS: &[&str] = &["alias", "base", "base_type"];

/// Keys that describe a type without being fields of it.
const OTHER: &[&str] =
    &["name", "kind", "description", "width", "methods", "generic", "constants", "alignment", "doc"];

/// All types of the section's value, in map and list form alike.
pub(super) fn types(value: &Node, source: &str) -> Vec<TypeDecl> {
    match &value.kind {
        NodeKind::Map(entries) => {
            entries.iter().map(|(name, body)| declaration(name.clone(), body, source)).collect()
        }
        NodeKind::Seq(items) => items.iter().filter_map(|item| listed(item, source)).collect(),
        _ => Vec::new(),
    }
}

/// `- name: X` with the body's keys beside it, or `- X: {…}`.
fn listed(item: &Node, source: &str) -> Option<TypeDecl> {
    let NodeKind::Map(entries) = &item.kind else { return None };
    if let Some(name) = node::get(entries, "name").and_then(node::ident) {
        return Some(declaration(name, item, source));
    }
    let (name, body) = entries.first()?;
    Some(declaration(name.clone(), body, source))
}

fn declaration(name: Ident, body: &Node, source: &str) -> TypeDecl {
    let span = name.span.to(body.span);
    let mut decl = TypeDecl {
        name,
        doc: body.comment.clone(),
        fields: Vec::new(),
        variants: Vec::new(),
        alias: None,
        span,
    };
    match &body.kind {
        NodeKind::Map(entries) => from_keys(&mut decl, entries, source),
        NodeKind::Raw(text) => match text.strip_prefix("enum").map(str::trim) {
            Some(list) if list.starts_with('{') && list.ends_with('}') => {
                decl.variants = variants_of_text(&list[1..list.len() - 1], at(body, source, list) + 1);
            }
            _ => decl.alias = node::ident(body).filter(|alias| !alias.name.is_empty()),
        },
        NodeKind::Quoted(_) => decl.alias = node::ident(body),
        NodeKind::Seq(_) => decl.variants = variants(body),
        NodeKind::Block(_) | NodeKind::Empty => {}
    }
    decl
}

/// The file offset of `part`, which was cut from the end of `node`'s text.
fn at(node: &Node, source: &str, part: &str) -> usize {
    let text = &source[node.span.range()];
    node.span.start as usize + text.rfind(part).unwrap_or(0)
}

fn from_keys(decl: &mut TypeDecl, entries: &[(Ident, Node)], source: &str) {
    let is = |keys: &[&str], key: &Ident| keys.contains(&key.name.as_str());
    let has_body = entries.iter().any(|(k, _)| is(VARIANTS, k) || is(FIELDS, k) || is(ALIAS, k));
    for (key, value) in entries {
        if key.name == "description" {
            decl.doc = node::prose(value, source);
        } else if is(FIELDS, key) {
            decl.fields = fields(value, source);
        } else if is(VARIANTS, key) {
            decl.variants = variants(value);
        } else if is(ALIAS, key) {
            decl.alias = node::ident(value);
        } else if !has_body && !is(OTHER, key) {
            // A struct written without `fields`.
            decl.fields.push(field(key, value, source));
        }
    }
}

/// Fields as a map, as a list of `{name, type, …}`, or as a list of `- id: u32`.
fn fields(value: &Node, source: &str) -> Vec<Field> {
    match &value.kind {
        NodeKind::Map(entries) => entries.iter().map(|(name, ty)| field(name, ty, source)).collect(),
        NodeKind::Seq(items) => items.iter().flat_map(|item| listed_fields(item, source)).collect(),
        _ => Vec::new(),
    }
}

fn listed_fields(item: &Node, source: &str) -> Vec<Field> {
    let NodeKind::Map(entries) = &item.kind else { return Vec::new() };
    let name = node::get(entries, "name").and_then(node::ident);
    match (name, node::get(entries, "type")) {
        (Some(name), Some(_)) => vec![field(&name, item, source)],
        _ => entries.iter().map(|(name, ty)| field(name, ty, source)).collect(),
    }
}

/// `name: type = default  # comment`, or `name: {type, default, description}`.
///
/// A value of any other form is kept as its text: no field is lost here, whatever its type.
fn field(name: &Ident, value: &Node, source: &str) -> Field {
    if let NodeKind::Map(entries) = &value.kind
        && let Some(ty) = node::get(entries, "type")
    {
        let mut field = field(name, ty, source);
        if let Some(default) = node::get(entries, "default") {
            field.default = node::ident(default);
        }
        if let Some(doc) = node::get(entries, "description").and_then(node::text) {
            field.doc = Some(doc.to_owned());
        }
        return field;
    }
    let written = || Ident { name: source[value.span.range()].to_owned(), span: value.span };
    let (ty, default) = split_default(node::ident(value).unwrap_or_else(written));
    Field { name: name.clone(), ty, default, doc: value.comment.clone() }
}

/// Splits `type = default`. An `=` inside brackets belongs to the type.
fn split_default(text: Ident) -> (Ident, Option<Ident>) {
    let mut depth = 0usize;
    let equals = text.name.char_indices().find_map(|(at, c)| {
        match c {
            '<' | '[' | '(' | '{' => depth += 1,
            '>' | ']' | ')' | '}' => depth = depth.saturating_sub(1),
            '=' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    });
    let Some(equals) = equals else { return (text, None) };
    let default = part(&text.name[equals + 1..], text.span.start as usize + equals + 1);
    (part(&text.name[..equals], text.span.start as usize), Some(default))
}

/// Trimmed text that starts at file offset `origin`.
fn part(text: &str, origin: usize) -> Ident {
    let start = origin + text.len() - text.trim_start().len();
    let name = text.trim();
    Ident { name: name.to_owned(), span: Span::new(start, start + name.len()) }
}

/// Variants as a list of names, of `NAME: 3`, of `Name: Payload`, as a map, or as one text.
fn variants(value: &Node) -> Vec<Variant> {
    match &value.kind {
        NodeKind::Seq(items) => items.iter().flat_map(variants).collect(),
        NodeKind::Map(entries) => match (node::get(entries, "name"), node::get(entries, "value")) {
            (Some(name), value) if node::ident(name).is_some() && entries.len() > 1 => {
                node::ident(name).map(|name| variant(name, value)).into_iter().collect()
            }
            _ => entries.iter().map(|(name, value)| variant(name.clone(), Some(value))).collect(),
        },
        NodeKind::Raw(text) | NodeKind::Quoted(text) | NodeKind::Block(text) => {
            let quote = usize::from(matches!(value.kind, NodeKind::Quoted(_)));
            let mut found = variants_of_text(text, value.span.start as usize + quote);
            if let [only] = &mut found[..] {
                only.doc = value.comment.clone();
            }
            found
        }
        NodeKind::Empty => Vec::new(),
    }
}

/// `NAME: 3` has a number, `Name: Payload` a payload.
fn variant(name: Ident, value: Option<&Node>) -> Variant {
    let doc = value.and_then(|v| v.comment.clone());
    let value = value.and_then(node::ident);
    let is_number =
        value.as_ref().is_some_and(|v| v.name.starts_with(|c: char| c == '-' || c.is_ascii_digit()));
    let (value, payload) = if is_number { (value, None) } else { (None, value) };
    Variant { name, value, payload, doc }
}

/// `A, B=1`; a lone name is a list of one.
fn variants_of_text(text: &str, origin: usize) -> Vec<Variant> {
    let mut at = origin;
    let mut found = Vec::new();
    for piece in text.split(',') {
        let (name, value) = match piece.split_once('=') {
            Some((name, value)) => (part(name, at), Some(part(value, at + name.len() + 1))),
            None => (part(piece, at), None),
        };
        at += piece.len() + 1;
        if !name.name.is_empty() {
            found.push(Variant { name, value, payload: None, doc: None });
        }
    }
    found
}
