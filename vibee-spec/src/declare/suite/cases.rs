//! Cases: calls with given values and what must come of them.

use super::super::data::{Data, DataKind};
use super::super::literal::{Literal, literal};
use super::super::syntax::Reader;
use super::super::units::Cx;
use super::super::{Declarations, Method, Type, TypeDefKind, TypeRef, behaviors, infer, names};
use super::fits::{has_numbers, is_ordered};
use super::syntax::{COMPARISONS, Tree, TreeKind};
use super::typing;
use super::{Case, Check, Expect, How, Part, Step, laws};
use crate::ast::{Behavior, Ident, Node, NodeKind, TestCase};
use crate::check::suggest;
use crate::diag::Diagnostic;
use crate::span::Span;

type Read<T> = Result<T, Box<Diagnostic>>;

/// What a case that cannot be used is, under other languages.
const LEFT_OUT: &str = "kept as prose, not run";

/// Resolves the cases and laws of all behaviours, and warns about what is prose.
pub(in super::super) fn suite(cx: &mut Cx<'_, '_>) {
    let file = cx.files[0].file;
    let names: Vec<String> = cx.out.interface.methods.iter().map(|m| m.name.clone()).collect();
    let mut asserted = vec![false; names.len()];
    let mut prose: Vec<Span> = vec![];
    let mut seen: Vec<*const TestCase> = vec![];
    for b in &file.behaviors {
        for case in infer::cases(file, b) {
            // A behaviour that is written twice has its cases once.
            if seen.contains(&std::ptr::from_ref(case)) {
                continue;
            }
            seen.push(std::ptr::from_ref(case));
            one(cx, Some(b), case, &mut asserted, &mut prose);
        }
        laws::laws(cx, b, &mut asserted);
    }
    for case in file.test_cases.iter().filter(|c| !seen.contains(&std::ptr::from_ref(*c))) {
        one(cx, None, case, &mut asserted, &mut prose);
    }
    // In a spec of kernels, prose cases are about those.
    if names.is_empty() {
        return;
    }
    cx.out.suite.prose = prose.len();
    behaviors::unasserted(cx, &asserted);
    if let Some(first) = prose.first() {
        let (n, s) = (prose.len(), if prose.len() == 1 { "" } else { "s" });
        let d = Diagnostic::warning("V0736", *first, format!("{n} test case{s} cannot be run"))
            .label("the first one")
            .hint(
                "write `call:` and `expect:`, or `input:` and `expected:` as values of the signature's types",
            );
        cx.report(d, "");
    }
}

fn find<'c>(case: &'c TestCase, key: &str) -> Option<&'c Node> {
    case.other.iter().find(|(k, _)| k.name == key).map(|(_, v)| v)
}

fn one(
    cx: &mut Cx<'_, '_>,
    b: Option<&Behavior>,
    case: &TestCase,
    asserted: &mut [bool],
    prose: &mut Vec<Span>,
) {
    if case.call.is_some() {
        return;
    }
    let read = if let Some(steps) = find(case, "steps") {
        steps_of(&cx.out, steps).map(Some)
    } else if let Some(call) = find(case, "call").filter(|n| is_call(n)) {
        step(&cx.out, call, find(case, "expect"), true).map(|s| Some(vec![s]))
    } else {
        by_values(&cx.out, b, case)
    };
    match read {
        Ok(Some(steps)) => {
            for s in &steps {
                asserted[s.method] = true;
            }
            let name = match b {
                Some(b) if b.name.name != case.name.name => format!("{}.{}", b.name.name, case.name.name),
                _ => case.name.name.clone(),
            };
            cx.out.suite.cases.push(Case { name, steps });
        }
        Ok(None) => {
            prose.push(case.name.span);
            example(cx, b, case);
        }
        Err(d) => {
            cx.report(*d, LEFT_OUT);
            if cx.strict {
                // What has an error is not also called prose.
                mark(cx, b, asserted);
            } else {
                prose.push(case.name.span);
            }
        }
    }
}

/// Counts the method of a behaviour as asserted.
pub(super) fn mark(cx: &Cx<'_, '_>, b: Option<&Behavior>, asserted: &mut [bool]) {
    let methods = &cx.out.interface.methods;
    if let Some(at) = b.and_then(|b| methods.iter().position(|m| m.name == b.name.name)) {
        asserted[at] = true;
    }
}

/// Examples of one method that its documentation shows.
const MAX_EXAMPLES: usize = 8;

