//! Products with an operand in a format, in a form that the schedule recognises as products.
//!
//! Reads of the operand that equal its format's decoding, as terms, become reads of a stand-in input of
//! numbers. If then nothing but whole products reads the stand-in, the runtime multiplies with the blocks;
//! otherwise that operand is decoded where it is read.

use std::collections::HashMap;

use vibee_spec::check::decoded_at;
use vibee_spec::term::{
    Atom, DType, DefId, ExprId, FoldOp, IndexId, Input, InputId, InputKind, Int, Kernel, Node, Op, Pos,
    Source,
};

use crate::loops::{Gemm, LoopProgram, Stmt};
use crate::passes::{rebuild, visit};

/// A stand-in for an operand in a format.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The input of numbers that no caller gives.
    pub numbers: InputId,
    /// The bytes.
    pub bytes: InputId,
    /// Which of the kernel's operands it is.
    pub packed: usize,
}

/// The kernel with stand-ins for operands that its products read, but for those `refused`; `None` if there are
/// none. A product may stand anywhere in an expression: what is done with its sums is the schedule's business.
#[must_use]
pub fn decoded(kernel: &Kernel, refused: &[usize]) -> Option<(Kernel, Vec<Decoded>)> {
    let mut k = kernel.clone();
    let mut made: Vec<Decoded> = Vec::new();
    for d in 0..k.defs.len() {
        let body = k.defs[d].body;
        let mut folds = Vec::new();
        visit(&k.exprs, body, &mut |e, node| {
            if let Node::Fold { op: FoldOp::Sum, guard: None, .. } = node {
                folds.push(e);
            }
        });
        let mut products: HashMap<ExprId, ExprId> =
            folds.into_iter().filter_map(|e| Some((e, product(&mut k, e, refused, &mut made)?))).collect();
        if !products.is_empty() {
            k.defs[d].body = rebuild(&mut k.exprs, body, &mut products, &mut |exprs, node, dtype| {
                exprs.intern(node, dtype)
            });
        }
    }
    (!made.is_empty()).then_some((k, made))
}

/// A sum of products with an operand in a format, reading the operand's stand-in.
fn product(k: &mut Kernel, fold: ExprId, refused: &[usize], made: &mut Vec<Decoded>) -> Option<ExprId> {
    let Node::Fold { op, over, guard, body } = k.exprs.node(fold).clone() else { return None };
    let Node::Op(Op::Mul, mut args) = k.exprs.node(body).clone() else { return None };
    let (side, packed, at) = (0..2).find_map(|side| {
        let (packed, at) = read_of(k, args[side], &over)?;
        (!refused.contains(&packed)).then_some((side, packed, at))
    })?;
    let from = Source::Input(stand_in(k, packed, made));
    let at = at.into_iter().map(Pos::At).collect();
    args[side] = k.exprs.intern(Node::Load { from, at, outside: None }, DType::F32);
    let body = k.exprs.intern(Node::Op(Op::Mul, args), DType::F32);
    Some(k.exprs.intern(Node::Fold { op, over, guard, body }, DType::F32))
}

/// The operand and the position that an expression decodes, if it is nothing but that.
fn read_of(k: &mut Kernel, e: ExprId, over: &[IndexId]) -> Option<(usize, Vec<Int>)> {
    let mut loads: Vec<(InputId, Vec<Pos>)> = Vec::new();
    visit(&k.exprs, e, &mut |_, node| {
        if let Node::Load { from: Source::Input(i), at, .. } = node {
            loads.push((*i, at.clone()));
        }
    });
    let (input, at) = loads.first()?.clone();
    let packed = k.packed.iter().position(|p| p.input == input)?;
    let mut known = Vec::new();
    for p in &at {
        let Pos::At(p) = p else { return None };
        known.push(p.clone());
    }
    let bytes = known.pop()?;
    numbers(k, &bytes, k.packed[packed].format.block, over).into_iter().find_map(|number| {
        let at = [known.clone(), vec![number]].concat();
        (decoded_at(k, packed, &at)? == e).then_some((packed, at))
    })
}

/// Which number of a row a position of bytes may belong to: one of the summed letters, all of them as digits of one
/// number, or what the position divides by the numbers of a block.
fn numbers(k: &Kernel, bytes: &Int, block: i64, over: &[IndexId]) -> Vec<Int> {
    let mut found: Vec<Int> = over.iter().map(|i| Int::index(*i)).collect();
    let extent = |i: &IndexId| &k.indices[i.index()].extent;
    found.push(over.iter().fold(Int::default(), |n, i| n.mul(extent(i)).add(&Int::index(*i))));
    for (factors, _) in bytes.terms() {
        for a in factors {
            if let Atom::Div(number, by) = a
                && by.as_const() == Some(block)
            {
                found.push((**number).clone());
            }
        }
    }
    found
}

fn stand_in(k: &mut Kernel, packed: usize, made: &mut Vec<Decoded>) -> InputId {
    if let Some(known) = made.iter().find(|m| m.packed == packed) {
        return known.numbers;
    }
    let p = k.packed[packed].clone();
    let id = InputId(u32::try_from(k.inputs.len()).expect("fewer than 2^32 inputs"));
    let mut name = format!("{}_numbers", k.input(p.input).name);
    while k.inputs.iter().any(|i| i.name == name) {
        name.push('_');
    }
    let kind = InputKind::Numbers;
    k.inputs.push(Input { name, dtype: DType::F32, shape: p.shape, kind });
    made.push(Decoded { numbers: id, bytes: p.input, packed });
    id
}

/// Operands whose stand-ins are read by something else than products, where they are the right-hand side.
#[must_use]
pub fn not_only_products(loops: &LoopProgram, made: &[Decoded]) -> Vec<usize> {
    let program = &loops.program;
    let exprs = &program.kernel.exprs;
    let stand_in = |e: ExprId| match exprs.node(e) {
        Node::Load { from: Source::Input(i), .. } => made.iter().find(|m| m.numbers == *i),
        _ => None,
    };
    let products: Vec<DefId> = products(loops).iter().map(|g| g.def).collect();
    let mut wrong: Vec<usize> = Vec::new();
    for (id, _) in program.live().filter(|(id, _)| !products.contains(id)) {
        for root in program.roots(id) {
            visit(exprs, root, &mut |e, _| wrong.extend(stand_in(e).map(|m| m.packed)));
        }
    }
    wrong.sort_unstable();
    wrong.dedup();
    wrong
}

/// Whether some product multiplies one row with a stand-in.
#[must_use]
pub fn meets_one_row(loops: &LoopProgram, of: &Decoded) -> bool {
    let exprs = &loops.program.kernel.exprs;
    let reads = |g: &Gemm| matches!(exprs.node(g.b.load), Node::Load { from: Source::Input(i), .. } if *i == of.numbers);
    products(loops).into_iter().any(|g| g.m.is_empty() && reads(g))
}

/// All matrix products.
fn products(loops: &LoopProgram) -> Vec<&Gemm> {
    let mut out = Vec::new();
    loops.stages.iter().for_each(|stage| collect(&stage.body, &mut out));
    out
}

fn collect<'a>(stmts: &'a [Stmt], out: &mut Vec<&'a Gemm>) {
    for s in stmts {
        match s {
            Stmt::Gemm(g) => out.push(g),
            Stmt::Loop { body, .. } => collect(body, out),
            _ => {}
        }
    }
}
