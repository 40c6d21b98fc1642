//! Terms of valid specs.

use crate::support::{check, check_with};
use vibee_spec::term::text;

fn terms(name: &str, imports: &[(&str, &str)]) {
    let path = format!("{}/tests/check/pass/{name}.vibee", env!("CARGO_MANIFEST_DIR"));
    let spec = std::fs::read_to_string(path).expect("the spec is there");
    let found = check_with(&spec, imports);
    assert!(found.diags.list.is_empty(), "{}", found.report());
    let mut out: Vec<String> = found.module.kernels.iter().map(text::kernel).collect();
    out.extend(found.module.layers.iter().map(text::layer));
    out.extend(found.module.models.iter().map(text::model));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/pass");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, out.join("\n")));
}

#[test]
fn norms_attention_and_views() {
    terms("norms", &[]);
}

#[test]
fn layers_loops_and_models() {
    let block = "name: block\nlanguage: rust\n\nlayers:\n  Mix[D]:\n    weights:\n      m: f32[D, D] = \"mix\"\n    forward(x: f32[T, D], scale: f32) -> y: f32[T, D]:\n      y[t, d] = scale * sum[e](x[t, e] * m[d, e]) + x[t, d]\n";
    terms("models", &[("block", block)]);
}

#[test]
fn formats_and_operands() {
    terms("formats", &[]);
}

#[test]
fn the_rest_of_the_language() {
    terms("language", &[]);
}

/// Law 1: names carry no meaning.
#[test]
fn renaming_changes_nothing_but_names() {
    let spec = |kernel: &str, dim: &str, letter: &str, function: &str| {
        format!(
            "name: demo\nlanguage: rust\n\nfunctions:\n  {function}[q](e) = exp(e - max[q](e)) / sum[q](exp(e - max[q](e)))\n\nkernels:\n  {kernel}(x: f32[T, {dim}]) -> y: f32[T, {dim}]:\n    y[t, {letter}] = {function}[{letter}](x[t, {letter}])\n"
        )
    };
    let a = check(&spec("softmax", "S", "s", "softmax"));
    let b = check(&spec("k", "N", "n", "f"));
    let (a, b) = (&a.module.kernels[0], &b.module.kernels[0]);
    assert_eq!(a.exprs, b.exprs);
    assert_eq!(a.defs[0].store, b.defs[0].store);
}

/// A kernel and its call site agree on sizes that are written differently.
#[test]
fn constraints_make_sizes_equal() {
    let found = check(
        "name: demo\nlanguage: rust\n\nkernels:\n  heads(x: f32[T, H*C], H: dim) -> y: f32[T, H]:\n    y[t, h] = sum[c in C](x[t, h*C + c])\n  demo(x: f32[T, D], H: dim) -> y: f32[T, H] where D % H == 0:\n    y = heads(x, H)\n",
    );
    assert_eq!(found.report(), "no findings");
}

/// A function's own letters never capture the caller's.
#[test]
fn functions_do_not_capture() {
    let found = check(
        "name: demo\nlanguage: rust\n\nfunctions:\n  total(x) = sum[i](x[i])\n\nkernels:\n  demo(x: f32[T], w: f32[S]) -> y: f32[T]:\n    y[i] = x[i] * total(w)\n",
    );
    assert_eq!(found.report(), "no findings");
    let k = &found.module.kernels[0];
    assert_eq!(text::def(k, &k.defs[0]), "y[i in T]: f32 = x[i] * sum[i' in S](w[i'])");
}

/// Broken specs of other files are not reported here, but their kernels cannot be called.
#[test]
fn errors_of_imports_stay_there() {
    let other = "name: other\nlanguage: rust\n\nkernels:\n  bad(x: f32[T]) -> y: f32[T]:\n    y[t] = z[t]\n  good(x: f32[T]) -> y: f32[T]:\n    y[t] = 2 * x[t]\n";
    let spec = |name: &str| {
        format!(
            "name: demo\nlanguage: rust\n\nimports:\n  - other\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y = {name}(x)\n"
        )
    };
    assert_eq!(check_with(&spec("good"), &[("other", other)]).report(), "no findings");
    assert_eq!(check_with(&spec("bad"), &[("other", other)]).errors(), ["V0218"]);
}