/// Keeps a case in prose as documentation of its method.
fn example(cx: &mut Cx<'_, '_>, b: Option<&Behavior>, case: &TestCase) {
    let Some(m) = b.and_then(|b| cx.out.interface.methods.iter_mut().find(|m| m.name == b.name.name)) else {
        return;
    };
    let said = |key: &str| find(case, key).and_then(behaviors::prose);
    let text = match (said("input").or_else(|| said("given")), said("expected").or_else(|| said("then"))) {
        (Some(input), Some(expected)) => format!("{input} → {expected}"),
        (input, expected) => match input.or(expected) {
            Some(text) => text,
            None => return,
        },
    };
    if m.facts.iter().filter(|(word, _)| *word == "Example").count() < MAX_EXAMPLES {
        m.facts.push(("Example", text));
    }
}

/// `name(…)`: prose may stand under `call`, too.
fn is_call(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) => text.contains('(') && text.trim_end().ends_with(')'),
        _ => false,
    }
}

fn text_of(node: &Node) -> Read<Ident> {
    match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) | NodeKind::Block(text) => {
            Ok(Ident { name: text.clone(), span: node.span })
        }
        _ => Err(Box::new(Diagnostic::error("V0733", node.span, "this key takes one line of text"))),
    }
}

fn steps_of(d: &Declarations, node: &Node) -> Read<Vec<Step>> {
    let NodeKind::Seq(items) = &node.kind else {
        let e = Diagnostic::error("V0733", node.span, "`steps` takes a list")
            .hint("write `- call: …` and `expect: …` below it, once for each step");
        return Err(Box::new(e));
    };
    let mut steps = vec![];
    for item in items {
        let entries: &[(Ident, Node)] = match &item.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        };
        let find = |key: &str| entries.iter().find(|(k, _)| k.name == key).map(|(_, v)| v);
        if let Some((key, _)) =
            entries.iter().find(|(k, _)| !["call", "expect", "name"].contains(&k.name.as_str()))
        {
            let message = format!("a step has no `{}`", key.name);
            return Err(Box::new(
                Diagnostic::error("V0733", key.span, message).hint("it has `call` and `expect`"),
            ));
        }
        let Some(call) = find("call") else {
            return Err(Box::new(Diagnostic::error("V0733", item.span, "the step has no `call`")));
        };
        steps.push(step(d, call, find("expect"), false)?);
    }
    let asserts = |s: &Step| !matches!(&s.expect, Expect::Value(checks) if checks.is_empty());
    if !steps.iter().any(asserts) {
        return Err(Box::new(Diagnostic::error("V0733", node.span, "no step expects anything")));
    }
    Ok(steps)
}

fn step(d: &Declarations, call: &Node, expect: Option<&Node>, needed: bool) -> Read<Step> {
    let tree = super::syntax::parse(&text_of(call)?)?;
    let TreeKind::Call(name, args) = &tree.kind else {
        let e = Diagnostic::error("V0733", tree.span, "this is not a call")
            .hint("write `behaviour(argument: value)`");
        return Err(Box::new(e));
    };
    let method = typing::method(d, name)?;
    let m = &d.interface.methods[method];
    let given = typing::arguments(m, tree.span, args, |t: &Tree| t.span)?;
    let mut values = vec![];
    for (p, t) in m.params.iter().zip(given) {
        let Some(data) = typing::data(t, &[]) else {
            let e = Diagnostic::error("V0732", t.span, "a case's argument is a value")
                .hint("what is computed from other calls is a law, or a step");
            return Err(Box::new(e));
        };
        values.push(literal(d, &p.ty, &data)?);
    }
    let expect = match expect {
        Some(node) => expected(d, m, node)?,
        None if needed => {
            let e =
                Diagnostic::error("V0733", tree.span, "the case expects nothing").hint("add `expect: == …`");
            return Err(Box::new(e));
        }
        None => Expect::Value(vec![]),
    };
    Ok(Step { method, args: values, expect })
}

