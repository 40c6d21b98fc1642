//! Declared types with their fields, variants and defaults.

use std::collections::HashMap;

use super::data::Data;
use super::resolve::Owner;
use super::units::Cx;
use super::{Field, Literal, Type, TypeDef, TypeDefKind, TypeRef, Variant, names};
use crate::ast::{self, Ident};
use crate::diag::Diagnostic;
use crate::span::Span;

/// Resolves the types of all files; defaults come later, when every type is known.
pub(super) fn types(cx: &mut Cx<'_, '_>) {
    let mut unit = 0;
    // Names of imported files bring further files.
    while unit < cx.files.len() {
        types_of(cx, unit);
        unit += 1;
    }
    cx.current = 0;
    cx.resolved = true;
}

fn types_of(cx: &mut Cx<'_, '_>, unit: usize) {
    cx.current = unit;
    let decls: &[ast::TypeDecl] = &cx.files[unit].file.types;
    cx.once(decls.iter().map(|t| &t.name), names::camel, "type");
    let mut found: Vec<TypeDef> = decls.iter().map(|t| cx.type_def(t)).collect();
    found.append(&mut cx.lifted);
    cx.out.units[unit].types = found;
}

/// Resolves a file that the first signature brought, when all others are done.
pub(super) fn late(cx: &mut Cx<'_, '_>, unit: usize) {
    let current = cx.current;
    cx.resolved = false;
    let lifted = std::mem::take(&mut cx.lifted);
    let mut next = unit;
    while next < cx.files.len() {
        types_of(cx, next);
        next += 1;
    }
    for unit in unit..cx.files.len() {
        defaults_of(cx, unit);
    }
    cx.lifted = lifted;
    cx.resolved = true;
    cx.current = current;
}

/// Gives the fields of all files their defaults.
pub(super) fn defaults(cx: &mut Cx<'_, '_>) {
    for unit in 0..cx.files.len() {
        defaults_of(cx, unit);
    }
    cx.current = 0;
}

fn defaults_of(cx: &mut Cx<'_, '_>, unit: usize) {
    cx.current = unit;
    let decls: &[ast::TypeDecl] = &cx.files[unit].file.types;
    for (index, decl) in decls.iter().enumerate() {
        fill(cx, TypeRef { unit, index }, &decl.fields);
        for (at, variant) in decl.variants.iter().enumerate().filter(|(_, v)| !v.fields.is_empty()) {
            let TypeDefKind::Enum(resolved) = &cx.out.units[unit].types[index].kind else { continue };
            let carried = resolved[at].payload.as_ref().map(|ty| cx.out.plain(ty));
            if let Some(&Type::Named(place)) = carried {
                fill(cx, place, &variant.fields);
            }
        }
    }
}

fn fill(cx: &mut Cx<'_, '_>, place: TypeRef, fields: &[ast::Field]) {
    for (at, field) in fields.iter().enumerate() {
        let Some(text) = &field.default else { continue };
        let literal = cx.default(place, at, text);
        if let TypeDefKind::Struct(fields) = &mut cx.out.units[place.unit].types[place.index].kind {
            fields[at].default = literal;
        }
    }
}

