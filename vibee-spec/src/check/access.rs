//! Positions of tensors: their form, and the proof that they lie inside the array.
//!
//! Proved → nothing; refuted at a small size → error with that size; open → a check at entry if
//! an interval can be stated, else an error.

use super::builder::{Builder, has_scalar};
use super::facts::Facts;
use super::hir::{Hir, Place};
use super::prove::Prover;
use super::search::{Example, Question, compared};
use crate::diag::Diagnostic;
use crate::term::{Check, Cmp, DType, ExprId, Int, Node, Pos, Source};

impl Builder<'_, '_> {
    /// An element of a tensor.
    pub fn lower_load(
        &mut self,
        from: Source,
        at: &[Hir],
        outside: Option<&Hir>,
        place: Place,
    ) -> Option<ExprId> {
        let (shape, dtype) = (self.shape(from).0.to_vec(), self.shape(from).1.clone());
        if shape.len() != at.len() {
            let name = self.source_name(from).to_string();
            let shape_text = self.names().tensor(&dtype, &shape);
            self.err(
                place,
                Diagnostic::error(
                    "V0303",
                    place.span,
                    format!("`{name}` has {}, this gives {}", axes(shape.len()), positions(at.len())),
                )
                .note(format!("`{name}` is {shape_text}")),
            );
            return None;
        }
        let mut out = vec![];
        for (axis, (p, extent)) in at.iter().zip(&shape).enumerate() {
            let value = self.lower_position(p);
            out.push(value.and_then(|e| self.position(e, p, extent, (from, axis), outside.is_some(), place)));
        }
        let outside = match outside {
            Some(o) => {
                let e = self.lower(o)?;
                Some(self.convert(e, &dtype.computed(), o.place)?)
            }
            None => None,
        };
        let at = out.into_iter().collect::<Option<Vec<Pos>>>()?;
        if let (Source::Input(i), Some(_)) = (from, self.packed_source(from)) {
            if outside.is_some() {
                let name = self.source_name(from).to_string();
                let d = Diagnostic::error("V1009", place.span, format!("`{name}` has no value outside"))
                    .label("it is stored in a format")
                    .hint(format!("choose it: `if … then {name}[…] else …`"));
                self.err(place, d);
                return None;
            }
            return self.read_packed(i, at, place);
        }
        Some(self.exprs().intern(Node::Load { from, at, outside }, dtype.computed()))
    }

    /// Types an expression that stands as a position: divisors must be positive there.
    pub fn lower_position(&mut self, p: &Hir) -> Option<ExprId> {
        let before = std::mem::replace(&mut self.in_position, true);
        let e = self.lower(p);
        self.in_position = before;
        e
    }

    fn position(
        &mut self,
        e: ExprId,
        p: &Hir,
        extent: &Int,
        (from, axis): (Source, usize),
        has_outside: bool,
        access: Place,
    ) -> Option<Pos> {
        if let Some(at) = self.symbolic(e) {
            if !has_outside {
                self.in_range(&at, extent, (from, axis), p.place, access)?;
            }
            return Some(Pos::At(at));
        }
        let text = self.text(p.place);
        match self.type_of(e).clone() {
            DType::Idx(n) => match self.require_same(&n, extent) {
                Ok(()) => Some(Pos::Data(e)),
                Err(example) => {
                    let (n, m, name) = (self.show(&n), self.show(extent), self.source_name(from).to_string());
                    self.err(
                        p.place,
                        Diagnostic::error(
                            "V0309",
                            p.place.span,
                            format!("`{text}` indexes 0..{n}, axis {axis} of `{name}` is 0..{m}"),
                        )
                        .note(example)
                        .hint(format!("give the index the axis' range: `idx<{m}>`")),
                    );
                    None
                }
            },
            DType::I32 => {
                let m = self.show(extent);
                self.err(
                    p.place,
                    Diagnostic::error(
                        "V0308",
                        p.place.span,
                        format!("the position `{text}` depends on data"),
                    )
                    .label("an integer computed from tensor elements")
                    .hint(format!(
                        "data may index only as `idx`: `idx<{m}>({text})` clamps it into the axis"
                    )),
                );
                None
            }
            other => {
                let t = self.show_type(&other);
                self.err(
                    p.place,
                    Diagnostic::error(
                        "V0308",
                        p.place.span,
                        format!("the position `{text}` is not an integer"),
                    )
                    .label(format!("this is {t}"))
                    .hint("in positions divide with `//`"),
                );
                None
            }
        }
    }

