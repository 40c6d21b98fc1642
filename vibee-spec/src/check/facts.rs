//! What is known about sizes: `where` constraints as rewrite rules and inequalities, and the
//! normal form of sizes under them.
//!
//! `D == H*C` rewrites `D`; `H % G == 0` introduces the quotient `H // G` as a size of its own, so
//! that `H = G * (H // G)` is a polynomial fact. Knows nothing about where a size stands; the
//! prover ([`super::prove`]) adds indices and guards.

use crate::term::{Atom, Cmp, DimId, InputId, Int};

/// Ids from here on are quotients introduced by this module, never dims of a kernel.
const FIRST_FRESH: u32 = 1 << 30;

/// More terms than this are not worth proving anything about.
pub(super) const MAX_TERMS: usize = 64;

/// Facts about dims and scalars that hold for a whole kernel.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    rewrites: Vec<(DimId, Int)>,
    /// Each is `>= 0`, normalised.
    pub nonneg: Vec<Int>,
    /// Atoms that are at least 1.
    pub positive: Vec<Atom>,
    /// Pairs `a, b` with `a % b == 0` that could not become a rewrite.
    divides: Vec<(Int, Int)>,
    /// The constraints as written, for the search of counterexamples.
    pub written: Vec<(Int, Cmp, Int)>,
    /// Integer scalars with their smallest and largest value; `i32` has none.
    pub scalars: Vec<(InputId, Option<(Int, Int)>)>,
    fresh: u32,
}

impl Facts {
    /// Adds `lhs cmp rhs`.
    pub fn assume(&mut self, lhs: &Int, cmp: Cmp, rhs: &Int) {
        self.written.push((lhs.clone(), cmp, rhs.clone()));
        self.assume_divisors(lhs);
        self.assume_divisors(rhs);
        let (l, r) = (self.normalise(lhs), self.normalise(rhs));
        match cmp {
            Cmp::Eq => self.assume_equal(&l, &r),
            Cmp::Le => self.add_nonneg(r.sub(&l)),
            Cmp::Lt => self.add_nonneg(r.sub(&l).sub(&Int::constant(1))),
            Cmp::Ne => {
                // Sizes are never negative, so `a != 0` is `a >= 1`.
                let gap = if r.as_const() == Some(0) { l } else { r };
                if gap.as_atom().is_some_and(|a| matches!(a, Atom::Dim(_))) {
                    self.add_nonneg(gap.sub(&Int::constant(1)));
                }
            }
        }
    }

    /// A constraint that was evaluated had no zero divisor.
    fn assume_divisors(&mut self, e: &Int) {
        let mut divisors = vec![];
        for (m, _) in e.terms() {
            for a in m {
                if let Atom::Div(_, b) | Atom::Mod(_, b) = a {
                    divisors.push((**b).clone());
                }
            }
        }
        for d in divisors {
            let d = self.normalise(&d);
            // Only for products of sizes: a difference may be negative.
            if d.as_const().is_none() && is_size_product(&d) {
                self.add_nonneg(d.sub(&Int::constant(1)));
            }
        }
    }

    fn assume_equal(&mut self, l: &Int, r: &Int) {
        for (a, b) in [(l, r), (r, l)] {
            if let (Some(Atom::Mod(x, y)), Some(0)) = (a.as_atom(), b.as_const()) {
                self.assume_divides(&x.clone(), &y.clone());
                return;
            }
        }
        let difference = l.sub(r);
        let candidate = difference.terms().find_map(|(m, c)| match (m, c) {
            ([Atom::Dim(d)], 1 | -1) => {
                let mut rest = difference.sub(&Int::dim(*d).scale(c)).scale(-c);
                let mut clean = true;
                rest.visit_leaves(&mut |a| clean &= *a != Atom::Dim(*d) && !matches!(a, Atom::Scalar(_)));
                clean.then(|| (*d, std::mem::take(&mut rest)))
            }
            _ => None,
        });
        match candidate {
            Some((d, value)) => self.rewrite(d, value),
            None => {
                self.add_nonneg(difference.scale(-1));
                self.add_nonneg(difference);
            }
        }
    }

    /// `a % b == 0` with `b >= 1`.
    fn assume_divides(&mut self, a: &Int, b: &Int) {
        let mut free = true;
        if let Some(Atom::Dim(d)) = a.as_atom() {
            b.visit_leaves(&mut |leaf| free &= *leaf != Atom::Dim(*d));
            if free {
                let quotient = Int::dim(DimId(FIRST_FRESH + self.fresh));
                self.fresh += 1;
                self.rewrite(*d, b.mul(&quotient));
                return;
            }
        }
        self.divides.push((a.clone(), b.clone()));
    }

    fn rewrite(&mut self, d: DimId, value: Int) {
        self.rewrites.push((d, value));
        let old = std::mem::take(&mut self.nonneg);
        for e in old {
            self.add_nonneg(e);
        }
        let old: Vec<Int> = std::mem::take(&mut self.positive).into_iter().map(Int::atom).collect();
        for e in old {
            self.add_nonneg(e.sub(&Int::constant(1)));
        }
        let old = std::mem::take(&mut self.divides);
        self.divides = old.iter().map(|(a, b)| (self.normalise(a), self.normalise(b))).collect();
    }

    fn add_nonneg(&mut self, e: Int) {
        let e = self.normalise(&e);
        let positive = positive_atoms(&e);
        if positive.is_empty() {
            if e.as_const().is_none() && e.terms().count() <= MAX_TERMS {
                self.nonneg.push(e);
            }
        } else {
            self.positive.extend(positive);
        }
    }

    /// The normal form: rewritten, with divisions carried out where they are exact.
    pub fn normalise(&self, e: &Int) -> Int {
        self.normalise_at(e, 0)
    }

