//! `vibee-tree` as users meet it.

use std::path::Path;
use std::process::Command;

struct Desk(tempfile::TempDir);

struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new(files: &[(&str, &str)]) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        for (path, text) in files {
            let path = desk.0.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        desk
    }

    fn tree(&self, args: &str) -> Done {
        run(self.0.path(), args)
    }
}

fn run(folder: &Path, args: &str) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_vibee-tree"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .envs([("LC_ALL", "C.UTF-8")])
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Done { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

const FORMULAS: &str = "name: formulas\nlanguage: rust\n\nfunctions:\n  twice(e) = 2 * e\n";
const DOUBLE: &str = "name: double\nlanguage: rust\n\nimports:\n  - formulas\n\nkernels:\n  double(x: f32[T]) -> y: f32[T]:\n    y[t] = twice(x[t])\n";

fn plan(name: &str, more: &str) -> String {
    format!("name: {name}\nlanguage: rust\n{more}\nbehaviors:\n  - name: run\n    given: a plan\n")
}

#[test]
fn imports_and_requirements_make_a_tree() {
    let scheduler = plan("scheduler", "effort: 2.5\nrequires:\n  - double\n  - cache\n");
    let cache = plan("cache", "requires: []\n");
    let files = [
        ("s/formulas.vibee", FORMULAS),
        ("s/double.vibee", DOUBLE),
        ("s/a.vibee", &scheduler),
        ("s/b.vibee", &cache),
    ];
    let desk = Desk::new(&files);
    let done = desk.tree("s");
    let wanted = "\
4 modules: 1 definition, 3 specified

○ scheduler (2.5)
├── ○ cache
└── ○ double
    └── ◇ formulas

can be started now: cache, double
critical path: cache → scheduler (effort 3.5)

◇ definition, ○ specified; (*) is shown above, (N) is an effort other than 1
";
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, wanted, ""));
    // What an asked-for spec imports belongs to its tree.
    let done = desk.tree("s/double.vibee");
    assert!(done.code == 0 && done.out.contains("○ double\n└── ◇ formulas\n"), "{}", done.out);
    assert!(desk.tree("s --charset ascii").out.is_ascii());
    assert!(desk.tree("s --color always").out.contains('\u{1b}'));
}

#[test]
fn what_passed_is_done_until_it_changes() {
    use vibee_codegen::project::Project;
    use vibee_codegen::results::{Results, SuiteResult, facts};
    let (base, top) = (plan("base", ""), plan("top", "requires: [base]\n"));
    let desk = Desk::new(&[("base.vibee", &base), ("top.vibee", &top)]);
    let folder = desk.0.path();
    let project = Project::load(&[folder.join("base.vibee")]).expect("a spec");
    let record = |failures| {
        let mut results = Results::default();
        let suite = SuiteResult { implementation: "x::Base".into(), assertions: 9, failures };
        results.record_suite("base", &facts::fingerprint(&project, 0), suite);
        std::fs::write(folder.join("results.json"), results.text().expect("JSON")).expect("a file");
    };
    record(0);
    // Results beside the specs are found by themselves.
    let done = desk.tree(".");
    assert!(done.out.contains("└── ✓ base\n") && done.out.contains("started now: top\n"), "{}", done.out);
    record(1);
    assert!(desk.tree(".").out.contains("└── ✗ base\n"));
    record(0);
    std::fs::write(folder.join("base.vibee"), base + "\n# changed\n").expect("a file");
    let done = desk.tree(". --results results.json --format json");
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(json["modules"][0]["status"], "specified", "{}", done.out);
    let done = desk.tree(". --results elsewhere.json");
    assert_eq!(
        (done.code, done.err.as_str()),
        (2, "error: cannot read elsewhere.json: there is no such file\n")
    );
}

#[test]
fn cycles_show_the_lines_that_close_them() {
    let (a, b) = (plan("a", "requires: [b]\n"), plan("b", "requires:\n  - c\n  - a\n"));
    let desk = Desk::new(&[("a.vibee", &a), ("b.vibee", &b), ("c.vibee", &plan("c", ""))]);
    let done = desk.tree("a.vibee b.vibee c.vibee");
    let wanted = "\
error: modules require each other: a → b → a
 --> a.vibee:3
 --> b.vibee:5
  = help: one of these lines has to go
";
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (1, "", wanted));
    let done = desk.tree("a.vibee b.vibee c.vibee --format json");
    let wanted =
        serde_json::json!({"problems": [{"kind": "cycle", "path": ["a", "b", "a"], "suggestion": null}]});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&done.out).expect("JSON"), wanted);
}

#[test]
fn every_problem_is_reported() {
    let files = [
        ("a.vibee", plan("attention", "requires: [sofmax, embedding]\n")),
        ("b.vibee", plan("softmax", "effort: -1\n")),
        ("c.vibee", plan("softmax", "effort: much\nrequires: softmax\n")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let done = Desk::new(&files).tree("a.vibee b.vibee c.vibee");
    let wanted = "\
error: `requires:` is a list of module names
 --> c.vibee:4
error: `effort:` is a number
 --> c.vibee:3
error: more than one module is called `softmax`
 --> b.vibee:1
 --> c.vibee:1
  = help: give each its own `name:`
error: the effort of `softmax` is negative or no number
 --> b.vibee:1
 --> c.vibee:1
  = help: write a number of at least 0
error: `attention` requires `embedding`, which is no module
 --> a.vibee:3
  = help: add a spec of that name, or its folder to the command
error: `attention` requires `sofmax`, which is no module
 --> a.vibee:3
  = help: did you mean `softmax`?
";
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (1, "", wanted));
}

#[test]
fn pictures_are_written() {
    let desk = Desk::new(&[("a.vibee", &plan("a", ""))]);
    let done = desk.tree("a.vibee --format svg --out a.svg");
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, "", "wrote a.svg\n"));
    let written = std::fs::read_to_string(desk.0.path().join("a.svg")).expect("a file");
    assert!(written.starts_with("<svg ") && written == desk.tree("a.vibee --format svg").out);
    let done = desk.tree("a.vibee --out nowhere/a.svg");
    assert!(done.code == 2 && done.err.starts_with("error: cannot write nowhere/a.svg: "), "{}", done.err);
}

#[test]
fn the_specs_of_this_repository_are_a_tree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let done = run(&root, "specs --format json");
    assert_eq!(done.code, 0, "{}", done.err);
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    assert!(json["modules"].as_array().is_some_and(|m| m.len() >= 15), "{}", done.out);
}

#[test]
fn help_has_examples_and_mistakes_end_with_two() {
    let desk = Desk::new(&[]);
    let done = desk.tree("--help");
    assert!(done.code == 0 && done.out.contains("\nExamples:\n  vibee tree\n"), "{}", done.out);
    assert_eq!(desk.tree("--nonsense").code, 2);
    let done = desk.tree("nowhere");
    assert!(done.code == 2 && done.err.starts_with("error: cannot read nowhere: "), "{}", done.err);
}
