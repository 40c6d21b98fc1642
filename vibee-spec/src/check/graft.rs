//! Copies a kernel's definitions into another kernel: kernel calls, and tidying.
//!
//! Works on finished terms only, so a callee is checked once, in its own place.

use std::collections::HashMap;

use crate::term::{Atom, DType, Def, DefId, ExprId, Exprs, IndexId, InputId, Int, Kernel, Node, Pos, Source};

/// What replaces an input.
#[derive(Clone, Debug)]
pub(super) enum Feed {
    /// A tensor, or (when a kernel is tidied) an input as it is.
    Source(Source),
    /// A value, and the same as a symbolic integer if it is one.
    Scalar(ExprId, Option<Int>),
    /// Not used by what is copied.
    Nothing,
}

/// An integer scalar of the copied kernel stands in a size or position, but its feed is data.
pub(super) struct NotSymbolic(pub InputId);

/// Copies the definitions `keep` of `from` to the end of `to`; the result maps definition ids.
pub(super) fn graft(
    to: &mut Kernel,
    from: &Kernel,
    dims: &[Int],
    feeds: &[Feed],
    keep: &[bool],
) -> Result<Vec<Option<DefId>>, NotSymbolic> {
    let mut g = Graft {
        to,
        from,
        dims,
        feeds,
        defs: vec![None; from.defs.len()],
        exprs: vec![None; from.exprs.len()],
        indices: HashMap::new(),
    };
    for (k, def) in from.defs.iter().enumerate() {
        if keep[k] {
            let id = DefId(u32::try_from(g.to.defs.len()).expect("fewer than 2^32 definitions"));
            let copied = g.def(def)?;
            g.to.defs.push(copied);
            g.defs[k] = Some(id);
        }
    }
    Ok(g.defs)
}

struct Graft<'x> {
    to: &'x mut Kernel,
    from: &'x Kernel,
    dims: &'x [Int],
    feeds: &'x [Feed],
    defs: Vec<Option<DefId>>,
    exprs: Vec<Option<ExprId>>,
    indices: HashMap<IndexId, IndexId>,
}

impl Graft<'_> {
    fn def(&mut self, d: &Def) -> Result<Def, NotSymbolic> {
        let mut indices = vec![];
        for i in &d.indices {
            indices.push(self.index(*i)?);
        }
        Ok(Def {
            name: d.name.clone(),
            indices,
            dtype: self.dtype(&d.dtype)?,
            shape: self.ints(&d.shape)?,
            store: self.ints(&d.store)?,
            body: self.reachable(d.body)?,
            text: d.text.clone(),
        })
    }

    fn index(&mut self, i: IndexId) -> Result<IndexId, NotSymbolic> {
        if let Some(known) = self.indices.get(&i) {
            return Ok(*known);
        }
        let index = &self.from.indices[i.index()];
        let extent = self.int(&index.extent)?;
        let id = self.to.fresh_index(index.name.clone(), extent);
        self.indices.insert(i, id);
        Ok(id)
    }

    fn ints(&mut self, all: &[Int]) -> Result<Vec<Int>, NotSymbolic> {
        all.iter().map(|e| self.int(e)).collect()
    }

    fn int(&mut self, e: &Int) -> Result<Int, NotSymbolic> {
        let mut wanted = vec![];
        e.visit_leaves(&mut |a| {
            if let Atom::Index(i) = a {
                wanted.push(*i);
            }
        });
        for i in wanted {
            self.index(i)?;
        }
        substitute(e, self.dims, self.feeds, &|i| self.indices.get(&i).copied())
    }

    fn dtype(&mut self, t: &DType) -> Result<DType, NotSymbolic> {
        Ok(match t {
            DType::Idx(n) => DType::Idx(self.int(n)?),
            DType::Len(n) => DType::Len(self.int(n)?),
            other => other.clone(),
        })
    }

    /// Copies an expression with everything below it, operands before users.
    fn reachable(&mut self, root: ExprId) -> Result<ExprId, NotSymbolic> {
        let mut open = vec![(root, false)];
        while let Some((e, ready)) = open.pop() {
            if self.exprs[e.index()].is_some() {
                continue;
            }
            if ready {
                let copied = self.node(e)?;
                self.exprs[e.index()] = Some(copied);
            } else {
                open.push((e, true));
                open.extend(self.from.exprs.children(e).into_iter().rev().map(|c| (c, false)));
            }
        }
        Ok(self.copied(root))
    }

    fn copied(&self, e: ExprId) -> ExprId {
        self.exprs[e.index()].expect("operands are copied before their users")
    }

    fn node(&mut self, e: ExprId) -> Result<ExprId, NotSymbolic> {
        let node = self.from.exprs.node(e);
        let mut dtype = self.dtype(self.from.exprs.dtype(e))?;
        let node = match node {
            Node::Float(..) | Node::Bool(_) => node.clone(),
            Node::Int(i) => Node::Int(self.int(i)?),
            Node::Load { from, at, outside } => {
                let from = match from {
                    Source::Def(d) => {
                        Source::Def(self.defs[d.index()].expect("kept definitions use kept definitions"))
                    }
                    Source::Input(i) => match &self.feeds[i.index()] {
                        Feed::Source(s) => *s,
                        Feed::Scalar(e, _) => return Ok(*e),
                        Feed::Nothing => return Err(NotSymbolic(*i)),
                    },
                };
                let stored = match from {
                    Source::Input(i) => &self.to.input(i).dtype,
                    Source::Def(d) => &self.to.def(d).dtype,
                };
                // Equal sizes may be written differently on the two sides of a call.
                dtype = stored.computed();
                let mut positions = vec![];
                for p in at {
                    positions.push(match p {
                        Pos::At(i) => Pos::At(self.int(i)?),
                        Pos::Data(e) => Pos::Data(self.copied(*e)),
                    });
                }
                Node::Load { from, at: positions, outside: outside.map(|o| self.copied(o)) }
            }
            Node::Op(op, args) => {
                let args: Vec<ExprId> = args.iter().map(|a| self.copied(*a)).collect();
                dtype = op.result(self.to.exprs.dtype(args[args.len() - 1]));
                Node::Op(*op, args)
            }
            Node::Cast(t, e) => Node::Cast(self.dtype(t)?, self.copied(*e)),
            Node::Fold { op, over, guard, body } => {
                let mut letters = vec![];
                for i in over {
                    letters.push(self.index(*i)?);
                }
                Node::Fold {
                    op: *op,
                    over: letters,
                    guard: guard.map(|g| self.copied(g)),
                    body: self.copied(*body),
                }
            }
        };
        Ok(self.to.exprs.intern(node, dtype))
    }
}

