//! Findings as SARIF 2.1.0, the format that code hosts and editors read.
//!
//! One log has one run; its rules are the codes that were found, with their explanations.

use super::Renderer;
use crate::codes;
use crate::diag::{Diagnostic, Severity};
use crate::span::Span;
use serde_json::{Value, json};

/// Collects the results of one run.
#[derive(Debug, Default)]
pub struct Sarif {
    results: Vec<Value>,
    rules: Vec<&'static str>,
}

impl Sarif {
    /// Adds a finding of `renderer`'s source.
    pub fn add(&mut self, renderer: &Renderer<'_>, d: &Diagnostic) {
        let known = self.rules.iter().position(|rule| *rule == d.code);
        let index = known.unwrap_or_else(|| {
            self.rules.push(d.code);
            self.rules.len() - 1
        });
        let parts = [d.message.as_str()].into_iter().chain(d.notes.iter().map(String::as_str));
        let text = parts.chain(d.hint.as_deref()).collect::<Vec<_>>().join("\n");
        let related: Vec<_> = d
            .related
            .iter()
            .enumerate()
            .map(|(n, (span, label))| {
                let mut place = location(renderer, *span);
                place["id"] = json!(n + 1);
                place["message"] = json!({ "text": label });
                place
            })
            .collect();
        let mut result = json!({
            "ruleId": d.code,
            "ruleIndex": index,
            "level": level(d.severity),
            "message": { "text": text },
            "locations": [location(renderer, d.span)],
        });
        if !related.is_empty() {
            result["relatedLocations"] = json!(related);
        }
        self.results.push(result);
    }

    /// The whole log.
    #[must_use]
    pub fn log(&self) -> Value {
        let rules: Vec<_> = self.rules.iter().map(|code| rule(code)).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "vibee",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                } },
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        })
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(code: &str) -> Value {
    let Some(row) = codes::find(code) else { return json!({ "id": code }) };
    let mut text = row.explanation.to_owned();
    let mut markdown = text.clone();
    for (head, spec) in [("Example", row.example), ("Fixed", row.fix)] {
        if !spec.is_empty() {
            text.push_str(&format!("\n\n{head}:\n\n{spec}"));
            markdown.push_str(&format!("\n\n{head}:\n\n```vibee\n{spec}```"));
        }
    }
    json!({
        "id": row.code,
        "shortDescription": { "text": row.title },
        "fullDescription": { "text": row.explanation },
        "help": { "text": text, "markdown": markdown },
    })
}

fn location(renderer: &Renderer<'_>, span: Span) -> Value {
    let (line, column) = renderer.position(span.start as usize);
    let (end_line, end_column) = renderer.position(span.end as usize);
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&renderer.source.path) },
            "region": {
                "startLine": line,
                "startColumn": column,
                "endLine": end_line,
                "endColumn": end_column,
            },
        },
    })
}

/// A path as a URI reference: relative paths stay relative, absolute ones get the scheme `file`.
fn uri(path: &str) -> String {
    let relative = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::new();
    if relative.starts_with('/') {
        out.push_str("file://");
    }
    for byte in relative.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
