//! The specs whose layers must be compiled together: those under test and all that declare a sublayer
//! of theirs, each at a module path from which the others' references to it resolve.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use vibee_spec::declare::Declarations;
use vibee_spec::interp::layers::Assembly;
use vibee_spec::term::{Format, Layer, Module, Sublayer};

use crate::compile::shown_path;
use crate::project::{Checked, Project};

/// A spec's layers and models.
#[derive(Debug)]
pub struct Unit {
    /// The spec.
    pub spec: usize,
    /// Where its Rust goes.
    pub module: String,
    /// As generated code names it.
    pub shown: String,
    /// Its layers and models.
    pub terms: Module,
}

/// All of them, and what every layer means.
#[derive(Debug, Default)]
pub struct Closure {
    /// In the order in which they were reached.
    pub units: Vec<Unit>,
    known: BTreeMap<(usize, String), Option<Arc<Assembly>>>,
}

/// The folder of layers in the scratch crate, apart from the kernels' modules.
const FOLDER: &str = "layers";

impl Closure {
    /// Everything that the layers of checked specs need; empty if `wanted` has none of them.
    #[must_use]
    pub fn new(project: &Project, checked: &[Checked], wanted: &dyn Fn(&Layer) -> bool) -> Closure {
        let mut out = Closure::default();
        let mut specs: Vec<(usize, Module)> = Vec::new();
        for c in checked {
            if layers(&c.module).any(wanted) {
                specs.push((c.spec, c.module.clone()));
            }
        }
        let mut n = 0;
        while n < specs.len() {
            let from = specs[n].0;
            let imports: Vec<String> = layers(&specs[n].1).flat_map(modules).collect();
            for name in imports {
                if let Some(spec) = project.import(from, &name)
                    && specs.iter().all(|(s, _)| *s != spec)
                {
                    let known = checked.iter().find(|c| c.spec == spec).map(|c| c.module.clone());
                    specs.push((spec, known.unwrap_or_else(|| project.check(spec).module)));
                }
            }
            n += 1;
        }
        let paths: Vec<PathBuf> = specs.iter().map(|(s, _)| plain(&project.specs[*s].path)).collect();
        let root = common(&paths);
        for ((spec, module), path) in specs.into_iter().zip(&paths) {
            let below = path.strip_prefix(&root).unwrap_or(path).with_extension("");
            let below: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
            out.units.push(Unit {
                spec,
                module: format!("{FOLDER}/{}", below.join("/")),
                shown: shown_path(project, spec),
                terms: Module {
                    // Formats are encoded with when they are loaded.
                    kernels: module
                        .kernels
                        .into_iter()
                        .filter(|k| is_of_format(&k.name, &module.formats))
                        .collect(),
                    // Declared types take no part, and would need serde.
                    declarations: Declarations::default(),
                    ..module
                },
            });
        }
        out.assemble(project);
        out
    }

    /// What a layer means; `None` if a sublayer of it cannot be found.
    #[must_use]
    pub fn assembly(&self, spec: usize, layer: &str) -> Option<&Arc<Assembly>> {
        self.known.get(&(spec, layer.to_owned()))?.as_ref()
    }

    fn assemble(&mut self, project: &Project) {
        let mut known = BTreeMap::new();
        for u in &self.units {
            for l in layers(&u.terms) {
                put_together(&self.units, project, u.spec, l, &mut known);
            }
        }
        self.known = known;
    }
}

fn put_together(
    units: &[Unit],
    project: &Project,
    spec: usize,
    layer: &Layer,
    known: &mut BTreeMap<(usize, String), Option<Arc<Assembly>>>,
) -> Option<Arc<Assembly>> {
    let key = (spec, layer.name.clone());
    if let Some(done) = known.get(&key) {
        return done.clone();
    }
    let mut find = |s: &Sublayer| {
        let of = match &s.module {
            None => spec,
            Some(name) => project.import(spec, name)?,
        };
        let unit = units.iter().find(|u| u.spec == of)?;
        let called = unit.terms.layers.iter().find(|l| l.name == s.layer)?;
        put_together(units, project, of, called, known)
    };
    let made = Assembly::new(layer.clone(), &mut find).map(Arc::new);
    known.insert(key, made.clone());
    made
}

/// The other specs whose modules a layer's code refers to.
fn modules(l: &Layer) -> impl Iterator<Item = String> {
    let formats = l.weights.iter().filter_map(|w| w.stored.as_ref()?.module.clone());
    l.sublayers.iter().filter_map(|s| s.module.clone()).chain(formats)
}

/// Whether a kernel of a spec decodes or encodes one of its formats.
fn is_of_format(kernel: &str, formats: &[Arc<Format>]) -> bool {
    let format = kernel.strip_prefix("decode_").or_else(|| kernel.strip_prefix("encode_"));
    format.is_some_and(|name| formats.iter().any(|f| f.name == name))
}

/// Layers, then the layers of models.
fn layers(m: &Module) -> impl Iterator<Item = &Layer> {
    m.layers.iter().chain(m.models.iter().map(|m| &m.layer))
}

/// An absolute path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

/// The deepest folder that all files are in.
fn common(paths: &[PathBuf]) -> PathBuf {
    let mut folders = paths.iter().map(|p| p.parent().unwrap_or(Path::new("")));
    let first = folders.next().unwrap_or(Path::new(""));
    folders.fold(first.to_path_buf(), |root, folder| {
        root.ancestors().find(|r| folder.starts_with(r)).map(Path::to_path_buf).unwrap_or_default()
    })
}
