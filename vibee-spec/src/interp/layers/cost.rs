//! What loading and evaluating a layer takes, without doing it: for choosing sizes.

use super::Assembly;
use super::load::size as size_of;
use crate::interp::draw::kernel_work;
use crate::interp::entry::{self, solve_dims};
use crate::term::{Arg, Atom, Int, Step};

/// Parameters of a layer of these sizes; `None` if `load` refuses the sizes.
#[must_use]
pub fn parameters(of: &Assembly, sizes: &[i64]) -> Option<u64> {
    let size = |d: &Int| size_of("", d, sizes).ok().and_then(|v| u64::try_from(v).ok());
    let mut total = 0u64;
    for w in &of.layer.weights {
        let count = w.shape.iter().try_fold(1u64, |n, d| Some(n.saturating_mul(size(d)?)))?;
        total = total.saturating_add(count);
    }
    for (s, part) in of.layer.sublayers.iter().zip(&of.parts) {
        let copies: u64 = s.count.as_ref().map_or(Some(1), &size)?;
        if copies > 0 {
            let sizes: Vec<i64> = s.dims.iter().map(|d| size_of("", d, sizes).ok()).collect::<Option<_>>()?;
            total = total.saturating_add(copies.saturating_mul(parameters(part, &sizes)?));
        }
    }
    Some(total)
}

/// Elements of all values and roughly the evaluated expressions of a forward. `dims` are the
/// forward's sizes, the layer's first. `None` if they cannot be computed.
#[must_use]
pub fn work(of: &Assembly, dims: &[i64]) -> Option<(u64, u64)> {
    let mut total = (0, 0);
    steps(of, dims, &of.layer.forward.steps, 1, &mut total)?;
    Some(total)
}

fn steps(of: &Assembly, dims: &[i64], list: &[Step], times: u64, total: &mut (u64, u64)) -> Option<()> {
    let size = |d: &Int| d.eval(&|a| if let Atom::Dim(d) = a { dims.get(d.index()).copied() } else { None });
    let sizes_of = |shape: &[Int]| -> Option<Vec<usize>> {
        shape.iter().map(|d| usize::try_from(size(d)?).ok()).collect()
    };
    for s in list {
        let (elements, work) = match s {
            Step::Compute { kernel, .. } => kernel_work(kernel, dims)?,
            Step::Loop { count, body, .. } => {
                let rounds = u64::try_from(size(count)?).ok()?;
                steps(of, dims, body, times.saturating_mul(rounds), total)?;
                (0, rounds)
            }
            Step::Call { sublayer, args, .. } => {
                let (s, part) = (&of.layer.sublayers[*sublayer], &of.parts[*sublayer]);
                let mut shapes = Vec::new();
                for a in args {
                    shapes.push(match a {
                        Arg::Value(v) => sizes_of(&of.layer.forward.values[v.index()].shape)?,
                        Arg::Weight(w) => sizes_of(&of.layer.weights[*w].shape)?,
                        Arg::Scalar(_) => vec![],
                    });
                }
                // A loop of no rounds calls copies that do not exist.
                if times == 0 {
                    continue;
                }
                let own: Vec<i64> = s.dims.iter().map(size).collect::<Option<_>>()?;
                debug_assert_eq!(entry::dim_arguments(&part.signature).len(), own.len());
                work_of_call(part, &own, &shapes)?
            }
        };
        total.0 = total.0.saturating_add(elements.saturating_mul(times));
        total.1 = total.1.saturating_add(work.saturating_mul(times));
    }
    Some(())
}

fn work_of_call(part: &Assembly, sizes: &[i64], shapes: &[Vec<usize>]) -> Option<(u64, u64)> {
    work(part, &solve_dims(&part.signature, sizes, shapes).ok()?)
}
