//! No input makes the parser or the renderer panic, and every finding points into the file.

use crate::support::source;
use vibee_spec::ast::text;
use vibee_spec::codes;
use vibee_spec::diag::Diags;
use vibee_spec::parse::{Mode, parse_as};
use vibee_spec::render::Renderer;

/// Specs that use all of the language between them.
const SPECS: &[&str] = &[
    include_str!("specs/rmsnorm.vibee"),
    include_str!("specs/kernels.vibee"),
    include_str!("specs/functions.vibee"),
    include_str!("specs/bert.vibee"),
    include_str!("specs/cases.vibee"),
    include_str!("specs/types.vibee"),
    include_str!("specs/dialect.vibee"),
    include_str!("specs/bodies.vibee"),
    include_str!("specs/prose.vibee"),
    include_str!("specs/damaged.vibee"),
];

/// Parses and renders in both readings; checks what must hold of any findings.
fn survives(text: &str) {
    let strict = survives_as(text, Mode::Strict);
    let lenient = survives_as(text, Mode::Lenient);
    // What is well-formed means the same in both.
    if let (Some(strict), lenient) = (strict, lenient) {
        assert_eq!(Some(strict), lenient, "{text}");
    }
}

/// The tree as text, if there are no errors.
fn survives_as(text: &str, mode: Mode) -> Option<String> {
    let source = source(text);
    let mut diags = Diags::default();
    let file = parse_as(&source, mode, &mut diags);
    let renderer = Renderer::new(&source);
    for d in &diags.list {
        for span in d.related.iter().map(|(span, _)| *span).chain([d.span]) {
            assert!(span.start <= span.end, "{d:?}\n{text}");
            assert!(text.get(span.range()).is_some(), "{d:?}\n{text}");
        }
        assert!(codes::find(d.code).is_some(), "{} is not in the table", d.code);
        assert!(!d.message.is_empty() && !d.message.ends_with('.'), "{}", d.message);
    }
    // Rendering is slow beside parsing; the first findings stand for the rest.
    for d in diags.list.iter().take(2) {
        assert!(renderer.text(d, false).contains(d.code));
        assert_eq!(renderer.json(d)["code"], d.code);
    }
    (!diags.has_errors()).then(|| text::file(&file))
}

/// A small generator; the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

#[test]
fn every_truncation() {
    for spec in SPECS {
        for end in (0..spec.len()).filter(|&end| spec.is_char_boundary(end)) {
            survives(&spec[..end]);
        }
    }
}

#[test]
fn every_line_left_out() {
    for spec in SPECS {
        let lines: Vec<_> = spec.lines().collect();
        for n in 0..lines.len() {
            let rest: Vec<_> = lines.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, l)| *l).collect();
            survives(&rest.join("\n"));
        }
    }
}

/// Text that means something to the scanner or the grammar.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "\"",
    "'",
    "\"\"\"",
    "#",
    " #",
    ":",
    ": ",
    "- ",
    "|",
    ",",
    ";",
    "=",
    "==",
    ":=",
    "+=",
    "~",
    "->",
    "^",
    "//",
    "-",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    " ",
    "\r",
    "\\",
    "if ",
    " then ",
    " else ",
    " in ",
    " for ",
    "where ",
    "not ",
    "idx<",
    "len",
    "inf",
    "0",
    "1e",
    "0x",
    ".",
    "é",
    "∑",
    "\u{202E}",
    "\u{0}",
    "kernels:\n",
    "test_cases:\n",
    "call: ",
    "expect: ",
    "holds: ",
    "weights:",
    "config: ",
    "&&",
];

#[test]
fn random_mutations() {
    let mut numbers = Numbers(7);
    for round in 0..6_000 {
        let mut text = SPECS[round % SPECS.len()].to_owned();
        for _ in 0..1 + numbers.below(4) {
            let at = text.floor_char_boundary(numbers.below(text.len() + 1));
            let end = text.ceil_char_boundary((at + numbers.below(6)).min(text.len()));
            match numbers.below(3) {
                0 => text.replace_range(at..end, ""),
                1 => text.insert_str(at, PIECES[numbers.below(PIECES.len())]),
                _ => text.replace_range(at..end, PIECES[numbers.below(PIECES.len())]),
            }
        }
        survives(&text);
    }
}

#[test]
fn random_pieces() {
    let mut numbers = Numbers(11);
    for _ in 0..3_000 {
        let mut text = String::from(if numbers.below(2) == 0 { "language: rust\n" } else { "" });
        for _ in 0..numbers.below(60) {
            text.push_str(PIECES[numbers.below(PIECES.len())]);
        }
        survives(&text);
    }
}

#[test]
fn random_bytes() {
    let mut numbers = Numbers(13);
    for _ in 0..3_000 {
        let bytes: Vec<u8> = (0..numbers.below(80)).map(|_| numbers.below(256) as u8).collect();
        let lossy = vibee_spec::parse::lossy("x", &bytes);
        survives(&lossy.text);
        if let Ok(source) = vibee_spec::parse::decode("x", &bytes) {
            survives(&source.text);
        }
    }
}
