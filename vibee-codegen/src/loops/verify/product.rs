//! Matrix products: that rows, columns and sums of the operands are those of the definition.

use vibee_spec::term::{DType, ExprId, FoldOp, IndexId, Int, Node, Op, Pos, Source};

use super::about;
use super::site::Site;
use crate::loops::{Gemm, LoopProgram, Operand, OperandAxis, Stmt};

pub fn verify(p: &LoopProgram, sites: &[Site<'_>]) -> Result<(), String> {
    for s in sites {
        let Stmt::Gemm(g) = s.stmt else { continue };
        let fail = |what: String| Err(about(p, s, &what));
        let d = p.program.def(g.def);
        let Some(fold) = d.fold.as_ref().filter(|f| f.op == FoldOp::Sum) else {
            return fail("a matrix product of something that is not a sum".into());
        };
        if d.guard.is_some() || !matches!(d.dtype, DType::F32 | DType::I32) {
            return fail("a matrix product that is guarded or neither `f32` nor `i32`".into());
        }
        let exprs = &p.program.kernel.exprs;
        let Node::Op(Op::Mul, factors) = exprs.node(d.value) else {
            return fail("a matrix product of something that is no product".into());
        };
        // Bytes are converted by the product.
        let read = |e: &ExprId| if let Node::Cast(DType::F32, x) = exprs.node(*e) { *x } else { *e };
        let factors: Vec<ExprId> = factors.iter().map(read).collect();
        if factors != [g.a.load, g.b.load] && factors != [g.b.load, g.a.load] {
            return fail("its operands are not the factors that are summed".into());
        }
        let outer = s.indices();
        let free: Vec<IndexId> = d.free.iter().copied().filter(|i| !outer.contains(i)).collect();
        if g.n.is_empty() || free != [g.m.clone(), g.n.clone()].concat() {
            return fail("rows and columns are not the sum's axes in order".into());
        }
        let mut summed = g.k.clone();
        summed.sort();
        let mut over = fold.over.clone();
        over.sort();
        if summed != over {
            return fail("it does not sum over what the definition sums over".into());
        }
        ranges(p, g, &outer).or_else(|e| fail(e.to_owned()))?;
        for (which, o, rows) in [("left", &g.a, &g.m), ("right", &g.b, &g.n)] {
            operand(p, o, rows, &g.k, &outer).or_else(|e| fail(format!("the {which} operand: {e}")))?;
        }
        epilogue(p, g).or_else(|e| fail(e.to_owned()))?;
    }
    Ok(())
}

/// Rows with terms or columns of their own: of one index, over the rows and what is around.
fn ranges(p: &LoopProgram, g: &Gemm, outer: &[IndexId]) -> Result<(), &'static str> {
    let rows = [outer, &g.m].concat();
    for (range, of) in [(&g.terms, &g.k), (&g.columns, &g.n)] {
        let Some((lo, hi)) = range else { continue };
        if of.len() != 1 || !lo.mentions_only(&rows) || !hi.mentions_only(&rows) {
            return Err("the range of its terms or columns is not known row by row");
        }
    }
    if g.terms.is_some() && g.epilogue.is_some() {
        return Err("rows with terms of their own have an epilogue");
    }
    if g.columns.is_some() && p.program.is_output(g.target()) {
        return Err("some columns of an output are left out");
    }
    Ok(())
}

