//! Layers and models: sizes, tensors, configuration, forward.

use super::Effect::{Breaks, Compatible, Results, Weights};
use super::{Changes, kernels};
use crate::term::{Forward, Layer, Model, Module, Names, Step, Sublayer, WeightTensor};

pub(super) fn layers(old: &Module, new: &Module, changes: &mut Changes) {
    for (old, new) in changes.pairs("layer", &old.layers, &new.layers, |l: &Layer| &l.name) {
        layer(old, new, "layer", changes);
    }
}

pub(super) fn models(old: &Module, new: &Module, changes: &mut Changes) {
    for (old, new) in changes.pairs("model", &old.models, &new.models, |m: &Model| &m.layer.name) {
        config(old, new, changes);
        layer(&old.layer, &new.layer, "model", changes);
    }
}

/// Keys of the configuration file.
fn config(old: &Model, new: &Model, changes: &mut Changes) {
    let name = &new.layer.name;
    for o in &old.config {
        let Some(n) = new.config.iter().find(|n| n.name == o.name) else {
            changes.add(
                Compatible,
                "model",
                name,
                format!("`{}` is no longer read from the configuration", o.name),
            );
            continue;
        };
        if o.key != n.key {
            let shown =
                |key: &Option<String>| key.as_ref().map_or("fixed".to_owned(), |key| format!("`{key}`"));
            let what = format!("the key of `{}` is {}, it was {}", n.name, shown(&n.key), shown(&o.key));
            changes.add(Weights, "model", name, what);
        }
        match (o.value, n.value) {
            (Some(was), None) => {
                let what = format!("`{}` has no default, it was {was}", n.name);
                changes.add(Weights, "model", name, what);
            }
            (None, Some(is)) => {
                changes.add(Compatible, "model", name, format!("`{}` has the default {is}", n.name));
            }
            (Some(was), Some(is)) if was.to_bits() != is.to_bits() => {
                let what = format!("the default of `{}` is {is}, it was {was}", n.name);
                changes.add(Results, "model", name, what);
            }
            _ => {}
        }
    }
    for n in new.config.iter().filter(|n| !old.config.iter().any(|o| o.name == n.name)) {
        let (effect, why) = match n.value {
            Some(_) => (Compatible, "with a default"),
            None => (Weights, "without a default"),
        };
        changes.add(effect, "model", name, format!("the configuration entry `{}` is new, {why}", n.name));
    }
}

fn layer(old: &Layer, new: &Layer, kind: &'static str, changes: &mut Changes) {
    let name = new.name.as_str();
    if kind == "layer" && old.dims != new.dims {
        let what = format!("the sizes are [{}], they were [{}]", new.dims.join(", "), old.dims.join(", "));
        let effect = if old.dims.len() == new.dims.len() { Compatible } else { Breaks };
        changes.add(effect, kind, name, what);
    }
    weights(old, new, kind, changes);
    sublayers(old, new, kind, changes);
    let before = changes.list.len();
    forward(old, new, kind, changes);
    if changes.list.len() == before && steps(old) != steps(new) {
        changes.add(Results, kind, name, "forward computes something else");
    }
}

/// Tensors, by the name in the file: a field may be renamed.
fn weights(old: &Layer, new: &Layer, kind: &'static str, changes: &mut Changes) {
    let name = new.name.as_str();
    for o in &old.weights {
        let Some(n) = new.weights.iter().find(|n| n.tensor == o.tensor) else {
            let what = match new.weights.iter().find(|n| n.name == o.name) {
                Some(n) => format!("`{}` is read from `{}`, it was `{}`", n.name, n.tensor, o.tensor),
                None => format!("the tensor `{}` is not read any more", o.tensor),
            };
            changes.add(Weights, kind, name, what);
            continue;
        };
        if ty(&numbered(old), o) != ty(&numbered(new), n) {
            let what = format!("the tensor `{}` is `{}`, it was `{}`", n.tensor, ty(new, n), ty(old, o));
            changes.add(Weights, kind, name, what);
        }
        if o.name != n.name {
            let what = format!("the weight `{}` is called `{}`; the file stays as it is", o.name, n.name);
            changes.add(Compatible, kind, name, what);
        }
    }
    let is_moved = |n: &WeightTensor| old.weights.iter().any(|o| o.name == n.name);
    for n in new.weights.iter().filter(|n| !old.weights.iter().any(|o| o.tensor == n.tensor) && !is_moved(n))
    {
        changes.add(Weights, kind, name, format!("the tensor `{}` is wanted", n.tensor));
    }
}

