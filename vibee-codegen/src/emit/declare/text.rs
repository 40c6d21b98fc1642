//! Text of specs inside Rust: comments and string literals that stay what they are.
//!
//! Spec text must not end a comment, become code or a doctest, point a link somewhere, or hide
//! what follows it by reordering.

/// Documentation at `indent` spaces: the lines of `text`, each behind `///`.
pub fn doc(out: &mut String, indent: usize, text: &str) {
    lines(out, indent, "///", text);
}

/// Documentation of a module.
pub fn module(out: &mut String, text: &str) {
    lines(out, 0, "//!", text);
}

fn lines(out: &mut String, indent: usize, sign: &str, text: &str) {
    let mut blank = true;
    for line in text.lines().map(line) {
        // Not at the start, and one at a time.
        if line.is_empty() && blank {
            continue;
        }
        blank = line.is_empty();
        for _ in 0..indent {
            out.push(' ');
        }
        out.push_str(sign);
        if !blank {
            out.push(' ');
            out.push_str(&line);
        }
        out.push('\n');
    }
}

/// One line of prose as Markdown that shows it as it was written.
pub fn line(text: &str) -> String {
    let text = text.trim();
    let plain = |b: u8| (b.is_ascii_alphanumeric() || b == b' ') || b",.:;()'\"=/?!&%_-+".contains(&b);
    if text.bytes().all(plain) && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    // What begins a list, a heading, a quotation, a table or a rule does so only in front.
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = digits > 0 && text[digits..].starts_with(['.', ')']);
    if text.starts_with(['-', '*', '+', '#', '>', '=', '|', '~', '`', '_']) && !is_code(text) {
        out.push('\\');
    }
    // Code between backticks is shown as it is; a backtick without its other half is none.
    let mut ticks = text.matches('`').count();
    let mut code = false;
    for (at, c) in text.char_indices() {
        match c {
            '`' => {
                ticks -= 1;
                code = !code && ticks > 0;
                out.push(c);
            }
            '[' | ']' | '<' if code => out.push(c),
            '.' | ')' if numbered && at == digits => {
                out.push('\\');
                out.push(c);
            }
            '[' | ']' | '<' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c if reorders(c) => out.push_str(&format!("U+{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    let out = out.replace("```", "'''").replace("~~~", "---");
    out.trim_end().to_owned()
}

/// Prose behind a word on the same line.
pub fn inner(text: &str) -> String {
    let mut out = line(text);
    if out.starts_with('\\') && !text.trim_start().starts_with(['\\', '[', '<']) {
        // Nothing begins in the middle of a line.
        out.remove(0);
    }
    out
}

/// Whether a line begins with an inline piece of code, which is not escaped.
fn is_code(text: &str) -> bool {
    text.starts_with('`') && !text.starts_with("``") && text[1..].contains('`')
}

/// Characters that change the direction of text, or cannot be seen.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{61C}')
}

/// A string literal.
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\'' => out.push(c),
            c if c.is_ascii_alphanumeric() => out.push(c),
            c if reorders(c) => out.extend(c.escape_unicode()),
            c => out.extend(c.escape_debug()),
        }
    }
    out.push('"');
    out
}

/// A sentence: with a capital, if it begins with a plain word, and a full stop, if it ends with one.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let word = text.split(' ').next().unwrap_or("");
    let capital = match text.get(..1) {
        Some(first)
            if word.trim_end_matches([',', ':', ';', '.']).bytes().all(|b| b.is_ascii_lowercase()) =>
        {
            first.to_ascii_uppercase() + &text[1..]
        }
        _ => text.to_owned(),
    };
    let text = capital.as_str();
    match text.chars().last() {
        Some(c) if c.is_alphanumeric() || matches!(c, ')' | '`' | '"' | '%') => format!("{text}."),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_stays_prose() {
        let cases = [
            ("# Heading", "\\# Heading"),
            ("- item", "\\- item"),
            ("1. first", "1\\. first"),
            ("a [link](x) <b>", "a \\[link\\](x) \\<b>"),
            ("```rust", "\\'''rust"),
            ("~~~", "\\---"),
            ("`a` is code", "`a` is code"),
            ("end */ fn evil() {}", "end */ fn evil() {}"),
            ("bare\rreturn", "bare return"),
            ("a\u{202E}b", "aU+202Eb"),
            ("    indented", "indented"),
        ];
        for (text, wanted) in cases {
            assert_eq!(line(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn documentation_has_no_blank_edges() {
        let mut out = String::new();
        doc(&mut out, 4, "\n\none\n\n\ntwo\n");
        assert_eq!(out, "    /// one\n    ///\n    /// two\n");
    }

    #[test]
    fn literals_are_the_text() {
        for text in ["", "a\"b\\c", "tab\tline\n", "\u{202E}x\u{0}", "it's φ"] {
            let literal: syn::LitStr = syn::parse_str(&string(text)).expect("a literal");
            assert_eq!(literal.value(), text);
            assert!(!string(text).contains(['\u{202E}', '\u{0}', '\n']));
        }
    }
}
