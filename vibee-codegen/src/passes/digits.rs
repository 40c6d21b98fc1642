//! Letters that are counted in blocks become one letter a digit: where `i // 32` and `i % 32` stand,
//! `i` becomes `32*b + j`, so that positions are linear again and what depends on the block alone is
//! computed once a block.
//!
//! Only letters whose range is proved to be whole blocks: of a known size, or of the size `H // G` that makes `G`
//! groups of `H`, as where heads share keys. The merged axes that this leaves on left sides are what
//! [`super::split`] undoes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vibee_spec::check::Known;
use vibee_spec::term::{Atom, DefId, ExprId, Exprs, FoldOp, Index, IndexId, Int, Kernel, Node, Pos, Source};

use super::rewrite::{rebuild, visit};
use super::split::div_rem;

/// What the digits of a letter are called, but for the last, which keeps its name.
const DIGITS: &[&str] = &["block", "part", "group"];

/// What the digit is called that counts groups of a size like `H // G`.
const GROUP: &str = "group";

/// Splits all letters of a kernel.
pub fn run(kernel: &mut Kernel) {
    let known = Known::of(kernel);
    let wanted = wanted(kernel);
    let mut digits: BTreeMap<IndexId, Int> = BTreeMap::new();
    let mut letters: BTreeMap<IndexId, Vec<IndexId>> = BTreeMap::new();
    let fixed = chosen_positions(kernel);
    for (i, sizes) in &wanted {
        if fixed.contains(i) {
            continue;
        }
        let chain = chain(kernel, &known, *i, sizes);
        if !chain.is_empty() {
            let (value, made) = split(kernel, *i, &chain);
            digits.insert(*i, value);
            letters.insert(*i, made);
        }
    }
    if digits.is_empty() {
        return;
    }
    let indices = kernel.indices.clone();
    let put = |e: &Int| {
        let split = e.substitute(&|a| match a {
            Atom::Index(i) => digits.get(i).cloned(),
            _ => None,
        });
        simpler(&split, &indices)
    };
    for d in 0..kernel.defs.len() {
        let mut memo = HashMap::new();
        let body = kernel.defs[d].body;
        let body = rebuild(&mut kernel.exprs, body, &mut memo, &mut |exprs, node, dtype| {
            let node = renamed(node, &put, &letters);
            exprs.intern(node, dtype)
        });
        let def = &mut kernel.defs[d];
        def.body = body;
        def.store = def.store.iter().map(&put).collect();
        def.indices = def.indices.iter().flat_map(|i| letters.get(i).cloned().unwrap_or(vec![*i])).collect();
    }
}

fn renamed(node: Node, put: &dyn Fn(&Int) -> Int, letters: &BTreeMap<IndexId, Vec<IndexId>>) -> Node {
    match node {
        Node::Int(i) => Node::Int(put(&i)),
        Node::Load { from, at, outside } => {
            let at = at.into_iter().map(|p| match p {
                Pos::At(i) => Pos::At(put(&i)),
                data @ Pos::Data(_) => data,
            });
            Node::Load { from, at: at.collect(), outside }
        }
        Node::Fold { op, over, guard, body } => {
            let over = over.into_iter().flat_map(|i| letters.get(&i).cloned().unwrap_or(vec![i]));
            Node::Fold { op, over: over.collect(), guard, body }
        }
        other => other,
    }
}

/// Letters whose position is a result: they stay whole.
fn chosen_positions(kernel: &Kernel) -> BTreeSet<IndexId> {
    let mut found = BTreeSet::new();
    for d in &kernel.defs {
        visit(&kernel.exprs, d.body, &mut |_, node| {
            if let Node::Fold { op: FoldOp::ArgMax | FoldOp::ArgMin, over, .. } = node {
                found.extend(over.iter().copied());
            }
        });
    }
    found
}

