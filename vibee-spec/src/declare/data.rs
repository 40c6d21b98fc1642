//! Values as written, before their type is known: words, quoted texts, lists, maps.
//!
//! They come from two places: the declarative tree of the parser (`input: {n: 5}`) and the text of
//! one line (`f(xs: [1, 2])`, `Mode = Greedy`). What a word means is decided by the type it meets.

use super::syntax::Reader;
use crate::ast::{Ident, Node, NodeKind};
use crate::diag::Diagnostic;
use crate::limits::MAX_DEPTH;
use crate::span::Span;

/// A value as written.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub kind: DataKind,
    pub span: Span,
}

/// Shapes of values.
#[derive(Clone, Debug)]
pub(super) enum DataKind {
    /// Unquoted text: a number, `true`, `null`, a variant's name, or a text that needs no quotes.
    Word(String),
    /// Quoted text.
    Text(String),
    /// `[a, b]`.
    List(Vec<Data>),
    /// `{a: 1, b: 2}`.
    Map(Vec<(Ident, Data)>),
}

impl Data {
    /// A node of the declarative tree. Nothing at all is the word ``.
    pub fn of_node(node: &Node) -> Data {
        let kind = match &node.kind {
            NodeKind::Empty => DataKind::Word(String::new()),
            NodeKind::Raw(text) => DataKind::Word(text.clone()),
            NodeKind::Quoted(text) | NodeKind::Block(text) => DataKind::Text(text.clone()),
            NodeKind::Map(entries) => DataKind::Map(
                entries.iter().map(|(key, value)| (key.clone(), Data::of_node(value))).collect(),
            ),
            NodeKind::Seq(items) => DataKind::List(items.iter().map(Data::of_node).collect()),
        };
        Data { kind, span: node.span }
    }

    /// A whole text as one value.
    pub fn of_text(text: &Ident) -> Result<Data, Box<Diagnostic>> {
        let mut reader = Reader::new(text);
        let data = reader.data(0)?;
        reader.blanks();
        if reader.at == text.name.len() {
            return Ok(data);
        }
        // `Left to right`: words that are no value of another form are one text.
        match data.kind {
            DataKind::Word(_) => Ok(Data { kind: DataKind::Word(text.name.clone()), span: text.span }),
            _ => Err(reader.malformed("the value ends before this")),
        }
    }

    /// What was written, for messages.
    pub fn shown(&self) -> String {
        match &self.kind {
            DataKind::Word(word) if word.is_empty() => "nothing".to_owned(),
            DataKind::Word(word) => format!("`{}`", shortened(word)),
            DataKind::Text(text) => format!("the text \"{}\"", shortened(text)),
            DataKind::List(_) => "a list".to_owned(),
            DataKind::Map(_) => "a map".to_owned(),
        }
    }
}

fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

impl Reader<'_> {
    /// The finding that a value cannot be read here.
    pub fn malformed(&self, label: &str) -> Box<Diagnostic> {
        let end = self.rest().chars().next().map_or(0, char::len_utf8);
        let span = self.span(self.at, self.at + end);
        Box::new(Diagnostic::error("V0732", span, "this is not a value").label(label))
    }

    /// Takes a value.
    pub fn data(&mut self, depth: usize) -> Result<Data, Box<Diagnostic>> {
        if depth > MAX_DEPTH {
            return Err(self.malformed("nested too deep"));
        }
        self.blanks();
        let from = self.at;
        let kind = if self.eat("[") {
            let mut items = Vec::new();
            while !self.eat("]") {
                if !items.is_empty() && (!self.comma("]")? || self.eat("]")) {
                    break;
                }
                items.push(self.data(depth + 1)?);
            }
            DataKind::List(items)
        } else if self.eat("{") {
            let mut entries = Vec::new();
            while !self.eat("}") {
                if !entries.is_empty() && (!self.comma("}")? || self.eat("}")) {
                    break;
                }
                let Some(key) = self.key() else { return Err(self.malformed("expected a key")) };
                if !self.eat(":") {
                    return Err(self.malformed("expected `:`"));
                }
                entries.push((key, self.data(depth + 1)?));
            }
            DataKind::Map(entries)
        } else if let Some(text) = self.quoted()? {
            DataKind::Text(text)
        } else {
            let word = self.word();
            if word.is_empty() {
                return Err(self.malformed("expected a value"));
            }
            DataKind::Word(word)
        };
        Ok(Data { kind, span: self.span(from, self.at) })
    }

    fn comma(&mut self, close: &str) -> Result<bool, Box<Diagnostic>> {
        if self.eat(",") { Ok(true) } else { Err(self.malformed(&format!("expected `,` or `{close}`"))) }
    }

    fn key(&mut self) -> Option<Ident> {
        self.blanks();
        let from = self.at;
        if let Ok(Some(name)) = self.quoted() {
            return Some(Ident { name, span: self.span(from, self.at) });
        }
        let rest = self.rest();
        let end = rest.find([':', ',', '{', '}', '[', ']', '(', ')']).unwrap_or(rest.len());
        let name = rest[..end].trim_end();
        self.at += name.len();
        (!name.is_empty()).then(|| Ident { name: name.to_owned(), span: self.span(from, self.at) })
    }

    /// Takes `"…"` or `'…'`.
    pub fn quoted(&mut self) -> Result<Option<String>, Box<Diagnostic>> {
        self.blanks();
        let rest = self.rest();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Ok(None) };
        let mut text = String::new();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.at += at + 1;
                    return Ok(Some(text));
                }
                '\\' if quote == '"' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, c)) => text.push(c),
                    None => {}
                },
                c => text.push(c),
            }
        }
        Err(self.malformed("the quote is never closed"))
    }

    /// Unquoted text up to a sign that ends a value.
    fn word(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find([',', '[', ']', '{', '}', '(', ')', ';']).unwrap_or(rest.len());
        let mut word = rest[..end].trim_end();
        // `~ 3 within 0.1`: what follows a value in an expectation.
        if let Some(at) = word.find(" within ") {
            word = word[..at].trim_end();
        }
        self.at += word.len();
        word.to_owned()
    }
}
