//! Checked kernels give the right numbers: cases and laws through the interpreter.

use crate::support::{Checked, check_with};
use vibee_spec::check::{Data, Expected};
use vibee_spec::interp::{self, Options, SizeProfile, Tensor};
use vibee_spec::term::{DType, Input, Kernel};

fn tensor(input: &Input, data: &Data) -> Tensor {
    let ints = || data.values.iter().map(|v| *v as i64).collect::<Vec<_>>();
    match &input.dtype {
        DType::Bool => Tensor::bool(&data.dims, &data.values.iter().map(|v| *v != 0.0).collect::<Vec<_>>()),
        t if t.is_float() => Tensor::float(t.clone(), &data.dims, &data.values),
        t => Tensor::int(t.clone(), &data.dims, &ints()),
    }
}

fn values(k: &Kernel, dims: &[i64], inputs: &[Tensor]) -> Option<Vec<(Vec<usize>, Vec<f64>)>> {
    let outs = interp::eval(k, dims, inputs, &Options::default()).ok()?;
    Some(outs.into_iter().map(|o| (o.dims.clone(), o.values.iter().map(|v| v.value).collect())).collect())
}

fn run(found: &Checked) {
    assert_eq!(found.report(), "no findings");
    for c in &found.tests.cases {
        let k = &found.module.kernels[c.kernel];
        let inputs: Vec<Tensor> = k.inputs.iter().zip(&c.inputs).map(|(i, d)| tensor(i, d)).collect();
        let got = values(k, &c.dims, &inputs);
        for e in &c.expects {
            match (e, &got) {
                (Expected::Error, None) => {}
                (Expected::Near { output, want, tol }, Some(got)) => {
                    assert_eq!(got[*output].0, want.dims, "{}", c.name);
                    let same =
                        got[*output].1.iter().zip(&want.values).all(|(a, b)| interp::near(*a, *b, *tol));
                    assert!(same, "{}: {:?} is not {:?}", c.name, got[*output].1, want.values);
                }
                (Expected::Equal { output, want }, Some(got)) => {
                    let same =
                        got[*output].1.iter().zip(&want.values).all(|(a, b)| interp::near(*a, *b, 0.0));
                    assert!(same, "{}: {:?} is not {:?}", c.name, got[*output].1, want.values);
                }
                (e, got) => panic!("{}: {e:?} against {got:?}", c.name),
            }
        }
    }
    for l in &found.tests.laws {
        for seed in 0..8 {
            let Ok(mut drawn) = interp::draw(&l.lhs, seed, SizeProfile::SMALL) else { continue };
            for (n, v) in l.vars.iter().enumerate() {
                let value = v.low + (v.high - v.low) * (seed as f64 / 7.0);
                drawn.inputs[n] = tensor(&l.lhs.inputs[n], &Data { dims: vec![], values: vec![value] });
            }
            let (a, b) =
                (values(&l.lhs, &drawn.dims, &drawn.inputs), values(&l.rhs, &drawn.dims, &drawn.inputs));
            let (Some(a), Some(b)) = (a, b) else { continue };
            assert_eq!(a[0].0, b[0].0, "{}", l.name);
            let near = |x: &f64, y: &f64| interp::near(*x, *y, l.tol.unwrap_or(0.0).max(1e-3));
            assert!(a[0].1.iter().zip(&b[0].1).all(|(x, y)| near(x, y)), "{}: {a:?} {b:?}", l.name);
        }
    }
}

/// Every kernel of the repository's own specs.
#[test]
fn specs_of_the_repository() {
    let folder = format!("{}/../specs/nn", env!("CARGO_MANIFEST_DIR"));
    let mut specs: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .filter_map(Result::ok)
        .filter(|e| e.path().extension().is_some_and(|x| x == "vibee"))
        .map(|e| {
            let name = e.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(e.path()).expect("readable"))
        })
        .collect();
    specs.sort();
    let imports: Vec<(&str, &str)> = specs.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    for (_, text) in &specs {
        run(&check_with(text, &imports));
    }
}

/// Guards through functions, splits, gathers, several outputs, empty sizes.
#[test]
fn the_language_by_example() {
    let path = format!("{}/tests/check/pass/cases.vibee", env!("CARGO_MANIFEST_DIR"));
    run(&check_with(&std::fs::read_to_string(path).expect("the spec is there"), &[]));
}
