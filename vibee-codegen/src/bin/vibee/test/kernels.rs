//! The kernels of one spec under test, and what is said about them and its laws.

use rayon::prelude::*;
use vibee_codegen::harness::package::{self, DoesNotBuild};
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::trial::report::{KernelReport, LawReport, LayerReport, SpecReport};
use vibee_codegen::trial::tally::Tally;
use vibee_codegen::trial::{Effort, laws};
use vibee_codegen::{compile, emit};
use vibee_spec::check::Law;
use vibee_spec::span::Source;
use vibee_spec::term::Module;

use super::{Args, given_up, wanted};
use crate::one::place;

/// A spec under test.
pub struct Subject<'a> {
    shown: String,
    pub path: String,
    source: &'a Source,
    pub checked: &'a Checked,
    /// Kernels that are compiled.
    units: Vec<Unit>,
    /// Kernels that cannot be compiled, and why.
    given_up: Vec<(usize, String)>,
}

/// A kernel in a module of its own, so that what rustc refuses is known to be its.
struct Unit {
    /// Position in the spec.
    kernel: usize,
    module: String,
    terms: Module,
}

/// Picks a spec's kernels; those that the compiler gives up on are failures, not the end.
pub fn subject<'a>(args: &Args, project: &'a Project, checked: &'a Checked) -> Subject<'a> {
    let (module, shown) = place(project, checked.spec);
    let source = &project.specs[checked.spec].source;
    let (mut units, mut given_up) = (Vec::new(), Vec::new());
    for (kernel, k) in checked.module.kernels.iter().enumerate().filter(|(_, k)| wanted(args, &k.name)) {
        let terms = Module { kernels: vec![k.clone()], ..Module::default() };
        let module = format!("{module}/k{kernel}");
        match compile::module(&terms, &shown, &module) {
            Ok(_) => units.push(Unit { kernel, module, terms }),
            Err(why) => given_up.push((kernel, format!("the compiler gives up (a bug in vibee): {why}"))),
        }
    }
    Subject { shown, path: source.path.clone(), source, checked, units, given_up }
}

impl Subject<'_> {
    /// What is to be built.
    pub fn specs(&self) -> impl Iterator<Item = package::Spec<'_>> {
        self.units.iter().map(|u| package::Spec { module: &u.module, shown: &self.shown, terms: &u.terms })
    }

    /// The kernels that are compiled, in the order of [`package::targets`].
    pub fn compiled(&self) -> impl Iterator<Item = (&Self, usize)> {
        self.units.iter().map(move |u| (self, u.kernel))
    }

    /// Gives up the kernels whose modules have errors; whether there are any.
    pub fn set_aside(&mut self, broken: &DoesNotBuild) -> bool {
        let before = self.units.len();
        for u in std::mem::take(&mut self.units) {
            let file = u.module.split('/').map(emit::module_ident).collect::<Vec<_>>().join("/");
            match broken.first_error(&file) {
                None => self.units.push(u),
                Some(error) => {
                    let why = format!("the generated code does not compile (a bug in vibee): {error}");
                    self.given_up.push((u.kernel, why));
                }
            }
        }
        self.units.len() < before
    }

    /// This spec's report; takes the tallies of its compiled kernels.
    pub fn report(
        &self,
        args: &Args,
        effort: Effort,
        tallies: &mut impl Iterator<Item = Tally>,
        layers: Vec<LayerReport>,
    ) -> SpecReport {
        let tests = &self.checked.tests;
        let laws: Vec<&Law> = tests.laws.iter().filter(|l| wanted(args, &l.name)).collect();
        let mut kernels = Vec::new();
        for (n, k) in self.checked.module.kernels.iter().enumerate().filter(|(_, k)| wanted(args, &k.name)) {
            let cases = tests.cases.iter().filter(|c| c.kernel == n).count();
            let in_law = tests.laws.iter().any(|l| calls(&self.source.text[l.span.range()], &k.name));
            let tally = match self.given_up.iter().find(|(at, _)| *at == n) {
                None => tallies.next().unwrap_or_default(),
                Some((_, why)) => given_up(why),
            };
            kernels.push(KernelReport { name: k.name.clone(), cases, asserted: cases > 0 || in_law, tally });
        }
        // Laws of different behaviours may share a name.
        let unique = |l: &Law| tests.laws.iter().filter(|o| o.name == l.name).count() == 1;
        let name = |l: &Law| if unique(l) { l.name.clone() } else { format!("{}.{}", l.behavior, l.name) };
        let laws = laws.par_iter().map(|l| LawReport { name: name(l), outcome: laws::run(l, effort) });
        SpecReport { path: self.path.clone(), kernels, layers, laws: laws.collect() }
    }
}

/// Whether a law's text calls a kernel.
fn calls(text: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(inside) && text[at + name.len()..].trim_start().starts_with('('))
}
