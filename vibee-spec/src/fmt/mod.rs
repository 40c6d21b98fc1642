//! The one formatting of specs.
//!
//! Line breaks inside statements and values stay where the author put them (headers excepted);
//! indentation, blanks between tokens, blank lines and the column of trailing comments are
//! settled here. Text of values, quotes, `|` blocks and comments is never touched. What comes
//! out is parsed again and compared: nothing is returned whose tree differs.
//!
//! | file | about |
//! |---|---|
//! | [`values`], [`flow`] | declarative sections, guided by their nodes |
//! | [`blocks`] | executable sections: which line is what, how deep |
//! | [`token`], [`spacing`], [`statement`], [`header`] | one statement: tokens, blanks, rows |
//! | [`page`] | rows become text: comments, blank lines, alignment |
//! | [`same`] | whether two trees mean the same |

mod blocks;
mod flow;
mod header;
mod page;
mod same;
mod spacing;
mod statement;
mod token;
mod values;

use crate::ast::File;
use crate::diag::{Diagnostic, Diags};
use crate::parse::parse;
use crate::scan::{self, Lines, Mode, Sink};
use crate::span::{Source, Span};

pub use same::same;

/// Headers that would be wider are broken, comments that would end beyond are not aligned.
pub const WIDTH: usize = 120;

/// Columns a level.
const STEP: usize = 2;

/// The text of a spec as it should be.
///
/// # Errors
/// The parser's findings if any of them is an error; the text is then left alone.
pub fn format(source: &Source) -> Result<String, Diags> {
    let mut diags = Diags::default();
    let file = parse(source, &mut diags);
    if diags.has_errors() {
        return Err(diags);
    }
    let text = layout(source);
    let mut again = Diags::default();
    let reread = parse(&Source { path: source.path.clone(), text: text.clone() }, &mut again);
    if again.has_errors() || !same(&file, &reread) {
        diags.push(unfaithful());
        return Err(diags);
    }
    Ok(text)
}

/// The text of one statement on one line, as it stands in a formatted spec. `in_brackets` says
/// whether it is a part of a position or shape.
pub(crate) fn inline(text: &str, in_brackets: bool) -> String {
    spacing::inline(&token::tokens(&without_comments(text), token::Words::Plain), in_brackets)
}

/// The text of a header on one line.
pub(crate) fn header_line(text: &str) -> String {
    let line = spacing::inline(&token::tokens(&without_comments(text), token::Words::Header), false);
    line.trim_end_matches(':').to_owned()
}

/// The outermost square and angle brackets of each of `definitions`, in order.
pub(crate) fn brackets(text: &str, definitions: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut found = Vec::new();
    for definition in definitions {
        let Some(slice) = text.get(definition.range()) else { continue };
        let base = definition.start as usize;
        let slice = without_comments(slice);
        let mut open = Vec::new();
        let mut tight = 0usize;
        for token in token::tokens(&slice, token::Words::Plain) {
            match token.kind {
                token::Kind::Open => {
                    open.push(token);
                    tight += usize::from(token.text != "(");
                }
                token::Kind::Close => {
                    let Some(opening) = open.pop().filter(|t| t.text != "(") else { continue };
                    tight -= 1;
                    if tight == 0 {
                        found.push(Span::new(base + opening.at, base + token.at + 1));
                    }
                }
                _ => {}
            }
        }
    }
    found.sort_unstable();
    found
}

/// `text` with comments blanked, byte for byte.
fn without_comments(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('#') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let code = scan::split(line).0;
        out.push_str(code);
        out.extend(std::iter::repeat_n(' ', line.len() - code.len()));
    }
    out.into()
}

/// All comments of a spec with their physical lines; none if it has errors, when nobody knows what
/// is a comment.
pub(crate) fn comments(source: &Source) -> Vec<(usize, Span)> {
    let mut diags = Diags::default();
    let _ = parse(source, &mut diags);
    if diags.has_errors() {
        return Vec::new();
    }
    let lines = Lines::new(&source.text);
    page(&lines).comments(&lines)
}

/// The formatted text of a spec without errors.
fn layout(source: &Source) -> String {
    let lines = Lines::new(&source.text);
    page(&lines).finish(&lines)
}

/// The rows of a spec without errors.
fn page(lines: &Lines) -> page::Page {
    let executable = scan::language(lines).is_none_or(|language| language.name == "rust");
    let mut ignored = Diags::default();
    let scanned =
        scan::scan(lines.clone(), Vec::new(), executable, Mode::Strict, &mut Sink::new(&mut ignored));
    let mut page = page::Page::default();
    for (n, section) in scanned.sections.iter().enumerate() {
        match scanned.bodies.iter().find(|(of, _)| *of == n) {
            Some((_, body)) => blocks::section(section, body.clone(), lines, &mut page),
            None => values::section(section, executable, lines, &mut page),
        }
    }
    page
}

/// The finding that stands between a mistake in here and somebody's file.
fn unfaithful() -> Diagnostic {
    Diagnostic::error("V0800", Span::default(), "formatting this file would change what it means")
        .label("left as it is")
        .hint("this is a bug in vibee; please report the file")
}

/// Whether two texts parse without errors to trees that mean the same.
#[must_use]
pub fn same_text(a: &str, b: &str) -> bool {
    let read = |text: &str| -> Option<File> {
        let mut diags = Diags::default();
        let file = parse(&Source { path: String::new(), text: text.to_owned() }, &mut diags);
        (!diags.has_errors()).then_some(file)
    };
    match (read(a), read(b)) {
        (Some(a), Some(b)) => same(&a, &b),
        _ => false,
    }
}
