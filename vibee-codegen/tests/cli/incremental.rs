//! `vibee gen` after a first time: what it does again and what it leaves, and that what it leaves is
//! what it would have written.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::{DOUBLE, Desk};

/// A spec with one kernel, a scaling by a number.
fn scale(name: &str, by: u64) -> String {
    DOUBLE.replace("double", name).replace("2 * x", &format!("{by} * x"))
}

/// The same through an imported function.
fn importing(name: &str, import: &str, function: &str) -> String {
    format!(
        "name: {name}\nlanguage: rust\nimports:\n  - {import}\n\nkernels:\n  \
         {name}(x: f32[T]) -> y: f32[T]:\n    y[t] = {function}(x[t])\n"
    )
}

fn function(name: &str, by: u64) -> String {
    format!("name: {name}\nlanguage: rust\nfunctions:\n  {name}(e) = e * {by}\n")
}

/// Runs `vibee gen --timings` and returns what it counted.
fn counted(desk: &Desk) -> Value {
    let done = desk.vibee("gen -q --timings");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    serde_json::from_str(&done.out).expect("JSON")
}

fn counts(v: &Value) -> [u64; 4] {
    ["opened", "compiled", "written", "removed"].map(|k| v[k].as_u64().expect("a count"))
}

/// Lets what was just written grow old enough to be recognised by its stamp.
fn settle(desk: &Desk) {
    std::thread::sleep(Duration::from_millis(50));
    counted(desk);
}

#[test]
fn only_what_changed_and_what_imports_it_is_compiled() {
    let desk = Desk::new(&[
        ("specs/a.vibee", &scale("a", 2)),
        ("specs/nn/b.vibee", &importing("b", "../ops/twice", "twice")),
        ("specs/nn/c.vibee", &importing("c", "d", "d")),
        ("specs/nn/d.vibee", &function("d", 3)),
        ("specs/ops/twice.vibee", &function("twice", 2)),
    ]);
    assert_eq!(counts(&counted(&desk)), [0, 5, 5, 0]);
    settle(&desk);
    assert_eq!(counts(&counted(&desk)), [0; 4], "nothing is opened");
    desk.write("specs/a.vibee", &scale("a", 3));
    assert_eq!(counts(&counted(&desk)), [1, 1, 1, 0]);
    settle(&desk);
    desk.write("specs/ops/twice.vibee", &function("twice", 4));
    // Itself, twice: as a spec and as an import.
    assert_eq!(counts(&counted(&desk)), [2, 2, 1, 0]);
    assert!(desk.read("generated/src/nn/b.rs").contains("4.0"));
    settle(&desk);
    // The same bytes again: opened, and that is all.
    desk.write("specs/nn/d.vibee", &function("d", 3));
    assert_eq!(counts(&counted(&desk)), [2, 0, 0, 0]);
    settle(&desk);
    // A new spec concerns its parents only.
    desk.write("specs/nn/e.vibee", &scale("e", 2));
    assert_eq!(counts(&counted(&desk)), [0, 1, 2, 0]);
    settle(&desk);
    desk.remove("specs/nn/e.vibee");
    assert_eq!(counts(&counted(&desk)), [0, 0, 1, 1]);
    settle(&desk);
    // An output that is gone comes back.
    desk.remove("generated/src/a.rs");
    assert_eq!(counts(&counted(&desk)), [0, 1, 1, 0]);
}

#[test]
fn an_import_that_appears_or_goes_concerns_who_looked_for_it() {
    let desk = Desk::new(&[("specs/c.vibee", &importing("c", "../lib/d", "d"))]);
    assert_eq!(desk.vibee("gen").code, 1);
    desk.write("lib/d.vibee", &function("d", 3));
    assert_eq!(desk.vibee("gen").code, 0);
    settle(&desk);
    desk.write("lib/d.vibee", &function("d", 5));
    assert_eq!(counts(&counted(&desk)), [1, 1, 1, 0]);
    assert!(desk.read("generated/src/c.rs").contains("5.0"));
    desk.remove("lib/d.vibee");
    let done = desk.vibee("gen");
    assert!(done.code == 1 && done.err.contains("V0211"), "{}", done.err);
}

/// An alias of an imported type becomes what the type is: the Rust of the importing spec changes with it.
#[test]
fn a_changed_type_concerns_who_imports_it() {
    let types = |of: &str| format!("name: t\nlanguage: rust\ntypes:\n  Id: {of}\n");
    let user = "name: u\nlanguage: rust\nimports:\n  - t\ntypes:\n  User:\n    fields:\n      id: Id\n";
    let desk = Desk::new(&[("specs/t.vibee", &types("Int")), ("specs/u.vibee", user)]);
    assert_eq!(counts(&counted(&desk)), [0, 2, 3, 0]);
    let copies = |desk: &Desk| desk.read("generated/src/u.rs").contains("Clone, Copy");
    assert!(copies(&desk), "{}", desk.read("generated/src/u.rs"));
    settle(&desk);
    desk.write("specs/t.vibee", &types("String"));
    assert_eq!(counts(&counted(&desk)), [2, 2, 2, 0]);
    assert!(!copies(&desk), "{}", desk.read("generated/src/u.rs"));
}

