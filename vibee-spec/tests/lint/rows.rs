//! The table of lints and their rows.

use vibee_spec::codes;
use vibee_spec::lint::{LINTS, Level, Levels};

use crate::{report, settled};

/// With everything that is allowed by default switched on.
fn everything() -> Levels {
    let mut levels = Levels::default();
    for lint in LINTS.iter().filter(|lint| lint.level == Level::Allow) {
        levels.set(lint.code, Level::Warn).expect("a code");
    }
    levels
}

#[test]
fn every_lint_has_a_row_and_a_name_of_its_own() {
    for lint in LINTS {
        assert!(codes::find(lint.code).is_some(), "{} has no row", lint.code);
        assert_eq!(LINTS.iter().filter(|l| l.name == lint.name || l.code == lint.code).count(), 1);
        assert!(lint.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", lint.name);
    }
}

/// The fix of a row is free of its code; other lints may have an opinion about so small a spec.
#[test]
fn examples_get_their_code_and_fixes_do_not() {
    for lint in LINTS {
        let row = codes::find(lint.code).expect("a row");
        let (source, diags) = settled(row.example, &everything());
        let found = diags.list.iter().any(|d| d.code == lint.code);
        assert!(found, "{}:\n{}", lint.code, report(&source, &diags));
        let (source, diags) = settled(row.fix, &everything());
        let found = diags.list.iter().any(|d| d.code == lint.code);
        assert!(!found, "fix of {}:\n{}", lint.code, report(&source, &diags));
    }
}

/// The full text of the finding of every example.
#[test]
fn examples_read_well() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/codes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for lint in LINTS {
        let row = codes::find(lint.code).expect("a row");
        let (source, mut diags) = settled(row.example, &everything());
        diags.list.retain(|d| d.code == lint.code);
        settings.bind(|| insta::assert_snapshot!(lint.code, report(&source, &diags)));
    }
}

/// What the dialect's specs say besides the sections of kernels is read, so nothing is said against it.
#[test]
fn sections_of_the_dialect_are_known() {
    let text = "name: demo\nlanguage: rust\ndescription: d\nsacred_constants:\n  phi: 1.618\ncreation_pattern:\n  source: a\n  transformer: b\n  result: c\neffort: 2\nrequires:\n  - a\n";
    let (source, diags) = settled(text, &Levels::default());
    assert_eq!(report(&source, &diags), "no findings");
}

/// The one misspelling that is read is said to be read.
#[test]
fn a_capital_when_is_read() {
    let text = "name: demo\nlanguage: rust\ndescription: d\nbehaviors:\n  - name: run\n    signature: run() -> Int\n    given: a\n    When: b\n    then: c\n    test_cases:\n      - call: run()\n        expect: == 1\n";
    let (source, diags) = settled(text, &Levels::default());
    let found = report(&source, &diags);
    assert!(found.contains("`When` looks like `when`") && found.contains("read as `when`"), "{found}");
}
