//! Every row of the table of codes is true: the example gets the code, the fix gets nothing.

use crate::support::{parse, parse_lenient, report, report_lenient};
use vibee_spec::codes;

/// Codes of this crate's parser; other passes test their own rows.
fn is_of_parser(code: &str) -> bool {
    // One reserved form is recognised by the checker.
    code != "V0905" && ["V00", "V01", "V09"].iter().any(|range| code.starts_with(range))
}

/// Rows without an example: it would be huge, or not text. `limits.rs` has tests of them.
const WITHOUT_EXAMPLE: &[&str] = &["V0002", "V0003", "V0004", "V0033", "V0034", "V0043", "V0118"];

/// Findings of the lenient reading.
fn is_lenient(code: &str) -> bool {
    ["V0040", "V0041", "V0042", "V0043"].contains(&code)
}

#[test]
fn codes_are_unique_and_told_fully() {
    let mut seen = std::collections::HashSet::new();
    for row in codes::all() {
        assert!(seen.insert(row.code), "{} is there twice", row.code);
        assert!(row.code.len() == 5 && row.code.starts_with('V'), "{}", row.code);
        assert!(row.explanation.ends_with('.') || row.explanation.ends_with('…'), "{}", row.code);
        assert!(!row.title.is_empty() && !row.title.ends_with('.'), "{}", row.code);
        assert_eq!(codes::find(&row.code.to_lowercase()).map(|r| r.code), Some(row.code));
    }
}

#[test]
fn examples_get_their_code_and_fixes_get_none() {
    for row in codes::all().filter(|row| is_of_parser(row.code)) {
        assert_eq!(row.example.is_empty(), WITHOUT_EXAMPLE.contains(&row.code), "{}", row.code);
        if row.example.is_empty() {
            continue;
        }
        let (_, diags) = if is_lenient(row.code) { parse_lenient(row.example) } else { parse(row.example) };
        assert!(diags.list.iter().any(|d| d.code == row.code), "{}:\n{}", row.code, report(row.example));
        let (_, diags) = parse(row.fix);
        assert!(diags.list.is_empty(), "fix of {}:\n{}", row.code, report(row.fix));
    }
}

/// The full text of every finding, one snapshot a code.
#[test]
fn reports() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/codes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for row in codes::all().filter(|row| is_of_parser(row.code) && !row.example.is_empty()) {
        settings.set_description(row.title);
        settings.bind(|| {
            let report = if is_lenient(row.code) { report_lenient } else { report };
            insta::assert_snapshot!(row.code, report(row.example));
        });
    }
}
