//! Whole sessions: what every command prints, with its main failures, word for word.
//!
//! A session is a list of commands in one folder. Its transcript has each command, its standard
//! output, its standard error behind `!`, and its exit code. Nothing in it depends on the machine
//! or a terminal.

use crate::support::{DOUBLE, Desk, WRONG};

/// The transcript of commands run one after the other.
fn session(desk: &Desk, commands: &[&str]) -> String {
    let mut text = String::new();
    for command in commands {
        let done = desk.vibee(command);
        text += &format!("$ vibee {command}\n{}", done.out);
        for line in done.err.lines() {
            text += format!("! {line}").trim_end();
            text.push('\n');
        }
        text += &format!("[{}]\n\n", done.code);
    }
    let folder = desk.path("").display().to_string();
    text.replace(folder.trim_end_matches('/'), "FOLDER").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

macro_rules! transcript {
    ($name:ident, $files:expr, $commands:expr) => {
        #[test]
        fn $name() {
            let desk = Desk::new(&$files);
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path("snapshots");
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(stringify!($name), session(&desk, &$commands)));
        }
    };
}

const MESSY: &str =
    "name: messy\nlanguage: rust\nkernels:\n    twice(x:f32[T])->y:f32[T]:\n        y[t]=2*x[t]\n";

const WITH_CASES: &str = "name: sums
language: rust

kernels:
  # Sum of every row.
  sums(x: f32[T, D]) -> y: f32[T]:
    y[t] = sum[d](x[t, d])

test_cases:
  - name: right
    call: sums(x: [[1, 2]])
    expect: y == [3]
";

transcript!(
    check,
    [("specs/double.vibee", DOUBLE), ("specs/wrong.vibee", WRONG)],
    [
        "check",
        "check specs/double.vibee",
        "check specs/double.vibee -A V0815",
        "check specs/double.vibee -D untested-kernel",
        "check specs/double.vibee -A nonsense",
        "check specs/wrong.vibee --message-format json",
        "check specs/wrong.vibee --message-format github",
        "check nowhere",
    ]
);

transcript!(
    fmt,
    [("specs/messy.vibee", MESSY), ("broken.vibee", "kernels:\n  f(\n")],
    ["fmt --check", "fmt", "fmt --check", "fmt broken.vibee", "fmt nowhere", "fmt - specs"]
);

transcript!(
    new,
    [],
    [
        "new shares",
        "new shares",
        "new nn/dense --kind layer --dir kernels",
        "new Shares",
        "new sum",
        "new ../escape",
        "new",
        "check",
    ]
);

transcript!(
    diff,
    [
        ("old.vibee", WITH_CASES),
        ("same.vibee", WITH_CASES),
        (
            "new.vibee",
            "name: sums\nlanguage: rust\n\nkernels:\n  sums(x: f64[T, D]) -> y: f32[T]:\n    y[t] = sum[d](x[t, d])\n\n  more(x: f32) -> y: f32:\n    y = x\n"
        ),
        ("wrong.vibee", WRONG),
        ("folder/a.vibee", DOUBLE),
    ],
    [
        "diff old.vibee same.vibee",
        "diff old.vibee new.vibee",
        "diff old.vibee new.vibee --message-format json",
        "diff old.vibee wrong.vibee",
        "diff old.vibee folder",
        "diff old.vibee",
        "diff --git nowhere folder",
    ]
);

transcript!(generate, [("specs/double.vibee", DOUBLE)], ["gen", "gen", "gen --check", "gen nowhere"]);

transcript!(
    show,
    [("sums.vibee", WITH_CASES)],
    [
        "show term --spec sums.vibee",
        "show loops sums --spec sums.vibee",
        "show term nothing --spec sums.vibee"
    ]
);

transcript!(
    eval,
    [("sums.vibee", WITH_CASES), ("x.json", "{\"x\": [[1, 2], [3, 4]]}"), ("wrong.json", "{\"x\": [1]}")],
    [
        "eval sums --spec sums.vibee --input x.json",
        "eval sums --spec sums.vibee --input wrong.json",
        "eval nothing --spec sums.vibee --input x.json",
    ]
);

transcript!(explain, [], ["explain V0201", "explain V0815", "explain V9999"]);

transcript!(
    modules,
    [("specs/sums.vibee", WITH_CASES)],
    [
        "modules specs",
        "modules specs --out MODULES.md",
        "modules specs --out MODULES.md --check",
        "modules specs --results nowhere.json",
    ]
);

transcript!(completions, [], ["completions", "completions tcsh"]);

transcript!(
    run,
    [("sums.vibee", WITH_CASES)],
    ["run nothing --spec sums.vibee --input -", "run sums", "test nowhere"]
);
