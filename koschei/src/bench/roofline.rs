//! The roofline as a picture: operations a second over operations for each byte, both in decades, under the roof of
//! multiply-adds and those of reading. Text is measured by columns of a monospaced font, so the picture is the same
//! everywhere; it is light or dark as the page around it.

use std::fmt::Write;

use super::{Row, Run};
use crate::show::svg::escaped;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 64.0;
const COLUMN: f64 = 7.3;
/// Columns and lines of the list below.
const COLUMNS: usize = 2;
const LINE: f64 = 17.0;

const STYLE: &str = "<style>\
.back{fill:#ffffff}.ink{fill:#1b1f24}.dim{fill:#59636e}.grid{stroke:#d8dee4}.roof{stroke:#59636e;fill:none}\
.dot{fill:#0969da;stroke:#ffffff}\
@media (prefers-color-scheme: dark){.back{fill:#0d1117}.ink{fill:#e6edf3}.dim{fill:#9198a1}.grid{stroke:#2a313c}\
.roof{stroke:#9198a1}.dot{fill:#58a6ff;stroke:#0d1117}}\
</style>";

/// Decades of an axis.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// Whole decades around values, all positive.
    fn around(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Axis {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.filter(|v| v.is_finite() && *v > 0.0) {
            low = low.min(v.log10());
            high = high.max(v.log10());
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let (low, mut high) = ((low - 0.1).floor(), (high + 0.1).ceil());
        high = high.max(low + 1.0);
        Axis { low, high, from, to }
    }

    fn at(&self, v: f64) -> f64 {
        let part = (v.max(f64::MIN_POSITIVE).log10() - self.low) / (self.high - self.low);
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|e| 10f64.powi(e))
    }
}

/// The picture; what has no arithmetic is not in it.
#[must_use]
pub fn svg(run: &Run) -> String {
    let rows: Vec<&Row> = run.rows.iter().filter(|r| r.point.work.flops > 0.0).collect();
    let x = Axis::around(rows.iter().map(|r| r.point.work.intensity()), LEFT, WIDTH - RIGHT);
    let heights = rows.iter().flat_map(|r| [r.flops(), r.measured.peak]).map(|v| v / 1e9);
    let y = Axis::around(heights, HEIGHT - BOTTOM, TOP);
    let mut out = String::new();
    let height = HEIGHT + rows.len().div_ceil(COLUMNS) as f64 * LINE;
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} \
         {height}\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"12\">\n{STYLE}\n\
         <rect class=\"back\" width=\"100%\" height=\"100%\"/>"
    );
    let title = format!("Roofline: level {}, {}", run.level, super::report::threads(run.threads));
    text(&mut out, "ink", LEFT, 28.0, "start", &title);
    text(
        &mut out,
        "dim",
        LEFT,
        46.0,
        "start",
        "A dot is a call of given sizes; roofs were measured in turn with it.",
    );
    grid(&mut out, &x, &y);
    roofs(&mut out, &rows, &x, &y);
    dots(&mut out, &rows, &x, &y);
    out + "</svg>\n"
}

fn text(out: &mut String, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64), extra: &str) {
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"{extra}/>",
        from.0, from.1, to.0, to.1
    );
}

fn grid(out: &mut String, x: &Axis, y: &Axis) {
    for v in x.decades() {
        line(out, "grid", (x.at(v), y.from), (x.at(v), y.to), "");
        text(out, "dim", x.at(v), y.from + 18.0, "middle", &format!("{v}"));
    }
    for v in y.decades() {
        line(out, "grid", (x.from, y.at(v)), (x.to, y.at(v)), "");
        text(out, "dim", x.from - 8.0, y.at(v) + 4.0, "end", &format!("{v}"));
    }
    text(out, "ink", (x.from + x.to) / 2.0, HEIGHT - 20.0, "middle", "operations for each byte");
    let (cx, cy) = (22.0, (y.from + y.to) / 2.0);
    let _ = writeln!(
        out,
        "<text class=\"ink\" x=\"{cx}\" y=\"{cy}\" text-anchor=\"middle\" transform=\"rotate(-90 {cx} {cy})\">\
         Gflop/s</text>"
    );
}

