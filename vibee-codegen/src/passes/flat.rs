//! The form between passes and scheduling: one list of definitions, each an elementwise value or
//! one fold of an elementwise value.

use std::collections::HashSet;

use vibee_spec::term::{DType, DefId, ExprId, FoldOp, IndexId, Int, Kernel, Node, Source};

use super::rewrite::loads;

/// The fold part of a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Which.
    pub op: FoldOp,
    /// Over what.
    pub over: Vec<IndexId>,
}

/// `name[free] = value`, or `name[free] = fold[over if guard](value)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// For comments and variables.
    pub name: String,
    /// The equation it comes from, as written.
    pub text: String,
    /// Type as stored.
    pub dtype: DType,
    /// Axes in storage order.
    pub free: Vec<IndexId>,
    /// `None`: elementwise.
    pub fold: Option<Fold>,
    /// A fold counts only elements where this holds; an elementwise definition is only read there.
    pub guard: Option<ExprId>,
    /// Element or folded value.
    pub value: ExprId,
    /// Nothing reads it.
    pub dead: bool,
}

impl Definition {
    /// Free and folded indices, free first.
    #[must_use]
    pub fn all_indices(&self) -> Vec<IndexId> {
        let over = self.fold.iter().flat_map(|f| f.over.iter());
        self.free.iter().chain(over).copied().collect()
    }
}

/// A kernel as flat definitions. `kernel.defs` is empty; `DefId(n)` in expressions is `defs[n]`.
#[derive(Clone, Debug)]
pub struct Program {
    /// Sizes, inputs, checks, expressions.
    pub kernel: Kernel,
    /// Definitions, each reading earlier ones only.
    pub defs: Vec<Definition>,
    /// For each output, the caller's shape when axes were merged there.
    pub outputs: Vec<Target>,
}

/// What the caller sees of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Argument name.
    pub name: String,
    /// The definition.
    pub def: DefId,
    /// The caller's shape.
    pub shape: Vec<Int>,
    /// How many definition axes each axis of the caller's shape holds.
    pub digits: Vec<usize>,
}

/// Splits a lifted kernel in definitions.
pub fn flatten(mut kernel: Kernel, targets: Vec<Target>) -> Program {
    let defs = std::mem::take(&mut kernel.defs)
        .into_iter()
        .map(|d| {
            let (fold, guard, value) = match kernel.exprs.node(d.body).clone() {
                Node::Fold { op, over, guard, body } => (Some(Fold { op, over }), guard, body),
                _ => (None, None, d.body),
            };
            Definition {
                name: d.name,
                text: d.text,
                dtype: d.dtype,
                free: d.indices,
                fold,
                guard,
                value,
                dead: false,
            }
        })
        .collect();
    Program { kernel, defs, outputs: targets }
}

impl Program {
    /// The definition behind an id.
    #[must_use]
    pub fn def(&self, id: DefId) -> &Definition {
        &self.defs[id.index()]
    }

    /// Extent of an index.
    #[must_use]
    pub fn extent(&self, i: IndexId) -> &Int {
        &self.kernel.indices[i.index()].extent
    }

    /// Extents of an array's axes.
    #[must_use]
    pub fn shape(&self, of: Source) -> Vec<Int> {
        match of {
            Source::Input(i) => self.kernel.input(i).shape.clone(),
            Source::Def(d) => self.def(d).free.iter().map(|i| self.extent(*i).clone()).collect(),
        }
    }

    /// Live definitions in order.
    pub fn live(&self) -> impl Iterator<Item = (DefId, &Definition)> {
        self.defs.iter().enumerate().filter(|(_, d)| !d.dead).map(|(n, d)| (DefId(n as u32), d))
    }

    /// Expressions evaluated by a definition.
    #[must_use]
    pub fn roots(&self, id: DefId) -> Vec<ExprId> {
        let d = self.def(id);
        d.guard.iter().copied().chain([d.value]).collect()
    }

    /// Definitions read by a definition.
    #[must_use]
    pub fn producers(&self, id: DefId) -> Vec<DefId> {
        let mut out = Vec::new();
        for root in self.roots(id) {
            for (_, from, _) in loads(&self.kernel.exprs, root) {
                if let Source::Def(p) = from
                    && !out.contains(&p)
                {
                    out.push(p);
                }
            }
        }
        out
    }

    /// Whether the caller receives this definition.
    #[must_use]
    pub fn is_output(&self, id: DefId) -> bool {
        self.outputs.iter().any(|o| o.def == id)
    }
}

/// Marks definitions that no output needs.
pub fn drop_unused(program: &mut Program) {
    let mut live: HashSet<DefId> = program.outputs.iter().map(|o| o.def).collect();
    for n in (0..program.defs.len()).rev() {
        let id = DefId(n as u32);
        if live.contains(&id) {
            live.extend(program.producers(id));
        }
    }
    for (n, d) in program.defs.iter_mut().enumerate() {
        d.dead = !live.contains(&DefId(n as u32));
    }
}
