//! What every pass may rely on, checked.
//!
//! A kernel is well-formed if
//! 1. *closed*: every id in use is in its arena; dims are solved in order, each from earlier ones;
//!    shapes and extents are over dims alone; positions and values mention only indices bound
//!    around them (by the definition's axes or by folds);
//! 2. *unique binders*: an index is bound once per definition, an axis of the definition or one
//!    fold (a fold expression that occurs twice is the same fold);
//! 3. *backward*: a definition loads only earlier definitions, and outputs are definitions;
//! 4. *ranks*: a load has one position per axis, a scalar has none; folds bind something, and
//!    `argmax`/`argmin` exactly one index;
//! 5. *typed*: operands and results of operators, folds, casts, loads and definitions have the
//!    types the operator table and the language reference say; data positions are `idx`;
//! 6. *stores*: a definition's store has one position per stored axis, every position counts
//!    through its own indices without gaps (`h*C + c`), every index is in exactly one;
//! 7. *names*: definitions have distinct names, and so have inputs.
//!
//! Not checked here, because it needs the constraints: that positions are in range (the checker
//! proves it or leaves an entry check).

use std::collections::HashSet;

use super::{
    Atom, Check, DType, Def, DimBind, ExprId, FoldOp, IndexId, Int, Kernel, Node, Op, ParamRef, Pos, Source,
};
use crate::term::ops::{ANY, Domain};

/// The first invariant that does not hold.
pub fn verify(k: &Kernel) -> Result<(), String> {
    let mut v = Verifier { k, at: 0, bound: vec![], binders: HashSet::new(), done: HashSet::new() };
    v.header()?;
    let mut names = HashSet::new();
    for (at, d) in k.defs.iter().enumerate() {
        if !names.insert(d.name.as_str()) {
            return Err(format!("two definitions are named `{}`", d.name));
        }
        v.at = at;
        v.def(d).map_err(|e| format!("`{}`: {e}", d.name))?;
    }
    for o in &k.outputs {
        if o.def.index() >= k.defs.len() {
            return Err(format!("the output `{}` has no definition", o.name));
        }
    }
    Ok(())
}

struct Verifier<'k> {
    k: &'k Kernel,
    /// Definition being verified.
    at: usize,
    /// Indices bound at the point reached, outermost first.
    bound: Vec<IndexId>,
    /// Folds of this definition by the index they bind.
    binders: HashSet<IndexId>,
    /// Expressions verified under exactly the bound indices they need.
    done: HashSet<(ExprId, Vec<IndexId>)>,
}

