//! Where a piece of a spec stands in its file.
//!
//! Spans are byte offsets into one file's text. They never carry the text or the path: a
//! [`crate::diag::Diagnostic`] is rendered together with its [`Source`].

/// A half-open byte range `start..end` of one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        // Files are limited to `limits::MAX_BYTES`, far below `u32::MAX`.
        Span { start: start as u32, end: end as u32 }
    }

    /// The smallest span holding both.
    #[must_use]
    pub fn to(self, other: Span) -> Self {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// As a range for slicing the source.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A spec's text and the path shown to people.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as given by the user, forward slashes.
    pub path: String,
    /// The whole text.
    pub text: String,
}
