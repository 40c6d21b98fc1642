//! `docs/commands.md` shows the help of every command as it is.
//!
//! `UPDATE_DOCS=1 cargo test -p vibee-codegen --test cli documented` rewrites it.

use std::path::Path;

use crate::support::Desk;

#[test]
fn the_help_of_every_command_is_in_the_documentation() {
    let desk = Desk::new(&[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let text = std::fs::read_to_string(&path).expect("the page about commands");
    let (mut wanted, mut missing) = (text.clone(), vec![]);
    for command in desk.commands() {
        let help = desk.vibee(&format!("{command} --help")).out;
        let marker = format!("<!-- help: {command} -->\n");
        let Some(at) = wanted.find(&marker) else {
            missing.push(command);
            continue;
        };
        let start = at + marker.len();
        let end = wanted[start..].find("\n```\n").map_or(start, |end| start + end + "\n```\n".len());
        // What follows a marker without help stays.
        let end = if wanted[start..].starts_with("```text\n") { end } else { start };
        wanted.replace_range(start..end, &format!("```text\n{}\n```\n", own(&help).trim_end()));
    }
    assert!(missing.is_empty(), "docs/commands.md has no `<!-- help: … -->` for {missing:?}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("a writable page");
    } else {
        assert!(text == wanted, "docs/commands.md is stale; UPDATE_DOCS=1 rewrites it");
    }
}

/// A command's help without what all commands share.
fn own(help: &str) -> String {
    const SHARED: &[&str] =
        &["--color", "--quiet", "--message-format", "--lenient", "--allow", "--warn", "--deny", "--help"];
    let mut out = String::new();
    let mut shared = false;
    for line in help.lines() {
        let indent = line.len() - line.trim_start().len();
        let is_option = line.trim_start().starts_with('-') && indent <= 6;
        if is_option {
            shared = SHARED.iter().any(|flag| line.contains(&format!("{flag} ")) || line.ends_with(flag));
        } else if indent == 0 && !line.is_empty() {
            shared = line == "Lints:";
        }
        if !shared {
            out += line;
            out.push('\n');
        }
    }
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    out
}
