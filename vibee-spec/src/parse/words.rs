//! Words that cannot name things.

use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::limits::MAX_IDENT;
use crate::scan::Sink;

/// Words of the grammar itself; they are never names.
pub const KEYWORDS: &[&str] =
    &["and", "or", "not", "if", "then", "else", "for", "in", "where", "from", "true", "false", "inf", "nan"];

/// Folds.
pub const FOLDS: &[&str] = &["sum", "max", "min", "prod", "any", "all", "argmax", "argmin"];

/// Elementwise operators (besides `min` and `max`, which also fold).
pub const ELEMENTWISE: &[&str] = &[
    "exp", "log", "tanh", "erf", "sigmoid", "sqrt", "rsqrt", "sin", "cos", "abs", "floor", "ceil", "round",
    "trunc", "sign", "clamp", "pow",
];

/// Element types and the words of types and sizes.
pub const TYPES: &[&str] = &["f64", "f32", "f16", "bf16", "i32", "i8", "u8", "bool", "idx", "len", "dim"];

/// Operators of a later version.
pub const LATER: &[&str] = &["topk", "sort"];

/// Whether `word` cannot be a name.
#[must_use]
pub fn is_reserved(word: &str) -> bool {
    [KEYWORDS, FOLDS, ELEMENTWISE, TYPES, LATER].iter().any(|words| words.contains(&word))
}

/// Reports a defined name that is reserved or too long.
pub(super) fn check(name: &Ident, sink: &mut Sink) {
    if is_reserved(&name.name) {
        sink.push(reserved(name));
    } else if name.name.len() > MAX_IDENT {
        sink.push(
            Diagnostic::error("V0103", name.span, "the name is too long")
                .label(format!("{} bytes; the limit is {MAX_IDENT}", name.name.len())),
        );
    }
}

/// The finding for a reserved word where a name is wanted.
pub(super) fn reserved(name: &Ident) -> Diagnostic {
    Diagnostic::error("V0102", name.span, format!("`{}` cannot be a name", name.name))
        .label("this word means something in expressions")
        .hint(format!("call it `{}_` or something that says what it holds", name.name))
}
