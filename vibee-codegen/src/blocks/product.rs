//! Products with an operand in a format, in a form that the schedule recognises as products.
//!
//! Reads of the operand that equal its format's decoding, as terms, become reads of a stand-in input of
//! numbers. If then nothing but whole products reads the stand-in, the runtime multiplies with the blocks;
//! otherwise the kernel stays as it was.

use vibee_spec::check::decoded_at;
use vibee_spec::term::{
    DType, ExprId, FoldOp, Input, InputId, InputKind, Int, Kernel, Node, Op, Pos, Source,
};

use crate::loops::{LoopProgram, OperandAxis, Stmt};
use crate::passes::visit;

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

/// The kernel with stand-ins for operands that its products read; `None` if there are none.
#[must_use]
pub fn decoded(kernel: &Kernel) -> Option<(Kernel, Vec<Decoded>)> {
    let mut k = kernel.clone();
    let mut made: Vec<Decoded> = Vec::new();
    for d in 0..k.defs.len() {
        let Node::Fold { op: FoldOp::Sum, over, guard: None, body } = k.exprs.node(k.defs[d].body).clone()
        else {
            continue;
        };
        let Node::Op(Op::Mul, args) = k.exprs.node(body).clone() else { continue };
        let Some((side, packed, at)) = (0..2).find_map(|side| {
            let (packed, at) = read_of(&mut k, args[side], &over)?;
            Some((side, packed, at))
        }) else {
            continue;
        };
        let numbers = stand_in(&mut k, packed, &mut made);
        let at = at.into_iter().map(Pos::At).collect();
        let load = k.exprs.intern(Node::Load { from: Source::Input(numbers), at, outside: None }, DType::F32);
        let mut args = args;
        args[side] = load;
        let body = k.exprs.intern(Node::Op(Op::Mul, args), DType::F32);
        let fold = Node::Fold { op: FoldOp::Sum, over, guard: None, body };
        k.defs[d].body = k.exprs.intern(fold, DType::F32);
    }
    (!made.is_empty()).then_some((k, made))
}

/// The operand and the position that an expression decodes, if it is nothing but that.
fn read_of(k: &mut Kernel, e: ExprId, over: &[vibee_spec::term::IndexId]) -> Option<(usize, Vec<Int>)> {
    let mut loads: Vec<(InputId, Vec<Pos>)> = Vec::new();
    visit(&k.exprs, e, &mut |_, node| {
        if let Node::Load { from: Source::Input(i), at, .. } = node {
            loads.push((*i, at.clone()));
        }
    });
    let (input, at) = loads.first()?.clone();
    let packed = k.packed.iter().position(|p| p.input == input)?;
    let mut lead = Vec::new();
    for p in &at[..at.len() - 1] {
        let Pos::At(p) = p else { return None };
        lead.push(p.clone());
    }
    over.iter().find_map(|i| {
        let at: Vec<Int> = lead.iter().cloned().chain([Int::index(*i)]).collect();
        (decoded_at(k, packed, &at)? == e).then_some((packed, at))
    })
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
    let kind = InputKind::Argument;
    k.inputs.push(Input { name, dtype: DType::F32, shape: p.shape, kind });
    made.push(Decoded { numbers: id, bytes: p.input, packed });
    id
}

/// Whether stand-ins are read by nothing but products of their own stage, whole and on the right side.
#[must_use]
pub fn only_products(loops: &LoopProgram, made: &[Decoded]) -> bool {
    let program = &loops.program;
    let exprs = &program.kernel.exprs;
    let is_stand_in = |e: ExprId| match exprs.node(e) {
        Node::Load { from: Source::Input(i), .. } => made.iter().any(|m| m.numbers == *i),
        _ => false,
    };
    let mut products = Vec::new();
    for stage in &loops.stages {
        let [Stmt::Gemm(g)] = stage.body.as_slice() else { continue };
        let whole = matches!(g.b.axes.as_slice(),
            [OperandAxis::Rows(r, rows), OperandAxis::Cols(c, cols)]
                if *r == Int::default() && *c == Int::default() && rows.len() == 1 && cols.len() == 1);
        if stage.grid.is_empty() && whole && is_stand_in(g.b.load) && !is_stand_in(g.a.load) {
            let Node::Load { from: Source::Input(i), .. } = exprs.node(g.b.load) else { continue };
            let shape = &program.kernel.input(*i).shape;
            if [program.extent(g.n[0]), program.extent(g.k[0])] == [&shape[0], &shape[1]] {
                products.push(g.def);
            }
        }
    }
    program.live().all(|(id, _)| {
        let mut reads = false;
        for root in program.roots(id) {
            visit(exprs, root, &mut |e, _| reads |= is_stand_in(e));
        }
        !reads || products.contains(&id)
    })
}
