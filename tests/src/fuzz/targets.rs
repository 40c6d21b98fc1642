//! What must hold of every input.

use vibee_spec::ast::{File, Node, NodeKind, text};
use vibee_spec::check;
use vibee_spec::codes;
use vibee_spec::diag::Diags;
use vibee_spec::fmt;
use vibee_spec::parse::{self, Mode};
use vibee_spec::span::{Source, Span};

/// A part of the compiler that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whether the input has no errors, or what is wrong with the part.
    pub run: fn(&[u8]) -> Result<bool, String>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "parser", run: parser },
    Target { name: "checker", run: checker },
    Target { name: "formatter", run: formatter },
];

/// Strict and lenient reading end, agree where they should, and point into the text.
pub fn parser(bytes: &[u8]) -> Result<bool, String> {
    let read = |mode| {
        let mut diags = Diags::default();
        let (source, file) = parse::read("fuzz.vibee", bytes, mode, &mut diags);
        (source, file, diags)
    };
    let (source, strict, diags) = read(Mode::Strict);
    findings(&source, &diags)?;
    places(&source, &strict)?;
    let (lenient_source, lenient, lenient_diags) = read(Mode::Lenient);
    findings(&lenient_source, &lenient_diags)?;
    places(&lenient_source, &lenient)?;
    if diags.has_errors() {
        return Ok(false);
    }
    let codes = |d: &Diags| d.list.iter().map(|d| d.code).collect::<Vec<_>>();
    if codes(&diags) != codes(&lenient_diags) {
        return Err(format!("strict finds {:?}, lenient {:?}", codes(&diags), codes(&lenient_diags)));
    }
    if text::file(&strict) != text::file(&lenient) {
        return Err("strict and lenient read different trees".to_owned());
    }
    Ok(true)
}

/// Checking ends and points into the text; imports lead nowhere.
pub fn checker(bytes: &[u8]) -> Result<bool, String> {
    let mut diags = Diags::default();
    let (source, file) = parse::read("fuzz.vibee", bytes, Mode::Lenient, &mut diags);
    let nowhere = |_: &Source, _: &str| None;
    let module = check::check(&file, &source, &nowhere, &mut diags);
    let _ = check::cases(&file, &source, &nowhere, &module, &mut diags);
    findings(&source, &diags)?;
    Ok(!diags.has_errors())
}

/// What parses is formatted; the result parses to the same tree and is its own formatting.
pub fn formatter(bytes: &[u8]) -> Result<bool, String> {
    let Ok(source) = parse::decode("fuzz.vibee", bytes) else { return Ok(false) };
    let mut diags = Diags::default();
    let tree = parse::parse(&source, &mut diags);
    if diags.has_errors() {
        return Ok(false);
    }
    let again = |text: &str| Source { path: source.path.clone(), text: text.to_owned() };
    // The formatter compares trees itself and refuses what it would change; that it must not need to.
    let refused = |d: Diags| d.list.into_iter().map(|d| d.message).collect::<Vec<_>>().join(", ");
    let once = fmt::format(&source).map_err(|d| format!("not formatted: {}", refused(d)))?;
    let reread = parse::parse(&again(&once), &mut Diags::default());
    if !fmt::same(&tree, &reread) {
        return Err(format!("formatting changes the tree:\n{once}"));
    }
    let twice = fmt::format(&again(&once)).map_err(|d| format!("not formatted twice: {}", refused(d)))?;
    if once != twice {
        return Err(format!("formatting is not idempotent:\n{once}\n== then\n{twice}"));
    }
    Ok(true)
}

fn within(source: &Source, span: Span) -> bool {
    span.start <= span.end && source.text.get(span.range()).is_some()
}

/// Every finding has a known code, a message and places in the text.
fn findings(source: &Source, diags: &Diags) -> Result<(), String> {
    for d in &diags.list {
        let related = d.related.iter().map(|(span, _)| *span);
        if let Some(span) = related.chain([d.span]).find(|&span| !within(source, span)) {
            return Err(format!("{} points to {span:?} of {} bytes", d.code, source.text.len()));
        }
        if codes::find(d.code).is_none() || d.message.is_empty() {
            return Err(format!("finding {d:?} is not in the table of codes"));
        }
    }
    Ok(())
}

/// Every name and value stands where the tree says.
fn places(source: &Source, file: &File) -> Result<(), String> {
    let check = |span: Span| match within(source, span) {
        true => Ok(()),
        false => Err(format!("a part of the tree at {span:?} of {} bytes", source.text.len())),
    };
    for section in &file.sections {
        check(section.span)?;
        check(section.key.span)?;
        nodes(&section.value, &check)?;
    }
    for t in &file.types {
        check(t.span)?;
        for f in t.fields.iter().chain(t.variants.iter().flat_map(|v| &v.fields)) {
            check(f.name.span)?;
            check(f.ty.span)?;
            // A type's parts are pointed into, so its text must be the one that stands there, or
            // have come out of quotes or several lines.
            let stands = &source.text[f.ty.span.range()];
            if stands.len() < f.ty.name.len() && !stands.is_empty() {
                return Err(format!("the type {:?} of a field stands at {stands:?}", f.ty.name));
            }
            f.default.as_ref().map_or(Ok(()), |d| check(d.span))?;
        }
        for v in &t.variants {
            check(v.name.span)?;
            v.value.iter().chain(&v.payload).try_for_each(|i| check(i.span))?;
        }
    }
    for b in &file.behaviors {
        check(b.span)?;
        check(b.name.span)?;
        b.other.iter().try_for_each(|(_, node)| nodes(node, &check))?;
    }
    Ok(())
}

fn nodes(node: &Node, check: &dyn Fn(Span) -> Result<(), String>) -> Result<(), String> {
    check(node.span)?;
    match &node.kind {
        NodeKind::Map(entries) => entries.iter().try_for_each(|(key, value)| {
            check(key.span)?;
            nodes(value, check)
        }),
        NodeKind::Seq(items) => items.iter().try_for_each(|item| nodes(item, check)),
        _ => Ok(()),
    }
}
