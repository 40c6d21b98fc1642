//! `check`, `show`, `explain`, `completions` and help.

use crate::support::{DOUBLE, Desk, WRONG};

#[test]
fn check_shows_where_and_why() {
    let desk = Desk::new(&[("a.vibee", DOUBLE), ("b.vibee", WRONG)]);
    let done = desk.vibee("check a.vibee b.vibee -A untested-kernel");
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    let wanted = "\
error[V0201]: unknown name `z`
 --> b.vibee:6:16
  |
6 |     y[t] = 2 * z[t]
  |                ^
";
    assert!(done.err.starts_with(wanted), "{}", done.err);
    assert!(done.err.ends_with("\n2 specs: 1 error, 0 warnings\n"), "{}", done.err);
    let done = desk.vibee("check a.vibee -A untested-kernel");
    assert_eq!((done.code, done.err.as_str()), (0, "1 spec: 0 errors, 0 warnings\n"));
}

#[test]
fn check_tells_programs_too() {
    let desk = Desk::new(&[("b.vibee", WRONG)]);
    let done = desk.vibee("check b.vibee --message-format json -q");
    assert_eq!((done.code, done.err.as_str()), (1, ""));
    let lines: Vec<serde_json::Value> =
        done.out.lines().map(|l| serde_json::from_str(l).expect("one object a line")).collect();
    assert_eq!(lines[0]["code"], "V0201");
    assert_eq!(lines[0]["span"]["line"], 6);
}

#[test]
fn what_cannot_be_read_is_said() {
    let desk = Desk::new(&[]);
    let done = desk.vibee("check nowhere");
    assert_eq!(done.code, 2);
    assert!(done.err.starts_with("error: cannot read nowhere: "), "{}", done.err);
    std::fs::write(desk.path("bytes.vibee"), [b'n', 0xff, 0xfe]).expect("a file");
    let done = desk.vibee("check bytes.vibee");
    assert_eq!(done.code, 1);
    assert!(done.err.contains("error[V0003]"), "{}", done.err);
    assert_eq!(desk.vibee("check --nonsense").code, 2);
    assert_eq!(desk.vibee("").code, 2);
}

/// A function that another spec of the run uses is used.
#[test]
fn uses_in_importing_specs_count() {
    let shared = "name: shared\nlanguage: rust\n\nfunctions:\n  double(e) = 2 * e\n  half(e) = e / 2\n\nkernels:\n  k(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n";
    let user = "name: user\nlanguage: rust\n\nimports:\n  - ../shared\n\nkernels:\n  u(x: f32[T]) -> y: f32[T]:\n    y[t] = double(x[t])\n";
    let desk = Desk::new(&[("specs/shared.vibee", shared), ("specs/nn/user.vibee", user)]);
    let alone = desk.vibee("check specs/shared.vibee -A untested-kernel");
    assert!(alone.err.contains("`double` is never used"), "{}", alone.err);
    let both = desk.vibee("check -A untested-kernel");
    assert!(both.err.contains("`half` is never used"), "{}", both.err);
    assert!(both.err.ends_with("2 specs: 0 errors, 1 warning\n"), "{}", both.err);
}

