//! Statements and loops: plain ones, and ones in lanes with the rows taken before them.

use proc_macro2::{Ident, Literal, Spacing, TokenStream, TokenTree};
use quote::{format_ident, quote};
use vibee_spec::term::{Atom, IndexId, Int};

use super::hoist::{EXPENSIVE, collect_roots};
use super::{Body, LaneLoop};
use crate::emit::ints::Mode;
use crate::loops::{BufferId, LoopProgram, Stmt};

impl<'a> Body<'a> {
    pub(super) fn stmts(&mut self, stmts: &[Stmt]) -> TokenStream {
        let mut out = TokenStream::new();
        for s in stmts {
            let code = self.stmt(s);
            for p in std::mem::take(&mut self.pending) {
                out.extend(p);
            }
            out.extend(code);
        }
        out
    }

    /// Statements in a scope of their own: what they name is unknown behind them.
    fn in_scope(&mut self, stmts: &[Stmt]) -> TokenStream {
        let (variables, bound) = (self.variables.clone(), self.bound.clone());
        let (rows, ends) = (self.rows.clone(), self.ends.clone());
        let code = self.stmts(stmts);
        (self.variables, self.bound, self.rows, self.ends) = (variables, bound, rows, ends);
        code
    }

    pub(super) fn stmt(&mut self, s: &Stmt) -> TokenStream {
        match s {
            Stmt::Loop { index, lo, hi, lanes: None, body } => self.counted(*index, lo, hi, body),
            Stmt::Loop { index, lo, hi, lanes: Some(u), body } => self.in_lanes(*index, lo, hi, *u, body),
            Stmt::Start { def, lanes } => self.start(*def, *lanes),
            Stmt::Update { def } => self.update(*def),
            Stmt::Finish { def, reduce } => self.finish(*def, *reduce),
            Stmt::Let { def } => self.let_value(*def),
            Stmt::Store { def } => self.store(*def),
            Stmt::Gemm(g) => {
                let comment = self.comment(g.def);
                let epilogue = g.epilogue.map_or(TokenStream::new(), |e| self.comment(e));
                let call = crate::emit::gemm::in_task(self, g);
                quote!(#comment #epilogue #call)
            }
        }
    }

    pub(super) fn counted(&mut self, index: IndexId, lo: &Int, hi: &Int, body: &[Stmt]) -> TokenStream {
        let constants = lo.as_const().and(hi.as_const()).and_then(|hi| usize::try_from(hi).ok());
        let (lets, lo, mut hi) = if self.is_row(index) {
            let first = self.first(index);
            let end = first.add(&self.extent(index));
            (quote!(), self.int(&first, Mode::Exact), self.int(&end, Mode::Exact))
        } else {
            self.range(index, lo, hi)
        };
        let mut inner = vec![index];
        collect_indices(body, &mut inner);
        // Around a plain loop only what is expensive is worth a name; in lanes nothing is invariant.
        let hoisted = match self.lanes {
            None => self.hoist(body, &inner, EXPENSIVE),
            Some(_) => TokenStream::new(),
        };
        let name = self.scope(index);
        let body = self.in_scope(body);
        self.scoped.remove(&index);
        // Nothing but its range would say the type of a letter that methods are called on.
        if let Some(end) = constants.filter(|_| is_receiver(&body, &name)) {
            let end = Literal::usize_suffixed(end);
            hi = quote!(#end);
        }
        // A letter of which only the range counts.
        let name = crate::emit::kernel::unused(&name, &body);
        quote!(#lets #hoisted for #name in #lo..#hi { #body })
    }

    /// A loop's range; ends that are more than a size get names, each once in a scope.
    pub fn range(&mut self, index: IndexId, lo: &Int, hi: &Int) -> (TokenStream, TokenStream, TokenStream) {
        let letter = self.names.index(&self.p.program, index);
        let mut lets = TokenStream::new();
        let mut end = |body: &mut Self, i: &Int, word: &str| {
            let code = body.int(i, Mode::Saturating);
            let simple = i.as_const().is_some() || matches!(i.as_atom(), Some(Atom::Dim(_) | Atom::Index(_)));
            if simple {
                return code;
            }
            let key = code.to_string();
            if let Some(known) = body.ends.get(&key) {
                return quote!(#known);
            }
            let name = body.fresh(&format!("{letter}_{word}"));
            body.ends.insert(key, name.clone());
            lets.extend(quote!(let #name = #code;));
            quote!(#name)
        };
        let (lo, hi) = (end(self, lo, "start"), end(self, hi, "end"));
        (lets, lo, hi)
    }

    pub(super) fn in_lanes(
        &mut self,
        index: IndexId,
        lo: &Int,
        hi: &Int,
        unroll: u32,
        body: &[Stmt],
    ) -> TokenStream {
        self.uses_isa = true;
        let (lets, lo, hi) = self.range(index, lo, hi);
        let mut inner = vec![index];
        collect_indices(body, &mut inner);
        let mut made = Vec::new();
        collect_roots(self.p, body, &mut made);
        let comments: TokenStream = made.iter().map(|(d, _)| self.comment(*d)).collect();
        let hoisted = self.hoist(body, &inner, 0);
        let name = self.scope(index);
        self.lanes = Some(LaneLoop { index, block: quote!(#name), rows: Vec::new(), inner });
        let code = self.in_scope(body);
        self.scoped.remove(&index);
        let rows = self.lanes.take().map_or(Vec::new(), |l| l.rows);
        for (take, name, lasting) in rows.iter().map(|(t, n, _)| (t, n, !t.contains(". row_mut"))) {
            // Rows of shared views stay valid for the loops that follow in this scope.
            if lasting && self.is_shared(take) {
                self.rows.insert(take.clone(), name.clone());
            }
        }
        let rows = rows.into_iter().map(|(_, name, take)| quote!(let #name = #take;));
        let u = Literal::u32_unsuffixed(unroll);
        quote! {
            #comments
            #lets
            #hoisted
            #(#rows)*
            for part in isa.parts::<#u>(#lo, #hi) {
                for #name in part { #code }
            }
        }
    }

    /// A row that is still valid from an earlier loop.
    pub fn known_row(&self, take: &str) -> Option<Ident> {
        self.rows.get(take).cloned()
    }

    /// A name for a row: `x_row`, used again by later loops once the earlier row is out of use.
    pub fn row_name(&mut self, base: &str) -> Ident {
        let active = |n: &str| {
            self.rows.values().any(|r| r == n)
                || self.lanes.iter().any(|l| l.rows.iter().any(|(_, r, _)| r == n))
        };
        let candidates = std::iter::once(base.to_owned()).chain((2..).map(|n| format!("{base}{n}")));
        for name in candidates {
            if self.row_names.contains(&name) {
                if !active(&name) {
                    return format_ident!("{name}");
                }
            } else {
                let fresh = self.names.fresh(&name);
                self.row_names.insert(fresh.clone());
                return format_ident!("{fresh}");
            }
        }
        unreachable!("some number is free")
    }

    /// Whether a row is taken of an argument or an earlier buffer, which nobody writes meanwhile.
    pub(super) fn is_shared(&self, take: &str) -> bool {
        let name = take.split_whitespace().next().unwrap_or("");
        let written = self.written.iter().any(|b| self.names.buffer(self.p.buffer(*b).def) == name);
        !written
    }
}

/// Whether a method of a variable is called.
fn is_receiver(code: &TokenStream, name: &Ident) -> bool {
    let tokens: Vec<TokenTree> = code.clone().into_iter().collect();
    let calls = |pair: &[TokenTree]| matches!(pair, [TokenTree::Ident(i), TokenTree::Punct(p)] if i == name && p.as_char() == '.' && p.spacing() == Spacing::Alone);
    let inside = |t: &TokenTree| matches!(t, TokenTree::Group(g) if is_receiver(&g.stream(), name));
    tokens.windows(2).any(calls) || tokens.iter().any(inside)
}

pub(super) fn collect_written(p: &LoopProgram, stmts: &[Stmt], out: &mut Vec<BufferId>) {
    for s in stmts {
        match s {
            Stmt::Store { def } => out.extend(p.place(*def).buffer.filter(|b| !out.contains(b))),
            Stmt::Gemm(g) => out.extend(p.place(g.target()).buffer.filter(|b| !out.contains(b))),
            Stmt::Loop { body, .. } => collect_written(p, body, out),
            _ => {}
        }
    }
}

pub(super) fn collect_indices(stmts: &[Stmt], out: &mut Vec<IndexId>) {
    for s in stmts {
        if let Stmt::Loop { index, body, .. } = s {
            out.push(*index);
            collect_indices(body, out);
        }
    }
}
