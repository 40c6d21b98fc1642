//! The layers and models under test, of all specs together: they refer to each other.

use vibee_codegen::harness::LayerTarget;
use vibee_codegen::harness::package::{self, DoesNotBuild};
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::trial::layers::closure::{Closure, Unit};
use vibee_codegen::trial::report::LayerReport;
use vibee_codegen::trial::tally::Tally;
use vibee_codegen::{compile, emit};
use vibee_spec::term::Layer;

use super::{Args, given_up, wanted};

/// Layers and models under test.
pub struct Layers {
    closure: Closure,
    /// Units that are not built, and why.
    given_up: Vec<(usize, String)>,
}

impl Layers {
    /// Picks the layers that are asked for and what they need; specs whose layers the compiler gives
    /// up on are failures, not the end.
    pub fn new(args: &Args, project: &Project, checked: &[Checked]) -> Layers {
        let closure = Closure::new(project, checked, &|l| wanted(args, &l.name));
        let mut given_up = Vec::new();
        for (n, u) in closure.units.iter().enumerate() {
            if let Err(why) = compile::module(&u.terms, &u.shown, &u.module) {
                given_up.push((n, format!("the compiler gives up (a bug in vibee): {why}")));
            }
        }
        Layers { closure, given_up }
    }

    fn built(&self) -> impl Iterator<Item = &Unit> {
        let aside = |n: usize| self.given_up.iter().any(|(at, _)| *at == n);
        self.closure.units.iter().enumerate().filter(move |(n, _)| !aside(*n)).map(|(_, u)| u)
    }

    /// What is to be built.
    pub fn specs(&self) -> impl Iterator<Item = package::Spec<'_>> {
        self.built().map(|u| package::Spec { module: &u.module, shown: &u.shown, terms: &u.terms })
    }

    /// The spec of every layer that is built, in the order of [`package::layer_targets`].
    pub fn owners(&self) -> Vec<usize> {
        let count = |u: &Unit| u.terms.layers.len() + u.terms.models.len();
        self.built().flat_map(|u| std::iter::repeat_n(u.spec, count(u))).collect()
    }

    /// What every layer means.
    pub fn closure(&self) -> &Closure {
        &self.closure
    }

    /// Gives up the specs whose modules have errors; whether there are any.
    pub fn set_aside(&mut self, broken: &DoesNotBuild) -> bool {
        let before = self.given_up.len();
        for (n, u) in self.closure.units.iter().enumerate() {
            let file = u.module.split('/').map(emit::module_ident).collect::<Vec<_>>().join("/");
            if self.given_up.iter().all(|(at, _)| *at != n)
                && let Some(error) = broken.first_error(&file)
            {
                let why = format!("the generated code does not compile (a bug in vibee): {error}");
                self.given_up.push((n, why));
            }
        }
        self.given_up.len() > before
    }

    /// One spec's reports; `found` gives the tally of a layer that was tried.
    pub fn report(
        &self,
        args: &Args,
        checked: &Checked,
        found: &dyn Fn(usize, &str) -> Option<Tally>,
    ) -> Vec<LayerReport> {
        let one = |l: &Layer, model: bool| {
            let unit = self.closure.units.iter().position(|u| u.spec == checked.spec);
            let aside = self.given_up.iter().find(|(n, _)| Some(*n) == unit);
            let tally = match aside {
                Some((_, why)) => given_up(why),
                None => found(checked.spec, &l.name).unwrap_or_else(|| Tally {
                    untested: Some("a layer that it is made of cannot be found".to_owned()),
                    ..Tally::default()
                }),
            };
            LayerReport { name: l.name.clone(), model, tally }
        };
        let layers = checked.module.layers.iter().map(|l| (l, false));
        let models = checked.module.models.iter().map(|m| (&m.layer, true));
        layers.chain(models).filter(|(l, _)| wanted(args, &l.name)).map(|(l, m)| one(l, m)).collect()
    }

    /// Whether a layer was asked for.
    pub fn asked(args: &Args, checked: &[Checked], spec: usize, target: &LayerTarget<'_>) -> bool {
        checked.iter().any(|c| c.spec == spec) && wanted(args, &target.layer.name)
    }
}
