//! The search for a small size (and values of indices) at which something goes wrong.
//!
//! A found example is shown to the user, so small and plain values come first. Finding none
//! proves nothing.

use crate::term::{Atom, Cmp, DimId, ExprId, Exprs, IndexId, InputId, Int, Names, Node, floor_mod};

/// Evaluations per question.
const BUDGET: usize = 40_000;

/// Values for the names of a question.
#[derive(Clone, Debug, Default)]
pub(super) struct Example {
    dims: Vec<(DimId, i64)>,
    scalars: Vec<(InputId, i64)>,
    indices: Vec<(IndexId, i64)>,
}

impl Example {
    /// The value of an expression; `None` if it has none here.
    pub fn eval(&self, e: &Int) -> Option<i64> {
        e.eval(&|a| match a {
            Atom::Dim(d) => self.dims.iter().find(|(x, _)| x == d).map(|(_, v)| *v),
            Atom::Scalar(s) => self.scalars.iter().find(|(x, _)| x == s).map(|(_, v)| *v),
            Atom::Index(i) => self.indices.iter().find(|(x, _)| x == i).map(|(_, v)| *v),
            _ => None,
        })
    }

    /// `T = 1, S = 2`.
    pub fn sizes(&self, names: &Names<'_>) -> String {
        let dims = self.dims.iter().map(|(d, v)| format!("{} = {v}", names.int(&Int::dim(*d))));
        let scalars =
            self.scalars.iter().map(|(s, v)| format!("{} = {v}", names.int(&Int::atom(Atom::Scalar(*s)))));
        dims.chain(scalars).collect::<Vec<_>>().join(", ")
    }

    /// `t = 0, k = 2`.
    pub fn indices(&self, names: &Names<'_>) -> String {
        self.indices.iter().map(|(i, v)| format!("{} = {v}", names.index(*i))).collect::<Vec<_>>().join(", ")
    }
}

/// What is searched through.
pub(super) struct Question<'q> {
    /// Constraints that a size must satisfy.
    pub constraints: &'q [(Int, Cmp, Int)],
    /// Indices in scope with their extents.
    pub scope: &'q [(IndexId, Int)],
    /// Each must be `>= 0`.
    pub guards: &'q [Int],
    /// Expressions the question is about (they say which names matter).
    pub about: &'q [&'q Int],
    /// Whether all other conditions admit an example.
    pub allowed: &'q dyn Fn(&Example) -> bool,
}

