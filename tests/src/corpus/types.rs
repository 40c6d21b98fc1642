//! `types:` in all its forms.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::draw::Draw;
use super::field::{self, Field};
use super::measured::Form;
use super::page::Page;
use super::words;

/// What a type is.
enum Body {
    Struct(Vec<Field>),
    /// The key its list stands under, and the elements as written.
    Enum(&'static str, Vec<String>),
    /// Lines as they stand, below the name.
    Lines(Vec<String>),
}

/// A type to be written.
struct Type {
    name: String,
    description: Option<String>,
    body: Body,
}

/// Types that a program of Rust or the dialect knows already.
const STANDARD: &[(&str, u32)] =
    &[("Object", 100), ("Set", 100), ("Result", 97), ("Option", 2), ("Map", 2), ("String", 1)];

/// Words of Rust that fields are named by.
const KEYWORDS: &[(&str, u32)] = &[
    ("type", 1_371),
    ("final", 98),
    ("loop", 7),
    ("async", 7),
    ("yield", 7),
    ("match", 6),
    ("mod", 3),
    ("gen", 2),
    ("where", 2),
    ("abstract", 2),
];

/// The section, up to about `budget` bytes of it.
pub(super) fn section(page: &mut Page, budget: usize) -> String {
    if page.has(Form::Template) {
        return template(&prefix(page));
    }
    let mut out = String::from("types:\n");
    let mut seen = BTreeSet::new();
    let prefix = prefix(page);
    let specials = specials(page);
    let mut n = 0;
    while n < specials.len() || out.len() < budget || n == 0 || !page.pending.is_empty() {
        let special = specials.get(n).copied();
        n += 1;
        let mut name = name(page, &prefix, special);
        while !seen.insert(name.clone()) {
            name = format!("{name}{n}");
        }
        let ty = one(page, name, special);
        if page.has(Form::ListTypes) {
            listed(&mut out, page, &ty);
        } else {
            mapped(&mut out, page, &ty);
        }
        if let Body::Struct(_) = ty.body {
            page.structs.push(ty.name);
        }
    }
    out
}

/// The structure that thousands of files share.
fn template(prefix: &str) -> String {
    format!(
        "types:\n  {prefix}Config:\n    fields:\n      enabled: Bool\n      settings: Object\n\
         \x20 {prefix}State:\n    fields:\n      active: Bool\n      data: Object\n      updated_at: Timestamp\n\
         \x20 {prefix}Result:\n    fields:\n      success: Bool\n      data: Object\n      error: Option<String>\n"
    )
}

/// What the file's type names begin with.
fn prefix(page: &Page) -> String {
    let stem: String = page.name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').to_owned();
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let stem = if stem.is_ascii() && !stem.is_empty() { stem } else { "core" };
    if page.has(Form::MixedCase) {
        let mut chars = stem.chars();
        return chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect());
    }
    words::pascal(stem)
}

/// Forms that need a type of their own.
fn specials(page: &Page) -> Vec<Form> {
    const SPECIAL: &[Form] = &[
        Form::EnumValues,
        Form::EnumEnum,
        Form::EnumVariants,
        Form::MapEnum,
        Form::TextEnum,
        Form::RawStruct,
        Form::StructKey,
        Form::ListFields,
        Form::Width,
        Form::Methods,
        Form::Generic,
        Form::Alias,
        Form::StandardNames,
        Form::ForeignType,
        Form::Recursive,
    ];
    SPECIAL.iter().copied().filter(|&f| page.has(f)).collect()
}

fn name(page: &mut Page, prefix: &str, special: Option<Form>) -> String {
    match special {
        Some(Form::StandardNames) => page.structure.weighted(STANDARD).to_owned(),
        Some(Form::ForeignType) => page.structure.pick(&["Состояние", "ΦState", "Ⲕⲟⲇ"]).to_owned(),
        _ => words::type_name(&mut page.structure, prefix),
    }
}

fn one(page: &mut Page, name: String, special: Option<Form>) -> Type {
    let described = page.has(Form::TypeDescription) && (special.is_some() || page.structure.chance(3, 4));
    let description = described.then(|| words::sentence(&mut page.structure, words::Part::Then, false));
    let lines = |lines: &[&str]| Body::Lines(lines.iter().map(|l| (*l).to_owned()).collect());
    let body = match special {
        Some(Form::EnumValues) => enumeration(page, "values"),
        Some(Form::EnumEnum) => enumeration(page, "enum"),
        Some(Form::EnumVariants) => enumeration(page, "variants"),
        Some(Form::MapEnum) => lines(&["values:", "  ADD: 0", "  SUB: 1", "  MUL: 0x02"]),
        Some(Form::TextEnum) => lines(&["values: \"ADD=0, SUB=1\""]),
        Some(Form::RawStruct) => lines(&["_dummy: u8"]),
        Some(Form::Width) => lines(&["base: u8", "width: 2"]),
        Some(Form::Generic) => lines(&["generic: [T]", "fields:", "  items: List<Int>"]),
        Some(Form::Alias) => lines(&["alias: Float"]),
        Some(Form::Methods) => {
            lines(&["fields:", "  value: Int", "methods:", "  - get() -> Int", "  - \"set(v: Int)\""])
        }
        _ => Body::Struct(fields(page, &name, special)),
    };
    Type { name, description, body }
}

