//! The top level: which lines belong to which section.

use super::block::Scanner;
use super::seen::Seen;
use super::{Lines, Mode, Sink};
use crate::ast::{Ident, Node, NodeKind, Section};
use crate::diag::{Diagnostic, Diags};
use crate::span::Span;
use std::ops::Range;

/// Sections whose lines have the executable grammar under `language: rust`.
const EXECUTABLE: &[&str] = &["kernels", "functions", "layers", "models", "formats"];

/// A file's sections, and the lines of the executable ones.
pub(crate) struct Scanned {
    /// All sections in file order.
    pub sections: Vec<Section>,
    /// Index of an executable section → its lines.
    pub bodies: Vec<(usize, Range<usize>)>,
}

/// Finds all sections; executable ones are kept as raw text when `executable`. `zeros` are lines
/// that [`Lines::take_zeros`] made blank.
pub(crate) fn scan(
    lines: Lines,
    zeros: Vec<usize>,
    executable: bool,
    mode: Mode,
    sink: &mut Sink,
) -> Scanned {
    let mut scanner = Scanner::new(lines, zeros, executable, mode, sink);
    let mut scanned = Scanned { sections: Vec::new(), bodies: Vec::new() };
    let mut seen = Seen::default();
    while let Some(n) = scanner.peek() {
        let Some(key) = top_key(&mut scanner, n) else { continue };
        let first = seen.before(scanned.sections.iter().map(|s: &Section| &s.key), &key.ident);
        scanner.once(first, &key.ident);
        let (value, span);
        if executable && EXECUTABLE.contains(&key.ident.name.as_str()) {
            let body = body(&mut scanner, n, key.after);
            value = raw(&scanner.lines, &body, key.ident.span);
            span = key.ident.span.to(value.span);
            scanned.bodies.push((scanned.sections.len(), body));
        } else {
            value = scanner.value(&key.ident, super::place::Place::Top, 0, key.after);
            span = key.ident.span.to(value.span);
        }
        scanned.sections.push(Section { key: key.ident, value, span });
    }
    scanner.report_zeros();
    scanned
}

/// The section key on line `n`; otherwise reports the line and goes past it.
fn top_key(scanner: &mut Scanner, n: usize) -> Option<super::keys::Key> {
    let line = scanner.lines.list[n];
    if line.indent > 0 {
        scanner.misplaced(n, 0);
        return None;
    }
    let key = super::keys::key(&scanner.lines, n, scanner.sink);
    if key.is_none() {
        scanner.stray(n);
    }
    key
}

/// The lines of an executable section whose key is on line `n`.
fn body(scanner: &mut Scanner, n: usize, after: usize) -> Range<usize> {
    let line = scanner.lines.list[n];
    let (code, _) = scanner.code(after, line.end as usize);
    if !code.is_empty() && !matches!(&scanner.lines.text[code.clone()], "{}" | "[]") {
        scanner.sink.push(
            Diagnostic::error("V0016", Span::new(code.start, code.end), "this section takes indented lines")
                .label("not on the line of its key")
                .hint("move it to the next line, indented by two spaces"),
        );
    }
    let list = &scanner.lines.list;
    let end = (n + 1..list.len())
        .find(|&m| scanner.lines.has_code(m) && list[m].indent == 0 && !closes(&scanner.lines, m))
        .unwrap_or(list.len());
    scanner.pos = end;
    n + 1..end
}

/// Whether line `n` only goes on with brackets opened above.
fn closes(lines: &Lines, n: usize) -> bool {
    matches!(lines.first(n), b')' | b']' | b'}')
}

/// The text of an executable section, as metadata.
fn raw(lines: &Lines, body: &Range<usize>, key: Span) -> Node {
    let mut filled = body.clone().filter(|&n| !lines.list[n].is_blank());
    let Some(first) = filled.next() else {
        return Node { kind: NodeKind::Empty, span: Span { start: key.end, end: key.end }, comment: None };
    };
    let last = filled.next_back().unwrap_or(first);
    let span = Span { start: lines.list[first].start, end: lines.list[last].end };
    Node { kind: NodeKind::Block(lines.text[span.range()].to_owned()), span, comment: None }
}

/// What a one-line value says: what stands in its quotes, or what stands before a comment.
fn plain(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some((inside, _)) = text.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inside;
        }
    }
    super::split(text).0
}

/// The value of a top-level `language:` line, found before anything else is understood.
pub(crate) fn language(lines: &Lines) -> Option<Ident> {
    (0..lines.list.len()).find_map(|n| {
        let line = lines.list[n];
        if line.indent > 0 || !lines.content(n).contains("language") {
            return None;
        }
        // The scan of sections reads the key again, and reports what is wrong with it.
        let key = super::keys::key(lines, n, &mut Sink::new(&mut Diags::default()))?;
        let rest =
            Some(&lines.text[key.after..line.end as usize]).filter(|_| key.ident.name == "language")?;
        let value = plain(rest.trim());
        let at = key.after + rest.find(value)?;
        Some(Ident { name: value.to_owned(), span: Span::new(at, at + value.len()) })
    })
}
