//! Integer expressions over dims, indices and integer scalars, kept as polynomials in a canonical
//! order, so that equality is structural and substitution re-normalises.
//!
//! Arithmetic is exact in `i64`; evaluation is checked and returns `None` on overflow or a zero
//! divisor. `//` and `%` floor.

use std::collections::BTreeMap;

use super::{DimId, IndexId, InputId};

/// A factor of a monomial.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// A symbolic size.
    Dim(DimId),
    /// An index.
    Index(IndexId),
    /// An integer scalar argument.
    Scalar(InputId),
    /// `floor(a / b)`.
    Div(Box<Int>, Box<Int>),
    /// `a - b * floor(a / b)`.
    Mod(Box<Int>, Box<Int>),
    /// The smaller.
    Min(Box<Int>, Box<Int>),
    /// The larger.
    Max(Box<Int>, Box<Int>),
}

/// A sum of integer multiples of products of atoms. The empty product is the constant term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Int {
    terms: BTreeMap<Vec<Atom>, i64>,
}

impl Int {
    /// A constant.
    #[must_use]
    pub fn constant(v: i64) -> Self {
        let mut terms = BTreeMap::new();
        if v != 0 {
            terms.insert(vec![], v);
        }
        Int { terms }
    }

    /// One atom.
    #[must_use]
    pub fn atom(a: Atom) -> Self {
        Int { terms: BTreeMap::from([(vec![a], 1)]) }
    }

    /// A dim.
    #[must_use]
    pub fn dim(d: DimId) -> Self {
        Self::atom(Atom::Dim(d))
    }

    /// An index.
    #[must_use]
    pub fn index(i: IndexId) -> Self {
        Self::atom(Atom::Index(i))
    }

    /// The monomials with their coefficients, in canonical order.
    pub fn terms(&self) -> impl Iterator<Item = (&[Atom], i64)> {
        self.terms.iter().map(|(m, c)| (m.as_slice(), *c))
    }

