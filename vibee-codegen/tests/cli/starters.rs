//! `vibee new`: every starter is formatted, has no finding and passes its own tests.

use crate::support::Desk;

#[test]
fn every_starter_is_as_it_should_be() {
    for kind in ["kernel", "types", "layer"] {
        let desk = Desk::new(&[]);
        assert_eq!(desk.vibee(&format!("new nn/rows_of --kind {kind}")).code, 0);
        assert_eq!(desk.files("specs"), ["nn/rows_of.vibee"]);
        for command in ["fmt --check", "check -D warnings", "gen"] {
            let done = desk.vibee(command);
            assert_eq!(done.code, 0, "{kind}: {command}: {}{}", done.out, done.err);
        }
    }
}

/// A name is refused only where the starter's own text uses it.
#[test]
fn names_of_other_starters_are_free() {
    let names = ["x", "w", "b", "y", "t", "d", "i", "o", "c", "total", "scale", "forward", "label", "mode"];
    let desk = Desk::new(&[]);
    let mut refused = Vec::new();
    for kind in ["kernel", "types", "layer"] {
        for name in names {
            if desk.vibee(&format!("new {name} --kind {kind} --dir {kind}")).code != 0 {
                refused.push(format!("{kind} {name}"));
            }
        }
        let done = desk.vibee(&format!("check {kind} -D warnings"));
        assert_eq!(done.code, 0, "{kind}: {}{}", done.out, done.err);
    }
    assert_eq!(refused.len(), 6 + 6 + 8, "{refused:?}");
    assert!(["kernel total", "types scale", "layer w"].iter().all(|r| refused.contains(&(*r).to_owned())));
}

/// Compiled once: the three kinds are built together.
#[test]
fn starters_pass_their_tests() {
    let desk = Desk::new(&[]);
    for kind in ["kernel", "types", "layer"] {
        assert_eq!(desk.vibee(&format!("new {kind}_rows --kind {kind}")).code, 0);
    }
    let done = desk.vibee("test");
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
}

#[test]
fn nothing_is_overwritten() {
    let desk = Desk::new(&[("specs/mine.vibee", "name: mine\n")]);
    let done = desk.vibee("new mine");
    assert_eq!((done.code, done.err.as_str()), (2, "error: specs/mine.vibee exists; nothing was written\n"));
    assert_eq!(desk.read("specs/mine.vibee"), "name: mine\n");
    let desk = Desk::new(&[("vendor/notes.txt", "mine")]);
    assert_eq!(desk.vibee("runtime vendor").code, 2);
    assert_eq!(desk.files("vendor"), ["notes.txt"]);
    assert_eq!(desk.vibee("runtime other").code, 0);
    // Declared types and mapped weights need what kernels alone do not.
    let manifest = desk.read("other/Cargo.toml");
    assert!(manifest.contains("serde = [\"dep:serde\"]"), "{manifest}");
    assert!(manifest.contains("features = [\"derive\"], optional = true }"), "{manifest}");
    assert!(manifest.contains("map = [\"dep:memmap2\"]"), "{manifest}");
    assert!(manifest.contains("memmap2 = { version = \""), "{manifest}");
    let done = desk.vibee("runtime other");
    assert_eq!((done.code, done.err.as_str()), (0, "0 files written in other\n"));
}
