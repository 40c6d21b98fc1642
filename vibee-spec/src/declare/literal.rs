//! Values typed by what they meet: a number where a number is wanted, a map where a struct is.

use super::data::{Data, DataKind};
use super::{Declarations, Number, Type, TypeDefKind, TypeRef, names};
use crate::ast::Ident;
use crate::check::suggest;
use crate::diag::Diagnostic;

/// A value of a known type.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Truth value.
    Bool(bool),
    /// Whole number.
    Int(i128),
    /// Whole number above those: only a `u128` is as large.
    Huge(u128),
    /// Number; NaN and infinities too.
    Float(f64),
    /// Text.
    Text(String),
    /// Nothing: of an option, or any value.
    None,
    /// Something, of an option.
    Some(Box<Literal>),
    /// Items of a list, array or set.
    List(Vec<Literal>),
    /// Items of a tuple.
    Tuple(Vec<Literal>),
    /// Keys and values of a map.
    Map(Vec<(Literal, Literal)>),
    /// A struct's fields by position; those that are missing have their defaults.
    Struct(TypeRef, Vec<(usize, Literal)>),
    /// A variant by position, with what it carries.
    Variant(TypeRef, usize, Option<Box<Literal>>),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// Shape and values.
    Tensor(Vec<usize>, Vec<f64>),
    /// A value inside any value, itself of the form its text has.
    Any(Box<Literal>),
}

/// Reads a value as one of a type.
pub(super) fn literal(cx: &Declarations, ty: &Type, data: &Data) -> Result<Literal, Box<Diagnostic>> {
    let wrong = || wrong(cx, ty, data);
    let word = match &data.kind {
        DataKind::Word(word) => Some(word.as_str()),
        _ => None,
    };
    match ty {
        Type::Bool => word.and_then(truth).map(Literal::Bool).ok_or_else(wrong),
        Type::Int => whole(word, Number::I64).ok_or_else(wrong),
        Type::Timestamp => whole(word, Number::I64).ok_or_else(wrong),
        Type::Float => word.and_then(real).map(Literal::Float).ok_or_else(wrong),
        Type::Number(n) if n.is_float() => word.and_then(real).map(Literal::Float).ok_or_else(wrong),
        Type::Number(n) => whole(word, *n).ok_or_else(wrong),
        Type::Text => match &data.kind {
            DataKind::Word(text) | DataKind::Text(text) => Ok(Literal::Text(text.clone())),
            _ => Err(wrong()),
        },
        Type::Bytes => match &data.kind {
            DataKind::List(_) => literal(cx, &Type::List(Box::new(Type::Number(Number::U8))), data),
            DataKind::Text(text) => {
                Ok(Literal::List(text.bytes().map(|b| Literal::Int(i128::from(b))).collect()))
            }
            _ => Err(wrong()),
        },
        Type::Any => Ok(Literal::Any(Box::new(any(data)))),
        Type::Complex => match &data.kind {
            DataKind::Word(_) => word.and_then(real).map(|re| Literal::Complex(re, 0.0)).ok_or_else(wrong),
            DataKind::Map(entries) => complex(entries).ok_or_else(wrong),
            _ => Err(wrong()),
        },
        Type::Tensor => tensor(data).ok_or_else(wrong),
        Type::Boxed(t) => literal(cx, t, data),
        Type::Option(t) => match word {
            Some("null" | "none" | "None" | "nil" | "") => Ok(Literal::None),
            _ => literal(cx, t, data).map(|v| Literal::Some(Box::new(v))),
        },
        Type::Result(t, _) => literal(cx, t, data),
        Type::List(t) | Type::Set(t) => items(data)
            .ok_or_else(wrong)?
            .iter()
            .map(|d| literal(cx, t, d))
            .collect::<Result<_, _>>()
            .map(Literal::List),
        Type::Array(t, n) => {
            let list = items(data).filter(|list| list.len() == *n).ok_or_else(wrong)?;
            list.iter().map(|d| literal(cx, t, d)).collect::<Result<_, _>>().map(Literal::List)
        }
        Type::Tuple(types) => {
            let list = items(data).filter(|list| list.len() == types.len()).ok_or_else(wrong)?;
            let items = types.iter().zip(list).map(|(t, d)| literal(cx, t, d));
            items.collect::<Result<_, _>>().map(Literal::Tuple)
        }
        Type::Map(key, value) => {
            let entries: &[(Ident, Data)] = match &data.kind {
                DataKind::Map(entries) => entries,
                _ => return Err(wrong()),
            };
            let mut out = Vec::with_capacity(entries.len());
            for (name, data) in entries {
                let word = Data { kind: DataKind::Word(name.name.clone()), span: name.span };
                out.push((literal(cx, key, &word)?, literal(cx, value, data)?));
            }
            Ok(Literal::Map(out))
        }
        Type::Named(at) => named(cx, ty, *at, data),
    }
}

