//! Lints about definitions and imports that nothing uses.
//!
//! A name counts as used if the word stands anywhere in the executable lines besides its own
//! definition: too generous for words with several meanings, never wrong about an unused one.

use super::{Resolve, finding};
use crate::ast::File;
use crate::diag::{Diagnostic, Diags};
use crate::span::{Source, Span};
use std::collections::HashMap;

/// Sections whose words are uses.
const USES: &[&str] =
    &["functions", "kernels", "layers", "models", "formats", "types", "behaviors", "test_cases"];

pub(super) fn lint(file: &File, source: &Source, resolve: Resolve<'_>, diags: &mut Diags) {
    let words = words(file, source);
    let count = |name: &str| words.get(name).copied().unwrap_or(0);
    // A spec of formulas alone is there to be imported.
    let is_library = file.kernels.is_empty()
        && file.formats.is_empty()
        && file.layers.is_empty()
        && file.models.is_empty();
    if !is_library {
        for function in &file.functions {
            let inside = count_in(source, function.span, &function.name.name);
            if count(&function.name.name) <= inside {
                unused("unused-function", &function.name.name, function.name.span, "the function", diags);
            }
        }
        for constant in &file.constants {
            if count(&constant.name.name) == 0 {
                unused("unused-constant", &constant.name.name, constant.name.span, "the constant", diags);
            }
        }
    }
    for import in &file.imports {
        let Some(other) = resolve(&import.name) else { continue };
        let names = (other.functions.iter().map(|f| &f.name))
            .chain(other.kernels.iter().map(|k| &k.name))
            .chain(other.formats.iter().map(|f| &f.name))
            .chain(other.constants.iter().map(|c| &c.name))
            .chain(other.layers.iter().map(|l| &l.name))
            .chain(other.types.iter().map(|t| &t.name))
            .chain(other.models.iter().map(|m| &m.layer.name));
        let generic = other.kernels.iter().filter(|k| !k.generics.is_empty());
        let is_instance = generic
            .into_iter()
            .any(|k| words.keys().any(|word| word.starts_with(&format!("{}_", k.name.name))));
        if !is_instance && !names.into_iter().any(|name| count(&name.name) > 0) {
            unused("unused-import", &import.name, import.span, "the import", diags);
        }
    }
}

/// Functions and constants of `other`, which `file` imports, that stand in `file`.
#[must_use]
pub fn uses(file: &File, source: &Source, other: &File) -> Vec<String> {
    let words = words(file, source);
    let names = other.functions.iter().map(|f| &f.name).chain(other.constants.iter().map(|c| &c.name));
    names.filter(|name| words.contains_key(name.name.as_str())).map(|name| name.name.clone()).collect()
}

/// Whether a finding is about a definition that only lacks a use in its own spec; its span is the name.
#[must_use]
pub fn is_about_use(d: &Diagnostic) -> bool {
    ["unused-function", "unused-constant"]
        .iter()
        .any(|lint| super::find(lint).is_some_and(|l| l.code == d.code))
}

fn unused(lint: &str, name: &str, span: Span, what: &str, diags: &mut Diags) {
    diags.push(
        finding(lint, span, format!("{what} `{name}` is never used")).label("unused").hint("remove it"),
    );
}

/// How often each word stands in the sections that use names, comments left out.
fn words<'s>(file: &File, source: &'s Source) -> HashMap<&'s str, usize> {
    let mut words = HashMap::new();
    for section in file.sections.iter().filter(|section| USES.contains(&section.key.name.as_str())) {
        for word in words_of(source, section.span) {
            *words.entry(word).or_insert(0) += 1;
        }
    }
    words
}

fn count_in(source: &Source, span: Span, name: &str) -> usize {
    words_of(source, span).filter(|word| *word == name).count()
}

fn words_of(source: &Source, span: Span) -> impl Iterator<Item = &str> {
    let text = source.text.get(span.range()).unwrap_or("");
    let code = text.lines().map(|line| {
        let comment = line
            .match_indices('#')
            .find(|(at, _)| *at == 0 || line[..*at].ends_with(char::is_whitespace))
            .map_or(line.len(), |(at, _)| at);
        &line[..comment]
    });
    code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|word| !word.is_empty())
}
