//! The names of a file and of its imports, and the place where findings are collected.
//!
//! A file sees its own definitions and those its imports declare themselves (not what those
//! import in turn). Findings inside an imported file belong to that file's own check; here they
//! only make the definition unusable.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::suggest;
use super::types::Elem;
use crate::ast;
use crate::diag::{Diagnostic, Diags, Severity};
use crate::span::{Source, Span};
use crate::term::{Format, Kernel, Layer};

/// Finds the file behind an entry of the `imports:` of a source: entries are relative to its path.
pub type Imports<'a> = dyn Fn(&Source, &str) -> Option<(&'a ast::File, &'a Source)> + 'a;

/// Sections whose entries have names that others use.
const DEFINING: &[&str] = &["constants", "formats", "functions", "kernels", "layers"];

/// What a name of a file stands for: the file that declares it and the position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Global {
    /// `functions:`.
    Function(usize, usize),
    /// `kernels:`.
    Kernel(usize, usize),
    /// `constants:`.
    Constant(usize, usize),
    /// `layers:`.
    Layer(usize, usize),
    /// `models:`.
    Model(usize, usize),
    /// `formats:`.
    Format(usize, usize),
}

impl Global {
    /// For messages.
    pub fn sort(self) -> &'static str {
        match self {
            Global::Function(..) => "a function",
            Global::Kernel(..) => "a kernel",
            Global::Constant(..) => "a constant",
            Global::Layer(..) => "a layer",
            Global::Model(..) => "a model",
            Global::Format(..) => "a format",
        }
    }
}

/// One file taking part.
pub(super) struct Unit<'a> {
    pub file: &'a ast::File,
    pub source: &'a Source,
    /// Name it was imported by; empty for the file being checked.
    pub stem: String,
    pub names: HashMap<&'a str, (Global, Span)>,
    /// Where its outermost brackets are.
    brackets: OnceCell<Vec<Span>>,
}

impl Unit<'_> {
    /// Whether a span is a part of a position or shape.
    fn is_in_brackets(&self, span: Span) -> bool {
        let ranges = self.brackets.get_or_init(|| {
            let file = self.file;
            let layers = file.layers.iter().chain(file.models.iter().map(|m| &m.layer));
            let spans = file.kernels.iter().map(|k| k.span).chain(file.functions.iter().map(|f| f.span));
            let spans = spans.chain(file.formats.iter().map(|f| f.span));
            crate::fmt::brackets(&self.source.text, spans.chain(layers.map(|l| l.span)))
        });
        let after = ranges.partition_point(|range| range.start < span.start);
        after.checked_sub(1).is_some_and(|n| span.end < ranges[n].end)
    }
}

/// A kernel's instance: declaring file, position, what its generics stand for.
pub(super) type KernelKey = (usize, usize, Vec<Elem>);

/// A layer's instance: declaring file, position, what its generics stand for.
pub(super) type LayerKey = (usize, usize, Vec<Elem>);

/// One run of the checker.
pub(super) struct Cx<'a> {
    /// File 0 is the one being checked.
    pub units: Vec<Unit<'a>>,
    /// Findings so far, those handed in included.
    pub diags: Diags,
    /// Finished instances; `None` if they have errors.
    pub kernels: HashMap<KernelKey, Option<Rc<Kernel>>>,
    pub layers: HashMap<LayerKey, Option<Rc<Layer>>>,
    pub formats: HashMap<(usize, usize), Option<Arc<Format>>>,
    /// Instances being checked, for cycles.
    pub active: Vec<Global>,
    /// Global names of file 0 that something refers to.
    pub used: Vec<Global>,
    /// Functions known to call themselves, or known not to.
    pub cyclic: HashMap<(usize, usize), bool>,
    /// Kernels are built again for laws: their findings have been reported.
    pub quiet_kernels: bool,
    /// Nesting of silent work.
    pub silent: usize,
    /// Places the parser refused: names they would have defined are missing.
    pub refused: Vec<Span>,
}