fn named(cx: &Declarations, ty: &Type, at: TypeRef, data: &Data) -> Result<Literal, Box<Diagnostic>> {
    let def = cx.get(at);
    match &def.kind {
        TypeDefKind::Alias(target) => literal(cx, target, data),
        TypeDefKind::Struct(fields) => {
            let DataKind::Map(entries) = &data.kind else { return Err(wrong(cx, ty, data)) };
            let mut out: Vec<(usize, Literal)> = Vec::with_capacity(entries.len());
            for (name, data) in entries {
                let canonical = names::snake(&name.name);
                let Some(n) = fields.iter().position(|f| names::snake(&f.name) == canonical) else {
                    let mut d = Diagnostic::error(
                        "V0732",
                        name.span,
                        format!("`{}` has no field `{}`", def.name, name.name),
                    );
                    d.hint = suggest::hint(&name.name, fields.iter().map(|f| f.name.as_str()));
                    return Err(Box::new(d));
                };
                if out.iter().any(|(m, _)| *m == n) {
                    let d = Diagnostic::error("V0732", name.span, format!("`{}` is given twice", name.name));
                    return Err(Box::new(d));
                }
                out.push((n, literal(cx, &fields[n].ty, data)?));
            }
            out.sort_by_key(|(n, _)| *n);
            let missing: Vec<String> = (0..fields.len())
                .filter(|n| !out.iter().any(|(m, _)| m == n) && !cx.has_default(&fields[*n]))
                .map(|n| format!("`{}`", fields[n].name))
                .collect();
            if missing.is_empty() {
                return Ok(Literal::Struct(at, out));
            }
            let d = Diagnostic::error(
                "V0732",
                data.span,
                format!("`{}` also needs {}", def.name, missing.join(", ")),
            )
            .label("these fields have no default")
            .hint("give them here, or write a default behind the field's type: `eps: Float = 1e-6`");
            Err(Box::new(d))
        }
        TypeDefKind::Enum(variants) => {
            let find = |name: &str| {
                let canonical = names::camel(name.rsplit('.').next().unwrap_or(name));
                let exact = variants.iter().position(|v| v.name == name);
                exact.or_else(|| variants.iter().position(|v| names::camel(&v.name) == canonical))
            };
            match &data.kind {
                DataKind::Word(name) | DataKind::Text(name) => {
                    if let Some(n) = find(name).filter(|&n| variants[n].payload.is_none()) {
                        return Ok(Literal::Variant(at, n, None));
                    }
                }
                DataKind::Map(entries) => {
                    if let [(name, data)] = &entries[..]
                        && let Some(n) = find(&name.name)
                        && let Some(payload) = &variants[n].payload
                    {
                        let inner = literal(cx, payload, data)?;
                        return Ok(Literal::Variant(at, n, Some(Box::new(inner))));
                    }
                }
                DataKind::List(_) => {}
            }
            let mut d = wrong(cx, ty, data);
            let known: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
            let near = match &data.kind {
                DataKind::Word(name) => suggest::hint(name, known.iter().copied()),
                _ => None,
            };
            let shown: Vec<&str> = known.iter().copied().take(8).collect();
            let more = if known.len() > 8 { ", …" } else { "" };
            d.hint = near.or_else(|| Some(format!("it is one of {}{more}", shown.join(", "))));
            Err(d)
        }
    }
}

impl Declarations {
    /// Whether a field may be left out: it has a default, or its type has an empty value.
    #[must_use]
    pub fn has_default(&self, field: &super::Field) -> bool {
        field.default.is_some() || self.has_empty(&field.ty, 0)
    }

    /// Whether a type has a value that is evident when nothing is said: none of an option, an empty
    /// collection, or a struct whose fields all may be left out.
    #[must_use]
    pub fn has_empty(&self, ty: &Type, depth: usize) -> bool {
        match self.plain(ty) {
            Type::Option(_) | Type::List(_) | Type::Set(_) | Type::Map(..) => true,
            Type::Named(at) => match &self.get(*at).kind {
                TypeDefKind::Struct(fields) => {
                    depth < 16
                        && fields.iter().all(|f| f.default.is_some() || self.has_empty(&f.ty, depth + 1))
                }
                _ => false,
            },
            Type::Tuple(items) => items.is_empty(),
            _ => false,
        }
    }
}

