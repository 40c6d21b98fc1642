//! Flow values: `{key: value, …}` and `[item, …]`, nested and over several lines.

use super::block::Scanner;
use super::place::Reading;
use super::seen::Seen;
use super::{brackets, quoted, too_deep};
use crate::ast::{Ident, Node, NodeKind};
use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::span::Span;
use std::collections::HashMap;

/// Reads one flow value. `None` from a step means: reported, give the value up.
struct Flow<'a, 't, 's, 'd> {
    scanner: &'a mut Scanner<'t, 's, 'd>,
    /// Current byte and its line.
    at: usize,
    line: usize,
    /// Further lines must be deeper than this column, or begin with a closing bracket.
    indent: u32,
    reading: Reading,
    depth: usize,
    /// Bracket partners of line `.0`.
    partners: (usize, HashMap<usize, usize>),
    comment: Option<String>,
}

impl Scanner<'_, '_, '_> {
    /// The flow value at byte `at` of line `n`.
    pub(super) fn flow_value(&mut self, n: usize, at: usize, indent: u32, reading: Reading) -> Node {
        let mut flow = Flow {
            scanner: self,
            at,
            line: n,
            indent,
            reading,
            depth: 0,
            partners: (usize::MAX, HashMap::new()),
            comment: None,
        };
        let node = flow.value();
        let (end, line, comment) = (flow.at, flow.line, flow.comment);
        let Some(mut node) = node else {
            // Lines of the broken value would only repeat the error.
            self.pos = line + 1;
            while self.peek().is_some_and(|m| self.lines.list[m].indent > indent) {
                self.pos += 1;
            }
            return Node {
                kind: NodeKind::Raw(String::new()),
                span: Span::new(at, end.max(at)),
                comment: None,
            };
        };
        let (rest, last) = self.code(end, self.lines.list[line].end as usize);
        if !self.lines.text[rest.clone()].trim().is_empty() {
            self.trailing(end, rest.end, "bracket");
        }
        self.pos = line + 1;
        node.comment = last.or(comment);
        node
    }
}

impl Flow<'_, '_, '_, '_> {
    fn value(&mut self) -> Option<Node> {
        match self.byte() {
            b'{' => self.nested(b'}'),
            b'[' if !self.is_array_type() => self.nested(b']'),
            b'"' | b'\'' => {
                let start = self.at;
                let (text, span) = self.quoted()?;
                self.skip(start)?;
                if !matches!(self.byte(), b',' | b']' | b'}' | b':') {
                    let end = self.scanner.lines.list[self.line].end as usize;
                    self.scanner.trailing(self.at, end, "quote");
                    return None;
                }
                Some(Node { kind: NodeKind::Quoted(text), span, comment: None })
            }
            _ => {
                let (text, span) = self.plain(false);
                let kind = if text.is_empty() { NodeKind::Empty } else { NodeKind::Raw(text) };
                Some(Node { kind, span, comment: None })
            }
        }
    }

