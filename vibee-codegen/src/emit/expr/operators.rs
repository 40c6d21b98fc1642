//! Operators, for one value and for lanes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use vibee_spec::term::{ExprId, Node, Op};

use super::{Class, Prec, Val, ends_with_cast};
use crate::emit::body::Body;

impl Body<'_> {
    pub(super) fn op_one(&mut self, op: Op, args: &[ExprId], class: Class) -> Val {
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
