//! Values that start on the line of their key or dash.

use super::block::Scanner;
use super::keys;
use super::place::Reading;
use super::{brackets, quoted};
use crate::ast::{Node, NodeKind};
use crate::diag::Diagnostic;
use crate::span::Span;

impl Scanner<'_, '_, '_> {
    /// The value at byte `at` of line `n`; lines deeper than column `indent` may go on with it.
    pub(super) fn inline(&mut self, n: usize, at: usize, indent: u32, reading: Reading) -> Node {
        let end = self.lines.list[n].end as usize;
        let rest = &self.lines.text[at..end];
        if rest.starts_with("\"\"\"") {
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
        if reading == Reading::Data {
            return true;
        }
        let (code, _) = self.code(at, end);
        let closing = brackets::partners(&self.lines.text[code.clone()], at).get(&at).copied();
        match closing {
            // Open at the end of the line: text would not be.
            None => true,
            Some(close) => reading == Reading::Type && close + 1 == code.end,
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
            if self.lines.first(m) == b'-' || keys::key(&self.lines, m, self.sink).is_some() {
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

    /// Text in triple quotes, which the dialect's generators once wrote. Refused, but skipped as a
    /// whole. (A lenient reading would keep it as a block.)
    fn triple(&mut self, n: usize, at: usize) -> Node {
        const MARK: &str = "\"\"\"";
        let list = &self.lines.list;
        let rest = &self.lines.text[at + MARK.len()..list[n].end as usize];
        let close = if rest.contains(MARK) {
            Some(n)
        } else {
            (n + 1..list.len()).find(|&m| self.lines.content(m).ends_with(MARK))
        };
        let opening = Span::new(at, at + MARK.len());
        // Unclosed, they take the rest of the file: its lines are some other language's.
        let last = close.unwrap_or(list.len() - 1);
        let end = list[last].end as usize;
        self.pos = last + 1;
        self.checked_to(self.pos);
        self.sink.push(match close {
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
