//! Expressions of cases and laws about behaviours: text → tree with places.
//!
//! ```text
//! expr    := and {'or' and}             and := not {'and' not}        not := {'not'} compare
//! compare := sum [('==' | '!=' | '<' | '<=' | '>' | '>=') sum | '~' sum 'within' NUMBER]
//! sum     := product {('+' | '-') product}
//! product := unary {('*' | '/' | '//' | '%') unary}
//! unary   := {'-'} postfix              postfix := primary {'.' (NAME | DIGITS) | '[' expr ']'}
//! primary := NUMBER | "text" | 'true' | 'false' | 'null' | NAME | NAME '(' [arg {',' arg}] ')'
//!          | '[' [expr {',' expr}] ']' | '{' [NAME ':' expr {',' …}] '}' | '(' [expr {',' expr}] ')'
//! arg     := [NAME ':'] expr
//! ```

use super::super::syntax::Reader;
use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::span::Span;

/// An expression as written.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub kind: TreeKind,
    pub span: Span,
}

/// Shapes of expressions.
#[derive(Clone, Debug)]
pub(super) enum TreeKind {
    /// A number, a name, `true`, `null`.
    Word(String),
    Text(String),
    List(Vec<Tree>),
    Tuple(Vec<Tree>),
    Map(Vec<(Ident, Tree)>),
    Call(Ident, Vec<(Option<Ident>, Tree)>),
    Field(Box<Tree>, Ident),
    /// `t.0`.
    Part(Box<Tree>, Ident),
    Item(Box<Tree>, Box<Tree>),
    Negate(Box<Tree>),
    Not(Box<Tree>),
    Binary(&'static str, Box<Tree>, Box<Tree>),
    Compare(&'static str, Box<Tree>, Box<Tree>),
    Near(Box<Tree>, Box<Tree>, f64),
}

/// Comparisons; longer signs first.
pub(super) const COMPARISONS: &[&str] = &["==", "!=", "<=", ">=", "<", ">"];

type Read<T> = Result<T, Box<Diagnostic>>;

/// Reads a whole text as an expression.
pub(super) fn parse(text: &Ident) -> Read<Tree> {
    let mut reader = Reader::new(text);
    let tree = reader.expr(0)?;
    end(&mut reader, text)?;
    Ok(tree)
}

/// Refuses anything behind what was read.
pub(super) fn end(reader: &mut Reader<'_>, text: &Ident) -> Read<()> {
    reader.blanks();
    if reader.at < text.name.len() {
        Err(reader.unexpected("the expression ends before this"))
    } else {
        Ok(())
    }
}

impl Reader<'_> {
    pub(super) fn unexpected(&self, label: &str) -> Box<Diagnostic> {
        let end = self.rest().chars().next().map_or(0, char::len_utf8);
        let span = self.span(self.at, self.at + end);
        Box::new(Diagnostic::error("V0733", span, "the expression cannot be read").label(label.to_owned()))
    }

    /// Takes a word that is not the beginning of a longer one.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.rest();
        let found = rest
            .strip_prefix(word)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        if found {
            self.at += word.len();
        }
        found
    }

    fn tree(&self, from: usize, kind: TreeKind) -> Tree {
        Tree { kind, span: self.span(from, self.at) }
    }

