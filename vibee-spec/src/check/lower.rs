//! Resolved expression → typed term, with loops and guards known at every point.

use super::builder::Builder;
use super::builtins::{Builtin, Typing};
use super::hir::{Hir, Kind, Place};
use crate::ast::{BinOp, UnOp};
use crate::diag::Diagnostic;
use crate::term::{Atom, DType, ExprId, FoldOp, IndexId, Int, Node, Op, Source};

impl Builder<'_, '_> {
    /// Types an expression and interns it.
    pub fn lower(&mut self, h: &Hir) -> Option<ExprId> {
        match &h.kind {
            Kind::Float(v) => Some(self.exprs().f32(*v)),
            Kind::Bool(v) => Some(self.exprs().intern(Node::Bool(*v), DType::Bool)),
            Kind::Int(v) => Some(self.exprs().int(v.clone())),
            Kind::Index(i) => Some(self.exprs().int(Int::index(*i))),
            Kind::Len(letter) => {
                let extent = self.letters[letter.0].range.as_ref()?.extent.clone();
                Some(self.exprs().int(extent))
            }
            Kind::Scalar(s) => Some(self.scalar(*s)),
            Kind::Whole(s) => {
                self.tensor_without_positions(*s, h.place);
                None
            }
            Kind::Load { from, at, outside } => self.lower_load(*from, at, outside.as_deref(), h.place),
            Kind::Unary(op, a) => self.lower_unary(*op, a),
            Kind::Binary(op, a, b) => self.lower_binary(*op, a, b, h.place),
            Kind::If(c, a, b) => self.lower_if(c, a, b, h.place),
            Kind::Pick(values, at) => self.lower_pick(values, at),
            Kind::Builtin(b, args) => self.lower_builtin(b, args, h.place),
            Kind::Cast(t, a) => self.lower_cast(t, a),
            Kind::Fold { op, over, guard, body } => self.lower_fold(*op, over, guard.as_deref(), body),
        }
    }

    fn scalar(&mut self, s: Source) -> ExprId {
        let dtype = self.shape(s).1.clone();
        if let (Source::Input(i), DType::I32 | DType::I8 | DType::U8 | DType::Len(_)) = (s, &dtype)
            && !self.opaque.contains(&i)
        {
            return self.exprs().int(Int::atom(Atom::Scalar(i)));
        }
        self.exprs().intern(Node::Load { from: s, at: vec![], outside: None }, dtype.computed())
    }

    /// Reports a tensor used like a number.
    pub fn tensor_without_positions(&mut self, s: Source, place: Place) {
        let (name, rank) = (self.source_name(s).to_string(), self.shape(s).0.len());
        let axes = ["i", "j", "k", "l", "m", "n", "p", "q"][..rank.min(8)].join(", ");
        self.err(
            place,
            Diagnostic::error("V0310", place.span, format!("the tensor `{name}` is used without positions"))
                .label(format!("has {rank} {}", if rank == 1 { "axis" } else { "axes" }))
                .hint(format!("take an element: `{name}[{axes}]`")),
        );
    }

    fn lower_unary(&mut self, op: UnOp, a: &Hir) -> Option<ExprId> {
        let e = self.lower(a)?;
        match op {
            UnOp::Not => {
                let e = self.truth(e, a.place)?;
                Some(self.exprs().intern(Node::Op(Op::Not, vec![e]), DType::Bool))
            }
            UnOp::Neg => {
                let e = self.number(e, a.place)?;
                match self.k.exprs.node(e) {
                    Node::Int(i) => {
                        let negative = i.scale(-1);
                        Some(self.exprs().int(negative))
                    }
                    Node::Float(bits, t) => {
                        let (v, t) = (-f64::from_bits(*bits), t.clone());
                        Some(self.exprs().intern(Node::Float(v.to_bits(), t.clone()), t))
                    }
                    _ => Some(self.op(Op::Neg, vec![e])),
                }
            }
        }
    }