    fn normalise_at(&self, e: &Int, depth: usize) -> Int {
        if depth > 24 || e.terms().count() > MAX_TERMS {
            return e.clone();
        }
        let mut out = Int::default();
        for (m, c) in e.terms() {
            let mut product = Int::constant(c);
            for a in m {
                let factor = match a {
                    Atom::Dim(d) => match self.rewrites.iter().find(|(id, _)| id == d) {
                        Some((_, value)) => self.normalise_at(value, depth + 1),
                        None => Int::atom(a.clone()),
                    },
                    Atom::Div(x, y) => {
                        self.divide(&self.normalise_at(x, depth + 1), &self.normalise_at(y, depth + 1))
                    }
                    Atom::Mod(x, y) => {
                        self.modulo(&self.normalise_at(x, depth + 1), &self.normalise_at(y, depth + 1))
                    }
                    Atom::Min(x, y) => {
                        self.normalise_at(x, depth + 1).minimum(&self.normalise_at(y, depth + 1))
                    }
                    Atom::Max(x, y) => {
                        self.normalise_at(x, depth + 1).maximum(&self.normalise_at(y, depth + 1))
                    }
                    leaf => Int::atom(leaf.clone()),
                };
                if product.terms().count() * factor.terms().count() > 4 * MAX_TERMS {
                    return e.clone();
                }
                product = product.mul(&factor);
            }
            out = out.add(&product);
        }
        out
    }

    /// `floor(a / b)` of normal forms: terms that `b` divides leave the quotient exactly.
    pub fn divide(&self, a: &Int, b: &Int) -> Int {
        if self.divides.iter().any(|(x, y)| x == a && y == b) {
            return Int::atom(Atom::Div(Box::new(a.clone()), Box::new(b.clone())));
        }
        let Some((quotient, rest)) = split_multiples(a, b) else { return a.floor_div(b) };
        if rest.as_const() == Some(-1) && is_size_product(b) {
            return quotient.sub(&Int::constant(1));
        }
        quotient.add(&rest.floor_div(b))
    }

    /// `a mod b` of normal forms.
    pub fn modulo(&self, a: &Int, b: &Int) -> Int {
        if self.divides.iter().any(|(x, y)| x == a && y == b) {
            return Int::default();
        }
        match split_multiples(a, b) {
            Some((_, rest)) if rest == Int::default() => Int::default(),
            Some((_, rest)) if rest.as_const() == Some(-1) && is_size_product(b) => b.sub(&Int::constant(1)),
            Some((_, rest)) => rest.floor_mod(b),
            None => a.floor_mod(b),
        }
    }

    /// Whether both are the same size under the constraints, structurally.
    pub fn same(&self, a: &Int, b: &Int) -> bool {
        a == b || self.normalise(&a.sub(b)) == Int::default()
    }

    /// `a / b` if it is exact.
    pub fn exact_quotient(&self, a: &Int, b: &Int) -> Option<Int> {
        let (a, b) = (self.normalise(a), self.normalise(b));
        if b == Int::default() {
            return None;
        }
        if a == b {
            return Some(Int::constant(1));
        }
        match split_multiples(&a, &b) {
            Some((quotient, rest)) if rest == Int::default() => Some(quotient),
            _ => None,
        }
    }

    /// Replaces quotients introduced here by the divisions they stand for, where one exists.
    pub fn is_plain(e: &Int) -> bool {
        let mut plain = true;
        e.visit_leaves(&mut |a| plain &= !matches!(a, Atom::Dim(d) if d.0 >= FIRST_FRESH));
        plain
    }
}

/// `a = b * quotient + rest` by whole terms, for a `b` of one term.
pub(super) fn split_multiples(a: &Int, b: &Int) -> Option<(Int, Int)> {
    let mut terms = b.terms();
    let ((divisor, k), None) = (terms.next()?, terms.next()) else { return None };
    if k <= 0 {
        return None;
    }
    let (mut quotient, mut rest) = (Int::default(), Int::default());
    for (m, c) in a.terms() {
        match remove_all(m, divisor) {
            Some(left) if c % k == 0 => quotient = quotient.add(&monomial(&left, c / k)),
            _ => rest = rest.add(&monomial(m, c)),
        }
    }
    Some((quotient, rest))
}

/// The product of atoms times a constant.
pub(super) fn monomial(m: &[Atom], c: i64) -> Int {
    m.iter().fold(Int::constant(c), |acc, a| acc.mul(&Int::atom(a.clone())))
}

/// `m` without the factors `parts`, if all are there.
pub(super) fn remove_all(m: &[Atom], parts: &[Atom]) -> Option<Vec<Atom>> {
    let mut left = m.to_vec();
    for p in parts {
        let at = left.iter().position(|a| a == p)?;
        left.remove(at);
    }
    Some(left)
}

/// A single positive product of dims: never negative.
fn is_size_product(e: &Int) -> bool {
    let mut terms = e.terms();
    match (terms.next(), terms.next()) {
        (Some((m, c)), None) => c > 0 && m.iter().all(|a| matches!(a, Atom::Dim(_))),
        _ => false,
    }
}

/// For `product of sizes >= 1`: the factors, each of which is then at least 1.
pub(super) fn positive_atoms(nonneg: &Int) -> Vec<Atom> {
    let product = nonneg.add(&Int::constant(1));
    // A quotient of sizes is at least 1 only if the dividend is.
    if let Some(Atom::Div(x, y)) = product.as_atom()
        && y.as_const().is_some_and(|y| y > 0)
    {
        return positive_atoms(&x.sub(&Int::constant(1)));
    }
    if product.as_const().is_none() && is_size_product(&product) {
        product.terms().flat_map(|(m, _)| m.to_vec()).collect()
    } else {
        vec![]
    }
}
