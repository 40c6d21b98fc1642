//! Folds and `len`: binding letters, ranges and guards.

use std::rc::Rc;

use super::builder::Builder;
use super::callee::Call;
use super::frame::{Closure, Env};
use super::hir::{Hir, Kind, LetterId, Place};
use crate::ast::{Arg, Binder, Expr};
use crate::diag::Diagnostic;
use crate::term::FoldOp;

impl<'a> Builder<'_, 'a> {
    pub fn expand_len(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Kind> {
        let Some([binder]) = call.indices else {
            self.wrong_count(place, "len", "1 index", call.indices.map_or(0, <[Binder]>::len));
            return None;
        };
        let Some(letter) = self.known_letter(&binder.name.name, env) else {
            let name = &binder.name.name;
            self.err(
                place,
                Diagnostic::error("V0207", place.span, format!("`{name}` is not an index here"))
                    .hint("`len[d]` is the extent of an index; a size is used by its own name"),
            );
            return None;
        };
        Some(Kind::Len(letter))
    }

    /// The letter behind a binder and the guards it brings.
    pub fn binder_letter(&mut self, b: &'a Binder, env: &Env<'a>) -> (LetterId, Vec<Rc<Closure<'a>>>) {
        match env.frame.indices.get(b.name.name.as_str()) {
            Some(arg) => (arg.letter, arg.guards.clone()),
            None => (self.letter(env.frame.scope, &b.name.name), vec![]),
        }
    }

    pub fn expand_fold(
        &mut self,
        op: FoldOp,
        call: &Call<'_, 'a>,
        env: &Env<'a>,
        place: Place,
    ) -> Option<Kind> {
        let binders = call.indices.unwrap_or_default();
        let arg_op = matches!(op, FoldOp::ArgMax | FoldOp::ArgMin);
        if binders.is_empty() || (arg_op && binders.len() != 1) {
            let wanted = if arg_op { "exactly 1 index" } else { "at least 1 index" };
            self.wrong_count(place, op.name(), wanted, binders.len());
            return None;
        }
        let [body] = call.args.unwrap_or_default() else {
            self.wrong_count(place, op.name(), "1 argument", call.args.map_or(0, <[Arg]>::len));
            return None;
        };
        let mark = self.bound.len();
        let result = self.expand_fold_body(op, binders, call.guard, &body.value, env);
        self.bound.truncate(mark);
        result
    }

    pub fn expand_fold_body(
        &mut self,
        op: FoldOp,
        binders: &'a [Binder],
        guard: Option<&'a Expr>,
        body: &'a Expr,
        env: &Env<'a>,
    ) -> Option<Kind> {
        let mark = self.bound.len();
        let (mut over, mut inherited) = (vec![], Vec::<Rc<Closure<'a>>>::new());
        for b in binders {
            self.check_letter_name(b, env)?;
            let (letter, guards) = self.binder_letter(b, env);
            if self.bound[mark..].iter().any(|(l, _)| *l == letter) {
                let at = env.place(b.name.span);
                let d = Diagnostic::error(
                    "V0202",
                    at.span,
                    format!("`{}` is bound twice in one fold", b.name.name),
                );
                self.err(at, d);
                return None;
            }
            self.written_range(letter, b, env)?;
            let i = self.new_index(letter);
            self.bound.push((letter, i));
            over.push(i);
            for g in guards {
                if !inherited.iter().any(|o| Rc::ptr_eq(o, &g)) {
                    inherited.push(g);
                }
            }
        }
        let mut condition = match guard {
            Some(g) => Some(self.expand(g, env)?),
            None => None,
        };
        for g in inherited {
            let extra = self.expand(g.expr, &g.env)?;
            condition = Some(match condition {
                None => extra,
                Some(own) => Hir {
                    place: own.place,
                    kind: Kind::Binary(crate::ast::BinOp::And, Box::new(extra), Box::new(own)),
                },
            });
        }
        let body = self.expand(body, env)?;
        Some(Kind::Fold { op, over, guard: condition.map(Box::new), body: Box::new(body) })
    }

    /// An index letter must not be the name of something else.
    pub fn check_letter_name(&mut self, b: &Binder, env: &Env<'a>) -> Option<()> {
        if !env.frame.kernel_names || env.frame.indices.contains_key(b.name.name.as_str()) {
            return Some(());
        }
        let Some(entry) = self.locals.get(&b.name.name).cloned() else { return Some(()) };
        let at = env.place(b.name.span);
        self.err(
            at,
            Diagnostic::error("V0202", at.span, format!("`{}` is an index and something else", b.name.name))
                .label("bound as an index here")
                .also(entry.span, "the same name")
                .hint("names of one kernel share one namespace; rename the index"),
        );
        None
    }
}
