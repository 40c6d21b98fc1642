//! Recognises contractions by structure: a sum of a product of two arrays whose indices fall into
//! batch (in both operands and the result), rows (one operand), columns (the other) and summed.
//!
//! Which numbers are large is not known here; the runtime's product is efficient from a few rows on.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::term::{
    Atom, DType, DefId, ExprId, Exprs, FoldOp, IndexId, Input, InputKind, Int, Node, Op, Pos, Source,
};

use super::bounds::tighten;
use crate::loops::{Gemm, Operand, OperandAxis, Rounding};
use crate::passes::{Program, free_indices, loads, rebuild, substitute, substitute_int};

/// A recognised contraction.
pub struct Contraction {
    /// The product; operands still in the definition's own letters.
    pub gemm: Gemm,
    /// Indices of both operands: loops around the product.
    pub batch: Vec<IndexId>,
    /// Fused elementwise reader.
    pub epilogue: Option<DefId>,
    /// The reader's letters and the contraction's.
    pub epilogue_indices: Vec<(IndexId, IndexId)>,
}

/// At most this many view axes can be merged to rows or columns.
const MERGED: usize = 2;

/// The contraction that `id` is, if it is one.
pub fn recognise(program: &Program, id: DefId) -> Option<Contraction> {
    let d = program.def(id);
    let fold = d.fold.as_ref().filter(|f| f.op == FoldOp::Sum)?;
    let exprs = &program.kernel.exprs;
    let [(mut a, mut rounding), (mut b, other)] = factors(exprs, d.value)?;
    let (mut of_a, mut of_b) = (array(program, &d.dtype, a)?, array(program, &d.dtype, b)?);
    if a == b {
        return None;
    }
    let (in_a, in_b) = (free_indices(exprs, a), free_indices(exprs, b));
    let both = |i: &IndexId| in_a.contains(i) && in_b.contains(i);
    if !fold.over.iter().all(both) || !d.free.iter().all(|i| in_a.contains(i) || in_b.contains(i)) {
        return None;
    }
    let own: Vec<IndexId> = d.free.iter().copied().filter(|i| !both(i)).collect();
    let [around, m, n] = lines(&own, &|i| in_a.contains(i))?;
    let batch: Vec<IndexId> = d.free.iter().copied().filter(|i| both(i) || around.contains(i)).collect();
    if n.iter().any(|i| in_a.contains(i)) {
        (a, b, rounding) = (b, a, other);
        (of_a, of_b) = (of_b, of_a);
    }
    // What is not kept as `f32` is widened or decoded on the right, in rows of memory, and nowhere else. One row of floats is
    // multiplied as fast by loops, but for decoding.
    let fits = match (of_a, of_b) {
        (Kept::Single, Kept::Single | Kept::Half) => !m.is_empty(),
        (Kept::Single, Kept::Blocks) | (Kept::Whole, Kept::Whole) => true,
        _ => false,
    };
    if !fits {
        return None;
    }
    // Columns must be innermost in memory, and one axis of what the caller sees.
    if d.free.last() != n.last() || m.len() > MERGED || !columns_are_one_axis(program, id, &n) {
        return None;
    }
    let a = operand(program, a, &batch, &m, &fold.over)?;
    let b = operand(program, b, &batch, &n, &fold.over)?;
    let fits = match of_b {
        Kept::Single => true,
        Kept::Whole => d.guard.is_none(),
        Kept::Half => d.guard.is_none() && (is_rows(&b) || b.is_across()),
        Kept::Blocks => d.guard.is_none() && (is_rows(&b) || b.is_across()) && has_whole_rows(program, &b),
    };
    if !fits {
        return None;
    }
    let order = |o: &Operand| columns(o).concat();
    if order(&a) != order(&b) || columns(&a).len() > MERGED || columns(&b).len() > MERGED {
        return None;
    }
    let k = order(&a);
    let terms = match d.guard {
        None => None,
        // Rows with terms of their own are a task's work, and only loops around a product make tasks.
        Some(_) if batch.is_empty() => return None,
        Some(guard) => Some(terms(program, guard, &k, &[&batch[..], &m[..]].concat())?),
    };
    let gemm = Gemm { def: id, epilogue: None, m, n, k, terms, columns: None, a, rounding, b };
    let mut c = Contraction { gemm, batch, epilogue: None, epilogue_indices: Vec::new() };
    if c.gemm.terms.is_none()
        && let Some((e, indices)) = epilogue(program, &c)
    {
        c.epilogue = Some(e);
        c.gemm.epilogue = Some(e);
        c.epilogue_indices = indices;
    }
    Some(c)
}

