//! A layer's `forward`: straight-line parts become kernels, sublayer calls and loops stand
//! between them.
//!
//! Every segment (definitions up to the next call or loop) is checked by a [`Builder`] of its
//! own over the forward's sizes; names of earlier segments enter it as inputs.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::builder::{Builder, Entry, Local, Range};
use super::frame::ROOT;
use super::globals::Cx;
use super::header::OutputDecl;
use super::subcall::{CallArg, Prepared, SubCall};
use crate::ast::{self, Define, ExprKind, Stmt};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{
    Arg, Atom, Check, DType, DefId, Dim, DimBind, Forward, Input, InputId, InputKind, Int, Layer, Output,
    Step, Value, ValueId,
};

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
    pub generics: HashMap<String, DType>,
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
    };
    f.header(s.dims)?;
    f.announce(&ast.body);
    let steps = f.statements(&ast.body);
    f.unused(layer);
    f.forward.steps = steps;
    f.finish()
}

struct Walk<'c, 'a, 's> {
    cx: &'c mut Cx<'a>,
    file: usize,
    ast: &'a ast::Kernel,
    generics: HashMap<String, DType>,
    /// Visible names; values are [`Local::Outer`].
    names: HashMap<String, Entry>,
    layer: &'s Layer,
    members: &'s [Member],
    forward: Forward,
    outputs: Vec<OutputDecl>,
    /// Ranges of the forward's letters so far.
    letters: HashMap<String, Range>,
    used: HashSet<String>,
    /// Names the user defined outside loops.
    defined: Vec<(String, Span)>,
    failed: bool,
    /// Names of compiler-made definitions.
    fresh: HashSet<String>,
    /// Loops around the statement reached.
    rounds: usize,
}

/// What a segment's builder hands back.
struct Segment {
    kernel: crate::term::Kernel,
    args: Vec<Arg>,
    /// Definitions that become values, with the names they are visible by.
    values: Vec<(String, Span, DefId)>,
    poisoned: Vec<(String, Span)>,
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
        self.forward.header = self.cx.text(self.file, self.ast.header);
        for i in &self.forward.inputs {
            let value = Value { name: i.name.clone(), dtype: i.dtype.clone(), shape: i.shape.clone() };
            self.forward.values.push(value);
        }
        Some(())
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

    /// A builder over the forward's sizes that sees all earlier names.
    fn builder(&mut self) -> Builder<'_, 'a> {
        let mut b = Builder::new(self.cx, self.file, String::new());
        b.generics.clone_from(&self.generics);
        b.k.dims =
            self.forward.dims.iter().map(|d| Dim { name: d.name.clone(), bind: DimBind::Layer }).collect();
        b.locals.clone_from(&self.names);
        b.forward_arguments = self.forward.inputs.len();
        b.outputs.clone_from(&self.outputs);
        b.in_loop = self.rounds > 0;
        b.taken.extend(self.names.keys().cloned());
        b.taken.extend(self.fresh.iter().cloned());
        for c in self.layer.checks.iter().chain(&self.forward.checks) {
            if let Check::Where { lhs, cmp, rhs, .. } = c
                && ![lhs, rhs].iter().any(|e| super::builder::has_scalar(e))
            {
                b.facts.assume(lhs, *cmp, rhs);
            }
        }
        for (name, range) in &self.letters {
            let letter = b.letter(ROOT, name);
            b.letters[letter.0].range = Some(range.clone());
        }
        b
    }

