//! Codes of the checker: V02xx names, functions and calls, V03xx types and shapes, V04xx ranges
//! and sizes, V05xx layers and models, V06xx cases and laws.

use super::Code;

/// A spec with these lines.
macro_rules! spec {
    ($lines:literal) => {
        concat!("name: demo\nlanguage: rust\n\n", $lines)
    };
}

/// A spec with this kernel.
macro_rules! kernel {
    ($lines:literal) => {
        concat!("name: demo\nlanguage: rust\n\nkernels:\n", $lines)
    };
}

/// A spec with a layer `Scale[D]` and this model.
macro_rules! model {
    ($lines:literal) => {
        concat!(
            "name: demo\nlanguage: rust\n\nlayers:\n  Scale[D]:\n    weights:\n      w: f32[D] = \"w\"\n",
            "    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y[t, d] = x[t, d] * w[d]\n\nmodels:\n  Net:\n",
            $lines
        )
    };
}

/// A spec with a kernel `double` and one behaviour with these cases or laws.
macro_rules! tests {
    ($lines:literal) => {
        concat!(
            "name: demo\nlanguage: rust\n\nkernels:\n  double(x: f32[T]) -> y: f32[T]:\n    y[t] = 2 * x[t]\n\n",
            "behaviors:\n  - name: doubling\n    given: Numbers\n    when: Doubled\n    then: Twice as large\n",
            $lines
        )
    };
}

const fn row(
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    example: &'static str,
    fix: &'static str,
) -> Code {
    Code { code, title, explanation, example, fix }
}