#[test]
fn warnings_are_shown_once_and_counted_after() {
    let warned = "name: w\nkernels:\n  w(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n";
    let desk = Desk::new(&[("specs/w.vibee", warned), ("specs/a.vibee", DOUBLE)]);
    assert!(desk.vibee("gen").err.contains("warning[V0005]"));
    let again = desk.vibee("gen");
    assert_eq!(
        again.err,
        "1 warning in unchanged specs; `vibee check` shows them\n\
         0 written, 0 removed, 3 unchanged in generated/src\n"
    );
}

/// Two writes within a tick of the clock leave the same times; a modification time can be set back.
#[test]
fn an_edit_right_after_a_run_is_seen() {
    let desk = Desk::new(&[("specs/a.vibee", &scale("a", 2))]);
    let path = desk.path("specs/a.vibee");
    for round in 0..24 {
        assert_eq!(desk.vibee("gen").code, 0);
        let before = std::fs::metadata(&path).and_then(|m| m.modified()).expect("a time");
        let by = 2 + round % 7;
        // In place: the same size, the same file.
        desk.write("specs/a.vibee", &scale("a", by));
        if round % 2 == 0 {
            let file = std::fs::File::options().write(true).open(&path).expect("a file");
            file.set_modified(before).expect("a time");
        }
        assert_eq!(desk.vibee("gen").code, 0);
        assert!(desk.read("generated/src/a.rs").contains(&format!("{by}.0")), "round {round}");
        // The same for outputs.
        let made = desk.read("generated/src/a.rs");
        desk.write("generated/src/a.rs", &made.replace("pub fn", "pub FN"));
        assert_eq!(desk.vibee("gen").code, 2, "round {round}");
        desk.write("generated/src/a.rs", &made);
    }
}

#[test]
fn check_believes_no_stamp() {
    let desk = Desk::new(&[("specs/a.vibee", DOUBLE)]);
    desk.vibee("gen");
    settle(&desk);
    let timings: Value = serde_json::from_str(&desk.vibee("gen --check --timings").out).expect("JSON");
    // The spec, its Rust, `lib.rs` and the manifest.
    assert_eq!(counts(&timings), [4, 0, 0, 0]);
}

#[test]
fn a_broken_or_foreign_cache_is_no_cache() {
    let desk = Desk::new(&[("specs/a.vibee", &scale("a", 2)), ("specs/b.vibee", &scale("b", 2))]);
    desk.vibee("gen");
    let caches: Vec<String> =
        desk.files(".cache/gen").into_iter().filter(|f| f.ends_with(".cache")).collect();
    assert_eq!(caches.len(), 1);
    let path = desk.path(".cache/gen").join(&caches[0]);
    let whole = std::fs::read(&path).expect("a cache");
    let middle = whole.len() / 2;
    let broken = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole.clone();
        edit(&mut bytes);
        bytes
    };
    let all = [
        broken(&|b| b.truncate(middle)),
        broken(&|b| b[middle] ^= 0x40),
        broken(&|b| b.clear()),
        b"vibee gen cache 0\n".to_vec(),
        vec![0xff; 4096],
    ];
    for (n, bytes) in all.iter().enumerate() {
        std::fs::write(&path, bytes).expect("a file");
        desk.write("specs/a.vibee", &scale("a", 3 + n as u64));
        let v = counted(&desk);
        assert_eq!(counts(&v)[1..], [2, 1, 0], "{n}");
        assert!(desk.read("generated/src/a.rs").contains(&format!("{}.0", 3 + n)), "{n}");
    }
    // Other paths, the same output folder: what is known of the one says nothing about the other.
    desk.write("other/a.vibee", &scale("a", 9));
    desk.write("other/b.vibee", &scale("b", 9));
    assert_eq!(desk.vibee("gen other --force").code, 0);
    assert!(desk.read("generated/src/a.rs").contains("9.0"));
}

/// A small generator: xorshift, so that a seed names a sequence.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// Places of specs: beside their folder, in it, nested, with names that are no identifiers.
const SPECS: [&str; 8] = ["a", "nn", "nn/x", "nn/y", "nn/deep", "nn/deep/z", "3-d", "nn/φ"];

/// Places of files with functions only, in and outside of the folder of specs.
const LIBRARIES: [&str; 3] = ["specs/f", "specs/nn/g", "lib/h"];

fn path_to(spec: &str, library: &str) -> String {
    format!("{}../{library}", "../".repeat(spec.matches('/').count()))
}

