//! Rows that tasks take in blocks: every statement runs over them once, and reads of what its task made its own
//! row only.

use std::collections::BTreeSet;

use vibee_spec::term::{DefId, IndexId, Int, Pos, Source};

use super::about;
use super::site::Site;
use crate::loops::{LoopProgram, Stmt};
use crate::passes::loads;

pub fn verify(p: &LoopProgram, sites: &[Site<'_>]) -> Result<(), String> {
    for s in sites {
        let rows = &p.stages[s.stage].rows;
        if rows.is_empty() {
            continue;
        }
        let fail = |what: &str| Err(about(p, s, what));
        if s.grid == 0 {
            return fail("rows are taken in blocks where there is one task");
        }
        let mut over: Vec<IndexId> =
            s.loops[s.grid..].iter().map(|l| l.index).filter(|i| rows.contains(i)).collect();
        if let Stmt::Gemm(g) = s.stmt {
            over.extend(g.m.iter().filter(|i| rows.contains(i)));
        }
        let [row] = over[..] else { return fail("it does not run over the rows of its task once") };
        if p.program.extent(row) != p.program.extent(rows[0]) {
            return fail("its rows are not those of its task");
        }
        if s.loops.iter().any(|l| l.index == row && (l.lanes.is_some() || !l.is_whole(p))) {
            return fail("it leaves out rows, or has them in lanes");
        }
        if let Stmt::Gemm(g) = s.stmt
            && !g.a.has_row_axis(row)
        {
            return fail("the rows of its operand are merged with others");
        }
        for d in made(s) {
            if !p.program.def(d).free.contains(&row) {
                return fail("its value is not of one row");
            }
            for root in p.program.roots(d) {
                for (_, from, at) in loads(&p.program.kernel.exprs, root) {
                    if !own_row(p, sites, s, from, &at, row) {
                        return fail("it reads another row of what its task makes");
                    }
                }
            }
        }
    }
    Ok(())
}

/// The definitions of a statement.
fn made(s: &Site<'_>) -> BTreeSet<DefId> {
    match s.stmt {
        Stmt::Gemm(g) => [g.def, g.target()].into(),
        _ => [s.def()].into(),
    }
}

/// Whether a read is of the row, if what it reads is made in the same stage.
fn own_row(
    p: &LoopProgram,
    sites: &[Site<'_>],
    s: &Site<'_>,
    from: Source,
    at: &[Pos],
    row: IndexId,
) -> bool {
    let Source::Def(d) = from else { return true };
    let here = sites.iter().any(|o| o.stage == s.stage && made(o).contains(&d));
    if !here {
        return true;
    }
    let rows = &p.stages[s.stage].rows;
    let axis = p.program.def(d).free.iter().position(|i| rows.contains(i));
    axis.is_some_and(|axis| at[axis] == Pos::At(Int::index(row)))
}
