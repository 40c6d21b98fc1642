//! Commands that are programs of their own.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::Desk;

/// A program that tells how it was called.
const TELL: &str = "#!/bin/sh
echo \"told: $* [$NO_COLOR|$CLICOLOR_FORCE]\"
exit 3
";

/// Puts a program somewhere.
fn program(desk: &Desk, path: &str, text: &str) {
    desk.write(path, text);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(desk.path(path), mode).expect("a file of ours");
}

/// A copy of vibee in a folder of its own, with what is beside it known.
fn copied(desk: &Desk, to: &str) {
    let to = desk.path(to);
    std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
    std::fs::copy(env!("CARGO_BIN_EXE_vibee"), to).expect("a copy");
}

fn run(desk: &Desk, vibee: &str, args: &[&str], path: &Path) -> Output {
    let mut command = Command::new(desk.path(vibee));
    command.args(args).current_dir(desk.path("")).env("PATH", path);
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command.output().expect("vibee runs")
}

fn out(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn programs_beside_vibee_get_the_rest_of_the_line() {
    let desk = Desk::new(&[]);
    copied(&desk, "bin/vibee");
    program(&desk, "bin/vibee-tell", TELL);
    let called = |args: &[&str]| out(&run(&desk, "bin/vibee", args, &desk.path("nowhere")));
    assert_eq!(called(&["tell"]), (3, "told:  [|]\n".into(), String::new()));
    let told = called(&["tell", "a b", "--help", "-q", "--color", "always"]);
    assert_eq!(told, (3, "told: a b --help -q --color always [|]\n".into(), String::new()));
    // What stands before the name is ours; wishes for colour are handed on.
    assert_eq!(called(&["--color", "never", "tell"]).1, "told:  [1|]\n");
    assert_eq!(called(&["--color", "always", "tell"]).1, "told:  [|1]\n");
}

#[test]
fn programs_on_path_come_after_those_beside() {
    let desk = Desk::new(&[]);
    copied(&desk, "bin/vibee");
    program(&desk, "path/vibee-tell", "#!/bin/sh\necho from path\n");
    let called = || out(&run(&desk, "bin/vibee", &["tell"], &desk.path("path")));
    assert_eq!(called(), (0, "from path\n".into(), String::new()));
    program(&desk, "bin/vibee-tell", "#!/bin/sh\necho from beside\n");
    assert_eq!(called().1, "from beside\n");
}

#[test]
fn what_is_no_command_is_said() {
    let desk = Desk::new(&[]);
    copied(&desk, "bin/vibee");
    // Neither the current folder nor one that cannot be run counts.
    program(&desk, "vibee-tell", TELL);
    desk.write("bin/vibee-tell", TELL);
    let said = |name: &str| out(&run(&desk, "bin/vibee", &[name], Path::new(":")));
    let nothing = "error: there is no command `tell`, and no program `vibee-tell` beside vibee or on PATH";
    assert_eq!(said("tell"), (2, String::new(), format!("{nothing}; `vibee --help` lists commands\n")));
    let (code, _, error) = said("chekc");
    assert_eq!(code, 2);
    assert!(error.ends_with("; did you mean `check`?\n"), "{error}");
    assert_eq!(said("../vibee-tell").2, "error: `../vibee-tell` is no name of a command\n");
}

/// In a workspace cargo runs the member's program, so that what runs is never older than its source.
#[test]
fn programs_of_the_workspace_are_built() {
    let desk = Desk::new(&[
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"tools\"]\n"),
        ("tools/Cargo.toml", "[package]\nname = \"tools\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        (
            "tools/src/bin/vibee-tell.rs",
            "fn main() { println!(\"built: {:?}\", std::env::args().nth(1)); }\n",
        ),
    ]);
    copied(&desk, "target/debug/vibee");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = run(&desk, "target/debug/vibee", &["tell", "--yes"], Path::new(&path));
    assert_eq!(out(&output).1, "built: Some(\"--yes\")\n", "{output:?}");
}
