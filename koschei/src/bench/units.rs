//! What was asked for: kernels, layers and models of some specs, all or by name, and how the driver numbers them.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use vibee_codegen::compile;
use vibee_codegen::harness::package;
use vibee_codegen::project::{Checked, Project};
use vibee_codegen::trial::layers::closure::Closure;
use vibee_spec::ast;
use vibee_spec::term::{Layer, Model, Module};

use super::callable::Callable;

/// Something to measure.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// Its spec as generated code names it.
    pub spec: String,
    /// What is called.
    pub what: Callable<'a>,
    /// Its number in the driver.
    pub number: u32,
}

/// All that was asked for, in the order of specs: kernels, then layers and models.
#[derive(Debug)]
pub struct Units<'a> {
    /// At least one.
    pub list: Vec<Unit<'a>>,
    kernels: Vec<Alone>,
    layers: &'a Closure,
}

/// A kernel in a module of its own.
#[derive(Debug)]
struct Alone {
    module: String,
    shown: String,
    terms: Module,
}

impl<'a> Units<'a> {
    /// Picks what has one of these names, or everything if there are none. A generic definition's name means all of
    /// its instances. `layers` is what [`layers`] gives for the same names.
    ///
    /// # Errors
    /// A name that nothing has, or nothing at all.
    pub fn new(
        project: &Project,
        checked: &'a [Checked],
        layers: &'a Closure,
        names: &[&str],
    ) -> Result<Units<'a>> {
        known(project, checked, names)?;
        let mut out = Units { list: Vec::new(), kernels: Vec::new(), layers };
        for c in checked {
            let (file, shown) = (&project.specs[c.spec].file, compile::shown_path(project, c.spec));
            for (n, kernel) in c.module.kernels.iter().enumerate() {
                if means(names, file, &kernel.name) {
                    let number = u32::try_from(out.kernels.len())?;
                    out.list.push(Unit { spec: shown.clone(), what: Callable::Kernel(kernel), number });
                    out.kernels.push(Alone {
                        module: format!("{}/k{n}", project.specs[c.spec].module),
                        shown: shown.clone(),
                        terms: Module { kernels: vec![kernel.clone()], ..Module::default() },
                    });
                }
            }
        }
        // The driver numbers all kernels first, those of formats among them.
        let of_formats = layers.units.iter().map(|u| u.terms.kernels.len()).sum::<usize>();
        let first = u32::try_from(out.kernels.len() + of_formats)?;
        let built = layers.units.iter().flat_map(|u| of_module(&u.terms).map(move |(l, m)| (u, l, m)));
        for (number, (unit, layer, model)) in (first..).zip(built) {
            let asked = checked.iter().any(|c| c.spec == unit.spec);
            if asked && means(names, &project.specs[unit.spec].file, &layer.name) {
                let of = layers.assembly(unit.spec, &layer.name);
                let of = of.with_context(|| format!("a layer that {} is made of is missing", layer.name))?;
                let what = Callable::Layer { of, model };
                out.list.push(Unit { spec: unit.shown.clone(), what, number });
            }
        }
        if out.list.is_empty() {
            bail!("there are no kernels, layers or models in these specs");
        }
        Ok(out)
    }

    /// What is to be built.
    pub fn specs(&self) -> Vec<package::Spec<'_>> {
        let kernels = self.kernels.iter().map(|k| (&k.module, &k.shown, &k.terms));
        let layers = self.layers.units.iter().map(|u| (&u.module, &u.shown, &u.terms));
        kernels.chain(layers).map(|(module, shown, terms)| package::Spec { module, shown, terms }).collect()
    }
}

/// The specs of the layers and models that have one of these names, and those that they are made of.
#[must_use]
pub fn layers(project: &Project, checked: &[Checked], names: &[&str]) -> Closure {
    let mut asked = BTreeSet::new();
    for c in checked {
        let instances = of_module(&c.module).map(|(layer, _)| layer.name.as_str());
        asked.extend(instances.filter(|name| means(names, &project.specs[c.spec].file, name)));
    }
    Closure::new(project, checked, &|layer| asked.contains(layer.name.as_str()))
}

/// Layers, then the layers of models, in the driver's order.
fn of_module(module: &Module) -> impl Iterator<Item = (&Layer, Option<&Model>)> {
    let models = module.models.iter().map(|m| (&m.layer, Some(m)));
    module.layers.iter().map(|l| (l, None)).chain(models)
}

/// Whether names, if there are any, ask for an instance.
fn means(names: &[&str], file: &ast::File, instance: &str) -> bool {
    names.is_empty()
        || names.contains(&instance)
        || generic(file, instance).is_some_and(|g| names.contains(&g))
}

/// The generic definition that an instance is made of: `linear` of `linear_bf16`, `Block` of `BlockBf16`.
fn generic<'f>(file: &'f ast::File, instance: &str) -> Option<&'f str> {
    let layers = file.layers.iter().chain(file.models.iter().map(|m| &m.layer));
    let layers = layers.map(|l| (l.name.name.as_str(), l.generics.is_empty()));
    let kernels = file.kernels.iter().map(|k| (k.name.name.as_str(), k.generics.is_empty()));
    let (plain, generic): (Vec<_>, Vec<_>) = kernels.chain(layers).partition(|(_, plain)| *plain);
    if plain.iter().any(|(name, _)| *name == instance) {
        return None;
    }
    // Types are appended to a kernel's name after a `_`, to a layer's with a capital letter.
    let ending = |c: char| c == '_' || c.is_ascii_uppercase();
    let fits = |name: &&str| instance.strip_prefix(name).is_some_and(|rest| rest.starts_with(ending));
    generic.into_iter().map(|(name, _)| name).filter(fits).max_by_key(|name| name.len())
}

/// Refuses names that mean nothing.
fn known(project: &Project, checked: &[Checked], names: &[&str]) -> Result<()> {
    let mut known = BTreeSet::new();
    for c in checked {
        let kernels = c.module.kernels.iter().map(|k| k.name.as_str());
        for instance in kernels.chain(of_module(&c.module).map(|(layer, _)| layer.name.as_str())) {
            known.insert(instance);
            known.extend(generic(&project.specs[c.spec].file, instance));
        }
    }
    let Some(name) = names.iter().find(|name| !known.contains(**name)) else { return Ok(()) };
    let near = known.iter().map(|k| (strsim::osa_distance(name, k), k)).min();
    let hint = near.filter(|(far, _)| *far <= name.len() / 3 + 1);
    let hint = hint.map_or(String::new(), |(_, near)| format!("; did you mean `{near}`?"));
    bail!("`{name}` is neither a file or folder nor a kernel, layer or model of these specs{hint}")
}
