//! Three ways of showing a tree: text for terminals, SVG for pages, JSON for programs.
//!
//! Each is a pure function of a [`View`]; same tree, same bytes.

pub mod json;
mod layout;
pub mod svg;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{CriticalPath, Status, Tree};

/// A tree with everything that is said about it.
#[derive(Debug)]
pub struct View<'a> {
    /// The tree.
    pub tree: &'a Tree,
    /// Why a module has its status, by name.
    pub reasons: BTreeMap<&'a str, &'a str>,
    layers: Vec<Vec<String>>,
    frontier: BTreeSet<String>,
    critical: CriticalPath,
}

impl<'a> View<'a> {
    /// Plans a tree.
    #[must_use]
    pub fn new(tree: &'a Tree, reasons: BTreeMap<&'a str, &'a str>) -> Self {
        let frontier = tree.frontier().into_iter().collect();
        View { tree, reasons, layers: tree.layers(), frontier, critical: tree.critical_path() }
    }

    /// How many modules have each status, in the order of [`STATUSES`], without those that nobody has.
    fn counts(&self) -> Vec<(&'static Look, usize)> {
        let count = |look: &Look| self.tree.modules().filter(|m| m.status == look.status).count();
        STATUSES.iter().map(|look| (look, count(look))).filter(|(_, n)| *n > 0).collect()
    }
}

/// How a status looks.
#[derive(Debug)]
struct Look {
    status: Status,
    word: &'static str,
    /// A sign for terminals, and one of ASCII.
    signs: [&'static str; 2],
    /// Its colour on a terminal (SGR).
    colour: &'static str,
    /// Colours of a box: inside and border.
    fill: &'static str,
    stroke: &'static str,
}

/// Every status, best first.
const STATUSES: [Look; 5] = [
    Look {
        status: Status::Measured,
        word: "measured",
        signs: ["★", "*"],
        colour: "1;32",
        fill: "#b2e2be",
        stroke: "#1b6e2f",
    },
    Look {
        status: Status::Tested,
        word: "tested",
        signs: ["✓", "+"],
        colour: "32",
        fill: "#dcf3e1",
        stroke: "#2b8a3e",
    },
    Look {
        status: Status::Definition,
        word: "definition",
        signs: ["◇", "="],
        colour: "36",
        fill: "#e3f1f5",
        stroke: "#3b7f92",
    },
    Look {
        status: Status::Specified,
        word: "specified",
        signs: ["○", "-"],
        colour: "33",
        fill: "#fff6dd",
        stroke: "#a87b14",
    },
    Look {
        status: Status::Failing,
        word: "failing",
        signs: ["✗", "x"],
        colour: "1;31",
        fill: "#fde2e2",
        stroke: "#c02626",
    },
];

/// The row of a status.
fn look(status: Status) -> &'static Look {
    STATUSES.iter().find(|l| l.status == status).unwrap_or(&STATUSES[3])
}

/// Text from a spec without anything that a terminal or an XML reader would take as more than text.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

/// Direction marks, which turn the text around them, and characters that XML does not allow.
fn is_unprintable(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// `3`, `0.5`: an effort as a spec would write it.
fn number(effort: f64) -> String {
    let rounded = (effort * 1000.0).round() / 1000.0;
    format!("{rounded}")
}

/// `1 module`, `2 modules`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
