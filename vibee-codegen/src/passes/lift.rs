//! Gives every nested fold a definition of its own, so that a definition is either elementwise or
//! exactly one fold of an elementwise body.
//!
//! A fold that stood under a condition and reads positions that are only valid there takes the
//! condition along as its guard. Folds equal up to index names are lifted once.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::check::Known;
use vibee_spec::term::{Atom, DType, Def, DefId, ExprId, IndexId, Int, Kernel, Node, Op, Pos, Source};

use super::rewrite::{Canonical, canonical, conjoin, free_indices, substitute, visit};

/// Lifts all nested folds.
pub fn run(kernel: &mut Kernel) {
    let known = Known::of(kernel);
    let old = std::mem::take(&mut kernel.defs);
    let mut lift = Lift {
        kernel,
        renumber: BTreeMap::new(),
        known: HashMap::new(),
        facts: &known,
        text: String::new(),
        order: Vec::new(),
    };
    for (n, def) in old.into_iter().enumerate() {
        let mut memo = HashMap::new();
        lift.text = def.text.clone();
        lift.order = def.indices.clone();
        let body = lift.expr(def.body, &def.name, None, true, &mut memo);
        let id = DefId(lift.kernel.defs.len() as u32);
        lift.renumber.insert(DefId(n as u32), id);
        lift.kernel.defs.push(Def { body, ..def });
    }
    let renumber = lift.renumber;
    for o in &mut kernel.outputs {
        o.def = renumber[&o.def];
    }
}

struct Lift<'a> {
    kernel: &'a mut Kernel,
    /// Old definition → its new number (lifted ones are interleaved).
    renumber: BTreeMap<DefId, DefId>,
    /// Canonical form of a lifted fold → its definition.
    known: HashMap<Canonical, DefId>,
    /// What holds after the entry checks.
    facts: &'a Known,
    /// The equation being lifted from.
    text: String,
    /// Its axes.
    order: Vec<IndexId>,
}

type Memo = HashMap<(ExprId, Option<ExprId>), ExprId>;

