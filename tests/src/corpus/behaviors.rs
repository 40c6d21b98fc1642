//! `behaviors:`: names, three sentences, further keys.

use std::fmt::Write;

use super::cases;
use super::measured::Form;
use super::page::Page;
use super::words::{self, Part};

/// The section, up to about `budget` bytes of it.
pub(super) fn section(page: &mut Page, budget: usize) -> String {
    if page.has(Form::Template) {
        return template();
    }
    let mut out = String::from("behaviors:\n");
    // Where the dashes stand.
    let margin = if page.has(Form::FlushItems) { "" } else { "  " };
    let mut n = 0;
    let least = if page.has(Form::DuplicateBehavior) { 2 } else { 1 };
    while n < least || out.len() < budget {
        let name = name(page, n);
        one(&mut out, page, &name, margin, n);
        n += 1;
    }
    out
}

/// The structure that thousands of files share.
fn template() -> String {
    let behavior = |name: &str, given: &str, when: &str, then: &str| {
        format!("  - name: {name}\n    given: {given}\n    when: {when}\n    then: {then}\n")
    };
    format!(
        "behaviors:\n{}{}{}",
        behavior("initialize", "Config provided", "Initialize called", "State created"),
        behavior("execute", "State ready", "Execute called with input", "Result returned"),
        behavior("shutdown", "State active", "Shutdown called", "Resources released"),
    )
}

fn name(page: &mut Page, n: usize) -> String {
    let special: &[(Form, &[&str])] = &[
        (Form::BooleanBehaviors, &["on", "off"]),
        (Form::InvalidBehavior, &["step-one", "2nd_pass", "run all"]),
        (Form::ForeignBehavior, &["вычислить_φ", "ⲕⲟⲇ_run", "σ_sum"]),
        (Form::KeywordBehavior, &["where", "use", "move"]),
    ];
    if n == 0
        && let Some((_, names)) = special.iter().find(|(form, _)| page.has(*form))
    {
        let name = page.structure.pick(names);
        page.behaviors.push(name.to_owned());
        return name.to_owned();
    }
    if n == 1 && page.has(Form::DuplicateBehavior) {
        return page.behaviors[0].clone();
    }
    let mut name = words::behavior(&mut page.structure);
    while page.behaviors.contains(&name) {
        name = format!("{name}_{n}");
    }
    page.behaviors.push(name.clone());
    name
}

fn one(out: &mut String, page: &mut Page, name: &str, margin: &str, n: usize) {
    let _ = writeln!(out, "{margin}- name: {name}");
    let pad = format!("{margin}  ");
    let lacks = (n == 0 && page.has(Form::MissingProse)).then(|| page.structure.below(3));
    let when = if page.has(Form::MisspeltWhen) { "When" } else { "when" };
    for (k, (key, part)) in
        [("given", Part::Given), (when, Part::When), ("then", Part::Then)].iter().enumerate()
    {
        if lacks != Some(k) {
            prose(out, page, &pad, key, *part, n == 0);
        }
    }
    // Further keys are on the first behaviour and every second of the others.
    if n == 0 || page.structure.chance(1, 2) {
        further(out, page, &pad, n);
    }
    if page.has(Form::AttachedCases) && (n == 0 || page.structure.chance(1, 2)) {
        let _ = writeln!(out, "{pad}test_cases:");
        cases::attached(out, page, &format!("{pad}  "));
    }
}

