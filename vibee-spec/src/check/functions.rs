//! Calls of functions: capture-avoiding substitution.
//!
//! Index parameters become the caller's letters; expression parameters are expanded where they
//! stand in the body, in their own environment. Every other letter a function binds lives in a
//! scope of its own, so nothing is captured by accident.

use std::collections::HashMap;
use std::rc::Rc;

use super::builder::Builder;
use super::callee::Call;
use super::frame::{Closure, Env, Frame, IndexArg};
use super::hir::{Hir, Kind, LetterId, Place};
use crate::ast::{self, Binder};
use crate::diag::Diagnostic;
use crate::term::{IndexId, Int};

/// Nesting of function calls; deeper is a recursion that the cycle check of names missed.
const MAX_CALLS: usize = 64;

impl<'a> Builder<'_, 'a> {
    /// Expands a call of function `at` of `file`.
    pub fn expand_function(
        &mut self,
        file: usize,
        at: usize,
        call: &Call<'_, 'a>,
        env: &Env<'a>,
        place: Place,
    ) -> Option<Kind> {
        let unit_file: &'a ast::File = self.cx.units[file].file;
        let f = &unit_file.functions[at];
        if super::cycles::on_cycle(self.cx, file, at) || env.frame.depth >= MAX_CALLS {
            // Reported once, where the functions are.
            return None;
        }
        let params = self.bind_arguments(f, call, env, place)?;
        let (indices, outer) = self.bind_indices(f, call, env, place)?;
        let root_call = env.frame.call.or_else(|| (env.frame.file == self.file).then_some(place.span));
        let frame = Frame {
            file,
            scope: self.new_scope(),
            kernel_names: false,
            params,
            indices,
            lets: &f.lets,
            call: root_call,
            depth: env.frame.depth + 1,
        };
        let inner = Env { frame: Rc::new(frame), visible: f.lets.len() };
        let body = self.expand(&f.body, &inner)?;
        match call.guard {
            Some(guard) if body.mentions(&|i| outer.contains(&i)) => {
                // The parameter stands outside its folds: the value exists only where the guard holds.
                let guard = self.expand(guard, env)?;
                let zero = Hir { kind: Kind::Int(Int::constant(0)), place: guard.place };
                Some(Kind::If(Box::new(guard), Box::new(body), Box::new(zero)))
            }
            _ => Some(body.kind),
        }
    }

    fn bind_arguments(
        &mut self,
        f: &'a ast::Function,
        call: &Call<'_, 'a>,
        env: &Env<'a>,
        place: Place,
    ) -> Option<HashMap<&'a str, Closure<'a>>> {
        let args = call.args.unwrap_or_default();
        let mut params: HashMap<&'a str, Closure<'a>> = HashMap::new();
        if args.len() != f.params.len() {
            self.signature(f, call, place, "argument", f.params.len(), args.len());
            return None;
        }
        for (k, arg) in args.iter().enumerate() {
            let name = match &arg.name {
                None => f.params[k].name.as_str(),
                Some(n) if f.params.iter().any(|p| p.name == n.name) => n.name.as_str(),
                Some(n) => {
                    let at = env.place(n.span);
                    let mut d = Diagnostic::error(
                        "V0214",
                        at.span,
                        format!("`{}` has no parameter `{}`", f.name.name, n.name),
                    );
                    d.hint = super::suggest::hint(&n.name, f.params.iter().map(|p| p.name.as_str()));
                    self.err(at, d);
                    return None;
                }
            };
            let closure = Closure { expr: &arg.value, env: env.clone() };
            if params.insert(name, closure).is_some() {
                let at = env.place(arg.value.span);
                let d = Diagnostic::error("V0214", at.span, format!("the argument `{name}` is given twice"));
                self.err(at, d);
                return None;
            }
        }
        Some(params)
    }

    /// Index parameters, and the indices their letters have outside the call.
    fn bind_indices(
        &mut self,
        f: &'a ast::Function,
        call: &Call<'_, 'a>,
        env: &Env<'a>,
        place: Place,
    ) -> Option<(HashMap<&'a str, IndexArg<'a>>, Vec<IndexId>)> {
        let binders: &'a [Binder] = call.indices.unwrap_or_default();
        if binders.len() != f.indices.len() {
            self.signature(f, call, place, "index", f.indices.len(), binders.len());
            return None;
        }
        let guard = call.guard.map(|g| Rc::new(Closure { expr: g, env: env.clone() }));
        let mut indices: HashMap<&'a str, IndexArg<'a>> = HashMap::new();
        let mut outer = vec![];
        let mut seen: Vec<LetterId> = vec![];
        for (b, param) in binders.iter().zip(&f.indices) {
            self.check_letter_name(b, env)?;
            let mut arg = match env.frame.indices.get(b.name.name.as_str()) {
                Some(arg) => arg.clone(),
                None => IndexArg { letter: self.letter(env.frame.scope, &b.name.name), guards: vec![] },
            };
            if seen.contains(&arg.letter) {
                let at = env.place(b.name.span);
                let d = Diagnostic::error("V0202", at.span, format!("`{}` is given twice", b.name.name))
                    .label("two parameters would be one index");
                self.err(at, d);
                return None;
            }
            seen.push(arg.letter);
            self.written_range(arg.letter, b, env)?;
            arg.guards.extend(guard.clone());
            outer.extend(self.bound_index(arg.letter));
            indices.insert(&param.name, arg);
        }
        Some((indices, outer))
    }

    fn signature(
        &mut self,
        f: &'a ast::Function,
        call: &Call<'_, 'a>,
        place: Place,
        what: &str,
        wanted: usize,
        got: usize,
    ) {
        let plural = match (what, wanted) {
            (_, 1) => what.to_string(),
            ("index", _) => "indices".into(),
            _ => format!("{what}s"),
        };
        let mut form = f.name.name.clone();
        if !f.indices.is_empty() {
            let list: Vec<&str> = f.indices.iter().map(|i| i.name.as_str()).collect();
            form += &format!("[{}]", list.join(", "));
        }
        let list: Vec<&str> = f.params.iter().map(|i| i.name.as_str()).collect();
        form += &format!("({})", list.join(", "));
        let name = &call.callee.name;
        self.err(
            place,
            Diagnostic::error("V0214", place.span, format!("`{name}` takes {wanted} {plural}, not {got}"))
                .hint(format!("its form is `{form}`")),
        );
    }
}
