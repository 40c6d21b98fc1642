//! Keys: `key: value`, `"key": value`.

use super::{Lines, Sink, quoted};
use crate::ast::Ident;
use crate::diag::Diags;
use crate::span::Span;

/// A key and where its value may start.
pub(crate) struct Key {
    /// Unquoted.
    pub ident: Ident,
    /// The byte after the colon.
    pub after: usize,
}

/// The key at the content of line `n`, if the line has one.
pub(crate) fn key(lines: &Lines, n: usize, sink: &mut Sink) -> Option<Key> {
    let line = lines.list[n];
    key_at(lines, n, line.content as usize, line.end as usize, sink)
}

/// The key at `at..end` of line `n`.
pub(crate) fn key_at(lines: &Lines, n: usize, at: usize, end: usize, sink: &mut Sink) -> Option<Key> {
    let text = &lines.text[at..end];
    if text.starts_with(['"', '\'']) {
        // Whether it is a key is known only behind the closing quote; until then report nothing.
        let mut found = Diags::default();
        let read = quoted::read(lines, n, at, i64::MAX, &mut Sink::new(&mut found))?;
        let rest = &lines.text[read.end..end];
        let colon = read.end + rest.len() - rest.trim_start().len();
        if !colon_at(lines.text, colon, end) {
            return None;
        }
        found.list.into_iter().for_each(|d| sink.push(d));
        return Some(Key { ident: ident(read.text, at, read.end), after: colon + 1 });
    }
    let (name, after) = plain(text)?;
    Some(Key { ident: ident(name.to_owned(), at, at + name.len()), after: at + after })
}

/// Whether line `n` has a key.
pub(crate) fn is_key(lines: &Lines, n: usize) -> bool {
    let text = lines.content(n);
    if text.starts_with(['"', '\'']) {
        return key(lines, n, &mut Sink::new(&mut Diags::default())).is_some();
    }
    plain(text).is_some()
}

/// The unquoted key that `text` begins with, and where its value may start.
fn plain(text: &str) -> Option<(&str, usize)> {
    if text.starts_with(['[', '{', '#', '-']) && !text.starts_with("--") && !is_dashed_word(text) {
        return None;
    }
    let bytes = text.as_bytes();
    for n in 0..bytes.len() {
        match bytes[n] {
            b'#' if n > 0 && matches!(bytes[n - 1], b' ' | b'\t') => return None,
            b':' if colon_at(text, n, text.len()) => {
                let name = text[..n].trim_end();
                return (!name.is_empty()).then_some((name, n + 1));
            }
            _ => {}
        }
    }
    None
}

/// Whether a dash begins a word (`-x: 1`) rather than a sequence item.
fn is_dashed_word(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c != ' '))
}

/// Whether a colon that ends a key stands at `at`.
fn colon_at(text: &str, at: usize, end: usize) -> bool {
    let bytes = &text.as_bytes()[..end];
    bytes.get(at) == Some(&b':') && matches!(bytes.get(at + 1), None | Some(b' ' | b'\t'))
}

fn ident(name: String, start: usize, end: usize) -> Ident {
    Ident { name, span: Span::new(start, end) }
}
