//! Calls of sublayers in a forward: `x = blocks[i](x, mask, eps)`.
//!
//! Works in the builder of the segment before the call, which computes arguments that are not
//! plain names. Must not know how segments become steps ([`super::forward`]).

use super::bind::{ArgShape, Callee};
use super::builder::{Builder, Entry, Local};
use super::calls::Value as Given;
use super::forward::Member;
use super::graft::Feed;
use super::hir::{Hir, Kind, Place};
use crate::ast::{self, Define, ExprKind, Stmt};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{Arg, Atom, Cmp, DType, Def, DefId, DimId, Input, Int, Layer, Node, Source};

/// A sublayer call: `y = enc[i](x)`.
pub(super) struct SubCall<'a> {
    pub define: &'a Define,
    pub sublayer: usize,
    pub callee: &'a ast::Ident,
    pub indices: Option<&'a [ast::Binder]>,
    pub args: &'a [ast::Arg],
}

/// An argument of a sublayer call, before values have numbers.
#[derive(Clone)]
pub(super) enum CallArg {
    Known(Arg),
    Def(DefId),
}

/// A sublayer call whose arguments are evaluated.
pub(super) struct Prepared {
    pub args: Vec<CallArg>,
    /// The loop whose variable chooses the copy, the outermost being 0.
    pub copy: Option<usize>,
    /// Arguments that the callee takes as `idx` or `len`.
    pub positions: Vec<usize>,
    /// Types and shapes of the results.
    pub outs: Vec<(DType, Vec<Int>)>,
}

