//! Definitions: `y[t, d] = …`, `s = …`, whole tensors, and several outputs of one call.

use super::builder::{Builder, Entry, Local};
use super::frame::Env;
use super::hir::{Hir, Kind, LetterId, Place};
use super::visit;
use crate::ast::{Binder, Define, DefineOp, Expr, ExprKind, Ident, LhsIndex};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{Arg, DType, Def, DefId, ExprId, IndexId, Int, Node, Pos, Source};

/// What a definition is to become, before its value is typed.
struct Target<'a> {
    name: &'a Ident,
    /// Declared by the output or written at the definition.
    dtype: Option<DType>,
    /// Declared by the output.
    shape: Option<Vec<Int>>,
    text: String,
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

    fn target(&mut self, d: &'a Define, name: &'a Ident) -> Option<Target<'a>> {
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

    /// One place per bound letter, for findings about its range.
    fn left_places(&self, left: &'a [LhsIndex]) -> Vec<Place> {
        let mut out = vec![];
        for l in left {
            visit::all(&l.expr, &mut |e| {
                if let ExprKind::Name(n) = &e.kind
                    && !self.is_value_name(n)
                {
                    out.push(self.here(e.span));
                }
            });
        }
        out
    }

    /// Whether a name on a left side is a size or constant and not an index.
    fn is_value_name(&self, n: &str) -> bool {
        self.locals.contains_key(n)
            || matches!(
                self.cx.units[self.file].names.get(n),
                Some((super::globals::Global::Constant(..), _))
            )
    }

    /// Binds the letters of a left side.
    fn bind_left(
        &mut self,
        left: &'a [LhsIndex],
        target: &Target<'a>,
        env: &Env<'a>,
    ) -> Option<Vec<IndexId>> {
        if let Some(declared) = &target.shape
            && declared.len() != left.len()
        {
            let name = &target.name.name;
            let place = self.here(target.name.span);
            let (want, got) = (declared.len(), left.len());
            self.err(
                place,
                Diagnostic::error(
                    "V0313",
                    place.span,
                    format!("`{name}` has {want} axes in the header, {got} here"),
                ),
            );
            return None;
        }
        // Letters are bound even after an error, so that the right side is not blamed for it.
        let mut fine = Some(());
        let mut indices = vec![];
        for (axis, l) in left.iter().enumerate() {
            let mut letters: Vec<(&'a str, Span)> = vec![];
            visit::all(&l.expr, &mut |e| {
                if let ExprKind::Name(n) = &e.kind {
                    letters.push((n, e.span));
                }
            });
            let bare = matches!(l.expr.kind, ExprKind::Name(_));
            letters.retain(|(n, _)| bare || !self.is_value_name(n));
            for (n, span) in letters {
                let binder = Binder { name: Ident { name: n.to_string(), span }, range: None };
                fine = fine.and(self.check_letter_name(&binder, env));
                let letter = self.letter(super::frame::ROOT, n);
                if self.bound.iter().any(|(l, _)| *l == letter) {
                    let d = Diagnostic::error(
                        "V0314",
                        span,
                        format!("the index `{n}` stands twice on the left side"),
                    )
                    .hint("every element is defined once: use two letters and a guard for a diagonal");
                    self.err(self.here(span), d);
                    fine = None;
                    continue;
                }
                let i = self.new_index(letter);
                self.bound.push((letter, i));
                indices.push(i);
                if bare {
                    let ranged = self.left_range(letter, l, axis, target, span, env);
                    fine = fine.and(ranged);
                }
            }
        }
        fine?;
        Some(indices)
    }

    /// What a bare left index says about its letter: a written range, an output's axis.
    fn left_range(
        &mut self,
        letter: LetterId,
        l: &'a LhsIndex,
        axis: usize,
        target: &Target<'a>,
        span: Span,
        env: &Env<'a>,
    ) -> Option<()> {
        if let Some(range) = &l.range {
            let extent = self.size(range, env)?;
            self.fact(letter, extent, self.here(range.span), "its written range".into())?;
        }
        let Some(declared) = &target.shape else { return Some(()) };
        let why = format!("axis {axis} of the output `{}`", target.name.name);
        self.fact(letter, declared[axis].clone(), self.here(span), why)
    }

    /// Stored positions and the extents of the stored array.
    fn left_positions(
        &mut self,
        left: &'a [LhsIndex],
        indices: &[IndexId],
        env: &Env<'a>,
    ) -> Option<(Vec<Int>, Vec<Int>)> {
        let (mut store, mut shape) = (vec![], vec![]);
        let mut placed = 0;
        for l in left {
            let hir = self.expand(&l.expr, env)?;
            let e = self.lower(&hir)?;
            let position = match self.k.exprs.node(e) {
                Node::Int(i) => Some(i.clone()),
                _ => None,
            };
            let digits = position.and_then(|p| {
                let mine: Vec<IndexId> = indices.iter().copied().filter(|i| p.mentions(*i)).collect();
                let extent = super::split::mixed_radix(&p, &mine, &self.facts, &|i| self.extent(i).clone())?;
                Some((p, extent, mine.len()))
            });
            let Some((p, extent, count)) = digits else {
                let text = self.text(hir.place);
                self.err(
                    hir.place,
                    Diagnostic::error(
                        "V0314",
                        hir.place.span,
                        format!("the left position `{text}` is not a split"),
                    )
                    .label("every element must be defined exactly once")
                    .hint("write an index, or `h*C + c` where `C` is exactly the range of `c`"),
                );
                return None;
            };
            placed += count;
            store.push(p);
            shape.push(extent);
        }
        debug_assert_eq!(placed, indices.len(), "letters of a left side come from its positions");
        Some((store, shape))
    }

    /// A value as its definition stores it, and the type it is stored with.
    fn typed(&mut self, body: ExprId, wanted: Option<&DType>, place: Place) -> Option<(ExprId, DType)> {
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

    /// `y = c * x` over whole tensors of one shape.
    pub fn define_whole(
        &mut self,
        name: &str,
        value: &Hir,
        dtype: Option<&DType>,
        text: &str,
    ) -> Option<DefId> {
        let (first, first_place) = value.first_whole()?;
        let shape = self.shape(first).0.to_vec();
        let mut names: Vec<String> = vec![];
        let mut indices = vec![];
        for (axis, extent) in shape.iter().enumerate() {
            let own = self.show(extent).to_ascii_lowercase();
            let plain = own.len() <= 2 && own.chars().all(|c| c.is_ascii_lowercase());
            let fallback = ["i", "j", "k", "l", "m", "n", "p", "q"][axis % 8].to_string();
            let free = |n: &String| !names.contains(n) && !self.locals.contains_key(n);
            let letter = [own.clone(), fallback.clone()]
                .into_iter()
                .find(|n| (plain || *n == fallback) && free(n))
                .unwrap_or_else(|| format!("i{axis}"));
            indices.push(self.k.fresh_index(letter.clone(), extent.clone()));
            names.push(letter);
        }
        let indexed = self.with_positions(value, &indices, &shape, (first, first_place))?;
        let outer = std::mem::replace(&mut self.domain, indices.clone());
        let body = self.lower(&indexed);
        self.domain = outer;
        let (body, dtype) = self.typed(body?, dtype, value.place)?;
        let store = indices.iter().map(|i| Int::index(*i)).collect();
        Some(self.push_def(Def {
            name: name.to_string(),
            indices,
            dtype,
            shape,
            store,
            body,
            text: text.to_string(),
        }))
    }

    /// Gives every whole tensor (outside folds) the positions of the definition.
    fn with_positions(
        &mut self,
        h: &Hir,
        indices: &[IndexId],
        shape: &[Int],
        first: (Source, Place),
    ) -> Option<Hir> {
        let kind = match &h.kind {
            Kind::Whole(s) => {
                let own = self.shape(*s).0.to_vec();
                self.whole_shapes_agree(*s, &own, shape, first, h.place)?;
                let at = indices.iter().map(|i| Hir { kind: Kind::Index(*i), place: h.place }).collect();
                Kind::Load { from: *s, at, outside: None }
            }
            Kind::Unary(op, a) => Kind::Unary(*op, Box::new(self.with_positions(a, indices, shape, first)?)),
            Kind::Cast(t, a) => {
                Kind::Cast(t.clone(), Box::new(self.with_positions(a, indices, shape, first)?))
            }
            Kind::Binary(op, a, b) => {
                let a = self.with_positions(a, indices, shape, first);
                let b = self.with_positions(b, indices, shape, first);
                Kind::Binary(*op, Box::new(a?), Box::new(b?))
            }
            Kind::If(c, a, b) => {
                let c = self.with_positions(c, indices, shape, first);
                let a = self.with_positions(a, indices, shape, first);
                let b = self.with_positions(b, indices, shape, first);
                Kind::If(Box::new(c?), Box::new(a?), Box::new(b?))
            }
            Kind::Builtin(b, args) => {
                let args: Vec<Option<Hir>> =
                    args.iter().map(|a| self.with_positions(a, indices, shape, first)).collect();
                Kind::Builtin(b, args.into_iter().collect::<Option<_>>()?)
            }
            other => other.clone(),
        };
        Some(Hir { kind, place: h.place })
    }

    fn whole_shapes_agree(
        &mut self,
        s: Source,
        own: &[Int],
        shape: &[Int],
        (first, first_place): (Source, Place),
        place: Place,
    ) -> Option<()> {
        let mut note = None;
        if own.len() == shape.len() {
            for (a, b) in own.iter().zip(shape) {
                if let Err(example) = self.require_same(a, b) {
                    note = Some(example);
                    break;
                }
            }
            if note.is_none() {
                return Some(());
            }
        }
        let (a, b) = (self.source_name(first).to_string(), self.source_name(s).to_string());
        let (sa, sb) = (self.names().list(shape), self.names().list(own));
        let mut d = Diagnostic::error("V0311", place.span, format!("`{a}` and `{b}` have different shapes"))
            .label(format!("[{sb}]"))
            .hint("whole tensors need one shape; write the indices to say how they meet");
        d.notes.extend(note);
        let d = self.also(d, first_place, format!("[{sa}]"));
        self.err(place, d);
        None
    }

    /// A definition's shape must be the declared one.
    pub fn same_shape(&mut self, name: &Ident, have: &[Int], declared: &[Int], place: Place) -> Option<()> {
        let mut note = None;
        if have.len() == declared.len() {
            for (a, b) in have.iter().zip(declared) {
                if let Err(example) = self.require_same(a, b) {
                    note = Some(example);
                    break;
                }
            }
            if note.is_none() {
                return Some(());
            }
        }
        let (h, d) = (self.names().list(have), self.names().list(declared));
        let declared_at = self.outputs.iter().find(|o| o.name == name.name).map(|o| o.span);
        let mut e = Diagnostic::error(
            "V0313",
            place.span,
            format!("`{}` is declared with shape [{d}], its definition has [{h}]", name.name),
        );
        e.notes.extend(note);
        if let Some(at) = declared_at {
            e = e.also(at, "declared here");
        }
        if have.is_empty() {
            e = e.hint(format!("one value for all elements is written with indices: `{}[…] = …`", name.name));
        }
        self.err(place, e);
        None
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

    /// `a, b = f(x)`.
    fn define_several(&mut self, d: &'a Define) -> Option<()> {
        let env = self.root();
        let place = self.here(d.value.span);
        let outs = match &d.value.kind {
            ExprKind::Call { callee, generic, indices, guard, args }
                if matches!(
                    self.cx.find(self.file, &callee.name),
                    Some(super::globals::Global::Kernel(..))
                ) || self.cx.find_instance(self.file, &callee.name).is_some() =>
            {
                let call = super::expand::Call {
                    callee,
                    generic: generic.as_deref(),
                    indices: indices.as_deref(),
                    guard: guard.as_deref(),
                    args: args.as_deref(),
                    expr: &d.value,
                };
                self.kernel_call(&call, &env, place)?
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
