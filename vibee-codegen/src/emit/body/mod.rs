//! One task's body: statements of the loop IR as Rust statements.
//!
//! Every read and write goes through the runtime's safe views and rows. Rows that do not change in a
//! lanes loop are taken before it; values that do not change in it are computed before it.

mod folds;
mod hoist;
mod loops;
mod store;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use vibee_spec::check::Known;
use vibee_spec::term::{Atom, DType, DefId, DimId, ExprId, IndexId, InputId, Int};

use super::bytes;
use super::formats::StandIns;
use super::ints::{Leaves, Mode};
use super::names::Names;
use crate::loops::{BufferId, BufferKind, LoopProgram, Stage};
use loops::collect_written;

pub use folds::splat_of;
pub use store::{storage, zero};

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

/// The block of rows that a task takes. Its first row and its number of rows are indices of their own.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The indices that run over it.
    pub letters: Vec<IndexId>,
    /// Rows of a block; the last one may have fewer. A field of the task.
    pub size: Ident,
    /// The block's number.
    pub block: Ident,
}

impl Rows {
    /// Stand for the block's sizes in integer expressions: no kernel has so many indices.
    pub const SIZE: IndexId = IndexId(u32::MAX);
    const START: IndexId = IndexId(u32::MAX - 1);
    const COUNT: IndexId = IndexId(u32::MAX - 2);
    /// A row of a product, of which its row indices are digits.
    pub const ROW: IndexId = IndexId(u32::MAX - 3);
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
    /// Only some lanes matter, perhaps none: what they share may have to be read by none of them.
    pub masked: bool,
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
    /// Ends of ranges named in enclosing scopes, by their code.
    pub ends: HashMap<String, Ident>,
    row_names: BTreeSet<String>,
    /// Tables of constants used, with their names.
    pub tables: Vec<(Vec<ExprId>, Ident)>,
    /// Their declarations.
    pub constants: TokenStream,
    /// Epilogues found on the way: they become items of their own.
    pub items: Vec<TokenStream>,
    /// Weights stored in packed form.
    pub packed: BTreeSet<InputId>,
    /// Stand-ins of operands in a format: the bytes, and the type that decodes them.
    pub decoded: StandIns,
    /// Weights in a format, given rearranged.
    pub strips: BTreeSet<InputId>,
    /// Left operands of products that are rounded to bytes, and the variables that hold them.
    pub rounded: Vec<(bytes::Rows, Ident)>,
    /// In an epilogue: the product whose finished sums are a row, and the row's name.
    pub tile: Option<(DefId, Ident)>,
    /// In an epilogue: the column index counts from this column.
    pub offset: Option<(IndexId, Ident)>,
    /// What the kernel's items are named after.
    pub base: String,
    /// Inputs are slices rather than views.
    pub slices: bool,
    /// Written in the kernel's own function rather than in a task.
    pub top: bool,
    /// The rows that a task takes at a time.
    pub rows_of_task: Option<Rows>,
    /// What holds after the kernel's entry checks.
    known: Known,
    /// Positions proved inside, or not.
    inside: RefCell<HashMap<(Int, Int), bool>>,
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
            masked: false,
            variables: HashMap::new(),
            bound: HashMap::new(),
            pending: Vec::new(),
            scoped: BTreeMap::new(),
            commented: BTreeSet::new(),
            rows: HashMap::new(),
            ends: HashMap::new(),
            row_names: BTreeSet::new(),
            tables: Vec::new(),
            constants: TokenStream::new(),
            items: Vec::new(),
            packed: BTreeSet::new(),
            decoded: StandIns::new(),
            strips: BTreeSet::new(),
            rounded: Vec::new(),
            tile: None,
            offset: None,
            base: String::new(),
            slices: false,
            top: false,
            rows_of_task: None,
            known: Known::in_layer(&p.program.kernel),
            inside: RefCell::default(),
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

