//! `vibee test` of layers and models: everything that the language allows around a `forward`.

use serde_json::Value;
use vibee_codegen::compile;
use vibee_codegen::project::Project;

use crate::support::Desk;

const PARTS: &str = "name: parts
language: rust

layers:
  # Stored in either type, computed in f32.
  Project<W>[I, O] for W in f32, bf16:
    weights:
      w: W[O, I] = \"weight\"
    forward(x: f32[T, I]) -> y: f32[T, O]:
      y[t, o] = sum[i](x[t, i] * w[o, i])

  # Two outputs, one of them indices.
  Best[D] where D >= 1:
    weights:
      gain: f32[D]
    forward(x: f32[T, D], least: f32) -> (y: f32[T, D], best: idx<D>[T]):
      y[t, d] = max(x[t, d] * gain[d], least)
      best[t] = argmax[d](y[t, d])

  # A number of rows, given as a constant, as an argument and as a difference.
  Head[D]:
    weights:
      gain: f32[D]
    forward(x: f32[T, D], p: len<T>, i: idx<T>) -> y: f32[T, D]:
      y[t, d] = if t < p then x[t, d] * gain[d] else x[i, d]
  Heads[D]:
    weights:
      head: Head[D]
    forward(x: f32[T, D], n: i32) -> y: f32[T, D]:
      u = head(x, 1, 0)
      z = head(u, n, 0)
      y = head(z, T - 1, T - 1)
";

const TOWER: &str = "name: tower
language: rust

imports:
  - ../parts

kernels:
  double(x: f32[T]) -> y: f32[T]:
    y[t] = 2 * x[t]

layers:
  # A layer of layers of another spec.
  Block<W>[D, F] for W in f32, bf16:
    weights:
      up: Project<W>[D, F]
      down: Project<W>[F, D] = \"down.\"
      pick: Best[D] = \"\"
    forward(x: f32[T, D], least: f32) -> (y: f32[T, D], best: idx<D>[T]):
      h = up(x)
      inner[t, f] = tanh(h[t, f])
      z = down(inner)
      y, best = pick(0.5 * x + z, least)

  # Copies of two sublayers in one loop, and of one in two loops inside each other.
  Weave[D, F, N]:
    weights:
      a: Project<f32>[D, F] * N = \"a.{i}.\"
      b: Project<bf16>[F, D] * N = \"b.{i}.\"
    forward(x: f32[T, D]) -> y: f32[T, D]:
      y = x
      for i in N:
        u = a[i](y)
        for j in N:
          v[t, f] = tanh(u[t, f]) / (N + 1)
          w = b[j](v)
          u = a[i](w)
        y = b[i](u)

models:
  # Tied tables, loops of no rounds, names that change places, indices in and out.
  Tower:
    config:
      V: vocab_size
      D: width
      F: \"feed-forward\" = 5
      L: depth
      N: woven = 1
      K: 2
      least: least = -1e-3
    weights:
      words: f32[V, D] = \"words\"
      blocks: Block<f32>[D, F] * L = \"blocks.{i}.\"
      last: Block<bf16>[D, F] = \"blocks.last.\"
      weave: Weave[D, F, N] * K
      scale: f32 = \"scale\"
    forward(tok: idx<V>[T], pos: len<T>) -> (scores: f32[T, V], next: idx<V>[T], place: idx<D>[T]):
      x[t, d] = words[tok[t], d] * scale
      older = x
      for i in L:
        z, best = blocks[i](x, least)
        mean[t, d] = (z[t, d] + older[t, d]) / 2
        older = x
        x = mean
      for i in K: x = weave[i](x)
      y, place = last(x, 2 * least)
      scores[t, v] = if t < pos then sum[d](y[t, d] * words[v, d]) else 0.0
      next[t] = argmax[v](scores[t, v])
";

const LARGE: &str = "name: large
language: rust

models:
  Table:
    config: { V: 30000000, D: width }
    weights:
      words: f32[V, D]
    forward(tok: idx<V>[T]) -> y: f32[T, D]:
      y[t, d] = words[tok[t], d]

  # Fixed, but not too large.
  Small:
    config: { V: 2000, D: 3 }
    weights:
      words: f32[V, D]
    forward(tok: idx<V>[T]) -> y: f32[T, D]:
      y[t, d] = words[tok[t], d] / 3
