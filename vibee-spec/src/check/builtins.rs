//! Words the language gives a meaning to: elementwise functions, folds and dtypes.
//!
//! Data only; the meaning of an operator is its row in [`crate::term::Op`].

use crate::term::{FoldOp, Op};

/// How the arguments of an elementwise function are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// Integers become floats first.
    Float,
    /// Integers stay integers.
    Keep,
    /// Integers; all but the first `n` arguments are counts that are known without data.
    Bits(usize),
    /// One `f32`.
    Single,
}

/// An elementwise function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Builtin {
    /// As written.
    pub name: &'static str,
    /// Its operator; `clamp` is made of two.
    pub op: Op,
    /// Fewest arguments.
    pub least: usize,
    /// Most arguments.
    pub most: usize,
    /// Typing.
    pub typing: Typing,
}

const fn float(name: &'static str, op: Op) -> Builtin {
    Builtin { name, op, least: 1, most: 1, typing: Typing::Float }
}
const fn keep(name: &'static str, op: Op, least: usize, most: usize) -> Builtin {
    Builtin { name, op, least, most, typing: Typing::Keep }
}

const fn bits(name: &'static str, op: Op, arguments: usize, data: usize) -> Builtin {
    Builtin { name, op, least: arguments, most: arguments, typing: Typing::Bits(data) }
}
const fn single(name: &'static str, op: Op) -> Builtin {
    Builtin { name, op, least: 1, most: 1, typing: Typing::Single }
}

impl Builtin {
    /// Whether a spec may have a function of this name: the word is not reserved.
    pub fn gives_way(&self) -> bool {
        matches!(self.typing, Typing::Bits(_) | Typing::Single)
    }
}

/// All elementwise functions.
pub(super) const BUILTINS: &[Builtin] = &[
    float("exp", Op::Exp),
    float("log", Op::Log),
    float("tanh", Op::Tanh),
    float("erf", Op::Erf),
    float("sigmoid", Op::Sigmoid),
    float("sqrt", Op::Sqrt),
    float("rsqrt", Op::Rsqrt),
    float("sin", Op::Sin),
    float("cos", Op::Cos),
    float("floor", Op::Floor),
    float("ceil", Op::Ceil),
    float("round", Op::Round),
    float("trunc", Op::Trunc),
    keep("abs", Op::Abs, 1, 1),
    keep("sign", Op::Sign, 1, 1),
    keep("min", Op::Min, 2, 64),
    keep("max", Op::Max, 2, 64),
    // The row of `clamp` is its outer operator: `min(max(x, lo), hi)`.
    keep("clamp", Op::Min, 3, 3),
    keep("pow", Op::Pow, 2, 2),
    // Names that a spec may give to functions of its own.
    bits("bits", Op::Bits, 3, 1),
    bits("signed", Op::Signed, 2, 1),
    bits("join", Op::Join, 3, 2),
    bits("f16_from", Op::F16From, 1, 1),
    bits("bf16_from", Op::Bf16From, 1, 1),
    bits("f32_from", Op::F32From, 1, 1),
    bits("e4m3_from", Op::E4m3From, 1, 1),
    single("f16_bits", Op::F16Bits),
    single("bf16_bits", Op::Bf16Bits),
    single("f32_bits", Op::F32Bits),
    single("e4m3_bits", Op::E4m3Bits),
];

/// The function of a name.
pub(super) fn builtin(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|b| b.name == name)
}

/// The fold of a name.
pub(super) fn fold(name: &str) -> Option<FoldOp> {
    const ALL: [FoldOp; 8] = [
        FoldOp::Sum,
        FoldOp::Prod,
        FoldOp::Max,
        FoldOp::Min,
        FoldOp::Any,
        FoldOp::All,
        FoldOp::ArgMax,
        FoldOp::ArgMin,
    ];
    ALL.into_iter().find(|f| f.name() == name)
}

/// Element types written as one word.
pub(super) const DTYPES: &[&str] = &["f64", "f32", "f16", "bf16", "i32", "i8", "u8", "bool"];

/// Every built-in callable, for suggestions.
pub(super) fn callable_words() -> impl Iterator<Item = &'static str> {
    let folds = ["sum", "prod", "any", "all", "argmax", "argmin", "len"];
    BUILTINS.iter().map(|b| b.name).chain(folds).chain(DTYPES.iter().copied())
}
