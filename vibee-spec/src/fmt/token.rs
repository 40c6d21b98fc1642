//! Tokens of executable lines, just fine enough to know where blanks belong.
//!
//! The text was parsed before, so every byte belongs to some token; nothing is reported here.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword, a key of a configuration.
    Word,
    /// A literal without sign.
    Number,
    /// With its quotes.
    Text,
    /// `(`, `[`, `{`, or `<` that opens a bound or type arguments.
    Open,
    /// What closes one.
    Close,
    /// Operators and separators.
    Sign,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// Offset in the text.
    pub at: usize,
}

/// How words are made and which `<` open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Only `idx<…>` and `len<…>` have angle brackets.
    Plain,
    /// A header: `<` behind the first word opens type parameters.
    Header,
    /// A weight: `<` behind any word opens type arguments.
    Weight,
    /// A configuration: words may hold dots and dashes.
    Config,
}

/// Signs of several characters, longest first where one begins another.
const SIGNS: &[&str] = &["..=", "..", "->", ":=", "+=", "==", "!=", "<=", ">=", "//"];

impl Token<'_> {
    /// Whether a comma before it says nothing: an angle bracket may be a sign in prose.
    pub fn closes_list(&self) -> bool {
        self.kind == Kind::Close && self.text != ">"
    }
}

/// The tokens of `text`, which has no comments (blanked ones do no harm).
pub(super) fn tokens(text: &str, words: Words) -> Vec<Token<'_>> {
    let mut found: Vec<Token> = Vec::new();
    let mut open: Vec<u8> = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let rest = &text[at..];
        let (kind, len) = match byte {
            b'"' => (Kind::Text, string(rest)),
            _ if words == Words::Config && is_config(byte) => (Kind::Word, run(rest, is_config)),
            b'0'..=b'9' => (Kind::Number, number(rest)),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => (Kind::Word, run(rest, is_word)),
            b'<' if opens_angle(&found, words) => {
                open.push(byte);
                (Kind::Open, 1)
            }
            b'>' if open.last() == Some(&b'<') => {
                open.pop();
                (Kind::Close, 1)
            }
            b'(' | b'[' | b'{' => {
                open.push(byte);
                (Kind::Open, 1)
            }
            b')' | b']' | b'}' => {
                open.pop();
                (Kind::Close, 1)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).map(|sign| sign.len());
                (Kind::Sign, sign.or_else(|| Some(rest.chars().next()?.len_utf8())).unwrap_or(1))
            }
        };
        match found.last_mut() {
            // Parted from what is before it, it would begin a comment.
            Some(last) if byte == b'#' && last.at + last.text.len() == at => {
                last.text = &text[last.at..at + len]
            }
            _ => found.push(Token { kind, text: &text[at..at + len], at }),
        }
        at += len;
    }
    found
}

fn opens_angle(before: &[Token], words: Words) -> bool {
    let Some(last) = before.last().filter(|t| t.kind == Kind::Word) else { return false };
    match words {
        Words::Header => before.len() == 1 || matches!(last.text, "idx" | "len"),
        Words::Weight => true,
        Words::Plain | Words::Config => matches!(last.text, "idx" | "len"),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_config(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'-' | b'+')
}

/// How many bytes from the start satisfy `is`.
fn run(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|b| is(*b)).count()
}

/// Length of the string at the start, with its quotes.
fn string(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut n = 1;
    while n < bytes.len() {
        match bytes[n] {
            b'"' => return n + 1,
            b'\\' => n += 2,
            _ => n += 1,
        }
    }
    text.len()
}

/// Length of the number at the start, which is not `1.` of `1..8`: `12`, `0x1F`, `1.5e-6`.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    if text.starts_with("0x") || text.starts_with("0X") {
        return 2 + run(&text[2..], is_word);
    }
    let mut len = run(text, |b| b.is_ascii_digit());
    // `1..8` is a range.
    if bytes.get(len) == Some(&b'.') && bytes.get(len + 1) != Some(&b'.') {
        len += 1 + run(&text[len + 1..], |b| b.is_ascii_digit());
    }
    if matches!(bytes.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(len + 1), Some(b'+' | b'-')));
        let digits = run(&text[(len + 1 + sign).min(text.len())..], |b| b.is_ascii_digit());
        if digits > 0 {
            len += 1 + sign + digits;
        }
    }
    len
}
