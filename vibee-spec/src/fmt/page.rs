//! Rows become text: comments between them, blank lines, the column of trailing comments.
//!
//! Comment lines are not part of any statement or value; whatever physical line no row covers is
//! blank or a comment. A comment at the column of the line below documents that line, and must go
//! on doing so; one at another column must not begin to.

use super::WIDTH;
use crate::scan::Lines;
use crate::span::Span;
use std::collections::{HashMap, HashSet};

/// One line of output that holds code or text.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// First and last physical line it stands for.
    pub line: usize,
    pub last: usize,
    /// Column in the source.
    pub old: u32,
    /// Column now.
    pub col: usize,
    pub text: String,
    /// With its `#`.
    pub comment: Option<String>,
    /// It goes on with the statement or value of the row before.
    pub continues: bool,
    /// It is text: no comment, no change.
    pub is_text: bool,
    /// Columns in the source and now of the entries that begin on it.
    pub levels: Vec<(u32, usize)>,
}

impl Row {
    /// A row for physical line `line`.
    pub(super) fn new(line: usize, old: u32, col: usize) -> Row {
        Row {
            line,
            last: line,
            old,
            col,
            text: String::new(),
            comment: None,
            continues: false,
            is_text: false,
            levels: Vec::new(),
        }
    }

    /// A line of text.
    pub(super) fn text(line: usize, col: usize, text: String) -> Row {
        Row { text, is_text: true, continues: true, ..Row::new(line, 0, col) }
    }
}

/// What begins on a row, for blank lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A section.
    Section,
    /// An entry directly below the key of a section.
    Inner,
}

/// All rows of a file.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub rows: Vec<Row>,
    entries: HashMap<usize, Entry>,
}

/// A finished line.
struct Out {
    col: usize,
    text: String,
    comment: Option<String>,
    /// A blank line stands before it.
    blank: bool,
    /// It is a row, not a comment line; whether text.
    is_row: bool,
    is_text: bool,
}

impl Page {
    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Begins a row for a further line of the row begun last.
    pub(super) fn further(&mut self, line: usize, lines: &Lines, col: usize) {
        let mut row = Row::new(line, lines.list[line].indent, col);
        row.continues = true;
        row.levels = self.rows.last().map(|row| row.levels.clone()).unwrap_or_default();
        self.push(row);
    }

    /// Notes that an entry begins with row `first`.
    pub(super) fn entry(&mut self, first: usize, entry: Entry) {
        self.entries.insert(first, entry);
    }

    /// All comments with their physical lines.
    pub(super) fn comments(&self, lines: &Lines) -> Vec<(usize, Span)> {
        let mut found = Vec::new();
        let mut next_line = 0;
        let whole = |n: usize| (n, lines.list[n].span());
        let are_comments = |from: usize, to: usize| {
            (from..to).filter(|&n| !lines.list[n].is_blank()).map(whole).collect::<Vec<_>>()
        };
        for row in &self.rows {
            found.extend(are_comments(next_line, row.line));
            if let Some(comment) = &row.comment {
                let end = lines.list[row.last].end;
                found.push((row.last, Span { start: end - comment.len() as u32, end }));
            }
            next_line = row.last + 1;
        }
        found.extend(are_comments(next_line, lines.list.len()));
        found
    }

    /// The text of the page.
    pub(super) fn finish(self, lines: &Lines) -> String {
        let parted = self.parted();
        let mut out: Vec<Out> = Vec::new();
        let mut stack: Vec<(u32, usize)> = Vec::new();
        let mut next_line = 0;
        for (n, row) in self.rows.iter().enumerate() {
            let before = stack.clone();
            for &(old, new) in &row.levels {
                while stack.last().is_some_and(|top| top.0 >= old || top.1 >= new) {
                    stack.pop();
                }
                stack.push((old, new));
            }
            let first = out.len();
            comments(next_line..row.line, Some(row), &before, lines, &mut out);
            let blank = blank_before(lines, next_line, row.line);
            out.push(Out {
                col: row.col,
                text: row.text.clone(),
                comment: row.comment.clone(),
                blank: blank && !row.continues,
                is_row: true,
                is_text: row.is_text,
            });
            if row.continues {
                out[first..].iter_mut().for_each(|o| o.blank = false);
            } else if n > 0 {
                let opens = self.rows[n - 1].levels.last().is_some_and(|&(_, col)| row.col > col);
                if opens {
                    out[first].blank = false;
                } else if parted.contains(&n) {
                    let group = attached(&out, first);
                    out[group].blank = true;
                }
            }
            next_line = row.last + 1;
        }
        comments(next_line..lines.list.len(), None, &stack, lines, &mut out);
        if let Some(first) = out.first_mut() {
            first.blank = false;
        }
        align(&mut out)
    }

