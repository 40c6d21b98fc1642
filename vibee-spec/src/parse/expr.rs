//! Expressions: pairs of the grammar become [`Expr`] trees.
//!
//! Recursion follows brackets and conditionals, which were counted before pest ran.

use super::line::Line;
use super::literal;
use super::operators::{self, Operators, Tree};
use super::words;
use crate::ast::{Arg, Binder, Expr, ExprKind, Ident, UnOp};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::span::Span;
use pest::iterators::Pair;

impl Line<'_, '_> {
    /// An `expr` or `arith` pair.
    pub(super) fn expr(&mut self, pair: Pair<Rule>) -> Option<Expr> {
        self.tree(pair).map(|tree| tree.expr)
    }

    fn tree(&mut self, pair: Pair<Rule>) -> Option<Tree> {
        let mut operators = Operators::default();
        for part in pair.into_inner() {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::neg => operators.prefix(UnOp::Neg, span, self.sink)?,
                Rule::not => operators.prefix(UnOp::Not, span, self.sink)?,
                rule => match operators::binary(rule) {
                    Some((op, binds)) => operators.infix(op, binds, span, self.sink)?,
                    None => operators.operand(self.primary(part)?),
                },
            }
        }
        operators.finish(self.sink)
    }

    fn primary(&mut self, pair: Pair<Rule>) -> Option<Tree> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::paren => {
                let mut tree = self.tree(pair.into_inner().next()?)?;
                tree.expr.span = span;
                Some(tree)
            }
            Rule::if_expr => {
                let mut parts = Vec::with_capacity(3);
                for part in pair.into_inner().filter(|p| p.as_rule() == Rule::expr) {
                    parts.push(self.tree(part)?);
                }
                let [c, a, b] = <[Tree; 3]>::try_from(parts).ok()?;
                let below = c.height.max(a.height).max(b.height);
                let kind = ExprKind::If(Box::new(c.expr), Box::new(a.expr), Box::new(b.expr));
                Tree::new(kind, span, below, self.sink)
            }
            Rule::cast => self.cast(pair, span),
            Rule::reference => self.reference(pair),
            _ => Tree::new(literal::number(&pair, span, self.sink)?, span, 0, self.sink),
        }
    }

    /// `idx<V>(e)`, perhaps indexed.
    fn cast(&mut self, pair: Pair<Rule>, span: Span) -> Option<Tree> {
        let mut parts = pair.into_inner();
        let callee = self.ident(&parts.next()?);
        let generic = self.tree(parts.next()?)?;
        let mut parts = parts.skip(1);
        let value = self.tree(parts.next()?)?;
        let below = generic.height.max(value.height);
        let end = parts.next()?;
        let kind = ExprKind::Call {
            callee,
            generic: Some(Box::new(generic.expr)),
            indices: None,
            guard: None,
            args: Some(vec![Arg { name: None, value: value.expr }]),
        };
        let span = Span { end: self.span(&end).end, ..span };
        let call = Tree::new(kind, span, below, self.sink)?;
        self.postfixes(call, parts.collect())
    }

    /// A name with what follows it.
    fn reference(&mut self, pair: Pair<Rule>) -> Option<Tree> {
        let mut parts = pair.into_inner();
        let name = self.ident(&parts.next()?);
        let mut rest: Vec<Pair<Rule>> = parts.collect();
        let is = |n: usize, rule| rest.get(n).is_some_and(|p: &Pair<Rule>| p.as_rule() == rule);
        let (taken, base) = if is(0, Rule::arguments) {
            (1, self.call(name, None, Some(rest[0].clone()))?)
        } else if is(0, Rule::brackets) && is(1, Rule::arguments) {
            (2, self.call(name, Some(rest[0].clone()), Some(rest[1].clone()))?)
        } else if is(0, Rule::brackets) && name.name == "len" {
            (1, self.call(name, Some(rest[0].clone()), None)?)
        } else {
            (0, Tree::new(ExprKind::Name(name.name), name.span, 0, self.sink)?)
        };
        rest.drain(..taken);
        self.postfixes(base, rest)
    }

    /// Indexes a name or a call; nothing else can be indexed or called.
    fn postfixes(&mut self, base: Tree, rest: Vec<Pair<Rule>>) -> Option<Tree> {
        let mut tree = base;
        for part in rest {
            let span = self.span(&part);
            if part.as_rule() == Rule::arguments {
                self.sink.push(
                    Diagnostic::error("V0109", span, "only a name can be called")
                        .label("these arguments follow a value")
                        .also(tree.expr.span, "this is already a value"),
                );
                return None;
            }
            if matches!(tree.expr.kind, ExprKind::Index { .. }) {
                self.sink.push(
                    Diagnostic::error("V0108", span, "an element cannot be indexed again")
                        .label("second brackets")
                        .also(tree.expr.span, "this is already an element")
                        .hint("write all positions in one pair of brackets: `x[i, j]`"),
                );
                return None;
            }
            tree = self.index(tree, part)?;
        }
        Some(tree)
    }

    /// `base[i, j; outside]`.
    fn index(&mut self, base: Tree, brackets: Pair<Rule>) -> Option<Tree> {
        let span = base.expr.span.to(self.span(&brackets));
        let mut below = base.height;
        let mut indices = Vec::new();
        let mut outside = None;
        for part in brackets.into_inner() {
            match part.as_rule() {
                Rule::slot => {
                    let slot = self.span(&part);
                    let mut inner = part.into_inner();
                    let tree = self.tree(inner.next()?)?;
                    if inner.next().is_some() {
                        return self.not_binding(slot, "a range");
                    }
                    below = below.max(tree.height);
                    indices.push(tree.expr);
                }
                Rule::guard => return self.not_binding(self.span(&part), "a condition"),
                Rule::outside => {
                    let tree = self.tree(part.into_inner().next()?)?;
                    below = below.max(tree.height);
                    outside = Some(Box::new(tree.expr));
                }
                _ => {}
            }
        }
        Tree::new(ExprKind::Index { base: Box::new(base.expr), indices, outside }, span, below, self.sink)
    }

    /// Reports binder syntax in brackets that index.
    fn not_binding(&mut self, span: Span, what: &str) -> Option<Tree> {
        self.sink.push(
            Diagnostic::error("V0110", span, format!("{what} needs a fold or function"))
                .label("these brackets only pick an element")
                .hint("write `sum[i in N if …](…)`, or give the index its range where it is defined"),
        );
        None
    }

    /// `f[binders if guard](args)`, any part of it.
    fn call(
        &mut self,
        callee: Ident,
        brackets: Option<Pair<Rule>>,
        args: Option<Pair<Rule>>,
    ) -> Option<Tree> {
        if words::LATER.contains(&callee.name.as_str()) {
            self.sink.push(super::later::operator(&callee));
            return None;
        }
        let mut span = callee.span;
        let mut below = 0;
        let (mut indices, mut guard) = (None, None);
        if let Some(brackets) = brackets {
            span = span.to(self.span(&brackets));
            let mut binders = Vec::new();
            for part in brackets.into_inner() {
                match part.as_rule() {
                    Rule::slot => binders.push(self.binder(part, &mut below)?),
                    Rule::guard => {
                        let tree = self.tree(part.into_inner().nth(1)?)?;
                        below = below.max(tree.height);
                        guard = Some(Box::new(tree.expr));
                    }
                    Rule::outside => {
                        self.sink.push(
                            Diagnostic::error("V0111", self.span(&part), "a call has no outside")
                                .label("only an indexed tensor has a value outside")
                                .hint("index the result: `f(x)[i; 0]`"),
                        );
                        return None;
                    }
                    _ => {}
                }
            }
            indices = Some(binders);
        }
        let args = match args {
            None => None,
            Some(pair) => {
                span = span.to(self.span(&pair));
                let mut list = Vec::new();
                for arg in pair.into_inner().filter(|p| p.as_rule() == Rule::arg) {
                    list.push(self.arg(arg, &mut below)?);
                }
                Some(list)
            }
        };
        let kind = ExprKind::Call { callee, generic: None, indices, guard, args };
        Tree::new(kind, span, below, self.sink)
    }

    fn arg(&mut self, pair: Pair<Rule>, below: &mut usize) -> Option<Arg> {
        let mut name = None;
        let mut value = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::arg_name {
                name = Some(self.ident(&part.into_inner().next()?));
            } else {
                let tree = self.tree(part)?;
                *below = (*below).max(tree.height);
                value = Some(tree.expr);
            }
        }
        Some(Arg { name, value: value? })
    }

    /// A slot of brackets that bind: a bare index, perhaps with its range.
    fn binder(&mut self, slot: Pair<Rule>, below: &mut usize) -> Option<Binder> {
        let mut parts = slot.into_inner();
        let tree = self.tree(parts.next()?)?;
        let ExprKind::Name(name) = tree.expr.kind else {
            self.sink.push(
                Diagnostic::error("V0112", tree.expr.span, "an index is a name")
                    .label("these brackets are followed by `(…)`, so they name indices")
                    .hint("to index the result, write `f(x)[i + 1]`"),
            );
            return None;
        };
        let name = Ident { name, span: tree.expr.span };
        words::check(&name, self.sink);
        let range = match parts.nth(1) {
            None => None,
            Some(range) => {
                let tree = self.tree(range)?;
                *below = (*below).max(tree.height);
                Some(tree.expr)
            }
        };
        Some(Binder { name, range })
    }
}