impl Verifier<'_> {
    fn header(&self) -> Result<(), String> {
        let k = self.k;
        for (n, d) in k.dims.iter().enumerate() {
            if let DimBind::Axis { input, axis, offset, factor, .. } = &d.bind {
                let input =
                    k.inputs.get(input.index()).ok_or_else(|| format!("`{}` has no such input", d.name))?;
                if *axis >= input.shape.len() {
                    return Err(format!("`{}` is bound by a missing axis", d.name));
                }
                for e in [offset, factor] {
                    self.leaves(e, &|a| matches!(a, Atom::Dim(d) if d.index() < n))
                        .map_err(|e| format!("dim `{}`: {e}", d.name))?;
                }
            }
        }
        let mut names = HashSet::new();
        for i in &k.inputs {
            if !names.insert(i.name.as_str()) {
                return Err(format!("two inputs are named `{}`", i.name));
            }
            self.over_dims(&i.shape).map_err(|e| format!("input `{}`: {e}", i.name))?;
            self.dtype(&i.dtype)?;
        }
        for p in &k.params {
            let fine = match p {
                ParamRef::Input(i) => i.index() < k.inputs.len(),
                ParamRef::Dim(d) => d.index() < k.dims.len(),
            };
            if !fine {
                return Err("a parameter refers to nothing".into());
            }
        }
        for i in &k.indices {
            self.over_dims(std::slice::from_ref(&i.extent))
                .map_err(|e| format!("index `{}`: {e}", i.name))?;
        }
        for c in &k.checks {
            self.check(c)?;
        }
        Ok(())
    }

    fn check(&self, c: &Check) -> Result<(), String> {
        let entry = |e: &Int| self.leaves(e, &|a| !matches!(a, Atom::Index(_)));
        match c {
            Check::Axis { input, axis, expect } => {
                let input = self.k.inputs.get(input.index()).ok_or("a check has no such input")?;
                if *axis >= input.shape.len() {
                    return Err("a check has no such axis".into());
                }
                self.over_dims(std::slice::from_ref(expect))
            }
            Check::Where { lhs, rhs, .. } => entry(lhs).and(entry(rhs)),
            Check::InRange { domain, low, high, extent, .. } => {
                domain.iter().chain([low, high, extent]).try_for_each(entry)
            }
        }
    }

    /// Every leaf is in its arena and allowed.
    fn leaves(&self, e: &Int, allowed: &dyn Fn(&Atom) -> bool) -> Result<(), String> {
        let mut bad = None;
        e.visit_leaves(&mut |a| {
            let known = match a {
                Atom::Dim(d) => d.index() < self.k.dims.len(),
                Atom::Index(i) => i.index() < self.k.indices.len(),
                Atom::Scalar(s) => {
                    self.k.inputs.get(s.index()).is_some_and(|i| i.shape.is_empty() && i.dtype.is_int())
                }
                _ => false,
            };
            if !known || !allowed(a) {
                bad = Some(format!("{a:?} cannot stand here"));
            }
        });
        bad.map_or(Ok(()), Err)
    }

    fn over_dims(&self, all: &[Int]) -> Result<(), String> {
        all.iter().try_for_each(|e| self.leaves(e, &|a| matches!(a, Atom::Dim(_))))
    }

    fn dtype(&self, t: &DType) -> Result<(), String> {
        match t {
            DType::Idx(n) | DType::Len(n) => self.over_dims(std::slice::from_ref(n)),
            _ => Ok(()),
        }
    }

    fn position(&self, e: &Int) -> Result<(), String> {
        self.leaves(e, &|a| !matches!(a, Atom::Index(i) if !self.bound.contains(i)))
            .map_err(|e| format!("{e}: an index is not bound"))
    }

    fn def(&mut self, d: &Def) -> Result<(), String> {
        self.bound.clear();
        self.binders.clear();
        self.done.clear();
        for i in &d.indices {
            if i.index() >= self.k.indices.len() || self.bound.contains(i) {
                return Err(format!("axis {i} is missing or bound twice"));
            }
            self.bound.push(*i);
            self.binders.insert(*i);
        }
        self.dtype(&d.dtype)?;
        self.over_dims(&d.shape)?;
        self.store(d)?;
        self.expr(d.body)?;
        let have = self.k.exprs.dtype(d.body);
        if *have != d.dtype.computed() {
            return Err(format!("the value has type {have:?}, stored as {:?}", d.dtype));
        }
        Ok(())
    }

    fn store(&self, d: &Def) -> Result<(), String> {
        if d.store.len() != d.shape.len() {
            return Err("one stored position per axis".into());
        }
        let mut left: Vec<IndexId> = d.indices.clone();
        for p in &d.store {
            self.position(p)?;
            let mut rest = p.clone();
            let mut digits = vec![];
            for i in d.indices.iter().filter(|i| p.mentions(**i)) {
                let Some((c, without)) = rest.linear_in(*i) else {
                    return Err(format!("the stored position is not linear in {i}"));
                };
                if !left.contains(i) {
                    return Err(format!("{i} stands in two stored positions"));
                }
                left.retain(|x| x != i);
                digits.push(c);
                rest = without;
            }
            // Strides equal products of extents only up to the constraints; a plain digit is exact.
            if rest != Int::default() || digits.is_empty() || !digits.iter().any(|c| c.as_const() == Some(1))
            {
                return Err("a stored position does not count through its indices".into());
            }
        }
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?} are not stored")) }
    }

    fn expr(&mut self, e: ExprId) -> Result<(), String> {
        if e.index() >= self.k.exprs.len() {
            return Err(format!("{e} is not in the arena"));
        }
        if !self.done.insert((e, self.bound.clone())) {
            return Ok(());
        }
        let have = self.k.exprs.dtype(e).clone();
        self.dtype(&have)?;
        match self.k.exprs.node(e) {
            Node::Float(_, t) if *t == have && matches!(t, DType::F32 | DType::F64) => Ok(()),
            Node::Float(..) => Err(format!("{e}: a float constant of type {have:?}")),
            Node::Bool(_) => wanted(e, &have, &DType::Bool),
            Node::Int(i) => {
                wanted(e, &have, &DType::I32)?;
                self.position(i)
            }
            Node::Load { from, at, outside } => self.load(e, *from, at, *outside, &have),
            Node::Op(op, args) => {
                for a in args {
                    self.expr(*a)?;
                }
                self.op(e, *op, args, &have)
            }
            Node::Cast(t, x) => {
                self.expr(*x)?;
                self.dtype(t)?;
                if *self.k.exprs.dtype(*x) == DType::Bool || *t == DType::Bool {
                    return Err(format!("{e}: a cast of a truth value"));
                }
                wanted(e, &have, &t.computed())
            }
            Node::Fold { op, over, guard, body } => self.fold(e, *op, over, *guard, *body, &have),
        }
    }

    fn load(
        &mut self,
        e: ExprId,
        from: Source,
        at: &[Pos],
        outside: Option<ExprId>,
        have: &DType,
    ) -> Result<(), String> {
        let (shape, dtype) = match from {
            Source::Input(i) => {
                let i = self.k.inputs.get(i.index()).ok_or_else(|| format!("{e}: no such input"))?;
                (&i.shape, &i.dtype)
            }
            Source::Def(d) if d.index() < self.at => {
                let d = &self.k.defs[d.index()];
                (&d.shape, &d.dtype)
            }
            Source::Def(d) => return Err(format!("{e}: {d} is not an earlier definition")),
        };
        if shape.len() != at.len() {
            return Err(format!("{e}: {} positions for {} axes", at.len(), shape.len()));
        }
        wanted(e, have, &dtype.computed())?;
        for p in at {
            match p {
                Pos::At(i) => self.position(i).map_err(|m| format!("{e}: {m}"))?,
                Pos::Data(x) => {
                    self.expr(*x)?;
                    if !matches!(self.k.exprs.dtype(*x), DType::Idx(_)) {
                        return Err(format!("{e}: a data position that is not `idx`"));
                    }
                }
            }
        }
        if let Some(o) = outside {
            self.expr(o)?;
            wanted(o, self.k.exprs.dtype(o), have)?;
        }
        Ok(())
    }

    fn op(&self, e: ExprId, op: Op, args: &[ExprId], have: &DType) -> Result<(), String> {
        let info = op.info();
        let fits = if info.arity == ANY { args.len() >= 2 } else { args.len() == info.arity };
        if !fits {
            return Err(format!("{e}: {} arguments of `{}`", args.len(), info.name));
        }
        let types: Vec<&DType> = args.iter().map(|a| self.k.exprs.dtype(*a)).collect();
        // The first argument of these chooses among the others.
        let chooses = match op {
            Op::Select => Some(DType::Bool),
            Op::Pick => Some(DType::I32),
            _ => None,
        };
        let operands = if chooses.is_some() { &types[1..] } else { &types[..] };
        if let Some(by) = chooses {
            wanted(args[0], types[0], &by)?;
        }
        let known = |e: &ExprId| matches!(self.k.exprs.node(*e), Node::Int(_) | Node::Float(..));
        let fixed = match op {
            Op::Pick => &args[1..],
            Op::Bits | Op::Signed | Op::Join => &args[if op == Op::Join { 2 } else { 1 }..],
            _ => &[],
        };
        if !fixed.iter().all(known) {
            return Err(format!("{e}: `{}` of a count or constant that is data", info.name));
        }
        if operands.iter().any(|t| *t != operands[0]) {
            return Err(format!("{e}: `{}` of {types:?}", info.name));
        }
        let t = operands[0];
        let fits = match info.domain {
            Domain::Float => matches!(t, DType::F32 | DType::F64),
            Domain::Single => *t == DType::F32,
            Domain::Int => *t == DType::I32,
            Domain::Number => matches!(t, DType::F32 | DType::F64 | DType::I32),
            Domain::Bool => *t == DType::Bool,
            Domain::Any => true,
        };
        if !fits {
            return Err(format!("{e}: `{}` of {t:?}", info.name));
        }
        wanted(e, have, &op.result(t))
    }

    fn fold(
        &mut self,
        e: ExprId,
        op: FoldOp,
        over: &[IndexId],
        guard: Option<ExprId>,
        body: ExprId,
        have: &DType,
    ) -> Result<(), String> {
        let arg = matches!(op, FoldOp::ArgMax | FoldOp::ArgMin);
        if over.is_empty() || (arg && over.len() != 1) {
            return Err(format!("{e}: `{}` over {} indices", op.name(), over.len()));
        }
        let depth = self.bound.len();
        for i in over {
            if i.index() >= self.k.indices.len() || self.bound.contains(i) {
                return Err(format!("{e}: {i} is missing or bound already"));
            }
            self.bound.push(*i);
        }
        if let Some(g) = guard {
            self.expr(g)?;
            wanted(g, self.k.exprs.dtype(g), &DType::Bool)?;
        }
        self.expr(body)?;
        self.bound.truncate(depth);
        let t = self.k.exprs.dtype(body);
        let fits = match op {
            FoldOp::Any | FoldOp::All => *t == DType::Bool,
            _ => matches!(t, DType::F32 | DType::F64 | DType::I32),
        };
        if !fits {
            return Err(format!("{e}: `{}` of {t:?}", op.name()));
        }
        let yields = if arg { DType::Idx(self.k.indices[over[0].index()].extent.clone()) } else { t.clone() };
        wanted(e, have, &yields)
    }
}

fn wanted(e: ExprId, have: &DType, want: &DType) -> Result<(), String> {
    if have == want { Ok(()) } else { Err(format!("{e} has type {have:?} instead of {want:?}")) }
}
