//! Layers and models by the interpreter: what loads, what is refused, which weights a loop's rounds
//! use, and that bounds pass from step to step.

use std::collections::BTreeMap;
use std::sync::Arc;

use vibee_spec::check::check;
use vibee_spec::diag::{Diags, Severity};
use vibee_spec::interp::draw::{self, Undrawable};
use vibee_spec::interp::layers::{
    Assembly, LoadFault, Loaded, Tensors, configure, inventory, load, parameters,
};
use vibee_spec::interp::{EvalError, Options, Output, SizeProfile, Tensor, TensorData, Violation};
use vibee_spec::parse::parse;
use vibee_spec::span::Source;
use vibee_spec::term::{DType, Module, Sublayer};

/// A checked spec of layers and models.
fn module(body: &str) -> Module {
    let text = format!("name: demo\nlanguage: rust\n\n{body}");
    let source = Source { path: "demo.vibee".into(), text };
    let mut diags = Diags::default();
    let file = parse(&source, &mut diags);
    let module = check(&file, &source, &|_: &Source, _: &str| None, &mut diags);
    let errors: Vec<_> = diags.list.iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    module
}

/// A layer or model's layer, put together.
fn assembly(module: &Module, name: &str) -> Arc<Assembly> {
    let all = module.layers.iter().chain(module.models.iter().map(|m| &m.layer));
    let layer = all.into_iter().find(|l| l.name == name).expect("a layer of that name").clone();
    let mut find = |s: &Sublayer| Some(assembly(module, &s.layer));
    Arc::new(Assembly::new(layer, &mut find).expect("all sublayers are here"))
}

fn floats(dims: &[usize], values: &[f64]) -> Tensor {
    Tensor::float(DType::F32, dims, values)
}

fn tensors(list: &[(&str, Tensor)]) -> Tensors {
    list.iter().map(|(name, t)| ((*name).to_owned(), t.clone())).collect()
}

fn values(outputs: &[Output]) -> Vec<Vec<f64>> {
    outputs.iter().map(|o| o.values.iter().map(|v| v.value).collect()).collect()
}

fn forward(loaded: &Loaded, inputs: &[Tensor]) -> Vec<Output> {
    loaded.forward(inputs, &Options::default()).expect("a value")
}

const STACK: &str = "layers:
  Affine[D]:
    weights:
      gain: f32[D] = \"g\"
      shift: f32[D] = \"s\"
    forward(x: f32[T, D]) -> y: f32[T, D]:
      y[t, d] = x[t, d] * gain[d] + shift[d]

models:
  Stack:
    config: { D: width, L: depth, c: factor = 2 }
    weights:
      blocks: Affine[D] * L = \"b.{i}.\"
    forward(x: f32[T, D]) -> (y: f32[T, D], total: f32[T]):
      a[t, d] = c * x[t, d]
      for i in L: a = blocks[i](a)
      y = a
      total[t] = sum[d](a[t, d])
";

fn stack(depth: usize) -> (BTreeMap<String, f64>, Tensors) {
    let config = BTreeMap::from([("width".into(), 2.0), ("depth".into(), depth as f64)]);
    let mut all = Tensors::new();
    for i in 0..depth {
        all.insert(format!("b.{i}.g"), floats(&[2], &[i as f64 + 2.0, -1.0]));
        all.insert(format!("b.{i}.s"), floats(&[2], &[1.0, i as f64]));
    }
    (config, all)
}

#[test]
fn a_loop_takes_its_copies_in_turn() {
    let m = module(STACK);
    let of = assembly(&m, "Stack");
    let expected = [vec![2.0, 4.0], vec![5.0, -4.0], vec![16.0, 5.0]];
    for (depth, y) in expected.iter().enumerate() {
        let (config, all) = stack(depth);
        let c = configure(&m.models[0], &config).expect("configured");
        let loaded = load(&of, &c.sizes, &c.scalars, "", &all).expect("loaded");
        let got = values(&forward(&loaded, &[floats(&[1, 2], &[1.0, 2.0])]));
        assert_eq!(got, [y.clone(), vec![y.iter().sum()]], "depth {depth}");
        assert_eq!(parameters(&of, &c.sizes), Some(4 * depth as u64));
    }
}