    /// An operator whose arguments have one type, which is also its own unless it yields `bool`.
    pub fn op(&mut self, op: Op, args: Vec<ExprId>) -> ExprId {
        let last = self.type_of(*args.last().expect("operators have arguments")).clone();
        let dtype = op.result(&last);
        self.exprs().intern(Node::Op(op, args), dtype)
    }

    fn lower_binary(&mut self, op: BinOp, a: &Hir, b: &Hir, place: Place) -> Option<ExprId> {
        let (x, y) = (self.lower(a), self.lower(b));
        let (x, y) = (x?, y?);
        if let BinOp::And | BinOp::Or = op {
            let (x, y) = (self.truth(x, a.place), self.truth(y, b.place));
            let op = if op == BinOp::And { Op::And } else { Op::Or };
            return Some(self.op(op, vec![x?, y?]));
        }
        let (x, y) = (self.number(x, a.place), self.number(y, b.place));
        let (x, y) = (x?, y?);
        match op {
            BinOp::Add => self.arithmetic(Op::Add, x, y, place),
            BinOp::Sub => self.arithmetic(Op::Sub, x, y, place),
            BinOp::Mul => self.arithmetic(Op::Mul, x, y, place),
            BinOp::Div => {
                let t = if [x, y].iter().any(|e| *self.type_of(*e) == DType::F64) {
                    DType::F64
                } else {
                    DType::F32
                };
                let (x, y) = (self.float(x, &t), self.float(y, &t));
                Some(self.op(Op::Div, vec![x, y]))
            }
            BinOp::IDiv => self.integer_division(Op::IDiv, (x, a.place), (y, b.place), place),
            BinOp::Mod => self.integer_division(Op::Mod, (x, a.place), (y, b.place), place),
            BinOp::Pow => self.power(x, y, place),
            BinOp::Lt => Some(self.compare(Op::Lt, x, y)),
            BinOp::Le => Some(self.compare(Op::Le, x, y)),
            BinOp::Gt => Some(self.compare(Op::Gt, x, y)),
            BinOp::Ge => Some(self.compare(Op::Ge, x, y)),
            BinOp::Eq => Some(self.compare(Op::Eq, x, y)),
            BinOp::Ne => Some(self.compare(Op::Ne, x, y)),
            BinOp::And | BinOp::Or => None,
        }
    }

    fn compare(&mut self, op: Op, x: ExprId, y: ExprId) -> ExprId {
        let (x, y) = self.unify(x, y);
        self.op(op, vec![x, y])
    }

    /// `+ - *`, exact on integers that are known without data.
    pub fn arithmetic(&mut self, op: Op, x: ExprId, y: ExprId, place: Place) -> Option<ExprId> {
        let (x, y) = self.unify(x, y);
        if let (Node::Int(a), Node::Int(b)) = (self.k.exprs.node(x), self.k.exprs.node(y)) {
            let size = if op == Op::Mul { a.terms().count() * b.terms().count() } else { 0 };
            if size <= super::facts::MAX_TERMS {
                let value = match op {
                    Op::Add => a.add(b),
                    Op::Sub => a.sub(b),
                    _ => a.mul(b),
                };
                return self.checked_int(value, place);
            }
        }
        Some(self.op(op, vec![x, y]))
    }

    /// Refuses integers that would not be exact.
    pub fn checked_int(&mut self, v: Int, place: Place) -> Option<ExprId> {
        const LIMIT: u64 = 1 << 53;
        if v.terms().any(|(_, c)| c.unsigned_abs() > LIMIT) {
            self.err(
                place,
                Diagnostic::error("V0317", place.span, "this integer is too large")
                    .note("sizes and constants are computed exactly up to 2^53")
                    .hint("write a float (`1e18`) if a number and not a size is meant"),
            );
            return None;
        }
        Some(self.exprs().int(v))
    }

