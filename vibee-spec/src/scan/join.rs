//! Logical lines: physical lines joined by open brackets and unfinished expressions.
//!
//! A logical line is one contiguous slice of the file in which comments and line ends are blanked,
//! so every byte offset inside it is an offset in the file. Brackets, depth and size are checked
//! here, before pest sees the text: pest's recursion is bounded by this scan.

use super::nesting::Nesting;
use super::{Lines, Sink};
use crate::diag::Diagnostic;
use crate::limits::{MAX_DEPTH, MAX_STATEMENT};
use crate::span::Span;

/// A joined line.
#[derive(Clone, Debug)]
pub(crate) struct Logical {
    /// Where it stands; `text` is exactly as long.
    pub span: Span,
    /// The slice with comments and line ends blanked.
    pub text: String,
    /// Trailing comments, joined.
    pub comment: Option<String>,
    /// One past its last physical line.
    pub next: usize,
    /// A problem was reported; the text must not be parsed.
    pub broken: bool,
}

/// An open bracket.
struct Open {
    byte: u8,
    at: usize,
}

/// Words and signs after which an expression goes on.
const UNFINISHED_WORDS: &[&str] = &["and", "or", "not", "if", "then", "else", "in", "where", "for"];
const UNFINISHED_SIGNS: &[u8] = b"+-*/%^=<>,~";

/// Words and signs at the start of a deeper line that no statement begins with: they go on with the
/// line above, unless that is a complete header.
const LEADING_WORDS: &[&str] = &["where", "for", "allow", "then", "else", "and", "or"];
const LEADING_SIGNS: &[u8] = b"+-*/%^=<>,~";

/// Joins from byte `from` of physical line `first`; `base` is the column the statement stands at.
pub(crate) fn join(lines: &Lines, first: usize, from: usize, base: u32, sink: &mut Sink) -> Logical {
    let mut joiner = Joiner {
        lines,
        sink,
        origin: from,
        out: Vec::new(),
        code_end: 0,
        open: Vec::new(),
        nesting: Nesting::new(),
        comments: Vec::new(),
        broken: false,
        abandoned: false,
    };
    let next = joiner.run(first, from, base);
    joiner.finish(next)
}

struct Joiner<'a, 't, 'd> {
    lines: &'a Lines<'t>,
    sink: &'a mut Sink<'d>,
    /// File offset of `out[0]`.
    origin: usize,
    out: Vec<u8>,
    /// Length of `out` up to the last byte of code.
    code_end: usize,
    open: Vec<Open>,
    nesting: Nesting,
    comments: Vec<&'t str>,
    broken: bool,
    /// Nothing more is understood; only find the end.
    abandoned: bool,
}

