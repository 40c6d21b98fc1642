//! Shares work between definitions: an expensive subexpression that two definitions compute over the
//! same index becomes a definition of its own (the exponential of a softmax, needed by its sum and
//! by its quotient). So does one that a definition would compute again for every value of an index that it
//! does not depend on (the cosines of a rotation, the same for all heads).
//!
//! Within one definition sharing is automatic, expressions being interned.

use std::collections::{BTreeMap, HashMap, HashSet};

use vibee_spec::term::{DefId, ExprId, IndexId, Int, Node, Op, Pos, Source};

use super::flat::{Definition, Program};
use super::rewrite::{Canonical, canonical, cost, free_indices, rebuild, substitute};

/// Cost from which storing beats recomputing: about a transcendental.
const WORTH_STORING: u32 = 10;

/// One place where an expression occurs.
struct Site {
    def: usize,
    expr: ExprId,
    /// Condition under which this place needs the value.
    guard: Option<ExprId>,
    free: Vec<IndexId>,
}

/// Introduces shared definitions until there are none left to share.
pub fn run(program: &mut Program) {
    // Each round adds a definition whose own body is then a candidate no longer.
    for _ in 0..64 {
        let Some(sites) = find(program) else { return };
        introduce(program, &sites);
    }
}

/// The most expensive expression that occurs in two definitions, or is repeated by one.
fn find(program: &mut Program) -> Option<Vec<Site>> {
    let mut groups: HashMap<(Canonical, Option<Canonical>), Vec<Site>> = HashMap::new();
    let mut order = Vec::new();
    for d in 0..program.defs.len() {
        for (expr, guard) in candidates(program, d) {
            let free = free_indices(&program.kernel.exprs, expr);
            let key = canonical(&mut program.kernel, expr, &free);
            let guard_key = guard.map(|g| canonical(&mut program.kernel, g, &free));
            let key = (key, guard_key);
            if !groups.contains_key(&key) {
                order.push(key.clone());
            }
            groups.entry(key).or_default().push(Site { def: d, expr, guard, free });
        }
    }
    let best = order
        .into_iter()
        .filter(|k| {
            let sites = &groups[k];
            sites.iter().any(|s| s.def != sites[0].def || repeats(program, s))
        })
        .max_by_key(|k| cost(&program.kernel.exprs, groups[k][0].expr))?;
    groups.remove(&best)
}

/// Whether a definition computes an expression again for values of an index in the middle, that it does not depend on.
/// What does not depend on the innermost index is taken out of its loop anyway; what does not depend on the outermost
/// would need that loop inside, where it makes no tasks.
fn repeats(program: &Program, site: &Site) -> bool {
    let all = program.defs[site.def].all_indices();
    let has = |i: Option<&IndexId>| i.is_some_and(|i| site.free.contains(i));
    has(all.first()) && has(all.last()) && all.iter().any(|i| !site.free.contains(i))
}

/// Expensive subexpressions of a definition with the condition they stand under. A definition whose
/// whole value is the expression is not a candidate: readers are led to it by `find` itself.
fn candidates(program: &Program, d: usize) -> Vec<(ExprId, Option<ExprId>)> {
    let def = &program.defs[d];
    let exprs = &program.kernel.exprs;
    let mut out = Vec::new();
    let mut stack = vec![(def.value, def.guard)];
    let mut seen = HashSet::new();
    while let Some((e, guard)) = stack.pop() {
        if !seen.insert((e, guard)) {
            continue;
        }
        let whole = e == def.value && def.fold.is_none();
        let node = exprs.node(e);
        let expensive = matches!(node, Node::Op(op, _) if op.info().cost >= WORTH_STORING);
        if expensive && !whole && !free_indices(exprs, e).is_empty() && guard_fits(program, e, guard) {
            out.push((e, guard));
        }
        match node {
            Node::Op(Op::Select, args) if guard.is_none() => {
                stack.push((args[0], guard));
                stack.push((args[1], Some(args[0])));
                stack.push((args[2], None));
            }
            _ => stack.extend(exprs.children(e).into_iter().map(|c| (c, guard))),
        }
    }
    out
}

