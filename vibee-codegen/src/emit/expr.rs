//! Expressions as Rust: one value at a time, or a block of lanes at a time.
//!
//! Parentheses are placed by precedence, never by text. What has no lane form is computed lane by lane
//! in a closure ([`Body::per_lane`]).

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{Atom, DType, DefId, ExprId, IndexId, Int, Node, Op, Pos, Source};

use super::body::{Body, Shape};
use super::ints::{Mode, int};
use crate::passes::{free_indices, visit};

/// How tightly a piece of Rust binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prec {
    /// `if`, closures, `||`, `&&`, comparisons.
    Low,
    /// `|` on masks.
    Either,
    /// `&` on masks.
    Both,
    /// `+ -`.
    Add,
    /// `* / %`.
    Mul,
    /// `as`.
    Cast,
    /// Unary.
    Unary,
    /// Calls, names, literals.
    Post,
}

/// A piece of Rust with its precedence and whether it is in lanes.
#[derive(Clone, Debug)]
pub struct Val {
    /// The code.
    pub code: TokenStream,
    /// How it binds.
    pub prec: Prec,
    /// One value per lane.
    pub lanes: bool,
}

impl Val {
    /// A single value.
    pub fn one(code: TokenStream, prec: Prec) -> Self {
        Val { code, prec, lanes: false }
    }

    /// A block of lanes.
    pub fn lanes(code: TokenStream, prec: Prec) -> Self {
        Val { code, prec, lanes: true }
    }