/// One random event in the life of a project.
fn step(desk: &Desk, draw: &mut Draw) -> String {
    let spec = draw.of(&SPECS);
    let path = format!("specs/{spec}.vibee");
    let name = format!("k{}", draw.below(3));
    let library = draw.of(&LIBRARIES);
    let by = 2 + draw.below(5) as u64;
    let outputs: Vec<String> = desk.files("generated/src");
    let output = |draw: &mut Draw| format!("generated/src/{}", outputs[draw.below(outputs.len())]);
    match draw.below(11) {
        0 | 1 => desk.write(&path, &scale(&name, by)),
        2 | 3 => {
            let function = library.rsplit('/').next().unwrap_or("f");
            desk.write(&path, &importing(&name, &path_to(spec, library), function));
        }
        4 | 5 => {
            let function_name = library.rsplit('/').next().unwrap_or("f");
            desk.write(&format!("{library}.vibee"), &function(function_name, by));
        }
        6 => {
            let _ = std::fs::remove_file(desk.path(&path));
        }
        7 => {
            // A rename, over another spec or to a free name.
            let to = format!("specs/{}.vibee", draw.of(&SPECS));
            if desk.path(&path).exists() {
                std::fs::create_dir_all(desk.path(&to).parent().expect("a folder")).expect("a folder");
                std::fs::rename(desk.path(&path), desk.path(&to)).expect("a rename");
            }
        }
        8 if !outputs.is_empty() => {
            let output = output(draw);
            let edited = desk.read(&output) + "// by hand\n";
            desk.write(&output, &edited);
        }
        9 if !outputs.is_empty() => desk.remove(&output(draw)),
        10 => desk.write(
            &path,
            "name: broken\nlanguage: rust\nkernels:\n  k(x: f32[T]) -> y: f32[T]:\n    y[t] = q\n",
        ),
        _ => {}
    }
    path
}

#[test]
fn after_any_sequence_of_changes_files_are_as_if_made_afresh() {
    for seed in [1, 2, 3] {
        let desk = Desk::new(&[("specs/a.vibee", DOUBLE)]);
        for library in LIBRARIES {
            let name = library.rsplit('/').next().unwrap_or("f");
            desk.write(&format!("{library}.vibee"), &function(name, 2));
        }
        let mut draw = Draw(0x9e37_79b9_7f4a_7c15 ^ seed);
        let mut outcomes = [0; 3];
        for round in 0..40 {
            let steps = 1 + draw.below(3);
            for _ in 0..steps {
                step(&desk, &mut draw);
            }
            let at = format!("seed {seed}, round {round}");
            let before: Vec<String> = desk.files("generated");
            let texts: Vec<String> = before.iter().map(|f| desk.read(&format!("generated/{f}"))).collect();
            let mut done = desk.vibee("gen");
            outcomes[done.code as usize] += 1;
            let broken = |p: &&&str| {
                desk.path(&format!("specs/{p}.vibee")).exists()
                    && done.err.contains(&format!("specs/{p}.vibee:"))
            };
            let broken: Vec<&str> = SPECS.iter().filter(broken).copied().collect();
            if done.code != 0 {
                // Refused: nothing may have changed.
                assert_eq!(desk.files("generated"), before, "{at}: {}", done.err);
                for (f, text) in before.iter().zip(&texts) {
                    assert_eq!(&desk.read(&format!("generated/{f}")), text, "{at}: {f}");
                }
            }
            if done.code == 2 {
                done = desk.vibee("gen --force");
            }
            let fresh = format!("fresh/{round}");
            let again = desk.vibee(&format!("gen specs --out {fresh}/src"));
            assert_eq!(done.code, again.code, "{at}: {}\n{}", done.err, again.err);
            if done.code == 0 {
                assert_eq!(desk.files("generated"), desk.files(&fresh), "{at}");
                for f in desk.files("generated") {
                    let (ours, wanted) =
                        (desk.read(&format!("generated/{f}")), desk.read(&format!("{fresh}/{f}")));
                    assert_eq!(ours, wanted, "{at}: {f}");
                }
                assert_eq!(desk.vibee("gen --check").code, 0, "{at}");
            }
            // Mistakes are put right, or nothing else would be tried.
            broken.iter().for_each(|spec| desk.write(&format!("specs/{spec}.vibee"), &scale("k0", 2)));
        }
        assert!(outcomes.iter().all(|n| *n > 2), "seed {seed} tries too little: {outcomes:?}");
    }
}

#[test]
fn times_from_the_future_are_not_believed() {
    let desk = Desk::new(&[("specs/a.vibee", &scale("a", 2))]);
    let path = desk.path("specs/a.vibee");
    let later = SystemTime::now() + Duration::from_secs(3600);
    let set = || std::fs::File::options().write(true).open(&path).and_then(|f| f.set_modified(later));
    set().expect("a time");
    desk.vibee("gen");
    settle(&desk);
    assert_eq!(counts(&counted(&desk))[0], 1);
    desk.write("specs/a.vibee", &scale("a", 3));
    set().expect("a time");
    desk.vibee("gen");
    assert!(desk.read("generated/src/a.rs").contains("3.0"));
}