#[test]
fn loading_refuses_what_does_not_fit() {
    let m = module(STACK);
    let of = assembly(&m, "Stack");
    let model = &m.models[0];
    let (config, all) = stack(2);
    let attempt = |config: &BTreeMap<String, f64>, all: &Tensors| {
        let c = configure(model, config)?;
        load(&of, &c.sizes, &c.scalars, "", all).map(|_| ())
    };
    assert_eq!(attempt(&config, &all), Ok(()));
    let mut without = config.clone();
    without.remove("depth");
    assert_eq!(attempt(&without, &all), Err(LoadFault::Key { key: "depth".into() }));
    let mut wrong = config.clone();
    wrong.insert("width".into(), 1.5);
    assert!(matches!(attempt(&wrong, &all), Err(LoadFault::Size { .. })));
    let mut missing = all.clone();
    missing.remove("b.1.s");
    assert_eq!(attempt(&config, &missing), Err(LoadFault::Missing { name: "b.1.s".into() }));
    let mut misshapen = all.clone();
    misshapen.insert("b.0.g".into(), floats(&[3], &[0.0; 3]));
    let fault = LoadFault::Shape { name: "b.0.g".into(), expected: vec![2], found: vec![3] };
    assert_eq!(attempt(&config, &misshapen), Err(fault));
    // A tensor that no copy needs is not missed.
    let (one, _) = stack(1);
    assert_eq!(attempt(&one, &missing), Ok(()));
}

#[test]
fn loops_rebind_all_names_from_the_same_round() {
    let m = module(
        "layers:
  Pairs[N, M]:
    weights:
      w: f32
    forward(x: f32[T], z: f32[T]) -> (a: f32[T], b: f32[T]):
      a = x
      b = z
      for i in N:
        c[t] = w * a[t] + b[t]
        for j in M:
          a[t] = b[t] + 1
          b = c
        b[t] = b[t] + 0.5
",
    );
    let of = assembly(&m, "Pairs");
    let all = tensors(&[("w", floats(&[], &[3.0]))]);
    for (n, rounds) in [(0, 0), (1, 0), (1, 1), (2, 1), (3, 2)] {
        let loaded = load(&of, &[n, rounds], &[], "", &all).expect("loaded");
        let (mut a, mut b) = (2.0, 5.0);
        for _ in 0..n {
            let c = 3.0 * a + b;
            for _ in 0..rounds {
                a = b + 1.0;
                b = c;
            }
            b += 0.5;
        }
        let got = values(&forward(&loaded, &[floats(&[1], &[2.0]), floats(&[1], &[5.0])]));
        assert_eq!(got, [[a], [b]], "{n} {rounds}");
    }
}

#[test]
fn nested_loops_choose_copies_by_their_own_variable() {
    let m = module(
        "layers:
  Scale:
    weights:
      w: f32
    forward(x: f32[T]) -> y: f32[T]:
      y[t] = 10 * x[t] + w

  Grid[N, M]:
    weights:
      rows: Scale * N
      columns: Scale * M
    forward(x: f32[T]) -> y: f32[T]:
      y = x
      for i in N:
        for j in M:
          y = columns[j](y)
          y = rows[i](y)
",
    );
    let of = assembly(&m, "Grid");
    let digit = |v: f64| floats(&[], &[v]);
    let all = tensors(&[
        ("top.rows.0.w", digit(1.0)),
        ("top.rows.1.w", digit(2.0)),
        ("top.columns.0.w", digit(3.0)),
        ("top.columns.1.w", digit(4.0)),
    ]);
    let loaded = load(&of, &[2, 2], &[], "top.", &all).expect("loaded");
    let got = values(&forward(&loaded, &[floats(&[1], &[0.0])]));
    assert_eq!(got, [[31_413_242.0]]);
}

#[test]
fn weights_are_converted_as_they_are_loaded() {
    let m = module(
        "layers:
  Scale<W> for W in f32, bf16, f16:
    weights:
      w: W
    forward(x: f32[T]) -> y: f32[T]:
      y[t] = x[t] * w

models:
  Two:
    config: { L: l }
    weights:
      wide: Scale<f32> = \"w.\"
      narrow: Scale<bf16> = \"w.\"
    forward(x: f32[T]) -> (a: f32[T], b: f32[T]):
      a = wide(x)
      b = narrow(x)
",
    );
    let of = assembly(&m, "Two");
    let w = f64::from(1.0 + f32::EPSILON);
    let all = tensors(&[("w.w", floats(&[], &[w]))]);
    let loaded = load(&of, &[0], &[], "", &all).expect("loaded");
    let got = values(&forward(&loaded, &[floats(&[1], &[1.0])]));
    assert_eq!(got, [[w], [1.0]]);
}

