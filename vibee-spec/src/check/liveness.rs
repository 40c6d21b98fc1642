//! Which values of a forward are needed; the rest is dropped from its steps.

use std::collections::HashSet;

use super::graft::{Feed, graft, needed, visit_loads};
use crate::term::{
    Arg, Atom, DimId, Exprs, Forward, InputId, Int, Kernel, Node, Output, Packed, ParamRef, Pos, Source,
    Step, ValueId,
};

/// Drops outputs nothing reads, then definitions and inputs they alone needed, until stable.
pub(super) fn prune(f: &mut Forward) {
    loop {
        let mut used: HashSet<ValueId> = f.outputs.iter().copied().collect();
        f.steps.iter().for_each(|s| reads(s, &mut used));
        let mut changed = false;
        f.steps = prune_steps(std::mem::take(&mut f.steps), &used, &mut changed);
        if !changed {
            break;
        }
    }
    renumber(f);
}

fn reads(s: &Step, used: &mut HashSet<ValueId>) {
    let mut note = |args: &[Arg]| {
        used.extend(args.iter().filter_map(|a| if let Arg::Value(v) = a { Some(*v) } else { None }));
    };
    match s {
        Step::Compute { args, .. } | Step::Call { args, .. } => note(args),
        Step::Loop { body, carried, .. } => {
            for (a, b) in carried {
                used.insert(*a);
                used.insert(*b);
            }
            body.iter().for_each(|s| reads(s, used));
        }
    }
}

fn prune_steps(steps: Vec<Step>, used: &HashSet<ValueId>, changed: &mut bool) -> Vec<Step> {
    let mut out = vec![];
    for s in steps {
        match s {
            Step::Compute { kernel, args, outs } => {
                let keep: Vec<bool> = outs.iter().map(|v| used.contains(v)).collect();
                if !keep.contains(&true) {
                    *changed = true;
                    continue;
                }
                let before = (outs.len(), args.len(), kernel.defs.len());
                let (kernel, args, outs) = reduce(&kernel, &args, &outs, &keep);
                *changed |= before != (outs.len(), args.len(), kernel.defs.len());
                out.push(Step::Compute { kernel: Box::new(kernel), args, outs });
            }
            Step::Loop { count, body, carried } => {
                out.push(Step::Loop { count, body: prune_steps(body, used, changed), carried });
            }
            call @ Step::Call { .. } => out.push(call),
        }
    }
    out
}

/// The kernel with some of its outputs, and only the inputs they need.
fn reduce(k: &Kernel, args: &[Arg], outs: &[ValueId], keep: &[bool]) -> (Kernel, Vec<Arg>, Vec<ValueId>) {
    let outputs: Vec<&Output> = k.outputs.iter().zip(keep).filter(|(_, k)| **k).map(|(o, _)| o).collect();
    let defs = needed(k, outputs.iter().map(|o| o.def));
    let mut wanted = vec![false; k.inputs.len()];
    for (d, _) in k.defs.iter().zip(&defs).filter(|(_, k)| **k) {
        visit_loads(&k.exprs, d.body, &mut |s| {
            if let Source::Input(i) = s {
                wanted[i.index()] = true;
            }
        });
        visit_scalars(&k.exprs, d.body, &mut |i| wanted[i.index()] = true);
    }
    let mut out = Kernel {
        name: k.name.clone(),
        doc: String::new(),
        header: String::new(),
        dims: k.dims.clone(),
        indices: vec![],
        inputs: vec![],
        params: vec![],
        defs: vec![],
        outputs: vec![],
        checks: k.checks.clone(),
        given: k.given.clone(),
        exprs: Exprs::default(),
        specialise: vec![],
        packed: vec![],
    };
    let (mut feeds, mut kept_args) = (vec![], vec![]);
    for (n, input) in k.inputs.iter().enumerate() {
        if !wanted[n] {
            feeds.push(Feed::Nothing);
            continue;
        }
        let id = InputId(u32::try_from(out.inputs.len()).unwrap_or(u32::MAX));
        out.inputs.push(input.clone());
        out.params.push(ParamRef::Input(id));
        out.packed.extend(
            k.packed(InputId(u32::try_from(n).unwrap_or(u32::MAX)))
                .map(|p| Packed { input: id, ..p.clone() }),
        );
        feeds.push(Feed::Source(Source::Input(id)));
        kept_args.push(args[n]);
    }
    let dims: Vec<Int> = (0u32..).zip(&k.dims).map(|(d, _)| Int::dim(DimId(d))).collect();
    let Ok(map) = graft(&mut out, k, &dims, &feeds, &defs) else {
        return (k.clone(), args.to_vec(), outs.to_vec());
    };
    for o in &outputs {
        if let Some(def) = map[o.def.index()] {
            out.outputs.push(Output { name: o.name.clone(), def });
        }
    }
    let kept_outs = outs.iter().zip(keep).filter(|(_, k)| **k).map(|(v, _)| *v).collect();
    debug_assert_eq!(crate::term::verify(&out), Ok(()), "steps are well-formed kernels");
    (out, kept_args, kept_outs)
}

