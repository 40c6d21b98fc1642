//! Elementwise values: into variables, and rounded into their buffers.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DType, DefId, ExprId};

use super::folds::splat_of;
use super::{Body, Shape};
use crate::emit::expr::{Class, Prec, Val};

/// A value of a class for where nobody looks.
pub fn zero(class: Class) -> TokenStream {
    match class {
        Class::I32 => quote!(0),
        Class::Bool => quote!(false),
        Class::F32 | Class::F64 => quote!(0.0),
    }
}

impl<'a> Body<'a> {
    pub(super) fn let_value(&mut self, d: DefId) -> TokenStream {
        let comment = self.comment(d);
        let def = self.p.program.def(d).clone();
        let name = self.names.variable(d);
        self.share(def.value);
        let v = match def.guard {
            Some(g) if self.is_risky(def.value) => self.guarded(g, def.value),
            _ => self.value(def.value),
        };
        let shape = if v.lanes { Shape::Lanes } else { Shape::One };
        let code = match (shape, round(&def.dtype, &v)) {
            (Shape::One, Some(rounded)) => rounded,
            (Shape::Lanes, Some(_)) => self.round_lanes(&def.dtype, &v),
            (_, None) => v.code,
        };
        self.variables.insert(d, shape);
        self.bound_cleanup();
        quote!(#comment let #name = #code;)
    }

    /// A value that may only be computed under a condition; 0 elsewhere, where nobody reads it.
    pub(super) fn guarded(&mut self, guard: ExprId, value: ExprId) -> Val {
        let g = self.value(guard);
        if g.lanes {
            return self.under(g.code, value);
        }
        let class = Class::of(self.p.program.kernel.exprs.dtype(value));
        let v = self.value(value);
        let (c, then) = (g.code, v.code);
        let zero = zero(class);
        if v.lanes {
            self.uses_isa = true;
            let splat = splat_of(class);
            Val::lanes(quote!(if #c { #then } else { isa.#splat(#zero) }), Prec::Low)
        } else {
            Val::one(quote!(if #c { #then } else { #zero }), Prec::Low)
        }
    }

    pub(super) fn round_lanes(&mut self, dtype: &DType, v: &Val) -> TokenStream {
        let Some(l) = self.lanes.clone() else { unreachable!("lanes values live in lanes loops") };
        let exact = self.fresh("exact");
        let code = &v.code;
        self.pending.push(quote!(let #exact = #code;));
        let (block, i) = (&l.block, self.fresh("lane"));
        self.uses_isa = true;
        let one = Val::one(quote!(#exact.lane(#i - #block.start())), Prec::Post);
        let rounded = round(dtype, &one).unwrap_or(one.code);
        let method = if dtype.is_float() { quote!(from_fn) } else { quote!(from_fn_i32) };
        quote!(isa.#method(#block, |#i| #rounded))
    }

    pub(super) fn store(&mut self, d: DefId) -> TokenStream {
        let comment = self.comment(d);
        let def = self.p.program.def(d).clone();
        let Some(buffer) = self.p.place(d).buffer else { unreachable!("only stored definitions are stored") };
        let v = match self.variables.get(&d) {
            Some(shape) => {
                let name = self.names.variable(d);
                self.variable(&name, *shape)
            }
            None => {
                self.share(def.value);
                match def.guard {
                    Some(g) if self.is_risky(def.value) => self.guarded(g, def.value),
                    _ => self.value(def.value),
                }
            }
        };
        let v = if self.lanes.is_some() && !v.lanes { self.splat_class(&def.dtype, v) } else { v };
        let code = if v.lanes {
            let (row, block) = (self.row_mut(buffer), self.lanes.as_ref().map(|l| l.block.clone()));
            let value = v.code;
            quote!(#row.store(#block, #value);)
        } else {
            let value = narrow(&def.dtype, &v);
            self.set(buffer, value)
        };
        self.bound_cleanup();
        quote!(#comment #code)
    }

    pub(super) fn splat_class(&mut self, dtype: &DType, v: Val) -> Val {
        self.uses_isa = true;
        let splat = splat_of(Class::of(&dtype.computed()));
        let code = v.code;
        Val::lanes(quote!(isa.#splat(#code)), Prec::Post)
    }
}

/// The Rust type of stored elements.
pub fn storage(t: &DType) -> Ident {
    match t {
        DType::F64 => format_ident!("f64"),
        DType::F32 => format_ident!("f32"),
        DType::F16 => format_ident!("f16"),
        DType::BF16 => format_ident!("bf16"),
        DType::I32 => format_ident!("i32"),
        DType::I8 => format_ident!("i8"),
        DType::U8 => format_ident!("u8"),
        DType::Bool => format_ident!("bool"),
        DType::Idx(_) | DType::Len(_) => format_ident!("u32"),
    }
}

/// A value as its storage type.
pub(super) fn narrow(t: &DType, v: &Val) -> TokenStream {
    let (code, cast, post) = (&v.code, v.at(Prec::Cast), v.at(Prec::Post));
    match t {
        DType::F16 => quote!(f16::from_f32(#code)),
        DType::BF16 => quote!(bf16::from_f32(#code)),
        DType::I8 => quote!(#post.clamp(-128, 127) as i8),
        DType::U8 => quote!(#post.clamp(0, 255) as u8),
        DType::Idx(_) | DType::Len(_) => quote!(#cast as u32),
        _ => code.clone(),
    }
}

/// A value as it reads back from its storage type, where that differs.
pub(super) fn round(t: &DType, v: &Val) -> Option<TokenStream> {
    let (code, post) = (&v.code, v.at(Prec::Post));
    match t {
        DType::F16 => Some(quote!(f16::from_f32(#code).to_f32())),
        DType::BF16 => Some(quote!(bf16::from_f32(#code).to_f32())),
        DType::I8 => Some(quote!(#post.clamp(-128, 127))),
        DType::U8 => Some(quote!(#post.clamp(0, 255))),
        _ => None,
    }
}
