//! Indented maps and sequences.

use super::keys::{self, Key};
use super::place::{Place, Reading};
use super::seen::Seen;
use super::{Lines, Mode, Sink, join, split, too_deep};
use crate::ast::{Ident, Node, NodeKind};
use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::span::Span;
use std::ops::Range;

/// Walks the lines of a file once, building [`Node`]s.
pub(crate) struct Scanner<'t, 's, 'd> {
    pub lines: Lines<'t>,
    /// The next line to read.
    pub pos: usize,
    pub sink: &'s mut Sink<'d>,
    pub(super) mode: Mode,
    /// Lines `0` that were made blank.
    pub(super) zeros: Vec<usize>,
    /// Whether cases and executable sections can be run.
    executable: bool,
    /// Lines before this one were checked for tabs and strays.
    checked: usize,
    depth: usize,
}

impl<'t, 's, 'd> Scanner<'t, 's, 'd> {
    pub(super) fn new(
        lines: Lines<'t>,
        zeros: Vec<usize>,
        executable: bool,
        mode: Mode,
        sink: &'s mut Sink<'d>,
    ) -> Self {
        Scanner { lines, pos: 0, sink, mode, zeros, executable, checked: 0, depth: 0 }
    }

    /// Goes to the next line that holds something and gives its number.
    pub(super) fn peek(&mut self) -> Option<usize> {
        loop {
            let n = self.pos;
            if n >= self.lines.list.len() {
                return None;
            }
            if !self.lines.has_code(n) {
                self.pos += 1;
                continue;
            }
            if n < self.checked {
                return Some(n);
            }
            self.checked = n + 1;
            if let Some(at) = self.lines.tab(n) {
                self.sink.push(super::lines::tab_error(at));
            }
            return Some(n);
        }
    }

    /// The block that starts at the next line, which stands at column `indent`.
    pub(super) fn block(&mut self, indent: u32, place: Place, key: &str) -> Node {
        self.depth += 1;
        let node = if self.depth > MAX_DEPTH {
            let n = self.pos;
            self.sink.push(too_deep(self.lines.list[n].span()));
            self.pos += 1;
            while self.peek().is_some_and(|m| self.lines.list[m].indent >= indent) {
                self.pos += 1;
            }
            self.empty(n)
        } else if self.is_item(self.pos) {
            self.sequence(indent, place, key)
        } else {
            self.map(indent, place)
        };
        self.depth -= 1;
        node
    }

    fn map(&mut self, indent: u32, place: Place) -> Node {
        let mut entries: Vec<(Ident, Node)> = Vec::new();
        let mut seen = Seen::default();
        let first = self.pos;
        while let Some(n) = self.peek().filter(|&n| self.lines.list[n].indent >= indent) {
            if self.lines.list[n].indent > indent {
                self.misplaced(n, indent);
                continue;
            }
            let Some(Key { ident, after }) = keys::key(&self.lines, n, self.sink) else {
                self.stray(n);
                continue;
            };
            let first = seen.before(entries.iter().map(|(key, _)| key), &ident);
            self.once(first, &ident);
            let value = self.value(&ident, place, indent, after);
            entries.push((ident, value));
        }
        let span = match (entries.first(), entries.last()) {
            (Some((key, _)), Some((_, value))) => key.span.to(value.span),
            _ => self.lines.list[first].span(),
        };
        Node { kind: NodeKind::Map(entries), span, comment: None }
    }

    fn sequence(&mut self, indent: u32, place: Place, key: &str) -> Node {
        let inside = if place == Place::Types { Place::Type } else { place };
        let mut items: Vec<Node> = Vec::new();
        let first = self.pos;
        while let Some(n) = self.peek().filter(|&n| self.lines.list[n].indent >= indent) {
            if self.lines.list[n].indent > indent {
                self.misplaced(n, indent);
            } else if self.is_item(n) {
                items.push(self.item(n, indent, inside, key));
            } else if self.is_key(n) {
                // A sequence may stand at the column of its key; the next key ends it.
                break;
            } else {
                self.stray(n);
            }
        }
        let span = match (items.first(), items.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => self.lines.list[first].span(),
        };
        Node { kind: NodeKind::Seq(items), span, comment: None }
    }

    fn item(&mut self, n: usize, indent: u32, place: Place, key: &str) -> Node {
        let line = &mut self.lines.list[n];
        let text = &self.lines.text[line.content as usize + 1..line.end as usize];
        let blanks = text.len() - text.trim_start_matches([' ', '\t']).len();
        let at = line.content as usize + 1 + blanks;
        let rest = &self.lines.text[at..line.end as usize];
        if rest.is_empty() || rest.starts_with('#') {
            return self.below(n, at, indent, place, key);
        }
        if place.item_reading(key) == Reading::Expression {
            return self.expression(n, at, indent);
        }
        // What follows the dash is a block of its own at its own column.
        let before = *line;
        line.indent += 1 + blanks as u32;
        line.content = at as u32;
        let column = line.indent;
        if self.is_item(n) || self.is_key(n) {
            return self.block(column, place, key);
        }
        self.lines.list[n] = before;
        self.inline(n, at, indent, place.item_reading(key))
    }

    /// The value of `key`, which stands at column `indent` of the current line.
    pub(super) fn value(&mut self, key: &Ident, place: Place, indent: u32, after: usize) -> Node {
        let n = self.pos;
        let end = self.lines.list[n].end as usize;
        let rest = &self.lines.text[after..end];
        let at = end - rest.trim_start_matches([' ', '\t']).len();
        let reading = place.reading(&key.name);
        let inside = place.inside(&key.name, self.executable);
        if at < end && self.lines.text.as_bytes()[at] != b'#' {
            return match reading {
                Reading::Expression => self.expression(n, at, indent),
                _ => self.inline(n, at, indent, reading),
            };
        }
        if reading == Reading::Expression {
            self.pos += 1;
            if let Some(m) = self.peek().filter(|&m| self.lines.list[m].indent > indent && !self.is_item(m)) {
                return self.expression(m, self.lines.list[m].content as usize, indent);
            }
            self.pos = n;
        }
        self.below(n, at, indent, inside, &key.name)
    }