impl Joiner<'_, '_, '_> {
    fn run(&mut self, first: usize, from: usize, base: u32) -> usize {
        let (mut at, mut n) = (from, first);
        loop {
            self.line(at, self.lines.list[n].end as usize);
            let Some(next) = self.continuation(n, base) else { return n + 1 };
            n = next;
            at = self.lines.list[n].content as usize;
        }
    }

    /// The physical line that goes on with this statement after line `n`.
    fn continuation(&mut self, n: usize, base: u32) -> Option<usize> {
        let next = (n + 1..self.lines.list.len()).find(|&m| self.lines.has_code(m));
        let indent = next.map_or(0, |m| self.lines.list[m].indent);
        let deeper = next.is_some() && indent > base;
        if self.abandoned {
            let closes = next.is_some_and(|m| matches!(self.lines.first(m), b')' | b']' | b'}'));
            return next.filter(|_| deeper || closes && indent == base);
        }
        if let Some(innermost) = self.open.last() {
            let closes = next.is_some_and(|m| matches!(self.lines.first(m), b')' | b']' | b'}'));
            if deeper || closes && indent == base {
                return next;
            }
            let (byte, at) = (innermost.byte as char, innermost.at);
            if self.broken {
                // A wrong closing bracket was reported already.
                return None;
            }
            self.fail(
                Diagnostic::error("V0030", Span::new(at, at + 1), format!("`{byte}` is never closed"))
                    .label("opened here")
                    .hint("close it, or indent the lines it should hold"),
            );
            return None;
        }
        let leads_on = |m| {
            let text = self.lines.content(m);
            let begins =
                |word: &str| text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_word_char));
            LEADING_SIGNS.contains(&self.lines.first(m)) || LEADING_WORDS.iter().any(|word| begins(word))
        };
        let goes_on = self.unfinished()
            || next.is_some_and(leads_on) && self.out[..self.code_end].last() != Some(&b':');
        next.filter(|_| deeper && goes_on)
    }

    /// Whether the code so far ends where an operand must follow.
    fn unfinished(&self) -> bool {
        let code = &self.out[..self.code_end];
        let word = code.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if word == 0 {
            return code.last().is_some_and(|b| UNFINISHED_SIGNS.contains(b));
        }
        let word = &code[code.len() - word..];
        UNFINISHED_WORDS.iter().any(|w| w.as_bytes() == word)
    }

    /// Takes the bytes `at..end` of one physical line.
    fn line(&mut self, mut at: usize, end: usize) {
        self.out.resize(at - self.origin, b' ');
        let text = self.lines.text.as_bytes();
        let start = at;
        let mut tab = None;
        while at < end {
            let byte = text[at];
            if byte == b'#' && (at == start || matches!(text[at - 1], b' ' | b'\t')) {
                let comment = self.lines.text[at + 1..end].trim();
                if !comment.is_empty() {
                    self.comments.push(comment);
                }
                break;
            }
            let taken = if self.abandoned {
                1
            } else {
                match byte {
                    b'"' => self.string(at, end),
                    b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.nesting.word(&text[at..end]),
                    b'\t' => {
                        tab.get_or_insert(at);
                        1
                    }
                    _ => {
                        self.sign(byte, at);
                        1
                    }
                }
            };
            if !self.abandoned && self.nesting.is_too_deep() {
                self.abandoned = true;
                self.fail(too_deep(Span::new(at, at + 1)));
            }
            self.out.extend_from_slice(&text[at..at + taken]);
            at += taken;
            if byte == b'\t' {
                self.out.pop();
                self.out.push(b' ');
            } else if byte != b' ' {
                self.code_end = self.out.len();
            }
        }
        if let Some(at) = tab {
            self.fail(super::lines::tab_error(at));
        }
    }

    /// Length of the string at `at`, which ends on its line.
    fn string(&mut self, at: usize, end: usize) -> usize {
        let text = &self.lines.text.as_bytes()[at..end];
        let mut n = 1;
        while n < text.len() {
            match text[n] {
                b'"' => return n + 1,
                b'\\' => n += 2,
                _ => n += 1,
            }
        }
        self.fail(super::quoted::unterminated(at));
        text.len()
    }

    fn sign(&mut self, byte: u8, at: usize) {
        match byte {
            b'(' | b'[' | b'{' => self.open.push(Open { byte, at }),
            b')' | b']' | b'}' => self.close(byte, at),
            _ => {}
        }
        self.nesting.sign(byte);
    }

    fn close(&mut self, byte: u8, at: usize) {
        let here = Span::new(at, at + 1);
        let shown = byte as char;
        let Some(open) = self.open.pop() else {
            self.fail(
                Diagnostic::error("V0031", here, format!("`{shown}` closes nothing"))
                    .label("no bracket is open here")
                    .hint("remove it"),
            );
            return;
        };
        let wanted = match open.byte {
            b'(' => ')',
            b'[' => ']',
            _ => '}',
        };
        if shown != wanted {
            self.fail(
                Diagnostic::error("V0032", here, format!("`{shown}` does not close `{}`", open.byte as char))
                    .label(format!("expected `{wanted}`"))
                    .also(Span::new(open.at, open.at + 1), "opened here"),
            );
        }
    }

    fn fail(&mut self, d: Diagnostic) {
        self.broken = true;
        self.sink.push(d);
    }

    fn finish(mut self, next: usize) -> Logical {
        self.out.truncate(self.code_end);
        let span = Span::new(self.origin, self.origin + self.code_end);
        if self.code_end > MAX_STATEMENT {
            self.fail(
                Diagnostic::error(
                    "V0034",
                    Span::new(self.origin, self.origin + 1),
                    "the statement is too long",
                )
                .label("starts here")
                .note(format!("it has {} bytes; the limit is {MAX_STATEMENT}", self.code_end))
                .hint("split it into several definitions or cases"),
            );
        }
        Logical {
            span,
            // Only whole characters are copied or blanked.
            text: String::from_utf8(self.out).expect("UTF-8 in, UTF-8 out"),
            comment: (!self.comments.is_empty()).then(|| self.comments.join(" ")),
            next,
            broken: self.broken,
        }
    }
}

/// The finding for nesting beyond [`MAX_DEPTH`].
pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("V0033", span, "nested too deeply")
        .label(format!("more than {MAX_DEPTH} levels here"))
        .hint("name parts of it in definitions of their own")
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
