//! Literal values of test cases: nested lists to shapes and numbers.

use crate::ast::{Value, ValueKind};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::DType;

/// A tensor's or scalar's values, row-major; truth values are 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Extents; empty for a scalar.
    pub dims: Vec<usize>,
    /// As written: nothing is rounded to the element type yet.
    pub values: Vec<f64>,
}

/// A literal whose lists may be empty, so that inner extents are open.
pub(super) struct Literal {
    pub extents: Vec<Option<usize>>,
    pub values: Vec<f64>,
}

/// Reads a literal of a given rank and element type; `what` names it in findings.
pub(super) fn read(v: &Value, rank: usize, dtype: &DType, what: &str) -> Result<Literal, Box<Diagnostic>> {
    let mut out = Literal { extents: vec![None; rank], values: vec![] };
    level(v, 0, dtype, what, &mut out)?;
    Ok(out)
}

fn level(
    v: &Value,
    depth: usize,
    dtype: &DType,
    what: &str,
    out: &mut Literal,
) -> Result<(), Box<Diagnostic>> {
    let rank = out.extents.len();
    let wrong = |message: String| Diagnostic::error("V0605", v.span, message);
    match &v.kind {
        ValueKind::List(items) if depth < rank => {
            let first = *out.extents[depth].get_or_insert(items.len());
            if first != items.len() {
                let d =
                    Diagnostic::error("V0604", v.span, format!("the rows of {what} have different lengths"))
                        .label(format!("{} here, {first} in the first row", items.len()))
                        .hint("a tensor is a full box of values");
                return Err(Box::new(d));
            }
            items.iter().try_for_each(|item| level(item, depth + 1, dtype, what, out))
        }
        ValueKind::List(_) => Err(wrong_rank(v.span, what, rank, "more")),
        _ if depth < rank => Err(wrong_rank(v.span, what, rank, "fewer")),
        ValueKind::Bool(b) if *dtype == DType::Bool => {
            out.values.push(f64::from(u8::from(*b)));
            Ok(())
        }
        ValueKind::Number(n) if *dtype != DType::Bool => match misfit(*n, dtype) {
            Some(problem) => Err(Box::new(wrong(format!("{what} {problem}")))),
            None => {
                out.values.push(*n);
                Ok(())
            }
        },
        ValueKind::Bool(_) => Err(Box::new(wrong(format!("{what} holds numbers, this is a truth value")))),
        ValueKind::Number(_) => {
            let d =
                wrong(format!("{what} holds truth values, this is a number")).hint("write `true` or `false`");
            Err(Box::new(d))
        }
    }
}

fn wrong_rank(span: Span, what: &str, rank: usize, than: &str) -> Box<Diagnostic> {
    let axes = match rank {
        0 => "is a single value".to_string(),
        1 => "has 1 axis".to_string(),
        n => format!("has {n} axes"),
    };
    let message = format!("{what} {axes}, the lists are nested {than} deep");
    Box::new(Diagnostic::error("V0604", span, message))
}

/// Why a number cannot be an element of a type.
fn misfit(n: f64, dtype: &DType) -> Option<String> {
    if dtype.is_float() {
        return None;
    }
    let range = match dtype {
        DType::I8 => -128.0..=127.0,
        DType::U8 => 0.0..=255.0,
        // The upper bound is a size; the kernel's own entry check compares it.
        DType::Idx(_) | DType::Len(_) => 0.0..=f64::from(u32::MAX),
        _ => f64::from(i32::MIN)..=f64::from(i32::MAX),
    };
    if n.fract() != 0.0 || !n.is_finite() {
        return Some(format!("holds integers, {n} is none"));
    }
    (!range.contains(&n)).then(|| format!("holds values from {} to {}, not {n}", range.start(), range.end()))
}