    /// The block below line `n`, or nothing.
    fn below(&mut self, n: usize, at: usize, indent: u32, place: Place, key: &str) -> Node {
        let (_, comment) = self.code(at, self.lines.list[n].end as usize);
        let is_item = self.is_item(n);
        self.pos = n + 1;
        let mut node = match self.peek() {
            Some(m) if self.lines.list[m].indent > indent => {
                let column = self.lines.list[m].indent;
                self.block(column, place, key)
            }
            Some(m) if self.lines.list[m].indent == indent && self.is_item(m) && !is_item => {
                self.sequence(indent, place, key)
            }
            _ => self.empty(n),
        };
        node.comment = comment;
        node
    }

    /// A joined line of the expression grammar; empty text when it was reported as broken.
    fn expression(&mut self, n: usize, at: usize, indent: u32) -> Node {
        let joined = join(&self.lines, n, at, indent, self.sink);
        self.pos = joined.next;
        let text = if joined.broken { String::new() } else { joined.text };
        Node { kind: NodeKind::Raw(text), span: joined.span, comment: joined.comment }
    }

    fn empty(&self, n: usize) -> Node {
        let end = self.lines.list[n].end;
        Node { kind: NodeKind::Empty, span: Span { start: end, end }, comment: None }
    }

    /// Whether line `n` is a sequence item.
    fn is_item(&self, n: usize) -> bool {
        let text = self.lines.content(n);
        text == "-" || text.starts_with("- ") || text.starts_with("-\t")
    }

    /// Splits `at..end` into code and comment.
    pub(super) fn code(&self, at: usize, end: usize) -> (Range<usize>, Option<String>) {
        let (code, comment) = split(&self.lines.text[at..end]);
        let comment = comment.map(|c| c[1..].trim().to_owned()).filter(|c| !c.is_empty());
        (at..at + code.len(), comment)
    }

    /// Lines before `n` need no more checks: they were read as text.
    pub(super) fn checked_to(&mut self, n: usize) {
        self.checked = self.checked.max(n);
    }

    /// Lines before this one need no more checks.
    pub(super) fn checked(&self) -> usize {
        self.checked
    }

    /// Goes back to what [`Self::checked`] gave.
    pub(super) fn set_checked(&mut self, n: usize) {
        self.checked = n;
    }

    /// Reports `key` if its map had it before.
    pub(super) fn once(&mut self, first: Option<Span>, key: &Ident) {
        if let Some(first) = first {
            self.sink.push(
                Diagnostic::error("V0013", key.span, format!("`{}` is written twice", key.name))
                    .label("second time")
                    .also(first, "first time")
                    .hint("merge the two, or rename one"),
            );
        }
    }

    /// Reports line `n`, which is deeper than its neighbours, and what is below it.
    pub(super) fn misplaced(&mut self, n: usize, indent: u32) {
        let line = self.lines.list[n];
        self.sink.push(
            Diagnostic::error("V0011", line.span(), "unexpected indentation")
                .label(format!("stands at column {}, its neighbours at {}", line.indent + 1, indent + 1))
                .hint("align it with them, or give the line above a `:` and no value"),
        );
        self.pos = n + 1;
        while self.peek().is_some_and(|m| self.lines.list[m].indent > indent) {
            self.pos += 1;
        }
    }

    /// Reports the lines that were made blank.
    pub(super) fn report_zeros(&mut self) {
        for n in std::mem::take(&mut self.zeros) {
            // Its only byte; the content was taken away.
            let end = self.lines.list[n].end as usize;
            let span = Span::new(end - 1, end);
            self.sink.push(match self.mode {
                Mode::Strict => Diagnostic::error("V0012", span, "stray line `0`")
                    .label("neither `key: value` nor `- item`")
                    .hint("remove the line; a lenient reading drops it"),
                Mode::Lenient => Diagnostic::warning("V0040", span, "stray line `0` dropped")
                    .label("not part of the spec")
                    .hint("remove the line"),
            });
        }
    }

    /// Reports line `n`, which is neither a key nor an item, and goes past it and others like it.
    pub(super) fn stray(&mut self, n: usize) {
        let text = self.lines.content(n);
        let colon = text.find(':').filter(|&at| at > 0 && !text.starts_with(['"', '\'', '[', '{']));
        let hint = match colon {
            Some(_) => "put a space after the colon",
            None if text.starts_with(['[', '{']) => "a key is a word; put quotes around other keys",
            None => "write `key: value`, or remove the line",
        };
        self.sink.push(
            Diagnostic::error("V0012", self.lines.list[n].span(), "stray line")
                .label("neither `key: value` nor `- item`")
                .hint(hint),
        );
        self.pos = n + 1;
        // One cause, one finding: a drawing, or source code, is reported where it begins.
        let (indent, is_item) = (self.lines.list[n].indent, self.is_item(n));
        while let Some(m) = self.peek().filter(|&m| self.lines.list[m].indent >= indent) {
            if self.is_item(m) != is_item || self.is_key(m) {
                break;
            }
            self.pos = m + 1;
        }
    }

    /// Whether line `n` begins with a key.
    pub(super) fn is_key(&self, n: usize) -> bool {
        keys::is_key(&self.lines, n)
    }
}
