//! Cases and laws as data.

use crate::support::check;
use vibee_spec::check::Expected;
use vibee_spec::term::text;

const SPEC: &str = "name: demo\nlanguage: rust\n\nkernels:\n  linear<W>(x: f32[T, I], w: W[O, I]) -> y: f32[T, O] for W in f32, bf16:\n    y[t, o] = sum[i](x[t, i] * w[o, i])\n  norm(x: f32[T, D], eps: f32) -> y: f32[T, D]:\n    y[t, d] = x[t, d] / (sum[e](x[t, e]^2) + eps)\n\nbehaviors:\n  - name: b\n    given: A\n    when: B\n    then: C\n    test_cases:\n      - name: empty\n        call: linear_f32(x: [], w: [[1, 2]])\n        expect: y == []\n      - name: refused\n        call: linear_bf16(x: [[1, 2]], w: [[1]])\n        expect: error\n    laws:\n      - name: chained\n        for: c in [0.5, 2]\n        holds: norm(linear_bf16(c * x, w), 0) ~ norm(linear_bf16(x, w), 0) within 1e-3\n";

#[test]
fn cases_name_instances_and_open_extents_follow() {
    let found = check(SPEC);
    assert_eq!(found.report(), "no findings");
    let [empty, refused] = &found.tests.cases[..] else { panic!("two cases") };
    assert_eq!(found.module.kernels[empty.kernel].name, "linear_f32");
    assert_eq!(empty.inputs[0].dims, [0, 2]);
    assert!(matches!(&empty.expects[..], [Expected::Equal { output: 0, want }] if want.dims == [0, 0]));
    assert!(matches!(&refused.expects[..], [Expected::Error]));
    assert_eq!(refused.inputs[1].dims, [1, 1]);
}

/// Sizes of nested calls are made equal, and both sides have the same inputs.
#[test]
fn laws_draw_tensors_of_matching_shapes() {
    let found = check(SPEC);
    let law = &found.tests.laws[0];
    assert_eq!(law.lhs.dims, law.rhs.dims);
    assert_eq!(law.lhs.inputs, law.rhs.inputs);
    let header = text::kernel(&law.lhs);
    let header = header.lines().next().unwrap_or_default();
    assert_eq!(header, "kernel (c: f32, w: bf16[D, I], x: f32[T, I]) -> (value: f32[T, D])");
}

/// A name that stands only inside elementwise functions is drawn as what they are an argument of.
#[test]
fn laws_draw_through_elementwise_functions() {
    let holds = "norm(c * max(abs(x), 1), 0) ~ norm(abs(-x) + 1, 0) within 9";
    let found = check(
        &SPEC.replace("norm(linear_bf16(c * x, w), 0) ~ norm(linear_bf16(x, w), 0) within 1e-3", holds),
    );
    assert_eq!(found.report(), "no findings");
    let header = text::kernel(&found.tests.laws[0].lhs);
    assert!(header.contains("x: f32[T, D]"), "{header}");
}

/// Two calls of one kernel have the same groups if one of the two sizes is the same.
#[test]
fn laws_find_sizes_in_products() {
    let spec = "name: demo\nlanguage: rust\n\nkernels:\n  f(x: f32[G*B], s: f32[G], w: f32[G*B]) -> y: f32:\n    y = sum[g, b in B](x[g*B + b] * s[g] * w[g*B + b])\n\nbehaviors:\n  - name: b\n    given: A\n    when: B\n    then: C\n    laws:\n      - name: linear\n        for: c in [0.5, 2]\n        holds: f(c * x, s, w) ~ c * f(x, s, w) within 1e-3\n";
    let found = check(spec);
    assert_eq!(found.report(), "no findings");
    assert_eq!(found.tests.laws.len(), 1);
}