";

/// Formats, one of which the runtime multiplies with.
const STORED: &str = "name: stored
language: rust

formats:
  eighths:
    block: 32
    fields:
      d: f32
      q: i8[32]
    decode[j]: d * q[j]
    encode:
      d = 0.125
      q[j] = i8(round(8 * x[j]))

  # No power of two in a block, and nothing encodes it.
  thirds:
    block: 3
    fields:
      low: u8
      rest: u8[2]
    decode[j]: (if j == 0 then 0 else f32(rest[max(j - 1, 0)])) - low
";

const KEPT: &str = "name: kept
language: rust

imports:
  - formats/stored

layers:
  # Products, rows picked by data, vectors and a sum over everything.
  Kept<W>[I, O] for W in eighths, thirds, bf16:
    weights:
      w: W[O, I] = \"weight\"
      gain: W[I]
    forward(x: f32[T, I], row: idx<O>[T]) -> (y: f32[T, O], z: f32[T, I], s: f32):
      y[t, o] = tanh(sum[i](x[t, i] * w[o, i]))
      z[t, i] = w[row[t], i] * gain[i] + x[t, i]
      s = sum[o, i](w[o, i])

  # Bytes times bytes, of two weights in a format the one that nothing else reads.
  Rounded[D]:
    weights:
      alone: eighths[D, D]
      shared: eighths[D, D]
    forward(x: f32[T, D]) -> (y: f32[T, D], s: f32) allow x: i8, z: i8:
      z[t, d] = sum[e](x[t, e] * alone[d, e])
      y[t, d] = sum[e](z[t, e] * shared[d, e])
      s = sum[d, e](shared[d, e])

  Scaled[D]:
    weights:
      scale: eighths[D]
      inner: Plain[D]
    forward(x: f32[T, D]) -> y: f32[T, D]:
      y = inner(x, scale)

  # Is given the numbers of somebody's weight.
  Plain[D]:
    weights:
      shift: f32[D]
    forward(x: f32[T, D], scale: f32[D]) -> y: f32[T, D]:
      y[t, d] = x[t, d] * scale[d] + shift[d]

models:
  # The same tensor as floats and in a format.
  Both<W> for W in eighths, f32:
    config: { D: width, L: depth }
    weights:
      table: W[D, D]
      floats: f32[D, D] = \"table\"
      kept: Kept<eighths>[D, D] * L = \"kept.{i}.\"
    forward(x: f32[T, D], row: idx<D>[T]) -> (y: f32[T, D], n: f32):
      y = x
      for i in L: y, z, s = kept[i](y, row)
      n = sum[d, e](table[d, e] - floats[d, e])
";

#[test]
fn weights_are_kept_in_formats() {
    let desk = Desk::new(&[("kept.vibee", KEPT), ("formats/stored.vibee", STORED)]);
    let done = desk.vibee("test kept.vibee --cases 16 --json");
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    let json: Value = serde_json::from_str(&done.out).expect("JSON");
    let layers = json["specs"][0]["layers"].as_array().expect("layers");
    let names = layers.iter().map(|l| l["layer"].as_str().expect("a name")).collect::<Vec<_>>();
    assert_eq!(
        names,
        ["KeptEighths", "KeptThirds", "KeptBf16", "Rounded", "Scaled", "Plain", "BothEighths", "BothF32"]
    );
    for l in layers {
        let count = |key: &str| l[key].as_u64().unwrap_or(0);
        assert_eq!((l["status"].as_str(), count("draws")), (Some("ok"), 16), "{l:#}");
        assert!(count("values") - count("skipped") > 50 && count("refused") > 3, "{l:#}");
    }
    let shown = desk.vibee("gen kept.vibee formats/stored.vibee --out src");
    assert_eq!(shown.code, 0, "{}", shown.err);
    let code = std::fs::read_to_string(desk.path("src/kept.rs")).expect("Rust");
    let of = |layer: &str| code.split(&format!("fn {layer}")).nth(1).expect("its step")[..1500].to_owned();
    // What the runtime multiplies with stays in its blocks; the rest is decoded where it is read.
    assert!(of("kept_eighths_").contains("BlockMat::<EighthsBlocks>"), "{code}");
    assert!(!of("kept_thirds_").contains("BlockMat"), "{code}");
    assert!(code.contains("&crate::formats::stored::eighths::FORMAT"), "{code}");
    assert!(code.contains("alone: Strips") && code.contains("shared: Tensor<u8, 2>"), "{code}");
    assert_eq!(of("rounded_").matches(".gemm_int8(").count(), 2, "{code}");
}