    /// Whether a position lies in `0..extent` wherever its letters are.
    pub fn always_inside(&self, at: &Int, extent: &Int) -> bool {
        if at.as_index().is_some_and(|i| self.p.program.extent(i) == extent) {
            return true;
        }
        let key = (at.clone(), extent.clone());
        if let Some(known) = self.inside.borrow().get(&key) {
            return *known;
        }
        let mut scope: Vec<(IndexId, Int)> = Vec::new();
        at.visit_leaves(&mut |a| {
            if let Atom::Index(i) = a
                && !scope.iter().any(|(s, _)| s == i)
            {
                scope.push((*i, self.p.program.extent(*i).clone()));
            }
        });
        let last = extent.sub(&Int::constant(1)).sub(at);
        let proved = self.known.nonneg(at, &scope, &[]) && self.known.nonneg(&last, &scope, &[]);
        self.inside.borrow_mut().insert(key, proved);
        proved
    }

    /// Whether an integer is at least 1 wherever the loops around run.
    pub fn is_positive(&self, i: &Int) -> bool {
        if let Some(c) = i.as_const() {
            return c >= 1;
        }
        let real = |i: &IndexId| i.index() < self.p.program.kernel.indices.len();
        let scope: Vec<(IndexId, Int)> =
            self.scoped.keys().filter(|i| real(i)).map(|i| (*i, self.p.program.extent(*i).clone())).collect();
        self.known.nonneg(&i.sub(&Int::constant(1)), &scope, &[])
    }

    /// An unused name.
    pub fn fresh(&mut self, base: &str) -> Ident {
        let name = self.names.fresh(base);
        format_ident!("{name}")
    }

    /// All statements of the stage.
    pub fn emit(&mut self) -> (Vec<Ident>, TokenStream) {
        let stage = self.stage;
        let mut grid: Vec<Ident> = stage.grid.iter().map(|i| self.scope(*i)).collect();
        let block = self.block_of_rows();
        grid.extend(self.rows_of_task.iter().map(|r| r.block.clone()));
        let locals = self.locals();
        let body = self.stmts(&stage.body);
        let constants = std::mem::take(&mut self.constants);
        (grid, quote!(#constants #block #locals #body))
    }

    /// Names the block of rows that the task takes, if it takes one.
    fn block_of_rows(&mut self) -> TokenStream {
        let stage = self.stage;
        let Some(i) = stage.rows.first() else { return quote!() };
        let letter = self.names.index(&self.p.program, *i);
        let [size, block, start, count] =
            ["block_len", "block", "first", "rows"].map(|what| self.fresh(&format!("{letter}_{what}")));
        self.scoped.insert(Rows::SIZE, size.clone());
        self.scoped.insert(Rows::START, start.clone());
        self.scoped.insert(Rows::COUNT, count.clone());
        let all = self.int(&self.p.program.extent(*i).clone(), Mode::Exact);
        let code = quote! {
            let #start = #block * #size;
            let #count = #size.min(#all - #start);
        };
        self.rows_of_task = Some(Rows { letters: stage.rows.clone(), size, block });
        code
    }

    /// Whether an index runs over the task's block of rows.
    pub fn is_row(&self, i: IndexId) -> bool {
        self.rows_of_task.as_ref().is_some_and(|r| r.letters.contains(&i))
    }

    /// How many values an index has in this task.
    pub fn extent(&self, i: IndexId) -> Int {
        if self.is_row(i) { Int::index(Rows::COUNT) } else { self.p.program.extent(i).clone() }
    }

    /// How many values some indices have together.
    pub fn extent_of(&self, indices: &[IndexId]) -> Int {
        indices.iter().fold(Int::constant(1), |p, i| p.mul(&self.extent(*i)))
    }

    /// At most as many as [`Body::extent`], known outside of the task.
    pub fn most_of(&self, i: IndexId) -> Int {
        if self.is_row(i) { Int::index(Rows::SIZE) } else { self.p.program.extent(i).clone() }
    }

    /// The first value that an index has in this task.
    pub fn first(&self, i: IndexId) -> Int {
        if self.is_row(i) { Int::index(Rows::START) } else { Int::default() }
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
            let letters = buffer.axes.iter().map(|a| self.p.program.def(buffer.def).free[*a]);
            let dims: Vec<Int> = letters.map(|i| self.extent(i)).collect();
            let dims: Vec<TokenStream> = dims.iter().map(|d| self.int(d, Mode::Exact)).collect();
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

    /// A comment with the definition's equation, once.
    fn comment(&mut self, d: DefId) -> TokenStream {
        let text = self.p.program.def(d).text.clone();
        if text.is_empty() || !self.commented.insert(text.clone()) {
            return TokenStream::new();
        }
        quote!(__comment!(#text);)
    }
}
