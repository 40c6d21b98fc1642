//! `test_cases:` below behaviours and at the top level, in the shapes that were counted.

use std::fmt::Write;

use super::draw::Draw;
use super::measured::Form;
use super::page::Page;

/// What the values of a file's cases are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Sentences on both sides.
    Prose,
    /// `expected: { created: true }`.
    True,
    /// Maps of numbers and booleans.
    Numbers,
    /// Maps with text and lists in them.
    Mixed,
    /// A quoted JSON object as input.
    Json,
}

/// Which of its keys a case has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    All,
    Name,
    NameExpected,
    InputExpected,
    Prose,
}

const KEYS: &[(Keys, u32)] = &[
    (Keys::All, 12_417),
    (Keys::Name, 241),
    (Keys::NameExpected, 189),
    (Keys::InputExpected, 115),
    (Keys::Prose, 16),
];

/// Names of cases.
const NAMES: &[&str] =
    &["basic", "empty_input", "large_input", "boundary", "golden_identity", "negative", "typical", "zero"];

/// Input and expected output of a few pure functions: `input`, `expected`.
const NUMERIC: &[(&str, &str)] = &[
    ("{ n: 5 }", "{ result: 5 }"),
    ("{ n: 10 }", "{ result: 55 }"),
    ("{ a: 0.0, b: 10.0, t: 0.5 }", "{ result: 5.0 }"),
    ("{ k: 4 }", "{ result: 81 }"),
    ("{ a: 1, b: -1 }", "{ result: -1 }"),
    ("{ x: -0.5, limit: 1e-3 }", "{ value: 0.0, clipped: true }"),
    ("{ enabled: true, retries: 3 }", "{ attempts: 3, ok: false }"),
];

/// A few cases below a behaviour; `pad` is where their dashes stand.
pub(super) fn attached(out: &mut String, page: &mut Page, pad: &str) {
    let values = if page.has(Form::NumericCases) {
        Values::Numbers
    } else {
        page.structure.weighted(&[(Values::Prose, 28), (Values::True, 45), (Values::Mixed, 20)])
    };
    let values = if page.has(Form::JsonInput) && values != Values::Numbers { Values::Json } else { values };
    for n in 0..page.structure.between(1, 5) {
        one(out, &mut page.structure, pad, values, n);
    }
}

/// `test_cases:` of the file.
pub(super) fn section(page: &mut Page) -> String {
    let mut out = String::from("test_cases:\n");
    let pad = if page.has(Form::FlushItems) { "" } else { "  " };
    let values = page.structure.weighted(&[
        (Values::Prose, 28),
        (Values::True, 39),
        (Values::Numbers, 26),
        (Values::Mixed, 5),
    ]);
    for n in 0..page.structure.between(2, 8) {
        one(&mut out, &mut page.structure, pad, values, n);
    }
    if page.has(Form::PhiCase) {
        let _ = writeln!(out, "{pad}- name: golden\n{pad}  input: {{ phi: 1.618033988749895 }}");
        let _ = writeln!(out, "{pad}  expected: {{ phi: 1.618033988749895 }}\n{pad}  tolerance: 1e-10");
    }
    out
}

fn one(out: &mut String, draw: &mut Draw, pad: &str, values: Values, n: usize) {
    let keys = draw.weighted(KEYS);
    let name = format!("{}_{n}", draw.pick(NAMES));
    let (input, expected) = pair(draw, values);
    let block = draw.chance(1, 6);
    let lines = match keys {
        Keys::All => vec![("name", name), ("input", input), ("expected", expected)],
        Keys::Name => vec![("name", name)],
        Keys::NameExpected => vec![("name", name), ("expected", expected)],
        Keys::InputExpected => vec![("input", input), ("expected", expected)],
        Keys::Prose => vec![
            ("given", "\"A small input\"".to_owned()),
            ("when", "It is processed".to_owned()),
            ("then", "Nothing is lost".to_owned()),
        ],
    };
    for (k, (key, value)) in lines.iter().enumerate() {
        let dash = if k == 0 { "- " } else { "  " };
        // A map of one level may be written in lines.
        match value.strip_prefix("{ ").and_then(|v| v.strip_suffix(" }")) {
            Some(inside) if block && !inside.contains(['[', '{']) => {
                let _ = writeln!(out, "{pad}{dash}{key}:");
                inside.split(", ").for_each(|entry| {
                    let _ = writeln!(out, "{pad}    {entry}");
                });
            }
            _ => {
                let _ = writeln!(out, "{pad}{dash}{key}: {value}");
            }
        }
    }
}

/// An input and what is expected of it.
fn pair(draw: &mut Draw, values: Values) -> (String, String) {
    let (input, expected) = match values {
        Values::Prose => (
            draw.pick(&["\"valid input\"", "\"empty list\"", "Large batch", "\"3 tokens: a, b, c\""]),
            draw.pick(&["\"success\"", "\"error: empty\"", "Sorted output", "\"unchanged\""]),
        ),
        Values::True => (
            draw.pick(&[
                "{ size: 10 }",
                "{ name: \"test\" }",
                "{ mode: fast, depth: 3 }",
                "{}",
                "{ id: \"a-1\" }",
            ]),
            draw.pick(&[
                "{ created: true }",
                "{ valid: true }",
                "{ ok: True }",
                "{ exists: true, error: none }",
            ]),
        ),
        Values::Numbers => draw.pick(NUMERIC),
        Values::Mixed => (
            draw.pick(&[
                "{ values: [1, 2.5, -3], name: \"a\" }",
                "{ config: { size: 4, mode: fast }, items: [] }",
                "[1, 2, 3]",
                "{ shape: [2, 3], dtype: f32 }",
                "42",
            ]),
            draw.pick(&["{ total: 6, label: sum }", "3.14", "true", "{ items: [a, b], count: 2 }", "5"]),
        ),
        Values::Json => ("'{\"code\": \"fn main() {}\"}'", draw.pick(&["{ ok: true }", "'{\"n\": [1, 2]}'"])),
    };
    // A bare number as the result of a numeric case.
    if values == Values::Numbers && draw.chance(1, 40) {
        let number = expected.trim_start_matches(|c: char| !c.is_ascii_digit() && c != '-');
        let number = number.split([',', ' ']).next().unwrap_or("0");
        return (input.to_owned(), number.to_owned());
    }
    (input.to_owned(), expected.to_owned())
}
