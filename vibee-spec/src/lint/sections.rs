//! Lints about keys and about what the head of a spec lacks.

use std::borrow::Cow;

use super::finding;
use crate::ast::{File, Ident, NodeKind};
use crate::diag::Diags;

/// Sections with a meaning.
const SECTIONS: &[&str] = &[
    "name",
    "version",
    "language",
    "module",
    "description",
    "imports",
    "constants",
    "sacred_constants",
    "types",
    "functions",
    "kernels",
    "layers",
    "models",
    "formats",
    "behaviors",
    "test_cases",
    "creation_pattern",
    "creation_patterns",
    "requires",
    "effort",
];

/// Keys of a behaviour with a meaning.
const OF_BEHAVIORS: &[&str] =
    &["name", "signature", "given", "when", "then", "params", "returns", "test_cases", "laws"];

/// Keys of a case with a meaning.
const OF_CASES: &[&str] = &["name", "call", "expect", "input", "expected"];

pub(super) fn lint(file: &File, diags: &mut Diags) {
    for section in &file.sections {
        let key = &section.key;
        if SECTIONS.contains(&key.name.as_str()) || misspelt(key, SECTIONS, diags) {
            continue;
        }
        diags.push(
            finding("unknown-section", key.span, format!("nothing reads the section `{}`", key.name))
                .label("kept as metadata")
                .hint("put what people should read into comments or `description`"),
        );
    }
    if let Some(first) = file.sections.first().filter(|_| file.description.is_none()) {
        diags.push(
            finding("missing-description", first.key.span, "the spec has no description")
                .label("add it to these lines")
                .hint("one line, with the source of what is computed: `description: … (arXiv:…)`"),
        );
    }
    for behavior in &file.behaviors {
        behavior.other.iter().for_each(|(key, _)| {
            misspelt(key, OF_BEHAVIORS, diags);
        });
        let cases = behavior.test_cases.iter().flat_map(|case| &case.other);
        cases.for_each(|(key, _)| {
            misspelt(key, OF_CASES, diags);
        });
    }
    file.test_cases.iter().flat_map(|case| &case.other).for_each(|(key, _)| {
        misspelt(key, OF_CASES, diags);
    });
    when(file, diags);
}

/// `When` is read as `when`, but it is not spelt so.
fn when(file: &File, diags: &mut Diags) {
    for section in file.sections.iter().filter(|section| section.key.name == "behaviors") {
        let NodeKind::Seq(items) = &section.value.kind else { continue };
        for item in items {
            let NodeKind::Map(entries) = &item.kind else { continue };
            for (key, _) in entries {
                if OF_BEHAVIORS.contains(&key.name.to_lowercase().as_str()) {
                    misspelt(key, OF_BEHAVIORS, diags);
                }
            }
        }
    }
}

/// Reports a key that is nearly one of `known`.
fn misspelt(key: &Ident, known: &[&str], diags: &mut Diags) -> bool {
    if known.contains(&key.name.as_str()) {
        return false;
    }
    let lower = key.name.to_lowercase();
    let plain = plain(&lower);
    let Some(near) = known.iter().find(|word| is_near(&plain, word)) else { return false };
    if diags.list.iter().any(|d| d.span == key.span) {
        return true;
    }
    let label = if key.name == "When" { "read as `when`" } else { "not a key with a meaning" };
    diags.push(
        finding("misspelt-key", key.span, format!("`{}` looks like `{near}`", key.name))
            .label(label)
            .hint(format!("write `{near}`")),
    );
    true
}

/// A word in American spelling and without separators.
fn plain(word: &str) -> Cow<'_, str> {
    let separates = |c: char| matches!(c, '-' | '_' | ' ');
    if word.contains("our") || word.contains(separates) {
        Cow::Owned(word.replace("our", "or").replace(separates, ""))
    } else {
        Cow::Borrowed(word)
    }
}

/// Whether two words differ in letter case, in one letter, or in the spelling or number of a word.
/// The first is plain and in lower case.
fn is_near(a: &str, known: &str) -> bool {
    let b = &*plain(known);
    a == b
        || a.strip_suffix('s') == Some(b)
        || b.strip_suffix('s') == Some(a)
        || a.len() > 4 && one_edit(a, b)
}

/// Whether one letter was put in, left out, changed, or exchanged with the next.
fn one_edit(a: &str, b: &str) -> bool {
    let same: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(c, _)| c.len_utf8()).sum();
    if a.len().abs_diff(b.len()) > 4 {
        return false;
    }
    let (x, y): (Vec<char>, Vec<char>) = (a[same..].chars().collect(), b[same..].chars().collect());
    let (x, y) = (x.as_slice(), y.as_slice());
    match (x, y) {
        ([_, x @ ..], _) if x == y => true,
        (_, [_, y @ ..]) if x == y => true,
        ([_, x @ ..], [_, y @ ..]) if x == y => true,
        ([p, q, x @ ..], [r, s, y @ ..]) => (p, q) == (s, r) && x == y,
        _ => false,
    }
}
