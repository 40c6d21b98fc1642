//! A kernel's header: sizes, inputs, constraints and outputs.

use std::collections::HashMap;

use super::builder::{Builder, Entry, Local};
use super::hir::{Hir, Kind};
use super::solve::{Solution, solve};
use super::visit;
use crate::ast::{self, BinOp, Expr, ExprKind, Param, TyElem};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{
    Check, Cmp, DType, DefId, Dim, DimBind, DimId, Input, InputId, InputKind, Int, Node, ParamRef,
};

/// An output as declared.
#[derive(Clone, Debug)]
pub(super) struct OutputDecl {
    pub name: String,
    pub span: Span,
    pub dtype: DType,
    pub shape: Vec<Int>,
    /// Its definition, once there is one.
    pub def: Option<DefId>,
    /// Its definition (or declaration) has errors.
    pub failed: bool,
}

impl<'a> Builder<'_, 'a> {
    /// Declares sizes and inputs. `given` are sizes with values of their own (a layer's).
    pub fn declare_inputs(&mut self, given: &[(String, Span)], params: &'a [Param]) -> Option<()> {
        let mut seen: HashMap<&str, Span> = given.iter().map(|(n, s)| (n.as_str(), *s)).collect();
        for p in params {
            if let Some(first) = seen.insert(&p.name.name, p.name.span)
                && (p.ty.elem_is_not_dim() || !given.is_empty())
            {
                self.defined_twice(&p.name.name, p.name.span, first);
                return None;
            }
        }
        let mut names: Vec<(String, Span)> = given.to_vec();
        for p in params.iter().filter(|p| matches!(p.ty.elem, TyElem::Dim)) {
            if names.iter().any(|(n, _)| *n == p.name.name) {
                self.defined_twice(&p.name.name, p.name.span, p.name.span);
                return None;
            }
            names.push((p.name.name.clone(), p.name.span));
        }
        let bound = names.len();
        for p in params {
            let bound_of = match &p.ty.elem {
                TyElem::Idx(e) | TyElem::Len(e) => Some(&**e),
                _ => None,
            };
            for e in p.ty.shape.iter().chain(bound_of) {
                self.collect_dims(e, &mut names);
            }
        }
        // The first round finds the order in which sizes can be solved, the second numbers them so.
        let mut fine = Some(());
        for round in 0..2 {
            self.reset_header();
            let binds = (0u32..).zip(&names[..bound]).map(|(d, (name, _))| {
                let is_given = given.iter().any(|(n, _)| n == name);
                (DimId(d), if is_given { DimBind::Layer } else { DimBind::Argument })
            });
            let binds: Vec<(DimId, DimBind)> = binds.collect();
            for (d, (name, span)) in (0u32..).zip(&names) {
                self.k.dims.push(Dim { name: name.clone(), bind: DimBind::Layer });
                self.locals.insert(name.clone(), Entry { local: Local::Dim(DimId(d)), span: *span });
            }
            fine = self.declare_params(params);
            let inputs = super::packed::logical_inputs(&self.k);
            let Solution { order, checks, unknown } = solve(names.len(), &binds, &inputs);
            if round == 0 {
                for d in &unknown {
                    let (name, span) = &names[d.index()];
                    if fine.is_some() {
                        self.unsolved(name, *span);
                    }
                }
                if !unknown.is_empty() {
                    return None;
                }
                names = order.iter().map(|(d, _)| names[d.index()].clone()).collect();
            } else {
                for (d, bind) in order {
                    self.k.dims[d.index()].bind = bind;
                }
                self.k.checks.extend(checks);
                super::packed::count_bytes(&mut self.k);
                self.whole_blocks();
            }
        }
        self.taken.extend(self.locals.keys().cloned());
        fine
    }

    fn reset_header(&mut self) {
        self.k.dims.clear();
        self.k.inputs.clear();
        self.k.packed.clear();
        self.k.params.clear();
        self.k.checks.clear();
        self.facts = super::facts::Facts::default();
        self.locals.retain(|_, e| !matches!(e.local, Local::Dim(_) | Local::Input(_)));
    }

    fn declare_params(&mut self, params: &'a [Param]) -> Option<()> {
        let env = self.root();
        let mut fine = Some(());
        for p in params {
            if matches!(p.ty.elem, TyElem::Dim) {
                if let Some(Local::Dim(d)) = self.locals.get(&p.name.name).map(|e| e.local.clone()) {
                    self.k.params.push(ParamRef::Dim(d));
                }
                if !p.ty.shape.is_empty() {
                    let d =
                        Diagnostic::error("V0209", p.ty.span, "`dim` is a single size, not an element type");
                    self.err(self.here(p.ty.span), d);
                    fine = None;
                }
                continue;
            }
            let shape: Vec<Option<Int>> = p.ty.shape.iter().map(|e| self.size(e, &env)).collect();
            let shape: Option<Vec<Int>> = shape.into_iter().collect();
            if let Some(format) = self.operand_format(&p.ty) {
                let local = match (format, shape) {
                    (Some(format), Some(shape)) => {
                        let id = self.declare_packed(&p.name.name, shape, format);
                        self.k.params.push(ParamRef::Input(id));
                        Local::Input(id)
                    }
                    _ => {
                        fine = None;
                        Local::Poison
                    }
                };
                self.locals.insert(p.name.name.clone(), Entry { local, span: p.name.span });
                continue;
            }
            let dtype = self.dtype(&p.ty.elem, &env);
            let (Some(dtype), Some(shape)) = (dtype, shape) else {
                fine = None;
                self.locals.insert(p.name.name.clone(), Entry { local: Local::Poison, span: p.name.span });
                continue;
            };
            let id = InputId(u32::try_from(self.k.inputs.len()).unwrap_or(u32::MAX));
            let input = Input { name: p.name.name.clone(), dtype, shape, kind: InputKind::Argument };
            self.note_scalar(id, &input);
            self.k.inputs.push(input);
            self.k.params.push(ParamRef::Input(id));
            self.locals.insert(p.name.name.clone(), Entry { local: Local::Input(id), span: p.name.span });
        }
        fine
    }

    /// Upper-case names of a shape that are not constants or generics are sizes.
    fn collect_dims(&mut self, e: &'a Expr, names: &mut Vec<(String, Span)>) {
        let mut found = vec![];
        visit::all(e, &mut |e| {
            if let ExprKind::Name(n) = &e.kind {
                found.push((n.as_str(), e.span));
            }
        });
        for (n, span) in found {
            let upper = n.starts_with(|c: char| c.is_ascii_uppercase());
            if upper
                && !names.iter().any(|(known, _)| known == n)
                && !self.generics.contains_key(n)
                && !matches!(
                    self.cx.units[self.file].names.get(n),
                    Some((super::globals::Global::Constant(..), _))
                )
            {
                names.push((n.to_string(), span));
            }
        }
    }

    fn unsolved(&mut self, name: &str, span: Span) {
        self.err(
            self.here(span),
            Diagnostic::error("V0205", span, format!("the size `{name}` cannot be found from the arguments"))
                .label("no argument has this as an axis by itself, or in a form that can be solved")
                .hint(format!("make it an argument: `{name}: dim`")),
        );
    }

    /// Reports a second definition of a name.
    pub fn defined_twice(&mut self, name: &str, span: Span, first: Span) {
        self.err(
            self.here(span),
            Diagnostic::error("V0202", span, format!("`{name}` is defined twice"))
                .label("again here")
                .also(first, "first here")
                .hint("every name of a kernel is defined once; rename one"),
        );
    }

    /// `where` constraints: checks at entry, and facts for proofs.
    pub fn declare_constraints(&mut self, constraints: &'a [Expr]) -> Option<()> {
        let env = self.root();
        let mut fine = Some(());
        for c in constraints {
            let ok = self.expand(c, &env).and_then(|h| self.constraint(&h));
            fine = fine.and(ok);
        }
        fine
    }

    fn constraint(&mut self, h: &Hir) -> Option<()> {
        if let Kind::Binary(BinOp::And, a, b) = &h.kind {
            let (a, b) = (self.constraint(a), self.constraint(b));
            return a.and(b);
        }
        let comparison = match &h.kind {
            Kind::Binary(BinOp::Eq, a, b) => Some((a, Cmp::Eq, b)),
            Kind::Binary(BinOp::Ne, a, b) => Some((a, Cmp::Ne, b)),
            Kind::Binary(BinOp::Lt, a, b) => Some((a, Cmp::Lt, b)),
            Kind::Binary(BinOp::Le, a, b) => Some((a, Cmp::Le, b)),
            Kind::Binary(BinOp::Gt, a, b) => Some((b, Cmp::Lt, a)),
            Kind::Binary(BinOp::Ge, a, b) => Some((b, Cmp::Le, a)),
            _ => None,
        };
        let Some((a, cmp, b)) = comparison else {
            self.not_a_constraint(h);
            return None;
        };
        let (lhs, rhs) = (self.constraint_side(a, h), self.constraint_side(b, h));
        let (lhs, rhs) = (lhs?, rhs?);
        self.facts.assume(&lhs, cmp, &rhs);
        let text = self.text(h.place);
        self.add_check(Check::Where { text, lhs, cmp, rhs });
        Some(())
    }

    /// A side may divide by sizes freely: a zero divisor makes the check fail at entry.
    fn constraint_side(&mut self, h: &Hir, whole: &Hir) -> Option<Int> {
        self.in_constraint = true;
        let e = self.lower(h);
        self.in_constraint = false;
        match self.k.exprs.node(e?) {
            Node::Int(i) => Some(i.clone()),
            _ => {
                self.not_a_constraint(whole);
                None
            }
        }
    }

    fn not_a_constraint(&mut self, h: &Hir) {
        let text = self.text(h.place);
        self.err(
            h.place,
            Diagnostic::error("V0222", h.place.span, format!("`{text}` is not a constraint on sizes")).hint(
                "a constraint compares integers made of sizes and integer arguments: `H % G == 0`, `K <= E`",
            ),
        );
    }

    /// Declares outputs; their definitions follow in the body.
    pub fn declare_outputs(&mut self, outputs: &'a [Param]) {
        let env = self.root();
        for o in outputs {
            let name = &o.name.name;
            let first = self
                .outputs
                .iter()
                .find(|d| d.name == *name)
                .map(|d| d.span)
                .or_else(|| self.locals.get(name).map(|e| e.span));
            if let Some(first) = first {
                self.defined_twice(name, o.name.span, first);
                continue;
            }
            if matches!(o.ty.elem, TyElem::Dim) {
                let d = Diagnostic::error("V0209", o.ty.span, "an output cannot be a `dim`")
                    .hint("return the number as `i32`");
                self.err(self.here(o.ty.span), d);
            }
            let dtype = self.dtype(&o.ty.elem, &env);
            let shape: Vec<Option<Int>> = o.ty.shape.iter().map(|e| self.size(e, &env)).collect();
            let shape: Option<Vec<Int>> = shape.into_iter().collect();
            let failed = dtype.is_none() || shape.is_none();
            self.outputs.push(OutputDecl {
                name: name.clone(),
                span: o.name.span,
                dtype: dtype.unwrap_or(DType::F32),
                shape: shape.unwrap_or_default(),
                def: None,
                failed,
            });
        }
    }

    /// `specialise C: 32, 64`.
    pub fn declare_specialise(&mut self, list: &'a [(ast::Ident, Vec<i64>)]) {
        for (name, values) in list {
            match self.locals.get(&name.name).map(|e| e.local.clone()) {
                Some(Local::Dim(d)) => self.k.specialise.push((d, values.clone())),
                _ => {
                    let known: Vec<String> = self.k.dims.iter().map(|d| d.name.clone()).collect();
                    let mut d = Diagnostic::error(
                        "V0201",
                        name.span,
                        format!("`{}` is not a size of this kernel", name.name),
                    );
                    d.hint = super::suggest::hint(&name.name, known.iter().map(String::as_str));
                    self.err(self.here(name.span), d);
                }
            }
        }
    }
}

impl ast::Ty {
    fn elem_is_not_dim(&self) -> bool {
        !matches!(self.elem, TyElem::Dim)
    }
}