    /// The first rows of entries that need a blank line before them: they or their neighbour above
    /// have several rows.
    fn parted(&self) -> HashSet<usize> {
        let mut parted = HashSet::new();
        let sections: Vec<usize> = self.starts(|entry| entry == Entry::Section);
        let all: Vec<usize> = self.starts(|_| true);
        for (starts, ends) in [(&sections, &sections), (&self.starts(|entry| entry == Entry::Inner), &all)] {
            let end = |start: usize| {
                let next = ends.partition_point(|&n| n <= start);
                ends.get(next).copied().unwrap_or(self.rows.len())
            };
            for pair in starts.windows(2) {
                // The last entry of a section has no neighbour below.
                let are_neighbours = end(pair[0]) == pair[1];
                if are_neighbours && (pair[1] - pair[0] > 1 || end(pair[1]) - pair[1] > 1) {
                    parted.insert(pair[1]);
                }
            }
        }
        parted
    }

    fn starts(&self, wanted: impl Fn(Entry) -> bool) -> Vec<usize> {
        let mut starts: Vec<usize> =
            self.entries.iter().filter(|(_, entry)| wanted(**entry)).map(|(n, _)| *n).collect();
        starts.sort_unstable();
        starts
    }
}

/// Whether the last of the lines `from..to` is blank.
fn blank_before(lines: &Lines, from: usize, to: usize) -> bool {
    to > from && lines.list[to - 1].is_blank()
}

/// Writes the comment lines among `range`, which stand between two rows.
fn comments(
    range: std::ops::Range<usize>,
    next: Option<&Row>,
    before: &[(u32, usize)],
    lines: &Lines,
    out: &mut Vec<Out>,
) {
    for n in range.clone().filter(|&n| !lines.list[n].is_blank()) {
        let col = comment_column(lines.list[n].indent, next, before);
        out.push(Out {
            col,
            text: lines.content(n).to_owned(),
            comment: None,
            blank: blank_before(lines, range.start, n),
            is_row: false,
            is_text: false,
        });
    }
}

/// The column of a comment that stood at `old`. `before` are the levels open above it.
fn comment_column(old: u32, next: Option<&Row>, before: &[(u32, usize)]) -> usize {
    let (at, col) = next.map_or((0, 0), |row| (row.old, row.col));
    if old == at || next.is_some_and(|row| row.continues) {
        return col;
    }
    if old < at {
        let outer = before.iter().filter(|level| level.0 <= old && level.1 < col);
        return outer.map(|level| level.1).max().unwrap_or(0);
    }
    let mut deeper = before.iter().filter(|level| level.1 > col);
    let fitting = deeper.clone().find(|level| level.0 >= old);
    fitting.or_else(|| deeper.next_back()).map_or(col + super::STEP, |level| level.1)
}

/// The first line of the comments from `first` on that touch the last line, at its column.
fn attached(out: &[Out], first: usize) -> usize {
    let mut at = out.len() - 1;
    while at > first && !out[at].blank && out[at - 1].col == out[at].col && !out[at - 1].is_row {
        at -= 1;
    }
    at
}

/// Joins the lines; trailing comments of neighbours at one column are aligned.
fn align(out: &mut [Out]) -> String {
    let mut text = String::new();
    let mut n = 0;
    while n < out.len() {
        let mut end = n + 1;
        while end < out.len() && out[end].comment.is_some() && out[end].col == out[n].col && !out[end].blank {
            end += 1;
        }
        let run = if out[n].comment.is_some() { n..end } else { n..n + 1 };
        let widths = out[run.clone()].iter().map(|o| o.col + o.text.chars().count());
        let column = widths.max().unwrap_or(0);
        let longest = out[run.clone()].iter().filter_map(|o| o.comment.as_ref()).map(|c| c.chars().count());
        let fits = column + 2 + longest.max().unwrap_or(0) <= WIDTH;
        for o in &out[run.clone()] {
            if o.blank {
                text.push('\n');
            }
            let start = text.len();
            text.extend(std::iter::repeat_n(' ', o.col));
            text.push_str(&o.text);
            if let Some(comment) = &o.comment {
                let width = o.col + o.text.chars().count();
                let gap = if fits { column - width + 2 } else { 2 };
                text.extend(std::iter::repeat_n(' ', gap));
                text.push_str(comment);
            }
            if !o.is_text && text[start..].trim().is_empty() {
                text.truncate(start);
            }
            text.push('\n');
        }
        n = run.end;
    }
    text
}
