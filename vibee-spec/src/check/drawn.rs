//! What a law draws: the tensors it names, with the types and shapes that the kernels it calls
//! give them.
//!
//! Every call has sizes of its own; where the shapes of arguments meet, they are made equal.

use std::collections::HashMap;

use super::globals::{Cx, Global};
use super::solve::{Solution, solve};
use crate::ast::{self, Expr, ExprKind, UnOp};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{Atom, Check, DType, Dim, DimBind, DimId, Input, InputKind, Int, Kernel, Module, ParamRef};

/// Sizes and inputs of both sides.
pub(super) struct Signature {
    pub dims: Vec<Dim>,
    pub inputs: Vec<Input>,
    pub checks: Vec<Check>,
    pub spans: Vec<Span>,
}

/// A drawn tensor or scalar.
struct Drawn<'a> {
    name: &'a str,
    span: Span,
    dtype: DType,
    /// Over the sizes of all calls.
    shape: Vec<Int>,
}

/// The sizes of the calls of a law, made equal where shapes meet.
pub(super) struct Shapes<'a, 'm> {
    module: &'m Module,
    vars: Vec<(&'a str, DType)>,
    /// What each size stands for; `None` is itself. Sizes of a call are consecutive.
    bound: Vec<(String, Option<Int>)>,
    drawn: Vec<Drawn<'a>>,
    /// First size of each call.
    calls: HashMap<Span, u32>,
    refused: Option<Box<Diagnostic>>,
}

impl<'a, 'm> Shapes<'a, 'm> {
    /// The variables of a law, and nothing drawn yet.
    pub fn new(module: &'m Module, l: &'a ast::Law) -> Self {
        Shapes {
            module,
            vars: l.vars.iter().map(|v| (v.name.name.as_str(), DType::F32)).collect(),
            bound: vec![],
            drawn: vec![],
            calls: HashMap::new(),
            refused: None,
        }
    }

    /// A finding met on the way.
    pub fn take_refusal(&mut self) -> Option<Box<Diagnostic>> {
        self.refused.take()
    }

    fn kernel(&self, e: &'a Expr) -> Option<(&Kernel, &'a [ast::Arg])> {
        let ExprKind::Call { callee, indices: None, args: Some(args), .. } = &e.kind else { return None };
        let exact = self.module.kernels.iter().find(|k| k.name == callee.name);
        Some((exact?, args))
    }

    pub fn calls_only_known(&self, cx: &mut Cx<'a>, l: &'a ast::Law) -> bool {
        let mut fine = true;
        let mut names: Vec<&'a ast::Ident> = vec![];
        for e in [&l.lhs, &l.rhs] {
            super::visit::all(e, &mut |e| {
                if let ExprKind::Call { callee, .. } = &e.kind {
                    names.push(callee);
                }
            });
        }
        let mut any = false;
        for n in names {
            if self.module.kernels.iter().any(|k| k.name == n.name) {
                any = true;
                continue;
            }
            match cx.find(0, &n.name) {
                Some(Global::Kernel(0, at)) => {
                    let k = &cx.units[0].file.kernels[at];
                    if !k.generics.is_empty() {
                        let d =
                            Diagnostic::error("V0611", n.span, format!("the kernel `{}` is generic", n.name))
                                .hint(format!("call an instance of it, `{}_f32`", n.name));
                        cx.report(0, d);
                    }
                    fine = false;
                }
                Some(Global::Kernel(..)) => {
                    let d = Diagnostic::error(
                        "V0611",
                        n.span,
                        format!("`{}` is a kernel of an imported spec", n.name),
                    )
                    .hint("a spec states the laws of its own kernels");
                    cx.report(0, d);
                    fine = false;
                }
                _ => {}
            }
        }
        if fine && !any {
            let d =
                Diagnostic::error("V0611", l.name.span, format!("the law `{}` calls no kernel", l.name.name))
                    .hint("a law compares what kernels of this spec compute");
            cx.report(0, d);
            fine = false;
        }
        fine
    }

