//! Undoes merged axes: a definition stored at `h*C + c` becomes one with an axis each for `h` and
//! `c`, and positions that read it are split the same way.
//!
//! An output keeps its merged shape for the caller; the split is then a view of it. Row-major
//! order makes both the same memory.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::check::Known;
use vibee_spec::term::{
    Atom, DType, DefId, ExprId, Exprs, Index, IndexId, Int, Kernel, Node, Op, Output, Pos, Source,
};

use super::rewrite::rebuild;

/// An output's shape before splitting, and how many axes each of its axes was split in.
pub struct CallerShape {
    /// As the caller sees it.
    pub shape: Vec<Int>,
    /// Number of definition axes per caller axis.
    pub digits: Vec<usize>,
}

/// Digits of each stored axis, most significant first.
type Digits = Vec<Vec<Int>>;

/// Splits every merged definition; says for each output which shape the caller sees.
pub fn run(kernel: &mut Kernel, shapes: Vec<Vec<Int>>) -> Vec<CallerShape> {
    let known = Known::in_layer(kernel);
    let mut merged: BTreeMap<DefId, Digits> = BTreeMap::new();
    for d in 0..kernel.defs.len() {
        let id = DefId(d as u32);
        let body = kernel.defs[d].body;
        let new = rebuild(&mut kernel.exprs, body, &mut HashMap::new(), &mut |exprs, node, dtype| {
            let node = match node {
                Node::Load { from: Source::Def(p), at, outside } if merged.contains_key(&p) => Node::Load {
                    from: Source::Def(p),
                    at: split_positions(exprs, &at, &merged[&p], &kernel.indices),
                    outside,
                },
                other => other,
            };
            exprs.intern(node, dtype)
        });
        let def = &mut kernel.defs[d];
        def.body = new;
        if def.store.iter().all(|s| s.as_index().is_some()) {
            // Axes in storage order, so that later passes may treat them as one list.
            def.indices = def.store.iter().filter_map(Int::as_index).collect();
            continue;
        }
        let order: Vec<Vec<IndexId>> =
            def.store.iter().map(|s| digits_of(s, &kernel.indices, &known)).collect();
        let digits: Digits = order
            .iter()
            .map(|axis| axis.iter().map(|i| kernel.indices[i.index()].extent.clone()).collect())
            .collect();
        let def = &mut kernel.defs[d];
        def.indices = order.concat();
        def.store = def.indices.iter().map(|i| Int::index(*i)).collect();
        def.shape = digits.concat();
        merged.insert(id, digits);
    }
    let digits = |o: &Output, shape: &[Int]| match merged.get(&o.def) {
        Some(axes) => axes.iter().map(Vec::len).collect(),
        None => vec![1; shape.len()],
    };
    kernel
        .outputs
        .iter()
        .zip(shapes)
        .map(|(o, shape)| CallerShape { digits: digits(o, &shape), shape })
        .collect()
}

/// The indices of a mixed-radix position, most significant first: the index whose weight is the
/// product of the extents of those after it.
fn digits_of(store: &Int, indices: &[Index], known: &Known) -> Vec<IndexId> {
    let mut found: Vec<IndexId> = Vec::new();
    store.visit_leaves(&mut |a| {
        // A letter times a sum of sizes stands in several terms.
        if let Atom::Index(i) = a
            && !found.contains(i)
        {
            found.push(*i);
        }
    });
    let mut order = Vec::new();
    let mut weight = Int::constant(1);
    while !found.is_empty() {
        let counts = |i: &IndexId| store.linear_in(*i).is_some_and(|(c, _)| known.same(&c, &weight));
        // What is left over has one value and may stand anywhere.
        let next = found.iter().position(counts).unwrap_or(0);
        let i = found.remove(next);
        weight = weight.mul(&indices[i.index()].extent);
        order.insert(0, i);
    }
    order
}

/// Positions of a merged array, one per digit.
fn split_positions(exprs: &mut Exprs, at: &[Pos], digits: &Digits, indices: &[Index]) -> Vec<Pos> {
    let mut out = Vec::new();
    for (pos, radices) in at.iter().zip(digits) {
        let p = match pos {
            Pos::At(p) => p,
            Pos::Data(e) if radices.len() > 1 => {
                out.extend(split_data(exprs, *e, radices));
                continue;
            }
            Pos::Data(_) => {
                out.push(pos.clone());
                continue;
            }
        };
        let mut rest = p.clone();
        let mut parts = Vec::new();
        for radix in radices.iter().skip(1).rev() {
            let (q, r) = div_rem(&rest, radix, indices);
            parts.insert(0, Pos::At(r));
            rest = q;
        }
        parts.insert(0, Pos::At(rest));
        out.extend(parts);
    }
    out
}

/// The digits of a data-dependent position, by division.
fn split_data(exprs: &mut Exprs, e: ExprId, radices: &[Int]) -> Vec<Pos> {
    let mut rest = exprs.intern(Node::Cast(DType::I32, e), DType::I32);
    let mut parts = Vec::new();
    for (n, radix) in radices.iter().enumerate().rev() {
        let mut digit = rest;
        if n > 0 {
            let divisor = exprs.int(radix.clone());
            digit = exprs.intern(Node::Op(Op::Mod, vec![rest, divisor]), DType::I32);
            rest = exprs.intern(Node::Op(Op::IDiv, vec![rest, divisor]), DType::I32);
        }
        let dtype = DType::Idx(radix.clone());
        parts.insert(0, Pos::Data(exprs.intern(Node::Cast(dtype.clone(), digit), dtype)));
    }
    parts
}

/// `p = q * radix + r`, by inspection where `p` is visibly of that form.
pub(super) fn div_rem(p: &Int, radix: &Int, indices: &[Index]) -> (Int, Int) {
    let mut candidate = None;
    p.visit_leaves(&mut |a| {
        if let Atom::Index(i) = a
            && indices[i.index()].extent == *radix
            && p.linear_in(*i).is_some_and(|(c, _)| c == Int::constant(1))
        {
            candidate = Some(*i);
        }
    });
    if let Some(i) = candidate {
        let rest = p.sub(&Int::index(i));
        if let Some(q) = quotient(&rest, radix) {
            return (q, Int::index(i));
        }
    }
    (p.floor_div(radix), p.floor_mod(radix))
}

/// `p / radix` if it is exact, also by a sum: letter by letter then.
fn quotient(p: &Int, radix: &Int) -> Option<Int> {
    if p == radix {
        return Some(Int::constant(1));
    }
    if let Some(q) = p.exact_div(radix) {
        return Some(q);
    }
    let mut letter = None;
    p.visit_leaves(&mut |a| {
        if let Atom::Index(i) = a {
            letter = letter.or(Some(*i));
        }
    });
    let letter = letter?;
    let (coefficient, rest) = p.linear_in(letter)?;
    let first = quotient(&coefficient, radix)?.mul(&Int::index(letter));
    if rest == Int::default() { Some(first) } else { Some(first.add(&quotient(&rest, radix)?)) }
}