/// Roofs of the most and the least that was read a second, and of multiply-adds.
fn roofs(out: &mut String, rows: &[&Row], x: &Axis, y: &Axis) {
    let Some(peak) = rows.iter().map(|r| r.measured.peak).reduce(f64::max) else { return };
    line(out, "roof", (x.from, y.at(peak / 1e9)), (x.to, y.at(peak / 1e9)), " stroke-width=\"1.5\"");
    text(
        out,
        "dim",
        x.to,
        y.at(peak / 1e9) - 6.0,
        "end",
        &format!("multiply-adds {:.0} Gflop/s", peak / 1e9),
    );
    let mut readings: Vec<f64> = rows.iter().map(|r| r.measured.reading).collect();
    readings.sort_by(f64::total_cmp);
    let (Some(&least), Some(&most)) = (readings.first(), readings.last()) else { return };
    let apart = most > 1.2 * least;
    for (n, reading) in [most, least].into_iter().take(1 + usize::from(apart)).enumerate() {
        // From the left edge, or where the line leaves the bottom, to the roof.
        let at = |v: f64| (x.at(v), y.at(v * reading / 1e9));
        let left = 10f64.powf(x.low).max(10f64.powf(y.low) * 1e9 / reading);
        let right = (peak / reading).min(10f64.powf(x.high));
        if left >= right {
            continue;
        }
        line(out, "roof", at(left), at(right), " stroke-width=\"1.5\"");
        let (px, py) = at((left * right).sqrt());
        let (dx, dy) = (at(right).0 - at(left).0, at(right).1 - at(left).1);
        let turn = dy.atan2(dx).to_degrees();
        let shift = if n == 0 { -7.0 } else { 16.0 };
        let label = format!("reading {:.0} GB/s", reading / 1e9);
        let _ = writeln!(
            out,
            "<text class=\"dim\" x=\"{px:.1}\" y=\"{py:.1}\" dy=\"{shift}\" text-anchor=\"middle\" \
             transform=\"rotate({turn:.1} {px:.1} {py:.1})\">{label}</text>"
        );
    }
}

/// Numbered dots, and below the axes what each number is: names beside dots would cover each other.
fn dots(out: &mut String, rows: &[&Row], x: &Axis, y: &Axis) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let (px, py) = (x.at(row.point.work.intensity()), y.at(row.flops() / 1e9));
        let label =
            format!("{} {} {}: {:.0} % of its roof", n + 1, row.name, row.sizes(), 100.0 * row.share());
        let _ = writeln!(
            out,
            "<circle class=\"dot\" cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"4.5\"><title>{}</title></circle>",
            escaped(&label)
        );
        // A number beside its dot, lower where another has its place.
        let mut at = (px + 8.0, py + 4.0);
        while taken.iter().any(|t| (t.0 - at.0).abs() < 2.5 * COLUMN && (t.1 - at.1).abs() < 11.0) {
            at.1 += 11.0;
        }
        taken.push(at);
        text(out, "ink", at.0, at.1, "start", &(n + 1).to_string());
        let (column, line) = (n % COLUMNS, n / COLUMNS);
        let left = 24.0 + column as f64 * (WIDTH - 24.0) / COLUMNS as f64;
        text(out, "ink", left, HEIGHT + line as f64 * LINE, "start", &shortened(&label));
    }
}

/// What has room in a column of the list.
fn shortened(label: &str) -> String {
    let room = ((WIDTH - 48.0) / COLUMNS as f64 / COLUMN) as usize;
    if label.chars().count() <= room {
        return label.to_owned();
    }
    label.chars().take(room - 1).chain(['…']).collect()
}
