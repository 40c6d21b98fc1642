//! Nests the logical lines of an executable section by indentation.

use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::scan::{Lines, Logical, Sink, join, tab_error, too_deep};
use crate::span::Span;
use std::ops::Range;

/// A logical line and the deeper lines below it.
#[derive(Debug)]
pub(super) struct Entry {
    pub line: Logical,
    /// Comment lines directly above, without `#`.
    pub doc: Option<String>,
    pub children: Vec<Entry>,
}

impl Entry {
    /// From its first byte to the end of its last child.
    pub(super) fn span(&self) -> Span {
        let mut last = self;
        while let Some(child) = last.children.last() {
            last = child;
        }
        self.line.span.to(last.line.span)
    }

    /// The comment above, or else the one behind it.
    pub(super) fn docs(&self) -> Option<String> {
        self.doc.clone().or_else(|| self.line.comment.clone())
    }
}

/// The entries of lines `range`.
pub(super) fn tree(lines: &Lines, range: Range<usize>, sink: &mut Sink) -> Vec<Entry> {
    let mut builder = Builder { lines, sink, pos: range.start, end: range.end };
    match builder.peek() {
        Some(first) => builder.level(lines.list[first].indent, 0),
        None => Vec::new(),
    }
}

struct Builder<'a, 't, 'd> {
    lines: &'a Lines<'t>,
    sink: &'a mut Sink<'d>,
    pos: usize,
    end: usize,
}

impl Builder<'_, '_, '_> {
    fn peek(&mut self) -> Option<usize> {
        while self.pos < self.end && !self.lines.has_code(self.pos) {
            self.pos += 1;
        }
        (self.pos < self.end).then_some(self.pos)
    }

    /// All entries at column `indent`, up to a line that stands further left.
    fn level(&mut self, indent: u32, depth: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(n) = self.peek() {
            let here = self.lines.list[n].indent;
            if here < indent && depth > 0 {
                break;
            }
            if here > indent && !entries.is_empty() && depth < MAX_DEPTH {
                let children = self.level(here, depth + 1);
                let parent = entries.last_mut().expect("not empty");
                // A second, shallower group below one parent: the first line of it is misplaced.
                if !parent.children.is_empty() {
                    self.sink.push(misaligned(self.lines, n));
                }
                parent.children.extend(children);
                continue;
            }
            if here != indent {
                let span = self.lines.list[n].span();
                self.sink.push(if depth >= MAX_DEPTH { too_deep(span) } else { misaligned(self.lines, n) });
                self.skip(indent);
                continue;
            }
            entries.push(self.entry(n, indent));
        }
        entries
    }

    fn entry(&mut self, n: usize, indent: u32) -> Entry {
        if let Some(at) = self.lines.tab(n) {
            self.sink.push(tab_error(at));
        }
        let line = join(self.lines, n, self.lines.list[n].content as usize, indent, self.sink);
        self.pos = line.next;
        Entry { doc: self.comment_above(n), line, children: Vec::new() }
    }

    /// Goes past lines until one at or left of `indent`.
    fn skip(&mut self, indent: u32) {
        self.pos += 1;
        while self.peek().is_some_and(|n| self.lines.list[n].indent > indent) {
            self.pos += 1;
        }
    }

    /// The comment lines that touch line `n` from above at its column.
    fn comment_above(&self, n: usize) -> Option<String> {
        let indent = self.lines.list[n].indent;
        let first = (0..n)
            .rev()
            .take_while(|&m| self.lines.is_comment(m) && self.lines.list[m].indent == indent)
            .last()?;
        let text = (first..n).map(|m| self.lines.content(m).trim_start_matches('#').trim());
        // Comments for vibee itself are no documentation.
        let text: Vec<_> = text.filter(|line| !line.starts_with("vibee:")).collect();
        Some(text.join("\n").trim().to_owned()).filter(|doc| !doc.is_empty())
    }
}

fn misaligned(lines: &Lines, n: usize) -> Diagnostic {
    Diagnostic::error("V0011", lines.list[n].span(), "unexpected indentation")
        .label("aligned with no line above")
        .hint("indent by two spaces a level")
}
