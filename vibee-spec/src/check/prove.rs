//! Proofs that an integer expression is never negative, for every size and every value of the
//! indices in scope.
//!
//! Interval arithmetic over the extents, helped by adding known inequalities (guards, `where`,
//! the definition of `//` and `%`). Incomplete on purpose: what is not proved goes to the search
//! for a counterexample ([`super::search`]) and then to a check at entry.

use super::facts::{Facts, MAX_TERMS, monomial, positive_atoms, remove_all};
use crate::term::{Atom, IndexId, Int};

/// Inequalities that may be combined in one proof.
const DEPTH: usize = 3;
/// Choices of a question that are told apart.
const CASES: usize = 3;
/// Attempts per question.
const BUDGET: usize = 600;

/// A question's surroundings.
pub(super) struct Prover<'f> {
    facts: &'f Facts,
    /// Bounded integers with their index-free smallest and largest value.
    vars: Vec<(Atom, Int, Int)>,
    /// Each is `>= 0`.
    known: Vec<Int>,
    positive: Vec<Atom>,
    budget: usize,
    /// How deep cases may be told apart.
    cases: usize,
    /// Whether quotients are bounded by their dividends alone.
    weak: bool,
}

impl<'f> Prover<'f> {
    /// Inside loops over `scope` (index and extent), where each of `guards` is `>= 0`.
    pub fn new(facts: &'f Facts, scope: &[(IndexId, Int)], guards: &[Int]) -> Self {
        let mut p = Prover {
            facts,
            vars: vec![],
            known: facts.nonneg.clone(),
            positive: facts.positive.clone(),
            budget: BUDGET,
            cases: CASES,
            weak: false,
        };
        for (i, extent) in scope {
            let last = facts.normalise(extent).sub(&Int::constant(1));
            // A loop body runs only if its range is not empty.
            let positive = positive_atoms(&last);
            if positive.is_empty() {
                p.known.push(last.clone());
            }
            p.positive.extend(positive);
            p.vars.push((Atom::Index(*i), Int::default(), last));
        }
        for (s, bounds) in &facts.scalars {
            if let Some((low, high)) = bounds {
                p.vars.push((Atom::Scalar(*s), facts.normalise(low), facts.normalise(high)));
            }
        }
        for g in guards {
            let g = facts.normalise(g);
            if g.terms().count() <= MAX_TERMS {
                p.learn_atoms(&g);
                p.positive.extend(positive_atoms(&g));
                p.known.push(g);
            }
        }
        p
    }

    /// Whether `e >= 0` always.
    pub fn nonneg(&mut self, e: &Int) -> bool {
        let e = self.facts.normalise(e);
        if e.terms().count() > MAX_TERMS {
            return false;
        }
        let known = self.known.len();
        self.learn_atoms(&e);
        let mut proved = false;
        // `a // b` is at most `(largest a) // b`, and also at most the largest `a`.
        for weak in [false, true] {
            self.budget = BUDGET;
            self.weak = weak;
            proved = proved || self.search(&e, DEPTH);
        }
        self.weak = false;
        self.known.truncate(known);
        proved || self.by_cases(&e) || without_quotient(&e).is_some_and(|e| self.nonneg(&e))
    }

    /// `min` and `max` are one of their two arguments, and then that one is the smaller or the larger.
    fn by_cases(&mut self, e: &Int) -> bool {
        let choice =
            e.terms().flat_map(|(m, _)| m).find(|a| matches!(a, Atom::Min(..) | Atom::Max(..))).cloned();
        let Some(Atom::Min(x, y) | Atom::Max(x, y)) = &choice else { return false };
        if self.cases == 0 {
            return false;
        }
        self.cases -= 1;
        let difference = match choice {
            Some(Atom::Min(..)) => y.sub(x),
            _ => x.sub(y),
        };
        let difference = lowest_terms(&self.facts.normalise(&difference));
        let known = self.known.len();
        let proved =
            [(x, difference.clone()), (y, difference.scale(-1))].into_iter().all(|(chosen, fact)| {
                self.known.truncate(known);
                self.learn_atoms(&fact);
                self.known.push(fact);
                self.nonneg(&replaced(e, choice.as_ref(), chosen))
            });
        self.known.truncate(known);
        self.cases += 1;
        proved
    }

    /// Whether `e >= 1` always.
    pub fn positive(&mut self, e: &Int) -> bool {
        self.nonneg(&e.sub(&Int::constant(1)))
    }

    /// Smallest and largest value as expressions without indices, ignoring guards.
    pub fn bounds(&self, e: &Int) -> Option<(Int, Int)> {
        let low = self.low(e, 0)?;
        let high = self.low(&e.scale(-1), 0)?.scale(-1);
        Some((low, high))
    }

