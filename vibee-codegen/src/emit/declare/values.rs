//! Values as Rust expressions.

use vibee_spec::declare::{Declarations, Field, Literal, Number, Type, TypeDefKind, TypeRef, names};

use super::scope::Scope;
use super::{text, types};

/// A value of a type.
pub fn value(scope: &Scope<'_>, ty: &Type, literal: &Literal) -> String {
    let ty = match ty {
        Type::Named(at) => match &scope.declarations.get(*at).kind {
            TypeDefKind::Alias(target) => return value(scope, target, literal),
            _ => ty,
        },
        _ => ty,
    };
    match (ty, literal) {
        (Type::Boxed(t), literal) => format!("{}::new({})", scope.std("Box"), value(scope, t, literal)),
        (Type::Timestamp, Literal::Int(v)) => {
            format!("{}({v})", scope.import("igla_runtime::declared::Timestamp"))
        }
        (Type::Any, Literal::Any(inner)) => any(scope, inner),
        (Type::Result(t, _), literal) => format!("Ok({})", value(scope, t, literal)),
        (_, Literal::Bool(v)) => v.to_string(),
        (Type::Number(Number::F32), Literal::Float(v)) => float("f32", *v),
        (_, Literal::Float(v)) => float("f64", *v),
        (_, Literal::Int(v)) => v.to_string(),
        (_, Literal::Huge(v)) => v.to_string(),
        (_, Literal::Text(t)) if t.is_empty() => format!("{}::new()", scope.std("String")),
        (_, Literal::Text(t)) => format!("{}.to_owned()", text::string(t)),
        (_, Literal::None) => "None".into(),
        (Type::Option(t), Literal::Some(inner)) => format!("Some({})", value(scope, t, inner)),
        (Type::Array(t, n), Literal::List(items)) if !super::scope::is_long(*n) => {
            format!("[{}]", list(scope, t, items))
        }
        (Type::Set(t), Literal::List(items)) => {
            let set = scope.import("std::collections::BTreeSet");
            if items.is_empty() {
                format!("{set}::new()")
            } else {
                format!("{set}::from([{}])", list(scope, t, items))
            }
        }
        (Type::List(t) | Type::Array(t, _), Literal::List(items)) => vector(scope, &list(scope, t, items)),
        (Type::Bytes, Literal::List(items)) => vector(scope, &list(scope, &Type::Number(Number::U8), items)),
        (Type::Tuple(types), Literal::Tuple(items)) => {
            let parts: Vec<String> = types.iter().zip(items).map(|(t, v)| value(scope, t, v)).collect();
            if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) }
        }
        (Type::Map(k, v), Literal::Map(entries)) => {
            let map = scope.import("std::collections::BTreeMap");
            let pair = |(key, val): &(Literal, Literal)| {
                format!("({}, {})", value(scope, k, key), value(scope, v, val))
            };
            let pairs: Vec<String> = entries.iter().map(pair).collect();
            if pairs.is_empty() {
                format!("{map}::new()")
            } else {
                format!("{map}::from([{}])", pairs.join(", "))
            }
        }
        (Type::Complex, Literal::Complex(re, im)) => {
            let name = scope.import("igla_runtime::declared::Complex");
            format!("{name} {{ re: {}, im: {} }}", float("f64", *re), float("f64", *im))
        }
        (Type::Tensor, Literal::Tensor(shape, values)) => {
            let name = scope.import("igla_runtime::declared::DynTensor");
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            let values: Vec<String> = values.iter().map(|v| float("f32", *v)).collect();
            format!("{name} {{ shape: vec![{}], values: vec![{}] }}", shape.join(", "), values.join(", "))
        }
        (_, Literal::Struct(at, given)) => structure(scope, *at, given),
        (_, Literal::Variant(at, n, payload)) => {
            let TypeDefKind::Enum(variants) = &scope.declarations.get(*at).kind else { return String::new() };
            let path = format!("{}::{}", scope.named(*at), types::variant_idents(variants)[*n]);
            match (payload, &variants[*n].payload) {
                (Some(inner), Some(t)) => format!("{path}({})", value(scope, t, inner)),
                _ => path,
            }
        }
        // The checker typed the value by this type; other pairs do not occur.
        (_, literal) => any(scope, literal),
    }
}

fn list(scope: &Scope<'_>, ty: &Type, items: &[Literal]) -> String {
    items.iter().map(|v| value(scope, ty, v)).collect::<Vec<_>>().join(", ")
}

fn vector(scope: &Scope<'_>, items: &str) -> String {
    if items.is_empty() { format!("{}::new()", scope.std("Vec")) } else { format!("vec![{items}]") }
}