/// Letters that one operand has, in the order of the result, as those of loops around, rows and columns: rows are all
/// of one operand, columns of the other. As few as possible are loops. Without rows, there is one.
fn lines(own: &[IndexId], is_left: &dyn Fn(&IndexId) -> bool) -> Option<[Vec<IndexId>; 3]> {
    let same = |i: &[IndexId]| i.iter().all(|x| is_left(x) == is_left(&i[0]));
    if !own.is_empty() && same(own) {
        return Some([vec![], vec![], own.to_vec()]);
    }
    (0..own.len()).find_map(|around| {
        let (around, rest) = own.split_at(around);
        let rows = rest.iter().position(|i| is_left(i) != is_left(&rest[0]))?;
        let (rows, columns) = rest.split_at(rows);
        same(columns).then(|| [around, rows, columns].map(<[IndexId]>::to_vec))
    })
}

/// The factors of a product without permissions to round them, and those.
pub fn factors(exprs: &Exprs, e: ExprId) -> Option<[(ExprId, Option<Rounding>); 2]> {
    let Node::Op(Op::Mul, args) = exprs.node(permitted(exprs, e).0) else { return None };
    Some([args[0], args[1]].map(|e| permitted(exprs, e)))
}

/// A value without the permission to round it, and that; bytes without their conversion to `f32`.
fn permitted(exprs: &Exprs, e: ExprId) -> (ExprId, Option<Rounding>) {
    match exprs.node(e) {
        Node::Op(Op::NearI8, args) => (args[0], Some(Rounding::I8)),
        Node::Op(Op::NearBf16, args) => (args[0], Some(Rounding::Bf16)),
        Node::Cast(DType::F32, x) if matches!(exprs.node(*x), Node::Load { .. }) => (*x, None),
        _ => (e, None),
    }
}

/// Takes permissions to round out of all values: products that can use them have been found.
pub fn drop_permissions(program: &mut Program) {
    let mut memo = HashMap::new();
    let exprs = &mut program.kernel.exprs;
    let mut without = |e: ExprId| {
        rebuild(exprs, e, &mut memo, &mut |exprs, node, dtype| match node {
            Node::Op(Op::NearI8 | Op::NearBf16, args) => args[0],
            other => exprs.intern(other, dtype),
        })
    };
    for d in &mut program.defs {
        d.value = without(d.value);
        d.guard = d.guard.map(&mut without);
    }
}

/// The range that a guard leaves of the one summed index, if that is all that it says, row by row.
fn terms(program: &Program, guard: ExprId, k: &[IndexId], rows: &[IndexId]) -> Option<(Int, Int)> {
    let [k] = k else { return None };
    match tighten(program, Some(guard), *k, rows) {
        Some((lo, hi, rest)) if rest.is_empty() => Some((lo, hi)),
        _ => None,
    }
}

/// Puts the batch loops' letters into the product.
pub fn operands(program: &mut Program, c: Contraction, map: &BTreeMap<IndexId, Int>) -> Gemm {
    let mut gemm = c.gemm;
    if let Some((lo, hi)) = &mut gemm.terms {
        // The range says all that the guard said.
        program.defs[gemm.def.index()].guard = None;
        (*lo, *hi) = (substitute_int(lo, map), substitute_int(hi, map));
    }
    for o in [&mut gemm.a, &mut gemm.b] {
        o.load = substitute(&mut program.kernel.exprs, o.load, map);
        for axis in &mut o.axes {
            match axis {
                OperandAxis::At(p)
                | OperandAxis::Rows(p, _)
                | OperandAxis::Cols(p, _)
                | OperandAxis::Mixed(p, ..) => {
                    *p = substitute_int(p, map);
                }
                OperandAxis::RowsPart(_) | OperandAxis::ColsPart(_) => {}
            }
        }
    }
    gemm
}

/// How an operand's numbers are kept.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    /// As `f32`.
    Single,
    /// In 8 or 16 bits, by the caller, as numbers that are added up as `f32`.
    Half,
    /// In 8 bits, as whole numbers that are added up as such.
    Whole,
    /// In blocks of a format.
    Blocks,
}

/// How an array is kept that is read at known positions, if the runtime has such products with sums of this type.
fn array(program: &Program, sums: &DType, e: ExprId) -> Option<Kept> {
    let Node::Load { from, at, outside: None } = program.kernel.exprs.node(e) else { return None };
    if at.is_empty() || !at.iter().all(|p| matches!(p, Pos::At(_))) {
        return None;
    }
    let (dtype, given) = match from {
        Source::Input(i) => match program.kernel.input(*i) {
            Input { kind: InputKind::Numbers, .. } => return Some(Kept::Blocks),
            Input { dtype, .. } => (dtype, true),
        },
        Source::Def(d) => (&program.def(*d).dtype, false),
    };
    match (sums, dtype) {
        (DType::F32, DType::F32) => Some(Kept::Single),
        (DType::F32, DType::F16 | DType::BF16 | DType::I8 | DType::U8) if given => Some(Kept::Half),
        (DType::I32, DType::I8) => Some(Kept::Whole),
        _ => None,
    }
}

