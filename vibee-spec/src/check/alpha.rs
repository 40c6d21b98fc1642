//! Equality of expressions up to the letters their folds bind.
//!
//! A function that mentions a fold twice expands it twice, each time with an index of its own;
//! here the second is recognised as the first.

use std::collections::HashMap;

use crate::term::{Atom, ExprId, IndexId, Int, Kernel, Node, Pos};

/// Whether two expressions are equal once indices bound inside are matched up.
pub(super) fn equal(k: &Kernel, a: ExprId, b: ExprId) -> bool {
    let mut m = Matcher { k, pairs: HashMap::new(), budget: 4096 };
    m.expr(a, b)
}

struct Matcher<'k> {
    k: &'k Kernel,
    /// Indices bound on the left, with their partners.
    pairs: HashMap<IndexId, IndexId>,
    budget: usize,
}

impl Matcher<'_> {
    fn expr(&mut self, a: ExprId, b: ExprId) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        let exprs = &self.k.exprs;
        match (exprs.node(a), exprs.node(b)) {
            (Node::Int(x), Node::Int(y)) => self.int(x, y),
            (
                Node::Load { from, at, outside },
                Node::Load { from: other, at: positions, outside: other_outside },
            ) => {
                from == other
                    && at.len() == positions.len()
                    && at.iter().zip(positions).all(|p| match p {
                        (Pos::At(x), Pos::At(y)) => self.int(x, y),
                        (Pos::Data(x), Pos::Data(y)) => self.expr(*x, *y),
                        _ => false,
                    })
                    && self.option(*outside, *other_outside)
            }
            (Node::Op(op, xs), Node::Op(other, ys)) => {
                op == other && xs.len() == ys.len() && xs.iter().zip(ys).all(|(x, y)| self.expr(*x, *y))
            }
            (Node::Cast(t, x), Node::Cast(u, y)) => t == u && self.expr(*x, *y),
            (
                Node::Fold { op, over, guard, body },
                Node::Fold { op: other, over: letters, guard: other_guard, body: other_body },
            ) => {
                if a == b {
                    return true;
                }
                let extent = |i: &IndexId| &self.k.indices[i.index()].extent;
                if op != other
                    || over.len() != letters.len()
                    || !over.iter().zip(letters).all(|(x, y)| extent(x) == extent(y))
                {
                    return false;
                }
                self.pairs.extend(over.iter().copied().zip(letters.iter().copied()));
                let same = self.option(*guard, *other_guard) && self.expr(*body, *other_body);
                for i in over {
                    self.pairs.remove(i);
                }
                same
            }
            _ => a == b,
        }
    }

    fn option(&mut self, a: Option<ExprId>, b: Option<ExprId>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => self.expr(a, b),
            (a, b) => a == b,
        }
    }

    fn int(&self, a: &Int, b: &Int) -> bool {
        let renamed = a.substitute(&|atom| match atom {
            Atom::Index(i) => self.pairs.get(i).map(|j| Int::index(*j)),
            _ => None,
        });
        renamed == *b
    }
}
