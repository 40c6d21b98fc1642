//! The loop IR: explicit loops, lanes, accumulators, buffers and calls to the runtime's matrix
//! product. Still symbolic in sizes and free of Rust syntax.
//!
//! Invariants stand at the top of `verify/mod.rs` and are checked after scheduling in builds with
//! debug assertions.

mod text;
mod verify;

use vibee_spec::term::{DefId, ExprId, IndexId, Int, Node};

use crate::passes::Program;

pub use text::text;
pub use verify::{Access, accesses, verify};

vibee_spec::declare_id!(
    /// A buffer of a [`LoopProgram`].
    BufferId, "buf"
);

/// A kernel as loops.
#[derive(Clone, Debug)]
pub struct LoopProgram {
    /// Sizes, inputs, expressions, definitions (indices renamed to their loops').
    pub program: Program,
    /// Memory.
    pub buffers: Vec<Buffer>,
    /// Where each definition's value lives.
    pub places: Vec<Place>,
    /// What happens, in order; stages are separated by barriers.
    pub stages: Vec<Stage>,
}

/// Where a definition's value lives. Both may hold: a variable read nearby and a buffer read later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Read as a variable by someone in scope.
    pub variable: bool,
    /// Stored here.
    pub buffer: Option<BufferId>,
}

/// Who owns a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferKind {
    /// The caller: output number n.
    Output(usize),
    /// The call's scratch, shared between stages.
    Arena,
    /// One task's scratch.
    Local,
}

/// Memory of one definition, without the axes of the loops around all its uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// The definition.
    pub def: DefId,
    /// Owner.
    pub kind: BufferKind,
    /// Which of the definition's axes are stored.
    pub axes: Vec<usize>,
    /// Their extents.
    pub dims: Vec<Int>,
}

/// A parallel grid of independent tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Parallel indices; empty for a single task.
    pub grid: Vec<IndexId>,
    /// Indices that run together over rows which tasks take in blocks: one for each loop and product of the body.
    /// They mean the same with all rows in one task; blocks are smaller and run in parallel.
    pub rows: Vec<IndexId>,
    /// One task.
    pub body: Vec<Stmt>,
}

/// A statement of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// A counted loop.
    Loop {
        /// Its index.
        index: IndexId,
        /// First value.
        lo: Int,
        /// One past the last; empty when not above `lo`.
        hi: Int,
        /// Registers per block when the loop runs in lanes.
        lanes: Option<u32>,
        /// Body.
        body: Vec<Stmt>,
    },
    /// A fold's accumulator starts at its identity. `lanes`: one per lane.
    Start {
        /// The fold.
        def: DefId,
        /// The lanes loop's unroll if the accumulator is in lanes.
        lanes: Option<u32>,
    },
    /// The accumulator takes in the definition's value, where the guard holds.
    Update {
        /// The fold.
        def: DefId,
    },
    /// The accumulator becomes the value; lanes are combined if the lanes loop was folded.
    Finish {
        /// The fold.
        def: DefId,
        /// Combine lanes.
        reduce: bool,
    },
    /// An elementwise value becomes a variable.
    Let {
        /// The definition.
        def: DefId,
    },
    /// A value goes to its buffer (from its variable if it has one).
    Store {
        /// The definition.
        def: DefId,
    },
    /// A packed matrix product.
    Gemm(Box<Gemm>),
}

/// `C[m, n] = Σ_k A[m, k]·B[n, k]`, then an elementwise epilogue on each finished row.
#[derive(Clone, Debug, PartialEq)]
pub struct Gemm {
    /// The contraction.
    pub def: DefId,
    /// The elementwise definition applied to finished rows and stored in its place.
    pub epilogue: Option<DefId>,
    /// Rows.
    pub m: Vec<IndexId>,
    /// Columns.
    pub n: Vec<IndexId>,
    /// Summed.
    pub k: Vec<IndexId>,
    /// The terms of each row, from the first to one past the last, if not all of the one summed index. Over rows
    /// and the loops around.
    pub terms: Option<(Int, Int)>,
    /// The columns that are read of each row, of the one column index, if not all: others need no value.
    pub columns: Option<(Int, Int)>,
    /// Left operand.
    pub a: Operand,
    /// What the numbers of the left operand may be rounded to.
    pub rounding: Option<Rounding>,
    /// Right operand.
    pub b: Operand,
}

