//! What people and programs see of a diagnostic.

use crate::support::source;
use vibee_spec::diag::Diagnostic;
use vibee_spec::render::Renderer;
use vibee_spec::span::Span;

/// The span of `part` in `text`.
fn find(text: &str, part: &str) -> Span {
    let at = text.find(part).expect("it is there");
    Span::new(at, at + part.len())
}

/// Compares a rendering with its snapshot.
fn shown(name: &str, text: &str, d: &Diagnostic, colour: bool) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/render");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let rendered = Renderer::new(&source(text)).text(d, colour);
    settings.bind(|| insta::assert_snapshot!(name, rendered));
}

const TEXT: &str = "kernels:\n  f(x: f32[T], w: f32[D]) -> y: f32[T]:\n    y[t] = x[t] * w[t]\n";

fn mismatch() -> Diagnostic {
    Diagnostic::error("V0203", find(TEXT, "w[t]"), "index `t` has two ranges")
        .label("here `t` runs over `D`")
        .also(find(TEXT, "x[t]"), "here over `T`")
        .note("with T = 2 and D = 3 they differ")
        .note("both were inferred from use")
        .hint("use another letter for one of them")
}

#[test]
fn all_parts() {
    shown("all_parts", TEXT, &mismatch(), false);
}

#[test]
fn coloured() {
    shown("coloured", TEXT, &mismatch(), true);
}

#[test]
fn places_far_apart() {
    let text = format!("{}{}last: 1\n", TEXT, "# nothing\n".repeat(1000));
    let d = Diagnostic::error("V0013", find(&text, "last"), "written twice")
        .label("again")
        .also(find(&text, "x[t]"), "first");
    shown("places_far_apart", &text, &d, false);
}

#[test]
fn a_huge_line_is_cut_around_the_place() {
    let text = format!("a: {}HERE{}\n", "é".repeat(100_000), "x".repeat(100_000));
    let d = Diagnostic::error("V0101", find(&text, "HERE"), format!("found {}", "z".repeat(100_000)))
        .label("this");
    shown("huge_line", &text, &d, false);
}

#[test]
fn control_characters_are_not_shown() {
    let text = "a: \u{1b}[31m\u{202E}evil\u{7}\u{9b}\tb\r\n";
    let d =
        Diagnostic::error("V0012", find(text, "evil"), "stray \u{1b}[31m\u{202E}").label("\u{2066}here\n");
    let source = source(text);
    for colour in [false, true] {
        let shown = Renderer::new(&source).text(&d, colour);
        assert!(
            !shown.contains("\u{1b}[31m")
                && !shown.contains(['\u{202E}', '\u{2066}', '\u{7}', '\u{9b}', '\r'])
        );
    }
    shown("control_characters", text, &d, false);
}

#[test]
fn an_empty_file_and_places_at_its_end() {
    let d = Diagnostic::warning("V0001", Span::default(), "the spec is empty").label("nothing");
    shown("empty", "", &d, false);
    let d = Diagnostic::error("V0101", Span::new(4, 4), "expected more").label("ends here");
    shown("at_end", "a: 1", &d, false);
    // A span of another file must not panic.
    let d = Diagnostic::error("V0101", Span::new(400, 900), "expected more").label("nowhere");
    assert!(Renderer::new(&source("é")).text(&d, false).contains("V0101"));
}

#[test]
fn json_has_lines_and_columns() {
    let json = Renderer::new(&source(TEXT)).json(&mismatch());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/render");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let text = serde_json::to_string_pretty(&json).expect("it is JSON");
    settings.bind(|| insta::assert_snapshot!("json", text));
}

#[test]
fn columns_count_characters() {
    let source = source("α: β γ\nx\n");
    let renderer = Renderer::new(&source);
    assert_eq!(renderer.position(source.text.find('γ').expect("there")), (1, 6));
    assert_eq!(renderer.position(source.text.find('x').expect("there")), (2, 1));
    assert_eq!(renderer.position(source.text.len()), (3, 1));
}