/// One sentence in one of the forms of the file; `first` tells that a rare form must be shown.
fn prose(out: &mut String, page: &mut Page, pad: &str, key: &str, part: Part, first: bool) {
    let shown = first && part == Part::Then;
    if page.has(Form::BlockProse) && (shown || page.structure.chance(1, 4)) {
        let _ = writeln!(out, "{pad}{key}: |");
        for _ in 0..2 {
            let _ = writeln!(out, "{pad}  {}", words::sentence(&mut page.structure, part, true));
        }
        return;
    }
    let quoted = page.structure.chance(58, 100);
    let mut text = words::sentence(&mut page.structure, part, quoted);
    text += &scripts(page);
    if shown && page.has(Form::TemplateProse) {
        text = format!("{{{{input}}}} {text}");
    }
    if page.has(Form::SingleQuotes) && (shown || page.structure.chance(1, 4)) {
        let _ = writeln!(out, "{pad}{key}: '{}'", text.replace('\'', "''"));
    } else if shown && page.has(Form::LongQuoted) {
        let _ = writeln!(out, "{pad}{key}: \"{}\n{pad}  and the rest\"", escaped(&text));
    } else if quoted {
        let escapes = if shown && page.has(Form::Escapes) { "\\n\\x27\\t\\\\" } else { "" };
        let _ = writeln!(out, "{pad}{key}: \"{}{escapes}\"", escaped(&text));
    } else if shown && page.has(Form::LongPlain) {
        let _ = writeln!(out, "{pad}{key}: {text}\n{pad}  and the rest");
    } else {
        let hash = if shown && page.has(Form::HashInProse) { " ##2 of them" } else { "" };
        let _ = writeln!(out, "{pad}{key}: {text}{hash}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Words in the scripts that the file uses.
fn scripts(page: &mut Page) -> String {
    const SCRIPTS: &[(Form, &[&str])] = &[
        (Form::Greek, &["φ", "π", "with ψ", "Σ of all", "λ-step"]),
        (Form::Maths, &["φ² + 1/φ² = 3", "3ⁿ", "≥ 0.5", "→ result", "∞", "√x", "∑ᵢ wᵢ"]),
        (Form::Cyrillic, &["результат", "и состояние", "без ошибок"]),
        (Form::Coptic, &["ⲕⲟⲇ", "ⲁⲃⲅ"]),
        (Form::Emoji, &["🚀", "✅", "🔥"]),
        (Form::Chinese, &["结果"]),
    ];
    for (form, words) in SCRIPTS {
        if page.has(*form) && page.structure.chance(1, 3) {
            return format!(" {}", page.structure.pick(words));
        }
    }
    String::new()
}

/// Keys besides the usual four.
fn further(out: &mut String, page: &mut Page, pad: &str, n: usize) {
    const LINES: &[(Form, &[&str])] = &[
        (Form::PasPattern, &["pas_pattern: \"D&C\"", "pas_pattern: PRE", "pas_pattern: ALG"]),
        (Form::Complexity, &["complexity: O(n log n)", "complexity: \"O(1)\"", "complexity: O(n²) → O(n)"]),
        (
            Form::Formula,
            &["formula: V = n × 3^k × π^m", "formula: \"φ^n: golden\"", "formula: y[i] = Σ w[i, j]"],
        ),
        (Form::Papers, &["scientific_basis: \"Attention (2017)\""]),
        (Form::Benchmark, &["benchmark: { before: 12, after: 4.5, unit: ms }", "benchmark: 3x faster"]),
    ];
    for (form, lines) in LINES {
        if page.has(*form) {
            let line = page.structure.pick(lines);
            let _ = writeln!(out, "{pad}{line}");
        }
    }
    if page.has(Form::Papers) {
        let _ = writeln!(out, "{pad}papers:\n{pad}  - \"arXiv:1706.03762\"\n{pad}  - arXiv:2307.09288");
    }
    if page.has(Form::Components) {
        let _ = writeln!(out, "{pad}components:\n{pad}  - encoder\n{pad}  - name: head\n{pad}    size: 64");
    }
    if page.has(Form::Signature) {
        let _ =
            writeln!(out, "{pad}params:\n{pad}  input: List<Float>\n{pad}  limit: Int\n{pad}returns: Float");
    }
    if n == 0 && page.has(Form::Implementation) {
        let _ = writeln!(
            out,
            "{pad}implementation: |\n{pad}  pub fn run(x: []const u8) !void {{\n{pad}      // #1: \"go\"\n\
             {pad}      _ = x;\n\n{pad}  }}"
        );
    }
}
