//! The text of a type → a tree with places. Nothing is resolved.
//!
//! ```text
//! type := atom {'?'}
//! atom := NAME ['<' type {',' type} '>'] | NAME '[' type ']' | '[' [N|'*'] ']' type
//!       | ('*'|'?') type | '(' [type {',' type}] ')' | 'enum' '{' NAME {',' NAME} '}'
//! ```

use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::span::Span;

/// A type as written.
#[derive(Clone, Debug)]
pub(super) struct TypeTree {
    pub kind: TypeKind,
    pub span: Span,
}

/// Shapes of types.
#[derive(Clone, Debug)]
pub(super) enum TypeKind {
    /// `Name`, `Name<A, B>`, `Name[A]`.
    Name(String, Vec<TypeTree>),
    /// `T?`, `?T`.
    Option(Box<TypeTree>),
    /// `[]T`, `[*]T`, and `[N]T` whose `N` is no number.
    List(Box<TypeTree>),
    /// `[N]T`.
    Array(Box<TypeTree>, usize),
    /// `*T`.
    Pointer(Box<TypeTree>),
    /// `(A, B)`.
    Tuple(Vec<TypeTree>),
    /// `enum {A, B}`.
    Enum(Vec<Ident>),
}

/// Reads a whole text as a type.
pub(super) fn parse(text: &Ident) -> Result<TypeTree, Box<Diagnostic>> {
    let mut reader = Reader::new(text);
    let tree = reader.ty(0)?;
    reader.blanks();
    if reader.at < text.name.len() {
        return Err(reader.refused("a type ends before this"));
    }
    Ok(tree)
}

/// A cursor over text that stands somewhere in a file.
pub(super) struct Reader<'t> {
    pub text: &'t str,
    pub at: usize,
    span: Span,
}

impl<'t> Reader<'t> {
    pub fn new(text: &'t Ident) -> Self {
        Reader { text: &text.name, at: 0, span: text.span }
    }

