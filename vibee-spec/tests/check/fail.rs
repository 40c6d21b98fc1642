//! Findings of invalid specs, in full, and what must not be found.

use crate::support::{check, kernels};

fn report(name: &str, spec: &str) {
    let found = check(spec);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/fail");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, found.report()));
}

#[test]
fn every_error_of_a_file_in_one_run() {
    report(
        "many",
        &kernels(
            "  first(x: f32[T, D], w: f32[E]) -> y: f32[T, D]:\n    a[t] = sum[d](x[t, d] * w[d])\n    b[t] = a[t] + 1\n    y[t, d] = x[t, d] * b[t]\n  second(x: f32[T]) -> y: f32[T]:\n    y[t] = x[t + 1] + x[t - 1]\n  third(x: flaot[T]) -> y: f32[T]:\n    y[t] = x[t]\n  fourth(x: f32[T]) -> y: f32[T]:\n    y = first(x, x)\n",
        ),
    );
}

#[test]
fn a_poisoned_definition_does_not_cascade() {
    let found = check(&kernels(
        "  demo(x: f32[T]) -> y: f32[T]:\n    a[t] = x[t] * nothing\n    b[t] = a[t] + a[0]\n    y[t] = b[t] * 2\n",
    ));
    assert_eq!(found.errors(), ["V0201"]);
}

#[test]
fn a_poisoned_value_does_not_cascade_through_a_loop() {
    let found = check(
        "name: demo\nlanguage: rust\nlayers:\n  Id[D]:\n    weights:\n      w: f32[D] = \"w\"\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y[t, d] = x[t, d] * w[d]\nmodels:\n  M:\n    config: { D: d, L: l, P: p }\n    weights:\n      pos: f32[P, D] = \"pos\"\n      blocks: Id[D] * L = \"{i}.\"\n    forward(a: f32[T, D]) -> y: f32[T, D] where T <= P:\n      x[t, d] = a[t, d] + pos[t, d]\n      for i in L: x = blocks[i](x)\n      y = x\n",
    );
    assert_eq!(found.errors(), ["V0301"]);
}

/// Whoever uses a layer with a mistake is right.
#[test]
fn a_wrong_sublayer_does_not_cascade() {
    let errors = |header: &str, weight: &str, forward: &str, body: &str| {
        check(&format!(
            "name: demo\nlanguage: rust\nlayers:\n  {header}\n    weights:\n      {weight}\n    {forward}\n      y[t, d] = x[t, d] * w[d]\n      {body}\n  Outer[D]:\n    weights:\n      a: Inner[D]\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y, z = a(x)\n"
        ))
        .errors()
        .join(" ")
    };
    let (header, weight, body) = ("Inner[D]:", "w: f32[D]", "z[t] = sum[d](x[t, d])");
    let forward = "forward(x: f32[T, D]) -> (y: f32[T, D], z: f32[T]):";
    assert_eq!(errors(header, weight, forward, body), "");
    assert_eq!(errors(header, weight, forward, "z[t] = sum[d](x[t, dd])"), "V0207");
    assert_eq!(errors(header, weight, forward, "z[t] = sum[d](x[t, d]"), "V0030");
    assert_eq!(errors(header, weight, forward, "z[t] = x[t, 0] *"), "V0101");
    assert_eq!(errors(header, "w: q32[D]", forward, body), "V0209");
    assert_eq!(errors(header, "w: f32[D", forward, body), "V0030");
    assert_eq!(errors(header, weight, &forward.replace("z: f32[T]", "z: f32[TT]"), body), "V0201");
    assert_eq!(errors(header, weight, &forward.replace("):", ")"), body), "V0101");
    assert_eq!(errors("Inner[D] where D % 2 = 0:", weight, forward, body), "V0101");
    // Another layer is missed all the same.
    assert_eq!(errors("Innr[D] where D % 2 = 0:", weight, forward, body), "V0101 V0502");
}

/// Whoever uses something that the parser refused is right.
#[test]
fn what_the_parser_refused_is_not_unknown() {
    let format = |block: &str, decode: &str| {
        check(&format!(
            "name: demo\nlanguage: rust\nformats:\n  q8:\n    {block}\n    fields:\n      d: f32\n      q: i8[32]\n    {decode}\nkernels:\n  k(w: q8[N, K], x: f32[K]) -> y: f32[N]:\n    y[n] = sum[k](w[n, k] * x[k])\n  g<W>(w: W[N, K], x: f32[K]) -> y: f32[N] for W in f32, q8:\n    y[n] = sum[k](w[n, k] * x[k])\nlayers:\n  L[N, K]:\n    weights:\n      w: q8[N, K]\n    forward(x: f32[K]) -> y: f32[N]:\n      y[n] = sum[k](w[n, k] * x[k])\ntest_cases:\n  - name: one\n    call: g_q8(w: [[1]], x: [1])\n    expect: y == [1]\n"
        ))
        .errors()
        .join(" ")
    };
    assert_eq!(format("block: 32", "decode[j]: d * q[j"), "V0030");
    assert_eq!(format("block: 32", "decode[j]: d * * q[j]"), "V0101");
    assert_eq!(format("block: -", "decode[j]: d * q[j]"), "V0101");
    assert_eq!(format("blok: 32", "decode[j]: d * q[j]"), "V1004");
    assert_eq!(format("block: 32", "dekode[j]: d * q[j]"), "V0101");
    let found = check(
        "name: demo\nlanguage: rust\nfunctions:\n  sq(x)) = x*x\nkernels:\n  inner(x: f32[D]) -> y: f32[D]\n    y[d] = 2*x[d]\n  k(x: f32[D]) -> y: f32[D]:\n    y[d] = sq(x[d])\n  two(x: f32[D]) -> y: f32[D]:\n    y, z = inner(x)\n  three(x: f32[D]) -> y: f32[D]:\n    y, z = other(x)\n",
    );
    assert_eq!(found.errors(), ["V0031", "V0101", "V0201"]);
}

