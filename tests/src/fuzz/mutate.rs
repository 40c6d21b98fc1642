//! Inputs from seeds: changes of bytes, of pieces that mean something, of lines, of values.

use vibee_spec::interp::rng::Rng;

/// Pieces that mean something to the scanner, the grammar or a generator of code.
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
    "-",
    "|",
    ">",
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
    "*",
    "/",
    "%",
    "\n",
    "\n  ",
    "\n    ",
    "\n0\n",
    "\t",
    " ",
    "\r",
    "\r\n",
    "\\",
    "\\x4",
    "\\u{1}",
    "if ",
    " then ",
    " else ",
    " in ",
    " for ",
    "where ",
    "not ",
    "and ",
    "idx<",
    "len",
    "dim",
    "inf",
    "nan",
    "true",
    "0",
    "-1",
    "1e999",
    "1e-12",
    "0x",
    "9223372036854775808",
    "18446744073709551616",
    ".",
    "..",
    "é",
    "∑",
    "φ",
    "ⲕ",
    "🚀",
    "\u{202E}",
    "\u{2066}",
    "\u{FEFF}",
    "\u{0}",
    "\u{1b}[31m",
    "*/",
    "\"#",
    "r#",
    "{}",
    "[]",
    "{{x}}",
    "```",
    "]u8",
    "[]u8",
    "[4]",
    "?",
    "List<",
    "Map<K, V>",
    "Option<",
    "enum { A, B }",
    "types:\n",
    "behaviors:\n",
    "kernels:\n",
    "functions:\n",
    "layers:\n",
    "models:\n",
    "test_cases:\n",
    "constants:\n",
    "imports:\n",
    "laws:\n",
    "fields:\n",
    "values:\n",
    "weights:\n",
    "state:\n",
    "name: ",
    "language: rust\n",
    "language: zig\n",
    "call: ",
    "expect: ",
    "holds: ",
    "for: ",
    "given: ",
    "when: ",
    "When: ",
    "then: ",
    "default: ",
    "type: ",
    "specialise ",
    "sum[",
    "max[",
    "argmax[",
    "within 1e-5",
    "error",
    "self",
    "Self",
    "crate",
    "super",
    "type",
    "async",
    "fn",
    "impl",
];

/// One input: a seed, changed one to eight times.
#[must_use]
pub fn mutate(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut out = rng.pick(seeds).clone();
    for _ in 0..1 + rng.below(8) {
        match rng.below(16) {
            0 => replace(&mut out, rng, &[]),
            1 | 2 => {
                let piece = rng.pick(PIECES).as_bytes();
                let at = place(&out, rng);
                out.splice(at..at, piece.iter().copied());
            }
            3 => {
                let piece = rng.pick(PIECES).as_bytes();
                replace(&mut out, rng, piece);
            }
            4 => flip(&mut out, rng),
            5 => repeat(&mut out, rng),
            6 => {
                let other = rng.pick(seeds).as_slice();
                splice(&mut out, other, rng);
            }
            7 => out.truncate(place(&out, rng)),
            8 => value(&mut out, rng),
            9 => word(&mut out, rng),
            _ => lines(&mut out, rng),
        }
        // Changes that repeat must not grow without bounds.
        out.truncate(64 << 10);
    }
    out
}

fn place(text: &[u8], rng: &mut Rng) -> usize {
    rng.below(text.len() as u64 + 1) as usize
}

/// Replaces a few bytes.
fn replace(out: &mut Vec<u8>, rng: &mut Rng, by: &[u8]) {
    let at = place(out, rng);
    let end = (at + rng.below(12) as usize).min(out.len());
    out.splice(at..end, by.iter().copied());
}

/// Changes one byte to any.
fn flip(out: &mut [u8], rng: &mut Rng) {
    if !out.is_empty() {
        let at = rng.below(out.len() as u64) as usize;
        out[at] = rng.below(256) as u8;
    }
}

/// A piece many times: nesting and length.
fn repeat(out: &mut Vec<u8>, rng: &mut Rng) {
    let times = 1 << rng.below(10);
    let piece = rng.pick(PIECES).as_bytes().repeat(times as usize);
    let at = place(out, rng);
    out.splice(at..at, piece);
}

/// The head of this and the tail of another.
fn splice(out: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let (at, from) = (place(out, rng), place(other, rng));
    out.truncate(at);
    out.extend_from_slice(&other[from..]);
}

/// Starts of lines, the end too.
fn starts(text: &[u8]) -> Vec<usize> {
    let ends = text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).chain([text.len()]).collect()
}

/// Moves, doubles, removes or indents whole lines.
fn lines(out: &mut Vec<u8>, rng: &mut Rng) {
    let starts = starts(out);
    let n = rng.below(starts.len() as u64 - 1) as usize;
    let last = (n + 1 + rng.below(3) as usize).min(starts.len() - 1);
    let (from, to) = (starts[n], starts[last]);
    let taken = out[from..to].to_vec();
    let target = *rng.pick(&starts);
    match rng.below(5) {
        0 => {
            out.splice(target..target, taken);
        }
        1 => {
            out.drain(from..to);
        }
        2 => {
            out.drain(from..to);
            let target = target.min(out.len());
            out.splice(target..target, taken);
        }
        3 => {
            let spaces = b"   ";
            out.splice(from..from, spaces[..1 + rng.below(3) as usize].iter().copied());
        }
        _ => {
            let blanks = out[from..to].iter().take_while(|b| **b == b' ').count();
            let fewer = (1 + rng.below(3) as usize).min(blanks);
            out.drain(from..from + fewer);
        }
    }
}

/// Gives a line another value, or wraps the one it has.
fn value(out: &mut Vec<u8>, rng: &mut Rng) {
    let starts = starts(out);
    let n = rng.below(starts.len() as u64 - 1) as usize;
    let (from, to) = (starts[n], starts[n + 1]);
    let end = from + out[from..to].iter().position(|b| *b == b'\n').unwrap_or(to - from);
    let Some(colon) = out[from..end].iter().position(|b| *b == b':') else { return };
    let at = from + colon + 1;
    let old = out[at..end].to_vec();
    let (before, after): (&[u8], &[u8]) = *rng.pick::<(&[u8], &[u8])>(&[
        (b" \"", b"\""),
        (b" '", b"'"),
        (b" [", b"]"),
        (b" {a: ", b"}"),
        (b" [", b""),
        (b" \"", b""),
        (b" (", b")"),
        (b" |\n      ", b""),
        (b" ", b" = 3"),
        (b" ", b"?"),
        (b" List<", b">"),
        (b" -", b""),
    ]);
    let new = [before, old.trim_ascii(), after].concat();
    out.splice(at..end, new);
}

/// Puts a word of the text in the place of another.
fn word(out: &mut Vec<u8>, rng: &mut Rng) {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let find = |text: &[u8], from: usize| {
        let start = from + text[from..].iter().position(|b| is_word(*b))?;
        let len = text[start..].iter().take_while(|b| is_word(**b)).count();
        Some(start..start + len)
    };
    let (a, b) = (place(out, rng), place(out, rng));
    if let (Some(a), Some(b)) = (find(out, a), find(out, b)) {
        let new = out[b].to_vec();
        out.splice(a, new);
    }
}
