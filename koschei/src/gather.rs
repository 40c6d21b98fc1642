//! Specs and recorded results → modules of the tree.
//!
//! A module is a spec, named by its `name:` or else its file. It requires what its `requires:` lists and what it
//! imports. Its status follows from what `vibee test --record` has kept of its present text. Knows nothing of how
//! trees are checked or shown.

use std::path::{Path, PathBuf};

use vibee_codegen::project::{Checked, Project};
use vibee_codegen::results::facts::{self, Facts};
use vibee_codegen::results::status::{self, State};
use vibee_codegen::results::{Results, SpecResult};
use vibee_spec::ast::{Node, NodeKind};
use vibee_spec::span::Span;

use crate::tree::{Module, Problem, ProblemKind, Status};

/// Modules with what was found on the way.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In path order.
    pub modules: Vec<Module>,
    /// Where each was written.
    pub places: Vec<Place>,
    /// Lines that cannot be read as requirements or effort.
    pub unreadable: Vec<Unreadable>,
}

/// Where a module was written.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its spec.
    pub path: PathBuf,
    /// Line of each name that it requires.
    requires: Vec<(String, usize)>,
    /// Why its status is what it is, in words.
    pub reasons: String,
}

/// A part of a spec that should speak about the tree and does not.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// The spec.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Specs and what they import. A spec that only came along with an import is not asked for its `requires:`, since
/// what it names may not have been read.
#[must_use]
pub fn gather(project: &Project, checked: &[Checked], results: Option<(&Path, &Results)>) -> Gathered {
    let mut out = Gathered::default();
    let imported: Vec<Checked> = (project.asked..project.specs.len()).map(|n| project.check(n)).collect();
    for c in checked.iter().chain(&imported) {
        let spec = &project.specs[c.spec];
        let mut reader = Reader { project, spec: c.spec, out: &mut out };
        let mut requires = if c.spec < project.asked { reader.requires() } else { vec![] };
        let effort = reader.effort();
        for import in project.imports(c.spec) {
            let name = name(project, import);
            if !requires.iter().any(|(known, _)| *known == name) {
                requires.push((name, reader.line_of_section("imports")));
            }
        }
        let result = results.and_then(|(file, r)| r.specs.get(&facts::key(file, &spec.path)?));
        let (status, reasons) = status(&Facts::of(project, c), result);
        out.modules.push(Module {
            name: name(project, c.spec),
            requires: requires.iter().map(|(name, _)| name.clone()).collect(),
            effort,
            status,
        });
        out.places.push(Place { path: spec.path.clone(), requires, reasons });
    }
    out
}

impl Gathered {
    /// Where a problem is: path and line of each module that it names.
    #[must_use]
    pub fn places_of(&self, problem: &Problem) -> Vec<(&Path, usize)> {
        let all = self.modules.iter().zip(&self.places);
        match (problem.kind, problem.path.as_slice()) {
            (ProblemKind::Duplicate | ProblemKind::Effort, [name, ..]) => {
                all.filter(|(m, _)| m.name == *name).map(|(_, p)| (p.path.as_path(), 1)).collect()
            }
            (_, path) => {
                let of = |pair: &[String]| {
                    let mut of_name = all.clone().filter(|(m, _)| m.name == pair[0]);
                    of_name.find_map(|(_, p)| {
                        let (_, line) = p.requires.iter().find(|(name, _)| *name == pair[1])?;
                        Some((p.path.as_path(), *line))
                    })
                };
                path.windows(2).filter_map(of).collect()
            }
        }
    }
}

/// A spec's name in the tree.
fn name(project: &Project, n: usize) -> String {
    let spec = &project.specs[n];
    let file = || spec.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    spec.file.name.as_ref().map_or_else(file, |name| name.name.clone())
}

/// What may be said of a spec. Formulas, constants and types alone have nothing to show.
fn status(facts: &Facts, result: Option<&SpecResult>) -> (Status, String) {
    let found = status::Status::of(facts, result);
    let runs = !facts.kernels.is_empty() || !facts.layers.is_empty() || facts.behaviors > 0;
    let status = match found.state {
        State::Failing => Status::Failing,
        State::Tested => Status::Tested,
        State::Untested => Status::Specified,
        State::Declared if runs => Status::Specified,
        State::Declared => Status::Definition,
    };
    (status, found.text())
}

/// Reads the sections of one spec that speak about the tree.
struct Reader<'a, 'o> {
    project: &'a Project,
    spec: usize,
    out: &'o mut Gathered,
}

impl<'a> Reader<'a, '_> {
    /// Names of `requires:`, each with its line.
    fn requires(&mut self) -> Vec<(String, usize)> {
        let Some(value) = self.section("requires") else { return vec![] };
        let items = match &value.kind {
            NodeKind::Empty => return vec![],
            NodeKind::Seq(items) => items,
            _ => {
                self.refuse(value.span, "`requires:` is a list of module names");
                return vec![];
            }
        };
        let mut found = vec![];
        for item in items {
            match text(item) {
                Some(name) => found.push((name.to_owned(), self.line(item.span))),
                None => self.refuse(item.span, "a requirement is the name of a module"),
            }
        }
        found
    }

    /// The number of `effort:`, or 1.
    fn effort(&mut self) -> f64 {
        let Some(value) = self.section("effort") else { return 1.0 };
        let (span, number) = (value.span, text(value).and_then(|t| t.parse().ok()));
        number.unwrap_or_else(|| {
            self.refuse(span, "`effort:` is a number");
            1.0
        })
    }

    fn section(&self, key: &str) -> Option<&'a Node> {
        let project: &'a Project = self.project;
        let sections = &project.specs[self.spec].file.sections;
        sections.iter().find(|s| s.key.name == key).map(|s| &s.value)
    }

    fn line_of_section(&self, key: &str) -> usize {
        let sections = &self.project.specs[self.spec].file.sections;
        sections.iter().find(|s| s.key.name == key).map_or(1, |s| self.line(s.key.span))
    }

    fn line(&self, span: Span) -> usize {
        let text = &self.project.specs[self.spec].source.text;
        text.as_bytes().iter().take(span.start as usize).filter(|b| **b == b'\n').count() + 1
    }

    fn refuse(&mut self, span: Span, message: &str) {
        let (path, line) = (self.project.specs[self.spec].path.clone(), self.line(span));
        self.out.unreadable.push(Unreadable { path, line, message: message.to_owned() });
    }
}

/// A node that is one text.
fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Raw(text) | NodeKind::Quoted(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    }
}
