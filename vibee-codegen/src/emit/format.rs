//! Tokens → text: items one by one through prettyplease, blank lines between them, comments restored
//! from markers.
//!
//! prettyplease drops `//` comments, so bodies carry `__comment!("…");` statements instead.

use proc_macro2::TokenStream;

/// Formats one item.
///
/// # Panics
/// When the tokens are not a Rust item: a bug of the emitter, with the tokens in the message.
#[must_use]
pub fn item(tokens: &TokenStream) -> String {
    let file: syn::File = match syn::parse2(tokens.clone()) {
        Ok(f) => f,
        Err(e) => panic!("the emitter wrote something that is not Rust ({e}): {tokens}"),
    };
    restore_comments(&prettyplease::unparse(&file))
}

/// `__comment!("…");` lines back to `// …`.
fn restore_comments(text: &str) -> String {
    let mut out = String::new();
    let mut open = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut joined = String::new();
        let line = if line.trim() == "__comment!(" {
            // A long marker is broken over three lines.
            let (string, close) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
            joined.push_str(line);
            joined.push_str(string.trim().trim_end_matches(','));
            joined.push_str(close.trim());
            joined.as_str()
        } else {
            line
        };
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        let marker = trimmed.strip_prefix("__comment!(").and_then(|r| r.strip_suffix(");"));
        match marker.and_then(|m| syn::parse_str::<syn::LitStr>(m).ok()) {
            Some(text) => {
                // A comment opens a paragraph.
                if !open && !out.ends_with("{\n") {
                    out.push('\n');
                }
                for l in text.value().lines() {
                    out.push_str(indent);
                    out.push_str("// ");
                    out.push_str(l);
                    out.push('\n');
                }
                open = true;
            }
            None => {
                // Methods are set apart.
                let method = trimmed.starts_with("fn ") && !out.trim_end().ends_with("#[inline(always)]");
                let documented = trimmed.starts_with("///") && out.trim_end().ends_with('}');
                if (method || documented || trimmed == "#[inline(always)]")
                    && !out.ends_with("{\n")
                    && !indent.is_empty()
                {
                    out.push('\n');
                }
                out.push_str(line);
                out.push('\n');
                open = false;
            }
        }
    }
    out
}
