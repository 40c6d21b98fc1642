//! Laws: what holds for all values that are drawn.

use super::super::constants;
use super::super::data::{Data, DataKind};
use super::super::literal;
use super::super::syntax::Reader;
use super::super::units::Cx;
use super::super::{Declarations, Type, TypeDefKind, TypeRef, names};
use super::typing::{self, Typing};
use super::{Domain, Expr, ExprKind, Law, Var};
use crate::ast::{Behavior, Ident, Node, NodeKind};
use crate::diag::Diagnostic;

type Read<T> = Result<T, Box<Diagnostic>>;

/// Longest drawn list.
const MAX_LENGTH: i64 = 4096;

/// Resolves the laws of a behaviour that are not about kernels.
pub(super) fn laws(cx: &mut Cx<'_, '_>, b: &Behavior, asserted: &mut [bool]) {
    let Some((_, node)) = b.other.iter().find(|(k, _)| k.name == "laws") else { return };
    let NodeKind::Seq(items) = &node.kind else { return };
    for (n, item) in items.iter().enumerate() {
        let NodeKind::Map(entries) = &item.kind else { continue };
        match law(&cx.out, entries, item) {
            Ok((vars, holds)) => {
                mark(&holds, asserted);
                let find = entries.iter().find(|(k, _)| k.name == "name");
                let name = match find.map(|(_, v)| &v.kind) {
                    Some(NodeKind::Raw(name) | NodeKind::Quoted(name)) => name.clone(),
                    _ => format!("law_{}", n + 1),
                };
                let name = format!("{}.{name}", b.name.name);
                cx.out.suite.laws.push(Law { name, vars, holds });
            }
            Err(d) => {
                cx.report(*d, "the law is left out");
                super::cases::mark(cx, Some(b), asserted);
            }
        }
    }
}

/// Marks the methods that an expression calls.
fn mark(e: &Expr, asserted: &mut [bool]) {
    let mut queue = vec![e];
    while let Some(e) = queue.pop() {
        if let ExprKind::Call(at, _) = &e.kind {
            asserted[*at] = true;
        }
        queue.extend(e.parts());
    }
}

fn law(d: &Declarations, entries: &[(Ident, Node)], item: &Node) -> Read<(Vec<Var>, Expr)> {
    let find = |key: &str| entries.iter().find(|(k, _)| k.name == key).map(|(_, v)| v);
    if let Some((key, _)) = entries.iter().find(|(k, _)| !["name", "for", "holds"].contains(&k.name.as_str()))
    {
        let message = format!("a law has no `{}`", key.name);
        let e = Diagnostic::error("V0733", key.span, message).hint("a law has `name`, `for` and `holds`");
        return Err(Box::new(e));
    }
    let vars = match find("for") {
        Some(node) => variables(d, &text(node)?)?,
        None => vec![],
    };
    let Some(holds) = find("holds") else {
        let e =
            Diagnostic::error("V0733", item.span, "the law has no `holds`").hint("add `holds: f(x) >= 0`");
        return Err(Box::new(e));
    };
    let holds = text(holds)?;
    let tree = super::syntax::parse(&holds)?;
    let holds = Typing { d, vars: &vars }.wanted(&tree, &Type::Bool)?;
    if !typing::calls(&holds) {
        let e = Diagnostic::error("V0738", tree.span, "the law calls no behaviour of this spec")
            .label("says nothing about an implementation");
        return Err(Box::new(e));
    }
    Ok((vars, holds))
}

fn text(node: &Node) -> Read<Ident> {
    match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) => Ok(Ident { name: text.clone(), span: node.span }),
        // `for: [0, 1]` and the like were read as lists.
        _ => Err(Box::new(Diagnostic::error("V0733", node.span, "this key takes one line of text"))),
    }
}

/// `x in [0.1, 2], n in 1..8, xs in [-5, 5][1..=32], mode in {Greedy, Sample}`.
fn variables(d: &Declarations, text: &Ident) -> Read<Vec<Var>> {
    let mut reader = Reader::new(text);
    let mut vars: Vec<Var> = vec![];
    loop {
        let Some(name) = reader.single() else { return Err(draws(&reader)) };
        if !reader.eat_word("in") {
            return Err(draws(&reader));
        }
        let (ty, from) = domain(d, &mut reader)?;
        if vars.iter().any(|v| v.name == name.name) {
            let message = format!("`{}` is drawn twice", name.name);
            return Err(Box::new(Diagnostic::error("V0737", name.span, message)));
        }
        vars.push(Var { name: name.name, ty, from });
        if !reader.eat(",") {
            reader.blanks();
            return if reader.rest().is_empty() { Ok(vars) } else { Err(draws(&reader)) };
        }
    }
}

