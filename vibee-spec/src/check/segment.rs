//! One segment of a forward: definitions up to the next sublayer call or loop become a step.

use std::collections::HashMap;

use super::allow::Rounding;
use super::builder::{Builder, Entry, Local, Range};
use super::forward::Walk;
use super::frame::ROOT;
use super::subcall::{CallArg, Prepared, SubCall};
use crate::ast::{Ident, Stmt};
use crate::span::Span;
use crate::term::{
    Arg, Atom, Check, DType, DefId, Dim, DimBind, Input, InputId, InputKind, Int, Kernel, Output, Source,
    Step, Value, ValueId,
};

/// What a segment's builder hands back.
struct Segment {
    kernel: Kernel,
    args: Vec<Arg>,
    /// Definitions that become values, with the names they are visible by.
    values: Vec<(String, Span, DefId)>,
    /// What of it may be rounded, by the number of the permission.
    allowed: Vec<(usize, Source, Rounding)>,
    poisoned: Vec<(String, Span)>,
}

impl<'a> Walk<'_, 'a, '_> {
    /// A builder over the forward's sizes that sees all earlier names.
    pub fn builder(&mut self) -> Builder<'_, 'a> {
        let given = self.sizes_checked();
        let mut b = Builder::new(self.cx, self.file, String::new());
        b.generics.clone_from(&self.generics);
        b.k.dims =
            self.forward.dims.iter().map(|d| Dim { name: d.name.clone(), bind: DimBind::Layer }).collect();
        b.locals.clone_from(&self.names);
        b.forward_arguments = self.forward.inputs.len();
        let formats = self.layer.weights.iter().map(|w| w.stored.as_ref().map(|s| s.format.clone()));
        b.weight_formats = formats.collect();
        b.outputs.clone_from(&self.outputs);
        b.in_loop = self.rounds > 0;
        b.incomplete = self.incomplete;
        b.taken.extend(self.names.keys().cloned());
        b.taken.extend(self.fresh.iter().cloned());
        for c in &given {
            if let Check::Where { lhs, cmp, rhs, .. } = c {
                b.facts.assume(lhs, *cmp, rhs);
            }
        }
        b.k.given = given;
        for (name, range) in &self.letters {
            let letter = b.letter(ROOT, name);
            b.letters[letter.0].range = Some(range.clone());
        }
        b
    }

    /// What is checked at entry of sizes alone.
    fn sizes_checked(&self) -> Vec<Check> {
        let of_sizes = |c: &&Check| {
            matches!(c, Check::Where { lhs, rhs, .. }
                if ![lhs, rhs].iter().any(|e| super::builder::has_scalar(e)))
        };
        self.layer.checks.iter().chain(&self.forward.checks).filter(of_sizes).cloned().collect()
    }

    pub fn segment(
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
        let names = self.ast.allowed.iter().map(|(name, _)| name);
        let roundings: Vec<(&Ident, Option<Rounding>)> = names.zip(self.roundings.iter().copied()).collect();
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
        let allowed = (0..).zip(roundings).filter_map(|(n, (name, to))| Some((n, b.permitted(name)?, to?)));
        let allowed = allowed.collect();
        let segment = Segment { kernel: b.k.clone(), args: b.args.clone(), values, allowed, poisoned };
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
        let allowed: Vec<(Source, Rounding)> = s.allowed.iter().map(|(_, from, to)| (*from, *to)).collect();
        let found = super::allow::apply(&mut s.kernel, &allowed);
        for ((n, ..), found) in s.allowed.iter().zip(found) {
            self.permitted[*n] = Some(found || self.permitted[*n] == Some(true));
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
        steps.push(Step::Call { sublayer: c.sublayer, copy: p.copy, args, positions: p.positions, outs });
    }
}
