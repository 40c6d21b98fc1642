//! Formatting for the tests.

use vibee_spec::fmt;
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;

/// Text as `demo.vibee`.
pub fn source(text: &str) -> Source {
    Source { path: "demo.vibee".to_owned(), text: text.to_owned() }
}

/// The formatted text, which must be a fixed point with the same meaning.
pub fn format(text: &str) -> String {
    let source = source(text);
    let formatted = fmt::format(&source).unwrap_or_else(|diags| {
        let renderer = Renderer::new(&source);
        let reports: Vec<_> = diags.list.iter().map(|d| renderer.text(d, false)).collect();
        panic!("{}\nin\n{text}", reports.join("\n"))
    });
    assert!(fmt::same_text(text, &formatted), "means something else:\n{text}\nbecame\n{formatted}");
    assert_eq!(fmt::format(&self::source(&formatted)).expect("parsed before"), formatted, "no fixed point");
    assert!(formatted.lines().all(|line| line.trim_end().len() == line.len()), "{formatted}");
    formatted
}

/// A whole spec with these lines of `kernels:`.
pub fn kernel(lines: &str) -> String {
    format(&format!("language: rust\n\nkernels:\n{lines}"))
        .strip_prefix("language: rust\n\nkernels:\n")
        .expect("the head stays")
        .to_owned()
}
