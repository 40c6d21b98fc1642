//! What changes mean: one row a change.

use vibee_spec::compare::{Spec, compare};

use crate::support::check;

const OLD: &str = "name: demo
language: rust

types:
  Config:
    fields:
      size: Int = 768
      eps: Float = 1e-6
      label: Option<String>
  Mode:
    values: [sum, mean]

kernels:
  scale(x: f32[T, D], w: f32[D], K: dim) -> y: f32[T, D] where T >= K:
    g[d] = 2 * w[d]
    y[t, d] = x[t, d] * g[d]

layers:
  Dense[I, O]:
    weights:
      w: f32[O, I] = \"weight\"
      b: f32[O] = \"bias\"
    forward(x: f32[T, I]) -> y: f32[T, O]:
      y[t, o] = sum[i](x[t, i] * w[o, i]) + b[o]

models:
  Net:
    config:
      D: hidden_size
      L: layers = 2
    weights:
      blocks: Dense[D, D] * L = \"blocks.{i}.\"
    forward(x: f32[T, D]) -> y: f32[T, D]:
      for i in L: x = blocks[i](x)
      y = x

behaviors:
  - name: scales
    given: Rows
    when: Scaled
    then: Scaled
";

/// What is replaced, by what, and what that means.
const CHANGES: &[(&str, &str, &[&str])] = &[
    ("version", "version", &[]),
    // Neither the look nor names inside a kernel matter, nor the names of sizes and letters.
    (
        "    g[d] = 2 * w[d]\n    y[t, d] = x[t, d] * g[d]",
        "    gain[c]  =  2*w[c]\n    y[t, d] = x[t, d] * gain[d]",
        &[],
    ),
    (
        "scale(x: f32[T, D], w: f32[D], K: dim) -> y: f32[T, D] where T >= K",
        "scale(x: f32[R, D], w: f32[D], K: dim) -> y: f32[R, D] where R >= K",
        &[],
    ),
    ("    forward(x: f32[T, I])", "    # described\n    forward(x: f32[T, I])", &[]),
    (
        "  Dense[I, O]:\n    weights:\n      w: f32[O, I] = \"weight\"",
        "  Dense[I, O]:\n    weights:\n      w: f32[O, I]   =   \"weight\"",
        &[],
    ),
    // Types.
    ("size: Int", "size: Float", &["breaks type Config: the field `size` is `Float`, it was `Int`"]),
    ("      size: Int = 768\n", "", &["breaks type Config: the field `size` is gone"]),
    (
        "      size: Int = 768\n",
        "      size: Int = 768\n      more: Int\n",
        &["breaks type Config: the field `more` is new, without a default"],
    ),
    (
        "      size: Int = 768\n",
        "      size: Int = 768\n      more: Int = 1\n",
        &["compatible type Config: the field `more` is new, with a default"],
    ),
    (
        "      size: Int = 768\n",
        "      size: Int = 768\n      more: Option<Int>\n",
        &["compatible type Config: the field `more` is new, and optional"],
    ),
    ("= 768", "= 1024", &["results type Config: the default of the field `size` is `1024`, it was `768`"]),
    ("Int = 768", "Int", &["breaks type Config: the field `size` has no default, it was `768`"]),
    ("[sum, mean]", "[sum]", &["breaks type Mode: the variant `mean` is gone"]),
    (
        "[sum, mean]",
        "[sum, mean, max]",
        &["breaks type Mode: the variant `max` is new; a `match` without it does not compile"],
    ),
    ("  Mode:\n", "  Way:\n", &["breaks type Mode: is gone", "compatible type Way: is new"]),
    // Traits.
    (
        "- name: scales",
        "- name: grows",
        &[
            "breaks trait scales: the method is gone",
            "breaks trait grows: the method is new; implementations lack it",
        ],
    ),
    ("given: Rows", "given: Columns", &["compatible trait scales: is described in other words"]),
    // Kernels.
    ("2 * w[d]", "3 * w[d]", &["results kernel scale: computes something else"]),
    ("w: f32[D], K", "w: f16[D], K", &["breaks kernel scale: the argument `w` is `f16[D]`, it was `f32[D]`"]),
    ("w: f32[D], K: dim", "K: dim, w: f32[D]", &["breaks kernel scale: the arguments are in another order"]),
    (
        "w: f32[D], K: dim",
        "w: f32[D], K: dim, c: f32",
        &[
            "breaks kernel scale: the arguments are `x: f32[T, D], w: f32[D], K: dim, c: f32`, they were `x: f32[T, D], w: f32[D], K: dim`",
        ],
    ),
    ("where T >= K", "where T >= K, D >= 1", &["breaks kernel scale: refuses more: 1 <= D"]),
    (" where T >= K", "", &["compatible kernel scale: no longer refuses: K <= T"]),
    // Layers, models and weights.
    ("\"bias\"", "\"shift\"", &["weights layer Dense: `b` is read from `shift`, it was `bias`"]),
    (
        "b: f32[O]",
        "b: f16[O]",
        &[
            "weights layer Dense: the tensor `bias` is `f16[O]`, it was `f32[O]`",
            "results layer Dense: forward computes something else",
        ],
    ),
    ("+ b[o]", "- b[o]", &["results layer Dense: forward computes something else"]),
    (
        "forward(x: f32[T, I])",
        "forward(x: f64[T, I])",
        &[
            "breaks layer Dense: forward is `forward(x: f64[T, I]) -> y: f32[T, O]`, it was `forward(x: f32[T, I]) -> y: f32[T, O]`",
            "results model Net: forward computes something else",
        ],
    ),
    (
        "D: hidden_size",
        "D: d_model",
        &["weights model Net: the key of `D` is `d_model`, it was `hidden_size`"],
    ),
    ("layers = 2", "layers = 3", &["results model Net: the default of `L` is 3, it was 2"]),
    (
        "\"blocks.{i}.\"",
        "\"layers.{i}.\"",
        &[
            "weights model Net: nothing reads tensors below `blocks.{i}.`",
            "weights model Net: tensors below `layers.{i}.` are wanted",
        ],
    ),
];

#[test]
fn every_change_has_its_effect() {
    let old = check(OLD);
    let mut wrong = vec![];
    for (from, to, wanted) in CHANGES {
        let text = OLD.replacen(from, to, 1);
        let new = check(&text);
        assert!(
            new.diags.list.iter().all(|d| d.severity != vibee_spec::diag::Severity::Error),
            "{}",
            new.report()
        );
        let changes = compare(
            Spec { file: &old.file, module: &old.module },
            Spec { file: &new.file, module: &new.module },
        );
        let found: Vec<_> = changes
            .iter()
            .map(|c| format!("{} {} {}: {}", c.effect.word(), c.kind, c.name, c.what))
            .collect();
        if found != *wanted {
            wrong.push(format!("{from} → {to}\n  found  {found:#?}\n  wanted {wanted:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
