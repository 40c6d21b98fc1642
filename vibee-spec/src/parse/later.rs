//! What the language has words for but does not do yet: refused by name, never ignored.

use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::span::Span;

fn not_yet(code: &'static str, span: Span, what: &str, hint: &str) -> Diagnostic {
    Diagnostic::error(code, span, format!("{what} not supported yet"))
        .label("reserved for a later version")
        .hint(hint)
}

/// `h[t] = … from h0`.
pub(super) fn scan(span: Span) -> Diagnostic {
    not_yet("V0901", span, "recurrences with `from` are", "write the sum or product over the index as a fold")
}

/// `topk[…](…)`, `sort[…](…)`.
pub(super) fn operator(name: &Ident) -> Diagnostic {
    not_yet(
        "V0902",
        name.span,
        &format!("`{}` is", name.name),
        "`argmax` and `argmin` pick one element; ranks can be counted with `sum`",
    )
}

/// `y[i] += …`.
pub(super) fn scatter(span: Span) -> Diagnostic {
    not_yet(
        "V0903",
        span,
        "accumulation with `+=` is",
        "write it as a guarded fold: `y[n] = sum[t if dst[t] == n](v[t])`",
    )
}

/// `schedule:` and `tune:` lines.
pub(super) fn schedule(span: Span, word: &str) -> Diagnostic {
    not_yet(
        "V0906",
        span,
        &format!("`{word}` is"),
        "write `specialise C: 32, 64` to generate code for known sizes",
    )
}
