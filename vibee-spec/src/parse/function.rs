//! Entries of `functions:`: one line, or local definitions and a result.

use super::line::Line;
use super::statement::{missing_body, no_children, too_many};
use super::tree::Entry;
use crate::ast::{Expr, Function, Ident};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::limits::MAX_DEFINITIONS;
use crate::scan::Sink;

/// One function.
pub(super) fn function(entry: &Entry, sink: &mut Sink) -> Option<Function> {
    let header = header(entry, sink);
    let block = block(entry, sink);
    let mut function = header?;
    match function.body.take() {
        Some(body) => {
            no_children(entry, sink);
            function.finish(Vec::new(), body, entry)
        }
        None if entry.children.is_empty() => {
            sink.push(missing_body(entry.line.span));
            None
        }
        None => {
            let (lets, body) = block?;
            function.finish(lets, body, entry)
        }
    }
}

/// A header; `body` is there in the one-line form.
struct Header {
    name: Ident,
    indices: Vec<Ident>,
    params: Vec<Ident>,
    body: Option<Expr>,
}

impl Header {
    fn finish(self, lets: Vec<(Ident, Expr)>, body: Expr, entry: &Entry) -> Option<Function> {
        let Header { name, indices, params, .. } = self;
        Some(Function { name, indices, params, lets, body, doc: entry.docs(), span: entry.span() })
    }
}

fn header(entry: &Entry, sink: &mut Sink) -> Option<Header> {
    let line = &entry.line;
    if line.broken {
        return None;
    }
    let (mut cx, pair) = Line::parse(Rule::function_header, &line.text, line.span, sink)?;
    let mut parts = pair.into_inner();
    let name = cx.new_name(&parts.next()?);
    let mut header = Header { name, indices: Vec::new(), params: Vec::new(), body: None };
    for part in parts {
        match part.as_rule() {
            Rule::index_params => header.indices = cx.names(part),
            Rule::name_params => header.params = cx.names(part),
            Rule::expr => header.body = Some(cx.expr(part)?),
            _ => {}
        }
    }
    Some(header)
}

/// The lines below a header: local definitions, then the result.
fn block(entry: &Entry, sink: &mut Sink) -> Option<(Vec<(Ident, Expr)>, Expr)> {
    if let Some(child) = entry.children.get(MAX_DEFINITIONS) {
        sink.push(too_many(child.line.span));
        return None;
    }
    let mut lets = Vec::new();
    let mut result: Option<Expr> = None;
    let mut complete = true;
    for child in &entry.children {
        no_children(child, sink);
        if let Some(before) = &result {
            sink.push(after_result(child, before));
            return None;
        }
        match line(child, sink) {
            Some((Some(name), value)) => lets.push((name, value)),
            Some((None, value)) => result = Some(value),
            None => complete = false,
        }
    }
    if result.is_none() && complete && !entry.children.is_empty() {
        sink.push(
            Diagnostic::error("V0119", entry.line.span, "the function has no result")
                .label("all lines below define names")
                .hint("end it with a line that is only an expression"),
        );
    }
    Some((lets, result?))
}

fn after_result(child: &Entry, result: &Expr) -> Diagnostic {
    Diagnostic::error("V0120", child.line.span, "nothing may follow the result")
        .label("comes after the result")
        .also(result.span, "an expression alone is the result")
        .hint("give the expression above a name, or move it to the end")
}

/// One line of a block: `name = expr`, or an expression.
fn line(entry: &Entry, sink: &mut Sink) -> Option<(Option<Ident>, Expr)> {
    let line = &entry.line;
    if line.broken {
        return None;
    }
    let (mut cx, pair) = Line::parse(Rule::function_line, &line.text, line.span, sink)?;
    let part = pair.into_inner().next()?;
    if part.as_rule() == Rule::expr {
        return Some((None, cx.expr(part)?));
    }
    let mut parts = part.into_inner();
    let name = cx.new_name(&parts.next()?);
    Some((Some(name), cx.expr(parts.nth(1)?)?))
}
