//! Lints about what a spec asserts.

use super::finding;
use crate::ast::{Behavior, Expect, File, Node, NodeKind, TestCase};
use crate::diag::Diags;
use crate::span::{Source, Span};
use std::collections::HashMap;

/// From here on a tolerance lets nearly every value of ordinary size pass: zero would do for one.
const LOOSE: f64 = 1.0;

/// Keys of cases that say what comes out.
const OUTCOMES: &[&str] = &["expect", "expected", "then", "output", "returns"];

pub(super) fn lint(file: &File, source: &Source, diags: &mut Diags) {
    let texts = assertions(file, source);
    for behavior in &file.behaviors {
        incomplete(behavior, diags);
        // Laws about behaviours are kept as they stand.
        let lawful = !behavior.laws.is_empty() || behavior.other.iter().any(|(key, _)| key.name == "laws");
        let called = texts.iter().any(|text| calls(text, &behavior.name.name));
        if behavior.test_cases.is_empty() && !lawful && !called {
            diags.push(
                finding(
                    "prose-only-behavior",
                    behavior.name.span,
                    format!("nothing tests `{}`", behavior.name.name),
                )
                .label("only prose")
                .hint("add `test_cases:` or `laws:`"),
            );
        }
        cases(&behavior.test_cases, diags);
        duplicates(behavior.laws.iter().map(|law| (law.name.name.as_str(), law.name.span)), "law", diags);
        for law in &behavior.laws {
            loose(law.tol, law.span, &format!("the law `{}`", law.name.name), diags);
        }
    }
    cases(&file.test_cases, diags);
    untested(file, source, diags);
}

fn incomplete(behavior: &Behavior, diags: &mut Diags) {
    let parts = [("given", &behavior.given), ("when", &behavior.when), ("then", &behavior.then)];
    let lacking: Vec<_> =
        parts.iter().filter(|(_, text)| text.is_none()).map(|(key, _)| format!("`{key}`")).collect();
    if !lacking.is_empty() {
        let name = &behavior.name;
        let message = format!("the behaviour `{}` has no {}", name.name, lacking.join(" and no "));
        diags.push(
            finding("incomplete-behavior", name.span, message)
                .label("says too little")
                .hint("`given` is the situation, `when` what happens, `then` what holds afterwards"),
        );
    }
}

fn cases(cases: &[TestCase], diags: &mut Diags) {
    duplicates(cases.iter().map(|case| (case.name.name.as_str(), case.name.span)), "case", diags);
    for case in cases {
        let told = case.other.iter().any(|(key, value)| {
            OUTCOMES.contains(&key.name.as_str()) || key.name == "steps" && expects(value)
        });
        if case.call.is_none() && case.expect.is_empty() && !told {
            diags.push(
                finding(
                    "case-without-assertion",
                    case.name.span,
                    format!("the case `{}` says nothing about what comes out", case.name.name),
                )
                .label("asserts nothing")
                .hint("add `call: kernel(x: …)` and `expect: y == …`"),
            );
        }
        for expect in &case.expect {
            if let Expect::Near { tol, output, .. } = expect {
                loose(Some(*tol), output.span, &format!("the case `{}`", case.name.name), diags);
            }
        }
    }
}

/// The texts of all cases and laws.
fn assertions<'s>(file: &File, source: &'s Source) -> Vec<&'s str> {
    let of = |b: &Behavior| -> Vec<Span> {
        let kept = b.other.iter().filter(|(key, _)| key.name == "laws").map(|(_, laws)| laws.span);
        b.test_cases.iter().map(|c| c.span).chain(b.laws.iter().map(|l| l.span)).chain(kept).collect()
    };
    let spans = file.behaviors.iter().flat_map(of).chain(file.test_cases.iter().map(|c| c.span));
    spans.filter_map(|span| source.text.get(span.range())).collect()
}

/// Whether a text calls a behaviour.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        text[at + name.len()..].starts_with('(') && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Whether one of some steps says what comes out.
fn expects(steps: &Node) -> bool {
    let NodeKind::Seq(steps) = &steps.kind else { return false };
    steps.iter().any(|step| match &step.kind {
        NodeKind::Map(entries) => entries.iter().any(|(key, _)| OUTCOMES.contains(&key.name.as_str())),
        _ => false,
    })
}

fn loose(tol: Option<f64>, span: Span, what: &str, diags: &mut Diags) {
    if let Some(tol) = tol.filter(|tol| *tol >= LOOSE) {
        diags.push(
            finding("loose-tolerance", span, format!("{what} holds for nearly anything"))
                .label(format!("within {tol}"))
                .note("`a ~ b within tol` is |a − b| ≤ tol · max(1, |b|)")
                .hint("take the tolerance that rounding needs: `within 1e-5`"),
        );
    }
}

fn duplicates<'a>(names: impl Iterator<Item = (&'a str, Span)>, what: &str, diags: &mut Diags) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (name, span) in names {
        if let Some(first) = seen.insert(name, span) {
            diags.push(
                finding("duplicate-case", span, format!("there are two {what}s `{name}`"))
                    .label("second one")
                    .also(first, "first one")
                    .hint("reports name them: call them differently"),
            );
        }
    }
}

/// Kernels that no case calls and no law mentions.
fn untested(file: &File, source: &Source, diags: &mut Diags) {
    let laws = file.behaviors.iter().flat_map(|b| &b.laws);
    let mut called: Vec<&str> = laws
        .filter_map(|law| source.text.get(law.span.range()))
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .collect();
    let of_behaviors = file.behaviors.iter().flat_map(|b| &b.test_cases);
    let calls = of_behaviors.chain(&file.test_cases).filter_map(|case| case.call.as_ref());
    called.extend(calls.map(|call| call.kernel.name.as_str()));
    for kernel in &file.kernels {
        let name = &kernel.name.name;
        // Instances of a generic kernel are called `name_f32`.
        let is_it = |word: &str| {
            word.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || !kernel.generics.is_empty() && rest.starts_with('_'))
        };
        if !called.iter().any(|word| is_it(word)) {
            diags.push(
                finding("untested-kernel", kernel.name.span, format!("nothing tests the kernel `{name}`"))
                    .label("in no case and no law")
                    .hint(format!("add a case: `call: {name}(…)`")),
            );
        }
    }
}