    /// Like [`Prover::bounds`], where integer scalars stay symbolic: their values are known when
    /// a check at entry uses the bounds.
    pub fn bounds_keeping_scalars(mut self, e: &Int) -> Option<(Int, Int)> {
        self.vars.retain(|(v, ..)| !matches!(v, Atom::Scalar(_)));
        self.bounds(e)
    }

    fn search(&mut self, e: &Int, depth: usize) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        // Known facts speak of indices, or of sizes once the indices are at their worst.
        let low = self.low(e, 0);
        if low.as_ref().is_some_and(|low| self.sizes_nonneg(low, 0)) {
            return true;
        }
        if depth == 0 {
            return false;
        }
        // What one inequality settles is not left to the order in which several are tried.
        if depth == DEPTH && self.known.iter().any(|known| self.direct(&e.sub(known))) {
            return true;
        }
        for base in [Some(e), low.as_ref().filter(|low| *low != e)].into_iter().flatten() {
            for k in 0..self.known.len() {
                for scaled in multiples(base, &self.known[k]) {
                    if self.search(&base.sub(&scaled), depth - 1) {
                        return true;
                    }
                }
            }
        }
        false
    }

    fn direct(&self, e: &Int) -> bool {
        self.low(e, 0).is_some_and(|low| self.sizes_nonneg(&low, 0))
    }

    /// What `//`, `%`, `min` and `max` say about themselves.
    fn learn_atoms(&mut self, e: &Int) {
        let mut atoms: Vec<Atom> = vec![];
        for (m, _) in e.terms() {
            for a in m {
                if !matches!(a, Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_)) && !atoms.contains(a) {
                    atoms.push(a.clone());
                }
            }
        }
        for a in atoms {
            let v = Int::atom(a.clone());
            match &a {
                Atom::Div(x, y) if self.direct(&y.sub(&Int::constant(1))) => {
                    let multiple = y.mul(&v);
                    self.known.push(x.sub(&multiple));
                    self.known.push(multiple.add(y).sub(&Int::constant(1)).sub(x));
                }
                Atom::Mod(x, y) if self.direct(&y.sub(&Int::constant(1))) => {
                    if self.direct(x) {
                        self.known.push(x.sub(&v));
                    }
                    self.known.push(y.sub(&Int::constant(1)).sub(&v));
                    self.known.push(v);
                }
                Atom::Min(x, y) => {
                    self.known.push(x.sub(&v));
                    self.known.push(y.sub(&v));
                }
                Atom::Max(x, y) => {
                    self.known.push(v.sub(x));
                    self.known.push(v.sub(y));
                }
                _ => {}
            }
        }
    }

    /// An index-free expression that is at most `e`.
    fn low(&self, e: &Int, depth: usize) -> Option<Int> {
        if depth > 12 {
            return None;
        }
        // Divisions that depend on indices become bounded variables of their own.
        let mut vars = self.vars.clone();
        let mut e = self.replace_compound(e, &mut vars, depth)?;
        loop {
            let mut present = false;
            let mut progress = None;
            for (atom, low, high) in &vars {
                let Atom::Index(i) = atom else { continue };
                if !e.mentions(*i) {
                    continue;
                }
                present = true;
                let Some((coefficient, rest)) = e.linear_in(*i) else { continue };
                if self.sign(&coefficient, &vars, depth) {
                    progress = Some(rest.add(&coefficient.mul(low)));
                } else if self.sign(&coefficient.scale(-1), &vars, depth) {
                    progress = Some(rest.add(&coefficient.mul(high)));
                }
                if progress.is_some() {
                    break;
                }
            }
            match (present, progress) {
                (false, _) => return Some(self.facts.normalise(&e)),
                (true, None) => return None,
                (true, Some(next)) => e = self.facts.normalise(&next),
            }
        }
    }

    /// Whether a coefficient is never negative.
    fn sign(&self, coefficient: &Int, vars: &[(Atom, Int, Int)], depth: usize) -> bool {
        let mut mentions_var = false;
        coefficient.visit_leaves(&mut |a| mentions_var |= vars.iter().any(|(v, ..)| v == a));
        if mentions_var {
            self.low(coefficient, depth + 1).is_some_and(|low| self.sizes_nonneg(&low, 0))
        } else {
            self.sizes_nonneg(coefficient, 0)
        }
    }

    /// Replaces bounded scalars and compound atoms over variables by fresh bounded indices.
    fn replace_compound(&self, e: &Int, vars: &mut Vec<(Atom, Int, Int)>, depth: usize) -> Option<Int> {
        let mut made: Vec<(Atom, Int)> = vec![];
        let mut out = Int::default();
        for (m, c) in e.terms() {
            let mut product = Int::constant(c);
            for a in m {
                let known = made.iter().find(|(x, _)| x == a).map(|(_, v)| v.clone());
                let factor = match known {
                    Some(v) => v,
                    None => {
                        let v = self.compound(a, vars, depth)?;
                        made.push((a.clone(), v.clone()));
                        v
                    }
                };
                product = product.mul(&factor);
            }
            out = out.add(&product);
            if out.terms().count() > 4 * MAX_TERMS {
                return None;
            }
        }
        Some(out)
    }

    fn compound(&self, a: &Atom, vars: &mut Vec<(Atom, Int, Int)>, depth: usize) -> Option<Int> {
        let plain = Int::atom(a.clone());
        if matches!(a, Atom::Dim(_) | Atom::Index(_)) {
            return Some(plain);
        }
        let mut varies = false;
        plain.visit_leaves(&mut |leaf| varies |= self.vars.iter().any(|(v, ..)| v == leaf));
        if !varies {
            return Some(plain);
        }
        let one = Int::constant(1);
        let (low, high) = match a {
            Atom::Dim(_) | Atom::Index(_) => return Some(plain),
            Atom::Scalar(_) => {
                let (_, low, high) = self.vars.iter().find(|(v, ..)| v == a)?;
                (low.clone(), high.clone())
            }
            Atom::Div(x, y) => {
                if !self.index_free(y) || !self.at_least_one(y) {
                    return None;
                }
                let low = self.facts.divide(&self.low(x, depth + 1)?, y);
                let largest = whole_multiples(&self.low(&x.scale(-1), depth + 1)?.scale(-1));
                let high = if self.weak && self.sizes_nonneg(&largest, 0) {
                    largest
                } else {
                    self.facts.divide(&largest, y)
                };
                (low, high)
            }
            Atom::Mod(x, y) => {
                if !self.index_free(y) || !self.at_least_one(y) {
                    return None;
                }
                let inside = |e: &Int| self.low(e, depth + 1).is_some_and(|l| self.sizes_nonneg(&l, 0));
                if inside(x) && inside(&y.sub(&one).sub(x)) {
                    return self.replace_compound(x, vars, depth + 1);
                }
                (Int::default(), y.sub(&one))
            }
            Atom::Min(x, y) => {
                let (lx, ly) = (self.low(x, depth + 1)?, self.low(y, depth + 1)?);
                let (hx, hy) = (
                    self.low(&x.scale(-1), depth + 1)?.scale(-1),
                    self.low(&y.scale(-1), depth + 1)?.scale(-1),
                );
                (lx.minimum(&ly), hx.minimum(&hy))
            }
            Atom::Max(x, y) => {
                let (lx, ly) = (self.low(x, depth + 1)?, self.low(y, depth + 1)?);
                let (hx, hy) = (
                    self.low(&x.scale(-1), depth + 1)?.scale(-1),
                    self.low(&y.scale(-1), depth + 1)?.scale(-1),
                );
                (lx.maximum(&ly), hx.maximum(&hy))
            }
        };
        // Fresh ids count down from the top: no kernel has that many indices.
        let id = IndexId(u32::MAX - u32::try_from(vars.len()).ok()?);
        vars.push((Atom::Index(id), low, high));
        Some(Int::index(id))
    }

    fn index_free(&self, e: &Int) -> bool {
        let mut free = true;
        e.visit_leaves(&mut |a| {
            free &= !matches!(a, Atom::Index(_)) && !self.vars.iter().any(|(v, ..)| v == a)
        });
        free
    }

    /// Whether an expression over sizes alone is never negative.
    fn sizes_nonneg(&self, e: &Int, depth: usize) -> bool {
        if let Some(c) = e.as_const() {
            return c >= 0;
        }
        if depth > 8 {
            return false;
        }
        // Writing `a = a' + 1` for every size known to be at least 1 leaves sizes `a' >= 0`.
        let mut out = Int::default();
        for (m, c) in e.terms() {
            let mut product = Int::constant(c);
            for a in m {
                let one = i64::from(self.positive.contains(a));
                product = product.mul(&Int::atom(a.clone()).add(&Int::constant(one)));
            }
            out = out.add(&product);
            if out.terms().count() > 16 * MAX_TERMS {
                return false;
            }
        }
        out.terms().all(|(m, c)| c > 0 && m.iter().all(|a| self.atom_nonneg(a, depth + 1)))
    }

    /// Whether a divisor over sizes is at least 1.
    fn at_least_one(&self, e: &Int) -> bool {
        match e.as_atom() {
            Some(Atom::Max(x, y)) => self.at_least_one(x) || self.at_least_one(y),
            Some(Atom::Min(x, y)) => self.at_least_one(x) && self.at_least_one(y),
            _ => self.sizes_nonneg(&e.sub(&Int::constant(1)), 0),
        }
    }

    fn atom_nonneg(&self, a: &Atom, depth: usize) -> bool {
        match a {
            Atom::Dim(_) => true,
            // The caller has removed bounded variables; what is left is unbounded.
            Atom::Index(_) | Atom::Scalar(_) => false,
            Atom::Div(x, y) => self.sizes_nonneg(x, depth) && self.at_least_one(y),
            Atom::Mod(_, y) => self.at_least_one(y),
            Atom::Min(x, y) => self.sizes_nonneg(x, depth) && self.sizes_nonneg(y, depth),
            Atom::Max(x, y) => self.sizes_nonneg(x, depth) || self.sizes_nonneg(y, depth),
        }
    }
}

