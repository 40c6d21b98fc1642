//! Entries of `formats:`: sizes, fields, tables, decoding and encoding.

use super::layer::{lines, one, part_name};
use super::line::Line;
use super::literal;
use super::statement::{self, missing_body, no_children, too_many};
use super::tree::Entry;
use crate::ast::{Define, DefineOp, Expr, ExprKind, Format, Ident, LhsIndex, Stmt, Table, Ty, TyElem};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::limits::MAX_DEFINITIONS;
use crate::scan::Sink;
use crate::span::Span;
use pest::iterators::Pair;
use std::collections::HashMap;

/// Parts of a format that are words before a colon.
const PARTS: &[&str] = &["block", "tables", "fields", "encode"];

/// The parts that every format has.
const NEEDED: &[(&str, &str)] = &[
    ("block", "say how many numbers a block holds: `block: 32`"),
    ("fields", "list what a block stores: `fields:`, and below it `d: f16`"),
    ("decode", "say what a stored number is: `decode[j]: d * q[j]`"),
];

/// One format.
pub(super) fn format(entry: &Entry, sink: &mut Sink) -> Option<Format> {
    let name = header(entry, sink);
    let mut parts = Parts::default();
    let before = sink.mark();
    if let Some(child) = entry.children.get(MAX_DEFINITIONS) {
        sink.push(too_many(child.line.span));
        return None;
    }
    for child in &entry.children {
        parts.read(child, sink);
    }
    let name = name?;
    if entry.children.is_empty() {
        sink.push(missing_body(entry.line.span));
        return None;
    }
    let refused = entry.children.iter().any(|c| c.line.broken) || sink.errors_since(before).next().is_some();
    let mut missing = false;
    for (part, hint) in NEEDED.iter().filter(|(part, _)| !parts.seen.contains_key(*part)) {
        missing = true;
        // What was refused may be what is missing.
        if !refused {
            let d =
                Diagnostic::error("V1003", name.span, format!("the format `{}` has no `{part}`", name.name));
            sink.push(d.label("incomplete").hint(*hint));
        }
    }
    if missing {
        return None;
    }
    let (block, mut decode) = (parts.block?, parts.decode?);
    // Letters of `decode` count the numbers of a block.
    if let Some([index]) = decode.indices.as_deref_mut() {
        index.range = Some(block.clone());
    }
    let mut body = parts.helpers;
    body.push(Stmt::Define(decode));
    Some(Format {
        name,
        block,
        tables: parts.tables,
        fields: parts.fields,
        body,
        encode: parts.encode,
        doc: entry.docs(),
        span: entry.span(),
    })
}

fn header(entry: &Entry, sink: &mut Sink) -> Option<Ident> {
    let line = &entry.line;
    if line.broken {
        return None;
    }
    let (mut cx, pair) = Line::parse(Rule::format_header, &line.text, line.span, sink)?;
    Some(cx.new_name(&pair.into_inner().next()?))
}

#[derive(Default)]
struct Parts {
    seen: HashMap<String, Span>,
    block: Option<Expr>,
    tables: Vec<Table>,
    fields: Vec<crate::ast::Param>,
    helpers: Vec<Stmt>,
    decode: Option<Define>,
    encode: Option<Vec<Stmt>>,
}

