//! From bytes to text: encoding and size are checked once, here.

use super::Mode;
use crate::diag::{Diagnostic, Diags};
use crate::limits::MAX_BYTES;
use crate::span::{Source, Span};

/// The text of a spec, or why the bytes are not one.
///
/// A byte order mark is dropped. To show the diagnostic, pair it with [`lossy`].
///
/// # Errors
/// `V0002` when the file is too large, `V0003` when it is not UTF-8.
#[allow(clippy::result_large_err, reason = "one diagnostic per file; boxing it buys nothing")]
pub fn decode(path: &str, bytes: &[u8]) -> Result<Source, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        return Err(Diagnostic::error("V0002", Span::default(), "the file is too large")
            .note(format!("it has {} bytes; the limit is {MAX_BYTES}", bytes.len()))
            .hint("split it and use `imports:`"));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source { path: path.to_owned(), text: text.to_owned() }),
        Err(error) => {
            let at = error.valid_up_to();
            // The replacement character that stands there in the lossy text is three bytes long.
            Err(Diagnostic::error("V0003", Span::new(at, at + 3), "the file is not UTF-8")
                .label(format!("byte 0x{:02X} here is not part of a character", bytes[at]))
                .hint("save the file as UTF-8"))
        }
    }
}

/// As [`decode`]; leniently, bytes that are no characters are replaced, with a warning.
///
/// # Errors
/// As [`decode`]; `V0003` only when strict.
#[allow(clippy::result_large_err, reason = "as above")]
pub fn decode_as(path: &str, bytes: &[u8], mode: Mode, diags: &mut Diags) -> Result<Source, Diagnostic> {
    let refused = match decode(path, bytes) {
        Err(d) if mode == Mode::Lenient && d.code == "V0003" => d,
        decoded => return decoded,
    };
    let source = lossy(path, bytes);
    let before = source.text.matches(char::REPLACEMENT_CHARACTER).count();
    diags.push(
        Diagnostic::warning("V0043", refused.span, "bytes that are no characters were replaced")
            .label(refused.label)
            .note(format!("`{}` stands in {before} places now", char::REPLACEMENT_CHARACTER))
            .hint("save the file as UTF-8"),
    );
    Ok(source)
}

/// Text to show a [`decode`] failure in: bad bytes replaced, cut at the size limit.
#[must_use]
pub fn lossy(path: &str, bytes: &[u8]) -> Source {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    Source { path: path.to_owned(), text: String::from_utf8_lossy(bytes).into_owned() }
}
