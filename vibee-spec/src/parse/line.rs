//! One logical line through pest, and pest's refusal as a diagnostic.

use super::words;
use crate::ast::Ident;
use crate::diag::Diagnostic;
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

/// What a rule is called in messages, and its rank: lower ranks are named first. Rules not listed
/// are implied by those that are.
const NAMES: &[(Rule, u8, &str)] = &[
    (Rule::int, 0, "an expression"),
    (Rule::value, 0, "a value"),
    (Rule::signed, 0, "a number"),
    (Rule::ident, 1, "a name"),
    (Rule::ty, 1, "a type"),
    (Rule::string, 1, "a quoted name"),
    (Rule::config_key, 1, "a configuration key"),
    (Rule::params, 2, "`(`"),
    (Rule::add, 2, "an operator"),
    (Rule::comma, 3, "`,`"),
    (Rule::close_paren, 4, "`)`"),
    (Rule::close_bracket, 4, "`]`"),
    (Rule::close_brace, 4, "`}`"),
    (Rule::close_angle, 4, "`>`"),
    (Rule::arrow, 5, "`->`"),
    (Rule::assign, 5, "`=`"),
    (Rule::equals, 5, "`=`"),
    (Rule::colon, 5, "`:`"),
    (Rule::eq, 5, "`==`"),
    (Rule::tilde, 5, "`~`"),
    (Rule::kw_then, 6, "`then`"),
    (Rule::kw_else, 6, "`else`"),
    (Rule::kw_in, 6, "`in`"),
    (Rule::kw_within, 6, "`within`"),
];

/// The words for what could have stood at the place of the error.
fn wanted(rules: &[Rule]) -> Vec<&'static str> {
    let mut rows: Vec<_> = NAMES.iter().filter(|row| rules.contains(&row.0)).collect();
    let has = |rule| rules.contains(&rule);
    // Where an expression may start, its parts say nothing new; where an operator may follow, `==`
    // is one of them.
    if has(Rule::int) && !has(Rule::signed) {
        rows.retain(|row| row.0 != Rule::ident);
    }
    if has(Rule::add) {
        rows.retain(|row| row.0 != Rule::eq);
    }
    if has(Rule::value) {
        rows.retain(|row| row.0 != Rule::signed);
    }
    if has(Rule::ty) {
        rows.retain(|row| row.0 != Rule::ident);
    }
    rows.sort_by_key(|row| row.1);
    let mut words: Vec<_> = rows.into_iter().map(|row| row.2).collect();
    words.dedup();
    words
}

/// Signs of other languages, and what they are called here.
const FOREIGN: &[(&str, &str)] = &[
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("**", "write `^`"),
    ("!=", "`!=` compares two values"),
    ("!", "write `not`"),
    ("==", "write `=` to define, `==` only to compare"),
    ("=>", "write `>=`"),
    ("=", "write `==` to compare"),
    ("?", "write `if c then a else b`"),
    ("'", "names in files are written in double quotes"),
    ("~", "`~` compares only in `expect:` and `holds:`"),
];

/// The diagnostic for text that the grammar refuses at `at`.
fn refusal(text: &str, at: usize, base: usize, wanted: &[&str]) -> Diagnostic {
    let rest = &text[at..];
    let blanks = rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let at = at + blanks;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let foreign = FOREIGN.iter().find(|row| rest.starts_with(row.0));
    let found = match foreign {
        _ if word > 0 => &rest[..word],
        Some((sign, _)) => sign,
        None => &rest[..rest.chars().next().map_or(0, char::len_utf8)],
    };
    let span = Span::new(base + at, base + at + found.len());
    let starts_expression = wanted.contains(&"an expression") || wanted.contains(&"a name");
    if starts_expression && words::KEYWORDS.contains(&found) {
        return words::reserved(&Ident { name: found.to_owned(), span });
    }
    if found.starts_with(|c: char| c.is_ascii_digit()) && wanted.contains(&"an expression") {
        return Diagnostic::error("V0107", number(rest, span), "malformed number")
            .label("not a number")
            .hint("write `1`, `1.5`, `1e-6` or `0x1F`; names do not start with a digit");
    }
    let shown = if found.is_empty() { "the end of the line".to_owned() } else { format!("`{found}`") };
    let message = match one_of(wanted) {
        Some(wanted) => format!("expected {wanted}, found {shown}"),
        None => format!("{shown} cannot stand here"),
    };
    let label = if found.is_empty() { "the line ends here" } else { "not expected here" };
    let d = Diagnostic::error("V0101", span, message).label(label);
    match foreign {
        Some((_, hint)) if word == 0 => d.hint(*hint),
        _ => d,
    }
}

/// The place of the number-like text that `rest` begins with.
fn number(rest: &str, span: Span) -> Span {
    let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
    Span { end: span.start + len as u32, ..span }
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(words: &[&str]) -> Option<String> {
    let (last, before) = words.split_last()?;
    Some(if before.is_empty() { (*last).to_owned() } else { format!("{} or {last}", before.join(", ")) })
}
