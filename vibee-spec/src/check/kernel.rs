//! One kernel instance from header to outputs.

use std::rc::Rc;

use super::builder::{Builder, Local};
use super::globals::{Cx, Global};
use super::types::{self, Elem};
use crate::ast::{self, Stmt};
use crate::diag::Diagnostic;
use crate::term::{Kernel, Output};

/// The instance of a kernel for the types of its generics; `None` if it has errors.
pub(super) fn instance(cx: &mut Cx<'_>, file: usize, at: usize, types: Vec<Elem>) -> Option<Rc<Kernel>> {
    let key = (file, at, types);
    if let Some(known) = cx.kernels.get(&key) {
        return known.clone();
    }
    let global = Global::Kernel(file, at);
    if cx.active.contains(&global) {
        let ast = &cx.units[file].file.kernels[at];
        let d =
            Diagnostic::error("V0210", ast.name.span, format!("the kernel `{}` calls itself", ast.name.name))
                .note("kernels are copied into the kernels that call them")
                .hint("recursion has no end here; a fold may say the same");
        cx.report(file, d);
        return None;
    }
    cx.active.push(global);
    let quiet = usize::from(cx.quiet_kernels);
    cx.silent += quiet;
    let kernel = build(cx, file, at, &key.2).map(Rc::new);
    cx.silent -= quiet;
    cx.active.pop();
    cx.kernels.insert(key, kernel.clone());
    kernel
}

/// `linear_bf16`.
fn instance_name(cx: &Cx<'_>, base: &str, types: &[Elem]) -> String {
    types.iter().fold(base.to_string(), |name, t| format!("{name}_{}", types::ending(cx, t)))
}

fn build<'a>(cx: &mut Cx<'a>, file: usize, at: usize, types: &[Elem]) -> Option<Kernel> {
    let unit: &'a ast::File = cx.units[file].file;
    let ast = &unit.kernels[at];
    let name = instance_name(cx, &ast.name.name, types);
    let mut b = Builder::new(cx, file, name);
    for (g, t) in ast.generics.iter().zip(types) {
        b.generics.insert(g.name.clone(), t.clone());
    }
    b.incomplete = b.cx.incomplete(file, ast.span);
    b.reserve_names(&ast.body);
    b.taken.extend(ast.outputs.iter().map(|o| o.name.name.clone()));
    b.declare_inputs(&[], &ast.params)?;
    let constrained = b.declare_constraints(&ast.constraints);
    b.declare_outputs(&ast.outputs);
    b.declare_specialise(&ast.specialise);
    let body = b.body(&ast.body);
    b.unused();
    b.missing_outputs(&ast.body);
    constrained.and(body)?;
    if b.outputs.iter().any(|o| o.failed || o.def.is_none()) {
        return None;
    }
    b.k.doc = ast.doc.clone().unwrap_or_default();
    b.k.header = b.cx.header_text(file, ast.header);
    b.k.outputs =
        b.outputs.iter().filter_map(|o| Some(Output { name: o.name.clone(), def: o.def? })).collect();
    b.allow(&ast.allowed, !ast.generics.is_empty());
    let kernel = super::graft::tidy(&b.k);
    debug_assert_eq!(crate::term::verify(&kernel), Ok(()), "the checker builds well-formed kernels");
    Some(kernel)
}

impl<'a> Builder<'_, 'a> {
    /// All statements, each once, errors or not.
    pub fn body(&mut self, body: &'a [Stmt]) -> Option<()> {
        for s in body {
            if let Stmt::Define(d) = s {
                self.announce(&d.names);
            }
        }
        self.seed_ranges(body);
        let mut fine = Some(());
        for s in body {
            let done = self.statement(s);
            fine = fine.and(done);
        }
        fine
    }

    /// One statement.
    pub fn statement(&mut self, s: &'a Stmt) -> Option<()> {
        match s {
            Stmt::Define(d) => self.define(d),
            Stmt::For { span, .. } => {
                let d = Diagnostic::error("V0520", *span, "`for` stands in a kernel")
                    .hint("`for` repeats sublayers in a layer's or model's `forward`; kernels use indices and folds");
                self.err(self.here(*span), d);
                None
            }
        }
    }

    /// Warns about definitions nothing reads.
    pub fn unused(&mut self) {
        // What was left out may use it.
        if self.incomplete {
            return;
        }
        let mut found: Vec<(String, crate::span::Span)> = self
            .locals
            .iter()
            .filter(|(name, e)| {
                matches!(e.local, Local::Def(_))
                    && !self.used.contains(*name)
                    && !self.outputs.iter().any(|o| o.name == **name)
            })
            .map(|(name, e)| (name.clone(), e.span))
            .collect();
        found.sort_by_key(|(_, span)| *span);
        for (name, span) in found {
            let outputs: Vec<String> = self.outputs.iter().map(|o| o.name.clone()).collect();
            let mut d = Diagnostic::warning("V0204", span, format!("`{name}` is defined and never used"));
            d.hint = super::suggest::hint(&name, outputs.iter().map(String::as_str))
                .or_else(|| Some("remove it, or use it".into()));
            self.err(self.here(span), d);
        }
    }

    pub fn missing_outputs(&mut self, body: &'a [Stmt]) {
        let defined: Vec<&str> = body
            .iter()
            .filter_map(|s| if let Stmt::Define(d) = s { Some(d) } else { None })
            .flat_map(|d| d.names.iter().map(|n| n.name.as_str()))
            .collect();
        for o in self.outputs.clone() {
            let near = super::suggest::hint(&o.name, defined.iter().copied());
            if self.incomplete && near.is_none() {
                continue;
            }
            if o.def.is_none() && !o.failed && !defined.contains(&o.name.as_str()) {
                let mut d =
                    Diagnostic::error("V0203", o.span, format!("the output `{}` is never defined", o.name))
                        .label("declared here");
                d.hint = near.or_else(|| Some(format!("add a line `{}[…] = …`", o.name)));
                self.err(self.here(o.span), d);
            }
        }
    }
}
