//! The library's own kernels, from text: what the checker makes of them evaluates within its bound.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use vibee_spec::ast::File;
use vibee_spec::check::check;
use vibee_spec::diag::Diags;
use vibee_spec::interp::SizeProfile;
use vibee_spec::parse::parse;
use vibee_spec::span::Source;
use vibee_spec::term::Kernel;

use crate::bounds::run;

fn sources(dir: &Path, out: &mut BTreeMap<PathBuf, (File, Source)>) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "vibee") {
            let text = std::fs::read_to_string(&path).unwrap();
            let source = Source { path: path.to_string_lossy().into_owned(), text };
            let mut diags = Diags::default();
            let file = parse(&source, &mut diags);
            out.insert(path, (file, source));
        }
    }
}

/// Every kernel of `specs/nn` that the checker passes.
fn library() -> Vec<Kernel> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/nn").canonicalize().unwrap();
    let mut files = BTreeMap::new();
    sources(&root, &mut files);
    let mut out = Vec::new();
    for (file, source) in files.values() {
        let mut diags = Diags::default();
        let imports = |from: &Source, entry: &str| {
            let path =
                Path::new(&from.path).parent()?.join(entry).with_extension("vibee").canonicalize().ok()?;
            files.get(&path).map(|(f, s)| (f, s))
        };
        out.extend(check(file, source, &imports, &mut diags).kernels);
    }
    out
}

/// Every corner of the expression language that the library does not reach.
const CORNERS: &str = r#"
name: corners
language: rust
description: x

kernels:
  integers(a: i32[T], b: i32[T], c: i8[T], e: u8[T]) -> y: i32[T]:
    y[t] = (a[t] // b[t]) * b[t] + a[t] % b[t] + max(c[t], -3) - min(e[t], abs(a[t])) + sign(a[t]) * c[t]^2

  counts(x: f32[T, D], lo: f32) -> (n: i32[T], some: bool[T], every: bool[T], last: i32[T]):
    n[t] = sum[d if x[t, d] > lo](1)
    some[t] = any[d](x[t, d] == 0)
    every[t] = all[d](x[t, d] <= lo or x[t, d] != x[t, d])
    last[t] = max[d if not (x[t, d] < lo)](d * 3 - 1)

  triangle(x: f32[T, D]) -> y: f32[T, D]:
    y[t, d] = sum[s if s <= t and s + 3 > t](x[s, d]) / (1 + t - max(t - 2, 0))

  casts(x: f32[T]) -> (i: i32[T], b: i8[T], u: u8[T], k: idx<T>[T], h: f16[T], g: bf16[T]):
    i[t] = i32(x[t] * 3)
    b[t] = i8(round(x[t] * 40))
    u[t] = u8(x[t] * 100)
    k[t] = idx<T>(x[t])
    h[t] = x[t] * x[t]
    g[t] = x[t] / 3

  nearest(x: f32[T, D], code: f32[K, D]) -> (k: idx<K>[T], y: f32[T, D]) where K >= 1:
    far[t, j] = sum[d]((x[t, d] - code[j, d])^2)
    k[t] = argmin[j](far[t, j])
    y[t, d] = code[k[t], d]

  pool(x: f32[C, S*I + K, S*J + K], K: dim, S: dim) -> y: f32[C, I, J]:
    y[c, i, j] = max[p in K, q in K](x[c, S*i + p, S*j + q])

  edges(x: f32[T]) -> y: f32[T]:
    y[t] = x[t - 1; -x[t]] + 2 * x[t + 1; x[t] * x[t]] - clamp(x[t], -0.5, 0.5)

  powers(x: f32[T], p: f32) -> y: f32[T]:
    y[t] = x[t]^3 - x[t]^-2 + abs(x[t])^p + 2^x[t] + prod[k in 3](x[t] - k)

  double(x: f64[T, D], w: f32[D]) -> y: f64[T]:
    y[t] = log(1 + sum[d](exp(-x[t, d]^2) * w[d]^2)) - sigmoid(max[d](x[t, d])) + sqrt(abs(x[t, 0; 2]))

  branches(x: f32[T, D]) -> y: f32[T, D]:
    mean[t] = sum[d](x[t, d]) / D
    y[t, d] = if x[t, d] > mean[t] then floor(x[t, d] * mean[t]) else if mean[t] == 0 then 1 else ceil(mean[t])
"#;

#[test]
fn corners_of_the_language_stay_within_their_bounds() {
    let source = Source { path: "corners.vibee".into(), text: CORNERS.into() };
    let (mut parsed, mut checked) = (Diags::default(), Diags::default());
    let file = parse(&source, &mut parsed);
    let none = |_: &Source, _: &str| None;
    let kernels = check(&file, &source, &none, &mut checked).kernels;
    assert_eq!(kernels.len(), 10, "{:?}", (parsed.list, checked.list));
    judge(kernels, 80);
}

#[test]
fn library_kernels_stay_within_their_bounds() {
    let kernels = library();
    assert!(kernels.len() > 20, "only {} kernels", kernels.len());
    judge(kernels, 40);
}

/// Evaluates drawn calls both ways and prints how tight the bound was.
fn judge(kernels: Vec<Kernel>, draws: u64) {
    for k in kernels {
        let profile = SizeProfile { dims: &[1, 2, 3, 4, 5, 8, 17], work: 40_000, ..SizeProfile::SMALL };
        let tally = run(&k, draws, profile, 0.0);
        let (count, skipped) = (tally.ratios.len(), tally.skipped);
        let worst = tally.ratios.last().copied().unwrap_or(0.0);
        let median = tally.ratios.get(count / 2).copied().unwrap_or(0.0);
        println!(
            "{:24} {count:7} elements, {skipped:6} skipped, worst {worst:.3}, median {median:.4}",
            k.name
        );
        assert!(count > skipped, "{}: {skipped} skipped of {}", k.name, count + skipped);
        run(&k, 20, profile.with_specials(), 0.0);
    }
}