fn draws(reader: &Reader<'_>) -> Box<Diagnostic> {
    let mut d = reader.unexpected("expected a variable and where it is drawn from");
    d.code = "V0737";
    d.message = "the draw cannot be read".into();
    d.hint = Some(
        "write `x in [0.1, 2]`, `n in 1..8`, `xs in [0, 1][1..=32]` or `mode in {Greedy, Sample}`".into(),
    );
    d
}

fn domain(d: &Declarations, reader: &mut Reader<'_>) -> Read<(Type, Domain)> {
    reader.blanks();
    let from = reader.at;
    let (mut ty, mut found) = if reader.eat("{") {
        let mut items = vec![];
        while !reader.eat("}") {
            if !items.is_empty() && !reader.eat(",") {
                return Err(draws(reader));
            }
            let tree = reader.operand()?;
            items.extend(typing::data(&tree, &[]));
        }
        choice(d, items).ok_or_else(|| {
            let span = reader.span(from, reader.at);
            let e = Diagnostic::error("V0737", span, "these values have no type in common")
                .hint("write numbers, texts, or variants of one enum of this spec");
            Box::new(e)
        })?
    } else if reader.eat("[") {
        let low = bound(reader)?;
        if !reader.eat(",") {
            return Err(draws(reader));
        }
        let high = bound(reader)?;
        if !reader.eat("]") {
            return Err(draws(reader));
        }
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return Err(empty(reader, from));
        }
        (Type::Float, Domain::Float(low, high))
    } else {
        let (low, high) = range(reader, from)?;
        (Type::Int, Domain::Int(low, high))
    };
    while reader.eat("[") {
        let (low, high) = range(reader, from)?;
        if !reader.eat("]") {
            return Err(draws(reader));
        }
        if low < 0 || high > MAX_LENGTH {
            let span = reader.span(from, reader.at);
            let message = format!("a drawn list has 0 to {MAX_LENGTH} items");
            return Err(Box::new(Diagnostic::error("V0737", span, message)));
        }
        ty = Type::List(Box::new(ty));
        found = Domain::List(Box::new(found), low, high);
    }
    Ok((ty, found))
}

fn empty(reader: &Reader<'_>, from: usize) -> Box<Diagnostic> {
    let span = reader.span(from, reader.at);
    Box::new(
        Diagnostic::error("V0737", span, "the range is empty or not finite")
            .hint("the lower bound comes first"),
    )
}

/// A number of a range, with its sign.
fn bound(reader: &mut Reader<'_>) -> Read<f64> {
    let before = reader.at;
    let tree = reader.operand()?;
    if let Some(Data { kind: DataKind::Word(word), .. }) = typing::data(&tree, &[])
        && let Some(v) = literal::real(&word)
    {
        return Ok(v);
    }
    reader.at = before;
    Err(draws(reader))
}

/// `a..b` without its end, `a..=b` with it; `n` alone is itself. The bounds that are drawn.
fn range(reader: &mut Reader<'_>, from: usize) -> Read<(i64, i64)> {
    let whole = |reader: &mut Reader<'_>| {
        reader.blanks();
        let rest = reader.rest();
        let sign = usize::from(rest.starts_with('-'));
        let end = rest[sign..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| n + sign);
        let value: Option<i64> = rest[..end].parse().ok();
        if value.is_some() {
            reader.at += end;
        }
        value.ok_or_else(|| draws(reader))
    };
    let low = whole(reader)?;
    let high = if reader.eat("..=") {
        whole(reader)?
    } else if reader.eat("..") {
        whole(reader)?.saturating_sub(1)
    } else {
        low
    };
    if low > high { Err(empty(reader, from)) } else { Ok((low, high)) }
}

/// Values of one type: numbers, texts, or variants of one of the file's enums.
fn choice(d: &Declarations, items: Vec<Data>) -> Option<(Type, Domain)> {
    let words: Vec<&str> = items
        .iter()
        .filter_map(|i| match &i.kind {
            DataKind::Word(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    if items.is_empty() {
        return None;
    }
    let canonical: Vec<String> = words.iter().map(|w| names::camel(w)).collect();
    let of = |t: &super::super::TypeDef| match &t.kind {
        TypeDefKind::Enum(variants) => canonical
            .iter()
            .all(|w| variants.iter().any(|v| v.payload.is_none() && names::camel(&v.name) == *w)),
        _ => false,
    };
    if words.len() == items.len()
        && words.iter().all(|w| literal::real(w).is_none() && literal::truth(w).is_none())
        && let Some(index) = d.types().iter().position(of)
    {
        let ty = Type::Named(TypeRef { unit: 0, index });
        let values = items.iter().map(|i| literal::literal(d, &ty, i).ok()).collect::<Option<_>>()?;
        return Some((ty, Domain::Choice(values)));
    }
    let span = items[0].span;
    let (ty, value) = constants::typed(&Data { kind: DataKind::List(items), span })?;
    match (ty, value) {
        (Type::Array(t, _), literal::Literal::List(values)) => Some((*t, Domain::Choice(values))),
        _ => None,
    }
}
