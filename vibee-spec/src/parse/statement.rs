//! Body lines: definitions, loops, `specialise`.

use super::later;
use super::line::Line;
use super::literal;
use super::tree::Entry;
use crate::ast::{Define, DefineOp, Ident, LhsIndex, Stmt};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::limits::MAX_DEFINITIONS;
use crate::scan::Sink;
use crate::span::Span;
use pest::iterators::Pair;

/// The lines below a header.
#[derive(Default)]
pub(super) struct Body {
    pub stmts: Vec<Stmt>,
    pub specialise: Vec<(Ident, Vec<i64>)>,
}

/// Words that begin lines of a later version.
const SCHEDULE: &[&str] = &["schedule", "tune"];

/// The statements of `entries`; broken ones are reported and left out.
pub(super) fn body(entries: &[Entry], sink: &mut Sink) -> Body {
    let mut body = Body::default();
    if let Some(entry) = entries.get(MAX_DEFINITIONS) {
        sink.push(too_many(entry.line.span));
        return body;
    }
    for entry in entries {
        statement(entry, &mut body, sink);
    }
    body
}

/// The finding for a body beyond [`MAX_DEFINITIONS`].
pub(super) fn too_many(span: Span) -> Diagnostic {
    Diagnostic::error("V0118", span, "too many definitions")
        .label(format!("the limit is {MAX_DEFINITIONS}"))
        .hint("split it into several")
}

fn statement(entry: &Entry, body: &mut Body, sink: &mut Sink) -> Option<()> {
    let line = &entry.line;
    if let Some(word) = SCHEDULE.iter().find(|word| begins(&line.text, word)) {
        let span = Span { end: line.span.start + word.len() as u32, ..line.span };
        sink.push(later::schedule(span, word));
        return None;
    }
    if line.broken {
        return None;
    }
    let parsed = Line::parse(Rule::statement, &line.text, line.span, sink);
    let Some((mut cx, pair)) = parsed else {
        // Lines below an unreadable line may be anything.
        return None;
    };
    let part = pair.into_inner().next()?;
    match part.as_rule() {
        Rule::define => {
            no_children(entry, cx.sink);
            body.stmts.push(Stmt::Define(cx.define(part, entry.docs())?));
        }
        Rule::specialise => {
            no_children(entry, cx.sink);
            let row = cx.specialise(part)?;
            body.specialise.push(row);
        }
        _ => {
            let stmt = for_loop(entry, part, cx)?;
            body.stmts.push(stmt);
        }
    }
    Some(())
}

/// Whether `text` is the line `word:`.
fn begins(text: &str, word: &str) -> bool {
    text.strip_prefix(word)
        .is_some_and(|rest| rest.trim_start().starts_with(':') && !rest.trim_start().starts_with(":="))
}

/// Reports lines below an entry that takes none.
pub(super) fn no_children(entry: &Entry, sink: &mut Sink) {
    if let Some(child) = entry.children.first() {
        sink.push(
            Diagnostic::error("V0011", child.line.span, "unexpected indentation")
                .label("deeper than the definition above")
                .also(entry.line.span, "which is complete")
                .hint("to go on with that line, end it with an operator or open a bracket"),
        );
    }
}

/// `for i in L: x = …`, or with the body below.
fn for_loop(entry: &Entry, pair: Pair<Rule>, mut cx: Line) -> Option<Stmt> {
    let span = entry.span();
    let mut parts = pair.into_inner().skip(1);
    let var = cx.new_name(&parts.next()?);
    let count = cx.expr(parts.nth(1)?)?;
    let body = match parts.nth(1) {
        Some(define) => {
            no_children(entry, cx.sink);
            vec![Stmt::Define(cx.define(define, entry.docs())?)]
        }
        None if entry.children.is_empty() => {
            cx.sink.push(missing_body(entry.line.span));
            return None;
        }
        None => {
            let inner = body(&entry.children, cx.sink);
            if let Some((name, _)) = inner.specialise.first() {
                cx.sink.push(
                    Diagnostic::error("V0116", name.span, "`specialise` does not belong in a loop")
                        .label("inside `for`")
                        .hint("move it below the header"),
                );
            }
            inner.stmts
        }
    };
    Some(Stmt::For { var, count, body, span })
}

/// The finding for a header without lines below.
pub(super) fn missing_body(span: Span) -> Diagnostic {
    Diagnostic::error("V0113", span, "nothing is defined below this line")
        .label("expects indented lines")
        .hint("indent its body by two spaces")
}

impl Line<'_, '_> {
    fn define(&mut self, pair: Pair<Rule>, doc: Option<String>) -> Option<Define> {
        let span = self.span(&pair);
        let (mut names, mut indices, mut ty, mut value) = (Vec::new(), None, None, None);
        let mut op = DefineOp::Define;
        for part in pair.into_inner() {
            let here = self.span(&part);
            match part.as_rule() {
                Rule::names => names = self.names(part),
                Rule::targets => indices = Some(self.targets(part)?),
                Rule::ty => ty = Some(self.ty(part)?),
                Rule::assign => {
                    op = match part.as_str().trim_end() {
                        ":=" => DefineOp::Assign,
                        "+=" => {
                            self.sink.push(later::scatter(here));
                            return None;
                        }
                        _ => DefineOp::Define,
                    }
                }
                Rule::expr => value = Some(self.expr(part)?),
                Rule::from_clause => {
                    self.sink.push(later::scan(here));
                    return None;
                }
                _ => {}
            }
        }
        if names.len() > 1 && (indices.is_some() || ty.is_some() || op != DefineOp::Define) {
            self.sink.push(
                Diagnostic::error("V0115", span, "several names take whole results only")
                    .label("has indices, a type or `:=`")
                    .hint("write `a, b = f(x)`, then index `a` and `b`"),
            );
            return None;
        }
        Some(Define { names, indices, ty, op, value: value?, doc, span })
    }

    fn targets(&mut self, pair: Pair<Rule>) -> Option<Vec<LhsIndex>> {
        let mut targets = Vec::new();
        for target in pair.into_inner().filter(|p| p.as_rule() == Rule::target) {
            let mut parts = target.into_inner();
            let expr = self.expr(parts.next()?)?;
            let range = match parts.nth(1) {
                Some(range) => Some(self.expr(range)?),
                None => None,
            };
            targets.push(LhsIndex { expr, range });
        }
        Some(targets)
    }

    fn specialise(&mut self, pair: Pair<Rule>) -> Option<(Ident, Vec<i64>)> {
        let mut parts = pair.into_inner().skip(1);
        let name = self.ident(&parts.next()?);
        let mut sizes = Vec::new();
        for size in parts.filter(|p| p.as_rule() == Rule::int) {
            let Some(value) = literal::integer(size.as_str().trim_end()) else {
                let span = self.span(&size);
                self.sink.push(literal::too_large(span));
                return None;
            };
            sizes.push(value);
        }
        Some((name, sizes))
    }
}
