//! Entries of `kernels:`, and the methods of layers, which have the same form.

use super::header::Clauses;
use super::line::Line;
use super::statement;
use super::tree::Entry;
use crate::ast::Kernel;
use crate::grammar::Rule;
use crate::scan::Sink;

/// One kernel. A body below a broken header is still read, for its own errors.
pub(super) fn kernel(entry: &Entry, sink: &mut Sink) -> Option<Kernel> {
    let header = header(entry, sink);
    let body = statement::body(&entry.children, sink);
    let mut kernel = header?;
    if entry.children.is_empty() {
        sink.push(statement::missing_body(entry.line.span));
        return None;
    }
    kernel.body = body.stmts;
    kernel.specialise = body.specialise;
    Some(kernel)
}

/// The kernel without its body.
fn header(entry: &Entry, sink: &mut Sink) -> Option<Kernel> {
    let line = &entry.line;
    if line.broken {
        return None;
    }
    let (mut cx, pair) = Line::parse(Rule::kernel_header, &line.text, line.span, sink)?;
    let mut parts = pair.into_inner();
    let name = cx.new_name(&parts.next()?);
    let (mut generics, mut params, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    let mut clauses = Clauses::default();
    for part in parts {
        match part.as_rule() {
            Rule::generics => generics = cx.names(part),
            Rule::params => params = cx.params(part)?,
            Rule::outputs => outputs = cx.params(part)?,
            Rule::where_clause | Rule::for_clause | Rule::allow_clause => cx.clause(part, &mut clauses)?,
            _ => {}
        }
    }
    Some(Kernel {
        name,
        generics,
        params,
        outputs,
        constraints: clauses.constraints,
        instances: clauses.instances,
        allowed: clauses.allowed,
        body: Vec::new(),
        specialise: Vec::new(),
        doc: entry.docs(),
        header: line.span,
        span: entry.span(),
    })
}
