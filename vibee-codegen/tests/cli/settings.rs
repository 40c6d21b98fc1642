//! `vibee.toml`: found from below, overruled by flags, never half understood.

use crate::support::{DOUBLE, Desk};

fn desk() -> Desk {
    Desk::new(&[
        ("vibee.toml", "specs = [\"kernels\", \"more/other.vibee\"]\nout = \"rust/src\"\njobs = 1\n"),
        ("kernels/nn/double.vibee", DOUBLE),
        ("more/other.vibee", &DOUBLE.replace("double", "other")),
        ("more/not.vibee", "no spec"),
    ])
}

#[test]
fn settings_are_found_from_folders_below() {
    let desk = desk();
    let done = desk.vibee_in("kernels/nn", "gen", "");
    assert_eq!((done.code, done.err.as_str()), (0, "4 written, 0 removed, 0 unchanged in ../../rust/src\n"));
    assert_eq!(
        desk.files("rust"),
        [".vibee-manifest", "src/lib.rs", "src/nn.rs", "src/nn/double.rs", "src/other.rs"]
    );
    assert_eq!(desk.vibee("gen --check").err, "4 files up to date in rust/src\n");
    desk.remove("rust/src/other.rs");
    let done = desk.vibee("gen --check");
    assert_eq!(done.err, "error: 1 file not as the specs say; to update: vibee gen\n");
    assert_eq!(desk.vibee("check -A untested-kernel").err, "2 specs: 0 errors, 0 warnings\n");
}

#[test]
fn flags_win() {
    let desk = desk();
    assert_eq!(desk.vibee("gen kernels --out here").code, 0);
    assert_eq!(desk.files("here"), [".vibee-manifest", "lib.rs", "nn.rs", "nn/double.rs"]);
    assert!(!desk.path("rust").exists());
}

#[test]
fn a_slip_is_an_error() {
    let desk = desk();
    desk.write("vibee.toml", "spec = [\"kernels\"]\n");
    for command in ["gen", "check", "test"] {
        let done = desk.vibee(command);
        let wanted = "error: vibee.toml:1: unknown key `spec`; did you mean `specs`?\n";
        assert_eq!((done.code, done.err.as_str()), (2, wanted), "{command}");
    }
    assert!(!desk.path("generated").exists());
}
