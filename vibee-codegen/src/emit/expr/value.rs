//! Values: which shape an expression takes here, and when lanes must be computed one by one.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{format_ident, quote};
use vibee_spec::term::{Atom, DefId, ExprId, IndexId, Int, Node, Pos, Source};

use super::{Class, Prec, Val, float, is_name};
use crate::emit::body::{Body, Shape};
use crate::passes::{free_indices, visit};

/// Whether a name stands in code.
fn mentions(code: &TokenStream, name: &str) -> bool {
    code.clone().into_iter().any(|t| match t {
        TokenTree::Ident(i) => i == name,
        TokenTree::Group(g) => mentions(&g.stream(), name),
        _ => false,
    })
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

    pub(super) fn splat(&mut self, e: ExprId, v: Val) -> Val {
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
    pub(super) fn known(&self, e: ExprId) -> Option<Val> {
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

    /// Computes each lane on its own: correct for everything, fast for nothing.
    pub fn per_lane(&mut self, e: ExprId) -> Val {
        let Some(l) = self.lanes.take() else { unreachable!("lanes values need lanes") };
        self.uses_isa = true;
        let index = self.index(l.index);
        let outer = self.closure.replace((index.clone(), l.block.clone()));
        let masked = std::mem::replace(&mut self.masked, false);
        let body = self.scalar(e).code;
        (self.closure, self.masked) = (outer, masked);
        let method = match Class::of(self.p.program.kernel.exprs.dtype(e)) {
            Class::I32 => quote!(from_fn_i32),
            Class::Bool => quote!(from_fn_mask),
            _ => quote!(from_fn),
        };
        let block = &l.block;
        // The closure's parameter takes the index's name; the block is kept under its own.
        let code = if index == block.to_string().as_str() {
            let plain = format_ident!("{}_block", index);
            let taken = self.scoped.values().any(|name| *name == plain);
            let alias = if taken { format_ident!("{}_lanes", index) } else { plain };
            let body = rename_block(body, &index, &alias);
            quote!({ let #alias = #block; isa.#method(#alias, |#index| #body) })
        } else {
            quote!(isa.#method(#block, |#index| #body))
        };
        self.lanes = Some(l);
        Val::lanes(code, Prec::Post)
    }

    /// `if` in lanes computes both sides; reads that are only valid on one side are masked there.
    pub(super) fn select_lanes(&mut self, e: ExprId, args: &[ExprId]) -> Val {
        let cond = self.value(args[0]);
        if !cond.lanes {
            let (a, b) = (self.branch(args[1]), self.branch(args[2]));
            return Val::lanes(super::choice(&cond.code, &a, &b), Prec::Low);
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

    /// A side of a choice that all lanes make together, with the statements it needs: only it may be computed.
    fn branch(&mut self, e: ExprId) -> TokenStream {
        let outer = std::mem::take(&mut self.pending);
        let code = self.lanes_of(e).code;
        let inside = std::mem::replace(&mut self.pending, outer);
        quote!(#(#inside)* #code)
    }

    /// A value of which only lanes under `mask` matter (and may be read).
    pub fn under(&mut self, mask: TokenStream, e: ExprId) -> Val {
        if !self.is_risky(e) {
            return self.lanes_of(e);
        }
        let at = self.pending.len();
        let outer = self.narrow_block(&mask);
        let narrow = self.lanes.as_ref().map(|l| l.block.to_string()).unwrap_or_default();
        let masked = std::mem::replace(&mut self.masked, true);
        let v = self.lanes_of(e);
        self.masked = masked;
        if let Some(block) = outer {
            self.set_block(block);
            // What is the same in all lanes needs no narrower block.
            let used = |code: &TokenStream| mentions(code, &narrow);
            if !used(&v.code) && !self.pending[at + 1..].iter().any(used) {
                self.pending.remove(at);
            }
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
                    Pos::At(i) => !self.always_inside(i, extent),
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
pub(super) fn divides(i: &Int) -> bool {
    i.terms().any(|(factors, _)| {
        factors.iter().any(|a| match a {
            Atom::Div(x, y) | Atom::Mod(x, y) => y.as_const().is_none() || divides(x),
            Atom::Min(x, y) | Atom::Max(x, y) => divides(x) || divides(y),
            Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_) => false,
        })
    })
}

/// `index.start()` in a closure means the block's: the closure's own parameter shadows its name.
pub(super) fn rename_block(body: TokenStream, index: &Ident, alias: &Ident) -> TokenStream {
    let mut out = TokenStream::new();
    let tokens: Vec<_> = body.into_iter().collect();
    let mut n = 0;
    while n < tokens.len() {
        let is_start = matches!(&tokens[n], TokenTree::Ident(i) if i == index)
            && matches!(tokens.get(n + 2), Some(TokenTree::Ident(i)) if i == "start");
        match &tokens[n] {
            TokenTree::Ident(_) if is_start => out.extend(quote!(#alias)),
            TokenTree::Group(g) => {
                let inner = rename_block(g.stream(), index, alias);
                let mut group = proc_macro2::Group::new(g.delimiter(), inner);
                group.set_span(g.span());
                out.extend([TokenTree::Group(group)]);
            }
            other => out.extend([other.clone()]),
        }
        n += 1;
    }
    out
}
