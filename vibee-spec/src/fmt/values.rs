//! Declarative sections: a walk over the source along the nodes that were read from it.
//!
//! The nodes say what is a key, a value, text of a block; the cursor finds the dashes, colons and
//! comments between them.

use super::STEP;
use super::flow::flow;
use super::page::{Entry, Page, Row};
use super::statement::{Stand, placed, rows};
use super::token::Words;
use crate::ast::{Ident, Node, NodeKind, Section};
use crate::scan::{Lines, Place, Reading, split};

/// Where the walk is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    /// Byte.
    pub at: usize,
    /// Its physical line.
    pub line: usize,
}

impl Cursor {
    /// At the content of the line that holds `at`.
    fn seek(&mut self, at: usize, lines: &Lines) {
        while lines.list.get(self.line + 1).is_some_and(|next| next.start as usize <= at) {
            self.line += 1;
        }
        self.at = at;
    }

    /// Takes what is left of the line as the comment of its row and goes to the next line of code.
    pub(super) fn end_line(&mut self, lines: &Lines, page: &mut Page) {
        let end = lines.list[self.line].end as usize;
        let rest = lines.text.get(self.at..end).unwrap_or("").trim();
        if let Some(row) = page.rows.last_mut().filter(|_| rest.starts_with('#')) {
            row.comment = Some(rest.to_owned());
        }
        let next = (self.line + 1..lines.list.len()).find(|&n| lines.has_code(n));
        self.line = next.unwrap_or(self.line);
        self.at = next.map_or(end, |n| lines.list[n].content as usize);
    }

    /// Goes to the next line that is not blank, inside quoted text.
    pub(super) fn end_text_line(&mut self, lines: &Lines) {
        let next = (self.line + 1..lines.list.len()).find(|&n| !lines.list[n].is_blank());
        self.line = next.unwrap_or(self.line);
        self.at = lines.list[self.line].content as usize;
    }

    /// Whether nothing but a comment is left on the line.
    fn is_at_end(self, lines: &Lines) -> bool {
        let rest = lines.text.get(self.at..lines.list[self.line].end as usize).unwrap_or("");
        rest.trim_start().is_empty() || rest.trim_start().starts_with('#')
    }

    fn skip_blanks(&mut self, lines: &Lines) {
        let rest = lines.text.get(self.at..lines.list[self.line].end as usize).unwrap_or("");
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }
}

/// Writes a section with its value.
pub(super) fn section(section: &Section, executable: bool, lines: &Lines, page: &mut Page) {
    let mut walk = Walk { lines, page, executable, cursor: Cursor { at: 0, line: 0 } };
    walk.cursor.seek(section.key.span.start as usize, lines);
    let first = walk.page.rows.len();
    walk.begin_row(0);
    walk.entry(&section.key, &section.value, Place::Top, 0);
    walk.finish();
    page.entry(first, Entry::Section);
}

/// Writes the key of an executable section.
pub(super) fn key_line(section: &Section, lines: &Lines, page: &mut Page) {
    let mut cursor = Cursor { at: 0, line: 0 };
    cursor.seek(section.key.span.start as usize, lines);
    let first = page.rows.len();
    let mut row = Row::new(cursor.line, 0, 0);
    row.levels = vec![(0, 0)];
    let end = lines.list[cursor.line].end as usize;
    let rest = &lines.text[section.key.span.end as usize..end];
    let (code, comment) = split(rest);
    // `kernels: {}` says that there are none.
    let value = code.trim_start().trim_start_matches(':').trim();
    let key = &lines.text[section.key.span.range()];
    row.text = if value.is_empty() { format!("{key}:") } else { format!("{key}: {value}") };
    row.comment = comment.map(str::to_owned);
    page.push(row);
    page.entry(first, Entry::Section);
}

struct Walk<'a, 't> {
    lines: &'a Lines<'t>,
    page: &'a mut Page,
    executable: bool,
    cursor: Cursor,
}

impl Walk<'_, '_> {
    /// Begins a row at the cursor's line.
    fn begin_row(&mut self, col: usize) {
        let old = self.lines.list[self.cursor.line].indent;
        self.page.push(Row::new(self.cursor.line, old, col));
    }

