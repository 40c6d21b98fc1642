//! One logical line through pest, and places of its pairs in the file.

use super::refusal::{refusal, wanted};
use super::words;
use crate::ast::Ident;
use crate::grammar::{Grammar, Rule};
use crate::scan::{Sink, too_deep, too_nested};
use crate::span::Span;
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

/// Converts pairs of one logical line; knows where the line stands in the file.
pub(super) struct Line<'a, 'd> {
    base: usize,
    pub sink: &'a mut Sink<'d>,
}

impl<'a, 'd> Line<'a, 'd> {
    /// Parses `text`, which stands at `span` and is exactly as long, by `rule`.
    /// On failure reports and gives `None`.
    pub(super) fn parse<'t>(
        rule: Rule,
        text: &'t str,
        span: Span,
        sink: &'a mut Sink<'d>,
    ) -> Option<(Line<'a, 'd>, Pair<'t, Rule>)> {
        let base = span.start as usize;
        // Joined lines were counted when they were joined; text out of flow values was not.
        if let Some(at) = too_nested(text) {
            sink.push(too_deep(Span::new(base + at, base + at + 1)));
            return None;
        }
        match Grammar::parse(rule, text) {
            Ok(mut pairs) => Some((Line { base, sink }, pairs.next()?)),
            Err(error) => {
                let at = match error.location {
                    InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
                };
                let wanted = match &error.variant {
                    ErrorVariant::ParsingError { positives, .. } => wanted(positives),
                    ErrorVariant::CustomError { .. } => Vec::new(),
                };
                sink.push(refusal(text, at, base, &wanted));
                None
            }
        }
    }

    /// Where a pair stands in the file.
    pub(super) fn span(&self, pair: &Pair<Rule>) -> Span {
        let span = pair.as_span();
        let text = span.as_str().trim_end();
        Span::new(self.base + span.start(), self.base + span.start() + text.len())
    }

    /// A pair's text as a name.
    pub(super) fn ident(&self, pair: &Pair<Rule>) -> Ident {
        Ident { name: pair.as_str().trim_end().to_owned(), span: self.span(pair) }
    }

    /// A pair's text as the name of something new.
    pub(super) fn new_name(&mut self, pair: &Pair<Rule>) -> Ident {
        let ident = self.ident(pair);
        words::check(&ident, self.sink);
        ident
    }
}