    fn integer_division(
        &mut self,
        op: Op,
        (x, x_place): (ExprId, Place),
        (y, y_place): (ExprId, Place),
        place: Place,
    ) -> Option<ExprId> {
        for (e, at) in [(x, x_place), (y, y_place)] {
            if self.type_of(e).is_float() {
                let sign = if op == Op::IDiv { "//" } else { "%" };
                self.err(
                    at,
                    Diagnostic::error("V0318", at.span, format!("`{sign}` needs integers on both sides"))
                        .label("this is a float")
                        .hint("real division is `/`; `floor(a / b)` rounds it down"),
                );
                return None;
            }
        }
        let (x, y) = (self.as_i32(x), self.as_i32(y));
        if let (Node::Int(a), Node::Int(b)) = (self.k.exprs.node(x), self.k.exprs.node(y)) {
            let (a, b) = (a.clone(), b.clone());
            if self.divisor_is_positive(&b, y_place)? {
                let value = if op == Op::IDiv { a.floor_div(&b) } else { a.floor_mod(&b) };
                return self.checked_int(value, place);
            }
        }
        Some(self.op(op, vec![x, y]))
    }

    /// Repeated multiplication for integer exponents that are known, else a power of floats.
    pub fn power(&mut self, x: ExprId, y: ExprId, place: Place) -> Option<ExprId> {
        const MOST: i64 = 1024;
        let exponent = match self.k.exprs.node(y) {
            Node::Int(i) => i.as_const(),
            _ => None,
        };
        let t = |b: &Self, e: ExprId| if *b.type_of(e) == DType::F64 { DType::F64 } else { DType::F32 };
        match exponent {
            Some(n) if (0..=MOST).contains(&n) => self.repeated(x, n, place),
            Some(n) if (-MOST..0).contains(&n) => {
                let t = t(self, x);
                let x = self.float(x, &t);
                let below = self.repeated(x, -n, place)?;
                let one = self.exprs().intern(Node::Float(1f64.to_bits(), t.clone()), t);
                Some(self.op(Op::Div, vec![one, below]))
            }
            _ => {
                let common = if *self.type_of(y) == DType::F64 { DType::F64 } else { t(self, x) };
                let (x, y) = (self.float(x, &common), self.float(y, &common));
                Some(self.op(Op::Pow, vec![x, y]))
            }
        }
    }

    fn repeated(&mut self, x: ExprId, n: i64, place: Place) -> Option<ExprId> {
        if n == 0 {
            let one = self.exprs().int(Int::constant(1));
            let t = self.type_of(x).clone();
            return Some(if t.is_float() { self.float(one, &t) } else { one });
        }
        // By squaring: `x^9` is four products, and `x^2` is `x * x`.
        let half = if n == 1 { return Some(x) } else { self.repeated(x, n / 2, place)? };
        let square = self.arithmetic(Op::Mul, half, half, place)?;
        if n % 2 == 0 { Some(square) } else { self.arithmetic(Op::Mul, square, x, place) }
    }

    fn lower_if(&mut self, c: &Hir, a: &Hir, b: &Hir, place: Place) -> Option<ExprId> {
        let cond = self.lower(c).and_then(|e| self.truth(e, c.place));
        let x = self.lower_under(cond, true, a);
        let y = self.lower_under(cond, false, b);
        let (cond, x, y) = (cond?, x?, y?);
        let (tx, ty) = (self.type_of(x).clone(), self.type_of(y).clone());
        let (x, y) = match (&tx, &ty) {
            _ if tx == ty => (x, y),
            (DType::Bool, _) | (_, DType::Bool) => {
                let (x, y) = (self.show_type(&tx), self.show_type(&ty));
                self.err(
                    place,
                    Diagnostic::error("V0304", place.span, format!("one branch is {x}, the other is {y}"))
                        .hint("both branches need one type; truth values and numbers do not mix"),
                );
                return None;
            }
            _ => self.unify(x, y),
        };
        Some(self.op(Op::Select, vec![cond, x, y]))
    }