    /// Notes that entries stand at the cursor, whose column in the output is `col`.
    fn level(&mut self, col: usize) {
        let line = self.lines.list[self.cursor.line];
        let old = line.indent as usize + self.cursor.at.saturating_sub(line.content as usize);
        if let Some(row) = self.page.rows.last_mut() {
            row.levels.push((old as u32, col));
        }
    }

    fn push(&mut self, text: &str) {
        if let Some(row) = self.page.rows.last_mut() {
            row.text.push_str(text);
        }
    }

    /// `key: value` at the cursor; entries of this map stand at column `col`.
    fn entry(&mut self, key: &Ident, value: &Node, place: Place, col: usize) {
        self.level(col);
        let lines = self.lines;
        self.push(&lines.text[key.span.range()]);
        self.push(":");
        self.cursor.at = key.span.end as usize;
        self.cursor.skip_blanks(lines);
        self.cursor.at += 1;
        let reading = place.reading(&key.name);
        let inside = place.inside(&key.name, self.executable);
        self.value(value, key, inside, reading, col, " ");
    }

    /// The value at the cursor. What goes on below is indented from `col`; `before` parts it from
    /// what its row has already.
    fn value(&mut self, node: &Node, key: &Ident, inside: Place, reading: Reading, col: usize, before: &str) {
        if matches!(node.kind, NodeKind::Empty) {
            return;
        }
        self.cursor.skip_blanks(self.lines);
        let below = self.cursor.is_at_end(self.lines);
        if below && matches!(node.kind, NodeKind::Map(_) | NodeKind::Seq(_)) {
            self.cursor.end_line(self.lines, self.page);
            self.block(node, key, inside, col + STEP, true);
            return;
        }
        let mut col = col;
        if below {
            col += STEP;
            self.cursor.end_line(self.lines, self.page);
            self.page.further(self.cursor.line, self.lines, col);
        } else {
            self.push(before);
        }
        self.cursor.at = node.span.start as usize;
        match &node.kind {
            NodeKind::Empty => {}
            NodeKind::Map(_) | NodeKind::Seq(_) => {
                flow(node, col, &mut self.cursor, self.lines, self.page);
            }
            NodeKind::Raw(text) if reading == Reading::Expression => {
                // All brackets of a signature are those of types.
                let words = if key.name == "signature" { Words::Weight } else { Words::Plain };
                self.expression(text, node, words, col);
            }
            NodeKind::Raw(_) => self.raw(node, col),
            NodeKind::Quoted(_) => self.quoted(node, col),
            NodeKind::Block(_) => self.block_text(node, col),
        }
    }

    /// Entries or items; the first one is at the cursor. `new_rows` says whether it begins a row.
    fn block(&mut self, node: &Node, key: &Ident, place: Place, col: usize, new_rows: bool) {
        match &node.kind {
            NodeKind::Map(entries) => {
                for (n, (name, value)) in entries.iter().enumerate() {
                    let first = self.page.rows.len();
                    self.next_row(name.span.start as usize, col, n > 0 || new_rows);
                    self.entry(name, value, place, col);
                    self.note(first, col, n > 0 || new_rows);
                }
            }
            NodeKind::Seq(items) => {
                let inside = if place == Place::Types { Place::Type } else { place };
                for (n, item) in items.iter().enumerate() {
                    let first = self.page.rows.len();
                    if n > 0 {
                        self.cursor.end_line(self.lines, self.page);
                    }
                    if n > 0 || new_rows {
                        self.begin_row(col);
                    }
                    self.item(item, key, inside, col);
                    self.note(first, col, n > 0 || new_rows);
                }
            }
            _ => {}
        }
    }

    fn next_row(&mut self, at: usize, col: usize, new_row: bool) {
        if !new_row {
            return;
        }
        // Comments behind the value before belong to its row.
        if self.page.rows.last().is_some_and(|row| row.last < self.line_of(at)) && self.cursor.at < at {
            self.cursor.end_line(self.lines, self.page);
        }
        self.cursor.seek(at, self.lines);
        self.begin_row(col);
    }

    fn line_of(&self, at: usize) -> usize {
        let mut cursor = self.cursor;
        cursor.seek(at, self.lines);
        cursor.line
    }

    /// Notes an entry directly below a section.
    fn note(&mut self, first: usize, col: usize, new_row: bool) {
        if new_row && col == STEP {
            self.page.entry(first, Entry::Inner);
        }
    }

