//! `vibee gen --watch`: as a person uses it, with a second terminal.

#![cfg(unix)]

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support::{DOUBLE, Desk, WRONG};

/// Long, because tests run beside each other; nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the watch whatever the test does.
struct Watch(Child);

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn specs_are_generated_again_until_interrupted() {
    let desk = Desk::new(&[("specs/a.vibee", DOUBLE), ("specs/nn/b.vibee", &DOUBLE.replace("double", "b"))]);
    let log = std::fs::File::create(desk.path("log")).expect("a file");
    let mut watch = Watch(desk.command("", &["gen", "--watch"]).stderr(log).spawn().expect("vibee runs"));
    let rounds = || desk.read("log").matches("watching; Ctrl-C ends\n").count();
    until("the first round", || rounds() == 1);
    assert!(desk.read("log").starts_with("4 written, 0 removed, 0 unchanged in generated/src\n"));

    desk.write("specs/a.vibee", &DOUBLE.replace("2 * x", "7 * x"));
    until("a change", || desk.read("generated/src/a.rs").contains("7.0"));
    until("its round", || rounds() >= 2);
    assert!(desk.read("log").contains("changed: specs/a.vibee\n1 written, 0 removed, 3 unchanged"));

    desk.write("specs/nn/b.vibee", WRONG);
    until("an error", || desk.read("log").contains("specs/nn/b.vibee:6:16"));
    until("the watch goes on", || desk.read("log").ends_with("watching; Ctrl-C ends\n"));
    assert!(desk.path("generated/src/nn/b.rs").exists());

    desk.write("specs/new/c.vibee", &DOUBLE.replace("double", "c"));
    desk.remove("specs/nn/b.vibee");
    until("a new folder", || desk.path("generated/src/new/c.rs").exists());
    until("a removal", || !desk.path("generated/src/nn").exists());
    assert!(desk.read("log").contains("gone: specs/nn/b.vibee\n"), "{}", desk.read("log"));

    let interrupt = Command::new("kill").args(["-INT", &watch.0.id().to_string()]).status();
    assert!(interrupt.is_ok_and(|s| s.success()));
    until("the end", || watch.0.try_wait().is_ok_and(|s| s.is_some()));
    let status = watch.0.wait().expect("a status");
    assert_eq!(status.code(), Some(0), "{}", desk.read("log"));
}
