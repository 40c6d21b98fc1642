//! Structs, enums, aliases and constants.

use vibee_spec::declare::{
    Constant, Declarations, Field, Literal, Type, TypeDef, TypeDefKind, TypeRef, Variant, names,
};

use super::scope::Scope;
use super::traits::Traits;
use super::{idents, text, values};

/// The items of one declared type.
pub fn type_def(scope: &Scope<'_>, traits: &Traits, index: usize, def: &TypeDef) -> Vec<String> {
    let name = scope.name(index);
    let mut out = String::new();
    document(&mut out, 0, def.doc.as_deref(), &def.name, "");
    match &def.kind {
        TypeDefKind::Alias(target) => {
            out.push_str(&format!("pub type {name} = {};\n", scope.ty(target)));
            vec![out]
        }
        TypeDefKind::Struct(fields) => {
            let mut items = structure(scope, traits, index, fields, &mut out);
            items.insert(0, out);
            items
        }
        TypeDefKind::Enum(variants) => {
            enumeration(scope, traits, index, variants, &mut out);
            vec![out]
        }
    }
}

/// What is said about a thing: its own words, else its name.
fn document(out: &mut String, indent: usize, doc: Option<&str>, name: &str, behind: &str) {
    let said = doc.map(str::trim).filter(|d| !d.is_empty());
    let mut text = text::sentence(said.unwrap_or(&names::sentence(name)));
    if !behind.is_empty() {
        text.push(' ');
        text.push_str(behind);
    }
    text::doc(out, indent, &text);
}

/// `#[derive(…)]` of a type.
fn derive(scope: &Scope<'_>, traits: &Traits, index: usize, default: bool) -> String {
    let at = TypeRef { unit: 0, index };
    let ty = Type::Named(at);
    let (eq, copy, key) = (traits.is_eq(&ty), traits.is_copy(&ty), traits.is_key(at));
    let serde = [scope.import("serde::Serialize"), scope.import("serde::Deserialize")];
    let all = [
        ("Clone", true),
        ("Copy", copy),
        ("Debug", true),
        ("Default", default),
        ("PartialEq", true),
        ("Eq", eq),
        ("PartialOrd", eq && key),
        ("Ord", eq && key),
        ("Hash", eq),
        (serde[0], true),
        (serde[1], true),
    ];
    let derived: Vec<&str> = all.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    format!("#[derive({})]\n", derived.join(", "))
}

fn structure(
    scope: &Scope<'_>,
    traits: &Traits,
    index: usize,
    fields: &[Field],
    out: &mut String,
) -> Vec<String> {
    let name = scope.name(index);
    let has_default = values::has_default(scope.declarations, fields);
    let stated = fields.iter().any(|f| f.default.is_some());
    // Defaults that are all zeros are derived.
    let derived = has_default && fields.iter().all(|f| f.default.as_ref().is_none_or(values::is_zero));
    out.push_str(&derive(scope, traits, index, derived));
    if has_default && stated {
        out.push_str("#[serde(default)]\n");
    }
    if fields.is_empty() {
        out.push_str(&format!("pub struct {name} {{}}\n"));
        return vec![];
    }
    out.push_str(&format!("pub struct {name} {{\n"));
    let idents = field_idents(scope.declarations, TypeRef { unit: 0, index });
    let mut functions = String::new();
    for (field, ident) in fields.iter().zip(&idents) {
        let behind = field.default.as_ref().map(|d| {
            let value = shown(scope, d);
            if value.contains('`') { format!("Default: {value}.") } else { format!("Default: `{value}`.") }
        });
        document(out, 4, field.doc.as_deref(), &field.name, behind.as_deref().unwrap_or(""));
        let mut serde = vec![];
        if idents::serialized(ident) != field.name {
            serde.push(format!("rename = {}", text::string(&field.name)));
        }
        if let (false, Some(literal)) = (has_default, &field.default) {
            let function = format!("default_{}", idents::serialized(ident));
            serde.push(format!("default = \"{name}::{function}\""));
            let (ty, value) = (scope.ty(&field.ty), values::value(scope, &field.ty, literal));
            functions.push_str(&format!("    fn {function}() -> {ty} {{\n        {value}\n    }}\n"));
        }
        if !serde.is_empty() {
            out.push_str(&format!("    #[serde({})]\n", serde.join(", ")));
        }
        out.push_str(&format!("    pub {ident}: {},\n", scope.ty(&field.ty)));
    }
    out.push_str("}\n");
    if has_default && !derived {
        let parts: Vec<String> = fields
            .iter()
            .zip(&idents)
            .map(|(field, ident)| format!("{ident}: {}", values::default(scope, field)))
            .collect();
        let line = format!("        Self {{ {} }}", parts.join(", "));
        let body = if line.len() <= super::WIDTH {
            line
        } else {
            format!("        Self {{\n            {},\n        }}", parts.join(",\n            "))
        };
        let default = scope.std("Default");
        return vec![format!(
            "impl {default} for {name} {{\n    fn default() -> Self {{\n{body}\n    }}\n}}\n"
        )];
    }
    if functions.is_empty() { vec![] } else { vec![format!("impl {name} {{\n{functions}}}\n")] }
}

