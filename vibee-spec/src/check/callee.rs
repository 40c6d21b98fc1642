//! What a call calls: a fold, a conversion, an elementwise function, a function or a kernel.

use super::builder::{Builder, Local};
use super::builtins;
use super::expand::value_or_whole;
use super::frame::Env;
use super::globals::Global;
use super::hir::{Hir, Kind, Place};
use super::suggest;
use super::types::Elem;
use crate::ast::{Arg, Binder, Expr, Ident, TyElem};
use crate::diag::Diagnostic;
use crate::term::{DType, DefId, Source};

/// The parts of a call expression.
pub(super) struct Call<'e, 'a> {
    pub callee: &'a Ident,
    pub generic: Option<&'a Expr>,
    pub indices: Option<&'a [Binder]>,
    pub guard: Option<&'a Expr>,
    pub args: Option<&'a [Arg]>,
    pub expr: &'e Expr,
}

impl<'a> Builder<'_, 'a> {
    pub fn expand_call(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) -> Option<Kind> {
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
        let own = self.cx.units[env.frame.file].names.contains_key(name);
        if let Some(b) = builtins::builtin(name).filter(|b| !(own && b.gives_way())) {
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

    pub fn unknown_callee(&mut self, call: &Call<'_, 'a>, env: &Env<'a>, place: Place) {
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
        } else if self.cx.left_out(env.frame.file, name) {
            return;
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
            && let Some(Elem::Type(t)) = self.generics.get(name)
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
