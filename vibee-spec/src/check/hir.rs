//! Expressions after names are resolved and functions are expanded, before ranges and types.
//!
//! Every binder has its own index already; the extents of indices are inferred from a whole
//! statement in this form ([`super::indices`]), then it becomes a term ([`super::lower`]).

use std::rc::Rc;

use super::builtins::Builtin;
use crate::ast::{BinOp, Expr, UnOp};
use crate::span::Span;
use crate::term::{DType, FoldOp, IndexId, Int, Source};

/// Where an expression was written and, inside functions, the call that brought it here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Declaring file.
    pub file: usize,
    /// There.
    pub span: Span,
    /// The call in the body being checked, if this comes from a function.
    pub call: Option<Span>,
}

/// A letter: one range in its scope (a kernel's body or one call of a function).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LetterId(pub usize);

/// A resolved expression.
#[derive(Clone, Debug)]
pub(super) struct Hir {
    pub kind: Kind,
    pub place: Place,
}

/// Its shapes.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Float literal.
    Float(f64),
    /// Truth value.
    Bool(bool),
    /// A literal, dim or constant.
    Int(Int),
    /// A bound index.
    Index(IndexId),
    /// The extent of a letter.
    Len(LetterId),
    /// A scalar input or definition.
    Scalar(Source),
    /// A tensor without positions.
    Whole(Source),
    /// A tensor with positions.
    Load { from: Source, at: Vec<Hir>, outside: Option<Box<Hir>> },
    /// Unary operator.
    Unary(UnOp, Box<Hir>),
    /// Binary operator.
    Binary(BinOp, Box<Hir>, Box<Hir>),
    /// Conditional.
    If(Box<Hir>, Box<Hir>, Box<Hir>),
    /// The constant of a table at a place.
    Pick(Rc<Vec<Expr>>, Box<Hir>),
    /// Elementwise function.
    Builtin(&'static Builtin, Vec<Hir>),
    /// Conversion.
    Cast(DType, Box<Hir>),
    /// A fold.
    Fold { op: FoldOp, over: Vec<IndexId>, guard: Option<Box<Hir>>, body: Box<Hir> },
}

impl Hir {
    /// The direct parts.
    pub fn children(&self) -> Vec<&Hir> {
        match &self.kind {
            Kind::Load { at, outside, .. } => at.iter().chain(outside.as_deref()).collect(),
            Kind::Unary(_, a) | Kind::Cast(_, a) | Kind::Pick(_, a) => vec![a],
            Kind::Binary(_, a, b) => vec![a, b],
            Kind::If(a, b, c) => vec![a, b, c],
            Kind::Builtin(_, args) => args.iter().collect(),
            Kind::Fold { guard, body, .. } => guard.as_deref().into_iter().chain([&**body]).collect(),
            _ => vec![],
        }
    }

    /// Whether an index occurs.
    pub fn mentions(&self, wanted: &dyn Fn(IndexId) -> bool) -> bool {
        match &self.kind {
            Kind::Index(i) => wanted(*i),
            Kind::Int(e) => {
                let mut found = false;
                e.visit_leaves(&mut |a| {
                    if let crate::term::Atom::Index(i) = a {
                        found |= wanted(*i);
                    }
                });
                found
            }
            _ => self.children().iter().any(|c| c.mentions(wanted)),
        }
    }

    /// The first tensor without positions, not looking into folds.
    pub fn first_whole(&self) -> Option<(Source, Place)> {
        match &self.kind {
            Kind::Whole(s) => Some((*s, self.place)),
            Kind::Fold { .. } => None,
            _ => self.children().iter().find_map(|c| c.first_whole()),
        }
    }
}
