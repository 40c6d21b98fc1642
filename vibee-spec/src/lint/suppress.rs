//! Comments that set levels: `# vibee: allow V0802, name-style`.
//!
//! Before the first section it holds for the whole file, above or behind a line for that line and
//! everything below it that is indented deeper.

use super::finding;
use super::levels::{Level, code, settle};
use crate::diag::{Diagnostic, Diags, Severity};
use crate::scan::Lines;
use crate::span::{Source, Span};

const MARK: &str = "vibee:";

/// One name in one comment.
struct Directive {
    span: Span,
    code: &'static str,
    level: Level,
    /// Bytes it holds for.
    from: u32,
    to: u32,
    used: bool,
}

/// Takes out of `diags` the warnings that comments of `source` decide about; those that are kept
/// come back with their severity settled. Findings about the comments themselves are added if `linted`.
pub(super) fn apply(source: &Source, diags: &mut Diags, linted: bool) -> Vec<Diagnostic> {
    let mut settled = Vec::new();
    if !source.text.contains(MARK) {
        return settled;
    }
    let mut found = Vec::new();
    let mut directives = directives(source, &mut found);
    diags.list.retain(|d| {
        let covers = |x: &&mut Directive| x.code == d.code && x.from <= d.span.start && d.span.start < x.to;
        // The innermost comment decides.
        let inner = directives.iter_mut().filter(covers).min_by_key(|x| x.to - x.from);
        let Some(directive) = inner.filter(|_| d.severity == Severity::Warning) else { return true };
        directive.used = true;
        let mut d = d.clone();
        if settle(&mut d, directive.level) {
            settled.push(d);
        }
        false
    });
    for unused in directives.iter().filter(|d| !d.used) {
        found.push(
            finding("unused-suppression", unused.span, format!("nothing here gets {}", unused.code))
                .label("changes nothing")
                .hint("remove it; errors cannot be allowed"),
        );
    }
    if linted {
        diags.list.extend(found);
    }
    settled
}

/// All names in all directives; wrong ones are reported.
fn directives(source: &Source, found: &mut Vec<Diagnostic>) -> Vec<Directive> {
    let lines = Lines::new(&source.text);
    let first = (0..lines.list.len()).find(|&n| lines.has_code(n)).unwrap_or(lines.list.len());
    let mut out = Vec::new();
    for (n, span) in crate::fmt::comments(source) {
        let text = &source.text[span.range()];
        let body = text.trim_start_matches('#');
        let Some(rest) = body.trim_start().strip_prefix(MARK) else { continue };
        let start = span.end as usize - rest.len();
        let (from, to) = scope(&lines, n, first);
        let mut words = words(rest, start);
        let level = match words.first().map(|(word, _)| *word) {
            Some("allow") => Level::Allow,
            Some("warn") => Level::Warn,
            Some("deny") => Level::Deny,
            _ => {
                found.push(
                    finding("unknown-lint", span, "the comment says neither `allow`, `warn` nor `deny`")
                        .label("is not understood")
                        .hint("write `# vibee: allow V0802`"),
                );
                continue;
            }
        };
        words.remove(0);
        if words.is_empty() {
            found.push(
                finding("unknown-lint", span, "the comment names no lint")
                    .label("names nothing")
                    .hint("write `# vibee: allow V0802`"),
            );
        }
        for (word, span) in words {
            match code(word) {
                Some(code) => out.push(Directive { span, code, level, from, to, used: false }),
                None => found.push(
                    finding("unknown-lint", span, format!("there is no lint `{word}`"))
                        .label("unknown")
                        .hint("`vibee explain` lists all codes"),
                ),
            }
        }
    }
    out
}

/// Words parted by blanks and commas, with their places.
fn words(text: &str, start: usize) -> Vec<(&str, Span)> {
    let parts = text.split([' ', ',', '\t']).filter(|word| !word.is_empty());
    parts
        .map(|word| {
            let at = start + (word.as_ptr() as usize - text.as_ptr() as usize);
            (word, Span::new(at, at + word.len()))
        })
        .collect()
}

/// The bytes that a comment on line `n` is about.
fn scope(lines: &Lines, n: usize, first: usize) -> (u32, u32) {
    let all = (0, u32::MAX);
    if n < first {
        return all;
    }
    let Some(entry) = (n..lines.list.len()).find(|&m| lines.has_code(m)) else { return all };
    let indent = lines.list[entry].indent;
    let mut end = entry;
    for m in entry + 1..lines.list.len() {
        if lines.has_code(m) {
            if lines.list[m].indent <= indent {
                break;
            }
            end = m;
        }
    }
    (lines.list[entry].start, lines.list[end].end + 1)
}
