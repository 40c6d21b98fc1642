//! Values that start on the line of their key or dash.

use super::Mode;
use super::block::Scanner;
use super::place::Reading;
use super::{brackets, quoted};
use crate::ast::{Node, NodeKind};
use crate::diag::Diagnostic;
use crate::span::Span;

/// Errors that mean: the value begins like data and is text. A key written twice or too deep a
/// nesting is no such thing.
const TEXT_AFTER_ALL: &[&str] = &["V0020", "V0021", "V0022", "V0030", "V0032"];

/// Opens and closes text of another language in some published specs.
const TRIPLE: &str = "\"\"\"";

impl Scanner<'_, '_, '_> {
    /// The value at byte `at` of line `n`; lines deeper than column `indent` may go on with it.
    ///
    /// Leniently, a value that cannot be read is the text of its line.
    pub(super) fn inline(&mut self, n: usize, at: usize, indent: u32, reading: Reading) -> Node {
        if self.mode == Mode::Strict {
            return self.strictly(n, at, indent, reading);
        }
        let (mark, checked) = (self.sink.mark(), self.checked());
        let node = self.strictly(n, at, indent, reading);
        let failed = self.sink.errors_since(mark).next().is_some();
        if !failed || !self.sink.errors_since(mark).all(|code| TEXT_AFTER_ALL.contains(&code)) {
            return node;
        }
        self.sink.back_to(mark);
        self.pos = n + 1;
        self.set_checked(checked);
        let (code, comment) = self.code(at, self.lines.list[n].end as usize);
        let span = Span::new(code.start, code.end);
        self.sink.push(
            Diagnostic::warning("V0042", span, "the value is read as text")
                .label("begins like data and goes on like text")
                .hint("put the whole value in quotes"),
        );
        Node { kind: NodeKind::Raw(self.lines.text[code].to_owned()), span, comment }
    }

    fn strictly(&mut self, n: usize, at: usize, indent: u32, reading: Reading) -> Node {
        let end = self.lines.list[n].end as usize;
        let rest = &self.lines.text[at..end];
        if rest.starts_with(TRIPLE) {
            return self.triple(n, at);
        }
        if let Some(folded) = self.block_header(at, end) {
            return self.block_text(n, at, indent, folded);
        }
        match rest.as_bytes()[0] {
            b'"' | b'\'' => self.quoted(n, at, indent, reading),
            b'{' | b'[' if self.is_flow(at, end, reading) => self.flow_value(n, at, indent, reading),
            _ => self.raw(n, at, indent),
        }
    }

    /// Whether `at..end` is `|` or `>` (then lines are folded), perhaps with `-` or `+`.
    fn block_header(&self, at: usize, end: usize) -> Option<bool> {
        let (code, _) = self.code(at, end);
        match &self.lines.text[code] {
            "|" | "|-" | "|+" => Some(false),
            ">" | ">-" | ">+" => Some(true),
            _ => None,
        }
    }

    /// Whether the bracket at `at` opens a flow value here, rather than being text.
    fn is_flow(&self, at: usize, end: usize, reading: Reading) -> bool {
        match reading {
            Reading::Data => return true,
            Reading::Prose => return false,
            Reading::Text | Reading::Type | Reading::Expression => {}
        }
        let (code, _) = self.code(at, end);
        let closing = brackets::partners(&self.lines.text[code.clone()], at).get(&at).copied();
        match closing {
            // Open at the end of the line: text would not be.
            None => true,
            Some(close) => close + 1 == code.end,
        }
    }

    fn quoted(&mut self, n: usize, at: usize, indent: u32, reading: Reading) -> Node {
        let Some(read) = quoted::read(&self.lines, n, at, i64::from(indent), self.sink) else {
            self.sink.push(quoted::unterminated(at));
            self.pos = n + 1;
            let end = self.lines.list[n].end as usize;
            return Node { kind: NodeKind::Raw(String::new()), span: Span::new(at, end), comment: None };
        };
        let (rest, comment) = self.code(read.end, self.lines.list[read.line].end as usize);
        if !self.lines.text[rest.clone()].trim().is_empty() {
            // Prose that begins with a quoted word is still prose.
            if reading != Reading::Data && read.line == n {
                return self.raw(n, at, indent);
            }
            self.trailing(read.end, rest.end, "quote");
        }
        self.pos = read.line + 1;
        Node { kind: NodeKind::Quoted(read.text), span: Span::new(at, read.end), comment }
    }

    /// Reports text behind a closing quote or bracket.
    pub(super) fn trailing(&mut self, from: usize, to: usize, closed: &str) {
        let text = &self.lines.text[from..to];
        let at = to - text.trim_start().len();
        self.sink.push(
            Diagnostic::error("V0021", Span::new(at, to), format!("text after the closing {closed}"))
                .label("nothing may follow here")
                .hint("put the whole value in quotes"),
        );
    }

    /// Text to the end of the line, and deeper lines that are neither keys nor items.
    fn raw(&mut self, n: usize, at: usize, indent: u32) -> Node {
        let (code, comment) = self.code(at, self.lines.list[n].end as usize);
        let mut text = self.lines.text[code.clone()].to_owned();
        let mut span = Span::new(code.start, code.end);
        self.pos = n + 1;
        while let Some(m) = self.peek().filter(|&m| self.lines.list[m].indent > indent) {
            if self.lines.first(m) == b'-' || self.is_key(m) {
                break;
            }
            let line = self.lines.list[m];
            let (code, _) = self.code(line.content as usize, line.end as usize);
            text.push(' ');
            text.push_str(&self.lines.text[code.clone()]);
            span.end = code.end as u32;
            self.pos = m + 1;
        }
        Node { kind: NodeKind::Raw(text), span, comment }
    }

    /// A `|` block: the lines deeper than column `indent`, without their common indentation.
    fn block_text(&mut self, n: usize, at: usize, indent: u32, folded: bool) -> Node {
        let list = &self.lines.list;
        let (_, comment) = self.code(at, list[n].end as usize);
        let end = (n + 1..list.len())
            .find(|&m| !list[m].is_blank() && list[m].indent <= indent)
            .unwrap_or(list.len());
        let margin =
            (n + 1..end).filter(|&m| !list[m].is_blank()).map(|m| list[m].content - list[m].start).min();
        let margin = margin.unwrap_or(0);
        let mut text = String::new();
        let mut last = list[n].end;
        for line in &list[n + 1..end] {
            if line.is_blank() {
                text.push('\n');
                continue;
            }
            text.push_str(&self.lines.text[(line.start + margin) as usize..line.end as usize]);
            text.push(if folded { ' ' } else { '\n' });
            last = line.end;
        }
        self.pos = end;
        let kind = NodeKind::Block(text.trim_end().to_owned());
        Node { kind, span: Span::new(at, last as usize), comment }
    }

    /// Text in triple quotes, which the dialect's generators once wrote. Strictly it is refused, but
    /// skipped as a whole; leniently it is a block.
    fn triple(&mut self, n: usize, at: usize) -> Node {
        let list = &self.lines.list;
        let rest = &self.lines.text[at + TRIPLE.len()..list[n].end as usize];
        let close = if rest.contains(TRIPLE) {
            Some(n)
        } else {
            (n + 1..list.len()).find(|&m| self.lines.content(m).ends_with(TRIPLE))
        };
        let opening = Span::new(at, at + TRIPLE.len());
        // Unclosed, they take the rest of the file: its lines are some other language's.
        let last = close.unwrap_or(list.len() - 1);
        let end = list[last].end as usize;
        self.pos = last + 1;
        self.checked_to(self.pos);
        // In text of another language a line `0` is a line of it.
        self.zeros.retain(|zero| !(n..=last).contains(zero));
        self.sink.push(match close {
            Some(_) if self.mode == Mode::Lenient => {
                let inside = &self.lines.text[at + TRIPLE.len()..end];
                let text = inside[..inside.rfind(TRIPLE).unwrap_or(inside.len())].trim_end();
                let text = text.strip_prefix('\n').unwrap_or(text.trim_start()).to_owned();
                self.sink.push(
                    Diagnostic::warning("V0041", opening, "triple quotes are read as a block of text")
                        .label("opened here")
                        .hint("write `|` and indent the text by two spaces"),
                );
                return Node { kind: NodeKind::Block(text), span: Span::new(at, end), comment: None };
            }
            Some(_) => Diagnostic::error("V0023", opening, "triple quotes are not part of the language")
                .label("opened here")
                .hint("write `|` and indent the text by two spaces"),
            None => Diagnostic::error("V0024", opening, "triple quotes are never closed")
                .label("opened here")
                .hint("write `|` and indent the text by two spaces"),
        });
        Node { kind: NodeKind::Raw(String::new()), span: Span::new(at, end.max(at)), comment: None }
    }
}
