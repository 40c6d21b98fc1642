//! `vibee gen`: what it writes, what it leaves alone, and what it says.

use crate::support::{DOUBLE, Desk, WRONG};

fn two() -> Desk {
    Desk::new(&[
        ("specs/nn/double.vibee", DOUBLE),
        ("specs/other.vibee", &DOUBLE.replace("double", "other")),
        ("specs/words.vibee", "name: words\nlanguage: rust\nfunctions:\n  half(e) = e / 2\n"),
    ])
}

#[test]
fn specs_become_a_tree_of_modules() {
    let desk = two();
    let done = desk.vibee("gen");
    assert_eq!((done.code, done.out.as_str()), (0, ""));
    assert_eq!(done.err, "4 written, 0 removed, 0 unchanged in generated/src\n");
    let files = [".vibee-manifest", "src/lib.rs", "src/nn.rs", "src/nn/double.rs", "src/other.rs"];
    assert_eq!(desk.files("generated"), files);
    assert!(desk.read("generated/src/nn/double.rs").contains("from specs/nn/double.vibee"));
    assert!(desk.read("generated/src/nn/double.rs").contains("pub fn double("));
    let root = desk.read("generated/src/lib.rs");
    assert!(root.contains("#![forbid(unsafe_code)]\n"), "{root}");
    assert!(root.ends_with("#[rustfmt::skip]\npub mod nn;\n\n#[rustfmt::skip]\npub mod other;\n"), "{root}");
    assert!(desk.read("generated/src/nn.rs").ends_with("\n\npub mod double;\n"));
}

