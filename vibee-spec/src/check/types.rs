//! Element types: reading them, and converting values between them.
//!
//! Conversions that lose nothing people would miss are implicit; a float never becomes an
//! integer, and nothing becomes or stops being a `bool`, unless it is written.

use std::sync::Arc;

use super::builder::{Builder, Same};
use super::builtins;
use super::frame::Env;
use super::globals::{Cx, Global};
use super::hir::Place;
use super::suggest;
use crate::ast::{self, TyElem};
use crate::diag::Diagnostic;
use crate::term::{Atom, DType, ExprId, Format, Int, Node, Source};

/// What a generic of a kernel or layer stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Elem {
    /// An element type.
    Type(DType),
    /// A format: declaring file and position.
    Format(usize, usize),
}

/// The type of one word, if it is one.
pub(super) fn word(name: &str) -> Option<DType> {
    Some(match name {
        "f64" => DType::F64,
        "f32" => DType::F32,
        "f16" => DType::F16,
        "bf16" => DType::BF16,
        "i32" => DType::I32,
        "i8" => DType::I8,
        "u8" => DType::U8,
        "bool" => DType::Bool,
        _ => return None,
    })
}

/// The end of an instance's name.
pub(super) fn ending(cx: &Cx<'_>, elem: &Elem) -> String {
    match elem {
        Elem::Type(t) => suffix(t).to_owned(),
        Elem::Format(file, at) => cx.units[*file].file.formats[*at].name.name.clone(),
    }
}

/// Name of an instance's suffix.
fn suffix(t: &DType) -> &'static str {
    match t {
        DType::F64 => "f64",
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        DType::I32 => "i32",
        DType::I8 => "i8",
        DType::U8 => "u8",
        DType::Bool => "bool",
        DType::Idx(_) => "idx",
        DType::Len(_) => "len",
    }
}

