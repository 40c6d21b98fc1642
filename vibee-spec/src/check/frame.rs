//! Lexical environments of expressions: what a name written in a function body may refer to.
//!
//! A function sees its parameters, its earlier lines, constants and other functions, never the
//! names of the place that calls it: that is what keeps expansion free of capture.

use std::collections::HashMap;
use std::rc::Rc;

use super::hir::{LetterId, Place};
use crate::ast;
use crate::span::Span;

/// Scope number of a kernel's own letters.
pub(super) const ROOT: u32 = 0;

/// An expression with the environment it was written in.
#[derive(Clone)]
pub(super) struct Closure<'a> {
    pub expr: &'a ast::Expr,
    pub env: Env<'a>,
}

/// What an index parameter stands for at a call.
#[derive(Clone)]
pub(super) struct IndexArg<'a> {
    pub letter: LetterId,
    /// Guards that every fold over it gets; one written guard is one entry, however many
    /// parameters it is for.
    pub guards: Vec<Rc<Closure<'a>>>,
}

/// One call of a function, or a kernel's body.
pub(super) struct Frame<'a> {
    /// File of the text.
    pub file: usize,
    /// Scope of the letters bound in the text.
    pub scope: u32,
    /// Whether the names of the kernel being built are visible.
    pub kernel_names: bool,
    /// Expression parameters.
    pub params: HashMap<&'a str, Closure<'a>>,
    /// Index parameters.
    pub indices: HashMap<&'a str, IndexArg<'a>>,
    /// Lines of the block form.
    pub lets: &'a [(ast::Ident, ast::Expr)],
    /// The call in the kernel's body that led here.
    pub call: Option<Span>,
    /// Nesting of function calls.
    pub depth: usize,
}

/// A frame seen from one of its lines: earlier lines are visible.
#[derive(Clone)]
pub(super) struct Env<'a> {
    pub frame: Rc<Frame<'a>>,
    pub visible: usize,
}

impl<'a> Env<'a> {
    /// The environment of a kernel's own text.
    pub fn root(file: usize) -> Self {
        Env::simple(file, ROOT, None, true)
    }

    /// The environment of text that sees constants only.
    pub fn bare(file: usize, scope: u32, call: Option<Span>) -> Self {
        Env::simple(file, scope, call, false)
    }

    fn simple(file: usize, scope: u32, call: Option<Span>, kernel_names: bool) -> Self {
        let frame = Frame {
            file,
            scope,
            kernel_names,
            params: HashMap::new(),
            indices: HashMap::new(),
            lets: &[],
            call,
            depth: 0,
        };
        Env { frame: Rc::new(frame), visible: 0 }
    }

    /// The expression behind a parameter or an earlier line.
    pub fn closure(&self, name: &str) -> Option<Closure<'a>> {
        let frame = &self.frame;
        if let Some(k) = frame.lets[..self.visible].iter().rposition(|(n, _)| n.name == name) {
            return Some(Closure { expr: &frame.lets[k].1, env: Env { frame: frame.clone(), visible: k } });
        }
        frame.params.get(name).cloned()
    }

    /// A place in this text.
    pub fn place(&self, span: Span) -> Place {
        Place { file: self.frame.file, span, call: self.frame.call }
    }
}
