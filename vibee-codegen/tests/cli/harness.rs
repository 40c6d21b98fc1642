//! `vibee test` and `vibee run`: compiled code. One small package, so that little is built.

use vibee_codegen::harness::{Call, Driver, Layout, Reply};
use vibee_codegen::project::Project;

use crate::support::{DOUBLE, Desk};

const SPEC: &str = "name: small
language: rust

kernels:
  scale(x: f32[T], c: f32) -> y: f32[T]:
    y[t] = c * x[t]

  total(x: f32[T, D]) -> y: f32[T]:
    y[t] = sum[d](x[t, d])

  silent(x: f32[T]) -> y: f32[T]:
    y[t] = x[t] + 1

behaviors:
  - name: scaling
    given: A vector
    when: It is scaled
    then: So is its sum
    test_cases:
      - name: twice
        call: scale(x: [1, -2], c: 2)
        expect: y == [2, -4]
      - name: too_many_axes
        call: total(x: [[1, 2], [3, 4]])
        expect: y == [3, 8]
    laws:
      - name: linear
        for: c in [-4, 4]
        holds: total(c * x) ~ c * total(x) within 1e-4
      - name: not_quadratic
        for: c in [2, 4]
        holds: scale(x, c * c) ~ scale(x, c) within 1e-4
";

