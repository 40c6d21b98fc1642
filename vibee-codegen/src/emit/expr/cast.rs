//! Conversions between element types.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{DType, ExprId, Int, Node};

use super::{Class, Prec, Val};
use crate::emit::body::Body;
use crate::emit::ints::Mode;

impl Body<'_> {
    pub(super) fn cast_one(&mut self, to: &DType, a: ExprId) -> Val {
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
                let top = self.most(&top);
                let v = if from == Class::I32 { post } else { quote!((#cast as i32)) };
                Val::one(quote!(#v.min(#top).max(0)), Prec::Post)
            }
            (Class::Bool, _) | (_, DType::Bool) => v,
        }
    }

    /// The largest position, as a value.
    fn most(&mut self, top: &Int) -> TokenStream {
        if let Some(top) = top.as_const().and_then(|top| i32::try_from(top).ok()) {
            let top = Literal::i32_unsuffixed(top);
            return quote!(#top);
        }
        let top = self.int(top, Mode::Wide);
        quote!((#top) as i32)
    }

    pub(super) fn cast_lanes(&mut self, e: ExprId, to: &DType, a: ExprId) -> Val {
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
                let top = self.most(&top);
                let code = quote!(#whole.min(isa.splat_i32(#top)).max(isa.splat_i32(0)));
                Val::lanes(code, Prec::Post).uses(self)
            }
            _ => self.per_lane(e),
        }
    }
}
