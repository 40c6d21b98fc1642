//! Signatures that the values of cases say: `input: {n: 10}` and `expected: {value: 55}`.
//!
//! A guess is only made where all cases of a behaviour agree: the same names with the same kinds of
//! values. Anything else stays a method without arguments.

use super::data::{Data, DataKind};
use super::signature::Signature;
use super::units::Cx;
use super::{Field, Param, Type, TypeDef, TypeDefKind, TypeRef, names};
use crate::ast::{Behavior, File, Ident, Node, NodeKind, TestCase};

/// The cases of a behaviour: its own, and those at the top level that have its name.
pub(super) fn cases<'a>(file: &'a File, behavior: &Behavior) -> Vec<&'a TestCase> {
    let linked = |c: &&TestCase| {
        let by_key = c.other.iter().find(|(k, _)| k.name == "behavior");
        match by_key.map(|(_, v)| &v.kind) {
            Some(NodeKind::Raw(name) | NodeKind::Quoted(name)) => *name == behavior.name.name,
            _ => c.name.name == behavior.name.name,
        }
    };
    let own = file.behaviors.iter().filter(|b| b.name == behavior.name).flat_map(|b| &b.test_cases);
    own.chain(file.test_cases.iter().filter(linked)).collect()
}

/// `input` and `expected` of a case, where both are values and not prose.
pub(super) fn halves(case: &TestCase) -> Option<(Data, Data)> {
    let find = |key: &str| case.other.iter().find(|(k, _)| k.name == key).map(|(_, v)| v);
    let input = value(find("input")?)?;
    let expected = value(find("expected")?)?;
    Some((input, expected))
}

/// A node as data; a text is data if it is a map in quotes.
fn value(node: &Node) -> Option<Data> {
    if let NodeKind::Quoted(text) = &node.kind
        && text.trim_start().starts_with('{')
    {
        return Data::of_text(&Ident { name: text.clone(), span: node.span }).ok();
    }
    Some(Data::of_node(node))
}

/// The signature that a behaviour's cases agree on; its types are added to the file's.
pub(super) fn signature(cx: &mut Cx<'_, '_>, behavior: &Behavior) -> Option<Signature> {
    let found = cases(cx.files[0].file, behavior);
    if found.is_empty() {
        return None;
    }
    let (mut input, mut output) = (None, None);
    for case in found {
        if case.call.is_some() {
            return None;
        }
        let (given, wanted) = halves(case)?;
        let (given, wanted) = (shape(&given)?, shape(&wanted)?);
        // Prose is no value.
        if !matches!(given, Shape::Map(_)) || matches!(wanted, Shape::One(Type::Text)) {
            return None;
        }
        input = Some(merge(input, given)?);
        output = Some(merge(output, wanted)?);
    }
    let params = match input? {
        Shape::Map(entries) if entries.is_empty() => vec![],
        input => {
            let ty = cx.declare_shape(behavior, "input", input)?;
            vec![Param { name: "input".into(), ty }]
        }
    };
    let result = cx.declare_shape(behavior, "output", output?)?;
    Some(Signature { params, result, fallible: false })
}

/// What a value looks like.
enum Shape {
    One(Type),
    Map(Vec<(String, Type)>),
}

fn shape(data: &Data) -> Option<Shape> {
    match &data.kind {
        DataKind::Map(entries) => {
            let pairs = entries.iter().map(|(key, value)| Some((key.name.clone(), kind(value)?)));
            let mut pairs: Vec<(String, Type)> = pairs.collect::<Option<_>>()?;
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            // In their canonical form names must still be different.
            let mut canonical: Vec<String> = pairs.iter().map(|(name, _)| names::snake(name)).collect();
            canonical.sort();
            canonical.windows(2).all(|w| w[0] != w[1]).then_some(Shape::Map(pairs))
        }
        _ => kind(data).map(Shape::One),
    }
}

/// The type of a number, a truth value, a text, or a list of such.
fn kind(data: &Data) -> Option<Type> {
    match &data.kind {
        DataKind::List(items) => {
            let mut element = Type::Any;
            for item in items {
                element = agree(&element, &kind(item)?)?;
            }
            Some(Type::List(Box::new(element)))
        }
        DataKind::Map(_) => None,
        _ => super::constants::typed(data).map(|(ty, _)| ty),
    }
}

/// The type both are of. What an empty list holds is open, written as any value.
fn agree(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Any, t) | (t, Type::Any) => Some(t.clone()),
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(agree(a, b)?))),
        (a, b) => super::constants::unify(a, b),
    }
}

fn merge(known: Option<Shape>, new: Shape) -> Option<Shape> {
    match (known, new) {
        (None, new) => Some(new),
        (Some(Shape::One(a)), Shape::One(b)) => agree(&a, &b).map(Shape::One),
        (Some(Shape::Map(a)), Shape::Map(b)) if a.len() == b.len() => {
            let both =
                a.into_iter().zip(b).map(
                    |((name, a), (other, b))| {
                        if name == other { Some((name, agree(&a, &b)?)) } else { None }
                    },
                );
            both.collect::<Option<_>>().map(Shape::Map)
        }
        _ => None,
    }
}

impl Cx<'_, '_> {
    /// The type of a shape; a map becomes a struct named after the behaviour.
    fn declare_shape(&mut self, behavior: &Behavior, what: &str, shape: Shape) -> Option<Type> {
        let entries = match shape {
            Shape::One(ty) => return Some(ty),
            Shape::Map(entries) => entries,
        };
        let named = &behavior.name.name;
        let fields = entries.into_iter().map(|(name, ty)| Field { name, doc: None, ty, default: None });
        let def = TypeDef {
            name: format!("{named}_{what}"),
            doc: Some(match what {
                "input" => format!("What `{named}` is given, as its cases say."),
                _ => format!("What `{named}` gives, as its cases say."),
            }),
            kind: TypeDefKind::Struct(fields.collect()),
        };
        let types = &mut self.out.units[0].types;
        types.push(def);
        Some(Type::Named(TypeRef { unit: 0, index: types.len() - 1 }))
    }
}
