//! Canonical names as Rust identifiers: keywords become raw, what cannot be raw gets an underscore.

use vibee_spec::declare::names;

/// Words that cannot be identifiers, in every edition.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Words that cannot even be raw identifiers.
const UNESCAPABLE: &[&str] = &["self", "super", "crate", "_"];

fn escape(name: String) -> String {
    if KEYWORDS.contains(&name.as_str()) {
        format!("r#{name}")
    } else if UNESCAPABLE.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// A field, argument or method.
pub fn field(name: &str) -> String {
    escape(names::snake(name))
}

/// A variant of an enum.
pub fn variant(name: &str) -> String {
    let name = names::camel(name);
    if name == "Self" || name == "_" { format!("{name}_") } else { name }
}

/// The name that serde gives an identifier.
pub fn serialized(ident: &str) -> &str {
    ident.strip_prefix("r#").unwrap_or(ident)
}
