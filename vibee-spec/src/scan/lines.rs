//! The physical lines of a file: where each starts, ends, and how far it is indented.

use crate::diag::Diagnostic;
use crate::span::Span;

/// One physical line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// First byte of the line.
    pub start: u32,
    /// First byte that is not indentation. For a sequence item in work: its first byte after `- `.
    pub content: u32,
    /// One past the last byte, without line end and trailing blanks.
    pub end: u32,
    /// Column of `content`; a tab counts two so that one mistake does not cascade.
    pub indent: u32,
}

impl Line {
    /// Whether nothing is on it.
    pub(crate) fn is_blank(&self) -> bool {
        self.content >= self.end
    }

    /// The place of its content.
    pub(crate) fn span(&self) -> Span {
        Span { start: self.content, end: self.end }
    }
}

/// All lines of a text.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'t> {
    /// The whole text.
    pub text: &'t str,
    /// Its lines in order.
    pub list: Vec<Line>,
}

impl<'t> Lines<'t> {
    /// Splits `text`; one pass.
    pub(crate) fn new(text: &'t str) -> Self {
        let mut list = Vec::new();
        let mut start = 0;
        for line in text.split('\n') {
            let trimmed = line.trim_end_matches([' ', '\t', '\r']);
            let lead = trimmed.len() - trimmed.trim_start_matches([' ', '\t']).len();
            let tabs = trimmed.as_bytes()[..lead].iter().filter(|&&b| b == b'\t').count();
            list.push(Line {
                start: start as u32,
                content: (start + lead) as u32,
                end: (start + trimmed.len()) as u32,
                indent: (lead + tabs) as u32,
            });
            start += line.len() + 1;
        }
        Lines { text, list }
    }

    /// Makes lines blank that hold nothing but a `0` at column 0, and gives their numbers.
    ///
    /// They are a shell counter's output, met in published specs. Without them the structure around
    /// is readable; whether that is an error is for the scanner.
    pub(crate) fn take_zeros(&mut self) -> Vec<usize> {
        let text = self.text.as_bytes();
        let is_zero = |l: &Line| l.indent == 0 && l.end == l.content + 1 && text[l.content as usize] == b'0';
        let zeros: Vec<usize> = (0..self.list.len()).filter(|&n| is_zero(&self.list[n])).collect();
        for &n in &zeros {
            self.list[n].content = self.list[n].end;
        }
        zeros
    }

    /// The content of line `n`.
    pub(crate) fn content(&self, n: usize) -> &'t str {
        &self.text[self.list[n].span().range()]
    }

    /// The first byte of line `n`'s content; 0 when blank.
    pub(crate) fn first(&self, n: usize) -> u8 {
        self.content(n).bytes().next().unwrap_or(0)
    }

    /// Whether line `n` is only a comment.
    pub(crate) fn is_comment(&self, n: usize) -> bool {
        self.first(n) == b'#'
    }

    /// Whether line `n` holds something besides a comment.
    pub(crate) fn has_code(&self, n: usize) -> bool {
        !self.list[n].is_blank() && !self.is_comment(n)
    }

    /// Where the indentation of line `n` has a tab.
    pub(crate) fn tab(&self, n: usize) -> Option<usize> {
        let line = self.list[n];
        let lead = &self.text.as_bytes()[line.start as usize..line.content as usize];
        lead.iter().position(|&b| b == b'\t').map(|at| line.start as usize + at)
    }
}

/// The finding for a tab where spaces count.
pub(crate) fn tab_error(at: usize) -> Diagnostic {
    Diagnostic::error("V0010", Span::new(at, at + 1), "tab instead of spaces")
        .label("a tab")
        .hint("indent with two spaces a level")
}

/// Code and comment of the rest of a line: a comment begins at a `#` that nothing but a blank is before.
pub(crate) fn split(text: &str) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    let hash =
        (0..bytes.len()).find(|&n| bytes[n] == b'#' && (n == 0 || matches!(bytes[n - 1], b' ' | b'\t')));
    match hash {
        Some(n) => (text[..n].trim_end(), Some(text[n..].trim_end())),
        None => (text.trim_end(), None),
    }
}