impl<'a> Cx<'a> {
    /// Collects the names of a file and its imports.
    pub fn new(file: &'a ast::File, source: &'a Source, imports: &Imports<'a>, diags: Diags) -> Self {
        let errors = diags.list.iter().filter(|d| d.severity == Severity::Error);
        let refused = errors.map(|d| d.span).collect();
        let mut cx = Cx {
            units: vec![],
            refused,
            diags,
            kernels: HashMap::new(),
            layers: HashMap::new(),
            formats: HashMap::new(),
            active: vec![],
            used: vec![],
            cyclic: HashMap::new(),
            quiet_kernels: false,
            silent: 0,
        };
        cx.add(file, source, String::new(), imports);
        cx
    }

    fn add(&mut self, file: &'a ast::File, source: &'a Source, stem: String, imports: &Imports<'a>) -> usize {
        if let Some(known) = self.units.iter().position(|u| std::ptr::eq(u.file, file)) {
            return known;
        }
        let index = self.units.len();
        self.units.push(Unit { file, source, stem, names: HashMap::new(), brackets: OnceCell::new() });
        let mut names = HashMap::new();
        self.declare_all(index, file, &mut names);
        for import in &file.imports {
            let Some((target, text)) = imports(source, &import.name) else {
                // Without executable sections, all that can be missed is a type, and that is reported too.
                let severity = if executable(file) { Severity::Error } else { Severity::Warning };
                let mut missing = Diagnostic::error(
                    "V0211",
                    import.span,
                    format!("there is no spec `{}` to import", import.name),
                )
                .label("looked for beside this file and by its path");
                missing.severity = severity;
                self.report(index, missing);
                continue;
            };
            let other = self.add(target, text, import.name.clone(), imports);
            if other == index {
                continue;
            }
            let mut theirs = HashMap::new();
            self.list_names(other, target, &mut |name, global, _| {
                theirs.insert(name, global);
            });
            for (name, global) in theirs {
                // A file's own definitions come first.
                names.entry(name).or_insert((global, import.span));
            }
        }
        self.units[index].names = names;
        index
    }

    fn declare_all(
        &mut self,
        index: usize,
        file: &'a ast::File,
        names: &mut HashMap<&'a str, (Global, Span)>,
    ) {
        let mut twice = vec![];
        self.list_names(index, file, &mut |name, global, span| {
            if let Some((old, first)) = names.get(name) {
                twice.push((name, global, span, *old, *first));
            } else {
                names.insert(name, (global, span));
            }
        });
        for (name, global, span, old, first) in twice {
            self.report(
                index,
                Diagnostic::error("V0202", span, format!("`{name}` is defined twice"))
                    .label(format!("here as {}", global.sort()))
                    .also(first, format!("first as {}", old.sort()))
                    .hint("formats, functions, kernels, constants, layers and models share one namespace; rename one"),
            );
        }
    }

