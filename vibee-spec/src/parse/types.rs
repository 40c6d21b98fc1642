//! Entries of `types:`: structs, enums and aliases in all forms of the dialect, normalised.

use std::ops::Range;

use super::node;
use crate::ast::{Field, Ident, Node, NodeKind, TypeDecl, Variant};
use crate::span::Span;

/// Keys whose value lists an enum's variants; the three mean the same.
const VARIANTS: &[&str] = &["values", "enum", "variants"];

/// Keys whose value holds a struct's fields.
const FIELDS: &[&str] = &["fields", "struct"];

/// Keys whose value is what a variant carries.
const PAYLOAD: &[&str] = &["payload", "type"];

/// Keys whose value names the type that values are stored as.
const BASE: &[&str] = &["base", "base_type"];

/// What `kind:` may say.
const KINDS: &[&str] = &["struct", "enum", "union", "generic_struct", "function_pointer", "alias"];

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
        base: None,
        kind: None,
        width: None,
        generics: Vec::new(),
        other: Vec::new(),
        span,
    };
    match &body.kind {
        NodeKind::Map(entries) => from_keys(&mut decl, entries, source),
        NodeKind::Raw(text) => match text.strip_prefix("enum").map(str::trim) {
            Some(list) if list.starts_with('{') && list.ends_with('}') => {
                let list = &list[1..list.len() - 1];
                decl.variants = variants_of_text(&Standing::new(list, body.span, source));
            }
            _ => decl.alias = node::ident(body).filter(|alias| !alias.name.is_empty()),
        },
        NodeKind::Quoted(_) => decl.alias = node::ident(body),
        NodeKind::Seq(_) => decl.variants = variants(body, source),
        NodeKind::Block(_) | NodeKind::Empty => {}
    }
    decl
}

fn from_keys(decl: &mut TypeDecl, entries: &[(Ident, Node)], source: &str) {
    let is = |keys: &[&str], key: &Ident| keys.contains(&key.name.as_str());
    let is_name = |key: &Ident, value: &Node| key.name == "name" && value.span == decl.name.span;
    let has_body = entries
        .iter()
        .any(|(k, v)| is(VARIANTS, k) || is(FIELDS, k) || is(BASE, k) || k.name == "alias" || is_name(k, v));
    for (key, value) in entries {
        match key.name.as_str() {
            "name" if value.span == decl.name.span => {}
            // A struct written without `fields`: what does not tell about the type is a field.
            _ if !has_body && !tells_about_type(key, value) => decl.fields.push(field(key, value, source)),
            "description" => decl.doc = node::prose(value, source),
            "alias" => decl.alias = node::ident(value),
            "kind" => decl.kind = node::ident(value),
            "width" => decl.width = node::ident(value),
            "generic" => decl.generics = names(value, source),
            _ if is(BASE, key) => decl.base = node::ident(value),
            _ if is(FIELDS, key) => decl.fields.extend(fields(value, source)),
            _ if is(VARIANTS, key) => decl.variants.extend(variants(value, source)),
            _ => decl.other.push((key.clone(), value.clone())),
        }
    }
}

/// Whether a key tells about its type, in a body that may have fields beside it: `width: 2` does,
/// `width: Int` is a field.
fn tells_about_type(key: &Ident, value: &Node) -> bool {
    let text = node::text(value).unwrap_or_default();
    match key.name.as_str() {
        "description" | "doc" => text.contains(' ') || matches!(value.kind, NodeKind::Quoted(_)),
        "kind" => KINDS.contains(&text),
        "width" => text.starts_with(|c: char| c.is_ascii_digit()),
        "generic" | "methods" | "constants" => matches!(value.kind, NodeKind::Seq(_) | NodeKind::Map(_)),
        _ => false,
    }
}

/// A list of names, or one text with commas.
fn names(value: &Node, source: &str) -> Vec<Ident> {
    match &value.kind {
        NodeKind::Seq(items) => items.iter().flat_map(|item| names(item, source)).collect(),
        _ => variants_of_text(&Standing::of(value, source)).into_iter().map(|v| v.name).collect(),
    }
}

/// A text and where it stands in the file, so that its parts can be pointed at.
struct Standing<'a> {
    text: &'a str,
    /// Of its first byte; text of several lines, or with escapes, stands nowhere as it is.
    start: Option<usize>,
    /// Of the whole.
    span: Span,
}

impl<'a> Standing<'a> {
    fn new(text: &'a str, span: Span, source: &str) -> Self {
        // The last one: `enum {e}` has an earlier `e`.
        let start = source[span.range()].rfind(text).map(|at| span.start as usize + at);
        Standing { text, start, span }
    }

    fn of(value: &'a Node, source: &str) -> Self {
        Standing::new(node::text(value).unwrap_or_default(), value.span, source)
    }

    /// A part without the spaces around it.
    fn part(&self, bytes: Range<usize>) -> Ident {
        let text = &self.text[bytes.clone()];
        let name = text.trim().to_owned();
        let span = self.start.map_or(self.span, |start| {
            let start = start + bytes.start + text.len() - text.trim_start().len();
            Span::new(start, start + name.len())
        });
        Ident { name, span }
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
        for (key, value) in entries {
            match key.name.as_str() {
                "name" | "type" => {}
                "default" => field.default = node::ident(value).or_else(|| Some(written(value, source))),
                "description" => field.doc = node::prose(value, source),
                _ => field.other.push((key.clone(), value.clone())),
            }
        }
        return field;
    }
    let (ty, default) = split_default(node::ident(value).unwrap_or_else(|| written(value, source)), source);
    Field { name: name.clone(), ty, default, doc: value.comment.clone(), other: Vec::new() }
}

