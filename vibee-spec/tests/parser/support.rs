//! Parsing and rendering for the tests.

use vibee_spec::ast::File;
use vibee_spec::diag::Diags;
use vibee_spec::parse::Mode;
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;

/// Parses text as `demo.vibee`.
pub fn parse(text: &str) -> (File, Diags) {
    let mut diags = Diags::default();
    let file = vibee_spec::parse::parse(&source(text), &mut diags);
    (file, diags)
}

/// As [`parse`], leniently.
pub fn parse_lenient(text: &str) -> (File, Diags) {
    let mut diags = Diags::default();
    let file = vibee_spec::parse::parse_as(&source(text), Mode::Lenient, &mut diags);
    (file, diags)
}

/// Text as `demo.vibee`.
pub fn source(text: &str) -> Source {
    Source { path: "demo.vibee".to_owned(), text: text.to_owned() }
}

/// All findings of a text as people see them.
pub fn report(text: &str) -> String {
    shown(text, &parse(text).1)
}

/// As [`report`], leniently.
pub fn report_lenient(text: &str) -> String {
    shown(text, &parse_lenient(text).1)
}

fn shown(text: &str, diags: &Diags) -> String {
    let source = source(text);
    let renderer = Renderer::new(&source);
    let reports: Vec<_> = diags.list.iter().map(|d| renderer.text(d, false)).collect();
    if reports.is_empty() { "no findings".to_owned() } else { reports.join("\n\n") }
}
