//! What a checked kernel's entry conditions say about its sizes, for verifiers of later stages.
//!
//! A question is answered by the same proofs that accept a spec ([`super::prove`]). They are
//! incomplete: `false` means "not proved", never "wrong".

use super::facts::Facts;
use super::prove::Prover;
use crate::term::{Atom, Check, Cmp, DType, IndexId, InputId, Int, Kernel};

/// Facts that hold in every call that passes a kernel's entry checks.
#[derive(Clone, Debug)]
pub struct Known {
    facts: Facts,
}

impl Known {
    /// Collects them.
    #[must_use]
    pub fn of(kernel: &Kernel) -> Known {
        Known::from(kernel, kernel.checks.iter())
    }

    /// Those that hold whatever loops run: not that positions are inside, which is refused only where some read is made.
    #[must_use]
    pub fn without_reads(kernel: &Kernel) -> Known {
        let of_sizes = |c: &&Check| !matches!(c, Check::InRange { domain, .. } if !domain.is_empty());
        Known::from(kernel, kernel.checks.iter().filter(of_sizes))
    }

    /// As [`Known::of`], with what a layer has checked before it runs the kernel as a step.
    #[must_use]
    pub fn in_layer(kernel: &Kernel) -> Known {
        Known::from(kernel, kernel.checks.iter().chain(&kernel.given))
    }

    fn from<'k>(kernel: &'k Kernel, checks: impl Iterator<Item = &'k Check>) -> Known {
        let mut facts = Facts::default();
        for (n, input) in kernel.inputs.iter().enumerate() {
            if !input.shape.is_empty() || !input.dtype.is_int() {
                continue;
            }
            let bounds = match &input.dtype {
                DType::Idx(n) => Some((Int::default(), n.sub(&Int::constant(1)))),
                DType::Len(n) => Some((Int::default(), n.clone())),
                _ => None,
            };
            facts.scalars.push((InputId(n as u32), bounds));
        }
        for c in checks {
            match c {
                Check::Where { lhs, cmp, rhs, .. } => facts.assume(lhs, *cmp, rhs),
                // Refused unless inside or in a loop that never runs, where nothing is asked.
                Check::InRange { low, high, extent, .. } => {
                    facts.assume(&Int::default(), Cmp::Le, low);
                    facts.assume(high, Cmp::Lt, extent);
                }
                Check::Axis { input, axis, expect } => {
                    if let Some(extent) = kernel.inputs.get(input.index()).and_then(|i| i.shape.get(*axis)) {
                        facts.assume(extent, Cmp::Eq, expect);
                    }
                }
            }
        }
        Known { facts }
    }

    /// Whether both are the same size.
    #[must_use]
    pub fn same(&self, a: &Int, b: &Int) -> bool {
        self.facts.same(a, b)
    }

    /// Whether `e >= 0` for every value of the indices in `scope` (each with its extent) for which
    /// every guard is `>= 0`. Indices that `e` mentions must be in scope.
    #[must_use]
    pub fn nonneg(&self, e: &Int, scope: &[(IndexId, Int)], guards: &[Int]) -> bool {
        let mut closed = true;
        e.visit_leaves(&mut |a| {
            closed &= !matches!(a, Atom::Index(i) if !scope.iter().any(|(s, _)| s == i));
        });
        closed && Prover::new(&self.facts, scope, guards).nonneg(e)
    }
}
