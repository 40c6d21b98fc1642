//! Wrong layers are caught: each mutant is what a faulty compiler would make of the spec, compiled for
//! real and held against the interpreter's reading of the right one.

use std::path::Path;
use std::sync::Arc;

use vibee_codegen::harness::Driver;
use vibee_codegen::harness::package::{self, Spec};
use vibee_codegen::project::Project;
use vibee_codegen::trial::layers::closure::Closure;
use vibee_codegen::trial::{Effort, layers};
use vibee_spec::term::{Arg, DType, Int, Layer, Model, Module, Step};

use crate::support::Desk;

/// Little code, since every mutant is compiled.
const SPEC: &str = "name: tower
language: rust

layers:
  Bend[D] where D % 2 == 1:
    weights:
      gain: f32[D] = \"gain\"
      shift: f32[D] = \"shift\"
    forward(x: f32[T, D], keep: f32) -> y: f32[T, D]:
      y[t, d] = keep * x[t, d] + abs(x[t, d] * gain[d] + shift[d])

models:
  Tower:
    config: { V: vocab, D: width, L: depth, M: repeats = 2, keep: keep = 0.5 }
    weights:
      words: f32[V, D] = \"words\"
      first: Bend[D] * L = \"first.{i}.\"
      second: Bend[D] * M = \"second.{i}.\"
    forward(tok: idx<V>[T]) -> y: f32[T, D]:
      y[t, d] = words[tok[t], d]
      for i in L:
        y = first[i](y, keep)
        for j in M: y = second[j](y, keep)
";

/// What is made wrong, and how.
type Mutant = (&'static str, fn(&mut Module));

fn bend(m: &mut Module) -> &mut Layer {
    &mut m.layers[0]
}

fn tower(m: &mut Module) -> &mut Model {
    &mut m.models[0]
}

/// The steps of the model's outer and inner loop.
fn outer(m: &mut Module) -> &mut Step {
    let steps = &mut tower(m).layer.forward.steps;
    steps.iter_mut().find(|s| matches!(s, Step::Loop { .. })).expect("a loop")
}

fn inner(m: &mut Module) -> &mut Step {
    let Step::Loop { body, .. } = outer(m) else { unreachable!("outer is a loop") };
    body.iter_mut().find(|s| matches!(s, Step::Loop { .. })).expect("a loop in it")
}

fn forget(step: &mut Step) {
    let Step::Loop { carried, .. } = step else { unreachable!("a loop") };
    carried.clear();
}

fn once(step: &mut Step) {
    let Step::Loop { count, .. } = step else { unreachable!("a loop") };
    *count = Int::constant(1);
}

const MUTANTS: &[Mutant] = &[
    ("nothing", |_| {}),
    ("two tensors' names are swapped", |m| {
        let w = &mut bend(m).weights;
        let name = w[0].tensor.clone();
        w[0].tensor = std::mem::replace(&mut w[1].tensor, name);
    }),
    ("two weights are swapped where they are used", |m| {
        let Step::Compute { args, .. } = &mut bend(m).forward.steps[0] else { unreachable!("a segment") };
        for a in args {
            *a = match *a {
                Arg::Weight(0) => Arg::Weight(1),
                Arg::Weight(1) => Arg::Weight(0),
                other => other,
            };
        }
    }),
    ("the outer loop forgets what it computed", |m| forget(outer(m))),
    ("the inner loop forgets what it computed", |m| forget(inner(m))),
    ("the inner loop runs once", |m| once(inner(m))),
    ("copies of another sublayer are loaded", |m| {
        tower(m).layer.sublayers[0].prefix = "second.{i}.".into();
    }),
    ("a default is another", |m| {
        let keep = tower(m).config.iter_mut().find(|c| c.name == "keep").expect("keep");
        keep.value = Some(0.5 + 1.0 / 4096.0);
    }),
    ("a constraint is not checked", |m| bend(m).checks.clear()),
    ("an index is not checked", |m| {
        let f = &mut tower(m).layer.forward;
        f.inputs[0].dtype = DType::Idx(Int::constant(1 << 30));
        f.values[0].dtype = f.inputs[0].dtype.clone();
    }),
];

#[test]
fn every_mutant_is_caught() {
    let desk = Desk::new(&[("tower.vibee", SPEC)]);
    let project = Project::load(&[desk.path("tower.vibee")]).expect("a spec");
    let checked = [project.check(0)];
    assert!(checked[0].diags.list.is_empty(), "{:?}", checked[0].diags.list);
    let closure = Closure::new(&project, &checked, &|_| true);
    let mutants: Vec<(String, Module)> = MUTANTS
        .iter()
        .enumerate()
        .map(|(n, (_, change))| {
            let mut terms = closure.units[0].terms.clone();
            change(&mut terms);
            (format!("mutant{n}/tower"), terms)
        })
        .collect();
    let specs: Vec<Spec<'_>> =
        mutants.iter().map(|(module, terms)| Spec { module, shown: "tower.vibee", terms }).collect();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vibee");
    let build = package::build_in(&cache, "mutants of tower", &specs).expect("all of them compile");
    let targets = package::layer_targets(&specs);
    let effort = Effort { cases: 40, seed: 1 };
    for (n, (what, _)) in MUTANTS.iter().enumerate() {
        let mut driver = Driver::start(&build.program).expect("it greets");
        let mut failures = vec![];
        // Layer and model of each mutant, one after the other.
        for number in [2 * n, 2 * n + 1] {
            let of: &Arc<_> = closure.assembly(0, &targets[number].layer.name).expect("its meaning");
            // The interpreter reads the configuration of the right model.
            let model = targets[number].model.map(|_| &closure.units[0].terms.models[0]);
            let tally = layers::run(&mut driver, number as u32, of, model, effort).expect("a result");
            assert!(!failures.is_empty() || tally.untested.is_none(), "{what}: {tally:?}");
            assert!(tally.calls > 5, "{what}: {tally:?}");
            failures.extend(tally.failures);
        }
        assert_eq!(failures.is_empty(), n == 0, "{what}: {failures:#?}");
    }
}
