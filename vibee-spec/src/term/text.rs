//! The text form of terms: stable and readable, for snapshots and `vibee show term`.
//!
//! It shows the term as it is, resolved names included, and is not the language: casts, data
//! positions and stores are spelled out. Nothing reads it back.

use std::fmt::Write;

use super::{
    Arg, Check, Cmp, DType, Def, DimBind, ExprId, Forward, IndexId, Int, Kernel, Layer, Model, Names, Node,
    Op, ParamRef, Pos, Source, Step,
};

/// A kernel, one definition a line.
#[must_use]
pub fn kernel(k: &Kernel) -> String {
    let mut out = String::new();
    let n = Names::of(k);
    let _ = write!(out, "kernel {}({})", k.name, params(k));
    let outs: Vec<String> = k
        .outputs
        .iter()
        .filter_map(|o| {
            k.defs.get(o.def.index()).map(|d| format!("{}: {}", o.name, n.tensor(&d.dtype, &d.shape)))
        })
        .collect();
    let _ = writeln!(out, " -> ({})", outs.join(", "));
    dims(&mut out, &k.dims, &n);
    checks(&mut out, &k.checks, &n);
    for (d, values) in &k.specialise {
        let list: Vec<String> = values.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "  specialise {}: {}", n.int(&Int::dim(*d)), list.join(", "));
    }
    for d in &k.defs {
        let _ = writeln!(out, "  {}", def(k, d));
    }
    out
}

/// One definition, `ms[t]: f32 = sum[d](…) / D`.
#[must_use]
pub fn def(k: &Kernel, d: &Def) -> String {
    let mut p = Printer { k, renamed: vec![], scope: d.indices.clone() };
    let n = Names::of(k);
    let at: Vec<String> = d.store.iter().map(|s| n.int(s)).collect();
    let axes: Vec<String> = d
        .indices
        .iter()
        .map(|i| format!("{} in {}", n.index(*i), n.int(&k.indices[i.index()].extent)))
        .collect();
    let left = if axes.is_empty() {
        String::new()
    } else if d.store.len() == d.indices.len()
        && d.store.iter().zip(&d.indices).all(|(s, i)| s.as_index() == Some(*i))
    {
        format!("[{}]", axes.join(", "))
    } else {
        format!("[{}; {}]", at.join(", "), axes.join(", "))
    };
    format!("{}{left}: {} = {}", d.name, n.dtype(&d.dtype), p.expr(d.body, 0))
}

/// One expression of a kernel.
#[must_use]
pub fn expr(k: &Kernel, e: ExprId) -> String {
    Printer { k, renamed: vec![], scope: vec![] }.expr(e, 0)
}

fn params(k: &Kernel) -> String {
    let n = Names::of(k);
    let list: Vec<String> = k
        .params
        .iter()
        .map(|p| match p {
            ParamRef::Input(i) => {
                let input = k.input(*i);
                let weight = if input.kind == super::InputKind::Weight { "weight " } else { "" };
                format!("{weight}{}: {}", input.name, n.tensor(&input.dtype, &input.shape))
            }
            ParamRef::Dim(d) => format!("{}: dim", n.int(&Int::dim(*d))),
        })
        .collect();
    list.join(", ")
}

fn dims(out: &mut String, dims: &[super::Dim], n: &Names<'_>) {
    for d in dims {
        let bind = match &d.bind {
            DimBind::Argument => "argument".to_string(),
            DimBind::Layer => "layer".to_string(),
            DimBind::Axis { input, axis, offset, factor, blocks } => {
                let mut text = format!("{}.{axis}", n.inputs.get(input.index()).map_or("?", |i| &i.name));
                if let Some(b) = blocks {
                    text = format!("{text} / {} * {}", b.bytes, b.numbers);
                }
                if *offset != Int::default() {
                    text = format!("({text} - ({}))", n.int(offset));
                }
                if factor.as_const() != Some(1) {
                    text = format!("{text} / ({})", n.int(factor));
                }
                text
            }
        };
        let _ = writeln!(out, "  dim {} = {bind}", d.name);
    }
}

fn checks(out: &mut String, checks: &[Check], n: &Names<'_>) {
    for c in checks {
        let _ = match c {
            Check::Axis { input, axis, expect } => {
                let name = n.inputs.get(input.index()).map_or("?", |i| &i.name);
                writeln!(out, "  check {name}.{axis} == {}", n.int(expect))
            }
            Check::Where { lhs, cmp, rhs, .. } => {
                let sign = match cmp {
                    Cmp::Eq => "==",
                    Cmp::Ne => "!=",
                    Cmp::Lt => "<",
                    Cmp::Le => "<=",
                };
                writeln!(out, "  check {} {sign} {}", n.int(lhs), n.int(rhs))
            }
            Check::InRange { text, domain, low, high, extent } => writeln!(
                out,
                "  check {text}: {}..={} in 0..{} over [{}]",
                n.int(low),
                n.int(high),
                n.int(extent),
                n.list(domain)
            ),
        };
    }
}

