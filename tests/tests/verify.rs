//! The middle end: what every pass and the schedule leave behind is well-formed, reads only inside
//! arrays and means what the kernel means, for all specs and for random kernels.
//!
//! `VIBEE_MIDDLE_KERNELS` and `VIBEE_RANDOM_SEED` choose how many random kernels and which.

use std::fs;
use std::path::Path;

use vibee_codegen::loops;
use vibee_codegen::passes::Form;
use vibee_codegen::project::Project;
use vibee_spec::term::{Atom, Check, FoldOp, Int, Kernel, Layer, Module, Node, Op, Step};
use vibee_tests::meaning::{self, Stages};
use vibee_tests::oracle::{compile, judge::Tally};
use vibee_tests::random;

/// Random kernels tried when nothing else is asked for.
const FEW: u64 = 60;

/// What was looked at.
#[derive(Default)]
struct Seen {
    kernels: usize,
    positions: usize,
    unproved: Vec<String>,
    tally: Tally,
    faults: Vec<String>,
}

impl Seen {
    fn kernel(&mut self, unit: &Unit, seed: u64, draws: u64) {
        self.kernels += 1;
        let mut kernel = unit.kernel.clone();
        let mut stages = Stages::of(&kernel);
        // The verifier of passes sees what the compiler gives it.
        for (pass, form) in &stages.forms {
            if let Err(e) = form.verify() {
                self.faults.push(format!("{}, after `{pass}`: {e}", kernel.name));
            }
        }
        if !unit.before.is_empty() {
            kernel.checks.splice(0..0, unit.before.iter().cloned());
            stages = Stages::of(&kernel);
        }
        match loops::verify(&stages.loops).and_then(|()| loops::accesses(&stages.loops)) {
            Err(e) => self.faults.push(format!("{}, scheduled: {e}", kernel.name)),
            Ok(all) => {
                self.positions += all.len();
                let open = all.iter().filter(|a| !a.proved).map(|a| format!("{}: {a}", kernel.name));
                self.unproved.extend(open);
            }
        }
        if let Err(e) = meaning::compare(&stages, seed, draws, &mut self.tally) {
            self.faults.push(format!("{}, {e}", kernel.name));
        }
    }

    /// Nothing is wrong, every position is proved, and what was compared counts.
    fn assert(&self, kernels: usize) {
        println!(
            "{} kernels, {} positions ({} not proved), {} calls, {} elements (worst {:.3} of the bound), {} skipped",
            self.kernels,
            self.positions,
            self.unproved.len(),
            self.tally.calls,
            self.tally.elements,
            self.tally.worst,
            self.tally.skipped
        );
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n"));
        assert!(self.unproved.is_empty(), "{}", self.unproved.join("\n"));
        assert!(self.kernels >= kernels, "only {} kernels", self.kernels);
        assert!(self.tally.elements > 100 * self.kernels as u64, "only {} elements", self.tally.elements);
        assert!(self.tally.skipped < self.tally.elements, "more skipped than compared");
    }
}

/// A kernel as the compiler gets it, and what is checked before it runs.
struct Unit {
    kernel: Kernel,
    /// Drawn sizes satisfy this, too.
    before: Vec<Check>,
}

/// All kernels of a module, steps of layers and models among them.
fn units(m: Module) -> Vec<Unit> {
    let mut out: Vec<Unit> = m.kernels.into_iter().map(|kernel| Unit { kernel, before: vec![] }).collect();
    for l in m.layers.iter().chain(m.models.iter().map(|m| &m.layer)) {
        steps(l, &l.forward.steps, &mut out);
    }
    out
}

/// Kernels of a layer's steps, with the conditions on sizes that the layer checks for all of them.
fn steps(layer: &Layer, list: &[Step], out: &mut Vec<Unit>) {
    let sizes = |e: &Int| {
        let mut only = true;
        e.visit_leaves(&mut |a| only &= matches!(a, Atom::Dim(_)));
        only
    };
    for s in list {
        match s {
            Step::Compute { kernel, .. } => {
                let all = layer.checks.iter().chain(&layer.forward.checks);
                let about_sizes = all.filter(|c| match c {
                    Check::Where { lhs, rhs, .. } => sizes(lhs) && sizes(rhs),
                    Check::InRange { domain, low, high, extent, .. } => {
                        domain.iter().chain([low, high, extent]).all(sizes)
                    }
                    Check::Axis { .. } => false,
                });
                let mut kernel = (**kernel).clone();
                kernel.name = format!("{}, a step", layer.name);
                out.push(Unit { kernel, before: about_sizes.cloned().collect() });
            }
            Step::Loop { body, .. } => steps(layer, body, out),
            Step::Call { .. } => {}
        }
    }
}

