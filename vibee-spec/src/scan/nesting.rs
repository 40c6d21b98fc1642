//! How deeply an expression nests, counted on its bytes.
//!
//! pest and the tree builder recurse once per bracket, conditional and cast; this count bounds that
//! recursion before either runs. A chain of operators does not recurse and is not counted.

use crate::limits::MAX_DEPTH;

/// Counts along a text.
#[derive(Debug)]
pub(crate) struct Nesting {
    /// For every open bracket, the nesting words since its last separator.
    words: Vec<usize>,
    depth: usize,
}

impl Nesting {
    pub(crate) fn new() -> Self {
        Nesting { words: vec![0], depth: 0 }
    }

    /// Whether the limit is exceeded here.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.depth > MAX_DEPTH
    }

    /// Takes the sign `byte`.
    pub(crate) fn sign(&mut self, byte: u8) {
        match byte {
            b'(' | b'[' | b'{' => {
                self.words.push(0);
                self.depth += 1;
            }
            b')' | b']' | b'}' if self.words.len() > 1 => {
                self.depth -= 1 + self.words.pop().unwrap_or(0);
            }
            b',' | b';' => {
                if let Some(words) = self.words.last_mut() {
                    self.depth -= std::mem::take(words);
                }
            }
            _ => {}
        }
    }

    /// Takes the word that `text` begins with and gives its length; 0 when there is none.
    pub(crate) fn word(&mut self, text: &[u8]) -> usize {
        let len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let nests = match &text[..len] {
            b"if" => true,
            // The bound of a cast is an expression too.
            b"idx" | b"len" => text[len..].iter().find(|b| **b != b' ') == Some(&b'<'),
            _ => false,
        };
        if let Some(words) = self.words.last_mut().filter(|_| nests) {
            *words += 1;
            self.depth += 1;
        }
        len
    }
}

/// Where `text` exceeds the limit.
pub(crate) fn too_nested(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut nesting = Nesting::new();
    let mut at = 0;
    while at < bytes.len() {
        let word = nesting.word(&bytes[at..]);
        if word == 0 {
            nesting.sign(bytes[at]);
        }
        if nesting.is_too_deep() {
            return Some(at);
        }
        at += word.max(1);
    }
    None
}