/// Prints expressions with as few parentheses as precedence allows.
struct Printer<'a> {
    k: &'a Kernel,
    renamed: Vec<(IndexId, String)>,
    scope: Vec<IndexId>,
}

impl Printer<'_> {
    fn names(&self) -> Names<'_> {
        Names { renamed: &self.renamed, ..Names::of(self.k) }
    }

    /// Level 0 is anything, 1 comparison operands, 2 sums, 3 products, 4 powers and atoms.
    fn expr(&mut self, e: ExprId, level: u8) -> String {
        match self.k.exprs.node(e) {
            Node::Float(bits, t) => {
                let v = f64::from_bits(*bits);
                let text = if v.is_infinite() {
                    if v > 0.0 { "inf".into() } else { "-inf".into() }
                } else if v.is_nan() {
                    "nan".into()
                } else {
                    format!("{v:?}")
                };
                if *t == DType::F64 { format!("{text}f64") } else { text }
            }
            Node::Bool(b) => b.to_string(),
            Node::Int(i) => {
                let single =
                    i.terms().count() <= 1 && i.terms().all(|(m, c)| m.len() < 2 && (m.is_empty() || c == 1));
                let leaf =
                    single && !matches!(i.as_atom(), Some(super::Atom::Div(..) | super::Atom::Mod(..)));
                let text = self.names().int(i);
                if leaf || level < 2 { text } else { format!("({text})") }
            }
            Node::Load { from, at, outside } => self.load(*from, at, *outside),
            Node::Op(op, args) => self.op(*op, args, level),
            Node::Cast(t, x) => {
                let t = self.names().dtype(t);
                format!("{t}({})", self.expr(*x, 0))
            }
            Node::Fold { op, over, guard, body } => {
                let (mark, depth) = (self.renamed.len(), self.scope.len());
                let mut letters = vec![];
                for i in over {
                    self.bind(*i);
                    letters.push(format!(
                        "{} in {}",
                        self.names().index(*i),
                        self.names().int(&self.k.indices[i.index()].extent)
                    ));
                }
                let guard = guard.map(|g| format!(" if {}", self.expr(g, 0))).unwrap_or_default();
                let text = format!("{}[{}{guard}]({})", op.name(), letters.join(", "), self.expr(*body, 0));
                self.renamed.truncate(mark);
                self.scope.truncate(depth);
                text
            }
        }
    }

    /// A letter that is already taken in this scope gets primes.
    fn bind(&mut self, i: IndexId) {
        let mut name = self.k.indices[i.index()].name.clone();
        while self.scope.iter().any(|o| self.names().index(*o) == name) {
            name.push('\'');
        }
        if name != self.k.indices[i.index()].name {
            self.renamed.push((i, name));
        }
        self.scope.push(i);
    }

    fn load(&mut self, from: Source, at: &[Pos], outside: Option<ExprId>) -> String {
        let name = match from {
            Source::Input(i) => self.k.input(i).name.clone(),
            Source::Def(d) => self.k.def(d).name.clone(),
        };
        if at.is_empty() {
            return name;
        }
        let at: Vec<String> = at
            .iter()
            .map(|p| match p {
                Pos::At(i) => self.names().int(i),
                Pos::Data(e) => self.expr(*e, 0),
            })
            .collect();
        let outside = outside.map(|o| format!("; {}", self.expr(o, 0))).unwrap_or_default();
        format!("{name}[{}{outside}]", at.join(", "))
    }

    fn op(&mut self, op: Op, args: &[ExprId], level: u8) -> String {
        let infix = |sign: &'static str, own: u8, left: u8, right: u8| Some((sign, own, left, right));
        let shape = match op {
            Op::Or => infix(" or ", 0, 1, 1),
            Op::And => infix(" and ", 0, 1, 1),
            Op::Lt => infix(" < ", 1, 2, 2),
            Op::Le => infix(" <= ", 1, 2, 2),
            Op::Gt => infix(" > ", 1, 2, 2),
            Op::Ge => infix(" >= ", 1, 2, 2),
            Op::Eq => infix(" == ", 1, 2, 2),
            Op::Ne => infix(" != ", 1, 2, 2),
            Op::Add => infix(" + ", 2, 2, 3),
            Op::Sub => infix(" - ", 2, 2, 3),
            Op::Mul => infix(" * ", 3, 3, 4),
            Op::Div => infix(" / ", 3, 3, 4),
            Op::IDiv => infix(" // ", 3, 3, 4),
            Op::Mod => infix(" % ", 3, 3, 4),
            Op::Pow => infix(" ^ ", 4, 5, 4),
            _ => None,
        };
        let (text, own) = match (op, shape, args) {
            (_, Some((sign, own, left, right)), [a, b]) => {
                (format!("{}{sign}{}", self.expr(*a, left), self.expr(*b, right)), own)
            }
            (Op::Neg, _, [a]) => (format!("-{}", self.expr(*a, 4)), 3),
            (Op::Not, _, [a]) => (format!("not {}", self.expr(*a, 1)), 0),
            (Op::Select, _, [c, a, b]) => {
                (format!("if {} then {} else {}", self.expr(*c, 0), self.expr(*a, 0), self.expr(*b, 0)), 0)
            }
            _ => {
                let args: Vec<String> = args.iter().map(|a| self.expr(*a, 0)).collect();
                (format!("{}({})", op.info().name, args.join(", ")), 5)
            }
        };
        if own < level || (own == 0 && level > 0) { format!("({text})") } else { text }
    }
}

