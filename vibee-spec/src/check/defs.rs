//! Definitions: `y[t, d] = …`, `s = …`, whole tensors, and several outputs of one call.

use super::builder::{Builder, Entry, Local};
use super::hir::{Hir, Kind, Place};
use crate::ast::{Define, DefineOp, Expr, ExprKind, Ident, LhsIndex};
use crate::diag::Diagnostic;
use crate::term::{Arg, DType, Def, DefId, ExprId, Int, Node, Pos, Source};

/// What a definition is to become, before its value is typed.
pub(super) struct Target<'a> {
    pub name: &'a Ident,
    /// Declared by the output or written at the definition.
    pub dtype: Option<DType>,
    /// Declared by the output.
    pub shape: Option<Vec<Int>>,
    pub text: String,
}

impl<'a> Builder<'_, 'a> {
    /// Announces the names of a body, so that a use above the definition is recognised.
    pub fn announce(&mut self, names: &'a [Ident]) {
        for n in names {
            self.locals.entry(n.name.clone()).or_insert(Entry { local: Local::Later, span: n.span });
        }
    }

    /// Checks one definition. After an error its names are poisoned.
    pub fn define(&mut self, d: &'a Define) -> Option<()> {
        let done = self.try_define(d);
        if done.is_none() {
            for n in &d.names {
                self.locals.insert(n.name.clone(), Entry { local: Local::Poison, span: n.span });
                for o in self.outputs.iter_mut().filter(|o| o.name == n.name) {
                    o.failed = true;
                }
            }
        }
        self.bound.clear();
        self.domain.clear();
        self.guards.clear();
        self.conditions.clear();
        done
    }

    fn try_define(&mut self, d: &'a Define) -> Option<()> {
        match d.op {
            DefineOp::Define => {}
            DefineOp::Assign => {
                let e = Diagnostic::error("V0530", d.span, "state (`:=`) is not generated yet");
                self.err(self.here(d.span), e);
                return None;
            }
            DefineOp::Accumulate => {
                let e = Diagnostic::error("V0530", d.span, "scatter (`+=`) is not generated yet").hint(
                    "a fold over the source with a comparison says the same: `sum[t if dst[t] == i](v[t])`",
                );
                self.err(self.here(d.span), e);
                return None;
            }
        }
        for n in &d.names {
            if let Some(entry) = self.locals.get(&n.name).cloned()
                && !self.may_define(n, &entry)
            {
                self.defined_twice(&n.name, n.span, entry.span);
                return None;
            }
        }
        let [name] = &d.names[..] else { return self.define_several(d) };
        let target = self.target(d, name)?;
        let def = match &d.indices {
            Some(left) => self.define_indexed(d, left, &target)?,
            None => self.define_plain(d, &target)?,
        };
        self.finish(name, def);
        Some(())
    }

    /// Whether a name may be given a value although it is known: it was announced, or a loop of a
    /// forward rebinds a value.
    pub fn may_define(&self, n: &Ident, entry: &Entry) -> bool {
        match &entry.local {
            Local::Later => entry.span == n.span || self.in_loop,
            Local::Outer(Arg::Value(_), _) | Local::Def(_) | Local::Poison => self.in_loop,
            Local::Input(i) => self.in_loop && matches!(self.args.get(i.index()), Some(Arg::Value(_))),
            _ => false,
        }
    }

    /// The name a definition gets in the kernel: its own, unless that already stands for the
    /// value it replaces.
    fn kernel_name(&mut self, n: &Ident) -> String {
        let shadows =
            self.k.inputs.iter().any(|i| i.name == n.name) || self.k.defs.iter().any(|d| d.name == n.name);
        if shadows { self.fresh_name(&format!("next_{}", n.name)) } else { n.name.clone() }
    }

    pub fn target(&mut self, d: &'a Define, name: &'a Ident) -> Option<Target<'a>> {
        let env = self.root();
        let mut target = Target { name, dtype: None, shape: None, text: self.cx.text(self.file, d.span) };
        if let Some(o) = self.outputs.iter().find(|o| o.name == name.name) {
            if o.failed {
                return None;
            }
            (target.dtype, target.shape) = (Some(o.dtype.clone()), Some(o.shape.clone()));
        }
        let Some(ty) = &d.ty else { return Some(target) };
        let written = self.dtype(&ty.elem, &env)?;
        if let Some(declared) = target.dtype.as_ref().filter(|t| **t != written) {
            let (declared, written) = (self.show_type(declared), self.show_type(&written));
            let place = self.here(ty.span);
            self.err(
                place,
                Diagnostic::error(
                    "V0313",
                    ty.span,
                    format!("`{}` is {declared} in the header, {written} here", name.name),
                )
                .hint("leave the type out: an output has its declared type"),
            );
            return None;
        }
        target.dtype = Some(written);
        if !ty.shape.is_empty() {
            let shape: Vec<Option<Int>> = ty.shape.iter().map(|e| self.size(e, &env)).collect();
            let shape: Vec<Int> = shape.into_iter().collect::<Option<_>>()?;
            if let Some(declared) = target.shape.clone() {
                self.same_shape(name, &shape, &declared, self.here(ty.span))?;
            }
            target.shape = Some(shape);
        }
        Some(target)
    }

    /// Makes a finished definition visible.
    fn finish(&mut self, name: &'a Ident, def: DefId) {
        self.locals.insert(name.name.clone(), Entry { local: Local::Def(def), span: name.span });
        for o in self.outputs.iter_mut().filter(|o| o.name == name.name) {
            o.def = Some(def);
        }
    }

    /// Adds a definition.
    pub fn push_def(&mut self, def: Def) -> DefId {
        let id = DefId(u32::try_from(self.k.defs.len()).expect("fewer than 2^32 definitions"));
        self.taken.insert(def.name.clone());
        self.folds.clear();
        self.k.defs.push(def);
        id
    }

    fn define_indexed(&mut self, d: &'a Define, left: &'a [LhsIndex], target: &Target<'a>) -> Option<DefId> {
        let env = self.root();
        let indices = self.bind_left(left, target, &env);
        let value = self.expand(&d.value, &env);
        let (indices, value) = (indices?, value?);
        let settled = self.settle(&value);
        let mut fine = settled;
        for (i, l) in indices.iter().zip(self.left_places(left)) {
            fine = fine.and(self.has_range(*i, l));
        }
        fine?;
        let (store, shape) = self.left_positions(left, &indices, &env)?;
        if let Some(declared) = &target.shape {
            self.same_shape(target.name, &shape, declared, self.here(target.name.span))?;
        }
        let shape = target.shape.clone().unwrap_or(shape);
        self.domain = indices.clone();
        let body = self.lower(&value)?;
        let (body, dtype) = self.typed(body, target.dtype.as_ref(), value.place)?;
        let (name, text) = (self.kernel_name(target.name), target.text.clone());
        Some(self.push_def(Def { name, indices, dtype, shape, store, body, text }))
    }

    /// A value as its definition stores it, and the type it is stored with.
    pub fn typed(&mut self, body: ExprId, wanted: Option<&DType>, place: Place) -> Option<(ExprId, DType)> {
        match wanted {
            Some(t) => Some((self.convert(body, t, place)?, t.clone())),
            None => Some((body, self.type_of(body).clone())),
        }
    }

    fn define_plain(&mut self, d: &'a Define, target: &Target<'a>) -> Option<DefId> {
        let env = self.root();
        let before = self.k.defs.len();
        let value = self.expand(&d.value, &env)?;
        self.settle(&value)?;
        if let Some(def) = self.as_call_result(&d.value, &value, before)
            && self.adopt(def, target)?
        {
            return Some(def);
        }
        let dtype = target.dtype.clone();
        let def = match value.first_whole() {
            Some(_) => {
                let name = self.kernel_name(target.name);
                self.define_whole(&name, &value, dtype.as_ref(), &target.text)?
            }
            None => {
                let body = self.lower(&value)?;
                let (body, dtype) = self.typed(body, dtype.as_ref(), value.place)?;
                let (name, text) = (self.kernel_name(target.name), target.text.clone());
                self.push_def(Def { name, indices: vec![], dtype, shape: vec![], store: vec![], body, text })
            }
        };
        if let Some(declared) = &target.shape {
            let shape = self.k.def(def).shape.clone();
            self.same_shape(target.name, &shape, declared, self.here(target.name.span))?;
            self.k.defs[def.index()].shape = declared.clone();
        }
        Some(def)
    }

    /// The definition behind a right side that is nothing but a kernel call made just now.
    fn as_call_result(&self, e: &Expr, value: &Hir, before: usize) -> Option<DefId> {
        match (&e.kind, &value.kind) {
            (ExprKind::Call { .. }, Kind::Whole(Source::Def(d)) | Kind::Scalar(Source::Def(d)))
                if d.index() >= before =>
            {
                Some(*d)
            }
            _ => None,
        }
    }

    /// Lets the result of a call be the definition itself, if it is stored as wanted.
    fn adopt(&mut self, def: DefId, target: &Target<'a>) -> Option<bool> {
        let have = self.k.def(def).clone();
        if let Some(declared) = &target.shape {
            self.same_shape(target.name, &have.shape, declared, self.here(target.name.span))?;
        }
        if target.dtype.as_ref().is_some_and(|t| *t != have.dtype) {
            return Some(false);
        }
        self.taken.remove(&have.name);
        let name = self.kernel_name(target.name);
        self.taken.insert(name.clone());
        let d = &mut self.k.defs[def.index()];
        d.name = name;
        d.text.clone_from(&target.text);
        if let Some(declared) = &target.shape {
            d.shape.clone_from(declared);
        }
        Some(true)
    }

    /// A single value or whole tensor of an expression (a side of a law).
    pub fn define_value(&mut self, name: &str, e: &'a Expr) -> Option<DefId> {
        let env = self.root();
        let value = self.expand(e, &env)?;
        self.settle(&value)?;
        let text = self.text(value.place);
        if value.first_whole().is_some() {
            return self.define_whole(name, &value, None, &text);
        }
        let body = self.lower(&value)?;
        let (body, dtype) = self.typed(body, None, value.place)?;
        let name = name.to_string();
        Some(self.push_def(Def { name, indices: vec![], dtype, shape: vec![], store: vec![], body, text }))
    }

    fn is_kernel(&mut self, name: &Ident) -> bool {
        let found = self.cx.find(self.file, &name.name);
        matches!(found, Some(super::globals::Global::Kernel(..)))
            || self.cx.find_instance(self.file, &name.name).is_some()
    }

    /// Whether a called name means nothing here, or something with errors.
    fn is_nothing(&mut self, name: &Ident) -> bool {
        let local = self.locals.get(&name.name).map(|e| &e.local);
        let known = super::builtins::callable_words().any(|word| word == name.name);
        match local {
            Some(local) => matches!(local, Local::Poison),
            None => !known && self.cx.find(self.file, &name.name).is_none(),
        }
    }

    /// `a, b = f(x)`.
    fn define_several(&mut self, d: &'a Define) -> Option<()> {
        let env = self.root();
        let place = self.here(d.value.span);
        let call = match &d.value.kind {
            ExprKind::Call { callee, generic, indices, guard, args } => Some(super::callee::Call {
                callee,
                generic: generic.as_deref(),
                indices: indices.as_deref(),
                guard: guard.as_deref(),
                args: args.as_deref(),
                expr: &d.value,
            }),
            _ => None,
        };
        let outs = match call {
            Some(call) if self.is_kernel(call.callee) => self.kernel_call(&call, &env, place)?,
            Some(call) if self.is_nothing(call.callee) => {
                self.unknown_callee(&call, &env, place);
                return None;
            }
            _ => {
                let e = Diagnostic::error(
                    "V0217",
                    place.span,
                    "several names need a kernel call on the right side",
                )
                .hint("only a kernel has several outputs");
                self.err(place, e);
                return None;
            }
        };
        if outs.len() != d.names.len() || d.indices.is_some() {
            let (want, got) = (outs.len(), d.names.len());
            let e = Diagnostic::error(
                "V0217",
                place.span,
                format!("the call has {want} outputs, {got} are named"),
            );
            self.err(place, e);
            return None;
        }
        for (name, def) in d.names.iter().zip(outs) {
            let target = self.target(d, name)?;
            let def = if self.adopt(def, &target)? { def } else { self.stored_as(def, &target, place)? };
            self.finish(name, def);
        }
        Some(())
    }

    /// A copy of a definition in another element type.
    fn stored_as(&mut self, def: DefId, target: &Target<'a>, place: Place) -> Option<DefId> {
        if self.k.def(def).shape.is_empty() {
            let t = self.k.def(def).dtype.computed();
            let load = Node::Load { from: Source::Def(def), at: Vec::<Pos>::new(), outside: None };
            let e = self.exprs().intern(load, t);
            let (body, dtype) = self.typed(e, target.dtype.as_ref(), place)?;
            let (name, text) = (self.kernel_name(target.name), target.text.clone());
            return Some(self.push_def(Def {
                name,
                indices: vec![],
                dtype,
                shape: vec![],
                store: vec![],
                body,
                text,
            }));
        }
        let whole = Hir { kind: Kind::Whole(Source::Def(def)), place };
        let name = self.kernel_name(target.name);
        self.define_whole(&name, &whole, target.dtype.as_ref(), &target.text)
    }
}