    /// The sizes of a call, made on first sight.
    fn sizes(&mut self, e: &Expr, k: &Kernel) -> Vec<Int> {
        let first = match self.calls.get(&e.span) {
            Some(first) => *first,
            None => {
                let first = u32::try_from(self.bound.len()).unwrap_or(u32::MAX);
                self.bound.extend(k.dims.iter().map(|d| (d.name.clone(), None)));
                self.calls.insert(e.span, first);
                first
            }
        };
        (0u32..).zip(&k.dims).map(|(d, _)| Int::dim(DimId(first + d))).collect()
    }

    fn resolved(&self, e: &Int) -> Int {
        let mut out = e.clone();
        // Chains of equalities are no longer than the number of sizes.
        for _ in 0..=self.bound.len() {
            let next = out.substitute(&|a| match a {
                Atom::Dim(d) => self.bound.get(d.index())?.1.clone(),
                _ => None,
            });
            if next == out {
                break;
            }
            out = next;
        }
        out
    }

    fn equate(&mut self, a: &Int, b: &Int) {
        let (a, b) = (self.resolved(a), self.resolved(b));
        if a == b {
            return;
        }
        for (x, y) in [(&a, &b), (&b, &a)] {
            if let Some(Atom::Dim(d)) = x.as_atom() {
                let mut free = true;
                y.visit_leaves(&mut |leaf| free &= *leaf != Atom::Dim(*d));
                if free && self.bound[d.index()].1.is_none() {
                    self.bound[d.index()].1 = Some(y.clone());
                    return;
                }
            }
        }
        // `G*B` is `G*C` if `B` is `C`.
        if let Some((a, b)) = without_common_factors(&a, &b) {
            self.equate(&a, &b);
        }
        // What does not unify here is compared (and reported) when the sides are checked.
    }

    /// Arguments in the order of the parameters.
    fn paired<'k>(k: &'k Kernel, args: &'a [ast::Arg]) -> Vec<(ParamRef, &'k str, &'a Expr)> {
        let names: Vec<&'k str> = k
            .params
            .iter()
            .map(|p| match p {
                ParamRef::Input(i) => k.input(*i).name.as_str(),
                ParamRef::Dim(d) => k.dims[d.index()].name.as_str(),
            })
            .collect();
        let mut out = vec![];
        for (n, a) in args.iter().enumerate() {
            let at = match &a.name {
                None => Some(n).filter(|n| *n < names.len()),
                Some(name) => names.iter().position(|x| *x == name.name),
            };
            if let Some(at) = at {
                out.push((k.params[at], names[at], &a.value));
            }
        }
        out
    }