/// `Config { eps: 1e-6, ..Config::default() }`.
fn structure(scope: &Scope<'_>, at: TypeRef, given: &[(usize, Literal)]) -> String {
    let TypeDefKind::Struct(fields) = &scope.declarations.get(at).kind else { return String::new() };
    let name = scope.named(at);
    let defaulted = has_default(scope.declarations, fields);
    let idents = types::field_idents(scope.declarations, at);
    let mut parts = vec![];
    for (n, (field, ident)) in fields.iter().zip(idents).enumerate() {
        match given.iter().find(|(m, _)| *m == n) {
            Some((_, literal)) => parts.push(format!("{ident}: {}", value(scope, &field.ty, literal))),
            None if defaulted => {}
            None => parts.push(format!("{ident}: {}", default(scope, field))),
        }
    }
    if defaulted && given.len() < fields.len() {
        if given.is_empty() {
            return format!("{name}::default()");
        }
        parts.push(format!("..{name}::default()"));
    }
    if parts.is_empty() { format!("{name} {{}}") } else { format!("{name} {{ {} }}", parts.join(", ")) }
}

/// Whether a struct with these fields has a `Default`.
pub fn has_default(d: &Declarations, fields: &[Field]) -> bool {
    fields.iter().all(|f| d.has_default(f))
}

/// The value of a field that is left out.
pub fn default(scope: &Scope<'_>, field: &Field) -> String {
    match &field.default {
        Some(literal) => value(scope, &field.ty, literal),
        None => empty(scope, &field.ty),
    }
}

/// The evident value of a type that has one.
fn empty(scope: &Scope<'_>, ty: &Type) -> String {
    match ty {
        Type::Option(_) => "None".into(),
        Type::List(_) => format!("{}::new()", scope.std("Vec")),
        Type::Set(_) => format!("{}::new()", scope.import("std::collections::BTreeSet")),
        Type::Map(..) => format!("{}::new()", scope.import("std::collections::BTreeMap")),
        Type::Boxed(t) => format!("{}::new({})", scope.std("Box"), empty(scope, t)),
        Type::Named(at) => match &scope.declarations.get(*at).kind {
            TypeDefKind::Alias(target) => empty(scope, target),
            _ => format!("{}::default()", scope.named(*at)),
        },
        _ => "()".into(),
    }
}

/// Whether a value is what `#[derive(Default)]` gives.
pub fn is_zero(literal: &Literal) -> bool {
    match literal {
        Literal::Bool(v) => !v,
        Literal::Int(v) => *v == 0,
        Literal::Float(v) => *v == 0.0 && v.is_sign_positive(),
        Literal::Text(t) => t.is_empty(),
        Literal::None => true,
        Literal::List(items) => items.is_empty(),
        Literal::Map(entries) => entries.is_empty(),
        Literal::Struct(_, given) => given.is_empty(),
        Literal::Any(inner) => **inner == Literal::None,
        _ => false,
    }
}

/// A float literal; what has none is a constant of its type.
pub fn float(ty: &str, v: f64) -> String {
    if v.is_nan() {
        return format!("{ty}::NAN");
    }
    if v.is_infinite() {
        return format!("{}{ty}::INFINITY", if v < 0.0 { "-" } else { "" });
    }
    if ty == "f32" { format!("{:?}", v as f32) } else { format!("{v:?}") }
}

/// A value of the type that holds any.
fn any(scope: &Scope<'_>, literal: &Literal) -> String {
    let name = scope.import("igla_runtime::declared::Value");
    match literal {
        Literal::Bool(v) => format!("{name}::Bool({v})"),
        Literal::Int(v) => format!("{name}::Int({v})"),
        Literal::Float(v) => format!("{name}::Float({})", float("f64", *v)),
        Literal::Text(t) => format!("{name}::Text({}.to_owned())", text::string(t)),
        Literal::List(items) => {
            let items: Vec<String> = items.iter().map(|v| any(scope, v)).collect();
            format!("{name}::List({})", vector(scope, &items.join(", ")))
        }
        Literal::Map(entries) => {
            let map = scope.import("std::collections::BTreeMap");
            let pair = |(k, v): &(Literal, Literal)| match k {
                Literal::Text(k) => format!("({}.to_owned(), {})", text::string(k), any(scope, v)),
                _ => String::new(),
            };
            let pairs: Vec<String> = entries.iter().map(pair).collect();
            if pairs.is_empty() {
                format!("{name}::Map({map}::new())")
            } else {
                format!("{name}::Map({map}::from([{}]))", pairs.join(", "))
            }
        }
        _ => format!("{name}::Null"),
    }
}

/// The name of a constant.
pub fn constant_name(name: &str) -> String {
    names::upper(name)
}