    /// Where bytes of the text stand; the whole text if it was quoted.
    pub fn span(&self, from: usize, to: usize) -> Span {
        if (self.span.end - self.span.start) as usize == self.text.len() {
            let base = self.span.start as usize;
            Span::new(base + from, base + to)
        } else {
            self.span
        }
    }

    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes `sign` if it comes next.
    pub fn eat(&mut self, sign: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Takes a name; they may have dots (`std.Map`) and letters of any script.
    pub fn name(&mut self) -> Option<Ident> {
        self.blanks();
        let rest = self.rest();
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        let mut end = 0;
        for (at, c) in rest.char_indices() {
            let dotted = c == '.' && at > 0 && rest[at + 1..].starts_with(inside);
            if !inside(c) && !dotted {
                break;
            }
            end = at + c.len_utf8();
        }
        if end == 0 {
            return None;
        }
        let span = self.span(self.at, self.at + end);
        self.at += end;
        Some(Ident { name: rest[..end].to_owned(), span })
    }

    /// The finding that this place is not as a type should be.
    pub fn refused(&self, label: &str) -> Box<Diagnostic> {
        let rest = self.rest();
        let end = rest.chars().next().map_or(0, char::len_utf8);
        let shown = match rest.chars().next() {
            Some(c) => format!("`{c}`"),
            None => "its end".to_owned(),
        };
        let d =
            Diagnostic::error("V0702", self.span(self.at, self.at + end), "this is not a type").label(label);
        Box::new(d.note(format!("`{}` cannot be read at {shown}", self.text)))
    }

    pub fn expect(&mut self, sign: &str) -> Result<(), Box<Diagnostic>> {
        if self.eat(sign) { Ok(()) } else { Err(self.refused(&format!("expected `{sign}`"))) }
    }

    pub fn ty(&mut self, depth: usize) -> Result<TypeTree, Box<Diagnostic>> {
        if depth > MAX_DEPTH {
            return Err(self.refused("nested too deep"));
        }
        self.blanks();
        let from = self.at;
        let mut kind = self.atom(depth)?;
        while self.eat("?") {
            let inner = TypeTree { kind, span: self.span(from, self.at - 1) };
            kind = TypeKind::Option(Box::new(inner));
        }
        Ok(TypeTree { kind, span: self.span(from, self.at) })
    }

    fn atom(&mut self, depth: usize) -> Result<TypeKind, Box<Diagnostic>> {
        let inner = |reader: &mut Self| Ok::<_, Box<Diagnostic>>(Box::new(reader.ty(depth + 1)?));
        if self.eat("?") {
            return Ok(TypeKind::Option(inner(self)?));
        }
        if self.eat("*") {
            return Ok(TypeKind::Pointer(inner(self)?));
        }
        if self.eat("(") {
            return Ok(TypeKind::Tuple(self.list(")", depth)?));
        }
        if self.eat("[") {
            let starred = self.eat("*");
            let length = if starred { None } else { self.name() };
            self.expect("]")?;
            let element = inner(self)?;
            return Ok(match length.and_then(|n| n.name.parse().ok()) {
                Some(n) => TypeKind::Array(element, n),
                None => TypeKind::List(element),
            });
        }
        let Some(name) = self.name() else { return Err(self.refused("expected a type")) };
        if name.name == "enum" && self.eat("{") {
            return self.variants().map(TypeKind::Enum);
        }
        // `[]const u8`: whether others may write to it is no part of a value.
        if name.name == "const" {
            return self.atom(depth);
        }
        let arguments = if self.eat("<") {
            self.list(">", depth)?
        } else if self.rest().starts_with('[') && self.eat("[") {
            self.list("]", depth)?
        } else {
            Vec::new()
        };
        Ok(TypeKind::Name(name.name, arguments))
    }

    /// Types up to `close`.
    fn list(&mut self, close: &str, depth: usize) -> Result<Vec<TypeTree>, Box<Diagnostic>> {
        let mut items = Vec::new();
        while !self.eat(close) {
            if !items.is_empty() {
                self.expect(",")?;
                if self.eat(close) {
                    break;
                }
            }
            items.push(self.ty(depth + 1)?);
        }
        Ok(items)
    }

    fn variants(&mut self) -> Result<Vec<Ident>, Box<Diagnostic>> {
        let mut names = Vec::new();
        while !self.eat("}") {
            if !names.is_empty() {
                self.expect(",")?;
                if self.eat("}") {
                    break;
                }
            }
            match self.name() {
                Some(name) => names.push(name),
                None => return Err(self.refused("expected a name")),
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(t: &TypeTree) -> String {
        let list = |items: &[TypeTree]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
        match &t.kind {
            TypeKind::Name(name, args) if args.is_empty() => name.clone(),
            TypeKind::Name(name, args) => format!("{name}<{}>", list(args)),
            TypeKind::Option(t) => format!("Option({})", shown(t)),
            TypeKind::List(t) => format!("List({})", shown(t)),
            TypeKind::Array(t, n) => format!("Array({}; {n})", shown(t)),
            TypeKind::Pointer(t) => format!("Pointer({})", shown(t)),
            TypeKind::Tuple(items) => format!("({})", list(items)),
            TypeKind::Enum(names) => {
                format!("enum({})", names.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn read(text: &str) -> Result<String, u32> {
        let text = Ident { name: text.to_owned(), span: Span::new(10, 10 + text.len()) };
        parse(&text).map(|t| shown(&t)).map_err(|d| d.span.start - 10)
    }

    #[test]
    fn every_form_of_the_dialect() {
        let cases = [
            ("Int", "Int"),
            ("List<List<Float>>", "List<List<Float>>"),
            ("Map<String,Int>", "Map<String, Int>"),
            ("List<Int>?", "Option(List<Int>)"),
            ("?T", "Option(T)"),
            ("[3]f64", "Array(f64; 3)"),
            ("[*]u8", "List(u8)"),
            ("[N]u8", "List(u8)"),
            ("[]const u8", "List(u8)"),
            ("*Node", "Pointer(Node)"),
            ("List[f64]", "List<f64>"),
            ("Tuple<Int, Int>", "Tuple<Int, Int>"),
            ("(A, List<B>)", "(A, List<B>)"),
            ("enum { A, B }", "enum(A, B)"),
            ("db.User", "db.User"),
            ("Фи", "Фи"),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn refused_at_the_place() {
        assert_eq!(read(""), Err(0));
        assert_eq!(read("List<Int"), Err(8));
        assert_eq!(read("Float (0..1)"), Err(6));
        assert_eq!(read("A | B"), Err(2));
        assert_eq!(read(&"[]".repeat(200)), Err(258));
    }
}