impl Parts {
    fn read(&mut self, entry: &Entry, sink: &mut Sink) -> Option<()> {
        let text = &entry.line.text;
        if text.strip_prefix("decode").is_some_and(|rest| rest.trim_start().starts_with(['[', ':'])) {
            let start = entry.line.span.start as usize;
            self.once("decode", Span::new(start, start + "decode".len()), sink);
            let decode = one(Rule::format_decode, entry, sink, |cx, pair| cx.decode(pair, entry.docs()));
            self.decode = self.decode.take().or(decode);
            return Some(());
        }
        let Some((name, rest)) = part_name(entry).filter(|(name, rest)| is_part(name, &text[*rest..])) else {
            let body = statement::body(std::slice::from_ref(entry), sink);
            if let Some((name, _)) = body.specialise.first() {
                let d = Diagnostic::error("V0116", name.span, "`specialise` does not belong in a format");
                sink.push(d.label("in a format").hint("the sizes of a block are known already"));
            }
            self.helpers.extend(body.stmts);
            return Some(());
        };
        if !PARTS.contains(&name.name.as_str()) {
            sink.push(unknown(&name));
            return None;
        }
        self.once(&name.name, name.span, sink);
        if entry.line.broken {
            return None;
        }
        match name.name.as_str() {
            "block" => {
                no_children(entry, sink);
                let text = &text[rest..];
                let at = entry.line.span.start as usize + rest + text.len() - text.trim_start().len();
                let span = Span { start: at as u32, ..entry.line.span };
                let (mut cx, pair) = Line::parse(Rule::size_line, text.trim_start(), span, sink)?;
                self.block = Some(cx.expr(pair.into_inner().next()?)?);
            }
            "tables" => {
                for line in lines(entry, rest, sink) {
                    self.tables.extend(one(Rule::table_line, line, sink, |cx, pair| cx.table(pair)));
                }
            }
            "fields" => {
                for line in lines(entry, rest, sink) {
                    let field = |cx: &mut Line, pair: Pair<Rule>| cx.param(pair.into_inner().next()?);
                    self.fields.extend(one(Rule::state_line, line, sink, field));
                }
            }
            _ => {
                let body = statement::body(lines(entry, rest, sink), sink);
                self.encode = Some(body.stmts);
            }
        }
        Some(())
    }

    fn once(&mut self, part: &str, span: Span, sink: &mut Sink) {
        if let Some(first) = self.seen.insert(part.to_owned(), span) {
            let d = Diagnostic::error("V0013", span, format!("`{part}` is written twice"))
                .label("second time")
                .also(first, "first time")
                .hint("merge the two, or rename one");
            sink.push(d);
        }
    }
}

/// Whether `name: rest` is a part and not a definition with a type, `m: f32 = …`.
fn is_part(name: &Ident, rest: &str) -> bool {
    PARTS.contains(&name.name.as_str()) || !rest.starts_with('=') && !rest.contains('=')
}

fn unknown(name: &Ident) -> Diagnostic {
    let listed: Vec<_> = PARTS.iter().map(|part| format!("`{part}:`")).collect();
    Diagnostic::error("V1004", name.span, format!("a format has no part `{}`", name.name))
        .label("unknown part")
        .hint(format!("parts are {} and `decode[j]:`; definitions are written with `=`", listed.join(", ")))
}

impl Line<'_, '_> {
    /// `decode[j]: d * q[j]`.
    fn decode(&mut self, pair: Pair<Rule>, doc: Option<String>) -> Option<Define> {
        let span = self.span(&pair);
        let (mut name, mut index, mut value) = (None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_decode => name = Some(self.ident(&part)),
                Rule::ident => index = Some(self.new_name(&part)),
                Rule::expr => value = Some(self.expr(part)?),
                _ => {}
            }
        }
        let (name, index) = (name?, index?);
        let letter = Expr { kind: ExprKind::Name(index.name), span: index.span };
        let elem = TyElem::Named(Ident { name: "f32".into(), span: name.span });
        Some(Define {
            indices: Some(vec![LhsIndex { expr: letter, range: None }]),
            ty: Some(Ty { elem, shape: vec![], span: name.span }),
            names: vec![name],
            op: DefineOp::Define,
            value: value?,
            doc,
            span,
        })
    }

    /// `code: [-1.0, 0, 1.0]`.
    fn table(&mut self, pair: Pair<Rule>) -> Option<Table> {
        let mut parts = pair.into_inner();
        let name = self.new_name(&parts.next()?);
        let mut values = Vec::new();
        for part in parts.filter(|p| p.as_rule() == Rule::signed) {
            let span = self.span(&part);
            let Some(value) = literal::constant(part.as_str().trim_end(), span) else {
                self.sink.push(literal::too_large(span));
                return None;
            };
            values.push(value);
        }
        Some(Table { name, values })
    }
}