impl<'a> Cx<'a, '_> {
    fn type_def(&mut self, decl: &'a ast::TypeDecl) -> TypeDef {
        let name = &decl.name.name;
        let kind = if !decl.fields.is_empty() || decl.variants.is_empty() && decl.alias.is_none() {
            self.once(decl.fields.iter().map(|f| &f.name), names::snake, "field");
            TypeDefKind::Struct(decl.fields.iter().map(|f| self.field(name, f)).collect())
        } else if !decl.variants.is_empty() {
            self.once(decl.variants.iter().map(|v| &v.name), names::camel, "variant");
            self.numbers(&decl.variants);
            TypeDefKind::Enum(decl.variants.iter().map(|v| self.variant(name, v)).collect())
        } else {
            let owner = Owner { ty: name, field: "value" };
            TypeDefKind::Alias(decl.alias.as_ref().map_or(Type::Any, |alias| self.read(alias, &owner)))
        };
        TypeDef { name: name.clone(), doc: decl.doc.clone(), kind }
    }

    fn field(&mut self, owner: &str, field: &ast::Field) -> Field {
        let ty = self.read(&field.ty, &Owner { ty: owner, field: &field.name.name });
        Field { name: field.name.name.clone(), doc: field.doc.clone(), ty, default: None }
    }

    fn variant(&mut self, owner: &str, v: &ast::Variant) -> Variant {
        let own = Owner { ty: owner, field: &v.name.name };
        let payload = if v.fields.is_empty() {
            v.payload.as_ref().filter(|p| !p.name.is_empty()).map(|p| self.read(p, &own))
        } else {
            self.once(v.fields.iter().map(|f| &f.name), names::snake, "field");
            let inside = format!("{owner}_{}", v.name.name);
            let fields = v.fields.iter().map(|f| self.field(&inside, f)).collect();
            Some(self.place(TypeDefKind::Struct(fields), &own))
        };
        let number = v.value.as_ref().and_then(|n| number(&n.name));
        Variant { name: v.name.name.clone(), doc: v.doc.clone(), number, payload }
    }

    /// Numbers of variants are whole and different; one that is left out follows the one before.
    fn numbers(&mut self, variants: &[ast::Variant]) {
        if variants.iter().all(|v| v.value.is_none()) {
            return;
        }
        let mut seen: HashMap<i64, Span> = HashMap::new();
        let mut next = Some(0i64);
        for v in variants {
            let (written, span) = match &v.value {
                Some(value) => (number(&value.name), value.span),
                None => (next, v.name.span),
            };
            let Some(n) = written else {
                let d = Diagnostic::error("V0708", span, "a variant's number is a whole number of 64 bits")
                    .label(format!("`{}` has none", v.name.name));
                self.report(d, "the number is left out");
                continue;
            };
            next = n.checked_add(1);
            if let Some(first) = seen.insert(n, span) {
                let d = Diagnostic::error("V0708", span, format!("two variants have the number {n}"))
                    .also(first, "the first one")
                    .hint("a variant without a number follows the one before it");
                self.report(d, "the numbers of this enum are left out");
            }
        }
    }

    /// Reports names that are equal in their canonical form.
    pub fn once<'n>(&mut self, list: impl Iterator<Item = &'n Ident>, form: fn(&str) -> String, what: &str) {
        if self.current != 0 {
            return;
        }
        let mut seen: HashMap<String, &Ident> = HashMap::new();
        for name in list {
            let canonical = form(&name.name);
            let Some(first) = seen.get(&canonical) else {
                seen.insert(canonical, name);
                continue;
            };
            // The scanner reports keys that are written twice.
            if first.name == name.name && matches!(what, "type" | "field" | "constant") {
                continue;
            }
            let d = Diagnostic::error("V0704", name.span, format!("two {what}s are called `{canonical}`"))
                .label(format!("`{}` here", name.name))
                .also(first.span, format!("`{}` here", first.name))
                .hint("names that differ only in letter case or separators are one name; rename one");
            self.report(d, "the second one gets a number behind its name");
        }
    }

    fn default(&mut self, place: TypeRef, at: usize, text: &Ident) -> Option<Literal> {
        let TypeDefKind::Struct(fields) = &self.out.get(place).kind else { return None };
        let (ty, name) = (&fields[at].ty, &fields[at].name);
        let read = Data::of_text(text).and_then(|data| super::literal::literal(&self.out, ty, &data));
        match read {
            Ok(literal) => Some(literal),
            Err(mut d) => {
                d.message = format!("the default of `{name}` does not fit its type: {}", d.message);
                d.code = "V0705";
                self.report(*d, "the default is left out");
                None
            }
        }
    }
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
