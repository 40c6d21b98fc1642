//! Operators are data: passes ask a row of these tables for traits, never for a name.

use super::DType;

/// Elementwise operators. Arguments have one common type unless a row says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // the table below documents each
pub enum Op {
    Neg,
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    IDiv,
    Mod,
    Min,
    Max,
    Abs,
    Sign,
    Exp,
    Log,
    Tanh,
    Erf,
    Sigmoid,
    Sqrt,
    Rsqrt,
    Sin,
    Cos,
    Floor,
    Ceil,
    Round,
    Trunc,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    And,
    Or,
    Not,
    /// `Select(cond: bool, then, else)`: lazy in the language.
    Select,
    /// `Bits(x, from, count)`: `count` bits of `x` from bit `from` up, as a number that is not negative.
    Bits,
    /// `Signed(x, count)`: the lowest `count` bits of `x` as a two's complement number.
    Signed,
    /// `Join(low, high, width)`: the lowest `width` bits of `low`, and `high` above them.
    Join,
    /// `Pick(i, c0, c1, …)`: the constant at place `i`, which is known to be one of them.
    Pick,
    /// The `f16` with these bits.
    F16From,
    /// The `bf16` with these bits.
    Bf16From,
    /// The `f32` with these bits.
    F32From,
    /// The 8-bit float with 4 exponent bits, without infinities, with these bits.
    E4m3From,
    /// The bits of the nearest `f16`.
    F16Bits,
    /// The bits of the nearest `bf16`.
    Bf16Bits,
    /// The bits of an `f32`.
    F32Bits,
    /// The bits of the nearest 8-bit float with 4 exponent bits; beyond its range the largest.
    E4m3Bits,
    /// `NearI8(x, e)`: `x`, or a value within `e` of it that rounding to whole numbers of 8 bits and a scale makes.
    NearI8,
    /// `NearBf16(x, e)`: `x`, or a value within `e` of it that rounding to `bf16` makes.
    NearBf16,
}

/// What an operator's result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yields {
    /// What its last argument is.
    Operand,
    /// `bool`.
    Bool,
    /// `f32`.
    F32,
    /// `i32`.
    I32,
}

/// What an operator works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// `f32` or `f64`.
    Float,
    /// `f32`.
    Single,
    /// `i32`.
    Int,
    /// Floats or `i32`.
    Number,
    /// `bool`.
    Bool,
    /// Any, the condition of `Select` being `bool`.
    Any,
}

/// One row of the operator table.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// Operator.
    pub op: Op,
    /// Name in the term's text form and in diagnostics.
    pub name: &'static str,
    /// Number of arguments; [`ANY`] is at least two.
    pub arity: usize,
    /// Argument types.
    pub domain: Domain,
    /// Type of the result.
    pub yields: Yields,
    /// `a ∘ b = b ∘ a`.
    pub commutative: bool,
    /// `(a ∘ b) ∘ c = a ∘ (b ∘ c)` over the reals.
    pub associative: bool,
    /// Rough cost in vector operations, for deciding between recomputing and storing.
    pub cost: u32,
}

const fn row(op: Op, name: &'static str, arity: usize, domain: Domain, cost: u32) -> OpInfo {
    OpInfo { op, name, arity, domain, yields: Yields::Operand, commutative: false, associative: false, cost }
}
const fn ac(op: Op, name: &'static str, domain: Domain) -> OpInfo {
    OpInfo { commutative: true, associative: true, ..row(op, name, 2, domain, 1) }
}
const fn cmp(op: Op, name: &'static str) -> OpInfo {
    OpInfo { yields: Yields::Bool, ..row(op, name, 2, Domain::Number, 1) }
}
const fn logic(op: Op, name: &'static str) -> OpInfo {
    OpInfo { yields: Yields::Bool, ..ac(op, name, Domain::Bool) }
}

/// An arity: an index and the constants that it picks from.
pub const ANY: usize = usize::MAX;

/// A float of an integer's bits.
const fn from_bits(op: Op, name: &'static str, cost: u32) -> OpInfo {
    OpInfo { yields: Yields::F32, ..row(op, name, 1, Domain::Int, cost) }
}

/// A float's bits.
const fn to_bits(op: Op, name: &'static str, cost: u32) -> OpInfo {
    OpInfo { yields: Yields::I32, ..row(op, name, 1, Domain::Single, cost) }
}

