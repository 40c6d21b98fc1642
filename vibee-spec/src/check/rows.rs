//! An encoder of one block becomes a kernel over all blocks of all rows: every definition gets an
//! axis for the row and one for the block in front of its own.
//!
//! Works on finished terms; it must not know what the definitions compute.

use std::collections::HashMap;

use crate::term::{
    Check, Cmp, DType, Def, DefId, Dim, DimBind, DimId, ExprId, Exprs, IndexId, Input, InputId, InputKind,
    Int, Kernel, Node, Op, Output, ParamRef, Pos, Source,
};

/// `x: f32[R, N]` to `bytes: u8[R, N // block * bytes]`, from `x: f32[block]` to `u8[bytes]`.
pub(super) fn over_rows(one: &Kernel, format: &str, block: i64, bytes: i64) -> Kernel {
    let (rows, numbers) = (Int::dim(DimId(0)), Int::dim(DimId(1)));
    let axis = |name: &str, axis| Dim {
        name: name.to_string(),
        bind: DimBind::Axis {
            input: InputId(0),
            axis,
            offset: Int::default(),
            factor: Int::constant(1),
            blocks: None,
        },
    };
    let rest = numbers.floor_mod(&Int::constant(block));
    let mut checks = vec![];
    if rest != Int::default() {
        let text = format!("N % {block} == 0");
        checks.push(Check::Where { text, lhs: rest, cmp: Cmp::Eq, rhs: Int::default() });
    }
    let shape = vec![rows.clone(), numbers.clone()];
    let to = Kernel {
        name: one.name.clone(),
        doc: format!("Rows of numbers as `{format}` blocks of {block} numbers in {bytes} bytes."),
        dims: vec![axis("R", 0), axis("N", 1)],
        indices: vec![],
        inputs: vec![Input { name: "x".into(), dtype: DType::F32, shape, kind: InputKind::Argument }],
        packed: vec![],
        params: vec![ParamRef::Input(InputId(0))],
        defs: vec![],
        outputs: vec![],
        checks,
        exprs: Exprs::default(),
        ..one.clone()
    };
    let mut rows_of = Rows {
        one,
        to,
        block,
        blocks: numbers.floor_div(&Int::constant(block)),
        axes: (IndexId(0), IndexId(0)),
        letters: HashMap::new(),
        done: HashMap::new(),
    };
    let last = one.outputs[0].def;
    for (n, d) in (0u32..).zip(&one.defs) {
        let mut def = rows_of.def(d, &rows);
        if DefId(n) == last {
            // Blocks lie one behind the other.
            let k = def.store.pop().expect("bytes have an axis");
            let (b, _) = (def.store.pop().expect("blocks have an axis"), def.shape.pop());
            let blocks = def.shape.pop().expect("blocks have an axis");
            def.store.push(b.scale(bytes).add(&k));
            def.shape.push(blocks.scale(bytes));
        }
        rows_of.to.defs.push(def);
    }
    let mut to = rows_of.to;
    to.outputs = vec![Output { name: one.outputs[0].name.clone(), def: last }];
    debug_assert_eq!(crate::term::verify(&to), Ok(()), "rows of blocks are well-formed");
    to
}

struct Rows<'x> {
    one: &'x Kernel,
    to: Kernel,
    block: i64,
    blocks: Int,
    /// Row and block of the definition being copied.
    axes: (IndexId, IndexId),
    letters: HashMap<IndexId, IndexId>,
    done: HashMap<ExprId, ExprId>,
}

impl Rows<'_> {
    fn def(&mut self, d: &Def, rows: &Int) -> Def {
        self.letters.clear();
        self.done.clear();
        let r = self.to.fresh_index("row", rows.clone());
        let b = self.to.fresh_index("block", self.blocks.clone());
        self.axes = (r, b);
        let mut indices = vec![r, b];
        for i in &d.indices {
            indices.push(self.letter(*i));
        }
        let body = self.expr(d.body);
        let lead = [Int::index(r), Int::index(b)];
        Def {
            name: d.name.clone(),
            indices,
            dtype: d.dtype.clone(),
            shape: [rows.clone(), self.blocks.clone()].into_iter().chain(d.shape.iter().cloned()).collect(),
            store: lead.into_iter().chain(d.store.iter().map(|s| self.int(s))).collect(),
            body,
            text: d.text.clone(),
        }
    }

    fn letter(&mut self, i: IndexId) -> IndexId {
        if let Some(known) = self.letters.get(&i) {
            return *known;
        }
        let index = self.one.indices[i.index()].clone();
        let new = self.to.fresh_index(index.name, index.extent);
        self.letters.insert(i, new);
        new
    }

    fn int(&self, e: &Int) -> Int {
        e.substitute(&|a| match a {
            crate::term::Atom::Index(i) => self.letters.get(i).map(|i| Int::index(*i)),
            _ => None,
        })
    }

    fn expr(&mut self, e: ExprId) -> ExprId {
        if let Some(known) = self.done.get(&e) {
            return *known;
        }
        let dtype = self.one.exprs.dtype(e).clone();
        let node = match self.one.exprs.node(e).clone() {
            leaf @ (Node::Float(..) | Node::Bool(_)) => leaf,
            Node::Int(i) => Node::Int(self.int(&i)),
            Node::Load { from, at, outside } => {
                let outside = outside.map(|o| self.expr(o));
                let mut positions: Vec<Pos> = at.iter().map(|p| self.position(p)).collect();
                let (r, b) = (Int::index(self.axes.0), Int::index(self.axes.1));
                match from {
                    Source::Def(_) => drop(positions.splice(0..0, [Pos::At(r), Pos::At(b)])),
                    // The block's numbers among those of the row.
                    Source::Input(_) => {
                        let at = self.in_row(&b, &positions[0]);
                        positions = vec![Pos::At(r), at];
                    }
                }
                Node::Load { from, at: positions, outside }
            }
            Node::Op(op, args) => Node::Op(op, args.into_iter().map(|a| self.expr(a)).collect()),
            Node::Cast(t, a) => Node::Cast(t, self.expr(a)),
            Node::Fold { op, over, guard, body } => Node::Fold {
                op,
                over: over.into_iter().map(|i| self.letter(i)).collect(),
                guard: guard.map(|g| self.expr(g)),
                body: self.expr(body),
            },
        };
        let new = self.to.exprs.intern(node, dtype);
        self.done.insert(e, new);
        new
    }

    fn position(&mut self, p: &Pos) -> Pos {
        match p {
            Pos::At(i) => Pos::At(self.int(i)),
            Pos::Data(e) => Pos::Data(self.expr(*e)),
        }
    }

    fn in_row(&mut self, b: &Int, p: &Pos) -> Pos {
        let first = b.scale(self.block);
        match p {
            Pos::At(i) => Pos::At(first.add(i)),
            Pos::Data(e) => {
                let exprs = &mut self.to.exprs;
                let (first, within) =
                    (exprs.int(first), exprs.intern(Node::Cast(DType::I32, *e), DType::I32));
                let at = exprs.intern(Node::Op(Op::Add, vec![first, within]), DType::I32);
                let idx = DType::Idx(Int::dim(DimId(1)));
                Pos::Data(exprs.intern(Node::Cast(idx.clone(), at), idx))
            }
        }
    }
}
