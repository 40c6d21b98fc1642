//! Interned expressions. Equal expressions have equal ids, so common subexpressions are shared
//! by construction.

use std::collections::HashMap;

use super::{DType, DefId, FoldOp, IndexId, InputId, Int, Op, declare_id};

declare_id!(
    /// An expression in a kernel's [`Exprs`].
    ExprId, "e"
);

/// What a load reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// An argument.
    Input(InputId),
    /// An earlier definition.
    Def(DefId),
}

/// One position of a load.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pos {
    /// Known from indices, dims and integer scalars.
    At(Int),
    /// Data-dependent: an expression of type `idx<extent of this axis>`.
    Data(ExprId),
}

/// One expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Float constant, by bits (`f64`), of type `f32` or `f64`.
    Float(u64, DType),
    /// Truth value.
    Bool(bool),
    /// An integer over dims, indices and integer scalars, as a value of type `i32`.
    Int(Int),
    /// An element; scalars have no positions.
    Load {
        /// What.
        from: Source,
        /// Where, one per axis of the stored array.
        at: Vec<Pos>,
        /// Value where a position lies outside the array; `None`: proven or checked inside.
        outside: Option<ExprId>,
    },
    /// Elementwise operator.
    Op(Op, Vec<ExprId>),
    /// Conversion: see the reference, "Types".
    Cast(DType, ExprId),
    /// A fold over one or more indices.
    Fold {
        /// Which.
        op: FoldOp,
        /// Bound here and nowhere else.
        over: Vec<IndexId>,
        /// Elements counted; `None` is all.
        guard: Option<ExprId>,
        /// What is folded.
        body: ExprId,
    },
}

/// The arena.
#[derive(Clone, Debug, Default)]
pub struct Exprs {
    nodes: Vec<(Node, DType)>,
    ids: HashMap<(Node, DType), ExprId>,
}

impl PartialEq for Exprs {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes
    }
}

impl Exprs {
    /// The id of a node of a type; the same for equal nodes.
    pub fn intern(&mut self, node: Node, dtype: DType) -> ExprId {
        if let Some(&id) = self.ids.get(&(node.clone(), dtype.clone())) {
            return id;
        }
        let id = ExprId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 expressions"));
        self.nodes.push((node.clone(), dtype.clone()));
        self.ids.insert((node, dtype), id);
        id
    }

    /// The node behind an id.
    #[must_use]
    pub fn node(&self, id: ExprId) -> &Node {
        &self.nodes[id.index()].0
    }

    /// Its type: `F32`, `F64`, `I32`, `Bool` or `Idx(_)`.
    #[must_use]
    pub fn dtype(&self, id: ExprId) -> &DType {
        &self.nodes[id.index()].1
    }

    /// How many distinct expressions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// An `f32` constant.
    pub fn f32(&mut self, v: f64) -> ExprId {
        self.intern(Node::Float(v.to_bits(), DType::F32), DType::F32)
    }

    /// An integer value.
    pub fn int(&mut self, v: Int) -> ExprId {
        self.intern(Node::Int(v), DType::I32)
    }

    /// Whether a condition over integers holds, given their values; `None` if it depends on data, or on one without
    /// a value.
    pub fn truth(&self, id: ExprId, value: &dyn Fn(&Int) -> Option<i64>) -> Option<bool> {
        let Node::Op(op, args) = self.node(id) else {
            return if let Node::Bool(b) = self.node(id) { Some(*b) } else { None };
        };
        match (op, &args[..]) {
            (Op::Not, [a]) => self.truth(*a, value).map(|v| !v),
            (Op::And, [a, b]) => match (self.truth(*a, value), self.truth(*b, value)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            (Op::Or, [a, b]) => match (self.truth(*a, value), self.truth(*b, value)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            (_, [a, b]) => {
                let (a, b) = (value(&self.whole(*a)?)?, value(&self.whole(*b)?)?);
                match op {
                    Op::Lt => Some(a < b),
                    Op::Le => Some(a <= b),
                    Op::Gt => Some(a > b),
                    Op::Ge => Some(a >= b),
                    Op::Eq => Some(a == b),
                    Op::Ne => Some(a != b),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The integer that an expression is, if it is known without data: `abs` of one, too, which stays an operator
    /// where it is a value.
    #[must_use]
    pub fn whole(&self, id: ExprId) -> Option<Int> {
        match self.node(id) {
            Node::Int(i) => Some(i.clone()),
            Node::Op(Op::Abs, args) => {
                let inner = self.whole(*args.first()?)?;
                Some(inner.maximum(&inner.scale(-1)))
            }
            _ => None,
        }
    }

    /// The direct operands of a node, guards and data positions included, in evaluation order.
    #[must_use]
    pub fn children(&self, id: ExprId) -> Vec<ExprId> {
        match self.node(id) {
            Node::Float(..) | Node::Bool(_) | Node::Int(_) => vec![],
            Node::Load { at, outside, .. } => at
                .iter()
                .filter_map(|p| if let Pos::Data(e) = p { Some(*e) } else { None })
                .chain(*outside)
                .collect(),
            Node::Op(_, args) => args.clone(),
            Node::Cast(_, e) => vec![*e],
            Node::Fold { guard, body, .. } => guard.iter().copied().chain([*body]).collect(),
        }
    }
}
