//! What comes before what: folds from start to finish, values before their readers.

use vibee_spec::term::{DefId, ExprId, IndexId, Node, Pos, Source};

use super::about;
use super::site::Site;
use crate::loops::{Buffer, BufferKind, LoopProgram, Stmt};
use crate::passes::visit;

pub fn verify(p: &LoopProgram, sites: &[Site<'_>]) -> Result<(), String> {
    for s in sites {
        match s.stmt {
            Stmt::Update { def } => fold(p, sites, s, *def)?,
            Stmt::Start { def, .. } | Stmt::Finish { def, .. }
                if !sites.iter().any(|u| matches!(u.stmt, Stmt::Update { def: d } if d == def)) =>
            {
                return Err(about(p, s, "a fold without an update"));
            }
            Stmt::Store { def } => stored(p, sites, s, *def)?,
            _ => {}
        }
        for root in evaluated(p, s) {
            reads(p, sites, s, root)?;
        }
    }
    Ok(())
}

/// Expressions that a statement evaluates.
fn evaluated(p: &LoopProgram, s: &Site<'_>) -> Vec<ExprId> {
    let d = s.def();
    match s.stmt {
        Stmt::Update { .. } | Stmt::Let { .. } => p.program.roots(d),
        // With a variable, storing only copies.
        Stmt::Store { .. } if p.place(d).variable || p.program.def(d).fold.is_some() => vec![],
        Stmt::Store { .. } => p.program.roots(d),
        Stmt::Gemm(g) => {
            let mut out = vec![g.a.load, g.b.load];
            out.extend(g.epilogue.iter().flat_map(|e| p.program.roots(*e)));
            out
        }
        Stmt::Start { .. } | Stmt::Finish { .. } | Stmt::Loop { .. } => vec![],
    }
}

/// One start and one finish around the loops over what is folded, at one place.
fn fold(p: &LoopProgram, sites: &[Site<'_>], update: &Site<'_>, def: DefId) -> Result<(), String> {
    let Some(fold) = &p.program.def(def).fold else {
        return Err(about(p, update, "only folds are updated"));
    };
    let of = |f: &dyn Fn(&Stmt) -> bool| sites.iter().filter(|s| f(s.stmt)).collect::<Vec<_>>();
    let starts = of(&|s| matches!(s, Stmt::Start { def: d, .. } if *d == def));
    let ends = of(&|s| matches!(s, Stmt::Finish { def: d, .. } if *d == def));
    let ([start], [end]) = (starts.as_slice(), ends.as_slice()) else {
        return Err(about(
            p,
            update,
            &format!("it starts {} and finishes {} times", starts.len(), ends.len()),
        ));
    };
    let depth = start.loops.len();
    if start.common(update) != Some(depth) || !start.in_scope(end) {
        return Err(about(p, update, "it does not start before it is updated, in a scope around"));
    }
    if update.common(end) != Some(depth) {
        return Err(about(p, update, "it finishes before all updates are done"));
    }
    let between: Vec<IndexId> = update.loops[depth..].iter().map(|l| l.index).collect();
    if between.len() != fold.over.len() || !fold.over.iter().all(|i| between.contains(i)) {
        return Err(about(p, update, "other loops than those it folds are between its start and its update"));
    }
    Ok(())
}

fn stored(p: &LoopProgram, sites: &[Site<'_>], s: &Site<'_>, def: DefId) -> Result<(), String> {
    if p.place(def).buffer.is_none() {
        return Err(about(p, s, "it is stored, but has no buffer"));
    }
    let made =
        |m: &&Site<'_>| matches!(m.stmt, Stmt::Let { def: d } | Stmt::Finish { def: d, .. } if *d == def);
    let needs = p.place(def).variable || p.program.def(def).fold.is_some();
    match sites.iter().find(made) {
        Some(m) if m.in_scope(s) => Ok(()),
        Some(_) => Err(about(p, s, "it is stored before it is finished")),
        None if needs => Err(about(p, s, "it is stored, but never bound")),
        None => Ok(()),
    }
}

/// Every read of another definition finds a finished value.
fn reads(p: &LoopProgram, sites: &[Site<'_>], s: &Site<'_>, root: ExprId) -> Result<(), String> {
    let mut result = Ok(());
    visit(&p.program.kernel.exprs, root, &mut |_, node| {
        if let Node::Load { from: Source::Def(d), at, .. } = node
            && result.is_ok()
        {
            result = read(p, sites, s, *d, at);
        }
    });
    result
}

fn read(p: &LoopProgram, sites: &[Site<'_>], s: &Site<'_>, d: DefId, at: &[Pos]) -> Result<(), String> {
    let def = p.program.def(d);
    let fail = |what: &str| Err(about(p, s, &format!("it reads `{}` {what}", def.name)));
    if let Stmt::Gemm(g) = s.stmt
        && g.epilogue.is_some()
        && g.def == d
    {
        return Ok(()); // a finished row of the product: `product` looks at where
    }
    let own = |n: usize| matches!(&at[n], Pos::At(i) if i.as_index() == Some(def.free[n]));
    let made = |m: &&Site<'_>| {
        matches!(m.stmt, Stmt::Let { def } | Stmt::Finish { def, .. } if *def == d) && m.in_scope(s)
    };
    if sites.iter().any(|m| made(&m)) && !matches!(s.stmt, Stmt::Gemm(_)) {
        if p.place(d).variable && (0..at.len()).all(own) {
            return Ok(());
        }
        // What is in scope is read as the variable that it is, whatever the position says.
        if !(0..at.len()).all(own) {
            return fail("in scope, at another element than this iteration's");
        }
    }
    let Some(b) = p.place(d).buffer else { return fail("out of its scope, and it is not stored") };
    let writes = |w: &&Site<'_>| matches!(w.stmt, Stmt::Store { .. } | Stmt::Gemm(_)) && w.def() == d;
    let Some(w) = sites.iter().find(writes) else { return fail("which nothing stores") };
    if w.stage < s.stage {
        return Ok(());
    }
    let Some(common) = w.common(s) else { return fail("before it is stored") };
    let shared: Vec<IndexId> = w.loops[..common].iter().map(|l| l.index).collect();
    let buffer: &Buffer = p.buffer(b);
    for (n, i) in def.free.iter().enumerate() {
        if shared.contains(i) && !own(n) {
            return fail("at an element that another iteration or task stores");
        }
        let kept = buffer.axes.contains(&n) || shared.contains(i) && own(n);
        if !kept {
            return fail("at an element that its buffer does not keep");
        }
    }
    if buffer.kind == BufferKind::Local && w.stage != s.stage {
        return fail("from another task's memory");
    }
    Ok(())
}