    /// A bracketed value up to `close`.
    fn nested(&mut self, close: u8) -> Option<Node> {
        let open = self.at;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.scanner.sink.push(too_deep(Span::new(open, open + 1)));
            return None;
        }
        self.at += 1;
        let mut items = Vec::new();
        let mut entries: Vec<(Ident, Node)> = Vec::new();
        let mut seen = Seen::default();
        loop {
            self.skip(open)?;
            match self.byte() {
                b if b == close => break,
                b']' | b'}' => {
                    self.mismatch(open, close);
                    return None;
                }
                _ if close == b']' => items.push(self.item(open)?),
                _ => {
                    let entry = self.entry(open)?;
                    let first = seen.before(entries.iter().map(|(key, _)| key), &entry.0);
                    self.scanner.once(first, &entry.0);
                    entries.push(entry);
                }
            }
            self.skip(open)?;
            if self.byte() == b',' {
                self.at += 1;
            } else if self.byte() != close {
                let before = self.at;
                self.mismatch(open, close);
                debug_assert_eq!(before, self.at);
                return None;
            }
        }
        self.at += 1;
        self.depth -= 1;
        let kind = if close == b']' { NodeKind::Seq(items) } else { NodeKind::Map(entries) };
        Some(Node { kind, span: Span::new(open, self.at), comment: None })
    }

    /// `key: value`, `key` (an empty value).
    fn entry(&mut self, open: usize) -> Option<(Ident, Node)> {
        let (name, span) =
            if matches!(self.byte(), b'"' | b'\'') { self.quoted()? } else { self.plain(true) };
        let key = Ident { name, span };
        self.skip(open)?;
        let mut value =
            Node { kind: NodeKind::Empty, span: Span { start: span.end, end: span.end }, comment: None };
        if self.byte() == b':' {
            self.at += 1;
            self.skip(open)?;
            if !matches!(self.byte(), b',' | b'}' | b']') {
                value = self.value()?;
            }
        } else if key.name.is_empty() {
            self.mismatch(open, b'}');
            return None;
        }
        Some((key, value))
    }

    /// An item of a sequence; `[a: 1]` holds a map of one entry.
    fn item(&mut self, open: usize) -> Option<Node> {
        if self.byte() == b',' {
            return Some(Node { kind: NodeKind::Empty, span: Span::new(self.at, self.at), comment: None });
        }
        if matches!(self.byte(), b'{' | b'[') {
            return self.value();
        }
        let (before, line) = (self.at, self.line);
        let is_quoted = matches!(self.byte(), b'"' | b'\'');
        let (_, span) = if is_quoted { self.quoted()? } else { self.plain(true) };
        self.skip(open)?;
        let is_key = self.byte() == b':' && span.end > span.start;
        (self.at, self.line) = (before, line);
        if !is_key {
            return self.value();
        }
        let entry = self.entry(open)?;
        let span = entry.0.span.to(entry.1.span);
        Some(Node { kind: NodeKind::Map(vec![entry]), span, comment: None })
    }

    fn quoted(&mut self) -> Option<(String, Span)> {
        let start = self.at;
        let scanner = &mut *self.scanner;
        let Some(read) = quoted::read(&scanner.lines, self.line, start, i64::from(self.indent), scanner.sink)
        else {
            scanner.sink.push(quoted::unterminated(start));
            return None;
        };
        (self.at, self.line) = (read.end, read.line);
        Some((read.text, Span::new(start, read.end)))
    }

    /// Unquoted text up to `,` or a closing bracket (or `:` for a key); partners are skipped whole.
    fn plain(&mut self, is_key: bool) -> (String, Span) {
        let start = self.at;
        let line = self.scanner.lines.list[self.line];
        if self.partners.0 != self.line {
            let text = &self.scanner.lines.text[line.content as usize..line.end as usize];
            self.partners = (self.line, brackets::partners(text, line.content as usize));
        }
        let bytes = &self.scanner.lines.text.as_bytes()[..line.end as usize];
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b',' | b']' | b'}' => break,
                b':' if is_key
                    && matches!(bytes.get(self.at + 1), None | Some(b' ' | b'\t' | b',' | b'}' | b']')) =>
                {
                    break;
                }
                b'#' if self.at > start && matches!(bytes[self.at - 1], b' ' | b'\t') => break,
                b'(' | b'<' | b'[' | b'{' => {
                    self.at = self.partners.1.get(&self.at).copied().unwrap_or(self.at)
                }
                _ => {}
            }
            self.at += 1;
        }
        let text = self.scanner.lines.text[start..self.at].trim_end();
        (text.to_owned(), Span::new(start, start + text.len()))
    }

    /// Whether `[` begins a type such as `[4]u8`, which only types can.
    fn is_array_type(&self) -> bool {
        let end = self.scanner.lines.list[self.line].end as usize;
        let text = &self.scanner.lines.text[self.at..end];
        self.reading == Reading::Type
            && text.find(']').is_some_and(|close| {
                text[close + 1..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '[')
            })
    }

    /// Skips blanks, comments and line ends inside the bracket opened at `open`.
    fn skip(&mut self, open: usize) -> Option<()> {
        loop {
            let end = self.scanner.lines.list[self.line].end as usize;
            let text = &self.scanner.lines.text[self.at..end];
            let rest = text.trim_start_matches([' ', '\t']);
            let blanks = text.len() - rest.len();
            self.at += blanks;
            let at_start = self.at == self.scanner.lines.list[self.line].content as usize;
            let is_comment = rest.starts_with('#') && (blanks > 0 || at_start);
            if is_comment && !at_start {
                self.comment = Some(rest[1..].trim().to_owned()).filter(|c| !c.is_empty());
            }
            if !rest.is_empty() && !is_comment {
                return Some(());
            }
            let lines = &self.scanner.lines;
            let next = (self.line + 1..lines.list.len())
                .find(|&m| lines.has_code(m))
                .filter(|&m| lines.list[m].indent > self.indent || matches!(lines.first(m), b']' | b'}'));
            let Some(next) = next else {
                let shown = lines.text.as_bytes()[open] as char;
                self.scanner.sink.push(
                    Diagnostic::error(
                        "V0030",
                        Span::new(open, open + 1),
                        format!("`{shown}` is never closed"),
                    )
                    .label("opened here")
                    .hint("close it, or indent the lines it should hold"),
                );
                return None;
            };
            self.line = next;
            self.at = lines.list[next].content as usize;
        }
    }

    fn mismatch(&mut self, open: usize, close: u8) {
        let shown = self.scanner.lines.text[self.at..].chars().next().unwrap_or(' ');
        let opened = self.scanner.lines.text.as_bytes()[open] as char;
        self.scanner.sink.push(
            Diagnostic::error(
                "V0032",
                Span::new(self.at, self.at + shown.len_utf8()),
                format!("`{shown}` does not go on with or close `{opened}`"),
            )
            .label(format!("expected `,` or `{}`", close as char))
            .also(Span::new(open, open + 1), "opened here"),
        );
    }

    fn byte(&self) -> u8 {
        self.scanner.lines.text.as_bytes().get(self.at).copied().unwrap_or(b'\n')
    }
}
