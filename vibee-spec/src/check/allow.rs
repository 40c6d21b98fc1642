//! `allow x: i8`: factors of sums that may be rounded, and by how much that may change them.
//!
//! Permission is part of a kernel's meaning, so it is written into its terms: a factor `x[t, k]` of a sum over `k`
//! becomes `near_i8(x[t, k], e)`, any value within `e` of it. The interpreter widens its bound by `e`; who rounds must
//! stay within. Nothing else may be rounded. Works on a finished kernel.

use std::collections::{HashMap, HashSet};

use super::builder::{Builder, Local};
use super::suggest;
use crate::ast::Ident;
use crate::diag::Diagnostic;
use crate::term::{
    Atom, DType, Def, DefId, ExprId, Exprs, FoldOp, IndexId, Int, Kernel, Node, Op, Output, Pos, Source,
};

/// Numbers that share a scale when they are rounded to whole numbers of 8 bits.
const SHARING: i64 = 32;
/// Half a step of the largest number's 127, and a little for dividing by the step and multiplying with it.
const HALF_STEP: f64 = 0.5001 / 127.0;
/// Half a step of 8 bits of a significand.
const BF16: f64 = 1.001 / 256.0;
/// What is smaller may become 0.
const TINY: f64 = 1.6e-36;
/// Where `bf16` are multiplied, factors and products below 2^-126 count as 0, and so may sums: twice that and a little.
/// Terms added one by one are a product and a sum each. In tiles of 32 terms a term and its sum are one step, and two
/// sums follow for all of them, which round nothing if an operand is 0: no more than two results a term either.
const FLUSHED: f64 = 2.4e-38;

/// What factors may be rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Whole numbers from -127 to 127 times a scale, one for 32 neighbours on the last axis.
    I8,
    /// The nearest `bf16`.
    Bf16,
}

impl Rounding {
    /// The one of that name.
    pub fn named(word: &str) -> Option<Rounding> {
        match word {
            "i8" => Some(Rounding::I8),
            "bf16" => Some(Rounding::Bf16),
            _ => None,
        }
    }

    fn op(self) -> Op {
        match self {
            Rounding::I8 => Op::NearI8,
            Rounding::Bf16 => Op::NearBf16,
        }
    }
}

impl<'a> Builder<'_, 'a> {
    /// Writes the permissions of a kernel's header into it. Of a generic one some may concern only other instances.
    pub fn allow(&mut self, allowed: &'a [(Ident, Ident)], generic: bool) {
        let sources = self.allowed(allowed);
        let known: Vec<(Source, Rounding)> = sources.iter().flatten().copied().collect();
        let mut found = apply(&mut self.k, &known).into_iter();
        for ((name, _), source) in allowed.iter().zip(sources) {
            if source.is_some() && found.next() == Some(false) && !generic {
                let d = without_effect(name);
                self.err(self.here(name.span), d);
            }
        }
    }

    /// What the permissions of a header are about; `None` after a reported error.
    fn allowed(&mut self, allowed: &'a [(Ident, Ident)]) -> Vec<Option<(Source, Rounding)>> {
        let one = |(name, to): &'a (Ident, Ident)| {
            let rounding = self.rounding(to)?;
            let source = self.permitted(name);
            if source.is_none()
                && !matches!(self.locals.get(&name.name).map(|e| &e.local), Some(Local::Poison))
            {
                let d = self.unknown_operand(name);
                self.err(self.here(name.span), d);
            }
            Some((source?, rounding))
        };
        allowed.iter().map(one).collect()
    }

    /// The array of `f32` that a name is at the point reached.
    pub fn permitted(&self, name: &Ident) -> Option<Source> {
        let source = match self.locals.get(&name.name)?.local {
            Local::Input(i) => Source::Input(i),
            Local::Def(d) => Source::Def(d),
            _ => return None,
        };
        let (shape, dtype) = self.shape(source);
        (!shape.is_empty() && *dtype == DType::F32 && self.packed_source(source).is_none()).then_some(source)
    }

    /// What a word says that operands are rounded to.
    pub fn rounding(&mut self, to: &Ident) -> Option<Rounding> {
        let known = Rounding::named(&to.name);
        if known.is_none() {
            let text = format!("operands are not rounded to `{}`", to.name);
            let d = Diagnostic::error("V0226", to.span, text)
                .hint("`i8`: whole numbers and a scale for 32 neighbours; `bf16`");
            self.err(self.here(to.span), d);
        }
        known
    }

    /// What is said of a name that is no operand.
    pub fn unknown_operand(&self, name: &Ident) -> Diagnostic {
        let text = format!("`{}` is no tensor of f32 here", name.name);
        let mut d = Diagnostic::error("V0226", name.span, text).label("only factors of sums are rounded");
        d.hint = suggest::hint(&name.name, self.locals.keys().map(String::as_str))
            .or_else(|| Some("name an argument or a definition".into()));
        d
    }
}

