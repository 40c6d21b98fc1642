//! A layer's `forward`: straight-line parts become kernels, sublayer calls and loops stand
//! between them.
//!
//! Every segment (definitions up to the next call or loop) is checked by a [`Builder`] of its
//! own over the forward's sizes; names of earlier segments enter it as inputs.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::allow::Rounding;
use super::builder::{Builder, Entry, Local, Range};
use super::globals::Cx;
use super::header::OutputDecl;
use super::subcall::SubCall;
use super::types::Elem;
use crate::ast::{self, Define, ExprKind, Stmt};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{Arg, Forward, Int, Layer, Step, Value, ValueId};

/// A sublayer's checked layer and where it is declared.
pub(super) struct Member {
    pub layer: Rc<Layer>,
    pub file: usize,
    pub at: usize,
}

/// What a forward sees of its layer.
pub(super) struct Surroundings<'s> {
    pub file: usize,
    pub dims: &'s [(String, Span)],
    pub generics: HashMap<String, Elem>,
    pub locals: HashMap<String, Entry>,
    pub members: Vec<Member>,
    pub layer: &'s Layer,
}

/// A forward that does nothing, to be replaced.
pub(super) fn empty() -> Forward {
    Forward {
        header: String::new(),
        dims: vec![],
        inputs: vec![],
        checks: vec![],
        values: vec![],
        outputs: vec![],
        steps: vec![],
    }
}

/// Checks the forward of a layer.
pub(super) fn build<'a>(
    cx: &mut Cx<'a>,
    mut s: Surroundings<'_>,
    layer: &'a ast::Layer,
    ast: &'a ast::Kernel,
) -> Option<Forward> {
    let mut f = Walk {
        incomplete: cx.incomplete(s.file, layer.span),
        cx,
        file: s.file,
        ast,
        generics: std::mem::take(&mut s.generics),
        names: std::mem::take(&mut s.locals),
        layer: s.layer,
        members: &s.members,
        forward: empty(),
        outputs: vec![],
        letters: HashMap::new(),
        used: HashSet::new(),
        defined: vec![],
        failed: false,
        fresh: HashSet::new(),
        rounds: 0,
        roundings: vec![],
        permitted: vec![None; ast.allowed.len()],
    };
    f.header(s.dims)?;
    f.announce(&ast.body);
    let steps = f.statements(&ast.body);
    f.permissions(!layer.generics.is_empty());
    f.unused(layer);
    f.forward.steps = steps;
    f.finish()
}

pub(super) struct Walk<'c, 'a, 's> {
    pub cx: &'c mut Cx<'a>,
    pub file: usize,
    pub ast: &'a ast::Kernel,
    pub generics: HashMap<String, Elem>,
    /// Visible names; values are [`Local::Outer`].
    pub names: HashMap<String, Entry>,
    pub layer: &'s Layer,
    pub members: &'s [Member],
    pub forward: Forward,
    pub outputs: Vec<OutputDecl>,
    /// The parser left something out of the layer: what is missing may be that.
    pub incomplete: bool,
    /// Ranges of the forward's letters so far.
    pub letters: HashMap<String, Range>,
    pub used: HashSet<String>,
    /// Names the user defined outside loops.
    pub defined: Vec<(String, Span)>,
    pub failed: bool,
    /// Names of compiler-made definitions.
    pub fresh: HashSet<String>,
    /// Loops around the statement reached.
    pub rounds: usize,
    /// What each permission of the header says.
    pub roundings: Vec<Option<Rounding>>,
    /// Whether each of them is about a tensor, and whether it concerns a product.
    pub permitted: Vec<Option<bool>>,
}

impl<'a> Walk<'_, 'a, '_> {
    fn header(&mut self, dims: &[(String, Span)]) -> Option<()> {
        let names = self.names.clone();
        let mut b = Builder::new(self.cx, self.file, String::new());
        b.generics.clone_from(&self.generics);
        for p in &self.ast.params {
            if let Some(first) = names.get(&p.name.name) {
                b.defined_twice(&p.name.name, p.name.span, first.span);
                return None;
            }
            if matches!(p.ty.elem, ast::TyElem::Dim) {
                let d = Diagnostic::error(
                    "V0530",
                    p.name.span,
                    "`dim` arguments of a forward are not generated yet",
                )
                .hint("make it a size of the layer");
                b.err(b.here(p.name.span), d);
                return None;
            }
        }
        b.declare_inputs(dims, &self.ast.params)?;
        let constrained = b.declare_constraints(&self.ast.constraints);
        b.declare_outputs(&self.ast.outputs);
        for o in b.outputs.clone() {
            if let Some(first) = names.get(&o.name) {
                b.defined_twice(&o.name, o.span, first.span);
                return None;
            }
        }
        constrained?;
        let roundings: Vec<Option<Rounding>> =
            self.ast.allowed.iter().map(|(_, to)| b.rounding(to)).collect();
        self.failed |= b.outputs.iter().any(|o| o.failed) || b.outputs.len() != self.ast.outputs.len();
        self.outputs = std::mem::take(&mut b.outputs);
        self.forward.dims = b.k.dims.clone();
        self.forward.inputs = b.k.inputs.clone();
        self.forward.checks = b.k.checks.clone();
        let spans: HashMap<String, Entry> = std::mem::take(&mut b.locals);
        for (name, entry) in spans {
            match &entry.local {
                Local::Dim(_) => {
                    self.names.insert(name, entry);
                }
                Local::Input(i) => {
                    let input = self.forward.inputs[i.index()].clone();
                    let local = Local::Outer(Arg::Value(ValueId(i.0)), Box::new(input));
                    self.names.insert(name, Entry { local, span: entry.span });
                }
                _ => {}
            }
        }
        self.failed |= roundings.iter().any(Option::is_none);
        self.roundings = roundings;
        self.forward.header = self.cx.header_text(self.file, self.ast.header);
        for i in &self.forward.inputs {
            let value = Value { name: i.name.clone(), dtype: i.dtype.clone(), shape: i.shape.clone() };
            self.forward.values.push(value);
        }
        Some(())
    }

