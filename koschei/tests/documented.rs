//! `docs/commands.md` shows the help of this crate's programs as it is.
//!
//! `UPDATE_DOCS=1 cargo test -p koschei --test documented` rewrites it.

use std::path::Path;
use std::process::Command;

const PROGRAMS: &[(&str, &str)] =
    &[("tree", env!("CARGO_BIN_EXE_vibee-tree")), ("bench", env!("CARGO_BIN_EXE_vibee-bench"))];

#[test]
fn the_help_of_every_program_is_in_the_documentation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let text = std::fs::read_to_string(&path).expect("the page about commands");
    let mut wanted = text.clone();
    for (name, program) in PROGRAMS {
        let output = Command::new(program).arg("--help").env("NO_COLOR", "1").output().expect("it runs");
        let help = String::from_utf8(output.stdout).expect("text");
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let marker = format!("<!-- program: {name} -->\n```text\n");
        let start = wanted.find(&marker).unwrap_or_else(|| panic!("no {marker}")) + marker.len();
        let end = start + wanted[start..].find("```\n").expect("an end of the help");
        wanted.replace_range(start..end, &format!("{}\n", help.join("\n").trim_end()));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("a writable page");
    } else {
        assert!(text == wanted, "docs/commands.md is stale; UPDATE_DOCS=1 rewrites it");
    }
}
