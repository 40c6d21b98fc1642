//! Any layout of a spec is formatted to the same text, and nothing makes the formatter panic.

use vibee_spec::fmt;

use crate::support::{format, source};

/// Specs that use all of the language between them.
const SPECS: &[&str] = &[
    include_str!("../parser/specs/rmsnorm.vibee"),
    include_str!("../parser/specs/kernels.vibee"),
    include_str!("../parser/specs/functions.vibee"),
    include_str!("../parser/specs/bert.vibee"),
    include_str!("../parser/specs/cases.vibee"),
    include_str!("../parser/specs/types.vibee"),
    include_str!("../parser/specs/types_list.vibee"),
    include_str!("../parser/specs/dialect.vibee"),
    include_str!("../parser/specs/zig.vibee"),
    include_str!("../check/pass/cases.vibee"),
    include_str!("../check/pass/language.vibee"),
    include_str!("../check/pass/models.vibee"),
    include_str!("../check/pass/norms.vibee"),
    include_str!("specs/comments.vibee"),
    include_str!("specs/statements.vibee"),
    include_str!("specs/values.vibee"),
];

/// A small generator; the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

/// The text with every indentation stretched, blank lines doubled and blanks at line ends.
fn stretched(text: &str, numbers: &mut Numbers) -> String {
    let step = 1 + numbers.below(4);
    let mut out = String::new();
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        out.push_str(&" ".repeat(indent * step));
        // What follows a dash is a level of its own.
        let items = content
            .strip_prefix("- ")
            .map_or(content.to_owned(), |rest| format!("-{}{rest}", " ".repeat(2 * step - 1)));
        out.push_str(&items);
        out.push_str(&" ".repeat(numbers.below(3)));
        out.push('\n');
        if content.is_empty() && numbers.below(2) == 0 {
            out.push_str("  \n");
        }
    }
    out
}

#[test]
fn any_indentation_gives_the_same_text() {
    let mut numbers = Numbers(1);
    let mut tried = 0;
    for spec in SPECS {
        let formatted = format(spec);
        for _ in 0..5 {
            let other = stretched(&formatted, &mut numbers);
            // Lines of `|` blocks are text, which has changed.
            if fmt::same_text(&formatted, &other) {
                assert_eq!(format(&other), formatted);
                tried += 1;
            }
        }
    }
    assert!(tried >= 50, "only {tried} meant the same");
}

/// Blanks put in and taken out at random: whatever still parses to the same tree is formatted to
/// the same text.
#[test]
fn blanks_do_not_matter_where_the_meaning_stays() {
    let mut numbers = Numbers(2);
    let mut tried = 0;
    for spec in SPECS {
        let formatted = format(spec);
        for _ in 0..60 {
            let mut text = formatted.clone();
            let at = numbers.below(text.len());
            if !text.is_char_boundary(at) {
                continue;
            }
            if text.as_bytes()[at] == b' ' {
                text.remove(at);
            } else {
                text.insert(at, ' ');
            }
            if fmt::same_text(&formatted, &text) {
                let _ = format(&text);
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "only {tried} still parsed");
}

/// Lines cut, doubled, swapped: the formatter ends, and what it accepts is sound.
#[test]
fn broken_files_do_no_harm() {
    let mut numbers = Numbers(3);
    let mut formatted = 0;
    for spec in SPECS {
        let lines: Vec<&str> = spec.lines().collect();
        for _ in 0..40 {
            let mut lines = lines.clone();
            for _ in 0..1 + numbers.below(3) {
                let (a, b) = (numbers.below(lines.len()), numbers.below(lines.len()));
                match numbers.below(3) {
                    0 => lines.swap(a, b),
                    1 => lines[a] = lines[b],
                    _ => {
                        lines.remove(a);
                    }
                }
            }
            let text = lines.join("\n");
            match fmt::format(&source(&text)) {
                Ok(_) => {
                    format(&text);
                    formatted += 1;
                }
                Err(diags) => assert!(diags.list.iter().all(|d| d.code != "V0800"), "{text}"),
            }
        }
    }
    assert!(formatted > 100, "only {formatted} were accepted");
}