fn visit_scalars(exprs: &Exprs, root: crate::term::ExprId, f: &mut dyn FnMut(InputId)) {
    let mut seen = vec![false; exprs.len()];
    let mut open = vec![root];
    while let Some(e) = open.pop() {
        if std::mem::replace(&mut seen[e.index()], true) {
            continue;
        }
        let mut note = |i: &Int| {
            i.visit_leaves(&mut |a| {
                if let Atom::Scalar(s) = a {
                    f(*s);
                }
            });
        };
        match exprs.node(e) {
            Node::Int(i) => note(i),
            Node::Load { at, .. } => at.iter().for_each(|p| {
                if let Pos::At(i) = p {
                    note(i);
                }
            }),
            _ => {}
        }
        open.extend(exprs.children(e));
    }
}

/// Values nothing mentions any more leave the list; arguments stay first.
fn renumber(f: &mut Forward) {
    let mut used: HashSet<ValueId> = f.outputs.iter().copied().collect();
    f.steps.iter().for_each(|s| {
        reads(s, &mut used);
        writes(s, &mut used);
    });
    let mut map = vec![None; f.values.len()];
    let mut values = vec![];
    for (n, v) in f.values.iter().enumerate() {
        let id = ValueId(u32::try_from(n).unwrap_or(u32::MAX));
        if n < f.inputs.len() || used.contains(&id) {
            map[n] = Some(ValueId(u32::try_from(values.len()).unwrap_or(u32::MAX)));
            values.push(v.clone());
        }
    }
    let new = |v: ValueId| map[v.index()].unwrap_or(v);
    f.values = values;
    f.outputs.iter_mut().for_each(|v| *v = new(*v));
    f.steps.iter_mut().for_each(|s| rename(s, &new));
}

fn writes(s: &Step, used: &mut HashSet<ValueId>) {
    match s {
        Step::Compute { outs, .. } | Step::Call { outs, .. } => used.extend(outs),
        Step::Loop { body, .. } => body.iter().for_each(|s| writes(s, used)),
    }
}

fn rename(s: &mut Step, new: &dyn Fn(ValueId) -> ValueId) {
    let args_of = |args: &mut Vec<Arg>| {
        for a in args {
            if let Arg::Value(v) = a {
                *v = new(*v);
            }
        }
    };
    match s {
        Step::Compute { args, outs, .. } | Step::Call { args, outs, .. } => {
            args_of(args);
            outs.iter_mut().for_each(|v| *v = new(*v));
        }
        Step::Loop { body, carried, .. } => {
            for (a, b) in carried {
                (*a, *b) = (new(*a), new(*b));
            }
            body.iter_mut().for_each(|s| rename(s, new));
        }
    }
}
