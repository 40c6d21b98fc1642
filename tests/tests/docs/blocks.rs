//! Fenced blocks of specs.
//!
//! | fence | the block is |
//! |---|---|
//! | `vibee` | sections, or a whole spec; `name:` and `language:` are added if it has neither |
//! | `vibee kernel` | lines of `kernels:`, and other sections behind them |
//! | `vibee fails=V0204` | as above, and gets exactly these codes (several: `fails=V0201,V0204`) |
//! | `vibee lenient` | as above, and is read leniently |
//!
//! A block without `fails` gets no finding at all, not even a warning.

use std::path::Path;

use vibee_spec::check::{Tests, cases, check};
use vibee_spec::diag::{Diags, Severity};
use vibee_spec::parse::{Mode, parse, parse_as};
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;
use vibee_spec::term::Module;

/// A block and what is claimed about it.
pub struct Block {
    /// The document's name without extension.
    page: String,
    /// Line of the fence.
    pub line: usize,
    /// The whole spec.
    pub text: String,
    /// Codes it must get, sorted.
    pub codes: Vec<String>,
    /// How malformed lines are read.
    mode: Mode,
}

/// All blocks of specs in a document.
pub fn find(path: &Path, document: &str) -> Vec<Block> {
    let page = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut out = vec![];
    let mut lines = document.lines().enumerate();
    while let Some((n, line)) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        let mut body = String::new();
        for (_, line) in lines.by_ref().take_while(|(_, l)| !l.starts_with("```")) {
            body += line;
            body.push('\n');
        }
        let mut words = fence.split_whitespace();
        if words.next() != Some("vibee") {
            continue;
        }
        let mut block =
            Block { page: page.clone(), line: n + 1, text: body, codes: vec![], mode: Mode::Strict };
        let mut kernel = false;
        for word in words {
            match word.split_once('=') {
                Some(("fails", codes)) => block.codes = codes.split(',').map(str::to_owned).collect(),
                None if word == "kernel" => kernel = true,
                None if word == "lenient" => block.mode = Mode::Lenient,
                _ => panic!("{}:{}: unknown word `{word}`", path.display(), n + 1),
            }
        }
        block.codes.sort();
        if kernel {
            block.text = in_kernels(&block.text);
        }
        if !block.text.lines().any(|l| l.starts_with("name:") || l.starts_with("language:")) {
            block.text = format!("name: example\nlanguage: rust\n\n{}", block.text);
        }
        out.push(block);
    }
    out
}

/// Indents everything before the first section.
fn in_kernels(text: &str) -> String {
    const SECTIONS: &[&str] = &[
        "imports:",
        "constants:",
        "functions:",
        "behaviors:",
        "test_cases:",
        "types:",
        "layers:",
        "models:",
    ];
    let mut out = String::from("kernels:\n");
    let mut inside = true;
    for line in text.lines() {
        inside &= !SECTIONS.contains(&line);
        if inside && !line.is_empty() {
            out += "  ";
        }
        out += line;
        out.push('\n');
    }
    out
}

/// A block with what the checker made of it.
pub struct Checked {
    source: Source,
    /// Its meaning.
    pub module: Module,
    /// Its cases and laws.
    pub tests: Tests,
    diags: Diags,
}

impl Block {
    /// Parses and checks the block as a file of `specs/nn`, so that it may import what is there.
    pub fn check(&self) -> Checked {
        let source = Source { path: "specs/nn/example.vibee".into(), text: self.text.clone() };
        let mut diags = Diags::default();
        let file = parse_as(&source, self.mode, &mut diags);
        let mut imported = vec![];
        for import in &file.imports {
            let path = super::root().join(format!("specs/nn/{}.vibee", import.name));
            if let Ok(text) = std::fs::read_to_string(path) {
                let source = Source { path: format!("specs/nn/{}.vibee", import.name), text };
                let file = parse(&source, &mut Diags::default());
                imported.push((import.name.clone(), file, source));
            }
        }
        let resolve =
            |_: &Source, name: &str| imported.iter().find(|(n, ..)| n == name).map(|(_, f, s)| (f, s));
        let module = check(&file, &source, &resolve, &mut diags);
        let tests = cases(&file, &source, &resolve, &module, &mut diags);
        Checked { source, module, tests, diags }
    }

    /// Writes the spec, and those that it may import, to a folder.
    pub fn write(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        std::fs::copy(super::root().join("specs/nn/functions.vibee"), dir.join("functions.vibee"))?;
        let name = format!("{}_{}.vibee", self.page.replace('-', "_"), self.line);
        std::fs::write(dir.join(name), &self.text)
    }
}

impl Checked {
    /// Codes of all findings, each once, sorted.
    pub fn codes(&self) -> Vec<String> {
        let mut out: Vec<String> = self.diags.list.iter().map(|d| d.code.to_owned()).collect();
        out.sort();
        out.dedup();
        out
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.diags.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// All findings as text.
    pub fn report(&self) -> String {
        let renderer = Renderer::new(&self.source);
        self.diags.list.iter().map(|d| renderer.text(d, false) + "\n").collect()
    }
}
