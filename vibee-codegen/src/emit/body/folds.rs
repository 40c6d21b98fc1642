//! Folds: an accumulator starts, takes values in and becomes the value.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{DefId, ExprId, FoldOp, IndexId, Node, Op};

use super::store::round;
use super::{Body, Shape};
use crate::emit::expr::{Class, Prec, Val};

impl<'a> Body<'a> {
    pub(super) fn start(&mut self, d: DefId, lanes: Option<u32>) -> TokenStream {
        let comment = self.comment(d);
        let def = self.p.program.def(d);
        let name = self.names.variable(d);
        let Some(fold) = def.fold.as_ref() else { unreachable!("only folds start") };
        let class = Class::of(self.p.program.kernel.exprs.dtype(def.value));
        let shape = if lanes.is_some() { Shape::Lanes } else { Shape::One };
        self.variables.insert(d, shape);
        let u = lanes.map(Literal::u32_unsuffixed);
        self.uses_isa |= u.is_some();
        let start = match (fold.op, u) {
            (FoldOp::ArgMax, Some(u)) => quote!(isa.argmax::<#u>()),
            (FoldOp::ArgMin, Some(u)) => quote!(isa.argmin::<#u>()),
            (FoldOp::ArgMax | FoldOp::ArgMin, None) => {
                let best = format_ident!("{name}_best");
                let ty = match class {
                    Class::I32 => quote!(i32),
                    Class::F64 => quote!(f64),
                    _ => quote!(f32),
                };
                return quote!(#comment let mut #name = 0_i32; let mut #best: Option<#ty> = None;);
            }
            (op, Some(u)) => {
                let first = identity(op, class).to_string().replace("_f32", "").replace("_i32", "");
                let first: TokenStream = first.parse().unwrap_or_default();
                let splat = splat_of(class);
                quote!(isa.#splat::<#u>(#first))
            }
            (op, None) => identity(op, class),
        };
        quote!(#comment let mut #name = #start;)
    }

    pub(super) fn update(&mut self, d: DefId) -> TokenStream {
        let def = self.p.program.def(d).clone();
        let Some(fold) = def.fold else { unreachable!("only folds are updated") };
        let name = self.names.variable(d);
        let class = Class::of(self.p.program.kernel.exprs.dtype(def.value));
        let mut condition = TokenStream::new();
        let mut masked = self.lanes.as_ref().is_some_and(|l| fold.over.contains(&l.index));
        let mut outer_block = None;
        if let Some(g) = def.guard {
            let g = self.value(g);
            if g.lanes {
                outer_block = self.narrow_block(&g.code);
                masked = true;
            } else {
                condition = g.code;
            }
        }
        // Statements that a conditional value needs belong inside the condition.
        let outer = std::mem::take(&mut self.pending);
        let bound = self.bound.clone();
        let was_masked = self.masked;
        self.masked |= outer_block.is_some();
        let code = if self.variables.get(&d) == Some(&Shape::Lanes) {
            self.update_lanes(&name, fold.op, class, def.value, masked)
        } else {
            self.update_one(&name, &fold.op, class, def.value, fold.over[0])
        };
        self.masked = was_masked;
        let inside = std::mem::replace(&mut self.pending, outer);
        if let Some(block) = outer_block {
            self.set_block(block);
        }
        self.bound_cleanup();
        if condition.is_empty() {
            self.pending.extend(inside);
            code
        } else {
            self.bound = bound;
            quote!(if #condition { #(#inside)* #code })
        }
    }

    /// Narrows the current block to lanes under `mask`; returns the block to go back to.
    pub fn narrow_block(&mut self, mask: &TokenStream) -> Option<TokenStream> {
        let l = self.lanes.as_ref()?;
        let (block, base) = (l.block.clone(), format!("{}_inside", self.index(l.index)));
        let inside = self.fresh(&base);
        self.pending.push(quote!(let #inside = #block.only(#mask);));
        self.set_block(quote!(#inside));
        Some(block)
    }

    /// Makes `block` the current one.
    pub fn set_block(&mut self, block: TokenStream) {
        if let Some(l) = &mut self.lanes {
            l.block = block;
        }
    }

    /// Forgets variables of subexpressions that only the last statement had.
    pub(super) fn bound_cleanup(&mut self) {
        self.bound.retain(|_, (_, shape)| *shape == Shape::One);
    }

    pub(super) fn update_one(
        &mut self,
        name: &Ident,
        op: &FoldOp,
        class: Class,
        value: ExprId,
        over: IndexId,
    ) -> TokenStream {
        let v = self.scalar(value);
        let code = &v.code;
        match (op, class) {
            (FoldOp::Sum, Class::I32) => quote!(#name = #name.wrapping_add(#code);),
            (FoldOp::Prod, Class::I32) => quote!(#name = #name.wrapping_mul(#code);),
            (FoldOp::Sum, _) => quote!(#name += #code;),
            (FoldOp::Prod, _) => quote!(#name *= #code;),
            (FoldOp::Max, _) => quote!(#name = #name.max(#code);),
            (FoldOp::Min, _) => quote!(#name = #name.min(#code);),
            (FoldOp::Any, _) => quote!(#name |= #code;),
            (FoldOp::All, _) => quote!(#name &= #code;),
            (FoldOp::ArgMax | FoldOp::ArgMin, _) => {
                let best = format_ident!("{name}_best");
                let better = if *op == FoldOp::ArgMax { quote!(>) } else { quote!(<) };
                let i = self.index(over);
                let candidate = self.fresh("candidate");
                let counts = if class == Class::I32 { quote!() } else { quote!(!#candidate.is_nan() &&) };
                quote! {
                    let #candidate = #code;
                    if #counts #best.is_none_or(|best| #candidate #better best) {
                        #best = Some(#candidate);
                        #name = #i as i32;
                    }
                }
            }
        }
    }

    pub(super) fn update_lanes(
        &mut self,
        name: &Ident,
        op: FoldOp,
        class: Class,
        value: ExprId,
        masked: bool,
    ) -> TokenStream {
        let Some(l) = self.lanes.clone() else { unreachable!("lanes accumulators live in lanes loops") };
        let d = &l.block;
        // A product joins a sum in one rounding.
        if let (FoldOp::Sum, Class::F32, Node::Op(Op::Mul, f)) =
            (op, class, self.p.program.kernel.exprs.node(value).clone())
            && !self.bound.contains_key(&value)
            && self.varies(value)
        {
            self.share(value);
            let (a, b) = (self.lanes_of(f[0]), self.lanes_of(f[1]));
            let (post, a, b) = (a.at(Prec::Post), &a.code, &b.code);
            return if masked {
                quote!(#name = #name.fma_in(#d, #a, #b);)
            } else {
                quote!(#name = #post.mul_add(#b, #name);)
            };
        }
        self.share(value);
        let value = self.lanes_of(value);
        let v = &value.code;
        let masked_name = match op {
            FoldOp::Sum => "add_in",
            FoldOp::Prod => "mul_in",
            FoldOp::Max => "max_in",
            FoldOp::Min => "min_in",
            FoldOp::Any => "or_in",
            FoldOp::All => "and_in",
            FoldOp::ArgMax | FoldOp::ArgMin => {
                let update = if class == Class::I32 { quote!(update_i32) } else { quote!(update) };
                return quote!(#name.#update(#d, #v););
            }
        };
        if masked {
            let method = format_ident!("{masked_name}");
            return quote!(#name = #name.#method(#d, #v););
        }
        match op {
            FoldOp::Sum => {
                let v = value.at(Prec::Mul);
                quote!(#name = #name + #v;)
            }
            FoldOp::Prod => {
                let v = value.at(Prec::Cast);
                quote!(#name = #name * #v;)
            }
            FoldOp::Max => quote!(#name = #name.max(#v);),
            FoldOp::Min => quote!(#name = #name.min(#v);),
            FoldOp::Any => {
                let v = value.at(Prec::Add);
                quote!(#name = #name | #v;)
            }
            FoldOp::All | FoldOp::ArgMax | FoldOp::ArgMin => {
                let v = value.at(Prec::Add);
                quote!(#name = #name & #v;)
            }
        }
    }

    pub(super) fn finish(&mut self, d: DefId, reduce: bool) -> TokenStream {
        let def = self.p.program.def(d);
        let name = self.names.variable(d);
        let op = def.fold.as_ref().map_or(FoldOp::Sum, |f| f.op);
        let dtype = def.dtype.clone();
        let mut code = TokenStream::new();
        if reduce {
            self.variables.insert(d, Shape::One);
            let value = match op {
                FoldOp::Sum => quote!(#name.reduce_add()),
                FoldOp::Prod => quote!(#name.reduce_mul()),
                FoldOp::Max => quote!(#name.reduce_max()),
                FoldOp::Min => quote!(#name.reduce_min()),
                FoldOp::Any => quote!(#name.any()),
                FoldOp::All => quote!(#name.all()),
                FoldOp::ArgMax | FoldOp::ArgMin => quote!(#name.finish() as i32),
            };
            code.extend(quote!(let #name = #value;));
        }
        // Readers nearby see what readers of the stored value would.
        if self.p.place(d).variable {
            let v = Val::one(quote!(#name), Prec::Post);
            if let Some(rounded) = round(&dtype, &v) {
                let rounded = match self.variables.get(&d) {
                    Some(Shape::Lanes) => self.round_lanes(&dtype, &v),
                    _ => rounded,
                };
                let pending = std::mem::take(&mut self.pending);
                code.extend(quote!(#(#pending)* let #name = #rounded;));
            }
        }
        code
    }
}

/// The identity of a fold.
pub(super) fn identity(op: FoldOp, class: Class) -> TokenStream {
    match (op, class) {
        (FoldOp::Sum, Class::I32) => quote!(0_i32),
        (FoldOp::Prod, Class::I32) => quote!(1_i32),
        (FoldOp::Sum, Class::F64) => quote!(0.0_f64),
        (FoldOp::Prod, Class::F64) => quote!(1.0_f64),
        (FoldOp::Sum, _) => quote!(0.0_f32),
        (FoldOp::Prod, _) => quote!(1.0_f32),
        (FoldOp::Max | FoldOp::ArgMax, Class::I32) => quote!(i32::MIN),
        (FoldOp::Min | FoldOp::ArgMin, Class::I32) => quote!(i32::MAX),
        (FoldOp::Max | FoldOp::ArgMax, Class::F64) => quote!(f64::NEG_INFINITY),
        (FoldOp::Min | FoldOp::ArgMin, Class::F64) => quote!(f64::INFINITY),
        (FoldOp::Max | FoldOp::ArgMax, _) => quote!(f32::NEG_INFINITY),
        (FoldOp::Min | FoldOp::ArgMin, _) => quote!(f32::INFINITY),
        (FoldOp::Any, _) => quote!(false),
        (FoldOp::All, _) => quote!(true),
    }
}

/// The method that puts a value of a class into every lane.
pub fn splat_of(class: Class) -> Ident {
    match class {
        Class::I32 => format_ident!("splat_i32"),
        Class::Bool => format_ident!("splat_mask"),
        _ => format_ident!("splat"),
    }
}
