//! A tree on a terminal: goals first, what they require below them, then what can be started.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{View, count, harmless, look, number};
use crate::tree::Module;

/// What a terminal can show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Colours.
    pub colour: bool,
    /// ASCII only.
    pub ascii: bool,
}

/// Signs that lines are drawn with.
struct Lines {
    branch: &'static str,
    last: &'static str,
    through: &'static str,
    nothing: &'static str,
    arrow: &'static str,
}

const UNICODE: Lines =
    Lines { branch: "├── ", last: "└── ", through: "│   ", nothing: "    ", arrow: " → " };
const ASCII: Lines = Lines { branch: "|-- ", last: "`-- ", through: "|   ", nothing: "    ", arrow: " -> " };

/// The whole page.
#[must_use]
pub fn text(view: &View<'_>, style: Style) -> String {
    let mut out = String::new();
    let paint = |code: &str, text: &str| match style.colour {
        true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let lines = if style.ascii { ASCII } else { UNICODE };
    let _ = writeln!(out, "{}", paint("1", &summary(view)));
    let modules: BTreeMap<&str, &Module> = view.tree.modules().map(|m| (m.name.as_str(), m)).collect();
    let required: BTreeSet<&str> =
        view.tree.modules().flat_map(|m| &m.requires).map(String::as_str).collect();
    let goals = modules.values().filter(|m| !required.contains(m.name.as_str()));
    let mut shown = BTreeSet::new();
    // A stack instead of recursion: trees may be deep. Each entry has the signs before it and before its own.
    let mut next: Vec<(&Module, String, String)> =
        goals.map(|m| (*m, String::new(), String::new())).collect();
    next.reverse();
    while let Some((module, before, below)) = next.pop() {
        if before.is_empty() {
            out.push('\n');
        }
        let look = look(module.status);
        let sign = look.signs[usize::from(style.ascii)];
        let mut line = format!("{before}{} {}", paint(look.colour, sign), harmless(&module.name));
        let requires: BTreeSet<&str> = module.requires.iter().map(String::as_str).collect();
        let again = !shown.insert(module.name.as_str()) && !requires.is_empty();
        if again {
            line += " (*)";
        } else if module.effort != 1.0 {
            let _ = write!(line, " ({})", number(module.effort));
        }
        let _ = writeln!(out, "{line}");
        if again {
            continue;
        }
        let children: Vec<&Module> = requires.iter().filter_map(|r| modules.get(r).copied()).collect();
        for (n, child) in children.iter().enumerate().rev() {
            let last = n + 1 == children.len();
            let (sign, deeper) =
                if last { (lines.last, lines.nothing) } else { (lines.branch, lines.through) };
            next.push((child, format!("{below}{sign}"), format!("{below}{deeper}")));
        }
    }
    plan(&mut out, view, &lines, &paint);
    out
}

/// `31 modules: 12 tested, 19 specified`.
fn summary(view: &View<'_>) -> String {
    let parts: Vec<String> = view.counts().iter().map(|(look, n)| format!("{n} {}", look.word)).collect();
    let modules = count(view.tree.modules().len(), "module");
    if parts.is_empty() { modules } else { format!("{modules}: {}", parts.join(", ")) }
}

/// What can be started, and what takes longest.
fn plan(out: &mut String, view: &View<'_>, lines: &Lines, paint: &dyn Fn(&str, &str) -> String) {
    let names =
        |names: &mut dyn Iterator<Item = &String>| -> Vec<String> { names.map(|n| harmless(n)).collect() };
    let frontier = match view.frontier.len() {
        0 => "nothing, everything is done".to_owned(),
        _ => names(&mut view.frontier.iter()).join(", "),
    };
    let _ = writeln!(out, "\n{} {frontier}", paint("1", "can be started now:"));
    if !view.critical.modules.is_empty() {
        let path = names(&mut view.critical.modules.iter()).join(lines.arrow);
        let effort = number(view.critical.effort);
        let _ = writeln!(out, "{} {path} (effort {effort})", paint("1", "critical path:"));
    }
    let signs: Vec<String> = view
        .counts()
        .iter()
        .map(|(look, _)| {
            format!(
                "{} {}",
                paint(look.colour, look.signs[usize::from(lines.arrow == ASCII.arrow)]),
                look.word
            )
        })
        .collect();
    if !signs.is_empty() {
        let _ = writeln!(out, "\n{}; (*) is shown above, (N) is an effort other than 1", signs.join(", "));
    }
}
