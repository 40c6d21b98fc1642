//! Laws: two expressions over drawn tensors become two kernels over the same inputs.
//!
//! A law says no shapes. They follow from the kernels it calls: every call has sizes of its own,
//! which are made equal where the shapes of arguments meet.

use super::builder::{Builder, Entry, Local};
use super::drawn::{Shapes, Signature};
use super::globals::Cx;
use crate::ast::{self, Expr};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::term::{InputId, Kernel, Module, Output, ParamRef};

/// A property: both sides agree for all inputs.
#[derive(Clone, Debug)]
pub struct Law {
    /// Its name.
    pub name: String,
    /// The behaviour it belongs to.
    pub behavior: String,
    /// The law's own variables: inputs `0..vars.len()` of both kernels.
    pub vars: Vec<LawVar>,
    /// Left side. Both kernels have the same dims and inputs, and one output `value`.
    pub lhs: Kernel,
    /// Right side.
    pub rhs: Kernel,
    /// `None` means equal.
    pub tol: Option<f64>,
    /// The whole entry.
    pub span: Span,
}

/// A variable drawn from a range.
#[derive(Clone, Debug, PartialEq)]
pub struct LawVar {
    /// Name.
    pub name: String,
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
}

/// Resolves a law; `None` if it has errors or calls a kernel that has.
pub(super) fn resolve<'a>(cx: &mut Cx<'a>, module: &Module, l: &'a ast::Law, behavior: &str) -> Option<Law> {
    for v in &l.vars {
        if !(v.low.is_finite() && v.high.is_finite() && v.low <= v.high) {
            let d = Diagnostic::error("V0612", v.name.span, format!("`{}` has an empty range", v.name.name))
                .hint("write it from low to high: `for: c in [0.1, 10]`");
            cx.report(0, d);
            return None;
        }
    }
    let mut shapes = Shapes::new(module, l);
    // Kernels with errors have been reported; calls to them cannot be checked.
    if !shapes.calls_only_known(cx, l) {
        return None;
    }
    for bare in [true, false] {
        shapes.draw(&l.lhs, bare);
        shapes.draw(&l.rhs, bare);
    }
    shapes.shape(&l.lhs);
    shapes.shape(&l.rhs);
    if let Some(d) = shapes.take_refusal() {
        cx.report(0, *d);
        return None;
    }
    let signature = shapes.signature(cx, l)?;
    let lhs = side(cx, &signature, &l.lhs);
    let rhs = side(cx, &signature, &l.rhs);
    let (lhs, rhs) = (lhs?, rhs?);
    let rank = |k: &Kernel| k.def(k.outputs[0].def).shape.len();
    if rank(&lhs) != rank(&rhs) {
        let d = Diagnostic::error(
            "V0613",
            l.span,
            format!("the sides of `{}` have different shapes", l.name.name),
        )
        .label(format!("rank {} on the left, {} on the right", rank(&lhs), rank(&rhs)));
        cx.report(0, d);
        return None;
    }
    let vars =
        l.vars.iter().map(|v| LawVar { name: v.name.name.clone(), low: v.low, high: v.high }).collect();
    let (name, behavior) = (l.name.name.clone(), behavior.to_string());
    Some(Law { name, behavior, vars, lhs, rhs, tol: l.tol, span: l.span })
}

fn side<'a>(cx: &mut Cx<'a>, s: &Signature, e: &'a Expr) -> Option<Kernel> {
    cx.quiet_kernels = true;
    let mut b = Builder::new(cx, 0, String::new());
    b.k.dims.clone_from(&s.dims);
    b.k.checks.clone_from(&s.checks);
    for (n, (input, span)) in (0u32..).zip(s.inputs.iter().zip(&s.spans)) {
        b.k.inputs.push(input.clone());
        b.k.params.push(ParamRef::Input(InputId(n)));
        b.note_scalar(InputId(n), input);
        b.taken.insert(input.name.clone());
        b.locals.insert(input.name.clone(), Entry { local: Local::Input(InputId(n)), span: *span });
    }
    b.taken.insert("value".into());
    let def = b.define_value("value", e);
    b.cx.quiet_kernels = false;
    b.k.outputs = vec![Output { name: "value".into(), def: def? }];
    let kernel = super::graft::tidy(&b.k);
    debug_assert_eq!(crate::term::verify(&kernel), Ok(()), "laws build well-formed kernels");
    Some(kernel)
}
