//! `vibee gen` and the world around it: killed, run twice at once, full disks, odd names.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{DOUBLE, Desk};

fn scale(name: &str, by: u64) -> String {
    DOUBLE.replace("double", name).replace("2 * x", &format!("{by} * x"))
}

/// Many specs, so that a run takes a while.
fn many(desk: &Desk, by: u64) {
    for n in 0..120 {
        desk.write(&format!("specs/p{}/s{n}.vibee", n % 7), &scale(&format!("s{n}"), by));
    }
}

fn assert_fresh(desk: &Desk, name: &str) {
    let out = format!("fresh/{name}");
    assert_eq!(desk.vibee(&format!("gen specs --out {out}/src")).code, 0);
    assert_eq!(desk.files("generated"), desk.files(&out));
    for f in desk.files("generated") {
        assert_eq!(desk.read(&format!("generated/{f}")), desk.read(&format!("{out}/{f}")), "{f}");
    }
}

#[test]
fn a_killed_run_is_finished_by_the_next() {
    let desk = Desk::new(&[]);
    many(&desk, 2);
    assert_eq!(desk.vibee("gen").code, 0);
    let mut interrupted = 0;
    for round in 0..16 {
        many(&desk, 3 + round);
        let mut child = desk
            .command("", &["gen", "-q"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("vibee runs");
        // Until it begins to write, then a little more.
        let journal = desk.path("generated/.vibee-manifest.new");
        while !journal.exists() && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_micros(300 * round));
        let _ = child.kill();
        let _ = child.wait();
        interrupted += usize::from(journal.exists());
        // Not even the specs are as they were.
        many(&desk, 100 + round);
        desk.remove(&format!("specs/p{}/s{round}.vibee", round % 7));
        let done = desk.vibee("gen");
        assert_eq!(done.code, 0, "{}", done.err);
        assert_fresh(&desk, &round.to_string());
    }
    assert!(interrupted > 0, "no run was killed while it wrote");
}

/// The same without luck: half of the files are new, the manifest is old.
#[test]
fn files_of_an_interrupted_run_are_known() {
    let desk = Desk::new(&[("specs/a.vibee", &scale("a", 2)), ("specs/b.vibee", &scale("b", 2))]);
    desk.vibee("gen");
    let manifest = desk.read("generated/.vibee-manifest");
    desk.write("specs/a.vibee", &scale("a", 3));
    desk.write("specs/b.vibee", &scale("b", 3));
    desk.write("specs/c.vibee", &scale("c", 3));
    let old_b = desk.read("generated/src/b.rs");
    desk.vibee("gen");
    desk.write("generated/.vibee-manifest.new", &desk.read("generated/.vibee-manifest"));
    desk.write("generated/.vibee-manifest", &manifest);
    desk.write("generated/src/b.rs", &old_b);
    desk.write("generated/src/.vibee-0123456789abcdef.tmp", "half");
    // Then everything changes again.
    desk.write("specs/a.vibee", &scale("a", 4));
    desk.write("specs/b.vibee", &scale("b", 4));
    desk.remove("specs/c.vibee");
    let done = desk.vibee("gen");
    assert_eq!(done.code, 0, "{}", done.err);
    assert_fresh(&desk, "a");
    // What a person wrote meanwhile is still theirs.
    desk.write("generated/.vibee-manifest.new", &manifest);
    desk.write("generated/src/a.rs", "// mine\n");
    assert_eq!(desk.vibee("gen").code, 2);
    assert_eq!(desk.read("generated/src/a.rs"), "// mine\n");
}

#[test]
fn runs_at_the_same_time_wait_for_each_other() {
    let desk = Desk::new(&[]);
    many(&desk, 2);
    for round in 0..3 {
        many(&desk, 3 + round);
        let run = || desk.command("", &["gen", "-q"]).stderr(Stdio::piped()).spawn().expect("vibee runs");
        let children: Vec<_> = (0..5).map(|_| run()).collect();
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        assert_fresh(&desk, &round.to_string());
        assert_eq!(desk.vibee("gen --check").code, 0);
    }
}

/// A limit on the size of files stands for a full disk: writing fails half-way.
#[cfg(unix)]
#[test]
fn a_full_disk_changes_nothing() {
    let desk = Desk::new(&[("specs/a.vibee", &scale("a", 2)), ("specs/nn/b.vibee", &scale("b", 2))]);
    desk.vibee("gen specs/a.vibee");
    let before = desk.files("generated");
    let script = format!("trap '' XFSZ; ulimit -f 1; exec {} gen --force", env!("CARGO_BIN_EXE_vibee"));
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(desk.path(""))
        .env("VIBEE_CACHE", desk.path(".cache"))
        .output()
        .expect("bash runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.starts_with("error: nothing was changed: cannot write generated/src/"), "{error}");
    assert!(error.contains("File too large"), "{error}");
    assert_eq!(desk.files("generated"), before);
    assert!(!desk.path("generated/src/nn").exists());
}

#[test]
fn a_file_where_a_folder_must_be_is_said_to_be() {
    let desk = Desk::new(&[("specs/nn/b.vibee", DOUBLE), ("generated/src/nn", "a file")]);
    let done = desk.vibee("gen");
    assert_eq!(done.code, 2);
    assert!(
        done.err.starts_with("error: nothing was changed: cannot create generated/src/nn: "),
        "{}",
        done.err
    );
    assert_eq!(desk.files("generated"), ["src/nn"]);
    let desk = Desk::new(&[("specs/b.vibee", DOUBLE), ("generated/src/b.rs/x", "a folder")]);
    let done = desk.vibee("gen");
    assert!(done.code == 2 && done.err.contains("cannot read generated/src/b.rs: "), "{}", done.err);
    assert_eq!(desk.files("generated"), ["src/b.rs/x"]);
}

#[test]
fn file_names_of_any_sort_become_modules_or_a_clear_error() {
    let desk = Desk::new(&[("specs/3d.vibee", &scale("a", 2)), ("specs/π-net/v1.2.vibee", &scale("b", 2))]);
    let done = desk.vibee("gen");
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(desk.files("generated/src"), ["_3d.rs", "lib.rs", "u3c0_net.rs", "u3c0_net/v1_2.rs"]);
    desk.write("specs/3D.vibee", &scale("c", 2));
    desk.write("specs/π-net/v1-2.vibee", &scale("d", 2));
    let done = desk.vibee("gen");
    assert_eq!(
        (done.code, done.err.as_str()),
        (
            1,
            "error: specs/3D.vibee and specs/3d.vibee would both become _3d.rs; rename one\n\
             error: specs/π-net/v1-2.vibee and specs/π-net/v1.2.vibee would both become u3c0_net/v1_2.rs; rename one\n\
             error: nothing was written\n"
        )
    );
}

#[test]
fn differences_of_many_files_are_cut() {
    let desk = Desk::new(&[]);
    for n in 0..160 {
        desk.write(&format!("specs/s{n:03}.vibee"), &scale("s", 2));
    }
    let done = desk.vibee("gen --check");
    assert_eq!(done.code, 1);
    let lines = done.out.lines().count();
    assert!((1000..1500).contains(&lines), "{lines} lines");
    let last: Vec<&str> = done.out.lines().rev().take(2).collect();
    assert!(last[0].starts_with("and ") && last[0].ends_with(" more"), "{}", last[0]);
    assert!(last[1].starts_with("missing: generated/src/s"), "{}", last[1]);
    assert_eq!(done.err, "error: 161 files not as the specs say; to update: vibee gen specs\n");
}