    fn list_names(&self, u: usize, file: &'a ast::File, f: &mut dyn FnMut(&'a str, Global, Span)) {
        for (i, c) in file.constants.iter().enumerate() {
            f(&c.name.name, Global::Constant(u, i), c.name.span);
        }
        if !executable(file) {
            return;
        }
        for (i, x) in file.formats.iter().enumerate() {
            f(&x.name.name, Global::Format(u, i), x.name.span);
        }
        for (i, x) in file.functions.iter().enumerate() {
            f(&x.name.name, Global::Function(u, i), x.name.span);
        }
        for (i, x) in file.kernels.iter().enumerate() {
            f(&x.name.name, Global::Kernel(u, i), x.name.span);
        }
        for (i, x) in file.layers.iter().enumerate() {
            f(&x.name.name, Global::Layer(u, i), x.name.span);
        }
        for (i, x) in file.models.iter().enumerate() {
            f(&x.layer.name.name, Global::Model(u, i), x.layer.name.span);
        }
    }

    /// What a name means in a file.
    pub fn find(&mut self, file: usize, name: &str) -> Option<Global> {
        let global = self.units[file].names.get(name)?.0;
        if !self.used.contains(&global) {
            self.used.push(global);
        }
        Some(global)
    }

    /// The generic kernel and types behind an instance's name, `linear_bf16`.
    pub fn find_instance(&self, file: usize, name: &str) -> Option<KernelKey> {
        let mut known: Vec<(usize, usize)> = self.units[file]
            .names
            .iter()
            .filter(|(base, _)| name.starts_with(**base))
            .filter_map(|(_, (g, _))| if let Global::Kernel(f, at) = g { Some((*f, *at)) } else { None })
            .collect();
        known.sort_unstable();
        known.into_iter().find_map(|(f, at)| {
            let k = &self.units[f].file.kernels[at];
            let mut rest = name.strip_prefix(k.name.name.as_str())?;
            let mut types = vec![];
            for _ in &k.generics {
                rest = rest.strip_prefix('_')?;
                let (elem, length) = self.elem_at_start(file, rest)?;
                types.push(elem);
                rest = &rest[length..];
            }
            (rest.is_empty() && !types.is_empty()).then_some((f, at, types))
        })
    }

    /// The element type or format whose name a text begins with, and the name's length.
    fn elem_at_start(&self, file: usize, text: &str) -> Option<(Elem, usize)> {
        let ends = |length: usize| text[length..].is_empty() || text[length..].starts_with('_');
        let word = text.find('_').unwrap_or(text.len());
        if let Some(t) = super::types::word(&text[..word]) {
            return Some((Elem::Type(t), word));
        }
        // Of `q4` and `q4_0` the longer one is meant.
        let formats = self.units[file].names.iter().filter_map(|(name, (g, _))| match g {
            Global::Format(f, at) if text.starts_with(name) && ends(name.len()) => {
                Some((name.len(), *f, *at))
            }
            _ => None,
        });
        let (length, f, at) = formats.max()?;
        Some((Elem::Format(f, at), length))
    }

    /// The nearest global name that satisfies `wanted`, as a hint.
    pub fn suggest(&self, file: usize, name: &str, wanted: &dyn Fn(Global) -> bool) -> Option<String> {
        let mut known: Vec<&str> =
            self.units[file].names.iter().filter(|(_, (g, _))| wanted(*g)).map(|(n, _)| *n).collect();
        known.sort_unstable();
        suggest::hint(name, known.into_iter())
    }

    /// Whether the parser left something out of a definition of a file.
    pub fn incomplete(&self, file: usize, span: Span) -> bool {
        // What a line lacks is missed at its end, which may be the end of all.
        file == 0 && self.refused.iter().any(|r| span.start <= r.start && r.start <= span.end)
    }

    /// Whether the parser left out a definition that may be called so: it refused something in a section, and
    /// one of its lines begins with the name.
    pub fn left_out(&self, file: usize, name: &str) -> bool {
        let unit = &self.units[file];
        let begins = |line: &str| {
            let rest = line.trim_start().strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        };
        unit.file.sections.iter().any(|s| {
            let text = unit.source.text.get(s.span.range()).unwrap_or_default();
            DEFINING.contains(&s.key.name.as_str())
                && self.incomplete(file, s.span)
                && text.lines().any(begins)
        })
    }

    /// Adds a finding about file 0, once. Findings about other files are theirs.
    pub fn report(&mut self, file: usize, d: Diagnostic) {
        let known = |o: &Diagnostic| o.code == d.code && o.span == d.span;
        if file == 0 && self.silent == 0 && !self.diags.list.iter().any(known) {
            self.diags.push(d);
        }
    }

    /// The text of a header on one line, without its colon.
    pub fn header_text(&self, file: usize, span: Span) -> String {
        self.units[file].source.text.get(span.range()).map_or(String::new(), crate::fmt::header_line)
    }

    /// The text of a span on one line, as a formatted spec has it: generated documentation does not
    /// depend on how the spec looks.
    pub fn text(&self, file: usize, span: Span) -> String {
        let unit = &self.units[file];
        let Some(slice) = unit.source.text.get(span.range()) else { return String::new() };
        crate::fmt::inline(slice, unit.is_in_brackets(span))
    }
}

/// Whether executable sections of a file have a meaning.
pub(super) fn executable(file: &ast::File) -> bool {
    file.language.as_ref().is_none_or(|l| l.name.eq_ignore_ascii_case("rust"))
}