    /// In parentheses unless it binds at least this tightly.
    pub fn at(&self, prec: Prec) -> TokenStream {
        let code = &self.code;
        if self.prec >= prec { quote!(#code) } else { quote!((#code)) }
    }
}

/// The four types of computed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    F32,
    F64,
    I32,
    Bool,
}

impl Class {
    /// The class of a computed dtype.
    pub fn of(t: &DType) -> Self {
        match t {
            DType::F64 => Class::F64,
            DType::F32 | DType::F16 | DType::BF16 => Class::F32,
            DType::Bool => Class::Bool,
            DType::I32 | DType::I8 | DType::U8 | DType::Idx(_) | DType::Len(_) => Class::I32,
        }
    }
}

/// A float literal of a class.
pub fn float(v: f64, class: Class, suffixed: bool) -> Val {
    let ty = if class == Class::F64 { format_ident!("f64") } else { format_ident!("f32") };
    let single = v as f32;
    let finite = if class == Class::F64 { v.is_finite() } else { single.is_finite() };
    if !finite {
        let name = match (v.is_nan(), v > 0.0) {
            (true, _) => quote!(#ty::NAN),
            (false, true) => quote!(#ty::INFINITY),
            (false, false) => quote!(#ty::NEG_INFINITY),
        };
        return Val::one(name, Prec::Post);
    }
    let text = match (class, suffixed) {
        (Class::F64, true) => format!("{:?}_f64", v.abs()),
        (Class::F64, false) => format!("{:?}", v.abs()),
        (_, true) => format!("{:?}_f32", single.abs()),
        (_, false) => format!("{:?}", single.abs()),
    };
    let literal: Literal = text.parse().expect("a finite float prints as a literal");
    if v.is_sign_negative() {
        Val::one(quote!(-#literal), Prec::Unary)
    } else {
        Val::one(quote!(#literal), Prec::Post)
    }
}

impl Body<'_> {
    /// A value, for one element.
    pub fn scalar(&mut self, e: ExprId) -> Val {
        if let Some(v) = self.known(e) {
            return v;
        }
        let exprs = &self.p.program.kernel.exprs;
        let class = Class::of(exprs.dtype(e));
        match exprs.node(e).clone() {
            Node::Float(bits, _) => float(f64::from_bits(bits), class, true),
            Node::Bool(b) => Val::one(quote!(#b), Prec::Post),
            Node::Int(i) => self.int_as(&i, &quote!(i32)),
            Node::Load { from, at, outside } => self.load_one(from, &at, outside),
            Node::Cast(to, a) => self.cast_one(&to, a),
            Node::Op(op, args) => self.op_one(op, &args, class),
            Node::Fold { .. } => unreachable!("folds are definitions of their own after lifting"),
        }
    }

    /// A value in lanes if it differs between lanes, else for all.
    pub fn value(&mut self, e: ExprId) -> Val {
        if self.lanes.is_none() || !self.varies(e) {
            return self.scalar(e);
        }
        if let Some(v) = self.known(e) {
            return v;
        }
        let exprs = &self.p.program.kernel.exprs;
        let class = Class::of(exprs.dtype(e));
        match exprs.node(e).clone() {
            Node::Int(i) => self.int_lanes(e, &i),
            Node::Load { from, at, outside } => self.load_lanes(e, from, &at, outside),
            Node::Cast(to, a) => self.cast_lanes(e, &to, a),
            Node::Op(op, args) => self.op_lanes(e, op, &args, class),
            Node::Float(..) | Node::Bool(_) | Node::Fold { .. } => unreachable!("these do not vary"),
        }
    }

    /// A value in lanes, splat if all lanes agree.
    pub fn lanes_of(&mut self, e: ExprId) -> Val {
        let v = self.value(e);
        self.splat(e, v)
    }

    fn splat(&mut self, e: ExprId, v: Val) -> Val {
        if v.lanes {
            return v;
        }
        self.uses_isa = true;
        let exprs = &self.p.program.kernel.exprs;
        let method = match Class::of(exprs.dtype(e)) {
            Class::I32 => quote!(splat_i32),
            Class::Bool => quote!(splat_mask),
            _ => quote!(splat),
        };
        let code = match exprs.node(e) {
            Node::Float(bits, _) => float(f64::from_bits(*bits), Class::F32, false).code,
            _ => v.code,
        };
        Val::lanes(quote!(isa.#method(#code)), Prec::Post)
    }

    /// Whether a value differs between the lanes of the current block.
    pub fn varies(&self, e: ExprId) -> bool {
        let Some(l) = &self.lanes else { return false };
        let mut found = false;
        visit(&self.p.program.kernel.exprs, e, &mut |id, node| {
            found |= match node {
                Node::Int(i) => i.mentions(l.index),
                Node::Load { from, at, .. } => {
                    let variable =
                        matches!(from, Source::Def(d) if self.variables.get(d) == Some(&Shape::Lanes));
                    variable || at.iter().any(|p| matches!(p, Pos::At(i) if i.mentions(l.index)))
                }
                _ => self.bound.get(&id).is_some_and(|(_, shape)| *shape == Shape::Lanes),
            };
        });
        found
    }

    /// A value that has a variable already.
    fn known(&self, e: ExprId) -> Option<Val> {
        let (name, shape) = self.bound.get(&e)?;
        Some(self.variable(name, *shape))
    }

    /// A variable's use; inside a per-lane closure lanes are taken apart.
    pub fn variable(&self, name: &Ident, shape: Shape) -> Val {
        match (shape, &self.closure) {
            (Shape::One, _) => Val::one(quote!(#name), Prec::Post),
            (Shape::Lanes, None) => Val::lanes(quote!(#name), Prec::Post),
            (Shape::Lanes, Some((index, block))) => {
                Val::one(quote!(#name.lane(#index - #block.start())), Prec::Post)
            }
        }
    }

    /// An integer expression as a Rust number type.
    pub fn int_as(&mut self, i: &Int, ty: &TokenStream) -> Val {
        if let Some(c) = i.as_const() {
            let c = if ty.to_string() == "f32" || ty.to_string() == "f64" {
                return float(c as f64, if ty.to_string() == "f64" { Class::F64 } else { Class::F32 }, true);
            } else {
                Literal::i32_suffixed(c as i32)
            };
            return Val::one(quote!(#c), if i.as_const() < Some(0) { Prec::Unary } else { Prec::Post });
        }
        let negative = i.terms().any(|(_, c)| c < 0) || self.signed_scalars(i);
        let mode = if negative { Mode::Wide } else { Mode::Exact };
        let code = self.int(i, mode);
        let single = i.as_atom().is_some_and(|a| matches!(a, Atom::Dim(_) | Atom::Index(_)));
        let code = match (single, ty.to_string() == "i32") {
            (true, _) => quote!(#code as #ty),
            (false, true) => quote!((#code) as i32),
            // Integer values have 32 bits before they are anything else.
            (false, false) => quote!((#code) as i32 as #ty),
        };
        Val::one(code, Prec::Cast)
    }

    /// An integer expression; remembers which sizes it uses.
    pub fn int(&mut self, i: &Int, mode: Mode) -> TokenStream {
        let mut dims = Vec::new();
        let mut scalars = Vec::new();
        i.visit_leaves(&mut |a| match a {
            Atom::Dim(d) => dims.push(*d),
            Atom::Scalar(s) => scalars.push(*s),
            _ => {}
        });
        self.used.dims.extend(dims);
        self.used.inputs.extend(scalars);
        if !self.signed_scalars(i) {
            return int(&*self, i, mode);
        }
        // An `i32` argument may be negative on the way to a position that is not.
        let wide = int(&*self, i, Mode::Wide);
        match mode {
            Mode::Exact => quote!(((#wide) as usize)),
            Mode::Saturating => quote!(((#wide).max(0) as usize)),
            Mode::Signed => quote!(((#wide) as isize)),
            Mode::Wide => wide,
        }
    }

    /// Whether an integer expression contains an argument that may be negative.
    fn signed_scalars(&self, i: &Int) -> bool {
        let mut found = false;
        i.visit_leaves(&mut |a| {
            if let Atom::Scalar(s) = a {
                let dtype = &self.p.program.kernel.input(*s).dtype;
                found |= !matches!(dtype, DType::Idx(_) | DType::Len(_));
            }
        });
        found
    }

    /// Integer values side by side: linear ones from the block's indices, others lane by lane.
    fn int_lanes(&mut self, e: ExprId, i: &Int) -> Val {
        let Some(l) = self.lanes.clone() else { unreachable!("lanes values need lanes") };
        let linear = i.linear_in(l.index).and_then(|(c, rest)| Some((c.as_const()?, rest)));
        let Some((c, rest)) = linear.filter(|(c, _)| c.unsigned_abs() < 1 << 20) else {
            return self.per_lane(e);
        };
        let block = &l.block;
        let iota = match c {
            1 => quote!(#block.iota()),
            c => {
                self.uses_isa = true;
                let c = Literal::i64_unsuffixed(c);
                quote!(#block.iota() * isa.splat_i32(#c))
            }
        };
        let shift = self.shift(l.index);
        if rest == Int::default() && shift.is_none() {
            return Val::lanes(iota, if c == 1 { Prec::Post } else { Prec::Mul });
        }
        self.uses_isa = true;
        // Blocks of a tile count from its first column.
        let rest = match shift {
            Some(j0) => {
                let plain = self.int_as(&rest, &quote!(i32)).at(Prec::Add);
                let c = Literal::i64_unsuffixed(c);
                quote!(#plain + #c * #j0 as i32)
            }
            None => self.int_as(&rest, &quote!(i32)).code,
        };
        Val::lanes(quote!(#iota + isa.splat_i32(#rest)), Prec::Add)
    }

    /// Computes each lane on its own: correct for everything, fast for nothing.
    pub fn per_lane(&mut self, e: ExprId) -> Val {
        let Some(l) = self.lanes.take() else { unreachable!("lanes values need lanes") };
        self.uses_isa = true;
        let index = self.index(l.index);
        let outer = self.closure.replace((index.clone(), l.block.clone()));
        let body = self.scalar(e).code;
        self.closure = outer;
        let method = match Class::of(self.p.program.kernel.exprs.dtype(e)) {
            Class::I32 => quote!(from_fn_i32),
            Class::Bool => quote!(from_fn_mask),
            _ => quote!(from_fn),
        };
        let block = &l.block;
        // The closure's parameter takes the index's name; the block is kept under its own.
        let code = if index == block.to_string().as_str() {
            let alias = format_ident!("{}_block", index);
            let body = rename_block(body, &index, &alias);
            quote!({ let #alias = #block; isa.#method(#alias, |#index| #body) })
        } else {
            quote!(isa.#method(#block, |#index| #body))
        };
        self.lanes = Some(l);
        Val::lanes(code, Prec::Post)
    }

    fn cast_one(&mut self, to: &DType, a: ExprId) -> Val {
        let exprs = &self.p.program.kernel.exprs;
        let from = Class::of(exprs.dtype(a));
        if let (Node::Int(i), DType::F32 | DType::F64) = (exprs.node(a).clone(), to) {
            let ty = if *to == DType::F64 { quote!(f64) } else { quote!(f32) };
            return self.int_as(&i, &ty);
        }
        let v = self.scalar(a);
        let (post, cast) = (v.at(Prec::Post), v.at(Prec::Cast));
        match (from, to) {
            (Class::F32, DType::F32) | (Class::F64, DType::F64) | (Class::I32, DType::I32) => v,
            (Class::F64 | Class::I32, DType::F32) => Val::one(quote!(#cast as f32), Prec::Cast),
            (Class::F32 | Class::I32, DType::F64) => Val::one(quote!(#cast as f64), Prec::Cast),
            (Class::F32, DType::F16) => Val::one(quote!(f16::from_f32(#v).to_f32()), Prec::Post).with(&v),
            (Class::F32, DType::BF16) => Val::one(quote!(bf16::from_f32(#v).to_f32()), Prec::Post).with(&v),
            (_, DType::F16) => Val::one(quote!(f16::from_f32(#cast as f32).to_f32()), Prec::Post),
            (_, DType::BF16) => Val::one(quote!(bf16::from_f32(#cast as f32).to_f32()), Prec::Post),
            (Class::I32, DType::I8) => Val::one(quote!(#post.clamp(-128, 127)), Prec::Post),
            (Class::I32, DType::U8) => Val::one(quote!(#post.clamp(0, 255)), Prec::Post),
            (_, DType::I32) => Val::one(quote!(#cast as i32), Prec::Cast),
            (_, DType::I8) => Val::one(quote!((#cast as i32).clamp(-128, 127)), Prec::Post),
            (_, DType::U8) => Val::one(quote!((#cast as i32).clamp(0, 255)), Prec::Post),
            (_, DType::Idx(n) | DType::Len(n)) => {
                let top = if matches!(to, DType::Idx(_)) { n.sub(&Int::constant(1)) } else { n.clone() };
                let top = self.int(&top, Mode::Wide);
                let v = if from == Class::I32 { post } else { quote!((#cast as i32)) };
                Val::one(quote!(#v.min((#top) as i32).max(0)), Prec::Post)
            }
            (Class::Bool, _) | (_, DType::Bool) => v,
        }
    }

    fn cast_lanes(&mut self, e: ExprId, to: &DType, a: ExprId) -> Val {
        let from = Class::of(self.p.program.kernel.exprs.dtype(a));
        if matches!(to, DType::F16 | DType::BF16 | DType::F64) || from == Class::F64 {
            return self.per_lane(e);
        }
        let v = self.value(a);
        let post = v.at(Prec::Post);
        let whole = if from == Class::F32 { quote!(#post.to_i32()) } else { post.clone() };
        match (from, to) {
            (Class::F32, DType::F32) | (Class::I32, DType::I32) | (Class::Bool, _) => v,
            (Class::I32, DType::F32) => Val::lanes(quote!(#post.to_f32()), Prec::Post),
            (_, DType::I32) => Val::lanes(whole, Prec::Post),
            (_, DType::I8) => {
                Val::lanes(quote!(#whole.clamp(isa.splat_i32(-128), isa.splat_i32(127))), Prec::Post)
                    .uses(self)
            }
            (_, DType::U8) => {
                Val::lanes(quote!(#whole.clamp(isa.splat_i32(0), isa.splat_i32(255))), Prec::Post).uses(self)
            }
            (_, DType::Idx(n) | DType::Len(n)) => {
                let top = if matches!(to, DType::Idx(_)) { n.sub(&Int::constant(1)) } else { n.clone() };
                let top = self.int(&top, Mode::Wide);
                let code = quote!(#whole.min(isa.splat_i32((#top) as i32)).max(isa.splat_i32(0)));
                Val::lanes(code, Prec::Post).uses(self)
            }
            _ => self.per_lane(e),
        }
    }

    fn op_one(&mut self, op: Op, args: &[ExprId], class: Class) -> Val {
        let exprs = &self.p.program.kernel.exprs;
        let operands = Class::of(exprs.dtype(*args.last().unwrap_or(&args[0])));
        let v: Vec<Val> = args.iter().map(|a| self.scalar(*a)).collect();
        let binary = |sign: TokenStream, prec: Prec, right: Prec| {
            let (a, b) = (v[0].at(prec), v[1].at(right));
            Val::one(quote!(#a #sign #b), prec)
        };
        let method = |name: &str, rest: &[&Val]| {
            let name = format_ident!("{name}");
            let a = v[0].at(Prec::Post);
            let rest = rest.iter().map(|v| &v.code);
            Val::one(quote!(#a.#name(#(#rest),*)), Prec::Post)
        };
        let call = |path: TokenStream| {
            let args = v.iter().map(|v| &v.code);
            Val::one(quote!(#path(#(#args),*)), Prec::Post)
        };
        // A cast on the left of `<` would read as a generic.
        let compare = |sign: TokenStream| {
            let (a, b) = (v[0].at(Prec::Add), v[1].at(Prec::Add));
            let a = if ends_with_cast(&a) { quote!((#a)) } else { a };
            Val::one(quote!(#a #sign #b), Prec::Low)
        };
        let wide = operands == Class::F64;
        match (op, class) {
            (Op::Neg, Class::I32) => method("wrapping_neg", &[]),
            (Op::Neg, _) => {
                let a = v[0].at(Prec::Unary);
                Val::one(quote!(-#a), Prec::Unary)
            }
            (Op::Add, Class::I32) => method("wrapping_add", &[&v[1]]),
            (Op::Sub, Class::I32) => method("wrapping_sub", &[&v[1]]),
            (Op::Mul, Class::I32) => method("wrapping_mul", &[&v[1]]),
            (Op::Add, _) => binary(quote!(+), Prec::Add, Prec::Mul),
            (Op::Sub, _) => binary(quote!(-), Prec::Add, Prec::Mul),
            (Op::Mul, _) => binary(quote!(*), Prec::Mul, Prec::Cast),
            (Op::Div, _) => binary(quote!(/), Prec::Mul, Prec::Cast),
            (Op::IDiv, _) => call(quote!(scalar::floor_div)),
            (Op::Mod, _) => call(quote!(scalar::floor_mod)),
            (Op::Min, _) => method("min", &[&v[1]]),
            (Op::Max, _) => method("max", &[&v[1]]),
            (Op::Abs, Class::I32) => method("wrapping_abs", &[]),
            (Op::Abs, _) => method("abs", &[]),
            (Op::Sign, Class::I32) => method("signum", &[]),
            (Op::Sqrt, _) => method("sqrt", &[]),
            (Op::Sign | Op::Floor | Op::Ceil | Op::Round | Op::Trunc, _) => {
                let name = format_ident!("{}", op.info().name);
                if wide { call(quote!(scalar64::#name)) } else { call(quote!(scalar::#name)) }
            }
            (
                Op::Exp
                | Op::Log
                | Op::Tanh
                | Op::Erf
                | Op::Sigmoid
                | Op::Rsqrt
                | Op::Sin
                | Op::Cos
                | Op::Pow,
                _,
            ) => {
                let name = format_ident!("{}", op.info().name);
                if wide { call(quote!(scalar64::#name)) } else { call(quote!(math::#name)) }
            }
            (Op::Lt, _) => compare(quote!(<)),
            (Op::Le, _) => compare(quote!(<=)),
            (Op::Gt, _) => compare(quote!(>)),
            (Op::Ge, _) => compare(quote!(>=)),
            (Op::Eq, _) => compare(quote!(==)),
            (Op::Ne, _) => compare(quote!(!=)),
            (Op::And, _) => fold_logic(&v, &quote!(&&)),
            (Op::Or, _) => fold_logic(&v, &quote!(||)),
            (Op::Not, _) => {
                let a = v[0].at(Prec::Unary);
                Val::one(quote!(!#a), Prec::Unary)
            }
            (Op::Select, _) => {
                let (c, a, b) = (&v[0].code, &v[1].code, &v[2].code);
                Val::one(quote!(if #c { #a } else { #b }), Prec::Low)
            }
        }
    }

    fn op_lanes(&mut self, e: ExprId, op: Op, args: &[ExprId], class: Class) -> Val {
        if matches!(op, Op::IDiv | Op::Mod) || class == Class::F64 {
            return self.per_lane(e);
        }
        match op {
            Op::Select => return self.select_lanes(e, args),
            Op::Add if class == Class::F32 => {
                if let Some(fused) = self.fused(args) {
                    return fused;
                }
            }
            _ => {}
        }
        let v: Vec<Val> = args.iter().map(|a| self.lanes_of(*a)).collect();
        let binary = |sign: TokenStream, prec: Prec, right: Prec| {
            let (a, b) = (v[0].at(prec), v[1].at(right));
            Val::lanes(quote!(#a #sign #b), prec)
        };
        let a = v[0].at(Prec::Post);
        let rest: Vec<&TokenStream> = v[1..].iter().map(|v| &v.code).collect();
        match op {
            Op::Neg => {
                let a = v[0].at(Prec::Unary);
                Val::lanes(quote!(-#a), Prec::Unary)
            }
            Op::Add => binary(quote!(+), Prec::Add, Prec::Mul),
            Op::Sub => binary(quote!(-), Prec::Add, Prec::Mul),
            Op::Mul => binary(quote!(*), Prec::Mul, Prec::Cast),
            Op::Div => binary(quote!(/), Prec::Mul, Prec::Cast),
            Op::And => binary(quote!(&), Prec::Both, Prec::Add),
            Op::Or => binary(quote!(|), Prec::Either, Prec::Both),
            Op::Not => {
                let a = v[0].at(Prec::Unary);
                Val::lanes(quote!(!#a), Prec::Unary)
            }
            Op::Sign => self.sign_lanes(e, args[0]),
            _ => {
                let name = format_ident!("{}", op.info().name);
                Val::lanes(quote!(#a.#name(#(#rest),*)), Prec::Post)
            }
        }
    }

    /// `a * b + c` in one rounding.
    fn fused(&mut self, args: &[ExprId]) -> Option<Val> {
        for (m, c) in [(args[0], args[1]), (args[1], args[0])] {
            let Node::Op(Op::Mul, f) = self.p.program.kernel.exprs.node(m).clone() else { continue };
            if self.bound.contains_key(&m) || !self.varies(m) {
                continue;
            }
            let (a, b, c) = (self.lanes_of(f[0]), self.lanes_of(f[1]), self.lanes_of(c));
            let (a, b, c) = (a.at(Prec::Post), &b.code, &c.code);
            return Some(Val::lanes(quote!(#a.mul_add(#b, #c)), Prec::Post));
        }
        None
    }

    fn sign_lanes(&mut self, e: ExprId, a: ExprId) -> Val {
        let class = Class::of(self.p.program.kernel.exprs.dtype(e));
        self.uses_isa = true;
        let v = self.lanes_of(a).at(Prec::Post);
        let code = if class == Class::I32 {
            quote!(#v.clamp(isa.splat_i32(-1), isa.splat_i32(1)))
        } else {
            let zero = quote!(isa.splat(0.0));
            quote!(#v.gt(#zero).select(isa.splat(1.0), #v.lt(#zero).select(isa.splat(-1.0), #v)))
        };
        Val::lanes(code, Prec::Post)
    }

    /// `if` in lanes computes both sides; reads that are only valid on one side are masked there.
    fn select_lanes(&mut self, e: ExprId, args: &[ExprId]) -> Val {
        let cond = self.value(args[0]);
        if !cond.lanes {
            let (a, b) = (self.lanes_of(args[1]).code, self.lanes_of(args[2]).code);
            let c = cond.code;
            return Val::lanes(quote!(if #c { #a } else { #b }), Prec::Low);
        }
        let class = Class::of(self.p.program.kernel.exprs.dtype(e));
        let risky = self.is_risky(args[1]) || self.is_risky(args[2]);
        let cond = if risky && !is_name(&cond.code) {
            let name = self.fresh("inside");
            let code = cond.code;
            self.pending.push(quote!(let #name = #code;));
            Val::lanes(quote!(#name), Prec::Post)
        } else {
            cond
        };
        let yes = cond.code.clone();
        let a = self.under(quote!(#yes), args[1]);
        let b = self.under(quote!(!#yes), args[2]);
        let method = match class {
            Class::I32 => quote!(select_i32),
            Class::Bool => quote!(select_mask),
            _ => quote!(select),
        };
        let c = cond.at(Prec::Post);
        let (a, b) = (a.code, b.code);
        Val::lanes(quote!(#c.#method(#a, #b)), Prec::Post)
    }

    /// A value of which only lanes under `mask` matter (and may be read).
    pub fn under(&mut self, mask: TokenStream, e: ExprId) -> Val {
        if !self.is_risky(e) {
            return self.lanes_of(e);
        }
        let outer = self.narrow_block(&mask);
        let v = self.lanes_of(e);
        if let Some(block) = outer {
            self.set_block(block);
        }
        v
    }

    /// Whether evaluating `e` everywhere could read outside an array or divide by a size that is 0.
    pub fn is_risky(&self, e: ExprId) -> bool {
        let program = &self.p.program;
        let mut found = false;
        visit(&program.kernel.exprs, e, &mut |_, node| {
            found |= matches!(node, Node::Int(i) if divides(i));
            if let Node::Load { from, at, .. } = node {
                let shape: Vec<Int> = match from {
                    Source::Input(i) => program.kernel.input(*i).shape.clone(),
                    Source::Def(d) => {
                        program.def(*d).free.iter().map(|i| program.extent(*i).clone()).collect()
                    }
                };
                found |= at.iter().zip(&shape).any(|(p, extent)| match p {
                    Pos::At(i) => i.as_index().is_none_or(|i| program.extent(i) != extent),
                    Pos::Data(_) => true,
                });
            }
        });
        found
    }

    /// Indices an expression mentions.
    pub fn indices(&self, e: ExprId) -> Vec<IndexId> {
        free_indices(&self.p.program.kernel.exprs, e)
    }

    /// The definitions an expression reads.
    pub fn reads(&self, e: ExprId) -> Vec<DefId> {
        let mut out = Vec::new();
        visit(&self.p.program.kernel.exprs, e, &mut |_, n| {
            if let Node::Load { from: Source::Def(d), .. } = n {
                out.push(*d);
            }
        });
        out
    }
}

/// Whether an integer has a divisor that is not a number. Where its loops run, it is not 0.
fn divides(i: &Int) -> bool {
    i.terms().any(|(factors, _)| {
        factors.iter().any(|a| match a {
            Atom::Div(x, y) | Atom::Mod(x, y) => y.as_const().is_none() || divides(x),
            Atom::Min(x, y) | Atom::Max(x, y) => divides(x) || divides(y),
            Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_) => false,
        })
    })
}

impl Val {
    fn with(self, inner: &Val) -> Self {
        Val { lanes: inner.lanes, ..self }
    }

    fn uses(self, body: &mut Body<'_>) -> Self {
        body.uses_isa = true;
        self
    }
}

impl quote::ToTokens for Val {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.code.to_tokens(tokens);
    }
}

fn ends_with_cast(t: &TokenStream) -> bool {
    let all: Vec<String> = t.clone().into_iter().map(|t| t.to_string()).collect();
    all.len() >= 2 && all[all.len() - 2] == "as"
}

fn is_name(t: &TokenStream) -> bool {
    syn::parse2::<Ident>(t.clone()).is_ok()
}

/// `a && b && c`.
fn fold_logic(v: &[Val], sign: &TokenStream) -> Val {
    let parts: Vec<TokenStream> = v
        .iter()
        .map(|v| {
            if v.prec == Prec::Low {
                let c = &v.code;
                quote!((#c))
            } else {
                v.code.clone()
            }
        })
        .collect();
    let mut it = parts.into_iter();
    let first = it.next().unwrap_or_default();
    Val::one(it.fold(first, |a, b| quote!(#a #sign #b)), Prec::Low)
}

/// `index.start()` in a closure means the block's: the closure's own parameter shadows its name.
fn rename_block(body: TokenStream, index: &Ident, alias: &Ident) -> TokenStream {
    let mut out = TokenStream::new();
    let tokens: Vec<_> = body.into_iter().collect();
    let mut n = 0;
    while n < tokens.len() {
        let is_start = matches!(&tokens[n], proc_macro2::TokenTree::Ident(i) if i == index)
            && matches!(tokens.get(n + 2), Some(proc_macro2::TokenTree::Ident(i)) if i == "start");
        match &tokens[n] {
            proc_macro2::TokenTree::Ident(_) if is_start => out.extend(quote!(#alias)),
            proc_macro2::TokenTree::Group(g) => {
                let inner = rename_block(g.stream(), index, alias);
                let mut group = proc_macro2::Group::new(g.delimiter(), inner);
                group.set_span(g.span());
                out.extend([proc_macro2::TokenTree::Group(group)]);
            }
            other => out.extend([other.clone()]),
        }
        n += 1;
    }
    out
}
