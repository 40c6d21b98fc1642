//! The files whose types a spec may name, and the place where findings are collected.

use std::collections::HashMap;

use super::{Declarations, Type, Unit};
use crate::ast;
use crate::check::Imports;
use crate::diag::{Diagnostic, Diags, Severity};
use crate::span::Source;

/// One run over a file's declarations.
pub(super) struct Cx<'a, 'i> {
    pub files: Vec<File<'a>>,
    pub out: Declarations,
    pub diags: Diags,
    /// Enums and fields of variants, written inside other types of the current file.
    pub lifted: Vec<super::TypeDef>,
    /// Whether all declared types have been read, so that further ones stand behind them.
    pub resolved: bool,
    /// Findings that were not reported, while something is only tried.
    pub silent: Option<usize>,
    /// Whether findings are errors: the file says it is for this tool.
    pub strict: bool,
    /// The file being worked on; findings about imports are theirs.
    pub current: usize,
    imports: &'i Imports<'a>,
}

/// A file taking part.
pub(super) struct File<'a> {
    pub file: &'a ast::File,
    source: &'a Source,
    /// Own types by name as written.
    pub names: HashMap<&'a str, usize>,
    /// Files whose types can be named here; found when a name is in need of them.
    imports: Option<Vec<usize>>,
}

impl<'a, 'i> Cx<'a, 'i> {
    pub fn new(file: &'a ast::File, source: &'a Source, imports: &'i Imports<'a>) -> Self {
        let strict = file.language.as_ref().is_none_or(|l| l.name.eq_ignore_ascii_case("rust"));
        let mut cx = Cx {
            files: vec![],
            out: Declarations::default(),
            diags: Diags::default(),
            lifted: vec![],
            resolved: false,
            silent: None,
            strict,
            current: 0,
            imports,
        };
        cx.add(file, source, String::new());
        cx
    }

    fn add(&mut self, file: &'a ast::File, source: &'a Source, path: String) -> usize {
        if let Some(known) = self.files.iter().position(|f| std::ptr::eq(f.file, file)) {
            return known;
        }
        let mut names = HashMap::new();
        for (at, t) in file.types.iter().enumerate() {
            names.entry(t.name.name.as_str()).or_insert(at);
        }
        self.files.push(File { file, source, names, imports: None });
        let layers = file.layers.iter().map(|l| l.name.name.clone());
        self.out.units.push(Unit {
            path,
            types: vec![],
            computes: !(file.kernels.is_empty() && file.layers.is_empty() && file.models.is_empty()),
            layers: layers.chain(file.models.iter().map(|m| m.layer.name.name.clone())).collect(),
        });
        self.files.len() - 1
    }

    /// The files that the current one imports. Most files name no type of another, so they are
    /// looked for when the first such name is met.
    pub fn imported(&mut self) -> Vec<usize> {
        if let Some(known) = &self.files[self.current].imports {
            return known.clone();
        }
        let (file, source) = (self.files[self.current].file, self.files[self.current].source);
        let path = self.out.units[self.current].path.clone();
        let mut found = vec![];
        for import in &file.imports {
            if let Some((target, text)) = (self.imports)(source, &import.name) {
                let known = self.files.len();
                let unit = self.add(target, text, join(&path, &import.name));
                found.push(unit);
                if unit == known && self.resolved {
                    super::types::late(self, unit);
                }
            }
        }
        self.files[self.current].imports = Some(found.clone());
        found
    }

    /// Reports a finding about the file being checked: an error, or under another language a
    /// warning that says what is `taken` instead.
    pub fn report(&mut self, mut d: Diagnostic, taken: &str) {
        if let Some(count) = &mut self.silent {
            *count += 1;
            return;
        }
        if self.current != 0 || self.diags.list.len() > crate::limits::MAX_DIAGNOSTICS {
            return;
        }
        if !self.strict && d.severity == Severity::Error {
            d.severity = Severity::Warning;
            d.notes.push(taken.to_owned());
        }
        self.diags.push(d);
    }

    /// As [`Cx::report`] for something whose type is not known.
    pub fn any(&mut self, d: Diagnostic) -> Type {
        self.report(d, "taken as `Object`, which holds any value");
        Type::Any
    }
}

/// `../db/users` seen from `../nn/shapes` as `../db/users`; from `shapes` as itself.
fn join(from: &str, name: &str) -> String {
    let name = name.strip_suffix(".vibee").unwrap_or(name);
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
