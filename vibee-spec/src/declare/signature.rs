//! Signatures of behaviours: `sample(logits: List<Float>, config: Config) -> Int or error`.

use super::resolve::Owner;
use super::syntax::{Reader, TypeTree};
use super::units::Cx;
use super::{Param, Type, names};
use crate::ast::{Behavior, Ident, Node, NodeKind};
use crate::diag::Diagnostic;

/// Arguments and result of a method.
pub(super) struct Signature {
    pub params: Vec<Param>,
    pub result: Type,
    pub fallible: bool,
}

/// Reads a behaviour's `signature:`; `None` after a reported error.
pub(super) fn written(cx: &mut Cx<'_, '_>, behavior: &Ident, node: &Node) -> Option<Signature> {
    let text = match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) => Ident { name: text.clone(), span: node.span },
        _ => {
            let d = Diagnostic::error("V0720", node.span, "a signature is one line of text")
                .hint(format!("write `signature: {}(x: Int) -> Int`", behavior.name));
            cx.report(d, "the signature is left out");
            return None;
        }
    };
    match syntax(&text) {
        Ok((name, params, result, fallible)) => {
            if name.name != behavior.name {
                let d = Diagnostic::error(
                    "V0721",
                    name.span,
                    format!("the signature is of `{}`, the behaviour is `{}`", name.name, behavior.name),
                )
                .also(behavior.span, "the behaviour's name")
                .hint("a behaviour is one method, and the method has its name");
                cx.report(d, "the behaviour's name is taken");
            }
            cx.once(params.iter().map(|(name, _)| name), names::snake, "argument");
            let owner = |field| Owner { ty: &behavior.name, field };
            let params = params
                .iter()
                .map(|(name, ty)| Param { name: name.name.clone(), ty: cx.ty(ty, &owner(&name.name)) })
                .collect();
            let result = result.map_or(Type::Tuple(vec![]), |t| cx.ty(&t, &owner("result")));
            Some(Signature::new(params, result, fallible))
        }
        Err(mut d) => {
            d.code = "V0720";
            d.message = "the signature cannot be read".into();
            d.hint = Some(format!(
                "write `{}(x: Int, y: List<Float>) -> Int`, or `-> Int or error`",
                behavior.name
            ));
            cx.report(*d, "the signature is left out");
            None
        }
    }
}

type Parts = (Ident, Vec<(Ident, TypeTree)>, Option<TypeTree>, bool);

fn syntax(text: &Ident) -> Result<Parts, Box<Diagnostic>> {
    let mut reader = Reader::new(text);
    let Some(name) = reader.name() else { return Err(reader.refused("expected the behaviour's name")) };
    reader.expect("(")?;
    let mut params = vec![];
    while !reader.eat(")") {
        if !params.is_empty() {
            reader.expect(",")?;
            if reader.eat(")") {
                break;
            }
        }
        let Some(name) = reader.name() else { return Err(reader.refused("expected an argument's name")) };
        reader.expect(":")?;
        params.push((name, reader.ty(0)?));
    }
    let mut result = None;
    let mut fallible = false;
    if reader.eat("->") {
        result = Some(reader.ty(0)?);
        if reader.eat("or") {
            reader.expect("error")?;
            fallible = true;
        }
    }
    reader.blanks();
    if reader.at < text.name.len() {
        return Err(reader.refused("expected `-> type`, or the end"));
    }
    Ok((name, params, result, fallible))
}

impl Signature {
    fn new(params: Vec<Param>, result: Type, fallible: bool) -> Self {
        // `Result<T>` is `T or error`; with an error type of its own it stays.
        match result {
            Type::Result(value, error) if *error == Type::Text => {
                Signature { params, result: *value, fallible: true }
            }
            result => Signature { params, result, fallible },
        }
    }
}

/// The dialect's `params:` and `returns:`, where every type in them has a meaning.
pub(super) fn listed(cx: &mut Cx<'_, '_>, behavior: &Behavior) -> Option<Signature> {
    let find = |key: &str| behavior.other.iter().find(|(k, _)| k.name == key).map(|(_, v)| v);
    let (params, returns) = (find("params"), find("returns"));
    if params.is_none() && returns.is_none() {
        return None;
    }
    let mut pairs: Vec<(Ident, Ident)> = vec![];
    match params.map(|p| &p.kind) {
        None | Some(NodeKind::Empty) => {}
        Some(NodeKind::Map(entries)) => {
            for (name, ty) in entries {
                pairs.push((name.clone(), text(ty)?));
            }
        }
        Some(NodeKind::Seq(items)) => {
            for item in items {
                pairs.push(pair(item)?);
            }
        }
        Some(_) => return None,
    }
    cx.silent = Some(0);
    let before = cx.out.units[0].types.len();
    let owner = |field| Owner { ty: &behavior.name.name, field };
    let params: Vec<Param> = pairs
        .iter()
        .map(|(name, ty)| Param { name: name.name.clone(), ty: cx.read(ty, &owner(&name.name)) })
        .collect();
    cx.once(pairs.iter().map(|(name, _)| name), names::snake, "argument");
    let result = match returns.map(|r| &r.kind) {
        None | Some(NodeKind::Empty) => Some(Type::Tuple(vec![])),
        Some(_) => returns.and_then(text).map(|r| cx.read(&r, &owner("result"))),
    };
    let refused = cx.silent.take().unwrap_or(0);
    if refused > 0 || result.is_none() {
        cx.out.units[0].types.truncate(before);
        return None;
    }
    Some(Signature::new(params, result?, false))
}

/// `{name: x, type: Int}`, `x: Int`, or the text `x: Int`.
fn pair(item: &Node) -> Option<(Ident, Ident)> {
    match &item.kind {
        NodeKind::Map(entries) => {
            let find = |key: &str| entries.iter().find(|(k, _)| k.name == key).map(|(_, v)| v);
            match (find("name"), find("type")) {
                (Some(name), Some(ty)) => Some((text(name)?, text(ty)?)),
                _ => match &entries[..] {
                    [(name, ty)] => Some((name.clone(), text(ty)?)),
                    _ => None,
                },
            }
        }
        NodeKind::Raw(line) | NodeKind::Quoted(line) => {
            let (name, ty) = line.split_once(':')?;
            let part = |text: &str| Ident { name: text.trim().to_owned(), span: item.span };
            Some((part(name), part(ty)))
        }
        _ => None,
    }
}

fn text(node: &Node) -> Option<Ident> {
    match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) => Some(Ident { name: text.clone(), span: node.span }),
        _ => None,
    }
}
