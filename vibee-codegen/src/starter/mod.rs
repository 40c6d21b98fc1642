//! Starter specs: small, whole, tested; something to change until it says what you want.

use std::path::{Path, PathBuf};

/// What a starter shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A kernel with cases and laws.
    Kernel,
    /// Types, and a kernel beside them.
    Types,
    /// A layer over a kernel.
    Layer,
}

impl Kind {
    /// Its text, with `{name}` and `{Name}` for the name.
    fn template(self) -> &'static str {
        match self {
            Kind::Kernel => include_str!("kernel.vibee.in"),
            Kind::Types => include_str!("types.vibee.in"),
            Kind::Layer => include_str!("layer.vibee.in"),
        }
    }

    /// Names that the text uses for something else.
    fn inner(self) -> &'static [&'static str] {
        match self {
            Kind::Kernel => &["x", "y", "t", "d", "c", "total"],
            Kind::Types => &["x", "y", "t", "d", "c", "scale"],
            Kind::Layer => &["x", "w", "b", "y", "t", "i", "o", "c"],
        }
    }
}

/// Why there is no starter of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadName {
    /// A kernel cannot be called so.
    Form(String),
    /// The language or the starter uses the word.
    Reserved(String),
}

impl std::fmt::Display for BadName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BadName::Form(name) => write!(
                f,
                "`{name}` is no name for a kernel: take a lower-case letter, then lower-case letters, digits and `_`"
            ),
            BadName::Reserved(name) => {
                write!(f, "`{name}` means something else in the spec; take another name")
            }
        }
    }
}

impl std::error::Error for BadName {}

/// Where the spec called `name` (`nn/rms_norm`) goes below `folder`, and its text.
///
/// # Errors
/// When the last part of the name cannot be the name of a kernel.
pub fn spec(name: &str, kind: Kind, folder: &Path) -> Result<(PathBuf, String), BadName> {
    let name = name.strip_suffix(".vibee").unwrap_or(name);
    let parts: Vec<&str> = name.split('/').collect();
    for part in &parts {
        let is_word = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_word || !part.starts_with(|c: char| c.is_ascii_lowercase()) || part.len() > 100 {
            return Err(BadName::Form((*part).to_owned()));
        }
    }
    let stem = parts[parts.len() - 1];
    if vibee_spec::parse::words::is_reserved(stem) || kind.inner().contains(&stem) {
        return Err(BadName::Reserved(stem.to_owned()));
    }
    let text = kind.template().replace("{name}", stem).replace("{Name}", &camel(stem));
    let mut path = folder.join(name);
    path.set_extension("vibee");
    Ok((path, text))
}

/// `rms_norm` → `RmsNorm`.
fn camel(name: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
    };
    name.split('_').map(capital).collect()
}