    fn segment(
        &mut self,
        run: &[&'a Stmt],
        call: Option<&SubCall<'a>>,
        copies: &[String],
        steps: &mut Vec<Step>,
    ) {
        let arguments = self.forward.inputs.len();
        let constraints = &self.ast.constraints;
        let members = self.members;
        let layer = self.layer;
        let mut b = self.builder();
        // Constraints on integer arguments are facts of this segment, in terms of its inputs.
        let scalars = b.forward_arguments > 0;
        if scalars && constraints.iter().any(|c| b.mentions_input(c)) {
            let _ = b.declare_constraints(constraints);
        }
        b.reserve_statements(run);
        b.seed_statements(run);
        let (mut values, mut poisoned) = (vec![], vec![]);
        for s in run {
            let Stmt::Define(d) = s else { continue };
            let _ = b.define(d);
            for n in &d.names {
                match b.locals.get(&n.name).map(|e| e.local.clone()) {
                    Some(Local::Def(def)) => values.push((n.name.clone(), n.span, def)),
                    _ => poisoned.push((n.name.clone(), n.span)),
                }
            }
        }
        // A loop overwrites what it carries: arguments are copied first.
        for name in copies {
            let (is_argument, span) = match b.locals.get(name) {
                Some(Entry { local: Local::Outer(Arg::Value(v), _), span }) => (v.index() < arguments, *span),
                Some(Entry { local: Local::Input(i), span }) => {
                    (matches!(b.args.get(i.index()), Some(Arg::Value(v)) if v.index() < arguments), *span)
                }
                _ => continue,
            };
            if is_argument && let Some(def) = b.copy_of(name) {
                values.push((name.clone(), span, def));
            }
        }
        let prepared = call.and_then(|c| b.prepare_call(c, layer, &members[c.sublayer]));
        let segment = Segment { kernel: b.k.clone(), args: b.args.clone(), values, poisoned };
        let used = std::mem::take(&mut b.used);
        let taken: Vec<String> = b.k.defs.iter().map(|d| d.name.clone()).collect();
        let ranges: Vec<(String, Range)> = b
            .letter_ids
            .iter()
            .filter(|((scope, _), _)| *scope == ROOT)
            .filter_map(|((_, name), id)| Some((name.clone(), b.letters[id.0].range.clone()?)))
            .collect();
        self.used.extend(used);
        self.fresh.extend(taken);
        self.letters.extend(ranges);
        let map = self.close(segment, prepared.as_ref().map_or(&[], |p| &p.args), steps);
        if let Some(c) = call {
            self.emit_call(c, prepared, &map, steps);
        }
    }

    /// Turns a segment into a step and gives its definitions values.
    fn close(&mut self, mut s: Segment, extra: &[CallArg], steps: &mut Vec<Step>) -> HashMap<DefId, ValueId> {
        let mut map = HashMap::new();
        let mut outs = vec![];
        for (name, span) in &s.poisoned {
            self.failed = true;
            self.names.insert(name.clone(), Entry { local: Local::Poison, span: *span });
        }
        let named = s.values.clone();
        let extra = extra.iter().filter_map(|a| match a {
            CallArg::Def(d) => Some((String::new(), Span::default(), *d)),
            CallArg::Known(_) => None,
        });
        for (name, span, def) in named.into_iter().chain(extra) {
            let id = match map.get(&def) {
                Some(id) => *id,
                None => {
                    let d = s.kernel.def(def);
                    let shown = if name.is_empty() { d.name.clone() } else { name.clone() };
                    let id = self.value(shown, d.dtype.clone(), d.shape.clone());
                    s.kernel.outputs.push(Output { name: d.name.clone(), def });
                    outs.push(id);
                    map.insert(def, id);
                    id
                }
            };
            if !name.is_empty() {
                self.bind(&name, span, id);
            }
        }
        let checks = std::mem::take(&mut s.kernel.checks);
        self.hoist(checks, &s.args);
        if !outs.is_empty() {
            steps.push(Step::Compute { kernel: Box::new(s.kernel), args: s.args, outs });
        }
        map
    }

    fn value(&mut self, name: String, dtype: DType, shape: Vec<Int>) -> ValueId {
        let id = ValueId(u32::try_from(self.forward.values.len()).unwrap_or(u32::MAX));
        self.forward.values.push(Value { name, dtype, shape });
        id
    }

    fn bind(&mut self, name: &str, span: Span, v: ValueId) {
        let value = &self.forward.values[v.index()];
        let input = Input {
            name: name.to_string(),
            dtype: value.dtype.clone(),
            shape: value.shape.clone(),
            kind: InputKind::Argument,
        };
        if self.rounds == 0 && !self.defined.iter().any(|(n, _)| n == name) {
            self.defined.push((name.to_string(), span));
        }
        let local = Local::Outer(Arg::Value(v), Box::new(input));
        self.names.insert(name.to_string(), Entry { local, span });
    }

    /// Checks of a segment concern arguments and sizes only: they are made at entry.
    fn hoist(&mut self, checks: Vec<Check>, args: &[Arg]) {
        let leaf = |a: &Atom| match a {
            Atom::Scalar(i) => match args.get(i.index()) {
                Some(Arg::Value(v)) => Some(Int::atom(Atom::Scalar(InputId(v.0)))),
                _ => None,
            },
            _ => None,
        };
        for c in checks {
            let c = match c {
                Check::Where { text, lhs, cmp, rhs } => {
                    Check::Where { text, lhs: lhs.substitute(&leaf), cmp, rhs: rhs.substitute(&leaf) }
                }
                Check::InRange { text, domain, low, high, extent } => Check::InRange {
                    text,
                    domain: domain.iter().map(|e| e.substitute(&leaf)).collect(),
                    low: low.substitute(&leaf),
                    high: high.substitute(&leaf),
                    extent: extent.substitute(&leaf),
                },
                axis @ Check::Axis { .. } => axis,
            };
            if !self.forward.checks.contains(&c) {
                self.forward.checks.push(c);
            }
        }
    }

    fn emit_call(
        &mut self,
        c: &SubCall<'a>,
        prepared: Option<Prepared>,
        map: &HashMap<DefId, ValueId>,
        steps: &mut Vec<Step>,
    ) {
        self.used.insert(c.callee.name.clone());
        let Some(p) = prepared else {
            self.failed = true;
            for n in &c.define.names {
                self.names.insert(n.name.clone(), Entry { local: Local::Poison, span: n.span });
            }
            return;
        };
        let args = p
            .args
            .iter()
            .filter_map(|a| match a {
                CallArg::Known(arg) => Some(*arg),
                CallArg::Def(d) => map.get(d).map(|v| Arg::Value(*v)),
            })
            .collect();
        let mut outs = vec![];
        for (n, (dtype, shape)) in c.define.names.iter().zip(p.outs) {
            if let Some(o) = self.outputs.iter_mut().find(|o| o.name == n.name) {
                o.def = Some(DefId(0));
            }
            let v = self.value(n.name.clone(), dtype, shape);
            self.bind(&n.name, n.span, v);
            outs.push(v);
        }
        steps.push(Step::Call { sublayer: c.sublayer, indexed: p.indexed, args, outs });
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
        self.names.insert(var.name.clone(), Entry { local: Local::Counter, span: var.span });
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