/// An expression with an atom replaced wherever it is a factor.
fn replaced(e: &Int, atom: Option<&Atom>, by: &Int) -> Int {
    let mut out = Int::default();
    for (m, c) in e.terms() {
        let factor = |a: &Atom| if Some(a) == atom { by.clone() } else { Int::atom(a.clone()) };
        out = out.add(&m.iter().fold(Int::constant(c), |product, a| product.mul(&factor(a))));
    }
    out
}

/// A whole number is not negative if its multiple is not.
fn lowest_terms(e: &Int) -> Int {
    let gcd = |a: i64, b: i64| {
        let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
        while b > 0 {
            (a, b) = (b, a % b);
        }
        i64::try_from(a).unwrap_or(1)
    };
    let common = e.terms().map(|(_, c)| c).fold(0, gcd);
    if common > 1 {
        e.terms().fold(Int::default(), |sum, (m, c)| sum.add(&monomial(m, c / common)))
    } else {
        e.clone()
    }
}

/// Something at least as large, in which `n * (x // n)` is `x`.
fn whole_multiples(e: &Int) -> Int {
    let mut out = Int::default();
    for (m, c) in e.terms() {
        let larger = match m {
            [Atom::Div(x, n)] => match n.as_const() {
                Some(n) if n > 0 && c > 0 && c % n == 0 => Some(x.scale(c / n)),
                _ => None,
            },
            _ => None,
        };
        out = out.add(&larger.unwrap_or_else(|| monomial(m, c)));
    }
    out
}

