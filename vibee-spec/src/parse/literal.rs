//! Numbers, constants and quoted names.

use crate::ast::{Expr, ExprKind, UnOp};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::scan::Sink;
use crate::span::Span;
use pest::iterators::Pair;

/// A number or `true`, `false`, `inf`, `nan`.
pub(super) fn number(pair: &Pair<Rule>, span: Span, sink: &mut Sink) -> Option<ExprKind> {
    let text = pair.as_str().trim_end();
    let kind = match text {
        "true" => Some(ExprKind::Bool(true)),
        "false" => Some(ExprKind::Bool(false)),
        "inf" => Some(ExprKind::Float(f64::INFINITY)),
        "nan" => Some(ExprKind::Float(f64::NAN)),
        _ if pair.as_rule() == Rule::float => {
            text.parse().ok().filter(|v: &f64| v.is_finite()).map(ExprKind::Float)
        }
        _ => integer(text).map(ExprKind::Int),
    };
    if kind.is_none() {
        sink.push(too_large(span));
    }
    kind
}

/// Decimal or `0x…`, without sign.
pub(super) fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A number with sign, `inf` and `nan` as `f64`.
pub(super) fn signed(text: &str) -> Option<f64> {
    let text = text.trim_end();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ if digits.starts_with("0x") || digits.starts_with("0X") => integer(digits)? as f64,
        _ => digits.parse().ok().filter(|v: &f64| v.is_finite())?,
    };
    Some(sign * value)
}

/// A number with an optional sign as an expression; `None` when it is too large or no number.
pub(super) fn constant(text: &str, span: Span) -> Option<Expr> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let kind = match digits {
        "inf" => ExprKind::Float(f64::INFINITY),
        "nan" => ExprKind::Float(f64::NAN),
        _ if !digits.starts_with(|c: char| c.is_ascii_digit()) => return None,
        _ => match integer(digits) {
            Some(value) => ExprKind::Int(value),
            None => ExprKind::Float(signed(digits)?),
        },
    };
    if !text.starts_with('-') {
        return Some(Expr { kind, span });
    }
    let inner = Expr { kind, span: Span { start: span.start + 1, ..span } };
    Some(Expr { kind: ExprKind::Unary(UnOp::Neg, Box::new(inner)), span })
}

/// The finding for a number that no type holds.
pub(super) fn too_large(span: Span) -> Diagnostic {
    Diagnostic::error("V0104", span, "the number is too large")
        .label("does not fit 64 bits")
        .hint("write `inf` for infinity")
}

/// The text of a `"…"` pair.
pub(super) fn unquoted(text: &str) -> String {
    let text = text.trim_end().trim_start_matches('"');
    let text = text.strip_suffix('"').unwrap_or(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}