    fn in_range(
        &mut self,
        at: &Int,
        extent: &Int,
        (from, axis): (Source, usize),
        place: Place,
        access: Place,
    ) -> Option<()> {
        if let Some(i) = at.as_index()
            && self.facts.same(self.extent(i), extent)
        {
            return Some(());
        }
        let last = extent.sub(&Int::constant(1)).sub(at);
        let mut prover = self.prover();
        if prover.nonneg(at) && prover.nonneg(&last) {
            return Some(());
        }
        let scope = self.scope();
        let exprs = &self.k.exprs;
        let compared: Vec<Int> = self.conditions.iter().flat_map(|(c, _)| compared(exprs, *c)).collect();
        let about: Vec<&Int> = [at, extent].into_iter().chain(&compared).collect();
        let question = Question {
            constraints: &self.facts.written,
            scope: &scope,
            guards: &self.guards,
            about: &about,
            allowed: &|e| {
                self.conditions
                    .iter()
                    .all(|(c, holds)| exprs.truth(*c, &|int| e.eval(int)).is_none_or(|v| v == *holds))
            },
        };
        let wrong = |e: &Example| match (e.eval(at), e.eval(extent)) {
            (Some(v), Some(n)) => v < 0 || v >= n,
            _ => false,
        };
        // What a scalar argument does is known at entry only.
        if !has_scalar(at)
            && let Some(example) = question.find(&wrong)
        {
            self.outside(at, extent, (from, axis), place, &example);
            return None;
        }
        let text = self.text(access);
        let plain = Facts::default();
        match Prover::new(&plain, &scope, &[]).bounds_keeping_scalars(at) {
            Some((low, high)) if has_scalar(at) || !self.refuses_good_sizes(&low, &high, extent) => {
                let domain = scope.into_iter().map(|(_, e)| e).collect();
                self.add_check(Check::InRange { text, domain, low, high, extent: extent.clone() });
                Some(())
            }
            _ => {
                let (shown, name, n) = (self.show(at), self.source_name(from).to_string(), self.show(extent));
                self.err(
                    place,
                    Diagnostic::error(
                        "V0402",
                        place.span,
                        format!("cannot prove that `{shown}` stays inside 0..{n}"),
                    )
                    .label(format!("axis {axis} of `{name}`"))
                    .hint(format!("say what lies outside, `{name}[…; 0]`, or guard it: `if 0 <= {shown} and {shown} < {n}`")),
                );
                None
            }
        }
    }

    /// Whether the interval of a position leaves the array at a small size at which, as the
    /// search has shown, no element does.
    fn refuses_good_sizes(&self, low: &Int, high: &Int, extent: &Int) -> bool {
        let scope = self.scope();
        let question = Question {
            constraints: &self.facts.written,
            scope: &scope,
            guards: &[],
            about: &[low, high, extent],
            allowed: &|_| true,
        };
        let refused = |e: &Example| match (e.eval(low), e.eval(high), e.eval(extent)) {
            (Some(low), Some(high), Some(n)) => low < 0 || high >= n,
            _ => true,
        };
        question.find(&refused).is_some()
    }

    fn outside(
        &mut self,
        at: &Int,
        extent: &Int,
        (from, axis): (Source, usize),
        place: Place,
        example: &Example,
    ) {
        let names = self.names();
        let (sizes, indices) = (example.sizes(&names), example.indices(&names));
        let value = example.eval(at).unwrap_or_default();
        let (shown, name, n) = (self.show(at), self.source_name(from).to_string(), self.show(extent));
        let where_ = match (sizes.is_empty(), indices.is_empty()) {
            (false, false) => format!("for example with {sizes} and {indices}: position {value}"),
            (false, true) => format!("for example with {sizes}: position {value}"),
            (true, false) => format!("for example with {indices}: position {value}"),
            (true, true) => format!("position {value}"),
        };
        self.err(
            place,
            Diagnostic::error(
                "V0401",
                place.span,
                format!("the position `{shown}` can leave axis {axis} of `{name}`"),
            )
            .label(format!("must stay in 0..{n}"))
            .note(where_)
            .hint(format!(
                "say what lies outside, `{name}[…; 0]`, add a guard, or constrain the sizes with `where`"
            )),
        );
    }

    /// Whether `//` and `%` by this are defined. In positions that is required: what is not
    /// proved becomes a check at entry. The outer `None` is a reported error.
    pub fn divisor_is_positive(&mut self, b: &Int, place: Place) -> Option<bool> {
        if self.prover().positive(b) {
            return Some(true);
        }
        if self.in_constraint && b.as_const().is_none() {
            // Stands before the constraint that divides.
            let text = format!("{} != 0", self.text(place));
            self.add_check(Check::Where { text, lhs: b.clone(), cmp: Cmp::Ne, rhs: Int::default() });
            self.facts.assume(&Int::constant(1), Cmp::Le, b);
            return Some(true);
        }
        if !self.in_position {
            return Some(false);
        }
        let scope = self.scope();
        let constant = b.as_const().is_some();
        // Products and quotients of sizes are never negative, so only zero is to be excluded.
        let never_negative = self.prover().nonneg(b);
        let bounds = Prover::new(&Facts::default(), &scope, &[]).bounds_keeping_scalars(b);
        match bounds {
            Some((low, _)) if !constant && (never_negative || has_scalar(b)) => {
                let one = Int::constant(1);
                if scope.is_empty() && self.guards.is_empty() {
                    let text = format!("{} != 0", self.text(place));
                    let (lhs, rhs) = (b.clone(), Int::default());
                    self.add_check(Check::Where { text, lhs, cmp: Cmp::Ne, rhs });
                    self.facts.assume(&one, Cmp::Le, b);
                } else {
                    let text = format!("divisor {}", self.text(place));
                    let domain = scope.into_iter().map(|(_, e)| e).collect();
                    let low = low.sub(&one);
                    self.add_check(Check::InRange {
                        text,
                        domain,
                        low,
                        high: Int::default(),
                        extent: one.clone(),
                    });
                    self.guards.push(b.sub(&one));
                }
                Some(true)
            }
            _ => {
                let shown = self.show(b);
                self.err(
                    place,
                    Diagnostic::error(
                        "V0403",
                        place.span,
                        format!("the divisor `{shown}` may be zero or negative"),
                    )
                    .hint(format!("divide by sizes and positive numbers, or by `max({shown}, 1)`")),
                );
                None
            }
        }
    }
}

fn axes(n: usize) -> String {
    if n == 1 { "1 axis".into() } else { format!("{n} axes") }
}

fn positions(n: usize) -> String {
    if n == 1 { "1 position".into() } else { format!("{n} positions") }
}
