//! Crates of generated declarations pass `cargo check` without a warning.

use std::path::{Path, PathBuf};
use std::process::Command;

use vibee_codegen::generate::tree::{Emitted, files};

use crate::support::{forms, rust};

/// A crate of these modules in the tests' own folder, with every lint of generated code on.
pub fn package(name: &str, modules: Vec<Emitted>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(folder.join("src"));
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let runtime = root.join("igla-runtime");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nigla-runtime = {{ path = {runtime:?}, features = [\"serde\"] }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n[dev-dependencies]\nserde_json = \"1\"\n\n[lints.rust]\nmissing_docs = \"warn\"\n\n[workspace]\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    for (path, file) in files(modules).expect("modules of different names") {
        let path = folder.join("src").join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, file.body.text().expect("a new file")).expect("a source file");
    }
    folder
}

/// Runs cargo in a package; its output.
pub fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--quiet", "--offline"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{text}");
    text
}

#[test]
fn every_form_builds_without_warnings() {
    let modules: Vec<Emitted> = forms()
        .into_iter()
        .map(|(name, text)| Emitted::new(&name, &format!("specs/{name}.vibee"), rust(&text).0))
        .collect();
    let folder = package("declared_forms", modules);
    assert_eq!(cargo(&folder, &["check"]), "");
}