/// An integer of the copied kernel in terms of the other one.
pub(super) fn substitute(
    e: &Int,
    dims: &[Int],
    feeds: &[Feed],
    index: &dyn Fn(IndexId) -> Option<IndexId>,
) -> Result<Int, NotSymbolic> {
    let mut bad = None;
    e.visit_leaves(&mut |a| {
        if let Atom::Scalar(i) = a
            && !matches!(
                feeds.get(i.index()),
                Some(Feed::Scalar(_, Some(_)) | Feed::Source(Source::Input(_)))
            )
        {
            bad = Some(*i);
        }
    });
    if let Some(i) = bad {
        return Err(NotSymbolic(i));
    }
    Ok(e.substitute(&|a| match a {
        Atom::Dim(d) => dims.get(d.index()).cloned(),
        Atom::Index(i) => index(*i).map(Int::index),
        Atom::Scalar(i) => match feeds.get(i.index()) {
            Some(Feed::Scalar(_, Some(v))) => Some(v.clone()),
            Some(Feed::Source(Source::Input(own))) => Some(Int::atom(Atom::Scalar(*own))),
            _ => None,
        },
        _ => None,
    }))
}

/// Which definitions the outputs need.
pub(super) fn needed(k: &Kernel, roots: impl Iterator<Item = DefId>) -> Vec<bool> {
    let mut keep = vec![false; k.defs.len()];
    for r in roots {
        keep[r.index()] = true;
    }
    for d in (0..k.defs.len()).rev() {
        if keep[d] {
            visit_loads(&k.exprs, k.defs[d].body, &mut |s| {
                if let Source::Def(d) = s {
                    keep[d.index()] = true;
                }
            });
        }
    }
    keep
}

/// Calls `f` with everything an expression loads from.
pub(super) fn visit_loads(exprs: &Exprs, root: ExprId, f: &mut dyn FnMut(Source)) {
    let mut seen = vec![false; exprs.len()];
    let mut open = vec![root];
    while let Some(e) = open.pop() {
        if std::mem::replace(&mut seen[e.index()], true) {
            continue;
        }
        if let Node::Load { from, .. } = exprs.node(e) {
            f(*from);
        }
        open.extend(exprs.children(e));
    }
}

/// The kernel with nothing but what its outputs need: dead definitions, expressions and indices
/// are gone; inputs stay.
pub(super) fn tidy(k: &Kernel) -> Kernel {
    let mut out =
        Kernel { indices: vec![], defs: vec![], outputs: vec![], exprs: Exprs::default(), ..k.clone() };
    let dims: Vec<Int> = (0u32..).zip(&k.dims).map(|(d, _)| Int::dim(crate::term::DimId(d))).collect();
    let feeds: Vec<Feed> =
        (0u32..).zip(&k.inputs).map(|(n, _)| Feed::Source(Source::Input(InputId(n)))).collect();
    let keep = needed(k, k.outputs.iter().map(|o| o.def));
    let Ok(map) = graft(&mut out, k, &dims, &feeds, &keep) else { return k.clone() };
    for o in &k.outputs {
        if let Some(def) = map[o.def.index()] {
            out.outputs.push(crate::term::Output { name: o.name.clone(), def });
        }
    }
    out
}
