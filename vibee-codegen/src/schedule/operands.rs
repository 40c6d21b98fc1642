//! Computes a factor of a sum of products ahead where that makes the sum a contraction.
//!
//! `sum[d](max(x[t, d], 0) * w[o, d])` is no product of two arrays, but it is one of an array and of what
//! `max(x[t, d], 0)` is for every t and d, which all o use again. So do positions that a product cannot walk along:
//! gathered rows, windows, values for the outside.
//!
//! Rows are always worth it: there are as many uses of an element as columns, and columns are what is wide. Columns
//! only where they would be read element by element: weights that one row is multiplied with must not be written out
//! before. Must not change what is computed.

use std::collections::BTreeMap;

use vibee_spec::check::Known;
use vibee_spec::term::{Atom, DType, DefId, ExprId, FoldOp, IndexId, Int, Node, Op, Pos, Source};

use super::arrange::arranged;
use super::contract;
use crate::passes::{Definition, Program, free_indices, insert, loads, substitute, unused_name};

/// Looks at every sum once.
pub fn run(program: &mut Program) {
    let mut n = 0;
    while n < program.defs.len() {
        let id = DefId(n as u32);
        if !program.def(id).dead
            && contract::recognise(program, id).is_none()
            && let Some((changed, count)) = arranged(program, id)
                .map(|p| (p, 1))
                .or_else(|| ahead(program, id))
                .or_else(|| kept(program, id))
        {
            *program = changed;
            n += count;
        }
        n += 1;
    }
}

/// The program with whole factors that fit bytes kept as such, and what it takes to make the sum a contraction then.
fn kept(program: &Program, id: DefId) -> Option<(Program, usize)> {
    let exprs = &program.kernel.exprs;
    let Node::Op(Op::Mul, factors) = exprs.node(program.def(id).value) else { return None };
    let mut changed = program.clone();
    for f in factors {
        if let Node::Load { from: Source::Def(d), .. } = exprs.node(*f)
            && !program.is_output(*d)
            && fits_byte(program, program.def(*d).value)
        {
            changed.defs[d.index()].dtype = DType::I8;
        }
    }
    if contract::recognise(&changed, id).is_some() {
        return Some((changed, 0));
    }
    Some((arranged(&changed, id)?, 1))
}

/// Whether a whole number was made an `i8`, under all conditions.
fn fits_byte(program: &Program, e: ExprId) -> bool {
    match program.kernel.exprs.node(e) {
        Node::Cast(DType::I8, _) => true,
        Node::Int(i) => i.as_const().is_some_and(|v| i8::try_from(v).is_ok()),
        Node::Op(Op::Select, args) => args[1..].iter().all(|e| fits_byte(program, *e)),
        _ => false,
    }
}

/// The program with factors computed ahead, and how many, if the sum is a contraction then.
fn ahead(program: &Program, id: DefId) -> Option<(Program, usize)> {
    let d = program.def(id);
    let fold = d.fold.as_ref().filter(|f| f.op == FoldOp::Sum)?;
    if d.dtype != DType::F32 || d.guard.is_some() {
        return None;
    }
    let exprs = &program.kernel.exprs;
    let Node::Op(Op::Mul, factors) = exprs.node(d.value) else { return None };
    let letters: Vec<Vec<IndexId>> = factors.iter().map(|f| free_indices(exprs, *f)).collect();
    if !fold.over.iter().all(|i| letters.iter().all(|own| own.contains(i))) {
        return None;
    }
    let last = *d.free.last()?;
    let both = |i: &&IndexId| letters.iter().all(|own| own.contains(i));
    let batch: Vec<IndexId> = d.free.iter().filter(both).copied().collect();
    // What is not kept as `f32` is columns, whatever the order of the result, and never written out.
    let has_last = letters.iter().position(|own| own.contains(&last));
    let is_narrow = |place: &usize| contract::is_narrow(program, factors[*place]);
    let narrow = has_last.filter(is_narrow).or_else(|| (0..factors.len()).find(is_narrow));
    let mut changed = program.clone();
    let mut count = 0;
    for (place, own) in letters.iter().enumerate() {
        let is_rows = match narrow {
            Some(columns) => place != columns,
            None => !own.contains(&last),
        };
        let wanted = is_rows || narrow.is_none() && is_slow(program, factors[place], last);
        // In the order of the result, so that nothing has to be transposed.
        let axes: Vec<IndexId> = d.free.iter().filter(|i| own.contains(i)).copied().collect();
        let lines: Vec<IndexId> = axes.iter().filter(|i| !batch.contains(i)).copied().collect();
        if wanted && !contract::is_operand(program, factors[place], &batch, &lines, &fold.over) {
            let axes: Vec<IndexId> = axes.iter().chain(&fold.over).copied().collect();
            if !runs_with(program, &d.all_indices(), &axes) && !stays_inside(program, factors[place], &axes) {
                return None;
            }
            compute(&mut changed, id.index() + count, place, &axes)?;
            count += 1;
        }
    }
    let id = DefId((id.index() + count) as u32);
    if count == 0 {
        None
    } else if contract::recognise(&changed, id).is_some() {
        Some((changed, count))
    } else {
        Some((arranged(&changed, id)?, count + 1))
    }
}

