//! Characters that must not stand in a spec unseen.

use super::Sink;
use crate::diag::Diagnostic;
use crate::span::Span;

/// Reports control characters (errors) and characters that reorder displayed text (warnings).
pub(crate) fn characters(text: &str, sink: &mut Sink) {
    let mut next = 0;
    // Nearly all of a spec is ASCII, and nearly all of ASCII is fine.
    while let Some(skipped) = text.as_bytes()[next..].iter().position(|b| !is_plain(*b)) {
        let at = next + skipped;
        let Some(c) = text[at..].chars().next() else { return };
        next = at + c.len_utf8();
        if sink.is_full() {
            return;
        }
        let span = Span::new(at, at + c.len_utf8());
        let shown = format_args!("U+{:04X}", c as u32);
        if is_control(c, &text.as_bytes()[at + 1..]) {
            sink.push(
                Diagnostic::error("V0006", span, format!("control character {shown}"))
                    .label("not text")
                    .hint("remove it"),
            );
        } else if is_reordering(c) {
            sink.push(
                Diagnostic::warning(
                    "V0007",
                    span,
                    format!("character {shown} changes the order of displayed text"),
                )
                .label("what is shown is not what is read")
                .hint("remove it"),
            );
        }
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\t' | b' '..=b'~')
}

/// Line ends and tabs are for the scanner; a carriage return is fine only before a line feed.
fn is_control(c: char, rest: &[u8]) -> bool {
    match c {
        '\n' | '\t' => false,
        '\r' => rest.first() != Some(&b'\n'),
        _ => c.is_control(),
    }
}

/// Bidirectional controls, and the marks that act like them.
pub(crate) fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}
