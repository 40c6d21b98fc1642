//! One task's body: statements of the loop IR as Rust statements.
//!
//! Every read and write goes through the runtime's safe views and rows. Rows that do not change in a
//! lanes loop are taken before it; values that do not change in it are computed before it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::term::{
    Atom, DType, DefId, DimId, ExprId, FoldOp, IndexId, InputId, Int, Node, Op, Pos, Source,
};

use super::expr::{Class, Prec, Val};
use super::ints::{Leaves, Mode};
use super::names::{Names, snake};
use crate::loops::{BufferId, BufferKind, LoopProgram, Stage, Stmt};
use crate::passes::cost;

/// Cost from which a value is computed before a plain loop: a division or a root.
const EXPENSIVE: u32 = 4;

/// One value or one per lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A single value.
    One,
    /// A block of lanes.
    Lanes,
}

/// The lanes loop around the current statement.
#[derive(Clone, Debug)]
pub struct LaneLoop {
    /// Its index.
    pub index: IndexId,
    /// The current block (narrowed under conditions).
    pub block: TokenStream,
    /// Rows taken before the loop: name and how to take it.
    pub rows: Vec<(String, Ident, TokenStream)>,
    /// Indices bound inside the loop, its own included.
    pub inner: Vec<IndexId>,
}

/// What a task needs from outside; becomes its fields.
#[derive(Default)]
pub struct Used {
    /// Arguments.
    pub inputs: BTreeSet<InputId>,
    /// Sizes.
    pub dims: BTreeSet<DimId>,
    /// Buffers of earlier stages.
    pub buffers: BTreeSet<BufferId>,
}

/// The state of emitting one stage.
pub struct Body<'a> {
    pub p: &'a LoopProgram,
    pub names: Names,
    pub stage: &'a Stage,
    /// Buffers this stage writes through parts or scratch.
    pub written: Vec<BufferId>,
    pub used: Used,
    pub uses_isa: bool,
    pub lanes: Option<LaneLoop>,
    /// Inside a per-lane closure: its parameter and the block it runs over.
    pub closure: Option<(Ident, TokenStream)>,
    /// Definitions with a variable in scope.
    pub variables: HashMap<DefId, Shape>,
    /// Expressions with a variable in scope.
    pub bound: HashMap<ExprId, (Ident, Shape)>,
    /// Statements that must precede the one being written.
    pub pending: Vec<TokenStream>,
    /// Names of loop indices in scope, where a letter is bound twice on a path.
    pub scoped: BTreeMap<IndexId, Ident>,
    commented: BTreeSet<String>,
    /// Rows taken in enclosing scopes, by how they are taken.
    rows: HashMap<String, Ident>,
    row_names: BTreeSet<String>,
    /// Epilogues found on the way: they become items of their own.
    pub items: Vec<TokenStream>,
    /// Weights stored in packed form.
    pub packed: BTreeSet<InputId>,
    /// In an epilogue: the product whose finished sums are a row, and the row's name.
    pub tile: Option<(DefId, Ident)>,
    /// In an epilogue: the column index counts from this column.
    pub offset: Option<(IndexId, Ident)>,
    /// What the kernel's items are named after.
    pub base: String,
    /// Written in the kernel's own function rather than in a task.
    pub top: bool,
}