/// The warning about a permission that concerns nothing.
pub(super) fn without_effect(name: &Ident) -> Diagnostic {
    Diagnostic::warning("V0226", name.span, format!("nothing multiplies `{}` with what is kept so", name.name))
        .label("this permission concerns nothing")
        .hint(
            "a factor of `sum[i](x[t, i] * w[o, i])` may be rounded if `w` is in a format (`i8`) or `bf16` (`bf16`)",
        )
}

/// Writes permissions into a kernel; whether each of them concerns anything.
pub(super) fn apply(k: &mut Kernel, allowed: &[(Source, Rounding)]) -> Vec<bool> {
    let mut needed: Vec<(usize, usize)> = vec![];
    for d in &k.defs {
        let mut seen = vec![false; k.exprs.len()];
        let mut open = vec![d.body];
        while let Some(e) = open.pop() {
            if std::mem::replace(&mut seen[e.index()], true) {
                continue;
            }
            for f in concerned(k, e, allowed).into_iter().flatten() {
                if !needed.contains(&(f.permission, f.merged)) {
                    needed.push((f.permission, f.merged));
                }
            }
            open.extend(k.exprs.children(e));
        }
    }
    let found = (0..allowed.len()).map(|n| needed.iter().any(|(permission, _)| *permission == n)).collect();
    if !needed.is_empty() {
        let old = k.clone();
        Write { old, allowed, needed, steps: HashMap::new(), map: vec![], defs: vec![] }.all(k);
    }
    found
}

/// A factor that may be rounded.
#[derive(Clone, Copy)]
struct Factor {
    /// The number of the permission.
    permission: usize,
    /// How many of the last axes are summed: neighbours are counted along them, as if they were one.
    merged: usize,
}

/// Of a sum of products, which factors may be rounded, by which permission.
fn concerned(k: &Kernel, e: ExprId, allowed: &[(Source, Rounding)]) -> [Option<Factor>; 2] {
    let Node::Fold { op: FoldOp::Sum, over, guard: None, body } = k.exprs.node(e) else { return [None; 2] };
    let Node::Op(Op::Mul, args) = k.exprs.node(*body) else { return [None; 2] };
    [(args[0], args[1]), (args[1], args[0])].map(|(e, other)| {
        let (from, merged) = factor(&k.exprs, e, over)?;
        let of = |(source, rounding): &(Source, Rounding)| *source == from && is_kept(k, other, *rounding);
        Some(Factor { permission: allowed.iter().position(of)?, merged })
    })
}

/// The tensor that a factor is read of, and how many of its last axes are summed, if any.
fn factor(exprs: &Exprs, e: ExprId, over: &[IndexId]) -> Option<(Source, usize)> {
    let Node::Load { from, at, outside: None } = exprs.node(e) else { return None };
    let is_summed = |p: &&Pos| {
        let Pos::At(p) = p else { return false };
        let (mut any, mut summed) = (false, true);
        p.visit_leaves(&mut |a| match a {
            Atom::Index(i) => {
                any = true;
                summed &= over.contains(i);
            }
            Atom::Scalar(_) => summed = false,
            _ => {}
        });
        any && summed
    };
    let merged = at.iter().rev().take_while(is_summed).count();
    (merged > 0 && *exprs.dtype(e) == DType::F32).then_some((*from, merged))
}

/// Whether a factor is kept in so few bits that rounding the other one is worth it: in a format, or as `bf16`.
fn is_kept(k: &Kernel, e: ExprId, rounding: Rounding) -> bool {
    let mut open = vec![e];
    let mut seen = HashSet::new();
    while let Some(e) = open.pop() {
        if !seen.insert(e) {
            continue;
        }
        if let Node::Load { from, .. } = k.exprs.node(e) {
            let kept = match (from, rounding) {
                (Source::Input(i), Rounding::I8) => k.packed(*i).is_some(),
                (Source::Def(_), Rounding::I8) => false,
                (Source::Input(i), Rounding::Bf16) => k.input(*i).dtype == DType::BF16,
                (Source::Def(d), Rounding::Bf16) => k.def(*d).dtype == DType::BF16,
            };
            if kept {
                return true;
            }
        }
        open.extend(k.exprs.children(e));
    }
    false
}

/// The kernel's definitions written anew.
struct Write<'a> {
    /// As it was.
    old: Kernel,
    allowed: &'a [(Source, Rounding)],
    /// Permissions that concern something, each with numbers of merged axes.
    needed: Vec<(usize, usize)>,
    /// Half steps of what may be rounded to `i8`, where they are, by how many axes are merged.
    steps: HashMap<(Source, usize), DefId>,
    /// New places of definitions.
    map: Vec<DefId>,
    defs: Vec<Def>,
}

