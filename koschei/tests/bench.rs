//! `vibee bench` as users run it, on a spec of theirs, and its counts against numbers worked out by hand. Times are
//! not tested: they are the machine's.

use std::path::Path;
use std::process::{Command, Output};

use koschei::bench::sizes;
use koschei::bench::units::{self, Unit, Units};
use koschei::bench::work::Work;
use vibee_codegen::compile;
use vibee_codegen::project::Project;

const SPEC: &str = "name: measured
kernels:
  # Products of rows.
  products(a: f32[M, K], b: f32[N, K]) -> y: f32[M, N]:
    y[m, n] = sum[k](a[m, k] * b[n, k])

  # Rows, by the exponential.
  soft(x: f32[T, D]) -> y: f32[T, D]:
    top[t] = max[d](x[t, d])
    e[t, d] = exp(x[t, d] - top[t])
    y[t, d] = e[t, d] / sum[d](e[t, d])

  # Sums of what is not later.
  before(x: f32[T]) -> y: f32[T]:
    y[t] = sum[s if s <= t](x[s])

  # Rows of a table.
  rows(ids: idx<V>[T], table: f16[V, D]) -> y: f32[T, D]:
    y[t, d] = table[ids[t], d]

  # Sums of what a mask lets through.
  masked(x: f32[T, D], keep: bool[T, D]) -> y: f32[T]:
    y[t] = sum[d if keep[t, d]](x[t, d])
";

const LAYERS: &str = "name: layered
formats:
  # Whole numbers from -127 to 127 times a scale: 36 bytes for 32 of them.
  bytes32:
    block: 32
    fields:
      d: f32
      q: i8[32]
    decode[j]: d * q[j]
    encode:
      largest = max[j](abs(x[j]))
      d = largest / 127
      q[j] = if largest == 0 then i8(0) else i8(round(x[j] / (largest / 127)))

layers:
  # A matrix, kept as numbers or as bytes.
  Project<W>[I, O] for W in f32, bytes32:
    weights:
      w: W[O, I]
      b: f32[O]
    forward(x: f32[T, I]) -> y: f32[T, O]:
      y[t, o] = sum[i](x[t, i] * w[o, i]) + b[o]

  # N different matrices by turns with one that is always the same, over rows of a table.
  Turns[V, D, N]:
    weights:
      table: bf16[V, D]
      same: Project<f32>[D, D]
      other: Project<bytes32>[D, D] * N
    forward(tok: idx<V>[T]) -> y: f32[T, D]:
      x[t, d] = table[tok[t], d]
      for i in N:
        a = other[i](x)
        x = same(a)
      y[t, d] = tanh(x[t, d])

models:
  Tower:
    config: { D: width, L: depth, V: 12, eps: eps = 1e-5 }
    weights:
      words: f32[V, D]
      blocks: Project<f32>[D, D] * L = \"layers.{i}.\"
    forward(tok: idx<V>[T]) -> y: f32[T]:
      x[t, d] = words[tok[t], d]
      for i in L: x = blocks[i](x)
      y[t] = sum[d](x[t, d]) / (D + eps)
";

