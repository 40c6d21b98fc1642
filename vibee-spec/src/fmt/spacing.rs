//! Which neighbouring tokens have a blank between them.
//!
//! One rule for operators: `^` never has blanks; `*`, `/`, `//` and `%` have none inside square and
//! angle brackets (positions, shapes, bounds) and one on each side elsewhere; all others have one.
//! Ranges, `1..8`, and fields, `y.length`, have none.

use super::token::{Kind, Token};

/// Words after which no operand has ended.
const KEYWORDS: &[&str] = &["and", "or", "not", "if", "then", "else", "for", "in", "where", "from", "allow"];

/// Operators without blanks inside brackets.
const TIGHT: &[&str] = &["*", "/", "//", "%"];

/// Follows the tokens of one statement.
#[derive(Debug, Default)]
pub(super) struct Spacer<'t> {
    before: Option<Token<'t>>,
    /// An operand ended with the token before.
    operand: bool,
    /// The token before is a sign of the operand that follows.
    prefix: bool,
    /// Open brackets.
    open: Vec<&'t str>,
    /// Square and angle ones among them.
    tight: usize,
    /// A `~` was seen, so that `within` is a keyword.
    near: bool,
}

impl<'t> Spacer<'t> {
    /// At the start of a statement, or of a part of a position or shape.
    pub(super) fn new(in_brackets: bool) -> Self {
        Spacer { tight: usize::from(in_brackets), ..Spacer::default() }
    }

    /// How many brackets are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Takes the next token; whether a blank belongs before it.
    pub(super) fn take(&mut self, token: Token<'t>) -> bool {
        let blank = self.before.is_some_and(|before| self.blank(before, token));
        let is_sign = matches!(token.text, "-" | "+") && token.kind == Kind::Sign;
        self.prefix = is_sign && !self.operand;
        match token.kind {
            Kind::Open => {
                self.open.push(token.text);
                self.tight += usize::from(matches!(token.text, "[" | "<"));
            }
            Kind::Close => {
                let open = self.open.pop();
                self.tight -= usize::from(matches!(open, Some("[" | "<")));
            }
            Kind::Sign => self.near |= token.text == "~",
            Kind::Word | Kind::Number | Kind::Text => {}
        }
        self.operand = self.ends_operand(token);
        self.before = Some(token);
        blank
    }

    fn ends_operand(&self, token: Token) -> bool {
        match token.kind {
            Kind::Word => !(KEYWORDS.contains(&token.text) || self.near && token.text == "within"),
            Kind::Number | Kind::Text | Kind::Close => true,
            Kind::Open | Kind::Sign => false,
        }
    }

    fn blank(&self, before: Token, token: Token) -> bool {
        if self.prefix {
            return false;
        }
        match (before.kind, before.text) {
            (Kind::Open, "{") => return token.text != "}",
            (Kind::Open, _) => return false,
            (Kind::Sign, sign) if self.is_tight(sign) => return false,
            _ => {}
        }
        match (token.kind, token.text) {
            (Kind::Close, "}") => true,
            (Kind::Close, _) | (Kind::Sign, "," | ";" | ":") => false,
            (Kind::Open, "(" | "[" | "<") => !self.operand,
            (Kind::Sign, sign) if self.operand => !self.is_tight(sign),
            _ => true,
        }
    }

    fn is_tight(&self, sign: &str) -> bool {
        matches!(sign, "^" | "." | ".." | "..=") || self.tight > 0 && TIGHT.contains(&sign)
    }
}

/// All tokens on one line; a comma before what closes a list is left out.
pub(super) fn inline(tokens: &[Token], in_brackets: bool) -> String {
    let mut spacer = Spacer::new(in_brackets);
    let mut text = String::new();
    for (n, token) in tokens.iter().enumerate() {
        if token.text == "," && tokens.get(n + 1).is_some_and(Token::closes_list) {
            continue;
        }
        if spacer.take(*token) {
            text.push(' ');
        }
        text.push_str(token.text);
    }
    text
}
