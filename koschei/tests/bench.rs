//! `vibee bench` as users run it, on a spec of theirs, and its counts against numbers worked out by hand. Times are
//! not tested: they are the machine's.

use std::path::Path;
use std::process::{Command, Output};

use koschei::bench::sizes;
use koschei::bench::work::{self, Work};
use vibee_codegen::compile;
use vibee_codegen::project::Project;
use vibee_spec::term::Kernel;

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

fn kernels(text: &str) -> Vec<Kernel> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("measured.vibee");
    std::fs::write(&file, text).expect("it is ours");
    let project = Project::load(&[file]).expect("a spec");
    let checked = compile::check_all(&project, &|| ());
    let errors: Vec<_> = checked.iter().flat_map(|c| &c.diags.list).collect();
    assert!(errors.iter().all(|d| d.severity != vibee_spec::diag::Severity::Error), "{errors:?}");
    checked.into_iter().flat_map(|c| c.module.kernels.clone()).collect()
}

fn count(kernel: &Kernel, dims: &[(&str, i64)]) -> Work {
    let size = |name: &str| dims.iter().find(|(n, _)| *n == name).expect("every dim is given").1;
    let sizes: Vec<i64> = kernel.dims.iter().map(|d| size(&d.name)).collect();
    work::count(kernel, &sizes).expect("small sizes")
}

#[test]
fn work_is_what_the_equations_say() {
    let all = kernels(SPEC);
    let of = |name: &str, dims: &[(&str, i64)]| {
        count(all.iter().find(|k| k.name == name).expect("a kernel"), dims)
    };
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
    let (plain, other) = (kernels(SPEC), kernels(&renamed));
    for (a, b) in plain.iter().zip(&other) {
        let dims: Vec<i64> = (0..a.dims.len() as i64).map(|n| 9 + n).collect();
        assert_eq!(work::count(a, &dims), work::count(b, &dims), "{} and {}", a.name, b.name);
    }
}

#[test]
fn chosen_sizes_keep_those_given() {
    for kernel in kernels(SPEC) {
        let points = sizes::points(&kernel, &vec![None; kernel.dims.len()]);
        assert!(!points.is_empty(), "{}", kernel.name);
        let mut fixed = vec![None; kernel.dims.len()];
        fixed[0] = Some(24);
        let points = sizes::points(&kernel, &fixed);
        assert!(!points.is_empty() && points.iter().all(|p| p.dims[0] == 24), "{}: {points:?}", kernel.name);
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
        if row["kernel"] == "soft" {
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
fn what_cannot_be_measured_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::write(at.join("measured.vibee"), SPEC).expect("it is ours");
    std::fs::write(at.join("broken.vibee"), SPEC.replace("max[d]", "most[d]")).expect("it is ours");
    std::fs::write(at.join("no.json"), "{}").expect("it is ours");
    for (args, code, part) in [
        (&["nothing"][..], 2, "there is no folder `specs`"),
        (&["measured.vibee", "sotf"], 2, "did you mean `soft`?"),
        (&["measured.vibee", "--dims", "Q=4"], 2, "no kernel has a dim `Q`; they have D, K, M, N, T, V"),
        (&["measured.vibee", "--dims", "Q"], 2, "write NAME=SIZE, such as T=128"),
        (&["measured.vibee", "--isa", "mmx", "--rounds", "1"], 2, "this machine has no level mmx"),
        (&["measured.vibee", "--against", "no.json"], 2, "no.json is no saved run"),
        (&["measured.vibee", "--against", "gone.json"], 2, "cannot read gone.json"),
        (&["broken.vibee"], 1, "error"),
    ] {
        let output = bench(at, args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(part), "{args:?}: {}", said(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
