//! The lines of a spec that a diagnostic shows: few, short and harmless.

use super::harmless;
use crate::span::Span;
use std::ops::Range;

/// Lines further apart than this are shown as separate excerpts.
pub(super) const MAX_DISTANCE: usize = 200;

/// Bytes of a line that are shown whole.
const MAX_LINE: usize = 1000;

/// Bytes shown before the place in a line that is cut.
const BEFORE: usize = 400;

/// Consecutive lines, rewritten for display.
pub(super) struct Excerpt {
    /// Number of the first line, counted from 0.
    pub first: usize,
    /// The text to display.
    pub text: String,
    /// For every line: the bytes of the file that are shown, and where they start in `text`.
    lines: Vec<(Range<usize>, usize)>,
    /// Every shown character that changed its length: file offset → bytes gained, in order.
    grown: Vec<(usize, usize)>,
}

impl Excerpt {
    /// The lines from the first to the last of `places` (line and span).
    pub(super) fn new(source: &str, starts: &[usize], places: &[(usize, Span)]) -> Self {
        let first = places.iter().map(|p| p.0).min().unwrap_or(0);
        let last = places.iter().map(|p| p.0).max().unwrap_or(0);
        let mut excerpt = Excerpt { first, text: String::new(), lines: Vec::new(), grown: Vec::new() };
        for line in first..=last {
            let end = starts.get(line + 1).map_or(source.len(), |next| next - 1);
            let whole = starts[line]..end;
            let place = places.iter().find(|p| p.0 == line).map(|p| p.1);
            excerpt.line(source, whole, place);
            excerpt.text.push('\n');
        }
        excerpt
    }

    /// Adds a line, or its part around `place`.
    fn line(&mut self, source: &str, whole: Range<usize>, place: Option<Span>) {
        let mut shown = whole.clone();
        if whole.len() > MAX_LINE {
            let at = place.map_or(whole.start, |span| span.start as usize);
            shown.start = source.ceil_char_boundary(at.saturating_sub(BEFORE).max(whole.start));
            shown.end = source.floor_char_boundary((shown.start + MAX_LINE).min(whole.end));
        }
        if shown.start > whole.start {
            self.text.push('…');
        }
        self.lines.push((shown.clone(), self.text.len()));
        for (at, c) in source[shown.clone()].char_indices() {
            // A carriage return before the line end is not shown.
            let shows = if c == '\r' { ' ' } else { harmless(c) };
            if shows.len_utf8() != c.len_utf8() {
                self.grown.push((shown.start + at, shows.len_utf8().wrapping_sub(c.len_utf8())));
            }
            self.text.push(shows);
        }
        if shown.end < whole.end {
            self.text.push('…');
        }
    }

    /// Whether the start of the line that byte `at` is on is not shown.
    pub(super) fn cuts_before(&self, at: usize) -> bool {
        let line = self.lines.partition_point(|(shown, _)| shown.start <= at).saturating_sub(1);
        self.lines.get(line).is_some_and(|(_, start)| self.text[..*start].ends_with('…'))
    }

    /// Where a span of the file is in the displayed text, cut to what is shown.
    pub(super) fn range(&self, span: Span) -> Range<usize> {
        let start = self.offset(span.start as usize);
        start..self.offset(span.end as usize).max(start)
    }

    fn offset(&self, at: usize) -> usize {
        let line = self.lines.partition_point(|(shown, _)| shown.start <= at).saturating_sub(1);
        let Some((shown, start)) = self.lines.get(line) else { return 0 };
        let at = at.clamp(shown.start, shown.end);
        let grown = self.grown.iter().filter(|&&(of, _)| of >= shown.start && of < at);
        grown.fold(start + at - shown.start, |offset, &(_, by)| offset.wrapping_add(by))
    }
}
