//! Which types have numbers, an order, one meaning; and when a value of one can stand for one of another.

use super::super::{Declarations, Type};

/// Whether values of a type are compared number by number.
pub(super) fn has_numbers(d: &Declarations, ty: &Type) -> bool {
    match d.plain(ty) {
        Type::Int | Type::Float | Type::Number(_) | Type::Complex => true,
        Type::List(t) | Type::Array(t, _) | Type::Option(t) => has_numbers(d, t),
        Type::Map(_, t) => has_numbers(d, t),
        Type::Tuple(items) => (1..=4).contains(&items.len()) && items.iter().all(|t| has_numbers(d, t)),
        _ => false,
    }
}

/// Whether values of a type have an order that everybody knows.
pub(super) fn is_ordered(d: &Declarations, ty: &Type) -> bool {
    matches!(d.plain(ty), Type::Int | Type::Float | Type::Number(_) | Type::Text | Type::Timestamp)
}

/// `Int` or `Float` for any number.
pub(super) fn number(d: &Declarations, ty: &Type) -> Option<Type> {
    match d.plain(ty) {
        Type::Int => Some(Type::Int),
        Type::Float => Some(Type::Float),
        Type::Number(n) if n.is_float() => Some(Type::Float),
        Type::Number(_) => Some(Type::Int),
        _ => None,
    }
}

/// Whether a value can stand where another type is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    Always,
    /// A list, if it has so many items.
    OfLength(usize),
    Never,
}

impl Cast {
    /// Of items: a list's own items are of any length.
    fn whatever_length(self) -> Cast {
        if self == Cast::Always { Cast::Always } else { Cast::Never }
    }
}

/// Whether two types have the same values.
pub(super) fn same(d: &Declarations, a: &Type, b: &Type) -> bool {
    let (a, b) = (d.plain(a), d.plain(b));
    match (a, b) {
        (Type::List(a), Type::List(b))
        | (Type::Option(a), Type::Option(b))
        | (Type::Set(a), Type::Set(b)) => same(d, a, b),
        (Type::Array(a, n), Type::Array(b, m)) => n == m && same(d, a, b),
        (Type::Map(k, v), Type::Map(l, w)) => same(d, k, l) && same(d, v, w),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(d, a, b)),
        (a, b) => a == b,
    }
}

/// Whether a value of one type can stand where another is wanted, its numbers changed alone.
pub(super) fn casts(d: &Declarations, from: &Type, to: &Type) -> Cast {
    match (d.plain(from), d.plain(to)) {
        _ if same(d, from, to) => Cast::Always,
        (Type::List(a) | Type::Array(a, _), Type::List(b)) => casts(d, a, b).whatever_length(),
        (Type::Array(a, n), Type::Array(b, m)) if n == m => casts(d, a, b).whatever_length(),
        (Type::List(a), Type::Array(b, n)) => match casts(d, a, b) {
            Cast::Always => Cast::OfLength(*n),
            _ => Cast::Never,
        },
        (from, to) => match (number(d, from), number(d, to)) {
            // A fraction is not cut off in silence.
            (Some(Type::Float), Some(Type::Int)) | (None, _) | (_, None) => Cast::Never,
            _ => Cast::Always,
        },
    }
}

/// The type that values of two types are compared as, with numbers as wide as the wider ones.
pub(super) fn common(d: &Declarations, a: &Type, b: &Type) -> Option<Type> {
    match (d.plain(a), d.plain(b)) {
        _ if same(d, a, b) => Some(a.clone()),
        (Type::Array(a, n), Type::Array(b, m)) => {
            Some(Type::Array(Box::new(common(d, a, b)?), *n)).filter(|_| n == m)
        }
        (Type::List(a) | Type::Array(a, _), Type::List(b) | Type::Array(b, _)) => {
            Some(Type::List(Box::new(common(d, a, b)?)))
        }
        (a, b) => match (number(d, a)?, number(d, b)?) {
            (Type::Int, Type::Int) => Some(Type::Int),
            _ => Some(Type::Float),
        },
    }
}
