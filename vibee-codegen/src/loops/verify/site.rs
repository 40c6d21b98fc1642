//! The statements of a program, each with where it stands.

use vibee_spec::term::{DefId, IndexId, Int};

use crate::loops::{LoopProgram, Stmt};

/// A loop around a statement.
#[derive(Clone, Debug)]
pub struct Around {
    /// Its index.
    pub index: IndexId,
    /// First value.
    pub lo: Int,
    /// One past the last.
    pub hi: Int,
    /// Registers per block if it runs in lanes.
    pub lanes: Option<u32>,
}

impl Around {
    /// Whether it leaves nothing of its index out.
    pub fn is_whole(&self, p: &LoopProgram) -> bool {
        self.lo == Int::default() && self.hi == *p.program.extent(self.index)
    }
}

/// A statement that is not a loop.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// The statement.
    pub stmt: &'a Stmt,
    /// Its stage.
    pub stage: usize,
    /// Positions in the bodies around, outermost first: one more than there are loops below the grid.
    pub at: Vec<usize>,
    /// Loops around, the stage's grid first.
    pub loops: Vec<Around>,
    /// How many of them are the grid.
    pub grid: usize,
}

impl Site<'_> {
    /// The definition that the statement is about; a product's target.
    pub fn def(&self) -> DefId {
        match self.stmt {
            Stmt::Start { def, .. }
            | Stmt::Update { def }
            | Stmt::Finish { def, .. }
            | Stmt::Let { def }
            | Stmt::Store { def } => *def,
            Stmt::Gemm(g) => g.target(),
            Stmt::Loop { .. } => unreachable!("loops are around sites"),
        }
    }

    /// Indices of the loops around.
    pub fn indices(&self) -> Vec<IndexId> {
        self.loops.iter().map(|l| l.index).collect()
    }

    /// The loop around that runs in lanes.
    pub fn in_lanes(&self) -> Option<&Around> {
        self.loops.iter().find(|l| l.lanes.is_some())
    }

    /// How many loops are around both, if this one comes first in the same stage.
    pub fn common(&self, later: &Site<'_>) -> Option<usize> {
        let shared = self.at.iter().zip(&later.at).take_while(|(a, b)| a == b).count();
        let (a, b) = (self.at.get(shared)?, later.at.get(shared)?);
        (self.stage == later.stage && a < b).then_some(self.grid + shared)
    }

    /// Whether a variable made here is in scope there.
    pub fn in_scope(&self, later: &Site<'_>) -> bool {
        self.common(later) == Some(self.loops.len())
    }
}

/// All statements, in order.
pub fn sites(p: &LoopProgram) -> Result<Vec<Site<'_>>, String> {
    let mut out = Vec::new();
    for (stage, s) in p.stages.iter().enumerate() {
        let mut loops = Vec::new();
        for i in &s.grid {
            if i.index() >= p.program.kernel.indices.len() {
                return Err(format!("stage {stage} runs over {i}, which there is not"));
            }
            loops.push(Around {
                index: *i,
                lo: Int::default(),
                hi: p.program.extent(*i).clone(),
                lanes: None,
            });
        }
        walk(p, stage, s.grid.len(), &s.body, &mut vec![], &mut loops, &mut out)?;
    }
    Ok(out)
}

fn walk<'a>(
    p: &LoopProgram,
    stage: usize,
    grid: usize,
    body: &'a [Stmt],
    at: &mut Vec<usize>,
    loops: &mut Vec<Around>,
    out: &mut Vec<Site<'a>>,
) -> Result<(), String> {
    for (n, stmt) in body.iter().enumerate() {
        at.push(n);
        match stmt {
            Stmt::Loop { index, lo, hi, lanes, body } => {
                if index.index() >= p.program.kernel.indices.len() {
                    return Err(format!("a loop over {index}, which there is not"));
                }
                loops.push(Around { index: *index, lo: lo.clone(), hi: hi.clone(), lanes: *lanes });
                walk(p, stage, grid, body, at, loops, out)?;
                loops.pop();
            }
            _ => {
                let site = Site { stmt, stage, at: at.clone(), loops: loops.clone(), grid };
                let def = site.def();
                if p.program.defs.get(def.index()).is_none_or(|d| d.dead) {
                    return Err(format!("stage {stage} evaluates {def}, which is not live"));
                }
                out.push(site);
            }
        }
        at.pop();
    }
    Ok(())
}