/// The bound of a step's input reaches the output: no allowed evaluation may fall out of it.
#[test]
fn bounds_pass_from_step_to_step() {
    let m = module(
        "layers:
  Third:
    weights:
      w: f32
    forward(x: f32[T]) -> (y: f32[T], up: bool[T]):
      y[t] = x[t] * w
      up[t] = y[t] > 0.1

models:
  Deep:
    config: { L: l }
    weights:
      blocks: Third * L = \"{i}.\"
      last: Third = \"last.\"
    forward(x: f32[T]) -> (y: f32[T], up: bool[T]):
      y = x
      for i in L:
        y, less = blocks[i](y)
      z, up = last(y)
",
    );
    let of = assembly(&m, "Deep");
    let third = f64::from(1.0f32 / 3.0);
    let mut bounds = vec![];
    for depth in [0usize, 1, 4] {
        let mut all: Tensors = (0..depth).map(|i| (format!("{i}.w"), floats(&[], &[third]))).collect();
        all.insert("last.w".into(), floats(&[], &[1.0]));
        let loaded = load(&of, &[depth as i64], &[], "", &all).expect("loaded");
        let x = f64::from(0.1f32);
        let out = forward(&loaded, &[floats(&[1], &[x])]);
        let y = out[0].values[0];
        let mut rounded = 0.1f32;
        for _ in 0..depth {
            rounded *= 1.0 / 3.0;
        }
        assert!((f64::from(rounded) - y.value).abs() <= y.bound, "{depth}: {rounded} and {y:?}");
        bounds.push(y.bound / y.value);
        assert!(out[1].values[0].sure || depth > 0);
    }
    assert!(bounds[0] == 0.0 && bounds[1] > 0.0 && bounds[2] > 3.0 * bounds[1], "{bounds:?}");

    // A decision on a value that carries an error is open where the error reaches.
    let mut all = tensors(&[("0.w", floats(&[], &[third])), ("last.w", floats(&[], &[1.0]))]);
    all.insert("last.w".into(), floats(&[], &[1.0]));
    let loaded = load(&of, &[1], &[], "", &all).expect("loaded");
    let near = floats(&[2], &[f64::from(0.3f32), f64::from(0.31f32)]);
    let out = forward(&loaded, &[near]);
    assert_eq!(out[1].values.iter().map(|v| v.sure).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_doubtful_position_makes_what_is_read_there_doubtful() {
    let m = module(
        "layers:
  Pick[D]:
    weights:
      table: f32[D]
    forward(p: idx<D>[T], s: i32, x: f32[T]) -> (y: f32[T], z: f32[T]):
      y[t] = table[p[t]]
      z[t] = x[t + s; 0]

models:
  Route:
    config: { D: d }
    weights:
      w: f32[D]
      pick: Pick[D] = \"\"
    forward(x: f32[D]) -> (y: f32[1], z: f32[1]) where D >= 1:
      best[t in 1] = argmax[d](x[d] * w[d])
      shift = i32(x[0] * w[0])
      one[t in 1] = 1.0 * 3
      y, z = pick(best, shift, one)
",
    );
    let of = assembly(&m, "Route");
    let all =
        tensors(&[("w", floats(&[2], &[f64::from(1.0f32 / 3.0); 2])), ("table", floats(&[2], &[7.0, 8.0]))]);
    let loaded = load(&of, &[2], &[], "", &all).expect("loaded");
    let sure = |x: &[f64]| {
        let out = forward(&loaded, &[floats(&[2], x)]);
        out.iter().map(|o| (o.values[0].value, o.values[0].sure)).collect::<Vec<_>>()
    };
    // Clearly the second, and a shift of 2 with room around it.
    assert_eq!(sure(&[7.0, 10.0]), [(8.0, true), (0.0, true)]);
    // 3 · (1/3) may be 1 or a little less: an open shift, and with it the whole segment.
    let out = sure(&[3.0, 10.0]);
    assert!(out.iter().all(|(_, sure)| !sure), "{out:?}");
    // Products too close to tell which is larger.
    let a = 7.0f32;
    assert!(!sure(&[f64::from(a), f64::from(a.next_up())])[0].1);
}

#[test]
fn arguments_are_checked_at_entry() {
    let m = module(STACK);
    let of = assembly(&m, "Stack");
    let (_, all) = stack(1);
    let loaded = load(&of, &[2, 1], &[2.0], "", &all).expect("loaded");
    let error = loaded.forward(&[floats(&[1, 3], &[0.0; 3])], &Options::default()).unwrap_err();
    assert!(matches!(error, EvalError::Check(Violation::Axis { expected: 2, found: 3, .. })), "{error}");
    let few = Options { steps: 10, elements: 1 << 20 };
    let error = loaded.forward(&[floats(&[9, 2], &[0.0; 18])], &few).unwrap_err();
    assert!(matches!(error, EvalError::Limit(_)), "{error}");
    let few = Options { steps: 1 << 20, elements: 20 };
    let error = loaded.forward(&[floats(&[9, 2], &[0.0; 18])], &few).unwrap_err();
    assert!(matches!(error, EvalError::Limit(_)), "{error}");
}

#[test]
fn drawn_layers_load_and_run() {
    let m = module(
        "layers:
  Heads[D, H] where D % H == 0, H != 0:
    weights:
      w: f32[D, D // H]
    forward(x: f32[T, D], pos: idx<D>[T]) -> y: f32[T]:
      y[t] = sum[d, c](x[t, d] * w[d, c]) + x[t, pos[t]]

models:
  Tied:
    config: { D: width, E: width, H: heads, L: depth, V: 12, eps: eps = 1e-5 }
    weights:
      words: f32[V, D]
      heads: Heads[E, H] * L = \"{i}.\"
    forward(tok: idx<V>[T], pos: idx<E>[T]) -> y: f32[T] where D == E:
      x[t, d] = words[tok[t], d] + eps
      y[t] = sum[d](x[t, d])
      for i in L:
        z = heads[i](x, pos)
        y[t] = y[t] + z[t]
",
    );
    for (name, model) in [("Heads", None), ("Tied", Some(&m.models[0]))] {
        let of = assembly(&m, name);
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..60 {
            let drawn = draw::layer(&of, model, seed, SizeProfile::SMALL).expect("drawn");
            assert_eq!(drawn, draw::layer(&of, model, seed, SizeProfile::SMALL).expect("drawn"));
            let c = &drawn.configured;
            if let Some(model) = model {
                assert_eq!(configure(model, &drawn.config).as_ref(), Ok(c));
                assert_eq!((c.sizes[0], c.sizes[4]), (c.sizes[1], 12));
                seen.insert(c.sizes[3]);
            }
            let loaded = load(&of, &c.sizes, &c.scalars, &drawn.prefix, &drawn.tensors).expect("loaded");
            let names = inventory(&of, &c.sizes, &drawn.prefix).expect("its tensors");
            assert!(names.keys().eq(drawn.tensors.keys()));
            forward(&loaded, &drawn.inputs);
        }
        // No copies, one and several.
        assert!(model.is_none() || seen.len() >= 3, "{seen:?}");
    }
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let m = module(
        "models:
  Large:
    config: { V: 3000000, D: width }
    weights:
      words: f32[V, D]
    forward(tok: idx<V>[T]) -> y: f32[T, D]:
      y[t, d] = words[tok[t], d]
  Never:
    config: { D: width, E: 7 }
    weights:
      w: f32[D]
    forward(x: f32[D]) -> y: f32[D] where 2 * D == E:
      y[d] = x[d] * w[d]
",
    );
    let draw = |n: usize| {
        let model = &m.models[n];
        draw::layer(&assembly(&m, &model.layer.name), Some(model), 1, SizeProfile::LARGE)
    };
    assert_eq!(draw(0), Err(Undrawable::Large { parameters: 3_000_000 }));
    assert_eq!(draw(1), Err(Undrawable::Sizes));
}

#[test]
fn given_sizes_are_kept_and_wrong_ones_named() {
    let m = module(
        "layers:
  Heads[D, H] where D % H == 0:
    weights:
      w: f32[D, D // H]
    forward(x: f32[T, D]) -> y: f32[T] where T <= D:
      y[t] = sum[d, c](x[t, d] * w[d, c])

models:
  Tower:
    config: { D: width, L: depth, V: 12 }
    weights:
      words: f32[V, D]
      heads: Heads[D, 2] * L = \"{i}.\"
    forward(tok: idx<V>[T]) -> y: f32[T] where T <= D:
      x[t, d] = words[tok[t], d]
      y[t] = sum[d](x[t, d])
      for i in L:
        z = heads[i](x)
        y[t] = y[t] + z[t]
",
    );
    let (heads, tower) = (assembly(&m, "Heads"), assembly(&m, "Tower"));
    for (of, model, fixed) in [
        (&heads, None, [Some(24), None, None, None]),
        // D, L, V and T.
        (&tower, Some(&m.models[0]), [None, None, None, Some(5)]),
        (&tower, Some(&m.models[0]), [Some(8), Some(0), Some(12), None]),
    ] {
        for seed in 0..40 {
            let Ok(dims) = draw::layer_sizes(of, model, &fixed, seed, SizeProfile::MEDIUM) else { continue };
            for (size, given) in dims.iter().zip(fixed) {
                assert!(given.map_or(*size > 0, |g| g == *size), "{dims:?}");
            }
            let drawn = draw::layer_at(of, model, &dims, seed).expect("sizes that satisfy all conditions");
            assert_eq!(drawn.configured.sizes, dims[..dims.len() - 1]);
            assert_eq!(drawn.inputs[0].dims[0] as i64, dims[dims.len() - 1]);
            let c = &drawn.configured;
            let loaded = load(of, &c.sizes, &c.scalars, &drawn.prefix, &drawn.tensors).expect("loaded");
            forward(&loaded, &drawn.inputs);
        }
    }
    let found = |of, model, fixed: &[Option<i64>], profile| {
        (0..40).map(|seed| draw::layer_sizes(of, model, fixed, seed, profile)).find(|drawn| drawn.is_ok())
    };
    assert!(found(&heads, None, &[Some(24)], SizeProfile::MEDIUM).is_some());
    assert_eq!(found(&tower, Some(&m.models[0]), &[None, None, Some(13)], SizeProfile::MEDIUM), None);
    let small = SizeProfile { elements: 100, ..SizeProfile::MEDIUM };
    assert_eq!(
        draw::layer_sizes(&tower, Some(&m.models[0]), &[Some(64), Some(1)], 1, small),
        Err(Undrawable::Large { parameters: 12 * 64 + 64 * 32 })
    );
    for (of, model, dims, why) in [
        (&heads, None, &[6, 4, 1][..], "Heads: D % H == 0 does not hold: 2 and 0"),
        (&heads, None, &[4, 2, 5], "T <= D does not hold: 5 and 4"),
        (&tower, Some(&m.models[0]), &[8, 1, 11, 2], "V is always 12"),
    ] {
        assert_eq!(draw::layer_at(of, model, dims, 1).expect_err("wrong sizes"), why);
    }
}

#[test]
fn weights_in_a_format_are_encoded_or_taken_as_blocks() {
    let m = module(
        "formats:
  pairs:
    block: 2
    fields:
      low: u8
      high: u8
    decode[j]: bits(low, 0, 8) + (if j == 0 then 0 else high)
    encode:
      low = u8(x[0])
      high = u8(x[1] - x[0])
  mute:
    block: 2
    fields:
      q: u8[2]
    decode[j]: q[j]

layers:
  Rows<W>[O, I] for W in pairs, mute:
    weights:
      w: W[O, I]
    forward(x: f32[T, I]) -> y: f32[T, O]:
      y[t, o] = sum[i](x[t, i] * w[o, i])
",
    );
    let of = assembly(&m, "RowsPairs");
    let x = floats(&[1, 4], &[1.0, 10.0, 100.0, 1000.0]);
    let stored = |values: &[i64]| Tensor {
        dtype: DType::U8,
        dims: vec![2, 4],
        data: TensorData::Int(values.to_vec()),
    };
    let numbers = floats(&[2, 4], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]);
    for all in [("w", numbers.clone()), ("w", stored(&[1, 1, 3, 1, 5, 1, 7, 2]))] {
        let loaded = load(&of, &[2, 4], &[], "", &tensors(&[all])).expect("loaded");
        assert_eq!(values(&forward(&loaded, std::slice::from_ref(&x))), [[4321.0, 9765.0]]);
    }
    let refused = |of, sizes: &[i64], t: Tensor| load(of, sizes, &[], "", &tensors(&[("w", t)])).unwrap_err();
    assert!(matches!(refused(&of, &[2, 3], floats(&[2, 3], &[0.0; 6])), LoadFault::Constraint { .. }));
    assert!(matches!(refused(&of, &[2, 8], stored(&[0; 8])), LoadFault::Shape { .. }));
    let mute = assembly(&m, "RowsMute");
    assert!(load(&mute, &[2, 4], &[], "", &tensors(&[("w", stored(&[0; 8]))])).is_ok());
    let fault = refused(&mute, &[2, 4], numbers);
    assert_eq!(fault.to_string(), "tensor w is stored as floats, and mute has no `encode`");
}
