//! Whether two trees mean the same: equal but for places, and for the text of executable lines,
//! which is compared as it was parsed.

use crate::ast::{Behavior, Field, File, Ident, Node, NodeKind, Section, TestCase, TypeDecl, Variant};
use crate::scan::{Place, Reading};
use std::fmt::Debug;

/// Whether two files mean the same.
#[must_use]
pub fn same(a: &File, b: &File) -> bool {
    // All fields are named, so that a new one cannot be forgotten.
    let File {
        sections,
        name,
        module,
        language,
        description,
        imports,
        constants,
        text_constants,
        sacred_constants,
        creation_patterns,
        types,
        behaviors,
        test_cases,
        formats,
        functions,
        kernels,
        layers,
        models,
    } = a;
    let executable = language.as_ref().is_none_or(|language| language.name == "rust");
    sections.len() == b.sections.len()
        && sections.iter().zip(&b.sections).all(|(a, b)| same_section(a, b, executable))
        && equal(name, &b.name)
        && equal(module, &b.module)
        && equal(language, &b.language)
        && equal(description, &b.description)
        && equal(imports, &b.imports)
        && equal(constants, &b.constants)
        && equal(text_constants, &b.text_constants)
        && equal(sacred_constants, &b.sacred_constants)
        && equal(creation_patterns, &b.creation_patterns)
        && equal(&without_layout(types), &without_layout(&b.types))
        && equal(&without_nodes(behaviors), &without_nodes(&b.behaviors))
        && equal(&without_other(test_cases), &without_other(&b.test_cases))
        && equal(formats, &b.formats)
        && equal(functions, &b.functions)
        && equal(kernels, &b.kernels)
        && equal(layers, &b.layers)
        && equal(models, &b.models)
}

/// Behaviours without the nodes that were kept of them: those were compared as parts of sections.
fn without_nodes(behaviors: &[Behavior]) -> Vec<Behavior> {
    let one = |b: &Behavior| Behavior {
        given: prose(&b.given),
        when: prose(&b.when),
        then: prose(&b.then),
        test_cases: without_other(&b.test_cases),
        other: Vec::new(),
        ..b.clone()
    };
    behaviors.iter().map(one).collect()
}

/// Prose without its line ends. Where a map or list was written instead, its text stands for it, blanks and all.
fn prose(text: &Option<String>) -> Option<String> {
    let text = text.as_ref()?;
    Some(if text.starts_with(['{', '[']) {
        words(text)
    } else {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

/// Types without the nodes that were kept of them, as above. A field's type or default that was
/// written as a map or list stands there as its text, blanks and all.
fn without_layout(types: &[TypeDecl]) -> Vec<TypeDecl> {
    let text = |ident: &Ident| Ident { name: words(&ident.name), span: ident.span };
    let field = |f: &Field| Field {
        ty: text(&f.ty),
        default: f.default.as_ref().map(text),
        doc: prose(&f.doc),
        other: Vec::new(),
        ..f.clone()
    };
    let variant = |v: &Variant| Variant {
        payload: v.payload.as_ref().map(text),
        fields: v.fields.iter().map(field).collect(),
        doc: prose(&v.doc),
        other: Vec::new(),
        ..v.clone()
    };
    let one = |t: &TypeDecl| TypeDecl {
        fields: t.fields.iter().map(field).collect(),
        variants: t.variants.iter().map(variant).collect(),
        doc: prose(&t.doc),
        other: Vec::new(),
        ..t.clone()
    };
    types.iter().map(one).collect()
}

/// Text without blanks and without commas before closing brackets.
fn words(text: &str) -> String {
    let words = text.split_whitespace().collect::<String>();
    words.replace(",)", ")").replace(",]", "]").replace(",}", "}")
}

fn without_other(cases: &[TestCase]) -> Vec<TestCase> {
    cases.iter().map(|case| TestCase { other: Vec::new(), ..case.clone() }).collect()
}

/// Sections whose raw text is compared as the trees parsed from it.
const EXECUTABLE: &[&str] = &["kernels", "functions", "layers", "models", "formats"];

fn same_section(a: &Section, b: &Section, executable: bool) -> bool {
    let is_body = executable && EXECUTABLE.contains(&a.key.name.as_str());
    let (place, reading) = (Place::Top.inside(&a.key.name, executable), Place::Top.reading(&a.key.name));
    a.key.name == b.key.name && (is_body || same_node(&a.value, &b.value, &a.key, place, reading, executable))
}

fn same_node(a: &Node, b: &Node, key: &Ident, place: Place, reading: Reading, executable: bool) -> bool {
    if a.comment != b.comment {
        return false;
    }
    match (&a.kind, &b.kind) {
        (NodeKind::Empty, NodeKind::Empty) => true,
        (NodeKind::Raw(a), NodeKind::Raw(b)) if reading == Reading::Expression => words(a) == words(b),
        (NodeKind::Raw(a), NodeKind::Raw(b))
        | (NodeKind::Quoted(a), NodeKind::Quoted(b))
        | (NodeKind::Block(a), NodeKind::Block(b)) => a == b,
        (NodeKind::Map(a), NodeKind::Map(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((k, a), (l, b))| {
                    let (inside, reading) = (place.inside(&k.name, executable), place.reading(&k.name));
                    k.name == l.name && same_node(a, b, k, inside, reading, executable)
                })
        }
        (NodeKind::Seq(a), NodeKind::Seq(b)) => {
            let reading = place.item_reading(&key.name);
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| same_node(a, b, key, place, reading, executable))
        }
        _ => false,
    }
}

/// Whether the two are written alike by `Debug`, but for spans.
fn equal<T: Debug>(a: &T, b: &T) -> bool {
    without_spans(&format!("{a:?}")) == without_spans(&format!("{b:?}"))
}

/// Cuts `Span { … }` out of a `Debug` text, outside quoted strings.
fn without_spans(text: &str) -> String {
    const SPAN: &str = "Span { start: ";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'S']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('"') {
            let end = string_end(rest);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if let Some(end) = rest.strip_prefix(SPAN).and_then(|span| span.find('}')) {
            rest = &rest[SPAN.len() + end + 1..];
        } else {
            out.push('S');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// Where the quoted string at the start ends.
fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut n = 1;
    while n < bytes.len() {
        match bytes[n] {
            b'"' => return n + 1,
            b'\\' => n += 2,
            _ => n += 1,
        }
    }
    text.len()
}
