//! Lints: every row of the table is true, levels and comments do what they say.

mod levels;
mod rows;

use vibee_spec::diag::Diags;
use vibee_spec::lint;
use vibee_spec::parse::parse;
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;

/// A spec that imports `unused`, which declares `other`.
fn findings(text: &str) -> (Source, Diags) {
    let source = Source { path: "demo.vibee".to_owned(), text: text.to_owned() };
    let mut diags = Diags::default();
    let file = parse(&source, &mut diags);
    let other = "name: unused\nlanguage: rust\nfunctions:\n  other(e) = e\n";
    let import = Source { path: "unused.vibee".to_owned(), text: other.to_owned() };
    let import = parse(&import, &mut Diags::default());
    diags.list.extend(lint::lint(&file, &source, &|name| (name == "unused").then_some(&import)).list);
    (source, diags)
}

/// The findings that `levels` leave.
fn settled(text: &str, levels: &lint::Levels) -> (Source, Diags) {
    let (source, mut diags) = findings(text);
    levels.apply(&source, &mut diags, true);
    (source, diags)
}

fn report(source: &Source, diags: &Diags) -> String {
    let renderer = Renderer::new(source);
    let reports: Vec<_> = diags.list.iter().map(|d| renderer.text(d, false)).collect();
    if reports.is_empty() { "no findings".to_owned() } else { reports.join("\n\n") }
}
