//! What scheduling and every pass after flattening may rely on, checked.
//!
//! A program is well-formed if
//! 1. *terms*: read back as a kernel ([`super::as_kernel`]) it satisfies every invariant of the term
//!    IR: closed, unique binders, backward reads, ranks, types;
//! 2. *flat*: a live definition is an elementwise value or one fold of one; no value, guard or
//!    position contains a fold, and the kernel has no definitions left;
//! 3. *own indices*: no two live definitions bind the same index, so that a pass can move an
//!    expression from one to the other without capture;
//! 4. *guards* are truth values; an elementwise definition's speaks only of its axes;
//! 5. *live*: live definitions read live definitions only, and outputs are live;
//! 6. *outputs*: an output's axes, grouped as `digits` says, multiply up to the shape that the
//!    caller sees, under the kernel's own conditions on sizes.
//!
//! Not checked here: that meanings are kept (the tests interpret a program after every pass), and
//! that positions are in range (proved for loops, by `loops::verify`).

use std::collections::BTreeMap;

use vibee_spec::check::Known;
use vibee_spec::term::{DType, IndexId, Int, Names, Node};

use super::flat::{Definition, Program, Target};
use super::unflatten::as_kernel;
use super::{free_indices, visit};

/// The first invariant that does not hold.
///
/// # Errors
/// It, with the definition's name.
pub fn verify(p: &Program) -> Result<(), String> {
    if !p.kernel.defs.is_empty() {
        return Err("the kernel still has definitions of its own".into());
    }
    let mut owner: BTreeMap<IndexId, &str> = BTreeMap::new();
    for (id, d) in p.live() {
        let named = |e: String| format!("`{}`: {e}", d.name);
        flat(p, d).map_err(named)?;
        guard(p, d).map_err(named)?;
        for i in d.all_indices() {
            if let Some(other) = owner.insert(i, &d.name) {
                return Err(format!("`{}` and `{other}` bind {i}", d.name));
            }
        }
        if let Some(r) = p.producers(id).into_iter().find(|r| p.defs.get(r.index()).is_none_or(|d| d.dead)) {
            return Err(named(format!("it reads {r}, which is not live")));
        }
    }
    if p.outputs.len() != p.kernel.outputs.len() {
        return Err(format!("{} outputs instead of {}", p.outputs.len(), p.kernel.outputs.len()));
    }
    let known = Known::in_layer(&p.kernel);
    for o in &p.outputs {
        output(p, o, &known).map_err(|e| format!("the output `{}`: {e}", o.name))?;
    }
    vibee_spec::term::verify(&as_kernel(p))
}

fn flat(p: &Program, d: &Definition) -> Result<(), String> {
    for root in d.guard.iter().chain([&d.value]) {
        if root.index() >= p.kernel.exprs.len() {
            return Err(format!("{root} is not in the arena"));
        }
        let mut fold = None;
        visit(&p.kernel.exprs, *root, &mut |e, node| {
            if matches!(node, Node::Fold { .. }) {
                fold = Some(e);
            }
        });
        if let Some(e) = fold {
            return Err(format!("{e} is a fold inside a value"));
        }
    }
    Ok(())
}

fn guard(p: &Program, d: &Definition) -> Result<(), String> {
    let Some(g) = d.guard else { return Ok(()) };
    if *p.kernel.exprs.dtype(g) != DType::Bool {
        return Err("its guard is not a truth value".into());
    }
    let own = d.all_indices();
    match free_indices(&p.kernel.exprs, g).into_iter().find(|i| !own.contains(i)) {
        Some(i) => Err(format!("its guard speaks of {i}")),
        None => Ok(()),
    }
}

fn output(p: &Program, o: &Target, known: &Known) -> Result<(), String> {
    let Some(d) = p.defs.get(o.def.index()).filter(|d| !d.dead) else {
        return Err("it has no live definition".into());
    };
    if o.digits.len() != o.shape.len() || o.digits.iter().sum::<usize>() != d.free.len() {
        return Err(format!("{} axes are grouped as {:?}", d.free.len(), o.digits));
    }
    let mut axes = d.free.iter();
    for (shape, n) in o.shape.iter().zip(&o.digits) {
        let extent = axes.by_ref().take(*n).fold(Int::constant(1), |all, i| all.mul(p.extent(*i)));
        if !known.same(&extent, shape) {
            let names = Names::of(&p.kernel);
            return Err(format!("{} elements on an axis of {}", names.int(&extent), names.int(shape)));
        }
    }
    Ok(())
}