#[test]
fn loops_need_a_copy_for_every_round() {
    let layer = |body: &str| {
        format!(
            "name: demo\nlanguage: rust\nlayers:\n  Id[D]:\n    weights:\n      w: f32[D]\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y[t, d] = x[t, d] * w[d]\n  Outer[D, N, M] where M <= N:\n    weights:\n      many: Id[D] * N\n      two: Id[D] * 2\n    forward(x: f32[T, D]) -> y: f32[T, D]:\n      y = x\n{body}"
        )
    };
    report("copies", &layer("      for i in 3:\n        y = two[i](y)\n        y = many[i](y)\n"));
    // Proved, and otherwise checked.
    let checks = |body: &str| {
        let found = check(&layer(body));
        assert!(found.diags.list.iter().all(|d| d.code == "V0204"), "{}", found.report());
        // The extent of `x` is checked in any case.
        found.module.layers[1].forward.checks.len() - 1
    };
    assert_eq!(checks("      for i in M: y = many[i](y)\n"), 0);
    assert_eq!(checks("      for i in D: y = many[i](y)\n"), 1);
    assert_eq!(checks("      for i in 2:\n        for j in M: y = two[i](y)\n"), 0);
    assert_eq!(checks("      for i in M:\n        for j in 2: y = two[i](y)\n"), 1);
    assert_eq!(check(&layer("      for i in N + 1: y = many[i](y)\n")).errors(), ["V0404"]);
}

#[test]
fn errors_in_functions_show_the_call() {
    report(
        "function",
        "name: demo\nlanguage: rust\n\nfunctions:\n  gate(e) = if e then 1 else 0\n\nkernels:\n  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = gate(x[t]) * x[t]\n",
    );
}

#[test]
fn unknown_names_get_suggestions() {
    report(
        "suggestions",
        &kernels(
            "  demo(hidden: f32[Tokens, D], weight: f32[D]) -> out: f32[Tokens, D]:\n    out[t, d] = hiden[t, d] * weigth[d] * sqr(Token)\n",
        ),
    );
}

#[test]
fn guards_are_used_and_needed() {
    let shifted = |guard: &str| {
        check(&kernels(&format!(
            "  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = sum[s in T{guard}](x[t - s])\n"
        )))
        .errors()
    };
    assert_eq!(shifted(" if s <= t"), Vec::<&str>::new());
    assert_eq!(shifted(" if s < t or s == t"), ["V0402"]);
    assert_eq!(shifted(""), ["V0401"]);
    assert_eq!(shifted(" if s <= t + 1"), ["V0401"]);
}

#[test]
fn branches_know_their_condition() {
    let found = check(&kernels(
        "  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = if t > 0 then x[t - 1] else if t + 1 < T then x[t + 1] else 0\n",
    ));
    assert_eq!(found.report(), "no findings");
    let found =
        check(&kernels("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = if t > 0 then 0 else x[t - 1]\n"));
    assert_eq!(found.errors(), ["V0401"]);
}

#[test]
fn positions_with_arguments_are_checked_at_entry() {
    let found =
        check(&kernels("  demo(x: f32[S], pos: len<S>, T: dim) -> y: f32[T]:\n    y[t in T] = x[pos + t]\n"));
    assert_eq!(found.report(), "no findings");
    let text = vibee_spec::term::text::kernel(&found.module.kernels[0]);
    assert!(text.contains("check x[pos + t]: pos..=T + pos - 1 in 0..S over [T]"), "{text}");
}

#[test]
fn divisors_of_constraints_are_checked_before_them() {
    let found = check(&kernels(
        "  demo(x: f32[H], G: dim) -> y: f32[G] where H % G == 0:\n    y[g] = sum[h if h // (H // G) == g](x[h])\n",
    ));
    assert_eq!(found.report(), "no findings");
    let text = vibee_spec::term::text::kernel(&found.module.kernels[0]);
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    assert!(at("check G != 0") < at("check H % G == 0"), "{text}");
}

#[test]
fn wrong_shapes_name_both_sides() {
    report(
        "shapes",
        &kernels(
            "  linear(x: f32[T, I], w: f32[O, I]) -> y: f32[T, O]:\n    y[t, o] = sum[i](x[t, i] * w[o, i])\n  transposed(x: f32[T, D], w: f32[D, F]) -> y: f32[T, F]:\n    y = linear(x, w)\n  ranks(x: f32[T, D], w: f32[D]) -> y: f32[T, D]:\n    y = linear(x, w)\n  outputs(x: f32[T, D], w: f32[F, D]) -> y: f32[T, D]:\n    y = linear(x, w)\n",
        ),
    );
}

#[test]
fn lines_the_parser_refused_are_not_missed() {
    let found = check(&kernels("  demo(x: f32[T]) -> y: f32[T]:\n    y[t] = y[t - 1] + x[t] from 0\n"));
    assert_eq!(found.errors(), ["V0901"]);
    let found =
        check(&kernels("  demo(x: f32[T]) -> y: f32[T]:\n    a[t] = x[t] && 1\n    y[t] = a[t] + 1\n"));
    assert_eq!(found.errors(), ["V0101"]);
}
