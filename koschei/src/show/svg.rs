//! A tree as a picture. Text is measured by columns of a monospaced font, so the picture is the same everywhere.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::layout::{BOX, Layout, Node, layout};
use super::{View, harmless, look, number};
use crate::tree::Module;

/// Width of one column of text, a little more than monospaced fonts have at [`FONT`].
const COLUMN: f64 = 8.0;
const FONT: u32 = 13;
const SMALL: u32 = 11;
/// Inside a box, left and right of its text.
const PADDING: f64 = 12.0;
/// Around everything.
const MARGIN: f64 = 24.0;
/// Room for the title and the legend.
const HEAD: f64 = 64.0;
/// Names are cut beyond this; the whole name is in the title of the box.
const LONGEST: usize = 40;

/// The whole picture.
#[must_use]
pub fn svg(view: &View<'_>) -> String {
    let modules: Vec<&Module> = view.tree.modules().collect();
    let column: BTreeMap<&str, usize> = view
        .layers
        .iter()
        .enumerate()
        .flat_map(|(n, layer)| layer.iter().map(move |name| (name.as_str(), n)))
        .collect();
    let position: BTreeMap<&str, usize> =
        modules.iter().enumerate().map(|(n, m)| (m.name.as_str(), n)).collect();
    let labels: Vec<[String; 2]> = modules.iter().map(|m| [shortened(&m.name), remark(view, m)]).collect();
    let nodes: Vec<Node> = modules
        .iter()
        .zip(&labels)
        .map(|(m, label)| Node {
            column: column.get(m.name.as_str()).copied().unwrap_or(0),
            width: label.iter().map(|l| l.width()).max().unwrap_or(0) as f64 * COLUMN + 2.0 * PADDING,
        })
        .collect();
    let mut edges: Vec<(usize, usize)> = modules
        .iter()
        .enumerate()
        .flat_map(|(to, m)| {
            m.requires.iter().filter_map(|r| position.get(r.as_str())).map(move |from| (*from, to))
        })
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let placed = layout(&nodes, &edges);
    let mut out = String::new();
    let legend = legend(view);
    let width = placed.width.max(legend.1) + 2.0 * MARGIN;
    let height = placed.height + 2.0 * MARGIN + HEAD;
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" \
         font-size=\"{FONT}\">"
    );
    let _ = writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    out += &legend.0;
    let _ = writeln!(out, "<g transform=\"translate({MARGIN} {})\">", MARGIN + HEAD);
    lines(&mut out, view, &modules, &edges, &placed);
    for ((module, label), at) in modules.iter().zip(&labels).zip(&placed.boxes) {
        boxed(&mut out, view, module, label, (at.x, at.y, at.width));
    }
    out + "</g>\n</svg>\n"
}

/// Title and what the colours mean; with its width.
fn legend(view: &View<'_>) -> (String, f64) {
    let mut out = String::new();
    let count = view.tree.modules().len();
    let title = format!("Technology tree: {}", super::count(count, "module"));
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"{}\" font-weight=\"bold\" fill=\"#1a1a1a\">{title}</text>",
        MARGIN + 12.0
    );
    let (mut x, y) = (MARGIN, MARGIN + 40.0);
    let mut entry = |out: &mut String, sign: &str, text: &str| {
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">{sign}");
        let _ =
            writeln!(out, "<text x=\"24\" y=\"0\" font-size=\"{SMALL}\" fill=\"#333333\">{text}</text></g>");
        x += 24.0 + (text.width() + 3) as f64 * COLUMN;
    };
    for (look, n) in view.counts() {
        let sign = format!(
            "<rect x=\"0\" y=\"-11\" width=\"16\" height=\"13\" rx=\"3\" fill=\"{}\" stroke=\"{}\"/>",
            look.fill, look.stroke
        );
        entry(&mut out, &sign, &format!("{n} {}", look.word));
    }
    if !view.frontier.is_empty() {
        let sign = "<rect x=\"0\" y=\"-11\" width=\"16\" height=\"13\" rx=\"3\" fill=\"none\" stroke=\"#333333\" \
                    stroke-width=\"2.5\"/>";
        entry(&mut out, sign, "can be started now");
        let sign = "<path d=\"M0 -4H16\" stroke=\"#d9480f\" stroke-width=\"2.5\"/>";
        entry(&mut out, sign, &format!("critical path, effort {}", number(view.critical.effort)));
    }
    (out, x.max(title.width() as f64 * COLUMN + MARGIN) - MARGIN)
}