fn operand(
    p: &LoopProgram,
    o: &Operand,
    rows: &[IndexId],
    summed: &[IndexId],
    outer: &[IndexId],
) -> Result<(), String> {
    let Node::Load { from, at, outside: None } = p.program.kernel.exprs.node(o.load) else {
        return Err("it is not a plain load".into());
    };
    if o.axes.len() != at.len() {
        return Err(format!("{} axes for {} positions", o.axes.len(), at.len()));
    }
    let (mut got_rows, mut got_columns) = (Vec::new(), Vec::new());
    let mut n = 0;
    while n < at.len() {
        let Pos::At(position) = &at[n] else { return Err("a position is data".into()) };
        let (read, step) = match &o.axes[n] {
            OperandAxis::At(i) => (i.clone(), 1),
            axis @ (OperandAxis::Rows(start, _)
            | OperandAxis::Cols(start, _)
            | OperandAxis::Mixed(start, ..)) => {
                if !start.mentions_only(outer) {
                    return Err(format!("the start of axis {n} is not known outside"));
                }
                (start.add(&mixed(p, &[axis.rows(), axis.cols()].concat())), 1)
            }
            OperandAxis::RowsPart(_) | OperandAxis::ColsPart(_) => {
                apart(p, o, *from, at, n)?;
                (position.clone(), 2)
            }
        };
        if read != *position {
            return Err(format!("axis {n} is taken where the load does not read"));
        }
        if matches!(o.axes[n], OperandAxis::At(_)) && !read.mentions_only(outer) {
            return Err(format!("axis {n} is not fixed by the loops around"));
        }
        for axis in &o.axes[n..n + step] {
            got_rows.extend(axis.rows().iter().copied());
            got_columns.extend(axis.cols().iter().copied());
        }
        n += step;
    }
    if got_rows != rows && o.row_order(rows).is_none() {
        return Err("its rows are not the product's".into());
    }
    if got_columns != summed {
        return Err("it is not summed in the product's order".into());
    }
    Ok(())
}

/// The row-major number whose digits are these indices.
fn mixed(p: &LoopProgram, digits: &[IndexId]) -> Int {
    digits.iter().fold(Int::default(), |n, i| n.mul(p.program.extent(*i)).add(&Int::index(*i)))
}

/// Two axes read at `i // C` and `i % C` that `i` runs over whole.
fn apart(p: &LoopProgram, o: &Operand, from: Source, at: &[Pos], n: usize) -> Result<(), String> {
    let wrong = || Err(format!("axes {n} and {} are not one index taken apart", n + 1));
    let i = match (&o.axes[n], o.axes.get(n + 1)) {
        (OperandAxis::RowsPart(none), Some(OperandAxis::RowsPart(i)))
        | (OperandAxis::ColsPart(none), Some(OperandAxis::ColsPart(i)))
            if none.is_empty() && i.len() == 1 =>
        {
            i[0]
        }
        _ => return wrong(),
    };
    let extent = |axis: usize| match from {
        Source::Input(i) => p.program.kernel.input(i).shape[axis].clone(),
        Source::Def(d) => p.program.extent(p.program.def(d).free[axis]).clone(),
    };
    let (c, whole) = (extent(n + 1), Int::index(i));
    let read = at[n] == Pos::At(whole.floor_div(&c)) && at[n + 1] == Pos::At(whole.floor_mod(&c));
    if read && *p.program.extent(i) == extent(n).mul(&c) { Ok(()) } else { wrong() }
}

/// The epilogue reads the finished sum, at its own element, and nobody else does.
fn epilogue(p: &LoopProgram, g: &Gemm) -> Result<(), &'static str> {
    let Some(e) = g.epilogue else { return Ok(()) };
    let (sum, reader) = (p.program.def(g.def), p.program.def(e));
    let same_room = reader.dtype == DType::F32 || reader.dtype == sum.dtype;
    if reader.fold.is_some() || reader.guard.is_some() || !same_room {
        return Err("its epilogue is not a plain value of 32 bits");
    }
    if reader.free != sum.free || g.n.len() != 1 {
        return Err("its epilogue has other axes, or columns of several indices");
    }
    let place = p.place(g.def);
    if place.variable || place.buffer.is_some() {
        return Err("a sum that its epilogue replaces is stored");
    }
    let identity: Vec<Pos> = sum.free.iter().map(|i| Pos::At(Int::index(*i))).collect();
    let mut elsewhere = false;
    for (_, from, at) in crate::passes::loads(&p.program.kernel.exprs, reader.value) {
        elsewhere |= from == Source::Def(g.def) && at != identity;
    }
    if elsewhere {
        return Err("its epilogue reads another element of the sum");
    }
    let readers = p.program.live().filter(|(d, _)| p.program.producers(*d).contains(&g.def)).count();
    if readers == 1 { Ok(()) } else { Err("a sum that its epilogue replaces has other readers") }
}
