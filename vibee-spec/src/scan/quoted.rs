//! Quoted text: `"…"` with escapes, `'…'` with doubled quotes, both possibly over several lines.

use super::{Lines, Sink};
use crate::diag::Diagnostic;
use crate::span::Span;

/// A quoted text that was read.
pub(crate) struct Quoted {
    /// With escapes resolved and line ends folded to one space.
    pub text: String,
    /// One past the closing quote.
    pub end: usize,
    /// The line the closing quote is on.
    pub line: usize,
}

/// Reads the quoted text at byte `at` of line `n`; further lines must be deeper than `base`.
/// `None` when it is not terminated, which is for the caller to report.
pub(crate) fn read(lines: &Lines, n: usize, at: usize, base: i64, sink: &mut Sink) -> Option<Quoted> {
    let quote = lines.text[at..].chars().next()?;
    let mut text = String::new();
    let (mut line, mut from) = (n, at + 1);
    loop {
        let end = lines.list[line].end as usize;
        if let Some(end) = piece(&lines.text[from..end], quote, from, &mut text, sink) {
            return Some(Quoted { text, end, line });
        }
        line = (line + 1..lines.list.len()).find(|&m| !lines.list[m].is_blank())?;
        if i64::from(lines.list[line].indent) <= base {
            return None;
        }
        from = lines.list[line].content as usize;
        text.truncate(text.trim_end_matches(' ').len());
        text.push(' ');
    }
}

/// Reads one line's part; the offset past the closing quote if it is there.
fn piece(part: &str, quote: char, from: usize, text: &mut String, sink: &mut Sink) -> Option<usize> {
    let mut chars = part.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if quote == '\'' && chars.peek().is_some_and(|&(_, c)| c == '\'') => {
                chars.next();
                text.push('\'');
            }
            _ if c == quote => return Some(from + at + 1),
            '\\' if quote == '"' => match escape(&part[at..]) {
                Some((c, len)) => {
                    text.push(c);
                    while chars.next_if(|&(next, _)| next < at + len).is_some() {}
                }
                None => {
                    sink.push(
                        Diagnostic::error("V0022", Span::new(from + at, from + at + 1), "unknown escape")
                            .label("this backslash starts no escape")
                            .hint("write `\\\\` for a backslash, or use single quotes"),
                    );
                }
            },
            _ => text.push(c),
        }
    }
    None
}

/// The character an escape stands for, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let hex = |digits: usize| {
        let value = u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?;
        Some((char::from_u32(value)?, 2 + digits))
    };
    let plain = match text.chars().nth(1)? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        'e' => '\x1B',
        'f' => '\x0C',
        'v' => '\x0B',
        'N' => '\u{85}',
        '_' => '\u{A0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => return hex(2),
        'u' => return hex(4),
        'U' => return hex(8),
        c @ ('\\' | '"' | '/' | ' ') => c,
        _ => return None,
    };
    Some((plain, 2))
}

/// The finding for a quote at `at` that is never closed.
pub(crate) fn unterminated(at: usize) -> Diagnostic {
    Diagnostic::error("V0020", Span::new(at, at + 1), "the quote is never closed").label("opened here")
}