/// All lines, those of the critical path on top.
fn lines(out: &mut String, view: &View<'_>, modules: &[&Module], edges: &[(usize, usize)], placed: &Layout) {
    let critical =
        |from: &str, to: &str| view.critical.modules.windows(2).any(|w| w[0] == from && w[1] == to);
    for on_path in [false, true] {
        let style = match on_path {
            true => "stroke=\"#d9480f\" stroke-width=\"2.5\"",
            false => "stroke=\"#9aa0a6\" stroke-width=\"1.2\"",
        };
        let _ = writeln!(out, "<g fill=\"none\" {style}>");
        for ((from, to), line) in edges.iter().zip(&placed.lines) {
            if critical(&modules[*from].name, &modules[*to].name) == on_path {
                let _ = writeln!(out, "<path d=\"{}\"/>", curve(line));
            }
        }
        let _ = writeln!(out, "</g>");
    }
}

/// Pairs of points joined by curves that leave and arrive level; straight between pairs.
fn curve(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (n, pair) in points.chunks_exact(2).enumerate() {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        let middle = round((x + to_x) / 2.0);
        let (x, y, to_x, to_y) = (round(x), round(y), round(to_x), round(to_y));
        let _ = write!(d, "{}{x} {y}", if n == 0 { "M" } else { "L" });
        let _ = write!(d, "C{middle} {y} {middle} {to_y} {to_x} {to_y}");
    }
    d
}

/// One box with its texts.
fn boxed(out: &mut String, view: &View<'_>, module: &Module, label: &[String; 2], at: (f64, f64, f64)) {
    let (x, y, width) = (round(at.0), round(at.1), round(at.2));
    let look = look(module.status);
    let border = if view.frontier.contains(&module.name) { 2.5 } else { 1.2 };
    let reasons = view.reasons.get(module.name.as_str()).copied().unwrap_or_default();
    let _ = writeln!(out, "<g transform=\"translate({x} {y})\">");
    let _ = writeln!(out, "<title>{}: {}</title>", escaped(&module.name), escaped(reasons));
    let _ = writeln!(
        out,
        "<rect width=\"{width}\" height=\"{BOX}\" rx=\"6\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{border}\"/>",
        look.fill, look.stroke
    );
    let [name, remark] = label;
    let _ = writeln!(out, "<text x=\"{PADDING}\" y=\"18\" fill=\"#1a1a1a\">{}</text>", escaped(name));
    let _ = writeln!(
        out,
        "<text x=\"{PADDING}\" y=\"33\" font-size=\"{SMALL}\" fill=\"{}\">{}</text>\n</g>",
        look.stroke,
        escaped(remark)
    );
}

/// The second line of a box.
fn remark(_view: &View<'_>, module: &Module) -> String {
    let word = look(module.status).word;
    if module.effort == 1.0 { word.to_owned() } else { format!("{word}, effort {}", number(module.effort)) }
}

/// At most [`LONGEST`] columns of a name.
fn shortened(name: &str) -> String {
    let name = harmless(name);
    if name.width() <= LONGEST {
        return name;
    }
    let (mut out, mut wide) = (String::new(), 0);
    for c in name.chars() {
        wide += c.width().unwrap_or(0);
        if wide >= LONGEST {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// Text as XML takes it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in harmless(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// Tenths are fine enough for pixels.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