/// `== v`, `~ v within tol`, `.field < v`, `error`; several behind `;` or in a list.
fn expected(d: &Declarations, m: &Method, node: &Node) -> Read<Expect> {
    let lines = match &node.kind {
        NodeKind::Seq(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut checks = vec![];
    for line in lines {
        let text = text_of(line)?;
        let mut reader = Reader::new(&text);
        loop {
            let before = reader.at;
            let whole = [("error", Expect::Error), ("ok", Expect::Success)];
            if let Some((word, expect)) = whole.into_iter().find(|(word, _)| reader.eat_word(word)) {
                let span = reader.span(before, reader.at);
                reader.blanks();
                if !reader.rest().is_empty() || !checks.is_empty() || lines.len() > 1 {
                    let e = reader.unexpected("the expectation ends before this");
                    return Err(Box::new(
                        e.hint(format!("`{word}` says whether the call fails, and stands alone")),
                    ));
                }
                if !fails(d, m) {
                    let e = Diagnostic::error("V0735", span, format!("`{}` never fails", m.name))
                        .label(format!("`{word}` says whether the call fails"))
                        .also(m.span, "its signature gives a value, always")
                        .hint("write `-> T or error` in the signature");
                    return Err(Box::new(e));
                }
                return Ok(expect);
            }
            checks.push(check(d, m, &mut reader)?);
            if !reader.eat(";") {
                super::syntax::end(&mut reader, &text)?;
                break;
            }
        }
    }
    Ok(Expect::Value(checks))
}

fn fails(d: &Declarations, m: &Method) -> bool {
    m.fallible || matches!(d.plain(&m.result), Type::Result(..))
}

/// The type of a value that did not fail.
fn value_type<'d>(d: &'d Declarations, m: &'d Method) -> &'d Type {
    match d.plain(&m.result) {
        Type::Result(value, _) => value,
        _ => &m.result,
    }
}

fn check(d: &Declarations, m: &Method, reader: &mut Reader<'_>) -> Read<Check> {
    let mut ty = value_type(d, m);
    let mut path = vec![];
    while reader.eat(".") {
        if let Some(at) = reader.digits() {
            let (n, part) = typing::part_of(d, ty, &at)?;
            path.push(Part::Item(n));
            ty = part;
            continue;
        }
        let Some(name) = reader.single() else { return Err(reader.unexpected("expected a field")) };
        let (at, n, field) = field_of(d, ty, &name)?;
        path.push(Part::Field(at, n));
        ty = field;
    }
    reader.blanks();
    let from = reader.at;
    if let Some(sign) = COMPARISONS.iter().find(|sign| reader.eat(sign)) {
        let sign: &'static str = sign;
        if !matches!(sign, "==" | "!=") && !is_ordered(d, ty) {
            let message = format!("`{sign}` compares numbers and texts, this is `{}`", d.shown(ty));
            return Err(Box::new(Diagnostic::error("V0734", reader.span(from, reader.at), message)));
        }
        let want = value(d, ty, reader)?;
        return Ok(Check { path, ty: ty.clone(), how: How::Sign(sign), want });
    }
    if !reader.eat("~") {
        let e = reader.unexpected("expected `==`, `~`, `<`, `>`, `ok` or `error`");
        return Err(Box::new(e.hint("write `expect: == value`; the call's result stands in front of it")));
    }
    if !has_numbers(d, ty) {
        let message = format!("`~` compares numbers, this is `{}`", d.shown(ty));
        let e = Diagnostic::error("V0734", reader.span(from, reader.at), message)
            .hint("compare its fields: `.field ~ value within 1e-6`");
        return Err(Box::new(e));
    }
    let want = value(d, ty, reader)?;
    let tol = reader.within()?;
    Ok(Check { path, ty: ty.clone(), how: How::Near(tol), want })
}

fn value(d: &Declarations, ty: &Type, reader: &mut Reader<'_>) -> Read<Literal> {
    let tree = reader.operand()?;
    match typing::data(&tree, &[]) {
        Some(data) => literal(d, ty, &data),
        None => Err(Box::new(Diagnostic::error("V0732", tree.span, "a case compares with a value"))),
    }
}

fn field_of<'d>(d: &'d Declarations, ty: &'d Type, name: &Ident) -> Read<(TypeRef, usize, &'d Type)> {
    if let Type::Named(at) = d.plain(ty)
        && let TypeDefKind::Struct(fields) = &d.get(*at).kind
    {
        let canonical = names::snake(&name.name);
        if let Some(n) = fields.iter().position(|f| names::snake(&f.name) == canonical) {
            return Ok((*at, n, &fields[n].ty));
        }
        let message = format!("`{}` has no field `{}`", d.get(*at).name, name.name);
        let mut e = Diagnostic::error("V0732", name.span, message);
        e.hint = suggest::hint(&name.name, fields.iter().map(|f| f.name.as_str()));
        return Err(Box::new(e));
    }
    let message = format!("`{}` has no fields", d.shown(ty));
    Err(Box::new(Diagnostic::error("V0732", name.span, message)))
}

/// `input:` and `expected:` by the signature; `None` for prose.
fn by_values(d: &Declarations, b: Option<&Behavior>, case: &TestCase) -> Read<Option<Vec<Step>>> {
    let Some(b) = b else { return Ok(None) };
    let methods = &d.interface.methods;
    let Some(method) = methods.iter().position(|m| m.name == b.name.name && m.typed) else { return Ok(None) };
    let m = &methods[method];
    let Some((input, wanted)) = infer::halves(case) else { return Ok(None) };
    let Some(args) = values(d, m, &input)? else { return Ok(None) };
    let tol = match find(case, "tolerance").map(|n| (&n.kind, n.span)) {
        Some((NodeKind::Raw(text) | NodeKind::Quoted(text), span)) => {
            let tol = super::super::literal::real(text).filter(|t| *t >= 0.0);
            Some(tol.ok_or_else(|| Box::new(Diagnostic::error("V0732", span, "a tolerance is a number"))))
        }
        _ => None,
    };
    let expect = match outcome(d, m, &wanted, tol.transpose()?)? {
        Some(expect) => expect,
        None => return Ok(None),
    };
    Ok(Some(vec![Step { method, args, expect }]))
}

/// The arguments that `input:` gives; `None` if it is prose.
fn values(d: &Declarations, m: &Method, input: &Data) -> Read<Option<Vec<Literal>>> {
    if let [only] = &m.params[..] {
        let named = |entries: &[(Ident, Data)]| matches!(entries, [(key, _)] if names::snake(&key.name) == names::snake(&only.name));
        match &input.kind {
            DataKind::Map(entries) if named(entries) => {}
            // The argument itself: a struct or map, or one value.
            DataKind::Word(_) | DataKind::Text(_) if d.plain(&only.ty) == &Type::Text => {
                return Ok(Some(vec![literal(d, &only.ty, input)?]));
            }
            DataKind::Word(_) | DataKind::Text(_) => {
                return Ok(literal(d, &only.ty, input).ok().map(|v| vec![v]));
            }
            DataKind::List(_) => return Ok(Some(vec![literal(d, &only.ty, input)?])),
            DataKind::Map(_) if matches!(d.plain(&only.ty), Type::Named(_) | Type::Map(..) | Type::Any) => {
                return Ok(Some(vec![literal(d, &only.ty, input)?]));
            }
            DataKind::Map(_) => {}
        }
    }
    let DataKind::Map(entries) = &input.kind else { return Ok(None) };
    let given: Vec<(Option<Ident>, Data)> =
        entries.iter().map(|(k, v)| (Some(k.clone()), v.clone())).collect();
    let ordered = typing::arguments(m, input.span, &given, |v| v.span)?;
    let values = m.params.iter().zip(ordered).map(|(p, v)| literal(d, &p.ty, v));
    values.collect::<Read<_>>().map(Some)
}

/// What `expected:` says; `None` if it is prose.
fn outcome(d: &Declarations, m: &Method, wanted: &Data, tol: Option<f64>) -> Read<Option<Expect>> {
    let ty = value_type(d, m);
    if fails(d, m) {
        let is_error = match &wanted.kind {
            DataKind::Word(word) | DataKind::Text(word) => word.eq_ignore_ascii_case("error"),
            DataKind::Map(entries) => matches!(&entries[..], [(key, _)] if key.name == "error"),
            DataKind::List(_) => false,
        };
        if is_error {
            return Ok(Some(Expect::Error));
        }
        // Where there is no value that could be called so.
        let is_ok = matches!(&wanted.kind, DataKind::Word(word) if word.eq_ignore_ascii_case("ok"));
        if is_ok && *d.plain(ty) == Type::Tuple(vec![]) {
            return Ok(Some(Expect::Success));
        }
    }
    let mut wanted = wanted;
    if let DataKind::Map(entries) = &wanted.kind
        && let [(key, inner)] = &entries[..]
        && ["result", "output", "value"].contains(&key.name.as_str())
        && !matches!(d.plain(ty), Type::Named(_) | Type::Map(..) | Type::Any)
    {
        wanted = inner;
    }
    // A sentence about something that is no text is prose.
    if let DataKind::Word(word) | DataKind::Text(word) = &wanted.kind
        && d.plain(ty) != &Type::Text
        && word.contains(' ')
    {
        return Ok(None);
    }
    let mut checks = vec![];
    leaves(d, ty, wanted, tol, &mut vec![], &mut checks)?;
    Ok(Some(Expect::Value(checks)))
}

/// Compares the fields that a map gives, each by itself; anything else as a whole.
fn leaves(
    d: &Declarations,
    ty: &Type,
    wanted: &Data,
    tol: Option<f64>,
    path: &mut Vec<Part>,
    checks: &mut Vec<Check>,
) -> Read<()> {
    let is_struct =
        matches!(d.plain(ty), Type::Named(at) if matches!(d.get(*at).kind, TypeDefKind::Struct(_)));
    if let (true, DataKind::Map(entries)) = (is_struct, &wanted.kind) {
        for (name, value) in entries {
            let (at, n, field) = field_of(d, ty, name)?;
            path.push(Part::Field(at, n));
            leaves(d, field, value, tol, path, checks)?;
            path.pop();
        }
        return Ok(());
    }
    let want = literal(d, ty, wanted)?;
    let how = match tol {
        Some(tol) if has_numbers(d, ty) => How::Near(tol),
        _ => How::Sign("=="),
    };
    checks.push(Check { path: path.clone(), ty: ty.clone(), how, want });
    Ok(())
}