#[test]
fn layers_and_models_are_tested() {
    let desk = Desk::new(&[("parts.vibee", PARTS), ("net/tower.vibee", TOWER), ("large.vibee", LARGE)]);
    let done = desk.vibee("test . --cases 12 --json");
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{}", done.out);
    let json: Value = serde_json::from_str(&done.out).expect("JSON");
    let specs = json["specs"].as_array().expect("specs");
    let all: Vec<&Value> = specs.iter().flat_map(|s| s["layers"].as_array().expect("layers")).collect();
    let shown = |l: &&Value| format!("{} {} {}", l["kind"], l["layer"], l["status"]).replace('"', "");
    assert_eq!(
        all.iter().map(shown).collect::<Vec<_>>(),
        [
            "model Table not tested",
            "model Small ok",
            "layer BlockF32 ok",
            "layer BlockBf16 ok",
            "layer Weave ok",
            "model Tower ok",
            "layer ProjectF32 ok",
            "layer ProjectBf16 ok",
            "layer Best ok",
            "layer Head ok",
            "layer Heads ok",
        ]
    );
    assert_eq!(all[0]["untested"], "too large to interpret: 30000000 parameters at the least");
    for l in &all[1..] {
        let count = |key: &str| l[key].as_u64().unwrap_or(0);
        assert!(count("draws") == 12 || l["layer"] == "Small", "{l:#}");
        assert!(count("values") - count("skipped") > 50, "{l:#}");
        assert!(count("refused") > 3 || l["layer"] == "Small", "{l:#}");
        assert!(l["worst"].as_f64() <= Some(1.0), "{l:#}");
    }
    assert!(all[5]["values"].as_u64() > all[5]["skipped"].as_u64().map(|n| 2 * n), "{:#}", all[5]);
}

#[test]
fn a_model_that_is_too_large_is_not_tested() {
    let desk = Desk::new(&[("large.vibee", LARGE)]);
    let done = desk.vibee("test large.vibee --filter Table --cases 3");
    assert_eq!((done.code, done.err.as_str()), (1, "error: nothing was tested\n"), "{}", done.out);
    let lines: Vec<&str> = done.out.lines().collect();
    assert!(
        lines[2].starts_with("  model Table ") && lines[2].ends_with(" 0.000  not tested"),
        "{}",
        done.out
    );
    assert_eq!(lines[3], "    too large to interpret: 30000000 parameters at the least");
    assert!(lines[5].starts_with("1 model on ") && lines[5].contains(": 0 failed, 1 not tested; 0 values"));
}

#[test]
fn functions_of_steps_get_names_of_their_own() {
    let net = |name: &str| {
        format!(
            "  {name}[D]:\n    weights:\n      w: f32[D]\n    forward(x: f32[T, D]) -> y: f32[T]:\n      y[t] = sum[d](x[t, d] * w[d])\n\n"
        )
    };
    let kernel =
        "kernels:\n  my_net_y(x: f32[T, D], w: f32[D]) -> y: f32[T]:\n    y[t] = sum[d](x[t, d] * w[d])\n";
    let spec = format!("name: nets\nlanguage: rust\n\nlayers:\n{}{}{kernel}", net("MyNet"), net("My_Net"));
    let desk = Desk::new(&[("nets.vibee", &spec)]);
    let project = Project::load(&[desk.path("nets.vibee")]).expect("a spec");
    let checked = project.check(0);
    assert!(checked.diags.list.is_empty(), "{:?}", checked.diags.list);
    let code =
        compile::rust(&project.specs[0], &checked.module, project.shown(0)).expect("Rust").expect("some");
    let file = syn::parse_file(&code).expect("it parses");
    let mut names: Vec<String> = file
        .items
        .iter()
        .filter_map(|i| match i {
            syn::Item::Fn(f) => Some(f.sig.ident.to_string()),
            syn::Item::Struct(s) => Some(s.ident.to_string()),
            _ => None,
        })
        .collect();
    assert!(names.len() >= 8, "{names:?}");
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}\n{code}");
}
