//! Kernels by hand, without parser and checker.

use vibee_spec::term::{
    Check, DType, Def, DefId, Dim, DimBind, DimId, ExprId, Exprs, FoldOp, IndexId, Input, InputId, InputKind,
    Int, Kernel, Node, Op, Output, ParamRef, Pos, Source,
};

/// A kernel under construction.
pub struct Build {
    pub k: Kernel,
}

/// Shorthands for integers.
pub fn n(v: i64) -> Int {
    Int::constant(v)
}
pub fn d(d: DimId) -> Int {
    Int::dim(d)
}
pub fn i(i: IndexId) -> Int {
    Int::index(i)
}

impl Build {
    pub fn new(name: &str) -> Build {
        Build {
            k: Kernel {
                name: name.into(),
                doc: String::new(),
                header: String::new(),
                dims: vec![],
                indices: vec![],
                inputs: vec![],
                params: vec![],
                defs: vec![],
                outputs: vec![],
                checks: vec![],
                given: vec![],
                exprs: Exprs::default(),
                specialise: vec![],
                packed: vec![],
            },
        }
    }

    /// A dim solved from an axis of a coming or present input.
    pub fn axis_dim(&mut self, name: &str, input: u32, axis: usize) -> DimId {
        let bind = DimBind::Axis { input: InputId(input), axis, offset: n(0), factor: n(1), blocks: None };
        self.k.dims.push(Dim { name: name.into(), bind });
        DimId(self.k.dims.len() as u32 - 1)
    }

    pub fn arg_dim(&mut self, name: &str) -> DimId {
        self.k.dims.push(Dim { name: name.into(), bind: DimBind::Argument });
        let id = DimId(self.k.dims.len() as u32 - 1);
        self.k.params.push(ParamRef::Dim(id));
        id
    }

    pub fn input(&mut self, name: &str, dtype: DType, shape: &[Int]) -> InputId {
        let (shape, kind) = (shape.to_vec(), InputKind::Argument);
        self.k.inputs.push(Input { name: name.into(), dtype, shape, kind });
        let id = InputId(self.k.inputs.len() as u32 - 1);
        self.k.params.push(ParamRef::Input(id));
        id
    }

    pub fn index(&mut self, name: &str, extent: Int) -> IndexId {
        self.k.fresh_index(name, extent)
    }

    pub fn def(&mut self, name: &str, indices: &[IndexId], dtype: DType, body: ExprId) -> DefId {
        let shape = indices.iter().map(|x| self.k.indices[x.index()].extent.clone()).collect();
        let store = indices.iter().map(|x| i(*x)).collect();
        self.store(name, indices, dtype, shape, store, body)
    }

    pub fn store(
        &mut self,
        name: &str,
        indices: &[IndexId],
        dtype: DType,
        shape: Vec<Int>,
        store: Vec<Int>,
        body: ExprId,
    ) -> DefId {
        let indices = indices.to_vec();
        let def = Def { name: name.into(), indices, dtype, shape, store, body, text: String::new() };
        self.k.defs.push(def);
        DefId(self.k.defs.len() as u32 - 1)
    }

    pub fn output(mut self, def: DefId) -> Kernel {
        let name = self.k.def(def).name.clone();
        self.k.outputs.push(Output { name, def });
        self.k
    }

    pub fn check(&mut self, check: Check) {
        self.k.checks.push(check);
    }

    pub fn load(&mut self, from: InputId, at: &[Int]) -> ExprId {
        self.load_pos(Source::Input(from), at.iter().cloned().map(Pos::At).collect(), None)
    }

    pub fn get(&mut self, from: DefId, at: &[Int]) -> ExprId {
        self.load_pos(Source::Def(from), at.iter().cloned().map(Pos::At).collect(), None)
    }

    pub fn load_pos(&mut self, from: Source, at: Vec<Pos>, outside: Option<ExprId>) -> ExprId {
        let stored = match from {
            Source::Input(x) => &self.k.input(x).dtype,
            Source::Def(x) => &self.k.def(x).dtype,
        };
        let dtype = stored.computed();
        self.k.exprs.intern(Node::Load { from, at, outside }, dtype)
    }

    pub fn op(&mut self, op: Op, args: &[ExprId]) -> ExprId {
        let dtype = op.result(&self.k.exprs.dtype(*args.last().unwrap()).clone());
        self.k.exprs.intern(Node::Op(op, args.to_vec()), dtype)
    }

    pub fn f(&mut self, v: f64) -> ExprId {
        self.k.exprs.f32(v)
    }

    pub fn int(&mut self, v: Int) -> ExprId {
        self.k.exprs.int(v)
    }

    pub fn cast(&mut self, to: DType, e: ExprId) -> ExprId {
        let dtype = to.computed();
        self.k.exprs.intern(Node::Cast(to, e), dtype)
    }

    pub fn fold(&mut self, op: FoldOp, over: &[IndexId], guard: Option<ExprId>, body: ExprId) -> ExprId {
        let dtype = match op {
            FoldOp::ArgMax | FoldOp::ArgMin => DType::Idx(self.k.indices[over[0].index()].extent.clone()),
            _ => self.k.exprs.dtype(body).clone(),
        };
        self.k.exprs.intern(Node::Fold { op, over: over.to_vec(), guard, body }, dtype)
    }
}