/// The block sizes that each letter is divided by, and those its readers divide by.
fn wanted(kernel: &Kernel) -> BTreeMap<IndexId, BTreeSet<Int>> {
    let mut out: BTreeMap<IndexId, BTreeSet<Int>> = BTreeMap::new();
    for d in &kernel.defs {
        ints(&kernel.exprs, d.body, &mut |e| divisors(e, &mut out));
    }
    // A definition that is split is read in the same digits, where it is read letter by letter.
    for (n, d) in kernel.defs.iter().enumerate() {
        for (axis, store) in d.store.iter().enumerate() {
            let Some(sizes) = store.as_index().and_then(|i| out.get(&i).cloned()) else { continue };
            for reader in &kernel.defs[n + 1..] {
                visit(&kernel.exprs, reader.body, &mut |_, node| {
                    if let Node::Load { from: Source::Def(DefId(of)), at, .. } = node
                        && *of as usize == n
                        && let Some(Pos::At(p)) = at.get(axis)
                        && let Some(i) = p.as_index()
                    {
                        out.entry(i).or_default().extend(sizes.iter().cloned());
                    }
                });
            }
        }
    }
    out
}

/// Every integer of an expression.
fn ints(exprs: &Exprs, root: ExprId, f: &mut dyn FnMut(&Int)) {
    visit(exprs, root, &mut |_, node| match node {
        Node::Int(i) => f(i),
        Node::Load { at, .. } => at.iter().for_each(|p| {
            if let Pos::At(i) = p {
                f(i);
            }
        }),
        _ => {}
    });
}

/// Notes `c` for every `i // c` and `i % c`, also for those of a remainder.
fn divisors(e: &Int, out: &mut BTreeMap<IndexId, BTreeSet<Int>>) {
    for (factors, _) in e.terms() {
        for a in factors {
            let (Atom::Div(x, n) | Atom::Mod(x, n)) = a else { continue };
            divisors(x, out);
            if n.as_const().is_none_or(|n| n > 1)
                && let Some(i) = lowest(x)
            {
                out.entry(i).or_default().insert((**n).clone());
            }
        }
    }
}

/// The letter that counts single steps in `i` and `i % 32`.
fn lowest(e: &Int) -> Option<IndexId> {
    match e.as_atom()? {
        Atom::Index(i) => Some(*i),
        Atom::Mod(x, _) => lowest(x),
        _ => None,
    }
}

/// The block sizes by which a letter is split, each a multiple of the next, with how many blocks there are.
fn chain(kernel: &Kernel, known: &Known, i: IndexId, sizes: &BTreeSet<Int>) -> Vec<(Int, Int)> {
    let extent = &kernel.indices[i.index()].extent;
    let constants: BTreeSet<i64> = sizes.iter().filter_map(Int::as_const).collect();
    if constants.is_empty() {
        let groups = sizes.iter().find_map(|n| Some((n.clone(), groups(known, extent, n)?)));
        return groups.into_iter().collect();
    }
    let mut chain: Vec<i64> = Vec::new();
    for n in constants.iter().rev() {
        let fits = match chain.last() {
            None => {
                let rest = extent.floor_mod(&Int::constant(*n));
                extent.as_const() != Some(*n) && known.same(&rest, &Int::default())
            }
            Some(before) => before % n == 0,
        };
        // A letter that counts one block is in digits already.
        let whole = chain.is_empty() && extent.as_const() == Some(*n);
        if fits && !whole {
            chain.push(*n);
        }
    }
    let mut above = extent.clone();
    let sizes = chain.into_iter().map(Int::constant);
    sizes.map(|n| (n.clone(), std::mem::replace(&mut above, n.clone()).floor_div(&n))).collect()
}

/// `G`, if `size` is `extent // G` and `G` divides `extent`: then there are `G` blocks of that size.
fn groups(known: &Known, extent: &Int, size: &Int) -> Option<Int> {
    let Some(Atom::Div(whole, groups)) = size.as_atom() else { return None };
    let rest = extent.floor_mod(groups);
    (**whole == *extent && known.same(&rest, &Int::default())).then(|| (**groups).clone())
}

