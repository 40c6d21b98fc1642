//! Mistakes in loops, accumulators and storage.

use vibee_codegen::loops::{BufferKind, LoopProgram, Stmt};
use vibee_spec::term::{DType, Int};

/// Changes the first statement, outermost first, that `f` takes.
fn first(body: &mut [Stmt], f: &mut dyn FnMut(&mut Stmt) -> bool) -> bool {
    for s in body {
        if f(s) {
            return true;
        }
        if let Stmt::Loop { body, .. } = s
            && first(body, f)
        {
            return true;
        }
    }
    false
}

fn first_of(p: &mut LoopProgram, f: &mut dyn FnMut(&mut Stmt) -> bool) -> bool {
    p.stages.iter_mut().any(|s| first(&mut s.body, f))
}

pub fn starts_late(p: &mut LoopProgram) -> bool {
    first_of(p, &mut |s| match s {
        Stmt::Loop { lo, .. } => {
            *lo = lo.add(&Int::constant(1));
            true
        }
        _ => false,
    })
}

pub fn ends_early(p: &mut LoopProgram) -> bool {
    first_of(p, &mut |s| match s {
        Stmt::Loop { hi, .. } => {
            *hi = hi.sub(&Int::constant(1));
            true
        }
        _ => false,
    })
}

pub fn forgets_guard(p: &mut LoopProgram) -> bool {
    let guarded = p.program.defs.iter_mut().find(|d| !d.dead && d.fold.is_some() && d.guard.is_some());
    guarded.is_some_and(|d| d.guard.take().is_some())
}

/// The start of a fold moves before the loop around it.
pub fn starts_once(p: &mut LoopProgram) -> bool {
    p.stages.iter_mut().any(|s| hoist(&mut s.body))
}

fn hoist(body: &mut Vec<Stmt>) -> bool {
    for n in 0..body.len() {
        let Stmt::Loop { body: inner, lanes: None, .. } = &mut body[n] else { continue };
        if hoist(inner) {
            return true;
        }
        let plain = |s: &Stmt| matches!(s, Stmt::Start { lanes: None, .. });
        if let Some(at) = inner.iter().position(plain) {
            let start = inner.remove(at);
            body.insert(n, start);
            return true;
        }
    }
    false
}

/// Rows of a buffer get the length of its columns and the reverse.
pub fn swaps_extents(p: &mut LoopProgram) -> bool {
    let several = |b: &&mut vibee_codegen::loops::Buffer| {
        let n = b.dims.len();
        !matches!(b.kind, BufferKind::Output(_)) && n >= 2 && b.dims[n - 1] != b.dims[n - 2]
    };
    let Some(b) = p.buffers.iter_mut().find(several) else { return false };
    let n = b.dims.len();
    b.dims.swap(n - 1, n - 2);
    true
}

pub fn drops_rounding(p: &mut LoopProgram) -> bool {
    let outputs: Vec<usize> = p.program.outputs.iter().map(|o| o.def.index()).collect();
    let rounds = |(n, d): &(usize, &mut vibee_codegen::passes::Definition)| {
        !d.dead && matches!(d.dtype, DType::F16 | DType::BF16) && !outputs.contains(n)
    };
    let Some((_, d)) = p.program.defs.iter_mut().enumerate().find(rounds) else { return false };
    d.dtype = DType::F32;
    true
}
