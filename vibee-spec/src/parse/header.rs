//! Headers: names, generics, parameters, types, `where` and `for` clauses.

use super::line::Line;
use crate::ast::{Expr, Ident, Param, Ty, TyElem};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::limits::MAX_RANK;
use crate::span::Span;
use pest::iterators::Pair;

/// What may follow the signature of a kernel or layer.
#[derive(Default)]
pub(super) struct Clauses {
    pub constraints: Vec<Expr>,
    pub instances: Vec<(Ident, Vec<Ident>)>,
    pub allowed: Vec<(Ident, Ident)>,
    seen: Vec<(Rule, Span)>,
}

impl Line<'_, '_> {
    /// The names of a bracketed list.
    pub(super) fn names(&mut self, pair: Pair<Rule>) -> Vec<Ident> {
        let names = pair.into_inner().filter(|p| p.as_rule() == Rule::ident);
        names.map(|name| self.new_name(&name)).collect()
    }

    /// `(x: f32[T, D], eps: f32)` or a lone parameter.
    pub(super) fn params(&mut self, pair: Pair<Rule>) -> Option<Vec<Param>> {
        let mut params = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::params => return self.params(part),
                Rule::param => params.push(self.param(part)?),
                _ => {}
            }
        }
        Some(params)
    }

    /// `x: f32[T, D]`.
    pub(super) fn param(&mut self, pair: Pair<Rule>) -> Option<Param> {
        let mut parts = pair.into_inner();
        let name = self.new_name(&parts.next()?);
        let ty = self.ty(parts.nth(1)?)?;
        Some(Param { name, ty })
    }

    /// A `ty` pair, or a `weight_type` pair without generics.
    pub(super) fn ty(&mut self, pair: Pair<Rule>) -> Option<Ty> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let elem = self.elem(parts.next()?)?;
        let shape = match parts.next() {
            Some(shape) => self.shape(shape)?,
            None => Vec::new(),
        };
        Some(Ty { elem, shape, span })
    }

    fn elem(&mut self, pair: Pair<Rule>) -> Option<TyElem> {
        if pair.as_rule() == Rule::ident {
            let name = self.ident(&pair);
            return Some(if name.name == "dim" { TyElem::Dim } else { TyElem::Named(name) });
        }
        let mut parts = pair.into_inner();
        let is_idx = parts.next()?.as_str().trim_end() == "idx";
        let bound = Box::new(self.expr(parts.next()?)?);
        Some(if is_idx { TyElem::Idx(bound) } else { TyElem::Len(bound) })
    }

    /// `[T, 2*D]`.
    pub(super) fn shape(&mut self, pair: Pair<Rule>) -> Option<Vec<Expr>> {
        let span = self.span(&pair);
        let mut axes = Vec::new();
        for axis in pair.into_inner().filter(|p| p.as_rule() == Rule::arith) {
            axes.push(self.expr(axis)?);
        }
        if axes.len() > MAX_RANK {
            self.sink.push(
                Diagnostic::error("V0117", span, "too many axes")
                    .label(format!("{} axes; the limit is {MAX_RANK}", axes.len()))
                    .hint("merge axes: `x[b, h*C + c]`"),
            );
            return None;
        }
        Some(axes)
    }

    /// Takes a `where`, `for` or `allow` clause.
    pub(super) fn clause(&mut self, pair: Pair<Rule>, clauses: &mut Clauses) -> Option<()> {
        let (rule, span) = (pair.as_rule(), self.span(&pair));
        if let Some(&(_, first)) = clauses.seen.iter().find(|(seen, _)| *seen == rule) {
            self.sink.push(
                Diagnostic::error("V0114", span, "the clause is written twice")
                    .label("second time")
                    .also(first, "first time")
                    .hint("join the two with a comma"),
            );
            return None;
        }
        clauses.seen.push((rule, span));
        match rule {
            Rule::where_clause => {
                for part in pair.into_inner().filter(|p| p.as_rule() == Rule::expr) {
                    clauses.constraints.push(self.expr(part)?);
                }
            }
            Rule::for_clause => {
                for part in pair.into_inner().filter(|p| p.as_rule() == Rule::instance) {
                    let mut names = part.into_inner().filter(|p| p.as_rule() == Rule::ident);
                    let generic = self.ident(&names.next()?);
                    clauses.instances.push((generic, names.map(|p| self.ident(&p)).collect()));
                }
            }
            _ => {
                for part in pair.into_inner().filter(|p| p.as_rule() == Rule::param) {
                    let allowed = self.param(part)?;
                    match (allowed.ty.elem, allowed.ty.shape.is_empty()) {
                        (TyElem::Named(to), true) => clauses.allowed.push((allowed.name, to)),
                        _ => {
                            let d = Diagnostic::error(
                                "V0226",
                                allowed.ty.span,
                                "this is not what operands are rounded to",
                            )
                            .label("a type without extents")
                            .hint("`allow x: i8` or `allow x: bf16`; the shape is that of `x`");
                            self.sink.push(d);
                            return None;
                        }
                    }
                }
            }
        }
        Some(())
    }
}