/// Whether an operand is rows of one axis and summed along the one behind it, the last.
fn is_rows(o: &Operand) -> bool {
    let rest: Vec<&OperandAxis> = o.axes.iter().filter(|a| !matches!(a, OperandAxis::At(_))).collect();
    let last = o.axes.last().is_some_and(|a| matches!(a, OperandAxis::Cols(..)));
    last && matches!(rest[..], [OperandAxis::Rows(..), OperandAxis::Cols(..)])
}

/// Whether all of the last axis is summed, or is columns of the result.
fn has_whole_rows(program: &Program, o: &Operand) -> bool {
    let Node::Load { from: Source::Input(i), .. } = program.kernel.exprs.node(o.load) else { return false };
    let (Some(axis), Some(whole)) = (o.axes.last(), program.kernel.input(*i).shape.last()) else {
        return false;
    };
    let (OperandAxis::Cols(start, digits) | OperandAxis::Rows(start, digits)) = axis else { return false };
    let extent = digits.iter().fold(Int::constant(1), |n, i| n.mul(program.extent(*i)));
    *start == Int::default() && extent == *whole
}

/// Several column indices are one only if the caller's array has them merged or nobody sees them.
fn columns_are_one_axis(program: &Program, id: DefId, n: &[IndexId]) -> bool {
    n.len() == 1
        || program
            .outputs
            .iter()
            .filter(|o| o.def == id)
            .all(|o| o.digits.last().is_some_and(|digits| *digits == n.len()))
}

fn columns(o: &Operand) -> Vec<Vec<IndexId>> {
    let cols = |a: &OperandAxis| match a {
        OperandAxis::ColsPart(k) => Some(k.clone()),
        a => Some(a.cols().to_vec()).filter(|k| !k.is_empty()),
    };
    o.axes.iter().filter_map(cols).collect()
}

/// Whether a product can walk along a factor of f32 where it is.
pub fn is_operand(
    program: &Program,
    e: ExprId,
    batch: &[IndexId],
    lines: &[IndexId],
    summed: &[IndexId],
) -> bool {
    let e = permitted(&program.kernel.exprs, e).0;
    array(program, &DType::F32, e) == Some(Kept::Single)
        && operand(program, e, batch, lines, summed).is_some()
}

/// Whether a factor is an array that is not kept as `f32`.
pub fn is_narrow(program: &Program, e: ExprId) -> bool {
    array(program, &DType::F32, permitted(&program.kernel.exprs, e).0)
        .is_some_and(|kept| kept != Kept::Single)
}

/// How each axis of an operand is used; `None` if some axis mixes roles.
fn operand(
    program: &Program,
    load: ExprId,
    batch: &[IndexId],
    rows: &[IndexId],
    summed: &[IndexId],
) -> Option<Operand> {
    let Node::Load { from, at, .. } = program.kernel.exprs.node(load) else { return None };
    let mut axes = Vec::new();
    let mut seen = Vec::new();
    for (n, p) in at.iter().enumerate() {
        let Pos::At(p) = p else { return None };
        // The second half of a pair was taken with the first.
        if axes.len() > n {
            continue;
        }
        if let Some(i) = taken_apart(program, *from, at, n) {
            let part = |digits| {
                if rows.contains(&i) { OperandAxis::RowsPart(digits) } else { OperandAxis::ColsPart(digits) }
            };
            if !rows.contains(&i) && !summed.contains(&i) {
                return None;
            }
            seen.push(i);
            axes.extend([part(vec![]), part(vec![i])]);
            continue;
        }
        let axis = if let Some((start, digits)) = digits(program, p, rows, batch) {
            seen.extend(digits.iter().copied());
            OperandAxis::Rows(start, digits)
        } else if let Some((start, digits)) = digits(program, p, summed, batch) {
            seen.extend(digits.iter().copied());
            OperandAxis::Cols(start, digits)
        } else if let Some((start, rows, cols)) = mixed(program, p, rows, summed, batch) {
            seen.extend(rows.iter().chain(&cols).copied());
            OperandAxis::Mixed(start, rows, cols)
        } else {
            if !p.mentions_only(batch) {
                return None;
            }
            OperandAxis::At(p.clone())
        };
        axes.push(axis);
    }
    let once = (1..seen.len()).all(|k| !seen[..k].contains(&seen[k]));
    let groups =
        axes.iter().filter(|a| !a.rows().is_empty() || matches!(a, OperandAxis::RowsPart(_))).count();
    let operand = Operand { load, axes };
    let as_they_stand = operand.axes.iter().flat_map(|a| a.rows().iter().copied()).eq(rows.iter().copied());
    let in_order = as_they_stand || operand.row_order(rows).is_some();
    (once && in_order && groups <= MERGED && seen.len() == rows.len() + summed.len()).then_some(operand)
}

