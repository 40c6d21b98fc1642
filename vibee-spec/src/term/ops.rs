//! Operators are data: passes ask a row of these tables for traits, never for a name.

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
}

/// What an operator works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// `f32` or `f64`.
    Float,
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
    /// Number of arguments.
    pub arity: usize,
    /// Argument types.
    pub domain: Domain,
    /// Result is `bool`.
    pub yields_bool: bool,
    /// `a ∘ b = b ∘ a`.
    pub commutative: bool,
    /// `(a ∘ b) ∘ c = a ∘ (b ∘ c)` over the reals.
    pub associative: bool,
    /// Rough cost in vector operations, for deciding between recomputing and storing.
    pub cost: u32,
}

const fn row(op: Op, name: &'static str, arity: usize, domain: Domain, cost: u32) -> OpInfo {
    OpInfo { op, name, arity, domain, yields_bool: false, commutative: false, associative: false, cost }
}
const fn ac(op: Op, name: &'static str, domain: Domain) -> OpInfo {
    OpInfo { commutative: true, associative: true, ..row(op, name, 2, domain, 1) }
}
const fn cmp(op: Op, name: &'static str) -> OpInfo {
    OpInfo { yields_bool: true, ..row(op, name, 2, Domain::Number, 1) }
}
const fn logic(op: Op, name: &'static str) -> OpInfo {
    OpInfo { yields_bool: true, ..ac(op, name, Domain::Bool) }
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
    OpInfo { yields_bool: true, ..row(Op::Not, "not", 1, Domain::Bool, 1) },
    row(Op::Select, "select", 3, Domain::Any, 1),
];

impl Op {
    /// The operator's row.
    #[must_use]
    pub fn info(self) -> &'static OpInfo {
        &OPS[self as usize]
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
