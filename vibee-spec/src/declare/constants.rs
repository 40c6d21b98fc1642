//! Constants of a file, typed by their values.

use super::data::{Data, DataKind};
use super::literal::{self, Literal};
use super::units::Cx;
use super::{Constant, Number, Type, names};
use crate::ast::{Ident, Node, NodeKind};

/// Sections whose entries are constants.
pub(super) const SECTIONS: &[&str] = &["constants", "sacred_constants"];

/// Reads the constants of the file. Maps without a `value` and mixed lists stay metadata.
pub(super) fn constants(cx: &mut Cx<'_, '_>) {
    let file = cx.files[0].file;
    let mut all: Vec<(&Ident, Constant)> = vec![];
    for section in file.sections.iter().filter(|s| SECTIONS.contains(&s.key.name.as_str())) {
        match &section.value.kind {
            NodeKind::Map(entries) => {
                for (name, value) in entries {
                    let Some(constant) = constant(name.name.clone(), value) else { continue };
                    // The same number under the same name in both sections is one constant.
                    if !all.iter().any(|(_, c)| c.name == constant.name && c.value == constant.value) {
                        all.push((name, constant));
                    }
                }
            }
            NodeKind::Seq(items) => {
                for item in items {
                    let NodeKind::Map(entries) = &item.kind else { continue };
                    let find = |key: &str| entries.iter().find(|(k, _)| k.name == key);
                    let Some((key, name)) = find("name") else { continue };
                    let (NodeKind::Raw(name) | NodeKind::Quoted(name)) = &name.kind else { continue };
                    all.extend(constant(name.clone(), item).map(|c| (key, c)));
                }
            }
            _ => {}
        }
    }
    let idents: Vec<Ident> =
        all.iter().map(|(key, c)| Ident { name: c.name.clone(), span: key.span }).collect();
    cx.once(idents.iter(), names::upper, "constant");
    cx.out.constants = all.into_iter().map(|(_, c)| c).collect();
}

/// `NAME: 3` or `NAME: {value: 3, description: …}`.
fn constant(name: String, node: &Node) -> Option<Constant> {
    if let NodeKind::Map(entries) = &node.kind {
        let find = |key: &str| entries.iter().find(|(k, _)| k.name == key).map(|(_, v)| v);
        let mut found = constant(name, find("value")?)?;
        let text = |key: &str| match &find(key)?.kind {
            NodeKind::Raw(text) | NodeKind::Quoted(text) | NodeKind::Block(text) => Some(text.clone()),
            _ => None,
        };
        let described = text("description");
        let formula = text("formula").map(|f| format!("`{f}`"));
        found.doc = match (described, formula) {
            (Some(text), Some(formula)) => Some(format!("{text}: {formula}")),
            (text, formula) => text.or(formula).or(found.doc),
        };
        return Some(found);
    }
    let (ty, value) = typed(&Data::of_node(node))?;
    Some(Constant { name, doc: node.comment.clone(), ty, value })
}

/// A value and the type it says; `None` for nothing, maps, and lists that are mixed or empty.
pub(super) fn typed(data: &Data) -> Option<(Type, Literal)> {
    match &data.kind {
        DataKind::Word(word) if word.is_empty() => None,
        DataKind::Word(_) | DataKind::Text(_) => {
            let value = literal::any(data);
            let ty = match &value {
                Literal::Bool(_) => Type::Bool,
                Literal::Int(_) => Type::Int,
                Literal::Float(_) => Type::Float,
                Literal::Text(_) => Type::Text,
                _ => return None,
            };
            Some((ty, value))
        }
        DataKind::List(items) => {
            let found: Vec<(Type, Literal)> = items.iter().map(typed).collect::<Option<_>>()?;
            let mut ty = found.first()?.0.clone();
            for (other, _) in &found {
                ty = unify(&ty, other)?;
            }
            let values = found.into_iter().map(|(_, v)| widen(v, &ty)).collect();
            Some((Type::Array(Box::new(ty), items.len()), Literal::List(values)))
        }
        DataKind::Map(_) => None,
    }
}

/// The type both are of; whole numbers are numbers.
pub(super) fn unify(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Int, Type::Float) | (Type::Float, Type::Int) => Some(Type::Float),
        (Type::Array(a, n), Type::Array(b, m)) if n == m => Some(Type::Array(Box::new(unify(a, b)?), *n)),
        (a, b) if a == b => Some(a.clone()),
        _ => None,
    }
}

/// A whole number as the number that its list holds.
pub(super) fn widen(value: Literal, ty: &Type) -> Literal {
    match (value, ty) {
        (Literal::Int(v), Type::Float | Type::Number(Number::F64)) => Literal::Float(v as f64),
        (Literal::List(items), Type::Array(t, _) | Type::List(t)) => {
            Literal::List(items.into_iter().map(|v| widen(v, t)).collect())
        }
        (value, _) => value,
    }
}