impl Leaves for Body<'_> {
    fn leaf(&self, a: &Atom) -> TokenStream {
        match a {
            Atom::Dim(d) => {
                let name = self.names.dim(*d);
                quote!(#name)
            }
            Atom::Index(i) => {
                let name = self.index(*i);
                match self.shift(*i) {
                    Some(j0) => quote!((#j0 + #name)),
                    None => quote!(#name),
                }
            }
            Atom::Scalar(s) => {
                let name = self.names.input(*s);
                match self.p.program.kernel.input(*s).dtype {
                    DType::Idx(_) | DType::Len(_) => quote!(#name),
                    _ => quote!((#name as usize)),
                }
            }
            _ => unreachable!("only leaves are named"),
        }
    }
}

impl<'a> Body<'a> {
    /// A body for one stage.
    pub fn new(p: &'a LoopProgram, names: Names, stage: &'a Stage) -> Self {
        let mut written = Vec::new();
        collect_written(p, &stage.body, &mut written);
        Body {
            p,
            names,
            stage,
            written,
            used: Used::default(),
            uses_isa: false,
            lanes: None,
            closure: None,
            variables: HashMap::new(),
            bound: HashMap::new(),
            pending: Vec::new(),
            scoped: BTreeMap::new(),
            commented: BTreeSet::new(),
            rows: HashMap::new(),
            row_names: BTreeSet::new(),
            items: Vec::new(),
            packed: BTreeSet::new(),
            tile: None,
            offset: None,
            base: String::new(),
            top: false,
        }
    }

    /// The Rust name of an index in scope.
    pub fn index(&self, i: IndexId) -> Ident {
        self.scoped.get(&i).cloned().unwrap_or_else(|| self.names.index(&self.p.program, i))
    }

    /// Brings an index in scope under a name that no other index in scope has.
    pub fn scope(&mut self, i: IndexId) -> Ident {
        let name = self.names.index(&self.p.program, i);
        let clash = self.scoped.values().any(|n| *n == name);
        let name = if clash { format_ident!("{}", self.names.fresh(&name.to_string())) } else { name };
        self.scoped.insert(i, name.clone());
        name
    }

    /// An unused name.
    pub fn fresh(&mut self, base: &str) -> Ident {
        let name = self.names.fresh(base);
        format_ident!("{name}")
    }

    /// All statements of the stage.
    pub fn emit(&mut self) -> (Vec<Ident>, TokenStream) {
        let stage = self.stage;
        let grid: Vec<Ident> = stage.grid.iter().map(|i| self.scope(*i)).collect();
        let locals = self.locals();
        let body = self.stmts(&stage.body);
        (grid, quote!(#locals #body))
    }

    /// Scratch for task-local buffers.
    fn locals(&mut self) -> TokenStream {
        let mut out = TokenStream::new();
        for b in self.written.clone() {
            let buffer = self.p.buffer(b).clone();
            if buffer.kind != BufferKind::Local {
                continue;
            }
            let name = self.names.buffer(buffer.def);
            let ty = storage(&self.p.program.def(buffer.def).dtype);
            let dims: Vec<TokenStream> = buffer.dims.iter().map(|d| self.int(d, Mode::Exact)).collect();
            out.extend(match dims.as_slice() {
                [len] => quote!(let #name = scratch.take::<#ty>(#len);),
                dims => {
                    let rank = Literal::usize_unsuffixed(dims.len());
                    quote!(let mut #name = scratch.tensor::<#ty, #rank>([#(#dims),*]);)
                }
            });
        }
        out
    }

    fn stmts(&mut self, stmts: &[Stmt]) -> TokenStream {
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

    /// A comment with the definition's equation, once.
    fn comment(&mut self, d: DefId) -> TokenStream {
        let text = self.p.program.def(d).text.clone();
        if text.is_empty() || !self.commented.insert(text.clone()) {
            return TokenStream::new();
        }
        quote!(__comment!(#text);)
    }

    fn stmt(&mut self, s: &Stmt) -> TokenStream {
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
                let call = super::gemm::in_task(self, g);
                quote!(#comment #epilogue #call)
            }
        }
    }

    fn counted(&mut self, index: IndexId, lo: &Int, hi: &Int, body: &[Stmt]) -> TokenStream {
        let (lets, lo, hi) = self.range(index, lo, hi);
        let mut inner = vec![index];
        collect_indices(body, &mut inner);
        // Around a plain loop only what is expensive is worth a name; in lanes nothing is invariant.
        let hoisted = match self.lanes {
            None => self.hoist(body, &inner, EXPENSIVE),
            Some(_) => TokenStream::new(),
        };
        let name = self.scope(index);
        let (variables, bound, rows) = (self.variables.clone(), self.bound.clone(), self.rows.clone());
        let body = self.stmts(body);
        (self.variables, self.bound, self.rows) = (variables, bound, rows);
        self.scoped.remove(&index);
        quote!(#lets #hoisted for #name in #lo..#hi { #body })
    }

    /// A loop's range; ends that are more than a size get names.
    fn range(&mut self, index: IndexId, lo: &Int, hi: &Int) -> (TokenStream, TokenStream, TokenStream) {
        let letter = self.names.index(&self.p.program, index);
        let mut lets = TokenStream::new();
        let mut end = |body: &mut Self, i: &Int, word: &str| {
            let code = body.int(i, Mode::Saturating);
            let simple = i.as_const().is_some() || matches!(i.as_atom(), Some(Atom::Dim(_) | Atom::Index(_)));
            if simple {
                return code;
            }
            let name = body.fresh(&format!("{letter}_{word}"));
            lets.extend(quote!(let #name = #code;));
            quote!(#name)
        };
        let (lo, hi) = (end(self, lo, "start"), end(self, hi, "end"));
        (lets, lo, hi)
    }

    fn in_lanes(&mut self, index: IndexId, lo: &Int, hi: &Int, unroll: u32, body: &[Stmt]) -> TokenStream {
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
        let (variables, bound, known) = (self.variables.clone(), self.bound.clone(), self.rows.clone());
        let code = self.stmts(body);
        (self.variables, self.bound, self.rows) = (variables, bound, known);
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
    fn is_shared(&self, take: &str) -> bool {
        let name = take.split_whitespace().next().unwrap_or("");
        let written = self.written.iter().any(|b| self.names.buffer(self.p.buffer(*b).def) == name);
        !written
    }

    /// Computes before a loop what does not change in it and costs at least `least`.
    fn hoist(&mut self, body: &[Stmt], inner: &[IndexId], least: u32) -> TokenStream {
        let mut roots = Vec::new();
        collect_roots(self.p, body, &mut roots);
        self.hoist_roots(&roots, inner, least)
    }

    /// [`Self::hoist`] for one value.
    pub fn hoist_value(&mut self, d: DefId, value: ExprId, inner: &[IndexId]) -> TokenStream {
        self.hoist_roots(&[(d, value)], inner, 0)
    }

    fn hoist_roots(&mut self, roots: &[(DefId, ExprId)], inner: &[IndexId], least: u32) -> TokenStream {
        let made: Vec<DefId> = roots.iter().map(|(d, _)| *d).collect();
        let mut out = TokenStream::new();
        for (_, root) in roots {
            let mut stack = vec![*root];
            while let Some(e) = stack.pop() {
                if self.bound.contains_key(&e) {
                    continue;
                }
                let node = self.p.program.kernel.exprs.node(e).clone();
                let changes = self.indices(e).iter().any(|i| inner.contains(i))
                    || self.reads(e).iter().any(|d| made.contains(d));
                let worth = matches!(&node, Node::Op(op, _) if *op != Op::Select)
                    && cost(&self.p.program.kernel.exprs, e) >= least;
                if worth && !changes && !self.is_risky(e) && !self.reads_written(e) {
                    let base = noun(self, e);
                    let value = self.scalar(e).code;
                    let name = self.fresh(&base);
                    out.extend(quote!(let #name = #value;));
                    self.bound.insert(e, (name, Shape::One));
                } else if !matches!(node, Node::Op(Op::Select, _)) {
                    let mut children = self.p.program.kernel.exprs.children(e);
                    children.reverse();
                    stack.extend(children);
                }
            }
        }
        out
    }

    /// Whether an expression reads memory that this task also writes.
    fn reads_written(&self, e: ExprId) -> bool {
        self.reads(e).iter().any(|d| !self.variables.contains_key(d))
    }

    fn start(&mut self, d: DefId, lanes: Option<u32>) -> TokenStream {
        let comment = self.comment(d);
        let def = self.p.program.def(d);
        let name = self.names.variable(d);
        let Some(fold) = def.fold.as_ref() else { unreachable!("only folds start") };
        let class = Class::of(self.p.program.kernel.exprs.dtype(def.value));
        let shape = if lanes.is_some() { Shape::Lanes } else { Shape::One };
        self.variables.insert(d, shape);
        let u = lanes.map(Literal::u32_unsuffixed);
        self.uses_isa |= u.is_some();
        let start = match (fold.op, u) {
            (FoldOp::ArgMax, Some(u)) => quote!(isa.argmax::<#u>()),
            (FoldOp::ArgMin, Some(u)) => quote!(isa.argmin::<#u>()),
            (FoldOp::ArgMax | FoldOp::ArgMin, None) => {
                let best = format_ident!("{name}_best");
                let ty = match class {
                    Class::I32 => quote!(i32),
                    Class::F64 => quote!(f64),
                    _ => quote!(f32),
                };
                return quote!(#comment let mut #name = 0_i32; let mut #best: Option<#ty> = None;);
            }
            (op, Some(u)) => {
                let first = identity(op, class).to_string().replace("_f32", "").replace("_i32", "");
                let first: TokenStream = first.parse().unwrap_or_default();
                let splat = splat_of(class);
                quote!(isa.#splat::<#u>(#first))
            }
            (op, None) => identity(op, class),
        };
        quote!(#comment let mut #name = #start;)
    }

    fn update(&mut self, d: DefId) -> TokenStream {
        let def = self.p.program.def(d).clone();
        let Some(fold) = def.fold else { unreachable!("only folds are updated") };
        let name = self.names.variable(d);
        let class = Class::of(self.p.program.kernel.exprs.dtype(def.value));
        let mut condition = TokenStream::new();
        let mut masked = self.lanes.as_ref().is_some_and(|l| fold.over.contains(&l.index));
        let mut outer_block = None;
        if let Some(g) = def.guard {
            let g = self.value(g);
            if g.lanes {
                outer_block = self.narrow_block(&g.code);
                masked = true;
            } else {
                condition = g.code;
            }
        }
        // Statements that a conditional value needs belong inside the condition.
        let outer = std::mem::take(&mut self.pending);
        let bound = self.bound.clone();
        let code = if self.variables.get(&d) == Some(&Shape::Lanes) {
            self.update_lanes(&name, fold.op, class, def.value, masked)
        } else {
            self.update_one(&name, &fold.op, class, def.value, fold.over[0])
        };
        let inside = std::mem::replace(&mut self.pending, outer);
        if let Some(block) = outer_block {
            self.set_block(block);
        }
        self.bound_cleanup();
        if condition.is_empty() {
            self.pending.extend(inside);
            code
        } else {
            self.bound = bound;
            quote!(if #condition { #(#inside)* #code })
        }
    }

    /// Narrows the current block to lanes under `mask`; returns the block to go back to.
    pub fn narrow_block(&mut self, mask: &TokenStream) -> Option<TokenStream> {
        let l = self.lanes.as_ref()?;
        let (block, base) = (l.block.clone(), format!("{}_inside", self.index(l.index)));
        let inside = self.fresh(&base);
        self.pending.push(quote!(let #inside = #block.only(#mask);));
        self.set_block(quote!(#inside));
        Some(block)
    }

    /// Makes `block` the current one.
    pub fn set_block(&mut self, block: TokenStream) {
        if let Some(l) = &mut self.lanes {
            l.block = block;
        }
    }

    /// Forgets variables of subexpressions that only the last statement had.
    fn bound_cleanup(&mut self) {
        self.bound.retain(|_, (_, shape)| *shape == Shape::One);
    }

    fn update_one(
        &mut self,
        name: &Ident,
        op: &FoldOp,
        class: Class,
        value: ExprId,
        over: IndexId,
    ) -> TokenStream {
        let v = self.scalar(value);
        let code = &v.code;
        match (op, class) {
            (FoldOp::Sum, Class::I32) => quote!(#name = #name.wrapping_add(#code);),
            (FoldOp::Prod, Class::I32) => quote!(#name = #name.wrapping_mul(#code);),
            (FoldOp::Sum, _) => quote!(#name += #code;),
            (FoldOp::Prod, _) => quote!(#name *= #code;),
            (FoldOp::Max, _) => quote!(#name = #name.max(#code);),
            (FoldOp::Min, _) => quote!(#name = #name.min(#code);),
            (FoldOp::Any, _) => quote!(#name |= #code;),
            (FoldOp::All, _) => quote!(#name &= #code;),
            (FoldOp::ArgMax | FoldOp::ArgMin, _) => {
                let best = format_ident!("{name}_best");
                let better = if *op == FoldOp::ArgMax { quote!(>) } else { quote!(<) };
                let i = self.index(over);
                let candidate = self.fresh("candidate");
                let counts = if class == Class::I32 { quote!() } else { quote!(!#candidate.is_nan() &&) };
                quote! {
                    let #candidate = #code;
                    if #counts #best.is_none_or(|best| #candidate #better best) {
                        #best = Some(#candidate);
                        #name = #i as i32;
                    }
                }
            }
        }
    }

    fn update_lanes(
        &mut self,
        name: &Ident,
        op: FoldOp,
        class: Class,
        value: ExprId,
        masked: bool,
    ) -> TokenStream {
        let Some(l) = self.lanes.clone() else { unreachable!("lanes accumulators live in lanes loops") };
        let d = &l.block;
        // A product joins a sum in one rounding.
        if let (FoldOp::Sum, Class::F32, Node::Op(Op::Mul, f)) =
            (op, class, self.p.program.kernel.exprs.node(value).clone())
            && !self.bound.contains_key(&value)
            && self.varies(value)
        {
            self.share(value);
            let (a, b) = (self.lanes_of(f[0]), self.lanes_of(f[1]));
            let (post, a, b) = (a.at(Prec::Post), &a.code, &b.code);
            return if masked {
                quote!(#name = #name.fma_in(#d, #a, #b);)
            } else {
                quote!(#name = #post.mul_add(#b, #name);)
            };
        }
        self.share(value);
        let value = self.lanes_of(value);
        let v = &value.code;
        let masked_name = match op {
            FoldOp::Sum => "add_in",
            FoldOp::Prod => "mul_in",
            FoldOp::Max => "max_in",
            FoldOp::Min => "min_in",
            FoldOp::Any => "or_in",
            FoldOp::All => "and_in",
            FoldOp::ArgMax | FoldOp::ArgMin => {
                let update = if class == Class::I32 { quote!(update_i32) } else { quote!(update) };
                return quote!(#name.#update(#d, #v););
            }
        };
        if masked {
            let method = format_ident!("{masked_name}");
            return quote!(#name = #name.#method(#d, #v););
        }
        match op {
            FoldOp::Sum => {
                let v = value.at(Prec::Add);
                quote!(#name = #name + #v;)
            }
            FoldOp::Prod => {
                let v = value.at(Prec::Cast);
                quote!(#name = #name * #v;)
            }
            FoldOp::Max => quote!(#name = #name.max(#v);),
            FoldOp::Min => quote!(#name = #name.min(#v);),
            FoldOp::Any => {
                let v = value.at(Prec::Add);
                quote!(#name = #name | #v;)
            }
            FoldOp::All | FoldOp::ArgMax | FoldOp::ArgMin => {
                let v = value.at(Prec::Add);
                quote!(#name = #name & #v;)
            }
        }
    }

    fn finish(&mut self, d: DefId, reduce: bool) -> TokenStream {
        let def = self.p.program.def(d);
        let name = self.names.variable(d);
        let op = def.fold.as_ref().map_or(FoldOp::Sum, |f| f.op);
        let dtype = def.dtype.clone();
        let mut code = TokenStream::new();
        if reduce {
            self.variables.insert(d, Shape::One);
            let value = match op {
                FoldOp::Sum => quote!(#name.reduce_add()),
                FoldOp::Prod => quote!(#name.reduce_mul()),
                FoldOp::Max => quote!(#name.reduce_max()),
                FoldOp::Min => quote!(#name.reduce_min()),
                FoldOp::Any => quote!(#name.any()),
                FoldOp::All => quote!(#name.all()),
                FoldOp::ArgMax | FoldOp::ArgMin => quote!(#name.finish() as i32),
            };
            code.extend(quote!(let #name = #value;));
        }
        // Readers nearby see what readers of the stored value would.
        if self.p.place(d).variable {
            let v = Val::one(quote!(#name), Prec::Post);
            if let Some(rounded) = round(&dtype, &v) {
                let rounded = match self.variables.get(&d) {
                    Some(Shape::Lanes) => self.round_lanes(&dtype, &v),
                    _ => rounded,
                };
                let pending = std::mem::take(&mut self.pending);
                code.extend(quote!(#(#pending)* let #name = #rounded;));
            }
        }
        code
    }

    fn let_value(&mut self, d: DefId) -> TokenStream {
        let comment = self.comment(d);
        let def = self.p.program.def(d).clone();
        let name = self.names.variable(d);
        self.share(def.value);
        let v = match def.guard {
            Some(g) if self.is_risky(def.value) => self.guarded(g, def.value),
            _ => self.value(def.value),
        };
        let shape = if v.lanes { Shape::Lanes } else { Shape::One };
        let code = match (shape, round(&def.dtype, &v)) {
            (Shape::One, Some(rounded)) => rounded,
            (Shape::Lanes, Some(_)) => self.round_lanes(&def.dtype, &v),
            (_, None) => v.code,
        };
        self.variables.insert(d, shape);
        self.bound_cleanup();
        quote!(#comment let #name = #code;)
    }

    /// A value that may only be computed under a condition; 0 elsewhere, where nobody reads it.
    fn guarded(&mut self, guard: ExprId, value: ExprId) -> Val {
        let g = self.value(guard);
        if g.lanes {
            return self.under(g.code, value);
        }
        let class = Class::of(self.p.program.kernel.exprs.dtype(value));
        let v = self.value(value);
        let (c, then) = (g.code, v.code);
        let zero = match class {
            Class::I32 => quote!(0),
            Class::Bool => quote!(false),
            _ => quote!(0.0),
        };
        if v.lanes {
            self.uses_isa = true;
            let splat = splat_of(class);
            Val::lanes(quote!(if #c { #then } else { isa.#splat(#zero) }), Prec::Low)
        } else {
            Val::one(quote!(if #c { #then } else { #zero }), Prec::Low)
        }
    }

    fn round_lanes(&mut self, dtype: &DType, v: &Val) -> TokenStream {
        let Some(l) = self.lanes.clone() else { unreachable!("lanes values live in lanes loops") };
        let exact = self.fresh("exact");
        let code = &v.code;
        self.pending.push(quote!(let #exact = #code;));
        let (block, i) = (&l.block, self.fresh("lane"));
        self.uses_isa = true;
        let one = Val::one(quote!(#exact.lane(#i - #block.start())), Prec::Post);
        let rounded = round(dtype, &one).unwrap_or(one.code);
        let method = if dtype.is_float() { quote!(from_fn) } else { quote!(from_fn_i32) };
        quote!(isa.#method(#block, |#i| #rounded))
    }

    fn store(&mut self, d: DefId) -> TokenStream {
        let comment = self.comment(d);
        let def = self.p.program.def(d).clone();
        let Some(buffer) = self.p.place(d).buffer else { unreachable!("only stored definitions are stored") };
        let v = match self.variables.get(&d) {
            Some(shape) => {
                let name = self.names.variable(d);
                self.variable(&name, *shape)
            }
            None => {
                self.share(def.value);
                match def.guard {
                    Some(g) if self.is_risky(def.value) => self.guarded(g, def.value),
                    _ => self.value(def.value),
                }
            }
        };
        let v = if self.lanes.is_some() && !v.lanes { self.splat_class(&def.dtype, v) } else { v };
        let code = if v.lanes {
            let (row, block) = (self.row_mut(buffer), self.lanes.as_ref().map(|l| l.block.clone()));
            let value = v.code;
            quote!(#row.store(#block, #value);)
        } else {
            let value = narrow(&def.dtype, &v);
            self.set(buffer, value)
        };
        self.bound_cleanup();
        quote!(#comment #code)
    }

    fn splat_class(&mut self, dtype: &DType, v: Val) -> Val {
        self.uses_isa = true;
        let splat = splat_of(Class::of(&dtype.computed()));
        let code = v.code;
        Val::lanes(quote!(isa.#splat(#code)), Prec::Post)
    }

    /// Gives names to subexpressions that a value uses more than once.
    pub fn share(&mut self, root: ExprId) {
        let program = &self.p.program;
        let mut counts: HashMap<ExprId, u32> = HashMap::new();
        let mut order = Vec::new();
        let mut stack = vec![(root, false)];
        let mut done = BTreeSet::new();
        while let Some((e, leave)) = stack.pop() {
            if leave {
                order.push(e);
                continue;
            }
            if self.bound.contains_key(&e) || !done.insert(e) {
                continue;
            }
            stack.push((e, true));
            for c in program.kernel.exprs.children(e) {
                *counts.entry(c).or_default() += 1;
                stack.push((c, false));
            }
        }
        for e in order {
            let reads_variable =
                |from: &Source| matches!(from, Source::Def(d) if self.variables.contains_key(d));
            let worth = match program.kernel.exprs.node(e) {
                Node::Op(..) | Node::Cast(..) => true,
                Node::Load { from, at, .. } => !at.is_empty() && !reads_variable(from),
                _ => false,
            };
            if counts.get(&e).copied().unwrap_or(0) < 2 || !worth || self.is_risky(e) {
                continue;
            }
            let base = noun(self, e);
            let v = self.value(e);
            let name = self.fresh(&base);
            let code = v.code;
            self.pending.push(quote!(let #name = #code;));
            self.bound.insert(e, (name, if v.lanes { Shape::Lanes } else { Shape::One }));
        }
    }
}

/// What to call a value: `x_td` for `x[t, d]`, the operator's noun otherwise.
fn noun(body: &Body<'_>, e: ExprId) -> String {
    let program = &body.p.program;
    match program.kernel.exprs.node(e) {
        Node::Load { from, at, .. } => {
            let name = match from {
                Source::Input(i) => program.kernel.input(*i).name.clone(),
                Source::Def(d) => program.def(*d).name.clone(),
            };
            let letters: String = at
                .iter()
                .filter_map(|p| if let Pos::At(i) = p { i.as_index() } else { None })
                .map(|i| program.kernel.indices[i.index()].name.clone())
                .collect();
            if letters.is_empty() { snake(&name) } else { format!("{}_{}", snake(&name), snake(&letters)) }
        }
        Node::Cast(..) => "converted".to_owned(),
        Node::Op(op, args) => {
            let first = match program.kernel.exprs.node(args[0]) {
                Node::Load { from: Source::Input(i), at, .. } if at.is_empty() => {
                    Some(program.kernel.input(*i).name.clone())
                }
                Node::Load { from: Source::Def(d), .. } => Some(program.def(*d).name.clone()),
                _ => None,
            };
            let word = match op {
                Op::Add => "sum",
                Op::Sub => "difference",
                Op::Mul => "product",
                Op::Div => "quotient",
                Op::Rsqrt => "inverse_root",
                Op::Sqrt => "root",
                Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne | Op::And | Op::Or | Op::Not => "holds",
                other => other.info().name,
            };
            match first {
                Some(f) if args.len() == 1 => format!("{word}_{}", snake(&f)),
                _ => word.to_owned(),
            }
        }
        _ => "value".to_owned(),
    }
}

/// The identity of a fold.
fn identity(op: FoldOp, class: Class) -> TokenStream {
    match (op, class) {
        (FoldOp::Sum, Class::I32) => quote!(0_i32),
        (FoldOp::Prod, Class::I32) => quote!(1_i32),
        (FoldOp::Sum, Class::F64) => quote!(0.0_f64),
        (FoldOp::Prod, Class::F64) => quote!(1.0_f64),
        (FoldOp::Sum, _) => quote!(0.0_f32),
        (FoldOp::Prod, _) => quote!(1.0_f32),
        (FoldOp::Max | FoldOp::ArgMax, Class::I32) => quote!(i32::MIN),
        (FoldOp::Min | FoldOp::ArgMin, Class::I32) => quote!(i32::MAX),
        (FoldOp::Max | FoldOp::ArgMax, Class::F64) => quote!(f64::NEG_INFINITY),
        (FoldOp::Min | FoldOp::ArgMin, Class::F64) => quote!(f64::INFINITY),
        (FoldOp::Max | FoldOp::ArgMax, _) => quote!(f32::NEG_INFINITY),
        (FoldOp::Min | FoldOp::ArgMin, _) => quote!(f32::INFINITY),
        (FoldOp::Any, _) => quote!(false),
        (FoldOp::All, _) => quote!(true),
    }
}

fn splat_of(class: Class) -> Ident {
    match class {
        Class::I32 => format_ident!("splat_i32"),
        Class::Bool => format_ident!("splat_mask"),
        _ => format_ident!("splat"),
    }
}

/// The Rust type of stored elements.
pub fn storage(t: &DType) -> Ident {
    match t {
        DType::F64 => format_ident!("f64"),
        DType::F32 => format_ident!("f32"),
        DType::F16 => format_ident!("f16"),
        DType::BF16 => format_ident!("bf16"),
        DType::I32 => format_ident!("i32"),
        DType::I8 => format_ident!("i8"),
        DType::U8 => format_ident!("u8"),
        DType::Bool => format_ident!("bool"),
        DType::Idx(_) | DType::Len(_) => format_ident!("u32"),
    }
}

/// A value as its storage type.
fn narrow(t: &DType, v: &Val) -> TokenStream {
    let (code, cast, post) = (&v.code, v.at(Prec::Cast), v.at(Prec::Post));
    match t {
        DType::F16 => quote!(f16::from_f32(#code)),
        DType::BF16 => quote!(bf16::from_f32(#code)),
        DType::I8 => quote!(#post.clamp(-128, 127) as i8),
        DType::U8 => quote!(#post.clamp(0, 255) as u8),
        DType::Idx(_) | DType::Len(_) => quote!(#cast as u32),
        _ => code.clone(),
    }
}

/// A value as it reads back from its storage type, where that differs.
fn round(t: &DType, v: &Val) -> Option<TokenStream> {
    let (code, post) = (&v.code, v.at(Prec::Post));
    match t {
        DType::F16 => Some(quote!(f16::from_f32(#code).to_f32())),
        DType::BF16 => Some(quote!(bf16::from_f32(#code).to_f32())),
        DType::I8 => Some(quote!(#post.clamp(-128, 127))),
        DType::U8 => Some(quote!(#post.clamp(0, 255))),
        _ => None,
    }
}

fn collect_written(p: &LoopProgram, stmts: &[Stmt], out: &mut Vec<BufferId>) {
    for s in stmts {
        match s {
            Stmt::Store { def } => out.extend(p.place(*def).buffer.filter(|b| !out.contains(b))),
            Stmt::Gemm(g) => out.extend(p.place(g.target()).buffer.filter(|b| !out.contains(b))),
            Stmt::Loop { body, .. } => collect_written(p, body, out),
            _ => {}
        }
    }
}

fn collect_indices(stmts: &[Stmt], out: &mut Vec<IndexId>) {
    for s in stmts {
        if let Stmt::Loop { index, body, .. } = s {
            out.push(*index);
            collect_indices(body, out);
        }
    }
}

/// Expressions evaluated by statements, with the definition each belongs to.
fn collect_roots(p: &LoopProgram, stmts: &[Stmt], out: &mut Vec<(DefId, ExprId)>) {
    for s in stmts {
        match s {
            Stmt::Update { def } | Stmt::Let { def } | Stmt::Store { def } => {
                let d = p.program.def(*def);
                for e in d.guard.iter().copied().chain([d.value]) {
                    if !out.contains(&(*def, e)) {
                        out.push((*def, e));
                    }
                }
            }
            Stmt::Loop { body, .. } => collect_roots(p, body, out),
            _ => {}
        }
    }
}
