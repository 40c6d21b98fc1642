//! Whole specs against their trees.

use vibee_spec::ast::text;

use crate::support;

/// Parses `specs/NAME.vibee`, which must have no findings, and compares its tree.
fn golden(name: &str) {
    let text = spec(name);
    let (file, diags) = support::parse(&text);
    assert!(diags.list.is_empty(), "{}", support::report(&text));
    compare(name, &text::file(&file));
}

/// Parses `specs/NAME.vibee` strictly and leniently; compares both reports, and the lenient tree.
fn damaged(name: &str) {
    let text = spec(name);
    let (file, diags) = support::parse_lenient(&text);
    assert!(!diags.has_errors(), "{}", support::report_lenient(&text));
    let strict = support::report(&text);
    let lenient = support::report_lenient(&text);
    compare(name, &format!("{strict}\n\n== lenient\n\n{lenient}\n\n{}", text::file(&file)));
}

fn spec(name: &str) -> String {
    let path = format!("{}/tests/parser/specs/{name}.vibee", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).expect("the spec is there")
}

fn compare(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

#[test]
fn storage_formats() {
    golden("formats");
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

#[test]
fn enums_in_all_forms() {
    golden("enums");
}

#[test]
fn bodies_of_types_in_all_forms() {
    golden("bodies");
}

#[test]
fn bodies_of_listed_types() {
    golden("bodies_list");
}

#[test]
fn fields_in_all_forms() {
    golden("fields");
}

#[test]
fn prose_is_taken_as_it_stands() {
    golden("prose");
}

#[test]
fn behaviours_keep_all_their_keys() {
    golden("behaviors");
}

#[test]
fn constants_imports_and_patterns() {
    golden("sections");
}

#[test]
fn keys_and_values_have_no_types_of_their_own() {
    golden("untyped");
}

#[test]
fn items_at_the_column_of_their_key() {
    golden("flush");
}

#[test]
fn damage_with_a_lenient_reading() {
    damaged("damaged");
}

/// Names and text keep whatever they hold; making code of them is for others.
#[test]
fn hostile_names_and_text_are_only_text() {
    golden("hostile");
}