impl Write<'_> {
    fn all(&mut self, k: &mut Kernel) {
        for (source, merged) in self.of_i8() {
            if let Source::Input(_) = source {
                self.half_steps(k, source, source, merged);
            }
        }
        for d in std::mem::take(&mut k.defs) {
            let old = Source::Def(DefId(u32::try_from(self.map.len()).unwrap_or(u32::MAX)));
            let body = self.expr(k, d.body);
            let new = self.push(Def { body, ..d });
            self.map.push(new);
            for (source, merged) in self.of_i8() {
                if source == old {
                    self.half_steps(k, source, Source::Def(new), merged);
                }
            }
        }
        k.defs = std::mem::take(&mut self.defs);
        let moved = |o: &Output| Output { name: o.name.clone(), def: self.map[o.def.index()] };
        k.outputs = k.outputs.iter().map(moved).collect();
    }

    fn of_i8(&self) -> Vec<(Source, usize)> {
        let all = self.needed.iter().map(|(n, merged)| (self.allowed[*n], *merged));
        all.filter(|((_, r), _)| *r == Rounding::I8).map(|((s, _), merged)| (s, merged)).collect()
    }

    fn push(&mut self, d: Def) -> DefId {
        self.defs.push(d);
        DefId(u32::try_from(self.defs.len() - 1).unwrap_or(u32::MAX))
    }

    /// Defines the largest change of every 32 neighbours of `source`, which is at `place` now.
    fn half_steps(&mut self, k: &mut Kernel, source: Source, place: Source, merged: usize) {
        let (name, shape) = match place {
            Source::Input(i) => (k.input(i).name.clone(), k.input(i).shape.clone()),
            Source::Def(d) => (self.defs[d.index()].name.clone(), self.defs[d.index()].shape.clone()),
        };
        let (lead, row) = shape.split_at(shape.len() - merged);
        let mut name = format!("{name}_half_step");
        while self.defs.iter().any(|d| d.name == name) || k.inputs.iter().any(|i| i.name == name) {
            name.push('_');
        }
        let sharing = Int::constant(SHARING);
        let width = row.iter().fold(Int::constant(1), |p, e| p.mul(e));
        let blocks = width.add(&Int::constant(SHARING - 1)).floor_div(&sharing);
        let shape: Vec<Int> = lead.iter().cloned().chain([blocks]).collect();
        let letter = |n: usize| if n == lead.len() { "b".to_owned() } else { format!("r{n}") };
        let indices: Vec<IndexId> =
            shape.iter().enumerate().map(|(n, extent)| k.fresh_index(letter(n), extent.clone())).collect();
        let one = k.fresh_index("c", sharing.clone());
        let store: Vec<Int> = indices.iter().map(|i| Int::index(*i)).collect();
        let place_in_row = store[lead.len()].scale(SHARING).add(&Int::index(one));
        let digits = row.iter().enumerate().map(|(n, extent)| {
            let digit = place_in_row.floor_div(&inside(row, n));
            // Beyond the row the first axis is beyond its end.
            if n == 0 { digit } else { digit.floor_mod(extent) }
        });
        let at = store[..lead.len()].iter().cloned().chain(digits).map(Pos::At).collect();
        let e = &mut k.exprs;
        let outside = Some(e.f32(0.0));
        let value = e.intern(Node::Load { from: place, at, outside }, DType::F32);
        let size = e.intern(Node::Op(Op::Abs, vec![value]), DType::F32);
        let most =
            e.intern(Node::Fold { op: FoldOp::Max, over: vec![one], guard: None, body: size }, DType::F32);
        let (half, tiny) = (e.f32(HALF_STEP), e.f32(TINY));
        let step = e.intern(Node::Op(Op::Mul, vec![most, half]), DType::F32);
        let body = e.intern(Node::Op(Op::Add, vec![step, tiny]), DType::F32);
        let def =
            self.push(Def { name, indices, dtype: DType::F32, shape, store, body, text: String::new() });
        self.steps.insert((source, merged), def);
    }

    /// An expression over the new places, in which factors may be near what they were.
    fn expr(&mut self, k: &mut Kernel, root: ExprId) -> ExprId {
        self.rebuilt(k, root, &mut HashMap::new())
    }

    fn rebuilt(&mut self, k: &mut Kernel, e: ExprId, done: &mut HashMap<ExprId, ExprId>) -> ExprId {
        if let Some(known) = done.get(&e) {
            return *known;
        }
        let dtype = k.exprs.dtype(e).clone();
        let node = match k.exprs.node(e).clone() {
            leaf @ (Node::Float(..) | Node::Bool(_) | Node::Int(_)) => leaf,
            Node::Load { from, at, outside } => {
                let at = at
                    .into_iter()
                    .map(|p| match p {
                        Pos::Data(e) => Pos::Data(self.rebuilt(k, e, done)),
                        Pos::At(i) => Pos::At(i),
                    })
                    .collect();
                let from = match from {
                    Source::Def(d) => Source::Def(self.map[d.index()]),
                    Source::Input(i) => Source::Input(i),
                };
                let outside = outside.map(|e| self.rebuilt(k, e, done));
                Node::Load { from, at, outside }
            }
            Node::Op(op, args) => Node::Op(op, args.iter().map(|a| self.rebuilt(k, *a, done)).collect()),
            Node::Cast(t, a) => Node::Cast(t, self.rebuilt(k, a, done)),
            Node::Fold { op, over, guard, body } => {
                let guard = guard.map(|g| self.rebuilt(k, g, done));
                // What the permissions say of old places; definitions of other places are written by now.
                let marked = concerned(&self.old, e, self.allowed);
                let mut body = self.rebuilt(k, body, done);
                if let (Node::Op(Op::Mul, args), true) =
                    (k.exprs.node(body).clone(), marked.iter().any(Option::is_some))
                {
                    let near = |(a, m): (&ExprId, &Option<Factor>)| m.map_or(*a, |m| self.near(k, *a, m));
                    let args: Vec<ExprId> = args.iter().zip(&marked).map(near).collect();
                    let dtype = k.exprs.dtype(body).clone();
                    body = k.exprs.intern(Node::Op(Op::Mul, args.clone()), dtype);
                    body = self.flushed(k, body, &args);
                }
                Node::Fold { op, over, guard, body }
            }
        };
        let new = k.exprs.intern(node, dtype);
        done.insert(e, new);
        new
    }

    /// A product that instructions for `bf16` may make of small numbers, if one of its factors may be rounded so.
    fn flushed(&self, k: &mut Kernel, product: ExprId, factors: &[ExprId]) -> ExprId {
        let rounded = |e: &ExprId| match k.exprs.node(*e) {
            Node::Op(Op::NearBf16, args) => Some(args[0]),
            _ => None,
        };
        let Some(x) = factors.iter().find_map(rounded) else { return product };
        let op = |k: &mut Kernel, op, args| k.exprs.intern(Node::Op(op, args), DType::F32);
        let (one, flushed) = (k.exprs.f32(1.0), k.exprs.f32(FLUSHED));
        let size = op(k, Op::Abs, vec![x]);
        let size = op(k, Op::Add, vec![size, one]);
        let by = op(k, Op::Mul, vec![size, flushed]);
        op(k, Op::NearBf16, vec![product, by])
    }

    /// `value`, a read of a tensor, or what rounding may make of it.
    fn near(&self, k: &mut Kernel, value: ExprId, factor: Factor) -> ExprId {
        let (source, rounding) = self.allowed[factor.permission];
        let Node::Load { at, .. } = k.exprs.node(value).clone() else { return value };
        let e = match (rounding, self.steps.get(&(source, factor.merged))) {
            (Rounding::Bf16, _) => {
                let size = k.exprs.intern(Node::Op(Op::Abs, vec![value]), DType::F32);
                let (half, tiny) = (k.exprs.f32(BF16), k.exprs.f32(TINY));
                let step = k.exprs.intern(Node::Op(Op::Mul, vec![size, half]), DType::F32);
                k.exprs.intern(Node::Op(Op::Add, vec![step, tiny]), DType::F32)
            }
            (Rounding::I8, Some(steps)) => {
                let shape = match source {
                    Source::Input(i) => &self.old.input(i).shape,
                    Source::Def(d) => &self.old.def(d).shape,
                };
                let (lead, row) = at.split_at(at.len() - factor.merged);
                let extents = &shape[lead.len()..];
                let mut place = Int::default();
                for (n, p) in row.iter().enumerate() {
                    let Pos::At(p) = p else { return value };
                    place = place.add(&p.mul(&inside(extents, n)));
                }
                let block = Pos::At(place.floor_div(&Int::constant(SHARING)));
                let at = lead.iter().cloned().chain([block]).collect();
                k.exprs.intern(Node::Load { from: Source::Def(*steps), at, outside: None }, DType::F32)
            }
            _ => return value,
        };
        k.exprs.intern(Node::Op(rounding.op(), vec![value, e]), DType::F32)
    }
}

/// How many places of a row one of axis `n` takes.
fn inside(row: &[Int], n: usize) -> Int {
    row[n + 1..].iter().fold(Int::constant(1), |p, e| p.mul(e))
}