/// What is called a spec and is a pipe is not waited for.
#[cfg(unix)]
#[test]
fn pipes_are_not_read() {
    let import = DOUBLE.replacen("kernels:", "imports:\n  - pipe\n\nkernels:", 1);
    let desk = Desk::new(&[("specs/a.vibee", DOUBLE)]);
    let made = std::process::Command::new("mkfifo").arg(desk.path("specs/pipe.vibee")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo makes a pipe");
    let done = desk.vibee("check specs -A untested-kernel");
    assert_eq!((done.code, done.err.as_str()), (0, "1 spec: 0 errors, 0 warnings\n"));
    for command in ["check", "gen", "fmt"] {
        let done = desk.vibee(&format!("{command} specs/pipe.vibee"));
        assert_eq!(done.code, 2, "{command}: {}", done.err);
        assert!(done.err.contains("cannot read specs/pipe.vibee: it is no regular file"), "{}", done.err);
    }
    desk.write("specs/b.vibee", &import);
    let done = desk.vibee("check specs/b.vibee");
    assert!(done.err.contains("error[V0211]"), "{}", done.err);
}

/// Four kinds of damage have a reading if it is asked for, and a warning each.
#[test]
fn damage_is_read_leniently_on_request() {
    let text =
        b"name: damaged\nlanguage: zig\n# caf\xC3\n0\nrules:\n  - \"*\" -> ERROR\nout: \"\"\"\nx\n\"\"\"\n";
    let desk = Desk::new(&[("a.vibee", DOUBLE)]);
    std::fs::write(desk.path("damaged.vibee"), text).expect("a file");
    let strict = desk.vibee("check .");
    assert_eq!(strict.code, 1);
    // One file that is no text does not hide the others.
    assert!(strict.err.contains("error[V0003]") && strict.err.contains("2 specs: 1 error"), "{}", strict.err);
    let lenient = desk.vibee("check . --lenient -A V0804,V0815");
    assert_eq!(lenient.code, 0, "{}", lenient.err);
    for code in ["V0040", "V0041", "V0042", "V0043"] {
        assert_eq!(lenient.err.matches(&format!("warning[{code}]")).count(), 1, "{}", lenient.err);
    }
    assert!(lenient.err.ends_with("2 specs: 0 errors, 4 warnings\n"), "{}", lenient.err);
    assert_eq!(desk.vibee("gen . --out out").code, 1);
    assert_eq!(desk.vibee("gen . --out out --lenient").code, 0);
    // What was read leniently says nothing about a strict reading.
    assert_eq!(desk.vibee("gen . --out out").code, 1);
}

#[test]
fn colour_is_asked_for() {
    let desk = Desk::new(&[("b.vibee", WRONG)]);
    assert!(!desk.vibee("check b.vibee").err.contains('\u{1b}'));
    assert!(desk.vibee("check b.vibee --color always").err.contains("\u{1b}["));
}

#[test]
fn every_stage_can_be_shown() {
    let desk = Desk::new(&[("a.vibee", DOUBLE)]);
    let term = desk.vibee("show term --spec a.vibee");
    assert_eq!(term.code, 0);
    let wanted = "kernel double(x: f32[T]) -> (y: f32[T])\n  dim T = x.0\n  y[t in T]: f32 = 2.0 * x[t]\n";
    assert_eq!(term.out, wanted);
    let loops = desk.vibee("show loops double --spec a.vibee");
    assert!(loops.out.starts_with("loops double\n") && loops.out.contains("store y[t]"), "{}", loops.out);
    assert!(desk.vibee("show rust double --spec a.vibee").out.contains("pub fn double("));
    let tree = desk.vibee("show ast double --spec a.vibee");
    assert!(tree.out.starts_with("kernel double(x: f32[T]) -> (y: f32[T])"), "{}", tree.out);
    assert!(tree.out.ends_with("  y[t] = (2 * x[t])\n"), "{}", tree.out);
    let done = desk.vibee("show term triple --spec a.vibee");
    assert_eq!((done.code, done.err.as_str()), (2, "error: a.vibee has no kernel, layer or model triple\n"));
}

#[test]
fn codes_are_explained() {
    let desk = Desk::new(&[]);
    let all = desk.vibee("explain");
    assert_eq!(all.code, 0);
    assert!(all.out.lines().count() >= 40, "{}", all.out);
    for code in all.out.lines().filter_map(|l| l.split_whitespace().next()) {
        let done = desk.vibee(&format!("explain {code}"));
        assert!(done.code == 0 && done.out.starts_with(&format!("{code}: ")), "{}", done.out);
    }
    let done = desk.vibee("explain V9999");
    assert_eq!(
        (done.code, done.err.as_str()),
        (2, "error: there is no code V9999; `vibee explain` lists all\n")
    );
}

/// Every command that help lists shows examples in its own help.
#[test]
fn every_command_has_examples() {
    let desk = Desk::new(&[]);
    let commands = desk.commands();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in std::iter::once(String::new()).chain(commands) {
        let done = desk.vibee(&format!("{command} --help"));
        assert_eq!(done.code, 0);
        assert!(done.out.contains("\nExamples:\n"), "{command}: {}", done.out);
    }
}

#[test]
fn shells_complete_every_command() {
    let desk = Desk::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let done = desk.vibee(&format!("completions {shell}"));
        assert!(done.code == 0 && done.out.contains("message-format"), "{shell}");
    }
}

#[test]
fn a_name_defined_twice_is_said_once() {
    let twice = DOUBLE.to_owned() + "  double(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n";
    let desk = Desk::new(&[("twice.vibee", &twice)]);
    let done = desk.vibee("check twice.vibee");
    assert_eq!(done.code, 1);
    assert_eq!(done.err.matches("error[V0202]").count(), 1, "{}", done.err);
}
