//! Syntax tree → resolved expression: every name gets its meaning, functions are expanded,
//! kernel calls are inlined.
//!
//! Types and ranges are not looked at here. Every part is visited even after an error, so that
//! one run shows all of them.

use super::builder::{Builder, Local};
use super::builtins;
use super::frame::{Closure, Env};
use super::globals::Global;
use super::hir::{Hir, Kind, LetterId, Place};
use super::suggest;
use crate::ast::{Arg, Binder, Expr, ExprKind, Ident, TyElem};
use crate::diag::Diagnostic;
use crate::term::{DType, DefId, FoldOp, Int, Source};

impl<'a> Builder<'_, 'a> {
    /// Resolves an expression in an environment.
    pub fn expand(&mut self, e: &'a Expr, env: &Env<'a>) -> Option<Hir> {
        let place = env.place(e.span);
        self.spend(place)?;
        self.nesting += 1;
        let kind = self.expand_kind(e, env, place);
        self.nesting -= 1;
        Some(Hir { kind: kind?, place })
    }

    fn expand_kind(&mut self, e: &'a Expr, env: &Env<'a>, place: Place) -> Option<Kind> {
        match &e.kind {
            ExprKind::Int(v) => Some(Kind::Int(Int::constant(*v))),
            ExprKind::Float(v) => Some(Kind::Float(*v)),
            ExprKind::Bool(v) => Some(Kind::Bool(*v)),
            ExprKind::Name(n) => self.expand_name(n, env, place),
            ExprKind::Unary(op, a) => Some(Kind::Unary(*op, Box::new(self.expand(a, env)?))),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.expand(a, env), self.expand(b, env));
                Some(Kind::Binary(*op, Box::new(a?), Box::new(b?)))
            }
            ExprKind::If(c, a, b) => {
                let (c, a, b) = (self.expand(c, env), self.expand(a, env), self.expand(b, env));
                Some(Kind::If(Box::new(c?), Box::new(a?), Box::new(b?)))
            }
            ExprKind::Index { base, indices, outside } => {
                let from = self.tensor(base, env);
                let at: Vec<Option<Hir>> = indices.iter().map(|i| self.expand(i, env)).collect();
                let outside = match outside {
                    Some(o) => Some(Box::new(self.expand(o, env)?)),
                    None => None,
                };
                Some(Kind::Load { from: from?, at: at.into_iter().collect::<Option<_>>()?, outside })
            }
            ExprKind::Call { callee, generic, indices, guard, args } => {
                let call = Call {
                    callee,
                    generic: generic.as_deref(),
                    indices: indices.as_deref(),
                    guard: guard.as_deref(),
                    args: args.as_deref(),
                    expr: e,
                };
                self.expand_call(&call, env, place)
            }
        }
    }

    fn expand_name(&mut self, name: &'a str, env: &Env<'a>, place: Place) -> Option<Kind> {
        if let Some(closure) = env.closure(name) {
            return Some(self.expand(closure.expr, &closure.env)?.kind);
        }
        if let Some(letter) = self.known_letter(name, env)
            && let Some(i) = self.bound_index(letter)
        {
            return Some(Kind::Index(i));
        }
        if env.frame.kernel_names
            && let Some(entry) = self.local(name)
        {
            return match entry.local {
                Local::Dim(d) => Some(Kind::Int(Int::dim(d))),
                Local::Input(i) => Some(value_or_whole(Source::Input(i), self.k.input(i).shape.is_empty())),
                Local::Def(d) => Some(value_or_whole(Source::Def(d), self.k.def(d).shape.is_empty())),
                Local::Poison => None,
                Local::Later => {
                    self.used_too_early(name, place, entry.span);
                    None
                }
                Local::Counter => {
                    self.err(
                        place,
                        Diagnostic::error(
                            "V0521",
                            place.span,
                            format!("the loop variable `{name}` is not a value"),
                        )
                        .hint(format!("it only selects a sublayer, `enc[{name}](x)`")),
                    );
                    None
                }
                Local::Sublayer(_) => {
                    self.err(
                        place,
                        Diagnostic::error(
                            "V0522",
                            place.span,
                            format!("the sublayer `{name}` is not a value"),
                        )
                        .hint(format!("call it as a statement of its own: `y = {name}(x)`")),
                    );
                    None
                }
                Local::Outer(..) => None,
            };
        }
        match self.cx.find(env.frame.file, name) {
            Some(Global::Constant(file, at)) => {
                let value = &self.cx.units[file].file.constants[at].value;
                let scope = self.new_scope();
                let call = env.frame.call.or(Some(place.span));
                let inner = Env::bare(file, scope, call.filter(|_| place.file == self.file));
                Some(self.expand(value, &inner)?.kind)
            }
            Some(global) => {
                self.err(
                    place,
                    Diagnostic::error(
                        "V0206",
                        place.span,
                        format!("`{name}` is {}, not a value", global.sort()),
                    )
                    .hint(format!("call it: `{name}(…)`")),
                );
                None
            }
            None => {
                self.unknown_name(name, env, place);
                None
            }
        }
    }

    /// A letter that this environment has already seen under a name.
    pub fn known_letter(&self, name: &str, env: &Env<'a>) -> Option<LetterId> {
        match env.frame.indices.get(name) {
            Some(arg) => Some(arg.letter),
            None => self.letter_ids.get(&(env.frame.scope, name.to_string())).copied(),
        }
    }

    pub(super) fn used_too_early(&mut self, name: &str, place: Place, defined: crate::span::Span) {
        self.err(
            place,
            Diagnostic::error("V0212", place.span, format!("`{name}` is used before it is defined"))
                .label("used here")
                .also(defined, "defined here")
                .hint("a definition may use only definitions above it; move it up"),
        );
    }

    fn unknown_name(&mut self, name: &str, env: &Env<'a>, place: Place) {
        // A letter that is bound elsewhere in this scope is a better guess than a typo.
        if self.known_letter(name, env).is_some() {
            self.err(
                place,
                Diagnostic::error("V0207", place.span, format!("the index `{name}` is not bound here"))
                    .label("neither on the left side nor in a fold around this")
                    .hint(format!(
                        "fold over it, `sum[{name}](…)`, or give the definition the axis `{name}`"
                    )),
            );
            return;
        }
        let mut known: Vec<String> = env.frame.params.keys().map(ToString::to_string).collect();
        known.extend(env.frame.lets[..env.visible].iter().map(|(n, _)| n.name.clone()));
        known.extend(env.frame.indices.keys().map(ToString::to_string));
        if env.frame.kernel_names {
            known.extend(self.locals.keys().cloned());
        }
        known.sort_unstable();
        let near = suggest::hint(name, known.iter().map(String::as_str))
            .or_else(|| self.cx.suggest(env.frame.file, name, &|g| matches!(g, Global::Constant(..))));
        let upper = name.starts_with(|c: char| c.is_ascii_uppercase());
        let mut d = Diagnostic::error("V0201", place.span, format!("unknown name `{name}`"));
        d = match (near, upper) {
            (Some(near), _) => d.hint(near),
            (None, true) => {
                d.hint(format!("a size comes from the shape of an argument, or is one: `{name}: dim`"))
            }
            (None, false) if !env.frame.kernel_names => d.hint(
                "a function sees its parameters, constants and other functions; pass this as a parameter",
            ),
            (None, false) => d,
        };
        self.err(place, d);
    }

    /// The tensor that is indexed: a name, a parameter that is one, or a kernel call.
    pub fn tensor(&mut self, base: &'a Expr, env: &Env<'a>) -> Option<Source> {
        let place = env.place(base.span);
        let hir = self.expand(base, env)?;
        match hir.kind {
            Kind::Whole(source) => Some(source),
            Kind::Scalar(_) | Kind::Int(_) | Kind::Index(_) => {
                let text = self.text(place);
                self.err(
                    place,
                    Diagnostic::error("V0312", place.span, format!("`{text}` has no axes to index"))
                        .label("this is a single value")
                        .hint(format!("write `{text}` without brackets")),
                );
                None
            }
            _ => {
                let text = self.text(place);
                self.err(
                    place,
                    Diagnostic::error(
                        "V0312",
                        place.span,
                        format!("`{text}` is an expression, not a tensor"),
                    )
                    .hint("give it a definition of its own and index that"),
                );
                None
            }
        }
    }

    fn expand_call(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Kind> {
        let name = call.callee.name.as_str();
        if name == "len" && call.args.is_none() {
            return self.expand_len(call, env, place);
        }
        if call.indices.is_some()
            && let Some(op) = builtins::fold(name)
        {
            return self.expand_fold(op, call, env, place);
        }
        if let Some(dtype) = self.cast_type(call, env)? {
            let [arg] = call.args.unwrap_or_default() else {
                self.wrong_count(place, name, "1 argument", call.args.map_or(0, <[Arg]>::len));
                return None;
            };
            return Some(Kind::Cast(dtype, Box::new(self.expand(&arg.value, env)?)));
        }
        if let Some(b) = builtins::builtin(name) {
            return self.expand_builtin(b, call, env, place);
        }
        match self.cx.find(env.frame.file, name) {
            Some(Global::Function(file, at)) => self.expand_function(file, at, call, env, place),
            Some(Global::Kernel(..)) => {
                let outs = self.kernel_call(call, env, place)?;
                self.one_output(&outs, name, place)
            }
            None if self.cx.find_instance(env.frame.file, name).is_some() => {
                let outs = self.kernel_call(call, env, place)?;
                self.one_output(&outs, name, place)
            }
            Some(Global::Constant(..)) | None => {
                self.unknown_callee(call, env, place);
                None
            }
            Some(global) => {
                let sort = global.sort();
                self.err(
                    place,
                    Diagnostic::error(
                        "V0206",
                        place.span,
                        format!("`{name}` is {sort} and cannot be called here"),
                    )
                    .hint("layers are used through `weights:` of another layer or model"),
                );
                None
            }
        }
    }

    fn one_output(&mut self, outs: &[DefId], name: &str, place: Place) -> Option<Kind> {
        let [def] = outs[..] else {
            let n = outs.len();
            let d = Diagnostic::error(
                "V0217",
                place.span,
                format!("`{name}` has {n} outputs, an expression has one value"),
            )
            .hint(format!("name them in a line of their own: `a, b = {name}(…)`"));
            self.err(place, d);
            return None;
        };
        Some(value_or_whole(Source::Def(def), self.k.def(def).shape.is_empty()))
    }

    fn unknown_callee(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) {
        let name = call.callee.name.as_str();
        if env.frame.kernel_names && matches!(self.locals.get(name).map(|e| &e.local), Some(Local::Poison)) {
            return;
        }
        let at = env.place(call.callee.span);
        let d = if env.frame.kernel_names
            && matches!(self.locals.get(name).map(|e| &e.local), Some(Local::Sublayer(_)))
        {
            self.used.insert(name.to_string());
            Diagnostic::error(
                "V0522",
                at.span,
                format!("the sublayer `{name}` is called inside an expression"),
            )
            .hint(format!("give the call a line of its own: `y = {name}(…)`"))
        } else if env.frame.kernel_names && self.locals.contains_key(name) {
            Diagnostic::error("V0206", at.span, format!("`{name}` is not a function"))
                .hint(format!("elements are taken with brackets: `{name}[…]`"))
        } else if builtins::fold(name).is_some() {
            Diagnostic::error("V0206", at.span, format!("`{name}` folds over an index"))
                .hint(format!("say which: `{name}[i](…)`"))
        } else {
            let words: Vec<&str> = builtins::callable_words().collect();
            let near = self
                .cx
                .suggest(env.frame.file, name, &|g| matches!(g, Global::Function(..) | Global::Kernel(..)))
                .or_else(|| suggest::hint(name, words.into_iter()));
            let mut d = Diagnostic::error("V0201", at.span, format!("unknown function or kernel `{name}`"));
            d.hint = near;
            d
        };
        self.err(Place { span: at.span, ..place }, d);
    }

    fn expand_len(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Kind> {
        let Some([binder]) = call.indices else {
            self.wrong_count(place, "len", "1 index", call.indices.map_or(0, <[Binder]>::len));
            return None;
        };
        let Some(letter) = self.known_letter(&binder.name.name, env) else {
            let name = &binder.name.name;
            self.err(
                place,
                Diagnostic::error("V0207", place.span, format!("`{name}` is not an index here"))
                    .hint("`len[d]` is the extent of an index; a size is used by its own name"),
            );
            return None;
        };
        Some(Kind::Len(letter))
    }

    /// The letter behind a binder and the guards it brings.
    fn binder_letter(&mut self, b: &'a Binder, env: &Env<'a>) -> (LetterId, Vec<std::rc::Rc<Closure<'a>>>) {
        match env.frame.indices.get(b.name.name.as_str()) {
            Some(arg) => (arg.letter, arg.guards.clone()),
            None => (self.letter(env.frame.scope, &b.name.name), vec![]),
        }
    }

    fn expand_fold(&mut self, op: FoldOp, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Kind> {
        let binders = call.indices.unwrap_or_default();
        let arg_op = matches!(op, FoldOp::ArgMax | FoldOp::ArgMin);
        if binders.is_empty() || (arg_op && binders.len() != 1) {
            let wanted = if arg_op { "exactly 1 index" } else { "at least 1 index" };
            self.wrong_count(place, op.name(), wanted, binders.len());
            return None;
        }
        let [body] = call.args.unwrap_or_default() else {
            self.wrong_count(place, op.name(), "1 argument", call.args.map_or(0, <[Arg]>::len));
            return None;
        };
        let mark = self.bound.len();
        let result = self.expand_fold_body(op, binders, call.guard, &body.value, env);
        self.bound.truncate(mark);
        result
    }

    fn expand_fold_body(
        &mut self,
        op: FoldOp,
        binders: &'a [Binder],
        guard: Option<&'a Expr>,
        body: &'a Expr,
        env: &Env<'a>,
    ) -> Option<Kind> {
        let mark = self.bound.len();
        let (mut over, mut inherited) = (vec![], Vec::<std::rc::Rc<Closure<'a>>>::new());
        for b in binders {
            self.check_letter_name(b, env)?;
            let (letter, guards) = self.binder_letter(b, env);
            if self.bound[mark..].iter().any(|(l, _)| *l == letter) {
                let at = env.place(b.name.span);
                let d = Diagnostic::error(
                    "V0202",
                    at.span,
                    format!("`{}` is bound twice in one fold", b.name.name),
                );
                self.err(at, d);
                return None;
            }
            self.written_range(letter, b, env)?;
            let i = self.new_index(letter);
            self.bound.push((letter, i));
            over.push(i);
            for g in guards {
                if !inherited.iter().any(|o| std::rc::Rc::ptr_eq(o, &g)) {
                    inherited.push(g);
                }
            }
        }
        let mut condition = match guard {
            Some(g) => Some(self.expand(g, env)?),
            None => None,
        };
        for g in inherited {
            let extra = self.expand(g.expr, &g.env)?;
            condition = Some(match condition {
                None => extra,
                Some(own) => Hir {
                    place: own.place,
                    kind: Kind::Binary(crate::ast::BinOp::And, Box::new(extra), Box::new(own)),
                },
            });
        }
        let body = self.expand(body, env)?;
        Some(Kind::Fold { op, over, guard: condition.map(Box::new), body: Box::new(body) })
    }

    /// An index letter must not be the name of something else.
    pub fn check_letter_name(&mut self, b: &Binder, env: &Env<'a>) -> Option<()> {
        if !env.frame.kernel_names || env.frame.indices.contains_key(b.name.name.as_str()) {
            return Some(());
        }
        let Some(entry) = self.locals.get(&b.name.name).cloned() else { return Some(()) };
        let at = env.place(b.name.span);
        self.err(
            at,
            Diagnostic::error("V0202", at.span, format!("`{}` is an index and something else", b.name.name))
                .label("bound as an index here")
                .also(entry.span, "the same name")
                .hint("names of one kernel share one namespace; rename the index"),
        );
        None
    }

    fn expand_builtin(
        &mut self,
        b: &'static builtins::Builtin,
        call: &Call<'_, 'a>,
        env: &Env<'a>,
        place: Place,
    ) -> Option<Kind> {
        let args = call.args.unwrap_or_default();
        if call.indices.is_some() || args.len() < b.least || args.len() > b.most {
            let wanted = match (b.least, b.most) {
                (1, 1) => "1 argument".to_string(),
                (n, m) if n == m => format!("{n} arguments"),
                (n, _) => format!("at least {n} arguments"),
            };
            if call.indices.is_some() {
                self.err(
                    place,
                    Diagnostic::error("V0206", place.span, format!("`{}` takes no index", b.name))
                        .hint(format!("it works on single values: `{}(x)`", b.name)),
                );
            } else {
                self.wrong_count(place, b.name, &wanted, args.len());
            }
            return None;
        }
        let args: Vec<Option<Hir>> = args.iter().map(|a| self.expand(&a.value, env)).collect();
        Some(Kind::Builtin(b, args.into_iter().collect::<Option<_>>()?))
    }

    /// The type of a cast, if the call is one. The outer `None` is a reported error.
    #[allow(clippy::option_option)] // "not a cast" and "a wrong cast" differ
    fn cast_type(&mut self, call: &Call<'_, 'a>, env: &Env<'a>) -> Option<Option<DType>> {
        let name = call.callee.name.as_str();
        if let Some(generic) = call.generic {
            let place = env.place(call.callee.span);
            let bound = self.size(generic, env)?;
            return match name {
                "idx" => Some(Some(DType::Idx(bound))),
                "len" => {
                    self.err(
                        place,
                        Diagnostic::error(
                            "V0307",
                            place.span,
                            "`len<…>` is a type of arguments, not a conversion",
                        )
                        .hint("lengths compute as `i32`"),
                    );
                    None
                }
                _ => {
                    self.err(
                        place,
                        Diagnostic::error("V0307", place.span, format!("`{name}<…>` is not a conversion"))
                            .hint("only `idx<N>(…)` takes angle brackets"),
                    );
                    None
                }
            };
        }
        if env.frame.kernel_names
            && let Some(t) = self.generics.get(name)
        {
            return Some(Some(t.clone()));
        }
        if !builtins::DTYPES.contains(&name) {
            return Some(None);
        }
        if name == "bool" {
            let place = env.place(call.callee.span);
            self.err(
                place,
                Diagnostic::error("V0307", place.span, "nothing converts to `bool`")
                    .hint("compare: `x != 0`"),
            );
            return None;
        }
        let ident = Ident { name: name.to_string(), span: call.callee.span };
        self.plain_dtype(&TyElem::Named(ident)).map(Some)
    }

    /// Reports a wrong number of something.
    pub fn wrong_count(&mut self, place: Place, name: &str, wanted: &str, got: usize) {
        let d = Diagnostic::error("V0214", place.span, format!("`{name}` takes {wanted}, not {got}"));
        self.err(place, d);
    }
}

/// The parts of a call expression.
pub(super) struct Call<'e, 'a> {
    pub callee: &'a Ident,
    pub generic: Option<&'a Expr>,
    pub indices: Option<&'a [Binder]>,
    pub guard: Option<&'a Expr>,
    pub args: Option<&'a [Arg]>,
    pub expr: &'e Expr,
}

fn value_or_whole(source: Source, scalar: bool) -> Kind {
    if scalar { Kind::Scalar(source) } else { Kind::Whole(source) }
}