impl<'a> Builder<'_, 'a> {
    /// A type of one word or a generic's name.
    pub fn plain_dtype(&mut self, t: &TyElem) -> Option<DType> {
        let TyElem::Named(n) = t else { return None };
        match self.elem(&n.name) {
            Some(Elem::Type(t)) => return Some(t),
            Some(Elem::Format(..)) => {
                let d = Diagnostic::error(
                    "V1007",
                    n.span,
                    format!("`{}` is a format, not an element type here", n.name),
                )
                .label("only tensors that a kernel is given, and weights, are stored in a format")
                .hint(format!("compute in `f32`; `encode_{}` stores whole tensors", n.name));
                self.err(self.here(n.span), d);
                return None;
            }
            None => {}
        }
        let mut known: Vec<String> = builtins::DTYPES.iter().map(ToString::to_string).collect();
        known.extend(["idx", "len"].map(String::from));
        known.extend(self.generics.keys().cloned());
        known.sort_unstable();
        let near = suggest::hint(&n.name, known.iter().map(String::as_str));
        if self.cx.left_out(self.file, &n.name) {
            return None;
        }
        let mut d = Diagnostic::error("V0209", n.span, format!("unknown element type `{}`", n.name));
        d.hint =
            near.or_else(|| Some("element types are f64 f32 f16 bf16 i32 i8 u8 bool idx<N> len<N>".into()));
        self.err(self.here(n.span), d);
        None
    }

    /// The format that a parameter's tensor is stored in, if its type is one. The inner `None` is a
    /// reported error.
    #[allow(clippy::option_option)] // "no format" and "a wrong format" differ
    pub fn operand_format(&mut self, t: &'a ast::Ty) -> Option<Option<Arc<Format>>> {
        self.stored_in(t).map(|(file, at)| super::formats::format(self.cx, file, at))
    }

    /// The declaring file and position of the format that a tensor is stored in, if its type is one.
    pub fn stored_in(&mut self, t: &'a ast::Ty) -> Option<(usize, usize)> {
        match (&t.elem, t.shape.is_empty()) {
            (TyElem::Named(n), false) => match self.elem(&n.name)? {
                Elem::Format(file, at) => Some((file, at)),
                Elem::Type(_) => None,
            },
            _ => None,
        }
    }

    /// What a name stands for as a type: a word of the language, a generic or a format.
    pub fn elem(&mut self, name: &str) -> Option<Elem> {
        let known = word(name).map(Elem::Type).or_else(|| self.generics.get(name).cloned());
        known.or_else(|| match self.cx.find(self.file, name)? {
            Global::Format(file, at) => Some(Elem::Format(file, at)),
            _ => None,
        })
    }

    /// Any written element type except `dim`.
    pub fn dtype(&mut self, t: &'a TyElem, env: &Env<'a>) -> Option<DType> {
        match t {
            TyElem::Dim => None,
            TyElem::Named(_) => self.plain_dtype(t),
            TyElem::Idx(e) => Some(DType::Idx(self.size(e, env)?)),
            TyElem::Len(e) => Some(DType::Len(self.size(e, env)?)),
        }
    }

    /// The type of an expression.
    pub fn type_of(&self, e: ExprId) -> &DType {
        self.k.exprs.dtype(e)
    }

    /// A number; an index value becomes `i32`.
    pub fn number(&mut self, e: ExprId, place: Place) -> Option<ExprId> {
        match self.type_of(e) {
            DType::Bool => {
                let text = self.text(place);
                self.err(
                    place,
                    Diagnostic::error(
                        "V0304",
                        place.span,
                        format!("`{text}` is a truth value where a number is needed"),
                    )
                    .hint("choose numbers for it: `if c then 1 else 0`"),
                );
                None
            }
            DType::Idx(_) => Some(self.as_i32(e)),
            _ => Some(e),
        }
    }

    /// A truth value.
    pub fn truth(&mut self, e: ExprId, place: Place) -> Option<ExprId> {
        if *self.type_of(e) == DType::Bool {
            return Some(e);
        }
        let text = self.text(place);
        self.err(
            place,
            Diagnostic::error(
                "V0304",
                place.span,
                format!("`{text}` is a number where a truth value is needed"),
            )
            .hint("compare it: `… != 0`"),
        );
        None
    }

    /// An integer as `i32`; what is known without data stays symbolic.
    pub fn as_i32(&mut self, e: ExprId) -> ExprId {
        if !matches!(self.type_of(e), DType::Idx(_)) {
            return e;
        }
        if let Some(i) = self.symbolic(e) {
            return self.exprs().int(i);
        }
        self.exprs().intern(Node::Cast(DType::I32, e), DType::I32)
    }

    /// The integer behind an expression, if it is known from sizes, indices and scalars.
    pub fn symbolic(&self, e: ExprId) -> Option<Int> {
        match self.k.exprs.node(e) {
            Node::Int(i) => Some(i.clone()),
            Node::Load { from: Source::Input(i), at, .. }
                if at.is_empty() && matches!(self.type_of(e), DType::Idx(_)) && !self.opaque.contains(i) =>
            {
                Some(Int::atom(Atom::Scalar(*i)))
            }
            _ => None,
        }
    }

    /// A number as `f32` or `f64`.
    pub fn float(&mut self, e: ExprId, t: &DType) -> ExprId {
        let e = self.as_i32(e);
        if self.type_of(e) == t {
            return e;
        }
        let constant = match self.k.exprs.node(e) {
            // Exact up to 2^53; larger literals are refused before they get here.
            #[allow(clippy::cast_precision_loss)]
            Node::Int(i) => i.as_const().map(|v| v as f64),
            Node::Float(bits, _) => Some(f64::from_bits(*bits)),
            _ => None,
        };
        match constant {
            Some(v) => self.exprs().intern(Node::Float(v.to_bits(), t.clone()), t.clone()),
            None => self.exprs().intern(Node::Cast(t.clone(), e), t.clone()),
        }
    }

    /// Two numbers of one type: `f64`, else `f32`, else integers.
    pub fn unify(&mut self, a: ExprId, b: ExprId) -> (ExprId, ExprId) {
        let (ta, tb) = (self.type_of(a).clone(), self.type_of(b).clone());
        let common = match (ta.is_float(), tb.is_float()) {
            _ if ta == DType::F64 || tb == DType::F64 => DType::F64,
            (true, _) | (_, true) => DType::F32,
            _ => return (self.as_i32(a), self.as_i32(b)),
        };
        (self.float(a, &common), self.float(b, &common))
    }

    /// A value as a definition, output or argument of type `target` holds it.
    pub fn convert(&mut self, e: ExprId, target: &DType, place: Place) -> Option<ExprId> {
        let have = self.type_of(e).clone();
        let want = target.computed();
        if have == want {
            return Some(e);
        }
        match (&have, &want) {
            (DType::Bool, _) => self.number(e, place),
            (_, DType::Bool) => self.truth(e, place),
            (_, DType::F32 | DType::F64) => Some(self.float(e, &want)),
            (DType::Idx(_), DType::I32) => Some(self.as_i32(e)),
            (DType::Idx(m), DType::Idx(n)) => match self.same(m, n) {
                Same::Yes => Some(self.exprs().intern(Node::Cast(want.clone(), e), want)),
                _ => self.not_this_index(e, &want, place),
            },
            (DType::I32, DType::Idx(n)) => {
                let n = n.clone();
                let inside = self.symbolic(e).is_some_and(|v| {
                    let mut prover = self.prover();
                    prover.nonneg(&v) && prover.positive(&n.sub(&v))
                });
                if inside {
                    return Some(self.exprs().intern(Node::Cast(want.clone(), e), want));
                }
                self.not_this_index(e, &want, place)
            }
            _ => {
                let (text, from, to) = (self.text(place), self.show_type(&have), self.show_type(target));
                self.err(
                    place,
                    Diagnostic::error(
                        "V0305",
                        place.span,
                        format!("a value of type {from} is stored as {to}"),
                    )
                    .label(format!("this is {from}"))
                    .hint(format!(
                        "say how to round: `{to}({text})` cuts towards zero, or use `round`, `floor`"
                    )),
                );
                None
            }
        }
    }

    fn not_this_index(&mut self, e: ExprId, want: &DType, place: Place) -> Option<ExprId> {
        let (from, to) = (self.show_type(&self.type_of(e).clone()), self.show_type(want));
        let text = self.text(place);
        self.err(
            place,
            Diagnostic::error("V0305", place.span, format!("a value of type {from} is stored as {to}"))
                .label(format!("this is {from}, which may lie outside"))
                .hint(format!("`{to}({text})` keeps it inside by clamping")),
        );
        None
    }
}