    /// Findings about `allow`.
    fn permissions(&mut self, generic: bool) {
        for (n, (name, _)) in self.ast.allowed.iter().enumerate() {
            let (said, file) = (self.permitted[n], self.file);
            let poisoned = matches!(self.names.get(&name.name).map(|e| &e.local), Some(Local::Poison));
            match said {
                Some(true) => {}
                Some(false) if generic => {}
                _ if self.failed || poisoned || self.roundings[n].is_none() => {}
                Some(false) => self.cx.report(file, super::allow::without_effect(name)),
                None if matches!(self.names.get(&name.name).map(|e| &e.local), Some(Local::Outer(..))) => {
                    if generic {
                        continue;
                    }
                    self.cx.report(file, super::allow::without_effect(name));
                }
                None => {
                    let d = self.builder().unknown_operand(name);
                    self.cx.report(file, d);
                    self.failed = true;
                }
            }
        }
    }

    /// Names defined further below are known as such from the start.
    fn announce(&mut self, body: &'a [Stmt]) {
        for s in body {
            if let Stmt::Define(d) = s {
                for n in &d.names {
                    self.names.entry(n.name.clone()).or_insert(Entry { local: Local::Later, span: n.span });
                }
            }
        }
    }

    fn statements(&mut self, body: &'a [Stmt]) -> Vec<Step> {
        let mut steps = vec![];
        let mut run: Vec<&'a Stmt> = vec![];
        for s in body {
            match s {
                Stmt::Define(d) => match self.sub_call(d) {
                    None => run.push(s),
                    Some(call) => {
                        let run = std::mem::take(&mut run);
                        self.segment(&run, Some(&call), &[], &mut steps);
                    }
                },
                Stmt::For { var, count, body, span } => {
                    let run = std::mem::take(&mut run);
                    let carried = self.carried(body, &run);
                    self.segment(&run, None, &carried, &mut steps);
                    self.repeat(var, count, body, *span, &carried, &mut steps);
                }
            }
        }
        self.segment(&run, None, &[], &mut steps);
        steps
    }

