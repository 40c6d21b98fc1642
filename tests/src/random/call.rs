//! Functions and kernels that definitions call.

use super::state::{Kind, Letter, State, Ty};
use super::value::{self, Value};
use super::{fold, load};

/// Functions of an index and a value.
const OVER: [(&str, &str); 5] = [
    ("softmax", "  softmax[s](e) = exp(e - max[s](e)) / sum[s](exp(e - max[s](e)))"),
    ("mean", "  mean[d](e) = sum[d](e) / len[d]"),
    ("variance", "  variance[d](e):\n    m = sum[d](e) / len[d]\n    sum[d]((e - m)^2) / len[d]"),
    (
        "standardise",
        "  standardise[d](e):\n    m = sum[d](e) / len[d]\n    (e - m) * rsqrt(sum[d]((e - m)^2) / len[d] + 0.1)",
    ),
    ("log_sum_exp", "  log_sum_exp[s](e):\n    m = max[s](e)\n    m + log(sum[s](exp(e - m)))"),
];

/// Functions of values.
const PLAIN: [(&str, &str); 3] = [
    ("silu", "  silu(e) = e * sigmoid(e)"),
    ("gelu", "  gelu(e) = 0.5 * e * (1 + erf(e * 0.7071067811865476))"),
    ("mix", "  mix(a, b) = 0.75 * a + 0.25 * (if a < b then b else a - b)"),
];

/// Calls a function.
pub fn function(s: &mut State, scope: &[Letter], depth: u32) -> Value {
    if s.chance(40) || scope.is_empty() {
        let (name, text) = *s.rng.pick(&PLAIN);
        s.cover("function: plain");
        s.functions.insert(text.to_owned());
        let a = value::float(s, scope, depth.saturating_sub(1));
        if name == "mix" {
            let b = value::float(s, scope, 0);
            return Value::of(
                format!("mix({}, {})", a.text, b.text),
                Kind::Float,
                a.size.max(b.size) + 1.0,
                false,
                &[&a, &b],
            );
        }
        return Value::of(format!("{name}({})", a.text), Kind::Float, a.size + 1.0, false, &[&a]);
    }
    let (name, text) = *s.rng.pick(&OVER);
    s.functions.insert(text.to_owned());
    over(s, scope, name, depth)
}

/// Calls a function over an index: one in scope for those that keep it, a new one otherwise.
fn over(s: &mut State, scope: &[Letter], name: &'static str, depth: u32) -> Value {
    let keeps = matches!(name, "softmax" | "standardise");
    s.cover(if keeps { "function: normalising" } else { "function: folding" });
    let (letter, inner) = if keeps {
        (s.rng.pick(scope).clone(), scope.to_vec())
    } else {
        let extent = s.pick_extent();
        let l = s.letter(&extent, scope);
        let inner = scope.iter().chain([&l]).cloned().collect();
        (l, inner)
    };
    let around: Vec<Letter> = scope.iter().filter(|l| **l != letter).cloned().collect();
    let mut e = value::float(s, &inner, depth.saturating_sub(1).min(1));
    if e.size > 6.0 {
        e = Value::of(format!("8 * tanh({} * 0.05)", e.operand()), Kind::Float, 3.0, true, &[&e]);
    }
    let guard = fold::guard(s, &around, std::slice::from_ref(&letter));
    let condition = match &guard {
        Some(g) => {
            s.cover("function: guarded");
            format!(" if {}", g.text)
        }
        None => String::new(),
    };
    let binder = if keeps || e.bare.contains(&letter.name) {
        letter.name.clone()
    } else {
        format!("{} in {}", letter.name, letter.extent)
    };
    let mut parts = vec![&e];
    parts.extend(guard.as_ref());
    let text = format!("{name}[{binder}{condition}]({})", e.text);
    // The mean of nothing and the logarithm of an empty sum are not finite: bring them back.
    let text = if name == "log_sum_exp" { format!("max({text}, -9)") } else { text };
    let mut out = Value::of(text, Kind::Float, 6.0, false, &parts);
    if !keeps {
        out.bare.retain(|b| *b != letter.name);
    }
    out
}

/// Helper kernels: name, text, and how each parameter is shaped over the callee's sizes.
struct Helper {
    name: &'static str,
    text: &'static str,
    /// Parameter shapes as positions in the callee's size list; scalars are empty.
    parameters: &'static [&'static [usize]],
    sizes: usize,
    result: &'static [usize],
}

const HELPERS: [Helper; 4] = [
    Helper {
        name: "scaled",
        text: "  scaled(x: f32[A, B], w: f32[B], c: f32) -> y: f32[A, B]:\n    y[a, b] = c * x[a, b] * w[b]",
        parameters: &[&[0, 1], &[1], &[]],
        sizes: 2,
        result: &[0, 1],
    },
    Helper {
        name: "product",
        text: "  product(x: f32[M, K], w: f32[P, K]) -> y: f32[M, P]:\n    y[m, p] = sum[k](x[m, k] * w[p, k])",
        parameters: &[&[0, 1], &[2, 1]],
        sizes: 3,
        result: &[0, 2],
    },
    Helper {
        name: "normed",
        text: "  normed(x: f32[A, B], eps: f32) -> y: f32[A, B]:\n    q[a] = sum[b](x[a, b]^2) / B\n    y[a, b] = x[a, b] * rsqrt(q[a] + abs(eps) + 0.1)",
        parameters: &[&[0, 1], &[]],
        sizes: 2,
        result: &[0, 1],
    },
    Helper {
        name: "row_sums",
        text: "  row_sums(x: f32[A, B]) -> y: f32[A]:\n    y[a] = sum[b](x[a, b])",
        parameters: &[&[0, 1]],
        sizes: 2,
        result: &[0],
    },
];

/// A call of a helper kernel: whole-tensor text, shape and size of the result.
pub fn kernel(s: &mut State) -> (String, Vec<String>, f64) {
    let h = s.rng.pick(&HELPERS);
    s.cover("kernel call");
    if !s.kernels.iter().any(|k| k == h.text) {
        s.kernels.push(h.text.to_owned());
    }
    let sizes: Vec<String> = (0..h.sizes).map(|_| s.pick_dim().to_owned()).collect();
    let mut arguments = Vec::new();
    let mut size: f64 = 5.0;
    for p in h.parameters {
        let shape: Vec<String> = p.iter().map(|n| sizes[*n].clone()).collect();
        let known: Vec<usize> = (0..s.tensors.len())
            .filter(|t| s.tensors[*t].shape == shape && s.tensors[*t].ty == Ty::Word("f32"))
            .collect();
        let t = if known.is_empty() || s.chance(20) {
            s.input(Ty::Word("f32"), &shape)
        } else {
            *s.rng.pick(&known)
        };
        let tensor = s.read(t);
        size += tensor.size;
        arguments.push(tensor.name);
    }
    let shape = h.result.iter().map(|n| sizes[*n].clone()).collect();
    (format!("{}({})", h.name, arguments.join(", ")), shape, size)
}

/// A mask over two letters, for attention-like definitions.
pub fn causal(s: &mut State, t: &Letter, over: &Letter) -> String {
    match s.rng.below(4) {
        0 => format!("{} <= {}", over.name, t.name),
        1 => format!("{} <= {} and {} + 3 > {}", over.name, t.name, over.name, t.name),
        2 => {
            let mask = s.input(Ty::Word("bool"), std::slice::from_ref(&over.extent));
            load::read(s, std::slice::from_ref(over), mask).text
        }
        _ => format!("{} + 1 < len[{}]", over.name, over.name),
    }
}
