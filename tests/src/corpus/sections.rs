//! The other sections: constants, imports, patterns, and what files hold freely.

use std::fmt::Write;

use super::measured::Form;
use super::page::{self, Page};
use super::words::{self, Part};

/// All sections of the file besides the head, types, behaviours and cases: key and text.
pub(super) fn others(page: &mut Page, seed: u64, n: u64) -> Vec<String> {
    let mut out = Vec::new();
    let own = page.draw.clone();
    for &(form, text) in FIXED {
        if page.has(form) {
            out.push(text.to_owned());
        }
    }
    if page.has(Form::OddIndent)
        && let Some(output) = out.iter_mut().find(|s| s.starts_with("output:"))
    {
        output.push_str("   // odd: indentation\n");
    }
    if page.has(Form::Constants) {
        out.push(constants(page));
    }
    if page.has(Form::Imports) {
        out.push(imports(page, seed, n));
    }
    if page.has(Form::CreationPattern) {
        out.push(format!("creation_pattern:\n{}", pattern(page, "  ")));
    }
    if page.has(Form::CreationPatterns) {
        let (a, b) = (pattern(page, "    "), pattern(page, "    "));
        out.push(format!("creation_patterns:\n  encode:\n{a}  decode:\n{b}"));
    }
    if page.has(Form::UniqueSection) {
        out.push(unique(page, n));
    }
    page.draw = own;
    out
}

/// Sections whose text is the same wherever they stand.
const FIXED: &[(Form, &str)] = &[
    (Form::SacredConstants, "sacred_constants:\n  phi: 1.618033988749895\n  trinity: 3.0\n  phoenix: 999\n"),
    (
        Form::ListConstants,
        "constants:\n  - name: LIMIT\n    value: 4096\n    description: \"Bytes: at most\"\n  - { name: RATE, value: 0.5 }\n",
    ),
    (Form::Description, "description: \"What the module is for: one line\"\n"),
    (
        Form::PasAnalysis,
        "pas_analysis:\n  current_algorithm: \"Naive scan\"\n  current_complexity: O(n²)\n  patterns: [D&C, PRE, ALG]\n  confidence: 0.75\n",
    ),
    (
        Form::SelfEvolution,
        "self_evolution:\n  enabled: true\n  generation: 3\n  fitness: { speed: 0.9, size: 0.4 }\n",
    ),
    (Form::SacredFormula, "sacred_formula: \"V = n × 3^k × π^m × φ^p\"\n"),
    (Form::Output, "output: |\n  const std = @import(\"std\");\n  // # kept\n  pub fn main() void {}\n"),
    (Form::TopComponents, "components:\n  - name: encoder\n    layers: [1, 2, 3]\n  - decoder\n"),
    (Form::Metrics, "metrics:\n  speedup: 3x\n  memory: { before: 12MB, after: 4MB }\n  list: []\n"),
    (
        Form::Algorithms,
        "algorithms:\n  sort:\n    complexity: O(n log n)\n    steps:\n      - split\n      - merge: both halves\n",
    ),
    (Form::Codegen, "codegen:\n  target: zig\n  emit_tests: true\n  map: {}\n"),
    (Form::QuotedKeys, "routes:\n  \"/api/v1\": list\n  \"a: b\": 1\n  'c d': { \"x-y\":2 }\n"),
    (Form::SpacedKeys, "phases:\n  phase one: read\n  phase two: write\n"),
    (Form::IntegerKeys, "levels:\n  0: off\n  1: on\n  42: all\n"),
    (Form::ForeignKeys, "константы:\n  φ: 1.618\n  ⲁⲗⲫⲁ: 0.1\n"),
    (Form::BooleanKeys, "switches:\n  on: yes\n  off: no\n  yes: true\n"),
];

fn constants(page: &mut Page) -> String {
    const ENTRIES: &[&str] = &[
        "MAX_SIZE: 1024",
        "VOCAB: 32000",
        "MASK: 0xFF",
        "OFFSET: -1",
        "PHI: 1.618033988749895",
        "EPS: 1e-12",
        "HUGE: 1e120",
        "NAME: \"trinity\"",
        "MODE: fast",
        "DEBUG: false",
        "π: 3.14159",
        "φ: 1.618",
        "RATE: { value: 0.1, description: \"per step\" }",
        "AREA: { value: 9, formula: 3^2 }",
        "PRIMES: [2, 3, 5, 7]",
    ];
    let mut out = String::from("constants:\n");
    let from = page.draw.below(ENTRIES.len());
    for k in 0..page.draw.between(2, 8) {
        let _ = writeln!(out, "  {}", ENTRIES[(from + k) % ENTRIES.len()]);
    }
    out
}

/// Imports of files that exist: of the same folder by stem, of others by path.
fn imports(page: &mut Page, seed: u64, n: u64) -> String {
    let mut out = String::from("imports:\n");
    for k in 1..=page.draw.between(1, 4) as u64 {
        let Some(other) = n.checked_sub(k * 7) else { break };
        let stem = page::stem(seed, other);
        let _ = match super::folder(other) {
            folder if folder == super::folder(n) => writeln!(out, "  - {stem}"),
            folder => writeln!(out, "  - \"../{folder}/{stem}\""),
        };
    }
    if out.ends_with("imports:\n") { "imports: []\n".to_owned() } else { out }
}

fn pattern(page: &mut Page, pad: &str) -> String {
    let source = page.draw.pick(&["RawData", "Prompt", "Tokens", "\"User: input\""]);
    let transformer = page.draw.pick(&["Encoder", "Optimizer", "φ-Transform"]);
    let result = page.draw.pick(&["Model", "Answer", "Report"]);
    format!("{pad}source: {source}\n{pad}transformer: {transformer}\n{pad}result: {result}\n")
}

/// A section under a key of its own, of any shape.
fn unique(page: &mut Page, n: u64) -> String {
    let key = format!("{}_{n}", words::field(&mut page.draw));
    let text = words::sentence(&mut page.draw, Part::Then, true);
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    match page.draw.below(5) {
        0 => format!("{key}: \"{text}\"\n"),
        1 => format!("{key}:\n  - \"{text}\"\n  - [a, b, 3]\n  -\n    deeper: {{ x: 1, y: [] }}\n"),
        2 => format!("{key}:\n  first: 1\n  second:\n    third: \"{text}\"\n"),
        3 => format!("{key}: |\n  {text}\n    more\n\n  end\n"),
        _ => format!("{key}: {{\n  a: 1,  # one\n  b: [2, 3],\n}}\n"),
    }
}
