//! The guide for new users, followed to the letter in an empty folder.

use std::path::Path;
use std::process::Command;

use crate::support::Desk;

/// All blocks of a guide that are for a shell, in order.
fn commands(guide: &str) -> String {
    let mut out = String::from("set -e\n");
    let mut inside = false;
    for line in guide.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => {
                out += line;
                out.push('\n');
            }
            _ => {}
        }
    }
    out
}

#[test]
fn the_guide_works_in_an_empty_folder() {
    let desk = Desk::new(&[]);
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide.md");
    let script = commands(&std::fs::read_to_string(guide).expect("the guide"));
    assert!(script.contains("vibee new") && script.contains("cargo test"), "{script}");
    let command = Path::new(env!("CARGO_BIN_EXE_vibee")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(desk.path(""))
        .env("PATH", format!("{}:{path}", command.display()))
        .env("VIBEE_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("vibee"))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide"))
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("bash runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    // The kernel of the guide is compared with a number there.
    assert!(text(&output.stdout).contains("1 passed"), "{}", text(&output.stdout));
}
