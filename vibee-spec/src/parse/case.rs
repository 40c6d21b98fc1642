//! `call:`, `expect:`, `for:` and `holds:` of cases and laws.

use super::callees::Callees;
use super::line::Line;
use super::{literal, node, words};
use crate::ast::{CaseCall, Expect, Ident, Law, LawVar, Node, NodeKind, TestCase, Value, ValueKind};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::scan::Sink;
use crate::span::Span;
use pest::iterators::Pair;

/// The cases of a `test_cases:` value. Cases of the dialect keep their keys in `other`.
///
/// So do cases about behaviours: what their values mean is known when the signatures are.
pub(super) fn cases(key: &Ident, value: &Node, callees: Option<&Callees>, sink: &mut Sink) -> Vec<TestCase> {
    let items = node::items(key, value, sink);
    let mut cases = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let mut case = TestCase {
            name: named(&[], "case", n, item.span),
            call: None,
            expect: Vec::new(),
            other: Vec::new(),
            span: item.span,
        };
        // A sentence describes a case and is one that nothing can run.
        if node::text(item).is_some() {
            case.other.push((Ident { name: "description".to_owned(), span: item.span }, item.clone()));
            cases.push(case);
            continue;
        }
        let Some(entries) = node::entries(key, item, sink) else { continue };
        case.name = named(entries, "case", n, item.span);
        let executable = callees.is_some_and(|callees| {
            let call = node::get(entries, "call");
            node::get(entries, "steps").is_none() && !call.is_some_and(|call| callees.is_of_behaviors(call))
        });
        for (key, value) in entries {
            match key.name.as_str() {
                "name" => {}
                "call" if executable => case.call = call(value, sink),
                "expect" if executable => case.expect = expects(value, sink),
                _ => case.other.push((key.clone(), value.clone())),
            }
        }
        if executable {
            complete(entries, item.span, sink);
        }
        cases.push(case);
    }
    cases
}

/// An executable case needs both of its halves.
fn complete(entries: &[(Ident, Node)], span: Span, sink: &mut Sink) {
    let (call, expect) = (node::get(entries, "call"), node::get(entries, "expect"));
    let (has, lacks) = match (call, expect) {
        (Some(_), None) => ("call", "expect: y == …"),
        (None, Some(_)) => ("expect", "call: kernel(x: …)"),
        _ => return,
    };
    sink.push(
        Diagnostic::error(
            "V0121",
            span,
            format!("the case has `{has}` but not `{}`", &lacks[..lacks.find(':').unwrap_or(0)]),
        )
        .label("half a case checks nothing")
        .hint(format!("add `{lacks}`")),
    );
}

/// The entry's `name`, or one made of its position.
fn named(entries: &[(Ident, Node)], stem: &str, n: usize, span: Span) -> Ident {
    node::get(entries, "name")
        .and_then(node::ident)
        .unwrap_or_else(|| Ident { name: format!("{stem}_{}", n + 1), span })
}

/// The text of an expression value; `None` when it was reported or is of another form (reported).
fn line<'n>(node: &'n Node, sink: &mut Sink) -> Option<&'n str> {
    match &node.kind {
        NodeKind::Raw(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        _ => {
            sink.push(
                Diagnostic::error("V0122", node.span, "this key takes an expression")
                    .label("not an expression")
                    .hint("write it on the key's line, without quotes"),
            );
            None
        }
    }
}

fn call(node: &Node, sink: &mut Sink) -> Option<CaseCall> {
    let text = line(node, sink)?;
    let (mut cx, pair) = Line::parse(Rule::case_call, text, node.span, sink)?;
    let mut parts = pair.into_inner();
    let kernel = cx.ident(&parts.next()?);
    let mut args = Vec::new();
    for arg in parts.filter(|p| p.as_rule() == Rule::case_arg) {
        let mut inner = arg.into_inner();
        let name = cx.ident(&inner.next()?);
        args.push((name, cx.value(inner.nth(1)?)?));
    }
    Some(CaseCall { kernel, args, span: node.span })
}

