//! Buffers: whose they are, what they hold, who writes them.

use super::about;
use super::site::Site;
use crate::loops::{BufferId, BufferKind, LoopProgram, Stmt};

pub fn verify(p: &LoopProgram, sites: &[Site<'_>]) -> Result<(), String> {
    for (id, d) in p.program.live() {
        let Some(b) = p.place(id).buffer else { continue };
        if p.buffers.get(b.index()).is_none_or(|b| b.def != id) {
            return Err(format!("`{}`: its buffer belongs to another definition", d.name));
        }
    }
    for (n, b) in p.buffers.iter().enumerate() {
        let id = BufferId(n as u32);
        let d = p.program.def(b.def);
        let fail = |what: &str| Err(format!("`{}`: {what}", d.name));
        if p.place(b.def).buffer != Some(id) {
            return fail("its place does not name its buffer");
        }
        let ascending = b.axes.windows(2).all(|w| w[0] < w[1]) && b.axes.iter().all(|a| *a < d.free.len());
        if !ascending {
            return fail("stored axes are not axes of the definition in order");
        }
        let extents = b.axes.iter().map(|a| p.program.extent(d.free[*a]));
        if b.dims.len() != b.axes.len() || !extents.eq(&b.dims) {
            return fail("a stored axis does not have its index's extent");
        }
        if b.kind != BufferKind::Local && b.axes.len() != d.free.len() {
            return fail("a buffer that outlives its task lacks an axis");
        }
        let output = p.program.outputs.iter().position(|o| o.def == b.def);
        match (b.kind, output) {
            (BufferKind::Output(n), Some(o)) if n == o => {}
            (BufferKind::Output(_), _) => return fail("its buffer is another output's"),
            (_, Some(_)) => return fail("an output is not stored where the caller reads"),
            _ => {}
        }
        writers(p, sites, id)?;
    }
    for o in &p.program.outputs {
        if p.place(o.def).buffer.is_none() {
            return Err(format!("the output `{}` has no buffer", o.name));
        }
    }
    Ok(())
}

fn writers(p: &LoopProgram, sites: &[Site<'_>], b: BufferId) -> Result<(), String> {
    let d = p.buffer(b).def;
    let writes = |s: &&Site<'_>| matches!(s.stmt, Stmt::Store { .. } | Stmt::Gemm(_)) && s.def() == d;
    let found: Vec<&Site<'_>> = sites.iter().filter(writes).collect();
    let name = &p.program.def(d).name;
    let [writer] = found.as_slice() else {
        return Err(format!("`{name}`: {} statements write its buffer", found.len()));
    };
    if p.buffer(b).kind != BufferKind::Local {
        return Ok(());
    }
    for s in sites.iter().filter(|s| s.stage != writer.stage) {
        let reads = p.program.producers(s.def()).contains(&d);
        let tile = matches!(s.stmt, Stmt::Gemm(g) if p.program.producers(g.def).contains(&d));
        if reads || tile {
            return Err(about(p, s, &format!("it reads `{name}`, which another stage's tasks keep")));
        }
    }
    Ok(())
}