impl Question<'_> {
    /// The first small example for which `wrong` holds.
    pub fn find(&self, wrong: &dyn Fn(&Example) -> bool) -> Option<Example> {
        let indices = self.relevant_indices();
        let (dims, scalars) = self.relevant_names(&indices);
        if dims.len() + scalars.len() > 8 {
            return None;
        }
        // The others share no name with these, so they hold at some size whatever these are.
        let constraints: Vec<&(Int, Cmp, Int)> = self
            .constraints
            .iter()
            .filter(|(l, _, r)| among(l, &dims, &scalars) && among(r, &dims, &scalars))
            .collect();
        let mut budget = BUDGET;
        let many = dims.len() + scalars.len() > 5;
        for largest in if many { vec![2] } else { vec![2, 3, 4] } {
            let mut size_values: Vec<i64> = (1..=largest).collect();
            size_values.push(0);
            if !many {
                size_values.extend(self.constants());
            }
            let scalar_values: Vec<i64> = (0..=largest).chain([-1]).collect();
            let columns: Vec<&[i64]> = dims
                .iter()
                .map(|_| size_values.as_slice())
                .chain(scalars.iter().map(|_| scalar_values.as_slice()))
                .collect();
            let mut found = None;
            odometer(&columns, &mut |values| {
                if budget == 0 {
                    return false;
                }
                budget -= 1;
                let example = Example {
                    dims: dims.iter().copied().zip(values.iter().copied()).collect(),
                    scalars: scalars.iter().copied().zip(values[dims.len()..].iter().copied()).collect(),
                    indices: vec![],
                };
                if !constraints.iter().all(|(l, cmp, r)| holds(&example, l, *cmp, r).unwrap_or(false)) {
                    return true;
                }
                found = self.at_sizes(example, &indices, &mut budget, wrong);
                found.is_none()
            });
            if found.is_some() || budget == 0 {
                return found;
            }
        }
        None
    }

    fn at_sizes(
        &self,
        mut example: Example,
        indices: &[(IndexId, Int)],
        budget: &mut usize,
        wrong: &dyn Fn(&Example) -> bool,
    ) -> Option<Example> {
        // Every loop around must run, also those whose index does not matter.
        if self.scope.iter().any(|(_, extent)| example.eval(extent).is_some_and(|n| n <= 0)) {
            return None;
        }
        let mut ranges: Vec<Vec<i64>> = vec![];
        for (_, extent) in indices {
            let n = example.eval(extent)?.min(32);
            ranges.push((0..n).collect());
        }
        let columns: Vec<&[i64]> = ranges.iter().map(Vec::as_slice).collect();
        let mut found = None;
        odometer(&columns, &mut |values| {
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            example.indices = indices.iter().map(|(i, _)| *i).zip(values.iter().copied()).collect();
            let allowed = self.guards.iter().all(|g| example.eval(g).is_none_or(|v| v >= 0))
                && (self.allowed)(&example);
            if allowed && wrong(&example) {
                found = Some(example.clone());
            }
            found.is_none()
        });
        found
    }

    fn relevant_indices(&self) -> Vec<(IndexId, Int)> {
        let mut wanted = vec![];
        let mut note = |e: &Int| {
            e.visit_leaves(&mut |a| {
                if let Atom::Index(i) = a
                    && !wanted.contains(i)
                {
                    wanted.push(*i);
                }
            });
        };
        self.about.iter().for_each(|e| note(e));
        self.guards.iter().for_each(note);
        self.scope.iter().filter(|(i, _)| wanted.contains(i)).cloned().collect()
    }

    /// Names of the question and, transitively, of the constraints that share one.
    fn relevant_names(&self, indices: &[(IndexId, Int)]) -> (Vec<DimId>, Vec<InputId>) {
        let (mut dims, mut scalars) = (vec![], vec![]);
        let collect = |e: &Int, dims: &mut Vec<DimId>, scalars: &mut Vec<InputId>| {
            e.visit_leaves(&mut |a| match a {
                Atom::Dim(d) if !dims.contains(d) => dims.push(*d),
                Atom::Scalar(s) if !scalars.contains(s) => scalars.push(*s),
                _ => {}
            });
        };
        for e in self.about {
            collect(e, &mut dims, &mut scalars);
        }
        for e in indices.iter().map(|(_, e)| e).chain(self.guards) {
            collect(e, &mut dims, &mut scalars);
        }
        for (_, e) in self.scope {
            collect(e, &mut dims, &mut scalars);
        }
        loop {
            let before = dims.len() + scalars.len();
            for (l, _, r) in self.constraints {
                let (mut d, mut s) = (vec![], vec![]);
                collect(l, &mut d, &mut s);
                collect(r, &mut d, &mut s);
                if d.iter().any(|x| dims.contains(x)) || s.iter().any(|x| scalars.contains(x)) {
                    collect(l, &mut dims, &mut scalars);
                    collect(r, &mut dims, &mut scalars);
                }
            }
            if dims.len() + scalars.len() == before {
                dims.sort();
                return (dims, scalars);
            }
        }
    }

    /// Constants of the constraints: `D % 64 == 0` has no small solution without 64.
    fn constants(&self) -> Vec<i64> {
        let mut out = vec![];
        let mut note = |v: i64| {
            for v in [v, v.saturating_mul(2)] {
                if v > 4 && !out.contains(&v) && out.len() < 6 {
                    out.push(v);
                }
            }
        };
        for (l, _, r) in self.constraints {
            for e in [l, r] {
                for (m, c) in e.terms() {
                    if m.is_empty() {
                        note(c.saturating_abs());
                    }
                    for a in m {
                        if let Atom::Div(_, y) | Atom::Mod(_, y) = a
                            && let Some(c) = y.as_const()
                        {
                            note(c);
                        }
                    }
                }
            }
        }
        out
    }
}

/// Whether an expression has no other names than these.
fn among(e: &Int, dims: &[DimId], scalars: &[InputId]) -> bool {
    let mut only = true;
    e.visit_leaves(&mut |a| {
        only &= match a {
            Atom::Dim(d) => dims.contains(d),
            Atom::Scalar(s) => scalars.contains(s),
            _ => true,
        }
    });
    only
}

/// Whether a comparison holds; `None` if it has no value.
pub(super) fn holds(example: &Example, l: &Int, cmp: Cmp, r: &Int) -> Option<bool> {
    let (l, r) = (example.eval(l)?, example.eval(r)?);
    Some(cmp.holds(l, r))
}

/// The integers a condition compares.
pub(super) fn compared(exprs: &Exprs, root: ExprId) -> Vec<Int> {
    let (mut out, mut open) = (vec![], vec![root]);
    while let Some(e) = open.pop() {
        match exprs.node(e) {
            Node::Op(..) => open.extend(exprs.children(e)),
            Node::Int(i) => out.push(i.clone()),
            _ => {}
        }
        if out.len() > 32 {
            break;
        }
    }
    out
}

/// Calls `visit` with every combination of one value per column, until it says stop.
fn odometer(columns: &[&[i64]], visit: &mut dyn FnMut(&[i64]) -> bool) {
    if columns.iter().any(|c| c.is_empty()) {
        return;
    }
    let mut at = vec![0usize; columns.len()];
    loop {
        let values: Vec<i64> = at.iter().zip(columns).map(|(i, c)| c[*i]).collect();
        if !visit(&values) {
            return;
        }
        let mut k = 0;
        loop {
            if k == at.len() {
                return;
            }
            at[k] += 1;
            if at[k] < columns[k].len() {
                break;
            }
            at[k] = 0;
            k += 1;
        }
    }
}

/// Whether `a` divides by `b` exactly at an example; used for solved dims.
pub(super) fn divides(example: &Example, a: &Int, b: &Int) -> Option<bool> {
    Some(floor_mod(example.eval(a)?, example.eval(b)?)? == 0)
}
