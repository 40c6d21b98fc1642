//! Whole specs against their trees.

use vibee_spec::ast::text;

use crate::support;

/// Parses `specs/NAME.vibee`, which must have no findings, and compares its tree.
fn golden(name: &str) {
    let path = format!("{}/tests/parser/specs/{name}.vibee", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the spec is there");
    let (file, diags) = support::parse(&text);
    assert!(diags.list.is_empty(), "{}", support::report(&text));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text::file(&file)));
}

#[test]
fn design_example() {
    golden("rmsnorm");
}

#[test]
fn kernels_of_all_forms() {
    golden("kernels");
}

#[test]
fn functions_of_both_forms() {
    golden("functions");
}

#[test]
fn layers_and_models() {
    golden("bert");
}

#[test]
fn cases_and_laws() {
    golden("cases");
}

#[test]
fn types_in_all_forms_of_the_dialect() {
    golden("types");
}

#[test]
fn types_as_a_list() {
    golden("types_list");
}

#[test]
fn values_of_the_dialect() {
    golden("dialect");
}

#[test]
fn executable_sections_of_another_language_are_metadata() {
    golden("zig");
}