/// A value of any form as its text.
fn written(value: &Node, source: &str) -> Ident {
    Ident { name: source[value.span.range()].to_owned(), span: value.span }
}

/// Splits `type = default`. An `=` inside brackets belongs to the type.
fn split_default(text: Ident, source: &str) -> (Ident, Option<Ident>) {
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
    let standing = Standing::new(&text.name, text.span, source);
    (standing.part(0..equals), Some(standing.part(equals + 1..text.name.len())))
}

/// Variants as a list of names, of `NAME: 3`, of `Name: Payload`, as a map, or as one text.
fn variants(value: &Node, source: &str) -> Vec<Variant> {
    match &value.kind {
        NodeKind::Seq(items) => items.iter().flat_map(|item| variants(item, source)).collect(),
        NodeKind::Map(entries) => match node::get(entries, "name").and_then(node::ident) {
            Some(name) => vec![described(name, entries, source)],
            None => entries.iter().map(|(name, value)| variant(name.clone(), value, source)).collect(),
        },
        NodeKind::Raw(_) | NodeKind::Quoted(_) | NodeKind::Block(_) => {
            let mut found = variants_of_text(&Standing::of(value, source));
            if let [only] = &mut found[..] {
                only.doc = value.comment.clone();
            }
            found
        }
        NodeKind::Empty => Vec::new(),
    }
}

/// `NAME: 3` has a number, `Name: Payload` a payload, `Name: {x: Float}` fields, and
/// `NAME: {value: 3, description: …}` says it with keys.
fn variant(name: Ident, value: &Node, source: &str) -> Variant {
    let mut variant = Variant { doc: value.comment.clone(), ..bare(name) };
    match &value.kind {
        NodeKind::Map(entries) if tells_about_variant(entries) => {
            return described(variant.name, entries, source);
        }
        NodeKind::Map(_) => variant.fields = fields(value, source),
        NodeKind::Seq(_) => variant.payload = Some(written(value, source)),
        _ => {
            let text = node::ident(value).filter(|v| !v.name.is_empty());
            (variant.value, variant.payload) = number_or_payload(text);
        }
    }
    variant
}

/// A variant that carries nothing.
fn bare(name: Ident) -> Variant {
    Variant { name, value: None, payload: None, fields: Vec::new(), doc: None, other: Vec::new() }
}

/// Whether the keys of a map tell about a variant: `{value: 3}` and `{type: Float}` do, `{value: Float, unit: Unit}`
/// are two fields.
fn tells_about_variant(entries: &[(Ident, Node)]) -> bool {
    let has = |keys: &[&str]| entries.iter().any(|(key, _)| keys.contains(&key.name.as_str()));
    let numbered = node::get(entries, "value").and_then(node::text).is_some_and(is_number);
    let only = entries.iter().all(|(key, _)| matches!(key.name.as_str(), "value" | "description"));
    numbered || only || has(PAYLOAD) || has(FIELDS)
}

/// A variant with keys of its own.
fn described(name: Ident, entries: &[(Ident, Node)], source: &str) -> Variant {
    let text = |value: &Node| node::ident(value).unwrap_or_else(|| written(value, source));
    let mut variant = bare(name);
    for (key, value) in entries {
        match key.name.as_str() {
            "description" => variant.doc = node::prose(value, source),
            "value" => match number_or_payload(Some(text(value))) {
                (None, payload) => variant.payload = payload,
                (number, _) => variant.value = number,
            },
            key if PAYLOAD.contains(&key) && matches!(value.kind, NodeKind::Map(_)) => {
                variant.fields = fields(value, source);
            }
            key if PAYLOAD.contains(&key) => variant.payload = Some(text(value)),
            key if FIELDS.contains(&key) => variant.fields = fields(value, source),
            "name" => {}
            _ => variant.other.push((key.clone(), value.clone())),
        }
    }
    variant
}

fn number_or_payload(text: Option<Ident>) -> (Option<Ident>, Option<Ident>) {
    match text {
        Some(text) if is_number(&text.name) => (Some(text), None),
        other => (None, other),
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// `A, B=1, C(Float)`; a lone name is a list of one.
fn variants_of_text(text: &Standing<'_>) -> Vec<Variant> {
    let mut at = 0;
    let mut found = Vec::new();
    for piece in pieces(text.text) {
        let end = at + piece.len();
        let variant = match (piece.find('='), piece.find('(')) {
            (_, Some(open)) if piece.trim_end().ends_with(')') => {
                let payload = Some(text.part(at + open..end));
                Variant { payload, ..bare(text.part(at..at + open)) }
            }
            (Some(equals), _) => {
                Variant { value: Some(text.part(at + equals + 1..end)), ..bare(text.part(at..at + equals)) }
            }
            _ => bare(text.part(at..end)),
        };
        at = end + 1;
        if !variant.name.name.is_empty() {
            found.push(variant);
        }
    }
    found
}

/// Text between commas that stand outside of brackets.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.split(move |c| {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}