#[test]
fn generated_crates_are_left_alone_by_rustfmt() {
    let desk = two();
    desk.vibee("gen");
    let check = std::process::Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .arg(desk.path("generated/src/lib.rs"))
        .output();
    let output = check.expect("rustfmt runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_second_run_touches_nothing() {
    let desk = two();
    desk.vibee("gen");
    let times = |desk: &Desk| {
        let time = |f: &String| std::fs::metadata(desk.path("generated").join(f)).and_then(|m| m.modified());
        desk.files("generated").iter().map(|f| time(f).expect("a time")).collect::<Vec<_>>()
    };
    let before = times(&desk);
    assert_eq!(desk.vibee("gen").err, "0 written, 0 removed, 4 unchanged in generated/src\n");
    assert_eq!(times(&desk), before);
    assert_eq!(desk.vibee("gen --check").err, "4 files up to date in generated/src\n");
    assert_eq!(desk.vibee("gen -q").err, "");
}

#[test]
fn output_depends_on_neither_folder_nor_threads() {
    let desk = two();
    desk.vibee("gen --jobs 1");
    let done = desk.vibee_in("specs", "gen . --out ../again/src --jobs 3", "");
    assert_eq!(done.code, 0, "{}", done.err);
    for f in desk.files("generated") {
        assert_eq!(desk.read(&format!("generated/{f}")), desk.read(&format!("again/{f}")), "{f}");
    }
}

#[test]
fn check_shows_the_difference_and_the_command() {
    let desk = two();
    desk.vibee("gen specs --out rust");
    desk.write("specs/other.vibee", &DOUBLE.replace("double", "other").replace("Twice the", "Two times the"));
    let before = desk.read("rust/other.rs");
    let done = desk.vibee("gen specs --out rust --check");
    assert_eq!(done.code, 1);
    assert!(done.out.starts_with("--- a/rust/other.rs\n+++ b/rust/other.rs\n@@ -1,4 +1,4 @@\n-//! Twice the input\n+//! Two times the input\n"), "{}", done.out);
    assert_eq!(done.err, "error: 1 file not as the specs say; to update: vibee gen specs --out rust\n");
    assert_eq!(desk.read("rust/other.rs"), before);
    assert_eq!(desk.vibee("gen specs --out rust").code, 0);
    assert_eq!(desk.vibee("gen specs --out rust --check").code, 0);
}

#[test]
fn an_error_in_one_spec_stops_all_writing() {
    let desk = two();
    desk.write("specs/wrong.vibee", WRONG);
    let done = desk.vibee("gen");
    assert_eq!(done.code, 1);
    assert!(done.err.contains("specs/wrong.vibee:6:16"), "{}", done.err);
    assert!(done.err.ends_with("error: nothing was written\n"), "{}", done.err);
    assert_eq!(desk.files("generated"), [""; 0]);
}

#[test]
fn files_of_removed_specs_go_with_their_folder() {
    let desk = two();
    desk.vibee("gen");
    desk.write("generated/src/mine.rs", "// not generated\n");
    desk.remove("specs/nn/double.vibee");
    assert_eq!(desk.vibee("gen").err, "1 written, 2 removed, 1 unchanged in generated/src\n");
    let files = [".vibee-manifest", "src/lib.rs", "src/mine.rs", "src/other.rs"];
    assert_eq!(desk.files("generated"), files);
    assert!(!desk.path("generated/src/nn").exists());
}

#[test]
fn edited_files_are_kept_unless_forced() {
    let desk = two();
    desk.vibee("gen");
    let made = desk.read("generated/src/other.rs");
    desk.write("generated/src/other.rs", "// edited\n");
    let done = desk.vibee("gen");
    assert_eq!(done.code, 2);
    assert_eq!(
        done.err,
        "error: nothing was written:\n  generated/src/other.rs was edited by hand\n\
         to give those files up: vibee gen specs --force\n"
    );
    assert_eq!(desk.read("generated/src/other.rs"), "// edited\n");
    assert!(desk.vibee("gen --check").err.ends_with("to update: vibee gen specs --force\n"));
    // Removing its spec does not remove an edited file either.
    desk.remove("specs/other.vibee");
    assert_eq!(desk.vibee("gen").code, 2);
    assert_eq!(desk.read("generated/src/other.rs"), "// edited\n");
    desk.write("specs/other.vibee", &DOUBLE.replace("double", "other"));
    assert_eq!(desk.vibee("gen --force").code, 0);
    assert_eq!(desk.read("generated/src/other.rs"), made);
}

#[test]
fn files_of_others_are_kept_unless_forced() {
    let desk = two();
    desk.write("generated/src/other.rs", "// mine\n");
    let done = desk.vibee("gen");
    assert_eq!(done.code, 2);
    assert!(
        done.err.contains("generated/src/other.rs exists and was not made by vibee gen\n"),
        "{}",
        done.err
    );
    assert_eq!(desk.files("generated"), ["src/other.rs"]);
}

#[test]
fn a_part_of_the_specs_does_not_remove_the_rest() {
    let desk = two();
    desk.vibee("gen");
    let done = desk.vibee("gen specs/nn");
    assert_eq!(done.code, 2);
    assert!(done.err.contains("its spec specs/nn/double.vibee exists and was not given"), "{}", done.err);
    assert_eq!(desk.vibee("gen --check").code, 0);
}

#[test]
fn a_damaged_manifest_is_an_error() {
    let desk = two();
    desk.vibee("gen");
    desk.write("generated/.vibee-manifest", "0123456789abcdef0123456789abcdef ../../x.rs\n");
    desk.write("x.rs", "");
    let done = desk.vibee("gen");
    assert_eq!(done.code, 2);
    assert!(done.err.starts_with("error: generated/.vibee-manifest:1: damaged manifest"), "{}", done.err);
    assert!(desk.path("x.rs").exists());
}

/// What is known is not asked, and what nothing reads is said to be so: generated crates have no warnings.
#[test]
fn conditions_that_are_known_are_not_written() {
    let spec = "name: odd\nlanguage: rust\n\nkernels:\n  blocks(x: f32[C, 2*H]) -> y: f32[C*2, H]:\n    p[c, a in 2, h in H] = x[c, 2*h + a]\n    y[c*2 + a, h] = p[c, a, h]\n  apart(x: f32, n: i32) -> y: bool:\n    y = not (x == 3) and (true and n > 2)\n  reads(x: f32[N], s: i32) -> y: f32[2]:\n    y[a in 2] = x[a + s]\n\nlayers:\n  Plain[D]:\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y[t, d] = x[t, d] + 1\n  Dead[D]:\n    weights:\n      w: f32[D]\n      u: f32[D]\n      p: Plain[D]\n    forward(x: f32[T, D], at: idx<D>) -> y: f32[T]:\n      lost[t, d] = x[t, d] * u[d]\n      z = p(x)\n      y[t] = z[t, at] * w[0; 1]\n\nmodels:\n  M:\n    config: {D: hidden}\n    weights:\n      dead: Dead[D]\n    forward(x: f32[T, D]) -> y: f32[T]:\n      y = dead(x, 0)\n";
    let desk = Desk::new(&[("specs/odd.vibee", spec)]);
    let done = desk.vibee("gen");
    assert_eq!(done.code, 0, "{}", done.err);
    let code = desk.read("generated/src/odd.rs");
    for unwanted in ["2 == 0", "true &&", "!(x", "0 <= 0"] {
        assert!(!code.contains(unwanted), "{unwanted} in {code}");
    }
    for wanted in ["!= 3.0", "_source: &dyn", "#[allow(dead_code)]\n    u: Tensor", "    w: Tensor"] {
        assert!(code.contains(wanted), "{wanted} in {code}");
    }
    assert_eq!(code.matches("allow(dead_code)").count(), 1, "{code}");
}