    /// Names a loop body rebinds that exist before it.
    fn carried(&self, body: &'a [Stmt], before: &[&'a Stmt]) -> Vec<String> {
        let defined: Vec<&str> = before
            .iter()
            .filter_map(|s| if let Stmt::Define(d) = s { Some(d) } else { None })
            .flat_map(|d| d.names.iter().map(|n| n.name.as_str()))
            .collect();
        let mut out: Vec<String> = vec![];
        let mut open: Vec<&'a Stmt> = body.iter().rev().collect();
        while let Some(s) = open.pop() {
            match s {
                Stmt::Define(d) => {
                    for n in &d.names {
                        let exists = defined.contains(&n.name.as_str())
                            || self.names.get(&n.name).is_some_and(|e| !matches!(e.local, Local::Later));
                        if exists && !out.contains(&n.name) {
                            out.push(n.name.clone());
                        }
                    }
                }
                Stmt::For { body, .. } => open.extend(body.iter().rev()),
            }
        }
        out
    }

    fn sub_call(&self, d: &'a Define) -> Option<SubCall<'a>> {
        let ExprKind::Call { callee, indices, args, .. } = &d.value.kind else { return None };
        let Local::Sublayer(sublayer) = self.names.get(&callee.name)?.local else { return None };
        Some(SubCall {
            define: d,
            sublayer,
            callee,
            indices: indices.as_deref(),
            args: args.as_deref().unwrap_or_default(),
        })
    }

    fn repeat(
        &mut self,
        var: &'a ast::Ident,
        count: &'a ast::Expr,
        body: &'a [Stmt],
        span: Span,
        carried: &[String],
        steps: &mut Vec<Step>,
    ) {
        let mut b = self.builder();
        let env = b.root();
        let size = b.size(count, &env);
        if let Some(first) = b.locals.get(&var.name).map(|e| e.span) {
            b.defined_twice(&var.name, var.span, first);
            self.failed = true;
            return;
        }
        let Some(count) = size else {
            self.failed = true;
            return;
        };
        let before: Vec<(String, Option<ValueId>)> =
            carried.iter().map(|n| (n.clone(), self.value_of(n))).collect();
        let outer = self.names.clone();
        let counter = Local::Counter(self.rounds, count.clone());
        self.names.insert(var.name.clone(), Entry { local: counter, span: var.span });
        self.announce(body);
        self.rounds += 1;
        let inner = self.statements(body);
        self.rounds -= 1;
        let mut pairs = vec![];
        for (name, start) in before {
            let (Some(start), Some(end)) = (start, self.value_of(&name)) else { continue };
            let (a, z) = (&self.forward.values[start.index()], &self.forward.values[end.index()]);
            if a.dtype == z.dtype && self.equal_shapes(&a.shape.clone(), &z.shape.clone()) {
                pairs.push((start, end));
                continue;
            }
            let (a, z) =
                (self.forward.values[start.index()].clone(), self.forward.values[end.index()].clone());
            let mut b = self.builder();
            let (was, is) = (b.names().tensor(&a.dtype, &a.shape), b.names().tensor(&z.dtype, &z.shape));
            let d =
                Diagnostic::error("V0505", span, format!("`{name}` changes its shape or type in the loop"))
                    .label(format!("{was} before a round, {is} after it"))
                    .hint("a loop repeats one computation: give the result another name after the loop");
            let place = b.here(span);
            b.err(place, d);
            self.failed = true;
        }
        self.names = outer;
        // A poisoned result stays poisoned after the loop.
        if self.failed {
            for name in carried {
                if let Some(e) = self.names.get_mut(name) {
                    e.local = Local::Poison;
                }
            }
        }
        self.used.extend(carried.iter().cloned());
        if pairs.is_empty() && !self.failed {
            let d = Diagnostic::warning("V0204", span, "the loop has no effect")
                .label("no name from before the loop is given a new value")
                .hint("rebind one: `for i in L: x = enc[i](x)`");
            self.cx.report(self.file, d);
        }
        steps.push(Step::Loop { count, body: inner, carried: pairs });
    }

    fn equal_shapes(&mut self, a: &[Int], b: &[Int]) -> bool {
        let builder = self.builder();
        a.len() == b.len()
            && a.iter().zip(b).all(|(x, y)| matches!(builder.same(x, y), super::builder::Same::Yes))
    }

    fn value_of(&self, name: &str) -> Option<ValueId> {
        match &self.names.get(name)?.local {
            Local::Outer(Arg::Value(v), _) => Some(*v),
            _ => None,
        }
    }

    /// Warns about names and weights nothing reads.
    fn unused(&mut self, layer: &'a ast::Layer) {
        let weights = layer.weights.iter().map(|w| (w.name.name.clone(), w.name.span));
        let mut all: Vec<(String, Span)> = self.defined.iter().cloned().chain(weights).collect();
        all.sort_by_key(|(_, s)| *s);
        for (name, span) in all {
            let is_output = self.outputs.iter().any(|o| o.name == name);
            if !self.used.contains(&name) && !is_output && !self.failed {
                let d = Diagnostic::warning("V0204", span, format!("`{name}` is defined and never used"))
                    .hint("remove it, or use it");
                self.cx.report(self.file, d);
            }
        }
    }

    fn finish(mut self) -> Option<Forward> {
        let mut outputs = vec![];
        for o in self.outputs.clone() {
            match self.names.get(&o.name).map(|e| &e.local) {
                Some(Local::Outer(Arg::Value(v), _)) => {
                    let value = &self.forward.values[v.index()];
                    let (dtype, shape) = (value.dtype.clone(), value.shape.clone());
                    let fits = dtype == o.dtype && self.equal_shapes(&shape, &o.shape);
                    if !fits {
                        let mut b = self.builder();
                        let (have, want) =
                            (b.names().tensor(&dtype, &shape), b.names().tensor(&o.dtype, &o.shape));
                        let d = Diagnostic::error(
                            "V0313",
                            o.span,
                            format!("the output `{}` is declared as {want}, its value is {have}", o.name),
                        );
                        let place = b.here(o.span);
                        b.err(place, d);
                        return None;
                    }
                    outputs.push(*self.value_of(&o.name).as_ref()?);
                }
                Some(Local::Poison) => self.failed = true,
                _ if self.incomplete => self.failed = true,
                _ => {
                    let d = Diagnostic::error(
                        "V0203",
                        o.span,
                        format!("the output `{}` is never defined", o.name),
                    )
                    .label("declared here")
                    .hint(format!("add a line `{} = …`", o.name));
                    self.cx.report(self.file, d);
                    self.failed = true;
                }
            }
        }
        if self.failed {
            return None;
        }
        self.forward.outputs = outputs;
        super::liveness::prune(&mut self.forward);
        Some(self.forward)
    }
}