    /// The value, if it is a constant.
    #[must_use]
    pub fn as_const(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// The atom, if this is exactly one atom.
    #[must_use]
    pub fn as_atom(&self) -> Option<&Atom> {
        let (m, c) = self.terms.iter().next()?;
        (self.terms.len() == 1 && *c == 1 && m.len() == 1).then(|| &m[0])
    }

    /// The index, if this is exactly one index.
    #[must_use]
    pub fn as_index(&self) -> Option<IndexId> {
        match self.as_atom()? {
            Atom::Index(i) => Some(*i),
            _ => None,
        }
    }

    fn add_term(&mut self, m: Vec<Atom>, c: i64) {
        use std::collections::btree_map::Entry;
        match self.terms.entry(m) {
            Entry::Vacant(e) => {
                if c != 0 {
                    e.insert(c);
                }
            }
            Entry::Occupied(mut e) => {
                // Saturation is unreachable for sizes that fit memory; evaluation is checked.
                let v = e.get().saturating_add(c);
                if v == 0 {
                    e.remove();
                } else {
                    *e.get_mut() = v;
                }
            }
        }
    }

    /// `self + other`.
    #[must_use]
    pub fn add(&self, other: &Int) -> Int {
        let mut out = self.clone();
        for (m, c) in &other.terms {
            out.add_term(m.clone(), *c);
        }
        out
    }

    /// `self * c`.
    #[must_use]
    pub fn scale(&self, c: i64) -> Int {
        if c == 0 {
            return Int::default();
        }
        Int { terms: self.terms.iter().map(|(m, k)| (m.clone(), k.saturating_mul(c))).collect() }
    }

    /// `self - other`.
    #[must_use]
    pub fn sub(&self, other: &Int) -> Int {
        self.add(&other.scale(-1))
    }

    /// `self * other`.
    #[must_use]
    pub fn mul(&self, other: &Int) -> Int {
        let mut out = Int::default();
        for (a, ca) in &self.terms {
            for (b, cb) in &other.terms {
                let mut m: Vec<Atom> = a.iter().chain(b).cloned().collect();
                m.sort();
                out.add_term(m, ca.saturating_mul(*cb));
            }
        }
        out
    }

    /// `floor(self / other)`.
    #[must_use]
    pub fn floor_div(&self, other: &Int) -> Int {
        if other.as_const() == Some(1) {
            return self.clone();
        }
        match (self.as_const(), other.as_const()) {
            (Some(0), _) => return Int::default(),
            (Some(a), Some(b)) if b > 0 => return Int::constant(a.div_euclid(b)),
            // `(4*n + 3) // 4` is `n`.
            (None, Some(b)) if b > 0 && self.counts_in(b) => {
                let terms = self.terms.iter().map(|(m, c)| (m.clone(), c.div_euclid(b)));
                return Int { terms: terms.filter(|(_, c)| *c != 0).collect() };
            }
            _ => {}
        }
        Int::atom(Atom::Div(Box::new(self.clone()), Box::new(other.clone())))
    }

    /// Whether all but the constant term are multiples of `b`.
    fn counts_in(&self, b: i64) -> bool {
        self.terms.iter().all(|(m, c)| m.is_empty() || c % b == 0)
    }

    /// `self - other * floor(self / other)`.
    #[must_use]
    pub fn floor_mod(&self, other: &Int) -> Int {
        match (self.as_const(), other.as_const()) {
            (_, Some(1)) | (Some(0), _) => return Int::default(),
            (Some(a), Some(b)) if b > 0 => return Int::constant(a.rem_euclid(b)),
            (None, Some(b)) if b > 0 && self.counts_in(b) => {
                return Int::constant(self.terms.get(&Vec::new()).map_or(0, |c| c.rem_euclid(b)));
            }
            _ => {}
        }
        Int::atom(Atom::Mod(Box::new(self.clone()), Box::new(other.clone())))
    }

    /// `self / other`, if `other` is a single product that divides every term.
    #[must_use]
    pub fn exact_div(&self, other: &Int) -> Option<Int> {
        let mut divisor = other.terms.iter();
        let (by, k) = divisor.next()?;
        if divisor.next().is_some() {
            return None;
        }
        let mut out = Int::default();
        for (m, c) in &self.terms {
            let mut rest = m.clone();
            for a in by {
                rest.remove(rest.iter().position(|x| x == a)?);
            }
            if c % k != 0 {
                return None;
            }
            out.add_term(rest, c / k);
        }
        Some(out)
    }

    /// The smaller of the two.
    #[must_use]
    pub fn minimum(&self, other: &Int) -> Int {
        match self.sub(other).as_const() {
            Some(d) => {
                if d <= 0 {
                    self.clone()
                } else {
                    other.clone()
                }
            }
            None => Int::atom(Atom::Min(Box::new(self.clone()), Box::new(other.clone()))),
        }
    }

    /// The larger of the two.
    #[must_use]
    pub fn maximum(&self, other: &Int) -> Int {
        match self.sub(other).as_const() {
            Some(d) => {
                if d >= 0 {
                    self.clone()
                } else {
                    other.clone()
                }
            }
            None => Int::atom(Atom::Max(Box::new(self.clone()), Box::new(other.clone()))),
        }
    }

    /// Replaces leaves (dims, indices, scalars) for which `f` gives a value.
    #[must_use]
    pub fn substitute(&self, f: &dyn Fn(&Atom) -> Option<Int>) -> Int {
        let mut out = Int::default();
        for (m, c) in &self.terms {
            let mut product = Int::constant(*c);
            for a in m {
                let factor = match a {
                    Atom::Div(x, y) => x.substitute(f).floor_div(&y.substitute(f)),
                    Atom::Mod(x, y) => x.substitute(f).floor_mod(&y.substitute(f)),
                    Atom::Min(x, y) => x.substitute(f).minimum(&y.substitute(f)),
                    Atom::Max(x, y) => x.substitute(f).maximum(&y.substitute(f)),
                    leaf => f(leaf).unwrap_or_else(|| Int::atom(leaf.clone())),
                };
                product = product.mul(&factor);
            }
            out = out.add(&product);
        }
        out
    }

    /// Calls `f` on every leaf atom, nested ones included.
    pub fn visit_leaves(&self, f: &mut dyn FnMut(&Atom)) {
        for a in self.terms.keys().flatten() {
            match a {
                Atom::Div(x, y) | Atom::Mod(x, y) | Atom::Min(x, y) | Atom::Max(x, y) => {
                    x.visit_leaves(f);
                    y.visit_leaves(f);
                }
                leaf => f(leaf),
            }
        }
    }

    /// Whether an index occurs anywhere.
    #[must_use]
    pub fn mentions(&self, i: IndexId) -> bool {
        let mut found = false;
        self.visit_leaves(&mut |a| found |= *a == Atom::Index(i));
        found
    }

    /// Whether no other indices than these occur.
    #[must_use]
    pub fn mentions_only(&self, indices: &[IndexId]) -> bool {
        let mut only = true;
        self.visit_leaves(&mut |a| only &= !matches!(a, Atom::Index(i) if !indices.contains(i)));
        only
    }

    /// Splits `self = coefficient * index + rest` where neither part mentions the index;
    /// `None` if the index occurs in another way. A coefficient of 0 means it does not occur.
    #[must_use]
    pub fn linear_in(&self, i: IndexId) -> Option<(Int, Int)> {
        let (mut coefficient, mut rest) = (Int::default(), Int::default());
        let target = Atom::Index(i);
        for (m, c) in &self.terms {
            match m.iter().filter(|a| **a == target).count() {
                0 => rest.add_term(m.clone(), *c),
                1 => {
                    let others: Vec<Atom> = m.iter().filter(|a| **a != target).cloned().collect();
                    coefficient.add_term(others, *c);
                }
                _ => return None,
            }
        }
        (!coefficient.mentions(i) && !rest.mentions(i)).then_some((coefficient, rest))
    }

    /// The value under an assignment of leaves; `None` on overflow, a zero divisor or an unknown leaf.
    #[must_use]
    pub fn eval(&self, leaf: &dyn Fn(&Atom) -> Option<i64>) -> Option<i64> {
        let mut sum = 0i64;
        for (m, c) in &self.terms {
            let mut product = *c;
            for a in m {
                let v = match a {
                    Atom::Div(x, y) => floor_div(x.eval(leaf)?, y.eval(leaf)?)?,
                    Atom::Mod(x, y) => floor_mod(x.eval(leaf)?, y.eval(leaf)?)?,
                    Atom::Min(x, y) => x.eval(leaf)?.min(y.eval(leaf)?),
                    Atom::Max(x, y) => x.eval(leaf)?.max(y.eval(leaf)?),
                    other => leaf(other)?,
                };
                product = product.checked_mul(v)?;
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }
}

/// Floor division; `None` for a zero divisor.
#[must_use]
pub fn floor_div(a: i64, b: i64) -> Option<i64> {
    let q = a.checked_div(b)?;
    Some(if a % b != 0 && ((a < 0) != (b < 0)) { q - 1 } else { q })
}

/// Floor modulo; `None` for a zero divisor.
#[must_use]
pub fn floor_mod(a: i64, b: i64) -> Option<i64> {
    a.checked_sub(b.checked_mul(floor_div(a, b)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against all small values, with and without what is left over.
    #[test]
    fn quotients_of_what_counts_in_the_divisor() {
        let n = Int::index(IndexId(0));
        for (factor, rest, divisor) in [(5, 4, 5), (4, -1, 4), (8, 3, 4), (32, 0, 16), (3, 7, 1), (3, 1, 2)] {
            let (e, by) = (n.scale(factor).add(&Int::constant(rest)), Int::constant(divisor));
            let (quotient, left) = (e.floor_div(&by), e.floor_mod(&by));
            for value in -20..20 {
                let at = |e: &Int| e.eval(&|_| Some(value)).expect("a number");
                assert_eq!(at(&quotient), at(&e).div_euclid(divisor), "{e:?} at {value}");
                assert_eq!(at(&left), at(&e).rem_euclid(divisor), "{e:?} at {value}");
            }
        }
        assert_eq!(n.scale(4).add(&Int::constant(3)).floor_div(&Int::constant(4)), n);
    }
}