    pub(super) fn expr(&mut self, depth: usize) -> Read<Tree> {
        if depth > MAX_DEPTH {
            return Err(self.unexpected("nested too deep"));
        }
        self.blanks();
        let from = self.at;
        let mut left = self.conjunction(depth)?;
        while self.eat_word("or") {
            let right = self.conjunction(depth)?;
            left = self.tree(from, TreeKind::Binary("or", Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let mut left = self.negation(depth)?;
        while self.eat_word("and") {
            let right = self.negation(depth)?;
            left = self.tree(from, TreeKind::Binary("and", Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn negation(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let mut nots = 0;
        while self.eat_word("not") {
            nots += 1;
        }
        let inner = self.comparison(depth)?;
        Ok(if nots % 2 == 1 { self.tree(from, TreeKind::Not(Box::new(inner))) } else { inner })
    }

    fn comparison(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let left = self.sum(depth)?;
        if let Some(sign) = COMPARISONS.iter().find(|sign| self.eat(sign)) {
            let right = self.sum(depth)?;
            return Ok(self.tree(from, TreeKind::Compare(sign, Box::new(left), Box::new(right))));
        }
        if self.eat("~") {
            let right = self.sum(depth)?;
            let tol = self.within()?;
            return Ok(self.tree(from, TreeKind::Near(Box::new(left), Box::new(right), tol)));
        }
        Ok(left)
    }

    /// Takes `within 1e-6`.
    pub(super) fn within(&mut self) -> Read<f64> {
        if !self.eat_word("within") {
            return Err(self.unexpected("expected `within` and a tolerance"));
        }
        self.blanks();
        let word = self.number();
        match super::super::literal::real(&word).filter(|v| *v >= 0.0) {
            Some(tol) => Ok(tol),
            None => Err(self.unexpected("expected a tolerance: `within 1e-6`")),
        }
    }

    fn sum(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let mut left = self.product(depth)?;
        loop {
            let sign = if self.eat("+") {
                "+"
            } else if self.eat("-") {
                "-"
            } else {
                return Ok(left);
            };
            let right = self.product(depth)?;
            left = self.tree(from, TreeKind::Binary(sign, Box::new(left), Box::new(right)));
        }
    }

    /// Takes a value without signs between its parts: what a case compares with.
    pub(super) fn operand(&mut self) -> Read<Tree> {
        self.unary(0)
    }

    fn product(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let mut left = self.unary(depth)?;
        loop {
            let Some(sign) = ["//", "*", "/", "%"].into_iter().find(|sign| self.eat(sign)) else {
                return Ok(left);
            };
            let right = self.unary(depth)?;
            left = self.tree(from, TreeKind::Binary(sign, Box::new(left), Box::new(right)));
        }
    }

    fn unary(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let mut minus = 0;
        while self.eat("-") {
            minus += 1;
        }
        let inner = self.postfix(depth)?;
        if minus % 2 == 0 {
            return Ok(inner);
        }
        // `-1` is a number.
        if let TreeKind::Word(word) = &inner.kind
            && super::super::literal::real(word).is_some()
        {
            return Ok(self.tree(from, TreeKind::Word(format!("-{word}"))));
        }
        Ok(self.tree(from, TreeKind::Negate(Box::new(inner))))
    }

    fn postfix(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        let mut tree = self.primary(depth)?;
        loop {
            if self.eat("[") {
                let index = self.expr(depth + 1)?;
                self.sign("]")?;
                tree = self.tree(from, TreeKind::Item(Box::new(tree), Box::new(index)));
            } else if self.eat(".") {
                tree = match self.digits() {
                    Some(at) => self.tree(from, TreeKind::Part(Box::new(tree), at)),
                    None => {
                        let Some(name) = self.single() else {
                            return Err(self.unexpected("expected a field"));
                        };
                        self.tree(from, TreeKind::Field(Box::new(tree), name))
                    }
                };
            } else {
                return Ok(tree);
            }
        }
    }

    fn sign(&mut self, sign: &str) -> Read<()> {
        if self.eat(sign) { Ok(()) } else { Err(self.unexpected(&format!("expected `{sign}`"))) }
    }

    /// Takes a name without dots.
    pub(super) fn single(&mut self) -> Option<Ident> {
        self.blanks();
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let span = self.span(self.at, self.at + end);
        self.at += end;
        Some(Ident { name: rest[..end].to_owned(), span })
    }

    /// Takes digits: the place of a tuple's part.
    pub(super) fn digits(&mut self) -> Option<Ident> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let found = Ident { name: rest[..end].to_owned(), span: self.span(self.at, self.at + end) };
        self.at += end;
        (end > 0).then_some(found)
    }

    /// Takes a number without sign; empty text if there is none.
    fn number(&mut self) -> String {
        let rest = self.rest();
        let mut end = 0;
        let bytes = rest.as_bytes();
        while end < bytes.len() {
            let b = bytes[end];
            let exponent = end > 0
                && matches!(b, b'+' | b'-')
                && matches!(bytes[end - 1], b'e' | b'E')
                && !rest.starts_with("0x");
            let dot = b == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if !(b.is_ascii_alphanumeric() || b == b'_' || exponent || dot) {
                break;
            }
            end += 1;
        }
        self.at += end;
        rest[..end].to_owned()
    }

    fn primary(&mut self, depth: usize) -> Read<Tree> {
        self.blanks();
        let from = self.at;
        if self.eat("(") {
            // `()` is nothing, `(a)` is `a`, `(a,)` is a tuple of one.
            let (mut items, comma) = self.items(")", depth)?;
            return Ok(match items.pop() {
                Some(only) if items.is_empty() && !comma => only,
                last => {
                    items.extend(last);
                    self.tree(from, TreeKind::Tuple(items))
                }
            });
        }
        if self.eat("[") {
            let (items, _) = self.items("]", depth)?;
            return Ok(self.tree(from, TreeKind::List(items)));
        }
        if self.eat("{") {
            let mut entries = vec![];
            while !self.eat("}") {
                if !entries.is_empty() {
                    self.sign(",")?;
                    if self.eat("}") {
                        break;
                    }
                }
                self.blanks();
                let at = self.at;
                let key = match self.quoted()? {
                    Some(name) => Some(Ident { name, span: self.span(at, self.at) }),
                    None => self.single().or_else(|| {
                        let name = self.number();
                        (!name.is_empty()).then(|| Ident { name, span: self.span(at, self.at) })
                    }),
                };
                let Some(key) = key else { return Err(self.unexpected("expected a name")) };
                self.sign(":")?;
                entries.push((key, self.expr(depth + 1)?));
            }
            return Ok(self.tree(from, TreeKind::Map(entries)));
        }
        if let Some(text) = self.quoted()? {
            return Ok(self.tree(from, TreeKind::Text(text)));
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            let word = self.number();
            if super::super::literal::real(&word).is_none() {
                self.at = from;
                return Err(self.unexpected("not a number"));
            }
            return Ok(self.tree(from, TreeKind::Word(word)));
        }
        let Some(name) = self.single() else { return Err(self.unexpected("expected a value")) };
        if !self.eat("(") {
            return Ok(self.tree(from, TreeKind::Word(name.name)));
        }
        let mut args = vec![];
        while !self.eat(")") {
            if !args.is_empty() {
                self.sign(",")?;
                if self.eat(")") {
                    break;
                }
            }
            args.push(self.argument(depth)?);
        }
        Ok(self.tree(from, TreeKind::Call(name, args)))
    }

    /// Takes expressions up to a closing bracket; whether a comma stands before it.
    fn items(&mut self, close: &str, depth: usize) -> Read<(Vec<Tree>, bool)> {
        let mut items = vec![];
        while !self.eat(close) {
            if !items.is_empty() {
                if !self.eat(",") {
                    return Err(self.unexpected(&format!("expected `,` or `{close}`")));
                }
                if self.eat(close) {
                    return Ok((items, true));
                }
            }
            items.push(self.expr(depth + 1)?);
        }
        Ok((items, false))
    }

    fn argument(&mut self, depth: usize) -> Read<(Option<Ident>, Tree)> {
        let before = self.at;
        if let Some(name) = self.single()
            && self.eat(":")
        {
            return Ok((Some(name), self.expr(depth + 1)?));
        }
        self.at = before;
        Ok((None, self.expr(depth + 1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(t: &Tree) -> String {
        let list = |items: &[Tree]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
        match &t.kind {
            TreeKind::Word(w) => w.clone(),
            TreeKind::Text(t) => format!("{t:?}"),
            TreeKind::List(items) => format!("[{}]", list(items)),
            TreeKind::Tuple(items) => format!("({},)", list(items)),
            TreeKind::Map(entries) => {
                let parts: Vec<_> =
                    entries.iter().map(|(k, v)| format!("{}: {}", k.name, shown(v))).collect();
                format!("{{{}}}", parts.join(", "))
            }
            TreeKind::Call(name, args) => {
                let arg = |(n, v): &(Option<Ident>, Tree)| match n {
                    Some(n) => format!("{}: {}", n.name, shown(v)),
                    None => shown(v),
                };
                format!("{}({})", name.name, args.iter().map(arg).collect::<Vec<_>>().join(", "))
            }
            TreeKind::Field(t, name) | TreeKind::Part(t, name) => format!("{}.{}", shown(t), name.name),
            TreeKind::Item(t, at) => format!("{}[{}]", shown(t), shown(at)),
            TreeKind::Negate(t) => format!("(-{})", shown(t)),
            TreeKind::Not(t) => format!("(not {})", shown(t)),
            TreeKind::Binary(op, a, b) | TreeKind::Compare(op, a, b) => {
                format!("({} {op} {})", shown(a), shown(b))
            }
            TreeKind::Near(a, b, tol) => format!("({} ~ {} within {tol})", shown(a), shown(b)),
        }
    }

    fn read(text: &str) -> Result<String, u32> {
        let text = Ident { name: text.to_owned(), span: Span::new(0, text.len()) };
        parse(&text).map(|t| shown(&t)).map_err(|d| d.span.start)
    }

    #[test]
    fn precedence_and_forms() {
        let cases = [
            ("a + b * c == d", "((a + (b * c)) == d)"),
            ("not a == b and c or d", "(((not (a == b)) and c) or d)"),
            ("-1 - -x", "(-1 - (-x))"),
            ("f(x, y: [1, 2.5e-3]).a.b[0]", "f(x, y: [1, 2.5e-3]).a.b[0]"),
            ("f({k: 1, \"a b\": \"t\"}) ~ 3 within 1e-6", "(f({k: 1, a b: \"t\"}) ~ 3 within 0.000001)"),
            ("a // b % c", "((a // b) % c)"),
            ("order >= 1", "(order >= 1)"),
            ("f((1, x)).0 == (a)", "(f((1, x,)).0 == a)"),
            ("() == (1,)", "((,) == (1,))"),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn refused_at_the_place() {
        assert_eq!(read("f(x"), Err(3));
        assert_eq!(read("a ~ b"), Err(5));
        assert_eq!(read("1.5.2 + a"), Err(0));
        assert_eq!(read("a == b == c"), Err(7));
        assert_eq!(read(&"(".repeat(500)), Err(129));
    }
}