/// The index `n` if the axes from `axis` on are read at `n // C, n % C` and `n` runs over both whole.
fn taken_apart(program: &Program, from: Source, at: &[Pos], axis: usize) -> Option<IndexId> {
    let (Pos::At(outer), Pos::At(inner)) = (at.get(axis)?, at.get(axis + 1)?) else { return None };
    let (Atom::Div(n, c), Atom::Mod(m, d)) = (outer.as_atom()?, inner.as_atom()?) else { return None };
    let extent = |axis: usize| match from {
        Source::Input(i) => program.kernel.input(i).shape[axis].clone(),
        Source::Def(d) => program.extent(program.def(d).free[axis]).clone(),
    };
    let i = n.as_index()?;
    let whole = **c == extent(axis + 1) && *program.extent(i) == extent(axis).mul(c);
    (n == m && c == d && whole).then_some(i)
}

/// `p = start + mixed-radix number of some of `of``, `start` over batch indices and dims.
fn digits(program: &Program, p: &Int, of: &[IndexId], batch: &[IndexId]) -> Option<(Int, Vec<IndexId>)> {
    let (rest, order, _) = counted(program, p, of, Int::constant(1))?;
    rest.mentions_only(batch).then_some((rest, order))
}

/// `p = start + mixed-radix number of rows, then columns`.
fn mixed(
    program: &Program,
    p: &Int,
    rows: &[IndexId],
    cols: &[IndexId],
    batch: &[IndexId],
) -> Option<(Int, Vec<IndexId>, Vec<IndexId>)> {
    let (rest, cols, weight) = counted(program, p, cols, Int::constant(1))?;
    let (rest, rows, _) = counted(program, &rest, rows, weight)?;
    rest.mentions_only(batch).then_some((rest, rows, cols))
}

/// The indices of `of` in `p` as digits, the last of them counting `weight`: what is left of `p`, the digits,
/// and what the next digit would count.
fn counted(program: &Program, p: &Int, of: &[IndexId], mut weight: Int) -> Option<(Int, Vec<IndexId>, Int)> {
    let mut rest = p.clone();
    let mut found: Vec<IndexId> = of.iter().copied().filter(|i| p.mentions(*i)).collect();
    if found.is_empty() {
        return None;
    }
    let mut order = Vec::new();
    while !found.is_empty() {
        let next = found.iter().position(|i| p.linear_in(*i).is_some_and(|(c, _)| c == weight))?;
        let i = found.remove(next);
        rest = rest.sub(&weight.mul(&Int::index(i)));
        weight = weight.mul(program.extent(i));
        order.insert(0, i);
    }
    Some((rest, order, weight))
}

/// The only reader, if it is elementwise in the product's own order and reads nothing made later.
fn epilogue(program: &Program, c: &Contraction) -> Option<(DefId, Vec<(IndexId, IndexId)>)> {
    let id = c.gemm.def;
    let d = program.def(id);
    if program.is_output(id) || c.gemm.n.len() != 1 || c.gemm.m.len() > MERGED {
        return None;
    }
    let mut readers = program.live().filter(|(r, _)| program.producers(*r).contains(&id)).map(|(r, _)| r);
    let reader = readers.next().filter(|_| readers.next().is_none())?;
    let e = program.def(reader);
    // Finished rows are written where the sums were.
    let same_room = e.dtype == DType::F32 || d.dtype == DType::I32 && e.dtype == DType::I32;
    if e.fold.is_some() || e.guard.is_some() || !same_room || e.free.len() != d.free.len() {
        return None;
    }
    if program.outputs.iter().any(|o| o.def == reader && o.digits.last() != Some(&1)) {
        return None;
    }
    let identity: Vec<Pos> = e.free.iter().map(|i| Pos::At(Int::index(*i))).collect();
    for (_, from, at) in loads(&program.kernel.exprs, e.value) {
        match from {
            Source::Def(p) if p == id => {
                if at != identity {
                    return None;
                }
            }
            Source::Def(p) => {
                if p > id || !c.batch.is_empty() {
                    return None;
                }
            }
            Source::Input(_) => {}
        }
    }
    Some((reader, e.free.iter().copied().zip(d.free.iter().copied()).collect()))
}
