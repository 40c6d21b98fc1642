//! Walks over the syntax tree that need no resolution.

use crate::ast::{Expr, ExprKind};

/// Calls `f` on the direct parts of an expression, binder ranges and guards included.
pub(super) fn parts<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    match &e.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Name(_) => {}
        ExprKind::Index { base, indices, outside } => {
            f(base);
            indices.iter().for_each(&mut *f);
            outside.iter().for_each(|o| f(o));
        }
        ExprKind::Call { generic, indices, guard, args, .. } => {
            generic.iter().for_each(|g| f(g));
            indices.iter().flatten().filter_map(|b| b.range.as_ref()).for_each(&mut *f);
            guard.iter().for_each(|g| f(g));
            args.iter().flatten().for_each(|a| f(&a.value));
        }
        ExprKind::Unary(_, a) => f(a),
        ExprKind::Binary(_, a, b) => {
            f(a);
            f(b);
        }
        ExprKind::If(a, b, c) => {
            f(a);
            f(b);
            f(c);
        }
    }
}

/// Calls `f` on every expression inside, `e` first. Works on any depth of nesting.
pub(super) fn all<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a Expr)) {
    let mut open = vec![e];
    while let Some(e) = open.pop() {
        f(e);
        let mut found = vec![];
        parts(e, &mut |p| found.push(p));
        open.extend(found.into_iter().rev());
    }
}

/// Calls `f` on every name inside: values, callees and bound letters.
pub(super) fn names<'a>(e: &'a Expr, f: &mut dyn FnMut(&'a str)) {
    all(e, &mut |e| match &e.kind {
        ExprKind::Name(n) => f(n),
        ExprKind::Call { callee, indices, .. } => {
            f(&callee.name);
            indices.iter().flatten().for_each(|b| f(&b.name.name));
        }
        _ => {}
    });
}
