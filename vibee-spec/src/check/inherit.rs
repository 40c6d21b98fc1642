//! Entry checks of a callee at a call: they hold for every size, cannot hold, or become the
//! caller's own.

use super::bind::{ArgShape, Callee, at_call};
use super::builder::Builder;
use super::graft::{Feed, substitute};
use super::hir::Place;
use super::prove::Prover;
use super::search::{Example, Question, holds};
use crate::diag::Diagnostic;
use crate::term::{Check, Cmp, Int};

impl Builder<'_, '_> {
    /// The callee's checks hold at the call, or become the caller's.
    pub fn inherit_checks(
        &mut self,
        callee: &Callee<'_>,
        dims: &[Int],
        feeds: &[Feed],
        args: &[(ArgShape, Place)],
        call: Place,
    ) -> Option<()> {
        let mut fine = Some(());
        for c in callee.checks {
            let ok = self.inherit_check(callee, c, dims, feeds, args, call);
            fine = fine.and(ok);
        }
        fine
    }

    fn inherit_check(
        &mut self,
        callee: &Callee<'_>,
        c: &Check,
        dims: &[Int],
        feeds: &[Feed],
        args: &[(ArgShape, Place)],
        call: Place,
    ) -> Option<()> {
        let int = |e: &Int| substitute(e, dims, feeds, &|_| None).ok();
        match c {
            Check::Axis { input, axis, expect } => {
                let (arg, place) = &args[input.index()];
                let want = at_call(expect, dims);
                match self.require_same(&arg.shape[*axis], &want) {
                    Ok(()) => Some(()),
                    Err(example) => {
                        let input = &callee.inputs[input.index()];
                        self.wrong_shape(callee, input, arg, *place, Some((*axis, want, example)));
                        None
                    }
                }
            }
            Check::Where { text, lhs, cmp, rhs } => {
                // A constraint on a value that is data here is checked nowhere: refuse.
                let (Some(lhs), Some(rhs)) = (int(lhs), int(rhs)) else {
                    return self.data_constraint(callee, text, call);
                };
                self.inherit_where(callee.name, text, &lhs, *cmp, &rhs, call)
            }
            Check::InRange { text, domain, low, high, extent } => {
                let domain: Option<Vec<Int>> = domain.iter().map(int).collect();
                let (Some(domain), Some(low), Some(high), Some(extent)) =
                    (domain, int(low), int(high), int(extent))
                else {
                    return self.data_constraint(callee, text, call);
                };
                self.inherit_range(callee, text, domain, low, high, extent, call)
            }
        }
    }

    fn data_constraint(&mut self, callee: &Callee<'_>, text: &str, call: Place) -> Option<()> {
        let d = Diagnostic::error(
            "V0316",
            call.span,
            format!("`{}` needs `{text}`, which depends on data here", callee.name),
        )
        .hint("pass an integer argument, a size or a constant");
        self.err(call, d);
        None
    }

    /// Proves a condition, makes it a check at entry, or refuses what can never hold.
    pub fn inherit_where(
        &mut self,
        callee: &str,
        text: &str,
        lhs: &Int,
        cmp: Cmp,
        rhs: &Int,
        call: Place,
    ) -> Option<()> {
        let mut prover = Prover::new(&self.facts, &[], &[]);
        let gap = rhs.sub(lhs);
        let proved = match cmp {
            Cmp::Eq => self.facts.same(lhs, rhs) || (prover.nonneg(&gap) && prover.nonneg(&gap.scale(-1))),
            Cmp::Le => prover.nonneg(&gap),
            Cmp::Lt => prover.positive(&gap),
            Cmp::Ne => prover.positive(&gap) || prover.positive(&gap.scale(-1)),
        };
        if proved {
            return Some(());
        }
        let refuted = |e: &Example| holds(e, lhs, cmp, rhs) == Some(false);
        let scalars = super::builder::has_scalar(lhs) || super::builder::has_scalar(rhs);
        let constant = lhs.as_const().is_some() && rhs.as_const().is_some();
        let shown = self.constraint_text(lhs, cmp, rhs);
        // A constraint on sizes may be the caller's to state or to leave to its own callers; one
        // that can never hold is an error.
        let never = !scalars && self.never(lhs, cmp, rhs);
        if constant || never {
            let mut d = Diagnostic::error("V0404", call.span, format!("`{callee}` needs `{text}`"))
                .label(format!("here this is `{shown}`, which does not hold"));
            if let Some(e) = self.find_size(&[lhs, rhs], &refuted)
                && !constant
            {
                d = d.note(format!("for example with {}", e.sizes(&self.names())));
            }
            self.err(call, d);
            return None;
        }
        self.add_check(Check::Where { text: shown, lhs: lhs.clone(), cmp, rhs: rhs.clone() });
        self.facts.assume(lhs, cmp, rhs);
        Some(())
    }

    /// Whether no small size satisfies a comparison although some sizes are allowed.
    fn never(&self, lhs: &Int, cmp: Cmp, rhs: &Int) -> bool {
        let ok = |e: &Example| holds(e, lhs, cmp, rhs) == Some(true);
        let any = |e: &Example| holds(e, lhs, cmp, rhs).is_some();
        self.find_size(&[lhs, rhs], &ok).is_none() && self.find_size(&[lhs, rhs], &any).is_some()
    }

    pub fn constraint_text(&self, lhs: &Int, cmp: Cmp, rhs: &Int) -> String {
        let sign = match cmp {
            Cmp::Eq => "==",
            Cmp::Ne => "!=",
            Cmp::Lt => "<",
            Cmp::Le => "<=",
        };
        format!("{} {sign} {}", self.show(lhs), self.show(rhs))
    }

    #[allow(clippy::too_many_arguments)] // the fields of one check
    fn inherit_range(
        &mut self,
        callee: &Callee<'_>,
        text: &str,
        domain: Vec<Int>,
        low: Int,
        high: Int,
        extent: Int,
        call: Place,
    ) -> Option<()> {
        let one = Int::constant(1);
        let runs: Vec<Int> = domain.iter().map(|n| n.sub(&one)).collect();
        let mut prover = Prover::new(&self.facts, &[], &runs);
        if prover.nonneg(&low) && prover.positive(&extent.sub(&high)) {
            return Some(());
        }
        let scalars = [&low, &high, &extent].iter().any(|e| super::builder::has_scalar(e));
        let question = Question {
            constraints: &self.facts.written,
            scope: &[],
            guards: &runs,
            about: &[&low, &high, &extent],
            allowed: &|_| true,
        };
        let wrong = |e: &Example| match (e.eval(&low), e.eval(&high), e.eval(&extent)) {
            (Some(l), Some(h), Some(n)) => l < 0 || h >= n,
            _ => false,
        };
        let right = |e: &Example| !wrong(e) && e.eval(&low).is_some();
        if !scalars && question.find(&right).is_none() && question.find(&wrong).is_some() {
            let d = Diagnostic::error(
                "V0404",
                call.span,
                format!("`{}` reads outside its argument here", callee.name),
            )
            .label(format!("`{text}`"));
            self.err(call, d);
            return None;
        }
        self.add_check(Check::InRange {
            text: format!("{}: {text}", callee.name),
            domain,
            low,
            high,
            extent,
        });
        Some(())
    }
}
