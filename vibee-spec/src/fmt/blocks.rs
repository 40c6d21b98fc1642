//! Executable sections: the depth of every line, and what its words may hold.

use super::STEP;
use super::page::{Entry, Page};
use super::statement::{Stand, statement};
use super::token::Words;
use super::values;
use crate::ast::Section;
use crate::diag::Diags;
use crate::scan::{Lines, Sink, join};
use std::ops::Range;

/// A line that others stand below.
struct Above {
    old: u32,
    /// The word before its colon, for parts of layers.
    part: String,
}

/// Writes an executable section whose lines are `body`.
pub(super) fn section(section: &Section, body: Range<usize>, lines: &Lines, page: &mut Page) {
    values::key_line(section, lines, page);
    let mut ignored = Diags::default();
    let mut sink = Sink::new(&mut ignored);
    let mut above: Vec<Above> = Vec::new();
    let mut n = body.start;
    while n < body.end {
        if !lines.has_code(n) {
            n += 1;
            continue;
        }
        let line = lines.list[n];
        while above.last().is_some_and(|a| a.old >= line.indent) {
            above.pop();
        }
        let depth = above.len();
        let joined = join(lines, n, line.content as usize, line.indent, &mut sink);
        let stand = Stand { line: n, old: line.indent, col: STEP * (depth + 1) };
        let first = page.rows.len();
        let part = joined.text.split(':').next().unwrap_or("").trim_end().to_owned();
        let words = words(&section.key.name, &above, &part);
        n = joined.next;
        statement(&joined, stand, words, lines, page);
        if depth == 0 {
            page.entry(first, Entry::Inner);
        }
        above.push(Above { old: line.indent, part });
    }
}

/// How the words of a line below `above` are made. `part` is what it has before its first colon.
fn words(section: &str, above: &[Above], part: &str) -> Words {
    let of_layer = matches!(section, "layers" | "models");
    match (above, of_layer) {
        ([], true) => Words::Header,
        ([], false) => {
            if section == "kernels" {
                Words::Header
            } else {
                Words::Plain
            }
        }
        ([_], true) if part == "config" => Words::Config,
        ([_], true) => Words::Header,
        ([_, of, ..], true) if of.part == "config" => Words::Config,
        ([_, of, ..], true) if of.part == "weights" => Words::Weight,
        _ => Words::Plain,
    }
}
