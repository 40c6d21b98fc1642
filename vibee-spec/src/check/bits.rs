//! Operators on bits and places in tables: what their arguments must be.

use super::builder::Builder;
use super::builtins::Builtin;
use super::hir::Hir;
use crate::ast::{Expr, ExprKind, UnOp};
use crate::diag::Diagnostic;
use crate::term::{DType, ExprId, Int, Node, Op};

impl Builder<'_, '_> {
    /// Integers and counts of bits.
    pub fn lower_bits(
        &mut self,
        b: &'static Builtin,
        args: Vec<ExprId>,
        data: usize,
        hirs: &[Hir],
    ) -> Option<ExprId> {
        let mut whole = vec![];
        for (e, h) in args.into_iter().zip(hirs) {
            if self.type_of(e).is_float() {
                let text = self.text(h.place);
                let d = Diagnostic::error("V1001", h.place.span, format!("`{}` works on integers", b.name))
                    .label(format!("`{text}` is a float"))
                    .hint("`f32_bits(x)` gives the bits of a float, `i32(x)` its integer part");
                self.err(h.place, d);
                return None;
            }
            whole.push(self.as_i32(e));
        }
        let mut counts: Vec<Int> = vec![];
        for (e, h) in whole[data..].iter().zip(&hirs[data..]) {
            let Node::Int(i) = self.k.exprs.node(*e) else {
                let text = self.text(h.place);
                let d = Diagnostic::error(
                    "V1001",
                    h.place.span,
                    format!("the count of bits `{text}` depends on data"),
                )
                .hint("counts are made of letters, sizes and constants");
                self.err(h.place, d);
                return None;
            };
            counts.push(i.clone());
        }
        if let Some(last) = hirs.last().filter(|_| !counts.is_empty()) {
            let one = Int::constant(1);
            let (wanted, least) = match b.op {
                Op::Bits => (
                    "`0 <= from`, `1 <= count` and `from + count <= 32`",
                    vec![counts[0].clone(), counts[1].sub(&one)],
                ),
                Op::Join => ("a width from 0 to 31", vec![counts[0].clone()]),
                _ => ("a count from 1 to 32", vec![counts[0].sub(&one)]),
            };
            let largest = if b.op == Op::Join { 31 } else { 32 };
            let most = Int::constant(largest).sub(&counts.iter().fold(Int::default(), |sum, c| sum.add(c)));
            let mut prover = self.prover();
            if !least.iter().chain([&most]).all(|e| prover.nonneg(e)) {
                let shown: Vec<String> = counts.iter().map(|c| self.show(c)).collect();
                let d = Diagnostic::error("V1001", last.place.span, format!("`{}` needs {wanted}", b.name))
                    .label(format!("this is {}", shown.join(" and ")));
                self.err(last.place, d);
                return None;
            }
        }
        Some(self.op(b.op, whole))
    }

    /// A number as `f32`.
    pub fn single(&mut self, e: ExprId) -> ExprId {
        self.float(e, &DType::F32)
    }

    /// `code[q]`: the place must lie in the table whatever the data.
    pub fn lower_pick(&mut self, values: &[Expr], at: &Hir) -> Option<ExprId> {
        let e = self.lower(at)?;
        let e = self.number(e, at.place)?;
        if self.type_of(e).is_float() {
            let text = self.text(at.place);
            let d =
                Diagnostic::error("V1002", at.place.span, format!("the place `{text}` is not an integer"))
                    .hint("say how to round: `i32(x)` cuts towards zero");
            self.err(at.place, d);
            return None;
        }
        let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
        let proved = match self.symbolic(e) {
            Some(i) => {
                let last = Int::constant(count - 1).sub(&i);
                let mut prover = self.prover();
                prover.nonneg(&i) && prover.nonneg(&last)
            }
            None => false,
        };
        let (low, high) = self.integer_range(e);
        if !(proved || 0 <= low && high < count) {
            let text = self.text(at.place);
            let d = Diagnostic::error(
                "V1002",
                at.place.span,
                format!("the place `{text}` may lie outside of the table"),
            )
            .label(format!("from {low} to {high}, the table has places 0 to {}", count - 1))
            .hint("`bits(x, 0, 4)` is below 16; `clamp(x, 0, 15)` keeps any integer inside");
            self.err(at.place, d);
            return None;
        }
        let whole = values.iter().all(|v| matches!(number(v), Some((_, true))));
        let mut args = vec![e];
        for v in values {
            let (value, _) = number(v)?;
            // Exact: integers of tables are literals, which are below 2^53.
            #[allow(clippy::cast_possible_truncation)]
            let constant =
                if whole { self.exprs().int(Int::constant(value as i64)) } else { self.exprs().f32(value) };
            args.push(constant);
        }
        Some(self.op(Op::Pick, args))
    }
}

/// A literal's value, and whether it is written as an integer.
fn number(e: &Expr) -> Option<(f64, bool)> {
    match &e.kind {
        #[allow(clippy::cast_precision_loss)]
        ExprKind::Int(v) => Some((*v as f64, v.unsigned_abs() <= i32::MAX as u64)),
        ExprKind::Float(v) => Some((*v, false)),
        ExprKind::Unary(UnOp::Neg, a) => number(a).map(|(v, whole)| (-v, whole)),
        _ => None,
    }
}
