//! Every form of the dialect becomes the Rust that stands in its golden.

use crate::support::{forms, pretty, rust, without_blank_lines};

#[test]
fn goldens() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, text) in forms() {
        let (rust, report) = rust(&text);
        let shown = if report.is_empty() { rust } else { format!("{rust}\n/*\n{report}\n*/\n") };
        settings.bind(|| insta::assert_snapshot!(name, shown));
    }
}

/// The writer of declarations prints what prettyplease would.
#[test]
fn written_as_if_printed() {
    for (name, text) in forms() {
        let (rust, _) = rust(&text);
        assert_eq!(without_blank_lines(&rust), pretty(&rust), "{name}");
    }
}
