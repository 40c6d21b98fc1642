//! Kernel calls: arguments, sizes and checks of the callee, then its definitions are copied in.

use super::bind::{ArgShape, Callee};
use super::builder::Builder;
use super::callee::Call;
use super::frame::Env;
use super::globals::Global;
use super::graft::{Feed, graft, needed};
use super::hir::{Hir, Kind, Place};
use super::types::Elem;
use crate::ast::{self, Arg, Expr, TyElem};
use crate::diag::Diagnostic;
use crate::term::{DType, Def, DefId, ExprId, Input, InputId, Int, Kernel, Node, Source};

impl<'a> Builder<'_, 'a> {
    /// Inlines a call and gives the definitions of its outputs. One written call is inlined once.
    pub fn kernel_call(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Vec<DefId>> {
        let key = (env.frame.file, call.expr.span, env.frame.scope);
        if let Some(known) = self.calls.get(&key) {
            return known.clone();
        }
        // Positions and loops of the surrounding expression do not reach into arguments.
        let domain = std::mem::take(&mut self.domain);
        let guards = std::mem::take(&mut self.guards);
        let conditions = std::mem::take(&mut self.conditions);
        let outs = self.inline_call(call, env, place);
        (self.domain, self.guards, self.conditions) = (domain, guards, conditions);
        self.calls.insert(key, outs.clone());
        outs
    }

    fn inline_call(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Vec<DefId>> {
        let (file, at, named_types) = match self.cx.find(env.frame.file, &call.callee.name) {
            Some(Global::Kernel(file, at)) => (file, at, None),
            _ => {
                let (file, at, types) = self.cx.find_instance(env.frame.file, &call.callee.name)?;
                (file, at, Some(types))
            }
        };
        let unit_file: &'a ast::File = self.cx.units[file].file;
        let k = &unit_file.kernels[at];
        if call.indices.is_some() {
            let name = &k.name.name;
            let d =
                Diagnostic::error("V0206", place.span, format!("`{name}` is a kernel and takes no index"))
                    .hint(format!("call it, then index its result: `{name}(…)[…]`"));
            self.err(place, d);
            return None;
        }
        let given =
            self.match_arguments(&k.name.name, &k.params, call.args.unwrap_or_default(), env, place)?;
        let mut values = vec![];
        for (p, e) in k.params.iter().zip(&given) {
            let stored = stored_type(p, k, named_types.as_deref());
            values.push(self.argument(&k.name.name, p, stored.as_ref(), e, env));
        }
        let values: Vec<Value> = values.into_iter().collect::<Option<_>>()?;
        let types = match named_types {
            Some(types) => types,
            None => self.generic_types(k, &values, place)?,
        };
        let Some(kernel) = super::kernel::instance(self.cx, file, at, types) else {
            if file != self.file {
                let d = Diagnostic::error(
                    "V0218",
                    place.span,
                    format!("the kernel `{}` of the imported spec has errors", k.name.name),
                )
                .hint(format!("run `vibee check` on `{}`", self.cx.units[file].source.path));
                self.err(place, d);
            }
            return None;
        };
        self.inline_kernel(&k.name.name, &kernel, &values, &given, env, place)
    }

    /// Arguments in the order of the parameters.
    pub fn match_arguments(
        &mut self,
        callee: &str,
        params: &[ast::Param],
        args: &'a [Arg],
        env: &Env<'a>,
        place: Place,
    ) -> Option<Vec<&'a Expr>> {
        let mut out: Vec<Option<&'a Expr>> = vec![None; params.len()];
        for (k, arg) in args.iter().enumerate() {
            let slot = match &arg.name {
                None => Some(k).filter(|k| *k < params.len()),
                Some(n) => {
                    let found = params.iter().position(|p| p.name.name == n.name);
                    if found.is_none() {
                        let at = env.place(n.span);
                        let mut d = Diagnostic::error(
                            "V0214",
                            at.span,
                            format!("`{callee}` has no parameter `{}`", n.name),
                        );
                        d.hint = super::suggest::hint(&n.name, params.iter().map(|p| p.name.name.as_str()));
                        self.err(at, d);
                        return None;
                    }
                    found
                }
            };
            let Some(slot) = slot else {
                let n = params.len();
                let form = signature(callee, params);
                let at = env.place(arg.value.span);
                let d = Diagnostic::error(
                    "V0214",
                    at.span,
                    format!("`{callee}` takes {n} arguments, not {}", args.len()),
                )
                .hint(format!("its form is `{form}`"));
                self.err(at, d);
                return None;
            };
            if out[slot].replace(&arg.value).is_some() {
                let at = env.place(arg.value.span);
                let name = &params[slot].name.name;
                let d = Diagnostic::error("V0214", at.span, format!("the argument `{name}` is given twice"));
                self.err(at, d);
                return None;
            }
        }
        let missing: Vec<String> = params
            .iter()
            .zip(&out)
            .filter(|(_, o)| o.is_none())
            .map(|(p, _)| format!("`{}`", p.name.name))
            .collect();
        if !missing.is_empty() {
            let d = Diagnostic::error(
                "V0214",
                place.span,
                format!("`{callee}` also needs {}", missing.join(", ")),
            )
            .hint(format!("its form is `{}`", signature(callee, params)));
            self.err(place, d);
            return None;
        }
        out.into_iter().collect()
    }

    /// Evaluates one argument. An expression over tensors becomes a definition, stored as
    /// `stored` if the parameter has a type of its own.
    pub fn argument(
        &mut self,
        callee: &str,
        p: &ast::Param,
        stored: Option<&DType>,
        e: &'a Expr,
        env: &Env<'a>,
    ) -> Option<Value> {
        if matches!(p.ty.elem, TyElem::Dim) {
            return Some(Value::Size(self.size(e, env)?));
        }
        let place = env.place(e.span);
        let hir = self.expand(e, env)?;
        self.not_in_a_loop(callee, &hir)?;
        self.settle(&hir)?;
        if p.ty.shape.is_empty() {
            if let Some((s, at)) = hir.first_whole() {
                let (name, param) = (self.source_name(s).to_string(), &p.name.name);
                let d =
                    Diagnostic::error("V0315", at.span, format!("`{param}` of `{callee}` is a single value"))
                        .label(format!("`{name}` is a tensor"));
                self.err(at, d);
                return None;
            }
            return Some(Value::Scalar(self.lower(&hir)?));
        }
        match &hir.kind {
            Kind::Whole(s) => Some(Value::Tensor(*s)),
            _ if hir.first_whole().is_some() => {
                let name = self.fresh_name(&format!("{callee}_{}", p.name.name));
                let text = format!("{name} = {}", self.text(place));
                Some(Value::Tensor(Source::Def(self.define_whole(&name, &hir, stored, &text)?)))
            }
            _ => {
                let (param, rank) = (&p.name.name, p.ty.shape.len());
                let d =
                    Diagnostic::error("V0315", place.span, format!("`{param}` of `{callee}` is a tensor"))
                        .label(format!("a single value where {rank} axes are needed"))
                        .hint("kernels take whole tensors; leave the indices out");
                self.err(place, d);
                None
            }
        }
    }

    /// A kernel is called once, not once per element.
    pub fn not_in_a_loop(&mut self, callee: &str, h: &Hir) -> Option<()> {
        let bound: Vec<_> = self.bound.iter().map(|(_, i)| *i).collect();
        if !h.mentions(&|i| bound.contains(&i)) {
            return Some(());
        }
        let d = Diagnostic::error(
            "V0216",
            h.place.span,
            format!("an argument of `{callee}` depends on an index"),
        )
        .hint("kernels take whole tensors and fixed values; use a function for something done per element");
        self.err(h.place, d);
        None
    }

    fn generic_types(&mut self, k: &'a ast::Kernel, values: &[Value], place: Place) -> Option<Vec<Elem>> {
        let mut out = vec![];
        for g in &k.generics {
            let found = k.params.iter().zip(values).find_map(|(p, v)| match (&p.ty.elem, v) {
                (TyElem::Named(n), Value::Tensor(s)) if n.name == g.name => Some(self.elem_of(*s)),
                (TyElem::Named(n), Value::Scalar(e)) if n.name == g.name => {
                    Some(Elem::Type(self.type_of(*e).clone()))
                }
                _ => None,
            });
            let Some(t) = found else {
                let d = Diagnostic::error(
                    "V0208",
                    place.span,
                    format!("the type `{}` of `{}` does not follow from the arguments", g.name, k.name.name),
                )
                .hint("a generic type must be the element type of a parameter");
                self.err(place, d);
                return None;
            };
            out.push(t);
        }
        Some(out)
    }

    /// The element type of a tensor, or the format that it is stored in.
    fn elem_of(&self, s: Source) -> Elem {
        let packed = self.packed_source(s);
        let known = packed.and_then(|p| {
            let mut all = self.cx.formats.iter();
            all.find(|(_, f)| f.as_ref().is_some_and(|f| std::sync::Arc::ptr_eq(f, &p.format)))
        });
        match known {
            Some(((file, at), _)) => Elem::Format(*file, *at),
            None => Elem::Type(self.shape(s).1.clone()),
        }
    }

    fn inline_kernel(
        &mut self,
        base: &str,
        kernel: &Kernel,
        values: &[Value],
        given: &[&'a Expr],
        env: &Env<'a>,
        place: Place,
    ) -> Option<Vec<DefId>> {
        let places: Vec<Place> = given.iter().map(|e| env.place(e.span)).collect();
        let mut sizes = vec![];
        let mut arguments: Vec<(ArgShape, Place, &Value)> = vec![];
        for ((p, v), at) in kernel.params.iter().zip(values).zip(&places) {
            match (p, v) {
                (crate::term::ParamRef::Dim(d), Value::Size(n)) => sizes.push((*d, n.clone())),
                (crate::term::ParamRef::Input(_), Value::Tensor(s)) => {
                    let (shape, dtype) = self.shape(*s);
                    arguments.push((ArgShape { shape: shape.to_vec(), dtype: dtype.clone() }, *at, v));
                }
                (crate::term::ParamRef::Input(_), Value::Scalar(e)) => {
                    arguments.push((ArgShape { shape: vec![], dtype: self.type_of(*e).clone() }, *at, v));
                }
                // Parameters were matched by kind above.
                _ => return None,
            }
        }
        let logical = super::packed::logical_inputs(kernel);
        let callee = Callee { name: base, dims: &kernel.dims, inputs: &logical, checks: &kernel.checks };
        let shapes: Vec<(ArgShape, Place)> = arguments.iter().map(|(s, p, _)| (s.clone(), *p)).collect();
        let mut fine = Some(());
        for (n, (_, at, v)) in (0u32..).zip(&arguments) {
            fine = fine.and(self.same_format(base, kernel, InputId(n), v, *at));
        }
        fine?;
        let dims = self.bind_dims(&callee, &sizes, &shapes, place)?;
        let shapes = self.shapes_in_bytes(&arguments);
        let mut feeds = vec![];
        for (input, (_, at, v)) in kernel.inputs.iter().zip(&arguments) {
            feeds.push(self.feed(base, input, v, &dims, *at)?);
        }
        self.inherit_checks(&callee, &dims, &feeds, &shapes, place)?;
        let keep = needed(kernel, kernel.outputs.iter().map(|o| o.def));
        let first = self.k.defs.len();
        self.nodes += kernel.exprs.len();
        if self.nodes > super::builder::MAX_NODES
            || first + kernel.defs.len() > crate::limits::MAX_DEFINITIONS
        {
            self.too_large(place, "too large");
            return None;
        }
        let map = match graft(&mut self.k, kernel, &dims, &feeds, &keep) {
            Ok(map) => map,
            Err(super::graft::NotSymbolic(input)) => {
                self.not_symbolic(base, kernel, input, &places, place);
                return None;
            }
        };
        self.index_letter.resize(self.k.indices.len(), None);
        for at in first..self.k.defs.len() {
            let own = self.k.defs[at].name.clone();
            let name =
                if self.taken.contains(&own) { self.fresh_name(&format!("{base}_{own}")) } else { own };
            self.taken.insert(name.clone());
            self.k.defs[at].name = name;
        }
        kernel.outputs.iter().map(|o| map[o.def.index()]).collect()
    }

    fn feed(&mut self, base: &str, input: &Input, v: &Value, dims: &[Int], place: Place) -> Option<Feed> {
        match v {
            Value::Tensor(s) => Some(Feed::Source(*s)),
            Value::Size(_) => Some(Feed::Nothing),
            Value::Scalar(e) => {
                let wanted = match &input.dtype {
                    DType::Idx(n) => DType::Idx(n.substitute(&|a| super::bind::dim_of(a, dims))),
                    DType::Len(n) => DType::Len(n.substitute(&|a| super::bind::dim_of(a, dims))),
                    other => other.clone(),
                };
                if let DType::Len(n) = &wanted {
                    self.length_argument(*e, n, place)?;
                }
                let mut e = self.convert(*e, &wanted, place)?;
                if matches!(wanted, DType::F16 | DType::BF16) {
                    e = self.exprs().intern(Node::Cast(wanted.clone(), e), wanted.computed());
                }
                if self.is_costly(e) {
                    let name = self.fresh_name(&format!("{base}_{}", input.name));
                    let text = format!("{name} = {}", self.text(place));
                    let dtype = self.type_of(e).clone();
                    let def = self.push_def(Def {
                        name,
                        indices: vec![],
                        dtype: dtype.clone(),
                        shape: vec![],
                        store: vec![],
                        body: e,
                        text,
                    });
                    let load = Node::Load { from: Source::Def(def), at: vec![], outside: None };
                    e = self.exprs().intern(load, dtype);
                }
                Some(Feed::Scalar(e, self.symbolic(e)))
            }
        }
    }

    /// An operand in a format goes to a parameter in the same format, and to no other.
    fn same_format(
        &mut self,
        base: &str,
        kernel: &Kernel,
        input: InputId,
        v: &Value,
        place: Place,
    ) -> Option<()> {
        let have = match v {
            Value::Tensor(s) => self.packed_source(*s).map(|p| p.format.clone()),
            _ => None,
        };
        let want = kernel.packed(input).map(|p| p.format.clone());
        let same = match (&have, &want) {
            (Some(a), Some(b)) => std::sync::Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        if same {
            return Some(());
        }
        let shown = |f: &Option<std::sync::Arc<crate::term::Format>>, t: &DType| match f {
            Some(f) => f.name.clone(),
            None => self.show_type(t),
        };
        let plain = match v {
            Value::Tensor(s) => self.shape(*s).1.clone(),
            _ => DType::F32,
        };
        let (name, text) = (kernel.input(input).name.clone(), self.text(place));
        let (want, have) = (shown(&want, &kernel.input(input).dtype), shown(&have, &plain));
        let d = Diagnostic::error(
            "V0316",
            place.span,
            format!("`{name}` of `{base}` has elements of type {want}"),
        )
        .label(format!("`{text}` has elements of type {have}"))
        .hint("a kernel reads one format; make it generic, or write one for each");
        self.err(place, d);
        None
    }

    /// Shapes of arguments as they are stored.
    fn shapes_in_bytes(&self, arguments: &[(ArgShape, Place, &Value)]) -> Vec<(ArgShape, Place)> {
        let stored = |(shape, place, v): &(ArgShape, Place, &Value)| {
            let mut shape = shape.clone();
            if let Value::Tensor(Source::Input(i)) = v
                && self.k.packed(*i).is_some()
            {
                shape.shape.clone_from(&self.k.input(*i).shape);
            }
            (shape, *place)
        };
        arguments.iter().map(stored).collect()
    }

    /// `0 <= e <= n`, proved or checked at entry.
    fn length_argument(&mut self, e: ExprId, n: &Int, place: Place) -> Option<()> {
        let Some(v) = self.symbolic(e) else { return Some(()) };
        self.stays_below(&v, n.add(&Int::constant(1)), place);
        Some(())
    }

    /// `0 <= v < extent`, proved or checked at entry.
    pub fn stays_below(&mut self, v: &Int, extent: Int, place: Place) {
        let mut prover = self.prover();
        if prover.nonneg(v) && prover.nonneg(&extent.sub(&Int::constant(1)).sub(v)) {
            return;
        }
        let text = self.text(place);
        let (low, high) = (v.clone(), v.clone());
        self.add_check(crate::term::Check::InRange { text, domain: vec![], low, high, extent });
    }

    /// Whether a scalar should be computed once instead of where it is used.
    fn is_costly(&self, root: ExprId) -> bool {
        let mut open = vec![root];
        while let Some(e) = open.pop() {
            match self.k.exprs.node(e) {
                Node::Fold { .. } => return true,
                Node::Load { at, .. } if !at.is_empty() => return true,
                _ => open.extend(self.k.exprs.children(e)),
            }
        }
        false
    }

    fn not_symbolic(&mut self, base: &str, kernel: &Kernel, input: InputId, places: &[Place], call: Place) {
        let name = kernel.input(input).name.clone();
        let at = kernel.params.iter().position(|p| *p == crate::term::ParamRef::Input(input));
        let place = at.and_then(|k| places.get(k).copied()).unwrap_or(call);
        let d = Diagnostic::error("V0316", place.span, format!("`{name}` of `{base}` cannot be data"))
            .label("computed from tensor elements")
            .note(format!("`{base}` uses `{name}` in sizes or positions"))
            .hint("pass an integer argument, a size or a constant");
        self.err(place, d);
    }
}

/// The element type a parameter stores its tensor with, if that is known before the call.
fn stored_type(p: &ast::Param, k: &ast::Kernel, types: Option<&[Elem]>) -> Option<DType> {
    let TyElem::Named(n) = &p.ty.elem else { return None };
    let generic = k.generics.iter().position(|g| g.name == n.name);
    match (generic, types) {
        (Some(at), Some(types)) => match types.get(at)? {
            Elem::Type(t) => Some(t.clone()),
            Elem::Format(..) => None,
        },
        (Some(_), None) => None,
        (None, _) => super::types::word(&n.name),
    }
}

/// An evaluated argument.
pub(super) enum Value {
    /// For a `dim` parameter.
    Size(Int),
    /// For a tensor.
    Tensor(Source),
    /// For a scalar.
    Scalar(ExprId),
}

/// `rmsnorm(x, w, eps)`.
pub(super) fn signature(name: &str, params: &[ast::Param]) -> String {
    let list: Vec<&str> = params.iter().map(|p| p.name.name.as_str()).collect();
    format!("{name}({})", list.join(", "))
}
