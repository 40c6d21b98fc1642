//! Every row of the checker's table: its example gets the code, its fix has no findings.

use crate::support::check;
use vibee_spec::codes;

fn of_checker(code: &str) -> bool {
    ("V0200".."V0800").contains(&code) || code == "V0905" || code.starts_with("V10")
}

#[test]
fn examples_get_their_code() {
    let mut wrong = vec![];
    for row in codes::all().filter(|r| of_checker(r.code) && !r.example.is_empty()) {
        let found = check(row.example);
        if !found.codes().contains(&row.code) {
            wrong.push(format!("{}: {}", row.code, found.report()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn fixes_have_no_findings() {
    let mut wrong = vec![];
    for row in codes::all().filter(|r| of_checker(r.code) && !r.fix.is_empty()) {
        let found = check(row.fix);
        if !found.diags.list.is_empty() {
            wrong.push(format!("{}: {}", row.code, found.report()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The findings of every example, as people see them.
#[test]
fn examples_read_well() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/codes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for row in codes::all().filter(|r| of_checker(r.code) && !r.example.is_empty()) {
            insta::assert_snapshot!(row.code, check(row.example).report());
        }
    });
}

/// No code is reported that the table does not list.
#[test]
fn reported_codes_are_listed() {
    for row in codes::all().filter(|r| of_checker(r.code)) {
        for code in check(row.example).codes() {
            assert!(codes::find(code).is_some(), "{code} is not listed");
        }
    }
}