fn wrong(cx: &Declarations, ty: &Type, data: &Data) -> Box<Diagnostic> {
    let shown = cx.shown(ty);
    let article = if shown.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o']) { "an" } else { "a" };
    let d = Diagnostic::error("V0732", data.span, format!("{} is not {article} `{shown}`", data.shown()));
    Box::new(d.label(format!("`{shown}` is wanted here")))
}

fn items(data: &Data) -> Option<&[Data]> {
    match &data.kind {
        DataKind::List(items) => Some(items),
        _ => None,
    }
}

pub(super) fn truth(word: &str) -> Option<bool> {
    match word {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

pub(super) fn integer(word: &str) -> Option<i128> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    let (digits, radix) = digits_of(digits)?;
    // With its sign: the lowest number has no positive one.
    i128::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

/// The digits of a whole number without `_`, and their base.
fn digits_of(word: &str) -> Option<(String, u32)> {
    let clean: String = word.chars().filter(|c| *c != '_').collect();
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_hexdigit());
    match clean.strip_prefix("0x").or_else(|| clean.strip_prefix("0X")) {
        Some(hex) => begins(hex).then(|| (hex.to_owned(), 16)),
        None => (begins(&clean) && !word.starts_with('_')).then_some((clean, 10)),
    }
}

fn whole(word: Option<&str>, number: Number) -> Option<Literal> {
    let word = word?;
    let (low, high) = number.range();
    match integer(word) {
        Some(v) => (low..=high).contains(&v).then_some(Literal::Int(v)),
        None if number == Number::U128 => {
            let (digits, radix) = digits_of(word.strip_prefix('+').unwrap_or(word))?;
            u128::from_str_radix(&digits, radix).ok().map(Literal::Huge)
        }
        None => None,
    }
}

pub(super) fn real(word: &str) -> Option<f64> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let sign = if word.starts_with('-') { -1.0 } else { 1.0 };
    match digits {
        "inf" | "infinity" => Some(sign * f64::INFINITY),
        "nan" | "NaN" => Some(f64::NAN),
        _ if digits.starts_with("0x") => integer(word).map(|v| v as f64),
        _ if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => None,
        _ => digits.parse::<f64>().ok().filter(|v| v.is_finite()).map(|v| sign * v),
    }
}

fn complex(entries: &[(Ident, Data)]) -> Option<Literal> {
    let mut parts = (0.0, 0.0);
    for (key, value) in entries {
        let DataKind::Word(word) = &value.kind else { return None };
        match key.name.as_str() {
            "re" | "real" => parts.0 = real(word)?,
            "im" | "imag" => parts.1 = real(word)?,
            _ => return None,
        }
    }
    Some(Literal::Complex(parts.0, parts.1))
}

/// Nested lists of numbers with rows of equal lengths.
fn tensor(data: &Data) -> Option<Literal> {
    fn level(data: &Data, depth: usize, shape: &mut Vec<usize>, values: &mut Vec<f64>) -> Option<()> {
        match &data.kind {
            DataKind::Word(word) => {
                values.push(real(word)?);
                (depth == shape.len()).then_some(())
            }
            DataKind::List(items) => {
                if shape.len() == depth {
                    // A number was seen where a row is now.
                    if !values.is_empty() {
                        return None;
                    }
                    shape.push(items.len());
                }
                if shape[depth] != items.len() {
                    return None;
                }
                items.iter().try_for_each(|item| level(item, depth + 1, shape, values))
            }
            _ => None,
        }
    }
    let (mut shape, mut values) = (vec![], vec![]);
    level(data, 0, &mut shape, &mut values)?;
    Some(Literal::Tensor(shape, values))
}

/// A value of the form that its text has.
pub(super) fn any(data: &Data) -> Literal {
    match &data.kind {
        DataKind::Word(word) => match word.as_str() {
            "" | "null" | "none" | "nil" => Literal::None,
            word => {
                let int = integer(word).filter(|v| i64::try_from(*v).is_ok()).map(Literal::Int);
                int.or_else(|| truth(word).map(Literal::Bool))
                    .or_else(|| real(word).map(Literal::Float))
                    .unwrap_or_else(|| Literal::Text(word.to_owned()))
            }
        },
        DataKind::Text(text) => Literal::Text(text.clone()),
        DataKind::List(items) => Literal::List(items.iter().map(any).collect()),
        DataKind::Map(entries) => Literal::Map(
            entries.iter().map(|(key, value)| (Literal::Text(key.name.clone()), any(value))).collect(),
        ),
    }
}
