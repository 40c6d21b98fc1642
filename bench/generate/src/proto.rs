//! A spec's declared types as a .proto file: the same names, fields, types and comments.
//!
//! Behaviours, constants and suites are left out: prost-build makes nothing of them, so the
//! comparison counts them against vibee. Types that proto3 lacks (lists of lists, tuples, numbers of
//! 128 bits) become `bytes`.

use std::collections::HashSet;
use std::fmt::Write;

use vibee_spec::declare::{Declarations, Field, Number, Type, TypeDef, TypeDefKind, Variant};

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    /// Messages and enums.
    pub types: usize,
    /// Fields and values of enums.
    pub fields: usize,
}

/// The text of a file with the types of a spec, in a package of its own.
pub fn file(package: &str, declarations: &Declarations, size: &mut Size) -> String {
    let mut out = format!("syntax = \"proto3\";\npackage {package};\n");
    let Some(own) = declarations.units.first() else { return out };
    let mut names = Names::default();
    let all: Vec<String> = own.types.iter().map(|t| names.fresh(&t.name, "Type")).collect();
    for (t, name) in own.types.iter().zip(&all) {
        let scope = Scope { declarations, names: &all };
        match &t.kind {
            TypeDefKind::Struct(fields) => scope.message(&mut out, t, name, fields),
            TypeDefKind::Enum(variants) => scope.enumeration(&mut out, t, name, variants),
            TypeDefKind::Alias(_) => continue,
        }
        size.types += 1;
        size.fields += match &t.kind {
            TypeDefKind::Struct(fields) => fields.len(),
            TypeDefKind::Enum(variants) => variants.len(),
            TypeDefKind::Alias(_) => 0,
        };
    }
    out
}

/// Names that are taken: protoc tells neither case nor underscores apart.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn fresh(&mut self, name: &str, otherwise: &str) -> String {
        let mut plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
            plain = format!("{otherwise}{plain}");
        }
        let key = |n: &str| n.replace('_', "").to_ascii_lowercase();
        let mut name = plain.clone();
        let mut n = 2;
        while !self.0.insert(key(&name)) {
            name = format!("{plain}x{n}");
            n += 1;
        }
        name
    }
}

struct Scope<'a> {
    declarations: &'a Declarations,
    names: &'a [String],
}

/// What may stand before and for a type in a field.
enum Form {
    One(String),
    Several(String),
    Map(String, String),
    Maybe(String),
}

impl Scope<'_> {
    fn message(&self, out: &mut String, t: &TypeDef, name: &str, fields: &[Field]) {
        comment(out, "", t.doc.as_deref());
        let _ = writeln!(out, "message {name} {{");
        let mut names = Names::default();
        for (n, f) in fields.iter().enumerate() {
            comment(out, "  ", f.doc.as_deref());
            let ty = match self.form(&f.ty) {
                Form::One(t) => t,
                Form::Several(t) => format!("repeated {t}"),
                Form::Map(k, v) => format!("map<{k}, {v}>"),
                Form::Maybe(t) => format!("optional {t}"),
            };
            let _ = writeln!(out, "  {ty} {} = {};", names.fresh(&f.name, "field"), number(n));
        }
        out.push_str("}\n");
    }

    fn enumeration(&self, out: &mut String, t: &TypeDef, name: &str, variants: &[Variant]) {
        comment(out, "", t.doc.as_deref());
        let _ = writeln!(out, "enum {name} {{");
        let mut names = Names::default();
        for (n, v) in variants.iter().enumerate() {
            comment(out, "  ", v.doc.as_deref());
            // Values share the scope of the enum itself.
            let value = names.fresh(&v.name, "VALUE").to_ascii_uppercase();
            let _ = writeln!(out, "  {}_{value} = {n};", name.to_ascii_uppercase());
        }
        if variants.is_empty() {
            let _ = writeln!(out, "  {}_NONE = 0;", name.to_ascii_uppercase());
        }
        out.push_str("}\n");
    }

    fn form(&self, ty: &Type) -> Form {
        match ty {
            Type::List(t) | Type::Array(t, _) | Type::Set(t) => match self.form(t) {
                Form::One(t) | Form::Maybe(t) => Form::Several(t),
                _ => Form::Several("bytes".into()),
            },
            Type::Map(k, v) => match (key(k), self.form(v)) {
                (Some(k), Form::One(v) | Form::Maybe(v)) => Form::Map(k.into(), v),
                (k, _) => Form::Map(k.unwrap_or("string").into(), "bytes".into()),
            },
            Type::Option(t) => match self.form(t) {
                Form::One(t) => Form::Maybe(t),
                other => other,
            },
            Type::Boxed(t) => self.form(t),
            Type::Named(at) => match (&self.declarations.get(*at).kind, self.names.get(at.index)) {
                // Aliases may lead to each other through a `Box` only.
                (TypeDefKind::Alias(Type::Named(_) | Type::Boxed(_)), _) => Form::One("bytes".into()),
                (TypeDefKind::Alias(t), _) => self.form(t),
                (_, Some(name)) if at.unit == 0 => Form::One(name.clone()),
                _ => Form::One("bytes".into()),
            },
            _ => Form::One(plain(ty).into()),
        }
    }
}

/// Field numbers from 19,000 on are reserved; no spec has as many fields.
fn number(n: usize) -> usize {
    n + 1
}

fn key(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Int | Type::Text | Type::Bool | Type::Timestamp => Some(plain(ty)),
        Type::Number(_) if !matches!(plain(ty), "float" | "double" | "bytes") => Some(plain(ty)),
        _ => None,
    }
}

fn plain(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Int | Type::Timestamp => "int64",
        Type::Float => "double",
        Type::Text | Type::Any => "string",
        Type::Number(n) => match n {
            Number::U8 | Number::U16 | Number::U32 => "uint32",
            Number::U64 | Number::Usize => "uint64",
            Number::I8 | Number::I16 | Number::I32 => "int32",
            Number::I64 | Number::Isize => "int64",
            Number::F32 => "float",
            Number::F64 => "double",
            Number::U128 | Number::I128 => "bytes",
        },
        _ => "bytes",
    }
}

fn comment(out: &mut String, indent: &str, text: Option<&str>) {
    for line in text.unwrap_or_default().lines() {
        let _ = writeln!(out, "{indent}// {}", line.trim());
    }
}