    /// Finds the types of drawn names: from calls they are bare arguments of, then from calls
    /// that take an expression of them.
    pub fn draw(&mut self, root: &'a Expr, bare: bool) {
        let mut calls: Vec<&'a Expr> = vec![];
        super::visit::all(root, &mut |e| calls.push(e));
        for e in calls {
            let Some((k, args)) = self.kernel(e) else { continue };
            let k = k.clone();
            let sizes = self.sizes(e, &k);
            for (p, _, arg) in Self::paired(&k, args) {
                let ParamRef::Input(i) = p else { continue };
                let input = k.input(i);
                let shape: Vec<Int> =
                    input.shape.iter().map(|x| x.substitute(&|a| super::bind::dim_of(a, &sizes))).collect();
                let dtype = match &input.dtype {
                    DType::Idx(n) => DType::Idx(n.substitute(&|a| super::bind::dim_of(a, &sizes))),
                    DType::Len(n) => DType::Len(n.substitute(&|a| super::bind::dim_of(a, &sizes))),
                    other => other.clone(),
                };
                let mut names: Vec<(&'a str, Span)> = vec![];
                match &arg.kind {
                    ExprKind::Name(n) => names.push((n, arg.span)),
                    _ if !bare => {
                        let kernel = |n: &str| self.module.kernels.iter().any(|k| k.name == n);
                        elementwise_names(arg, &kernel, &mut names);
                    }
                    _ => {}
                }
                for (n, span) in names {
                    self.note(n, span, &dtype, &shape, matches!(arg.kind, ExprKind::Name(_)));
                }
            }
        }
    }

    fn note(&mut self, name: &'a str, span: Span, dtype: &DType, shape: &[Int], bare: bool) {
        if let Some((_, t)) = self.vars.iter_mut().find(|(n, _)| *n == name) {
            // A variable handed over as an integer is drawn as one.
            if bare && shape.is_empty() && dtype.is_int() {
                *t = DType::I32;
            }
            return;
        }
        if !self.drawn.iter().any(|d| d.name == name) {
            // An expression computes in `f32` whatever its tensors are stored as.
            let dtype = if bare { dtype.clone() } else { dtype.computed() };
            self.drawn.push(Drawn { name, span, dtype, shape: shape.to_vec() });
        }
    }

    /// The shape of an expression; on the way, sizes of calls meet those of their arguments.
    pub fn shape(&mut self, e: &'a Expr) -> Option<Vec<Int>> {
        match &e.kind {
            ExprKind::Name(n) => self.drawn.iter().find(|d| d.name == n).map(|d| d.shape.clone()),
            ExprKind::Call { .. } if self.kernel(e).is_some() => {
                let (k, args) = self.kernel(e)?;
                let k = k.clone();
                let sizes = self.sizes(e, &k);
                let at = |x: &Int| x.substitute(&|a| super::bind::dim_of(a, &sizes));
                for (p, _, arg) in Self::paired(&k, args) {
                    match p {
                        ParamRef::Dim(d) => {
                            if let ExprKind::Int(v) = arg.kind {
                                self.equate(&sizes[d.index()], &Int::constant(v));
                            } else {
                                let d =
                                    Diagnostic::error("V0612", arg.span, "a size of a law is a whole number")
                                        .hint("write it as a literal; sizes of tensors are drawn");
                                self.refused.get_or_insert(Box::new(d));
                            }
                        }
                        ParamRef::Input(i) => {
                            let want: Vec<Int> = k.input(i).shape.iter().map(at).collect();
                            let Some(have) = self.shape(arg) else { continue };
                            if have.len() == want.len() {
                                for (a, b) in have.iter().zip(&want) {
                                    self.equate(a, b);
                                }
                            }
                        }
                    }
                }
                let out = k.outputs.first()?;
                Some(k.def(out.def).shape.iter().map(at).collect())
            }
            _ => {
                let mut parts = vec![];
                super::visit::parts(e, &mut |p| parts.push(p));
                let mut found: Option<Vec<Int>> = None;
                for p in parts {
                    let Some(s) = self.shape(p).filter(|s| !s.is_empty()) else { continue };
                    match &found {
                        Some(f) if f.len() == s.len() => {
                            for (a, b) in f.clone().iter().zip(&s) {
                                self.equate(a, b);
                            }
                        }
                        _ => found = Some(s),
                    }
                }
                found
            }
        }
    }

    /// The inputs of both sides and the sizes they are over.
    pub fn signature(&self, cx: &mut Cx<'_>, l: &'a ast::Law) -> Option<Signature> {
        let mut inputs = vec![];
        let mut spans = vec![];
        for (v, (name, dtype)) in l.vars.iter().zip(&self.vars) {
            let input = Input {
                name: (*name).to_string(),
                dtype: dtype.clone(),
                shape: vec![],
                kind: InputKind::Argument,
            };
            inputs.push(input);
            spans.push(v.name.span);
        }
        for d in &self.drawn {
            let shape: Vec<Int> = d.shape.iter().map(|e| self.resolved(e)).collect();
            let dtype = match &d.dtype {
                DType::Idx(n) => DType::Idx(self.resolved(n)),
                DType::Len(n) => DType::Len(self.resolved(n)),
                other => other.clone(),
            };
            inputs.push(Input { name: d.name.to_string(), dtype, shape, kind: InputKind::Argument });
            spans.push(d.span);
        }
        let mut symbols: Vec<DimId> = vec![];
        for i in &inputs {
            let bound = match &i.dtype {
                DType::Idx(n) | DType::Len(n) => Some(n),
                _ => None,
            };
            for e in i.shape.iter().chain(bound) {
                e.visit_leaves(&mut |a| {
                    if let Atom::Dim(d) = a
                        && !symbols.contains(d)
                    {
                        symbols.push(*d);
                    }
                });
            }
        }
        let number = |symbols: &[DimId], inputs: &[Input]| -> Vec<Input> {
            let id = |a: &Atom| match a {
                Atom::Dim(d) => {
                    let at = symbols.iter().position(|s| s == d)?;
                    Some(Int::dim(DimId(u32::try_from(at).ok()?)))
                }
                _ => None,
            };
            let mut out = inputs.to_vec();
            for i in &mut out {
                i.shape = i.shape.iter().map(|e| e.substitute(&id)).collect();
                if let DType::Idx(n) | DType::Len(n) = &mut i.dtype {
                    *n = n.substitute(&id);
                }
            }
            out
        };
        // Once to find the order in which the sizes can be solved, once in that order.
        let Solution { order, unknown, .. } = solve(symbols.len(), &[], &number(&symbols, &inputs));
        if let Some(d) = unknown.first() {
            let name = &self.bound[symbols[d.index()].index()].0;
            let e = Diagnostic::error(
                "V0612",
                l.name.span,
                format!("the size `{name}` of a call in this law is open"),
            )
            .hint("use a kernel whose arguments fix it, or give the size as a number");
            cx.report(0, e);
            return None;
        }
        let symbols: Vec<DimId> = order.iter().map(|(d, _)| symbols[d.index()]).collect();
        let inputs = number(&symbols, &inputs);
        let Solution { order, checks, .. } = solve(symbols.len(), &[], &inputs);
        let mut dims: Vec<Dim> = vec![];
        for (d, bind) in order {
            let wanted = &self.bound[symbols[d.index()].index()].0;
            let mut name = wanted.clone();
            let mut n = 2;
            while dims.iter().any(|d: &Dim| d.name == name) {
                name = format!("{wanted}{n}");
                n += 1;
            }
            dims.push(Dim { name, bind });
        }
        debug_assert!(
            dims.iter().all(|d| matches!(d.bind, DimBind::Axis { .. })),
            "sizes of laws come from tensors"
        );
        Some(Signature { dims, inputs, checks, spans })
    }
}

/// What two products differ in, if it is one factor each.
fn without_common_factors(a: &Int, b: &Int) -> Option<(Int, Int)> {
    let product = |e: &Int| {
        let mut terms = e.terms();
        let (factors, c) = terms.next()?;
        terms.next().is_none().then(|| (factors.to_vec(), c))
    };
    let ((mut a, n), (mut b, m)) = (product(a)?, product(b)?);
    a.retain(|factor| match b.iter().position(|f| f == factor) {
        Some(at) => {
            b.remove(at);
            false
        }
        None => true,
    });
    match (&a[..], &b[..]) {
        ([x], [y]) if n == m => Some((Int::atom(x.clone()), Int::atom(y.clone()))),
        _ => None,
    }
}

/// Names that take part elementwise: not inside kernel calls or brackets.
fn elementwise_names<'a>(e: &'a Expr, kernel: &dyn Fn(&str) -> bool, out: &mut Vec<(&'a str, Span)>) {
    match &e.kind {
        ExprKind::Name(n) => out.push((n, e.span)),
        ExprKind::Unary(UnOp::Neg, a) => elementwise_names(a, kernel, out),
        ExprKind::Binary(_, a, b) => {
            elementwise_names(a, kernel, out);
            elementwise_names(b, kernel, out);
        }
        ExprKind::If(c, a, b) => {
            for e in [c, a, b] {
                elementwise_names(e, kernel, out);
            }
        }
        // An elementwise function keeps the shape; a kernel's arguments have shapes of their own.
        ExprKind::Call { callee, indices: None, args: Some(args), .. } if !kernel(&callee.name) => {
            args.iter().for_each(|a| elementwise_names(&a.value, kernel, out));
        }
        _ => {}
    }
}