/// One line of expectations, or a list of lines.
fn expects(node: &Node, sink: &mut Sink) -> Vec<Expect> {
    let lines = match &node.kind {
        NodeKind::Seq(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut found = Vec::new();
    for node in lines {
        let Some(text) = line(node, sink) else { continue };
        let Some((mut cx, pair)) = Line::parse(Rule::expects, text, node.span, sink) else { continue };
        let expects = pair.into_inner().filter(|p| p.as_rule() == Rule::expect);
        found.extend(expects.filter_map(|expect| cx.expect(expect)));
    }
    found
}

/// A `laws:` value as laws about kernels and, if there are any, laws about behaviours.
pub(super) fn split_laws(value: &Node, callees: &Callees) -> (Node, Option<Node>) {
    let NodeKind::Seq(items) = &value.kind else { return (value.clone(), None) };
    let (of_behaviors, of_kernels): (Vec<Node>, Vec<Node>) = items.iter().cloned().partition(|item| {
        let NodeKind::Map(entries) = &item.kind else { return false };
        node::get(entries, "holds").is_some_and(|holds| callees.is_of_behaviors(holds))
    });
    let list = |items| Node { kind: NodeKind::Seq(items), ..value.clone() };
    let some = !of_behaviors.is_empty();
    (list(of_kernels), some.then(|| list(of_behaviors)))
}

/// The laws of a `laws:` value.
pub(super) fn laws(key: &Ident, value: &Node, sink: &mut Sink) -> Vec<Law> {
    let mut laws = Vec::new();
    for (n, item) in node::items(key, value, sink).iter().enumerate() {
        let Some(entries) = node::entries(key, item, sink) else { continue };
        let name = named(entries, "law", n, item.span);
        laws.extend(law(name, entries, item.span, sink));
    }
    laws
}

fn law(name: Ident, entries: &[(Ident, Node)], span: Span, sink: &mut Sink) -> Option<Law> {
    if let Some((key, _)) = entries.iter().find(|(k, _)| !["name", "for", "holds"].contains(&k.name.as_str()))
    {
        sink.push(
            Diagnostic::error("V0124", key.span, format!("a law has no `{}`", key.name))
                .label("unknown key")
                .hint("a law has `name`, `for` and `holds`"),
        );
    }
    let vars = match node::get(entries, "for") {
        Some(node) => law_vars(node, sink)?,
        None => Vec::new(),
    };
    let Some(holds) = node::get(entries, "holds") else {
        sink.push(
            Diagnostic::error("V0123", span, "the law has no `holds`")
                .label("says nothing")
                .hint("add `holds: f(x) ~ g(x) within 1e-5`"),
        );
        return None;
    };
    let (mut cx, pair) = Line::parse(Rule::law_holds, line(holds, sink)?, holds.span, sink)?;
    let (mut sides, mut tol) = (Vec::new(), None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::arith => sides.push(cx.expr(part)?),
            Rule::signed => tol = Some(cx.number(&part)?),
            _ => {}
        }
    }
    let rhs = sides.pop()?;
    Some(Law { name, vars, lhs: sides.pop()?, rhs, tol, span })
}

fn law_vars(node: &Node, sink: &mut Sink) -> Option<Vec<LawVar>> {
    let (mut cx, pair) = Line::parse(Rule::law_for, line(node, sink)?, node.span, sink)?;
    let mut vars = Vec::new();
    for var in pair.into_inner().filter(|p| p.as_rule() == Rule::law_var) {
        let mut parts = var.into_inner();
        let name = cx.ident(&parts.next()?);
        words::check(&name, cx.sink);
        let mut bounds = parts.filter(|p| p.as_rule() == Rule::signed);
        let (low, high) = (bounds.next()?, bounds.next()?);
        let span = cx.span(&low).to(cx.span(&high));
        let (low, high) = (cx.number(&low)?, cx.number(&high)?);
        if !(low.is_finite() && high.is_finite() && low <= high) {
            cx.sink.push(
                Diagnostic::error("V0125", span, "the range is empty or not finite")
                    .label("nothing can be drawn from it")
                    .hint("write the lower bound first: `c in [0.1, 10]`"),
            );
            return None;
        }
        vars.push(LawVar { name, low, high });
    }
    Some(vars)
}

impl Line<'_, '_> {
    fn value(&mut self, pair: Pair<Rule>) -> Option<Value> {
        let span = self.span(&pair);
        let inner = pair.into_inner().next()?;
        let kind = match inner.as_rule() {
            Rule::boolean => ValueKind::Bool(inner.as_str().starts_with('t')),
            Rule::signed => ValueKind::Number(self.number(&inner)?),
            _ => {
                let mut list = Vec::new();
                for value in inner.into_inner().filter(|p| p.as_rule() == Rule::value) {
                    list.push(self.value(value)?);
                }
                ValueKind::List(list)
            }
        };
        Some(Value { kind, span })
    }

    fn number(&mut self, pair: &Pair<Rule>) -> Option<f64> {
        let value = literal::signed(pair.as_str());
        if value.is_none() {
            let span = self.span(pair);
            self.sink.push(literal::too_large(span));
        }
        value
    }

    fn expect(&mut self, pair: Pair<Rule>) -> Option<Expect> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        if first.as_rule() == Rule::kw_error {
            return Some(Expect::Error(span));
        }
        let output = self.ident(&first);
        let rest = parts.next()?;
        let is_near = rest.as_rule() == Rule::near;
        let mut parts = rest.into_inner().skip(1);
        let value = self.value(parts.next()?)?;
        if !is_near {
            return Some(Expect::Equal { output, value });
        }
        let tol = self.number(&parts.nth(1)?)?;
        Some(Expect::Near { output, value, tol })
    }
}
