//! Malformed files: a well-formed one with one thing wrong, or no spec at all.
//!
//! The classes and their counts are those of 202 public files that a YAML reader refuses, plus the
//! files with a key written twice, which it reads silently. What vibee makes of them is stated here
//! and compared in tests; it differs from YAML where the language reads a position as plain text.

use super::draw::Draw;
use super::{Verdict, Verdict::Accepted, Verdict::Rejected};

/// A way for a file to be malformed.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its name in the manifest.
    pub name: &'static str,
    /// Files of it, out of [`super::measured::ALL`].
    pub files: u32,
    /// What the strict reading says.
    pub strict: Verdict,
    /// What the lenient reading says.
    pub lenient: Verdict,
    break_it: fn(String, &mut Draw) -> Vec<u8>,
}

const fn class(
    name: &'static str,
    files: u32,
    strict: Verdict,
    lenient: Verdict,
    break_it: fn(String, &mut Draw) -> Vec<u8>,
) -> Class {
    Class { name, files, strict, lenient, break_it }
}

/// All classes.
pub const CLASSES: &[Class] = &[
    class("stray_zero", 90, Rejected, Accepted, |text, draw| stray_zero(&text, draw).into_bytes()),
    class("stray_zero_bad_utf8", 4, Rejected, Accepted, |text, draw| cut_character(&stray_zero(&text, draw))),
    class("triple_quotes", 57, Rejected, Accepted, triple_quotes),
    class("duplicate_key", 9, Rejected, Rejected, duplicate_key),
    // Prose and types are read as they stand.
    class("colon_in_prose", 9, Accepted, Accepted, |text, draw| {
        prose(text, draw, &["Two panels (φ : 1)", "a: b: c", "fn(x: Int): Float", "Ratio 1 : 2 [wide]"])
    }),
    class("array_type", 9, Accepted, Accepted, |text, draw| {
        append(
            text,
            draw,
            &[
                "types:\n  Wire:\n    fields:\n      tokens: []u32\n      position: [3]f64\n      raw: [*]u8\n",
                "types:\n  Wire: { fields: { tokens: []u32, m: Map<K, V> } }\n",
            ],
        )
    }),
    class("at_sign", 5, Accepted, Accepted, |text, draw| {
        prose(text, draw, &["@cImport block", "@sizeOf(T) bytes", "`@import` works"])
    }),
    class("star", 3, Accepted, Accepted, |text, draw| {
        prose(text, draw, &["*u8 to string", "*pointer is kept", "&reference, !tag, %x"])
    }),
    class("star_in_list", 1, Accepted, Accepted, |text, draw| {
        append(text, draw, &["process:\n  sensitivity: [*]\n"])
    }),
    class("bars_as_key", 1, Accepted, Accepted, |text, draw| append(text, draw, &["state: { |α|²: 1.0 }\n"])),
    class("type_in_list", 1, Accepted, Accepted, |text, draw| {
        append(text, draw, &["arguments: [list[u32], u8]\n"])
    }),
    // Data with text behind its end is refused, and read as text when lenient.
    class("array_as_data", 1, Rejected, Accepted, |text, draw| {
        append(text, draw, &["wire:\n  tokens: []u32\n"])
    }),
    class("repeated_list", 2, Rejected, Accepted, |text, draw| {
        append(text, draw, &["material:\n  key: [0x00] * 32\n", "attention:\n  heads: [Q, K, V] × 3\n"])
    }),
    class("text_after_quote", 5, Rejected, Accepted, |text, draw| {
        append(
            text,
            draw,
            &[
                "rules:\n  - \"*\" -> ERROR\n  - other\n",
                "long:\n  input: {prompt: \"x\".repeat(600)}\n",
                "size: \"12\" bytes\n",
            ],
        )
    }),
    class("bad_indent", 5, Rejected, Rejected, bad_indent),
    class("ascii_art", 1, Rejected, Rejected, |text, draw| {
        append(
            text,
            draw,
            &["diagram:\n  +------+     +-----+\n  | data | --> | out |\n  +------+     +-----+\n"],
        )
    }),
    class("list_as_key", 1, Rejected, Rejected, |text, draw| {
        append(text, draw, &["table:\n  [True, True]: True\n  [True, False]: False\n"])
    }),
    class("stray_quoted", 1, Rejected, Rejected, |text, draw| {
        append(text, draw, &["\"a line of its own\"\n"])
    }),
    class("source_code", 6, Rejected, Rejected, source_code),
];