#[test]
fn compiled_code_is_tested_and_run() {
    let desk = Desk::new(&[("small.vibee", SPEC), ("words.vibee", "name: words\nlanguage: rust\n")]);

    // A case and a law are wrong; one kernel asserts nothing.
    let done = desk.vibee("test small.vibee words.vibee --cases 6 --json");
    assert_eq!(done.code, 1, "{}", done.err);
    let json: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
    let kernels = &json["specs"][0]["kernels"];
    let statuses: Vec<_> = (0..3).map(|n| kernels[n]["status"].as_str().unwrap_or("")).collect();
    assert_eq!(statuses, ["ok", "failed", "asserts nothing"], "{json:#}");
    let failure = &kernels[1]["failures"][0];
    assert_eq!(failure["trial"], "case too_many_axes");
    assert_eq!(failure["what"], "by the interpreter: element 1 of y is 7.0, expected is 8.0");
    assert_eq!(failure["input"], r#"{"x":[[1,2],[3,4]]}"#);
    assert_eq!(json["failures"], 2);
    let laws = &json["specs"][0]["laws"];
    assert_eq!((&laws[0]["status"], &laws[1]["status"]), (&"ok".into(), &"failed".into()));
    for n in 0..3 {
        assert!(kernels[n]["values"].as_u64() > Some(100), "{json:#}");
        assert!(kernels[n]["refused"].as_u64() > Some(0) || n == 2, "{json:#}");
    }

    // The same package again, put right.
    desk.write("small.vibee", &SPEC.replace("[3, 8]", "[3, 7]").replace("c * c", "c"));
    let done = desk.vibee("test small.vibee words.vibee --cases 6");
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    assert!(done.out.starts_with("small.vibee\n  kernel "), "{}", done.out);
    assert!(done.out.contains(" 1/1 ") && done.out.contains("asserts nothing\n"), "{}", done.out);
    what_was_tested_is_told(&desk);
    let done = desk.vibee("test small.vibee --filter nothing_like_that");
    assert_eq!(done.code, 1);
    assert_eq!(done.err, "error: nothing was tested: there are no such kernels\n");

    let run = |args: &str, input: &str| {
        desk.vibee_in("", &format!("run total --spec small.vibee --input - {args}"), input)
    };
    let done = run("", r#"{"x": [[0.1, 0.2], ["inf", 1]]}"#);
    assert_eq!((done.code, done.out.as_str()), (0, "{\n  \"y\": [0.3,\"inf\"]\n}\n"), "{}", done.err);
    assert_eq!(run("--isa scalar --threads 2", r#"{"x": [[0.1, 0.2], ["inf", 1]]}"#).out, done.out);
    let done = run("--isa mmx", r#"{"x": []}"#);
    assert_eq!(done.code, 2);
    assert!(done.err.starts_with("error: this machine has no level mmx; it has scalar"), "{}", done.err);
}

/// The same package, recorded; the table knows what ran and that an edit makes it worthless.
fn what_was_tested_is_told(desk: &Desk) {
    let table = "modules small.vibee words.vibee --results results.json";
    let row_of = |table: &str, name: &str| {
        let page = desk.vibee(table).out;
        let row = page.lines().find(|l| l.starts_with(&format!("| {name} |"))).unwrap_or_default();
        row.to_owned()
    };
    let row = |name: &str| row_of(table, name);
    let before = row_of("modules small.vibee words.vibee", "small");
    assert!(before.contains("| – | untested | 3 kernels: not tested |"), "{before}");
    let done = desk.vibee("test small.vibee words.vibee --cases 6 --record results.json");
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    assert!(row("small").contains("| tested | 3 kernels on scalar, "), "{}", row("small"));
    assert!(row("small").contains(": 2 cases, 2 laws, "), "{}", row("small"));
    assert!(row("small").ends_with(" values compared, 1 without case or law |"), "{}", row("small"));
    assert!(row("words").ends_with("| declared | functions or constants only |"), "{}", row("words"));

    let page = format!("{table} --out docs/MODULES.md");
    desk.write("docs/MODULES.md", "");
    assert_eq!(desk.vibee(&format!("{page} --check")).code, 1);
    assert_eq!(desk.read("docs/MODULES.md"), "");
    assert_eq!(desk.vibee(&page).err, "docs/MODULES.md: 2 modules\n");
    assert!(desk.read("docs/MODULES.md").contains("[small.vibee](../small.vibee)"));
    assert_eq!(desk.vibee(&format!("{page} --check")).code, 0);

    let spec = desk.read("small.vibee");
    desk.write("small.vibee", &spec.replace("x[t] + 1", "x[t] + 2"));
    assert!(row("small").contains("| untested | 3 kernels: changed since tested |"), "{}", row("small"));
    assert_eq!(desk.vibee(&format!("{page} --check")).code, 1);
    desk.write("small.vibee", &spec);
    let done = desk.vibee("test small.vibee --cases 1 --record elsewhere/results.json");
    assert_eq!(done.code, 2);
    assert_eq!(done.err, "error: small.vibee does not lie below the folder of elsewhere/results.json\n");
}

/// A kernel that ends its process costs one call, not the run.
#[cfg(unix)]
#[test]
fn a_crash_is_the_result_of_one_call() {
    use std::os::unix::fs::PermissionsExt;
    // Greets with the level "scalar", then answers the first four bytes by dying.
    let script = "#!/bin/sh\nprintf '\\000\\006\\000\\000\\000\\000\\000\\000\\000scalar'\nhead -c 4 > /dev/null\nexit 7\n";
    let desk = Desk::new(&[("driver.sh", script), ("double.vibee", DOUBLE)]);
    let program = desk.path("driver.sh");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let project = Project::load(&[desk.path("double.vibee")]).expect("a spec");
    let checked = project.check(0);
    let kernel = &checked.module.kernels[0];
    let mut driver = Driver::start(&program).expect("it greets");
    assert_eq!(driver.levels(), ["scalar"]);
    let x = vibee_spec::interp::Tensor::float(vibee_spec::term::DType::F32, &[1], &[1.0]);
    let call = Call {
        dims: &[],
        inputs: &[x],
        outputs: &[vec![1]],
        layout: Layout::default(),
        level: 0,
        threads: 1,
        turn: 0,
    };
    for _ in 0..2 {
        let reply = driver.call(0, kernel, &call).expect("it is started again");
        assert_eq!(reply, Reply::Failed("ended the process: exit status: 7".into()));
    }
}
