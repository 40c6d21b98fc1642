//! Names as words, and the forms in which they are compared and written.
//!
//! Specs name things in any letter case and script. Two names that differ only in case or
//! separators are one name to everybody who uses them, so they are compared by their canonical
//! form: [`camel`] for types and variants, [`snake`] for fields, behaviours and parameters,
//! [`upper`] for constants. Canonical forms are ASCII identifiers. Which words an output language
//! reserves is not known here.

/// How letters outside ASCII are spelt. Each is a word of its own, except digits.
const SPELT: &[(&str, &[&str])] = &[
    (
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        &[
            "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
            "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon", "phi", "chi",
            "psi", "omega",
        ],
    ),
    ("ϕϵϑ∞√∑∫∂∇", &["phi", "epsilon", "theta", "infinity", "root", "sum", "integral", "partial", "nabla"]),
];

/// Letters of alphabets that are written letter by letter.
const LETTERS: &[(&str, &[&str])] = &[
    (
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        &[
            "a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s",
            "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya",
        ],
    ),
    ("⁰¹²³⁴⁵⁶⁷⁸⁹", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
    ("₀₁₂₃₄₅₆₇₈₉", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
];

fn look_up(tables: &[(&str, &'static [&'static str])], c: char) -> Option<&'static str> {
    let lower = c.to_lowercase().next().unwrap_or(c);
    tables.iter().find_map(|(letters, spelt)| {
        let at = letters.chars().position(|letter| letter == lower)?;
        spelt.get(at).copied()
    })
}

/// A name in ASCII, with `_` between words that had other separators.
fn ascii(name: &str) -> String {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if let Some(letters) = look_up(LETTERS, c) {
            out.push_str(letters);
        } else if let Some(word) = look_up(SPELT, c) {
            separate(&mut out);
            out.push_str(word);
            out.push('_');
        } else if c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace() {
            separate(&mut out);
            out.push_str(&format!("u{:x}_", c as u32));
        } else {
            separate(&mut out);
        }
    }
    out
}

fn separate(out: &mut String) {
    if !out.is_empty() && !out.ends_with('_') {
        out.push('_');
    }
}

/// `_` in front of what would begin with a digit; a word where nothing is left.
fn begin(mut name: String, nothing: &str) -> String {
    if name.is_empty() {
        name.push_str(nothing);
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

/// `SamplerConfig` for `SamplerConfig`, `sampler_config`, `Sampler_config` or `SAMPLER_CONFIG`.
#[must_use]
pub fn camel(name: &str) -> String {
    let name = ascii(name);
    let shouted = name.contains('_') && !name.contains(|c: char| c.is_ascii_lowercase());
    let mut out = String::with_capacity(name.len());
    for piece in name.split('_').filter(|p| !p.is_empty()) {
        if out.ends_with(|c: char| c.is_ascii_digit()) && piece.starts_with(|c: char| c.is_ascii_digit()) {
            out.push('_');
        }
        let (first, rest) = piece.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(&if shouted { rest.to_ascii_lowercase() } else { rest.to_owned() });
    }
    begin(out, "Unnamed")
}

/// `top_k` for `top_k`, `topK`, `TopK` or `top-k`; `http_server` for `HTTPServer`.
#[must_use]
pub fn snake(name: &str) -> String {
    if is_snake(name) {
        return name.to_owned();
    }
    let name = ascii(name);
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len() + 4);
    for (n, &b) in bytes.iter().enumerate() {
        if b == b'_' {
            separate(&mut out);
            continue;
        }
        let before = n.checked_sub(1).map(|n| bytes[n]);
        let opens = b.is_ascii_uppercase()
            && (before.is_some_and(|b| b.is_ascii_lowercase())
                || before.is_some_and(|b| b.is_ascii_uppercase())
                    && bytes.get(n + 1).is_some_and(u8::is_ascii_lowercase));
        if opens {
            separate(&mut out);
        }
        out.push(b.to_ascii_lowercase() as char);
    }
    while out.ends_with('_') {
        out.pop();
    }
    begin(out, "unnamed")
}

/// Whether `snake` would change nothing.
fn is_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// `MAX_TOKENS` for any form of it.
#[must_use]
pub fn upper(name: &str) -> String {
    let shouted = !name.contains(|c: char| c.is_lowercase());
    let name = if shouted { snake(&name.to_lowercase()) } else { snake(name) };
    name.to_ascii_uppercase()
}

/// `Max tokens` for `max_tokens`: what a name says when nothing else is said.
#[must_use]
pub fn sentence(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for word in snake(name).split('_').filter(|w| !w.is_empty()) {
        if out.is_empty() {
            let (first, rest) = word.split_at(1);
            out.push_str(&first.to_ascii_uppercase());
            out.push_str(rest);
        } else {
            out.push(' ');
            out.push_str(word);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_camel() {
        let cases = [
            ("SamplerConfig", "SamplerConfig"),
            ("sampler_config", "SamplerConfig"),
            ("Qml_attentionConfig", "QmlAttentionConfig"),
            ("KV_CACHE", "KvCache"),
            ("RMSNormConfig", "RMSNormConfig"),
            ("ADD", "ADD"),
            ("8k_uhd", "_8kUhd"),
            ("2024-01-02", "_2024_01_02"),
            ("△", "U25b3"),
            ("Точка", "Tochka"),
            ("φ_state", "PhiState"),
            ("_", "Unnamed"),
        ];
        for (name, wanted) in cases {
            assert_eq!(camel(name), wanted, "{name}");
        }
    }

    #[test]
    fn fields_are_snake() {
        let cases = [
            ("top_k", "top_k"),
            ("topK", "top_k"),
            ("HTTPServer", "http_server"),
            ("a__b", "a_b"),
            ("_private", "private"),
            ("8k", "_8k"),
            ("φ²", "phi_2"),
            ("x.y", "x_y"),
            ("type", "type"),
        ];
        for (name, wanted) in cases {
            assert_eq!(snake(name), wanted, "{name}");
        }
    }

    #[test]
    fn constants_are_upper() {
        for (name, wanted) in
            [("MAX_TOKENS", "MAX_TOKENS"), ("maxTokens", "MAX_TOKENS"), ("π", "PI"), ("X", "X")]
        {
            assert_eq!(upper(name), wanted, "{name}");
        }
    }

    #[test]
    fn names_read_as_sentences() {
        assert_eq!(sentence("max_new_tokens"), "Max new tokens");
        assert_eq!(sentence("KVCache"), "Kv cache");
        assert_eq!(sentence("8k"), "8k");
    }
}