fn fields(page: &mut Page, owner: &str, special: Option<Form>) -> Vec<Field> {
    let count = 1 + page.structure.below(6);
    let mut seen = BTreeSet::new();
    let mut fields = Vec::new();
    if page.has(Form::KeywordFields) && (page.structs.is_empty() || page.structure.chance(1, 8)) {
        let name = page.structure.weighted(KEYWORDS);
        seen.insert(name.to_owned());
        fields.push(Field::plain(name, "String"));
    }
    if special == Some(Form::Recursive) {
        page.pending.retain(|&f| f != Form::Recursive);
        seen.insert("next".to_owned());
        fields.push(Field::plain("next", owner));
    }
    while fields.len() < count {
        let name = words::field(&mut page.structure);
        if seen.insert(name.clone()) {
            fields.push(field::one(page, name));
        }
    }
    fields
}

fn enumeration(page: &mut Page, key: &'static str) -> Body {
    let draw = &mut page.structure;
    let count = 2 + draw.below(6);
    let mut names: Vec<String> = Vec::new();
    while names.len() < count {
        let name = draw.pick(words::VARIANTS).to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let add: &[(Form, &str, &[&str])] = &[
        (Form::NumberedVariant, "values", &["FIRST: 1", "SECOND: 2"]),
        (Form::BooleanVariants, "values", &["True", "False", "on"]),
        (Form::PayloadVariant, "variants", &["Custom: String"]),
        (Form::KeywordVariant, "enum", &["type", "match", "self_loop"]),
        (Form::InvalidVariant, "enum", &["△", "8k_uhd", "2024-01-31"]),
    ];
    for (form, under, elements) in add {
        if page.has(*form) && *under == key {
            names.extend(elements.iter().map(|&e| e.to_owned()));
        }
    }
    Body::Enum(key, names)
}

/// As an entry of a map.
fn mapped(out: &mut String, page: &mut Page, ty: &Type) {
    let one_line = page.has(Form::OneLineTypes) && page.structure.chance(4, 5);
    if let Body::Struct(fields) = &ty.body
        && one_line
    {
        let fields: Vec<String> = fields.iter().map(|f| format!("{}: {}", f.name, f.ty)).collect();
        let _ = writeln!(out, "  {}: {{ fields: {{ {} }} }}", ty.name, fields.join(", "));
        return;
    }
    let _ = writeln!(out, "  {}:", ty.name);
    if let Some(description) = &ty.description {
        let _ = writeln!(out, "    description: {}", quoted(&mut page.structure, description));
    }
    body(out, page, &ty.body);
}

/// As an item of a list.
fn listed(out: &mut String, page: &mut Page, ty: &Type) {
    let _ = writeln!(out, "  - name: {}", ty.name);
    if page.structure.chance(2, 3) {
        let kind = if matches!(ty.body, Body::Enum(..)) { "enum" } else { "struct" };
        let _ = writeln!(out, "    kind: {kind}");
    }
    if let Some(description) = &ty.description {
        let _ = writeln!(out, "    description: {}", quoted(&mut page.structure, description));
    }
    body(out, page, &ty.body);
}

fn body(out: &mut String, page: &mut Page, body: &Body) {
    match body {
        Body::Struct(fields) => {
            let key = if page.has(Form::StructKey) { "struct" } else { "fields" };
            let _ = writeln!(out, "    {key}:");
            let as_list = page.has(Form::ListTypes) || page.has(Form::ListFields);
            for f in fields {
                if as_list { f.listed(out, &mut page.structure) } else { f.mapped(out) }
            }
        }
        Body::Enum(key, names) if page.has(Form::FlowEnum) => {
            let _ = writeln!(out, "    {key}: [{}]", names.join(", "));
        }
        Body::Enum(key, names) => {
            let _ = writeln!(out, "    {key}:");
            names.iter().for_each(|name| {
                let _ = writeln!(out, "      - {name}");
            });
        }
        Body::Lines(lines) => lines.iter().for_each(|line| {
            let _ = writeln!(out, "    {line}");
        }),
    }
}

fn quoted(draw: &mut Draw, text: &str) -> String {
    if draw.chance(1, 2) { format!("\"{}\"", text.replace('"', "\\\"")) } else { text.to_owned() }
}
