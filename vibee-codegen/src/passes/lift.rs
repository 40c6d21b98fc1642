//! Gives every nested fold a definition of its own, so that a definition is either elementwise or
//! exactly one fold of an elementwise body.
//!
//! A fold that stood under a condition, or inside of loops that may not run, and reads positions that are only valid
//! there takes that along as its guard. Folds equal up to index names are lifted once.

use std::collections::{BTreeMap, HashMap};

use vibee_spec::check::Known;
use vibee_spec::term::{Atom, DType, Def, DefId, ExprId, IndexId, Int, Kernel, Node, Op, Pos, Source};

use super::rewrite::{Canonical, canonical, conjoin, conjuncts, free_indices, substitute, visit};

/// Lifts all nested folds.
pub fn run(kernel: &mut Kernel) {
    let known = Known::without_reads(kernel);
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
        let runs = lift.runs(None, &def.indices);
        let body = lift.expr(def.body, &def.name, Around { under: None, runs }, true, &mut memo);
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

/// Where an expression is evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Around {
    /// The condition that holds.
    under: Option<ExprId>,
    /// That the loops around it run.
    runs: Option<ExprId>,
}

type Memo = HashMap<(ExprId, Around), ExprId>;

impl Lift<'_> {
    fn expr(&mut self, e: ExprId, parent: &str, around: Around, root: bool, memo: &mut Memo) -> ExprId {
        if let Some(&done) = memo.get(&(e, around)) {
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
                        Pos::Data(d) => Pos::Data(self.expr(d, parent, around, false, memo)),
                        at @ Pos::At(_) => at,
                    })
                    .collect(),
                outside: outside.map(|o| self.expr(o, parent, around, false, memo)),
            },
            Node::Op(Op::Select, args) => {
                let cond = self.expr(args[0], parent, around, false, memo);
                let not = self.kernel.exprs.intern(Node::Op(Op::Not, vec![cond]), DType::Bool);
                let yes = conjoin(&mut self.kernel.exprs, around.under, Some(cond));
                let no = conjoin(&mut self.kernel.exprs, around.under, Some(not));
                let then = self.expr(args[1], parent, Around { under: yes, ..around }, false, memo);
                let other = self.expr(args[2], parent, Around { under: no, ..around }, false, memo);
                Node::Op(Op::Select, vec![cond, then, other])
            }
            Node::Op(op, args) => {
                Node::Op(op, args.into_iter().map(|a| self.expr(a, parent, around, false, memo)).collect())
            }
            Node::Cast(to, a) => Node::Cast(to, self.expr(a, parent, around, false, memo)),
            Node::Fold { op, over, guard, body } => {
                let name = format!("{parent}_{}", op.name());
                let runs = self.runs(around.runs, &over);
                let guard = guard.map(|g| self.expr(g, &name, Around { runs, ..around }, false, memo));
                let under = conjoin(&mut self.kernel.exprs, around.under, guard);
                let body = self.expr(body, &name, Around { under, runs }, false, memo);
                let fold = Node::Fold { op, over, guard, body };
                if root {
                    fold
                } else {
                    let lifted = self.define(fold, dtype.clone(), name, around);
                    memo.insert((e, around), lifted);
                    return lifted;
                }
            }
        };
        let out = self.kernel.exprs.intern(node, dtype);
        memo.insert((e, around), out);
        out
    }

    /// `before`, and that loops over these letters run.
    fn runs(&mut self, before: Option<ExprId>, letters: &[IndexId]) -> Option<ExprId> {
        let mut all = before;
        for i in letters {
            let extent = self.kernel.indices[i.index()].extent.clone();
            if extent.as_const().is_none() {
                let exprs = &mut self.kernel.exprs;
                let sides = vec![exprs.int(extent), exprs.int(Int::constant(1))];
                let runs = exprs.intern(Node::Op(Op::Ge, sides), DType::Bool);
                all = conjoin(exprs, all, Some(runs));
            }
        }
        all
    }

    /// Makes (or finds) the definition of a fold and returns the load that replaces it.
    fn define(&mut self, fold: Node, dtype: DType, name: String, around: Around) -> ExprId {
        let Node::Fold { op, over, mut guard, body } = fold else { unreachable!("only folds are lifted") };
        if reads_conditionally(self.kernel, self.facts, body) {
            let own = [free_indices(&self.kernel.exprs, body), over.clone()].concat();
            let own = self.runs(None, &own);
            let exprs = &mut self.kernel.exprs;
            let own = own.map_or(vec![], |own| conjuncts(exprs, own));
            for c in around.runs.map_or(vec![], |runs| conjuncts(exprs, runs)) {
                // Its own loops it has with it.
                if !own.contains(&c) {
                    guard = conjoin(exprs, Some(c), guard);
                }
            }
            guard = conjoin(exprs, around.under, guard);
        }
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
        if let Node::Int(i) = node {
            found |= !divides_well(kernel, known, i, i);
        }
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

/// Whether no divisor in a part of an integer is 0 wherever its letters are.
fn divides_well(kernel: &Kernel, known: &Known, whole: &Int, part: &Int) -> bool {
    let well = |i: &Int| divides_well(kernel, known, whole, i);
    part.terms().flat_map(|(factors, _)| factors).all(|a| match a {
        Atom::Div(x, y) | Atom::Mod(x, y) => {
            let positive = y.as_const().map_or_else(
                || known.nonneg(&y.sub(&Int::constant(1)), &scope_of(kernel, whole), &[]),
                |c| c >= 1,
            );
            positive && well(x) && well(y)
        }
        Atom::Min(x, y) | Atom::Max(x, y) => well(x) && well(y),
        Atom::Dim(_) | Atom::Index(_) | Atom::Scalar(_) => true,
    })
}

/// The letters of an integer with their extents.
fn scope_of(kernel: &Kernel, i: &Int) -> Vec<(IndexId, Int)> {
    let mut scope: Vec<(IndexId, Int)> = Vec::new();
    i.visit_leaves(&mut |a| {
        if let Atom::Index(i) = a
            && !scope.iter().any(|(s, _)| s == i)
        {
            scope.push((*i, kernel.indices[i.index()].extent.clone()));
        }
    });
    scope
}

/// Whether a position lies in `0..extent` wherever its letters are.
fn always_inside(kernel: &Kernel, known: &Known, at: &Int, extent: &Int) -> bool {
    let of = |i: IndexId| &kernel.indices[i.index()].extent;
    if at.as_index().is_some_and(|i| of(i) == extent) {
        return true;
    }
    let scope = scope_of(kernel, at);
    let last = extent.sub(&Int::constant(1)).sub(at);
    known.nonneg(at, &scope, &[]) && known.nonneg(&last, &scope, &[])
}
