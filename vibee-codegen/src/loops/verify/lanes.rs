//! Loops in lanes and the accumulators and stores inside them.

use vibee_spec::term::{DType, FoldOp};

use super::about;
use super::site::Site;
use crate::loops::{LoopProgram, Stmt};
use crate::passes::visit;

pub fn verify(p: &LoopProgram, sites: &[Site<'_>]) -> Result<(), String> {
    for s in sites {
        let wide = s.loops.iter().filter(|l| l.lanes.is_some()).count();
        if wide > 1 {
            return Err(about(p, s, "two loops around it run in lanes"));
        }
        if let Some(l) = s.in_lanes() {
            inside(p, s, l.index)?;
        }
        if let Stmt::Update { .. } = s.stmt {
            accumulator(p, sites, s)?;
        }
    }
    Ok(())
}

/// What may stand in a lanes loop.
fn inside(p: &LoopProgram, s: &Site<'_>, lanes: vibee_spec::term::IndexId) -> Result<(), String> {
    let d = p.program.def(s.def());
    if matches!(s.stmt, Stmt::Gemm(_)) {
        return Err(about(p, s, "a matrix product in lanes"));
    }
    if s.loops.iter().any(|l| l.lo.mentions(lanes) || l.hi.mentions(lanes)) {
        return Err(about(p, s, "the range of a loop around it differs between lanes"));
    }
    let mut double = d.dtype == DType::F64;
    for root in p.program.roots(s.def()) {
        visit(&p.program.kernel.exprs, root, &mut |e, _| {
            double |= *p.program.kernel.exprs.dtype(e) == DType::F64;
        });
    }
    if double {
        return Err(about(p, s, "`f64` in lanes"));
    }
    if d.free.contains(&lanes) && d.free.last() != Some(&lanes) {
        return Err(about(p, s, "its lanes are not stored side by side"));
    }
    let picks =
        d.fold.as_ref().is_some_and(|f| matches!(f.op, FoldOp::ArgMax | FoldOp::ArgMin) && f.over != [lanes]);
    if picks {
        return Err(about(p, s, "a position is counted in another loop than the lanes"));
    }
    if let (Stmt::Store { .. }, Some(b)) = (s.stmt, p.place(s.def()).buffer) {
        let last = p.buffer(b).axes.last().map(|a| d.free[*a]);
        if last != Some(lanes) {
            return Err(about(p, s, "lanes are stored, but their axis is not"));
        }
    }
    Ok(())
}

/// Start and finish of a fold agree with the lanes loop around its update.
fn accumulator(p: &LoopProgram, sites: &[Site<'_>], update: &Site<'_>) -> Result<(), String> {
    let d = update.def();
    let around = update.in_lanes();
    let folded =
        around.is_some_and(|l| p.program.def(d).fold.as_ref().is_some_and(|f| f.over.contains(&l.index)));
    for s in sites.iter().filter(|s| s.def() == d) {
        match s.stmt {
            Stmt::Start { lanes, .. } if *lanes != around.and_then(|l| l.lanes) => {
                return Err(about(p, s, "its accumulator is not in the lanes of its update"));
            }
            Stmt::Finish { reduce: false, .. } if folded => {
                return Err(about(p, s, "its lanes are never combined"));
            }
            Stmt::Finish { reduce: true, .. } if !folded => {
                return Err(about(p, s, "lanes that hold different elements are combined"));
            }
            _ => {}
        }
    }
    Ok(())
}