/// Letters for the digits of `i`, most significant first, and `i` made of them.
fn split(kernel: &mut Kernel, i: IndexId, chain: &[(Int, Int)]) -> (Int, Vec<IndexId>) {
    let index = kernel.indices[i.index()].clone();
    let mut value = Int::default();
    let mut made = Vec::new();
    let mut last = index.extent;
    for ((size, count), word) in chain.iter().zip(DIGITS.iter().chain(std::iter::repeat(&"digit"))) {
        let word = if size.as_const().is_some() { word } else { GROUP };
        let digit = kernel.fresh_index(format!("{}_{word}", index.name), count.clone());
        value = value.add(&Int::index(digit).mul(size));
        made.push(digit);
        last = size.clone();
    }
    let last = kernel.fresh_index(index.name, last);
    made.push(last);
    (value.add(&Int::index(last)), made)
}

/// Divisions carried out where digits show the result: `(32*b + j) // 32` is `b`.
fn simpler(e: &Int, indices: &[Index]) -> Int {
    let mut out = Int::default();
    for (factors, c) in e.terms() {
        let mut product = Int::constant(c);
        for a in factors {
            let factor = match a {
                Atom::Div(x, n) => divided(&simpler(x, indices), &simpler(n, indices), indices).0,
                Atom::Mod(x, n) => divided(&simpler(x, indices), &simpler(n, indices), indices).1,
                Atom::Min(x, y) => simpler(x, indices).minimum(&simpler(y, indices)),
                Atom::Max(x, y) => simpler(x, indices).maximum(&simpler(y, indices)),
                leaf => Int::atom(leaf.clone()),
            };
            product = product.mul(&factor);
        }
        out = out.add(&product);
    }
    out
}

/// Quotient and remainder.
fn divided(x: &Int, n: &Int, indices: &[Index]) -> (Int, Int) {
    let plain = || (x.floor_div(n), x.floor_mod(n));
    let Some(c) = n.as_const() else {
        return div_rem(x, n, indices);
    };
    if c <= 1 {
        return plain();
    }
    let (mut quotient, mut rest, mut most) = (Int::default(), Int::default(), Some(0i64));
    for (factors, k) in x.terms() {
        let one = factors.iter().fold(Int::constant(1), |p, a| p.mul(&Int::atom(a.clone())));
        if k % c == 0 {
            quotient = quotient.add(&one.scale(k / c));
            continue;
        }
        rest = rest.add(&one.scale(k));
        let largest = match factors {
            [] => Some(1),
            [Atom::Index(i)] => indices.get(i.index()).and_then(|i| i.extent.as_const()).map(|n| n - 1),
            _ => None,
        };
        most = most.zip(largest).filter(|_| k > 0).map(|(sum, n)| sum + k * n);
    }
    match most {
        Some(most) if most < c => (quotient, rest),
        _ => (quotient.add(&rest.floor_div(n)), rest.floor_mod(n)),
    }
}

#[cfg(test)]
mod tests {
    use vibee_spec::term::DimId;

    use super::*;

    #[test]
    fn digits_show_quotients() {
        let (b, j) = (IndexId(0), IndexId(1));
        let index = |extent| Index { name: "i".to_owned(), extent };
        let indices = [Int::dim(DimId(0)), Int::constant(32)].map(index);
        let i = Int::index(b).scale(32).add(&Int::index(j));
        let n = Int::constant(32);
        assert_eq!(divided(&i, &n, &indices), (Int::index(b), Int::index(j)));
        let sixteen = Int::constant(16);
        let (q, r) = divided(&i, &sixteen, &indices);
        assert_eq!(q, Int::index(b).scale(2).add(&Int::index(j).floor_div(&sixteen)));
        assert_eq!(r, Int::index(j).floor_mod(&sixteen));
    }

    #[test]
    fn remainders_name_the_letter_below() {
        let i = IndexId(0);
        let mut out = BTreeMap::new();
        let r = Int::index(i).floor_mod(&Int::constant(32));
        divisors(
            &r.floor_div(&Int::constant(16)).add(&Int::index(i).floor_div(&Int::constant(32))),
            &mut out,
        );
        assert_eq!(out[&i], BTreeSet::from([16, 32].map(Int::constant)));
    }
}