/// What is not negative exactly if `e` is, where `e` adds or takes away one quotient by a constant:
/// `a // b + r >= 0` says `a + b*r >= 0`, and `r - a // b >= 0` says `b*r + b - 1 - a >= 0`. Conditions
/// speak of `a`, not of the quotient.
fn without_quotient(e: &Int) -> Option<Int> {
    let mut quotients = e.terms().filter_map(|(atoms, count)| match atoms {
        [Atom::Div(a, b)] => Some(((**a).clone(), b.as_const()?, count)),
        _ => None,
    });
    let (a, b, count) = quotients.next()?;
    if quotients.next().is_some() || b <= 0 || count.abs() != 1 {
        return None;
    }
    let quotient = Int::atom(Atom::Div(Box::new(a.clone()), Box::new(Int::constant(b))));
    let rest = e.sub(&quotient.scale(count)).scale(b);
    Some(if count == 1 { rest.add(&a) } else { rest.add(&Int::constant(b - 1)).sub(&a) })
}

/// Non-negative multiples of `known` that cancel a negative term of `e`.
fn multiples(e: &Int, known: &Int) -> Vec<Int> {
    let mut out: Vec<Int> = vec![];
    for (m, c) in e.terms().filter(|(_, c)| *c < 0) {
        for (n, k) in known.terms().filter(|(_, k)| *k < 0) {
            let Some(left) = remove_all(m, n) else { continue };
            if !left.iter().all(|a| matches!(a, Atom::Dim(_))) {
                continue;
            }
            let times = if c % k == 0 { c / k } else { 1 };
            let scaled = known.mul(&monomial(&left, times));
            if !out.contains(&scaled) {
                out.push(scaled);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both signs, against all small values.
    #[test]
    fn a_quotient_is_what_its_numerator_says() {
        let k = Int::index(IndexId(0));
        for (divisor, offset, rest) in [(4, -4, 0), (4, -4, 11), (32, -16, 3), (2, 5, -7), (1, 0, 0)] {
            let quotient = k.add(&Int::constant(offset)).floor_div(&Int::constant(divisor));
            for e in [quotient.add(&Int::constant(rest)), Int::constant(rest).sub(&quotient)] {
                let Some(same) = without_quotient(&e) else { continue };
                for value in -70..70 {
                    let at = |e: &Int| e.eval(&|_| Some(value)).expect("a number");
                    assert_eq!(at(&e) >= 0, at(&same) >= 0, "{e:?} at {value}");
                }
            }
        }
    }
}
