//! Codes of executable sections' grammar: V01xx, and V09xx for what is reserved.

use super::Code;

/// A spec with one kernel of these body lines.
macro_rules! kernel {
    ($body:literal) => {
        concat!("name: demo\nlanguage: rust\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n", $body)
    };
}

/// A spec with these lines.
macro_rules! spec {
    ($lines:literal) => {
        concat!("name: demo\nlanguage: rust\n\n", $lines)
    };
}

/// A spec with a law of these lines.
macro_rules! law {
    ($lines:literal) => {
        concat!(
            "name: demo\nlanguage: rust\n\nbehaviors:\n  - name: scales\n    laws:\n      - name: linear\n",
            $lines
        )
    };
}

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "V0101",
        title: "unexpected text",
        explanation: "The line does not have the form of its section. The message says what could stand at the place shown.",
        example: kernel!("    y[t] = 2 * x[t] && 1\n"),
        fix: kernel!("    y[t] = 2 * x[t] + 1\n"),
    },
    Code {
        code: "V0102",
        title: "reserved word as a name",
        explanation: "Words of expressions (`if`, `in`, `sum`, `exp`, `idx` …) and element types always mean the same thing.",
        example: kernel!("    exp[t] = x[t] + 1\n    y[t] = exp[t]\n"),
        fix: kernel!("    e[t] = x[t] + 1\n    y[t] = e[t]\n"),
    },
    Code {
        code: "V0103",
        title: "name too long",
        explanation: "A name may have 128 characters.",
        example: kernel!(
            "    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1\n    y[t] = x[t]\n"
        ),
        fix: kernel!("    a = 1\n    y[t] = x[t]\n"),
    },
    Code {
        code: "V0104",
        title: "number too large",
        explanation: "Integers have 64 bits with sign; floating-point literals must be finite.",
        example: kernel!("    y[t] = x[t] * 1e999\n"),
        fix: kernel!("    y[t] = x[t] * inf\n"),
    },
    Code {
        code: "V0105",
        title: "chained comparison",
        explanation: "`a < b < c` means different things in different languages, so it means nothing here.",
        example: kernel!("    y[t] = if 0 < x[t] < 1 then 1 else 0\n"),
        fix: kernel!("    y[t] = if 0 < x[t] and x[t] < 1 then 1 else 0\n"),
    },
    Code {
        code: "V0106",
        title: "`not` without parentheses",
        explanation: "`not` binds looser than comparisons and arithmetic, so it cannot be their right operand as it stands.",
        example: kernel!("    y[t] = if true == not false then x[t] else 0\n"),
        fix: kernel!("    y[t] = if true == (not false) then x[t] else 0\n"),
    },
    Code {
        code: "V0107",
        title: "malformed number",
        explanation: "Numbers are `1`, `1.5`, `1e-6`, `0x1F`: digits on both sides of the point, and no letters right behind.",
        example: kernel!("    y[t] = 2.*x[t]\n"),
        fix: kernel!("    y[t] = 2.0*x[t]\n"),
    },
    Code {
        code: "V0108",
        title: "element indexed again",
        explanation: "All positions of a tensor stand in one pair of brackets.",
        example: spec!("kernels:\n  demo(x: f32[T, D]) -> y: f32[T, D]:\n    y[t, d] = x[t][d]\n"),
        fix: spec!("kernels:\n  demo(x: f32[T, D]) -> y: f32[T, D]:\n    y[t, d] = x[t, d]\n"),
    },
    Code {
        code: "V0109",
        title: "value called",
        explanation: "Only kernels, functions, layers and operators can be called, and only by name.",
        example: kernel!("    y[t] = exp(x[t])(2)\n"),
        fix: kernel!("    y[t] = exp(x[t] * 2)\n"),
    },
    Code {
        code: "V0110",
        title: "range or condition without a fold",
        explanation: "`i in N` and `if …` in brackets belong to something that binds indices: a fold, a function, the left side of a definition.",
        example: kernel!("    y[t] = x[t in T]\n"),
        fix: kernel!("    y[t in T] = x[t]\n"),
    },
    Code {
        code: "V0111",
        title: "outside value of a call",
        explanation: "`; e` states what lies outside a tensor. A call's brackets name indices instead.",
        example: kernel!("    y[t] = sum[s; 0](x[s])\n"),
        fix: kernel!("    y[t] = sum[s](x[s])\n"),
    },
    Code {
        code: "V0112",
        title: "expression where an index is named",
        explanation: "Brackets directly followed by `(…)` name the indices of a fold or function; an expression cannot be bound.",
        example: kernel!("    y[t] = sum[s + 1](x[s])\n"),
        fix: kernel!("    y[t] = sum[s](x[s])\n"),
    },
    Code {
        code: "V0113",
        title: "missing body",
        explanation: "A header that ends with `:` is followed by deeper lines.",
        example: spec!("kernels:\n  demo(x: f32[T]) -> y: f32[T]:\n"),
        fix: kernel!("    y[t] = x[t]\n"),
    },
    Code {
        code: "V0114",
        title: "clause written twice",
        explanation: "A header has one `where` and one `for`; several conditions are joined by commas.",
        example: spec!(
            "kernels:\n  demo(x: f32[T]) -> y: f32[T] where T > 0 where T < 9:\n    y[t] = x[t]\n"
        ),
        fix: spec!("kernels:\n  demo(x: f32[T]) -> y: f32[T] where T > 0, T < 9:\n    y[t] = x[t]\n"),
    },
    Code {
        code: "V0115",
        title: "several names in an indexed definition",
        explanation: "`a, b = f(x)` takes the results of a kernel as they are. Indices and types belong to definitions of one name.",
        example: kernel!("    a, b[t] = split(x)\n    y[t] = b[t]\n"),
        fix: kernel!("    a, b = split(x)\n    y[t] = b[t]\n"),
    },
    Code {
        code: "V0116",
        title: "`specialise` in a loop",
        explanation: "`specialise` is about the whole kernel and stands directly below its header.",
        example: spec!(
            "models:\n  Demo:\n    forward(x: f32[T]) -> y: f32[T]:\n      for i in 2:\n        specialise T: 8\n      y[t] = x[t]\n"
        ),
        fix: spec!(
            "models:\n  Demo:\n    forward(x: f32[T]) -> y: f32[T]:\n      specialise T: 8\n      y[t] = x[t]\n"
        ),
    },
    Code {
        code: "V0117",
        title: "too many axes",
        explanation: "A tensor has at most eight axes. Merged axes (`h*C + c`) have no cost.",
        example: spec!(
            "kernels:\n  demo(x: f32[A, B, C, D, E, F, G, H, I]) -> y: f32[A]:\n    y[a] = x[a, 0, 0, 0, 0, 0, 0, 0, 0]\n"
        ),
        fix: spec!(
            "kernels:\n  demo(x: f32[A, B, C, D, E, F, G, H*I]) -> y: f32[A]:\n    y[a] = x[a, 0, 0, 0, 0, 0, 0, 0]\n"
        ),
    },
    Code {
        code: "V0118",
        title: "too many definitions",
        explanation: "A kernel or function has at most 10,000 definitions. Split it; calls are inlined.",
        example: "",
        fix: "",
    },
    Code {
        code: "V0119",
        title: "function without a result",
        explanation: "The last line of a function's block is an expression without a name: its result.",
        example: spec!("functions:\n  half(e):\n    h = e / 2\n"),
        fix: spec!("functions:\n  half(e):\n    h = e / 2\n    h\n"),
    },
    Code {
        code: "V0120",
        title: "line after the result",
        explanation: "An expression without a name is the result of a function and ends its block.",
        example: spec!("functions:\n  half(e):\n    e / 2\n    h = 3\n"),
        fix: spec!("functions:\n  half(e):\n    h = 2\n    e / h\n"),
    },
    Code {
        code: "V0121",
        title: "half a case",
        explanation: "An executable case has a `call` and something to `expect` of it.",
        example: spec!("test_cases:\n  - name: one\n    call: demo(x: [1])\n"),
        fix: spec!("test_cases:\n  - name: one\n    call: demo(x: [1])\n    expect: y == [1]\n"),
    },
    Code {
        code: "V0122",
        title: "not an expression",
        explanation: "`call`, `expect`, `for` and `holds` take text of the expression grammar, without quotes around it.",
        example: spec!("test_cases:\n  - name: one\n    call:\n      - demo(x: [1])\n    expect: y == [1]\n"),
        fix: spec!("test_cases:\n  - name: one\n    call: demo(x: [1])\n    expect: y == [1]\n"),
    },
    Code {
        code: "V0123",
        title: "law without `holds`",
        explanation: "A law states what holds for all inputs.",
        example: law!("        for: c in [0, 1]\n"),
        fix: law!("        for: c in [0, 1]\n        holds: demo(c * x) ~ demo(x) within 1e-6\n"),
    },
    Code {
        code: "V0124",
        title: "unknown key of a law",
        explanation: "A law has `name`, `for` and `holds`; anything else would be ignored.",
        example: law!("        given: c > 0\n        holds: demo(x) == demo(x)\n"),
        fix: law!("        for: c in [0, 1]\n        holds: demo(c * x) == demo(c * x)\n"),
    },
    Code {
        code: "V0125",
        title: "empty range of a law",
        explanation: "A law's variable is drawn from a finite range, lower bound first.",
        example: law!("        for: c in [1, 0]\n        holds: demo(c * x) == demo(x)\n"),
        fix: law!("        for: c in [0, 1]\n        holds: demo(c * x) == demo(x)\n"),
    },
    Code {
        code: "V0126",
        title: "unknown part of a layer or model",
        explanation: "Layers have `weights:`, `state:` and methods; models have `config:` too.",
        example: spec!("layers:\n  Demo[D]:\n    bias:\n      b: f32[D]\n"),
        fix: spec!("layers:\n  Demo[D]:\n    weights:\n      b: f32[D]\n"),
    },
    Code {
        code: "V0127",
        title: "repeated tensor",
        explanation: "`* L` repeats a sublayer. A tensor repeats by one more axis.",
        example: spec!("layers:\n  Demo[D, L]:\n    weights:\n      b: f32[D] * L\n"),
        fix: spec!("layers:\n  Demo[D, L]:\n    weights:\n      b: f32[L, D]\n"),
    },
    Code {
        code: "V0128",
        title: "dim as a weight",
        explanation: "Sizes come from shapes and from a model's configuration, not from weight files.",
        example: spec!("layers:\n  Demo[D]:\n    weights:\n      n: dim\n"),
        fix: spec!("layers:\n  Demo[D, N]:\n    weights:\n      n: f32[N]\n"),
    },
    Code {
        code: "V0901",
        title: "scan: not yet",
        explanation: "Recurrences `h[t] = … from h0` are reserved for a later version.",
        example: kernel!("    y[t] = y[t - 1] + x[t] from 0\n"),
        fix: kernel!("    y[t] = sum[s if s <= t](x[s])\n"),
    },
    Code {
        code: "V0902",
        title: "ordered selection: not yet",
        explanation: "`topk` and `sort` are reserved for a later version.",
        example: kernel!("    y[t] = sort[s](x[s])\n"),
        fix: kernel!("    y[t] = max[s](x[s])\n"),
    },
    Code {
        code: "V0903",
        title: "scatter: not yet",
        explanation: "Accumulation `y[i] += …` is reserved for a later version.",
        example: spec!(
            "kernels:\n  demo(x: f32[T], to: idx<N>[T], N: dim) -> y: f32[N]:\n    y[to[t]] += x[t]\n"
        ),
        fix: spec!(
            "kernels:\n  demo(x: f32[T], to: idx<N>[T], N: dim) -> y: f32[N]:\n    y[n] = sum[t if to[t] == n](x[t])\n"
        ),
    },
    Code {
        code: "V0906",
        title: "schedule: not yet",
        explanation: "`schedule:` and `tune:` lines say how a kernel is computed; they are reserved for a later version.",
        example: kernel!("    y[t] = x[t]\n    tune: tile 8\n"),
        fix: kernel!("    y[t] = x[t]\n    specialise T: 64\n"),
    },
];
