//! Integers that sizes and indices make, as values and in lanes.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use vibee_spec::term::{Atom, DType, ExprId, Int};

use super::{Class, Prec, Val, float};
use crate::emit::body::Body;
use crate::emit::ints::{Mode, int, nonnegative};

impl Body<'_> {
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
        let plain = nonnegative(i) && !self.signed_scalars(i) && self.divides_well(i);
        let mode = if plain { Mode::Exact } else { Mode::Wide };
        let code = self.int(i, mode);
        let single =
            i.as_atom().is_some_and(|a| matches!(a, Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_)));
        let code = match (single, ty.to_string() == "i32") {
            (true, _) => quote!(#code as #ty),
            (false, true) => quote!((#code) as i32),
            // Integer values have 32 bits before they are anything else.
            (false, false) => quote!((#code) as i32 as #ty),
        };
        Val::one(code, Prec::Cast)
    }

    /// Whether no divisor is 0 wherever the loops around run.
    fn divides_well(&self, i: &Int) -> bool {
        i.terms().flat_map(|(factors, _)| factors).all(|a| match a {
            Atom::Div(x, y) | Atom::Mod(x, y) => {
                self.is_positive(y) && self.divides_well(x) && self.divides_well(y)
            }
            Atom::Min(x, y) | Atom::Max(x, y) => self.divides_well(x) && self.divides_well(y),
            Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_) => true,
        })
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
            Mode::Exact => quote!((#wide) as usize),
            Mode::Saturating => quote!((#wide).max(0) as usize),
            Mode::Signed => quote!((#wide) as isize),
            Mode::Wide => wide,
        }
    }

    /// Whether an integer expression contains an argument that may be negative.
    pub(super) fn signed_scalars(&self, i: &Int) -> bool {
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
    pub(super) fn int_lanes(&mut self, e: ExprId, i: &Int) -> Val {
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
                match c {
                    1 => quote!(#plain + #j0 as i32),
                    -1 => quote!(#plain - #j0 as i32),
                    c => {
                        let c = Literal::i64_unsuffixed(c);
                        quote!(#plain + #c * #j0 as i32)
                    }
                }
            }
            None => self.int_as(&rest, &quote!(i32)).code,
        };
        Val::lanes(quote!(#iota + isa.splat_i32(#rest)), Prec::Add)
    }
}
