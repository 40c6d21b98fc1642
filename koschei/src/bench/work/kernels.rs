//! What a kernel, or a step of a layer, has to do: every expression of its terms once for each combination of the
//! indices that it depends on.

use std::collections::{BTreeMap, BTreeSet};

use vibee_spec::term::{Atom, ExprId, FoldOp, Input, Int, Kernel, Node, Pos, Source};

use super::Work;

/// Operators that cost at least this many vector operations are functions.
const FUNCTION: u32 = 10;

/// Combinations of indices that are tried to learn how often a condition holds.
const SAMPLES: u64 = 1 << 14;

/// What the definitions of a kernel do and read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tally {
    /// What is computed; its bytes are those of `reads`.
    pub work: Work,
    /// Bytes that are read of each input: at most all of them, and none of a scalar.
    pub reads: Vec<f64>,
}

/// Counts a call with these dims; nothing if a size is negative or overflows.
#[must_use]
pub fn of_kernel(kernel: &Kernel, dims: &[i64]) -> Option<Work> {
    let mut work = tally(kernel, dims)?.work;
    for output in &kernel.outputs {
        let def = kernel.def(output.def);
        work.bytes += super::size(&def.dtype, &def.shape, dims)?;
    }
    Some(work)
}

/// Counts the definitions of a kernel with these dims; nothing if a size is negative or overflows.
pub(super) fn tally(kernel: &Kernel, dims: &[i64]) -> Option<Tally> {
    let extents =
        kernel.indices.iter().map(|i| super::extent(&i.extent, dims)).collect::<Option<Vec<_>>>()?;
    let mut counter = Counter {
        kernel,
        dims,
        extents,
        free: free(kernel),
        seen: BTreeSet::new(),
        guards: Vec::new(),
        reads: BTreeMap::new(),
        work: Work::default(),
    };
    for def in &kernel.defs {
        counter.visit(def.body);
    }
    let read = |(n, input): (usize, &Input)| {
        if input.shape.is_empty() {
            return Some(0.0);
        }
        let read = counter.reads.get(&n).copied().unwrap_or_default() * input.dtype.bytes() as f64;
        Some(super::size(&input.dtype, &input.shape, dims)?.min(read))
    };
    let reads = kernel.inputs.iter().enumerate().map(read).collect::<Option<Vec<f64>>>()?;
    Some(Tally { work: Work { bytes: reads.iter().sum(), ..counter.work }, reads })
}

/// The indices on which each expression depends.
fn free(kernel: &Kernel) -> Vec<BTreeSet<usize>> {
    let mut out: Vec<BTreeSet<usize>> = Vec::with_capacity(kernel.exprs.len());
    for n in 0..kernel.exprs.len() {
        let id = ExprId(n as u32);
        let mut all: BTreeSet<usize> = BTreeSet::new();
        for child in kernel.exprs.children(id) {
            all.extend(&out[child.index()]);
        }
        let mut mentioned = |int: &Int| {
            int.visit_leaves(&mut |a| {
                if let Atom::Index(i) = a {
                    all.insert(i.index());
                }
            });
        };
        match kernel.exprs.node(id) {
            Node::Int(int) => mentioned(int),
            Node::Load { at, .. } => at.iter().for_each(|p| {
                if let Pos::At(int) = p {
                    mentioned(int);
                }
            }),
            Node::Fold { over, .. } => over.iter().for_each(|i| {
                all.remove(&i.index());
            }),
            _ => {}
        }
        out.push(all);
    }
    out
}

struct Counter<'a> {
    kernel: &'a Kernel,
    dims: &'a [i64],
    extents: Vec<i64>,
    free: Vec<BTreeSet<usize>>,
    seen: BTreeSet<ExprId>,
    /// Guards around: what they depend on, and the share of that for which they hold.
    guards: Vec<(BTreeSet<usize>, f64)>,
    /// Elements read of each input.
    reads: BTreeMap<usize, f64>,
    work: Work,
}

impl Counter<'_> {
    fn volume<'i>(&self, indices: impl IntoIterator<Item = &'i usize>) -> f64 {
        indices.into_iter().map(|i| self.extents[*i] as f64).product()
    }

    /// How often an expression has another value.
    fn times(&self, id: ExprId) -> f64 {
        let free = &self.free[id.index()];
        // A value that depends on less than a guard does is needed as soon as the guard holds anywhere.
        let shares = self.guards.iter().filter(|(on, _)| on.is_subset(free)).map(|(_, share)| share);
        self.volume(free) * shares.product::<f64>()
    }

    fn visit(&mut self, id: ExprId) {
        if !self.seen.insert(id) {
            return;
        }
        let exprs = &self.kernel.exprs;
        let times = self.times(id);
        match exprs.node(id) {
            Node::Fold { op, over, guard, body } => {
                let share = guard.map_or(1.0, |g| self.share(g));
                let steps = times * self.volume(&over.iter().map(|i| i.index()).collect::<Vec<_>>()) * share;
                if exprs.dtype(*body).is_float() && !matches!(op, FoldOp::Any | FoldOp::All) {
                    self.work.flops += steps;
                }
                guard.iter().for_each(|g| self.visit(*g));
                let on = guard.map_or_else(BTreeSet::new, |g| self.free[g.index()].clone());
                self.guards.push((on, share));
                self.visit(*body);
                self.guards.pop();
                return;
            }
            Node::Op(op, args) if args.iter().any(|a| exprs.dtype(*a).is_float()) => {
                let info = op.info();
                if info.cost >= FUNCTION {
                    self.work.functions += times;
                } else {
                    self.work.flops += times;
                }
            }
            Node::Load { from: Source::Input(input), .. } => {
                *self.reads.entry(input.index()).or_default() += times;
            }
            _ => {}
        }
        for child in exprs.children(id) {
            self.visit(child);
        }
    }

    /// The share of its indices for which a guard holds: exact for few combinations, else of evenly spread ones.
    fn share(&mut self, guard: ExprId) -> f64 {
        let free: Vec<usize> = self.free[guard.index()].iter().copied().collect();
        let all = free.iter().try_fold(1_u64, |n, i| n.checked_mul(self.extents[*i] as u64));
        let (tried, stride) = match all {
            Some(0) => return 1.0,
            Some(n) if n <= SAMPLES => (n, 1),
            // Coprime to most extents, so that every index takes all its values.
            Some(n) => (SAMPLES, (n / SAMPLES) | 1),
            None => (SAMPLES, 0x9e37_79b9_7f4a_7c15),
        };
        let mut held = 0_u64;
        let mut values = vec![0; self.extents.len()];
        for n in 0..tried {
            let mut rest = n.wrapping_mul(stride);
            for i in &free {
                let extent = self.extents[*i].max(1) as u64;
                values[*i] = (rest % extent) as i64;
                rest /= extent;
            }
            let value = |int: &Int| {
                int.eval(&|a| match a {
                    Atom::Index(i) => values.get(i.index()).copied(),
                    other => super::dim(other, self.dims),
                })
            };
            match self.kernel.exprs.truth(guard, &value) {
                Some(true) => held += 1,
                Some(false) => {}
                None => {
                    self.work.at_most = true;
                    return 1.0;
                }
            }
        }
        held as f64 / tried as f64
    }
}