    /// Types an expression that is evaluated only where a condition holds (or does not).
    fn lower_under(&mut self, cond: Option<ExprId>, holds: bool, h: &Hir) -> Option<ExprId> {
        let (mark, depth) = (self.guards.len(), self.conditions.len());
        if let Some(cond) = cond {
            self.assume(cond, holds);
            self.conditions.push((cond, holds));
        }
        let e = self.lower(h);
        self.guards.truncate(mark);
        self.conditions.truncate(depth);
        e
    }

    /// Adds what a condition says about integers to the guards.
    pub fn assume(&mut self, cond: ExprId, holds: bool) {
        let Node::Op(op, args) = self.k.exprs.node(cond).clone() else { return };
        match (op, &args[..]) {
            (Op::Not, [a]) => self.assume(*a, !holds),
            (Op::And, [a, b]) if holds => {
                self.assume(*a, true);
                self.assume(*b, true);
            }
            (Op::Or, [a, b]) if !holds => {
                self.assume(*a, false);
                self.assume(*b, false);
            }
            (_, [a, b]) => {
                let (Some(a), Some(b)) = (self.k.exprs.whole(*a), self.k.exprs.whole(*b)) else { return };
                let (a, b) = (&a, &b);
                let below = |x: &Int, y: &Int, strict: i64| y.sub(x).sub(&Int::constant(strict));
                let facts = match (op, holds) {
                    (Op::Lt, true) | (Op::Ge, false) => vec![below(a, b, 1)],
                    (Op::Le, true) | (Op::Gt, false) => vec![below(a, b, 0)],
                    (Op::Gt, true) | (Op::Le, false) => vec![below(b, a, 1)],
                    (Op::Ge, true) | (Op::Lt, false) => vec![below(b, a, 0)],
                    (Op::Eq, true) | (Op::Ne, false) => vec![below(a, b, 0), below(b, a, 0)],
                    // At one end of a range, another value is one further inside.
                    (Op::Ne, true) | (Op::Eq, false) => {
                        let mut ends =
                            vec![(below(a, b, 0), below(a, b, 1)), (below(b, a, 0), below(b, a, 1))];
                        let mut prover = self.prover();
                        ends.retain(|(known, _)| prover.nonneg(known));
                        ends.into_iter().map(|(_, then)| then).collect()
                    }
                    _ => vec![],
                };
                self.guards.extend(facts);
            }
            _ => {}
        }
    }

    fn lower_builtin(&mut self, b: &'static Builtin, hirs: &[Hir], place: Place) -> Option<ExprId> {
        let lowered: Vec<Option<ExprId>> = hirs
            .iter()
            .map(|a| {
                let e = self.lower(a)?;
                self.number(e, a.place)
            })
            .collect();
        let mut args: Vec<ExprId> = lowered.into_iter().collect::<Option<_>>()?;
        match b.typing {
            Typing::Bits(data) => return self.lower_bits(b, args, data, hirs),
            Typing::Single => {
                let x = self.single(args[0]);
                return Some(self.op(b.op, vec![x]));
            }
            Typing::Float | Typing::Keep => {}
        }
        if b.name == "pow" {
            return self.power(args[0], args[1], place);
        }
        if b.typing == Typing::Float {
            let t = if *self.type_of(args[0]) == DType::F64 { DType::F64 } else { DType::F32 };
            let x = self.float(args[0], &t);
            return Some(self.op(b.op, vec![x]));
        }
        if b.name == "clamp" {
            let inner = self.extreme(Op::Max, args[0], args[1]);
            return Some(self.extreme(Op::Min, inner, args[2]));
        }
        if let [x] = args[..] {
            // A position stays one of sizes and letters; a value is fast as it is.
            if let (Op::Abs, true, Node::Int(i)) = (b.op, self.in_position, self.k.exprs.node(x)) {
                let size = i.maximum(&i.scale(-1));
                return Some(self.exprs().int(size));
            }
            return Some(self.op(b.op, args));
        }
        // All arguments get the common type first, so that `max(1, 2, x)` is a float throughout.
        for k in 1..args.len() {
            (args[k - 1], args[k]) = self.unify(args[k - 1], args[k]);
        }
        let last = *args.last()?;
        let mut out = self.unify(args[0], last).0;
        for e in &args[1..] {
            out = self.extreme(b.op, out, *e);
        }
        Some(out)
    }

