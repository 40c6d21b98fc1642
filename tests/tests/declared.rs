//! Declarations of the synthetic corpus as Rust: printed as prettyplease prints, and accepted by
//! rustc without a warning.
//!
//! `DECLARED=2000 cargo test --release -p vibee-tests --test declared` takes more specs.

use std::path::Path;
use std::process::Command;

use vibee_codegen::emit;
use vibee_codegen::generate::tree::{Emitted, files};
use vibee_spec::check::check;
use vibee_spec::diag::Diags;
use vibee_spec::parse;
use vibee_tests::corpus::{Plan, entry};

/// Specs to build.
fn count() -> u64 {
    std::env::var("DECLARED").ok().and_then(|n| n.parse().ok()).unwrap_or(120)
}

/// Modules of the first `count` readable files of a corpus; errors of the checker are not allowed.
fn modules(seed: u64, count: u64) -> Vec<Emitted> {
    let plan = Plan { seed, cover: true, well_formed: true };
    let mut out = vec![];
    for n in 0..count {
        let entry = entry(&plan, n);
        let source = parse::decode(&entry.path, &entry.bytes).expect("well-formed text");
        let mut diags = Diags::default();
        let file = parse::parse(&source, &mut diags);
        let module = check(&file, &source, &|_, _| None, &mut diags);
        let text = String::from_utf8_lossy(&entry.bytes).into_owned();
        assert!(!diags.has_errors() || is_rust(&text), "{}: {:#?}\n{text}", entry.path, diags.list);
        if module.declarations.is_empty() || diags.has_errors() {
            continue;
        }
        let name = format!("s{n}");
        let spec = format!("specs/{name}.vibee");
        out.push(Emitted::new(&name, &spec, emit::module(&module, &spec, &name)));
    }
    out
}

/// Files of this tool's own language may have errors in declarations.
fn is_rust(text: &str) -> bool {
    text.lines().any(|l| l.starts_with("language:") && l.contains("rust"))
        || !text.lines().any(|l| l.starts_with("language:"))
}

#[test]
fn written_as_if_printed() {
    let dense = |text: &str| {
        text.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("{l}\n")).collect::<String>()
    };
    for m in modules(11, 1_500) {
        let code = m.body.text().expect("a new file");
        let file = syn::parse_file(code).unwrap_or_else(|e| panic!("{}: {e}\n{code}", m.spec));
        let printed = prettyplease::unparse(&file);
        assert_eq!(dense(code), dense(&printed), "{}", m.spec);
    }
}

#[test]
fn rustc_accepts_them_without_a_warning() {
    let modules = modules(12, count());
    assert!(modules.len() as u64 * 10 > count() * 8, "only {} modules", modules.len());
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tmp.join("declared_corpus");
    let _ = std::fs::remove_dir_all(folder.join("src"));
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let runtime = root.join("igla-runtime");
    let manifest = format!(
        "[package]\nname = \"declared_corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\nigla-runtime = {{ path = {runtime:?}, features = [\"serde\"] }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n[lints.rust]\nmissing_docs = \"warn\"\n\n[workspace]\n"
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
    for (path, file) in files(modules).expect("modules of different names") {
        std::fs::write(folder.join("src").join(path), file.body.text().expect("a new file"))
            .expect("a source file");
    }
    let done = Command::new(env!("CARGO"))
        .args(["check", "--quiet", "--offline"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", tmp.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.is_empty(), "{} in {}:\n{said}", done.status, folder.display());
}