/// What factors may be rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Whole numbers of 8 bits with a scale for 32 neighbours.
    I8,
    /// `bf16`.
    Bf16,
}

/// One operand: a load and how each of its axes is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// The load.
    pub load: ExprId,
    /// One per axis of the array.
    pub axes: Vec<OperandAxis>,
}

/// How an axis of an operand is used.
#[derive(Clone, Debug, PartialEq)]
pub enum OperandAxis {
    /// Fixed by the loops around.
    At(Int),
    /// Rows (`m` of A, `n` of B), from this start.
    Rows(Int, Vec<IndexId>),
    /// Columns (`k`), from this start.
    Cols(Int, Vec<IndexId>),
    /// Rows and columns in one axis, from this start: row-major numbers of both, as heads and what is in a head.
    Mixed(Int, Vec<IndexId>, Vec<IndexId>),
    /// A whole axis that is part of a row index read as `n // C, n % C`; the last part names `n`.
    RowsPart(Vec<IndexId>),
    /// The same for a column index.
    ColsPart(Vec<IndexId>),
}

impl OperandAxis {
    /// The row indices of the axis.
    #[must_use]
    pub fn rows(&self) -> &[IndexId] {
        match self {
            OperandAxis::Rows(_, i) | OperandAxis::RowsPart(i) | OperandAxis::Mixed(_, i, _) => i,
            _ => &[],
        }
    }

    /// The summed indices of the axis.
    #[must_use]
    pub fn cols(&self) -> &[IndexId] {
        match self {
            OperandAxis::Cols(_, i) | OperandAxis::ColsPart(i) | OperandAxis::Mixed(_, _, i) => i,
            _ => &[],
        }
    }
}

impl Operand {
    /// Whether an axis is the rows of this index, and of no other.
    #[must_use]
    pub fn has_row_axis(&self, i: IndexId) -> bool {
        self.axes.iter().any(|a| matches!(a, OperandAxis::Rows(_, rows) if rows[..] == [i]))
    }

    /// Whether it is a matrix whose rows are what is summed.
    #[must_use]
    pub fn is_across(&self) -> bool {
        let rest: Vec<&OperandAxis> = self.axes.iter().filter(|a| !matches!(a, OperandAxis::At(_))).collect();
        let last = self.axes.last().is_some_and(|a| matches!(a, OperandAxis::Rows(..)));
        last && matches!(rest[..], [OperandAxis::Cols(..), OperandAxis::Rows(..)])
    }

    /// Whether it is all of a matrix: its rows, then what is summed.
    #[must_use]
    pub fn is_whole(&self, program: &Program) -> bool {
        let Node::Load { from, .. } = program.kernel.exprs.node(self.load) else { return false };
        let of = |digits: &[IndexId]| digits.iter().fold(Int::constant(1), |n, i| n.mul(program.extent(*i)));
        let zero = Int::default();
        matches!(self.axes.as_slice(), [OperandAxis::Rows(r, rows), OperandAxis::Cols(c, cols)]
            if *r == zero && *c == zero && [of(rows), of(cols)] == program.shape(*from)[..])
    }

    /// Positions of the axes that rows are made of, in the order in which `rows` names their indices; `None` if
    /// rows are not those, each once, or taken apart.
    #[must_use]
    pub fn row_order(&self, rows: &[IndexId]) -> Option<Vec<usize>> {
        if self.axes.iter().any(|a| matches!(a, OperandAxis::RowsPart(_))) {
            return None;
        }
        let mut order: Vec<usize> = Vec::new();
        let mut rest = rows;
        while let Some(first) = rest.first() {
            let axis = self.axes.iter().position(|a| a.rows().first() == Some(first))?;
            rest = rest.strip_prefix(self.axes[axis].rows())?;
            order.push(axis);
        }
        let all = self.axes.iter().filter(|a| !a.rows().is_empty()).count();
        (order.len() == all).then_some(order)
    }
}

impl Gemm {
    /// The definition whose buffer is written.
    #[must_use]
    pub fn target(&self) -> DefId {
        self.epilogue.unwrap_or(self.def)
    }
}

impl LoopProgram {
    /// The buffer behind an id.
    #[must_use]
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.index()]
    }

    /// Where a definition lives.
    #[must_use]
    pub fn place(&self, def: DefId) -> &Place {
        &self.places[def.index()]
    }
}
