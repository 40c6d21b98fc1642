//! Names and texts of specs stay names and texts.

use crate::support::{pretty, rust, without_blank_lines};

/// Texts that would be code if they got out.
const EVIL: &[&str] = &[
    "*/ pub fn evil() {} /*",
    "\\n}\\npub fn evil() {}",
    "#[doc = \"x\"] pub fn evil() {}",
    "```\\npub fn evil() {}\\n```",
    "\\u202Epub fn evil() {}",
    "\\\" + evil() + \\\"",
    "\\r\\npub fn evil() {}",
];

#[test]
fn texts_cannot_become_code() {
    for evil in EVIL {
        let spec = format!(
            "name: demo\nlanguage: rust\ndescription: \"{evil}\"\n\nconstants:\n  A: \"{evil}\"\n\ntypes:\n  T:\n    description: \"{evil}\"\n    fields:\n      a: String = \"{evil}\"\n      \"{evil}\": Int\n  \"{evil}\":\n    enum: [\"{evil}\", B]\n"
        );
        let (rust, _) = rust(&spec);
        let file = syn::parse_file(&rust).unwrap_or_else(|e| panic!("not Rust: {e}\n{rust}"));
        for item in &file.items {
            assert!(!matches!(item, syn::Item::Fn(_) | syn::Item::Macro(_)), "{rust}");
        }
        assert!(!rust.chars().any(|c| c == '\u{202E}' || c == '\r'), "{rust}");
        let docs = rust.lines().filter(|l| l.trim_start().starts_with("//"));
        assert!(!docs.clone().any(|l| l.contains("```")), "{rust}");
        assert_eq!(without_blank_lines(&rust), pretty(&rust));
    }
}

#[test]
fn keywords_and_scripts_are_names() {
    let mut spec = String::from("name: demo\nlanguage: rust\n\ntypes:\n");
    for word in ["Self", "self", "crate", "type", "8k", "Точка", "φ", "△", "_"] {
        spec += &format!("  \"{word}\":\n    fields:\n      \"{word}\": Int\n");
    }
    let (rust, _) = rust(&spec);
    syn::parse_file(&rust).unwrap_or_else(|e| panic!("not Rust: {e}\n{rust}"));
}