    /// `- value` at the cursor.
    fn item(&mut self, node: &Node, key: &Ident, place: Place, col: usize) {
        self.level(col);
        self.cursor.at += 1;
        self.push("-");
        if self.cursor.is_at_end(self.lines) {
            if matches!(node.kind, NodeKind::Map(_) | NodeKind::Seq(_)) {
                self.cursor.end_line(self.lines, self.page);
                self.block(node, key, place, col + STEP, true);
            }
            return;
        }
        self.cursor.skip_blanks(self.lines);
        let byte = self.lines.text.as_bytes()[self.cursor.at];
        let is_block = match &node.kind {
            NodeKind::Map(_) => byte != b'{',
            NodeKind::Seq(_) => byte != b'[',
            _ => false,
        };
        if is_block {
            self.push(" ");
            self.block(node, key, place, col + STEP, false);
        } else {
            self.value(node, key, place, place.item_reading(&key.name), col, " ");
        }
    }

    /// An expression; its rows are indented from `col`.
    fn expression(&mut self, text: &str, node: &Node, words: Words, col: usize) {
        let start = node.span.start as usize;
        self.cursor.seek(start, self.lines);
        let tokens = placed(text, start, self.cursor.line, words, self.lines);
        let stand = Stand { line: self.cursor.line, old: 0, col };
        rows(&tokens, start, stand, STEP, self.lines, self.page);
        self.cursor.seek(node.span.end as usize, self.lines);
    }

    /// Unquoted text, perhaps with further lines.
    fn raw(&mut self, node: &Node, col: usize) {
        let lines = self.lines;
        loop {
            let end = lines.list[self.cursor.line].end as usize;
            let (code, _) = split(&lines.text[self.cursor.at..end]);
            self.push(code);
            self.cursor.at += code.len();
            if self.cursor.at >= node.span.end as usize {
                return;
            }
            self.cursor.end_line(lines, self.page);
            self.page.further(self.cursor.line, lines, col + STEP);
        }
    }

    /// Quoted text, perhaps with further lines.
    fn quoted(&mut self, node: &Node, col: usize) {
        let lines = self.lines;
        let close = node.span.end as usize;
        loop {
            let end = lines.list[self.cursor.line].end as usize;
            self.push(&lines.text[self.cursor.at..end.min(close)]);
            if close <= end {
                self.cursor.at = close;
                return;
            }
            let before = self.cursor.line;
            self.cursor.end_text_line(lines);
            for blank in before + 1..self.cursor.line {
                self.page.push(Row::text(blank, 0, String::new()));
            }
            let text = Row::text(self.cursor.line, col + STEP, String::new());
            self.page.push(text);
        }
    }

    /// A `|` or `>` block: its lines keep their indentation among themselves.
    fn block_text(&mut self, node: &Node, col: usize) {
        let lines = self.lines;
        let first = self.cursor.line;
        let end = lines.list[first].end as usize;
        let (code, _) = split(&lines.text[self.cursor.at..end]);
        self.push(code);
        self.cursor.at += code.len();
        let last = self.line_of((node.span.end as usize).saturating_sub(1));
        self.cursor.end_line_here(lines, self.page);
        let margin = |n: usize| lines.list[n].content - lines.list[n].start;
        let inner = (first + 1..=last).filter(|&n| !lines.list[n].is_blank());
        let common = inner.map(margin).min().unwrap_or(0);
        for n in first + 1..=last {
            let line = lines.list[n];
            let text = lines.text.get((line.start + common) as usize..line.end as usize);
            let row = match text.filter(|_| !line.is_blank()) {
                Some(text) => Row::text(n, col + STEP, text.to_owned()),
                None => Row::text(n, 0, String::new()),
            };
            self.page.push(row);
        }
        if last > first {
            self.cursor = Cursor { line: last, at: lines.list[last].end as usize };
        }
    }

    /// The comment behind the last value.
    fn finish(&mut self) {
        self.cursor.end_line_here(self.lines, self.page);
    }
}

impl Cursor {
    /// Takes what is left of the line as the comment of its row and stays on the line.
    fn end_line_here(&mut self, lines: &Lines, page: &mut Page) {
        let mut copy = *self;
        copy.end_line(lines, page);
        self.at = lines.list[self.line].end as usize;
    }
}
