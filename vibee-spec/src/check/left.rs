//! Left sides: the letters a definition binds, their ranges, and where elements are stored.

use super::builder::Builder;
use super::defs::Target;
use super::frame::Env;
use super::hir::{LetterId, Place};
use super::visit;
use crate::ast::{Binder, ExprKind, Ident, LhsIndex};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{IndexId, Int, Node};

impl<'a> Builder<'_, 'a> {
    /// One place per bound letter, for findings about its range.
    pub fn left_places(&self, left: &'a [LhsIndex]) -> Vec<Place> {
        let mut out = vec![];
        for l in left {
            visit::all(&l.expr, &mut |e| {
                if let ExprKind::Name(n) = &e.kind
                    && !self.is_value_name(n)
                {
                    out.push(self.here(e.span));
                }
            });
        }
        out
    }

    /// Whether a name on a left side is a size or constant and not an index.
    pub fn is_value_name(&self, n: &str) -> bool {
        self.locals.contains_key(n)
            || matches!(
                self.cx.units[self.file].names.get(n),
                Some((super::globals::Global::Constant(..), _))
            )
    }

    /// Binds the letters of a left side.
    pub fn bind_left(
        &mut self,
        left: &'a [LhsIndex],
        target: &Target<'a>,
        env: &Env<'a>,
    ) -> Option<Vec<IndexId>> {
        if let Some(declared) = &target.shape
            && declared.len() != left.len()
        {
            let name = &target.name.name;
            let place = self.here(target.name.span);
            let (want, got) = (declared.len(), left.len());
            self.err(
                place,
                Diagnostic::error(
                    "V0313",
                    place.span,
                    format!("`{name}` has {want} axes in the header, {got} here"),
                ),
            );
            return None;
        }
        // Letters are bound even after an error, so that the right side is not blamed for it.
        let mut fine = Some(());
        let mut indices = vec![];
        for (axis, l) in left.iter().enumerate() {
            let mut letters: Vec<(&'a str, Span)> = vec![];
            visit::all(&l.expr, &mut |e| {
                if let ExprKind::Name(n) = &e.kind {
                    letters.push((n, e.span));
                }
            });
            let bare = matches!(l.expr.kind, ExprKind::Name(_));
            letters.retain(|(n, _)| bare || !self.is_value_name(n));
            for (n, span) in letters {
                let binder = Binder { name: Ident { name: n.to_string(), span }, range: None };
                fine = fine.and(self.check_letter_name(&binder, env));
                let letter = self.letter(super::frame::ROOT, n);
                if self.bound.iter().any(|(l, _)| *l == letter) {
                    let d = Diagnostic::error(
                        "V0314",
                        span,
                        format!("the index `{n}` stands twice on the left side"),
                    )
                    .hint("every element is defined once: use two letters and a guard for a diagonal");
                    self.err(self.here(span), d);
                    fine = None;
                    continue;
                }
                let i = self.new_index(letter);
                self.bound.push((letter, i));
                self.letters[letter.0].in_sum = !bare;
                indices.push(i);
                if bare {
                    let ranged = self.left_range(letter, l, axis, target, span, env);
                    fine = fine.and(ranged);
                }
            }
        }
        fine?;
        Some(indices)
    }

    /// What a bare left index says about its letter: a written range, an output's axis.
    pub fn left_range(
        &mut self,
        letter: LetterId,
        l: &'a LhsIndex,
        axis: usize,
        target: &Target<'a>,
        span: Span,
        env: &Env<'a>,
    ) -> Option<()> {
        if let Some(range) = &l.range {
            let extent = self.size(range, env)?;
            self.fact(letter, extent, self.here(range.span), "its written range".into())?;
        }
        let Some(declared) = &target.shape else { return Some(()) };
        let why = format!("axis {axis} of the output `{}`", target.name.name);
        self.fact(letter, declared[axis].clone(), self.here(span), why)
    }

    /// Stored positions and the extents of the stored array.
    pub fn left_positions(
        &mut self,
        left: &'a [LhsIndex],
        indices: &[IndexId],
        env: &Env<'a>,
    ) -> Option<(Vec<Int>, Vec<Int>)> {
        let (mut store, mut shape) = (vec![], vec![]);
        let mut placed = 0;
        for l in left {
            let hir = self.expand(&l.expr, env)?;
            let e = self.lower(&hir)?;
            let position = match self.k.exprs.node(e) {
                Node::Int(i) => Some(i.clone()),
                _ => None,
            };
            let digits = position.and_then(|p| {
                let mine: Vec<IndexId> = indices.iter().copied().filter(|i| p.mentions(*i)).collect();
                let extent = super::split::mixed_radix(&p, &mine, &self.facts, &|i| self.extent(i).clone())?;
                Some((p, extent, mine.len()))
            });
            let Some((p, extent, count)) = digits else {
                let text = self.text(hir.place);
                self.err(
                    hir.place,
                    Diagnostic::error(
                        "V0314",
                        hir.place.span,
                        format!("the left position `{text}` is not a split"),
                    )
                    .label("every element must be defined exactly once")
                    .hint("write an index, or `h*C + c` where `C` is exactly the range of `c`"),
                );
                return None;
            };
            placed += count;
            store.push(p);
            shape.push(extent);
        }
        if placed == indices.len() {
            return Some((store, shape));
        }
        // `a*0` names a letter without placing it.
        let lost = indices.iter().find(|i| !store.iter().any(|p| p.mentions(**i)));
        let name = lost.map_or(String::new(), |i| self.k.indices[i.index()].name.clone());
        let place = self.here(left[0].expr.span.to(left[left.len() - 1].expr.span));
        let d = Diagnostic::error(
            "V0314",
            place.span,
            format!("the left positions do not depend on the letter `{name}`"),
        )
        .label("every element must be defined exactly once")
        .hint("write an index, or `h*C + c` where `C` is exactly the range of `c`");
        self.err(place, d);
        None
    }
}
