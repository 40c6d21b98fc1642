//! The term IR: what a kernel computes, with every name resolved and nothing said about how.
//!
//! A [`Kernel`] is a DAG of definitions over symbolic sizes. Expressions are interned
//! ([`Exprs`]), so equal subexpressions are the same id. Every binder has its own
//! [`IndexId`]: there is no shadowing and substitution cannot capture. This level must not know
//! loops, lanes, buffers or instruction sets.
//!
//! Built by `crate::check`, evaluated by `crate::interp`, rewritten by the compiler's passes;
//! invariants are listed and checked in `verify`.

mod expr;
mod format;
mod int;
mod layer;
mod names;
mod ops;
pub mod text;
mod verify;

pub use expr::{ExprId, Exprs, Node, Pos, Source};
pub use format::{Blocks, Field, Format, Packed};
pub use int::{Atom, Int, floor_div, floor_mod};
pub use layer::{
    Arg, Forward, Layer, Model, ModelConfig, Step, Stored, Sublayer, Value, ValueId, WeightTensor,
};
pub use names::Names;
pub use ops::{ANY, FoldOp, Op, OpInfo, Yields};
pub use verify::verify;

/// Declares a typed id into an arena.
#[macro_export]
macro_rules! declare_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// Position in its arena.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}
pub use crate::declare_id;

declare_id!(
    /// A symbolic size.
    DimId, "dim"
);
declare_id!(
    /// One bound index: a definition's axis or a fold's.
    IndexId, "i"
);
declare_id!(
    /// An argument of a kernel.
    InputId, "in"
);
declare_id!(
    /// A definition.
    DefId, "def"
);

/// Element types. `Idx` and `Len` carry their bound.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// IEEE double.
    F64,
    /// IEEE single: the type of intermediates.
    F32,
    /// IEEE half, storage only.
    F16,
    /// bfloat16, storage only.
    BF16,
    /// Signed 32-bit: the type of integer expressions.
    I32,
    /// Signed byte, storage only, saturating.
    I8,
    /// Unsigned byte, storage only, saturating.
    U8,
    /// Truth value.
    Bool,
    /// An index `0..bound` (stored as `u32`).
    Idx(Int),
    /// A length `0..=bound` (passed as `usize`).
    Len(Int),
}

impl DType {
    /// `f64 f32 f16 bf16`.
    #[must_use]
    pub fn is_float(&self) -> bool {
        matches!(self, DType::F64 | DType::F32 | DType::F16 | DType::BF16)
    }

    /// Any integer type, indices included.
    #[must_use]
    pub fn is_int(&self) -> bool {
        matches!(self, DType::I32 | DType::I8 | DType::U8 | DType::Idx(_) | DType::Len(_))
    }

    /// Bytes of a stored element.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            DType::F64 => 8,
            DType::F32 | DType::I32 | DType::Idx(_) | DType::Len(_) => 4,
            DType::F16 | DType::BF16 => 2,
            DType::I8 | DType::U8 | DType::Bool => 1,
        }
    }

    /// The type a loaded element has in expressions: `f32`, `f64`, `i32` or `bool`; `Idx` stays.
    #[must_use]
    pub fn computed(&self) -> DType {
        match self {
            DType::F16 | DType::BF16 | DType::F32 => DType::F32,
            DType::I8 | DType::U8 | DType::I32 | DType::Len(_) => DType::I32,
            other => other.clone(),
        }
    }
}

/// A symbolic size and how a call gives it a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Dim {
    /// As written.
    pub name: String,
    /// How it is bound.
    pub bind: DimBind,
}

/// Where a dim's value comes from. Dims are listed in an order in which they can be solved.
#[derive(Clone, Debug, PartialEq)]
pub enum DimBind {
    /// A `dim` argument of the kernel.
    Argument,
    /// `(extent of input's axis - offset) / factor`, exact (checked at entry). The extent is in
    /// numbers, also where the axis counts the bytes of `blocks`.
    Axis {
        /// The tensor.
        input: InputId,
        /// Its axis.
        axis: usize,
        /// Subtracted first; over earlier dims.
        offset: Int,
        /// Divided by; over earlier dims; 0 is a shape error.
        factor: Int,
        /// What the axis counts, if not numbers.
        blocks: Option<Blocks>,
    },
    /// Fixed by the layer or model (a struct field at run time).
    Layer,
}

/// An index: its letter and the extent of its range `0..extent` (over dims only).
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// As written.
    pub name: String,
    /// Exclusive upper end.
    pub extent: Int,
}

/// What an input is, for layout decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Given anew at every call.
    Argument,
    /// Fixed when a layer is loaded; may be stored in another layout.
    Weight,
    /// Given by nobody: the numbers of an operand in a format, which a compiler has put in place of its bytes.
    Numbers,
}

/// A tensor or scalar argument. `dim` arguments are not inputs: they are [`Dim`]s.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// As written.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Over dims; empty for scalars.
    pub shape: Vec<Int>,
    /// Argument or weight.
    pub kind: InputKind,
}

