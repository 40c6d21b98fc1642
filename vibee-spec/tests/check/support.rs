//! Parsing, checking and rendering for the tests.

use vibee_spec::ast::File;
use vibee_spec::check::{self, Tests};
use vibee_spec::diag::{Diags, Severity};
use vibee_spec::render::Renderer;
use vibee_spec::span::Source;
use vibee_spec::term::Module;

/// A checked text.
pub struct Checked {
    pub source: Source,
    pub file: File,
    pub module: Module,
    pub tests: Tests,
    pub diags: Diags,
}

impl Checked {
    /// All findings as people see them.
    pub fn report(&self) -> String {
        let renderer = Renderer::new(&self.source);
        let all: Vec<String> = self.diags.list.iter().map(|d| renderer.text(d, false)).collect();
        if all.is_empty() { "no findings".into() } else { all.join("\n\n") }
    }

    /// Codes of errors, in order.
    pub fn errors(&self) -> Vec<&'static str> {
        self.diags.list.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect()
    }

    /// Codes of all findings, in order.
    pub fn codes(&self) -> Vec<&'static str> {
        self.diags.list.iter().map(|d| d.code).collect()
    }
}

/// Checks a text on its own.
pub fn check(text: &str) -> Checked {
    check_with(text, &[])
}

/// Checks a text that may import others by name.
pub fn check_with(text: &str, imports: &[(&str, &str)]) -> Checked {
    let parse = |name: &str, text: &str| -> (Source, File, Diags) {
        let source = Source { path: format!("{name}.vibee"), text: text.to_owned() };
        let mut diags = Diags::default();
        let file = vibee_spec::parse::parse(&source, &mut diags);
        (source, file, diags)
    };
    let others: Vec<(&str, (Source, File, Diags))> =
        imports.iter().map(|(name, text)| (*name, parse(name, text))).collect();
    let find = |_: &Source, name: &str| {
        others.iter().find(|(n, _)| *n == name).map(|(_, (source, file, _))| (file, source))
    };
    let (source, file, mut diags) = parse("demo", text);
    let module = check::check(&file, &source, &find, &mut diags);
    let tests = check::cases(&file, &source, &find, &module, &mut diags);
    for k in &module.kernels {
        assert_eq!(vibee_spec::term::verify(k), Ok(()), "{}", k.name);
    }
    for l in &tests.laws {
        assert_eq!(vibee_spec::term::verify(&l.lhs), Ok(()), "{}", l.name);
        assert_eq!(vibee_spec::term::verify(&l.rhs), Ok(()), "{}", l.name);
    }
    Checked { source, file, module, tests, diags }
}

/// A spec with these kernels.
pub fn kernels(lines: &str) -> String {
    format!("name: demo\nlanguage: rust\n\nkernels:\n{lines}")
}