    fn extreme(&mut self, op: Op, x: ExprId, y: ExprId) -> ExprId {
        let (x, y) = self.unify(x, y);
        if let (Node::Int(a), Node::Int(b)) = (self.k.exprs.node(x), self.k.exprs.node(y)) {
            let value = if op == Op::Min { a.minimum(b) } else { a.maximum(b) };
            return self.exprs().int(value);
        }
        self.op(op, vec![x, y])
    }

    fn lower_cast(&mut self, t: &DType, a: &Hir) -> Option<ExprId> {
        let e = self.lower(a)?;
        let e = self.number(e, a.place)?;
        let have = self.type_of(e).clone();
        // Storage types round or saturate even where the computed type stays the same.
        let exact = match t {
            // What is written as a conversion rounds there: it is not fused with what it feeds.
            DType::F32 if have == DType::F32 && matches!(self.k.exprs.node(e), Node::Op(Op::Mul, _)) => false,
            DType::F32 | DType::F64 => return Some(self.float(e, t)),
            DType::I32 => have == DType::I32,
            _ => false,
        };
        if exact {
            return Some(e);
        }
        Some(self.exprs().intern(Node::Cast(t.clone(), e), t.computed()))
    }

    fn lower_fold(
        &mut self,
        op: FoldOp,
        over: &[IndexId],
        guard: Option<&Hir>,
        body: &Hir,
    ) -> Option<ExprId> {
        let (depth, mark) = (self.domain.len(), self.guards.len());
        self.domain.extend(over);
        let condition = match guard {
            Some(g) => self.lower(g).and_then(|e| self.truth(e, g.place)).map(Some),
            None => Some(None),
        };
        let value = self.lower_under(condition.flatten(), true, body);
        self.domain.truncate(depth);
        self.guards.truncate(mark);
        let (guard, value) = (condition?, value?);
        let value = self.fold_operand(op, value, body.place)?;
        let dtype = match op {
            FoldOp::ArgMax | FoldOp::ArgMin => DType::Idx(self.extent(over[0]).clone()),
            _ => self.type_of(value).clone(),
        };
        let fold = self.exprs().intern(Node::Fold { op, over: over.to_vec(), guard, body: value }, dtype);
        if let Some(first) = self.folds.iter().find(|f| super::alpha::equal(&self.k, fold, **f)) {
            return Some(*first);
        }
        self.folds.push(fold);
        Some(fold)
    }

    fn fold_operand(&mut self, op: FoldOp, value: ExprId, place: Place) -> Option<ExprId> {
        let is_bool = *self.type_of(value) == DType::Bool;
        let wants_bool = matches!(op, FoldOp::Any | FoldOp::All);
        if is_bool == wants_bool {
            return if is_bool { Some(value) } else { Some(self.as_i32(value)) };
        }
        let name = op.name();
        let d = if wants_bool {
            Diagnostic::error("V0306", place.span, format!("`{name}` folds truth values, this is a number"))
                .hint("compare it: `… != 0`")
        } else {
            let counted = if op == FoldOp::Sum { "count with" } else { "choose numbers for it:" };
            Diagnostic::error("V0306", place.span, format!("`{name}` folds numbers, this is a truth value"))
                .hint(format!("{counted} `if c then 1 else 0`; `any` and `all` fold truth values"))
        };
        self.err(place, d);
        None
    }
}
