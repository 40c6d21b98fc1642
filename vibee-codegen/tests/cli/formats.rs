//! `--message-format`: findings for programs.

use serde_json::Value;

use crate::support::{DOUBLE, Desk, WRONG};

#[test]
fn sarif_is_one_log_with_rules_and_regions() {
    let desk = Desk::new(&[("a b/wrong.vibee", WRONG), ("a b/double.vibee", DOUBLE)]);
    let done = desk.vibee_args(&["check", "a b", "--message-format", "sarif", "-q"]);
    assert_eq!((done.code, done.err.as_str()), (1, ""));
    let log: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!((&log["version"], log["runs"].as_array().map(Vec::len)), (&Value::from("2.1.0"), Some(1)));
    let (run, driver) = (&log["runs"][0], &log["runs"][0]["tool"]["driver"]);
    assert_eq!(driver["name"], "vibee");
    let result = &run["results"][0];
    let rule = &driver["rules"][result["ruleIndex"].as_u64().expect("an index") as usize];
    assert_eq!((&rule["id"], &result["ruleId"]), (&Value::from("V0201"), &Value::from("V0201")));
    assert!(rule["help"]["text"].as_str().is_some_and(|help| help.contains("Example:")));
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/wrong.vibee");
    let region = serde_json::json!({"startLine": 6, "startColumn": 16, "endLine": 6, "endColumn": 17});
    assert_eq!(place["region"], region);
}

/// A run without findings is a log without results, so that old findings are closed.
#[test]
fn sarif_is_written_without_findings_too() {
    let desk = Desk::new(&[("a.vibee", DOUBLE)]);
    let log: Value =
        serde_json::from_str(&desk.vibee("fmt a.vibee --message-format sarif").out).expect("JSON");
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn workflow_commands_are_escaped() {
    let desk = Desk::new(&[("50%,a:b.vibee", WRONG)]);
    let done = desk.vibee("check 50%,a:b.vibee --message-format github -q");
    let wanted =
        "::error file=50%25%2Ca%3Ab.vibee,line=6,endLine=6,col=16,endColumn=16,title=V0201::unknown name `z`";
    assert!(done.out.starts_with(wanted), "{}", done.out);
    assert_eq!(done.out.lines().count(), 1, "{}", done.out);
}

#[test]
fn every_command_with_findings_takes_every_format() {
    let desk = Desk::new(&[("a.vibee", WRONG)]);
    for command in ["check a.vibee", "gen a.vibee", "test a.vibee"] {
        for (format, wanted) in [("json", "{\"code\":\"V0201\""), ("github", "::error "), ("sarif", "{\n")] {
            let done = desk.vibee(&format!("{command} --message-format {format}"));
            assert!(done.code == 1 && done.out.starts_with(wanted), "{command} {format}: {}", done.out);
        }
    }
    let broken = desk.vibee_in("", "fmt - --message-format json", "kernels:\n  f(\n");
    assert!(broken.out.contains("\"path\":\"<stdin>\""), "{}", broken.out);
}
