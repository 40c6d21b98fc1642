//! Specs to Rust, without files.

use vibee_codegen::emit;
use vibee_spec::check;
use vibee_spec::diag::Diags;
use vibee_spec::parse::parse;
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;

/// The Rust of a spec named `demo`, and its findings as text.
pub fn rust(text: &str) -> (String, String) {
    rust_with(text, &[], "demo")
}

/// As [`rust`], of a spec at `path` below the root that may import others.
pub fn rust_with(text: &str, imports: &[(&str, &str)], path: &str) -> (String, String) {
    let read = |path: &str, text: &str, diags: &mut Diags| {
        let source = Source { path: format!("{path}.vibee"), text: text.to_owned() };
        let file = parse(&source, diags);
        (file, source)
    };
    let mut diags = Diags::default();
    let others: Vec<_> =
        imports.iter().map(|(name, text)| (*name, read(name, text, &mut Diags::default()))).collect();
    let find = |_: &Source, name: &str| {
        others.iter().find(|(n, _)| *n == name).map(|(_, (file, source))| (file, source))
    };
    let (file, source) = read("demo", text, &mut diags);
    let module = check::check(&file, &source, &find, &mut diags);
    let renderer = Renderer::new(&source);
    let report: Vec<String> = diags.list.iter().map(|d| renderer.text(d, false)).collect();
    (emit::module(&module, &format!("specs/{path}.vibee"), path), report.join("\n\n"))
}

/// What prettyplease makes of Rust, without blank lines.
pub fn pretty(rust: &str) -> String {
    let file = syn::parse_file(rust).unwrap_or_else(|e| panic!("not Rust: {e}\n{rust}"));
    without_blank_lines(&prettyplease::unparse(&file))
}

/// Lines that hold something.
pub fn without_blank_lines(text: &str) -> String {
    text.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("{l}\n")).collect()
}

/// All `.vibee` files of the folder `forms`, by name.
pub fn forms() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/declare/forms");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of forms")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a readable spec"))
        })
        .collect();
    found.sort();
    found
}