#[test]
fn specs_keep_their_meaning_through_every_pass() {
    let project = Project::load(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs")]).expect("specs");
    let mut seen = Seen::default();
    for n in 0..project.asked {
        for unit in units(project.check(n).module) {
            seen.kernel(&unit, 1, 6);
        }
    }
    seen.assert(40);
}

#[test]
fn once_wrong_kernels_keep_their_meaning_through_every_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/regressions");
    let mut seen = Seen::default();
    for entry in fs::read_dir(folder).expect("the regressions") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a spec");
        for unit in units(compile::check("regression", &text).expect("a right spec")) {
            seen.kernel(&unit, 2, 12);
        }
    }
    seen.assert(8);
}

#[test]
fn random_kernels_keep_their_meaning_through_every_pass() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |v| v.parse().expect("a whole number"))
    };
    let (count, first) = (number("VIBEE_MIDDLE_KERNELS", FEW), number("VIBEE_RANDOM_SEED", 1));
    let mut seen = Seen::default();
    for seed in first..first + count {
        for unit in units(compile::check("random", &random::spec(seed).text).expect("a right spec")) {
            seen.kernel(&unit, seed, 6);
        }
    }
    seen.assert(count as usize);
}

/// A comparison that names no pass, or the wrong one, would be of little use.
#[test]
fn the_pass_that_changes_the_meaning_is_named() {
    let text = "name: k\nversion: \"1.0.0\"\nlanguage: rust\nmodule: k\n\nkernels:\n  \
                k(x: f32[T, D]) -> y: f32[T, D]:\n    s[t] = sum[d](x[t, d])\n    \
                y[t, d] = exp(x[t, d]) - s[t]\n";
    let kernel = compile::check("k", text).expect("a right spec").kernels.remove(0);
    let right = Stages::of(&kernel);
    assert_eq!(meaning::compare(&right, 1, 8, &mut Tally::default()), Ok(()));
    for n in 0..right.forms.len() {
        // The pass, and all that follow it, subtract the other way round.
        let mut wrong = right.clone();
        for (_, form) in &mut wrong.forms[n..] {
            match form {
                Form::Term(k) => {
                    let d = k.defs.iter_mut().find(|d| d.name == "y").expect("y");
                    let Node::Op(Op::Sub, a) = k.exprs.node(d.body).clone() else { panic!("a difference") };
                    let dtype = k.exprs.dtype(d.body).clone();
                    d.body = k.exprs.intern(Node::Op(Op::Sub, vec![a[1], a[0]]), dtype);
                }
                Form::Flat(p) => {
                    let d = p.defs.iter_mut().find(|d| d.name == "y").expect("y");
                    let Node::Op(Op::Sub, a) = p.kernel.exprs.node(d.value).clone() else {
                        panic!("a difference")
                    };
                    let dtype = p.kernel.exprs.dtype(d.value).clone();
                    d.value = p.kernel.exprs.intern(Node::Op(Op::Sub, vec![a[1], a[0]]), dtype);
                }
            }
        }
        let found = meaning::compare(&wrong, 1, 8, &mut Tally::default()).expect_err("a changed meaning");
        assert_eq!(found.pass, right.forms[n].0, "{found}");
    }
    let mut wrong = right.clone();
    let fold = wrong.loops.program.defs.iter_mut().find_map(|d| d.fold.as_mut()).expect("a fold");
    fold.op = FoldOp::Max;
    let found = meaning::compare(&wrong, 1, 8, &mut Tally::default()).expect_err("a changed meaning");
    assert_eq!(found.pass, meaning::SCHEDULE, "{found}");
}

/// Kernels of a regression spec, and which of them multiply no matrices.
fn sums(spec: &str) -> (usize, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/regressions").join(format!("{spec}.vibee"));
    let text = fs::read_to_string(path).expect("a spec");
    let kernels = compile::check(spec, &text).expect("a right spec").kernels;
    let is_product = |k: &Kernel| loops::text(&Stages::of(k).loops).contains("gemm");
    (kernels.len(), kernels.iter().filter(|k| !is_product(k)).map(|k| k.name.clone()).collect())
}

/// Only two of these sums stay sums: one of weights that a single row would be multiplied with as they are, and one
/// with a condition on data.
#[test]
fn factors_are_computed_ahead() {
    assert_eq!(sums("factors_ahead"), (10, vec!["scaled".to_owned(), "masked".to_owned()]));
}

/// Bytes are multiplied as they are; one of these sums has a condition on rows.
#[test]
fn bytes_are_multiplied() {
    assert_eq!(sums("products_of_bytes"), (19, vec!["guarded".to_owned()]));
}