impl Lift<'_> {
    fn expr(
        &mut self,
        e: ExprId,
        parent: &str,
        under: Option<ExprId>,
        root: bool,
        memo: &mut Memo,
    ) -> ExprId {
        if let Some(&done) = memo.get(&(e, under)) {
            return done;
        }
        let dtype = self.kernel.exprs.dtype(e).clone();
        let node = match self.kernel.exprs.node(e).clone() {
            leaf @ (Node::Float(..) | Node::Bool(_) | Node::Int(_)) => leaf,
            Node::Load { from, at, outside } => Node::Load {
                from: match from {
                    Source::Def(d) => Source::Def(*self.renumber.get(&d).unwrap_or(&d)),
                    input => input,
                },
                at: at
                    .into_iter()
                    .map(|p| match p {
                        Pos::Data(d) => Pos::Data(self.expr(d, parent, under, false, memo)),
                        at @ Pos::At(_) => at,
                    })
                    .collect(),
                outside: outside.map(|o| self.expr(o, parent, under, false, memo)),
            },
            Node::Op(Op::Select, args) => {
                let cond = self.expr(args[0], parent, under, false, memo);
                let not = self.kernel.exprs.intern(Node::Op(Op::Not, vec![cond]), DType::Bool);
                let yes = conjoin(&mut self.kernel.exprs, under, Some(cond));
                let no = conjoin(&mut self.kernel.exprs, under, Some(not));
                let then = self.expr(args[1], parent, yes, false, memo);
                let other = self.expr(args[2], parent, no, false, memo);
                Node::Op(Op::Select, vec![cond, then, other])
            }
            Node::Op(op, args) => {
                Node::Op(op, args.into_iter().map(|a| self.expr(a, parent, under, false, memo)).collect())
            }
            Node::Cast(to, a) => Node::Cast(to, self.expr(a, parent, under, false, memo)),
            Node::Fold { op, over, guard, body } => {
                let name = format!("{parent}_{}", op.name());
                let guard = guard.map(|g| self.expr(g, &name, under, false, memo));
                let inner = conjoin(&mut self.kernel.exprs, under, guard);
                let body = self.expr(body, &name, inner, false, memo);
                let fold = Node::Fold { op, over, guard, body };
                if root {
                    fold
                } else {
                    let lifted = self.define(fold, dtype.clone(), name, under);
                    memo.insert((e, under), lifted);
                    return lifted;
                }
            }
        };
        let out = self.kernel.exprs.intern(node, dtype);
        memo.insert((e, under), out);
        out
    }

    /// Makes (or finds) the definition of a fold and returns the load that replaces it.
    fn define(&mut self, fold: Node, dtype: DType, name: String, under: Option<ExprId>) -> ExprId {
        let Node::Fold { op, over, guard, body } = fold else { unreachable!("only folds are lifted") };
        let needs_guard = under.is_some() && reads_conditionally(self.kernel, self.facts, body);
        let guard = if needs_guard { conjoin(&mut self.kernel.exprs, under, guard) } else { guard };
        let fold = self.kernel.exprs.intern(Node::Fold { op, over, guard, body }, dtype.clone());
        let mut free = free_indices(&self.kernel.exprs, fold);
        // In the order of the definition it comes from, so that both walk memory alike.
        free.sort_by_key(|i| self.order.iter().position(|o| o == i).unwrap_or(usize::MAX));
        let at: Vec<Pos> = free.iter().map(|i| Pos::At(Int::index(*i))).collect();
        let key = canonical(self.kernel, fold, &free);
        let id = match self.known.get(&key) {
            Some(&id) => id,
            None => {
                // Folded letters too: the same fold may be lifted again under another condition.
                let Node::Fold { op, over, guard, body } = self.kernel.exprs.node(fold).clone() else {
                    unreachable!("only folds are lifted")
                };
                let map: BTreeMap<IndexId, Int> = free
                    .iter()
                    .chain(&over)
                    .map(|i| {
                        let index = self.kernel.indices[i.index()].clone();
                        (*i, Int::index(self.kernel.fresh_index(index.name, index.extent)))
                    })
                    .collect();
                let fold = Node::Fold {
                    op,
                    over: over.iter().filter_map(|i| map[i].as_index()).collect(),
                    guard: guard.map(|g| substitute(&mut self.kernel.exprs, g, &map)),
                    body: substitute(&mut self.kernel.exprs, body, &map),
                };
                let body = self.kernel.exprs.intern(fold, dtype.clone());
                let indices: Vec<IndexId> = free.iter().filter_map(|i| map[i].as_index()).collect();
                let id = DefId(self.kernel.defs.len() as u32);
                self.kernel.defs.push(Def {
                    name: self.unused_name(name),
                    shape: indices.iter().map(|i| self.kernel.indices[i.index()].extent.clone()).collect(),
                    store: indices.iter().map(|i| Int::index(*i)).collect(),
                    indices,
                    dtype: dtype.clone(),
                    body,
                    text: self.text.clone(),
                });
                self.known.insert(key, id);
                id
            }
        };
        self.kernel.exprs.intern(Node::Load { from: Source::Def(id), at, outside: None }, dtype)
    }

    fn unused_name(&self, name: String) -> String {
        let taken = |n: &str| {
            self.kernel.defs.iter().any(|d| d.name == n) || self.kernel.inputs.iter().any(|i| i.name == n)
        };
        let mut candidate = name.clone();
        let mut n = 2;
        while taken(&candidate) {
            candidate = format!("{name}{n}");
            n += 1;
        }
        candidate
    }
}

/// Whether some load may be out of range when the conditions around it are ignored.
fn reads_conditionally(kernel: &Kernel, known: &Known, e: ExprId) -> bool {
    let mut found = false;
    visit(&kernel.exprs, e, &mut |_, node| {
        if let Node::Load { from, at, outside: None } = node {
            let shape = match from {
                Source::Input(i) => &kernel.input(*i).shape,
                Source::Def(d) => &kernel.def(*d).shape,
            };
            found |= at.iter().zip(shape).any(|(p, extent)| match p {
                Pos::At(i) => !always_inside(kernel, known, i, extent),
                Pos::Data(_) => false,
            });
        }
    });
    found
}

/// Whether a position lies in `0..extent` wherever its letters are.
fn always_inside(kernel: &Kernel, known: &Known, at: &Int, extent: &Int) -> bool {
    let of = |i: IndexId| &kernel.indices[i.index()].extent;
    if at.as_index().is_some_and(|i| of(i) == extent) {
        return true;
    }
    let mut scope: Vec<(IndexId, Int)> = Vec::new();
    at.visit_leaves(&mut |a| {
        if let Atom::Index(i) = a
            && !scope.iter().any(|(s, _)| s == i)
        {
            scope.push((*i, of(*i).clone()));
        }
    });
    let last = extent.sub(&Int::constant(1)).sub(at);
    known.nonneg(at, &scope, &[]) && known.nonneg(&last, &scope, &[])
}
