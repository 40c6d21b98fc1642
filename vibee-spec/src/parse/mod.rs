//! From text to [`crate::ast::File`]: all sections, all findings in one run, never a panic.
//!
//! The scanner has found the lines; here the known sections get their meaning as trees. Nothing is
//! resolved: the parser must not know whether a name is a dim, an index or a kernel.

mod behaviors;
mod callees;
mod case;
mod declare;
mod expr;
mod format;
mod function;
mod header;
mod kernel;
mod later;
mod layer;
mod line;
mod literal;
mod node;
mod operators;
mod refusal;
mod statement;
mod tree;
mod types;
pub mod words;

use crate::ast::{File, Section};
use crate::diag::{Diagnostic, Diags};
use crate::scan::{self, Lines, Sink};
use crate::span::{Source, Span};
use callees::Callees;
use std::ops::Range;

pub use crate::scan::{Mode, decode, decode_as, lossy};

/// Parses a spec strictly. What cannot be read is reported in `diags` and left out of the tree.
pub fn parse(source: &Source, diags: &mut Diags) -> File {
    parse_as(source, Mode::Strict, diags)
}

/// Parses a spec; `mode` tells what becomes of malformed lines that have a reading.
pub fn parse_as(source: &Source, mode: Mode, diags: &mut Diags) -> File {
    let before = diags.list.len();
    let file = parse_into(source, mode, &mut Sink::new(diags));
    // Sections are read after the lines were scanned; people read from top to bottom.
    diags.list[before..].sort_by_key(|d| d.span.start);
    file
}

/// Parses the bytes of a spec. If they are no text, the tree is empty, and the text is one to show
/// the finding in.
pub fn read(path: &str, bytes: &[u8], mode: Mode, diags: &mut Diags) -> (Source, File) {
    match decode_as(path, bytes, mode, diags) {
        Ok(source) => {
            let file = parse_as(&source, mode, diags);
            (source, file)
        }
        Err(refused) => {
            diags.push(refused);
            (lossy(path, bytes), File::default())
        }
    }
}

fn parse_into(source: &Source, mode: Mode, sink: &mut Sink) -> File {
    let mut lines = Lines::new(&source.text);
    let zeros = lines.take_zeros();
    let mut file = File { language: scan::language(&lines), ..File::default() };
    let executable = file.language.as_ref().is_none_or(|language| language.name == "rust");
    scan::characters(&source.text, sink);
    let scanned = scan::scan(lines.clone(), zeros, executable, mode, sink);
    introduction(&scanned.sections, &file, sink);
    // Kernels first: a case calls a kernel, or else a behaviour.
    for (n, body) in &scanned.bodies {
        executable_section(&scanned.sections[*n], &lines, body.clone(), &mut file, sink);
    }
    let callees = Callees::new(&scanned.sections, &file);
    let callees = executable.then_some(&callees);
    for (n, section) in scanned.sections.iter().enumerate() {
        if !scanned.bodies.iter().any(|(of, _)| *of == n) {
            declarative_section(section, &source.text, callees, &mut file, sink);
        }
    }
    file.sections = scanned.sections;
    file
}

/// Warns about what every spec should begin with.
fn introduction(sections: &[Section], file: &File, sink: &mut Sink) {
    if sections.is_empty() {
        let d = Diagnostic::warning("V0001", Span::default(), "the spec is empty")
            .label("no section in the whole file")
            .hint("start with `name:` and `language: rust`");
        sink.push(d);
    } else if file.language.is_none() {
        let d = Diagnostic::warning("V0005", sections[0].key.span, "the spec states no language")
            .label("taken as `language: rust`")
            .hint("add the line `language: rust`");
        sink.push(d);
    }
}

/// Reads a section of plain values into `file`.
fn declarative_section(
    section: &Section,
    text: &str,
    callees: Option<&Callees>,
    file: &mut File,
    sink: &mut Sink,
) {
    let (key, value) = (&section.key, &section.value);
    match key.name.as_str() {
        "types" => file.types.extend(types::types(value, text)),
        "behaviors" => file.behaviors.extend(behaviors::behaviors(key, value, text, callees, sink)),
        "test_cases" => file.test_cases.extend(case::cases(key, value, callees, sink)),
        _ => declare::section(section, file, sink),
    }
}

/// Reads the lines of one executable section into `file`.
fn executable_section(
    section: &Section,
    lines: &Lines,
    body: Range<usize>,
    file: &mut File,
    sink: &mut Sink,
) {
    let entries = tree::tree(lines, body, sink);
    match section.key.name.as_str() {
        "kernels" => file.kernels.extend(entries.iter().filter_map(|e| kernel::kernel(e, sink))),
        "formats" => file.formats.extend(entries.iter().filter_map(|e| format::format(e, sink))),
        "functions" => file.functions.extend(entries.iter().filter_map(|e| function::function(e, sink))),
        "layers" => file.layers.extend(entries.iter().filter_map(|e| layer::layer(e, sink))),
        _ => file.models.extend(entries.iter().filter_map(|e| layer::model(e, sink))),
    }
}