impl Class {
    /// Breaks a well-formed text.
    pub(super) fn apply(&self, text: String, draw: &mut Draw) -> Vec<u8> {
        (self.break_it)(text, draw)
    }
}

/// Byte offsets at which lines start, the end of the text too.
fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// The line a shell's counter wrote into the middle or at the end of the file.
fn stray_zero(text: &str, draw: &mut Draw) -> String {
    let starts = line_starts(text);
    let at = starts[1 + draw.below(starts.len() - 1)];
    format!("{}0\n{}", &text[..at], &text[at..])
}

/// A comment whose last character lost its second byte.
fn cut_character(text: &str) -> Vec<u8> {
    let mut bytes = "# ═══ φ".as_bytes().to_vec();
    bytes.pop();
    bytes.push(b'\n');
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn triple_quotes(text: String, draw: &mut Draw) -> Vec<u8> {
    let code = draw.pick(&[
        "const std = @import(\"std\");\n\n// # not a comment: code\npub fn main() void {\n    const x = [_]u8{0};\n}\n0\n",
        "pub const A = struct {\n\ta: u8,\n};\n",
    ]);
    let mut text = text;
    text += &format!("\nⲍⲓⲅ_ⲟⲩⲧⲡⲩⲧ: \"\"\"\n{}\"\"\"\n", code.repeat(1 + draw.below(12)));
    if draw.chance(1, 2) {
        text += "after_code: 1\n";
    }
    text.into_bytes()
}

fn duplicate_key(text: String, draw: &mut Draw) -> Vec<u8> {
    append(text, draw, &["notes: a\nnotes: b\n", "extra:\n  limit: 1\n  size: 2\n  limit: 3\n"])
}

/// A behaviour with the text as a sentence.
fn prose(text: String, draw: &mut Draw, sentences: &[&str]) -> Vec<u8> {
    let sentence = draw.pick(sentences);
    let behavior =
        format!("  - name: odd_prose\n    given: {sentence}\n    when: Called\n    then: {sentence}\n");
    match text.find("\nbehaviors:\n") {
        Some(at) => {
            let at = at + "\nbehaviors:\n".len();
            format!("{}{behavior}{}", &text[..at], &text[at..])
        }
        None => format!("{text}behaviors:\n{behavior}"),
    }
    .into_bytes()
}

/// Lines behind the others; entries of a section that is there already go into that section.
fn append(text: String, draw: &mut Draw, lines: &[&str]) -> Vec<u8> {
    let lines = draw.pick(lines);
    if let Some(entry) = lines.strip_prefix("types:\n")
        && let Some(at) = text.find("types:\n")
    {
        let at = at + "types:\n".len();
        return format!("{}{entry}{}", &text[..at], &text[at..]).into_bytes();
    }
    format!("{text}{lines}").into_bytes()
}

/// A line that is aligned with nothing.
fn bad_indent(text: String, draw: &mut Draw) -> Vec<u8> {
    let broken = draw.pick(&[
        "limits:\n  low: 1\n   high: 2\n",
        "limits:\n  low:\n    a: 1\n   b: 2\n",
        "limits:\n  - name: a\n     size: 2\n",
    ]);
    (text + broken).into_bytes()
}

fn source_code(_: String, draw: &mut Draw) -> Vec<u8> {
    let code = draw.pick(&[
        "const std = @import(\"std\");\n\npub fn main() void {\n    var x: u8 = 0;\n    x += 1;\n}\n",
        "import os\n\ndef main():\n    print(\"x\")\n",
        "module counter(input clk, output reg [7:0] q);\n  always @(posedge clk) q <= q + 1;\nendmodule\n",
    ]);
    code.as_bytes().to_vec()
}