/// `name[store]: dtype = body` for every value of `indices`.
#[derive(Clone, Debug, PartialEq)]
pub struct Def {
    /// As written, or made from the function that produced it (`softmax_max`).
    pub name: String,
    /// Axes of iteration.
    pub indices: Vec<IndexId>,
    /// Element type as stored.
    pub dtype: DType,
    /// Extents of the stored array, over dims.
    pub shape: Vec<Int>,
    /// Position of an element in the array, one per `shape` entry, over `indices`: a bijection.
    /// Usually just the indices; `h*C + c` merges axes.
    pub store: Vec<Int>,
    /// The value.
    pub body: ExprId,
    /// The equation as written, for doc comments; empty for compiler-made definitions.
    pub text: String,
}

/// An output: a definition that the caller receives, under its own name and type.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// As written.
    pub name: String,
    /// The definition (its `dtype` and `shape` are the output's).
    pub def: DefId,
}

/// Comparison in a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cmp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
}

impl Cmp {
    /// Whether it holds of two numbers.
    #[must_use]
    pub fn holds(self, lhs: i64, rhs: i64) -> bool {
        match self {
            Cmp::Eq => lhs == rhs,
            Cmp::Ne => lhs != rhs,
            Cmp::Lt => lhs < rhs,
            Cmp::Le => lhs <= rhs,
        }
    }
}

/// Something a call must satisfy, checked once at entry in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// An input's axis has this extent.
    Axis {
        /// Tensor.
        input: InputId,
        /// Axis.
        axis: usize,
        /// Wanted, over dims.
        expect: Int,
    },
    /// A `where` constraint, or a divisor that must not be zero.
    Where {
        /// As written.
        text: String,
        /// Left.
        lhs: Int,
        /// Comparison.
        cmp: Cmp,
        /// Right.
        rhs: Int,
    },
    /// `0 <= low` and `high < extent`, unless one of `domain` is 0.
    InRange {
        /// The access as written, `x[t + 1, d]`.
        text: String,
        /// Extents of the loops around the access.
        domain: Vec<Int>,
        /// Smallest position.
        low: Int,
        /// Largest position.
        high: Int,
        /// Extent of the axis.
        extent: Int,
    },
}

impl Check {
    /// The same condition with every size changed by `f`.
    #[must_use]
    pub fn map(&self, f: &dyn Fn(&Int) -> Int) -> Check {
        match self {
            Check::Axis { input, axis, expect } => {
                Check::Axis { input: *input, axis: *axis, expect: f(expect) }
            }
            Check::Where { text, lhs, cmp, rhs } => {
                Check::Where { text: text.clone(), lhs: f(lhs), cmp: *cmp, rhs: f(rhs) }
            }
            Check::InRange { text, domain, low, high, extent } => Check::InRange {
                text: text.clone(),
                domain: domain.iter().map(f).collect(),
                low: f(low),
                high: f(high),
                extent: f(extent),
            },
        }
    }
}

/// A kernel instance, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// Name of the instance (`linear_bf16` for `linear<W>` at `W = bf16`).
    pub name: String,
    /// Comment lines above it.
    pub doc: String,
    /// The header as written.
    pub header: String,
    /// Symbolic sizes, in solving order.
    pub dims: Vec<Dim>,
    /// All bound indices.
    pub indices: Vec<Index>,
    /// Arguments in order, without `dim` arguments.
    pub inputs: Vec<Input>,
    /// Inputs that are stored in a format.
    pub packed: Vec<Packed>,
    /// Order of the written parameter list: inputs and `dim` arguments interleaved.
    pub params: Vec<ParamRef>,
    /// Definitions; each refers to earlier ones only.
    pub defs: Vec<Def>,
    /// Outputs in order.
    pub outputs: Vec<Output>,
    /// Entry checks in order.
    pub checks: Vec<Check>,
    /// What whoever calls a step of a layer has checked of its sizes.
    pub given: Vec<Check>,
    /// All expressions.
    pub exprs: Exprs,
    /// `specialise C: 32, 64`.
    pub specialise: Vec<(DimId, Vec<i64>)>,
}

/// One written parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamRef {
    /// A tensor or scalar.
    Input(InputId),
    /// A `dim` argument.
    Dim(DimId),
}

impl Kernel {
    /// The definition behind an id.
    #[must_use]
    pub fn def(&self, id: DefId) -> &Def {
        &self.defs[id.index()]
    }

    /// The input behind an id.
    #[must_use]
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.index()]
    }

    /// Makes a fresh index.
    pub fn fresh_index(&mut self, name: impl Into<String>, extent: Int) -> IndexId {
        let id = IndexId(u32::try_from(self.indices.len()).expect("fewer than 2^32 indices"));
        self.indices.push(Index { name: name.into(), extent });
        id
    }
}

/// One checked spec file.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Module name (identifier-safe).
    pub name: String,
    /// `description:`.
    pub doc: String,
    /// Types, constants and behaviours.
    pub declarations: crate::declare::Declarations,
    /// Storage formats in file order.
    pub formats: Vec<std::sync::Arc<Format>>,
    /// Kernel instances in file order, behind them what decodes and encodes whole tensors.
    pub kernels: Vec<Kernel>,
    /// Layers in file order.
    pub layers: Vec<Layer>,
    /// Models in file order.
    pub models: Vec<Model>,
}
