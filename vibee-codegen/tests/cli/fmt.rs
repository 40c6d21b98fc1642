//! `vibee fmt`.

use crate::support::{DOUBLE, Desk, WRONG};

const MESSY: &str = "name: double
language: rust
description: Twice the input
kernels:
    double(x:f32[T])->y:f32[T]:
        y[t]=2*x[t]";

#[test]
fn files_are_rewritten_once() {
    let desk = Desk::new(&[("specs/a.vibee", MESSY), ("specs/b.vibee", DOUBLE)]);
    let done = desk.vibee("fmt");
    assert_eq!((done.code, done.err.as_str()), (0, "1 formatted, 1 unchanged\n"));
    assert_eq!(desk.read("specs/a.vibee"), DOUBLE);
    let done = desk.vibee("fmt specs/");
    assert_eq!((done.code, done.err.as_str()), (0, "0 formatted, 2 unchanged\n"));
    assert_eq!(desk.files("specs"), ["a.vibee", "b.vibee"]);
}

#[test]
fn check_shows_the_difference_and_the_command() {
    let desk = Desk::new(&[("a.vibee", MESSY), ("b.vibee", DOUBLE)]);
    let done = desk.vibee("fmt a.vibee b.vibee --check");
    assert_eq!(done.code, 1);
    let wanted = "--- a/a.vibee\n+++ b/a.vibee\n@@ -1,6 +1,7 @@\n";
    assert!(done.out.starts_with(wanted), "{}", done.out);
    assert!(done.out.contains("\n-        y[t]=2*x[t]\n"), "{}", done.out);
    assert!(done.out.contains("\n+    y[t] = 2 * x[t]\n"), "{}", done.out);
    assert!(done.err.contains("error[V0801]: the spec is not formatted\n --> a.vibee:4:1"), "{}", done.err);
    assert!(
        done.err.ends_with("error: 1 spec not formatted; run `vibee fmt a.vibee b.vibee`\n"),
        "{}",
        done.err
    );
    assert_eq!(desk.read("a.vibee"), MESSY);
    let done = desk.vibee("fmt b.vibee --check");
    assert_eq!((done.code, done.err.as_str()), (0, "1 spec formatted\n"));
}

#[test]
fn a_spec_with_errors_is_left_alone() {
    let broken = format!("{WRONG}  more(\n");
    let desk = Desk::new(&[("a.vibee", &broken), ("b.vibee", MESSY)]);
    let done = desk.vibee("fmt a.vibee b.vibee");
    assert_eq!(done.code, 1);
    assert!(done.err.contains("error[V0030]"), "{}", done.err);
    assert!(
        done.err.ends_with("error: 1 spec with errors was left alone\n1 formatted, 0 unchanged\n"),
        "{}",
        done.err
    );
    assert_eq!(desk.read("a.vibee"), broken);
    assert_eq!(desk.read("b.vibee"), DOUBLE);
}

#[test]
fn standard_input_comes_out_formatted() {
    let desk = Desk::new(&[]);
    let done = desk.vibee_in("", "fmt -", MESSY);
    assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (0, DOUBLE, ""));
    let done = desk.vibee_in("", "fmt - --check", MESSY);
    assert_eq!(done.code, 1);
    assert!(done.out.starts_with("--- a/stdin\n+++ b/stdin\n"), "{}", done.out);
    assert_eq!(desk.vibee_in("", "fmt - --check", DOUBLE).code, 0);
    let done = desk.vibee_in("", "fmt -", "kernels:\n  f(\n");
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("error[V0030]") && done.err.contains("--> <stdin>:2:4"), "{}", done.err);
    assert_eq!(desk.vibee("fmt - a.vibee").code, 2);
    assert_eq!(desk.vibee("fmt nowhere").code, 2);
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_go() {
    let windows = format!("\u{feff}{}", DOUBLE.replace('\n', "\r\n"));
    let desk = Desk::new(&[("a.vibee", &windows)]);
    assert_eq!(desk.vibee("fmt a.vibee --check").code, 1);
    assert_eq!(desk.vibee("fmt a.vibee").code, 0);
    assert_eq!(desk.read("a.vibee"), DOUBLE);
}
