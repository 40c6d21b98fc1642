//! A run as a table for people.

use unicode_width::UnicodeWidthStr;

use super::stats::Median;
use super::{Row, Run};

/// The table, one row for each point.
#[must_use]
pub fn table(run: &Run) -> String {
    let compared = run.rows.iter().any(|r| r.measured.against.is_some());
    let mut lines = vec![
        ["name", "sizes", "a call", "Gflop/s", "functions/s", "GB/s", "of its roof", "itself"]
            .map(str::to_owned)
            .to_vec(),
    ];
    if compared {
        lines[0].push("against".into());
    }
    for row in &run.rows {
        let m = &row.measured;
        let mut line = vec![
            row.name.clone(),
            row.sizes(),
            time(&m.ns),
            rate(row.flops()),
            rate(row.point.work.functions / m.ns.value * 1e9),
            rate(row.bytes()),
            roof(row),
            ratio(&m.control),
        ];
        if compared {
            line.push(m.against.as_ref().map_or("–".into(), |a| verdict(a, &m.control)));
        }
        lines.push(line);
    }
    let mut out = aligned(&lines);
    let most = run.rows.iter().any(|r| r.point.work.at_most);
    out += &format!(
        "\n{}, level {}. A call: the median, and in brackets where it lies with 95 %. Its roof: the \
         nearer of multiply-adds\non registers and of reading as many bytes, measured in turn with it. Itself: a \
         call's time against its own, which a\ndifference must exceed to mean anything.\n",
        threads(run.threads),
        run.level
    );
    if most {
        out += "~ conditions on data may leave less to do: the share is the most that it can be.\n";
    }
    if run.rows.iter().any(|r| r.share() > 1.0) {
        out += "Above 100 %: multiply-adds are of f32, of bf16 and bytes the machine does more; or it was slowed \
                while its roof was measured.\n";
    }
    out
}

/// `1 thread`.
#[must_use]
pub fn threads(n: u32) -> String {
    if n == 1 { "1 thread".into() } else { format!("{n} threads") }
}

/// `1.23 µs [1.20, 1.31]`.
fn time(ns: &Median) -> String {
    let (unit, scale) = match ns.value {
        v if v < 1e3 => ("ns", 1.0),
        v if v < 1e6 => ("µs", 1e3),
        v if v < 1e9 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    let shown = |v: f64| three(v / scale);
    format!("{} {unit} [{}, {}]", shown(ns.value), shown(ns.low), shown(ns.high))
}

/// Billions a second.
fn rate(v: f64) -> String {
    if v == 0.0 { "–".into() } else { three(v / 1e9) }
}

/// Three significant digits.
fn three(v: f64) -> String {
    let digits = if v == 0.0 { 0 } else { (2 - v.abs().log10().floor() as i32).clamp(0, 6) };
    format!("{v:.*}", digits as usize)
}

fn roof(row: &Row) -> String {
    let (about, m) = (if row.point.work.at_most { "~" } else { "" }, &row.measured);
    let share = 100.0 * row.share();
    let share = if share < 9.5 { format!("{share:.1}") } else { format!("{share:.0}") };
    match row.roof() {
        (_, true) if row.point.work.flops > 0.0 => {
            format!("{about}{share} % of {} Gflop/s", three(m.peak / 1e9))
        }
        _ => format!("{about}{share} % of {} GB/s", three(m.reading / 1e9)),
    }
}

fn ratio(m: &Median) -> String {
    format!("{:.3} [{:.3}, {:.3}]", m.value, m.low, m.high)
}

/// What a comparison says: a difference that the program has with itself is none.
fn verdict(against: &Median, control: &Median) -> String {
    let noise = (control.high - 1.0).abs().max((1.0 - control.low).abs());
    let word = match against.value {
        _ if against.holds(1.0) || (against.value - 1.0).abs() <= noise => "no difference",
        v if v < 1.0 => "faster",
        _ => "slower",
    };
    format!("{} {word}", ratio(against))
}

/// Columns, all but the first two to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |n: usize| lines.iter().map(|l| l[n].width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(n, (text, width))| {
            let space = " ".repeat(width - text.width());
            if n < 2 { format!("{text}{space}") } else { format!("{space}{text}") }
        });
        out += cells.collect::<Vec<_>>().join("  ").trim_end();
        out.push('\n');
    }
    out
}
