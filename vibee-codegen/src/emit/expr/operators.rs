//! Operators, for one value and for lanes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use vibee_spec::term::{ExprId, Node, Op};

use super::{Class, Prec, Val, ends_with_cast};
use crate::emit::body::Body;

impl Body<'_> {
    pub(super) fn op_one(&mut self, op: Op, args: &[ExprId], class: Class) -> Val {
        if let Some(simpler) = self.logic(op, args, class) {
            return simpler;
        }
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
                let a = v[0].negatable();
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
            // Names of their own: what they work on has a word in the language.
            (Op::Bits, _) => call(quote!(bits::field)),
            (
                Op::Signed
                | Op::Join
                | Op::F16From
                | Op::Bf16From
                | Op::F32From
                | Op::E4m3From
                | Op::F16Bits
                | Op::Bf16Bits
                | Op::F32Bits
                | Op::E4m3Bits,
                _,
            ) => {
                let name = format_ident!("{}", op.info().name);
                call(quote!(bits::#name))
            }
            (Op::NearI8 | Op::NearBf16, _) => unreachable!("the schedule takes permissions out of values"),
            (Op::Pick, _) => {
                let table = self.table(&args[1..]);
                let at = v[0].at(Prec::Cast);
                Val::one(quote!(#table[#at as usize]), Prec::Post)
            }
            (Op::Select, _) => {
                let (c, a, b) = (&v[0].code, &v[1].code, &v[2].code);
                Val::one(super::choice(c, a, b), Prec::Low)
            }
        }
    }

    pub(super) fn op_lanes(&mut self, e: ExprId, op: Op, args: &[ExprId], class: Class) -> Val {
        if matches!(op, Op::IDiv | Op::Mod) || class == Class::F64 {
            return self.per_lane(e);
        }
        match op {
            Op::Select => return self.select_lanes(e, args),
            Op::Bits
            | Op::Signed
            | Op::Join
            | Op::Pick
            | Op::F16From
            | Op::Bf16From
            | Op::F32From
            | Op::E4m3From => {
                return self.bits_lanes(e, op, args);
            }
            Op::F16Bits | Op::Bf16Bits | Op::F32Bits | Op::E4m3Bits => return self.per_lane(e),
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
                let a = v[0].negatable();
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

    /// `not a == b`, and `and` or `or` with a constant, as people write them.
    fn logic(&mut self, op: Op, args: &[ExprId], class: Class) -> Option<Val> {
        let exprs = &self.p.program.kernel.exprs;
        match op {
            Op::Not if !self.bound.contains_key(&args[0]) => {
                let Node::Op(inner, of) = exprs.node(args[0]).clone() else { return None };
                let ordered = Class::of(exprs.dtype(of[0])) == Class::I32;
                let opposite = match inner {
                    Op::Eq => Op::Ne,
                    Op::Ne => Op::Eq,
                    // NaN is neither less nor not less.
                    Op::Lt if ordered => Op::Ge,
                    Op::Le if ordered => Op::Gt,
                    Op::Gt if ordered => Op::Le,
                    Op::Ge if ordered => Op::Lt,
                    _ => return None,
                };
                Some(self.op_one(opposite, &of, class))
            }
            Op::And | Op::Or => {
                let decides = |a: &&ExprId| *exprs.node(**a) == Node::Bool(op == Op::Or);
                let open = |a: &&ExprId| !matches!(exprs.node(**a), Node::Bool(_));
                let one = match (args.iter().find(decides), args.iter().filter(open).count()) {
                    (Some(constant), _) => constant,
                    (None, 1) => args.iter().find(open)?,
                    _ => return None,
                };
                Some(self.scalar(*one))
            }
            _ => None,
        }
    }

    /// Operators on bits: counts are the same in all lanes, or each lane is on its own.
    fn bits_lanes(&mut self, e: ExprId, op: Op, args: &[ExprId]) -> Val {
        let data = match op {
            Op::Join => 2,
            _ => 1,
        };
        if args[data..].iter().any(|a| self.varies(*a)) {
            return self.per_lane(e);
        }
        let x = self.lanes_of(args[0]).at(Prec::Post);
        if op == Op::Pick {
            let table = self.table(&args[1..]);
            let whole = Class::of(self.p.program.kernel.exprs.dtype(e)) == Class::I32;
            let method = if whole { quote!(pick_i32) } else { quote!(pick) };
            return Val::lanes(quote!(#x.#method(&#table)), Prec::Post);
        }
        let mut rest: Vec<TokenStream> = Vec::new();
        for (k, a) in args.iter().enumerate().skip(1) {
            rest.push(if k < data { self.lanes_of(*a).code } else { self.scalar(*a).code });
        }
        let name = match op {
            Op::Bits => format_ident!("field"),
            Op::F32From => format_ident!("to_f32_from_bits"),
            _ => format_ident!("{}", op.info().name),
        };
        Val::lanes(quote!(#x.#name(#(#rest),*)), Prec::Post)
    }

    /// The constant array of these constants, made on first use.
    fn table(&mut self, constants: &[ExprId]) -> proc_macro2::Ident {
        if let Some((_, name)) = self.tables.iter().find(|(of, _)| of == constants) {
            return name.clone();
        }
        let exprs = &self.p.program.kernel.exprs;
        let class = Class::of(exprs.dtype(constants[0]));
        let values: Vec<TokenStream> = constants
            .iter()
            .map(|c| match exprs.node(*c) {
                Node::Float(bits, _) => super::float(f64::from_bits(*bits), class, false).code,
                Node::Int(i) => {
                    let v = proc_macro2::Literal::i64_unsuffixed(i.as_const().unwrap_or_default().abs());
                    if i.as_const() < Some(0) { quote!(-#v) } else { quote!(#v) }
                }
                _ => unreachable!("tables hold constants"),
            })
            .collect();
        let ty = if class == Class::I32 { quote!(i32) } else { quote!(f32) };
        let count = proc_macro2::Literal::usize_unsuffixed(values.len());
        let number = self.tables.len() + 1;
        let name = if number == 1 { format_ident!("TABLE") } else { format_ident!("TABLE_{number}") };
        self.constants.extend(quote!(const #name: [#ty; #count] = [#(#values),*];));
        self.tables.push((constants.to_vec(), name.clone()));
        name
    }

    /// `a * b + c` in one rounding.
    pub(super) fn fused(&mut self, args: &[ExprId]) -> Option<Val> {
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

    pub(super) fn sign_lanes(&mut self, e: ExprId, a: ExprId) -> Val {
        let class = Class::of(self.p.program.kernel.exprs.dtype(e));
        self.uses_isa = true;
        let value = self.lanes_of(a);
        let (v, plain) = (value.at(Prec::Post), &value.code);
        let code = if class == Class::I32 {
            quote!(#v.clamp(isa.splat_i32(-1), isa.splat_i32(1)))
        } else {
            let zero = quote!(isa.splat(0.0));
            quote!(#v.gt(#zero).select(isa.splat(1.0), #v.lt(#zero).select(isa.splat(-1.0), #plain)))
        };
        Val::lanes(code, Prec::Post)
    }
}

impl Val {
    pub(super) fn with(self, inner: &Val) -> Self {
        Val { lanes: inner.lanes, ..self }
    }

    pub(super) fn uses(self, body: &mut Body<'_>) -> Self {
        body.uses_isa = true;
        self
    }
}

/// `a && b && c`.
pub(super) fn fold_logic(v: &[Val], sign: &TokenStream) -> Val {
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
