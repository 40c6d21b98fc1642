//! Whole specs and what they become.

use crate::support::format;

fn golden(folder: &str, name: &str) {
    let path = format!("{}/tests/{folder}/specs/{name}.vibee", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the spec is there");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, format(&text)));
}

#[test]
fn declarative_sections() {
    golden("fmt", "values");
}

#[test]
fn executable_sections() {
    golden("fmt", "statements");
}

#[test]
fn comments() {
    golden("fmt", "comments");
}

#[test]
fn specs_of_the_parser() {
    for name in ["bert", "cases", "formats", "functions", "kernels", "rmsnorm", "types", "types_list", "zig"]
    {
        golden("parser", name);
    }
}

#[test]
fn values_of_the_dialect() {
    golden("parser", "dialect");
}
