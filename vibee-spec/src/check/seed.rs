//! Ranges of a kernel's letters from everything its body says about them, before any definition
//! is looked at: a definition may stand above the use that fixes its range.
//!
//! Only seeds: every use is compared again where it stands.

use super::builder::{Builder, Local};
use super::frame::ROOT;
use super::visit;
use crate::ast::{Binder, Expr, ExprKind, Stmt};
use crate::term::Int;

impl<'a> Builder<'_, 'a> {
    /// Looks through a body: written ranges first, then whole positions of inputs and outputs.
    pub fn seed_ranges(&mut self, body: &'a [Stmt]) {
        body.iter().for_each(|s| self.seed_written_ranges(s));
        body.iter().for_each(|s| self.seed_statement(s));
    }

    /// `i in N` on the left side and in folds.
    pub fn seed_written_ranges(&mut self, s: &'a Stmt) {
        let Stmt::Define(d) = s else { return };
        for l in d.indices.iter().flatten() {
            if let (ExprKind::Name(n), Some(range)) = (&l.expr.kind, &l.range) {
                self.seed_written(n, range);
            }
        }
        let mut binders: Vec<&'a Binder> = vec![];
        visit::all(&d.value, &mut |e| {
            if let ExprKind::Call { indices: Some(list), .. } = &e.kind {
                binders.extend(list);
            }
        });
        for b in binders {
            if let Some(range) = &b.range {
                self.seed_written(&b.name.name, range);
            }
        }
    }

    /// Whole positions of known tensors, and of outputs on the left side.
    pub fn seed_statement(&mut self, s: &'a Stmt) {
        let Stmt::Define(d) = s else { return };
        self.seed_uses(&d.value);
        if let (Some(left), [name]) = (&d.indices, &d.names[..]) {
            let positions: Vec<&'a Expr> = left.iter().map(|l| &l.expr).collect();
            let declared = self.outputs.iter().find(|o| o.name == name.name && !o.failed);
            if let Some(shape) = declared.map(|o| o.shape.clone()) {
                self.seed_positions(&positions, &shape, &format!("the output `{}`", name.name));
            }
        }
    }

    fn seed_written(&mut self, name: &str, range: &'a Expr) {
        // Only what needs no index: `len[d]` in a range waits for its own place.
        let mut simple = true;
        visit::all(range, &mut |e| {
            simple &= !matches!(e.kind, ExprKind::Call { .. } | ExprKind::Index { .. })
        });
        if !simple || self.locals.contains_key(name) {
            return;
        }
        let env = self.root();
        if let Some(extent) = self.size(range, &env) {
            self.seed(name, extent, range, "its written range".into());
        }
    }

    fn seed_uses(&mut self, value: &'a Expr) {
        let mut uses: Vec<(&'a str, Vec<&'a Expr>)> = vec![];
        visit::all(value, &mut |e| {
            if let ExprKind::Index { base, indices, .. } = &e.kind
                && let ExprKind::Name(n) = &base.kind
            {
                uses.push((n, indices.iter().collect()));
            }
        });
        for (name, positions) in uses {
            let shape = match self.locals.get(name).map(|e| e.local.clone()) {
                Some(Local::Input(i)) => self.k.logical_shape(i).to_vec(),
                Some(Local::Outer(_, input)) => input.shape.clone(),
                Some(Local::Later) => match self.outputs.iter().find(|o| o.name == name && !o.failed) {
                    Some(o) => o.shape.clone(),
                    None => continue,
                },
                _ => continue,
            };
            self.seed_positions(&positions, &shape, &format!("`{name}`"));
        }
    }

    fn seed_positions(&mut self, positions: &[&'a Expr], shape: &[Int], of: &str) {
        if positions.len() != shape.len() {
            return;
        }
        for (axis, (p, extent)) in positions.iter().zip(shape).enumerate() {
            if let ExprKind::Name(n) = &p.kind {
                self.seed(n, extent.clone(), p, format!("axis {axis} of {of}"));
            }
        }
    }

    fn seed(&mut self, name: &str, extent: Int, at: &Expr, why: String) {
        if self.locals.contains_key(name) {
            return;
        }
        let letter = self.letter(ROOT, name);
        if self.letters[letter.0].range.is_none() {
            let place = self.here(at.span);
            self.letters[letter.0].range = Some(super::builder::Range { extent, place, why });
        }
    }
}