/// A layer: its dims, weights and forward.
#[must_use]
pub fn layer(l: &Layer) -> String {
    let mut out = format!("layer {}[{}]\n", l.name, l.dims.join(", "));
    let f = &l.forward;
    let n = Names { dims: &f.dims, indices: &[], inputs: &f.inputs, renamed: &[] };
    checks(&mut out, &l.checks, &n);
    for w in &l.weights {
        let _ = writeln!(out, "  weight {}: {} = {:?}", w.name, n.weight(w), w.tensor);
    }
    for s in &l.sublayers {
        let count = s.count.as_ref().map(|c| format!(" * {}", n.int(c))).unwrap_or_default();
        let from = s.module.as_ref().map(|m| format!(" from {m}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "  layer {}: {}[{}]{count} = {:?}{from}",
            s.name,
            s.layer,
            n.list(&s.dims),
            s.prefix
        );
    }
    for s in &l.scalars {
        let _ = writeln!(out, "  scalar {s}");
    }
    forward(&mut out, l, f, &n);
    out
}

/// A model: its layer after its configuration.
#[must_use]
pub fn model(m: &Model) -> String {
    let mut out = String::from("model config\n");
    for c in &m.config {
        let key = c.key.as_ref().map(|k| format!(" {k:?}")).unwrap_or_default();
        let value = c.value.map(|v| format!(" = {v:?}")).unwrap_or_default();
        let _ = writeln!(out, "  {}:{key}{value}", c.name);
    }
    out + &layer(&m.layer)
}

fn forward(out: &mut String, l: &Layer, f: &Forward, n: &Names<'_>) {
    let value = |v: super::ValueId| {
        f.values
            .get(v.index())
            .map_or_else(|| v.to_string(), |x| format!("{v} {}: {}", x.name, n.tensor(&x.dtype, &x.shape)))
    };
    let ins: Vec<String> =
        (0..f.inputs.len()).map(|i| value(super::ValueId(u32::try_from(i).unwrap_or(u32::MAX)))).collect();
    let outs: Vec<String> = f.outputs.iter().map(|v| value(*v)).collect();
    let _ = writeln!(out, "  forward({}) -> ({})", ins.join(", "), outs.join(", "));
    dims(out, &f.dims, n);
    checks(out, &f.checks, n);
    for s in &f.steps {
        step(out, l, s, 1, &value, n);
    }
}

fn step(
    out: &mut String,
    l: &Layer,
    s: &Step,
    depth: usize,
    value: &dyn Fn(super::ValueId) -> String,
    n: &Names<'_>,
) {
    let pad = "  ".repeat(depth);
    let list = |args: &[Arg]| -> String {
        args.iter()
            .map(|a| match a {
                Arg::Value(v) => v.to_string(),
                Arg::Weight(w) => l.weights.get(*w).map_or_else(|| "?".into(), |w| w.name.clone()),
                Arg::Scalar(s) => l.scalars.get(*s).cloned().unwrap_or_else(|| "?".into()),
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    let outs = |outs: &[super::ValueId]| outs.iter().map(|v| value(*v)).collect::<Vec<_>>().join(", ");
    match s {
        Step::Compute { kernel: k, args, outs: o } => {
            let _ = writeln!(out, "{pad}compute({}) -> ({})", list(args), outs(o));
            for line in kernel(k).lines().filter(|line| !line.trim_start().starts_with("dim ")) {
                let _ = writeln!(out, "{pad}  {line}");
            }
        }
        Step::Call { sublayer, copy, args, outs: o, .. } => {
            let name = l.sublayers.get(*sublayer).map_or("?", |s| &s.name);
            // The loop one out from the innermost is i', and so on.
            let i = copy.map_or(String::new(), |at| format!("[i{}]", "'".repeat(depth - 2 - at)));
            let _ = writeln!(out, "{pad}call {name}{i}({}) -> ({})", list(args), outs(o));
        }
        Step::Loop { count, body, carried } => {
            let names: Vec<String> = carried.iter().map(|(a, b)| format!("{a} <- {b}")).collect();
            let _ = writeln!(out, "{pad}loop {} ({})", n.int(count), names.join(", "));
            for s in body {
                step(out, l, s, depth + 1, value, n);
            }
        }
    }
}