/// One row per operator, in declaration order.
pub const OPS: &[OpInfo] = &[
    row(Op::Neg, "neg", 1, Domain::Number, 1),
    ac(Op::Add, "add", Domain::Number),
    row(Op::Sub, "sub", 2, Domain::Number, 1),
    ac(Op::Mul, "mul", Domain::Number),
    row(Op::Div, "div", 2, Domain::Float, 4),
    row(Op::Pow, "pow", 2, Domain::Float, 40),
    row(Op::IDiv, "idiv", 2, Domain::Int, 20),
    row(Op::Mod, "mod", 2, Domain::Int, 20),
    ac(Op::Min, "min", Domain::Number),
    ac(Op::Max, "max", Domain::Number),
    row(Op::Abs, "abs", 1, Domain::Number, 1),
    row(Op::Sign, "sign", 1, Domain::Number, 2),
    row(Op::Exp, "exp", 1, Domain::Float, 12),
    row(Op::Log, "log", 1, Domain::Float, 16),
    row(Op::Tanh, "tanh", 1, Domain::Float, 18),
    row(Op::Erf, "erf", 1, Domain::Float, 24),
    row(Op::Sigmoid, "sigmoid", 1, Domain::Float, 18),
    row(Op::Sqrt, "sqrt", 1, Domain::Float, 6),
    row(Op::Rsqrt, "rsqrt", 1, Domain::Float, 10),
    row(Op::Sin, "sin", 1, Domain::Float, 24),
    row(Op::Cos, "cos", 1, Domain::Float, 24),
    row(Op::Floor, "floor", 1, Domain::Float, 1),
    row(Op::Ceil, "ceil", 1, Domain::Float, 1),
    row(Op::Round, "round", 1, Domain::Float, 1),
    row(Op::Trunc, "trunc", 1, Domain::Float, 1),
    cmp(Op::Lt, "lt"),
    cmp(Op::Le, "le"),
    cmp(Op::Gt, "gt"),
    cmp(Op::Ge, "ge"),
    cmp(Op::Eq, "eq"),
    cmp(Op::Ne, "ne"),
    logic(Op::And, "and"),
    logic(Op::Or, "or"),
    OpInfo { yields: Yields::Bool, ..row(Op::Not, "not", 1, Domain::Bool, 1) },
    row(Op::Select, "select", 3, Domain::Any, 1),
    row(Op::Bits, "bits", 3, Domain::Int, 2),
    row(Op::Signed, "signed", 2, Domain::Int, 2),
    row(Op::Join, "join", 3, Domain::Int, 3),
    row(Op::Pick, "pick", ANY, Domain::Any, 2),
    from_bits(Op::F16From, "f16_from", 6),
    from_bits(Op::Bf16From, "bf16_from", 1),
    from_bits(Op::F32From, "f32_from", 1),
    from_bits(Op::E4m3From, "e4m3_from", 6),
    to_bits(Op::F16Bits, "f16_bits", 10),
    to_bits(Op::Bf16Bits, "bf16_bits", 4),
    to_bits(Op::F32Bits, "f32_bits", 1),
    to_bits(Op::E4m3Bits, "e4m3_bits", 12),
    row(Op::NearI8, "near_i8", 2, Domain::Single, 0),
    row(Op::NearBf16, "near_bf16", 2, Domain::Single, 0),
];

impl Op {
    /// The operator's row.
    #[must_use]
    pub fn info(self) -> &'static OpInfo {
        &OPS[self as usize]
    }

    /// The type of the result, from that of the last argument.
    #[must_use]
    pub fn result(self, last: &DType) -> DType {
        match self.info().yields {
            Yields::Operand => last.clone(),
            Yields::Bool => DType::Bool,
            Yields::F32 => DType::F32,
            Yields::I32 => DType::I32,
        }
    }
}

/// Folds. Identity and combination are defined in the language reference, "Folds".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // named as in the language
pub enum FoldOp {
    Sum,
    Prod,
    Max,
    Min,
    Any,
    All,
    ArgMax,
    ArgMin,
}

impl FoldOp {
    /// Name in the language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FoldOp::Sum => "sum",
            FoldOp::Prod => "prod",
            FoldOp::Max => "max",
            FoldOp::Min => "min",
            FoldOp::Any => "any",
            FoldOp::All => "all",
            FoldOp::ArgMax => "argmax",
            FoldOp::ArgMin => "argmin",
        }
    }
}
