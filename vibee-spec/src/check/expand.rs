//! Syntax tree → resolved expression: every name gets its meaning, functions are expanded,
//! kernel calls are inlined.
//!
//! Types and ranges are not looked at here. Every part is visited even after an error, so that
//! one run shows all of them.

use super::builder::{Builder, Local};
use super::callee::Call;
use super::frame::Env;
use super::globals::Global;
use super::hir::{Hir, Kind, LetterId, Place};
use super::suggest;
use crate::ast::{Expr, ExprKind};
use crate::diag::Diagnostic;
use crate::term::{Int, Source};
use std::rc::Rc;

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
                if let Some(values) = self.table(base, env) {
                    return self.expand_pick(values, indices, outside.as_deref(), env, place);
                }
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
                Local::Counter(..) => {
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
                Local::Table(_) => {
                    let d = Diagnostic::error("V1002", place.span, format!("the table `{name}` is no value"))
                        .hint(format!("take a constant of it: `{name}[q]`"));
                    self.err(place, d);
                    None
                }
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

    /// The constants of a table, if that is what a name means.
    fn table(&mut self, base: &'a Expr, env: &Env<'a>) -> Option<Rc<Vec<Expr>>> {
        let ExprKind::Name(name) = &base.kind else { return None };
        if !env.frame.kernel_names || env.closure(name).is_some() {
            return None;
        }
        let Local::Table(values) = &self.locals.get(name)?.local else { return None };
        let values = values.clone();
        self.used.insert(name.clone());
        Some(values)
    }

    fn expand_pick(
        &mut self,
        values: Rc<Vec<Expr>>,
        indices: &'a [Expr],
        outside: Option<&'a Expr>,
        env: &Env<'a>,
        place: Place,
    ) -> Option<Kind> {
        if let ([at], None) = (indices, outside) {
            return Some(Kind::Pick(values, Box::new(self.expand(at, env)?)));
        }
        let d = Diagnostic::error("V1002", place.span, "a table takes one place and has nothing outside")
            .hint("keep the place inside with `clamp`");
        self.err(place, d);
        None
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
        if self.incomplete && near.is_none() {
            return;
        }
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
}

pub(super) fn value_or_whole(source: Source, scalar: bool) -> Kind {
    if scalar { Kind::Scalar(source) } else { Kind::Whole(source) }
}
