//! Loops around statements: bound once, over ranges known outside, and exactly those a definition needs.

use vibee_spec::term::{Atom, DefId, IndexId, Int};

use super::about;
use super::site::Site;
use crate::loops::{LoopProgram, Stmt};

pub fn verify(p: &LoopProgram, sites: &[Site<'_>]) -> Result<(), String> {
    for s in sites {
        bounds(p, s)?;
        grid(p, s)?;
        domain(p, s)?;
    }
    for (id, d) in p.program.live() {
        let n = evaluations(sites, id);
        if n != 1 {
            return Err(format!("`{}`: {n} statements evaluate it", d.name));
        }
    }
    Ok(())
}

/// How often a definition's value is computed: updates of folds, products, and the first of binding
/// and storing otherwise.
fn evaluations(sites: &[Site<'_>], id: DefId) -> usize {
    let count = |f: &dyn Fn(&Stmt) -> bool| sites.iter().filter(|s| f(s.stmt)).count();
    let folded = count(&|s| matches!(s, Stmt::Update { def } if *def == id));
    let product = count(&|s| matches!(s, Stmt::Gemm(g) if g.def == id || g.epilogue == Some(id)));
    let bound = count(&|s| matches!(s, Stmt::Let { def } if *def == id));
    let finished = count(&|s| matches!(s, Stmt::Finish { def, .. } if *def == id));
    let stored = count(&|s| matches!(s, Stmt::Store { def } if *def == id));
    let elementwise = if bound + finished > 0 { bound } else { stored };
    folded + product + elementwise
}

fn bounds(p: &LoopProgram, s: &Site<'_>) -> Result<(), String> {
    let mut outer: Vec<IndexId> = Vec::new();
    for l in &s.loops {
        let name = &p.program.kernel.indices[l.index.index()].name;
        if outer.contains(&l.index) {
            return Err(about(p, s, &format!("`{name}` is bound twice around it")));
        }
        for e in [&l.lo, &l.hi] {
            if let Some(i) = unbound(e, &outer) {
                let other = &p.program.kernel.indices[i.index()].name;
                return Err(about(p, s, &format!("the range of `{name}` depends on `{other}`, bound later")));
            }
        }
        outer.push(l.index);
    }
    Ok(())
}

fn unbound(e: &Int, bound: &[IndexId]) -> Option<IndexId> {
    let mut found = None;
    e.visit_leaves(&mut |a| match a {
        Atom::Index(i) if !bound.contains(i) => found = Some(*i),
        _ => {}
    });
    found
}

fn grid(p: &LoopProgram, s: &Site<'_>) -> Result<(), String> {
    let free = &p.program.def(s.def()).free;
    match s.loops[..s.grid].iter().find(|l| !free.contains(&l.index)) {
        None => Ok(()),
        Some(l) => {
            let name = &p.program.kernel.indices[l.index.index()].name;
            Err(about(p, s, &format!("tasks over `{name}` all compute the same element")))
        }
    }
}

/// The loops around are over the statement's own indices, and whole where every element counts.
fn domain(p: &LoopProgram, s: &Site<'_>) -> Result<(), String> {
    let d = p.program.def(s.def());
    let mut around = s.indices();
    let wanted = match s.stmt {
        Stmt::Update { .. } => d.all_indices(),
        Stmt::Gemm(g) => {
            around.extend(g.m.iter().chain(&g.n));
            d.free.clone()
        }
        _ => d.free.clone(),
    };
    let missing = wanted.iter().find(|i| !around.contains(i));
    let spare = around.iter().find(|i| !wanted.contains(i));
    let name = |i: &IndexId| p.program.kernel.indices[i.index()].name.clone();
    if let Some(i) = missing {
        return Err(about(p, s, &format!("no loop over `{}` is around it", name(i))));
    }
    if let Some(i) = spare {
        return Err(about(p, s, &format!("it is repeated for every `{}`", name(i))));
    }
    // Elsewhere a guard may have become a bound, or nobody reads the rest.
    let whole = p.program.is_output(s.def());
    for l in s.loops.iter().filter(|l| whole && d.free.contains(&l.index)) {
        if !l.is_whole(p) {
            return Err(about(p, s, &format!("the loop over `{}` leaves elements out", name(&l.index))));
        }
    }
    Ok(())
}
