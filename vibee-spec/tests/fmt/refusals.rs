//! Files that are left alone.

use vibee_spec::fmt;

use crate::support::source;

#[test]
fn a_file_with_errors_is_left_alone_with_all_its_findings() {
    let text = "language: rust\nkernels:\n   f(x: f32[T]) -> y: f32[T]:\n     y[t] = x[t\n   g(x: f32) -> y: f32:\n     y = x +\n";
    let diags = fmt::format(&source(text)).expect_err("two errors");
    let codes: Vec<_> = diags.list.iter().map(|d| d.code).collect();
    assert_eq!(codes.len(), 2, "{codes:?}");
}

#[test]
fn warnings_do_not_keep_a_file_from_being_formatted() {
    assert_eq!(fmt::format(&source("name:   demo")).expect("only a warning"), "name: demo\n");
    assert_eq!(fmt::format(&source("")).expect("only a warning"), "");
}

/// The row of the finding that `vibee fmt --check` reports.
#[test]
fn the_example_of_unformatted_specs_is_one() {
    let row = vibee_spec::codes::find("V0801").expect("a row");
    assert_eq!(fmt::format(&source(row.example)).expect("no errors"), row.fix);
    assert_ne!(row.example, row.fix);
}