/// Rows in order of their numbers.
pub(super) const CODES: &[Code] = &[
    row(
        "V0201",
        "unknown name",
        "Nothing of this name is visible here. A kernel sees its parameters, sizes, definitions above, constants, functions and kernels; a function sees its parameters, constants and other functions.",
        kernel!("  demo(x: f32[T], scale: f32) -> y: f32[T]:\n    y[t] = x[t] * scael\n"),
        kernel!("  demo(x: f32[T], scale: f32) -> y: f32[T]:\n    y[t] = x[t] * scale\n"),
    ),
    row(
        "V0202",
        "defined twice",
        "Names of one kernel (sizes, parameters, definitions, indices) share one namespace, and so do the functions, kernels, constants, layers and models of a file.",
        kernel!(
            "  demo(x: f32[T]) -> y: f32[T]:\n    s = sum[t](x[t])\n    s = s + 1\n    y[t] = x[t] / s\n"
        ),
        kernel!(
            "  demo(x: f32[T]) -> y: f32[T]:\n    s = sum[t](x[t])\n    n = s + 1\n    y[t] = x[t] / n\n"
        ),
    ),
    row(
        "V0203",
        "output never defined",
        "Every output of the header needs exactly one definition in the body.",
        kernel!("  demo(x: f32[T]) -> (y: f32[T], s: f32):\n    y[t] = 2 * x[t]\n"),
        kernel!("  demo(x: f32[T]) -> (y: f32[T], s: f32):\n    y[t] = 2 * x[t]\n    s = sum[t](y[t])\n"),
    ),
    row(
        "V0204",
        "never used",
        "A definition, weight or loop that nothing depends on is computed for nothing; often a name is misspelt elsewhere.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    s = sum[t](x[t])\n    y[t] = x[t]\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    s = sum[t](x[t])\n    y[t] = x[t] / s\n"),
    ),
    row(
        "V0205",
        "size cannot be found",
        "A size takes its value from an axis of an argument, alone (`D`) or in a form with one unknown (`2*D`, `H*C` with `H` known), or it is an argument itself.",
        kernel!("  demo(x: f32[H*C]) -> y: f32[H*C]:\n    y[i] = x[i]\n"),
        kernel!("  demo(x: f32[H*C], H: dim) -> y: f32[H*C]:\n    y[i] = x[i]\n"),
    ),
    row(
        "V0206",
        "wrong sort of name",
        "The name exists but is something else: a function is called, a tensor is indexed, a kernel takes no index.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x(t)\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n"),
    ),
    row(
        "V0207",
        "index not bound",
        "An index exists inside a fold over it, or in a definition that has it on the left side.",
        kernel!("  demo(x: f32[T, D]) -> y: f32[T]:\n    y[t] = sum[d](x[t, d]) + x[t, d]\n"),
        kernel!("  demo(x: f32[T, D]) -> y: f32[T]:\n    y[t] = sum[d](x[t, d]) + x[t, 0; 0]\n"),
    ),
    row(
        "V0208",
        "generic type without instances",
        "A generic kernel is generated for the types listed with `for W in …`; without a list nothing is generated unless another kernel calls it.",
        kernel!("  demo<W>(x: W[T]) -> y: f32[T]:\n    y[t] = 2 * x[t]\n"),
        kernel!("  demo<W>(x: W[T]) -> y: f32[T] for W in f32, bf16:\n    y[t] = 2 * x[t]\n"),
    ),
    row(
        "V0209",
        "unknown element type",
        "Element types are `f64 f32 f16 bf16 i32 i8 u8 bool idx<N> len<N>` and the generic types of the header; `dim` is a single size.",
        kernel!("  demo(x: float[T]) -> y: f32[T]:\n    y[t] = x[t]\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n"),
    ),
    row(
        "V0210",
        "kernel calls itself",
        "A called kernel is copied into its caller, so calls cannot recurse.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    z = demo(x)\n    y[t] = z[t]\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = 2 * x[t]\n"),
    ),
    row(
        "V0211",
        "import not found",
        "Entries of `imports:` are names of specs beside this file, or paths relative to it, without `.vibee`.",
        spec!("imports:\n  - nowhere\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n"),
        spec!("kernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t]\n"),
    ),
    row(
        "V0212",
        "used before it is defined",
        "Definitions are read from top to bottom and may use only those above.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] / s\n    s = sum[t](x[t])\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    s = sum[t](x[t])\n    y[t] = x[t] / s\n"),
    ),
    row(
        "V0213",
        "function calls itself",
        "Functions are expanded where they are called, so a cycle of calls has no end.",
        spec!(
            "functions:\n  f(e) = g(e) + 1\n  g(e) = f(e) * 2\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = f(x[t])\n"
        ),
        spec!(
            "functions:\n  f(e) = g(e) + 1\n  g(e) = e * 2\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = f(x[t])\n"
        ),
    ),
    row(
        "V0214",
        "wrong arguments",
        "A call gives every parameter exactly once, by position or by name, and as many indices as the callee has.",
        spec!(
            "functions:\n  mean[d](e) = sum[d](e) / len[d]\n\nkernels:\n  demo(x: f32[T, D]) -> y: f32[T]:\n    y[t] = mean(x[t, d])\n"
        ),
        spec!(
            "functions:\n  mean[d](e) = sum[d](e) / len[d]\n\nkernels:\n  demo(x: f32[T, D]) -> y: f32[T]:\n    y[t] = mean[d](x[t, d])\n"
        ),
    ),
    row(
        "V0216",
        "kernel argument depends on an index",
        "A kernel is called once with whole tensors and fixed values, not once per element.",
        kernel!(
            "  scale(x: f32[T], c: f32) -> y: f32[T]:\n    y[t] = c * x[t]\n  demo(x: f32[T], c: f32[T]) -> y: f32[T]:\n    y[t] = scale(x, c[t])[t]\n"
        ),
        kernel!(
            "  scale(x: f32[T], c: f32) -> y: f32[T]:\n    y[t] = c * x[t]\n  demo(x: f32[T], c: f32[T]) -> y: f32[T]:\n    y[t] = c[t] * scale(x, 1)[t]\n"
        ),
    ),
    row(
        "V0217",
        "wrong number of outputs",
        "An expression has one value; the outputs of a kernel with several are named on the left, all of them.",
        kernel!(
            "  both(x: f32[T]) -> (a: f32[T], b: f32[T]):\n    a[t] = x[t] + 1\n    b[t] = x[t] - 1\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = both(x)[t]\n"
        ),
        kernel!(
            "  both(x: f32[T]) -> (a: f32[T], b: f32[T]):\n    a[t] = x[t] + 1\n    b[t] = x[t] - 1\n  demo(x: f32[T]) -> y: f32[T]:\n    a, b = both(x)\n    y[t] = a[t] * b[t]\n"
        ),
    ),
    row(
        "V0218",
        "imported definition has errors",
        "The spec that declares this kernel or layer does not check. Its own findings say why.",
        "",
        "",
    ),
    row(
        "V0221",
        "too large",
        "Expanding functions made an expression that is too large or too deeply nested, usually a chain of functions that each mention their argument twice. Definitions share what they compute; functions repeat it.",
        spec!(
            "functions:\n  a(e) = e * e + e\n  b(e) = a(a(a(e)))\n  c(e) = b(b(b(e)))\n  d(e) = c(c(c(e)))\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = d(x[t])\n"
        ),
        spec!(
            "functions:\n  a(e) = e * e + e\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    u[t] = a(x[t])\n    y[t] = a(u[t])\n"
        ),
    ),
    row(
        "V0222",
        "not a constraint",
        "A `where` constraint compares integers made of sizes, constants and integer arguments. It is checked at every call and used in proofs.",
        kernel!("  demo(x: f32[T], eps: f32) -> y: f32[T] where eps > 0:\n    y[t] = x[t] + eps\n"),
        kernel!("  demo(x: f32[T], eps: f32) -> y: f32[T] where T > 0:\n    y[t] = x[t] + eps\n"),
    ),
    row(
        "V0225",
        "names that differ in style only",
        "Generated code has one style of names, so `fooBar` and `foo_bar` would be the same function or field there.",
        kernel!(
            "  fooBar(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] + 1\n  foo_bar(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] + 2\n"
        ),
        kernel!(
            "  plus_one(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] + 1\n  plus_two(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] + 2\n"
        ),
    ),
    row(
        "V0226",
        "allowed rounding",
        "`allow x: bf16` permits rounding `x` where it is a factor in a sum of products over its last axis and the other factor is `bf16`; `allow x: i8`, where that is in a format. Permission that concerns nothing is a warning.",
        kernel!(
            "  demo(x: f32[T, I], w: bf16[O, I]) -> y: f32[T, O] allow x: f16:\n    y[t, o] = sum[i](x[t, i] * w[o, i])\n"
        ),
        kernel!(
            "  demo(x: f32[T, I], w: bf16[O, I]) -> y: f32[T, O] allow x: bf16:\n    y[t, o] = sum[i](x[t, i] * w[o, i])\n"
        ),
    ),
    row(
        "V0301",
        "one letter, two ranges",
        "An index letter has one range in a kernel. It is taken from axes it stands on alone, and they disagree for some sizes.",
        kernel!("  demo(x: f32[T], w: f32[S]) -> y: f32:\n    y = sum[i](x[i] * w[i])\n"),
        kernel!("  demo(x: f32[T], w: f32[T]) -> y: f32:\n    y = sum[i](x[i] * w[i])\n"),
    ),
    row(
        "V0302",
        "range not known",
        "No tensor is indexed by the letter alone and no range is written, so how far it runs is open.",
        kernel!("  demo(x: f32[H*C], H: dim) -> y: f32[H]:\n    y[h] = sum[c](x[h*C + c])\n"),
        kernel!("  demo(x: f32[H*C], H: dim) -> y: f32[H]:\n    y[h] = sum[c in C](x[h*C + c])\n"),
    ),
    row(
        "V0303",
        "wrong number of positions",
        "A tensor is indexed with exactly one position per axis.",
        kernel!("  demo(x: f32[T, D]) -> y: f32[T]:\n    y[t] = x[t]\n"),
        kernel!("  demo(x: f32[T, D]) -> y: f32[T]:\n    y[t] = sum[d](x[t, d])\n"),
    ),
    row(
        "V0304",
        "truth value and number mixed",
        "Truth values and numbers never convert into each other by themselves.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] * (x[t] > 0)\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = if x[t] > 0 then x[t] else 0\n"),
    ),
    row(
        "V0305",
        "lossy conversion",
        "A float becomes an integer, and an integer an index, only where a conversion says so; `i32(…)` cuts towards zero, `idx<N>(…)` clamps.",
        kernel!("  demo(x: f32[T]) -> n: i32[T]:\n    n[t] = x[t] * 10\n"),
        kernel!("  demo(x: f32[T]) -> n: i32[T]:\n    n[t] = i32(round(x[t] * 10))\n"),
    ),
    row(
        "V0306",
        "fold of the wrong type",
        "`sum`, `prod`, `max`, `min`, `argmax` and `argmin` fold numbers, `any` and `all` fold truth values.",
        kernel!("  demo(x: f32[T]) -> n: i32:\n    n = sum[t](x[t] > 0)\n"),
        kernel!("  demo(x: f32[T]) -> n: i32:\n    n = sum[t](if x[t] > 0 then 1 else 0)\n"),
    ),
    row(
        "V0307",
        "no such conversion",
        "Conversions are written with a type: `f32(e)`, `i32(e)`, `bf16(e)`, `idx<N>(e)` and so on. Nothing converts to `bool` or `len`.",
        kernel!("  demo(x: f32[T]) -> y: bool[T]:\n    y[t] = bool(x[t])\n"),
        kernel!("  demo(x: f32[T]) -> y: bool[T]:\n    y[t] = x[t] != 0\n"),
    ),
    row(
        "V0308",
        "position is not an integer",
        "Positions are integers of indices, sizes and integer arguments. Data may be a position only as an index (`idx<N>`), so that it is known to be inside.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t / 2]\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t // 2]\n"),
    ),
    row(
        "V0309",
        "index of another range",
        "A data-dependent position has type `idx<N>` where `N` is exactly the extent of the axis it stands on.",
        kernel!(
            "  demo(tok: idx<V>[T], table: f32[V, D], other: f32[W, D]) -> y: f32[T, D]:\n    y[t, d] = table[tok[t], d] + other[tok[t], d]\n"
        ),
        kernel!(
            "  demo(tok: idx<V>[T], table: f32[V, D], other: f32[V, D]) -> y: f32[T, D]:\n    y[t, d] = table[tok[t], d] + other[tok[t], d]\n"
        ),
    ),
    row(
        "V0310",
        "tensor without positions",
        "Inside a definition with indices, tensors are read element by element. Whole tensors stand in definitions without indices and as arguments of kernels.",
        kernel!("  demo(x: f32[T], w: f32[T]) -> y: f32[T]:\n    y[t] = x[t] * w\n"),
        kernel!("  demo(x: f32[T], w: f32[T]) -> y: f32[T]:\n    y[t] = x[t] * w[t]\n"),
    ),
    row(
        "V0311",
        "whole tensors of different shapes",
        "Whole-tensor expressions combine tensors of one shape and single values; nothing is broadcast silently.",
        kernel!("  demo(x: f32[T, D], b: f32[D]) -> y: f32[T, D]:\n    y = x + b\n"),
        kernel!("  demo(x: f32[T, D], b: f32[D]) -> y: f32[T, D]:\n    y[t, d] = x[t, d] + b[d]\n"),
    ),
    row(
        "V0312",
        "nothing to index",
        "Only tensors have axes: arguments, definitions with indices, and results of kernels.",
        kernel!("  demo(x: f32[T], eps: f32) -> y: f32[T]:\n    y[t] = x[t] + eps[t]\n"),
        kernel!("  demo(x: f32[T], eps: f32) -> y: f32[T]:\n    y[t] = x[t] + eps\n"),
    ),
    row(
        "V0313",
        "not the declared shape or type",
        "The definition of an output has the shape and element type that the header declares.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y = sum[t](x[t])\n"),
        kernel!("  demo(x: f32[T]) -> y: f32:\n    y = sum[t](x[t])\n"),
    ),
    row(
        "V0314",
        "left position is not a split",
        "A left side defines every element exactly once: its positions are indices, or merge indices in mixed radix (`h*C + c` with `C` the range of `c`).",
        kernel!("  demo(x: f32[H, C]) -> y: f32[H*C]:\n    y[h*H + c] = x[h, c]\n"),
        kernel!("  demo(x: f32[H, C]) -> y: f32[H*C]:\n    y[h*C + c] = x[h, c]\n"),
    ),
    row(
        "V0315",
        "argument of another shape",
        "The shapes of a call's arguments fix the callee's sizes, and they have to agree.",
        kernel!(
            "  add(a: f32[T], b: f32[T]) -> y: f32[T]:\n    y[t] = a[t] + b[t]\n  demo(x: f32[T], w: f32[S]) -> y: f32[T]:\n    y = add(x, w)\n"
        ),
        kernel!(
            "  add(a: f32[T], b: f32[T]) -> y: f32[T]:\n    y[t] = a[t] + b[t]\n  demo(x: f32[T], w: f32[S]) -> y: f32[T] where S == T:\n    y = add(x, w)\n"
        ),
    ),
    row(
        "V0316",
        "argument of another type",
        "Tensors are handed over as they are stored; single values that the callee uses in sizes or positions have to be known without data.",
        kernel!(
            "  wide(a: f64[T]) -> y: f64[T]:\n    y[t] = a[t] * 2\n  demo(x: f32[T]) -> y: f64[T]:\n    y = wide(x)\n"
        ),
        kernel!(
            "  wide(a: f64[T]) -> y: f64[T]:\n    y[t] = a[t] * 2\n  demo(x: f32[T]) -> y: f64[T]:\n    a[t]: f64 = x[t]\n    y = wide(a)\n"
        ),
    ),
    row(
        "V0317",
        "integer too large",
        "Sizes, positions and integer constants are computed exactly; coefficients beyond 2^53 have no use.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] * (4000000000 * 4000000000)\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] * (4e9 * 4e9)\n"),
    ),
    row(
        "V0318",
        "integer division of floats",
        "`//` and `%` are integer operators; `/` is real division.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t] // 2\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = floor(x[t] / 2)\n"),
    ),
    row(
        "V0401",
        "position outside the array",
        "For the sizes and indices shown the position leaves its axis. State what lies outside (`x[t + 1; 0]`), guard it with `if` in the fold or expression around it, or constrain the sizes.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t + 1]\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t + 1; 0]\n"),
    ),
    row(
        "V0402",
        "position cannot be proved inside",
        "No example of a position outside was found, but none of the proofs applies and no check at entry can stand for one.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = sum[s in T if s * s <= t * t](x[t - s])\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = sum[s in T if s <= t](x[t - s])\n"),
    ),
    row(
        "V0403",
        "divisor may be zero or negative",
        "In positions and sizes, `//` and `%` divide by something that is at least 1: positive numbers, sizes (0 is refused at entry), `max(…, 1)`.",
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t // (T - 2)]\n"),
        kernel!("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t // max(T - 2, 1)]\n"),
    ),
    row(
        "V0404",
        "callee's constraint cannot hold",
        "With the sizes of this call, a constraint of the called kernel is false.",
        kernel!(
            "  pair(x: f32[T], K: dim) -> y: f32[T] where K % 2 == 0:\n    y[t] = x[t] * K\n  demo(x: f32[T]) -> y: f32[T]:\n    y = pair(x, 3)\n"
        ),
        kernel!(
            "  pair(x: f32[T], K: dim) -> y: f32[T] where K % 2 == 0:\n    y[t] = x[t] * K\n  demo(x: f32[T]) -> y: f32[T]:\n    y = pair(x, 4)\n"
        ),
    ),
    row(
        "V0501",
        "layer without forward",
        "A layer or model computes something: its `forward`.",
        spec!("layers:\n  Scale[D]:\n    weights:\n      w: f32[D] = \"w\"\n"),
        spec!(
            "layers:\n  Scale[D]:\n    weights:\n      w: f32[D] = \"w\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y[t, d] = x[t, d] * w[d]\n"
        ),
    ),
    row(
        "V0502",
        "unknown layer",
        "Sublayers are layers of this file or of its imports.",
        model!(
            "    config: { D: hidden }\n    weights:\n      a: Scael[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
        model!(
            "    config: { D: hidden }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
    ),
    row(
        "V0503",
        "wrong number of sizes",
        "A sublayer is made with one size (and type) for each that its layer declares.",
        model!(
            "    config: { D: hidden, F: inner }\n    weights:\n      a: Scale[D, F] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
        model!(
            "    config: { D: hidden }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
    ),
    row(
        "V0505",
        "loop changes a shape",
        "A name that a loop rebinds has the same shape and type before and after every round.",
        spec!(
            "layers:\n  Narrow[D]:\n    weights:\n      w: f32[D] = \"w\"\n    forward(x: f32[T, D]) -> y: f32[T]:\n      y[t] = sum[d](x[t, d] * w[d])\n\nmodels:\n  Net:\n    config: { D: hidden, L: layers }\n    weights:\n      a: Narrow[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](x)\n"
        ),
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](y)\n"
        ),
    ),
    row(
        "V0506",
        "wrong configuration entry",
        "Entries are `D: key`, `D: key = default` or a fixed value; sizes (upper case) are whole numbers, scalars (lower case) are numbers.",
        model!(
            "    config: { D: hidden = 1.5 }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
        model!(
            "    config: { D: hidden = 768 }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
    ),
    row(
        "V0507",
        "layer contains itself",
        "Layers are made of smaller layers.",
        spec!(
            "layers:\n  Scale[D]:\n    weights:\n      inner: Scale[D] = \"inner.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = inner(x)\n"
        ),
        spec!(
            "layers:\n  Scale[D]:\n    weights:\n      w: f32[D] = \"w\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y[t, d] = x[t, d] * w[d]\n"
        ),
    ),
    row(
        "V0508",
        "repeated layer without its loop",
        "The copies of a sublayer are called in turn, `for i in L: x = enc[i](x)`; a single one is called without an index.",
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = a(x)\n"
        ),
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](y)\n"
        ),
    ),
    row(
        "V0509",
        "prefix without number",
        "The tensor prefix of a repeated sublayer says with `{i}` where the number goes; that of a single one has none.",
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](y)\n"
        ),
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](y)\n"
        ),
    ),
    row(
        "V0520",
        "loop in a kernel",
        "`for` repeats sublayers in a `forward`. Kernels have indices and folds.",
        "",
        "",
    ),
    row(
        "V0521",
        "loop variable as a value",
        "The variable of a `for` selects a copy of a sublayer and nothing else.",
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](y * i)\n"
        ),
        model!(
            "    config: { D: hidden, L: layers }\n    weights:\n      a: Scale[D] * L = \"a.{i}.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * x\n      for i in L: y = a[i](y * 2)\n"
        ),
    ),
    row(
        "V0522",
        "sublayer inside an expression",
        "A sublayer call is a statement of its own, so that what it hands over has a name.",
        model!(
            "    config: { D: hidden }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = 2 * a(x)\n"
        ),
        model!(
            "    config: { D: hidden }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      z = a(x)\n      y = 2 * z\n"
        ),
    ),
    row(
        "V0530",
        "not generated yet",
        "The language has a place for this, the compiler not yet: state, scatter, further methods, `dim` arguments of a forward.",
        model!(
            "    config: { D: hidden }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D], K: dim) -> y: f32[T, D]:\n      z = a(x)\n      y = K * z\n"
        ),
        model!(
            "    config: { D: hidden, K: factor }\n    weights:\n      a: Scale[D] = \"a.\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      z = a(x)\n      y = K * z\n"
        ),
    ),
    row(
        "V0601",
        "unknown kernel in a case",
        "Cases call kernels of their own spec; a generic kernel is called by the name of an instance, `linear_bf16`.",
        tests!(
            "    test_cases:\n      - name: one\n        call: doubel(x: [1])\n        expect: y == [2]\n"
        ),
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: y == [2]\n"
        ),
    ),
    row(
        "V0602",
        "wrong arguments in a case",
        "A case gives every argument of the kernel once, by name.",
        tests!(
            "    test_cases:\n      - name: one\n        call: double(z: [1])\n        expect: y == [2]\n"
        ),
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: y == [2]\n"
        ),
    ),
    row(
        "V0603",
        "refused and with values",
        "A call that is refused has no values: a case expects either `error` or values of outputs.",
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: error; y == [2]\n"
        ),
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: y == [2]\n"
        ),
    ),
    row(
        "V0604",
        "value of another rank",
        "Tensors are nested lists, one level an axis, all rows of one length.",
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [[1], [2, 3]])\n        expect: y == [2]\n"
        ),
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1, 2, 3])\n        expect: y == [2, 4, 6]\n"
        ),
    ),
    row(
        "V0605",
        "value of another type",
        "Truth values, integers and their bounds are checked; floats take any number, `inf` and `nan`.",
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [true])\n        expect: y == [2]\n"
        ),
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: y == [2]\n"
        ),
    ),
    row(
        "V0606",
        "unknown output in a case",
        "Expectations name outputs of the called kernel.",
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: z == [2]\n"
        ),
        tests!(
            "    test_cases:\n      - name: one\n        call: double(x: [1])\n        expect: y == [2]\n"
        ),
    ),
    row(
        "V0611",
        "law without a kernel of this spec",
        "A law compares what kernels of its own spec compute; generic ones are called by the name of an instance.",
        tests!("    laws:\n      - name: trivial\n        for: c in [1, 2]\n        holds: c ~ c within 0\n"),
        tests!(
            "    laws:\n      - name: linear\n        for: c in [1, 2]\n        holds: double(c * x) ~ c * double(x) within 1e-6\n"
        ),
    ),
    row(
        "V0612",
        "sizes of a law are open",
        "The tensors of a law are drawn from the signatures of the kernels it calls. Every size has to follow from them or be a whole number.",
        spec!(
            "kernels:\n  ones(K: dim) -> y: f32[K]:\n    y[k in K] = 1\n\nbehaviors:\n  - name: ones\n    given: A size\n    when: Filled\n    then: Ones\n    laws:\n      - name: one\n        for: c in [1, 2]\n        holds: ones(c) ~ ones(2) within 0\n"
        ),
        spec!(
            "kernels:\n  ones(K: dim) -> y: f32[K]:\n    y[k in K] = 1\n\nbehaviors:\n  - name: ones\n    given: A size\n    when: Filled\n    then: Ones\n    laws:\n      - name: one\n        for: c in [1, 2]\n        holds: c * ones(2) ~ c + 0 * ones(2) within 0\n"
        ),
    ),
    row(
        "V0613",
        "sides of different shapes",
        "Both sides of a law are single values, or tensors of one shape.",
        tests!(
            "    laws:\n      - name: linear\n        for: c in [1, 2]\n        holds: double(x) ~ c within 1e-6\n"
        ),
        tests!(
            "    laws:\n      - name: linear\n        for: c in [1, 2]\n        holds: double(c * x) ~ c * double(x) within 1e-6\n"
        ),
    ),
];