/// Whether loops over all of these letters run if those over `axes` do.
fn runs_with(program: &Program, all: &[IndexId], axes: &[IndexId]) -> bool {
    let known = Known::without_reads(&program.kernel);
    let scope: Vec<(IndexId, Int)> = axes.iter().map(|i| (*i, program.extent(*i).clone())).collect();
    let others = all.iter().filter(|i| !axes.contains(i));
    others.map(|i| program.extent(*i).sub(&Int::constant(1))).all(|last| known.nonneg(&last, &scope, &[]))
}

/// Whether a factor reads inside of arrays wherever these letters are, also if loops over others do not run.
fn stays_inside(program: &Program, e: ExprId, axes: &[IndexId]) -> bool {
    let known = Known::without_reads(&program.kernel);
    let scope: Vec<(IndexId, Int)> = axes.iter().map(|i| (*i, program.extent(*i).clone())).collect();
    let one = Int::constant(1);
    loads(&program.kernel.exprs, e).into_iter().all(|(load, from, at)| {
        let shape: Vec<Int> = match from {
            Source::Input(i) => program.kernel.input(i).shape.clone(),
            Source::Def(d) => program.def(d).free.iter().map(|i| program.extent(*i).clone()).collect(),
        };
        let inside = |p: &Pos, extent: &Int| match p {
            Pos::At(i) => known.nonneg(i, &scope, &[]) && known.nonneg(&extent.sub(&one).sub(i), &scope, &[]),
            Pos::Data(_) => true,
        };
        let guarded = !matches!(program.kernel.exprs.node(load), Node::Load { outside: None, .. });
        guarded || at.iter().zip(&shape).all(|(p, extent)| inside(p, extent))
    })
}

/// Whether a factor is read element by element in lanes of a letter: neighbours along it are not neighbours in
/// memory, or a position has to be divided for each.
fn is_slow(program: &Program, e: ExprId, letter: IndexId) -> bool {
    let adjacent =
        |i: &Int| !i.mentions(letter) || i.linear_in(letter).is_some_and(|(c, _)| c == Int::constant(1));
    loads(&program.kernel.exprs, e)
        .into_iter()
        .any(|(_, _, at)| at.iter().any(|p| matches!(p, Pos::At(i) if !adjacent(i) || divides(i))))
}

/// Whether a position is more than a sum of products of letters and sizes.
fn divides(i: &Int) -> bool {
    let is_leaf = |a: &Atom| matches!(a, Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_));
    let of_sizes = |a: &Atom| Int::atom(a.clone()).mentions_only(&[]);
    i.terms().any(|(factors, _)| factors.iter().any(|a| !is_leaf(a) && !of_sizes(a)))
}

/// Defines a factor of the sum `reader` before it, over these axes.
fn compute(program: &mut Program, reader: usize, place: usize, axes: &[IndexId]) -> Option<()> {
    let kernel = &mut program.kernel;
    let factor = kernel.exprs.children(program.defs[reader].value)[place];
    if *kernel.exprs.dtype(factor) != DType::F32 {
        return None;
    }
    let mut own = BTreeMap::new();
    for i in axes {
        let index = kernel.indices[i.index()].clone();
        own.insert(*i, Int::index(kernel.fresh_index(index.name, index.extent)));
    }
    let definition = Definition {
        name: unused_name(program, "factor"),
        text: program.defs[reader].text.clone(),
        dtype: DType::F32,
        free: axes.iter().filter_map(|i| own[i].as_index()).collect(),
        fold: None,
        guard: None,
        value: substitute(&mut program.kernel.exprs, factor, &own),
        dead: false,
    };
    insert(program, reader, definition);
    let exprs = &mut program.kernel.exprs;
    let at = axes.iter().map(|i| Pos::At(Int::index(*i))).collect();
    let load = Node::Load { from: Source::Def(DefId(reader as u32)), at, outside: None };
    let load = exprs.intern(load, DType::F32);
    // Inserting renumbered what is read, so the factors are those of now.
    let sum = &mut program.defs[reader + 1];
    let mut factors = exprs.children(sum.value);
    factors[place] = load;
    sum.value = exprs.intern(Node::Op(Op::Mul, factors), DType::F32);
    Some(())
}
