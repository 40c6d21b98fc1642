//! What can be derived for declared types.

use std::collections::HashSet;

use vibee_spec::declare::{Declarations, Type, TypeDefKind, TypeRef};

/// Fields up to which a struct of plain numbers is copied.
const COPIED_FIELDS: usize = 4;

/// Traits of every declared type.
pub struct Traits {
    /// Holds no floating point number.
    eq: Vec<Vec<bool>>,
    /// Is a few plain values.
    copy: Vec<Vec<bool>>,
    /// Is a key of a map or an element of a set somewhere.
    keys: HashSet<TypeRef>,
}

impl Traits {
    /// Finds the traits of all types.
    pub fn new(d: &Declarations) -> Self {
        let flags = |value: bool| d.units.iter().map(|u| vec![value; u.types.len()]).collect::<Vec<_>>();
        let mut traits = Traits { eq: flags(true), copy: flags(true), keys: HashSet::new() };
        // From "all are" down to what holds; every round takes something away.
        for sweep in 0usize.. {
            let mut changed = false;
            for (unit, u) in d.units.iter().enumerate() {
                let n = u.types.len();
                // Up and down in turns, so that chains are short either way.
                for index in (0..n).map(|at| if sweep % 2 == 0 { at } else { n - 1 - at }) {
                    let def = &u.types[index];
                    let (eq, copy) = match &def.kind {
                        TypeDefKind::Struct(fields) => (
                            fields.iter().all(|f| traits.is_eq(&f.ty)),
                            (1..=COPIED_FIELDS).contains(&fields.len())
                                && fields.iter().all(|f| traits.is_copy(&f.ty)),
                        ),
                        TypeDefKind::Enum(variants) => (
                            variants.iter().filter_map(|v| v.payload.as_ref()).all(|t| traits.is_eq(t)),
                            variants.iter().all(|v| v.payload.is_none()),
                        ),
                        TypeDefKind::Alias(target) => (traits.is_eq(target), traits.is_copy(target)),
                    };
                    changed |= traits.eq[unit][index] != eq || traits.copy[unit][index] != copy;
                    traits.eq[unit][index] = eq;
                    traits.copy[unit][index] = copy;
                }
            }
            if !changed {
                break;
            }
        }
        for def in d.units.iter().flat_map(|u| &u.types) {
            match &def.kind {
                TypeDefKind::Struct(fields) => fields.iter().for_each(|f| traits.find_keys(d, &f.ty)),
                TypeDefKind::Enum(variants) => {
                    variants.iter().filter_map(|v| v.payload.as_ref()).for_each(|t| traits.find_keys(d, t));
                }
                TypeDefKind::Alias(target) => traits.find_keys(d, target),
            }
        }
        for m in &d.interface.methods {
            m.params.iter().for_each(|p| traits.find_keys(d, &p.ty));
            traits.find_keys(d, &m.result);
        }
        traits
    }

    /// Whether equality of its values has no exceptions, so that they can be hashed.
    pub fn is_eq(&self, ty: &Type) -> bool {
        match ty {
            Type::Float | Type::Any | Type::Tensor | Type::Complex => false,
            Type::Number(n) => !n.is_float(),
            Type::Named(at) => self.eq[at.unit][at.index],
            Type::List(t) | Type::Array(t, _) | Type::Set(t) | Type::Option(t) | Type::Boxed(t) => {
                self.is_eq(t)
            }
            Type::Map(a, b) | Type::Result(a, b) => self.is_eq(a) && self.is_eq(b),
            Type::Tuple(items) => items.iter().all(|t| self.is_eq(t)),
            _ => true,
        }
    }

    /// Whether its values are passed by value.
    pub fn is_copy(&self, ty: &Type) -> bool {
        match ty {
            Type::Bool | Type::Int | Type::Float | Type::Number(_) | Type::Timestamp | Type::Complex => true,
            Type::Named(at) => self.copy[at.unit][at.index],
            Type::Option(t) => self.is_copy(t),
            Type::Array(t, n) => *n <= COPIED_FIELDS && self.is_copy(t),
            Type::Tuple(items) => items.iter().all(|t| self.is_copy(t)),
            _ => false,
        }
    }

    /// Whether a type needs an order.
    pub fn is_key(&self, at: TypeRef) -> bool {
        self.keys.contains(&at)
    }

    fn find_keys(&mut self, d: &Declarations, ty: &Type) {
        match ty {
            Type::Map(k, v) => {
                self.note_key(d, k);
                self.find_keys(d, v);
            }
            Type::Set(t) => self.note_key(d, t),
            Type::List(t) | Type::Array(t, _) | Type::Option(t) | Type::Boxed(t) => self.find_keys(d, t),
            Type::Result(a, b) => {
                self.find_keys(d, a);
                self.find_keys(d, b);
            }
            Type::Tuple(items) => items.iter().for_each(|t| self.find_keys(d, t)),
            _ => {}
        }
    }

    fn note_key(&mut self, d: &Declarations, ty: &Type) {
        if let Type::Named(at) = d.plain(ty) {
            self.keys.insert(*at);
        }
    }
}
