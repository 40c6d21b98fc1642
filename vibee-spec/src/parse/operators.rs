//! Operator precedence: a flat list of operands and operators becomes a tree.
//!
//! An explicit stack instead of recursion: a long chain costs no stack, and the height of the tree
//! is limited where it is built, so that nothing later recurses too deeply.

use crate::ast::{BinOp, Expr, ExprKind, UnOp};
use crate::diag::Diagnostic;
use crate::grammar::Rule;
use crate::limits::MAX_DEPTH;
use crate::scan::{Sink, too_deep};
use crate::span::Span;

/// An expression and the height of its tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub expr: Expr,
    pub height: usize,
}

impl Tree {
    /// One node above children of at most `below` levels; reported when that is too many.
    pub(super) fn new(kind: ExprKind, span: Span, below: usize, sink: &mut Sink) -> Option<Tree> {
        if below >= MAX_DEPTH {
            sink.push(too_deep(span));
            return None;
        }
        Some(Tree { expr: Expr { kind, span }, height: below + 1 })
    }
}

/// How tightly operators bind; larger is tighter.
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const NEGATE: u8 = 7;
const POWER: u8 = 8;

/// Every binary operator: grammar rule, meaning, how tightly it binds.
const BINARY: &[(Rule, BinOp, u8)] = &[
    (Rule::or, BinOp::Or, 1),
    (Rule::and, BinOp::And, 2),
    (Rule::lt, BinOp::Lt, COMPARE),
    (Rule::le, BinOp::Le, COMPARE),
    (Rule::gt, BinOp::Gt, COMPARE),
    (Rule::ge, BinOp::Ge, COMPARE),
    (Rule::eq, BinOp::Eq, COMPARE),
    (Rule::ne, BinOp::Ne, COMPARE),
    (Rule::add, BinOp::Add, 5),
    (Rule::sub, BinOp::Sub, 5),
    (Rule::mul, BinOp::Mul, 6),
    (Rule::div, BinOp::Div, 6),
    (Rule::idiv, BinOp::IDiv, 6),
    (Rule::rem, BinOp::Mod, 6),
    (Rule::pow, BinOp::Pow, POWER),
];

/// The meaning and binding of an operator's rule.
pub(super) fn binary(rule: Rule) -> Option<(BinOp, u8)> {
    BINARY.iter().find(|row| row.0 == rule).map(|&(_, op, binds)| (op, binds))
}

#[derive(Clone, Copy)]
enum Op {
    Unary(UnOp),
    Binary(BinOp),
}

/// An operator waiting for its right operand.
#[derive(Clone, Copy)]
struct Waiting {
    op: Op,
    binds: u8,
    span: Span,
}

/// Operands and operators seen so far.
#[derive(Default)]
pub(super) struct Operators {
    operands: Vec<Tree>,
    waiting: Vec<Waiting>,
}

impl Operators {
    /// Takes an operand.
    pub(super) fn operand(&mut self, tree: Tree) {
        self.operands.push(tree);
    }

    /// Takes `-` or `not` before an operand.
    pub(super) fn prefix(&mut self, op: UnOp, span: Span, sink: &mut Sink) -> Option<()> {
        let binds = if op == UnOp::Not { NOT } else { NEGATE };
        if let Some(before) = self.waiting.last().filter(|w| op == UnOp::Not && w.binds > NOT) {
            sink.push(
                Diagnostic::error("V0106", span, "`not` cannot stand here without parentheses")
                    .label("binds looser than the operator before it")
                    .also(before.span, "this operator")
                    .hint("write `(not …)`"),
            );
            return None;
        }
        self.waiting.push(Waiting { op: Op::Unary(op), binds, span });
        Some(())
    }

    /// Takes a binary operator between two operands.
    pub(super) fn infix(&mut self, op: BinOp, binds: u8, span: Span, sink: &mut Sink) -> Option<()> {
        while let Some(&top) = self.waiting.last() {
            if binds == COMPARE && top.binds == COMPARE {
                sink.push(
                    Diagnostic::error("V0105", span, "comparisons do not chain")
                        .label("second comparison")
                        .also(top.span, "first comparison")
                        .hint("write `a < b and b < c`"),
                );
                return None;
            }
            // `^` groups to the right, everything else to the left.
            if top.binds < binds || top.binds == binds && binds == POWER {
                break;
            }
            self.apply(sink)?;
        }
        self.waiting.push(Waiting { op: Op::Binary(op), binds, span });
        Some(())
    }

    /// The whole tree.
    pub(super) fn finish(mut self, sink: &mut Sink) -> Option<Tree> {
        while !self.waiting.is_empty() {
            self.apply(sink)?;
        }
        self.operands.pop()
    }

    /// Builds the node of the last waiting operator.
    fn apply(&mut self, sink: &mut Sink) -> Option<()> {
        let Waiting { op, span, .. } = self.waiting.pop()?;
        let right = self.operands.pop()?;
        let tree = match op {
            Op::Unary(op) => {
                let span = span.to(right.expr.span);
                Tree::new(ExprKind::Unary(op, Box::new(right.expr)), span, right.height, sink)
            }
            Op::Binary(op) => {
                let left = self.operands.pop()?;
                let span = left.expr.span.to(right.expr.span);
                let below = left.height.max(right.height);
                Tree::new(ExprKind::Binary(op, Box::new(left.expr), Box::new(right.expr)), span, below, sink)
            }
        }?;
        self.operands.push(tree);
        Some(())
    }
}