impl<'a> Builder<'_, 'a> {
    /// Whether a constraint speaks of a scalar argument.
    pub fn mentions_input(&self, c: &'a ast::Expr) -> bool {
        let mut found = false;
        super::visit::names(c, &mut |n| {
            found |= matches!(self.locals.get(n).map(|e| &e.local), Some(Local::Outer(..) | Local::Input(_)));
        });
        found
    }

    pub fn reserve_statements(&mut self, run: &[&'a Stmt]) {
        for s in run {
            self.reserve_names(std::slice::from_ref(*s));
        }
    }

    pub fn seed_statements(&mut self, run: &[&'a Stmt]) {
        for s in run {
            self.seed_written_ranges(s);
        }
        for s in run {
            self.seed_statement(s);
        }
    }

    /// A definition equal to a visible value.
    pub fn copy_of(&mut self, name: &str) -> Option<DefId> {
        let entry = self.local(name)?;
        let Local::Input(i) = entry.local else { return None };
        self.copy_source(name, Source::Input(i), None, entry.span)
    }

    fn copy_source(&mut self, name: &str, s: Source, dtype: Option<&DType>, span: Span) -> Option<DefId> {
        let fresh = self.fresh_name(&format!("own_{name}"));
        let place = self.here(span);
        let text = format!("{fresh} = {name}");
        if self.shape(s).0.is_empty() {
            let t = self.shape(s).1.clone();
            let e = self.exprs().intern(Node::Load { from: s, at: vec![], outside: None }, t.computed());
            let dtype = dtype.cloned().unwrap_or(t);
            let body = self.convert(e, &dtype, place)?;
            return Some(self.push_def(Def {
                name: fresh,
                indices: vec![],
                dtype,
                shape: vec![],
                store: vec![],
                body,
                text,
            }));
        }
        let own = self.shape(s).1.clone();
        let whole = Hir { kind: Kind::Whole(s), place };
        self.define_whole(&fresh, &whole, Some(dtype.unwrap_or(&own)), &text)
    }

    /// Evaluates the arguments of a sublayer call and checks them against its forward.
    pub fn prepare_call(&mut self, c: &SubCall<'a>, layer: &Layer, member: &Member) -> Option<Prepared> {
        let place = self.here(c.define.span);
        let env = self.root();
        let sub = &layer.sublayers[c.sublayer];
        for n in &c.define.names {
            if let Some(entry) = self.locals.get(&n.name).cloned()
                && !self.may_define(n, &entry)
            {
                self.defined_twice(&n.name, n.span, entry.span);
                return None;
            }
        }
        let copy = self.sublayer_index(c, sub.count.as_ref())?;
        let unit: &'a ast::File = self.cx.units[member.file].file;
        let declared = &unit.layers[member.at];
        let method = declared.methods.iter().find(|m| m.name.name == "forward")?;
        let given = self.match_arguments(&c.callee.name, &method.params, c.args, &env, place)?;
        let f = &member.layer.forward;
        let (mut args, mut shapes, mut feeds) = (vec![], vec![], vec![]);
        for (input, e) in f.inputs.iter().zip(&given) {
            let (arg, shape, feed) = self.sublayer_argument(&c.callee.name, input, e)?;
            args.push(arg);
            shapes.push((shape, env.place(e.span)));
            feeds.push(feed);
        }
        let sizes: Vec<(DimId, Int)> =
            (0u32..).zip(&sub.dims).map(|(d, size)| (DimId(d), size.clone())).collect();
        let callee = Callee { name: &c.callee.name, dims: &f.dims, inputs: &f.inputs, checks: &f.checks };
        let dims = self.bind_dims(&callee, &sizes, &shapes, place)?;
        self.inherit_checks(&callee, &dims, &feeds, &shapes, place)?;
        let known = |a: &Atom| super::bind::dim_of(a, &dims);
        for ((input, feed), (_, place)) in f.inputs.iter().zip(&feeds).zip(&shapes) {
            let extent = match &input.dtype {
                DType::Idx(n) => n.substitute(&known),
                DType::Len(n) => n.substitute(&known).add(&Int::constant(1)),
                _ => continue,
            };
            if let Feed::Scalar(_, Some(v)) = feed {
                self.stays_below(v, extent, *place);
            }
        }
        let mut outs = vec![];
        for v in &f.outputs {
            let value = &f.values[v.index()];
            let dtype = match &value.dtype {
                DType::Idx(n) => DType::Idx(n.substitute(&known)),
                DType::Len(n) => DType::Len(n.substitute(&known)),
                other => other.clone(),
            };
            outs.push((dtype, value.shape.iter().map(|e| e.substitute(&known)).collect()));
        }
        if outs.len() != c.define.names.len() || c.define.indices.is_some() || c.define.ty.is_some() {
            let (want, got) = (outs.len(), c.define.names.len());
            let d = Diagnostic::error(
                "V0217",
                place.span,
                format!("the call has {want} outputs, {got} are named"),
            )
            .hint("name the results without indices or types");
            self.err(place, d);
            return None;
        }
        let position = |i: &Input| i.shape.is_empty() && matches!(i.dtype, DType::Idx(_) | DType::Len(_));
        let positions = (0..f.inputs.len()).filter(|n| position(&f.inputs[*n])).collect();
        Some(Prepared { args, copy, positions, outs })
    }

    fn sublayer_index(&mut self, c: &SubCall<'a>, copies: Option<&Int>) -> Option<Option<usize>> {
        let place = self.here(c.callee.span);
        let name = &c.callee.name;
        let counter = match c.indices {
            None | Some([]) => None,
            Some([b]) if b.range.is_none() => Some(b),
            Some(_) => {
                self.wrong_count(place, name, "1 index", 2);
                return None;
            }
        };
        let d = match (copies.is_some(), counter) {
            (false, None) => return Some(None),
            (true, Some(b)) => {
                let counter = self.locals.get(&b.name.name).map(|e| e.local.clone());
                if let (Some(Local::Counter(at, rounds)), Some(copies)) = (counter, copies) {
                    self.enough_copies(name, &rounds, copies, place)?;
                    return Some(Some(at));
                }
                Diagnostic::error(
                    "V0508",
                    b.name.span,
                    format!("`{}` is not the variable of a loop", b.name.name),
                )
                .hint(format!("copies are called in turn: `for i in L: x = {name}[i](x)`"))
            }
            (true, None) => Diagnostic::error("V0508", place.span, format!("`{name}` has several copies"))
                .hint(format!("call them in a loop: `for i in L: x = {name}[i](x)`")),
            (false, Some(_)) => Diagnostic::error("V0508", place.span, format!("`{name}` is a single layer"))
                .hint(format!("call it without an index: `{name}(x)`")),
        };
        let at = self.here(d.span);
        self.err(at, d);
        None
    }

    /// A loop must not have more rounds than there are copies.
    fn enough_copies(&mut self, name: &str, rounds: &Int, copies: &Int, place: Place) -> Option<()> {
        if let (Some(n), Some(have)) = (rounds.as_const(), copies.as_const())
            && n > have
        {
            let d = Diagnostic::error(
                "V0508",
                place.span,
                format!("`{name}` has {have} copies, the loop has {n} rounds"),
            )
            .hint("repeat the sublayer as often as the loop runs");
            self.err(place, d);
            return None;
        }
        let text = self.constraint_text(rounds, Cmp::Le, copies);
        self.inherit_where(name, &text, rounds, Cmp::Le, copies, place)
    }

    /// An argument as it is handed over, its shape, and what the callee's checks see of it.
    fn sublayer_argument(
        &mut self,
        callee: &str,
        input: &Input,
        e: &'a ast::Expr,
    ) -> Option<(CallArg, ArgShape, Feed)> {
        // A plain name is handed over as it is.
        if let ExprKind::Name(n) = &e.kind
            && let Some(Entry { local: Local::Outer(arg, own), .. }) = self.locals.get(n).cloned()
            && own.dtype.computed_like(&input.dtype)
            && own.shape.is_empty() == input.shape.is_empty()
            && !self.is_stored(arg)
        {
            self.used.insert(n.clone());
            let shape = ArgShape { shape: own.shape.clone(), dtype: own.dtype.clone() };
            let feed = self.feed_of_outer(n, arg, &own);
            return Some((CallArg::Known(arg), shape, feed));
        }
        let param = ast::Param {
            name: ast::Ident { name: input.name.clone(), span: e.span },
            ty: ast::Ty {
                elem: ast::TyElem::Named(ast::Ident { name: String::new(), span: e.span }),
                shape: input.shape.iter().map(|_| e.clone()).collect(),
                span: e.span,
            },
        };
        let env = self.root();
        let given = self.argument(callee, &param, Some(&input.dtype), e, &env)?;
        match given {
            Given::Tensor(s) => {
                let (shape, dtype) = (self.shape(s).0.to_vec(), self.shape(s).1.clone());
                if let (Source::Input(i), true) = (s, dtype.computed_like(&input.dtype))
                    && self.k.packed(i).is_none()
                {
                    let arg = self.args[i.index()];
                    return Some((CallArg::Known(arg), ArgShape { shape, dtype }, Feed::Source(s)));
                }
                let def = match s {
                    Source::Def(d) if dtype.computed_like(&input.dtype) => d,
                    _ => self.copy_source(&input.name, s, Some(&input.dtype), e.span)?,
                };
                let (shape, dtype) = (self.k.def(def).shape.clone(), self.k.def(def).dtype.clone());
                Some((CallArg::Def(def), ArgShape { shape, dtype }, Feed::Source(Source::Def(def))))
            }
            Given::Scalar(value) => {
                let place = self.here(e.span);
                let wanted = match &input.dtype {
                    // Bounds are over the callee's sizes; its own entry check compares them.
                    DType::Idx(_) | DType::Len(_) => DType::I32,
                    other => other.clone(),
                };
                let value = self.convert(value, &wanted, place)?;
                if let Node::Load { from: Source::Input(i), .. } = self.k.exprs.node(value) {
                    let arg = self.args[i.index()];
                    let shape = ArgShape { shape: vec![], dtype: wanted };
                    return Some((CallArg::Known(arg), shape, Feed::Scalar(value, None)));
                }
                let name = self.fresh_name(&format!("{callee}_{}", input.name));
                let text = format!("{name} = {}", self.text(place));
                let symbolic = self.symbolic(value);
                let def = self.push_def(Def {
                    name,
                    indices: vec![],
                    dtype: wanted.clone(),
                    shape: vec![],
                    store: vec![],
                    body: value,
                    text,
                });
                let shape = ArgShape { shape: vec![], dtype: wanted };
                Some((CallArg::Def(def), shape, Feed::Scalar(value, symbolic)))
            }
            Given::Size(_) => None,
        }
    }

    /// Whether a weight is kept in a format: what is handed over are its numbers.
    fn is_stored(&self, arg: Arg) -> bool {
        matches!(arg, Arg::Weight(w) if matches!(self.weight_formats.get(w), Some(Some(_))))
    }

    /// A symbolic stand-in for a scalar that is handed over unread.
    fn feed_of_outer(&mut self, name: &str, arg: Arg, own: &Input) -> Feed {
        let is_argument = matches!(arg, Arg::Value(v) if v.index() < self.forward_arguments);
        if own.shape.is_empty() && own.dtype.is_int() && is_argument {
            // Checks may speak of it, so it becomes an input (dropped again if nothing else does).
            if let Some(Entry { local: Local::Input(i), .. }) = self.local(name) {
                let t = own.dtype.computed();
                let e =
                    self.exprs().intern(Node::Load { from: Source::Input(i), at: vec![], outside: None }, t);
                return Feed::Scalar(e, Some(Int::atom(Atom::Scalar(i))));
            }
        }
        Feed::Nothing
    }
}

impl DType {
    /// Whether a value of this type can be handed over where `wanted` is declared, unconverted.
    fn computed_like(&self, wanted: &DType) -> bool {
        match (self, wanted) {
            // Bounds are compared where the call is checked.
            (DType::Idx(_), DType::Idx(_)) | (DType::Len(_), DType::Len(_)) => true,
            (a, b) => a == b,
        }
    }
}
