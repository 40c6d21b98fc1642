//! Fields of structs: a name, a type in one of its forms, a default, a comment.

use std::fmt::Write;

use super::draw::Draw;
use super::measured::{FIELD_TYPES, Form};
use super::page::Page;

/// A field to be written.
pub(super) struct Field {
    pub name: String,
    /// With the default behind it.
    pub ty: String,
    comment: Option<&'static str>,
}

/// Comments behind fields; a third begin with a number, which is the default.
const COMMENTS: &[&str] = &[
    "1e-6",
    "0.001",
    "4096",
    "32 heads",
    "0.618",
    "10 by default",
    "true",
    "normalised to one",
    "in bytes",
    "unix seconds",
    "per layer",
    "one of: a, b",
    "φ^-1",
    "[batch, seq]",
    "unused",
    "see the paper",
];

/// Types used and defined nowhere.
const UNDEFINED: &[(&str, u32)] = &[
    ("Complex", 28),
    ("Tensor", 23),
    ("Constraint", 10),
    ("RMSNorm", 3),
    ("SwiGLUFFN", 2),
    ("KVCache", 2),
    ("RouterPolicy", 40),
    ("List<LedgerEntry>", 40),
    ("Option<PlanStep>", 30),
];

impl Field {
    pub(super) fn plain(name: &str, ty: &str) -> Field {
        Field { name: name.to_owned(), ty: ty.to_owned(), comment: None }
    }

    /// `name: type  # comment`.
    pub(super) fn mapped(&self, out: &mut String) {
        let comment = self.comment.map_or(String::new(), |c| format!("  # {c}"));
        let _ = writeln!(out, "      {}: {}{comment}", self.name, self.ty);
    }

    /// As an item, in one of four ways.
    pub(super) fn listed(&self, out: &mut String, draw: &mut Draw) {
        let (name, ty) = (&self.name, &self.ty);
        let _ = match draw.below(4) {
            0 => writeln!(out, "      - {name}: {ty}"),
            1 => writeln!(out, "      - {{ name: {name}, type: \"{ty}\" }}"),
            2 => {
                writeln!(out, "      - name: {name}\n        type: {ty}\n        description: What it is for")
            }
            _ => writeln!(out, "      - name: {name}\n        type: {ty}"),
        };
    }
}

/// A field of any form the file has.
pub(super) fn one(page: &mut Page, name: String) -> Field {
    let form = page.pending.pop().or_else(|| another(page));
    let ty = match form {
        Some(form) => written(page, form),
        None => base(page).to_owned(),
    };
    let commented = page.has(Form::TrailingComments) && page.structure.chance(3, 5);
    let comment = commented.then(|| page.structure.pick(COMMENTS));
    Field { name, ty, comment }
}

fn base(page: &mut Page) -> &'static str {
    page.structure.weighted(FIELD_TYPES)
}

/// A form of the file once more.
fn another(page: &mut Page) -> Option<Form> {
    const AGAIN: &[Form] = &[
        Form::ListOf,
        Form::OptionOf,
        Form::UserType,
        Form::BareList,
        Form::BareMap,
        Form::MapOf,
        Form::Primitives,
        Form::Question,
        Form::Defaults,
        Form::FixedArray,
    ];
    let own: Vec<Form> = AGAIN.iter().copied().filter(|&f| page.has(f)).collect();
    (!own.is_empty() && page.structure.chance(1, 5)).then(|| page.structure.pick(&own))
}

/// A type in the form.
fn written(page: &mut Page, form: Form) -> String {
    let base = base(page);
    let text = match form {
        Form::ListOf => {
            return match page.structure.below(10) {
                0 => "List<List<Float>>".to_owned(),
                1 => format!("List<{}>", user(page)),
                _ => format!("List<{base}>"),
            };
        }
        Form::OptionOf => return format!("Option<{base}>"),
        Form::UserType => return user(page),
        Form::BareList => "List",
        Form::BareMap => "Map",
        Form::BareOption => "Option",
        Form::MapOf => {
            let comma = page.structure.pick(&[", ", ","]);
            return format!("Map<String{comma}{base}>");
        }
        Form::Primitives => {
            page.structure.pick(&["u8", "u32", "f32", "f64", "bool", "string", "i64", "usize"])
        }
        Form::Question => {
            page.structure.pick(&["String?", "Int?", "List<Int>?", "Map<String, Float>?", "Timestamp?"])
        }
        Form::Defaults => page.structure.pick(&[
            "Bool = true",
            "Bool = false",
            "Int = 30000",
            "Float = 1e-6",
            "String = \"auto\"",
            "Float = 0.5",
            "List<Int> = []",
        ]),
        Form::FixedArray => page.structure.pick(&["[3]f64", "[16]u8", "[2][4]f32", "[8]Float"]),
        Form::Pointer => page.structure.pick(&["*u8", "[*]u8", "*f32"]),
        Form::Slice => page.structure.pick(&["[]u8", "[]f32", "[]String"]),
        Form::ArrayOf => "Array<Float>",
        Form::OptionalPrefix => "?u32",
        Form::BracketList => "List[f64]",
        Form::Tuple => page.structure.pick(&["Tuple<Int, Float>", "(Int, Float)"]),
        Form::InlineEnum => "enum { Fast, Exact }",
        Form::Undefined => {
            let ty = page.structure.weighted(UNDEFINED);
            let name = ty.trim_start_matches("List<").trim_start_matches("Option<").trim_end_matches('>');
            page.undefined.insert(name.to_owned());
            ty
        }
        _ => base,
    };
    text.to_owned()
}

/// A type that was defined above.
fn user(page: &mut Page) -> String {
    if page.structs.is_empty() {
        return base(page).to_owned();
    }
    let n = page.structure.below(page.structs.len());
    page.structs[n].clone()
}