/// A default as specs write it.
fn shown(scope: &Scope<'_>, literal: &Literal) -> String {
    let list = |items: &[Literal]| items.iter().map(|v| shown(scope, v)).collect::<Vec<_>>().join(", ");
    match literal {
        Literal::Bool(v) => v.to_string(),
        Literal::Int(v) => v.to_string(),
        Literal::Huge(v) => v.to_string(),
        Literal::Float(v) => format!("{v:?}"),
        Literal::Text(t) => text::string(t),
        Literal::None => "none".into(),
        Literal::Some(v) | Literal::Any(v) => shown(scope, v),
        Literal::List(items) => format!("[{}]", list(items)),
        Literal::Tuple(items) => format!("({})", list(items)),
        Literal::Map(entries) => {
            let pair = |(k, v): &(Literal, Literal)| format!("{}: {}", shown(scope, k), shown(scope, v));
            format!("{{{}}}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Literal::Struct(at, given) => {
            let TypeDefKind::Struct(fields) = &scope.declarations.get(*at).kind else { return String::new() };
            let pair = |(n, v): &(usize, Literal)| format!("{}: {}", fields[*n].name, shown(scope, v));
            format!("{{{}}}", given.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Literal::Variant(at, n, payload) => {
            let TypeDefKind::Enum(variants) = &scope.declarations.get(*at).kind else { return String::new() };
            let name = &variants[*n].name;
            payload.as_ref().map_or(name.clone(), |v| format!("{{{name}: {}}}", shown(scope, v)))
        }
        Literal::Complex(re, im) => format!("{{re: {re:?}, im: {im:?}}}"),
        Literal::Tensor(shape, _) => format!("a tensor of shape {shape:?}"),
    }
}

/// Names of a struct's fields, all different.
pub fn field_idents(d: &Declarations, at: TypeRef) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    if let TypeDefKind::Struct(fields) = &d.get(at).kind {
        for field in fields {
            let ident = unique(idents::field(&field.name), &out);
            out.push(ident);
        }
    }
    out
}

/// An identifier that is not among those taken.
pub fn unique(ident: String, taken: &[String]) -> String {
    let mut name = ident.clone();
    let mut n = 2;
    while taken.contains(&name) {
        name = format!("{}_{n}", idents::serialized(&ident));
        n += 1;
    }
    name
}

/// A way in which serde renames all variants of an enum, and what it makes of one.
type Renaming = (&'static str, fn(&str) -> String);

/// All such ways.
const RENAMES: &[Renaming] = &[
    ("lowercase", |v| v.to_ascii_lowercase()),
    ("UPPERCASE", |v| v.to_ascii_uppercase()),
    ("snake_case", separated::<'_'>),
    ("SCREAMING_SNAKE_CASE", |v| separated::<'_'>(v).to_ascii_uppercase()),
    ("kebab-case", separated::<'-'>),
    ("camelCase", |v| v[..1].to_ascii_lowercase() + &v[1..]),
];

/// serde's own rule: a separator before every capital but the first.
fn separated<const SIGN: char>(variant: &str) -> String {
    let mut out = String::new();
    for (n, c) in variant.char_indices() {
        if n > 0 && c.is_ascii_uppercase() {
            out.push(SIGN);
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn enumeration(scope: &Scope<'_>, traits: &Traits, index: usize, variants: &[Variant], out: &mut String) {
    let idents = variant_idents(variants);
    let pairs = || idents.iter().zip(variants);
    let rename_all = RENAMES.iter().find(|(_, rule)| pairs().all(|(i, v)| rule(i) == v.name));
    let renamed = pairs().any(|(i, v)| *i != v.name);
    out.push_str(&derive(scope, traits, index, false));
    if let (true, Some((rule, _))) = (renamed, rename_all) {
        out.push_str(&format!("#[serde(rename_all = \"{rule}\")]\n"));
    }
    let numbers = numbers(variants);
    let wide = numbers.iter().flatten().any(|n| i32::try_from(*n).is_err());
    if wide {
        out.push_str("#[repr(i64)]\n");
    }
    out.push_str(&format!("pub enum {} {{\n", scope.name(index)));
    for (n, (ident, v)) in pairs().enumerate() {
        document(out, 4, v.doc.as_deref(), &v.name, "");
        if rename_all.is_none() && *ident != v.name {
            out.push_str(&format!("    #[serde(rename = {})]\n", text::string(&v.name)));
        }
        let payload = v.payload.as_ref().map_or(String::new(), |t| format!("({})", scope.ty(t)));
        let number = numbers.get(n).copied().flatten().map_or(String::new(), |n| format!(" = {n}"));
        out.push_str(&format!("    {ident}{payload}{number},\n"));
    }
    out.push_str("}\n");
}

/// Names of an enum's variants, all different: in camel case; those of an enum that shouts only are spoken.
pub fn variant_idents(variants: &[Variant]) -> Vec<String> {
    let shouted = |name: &str| !name.contains(|c: char| c.is_lowercase());
    let all = variants.iter().any(|v| v.name.len() > 1)
        && variants.iter().all(|v| v.name.is_ascii() && shouted(&v.name));
    let mut out: Vec<String> = vec![];
    for v in variants {
        let name = if all { &v.name.to_ascii_lowercase() } else { &v.name };
        out.push(unique(idents::variant(name), &out));
    }
    out
}

/// The numbers to write: none if they are not all different, or something is carried.
fn numbers(variants: &[Variant]) -> Vec<Option<i64>> {
    if variants.iter().all(|v| v.number.is_none()) || variants.iter().any(|v| v.payload.is_some()) {
        return vec![];
    }
    let mut next = Some(0i64);
    let mut seen = std::collections::HashSet::new();
    for v in variants {
        let Some(n) = v.number.or(next) else { return vec![] };
        if !seen.insert(n) {
            return vec![];
        }
        next = n.checked_add(1);
    }
    variants.iter().map(|v| v.number).collect()
}

/// `pub const NAME: f64 = 1.5;`.
pub fn constant(c: &Constant, name: &str) -> String {
    let mut out = String::new();
    document(&mut out, 0, c.doc.as_deref(), &c.name, "");
    out.push_str(&format!("pub const {name}: {} = {};\n", constant_type(&c.ty), constant_value(&c.value)));
    out
}

fn constant_type(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".into(),
        Type::Int => "i64".into(),
        Type::Float => "f64".into(),
        Type::Array(t, n) => format!("[{}; {n}]", constant_type(t)),
        _ => "&str".into(),
    }
}

fn constant_value(value: &Literal) -> String {
    match value {
        Literal::Bool(v) => v.to_string(),
        Literal::Int(v) => v.to_string(),
        Literal::Float(v) => values::float("f64", *v),
        Literal::Text(t) => text::string(t),
        Literal::List(items) => {
            format!("[{}]", items.iter().map(constant_value).collect::<Vec<_>>().join(", "))
        }
        _ => "\"\"".into(),
    }
}