fn sublayers(old: &Layer, new: &Layer, kind: &'static str, changes: &mut Changes) {
    let name = new.name.as_str();
    let shown = |l: &Layer, s: &Sublayer| {
        let names = names(&l.forward);
        let count = s.count.as_ref().map(|count| format!(" * {}", names.int(count))).unwrap_or_default();
        format!("{}[{}]{count}", s.layer, names.list(&s.dims))
    };
    for o in &old.sublayers {
        let Some(n) = new.sublayers.iter().find(|n| n.prefix == o.prefix) else {
            changes.add(Weights, kind, name, format!("nothing reads tensors below `{}`", o.prefix));
            continue;
        };
        if shown(&numbered(old), o) != shown(&numbered(new), n) {
            let what = format!("below `{}` is `{}`, it was `{}`", n.prefix, shown(new, n), shown(old, o));
            changes.add(Weights, kind, name, what);
        }
    }
    for n in new.sublayers.iter().filter(|n| !old.sublayers.iter().any(|o| o.prefix == n.prefix)) {
        changes.add(Weights, kind, name, format!("tensors below `{}` are wanted", n.prefix));
    }
}

/// Arguments and outputs.
fn forward(old: &Layer, new: &Layer, kind: &'static str, changes: &mut Changes) {
    let parts = |l: &Layer| {
        let (f, names) = (&l.forward, names(&l.forward));
        let ins = f.inputs.iter().map(|i| names.tensor(&i.dtype, &i.shape)).collect::<Vec<_>>();
        let outs = f.outputs.iter().filter_map(|v| f.values.get(v.index()));
        let outs = outs.map(|v| names.tensor(&v.dtype, &v.shape)).collect::<Vec<_>>();
        (ins, outs)
    };
    if parts(&numbered(old)) != parts(&numbered(new)) {
        let what = format!("forward is `{}`, it was `{}`", new.forward.header, old.forward.header);
        changes.add(Breaks, kind, &new.name, what);
    }
}

fn names(f: &Forward) -> Names<'_> {
    Names { dims: &f.dims, indices: &[], inputs: &f.inputs, renamed: &[] }
}

fn ty(l: &Layer, weight: &WeightTensor) -> String {
    names(&l.forward).weight(weight)
}

/// The layer with its sizes called by number.
fn numbered(l: &Layer) -> Layer {
    let mut l = l.clone();
    l.forward.dims.iter_mut().enumerate().for_each(|(n, dim)| dim.name = format!("N{n}"));
    l.dims.iter_mut().enumerate().for_each(|(n, dim)| *dim = format!("N{n}"));
    l
}

/// The steps of a forward, names of values and letters apart.
fn steps(l: &Layer) -> String {
    let mut out = String::new();
    each(&l.forward.steps, &mut out);
    out
}

fn each(steps: &[Step], out: &mut String) {
    for step in steps {
        match step {
            Step::Compute { kernel, args, outs } => {
                let plain = kernels::anonymous(kernel);
                let inputs: Vec<_> = plain.inputs.iter().map(|input| (&input.dtype, &input.shape)).collect();
                out.push_str(&format!("{args:?} {outs:?} {inputs:?}\n{}\n", kernels::body(&plain)));
            }
            Step::Call { .. } => out.push_str(&format!("{step:?}\n")),
            Step::Loop { count, body, carried } => {
                out.push_str(&format!("loop {count:?} {carried:?}\n"));
                each(body, out);
                out.push_str("end\n");
            }
        }
    }
}