/// A guard can go with an expression only if it speaks of no other index.
fn guard_fits(program: &Program, e: ExprId, guard: Option<ExprId>) -> bool {
    let Some(g) = guard else { return true };
    let free = free_indices(&program.kernel.exprs, e);
    free_indices(&program.kernel.exprs, g).iter().all(|i| free.contains(i))
}

/// Adds a definition before the first reader and makes all sites read it.
fn introduce(program: &mut Program, sites: &[Site]) {
    let first = &sites[0];
    let kernel = &mut program.kernel;
    let map: BTreeMap<IndexId, Int> = first
        .free
        .iter()
        .map(|i| {
            let index = kernel.indices[i.index()].clone();
            (*i, Int::index(kernel.fresh_index(index.name, index.extent)))
        })
        .collect();
    let op = match kernel.exprs.node(first.expr) {
        Node::Op(op, _) => op.info().name,
        _ => "value",
    };
    let dtype = kernel.exprs.dtype(first.expr).clone();
    let definition = Definition {
        name: unused_name(program, op),
        text: program.defs[first.def].text.clone(),
        dtype: dtype.clone(),
        free: first.free.iter().filter_map(|i| map[i].as_index()).collect(),
        fold: None,
        guard: first.guard.map(|g| substitute(&mut program.kernel.exprs, g, &map)),
        value: substitute(&mut program.kernel.exprs, first.expr, &map),
        dead: false,
    };
    let at = sites.iter().map(|s| s.def).min().unwrap_or(0);
    insert(program, at, definition);
    let id = DefId(at as u32);
    for site in sites {
        let positions = site.free.iter().map(|i| Pos::At(Int::index(*i))).collect();
        let exprs = &mut program.kernel.exprs;
        let load =
            exprs.intern(Node::Load { from: Source::Def(id), at: positions, outside: None }, dtype.clone());
        let d = site.def + 1;
        // Inserting renumbered the definitions, so look the expression up again by its new form.
        let shifted = shift(program, site.expr, at);
        let value = program.defs[d].value;
        program.defs[d].value = replace(program, value, shifted, load);
    }
}

/// Inserts a definition and renumbers references behind it.
pub fn insert(program: &mut Program, at: usize, definition: Definition) {
    for d in 0..program.defs.len() {
        let value = program.defs[d].value;
        program.defs[d].value = shift(program, value, at);
        if let Some(g) = program.defs[d].guard {
            program.defs[d].guard = Some(shift(program, g, at));
        }
    }
    // The new definition stands before everything that is renumbered.
    program.defs.insert(at, definition);
    for o in &mut program.outputs {
        if o.def.index() >= at {
            o.def = DefId(o.def.0 + 1);
        }
    }
}

/// `e` with references to definitions from `at` on moved by one.
fn shift(program: &mut Program, e: ExprId, at: usize) -> ExprId {
    rebuild(&mut program.kernel.exprs, e, &mut HashMap::new(), &mut |exprs, node, dtype| {
        let node = match node {
            Node::Load { from: Source::Def(d), at: positions, outside } if d.index() >= at => {
                Node::Load { from: Source::Def(DefId(d.0 + 1)), at: positions, outside }
            }
            other => other,
        };
        exprs.intern(node, dtype)
    })
}

/// `e` with every occurrence of `old` replaced.
fn replace(program: &mut Program, e: ExprId, old: ExprId, new: ExprId) -> ExprId {
    let mut memo = HashMap::from([(old, new)]);
    rebuild(&mut program.kernel.exprs, e, &mut memo, &mut |exprs, node, dtype| exprs.intern(node, dtype))
}

/// A name for a definition that none has.
pub fn unused_name(program: &Program, base: &str) -> String {
    let taken = |n: &str| {
        program.defs.iter().any(|d| d.name == n) || program.kernel.inputs.iter().any(|i| i.name == n)
    };
    (1..)
        .map(|n| if n == 1 { format!("{base}_value") } else { format!("{base}_value{n}") })
        .find(|n| !taken(n))
        .unwrap_or_default()
}