/// What can be called of a spec.
fn with_units<T>(text: &str, f: impl FnOnce(&[Unit<'_>]) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("measured.vibee");
    std::fs::write(&file, text).expect("it is ours");
    let project = Project::load(&[file]).expect("a spec");
    let checked = compile::check_all(&project, &|| ());
    let errors: Vec<_> = checked.iter().flat_map(|c| &c.diags.list).collect();
    assert!(errors.iter().all(|d| d.severity != vibee_spec::diag::Severity::Error), "{errors:?}");
    let layers = units::layers(&project, &checked, &[]);
    f(&Units::new(&project, &checked, &layers, &[]).expect("something to call").list)
}

fn count(units: &[Unit<'_>], name: &str, dims: &[(&str, i64)]) -> Work {
    let what = units.iter().find(|u| u.what.name() == name).expect("its name").what;
    let size = |name: &str| dims.iter().find(|(n, _)| *n == name).expect("every dim is given").1;
    let sizes: Vec<i64> = what.dims().iter().map(|d| size(&d.name)).collect();
    what.work(&sizes).expect("small sizes")
}

#[test]
fn work_is_what_the_equations_say() {
    with_units(SPEC, |units| kernels_do_what_their_equations_say(&|name, dims| count(units, name, dims)));
    with_units(LAYERS, |units| layers_do_what_their_steps_do(&|name, dims| count(units, name, dims)));
}

type Counted<'a> = &'a dyn Fn(&str, &[(&str, i64)]) -> Work;

fn layers_do_what_their_steps_do(of: Counted<'_>) {
    let (t, i, o) = (3.0, 64.0, 5.0);
    let sizes = [("T", 3), ("I", 64), ("O", 5)];
    // A product and a sum for each pair, and the sum with b.
    let products = t * o * (2.0 * i + 1.0);
    let others = 4.0 * (t * i + o + t * o);
    let plain = of("ProjectF32", &sizes);
    assert_eq!(plain, Work { flops: products, functions: 0.0, bytes: others + 4.0 * o * i, at_most: false });
    // Each number is decoded once by a product.
    let packed = of("ProjectBytes32", &sizes);
    assert_eq!((packed.flops, packed.bytes), (products + o * i, others + o * i / 32.0 * 36.0));

    let (t, d, n) = (2.0, 32.0, 3.0);
    let sizes = [("T", 2), ("V", 100), ("D", 32), ("N", 3)];
    let turns = of("Turns", &sizes);
    let inside = [("T", 2), ("I", 32), ("O", 32)];
    let (same, other) = (of("ProjectF32", &inside), of("ProjectBytes32", &inside));
    assert_eq!(turns.flops, n * (same.flops + other.flops));
    assert_eq!(turns.functions, t * d);
    // Rows of the table that are read, the one matrix once, each of the others once; tok and y.
    let matrices = 4.0 * (d * d + d) + n * (d * d / 32.0 * 36.0 + 4.0 * d);
    assert_eq!(turns.bytes, 2.0 * t * d + matrices + 4.0 * t + 4.0 * t * d);
    let without = of("Turns", &[("T", 2), ("V", 100), ("D", 32), ("N", 0)]);
    assert_eq!((without.flops, without.bytes), (0.0, 2.0 * t * d + 4.0 * t + 4.0 * t * d));
    // More rows than the table has read all of it, once.
    let many = of("Turns", &[("T", 200), ("V", 10), ("D", 32), ("N", 0)]);
    assert_eq!(many.bytes, 2.0 * 10.0 * d + 4.0 * 200.0 + 4.0 * 200.0 * d);
}

fn kernels_do_what_their_equations_say(of: Counted<'_>) {
    let (m, n, k) = (5.0, 7.0, 11.0);
    assert_eq!(
        of("products", &[("M", 5), ("N", 7), ("K", 11)]),
        Work { flops: 2.0 * m * n * k, functions: 0.0, bytes: 4.0 * (m * k + n * k + m * n), at_most: false }
    );
    let (t, d) = (3.0, 10.0);
    // A maximum, a difference, a sum and a quotient for each element; one exponential.
    assert_eq!(
        of("soft", &[("T", 3), ("D", 10)]),
        Work { flops: 4.0 * t * d, functions: t * d, bytes: 8.0 * t * d, at_most: false }
    );
    // 1 + 2 + … + 20 of 400 pairs.
    let work = of("before", &[("T", 20)]);
    assert_eq!((work.flops.round(), work.bytes, work.at_most), (210.0, 160.0, false));
    // As many rows of the table as there are ids, or the whole table once.
    let few = of("rows", &[("T", 2), ("V", 100), ("D", 8)]);
    assert_eq!((few.flops, few.bytes), (0.0, 2.0 * 4.0 + 2.0 * 8.0 * 2.0 + 2.0 * 8.0 * 4.0));
    let many = of("rows", &[("T", 50), ("V", 10), ("D", 8)]);
    assert_eq!(many.bytes, 50.0 * 4.0 + 10.0 * 8.0 * 2.0 + 50.0 * 8.0 * 4.0);
    assert!(of("masked", &[("T", 2), ("D", 4)]).at_most, "how much a mask lets through is not in the spec");
}

#[test]
fn no_name_changes_a_count() {
    let renamed = SPEC
        .replace("products", "softmax")
        .replace("soft(", "matmul(")
        .replace("before", "attention")
        .replace("table", "q");
    let layers = LAYERS.replace("Project", "Norm").replace("Turns", "Attention").replace("same", "keys");
    let works = |text: &str| {
        with_units(text, |units| {
            let sizes = |u: &Unit<'_>| (1..=u.what.dims().len() as i64).map(|n| 32 * n).collect::<Vec<_>>();
            units.iter().map(|u| u.what.work(&sizes(u)).expect("small sizes")).collect::<Vec<_>>()
        })
    };
    assert_eq!(works(SPEC), works(&renamed));
    assert_eq!(works(LAYERS), works(&layers));
}

#[test]
fn chosen_sizes_keep_those_given() {
    let each = |u: &Unit<'_>| {
        let (what, count) = (u.what, u.what.dims().len());
        let points = sizes::points(what, &vec![None; count]).expect("sizes");
        assert!(!points.is_empty(), "{}", what.name());
        // Another size for the last, which in layers is that of an argument.
        for at in [0, count - 1] {
            let mut fixed = vec![None; count];
            fixed[at] = Some(96);
            let points = sizes::points(what, &fixed).expect("sizes");
            assert!(!points.is_empty(), "{}", what.name());
            assert!(points.iter().all(|p| p.dims[at] == 96), "{}: {points:?}", what.name());
        }
    };
    for text in [SPEC, LAYERS] {
        with_units(text, |units| units.iter().for_each(each));
    }
}

fn bench(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vibee-bench"));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vibee");
    command.args(args).current_dir(folder).env("NO_COLOR", "1").env("VIBEE_CACHE", cache);
    command.output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_spec_of_ones_own_is_measured_saved_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("measured.vibee"), SPEC).expect("it is ours");
    let quick = ["--rounds", "2", "--turn", "1", "--dims", "T=16,D=40"];

    let output = bench(
        at,
        &[&["measured.vibee", "--json", "--svg", "roof.svg", "--save", "run.json"][..], &quick].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = run["rows"].as_array().expect("rows");
    assert!(rows.len() >= 5, "{run:#}");
    for row in rows {
        let positive = |v: &serde_json::Value| v.as_f64().is_some_and(|v| v > 0.0 && v.is_finite());
        assert!(positive(&row["nanoseconds"]["median"]) && positive(&row["bytes_per_second"]), "{row:#}");
        assert!(positive(&row["peak_flops_per_second"]) && positive(&row["share_of_roof"]), "{row:#}");
        assert!(row["against"].is_null(), "{row:#}");
        assert_eq!(row["kind"], "kernel");
        if row["name"] == "soft" {
            assert_eq!((row["dims"]["T"].as_i64(), row["dims"]["D"].as_i64()), (Some(16), Some(40)));
        }
    }
    let picture = std::fs::read_to_string(at.join("roof.svg")).expect("a picture");
    assert!(picture.starts_with("<svg") && picture.matches("<circle").count() >= 3);

    let output = bench(at, &[&["measured.vibee", "--against", "run.json"][..], &quick].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    let soft = table.lines().find(|l| l.starts_with("soft")).expect("a row");
    let verdicts = ["no difference", "faster", "slower"];
    assert!(verdicts.iter().any(|v| soft.ends_with(v)) && soft.contains("T=16 D=40"), "{table}");
}

#[test]
fn layers_and_models_are_measured_saved_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("layered.vibee"), LAYERS).expect("it is ours");
    let quick = ["--rounds", "2", "--turn", "1", "--dims", "T=3,D=64,I=64"];

    let output = bench(at, &[&["layered.vibee", "--json", "--save", "run.json"][..], &quick].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let run: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = run["rows"].as_array().expect("rows");
    for (kind, name) in [
        ("kernel", "decode_bytes32"),
        ("kernel", "encode_bytes32"),
        ("layer", "ProjectF32"),
        ("layer", "ProjectBytes32"),
        ("layer", "Turns"),
        ("model", "Tower"),
    ] {
        let row = rows.iter().find(|row| row["kind"] == kind && row["name"] == name);
        let row = row.unwrap_or_else(|| panic!("{name}: {run:#}"));
        let positive = |v: &serde_json::Value| v.as_f64().is_some_and(|v| v > 0.0 && v.is_finite());
        assert!(positive(&row["nanoseconds"]["median"]) && positive(&row["share_of_roof"]), "{row:#}");
        assert!(positive(&row["work"]["bytes"]) && positive(&row["bytes_per_second"]), "{row:#}");
        for (dim, size) in [("T", 3), ("D", 64), ("I", 64)] {
            assert!(row["dims"][dim].is_null() || row["dims"][dim] == size, "{row:#}");
        }
    }

    // A generic layer's name means its instances; the saved program has them under other numbers.
    let output =
        bench(at, &[&["layered.vibee", "Project", "Tower", "--against", "run.json"][..], &quick].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    for name in ["ProjectF32", "ProjectBytes32", "Tower"] {
        let row = table.lines().find(|l| l.starts_with(name)).expect("a row");
        assert!(["no difference", "faster", "slower"].iter().any(|v| row.ends_with(v)), "{table}");
    }
    assert!(!table.contains("Turns") && !table.contains("decode"), "{table}");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("measured.vibee"), SPEC).expect("it is ours");
    std::fs::write(at.join("layered.vibee"), LAYERS).expect("it is ours");
    std::fs::write(at.join("broken.vibee"), SPEC.replace("max[d]", "most[d]")).expect("it is ours");
    std::fs::write(at.join("no.json"), "{}").expect("it is ours");
    for (args, code, part) in [
        (&["nothing"][..], 2, "there is no folder `specs`"),
        (&["measured.vibee", "sotf"], 2, "did you mean `soft`?"),
        (
            &["measured.vibee", "--dims", "Q=4"],
            2,
            "nothing that was asked for has a dim `Q`; there are D, K, M, N, T, V",
        ),
        (&["measured.vibee", "--dims", "Q"], 2, "write NAME=SIZE, such as T=128"),
        (&["measured.vibee", "--isa", "mmx", "--rounds", "1"], 2, "this machine has no level mmx"),
        (&["measured.vibee", "--against", "no.json"], 2, "no.json is no saved run"),
        (&["measured.vibee", "--against", "gone.json"], 2, "cannot read gone.json"),
        (&["broken.vibee"], 1, "error"),
        (
            &["layered.vibee", "Projct"],
            2,
            "neither a file or folder nor a kernel, layer or model of these specs; did you mean `Project`?",
        ),
        (&["layered.vibee", "Tower", "--dims", "V=13"], 1, "Tower with V=13: V is always 12"),
        (
            &["layered.vibee", "ProjectBytes32", "--dims", "I=33"],
            1,
            "ProjectBytes32 with I=33: I % 32 == 0 does not hold: 1 and 0",
        ),
        (&["layered.vibee", "Turns", "--dims", "D=100000"], 1, "Turns with D=100000: too large to be drawn"),
        (
            &["layered.vibee", "ProjectF32", "--dims", "I=100000,O=100000,T=1"],
            1,
            "ProjectF32 with I=100000 O=100000 T=1: too large to be drawn: 10000300000 numbers",
        ),
    ] {
        let output = bench(at, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(part), "{args:?}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
